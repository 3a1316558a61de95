//! Bytes to the printer and back. Pure: no wire, no clock.
//!
//! Source of the layouts: Epson's public ESC/POS command reference (the commands are named in each
//! item) and what independent encoders agree on.

pub mod command;
mod reply;
mod status;

pub use reply::{Replies, Reply};
pub use status::{AutomaticStatus, Condition, RealTime, RealTimeStatus};

#[cfg(test)]
mod tests;
