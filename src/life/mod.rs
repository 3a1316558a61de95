//! Decides what happens to one command next. Pure: an entry and the time in, a [`Step`] out.
//! Doing it is [`crate::lane`] and [`crate::report`]; remembering it is [`crate::journal`].

mod class;
mod decide;
mod entry;
mod outcome;

pub use class::Rules;
pub use decide::{Ended, Next, Step, after, next};
pub use entry::{Bookmark, Entry, Said, Stage};
pub use outcome::{FinalState, Outcome, OutcomeKind};

#[cfg(test)]
mod tests;
