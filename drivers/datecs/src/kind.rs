//! What the bundle registers.

use driver_fiscal::pages;
use driver_sdk::{
    Class, Device, DriverKind, FaultPage, Links, Resync, Settings, SettingsError, Simulator, page,
};

use crate::driver::DatecsDriver;
use crate::settings::DatecsSettings;
use crate::sim::DatecsSimulator;

/// `driver = "datecs"`.
#[derive(Debug, Clone, Copy)]
pub struct Datecs;

const OWN: &[FaultPage] = &[
    page!("DATECS-BLOCKED"),
    page!("DATECS-CARD"),
    page!("DATECS-CLOCK"),
    page!("DATECS-CLOCK-UNSET"),
    page!("DATECS-COVER"),
    page!("DATECS-DOCUMENT-OPEN"),
    page!("DATECS-ERROR"),
    page!("DATECS-FORBIDDEN"),
    page!("DATECS-GARBLED"),
    page!("DATECS-HEAD-HOT"),
    page!("DATECS-JOURNAL-FULL"),
    page!("DATECS-JOURNAL-NEAR"),
    page!("DATECS-MECHANISM"),
    page!("DATECS-MEMORY"),
    page!("DATECS-MEMORY-NEAR"),
    page!("DATECS-MODE"),
    page!("DATECS-NAK"),
    page!("DATECS-NEGATIVE"),
    page!("DATECS-NO-NUMBER"),
    page!("DATECS-NO-Z"),
    page!("DATECS-NOT-FISCAL"),
    page!("DATECS-NOT-OPEN"),
    page!("DATECS-PAPER"),
    page!("DATECS-PAPER-NEAR"),
    page!("DATECS-PASSWORD"),
    page!("DATECS-PAYMENT-ORDER"),
    page!("DATECS-REFUSED"),
    page!("DATECS-RESET"),
    page!("DATECS-STATUS"),
    page!("DATECS-SUM"),
    page!("DATECS-SYNTAX"),
    page!("DATECS-TAX-BUSY"),
    page!("DATECS-TIMEOUT"),
    page!("DATECS-TOO-LONG"),
    page!("DATECS-TOTAL"),
    page!("DATECS-UNP"),
    page!("DATECS-UNSTEADY"),
    page!("DATECS-Z-NEEDED"),
];

static PAGES: [FaultPage; pages::PAGES.len() + OWN.len()] = pages::with(OWN);

impl DriverKind for Datecs {
    fn name(&self) -> &'static str {
        "datecs"
    }

    fn class(&self) -> Class {
        Class::FiscalMachine
    }

    fn open(&self, settings: &Settings, links: &mut Links<'_>) -> Result<Device, SettingsError> {
        let parsed = settings.parse_and_check(DatecsSettings::check)?;
        // Answers carry the number of their question; the driver drops what is not its own.
        let link = links.stream(Resync::ById)?;
        Ok(Device::new(DatecsDriver::new(parsed, link)))
    }

    fn advise(&self, settings: &Settings) -> Vec<SettingsError> {
        let parsed: Result<DatecsSettings, _> = settings.parse();
        parsed.map_or_else(
            |_| Vec::new(),
            |it| driver_fiscal::tables::advise(&it.vat, &it.payments),
        )
    }

    fn faults(&self) -> &'static [FaultPage] {
        &PAGES
    }

    fn simulator(&self) -> Option<&'static dyn Simulator> {
        Some(&DatecsSimulator)
    }
}
