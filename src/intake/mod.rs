//! From an announcement to a row: which commands are ours, fetched, kept, accepted.
//!
//! Announcements are hints and may repeat; what `getAllByIds` and `getAllActive` say is the
//! truth. Nothing here decides what happens to a command next: that is [`crate::life`].

mod admit;
mod bill;
mod desk;
mod in_order;
mod lost;
mod pace;

pub use admit::{Admitted, Unkept, admit, keep_payload};
pub use bill::{Incomplete, complete_bill};
pub use desk::{Intake, Outside};
