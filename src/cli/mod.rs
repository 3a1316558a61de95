//! The command line: one file per verb. It parses, calls and prints; it decides nothing.
//!
//! A verb that does not work yet is not here, so `--help` tells the truth.

mod arguments;
mod context;
mod end_signal;
mod exit;
mod out;
mod runtime;
mod times;
mod worker;

mod audit;
mod check;
mod demo;
mod doctor;
mod events;
mod explain;
mod helper;
mod order;
mod queue;
mod run;
mod sandbox;
mod show;
mod simulate;
mod status;
mod test;
mod version;

pub use arguments::main;
pub use exit::Exit;

#[cfg(test)]
mod tests;
