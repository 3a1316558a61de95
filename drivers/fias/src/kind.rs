//! How the driver is registered.

use driver_sdk::{
    Class, Device, DriverKind, FaultPage, Links, Settings, SettingsError, Simulator, page,
};

use driver_keys::faults;

use crate::driver::KeyEncoder;
use crate::session::LockLink;
use crate::settings::Config;
use crate::sim::FiasSimulator;

const OWN: [FaultPage; 17] = [
    page!("FIAS-ANSWER-OWED"),
    page!("FIAS-BUSY"),
    page!("FIAS-CANNOT"),
    page!("FIAS-DENIED"),
    page!("FIAS-ENDED"),
    page!("FIAS-FIELD-MISSING"),
    page!("FIAS-LINK-DOWN"),
    page!("FIAS-NO-ANSWER"),
    page!("FIAS-NO-KEYS"),
    page!("FIAS-NO-READ"),
    page!("FIAS-NO-RESPONSE"),
    page!("FIAS-NOT-CONFIRMED"),
    page!("FIAS-NOT-STARTED"),
    page!("FIAS-NOT-TAKEN"),
    page!("FIAS-SUITE-TOO-LONG"),
    page!("FIAS-TRY-AGAIN"),
    page!("KEY-PRESENT-ANY-CARD"),
];

/// The pages of this driver's codes.
pub static PAGES: [FaultPage; faults::PAGES.len() + OWN.len()] = faults::with_own(&OWN);

/// `driver = "fias"`.
#[derive(Debug, Clone, Copy)]
pub struct Fias;

impl DriverKind for Fias {
    fn name(&self) -> &'static str {
        "fias"
    }

    fn class(&self) -> Class {
        Class::KeyCutter
    }

    fn open(&self, settings: &Settings, links: &mut Links<'_>) -> Result<Device, SettingsError> {
        let config = Config::read(settings)?;
        let serial = links.url()?.starts_with("serial:");
        let conversation = config.conversation(serial);
        let shared = links.session(&conversation.clone(), || LockLink::new(conversation))?;
        Ok(Device::new(KeyEncoder::new(config, shared)))
    }

    fn faults(&self) -> &'static [FaultPage] {
        &PAGES
    }

    fn simulator(&self) -> Option<&'static dyn Simulator> {
        Some(&FiasSimulator)
    }
}
