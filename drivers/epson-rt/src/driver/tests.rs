//! The driver against the virtual printer. What was issued is counted in its memory, never in what
//! the driver says.

mod bad_input;
mod bills;
mod days;
mod desk;
mod documents;
mod failures;
mod refusals;
mod storm;
