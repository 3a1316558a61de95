//! `nightporter demo`: the whole thing on loopback, needs nothing.

use clap::Args;

use super::context::Context;
use super::exit::Exit;
use super::runtime::{block_on, stop_asked};
use crate::demo::{DemoHotel, Verdict, show};

/// Shows the whole thing on this PC: a Mews cloud, virtual devices, the worker; needs nothing
#[derive(Debug, Args)]
pub(super) struct Demo {
    /// Keeps the hotel open after the show, with a page to send more commands
    #[arg(long)]
    stay: bool,
}

impl Demo {
    pub(super) fn run(self, context: &Context) -> Exit {
        block_on(context, self.play(context))
    }

    async fn play(self, context: &Context) -> Exit {
        let stop = stop_asked();
        let out = context.out.clone();
        let hotel = match DemoHotel::open(&context.build).await {
            Ok(hotel) => hotel,
            Err(error) => {
                out.remark(error);
                return Exit::Unavailable;
            }
        };
        out.line("A hotel on this PC, with a Mews cloud of its own and these virtual devices:");
        for device in hotel.devices() {
            out.line(format_args!("  {device}"));
        }
        let print = |text: String| out.line(text);
        let verdict = tokio::select! {
            verdict = show(&hotel, &print) => Some(verdict),
            () = stop.cancelled() => None,
        };
        let receipts = hotel.receipts().display().to_string();
        out.line(format_args!("The receipts, as pictures: {receipts}"));
        if self.stay && verdict.is_some() {
            out.line(format_args!(
                "The page, for more commands: {}",
                hotel.page()
            ));
            out.line("Ctrl+C ends it.");
            stop.cancelled().await;
        }
        hotel.close().await;
        match verdict {
            Some(Verdict::AsTold) => Exit::Done,
            Some(Verdict::Otherwise) | None => Exit::Failed,
        }
    }
}
