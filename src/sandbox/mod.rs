//! A Mews cloud on loopback, for rehearsal and for proofs.
//!
//! It speaks the wire of the Mews Connector API as its documentation states it: the operations a
//! device command worker uses, with exact paths, strict requests, the rate limit, the state
//! machine of a command, and the event socket. Faults can be switched on while it runs, and
//! everything the worker did is written down with its time, so that a checker can count.
//!
//! What it leaves to others: it knows neither the worker nor [`crate::mews`], and reads and writes
//! the wire by its own code on plain JSON values. A mistake in the client's model cannot hide in a
//! shared type. The worker never imports this module.
//!
//! The way in is [`Sandbox::start`]; a hotel's handle is [`Hotel`]; a person uses the page at `/`.

mod accept;
mod clock;
mod cloud;
mod command;
mod control;
mod device;
mod direct;
mod documents;
mod envelope;
mod faults;
mod hotel;
mod ledger;
mod limit;
mod members;
mod operations;
mod page;
mod property;
mod samples;
mod serve;
mod sockets;
mod wire;

#[cfg(test)]
mod tests;

pub use cloud::{Sandbox, SandboxOptions};
pub use command::{By, CommandState, HistoryEntry, NewCommand};
pub use device::{Device, DeviceKind};
pub use direct::{Direct, DirectAnswer, DirectSocket, Refused, Reset, Said};
pub use documents::Backlog;
pub use faults::{Fault, FaultId, FaultKind};
pub use hotel::Hotel;
pub use ledger::{RequestSeen, UpgradeSeen};
pub use limit::RetryAfter;
pub use property::{HotelOptions, ListOrder};
pub use samples::{Amount, KeyRequest};
pub use serve::{ServeError, ServeOptions, Serving, serve};
