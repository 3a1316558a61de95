//! What we owe Mews, read from the journal: notes, order, retry.

mod catalogue;
mod finals;
mod interim;
mod note;
mod processing;
mod teller;

pub use catalogue::catalogue;
pub use interim::Interim;
pub use note::{age, expired, note};
pub use processing::{NotConfirmed, confirm_processing};
pub use teller::Teller;
