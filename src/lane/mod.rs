//! One task per wire: its devices take turns, one attempt at a time, a doubt before anything else.
//!
//! What is next for a command is decided by [`crate::life`]; here it is done.

mod attempt;
mod host;
mod settle;
mod slot;
mod turns;

pub(crate) use attempt::{Finished, guarded};
pub use slot::{Reopen, Slot, SlotParts};
pub use turns::{Lane, Stops};
