//! `nightporter check`: reads the config and opens nothing.

use clap::Args;

use super::context::Context;
use super::exit::Exit;
use crate::config::{Config, Device, Loaded};

/// Reads the config, opens nothing, and tells every error at once
#[derive(Debug, Args)]
pub(super) struct Check {}

impl Check {
    pub(super) fn run(self, context: &Context) -> Exit {
        let Loaded { config, warnings } = match context.load() {
            Ok(loaded) => loaded,
            Err(exit) => return exit,
        };
        let verdict = match warnings.len() {
            0 => "good".to_owned(),
            1 => "good, with 1 warning".to_owned(),
            several => format!("good, with {several} warnings"),
        };
        context
            .out
            .line(format_args!("{}: {verdict}", config.source.name()));
        for line in summary(&config) {
            context.out.line(format_args!("  {line}"));
        }
        Exit::Done
    }
}

fn summary(config: &Config) -> Vec<String> {
    let mews = &config.mews;
    let mut lines = vec![format!(
        "mews      {} and {}",
        mews.platform, mews.websocket
    )];
    for property in &config.properties {
        let zone = property.timezone.as_ref().and_then(|zone| zone.iana_name());
        let zone = zone.unwrap_or("time zone as Mews says");
        lines.push(format!("property  {}: {zone}", property.name));
    }
    lines.extend(config.devices.iter().map(device));
    lines.push(format!("journal   {}", config.journal.path.display()));
    lines.push(format!("admin     {}", config.admin.listen));
    lines
}

fn device(device: &Device) -> String {
    let Device {
        name,
        mews,
        property,
        driver,
        link,
        ..
    } = device;
    format!("device    {name}: {driver} at {link}, is \"{mews}\" of {property} in Mews")
}
