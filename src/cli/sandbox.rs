//! `nightporter sandbox`: the Mews cloud sandbox alone.

use std::net::SocketAddr;

use clap::Args;
use jiff::SignedDuration;
use jiff::tz::TimeZone;

use super::context::Context;
use super::exit::Exit;
use super::out::Out;
use super::runtime::{block_on, stop_asked};
use crate::sandbox::{DeviceKind, ServeOptions, Serving, serve};

/// Starts a Mews cloud on this PC, for rehearsals: commands and faults from a page
///
/// It speaks the wire of Mews, knows one hotel, and forgets everything when it ends.
#[derive(Debug, Args)]
pub(super) struct Sandbox {
    /// Where it listens, on this PC only; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8720")]
    listen: SocketAddr,

    /// A device of the hotel; may be repeated [default: one of each type]
    #[arg(long, value_name = "TYPE=NAME", value_parser = device)]
    device: Vec<(DeviceKind, String)>,

    /// The hotel's time zone
    #[arg(long, value_name = "ZONE", value_parser = zone)]
    timezone: Option<String>,

    /// How far the cloud's clock is ahead of this PC's, in seconds
    #[arg(
        long,
        value_name = "SECONDS",
        default_value_t = 0,
        allow_negative_numbers = true
    )]
    clock_ahead_s: i64,
}

const TYPES: [&str; 5] = [
    "Printer",
    "PaymentTerminal",
    "KeyCutter",
    "FiscalMachine",
    "PassportScanner",
];

fn device(text: &str) -> Result<(DeviceKind, String), String> {
    let fix = || format!("write it as TYPE=NAME; types: {}", TYPES.join(", "));
    let (kind, name) = text.split_once('=').ok_or_else(fix)?;
    if !TYPES.contains(&kind) || name.trim().is_empty() {
        return Err(fix());
    }
    Ok((DeviceKind::from_name(kind), name.trim().to_owned()))
}

fn zone(text: &str) -> Result<String, String> {
    match TimeZone::get(text) {
        Ok(_) => Ok(text.to_owned()),
        Err(_) => Err("no such time zone; write it as Europe/Prague".to_owned()),
    }
}

impl Sandbox {
    pub(super) fn run(self, context: &Context) -> Exit {
        let options = ServeOptions {
            listen: self.listen,
            devices: self.device,
            time_zone: self.timezone,
            clock_offset: SignedDuration::from_secs(self.clock_ahead_s),
        };
        block_on(context, serve_until_asked(options, context.out.clone()))
    }
}

async fn serve_until_asked(options: ServeOptions, out: Out) -> Exit {
    let stop = stop_asked();
    match serve(options).await {
        Ok(serving) => {
            introduce(&serving, &out);
            serving.run(stop).await;
            Exit::Done
        }
        Err(error) => {
            out.remark(format_args!("{error}: {}", error.cause));
            Exit::Unavailable
        }
    }
}

/// Everything a worker's config needs. These tokens open nothing but this sandbox.
fn introduce(serving: &Serving, out: &Out) {
    let sandbox = &serving.sandbox;
    out.line(format_args!(
        "The page, for commands and faults: {}",
        serving.page
    ));
    out.line("For the config of a worker:");
    out.line("  [mews]");
    out.line(format_args!(
        "  platform_address = \"{}\"",
        sandbox.platform_address()
    ));
    out.line(format_args!(
        "  websocket_address = \"{}\"",
        sandbox.websocket_address()
    ));
    out.line("For its environment:");
    out.line(format_args!(
        "  NIGHTPORTER_CLIENT_TOKEN={}",
        sandbox.client_token()
    ));
    out.line(format_args!(
        "  NIGHTPORTER_ACCESS_TOKEN={}",
        sandbox.hotel().access_token()
    ));
    out.line("Ctrl+C ends it.");
}
