//! How many requests may go to Mews, in which order, and how long to wait.
//!
//! Mews allows 200 requests in any 30 s per access token; we allow ourselves 180. A request counts
//! from when it is sent until 30 s after its answer began, because Mews may have counted it at any
//! time between. The decisions are in `core`, which is pure; this file lets tasks wait for them.
//!
//! What it leaves to others: who asks for what ([`super::cloud`]), and whether an intermediate
//! state is worth a request ([`Budget::free`] tells what is left).

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::Notify;
use tokio::time::Instant;
use tracing::{info, warn};

use self::core::{Core, Decision, QUIET};
use driver_sdk::clock::now;

mod core;
mod keep;
#[cfg(test)]
mod tests;

pub use self::core::{BURST, LIMIT, Priority, RESERVED, Rank, WINDOW};
pub use self::keep::{Forget, Keep, Paused, RingFile};

/// The PC's wall clock, used only to remember request times across a restart.
pub type WallClock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// One access token's budget. Clones share it.
#[derive(Clone)]
pub struct Budget(Arc<Shared>);

struct Shared {
    state: Mutex<State>,
    wall: WallClock,
}

struct State {
    core: Core,
    keep: Box<dyn Keep>,
    waiting: BTreeMap<(Rank, u64), Arc<Notify>>,
    serial: u64,
}

/// What the budget looks like now, for a status page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// Requests that could be sent at once, of [`LIMIT`].
    pub free: usize,
    /// Requests under way, streamed lists included.
    pub in_flight: usize,
    /// Requests that wait.
    pub waiting: usize,
    /// Everybody waits because Mews said so, for so long.
    pub paused_for: Option<Duration>,
    /// Mews has not answered for so long.
    pub outage_for: Option<Duration>,
}

impl Budget {
    /// A budget that begins with what an earlier process left, as `keep` remembers it. `seed`
    /// decides the jitter.
    #[must_use]
    pub fn new(mut keep: Box<dyn Keep>, wall: WallClock, seed: u64) -> Self {
        let (here, there) = (now(), wall());
        let ages = keep.load().into_iter().filter_map(|millis| {
            let age = there.as_millisecond().saturating_sub(millis);
            // A time in the future: the PC's clock was set back. Taken as just now.
            let age = Duration::from_millis(u64::try_from(age).unwrap_or(0));
            (age < WINDOW).then_some(age)
        });
        let mut core = Core::new(here, ages.collect(), seed);
        if let Some(pause) = keep.load_pause() {
            resume(&mut core, pause, here, there.as_millisecond());
        }
        let state = State {
            core,
            keep,
            waiting: BTreeMap::new(),
            serial: 0,
        };
        Self(Arc::new(Shared {
            state: Mutex::new(state),
            wall,
        }))
    }

    /// Waits for one's turn. Dropping the future gives the turn to the next.
    pub async fn acquire(&self, rank: Rank) -> Permit {
        let waiter = self.enter(rank);
        loop {
            let until = match self.try_take(&waiter) {
                Turn::Yours(permit) => return permit,
                Turn::At(instant) => Some(instant),
                Turn::Later => None,
            };
            match until {
                Some(instant) => tokio::select! {
                    biased;
                    () = waiter.notify.notified() => {}
                    () = tokio::time::sleep_until(instant) => {}
                },
                None => waiter.notify.notified().await,
            }
        }
    }

    /// Requests that could be sent in this moment if nobody else wanted any.
    #[must_use]
    pub fn free(&self) -> usize {
        self.lock(|state| state.core.free(now()))
    }

    /// What a status page shows.
    #[must_use]
    pub fn pace(&self) -> Pace {
        self.lock(|state| {
            let at = now();
            Pace {
                free: state.core.free(at),
                in_flight: state.core.under_way(),
                waiting: state.waiting.len(),
                paused_for: state.core.paused_until(at).map(|until| until - at),
                outage_for: state.core.outage_since().map(|since| at - since),
            }
        })
    }

    fn enter(&self, rank: Rank) -> Waiter {
        let notify = Arc::new(Notify::new());
        let ticket = self.lock(|state| {
            state.serial += 1;
            let ticket = (rank, state.serial);
            state.waiting.insert(ticket, Arc::clone(&notify));
            ticket
        });
        Waiter {
            budget: self.clone(),
            ticket,
            notify,
        }
    }

    /// Only the first in line is served; the reserve belongs to the highest priorities, so whoever
    /// stands behind a refused one would be refused as well.
    fn try_take(&self, waiter: &Waiter) -> Turn {
        self.lock(|state| {
            if state.waiting.keys().next() != Some(&waiter.ticket) {
                return Turn::Later;
            }
            let at = now();
            match state.core.decide(at, waiter.ticket.0.priority) {
                Decision::At(instant) => Turn::At(instant),
                Decision::AfterAnother => Turn::Later,
                Decision::Go => {
                    let slot = state.core.take(at);
                    state.keep.note(slot, (self.0.wall)().as_millisecond());
                    Turn::Yours(Permit {
                        budget: self.clone(),
                        slot,
                        head: false,
                    })
                }
            }
        })
    }

    fn lock<T>(&self, work: impl FnOnce(&mut State) -> T) -> T {
        let mut state = self.0.state.lock().unwrap_or_else(PoisonError::into_inner);
        work(&mut state)
    }

    fn nudge(state: &State) {
        if let Some(first) = state.waiting.values().next() {
            first.notify_one();
        }
    }
}

/// What is left of a pause that an earlier process was asked for.
fn resume(core: &mut Core, pause: Paused, here: Instant, there: i64) {
    // A beginning in the future: the PC's clock was set back. Taken as just now.
    let left = pause.until.saturating_sub(there.max(pause.from));
    let ended = Duration::from_millis(left.min(0).unsigned_abs());
    if ended >= QUIET {
        return;
    }
    let left = Duration::from_millis(u64::try_from(left).unwrap_or(0));
    let until = here + left;
    core.resume(until.checked_sub(ended).unwrap_or(here), pause.in_a_row);
    if !left.is_zero() {
        info!(
            ?left,
            "Mews asked an earlier run for a pause (429); its rest is waited"
        );
    }
}

enum Turn {
    Yours(Permit),
    At(Instant),
    Later,
}

struct Waiter {
    budget: Budget,
    ticket: (Rank, u64),
    notify: Arc<Notify>,
}

impl Drop for Waiter {
    fn drop(&mut self) {
        self.budget.lock(|state| {
            state.waiting.remove(&self.ticket);
            Budget::nudge(state);
        });
    }
}

/// The right to send one request, and the duty to say how it went. A permit that is dropped
/// without a word ends the request without having learned anything.
#[must_use]
pub struct Permit {
    budget: Budget,
    slot: usize,
    head: bool,
}

impl Permit {
    /// The answer began well and its body is read as a stream: from here on the request holds one
    /// of the places in flight, but nobody waits for its end to be the next one that tries. An
    /// outage is over with the first whole answer, not with a head whose body may break.
    pub fn streaming(&mut self) {
        if !self.head {
            self.head = true;
            self.tell(Core::head_arrived);
        }
    }

    /// Mews answered, with whatever status but 429 and 5xx.
    pub fn answered(mut self) {
        let slot = self.slot;
        self.tell(|core, _| core.answered(slot));
    }

    /// A 5xx, no answer, or an answer that is not Mews'.
    pub fn failed(mut self) {
        let slot = self.slot;
        let begun = self.tell(|core, at| core.failed(slot, at));
        if begun {
            warn!("Mews does not answer; one request at a time tries until it does");
        }
    }

    /// A 429, with its Retry-After.
    pub fn limited(self, retry_after: Option<Duration>) {
        let (slot, from) = (self.slot, (self.budget.0.wall)().as_millisecond());
        let pause = self.budget.lock(|state| {
            let at = now();
            let pause = state.core.limited(slot, at, retry_after);
            let rest = state
                .core
                .paused_until(at)
                .map_or(pause, |until| until - at);
            // Rounded up, so that a restart never asks too early.
            let millis = i64::try_from(rest.as_millis()).unwrap_or(i64::MAX);
            state.keep.note_pause(Paused {
                from,
                until: from.saturating_add(millis).saturating_add(1),
                in_a_row: state.core.limits_in_a_row(),
            });
            Budget::nudge(state);
            pause
        });
        info!(?pause, "Mews asks for a pause (429); every request waits");
    }

    fn tell<T>(&mut self, news: impl FnOnce(&mut Core, Instant) -> T) -> T {
        self.budget.lock(|state| {
            let learned = news(&mut state.core, now());
            Budget::nudge(state);
            learned
        })
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let wall = (self.budget.0.wall)().as_millisecond();
        self.budget.lock(|state| {
            let counted = state.core.end(now(), self.head);
            if counted {
                state.keep.note(self.slot, wall);
            }
            Budget::nudge(state);
        });
    }
}
