//! What the worker remembers: SQLite on its own thread. The only code that knows SQL.
//!
//! A row goes Accepted → Committed → Settled → Reported ([`crate::life::Stage`]); shelf and audit
//! lines are written in the same transactions. Payloads are files beside the journal.

mod attempt;
mod audit;
mod core;
mod handle;
mod lock;
mod open;
mod outbox;
mod payload;
mod purge;
mod read;
mod reader;
mod rows;
mod shelf;
mod write;

pub use attempt::{Gate, Refusal};
pub use audit::{AuditBreak, AuditCheck, AuditLine};
pub use core::{Core, Disk, Durability, JournalError};
pub use handle::Journal;
pub use lock::worker_runs;
pub use open::{Found, OpenError, Options};
pub use payload::Payloads;
pub use read::Counts;
pub use reader::{Reader, StoryStep};
pub use rows::{NewCommand, PmsState, Row};
pub use write::Accepted;

#[cfg(test)]
mod tests;
