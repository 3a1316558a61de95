//! What we owe Mews, read from the journal: notes, order, retry.

mod catalogue;
mod note;
mod teller;

pub use catalogue::catalogue;
pub use note::{age, expired, note};
pub use teller::{Interim, NotConfirmed, Teller, confirm_processing};
