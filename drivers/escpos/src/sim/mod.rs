//! A virtual ESC/POS receipt printer: the thing on the desk, without the desk.
//!
//! It understands the bytes by its own `parser`, which shares nothing with the driver's
//! encoder, and keeps the truth a host may never hear: what is on paper ([`Receipt`]), whether it
//! was cut, how often the drawer opened. [`VirtualPrinter`] holds conversations, one at a time, and
//! stays the same printer between them. Faults are switched on and off at any time by name
//! ([`SWITCHES`]). Time is tokio's, so a test with a paused clock prints metres in no time.
//!
//! Source of the protocol facts: the ESC/POS command reference and what independent encoders agree
//! on. Where printers differ, [`Options`] says which one this is.

mod answers;
mod codepage;
mod device;
mod font;
mod machine;
mod modes;
mod motor;
mod options;
mod paper;
mod parser;
mod realtime;
mod simulator;
mod switches;
#[cfg(test)]
mod tests;

pub use device::VirtualPrinter;
pub use options::{OPTIONS, Options, Second};
pub use paper::{Ending, Receipt};
pub use simulator::ReceiptPrinters;
pub use switches::SWITCHES;
