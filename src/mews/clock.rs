//! The cloud's time, learned from its answers and carried on by a clock that counts sleep.
//!
//! Ages of commands are measured with it, so a wrong PC clock changes nothing. Until an answer has
//! been seen, the time is unknown and says so.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tracing::warn;

#[cfg(test)]
mod tests;

/// Time since a fixed moment of this boot, sleep included; never goes back.
pub type Monotonic = Arc<dyn Fn() -> Duration + Send + Sync>;

/// A difference of Date headers that one odd answer may not cause.
const JUMP: Duration = Duration::from_secs(5);
/// So many answers in a row must agree before a jump is believed.
const WITNESSES: u32 = 3;
/// Headers and `NowUtc` have whole seconds.
const RESOLUTION: SignedDuration = SignedDuration::from_secs(1);

/// The cloud's clock. Clones share it.
#[derive(Clone)]
pub struct CloudClock {
    monotonic: Monotonic,
    pc: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    known: Arc<Mutex<Known>>,
}

#[derive(Debug, Default)]
struct Known {
    origin: Option<Span>,
    against: u32,
}

/// Between which two instants the monotonic clock's zero lies, by the cloud's clock.
#[derive(Debug, Clone, Copy)]
struct Span {
    earliest: Timestamp,
    latest: Timestamp,
}

impl Span {
    fn middle(self) -> Timestamp {
        self.earliest + self.latest.duration_since(self.earliest) / 2
    }

    /// What both say, if they agree.
    fn meet(self, other: Self) -> Option<Self> {
        let earliest = self.earliest.max(other.earliest);
        let latest = self.latest.min(other.latest);
        (earliest <= latest).then_some(Self { earliest, latest })
    }
}

/// When a request was sent and when its answer was there, by the monotonic clock.
#[derive(Debug, Clone, Copy)]
pub struct RoundTrip {
    /// Sent.
    pub sent: Duration,
    /// Answered.
    pub answered: Duration,
}

impl CloudClock {
    /// A clock that does not know the cloud's time yet.
    #[must_use]
    pub fn new(monotonic: Monotonic, pc: Arc<dyn Fn() -> Timestamp + Send + Sync>) -> Self {
        Self {
            monotonic,
            pc,
            known: Arc::default(),
        }
    }

    /// The monotonic clock, for [`RoundTrip`].
    #[must_use]
    pub fn monotonic(&self) -> Duration {
        (self.monotonic)()
    }

    /// The cloud's time, if it is known.
    #[must_use]
    pub fn now(&self) -> Option<Timestamp> {
        let origin = self.lock().origin?;
        origin.middle().checked_add(signed(self.monotonic())).ok()
    }

    /// The latest that the cloud's time can be now, if anything is known of it.
    #[must_use]
    pub fn latest(&self) -> Option<Timestamp> {
        let origin = self.lock().origin?;
        origin.latest.checked_add(signed(self.monotonic())).ok()
    }

    /// True once an answer has told the time.
    #[must_use]
    pub fn known(&self) -> bool {
        self.lock().origin.is_some()
    }

    /// The cloud's time, or the PC's where it is unknown: for pages and logs, never for an age.
    #[must_use]
    pub fn best_guess(&self) -> Timestamp {
        self.now().unwrap_or_else(|| (self.pc)())
    }

    /// By how much the PC's clock is ahead of the cloud's; negative: behind.
    #[must_use]
    pub fn skew(&self) -> Option<SignedDuration> {
        Some((self.pc)().duration_since(self.now()?))
    }

    /// Learns from `NowUtc` of `configuration/get`: always believed.
    pub fn learn_now_utc(&self, stamp: Timestamp, trip: RoundTrip) {
        let Some(span) = span(stamp, trip) else {
            return;
        };
        let mut known = self.lock();
        known.origin = Some(
            known
                .origin
                .and_then(|origin| origin.meet(span))
                .unwrap_or(span),
        );
        known.against = 0;
    }

    /// Learns from the `Date` header of one of Mews' answers. A jump is believed only when three
    /// in a row agree: a box on the way may answer with its own time.
    pub fn learn_date(&self, header: &str, trip: RoundTrip) {
        let Some(span) = parse_http_date(header).and_then(|stamp| span(stamp, trip)) else {
            return;
        };
        let mut known = self.lock();
        let Some(origin) = known.origin else {
            known.origin = Some(span);
            return;
        };
        if let Some(both) = origin.meet(span) {
            known.origin = Some(both);
            known.against = 0;
            return;
        }
        let jump = origin.middle().duration_since(span.middle()).unsigned_abs() > JUMP;
        known.against += 1;
        if !jump || known.against >= WITNESSES {
            if jump {
                warn!("The cloud's clock has moved");
            }
            known.origin = Some(span);
            known.against = 0;
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for CloudClock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CloudClock")
            .field("now", &self.now())
            .finish_non_exhaustive()
    }
}

/// An HTTP date as an instant.
#[must_use]
pub fn parse_http_date(text: &str) -> Option<Timestamp> {
    Timestamp::try_from(httpdate::parse_http_date(text.trim()).ok()?).ok()
}

/// The stamp was made between sending and answering, and its fraction of a second may be cut off.
fn span(stamp: Timestamp, trip: RoundTrip) -> Option<Span> {
    let earliest = stamp.checked_sub(signed(trip.answered)).ok()?;
    let latest = stamp
        .checked_add(RESOLUTION)
        .ok()?
        .checked_sub(signed(trip.sent))
        .ok()?;
    (earliest <= latest).then_some(Span { earliest, latest })
}

fn signed(duration: Duration) -> SignedDuration {
    SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX)
}
