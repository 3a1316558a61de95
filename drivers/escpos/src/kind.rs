//! The kind as it is registered.

use std::time::Duration;

use driver_sdk::{
    Class, Device, DriverKind, FaultPage, HelperVerb, Links, Resync, Settings, SettingsError,
    Simulator, page,
};

use crate::driver::{ReceiptPrinter, Wire};
use crate::render::{Renderer, helper};
use crate::settings::Config;
use crate::sim::ReceiptPrinters;

/// ESC/POS receipt printers over serial or TCP.
#[derive(Debug, Clone, Copy, Default)]
pub struct EscPos;

const FAULTS: &[FaultPage] = &[
    page!("ESCPOS-ACCEPTED"),
    page!("ESCPOS-ASKED"),
    page!("ESCPOS-BLANK"),
    page!("ESCPOS-CHECK"),
    page!("ESCPOS-CHECK-HELD"),
    page!("ESCPOS-COPIES"),
    page!("ESCPOS-COVER"),
    page!("ESCPOS-CUTTER"),
    page!("ESCPOS-DAMAGED"),
    page!("ESCPOS-EMPTY"),
    page!("ESCPOS-ENDED"),
    page!("ESCPOS-ERROR"),
    page!("ESCPOS-FEEDING"),
    page!("ESCPOS-HELD"),
    page!("ESCPOS-HOT"),
    page!("ESCPOS-JAM"),
    page!("ESCPOS-LOCKED"),
    page!("ESCPOS-LOST"),
    page!("ESCPOS-NEAR-END"),
    page!("ESCPOS-NO-PAGES"),
    page!("ESCPOS-NOT-TEXT"),
    page!("ESCPOS-OFFLINE"),
    page!("ESCPOS-PAGES"),
    page!("ESCPOS-PAPER"),
    page!("ESCPOS-PART"),
    page!("ESCPOS-PRINTED"),
    page!("ESCPOS-RAW-REPEAT"),
    page!("ESCPOS-RENDER-MEMORY"),
    page!("ESCPOS-RENDER-TIME"),
    page!("ESCPOS-RENDERER"),
    page!("ESCPOS-SENT"),
    page!("ESCPOS-SILENT"),
    page!("ESCPOS-STALLED"),
    page!("ESCPOS-STOPPED"),
    page!("ESCPOS-TOO-LARGE"),
    page!("ESCPOS-TOO-LONG"),
    page!("ESCPOS-TYPE"),
    page!("ESCPOS-UNASKED"),
    page!("ESCPOS-UNPROVED"),
    page!("ESCPOS-WAITS"),
    page!("ESCPOS-WRONG-KIND"),
];

const HELPERS: &[HelperVerb] = &[HelperVerb {
    name: "render",
    run: helper,
}];

impl DriverKind for EscPos {
    fn name(&self) -> &'static str {
        "escpos"
    }

    fn class(&self) -> Class {
        Class::Printer
    }

    fn open(&self, settings: &Settings, links: &mut Links<'_>) -> Result<Device, SettingsError> {
        let config = Config::parse(settings)?;
        let wire = Wire::of(links.url()?);
        let renderer = Renderer::of_this_binary().map_err(|cause| {
            SettingsError::new(format!("this program cannot find itself: {cause}"))
        })?;
        // Late status bytes are told apart by their questions; silence brings the rest in step.
        let link = links.stream(Resync::Silence(Duration::from_millis(200)))?;
        Ok(Device::new(ReceiptPrinter::new(
            link, config, renderer, wire,
        )))
    }

    fn faults(&self) -> &'static [FaultPage] {
        FAULTS
    }

    fn helpers(&self) -> &'static [HelperVerb] {
        HELPERS
    }

    fn simulator(&self) -> Option<&'static dyn Simulator> {
        Some(&ReceiptPrinters)
    }
}

#[cfg(test)]
mod tests;
