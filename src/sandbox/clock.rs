//! The cloud's clock: real time at the start, moved on by the runtime's timer, plus an offset a
//! test can set. It is not the worker's clock, which must find the offset out by itself; and under
//! a paused runtime it stands still and jumps with the timer.

use jiff::{SignedDuration, Timestamp};
use std::time::{Duration, SystemTime};
use tokio::time::Instant;

/// The time in the cloud.
#[derive(Debug, Clone)]
pub(super) struct Clock {
    base: Timestamp,
    started: Instant,
    offset: SignedDuration,
}

#[expect(
    clippy::disallowed_methods,
    reason = "the cloud has a clock of its own; the worker's must not depend on it"
)]
impl Clock {
    /// Starts at the PC's time plus `offset`.
    pub(super) fn start(offset: SignedDuration) -> Self {
        let base = Timestamp::try_from(SystemTime::now()).unwrap_or(Timestamp::UNIX_EPOCH);
        Self {
            base,
            started: Instant::now(),
            offset,
        }
    }

    /// The instant now, for distances.
    pub(super) fn instant() -> Instant {
        Instant::now()
    }

    /// The cloud's UTC time now.
    pub(super) fn utc(&self) -> Timestamp {
        self.base
            .checked_add(Self::instant().duration_since(self.started))
            .and_then(|now| now.checked_add(self.offset))
            .unwrap_or(self.base)
    }

    /// Time since the cloud was started.
    pub(super) fn since_start(&self, at: Instant) -> Duration {
        at.saturating_duration_since(self.started)
    }

    /// Changes how far the cloud's clock is from the PC's.
    pub(super) fn set_offset(&mut self, offset: SignedDuration) {
        self.offset = offset;
    }
}

/// An instant as the API writes it: UTC, whole seconds.
pub(super) fn wire(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// An instant as an HTTP header writes it.
pub(super) fn http(at: Timestamp) -> String {
    at.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}
