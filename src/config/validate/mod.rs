//! From the shape of the file to settings: everything that can be known without a wire.

mod device;
mod local;
mod mews;
mod property;

pub(super) use device::devices;
pub(super) use local::{admin, journal};
pub(super) use mews::mews;
pub(super) use property::properties;

use std::path::{Path, PathBuf};

use super::build::Build;
use super::vault::Vault;

/// What a file is judged by, besides itself.
#[derive(Clone, Copy)]
pub(super) struct Surroundings<'a> {
    /// The drivers there are.
    pub build: &'a Build,
    /// Environment and disk.
    pub vault: &'a dyn Vault,
    /// The folder of the config file: relative paths start here, because a service's working
    /// folder is anybody's guess.
    pub folder: &'a Path,
}

impl Surroundings<'_> {
    fn path(&self, text: &str) -> PathBuf {
        self.folder.join(text)
    }
}
