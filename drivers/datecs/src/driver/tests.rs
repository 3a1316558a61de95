//! The driver against the virtual printer. What was issued is counted in its memory, never in what
//! the driver says.

mod desk;
mod documents;
mod failures;
mod golden;
mod storm;
