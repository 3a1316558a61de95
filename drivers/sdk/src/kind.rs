//! What a driver registers: its name, how it is opened, its pages, helpers and simulator.

use crate::driver::Device;
use crate::fault::FaultPage;
use crate::hub::Links;
use crate::settings::{Settings, SettingsError};
use crate::sim::Simulator;
use crate::vocabulary::Class;

/// One kind of device this build can drive. Registered in the bundle's const slice.
pub trait DriverKind: Sync {
    /// The name in the config: `driver = "…"`.
    fn name(&self) -> &'static str;

    /// The class of the devices it drives.
    fn class(&self) -> Class;

    /// Parses and validates. Touches no wire, binds no port, starts no task: `check` works with
    /// every device switched off.
    ///
    /// # Errors
    /// What is wrong in the settings or the link, with its place.
    fn open(&self, settings: &Settings, links: &mut Links<'_>) -> Result<Device, SettingsError>;

    /// What a person should know of settings that are no error, but hardly meant so: warnings of
    /// `check`. Asked only about settings that [`open`](Self::open) takes.
    fn advise(&self, settings: &Settings) -> Vec<SettingsError> {
        let _ = settings;
        Vec::new()
    }

    /// The pages of its codes.
    fn faults(&self) -> &'static [FaultPage] {
        &[]
    }

    /// Work it does in a child of our own binary: `nightporter helper NAME`.
    fn helpers(&self) -> &'static [HelperVerb] {
        &[]
    }

    /// Its virtual device.
    fn simulator(&self) -> Option<&'static dyn Simulator> {
        None
    }
}

/// Work done in a child process of our own binary, with limits of its own.
#[derive(Debug, Clone, Copy)]
pub struct HelperVerb {
    /// The name after `nightporter helper`.
    pub name: &'static str,
    /// Reads its job from standard input, writes its result to standard output, returns the exit
    /// code.
    pub run: fn() -> u8,
}
