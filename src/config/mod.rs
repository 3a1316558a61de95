//! The config file: typed settings, and errors that carry `file:line:column`.
//!
//! Decides what the file means and whether the worker may start with it. It dials no device, binds
//! no port and asks nobody: a file can be checked with every device switched off. What a driver's
//! settings mean is the driver's business: [`Build`] asks it, and puts its answer in its place.
//!
//! In reading order: [`Source`] and [`Finding`] (what is said to a person), `file` (the shape of
//! the file, nothing decided), `validate` (from that shape to [`Config`]), [`Vault`] (where
//! secrets come from), [`load`] (all of it together), [`places`] (where the file is).

mod build;
mod file;
mod finding;
mod load;
mod settings;
mod validate;
mod vault;

pub mod places;

pub use build::Build;
pub use finding::{Finding, Place, Severity, Source};
pub use load::{LoadError, Loaded, load, load_journal, parse};
pub use settings::{
    Admin, Config, Device, Journal, Mews, MewsDevice, Property, PropertyName, RepeatInDoubt,
};
pub use vault::{StoredSecret, ThisPc, Vault};

pub(crate) use finding::nearest;

#[cfg(test)]
mod tests;
