//! What all fiscal drivers share: from a hotel bill to the lines of a fiscal document, and from a
//! device's last document to a verdict.
//!
//! Everything here is pure. [`mapping::document`] turns a bill into a [`document::Document`] whose
//! sums agree to the cent, or says why it must not be issued. [`verdict::judge`] compares what the
//! device said before with what it says now. Bytes, XML and waiting are the drivers'.

pub mod address;
pub mod audit;
pub mod class;
pub mod day;
pub mod document;
pub mod mapping;
pub mod money;
pub mod note;
pub mod pages;
pub mod payload;
pub mod pending;
#[cfg(feature = "rehearsal")]
pub mod rehearsal;
#[cfg(feature = "rehearsal")]
pub mod sample;
pub mod tables;
pub mod text;
pub mod verdict;
pub mod virtual_printer;
