//! Where the config file, the journal and other files of this PC are when nobody says so.

use std::path::{Path, PathBuf};

use super::vault::Vault;

/// The file's name, everywhere.
pub const FILE_NAME: &str = "nightporter.toml";

/// The config file: the one that is named, else `./nightporter.toml`, else the system's.
///
/// # Errors
/// The places that were looked at, if there is no file at any of them.
pub fn config_file(named: Option<&Path>, vault: &dyn Vault) -> Result<PathBuf, NoConfigFile> {
    if let Some(path) = named {
        return Ok(path.to_owned());
    }
    let places = [
        PathBuf::from(".").join(FILE_NAME),
        system_folder(vault).join(FILE_NAME),
    ];
    match places.iter().find(|path| path.is_file()) {
        Some(found) => Ok(found.clone()),
        None => Err(NoConfigFile {
            looked_at: places.to_vec(),
        }),
    }
}

/// There is no config file at the default places.
#[derive(Debug, thiserror::Error)]
#[error(
    "no config file: neither {} exists; write one, or name it with --config PATH",
    list(looked_at)
)]
pub struct NoConfigFile {
    /// The places, in the order they were tried.
    pub looked_at: Vec<PathBuf>,
}

fn list(paths: &[PathBuf]) -> String {
    let paths: Vec<String> = paths
        .iter()
        .map(|path| path.display().to_string())
        .collect();
    paths.join(" nor ")
}

/// Where a service finds its config.
#[cfg(not(windows))]
#[must_use]
pub fn system_folder(_vault: &dyn Vault) -> PathBuf {
    PathBuf::from("/etc/nightporter")
}

/// Where a service finds its config.
#[cfg(windows)]
#[must_use]
pub fn system_folder(vault: &dyn Vault) -> PathBuf {
    // Windows can move the folder to another drive; the variable says where it is.
    let base = vault
        .variable("ProgramData")
        .unwrap_or_else(|| r"C:\ProgramData".to_owned());
    PathBuf::from(base).join("Nightporter")
}

/// The folder that survives updates and belongs to the service alone: the place of the journal.
#[must_use]
pub fn data_folder(vault: &dyn Vault) -> PathBuf {
    if cfg!(windows) {
        system_folder(vault)
    } else {
        PathBuf::from("/var/lib/nightporter")
    }
}
