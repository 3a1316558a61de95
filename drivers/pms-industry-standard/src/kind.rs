//! How the driver is registered.

use driver_sdk::{
    Class, Device, DriverKind, FaultPage, Links, Settings, SettingsError, Simulator, page,
};

use driver_keys::faults;

use crate::driver::KeyEncoder;
use crate::settings::Config;
use crate::sim::PmsIndustryStandardSimulator;

const OWN: [FaultPage; 2] = [page!("KEY-PROFILE-UNKNOWN"), page!("KEY-PRESENT-ANY-CARD")];

/// The pages of this driver's codes.
pub static PAGES: [FaultPage; faults::PAGES.len() + OWN.len()] = faults::with_own(&OWN);

/// `driver = "pms-industry-standard"`.
#[derive(Debug, Clone, Copy)]
pub struct PmsIndustryStandard;

impl DriverKind for PmsIndustryStandard {
    fn name(&self) -> &'static str {
        "pms-industry-standard"
    }

    fn class(&self) -> Class {
        Class::KeyCutter
    }

    fn open(&self, settings: &Settings, links: &mut Links<'_>) -> Result<Device, SettingsError> {
        let config = Config::read(settings)?;
        let serial = links.url()?.starts_with("serial:");
        let link = links.stream(config.resync(serial))?;
        Ok(Device::new(KeyEncoder::new(config, link, serial)))
    }

    fn faults(&self) -> &'static [FaultPage] {
        &PAGES
    }

    fn simulator(&self) -> Option<&'static dyn Simulator> {
        Some(&PmsIndustryStandardSimulator)
    }
}
