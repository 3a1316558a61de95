//! The loopback interface of a running worker: what it shows, and what a person may order.
//!
//! It decides nothing: [`crate::supervise::Worker`] does what is ordered, [`Status`] shows what
//! board, journal and hotels say. Only this PC can connect; whoever calls must hold the token
//! that lies beside the journal, readable by the worker's own user; a page of a browser must have
//! come from here (Host and Origin are checked). `/health` and `/ready` tell nothing of guests and
//! need no token, so that a watcher needs none.

mod client;
mod door;
mod event;
mod guard;
mod ready;
mod serve;
mod status;

#[cfg(test)]
mod tests;

pub use client::{CallError, Client, NoWorker};
pub use door::{Door, door_file};
pub use event::Heard;
pub use ready::{Readiness, WRONG_CLOCK};
pub use serve::{Open, OpenError, TestAnswer, open};
pub use status::{
    BudgetStatus, DeviceStatus, DoubtStatus, JournalStatus, PropertyStatus, Status, Tokens,
};
