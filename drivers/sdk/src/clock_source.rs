//! The one place that reads a clock in the drivers' half of the product.

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
