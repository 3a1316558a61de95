//! Epson RT fiscal printers (Italy: FP-81 II, FP-90 III, intelligent models) over FPMate: XML in
//! one HTTP POST, fiscal only with a new number.

pub mod answer;
pub mod codes;
pub mod customer;
pub mod driver;
mod kind;
pub mod ready;
pub mod receipt;
pub mod settings;
pub mod sim;
pub mod status;
pub mod xml;

pub use kind::EpsonRt;

#[cfg(test)]
mod golden;
