//! The decisions of the budget. Pure: the time is an argument, the jitter comes from a seed.

use std::collections::VecDeque;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

/// Our own limit in any [`WINDOW`]; Mews' is 200.
pub const LIMIT: usize = 180;
/// Of [`LIMIT`], kept for fetches, `Processing` of fiscal and payment, and errors.
pub const RESERVED: usize = 10;
/// Requests in flight at once.
pub const BURST: usize = 4;
/// The window of the limit.
pub const WINDOW: Duration = Duration::from_secs(30);

/// The longest pause that is obeyed before a probe.
pub(super) const PAUSE_MAX: Duration = Duration::from_secs(600);
/// The first pause after a 429 without Retry-After; doubles with each consecutive one.
const PAUSE_FIRST: Duration = Duration::from_secs(1);
/// The longest pause of our own choosing.
const PAUSE_OWN_MAX: Duration = Duration::from_secs(120);
/// After a 429, so long without another one until more than one request is in flight again.
pub(super) const QUIET: Duration = Duration::from_secs(30);
/// The longest jitter between two tries of an outage.
const RETRY_MAX: Duration = Duration::from_secs(5);

/// What a request is for; the first goes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Priority {
    /// Reading commands by id, and the first look at the hotel.
    Fetch,
    /// `Processing` of a fiscal machine or a payment terminal: the device waits for it.
    ProcessingOfMoney,
    /// A final `Error`.
    Error,
    /// Another final state of fiscal machine, payment terminal or key cutter.
    FinalOfMoneyOrKey,
    /// Any other final state.
    Final,
    /// `getAllActive`.
    Sweep,
    /// `Received`, and other `Processing`.
    Intermediate,
    /// `devices/getAll`, and what else can wait.
    DeviceList,
}

impl Priority {
    /// True for what may use the reserve.
    #[must_use]
    pub fn may_use_reserve(self) -> bool {
        matches!(self, Self::Fetch | Self::ProcessingOfMoney | Self::Error)
    }
}

/// A place in the line: by priority, then by the command's age, then by who came first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rank {
    /// What it is for.
    pub priority: Priority,
    /// When the command was created, where that decides.
    pub created: Option<Timestamp>,
}

impl From<Priority> for Rank {
    fn from(priority: Priority) -> Self {
        Self {
            priority,
            created: None,
        }
    }
}

/// What the first in line may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Decision {
    /// Send.
    Go,
    /// Not before then.
    At(Instant),
    /// Not before another request has ended.
    AfterAnother,
}

#[derive(Debug)]
pub(super) struct Core {
    /// When each counted request was answered, oldest first; none older than [`WINDOW`].
    counted: VecDeque<Instant>,
    in_flight: usize,
    streaming: usize,
    next_slot: usize,
    pause_until: Option<Instant>,
    quiet_until: Option<Instant>,
    limits_in_a_row: u32,
    /// The first slot that was taken after the last 429.
    after_limit: usize,
    outage: Option<Outage>,
    jitter: fastrand::Rng,
}

#[derive(Debug, Clone, Copy)]
struct Outage {
    since: Instant,
    /// The first slot that was taken after the last failure.
    after: usize,
    tries: u32,
    next: Instant,
}

impl Core {
    /// A core that already has requests of these ages.
    pub(super) fn new(now: Instant, mut ages: Vec<Duration>, seed: u64) -> Self {
        ages.sort_unstable_by(|a, b| b.cmp(a));
        let begin = ages.len().saturating_sub(LIMIT);
        let counted = ages[begin..]
            .iter()
            .map(|age| now.checked_sub(*age).unwrap_or(now));
        Self {
            counted: counted.collect(),
            in_flight: 0,
            streaming: 0,
            next_slot: 0,
            pause_until: None,
            quiet_until: None,
            limits_in_a_row: 0,
            after_limit: 0,
            outage: None,
            jitter: fastrand::Rng::with_seed(seed),
        }
    }

    /// A pause of an earlier process that ends then, or has ended: its rest is waited, and one
    /// request is in flight until 30 s after it.
    pub(super) fn resume(&mut self, until: Instant, in_a_row: u32) {
        self.pause_until = Some(until);
        self.quiet_until = Some(until + QUIET);
        self.limits_in_a_row = in_a_row;
    }

    /// How many 429s came in a row.
    pub(super) fn limits_in_a_row(&self) -> u32 {
        self.limits_in_a_row
    }

    /// Requests left in the window that ends now.
    pub(super) fn free(&self, now: Instant) -> usize {
        let counted = self
            .counted
            .iter()
            .rev()
            .take_while(|at| now < **at + WINDOW)
            .count();
        LIMIT.saturating_sub(counted + self.in_flight)
    }

    pub(super) fn under_way(&self) -> usize {
        self.in_flight + self.streaming
    }

    pub(super) fn paused_until(&self, now: Instant) -> Option<Instant> {
        self.pause_until.filter(|until| now < *until)
    }

    pub(super) fn outage_since(&self) -> Option<Instant> {
        self.outage.map(|outage| outage.since)
    }

    /// What a request of this priority may do.
    pub(super) fn decide(&self, now: Instant, priority: Priority) -> Decision {
        if let Some(until) = self.paused_until(now) {
            return Decision::At(until);
        }
        let one_at_a_time = self.outage.is_some() || self.quiet_until.is_some_and(|q| now < q);
        if one_at_a_time && self.in_flight > 0 || self.under_way() >= BURST {
            return Decision::AfterAnother;
        }
        if let Some(outage) = self.outage
            && now < outage.next
        {
            return Decision::At(outage.next);
        }
        let needed = if priority.may_use_reserve() {
            1
        } else {
            RESERVED + 1
        };
        let missing = needed.saturating_sub(self.free(now));
        if missing == 0 {
            return Decision::Go;
        }
        let mut in_window = self.counted.iter().skip_while(|at| now >= **at + WINDOW);
        match in_window.nth(missing - 1) {
            Some(at) => Decision::At(*at + WINDOW),
            None => Decision::AfterAnother,
        }
    }

    /// A request is sent. Returns where to remember it.
    pub(super) fn take(&mut self, now: Instant) -> usize {
        while self.counted.front().is_some_and(|at| now >= *at + WINDOW) {
            self.counted.pop_front();
        }
        self.in_flight += 1;
        self.next_slot += 1;
        self.next_slot - 1
    }

    /// The head of a streamed answer arrived: Mews has counted the request.
    pub(super) fn head_arrived(&mut self, now: Instant) {
        self.in_flight -= 1;
        self.streaming += 1;
        self.counted.push_back(now);
    }

    /// A request ended. True if it is counted from now on only.
    pub(super) fn end(&mut self, now: Instant, streamed: bool) -> bool {
        if streamed {
            self.streaming -= 1;
        } else {
            self.in_flight -= 1;
            self.counted.push_back(now);
        }
        !streamed
    }

    /// Mews answered the request of a slot.
    pub(super) fn answered(&mut self, slot: usize) {
        self.outage = None;
        if slot >= self.after_limit {
            self.limits_in_a_row = 0;
        }
    }

    /// Mews did not answer. True if that begins an outage.
    pub(super) fn failed(&mut self, slot: usize, now: Instant) -> bool {
        let Some(outage) = self.outage else {
            let next = now + self.retry_pause(0);
            self.outage = Some(Outage {
                since: now,
                after: self.next_slot,
                tries: 1,
                next,
            });
            return true;
        };
        // Those that were under way together are one failure.
        if slot >= outage.after {
            let next = now + self.retry_pause(outage.tries);
            self.outage = Some(Outage {
                after: self.next_slot,
                tries: outage.tries + 1,
                next,
                ..outage
            });
        }
        false
    }

    /// Mews answered 429. Returns the pause.
    pub(super) fn limited(
        &mut self,
        slot: usize,
        now: Instant,
        retry_after: Option<Duration>,
    ) -> Duration {
        self.outage = None;
        // Those that were under way together are one 429.
        if slot >= self.after_limit {
            self.limits_in_a_row = self.limits_in_a_row.saturating_add(1);
        }
        let own = match (self.limits_in_a_row, retry_after) {
            (0 | 1, Some(_)) => Duration::ZERO,
            (row, _) => self.own_pause(row),
        };
        let pause = retry_after.unwrap_or_default().min(PAUSE_MAX).max(own);
        let until = now + pause;
        self.after_limit = self.next_slot;
        self.pause_until = Some(self.pause_until.map_or(until, |earlier| earlier.max(until)));
        self.quiet_until = self.pause_until.map(|until| until + QUIET);
        pause
    }

    /// Doubles with each consecutive 429; between half and the whole of it by jitter.
    fn own_pause(&mut self, row: u32) -> Duration {
        let whole = doubled(PAUSE_FIRST, row.saturating_sub(1)).min(PAUSE_OWN_MAX);
        whole.div_f64(2.0) + whole.div_f64(2.0).mul_f64(self.jitter.f64())
    }

    /// Full jitter: anything up to the cap, which doubles from half a second to five.
    fn retry_pause(&mut self, tries: u32) -> Duration {
        doubled(Duration::from_millis(500), tries)
            .min(RETRY_MAX)
            .mul_f64(self.jitter.f64())
    }
}

fn doubled(first: Duration, times: u32) -> Duration {
    first.saturating_mul(1_u32.checked_shl(times.min(16)).unwrap_or(u32::MAX))
}
