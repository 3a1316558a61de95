//! The receipt printer in the list of things that can be simulated.

use std::path::PathBuf;
use std::sync::{Arc, LazyLock};

use driver_sdk::{Simulator, Switch, VirtualDevice};

use super::device::VirtualPrinter;
use super::options::{OPTIONS, Options};
use super::switches::SWITCHES;

/// Properties first, then faults.
static ALL: LazyLock<Vec<Switch>> = LazyLock::new(|| [OPTIONS, SWITCHES].concat());

/// Makes virtual receipt printers.
#[derive(Debug, Clone, Copy)]
pub struct ReceiptPrinters;

impl Simulator for ReceiptPrinters {
    fn summary(&self) -> &'static str {
        "ESC/POS receipt printer; each receipt becomes a PNG"
    }

    fn switches(&self) -> &'static [Switch] {
        &ALL
    }

    fn build(
        &self,
        folder: PathBuf,
        switches: &[(String, String)],
    ) -> Result<Arc<dyn VirtualDevice>, String> {
        let is_option = |name: &str| OPTIONS.iter().any(|option| option.name == name);
        std::fs::create_dir_all(&folder)
            .map_err(|error| format!("cannot make the folder {}: {error}", folder.display()))?;
        let mut options = Options {
            folder: Some(folder),
            ..Options::default()
        };
        for (name, value) in switches.iter().filter(|(name, _)| is_option(name)) {
            options.set(name, value)?;
        }
        let printer = VirtualPrinter::new(options);
        for (name, value) in switches.iter().filter(|(name, _)| !is_option(name)) {
            printer.switch(name, value)?;
        }
        Ok(Arc::new(printer))
    }
}
