//! What the bundle registers.

use driver_fiscal::pages;
use driver_sdk::{
    Class, Device, DriverKind, FaultPage, Links, Settings, SettingsError, Simulator, page,
};

use crate::driver::EpsonDriver;
use crate::settings::EpsonSettings;
use crate::sim::EpsonSimulator;

/// `driver = "epson-rt"`.
#[derive(Debug, Clone, Copy)]
pub struct EpsonRt;

const OWN: &[FaultPage] = &[
    page!("EPSON-ALREADY"),
    page!("EPSON-BUYER"),
    page!("EPSON-CARD"),
    page!("EPSON-CERTIFICATE"),
    page!("EPSON-CERTIFICATE-OVER"),
    page!("EPSON-CHECK-DIGIT"),
    page!("EPSON-CLOCK"),
    page!("EPSON-CLOCK-WRONG"),
    page!("EPSON-DATE"),
    page!("EPSON-DAY-CLOSED"),
    page!("EPSON-DAY-OPEN"),
    page!("EPSON-DOCUMENT-OPEN"),
    page!("EPSON-ERROR"),
    page!("EPSON-FILES"),
    page!("EPSON-JOURNAL"),
    page!("EPSON-JOURNAL-NEAR"),
    page!("EPSON-LAN"),
    page!("EPSON-LIMIT"),
    page!("EPSON-MODE"),
    page!("EPSON-NO-ANSWER"),
    page!("EPSON-NO-NUMBER"),
    page!("EPSON-NO-RECORD"),
    page!("EPSON-NOT-IN-SERVICE"),
    page!("EPSON-ORIGINAL"),
    page!("EPSON-PAPER"),
    page!("EPSON-PAPER-NEAR"),
    page!("EPSON-PAPER-OPEN"),
    page!("EPSON-REFERENCE"),
    page!("EPSON-SECOND-DEVICE"),
    page!("EPSON-SEQUENCE"),
    page!("EPSON-SERVICE"),
    page!("EPSON-SLIP"),
    page!("EPSON-STATUS"),
    page!("EPSON-TOO-LONG"),
    page!("EPSON-TRAINING"),
    page!("EPSON-UNPROVED"),
    page!("EPSON-UNSTEADY"),
    page!("EPSON-VALUE"),
    page!("EPSON-XML"),
];

static PAGES: [FaultPage; pages::PAGES.len() + OWN.len()] = pages::with(OWN);

impl DriverKind for EpsonRt {
    fn name(&self) -> &'static str {
        "epson-rt"
    }

    fn class(&self) -> Class {
        Class::FiscalMachine
    }

    fn open(&self, settings: &Settings, links: &mut Links<'_>) -> Result<Device, SettingsError> {
        let parsed = settings.parse_and_check(EpsonSettings::check)?;
        let requests = links.requests()?;
        Ok(Device::new(EpsonDriver::new(parsed, requests)))
    }

    fn advise(&self, settings: &Settings) -> Vec<SettingsError> {
        let parsed: Result<EpsonSettings, _> = settings.parse();
        parsed.map_or_else(
            |_| Vec::new(),
            |it| driver_fiscal::tables::advise(&it.vat, &it.payments),
        )
    }

    fn faults(&self) -> &'static [FaultPage] {
        &PAGES
    }

    fn simulator(&self) -> Option<&'static dyn Simulator> {
        Some(&EpsonSimulator)
    }
}
