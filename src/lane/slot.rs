//! One device of a lane: its driver, how it is, and whom it waits for.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use driver_sdk::{
    CommandId, Device, DeviceName, Fault, FaultKind, Health, Membership, Opened, Say,
    SettingsError, Watch, WatchEvent, WatchEvents,
};
use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

use crate::board::DeviceState;
use crate::hotel::Hotel;
use crate::life::Rules;
use crate::report::Interim;

/// Opens the device anew after a crash: driver and link are thrown away.
pub type Reopen = Arc<dyn Fn() -> Result<Opened, SettingsError> + Send + Sync>;

/// What a slot is made of.
pub struct SlotParts {
    /// `[device.NAME]`.
    pub name: DeviceName,
    /// Its rules.
    pub rules: Rules,
    /// Its property.
    pub hotel: Arc<Hotel>,
    /// Where its intermediate states are told.
    pub interim: Interim,
    /// The opened device.
    pub opened: Opened,
    /// For a crash.
    pub reopen: Reopen,
}

/// A device that is not well.
#[derive(Debug, Clone)]
pub(super) struct Unwell {
    pub(super) fault: Fault,
    /// By the monotonic clock: the time of day may be learned, and jump, while it is unwell.
    pub(super) since: Duration,
    pub(super) retry_at: Instant,
    pub(super) rest: Duration,
    /// Found by a command and not by idling: a clock, an open document. Idling does not see it, so
    /// what idling calls well ends it only if the next try does.
    by_command: bool,
    /// Tried at once already because idling called the device well.
    tried: bool,
}

/// An open doubt that is being asked about.
#[derive(Debug, Clone)]
pub(super) struct Asking {
    /// By this process's clock: the deadline of a doubt counts from the first question.
    pub(super) first: Instant,
    pub(super) again_at: Instant,
    pub(super) rest: Duration,
}

/// A command that is not begun and cannot run for a reason of its own. The others of its device go
/// on.
#[derive(Debug, Clone, Copy)]
struct Aside {
    until: Instant,
    rest: Duration,
}

/// The next command waits for a word of Mews. That is no fault of the device, and nobody's patience
/// is spent.
#[derive(Debug, Clone, Copy)]
pub(super) struct Held {
    pub(super) until: Instant,
    rest: Duration,
    /// It is the time of Mews that is waited for.
    for_time: bool,
}

/// One device of a lane.
pub struct Slot {
    pub(super) name: DeviceName,
    pub(super) rules: Rules,
    pub(super) hotel: Arc<Hotel>,
    pub(super) interim: Interim,
    /// `None` after a crash, until it could be opened anew.
    pub(super) device: Option<Device>,
    pub(super) watch: Watch,
    pub(super) events: WatchEvents,
    pub(super) membership: Membership,
    pub(super) scope: String,
    pub(super) unwell: Option<Unwell>,
    pub(super) asking: BTreeMap<CommandId, Asking>,
    pub(super) idle_from: Option<Instant>,
    /// Mews has just confirmed that this one is being worked on.
    pub(super) confirmed: Option<CommandId>,
    pub(super) held: Option<Held>,
    aside: BTreeMap<CommandId, Aside>,
    /// Mews has just refused to call this one `Processing`, for the first time.
    refused: Option<CommandId>,
    reopen: Reopen,
}

impl std::fmt::Debug for Slot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Slot")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// A device and its property: enough to look at its line in the journal.
pub(super) type Line = (DeviceName, Arc<Hotel>);

/// First rest after a device was found unwell, and the longest: a person who loads paper should
/// not wait for us.
const REST_FIRST: Duration = Duration::from_millis(250);
const REST_MAX: Duration = Duration::from_secs(2);
/// The same for questions about a doubt.
const ASK_FIRST: Duration = Duration::from_millis(500);
const ASK_MAX: Duration = Duration::from_secs(15);
/// The same for a command that was set aside. Two of a device are not tried closer together: each
/// costs Mews a question.
const ASIDE_FIRST: Duration = Duration::from_secs(2);
const ASIDE_MAX: Duration = Duration::from_secs(60);
const ASIDE_APART: Duration = Duration::from_secs(2);

impl Slot {
    /// A slot that is well as far as anybody knows.
    #[must_use]
    pub fn new(parts: SlotParts) -> Self {
        let SlotParts {
            name,
            rules,
            hotel,
            interim,
            opened,
            reopen,
        } = parts;
        let Opened {
            device,
            watch,
            events,
            membership,
            scope,
        } = opened;
        Self {
            name,
            rules,
            hotel,
            interim,
            device: Some(device),
            watch,
            events,
            membership,
            scope,
            unwell: None,
            asking: BTreeMap::new(),
            idle_from: None,
            confirmed: None,
            held: None,
            aside: BTreeMap::new(),
            refused: None,
            reopen,
        }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &DeviceName {
        &self.name
    }

    /// Its line, for who only looks.
    pub(super) fn line(&self) -> Line {
        (self.name.clone(), self.hotel.clone())
    }

    /// Which wire it lives on.
    #[must_use]
    pub fn membership(&self) -> &Membership {
        &self.membership
    }

    /// Now, by the cloud's clock or the best guess at it.
    pub(super) fn now(&self) -> Timestamp {
        self.hotel.now()
    }

    fn monotonic(&self) -> Duration {
        self.hotel.cloud.clock().monotonic()
    }

    /// How long the device has been unwell; `None` if it is well.
    pub(super) fn unwell_for(&self) -> Option<Duration> {
        let unwell = self.unwell.as_ref()?;
        Some(self.monotonic().saturating_sub(unwell.since))
    }

    pub(super) fn shows(&self, state: DeviceState) {
        self.hotel.board.device_is(&self.name, state, self.now());
    }

    /// A command found the device unwell: shown at once, and tried again after a rest.
    pub(super) fn is_unwell(&mut self, fault: Fault) {
        self.unwell_by(fault, true);
    }

    /// Idling found the device unwell.
    pub(super) fn is_seen_unwell(&mut self, fault: Fault) {
        self.unwell_by(fault, false);
    }

    fn unwell_by(&mut self, fault: Fault, by_command: bool) {
        let now = driver_sdk::clock::now();
        let at_once = fault.code() == "SHELF-CONFLICT";
        let (since, rest) = match &self.unwell {
            Some(unwell) => (unwell.since, (unwell.rest * 2).min(REST_MAX)),
            None => (self.monotonic(), REST_FIRST),
        };
        self.shows(DeviceState::Waiting {
            say: fault.say().clone(),
        });
        let retry_at = if at_once { now } else { now + rest };
        let tried = self.unwell.as_ref().is_some_and(|old| old.tried);
        self.unwell = Some(Unwell {
            fault,
            since,
            retry_at,
            rest,
            by_command,
            tried,
        });
    }

    /// Idling calls the device well. What a command found is tried again at once, and is over if
    /// that goes well, or if nothing was there to try it.
    fn is_seen_well(&mut self) {
        let now = driver_sdk::clock::now();
        match &mut self.unwell {
            Some(unwell) if unwell.by_command && now < unwell.retry_at + REST_MAX => {
                if !std::mem::replace(&mut unwell.tried, true) {
                    unwell.retry_at = now;
                }
            }
            Some(_) | None => self.is_well(),
        }
    }

    /// The device is well again.
    pub(super) fn is_well(&mut self) {
        if self.unwell.take().is_some() {
            tracing::info!(device = %self.name, "Device well again");
        }
        self.shows(DeviceState::Ready);
    }

    /// A doubt that held this device's line is over: whoever waits, waits from now on.
    pub(super) fn waits_anew(&mut self) {
        let now = self.monotonic();
        if let Some(unwell) = &mut self.unwell {
            unwell.since = now;
        }
    }

    /// True if its next command may be tried now.
    pub(super) fn may_try(&self, now: Instant) -> bool {
        self.unwell
            .as_ref()
            .is_none_or(|unwell| unwell.retry_at <= now)
    }

    /// The next command waits for a word of Mews, and is tried again soon. `why` is shown.
    pub(super) fn is_held(&mut self, why: Option<&'static str>) {
        if let Some(why) = why {
            self.shows(DeviceState::Waiting { say: Say::new(why) });
        }
        let last = self.held.map(|held| (held.rest * 2).min(REST_MAX));
        let rest = last.unwrap_or(REST_FIRST);
        self.held = Some(Held {
            until: driver_sdk::clock::now() + rest,
            rest,
            for_time: why == Some(CLOUD_TIME_UNKNOWN),
        });
    }

    /// Until when the next command is held, if it still is.
    pub(super) fn held_until(&self, now: Instant) -> Option<Instant> {
        let held = self.held.filter(|held| held.until > now)?;
        let come = held.for_time && self.hotel.cloud.clock().known();
        (!come).then_some(held.until)
    }

    /// A command that is not begun cannot run now, for a reason of its own: the others of its device
    /// go on, it stays in the journal, and is tried again after a rest. `why` is told.
    pub(super) fn sets_aside(&mut self, id: CommandId, why: &str) {
        let now = driver_sdk::clock::now();
        let last = self.aside.remove(&id).map(|aside| aside.rest * 2);
        let rest = last.unwrap_or(ASIDE_FIRST).min(ASIDE_MAX);
        let others = self.aside.values().map(|aside| aside.until + ASIDE_APART);
        let until = others.fold(now + rest, Instant::max);
        self.aside.insert(id, Aside { until, rest });
        self.hotel.board.alarm(self.now(), why, Some(id));
    }

    /// Mews refuses to call a command `Processing`, though it knows it. A conflict may be over at
    /// once, and the order of documents counts: it is set aside when that was refused twice.
    pub(super) fn is_refused(&mut self, id: CommandId) {
        if self.aside.contains_key(&id) || self.refused == Some(id) {
            let text = "Mews does not take that this PC works on a command; it is not run";
            self.sets_aside(id, text);
        } else {
            self.refused = Some(id);
            self.is_held(None);
        }
    }

    /// A command may run, or has ended: it is not aside.
    pub(super) fn takes_back(&mut self, id: CommandId) {
        self.aside.remove(&id);
    }

    /// Those that were set aside: they do not wait for the device.
    pub(super) fn all_aside(&self) -> BTreeSet<CommandId> {
        self.aside.keys().copied().collect()
    }

    /// Those whose rest aside is not over, and when the first one's is.
    pub(super) fn aside_now(&self, now: Instant) -> (BTreeSet<CommandId>, Option<Instant>) {
        let aside = self.aside.iter().filter(|(_, aside)| aside.until > now);
        let again = aside.clone().map(|(_, aside)| aside.until).min();
        (aside.map(|(id, _)| *id).collect(), again)
    }

    /// When a question about a doubt is due; the first at once.
    pub(super) fn ask_at(&self, id: CommandId) -> Option<Instant> {
        self.asking.get(&id).map(|asking| asking.again_at)
    }

    /// A question about a doubt is being asked: notes the first one's time, and the next rest.
    pub(super) fn asks(&mut self, id: CommandId) {
        let now = driver_sdk::clock::now();
        let asking = self.asking.entry(id).or_insert(Asking {
            first: now,
            again_at: now,
            rest: ASK_FIRST / 2,
        });
        asking.rest = (asking.rest * 2).min(ASK_MAX);
        asking.again_at = now + asking.rest;
    }

    /// A doubt is worth asking about now, whether it is asked about already or not.
    pub(super) fn asks_at_once(&mut self, id: CommandId) {
        let now = driver_sdk::clock::now();
        let asking = Asking {
            first: now,
            again_at: now,
            rest: ASK_FIRST / 2,
        };
        self.asking.entry(id).or_insert(asking).again_at = now;
    }

    /// True if a doubt has been asked about for as long as it may: the class's deadline, or
    /// `operator_wait` where the device answers and needs a person.
    pub(super) fn gave_up_asking(&self, id: CommandId, fault: &Fault) -> bool {
        let now = driver_sdk::clock::now();
        let patience = match fault.kind() {
            FaultKind::OperatorNeeded => self.rules.operator_wait,
            FaultKind::Transient
            | FaultKind::Permanent
            | FaultKind::Partly
            | FaultKind::InDoubt => self.rules.deadline,
        };
        self.asking
            .get(&id)
            .is_some_and(|asking| now - asking.first >= patience)
    }

    /// How long until a command accepted then has waited as long as it may, where its device has
    /// been held up for so long.
    pub(super) fn patience_left(&self, held_for: Duration, accepted: Timestamp) -> Duration {
        let gone = waited(self.now(), accepted, held_for);
        self.rules.operator_wait.saturating_sub(gone)
    }

    /// Hears what the driver said unasked. True if there is late evidence worth asking for.
    pub(super) fn hears(&mut self, event: WatchEvent) -> bool {
        match event {
            WatchEvent::Health(Health::Well) => {
                self.hotel
                    .board
                    .edit_device(&self.name, |device| device.warning = None);
                self.is_seen_well();
                false
            }
            WatchEvent::Health(Health::Warned(fault)) => {
                let say = fault.say().clone();
                self.hotel
                    .board
                    .edit_device(&self.name, |device| device.warning = Some(say));
                self.is_seen_well();
                false
            }
            WatchEvent::Health(Health::Unwell(fault)) => {
                // A fault that idling finds is shown; whether a command can run is decided by
                // its own pre-flight, so it may still be tried at once.
                let fresh = self.unwell.is_none();
                self.is_seen_unwell(fault);
                if let (true, Some(unwell)) = (fresh, &mut self.unwell) {
                    unwell.retry_at = driver_sdk::clock::now();
                }
                false
            }
            WatchEvent::News => {
                for asking in self.asking.values_mut() {
                    asking.again_at = driver_sdk::clock::now();
                }
                true
            }
            // Ordered by the lane, which may write.
            WatchEvent::Wish(_) => false,
        }
    }

    /// Throws driver and link away and opens them anew: a crash of this one device.
    pub(super) fn crashed(&mut self, why: &'static str) {
        tracing::error!(device = %self.name, why, "Driver crashed; opened anew");
        // First the old one goes, so that the new one finds the line free.
        self.device = None;
        self.opens_anew();
        self.is_unwell(crash());
    }

    /// Tries again to open a device that could not be opened after a crash, when its rest is
    /// over.
    pub(super) fn opens_again(&mut self, now: Instant) {
        if self.device.is_none() && self.may_try(now) && !self.opens_anew() {
            self.is_unwell(crash());
        }
    }

    /// When a closed device is tried again; `None` for an open one.
    pub(super) fn opens_at(&self) -> Option<Instant> {
        let unwell = self.unwell.as_ref().filter(|_| self.device.is_none());
        unwell.map(|unwell| unwell.retry_at)
    }

    fn opens_anew(&mut self) -> bool {
        // Opening is the driver's code too: its panic is one more crash of this device alone.
        let opened = std::panic::catch_unwind(AssertUnwindSafe(|| (self.reopen)()));
        match opened {
            Ok(Ok(opened)) => {
                // The ear stays: a conversation that goes on still speaks into it.
                self.device = Some(opened.device);
            }
            Ok(Err(error)) => {
                tracing::error!(device = %self.name, error = %error, "Device cannot be opened");
            }
            Err(_) => {
                let error = "the driver panicked";
                tracing::error!(device = %self.name, error, "Device cannot be opened");
            }
        }
        self.device.is_some()
    }
}

/// Shown while nothing with an age limit may run.
pub(super) const CLOUD_TIME_UNKNOWN: &str = "CLOUD-TIME-UNKNOWN";

/// So far beyond now a time is one that a wrong clock of this PC wrote. Less is the cloud's clock
/// itself: it is learned from whole seconds, and each answer may move it a little.
pub(super) const CLOCK_STEP: SignedDuration = SignedDuration::from_secs(30);

/// How long a command accepted then has waited for a device that has been held up for so long.
fn waited(now: Timestamp, accepted: Timestamp, held_for: Duration) -> Duration {
    let waits = now.duration_since(accepted);
    if waits < -CLOCK_STEP {
        return held_for;
    }
    Duration::try_from(waits).unwrap_or_default().min(held_for)
}

/// The fault of a device whose driver crashed.
pub(super) fn crash() -> Fault {
    Fault::transient("DEVICE-CRASHED")
}

#[cfg(test)]
mod tests;
