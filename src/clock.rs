//! The worker's one clock: it counts the time a hotel PC sleeps, and a test can set it.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

/// Monotonic time that counts sleep, and the PC's own idea of the wall time.
#[derive(Clone)]
pub struct Clock(Arc<dyn Source>);

/// Where the time comes from. The second source is the simulation's.
pub trait Source: Send + Sync + 'static {
    /// Since an arbitrary start; goes on while the PC sleeps.
    fn monotonic(&self) -> Duration;
    /// The PC's wall time; may be wrong.
    fn pc_time(&self) -> Timestamp;
}

impl std::fmt::Debug for Clock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Clock")
    }
}

impl Clock {
    /// The PC's clocks.
    #[must_use]
    pub fn system() -> Self {
        Self::from_source(SystemClock)
    }

    /// Another source of time.
    pub fn from_source(source: impl Source) -> Self {
        Self(Arc::new(source))
    }

    /// Tokio's clock, which a paused test moves, starting at a wall time.
    #[must_use]
    pub fn following_tokio(start: Timestamp) -> Self {
        Self::from_source(TokioClock {
            origin: driver_sdk::clock::now(),
            start,
        })
    }

    /// Since an arbitrary start; goes on while the PC sleeps.
    #[must_use]
    pub fn monotonic(&self) -> Duration {
        self.0.monotonic()
    }

    /// The PC's wall time; may be wrong.
    #[must_use]
    pub fn pc_time(&self) -> Timestamp {
        self.0.pc_time()
    }
}

struct SystemClock;

impl Source for SystemClock {
    fn monotonic(&self) -> Duration {
        since_boot()
    }

    fn pc_time(&self) -> Timestamp {
        #[expect(
            clippy::disallowed_methods,
            reason = "this is the one clock of the worker"
        )]
        Timestamp::now()
    }
}

#[cfg(target_os = "linux")]
fn since_boot() -> Duration {
    // CLOCK_BOOTTIME goes on during suspend; CLOCK_MONOTONIC, behind Instant, does not.
    let time = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or_default();
    Duration::new(seconds, u32::try_from(time.tv_nsec).unwrap_or_default())
}

#[cfg(not(target_os = "linux"))]
fn since_boot() -> Duration {
    // On Windows the performance counter behind Instant goes on during sleep.
    static START: std::sync::OnceLock<std::time::Instant> = std::sync::OnceLock::new();
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one clock of the worker"
    )]
    let now = std::time::Instant::now();
    now.duration_since(*START.get_or_init(|| now))
}

struct TokioClock {
    origin: tokio::time::Instant,
    start: Timestamp,
}

impl Source for TokioClock {
    fn monotonic(&self) -> Duration {
        driver_sdk::clock::now() - self.origin
    }

    fn pc_time(&self) -> Timestamp {
        self.start + self.monotonic()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_system_clock_moves_forward() {
        let clock = Clock::system();
        let before = clock.monotonic();
        while clock.monotonic() == before {}
        assert!(clock.monotonic() > before);
    }

    #[tokio::test(start_paused = true)]
    async fn a_test_decides_the_time() {
        let clock = Clock::following_tokio(Timestamp::UNIX_EPOCH);
        tokio::time::advance(Duration::from_secs(7)).await;
        assert_eq!(clock.monotonic(), Duration::from_secs(7));
        assert_eq!(clock.pc_time().as_second(), 7);
    }
}
