//! The one place that reads a clock in the drivers' half of the product.

use jiff::Timestamp;
use tokio::time::Instant;

/// Now, for measuring silence and pauses. Follows tokio's clock, so a paused test decides it.
#[must_use]
pub fn now() -> Instant {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one clock drivers may ask"
    )]
    Instant::now()
}

/// The PC's wall clock, for stamps in records of a conversation that belongs to no job. Whatever
/// decides anything uses the job's clock, which is the cloud's.
#[must_use]
pub fn wall() -> Timestamp {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one clock drivers may ask"
    )]
    Timestamp::now()
}
