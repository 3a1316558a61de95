//! What every part of the simulated world shares: the time, the dice, the trace, and the moment at
//! which the worker dies.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use nightporter::clock::Source;
use nightporter::mews::budget::Paused;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::cloud::CloudState;
use super::disk::DiskState;
use super::judge::Judge;
use super::machine::Machine;
use super::scenario::{Death, Lost, Scenario, Trouble, Window};

/// The world of one seed. It outlives the lives of its worker.
pub struct World {
    pub plan: Scenario,
    state: Mutex<State>,
    /// Rung when the cloud has something for a socket, of each property.
    socket_bells: Vec<Notify>,
}

pub struct State {
    pub rng: fastrand::Rng,
    /// True time when this life of the worker began, and its runtime's clock then.
    base: Duration,
    origin: Option<Instant>,
    /// Contacts in this one instant.
    in_instant: (Duration, u64),
    pub spun: bool,
    /// At which contacts the worker dies, and how many of them are left.
    death: Option<(Option<&'static str>, u64)>,
    pub dead: bool,
    /// Rung when the worker of this life dies.
    died: Arc<Notify>,
    /// The worker starts just now: its devices can be opened.
    pub opening: bool,
    pub trace: Vec<String>,
    loud: bool,
    pub plan: Scenario,
    pub cloud: CloudState,
    pub machines: Vec<Machine>,
    /// Cards of each shipped device that are in the judge's book.
    pub cards_seen: Vec<usize>,
    pub disk: DiskState,
    pub judge: Judge,
    /// The next life finds no journal.
    pub lost: Option<Lost>,
    /// Request times as the worker remembers them, by property.
    pub kept: Vec<Vec<i64>>,
    /// And the pause that Mews asked for.
    pub kept_pause: Vec<Option<Paused>>,
}

/// So many contacts without any time passing, and the worker runs in circles.
const CIRCLES: u64 = 20_000;

/// The cloud's time at the start of every simulation.
pub fn beginning() -> Timestamp {
    Timestamp::from_second(1_780_000_000).expect("in range")
}

impl World {
    pub fn new(plan: Scenario, loud: bool) -> Arc<Self> {
        let machines: Vec<_> = plan.machines.iter().cloned().map(Machine::new).collect();
        let state = State {
            rng: fastrand::Rng::with_seed(plan.seed),
            base: Duration::from_secs(3600),
            origin: None,
            in_instant: (Duration::ZERO, 0),
            spun: false,
            death: None,
            dead: false,
            died: Arc::default(),
            opening: true,
            trace: Vec::new(),
            loud,
            cloud: CloudState::new(plan.properties),
            cards_seen: vec![0; machines.len()],
            machines,
            disk: DiskState::default(),
            judge: Judge::new(&plan),
            lost: None,
            kept: vec![Vec::new(); plan.properties],
            kept_pause: vec![None; plan.properties],
            plan: plan.clone(),
        };
        Arc::new(Self {
            socket_bells: (0..plan.properties).map(|_| Notify::new()).collect(),
            plan,
            state: Mutex::new(state),
        })
    }

    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn socket_bell(&self, property: usize) -> &Notify {
        &self.socket_bells[property]
    }

    /// Whoever listens looks again.
    pub fn ring_sockets(&self) {
        self.socket_bells.iter().for_each(Notify::notify_one);
    }

    /// A contact of the worker with the world: here it may die, and a dead one never goes on.
    pub async fn pass(&self, what: &'static str) {
        let dead = {
            let mut state = self.state();
            state.watch_for_spinning(what);
            if !state.dead && state.is_the_end(what) {
                state.dead = true;
                state.say(|| format!("the worker dies: {what}"));
                state.died.notify_one();
            }
            state.dead
        };
        if dead {
            std::future::pending::<()>().await;
        }
    }

    /// A life begins, in a runtime of its own whose clock starts now.
    pub fn begins(&self, death: Option<Death>) -> Arc<Notify> {
        let mut state = self.state();
        state.origin = Some(driver_sdk::clock::now());
        state.dead = false;
        state.death = death.map(|death| (death.place, death.nth));
        state.died = Arc::default();
        state.say(|| "the worker starts".to_owned());
        state.died.clone()
    }

    /// It is over; the world goes on without it until then.
    pub fn ends(&self, until: Duration) {
        let mut state = self.state();
        state.base = until;
        state.origin = None;
        state.cloud.hang_up();
    }
}

impl State {
    /// True time.
    pub fn now(&self) -> Duration {
        let life = self
            .origin
            .map(|origin| driver_sdk::clock::now().saturating_duration_since(origin));
        self.base + life.unwrap_or_default()
    }

    /// Since the first start: what windows and deeds are planned by.
    pub fn since_start(&self) -> Duration {
        self.now().saturating_sub(Duration::from_secs(3600))
    }

    /// The PC sleeps: its timers stand still, the world goes on.
    pub fn nap(&mut self, length: Duration) {
        let asleep = self.now();
        self.base += length;
        let now = self.now();
        self.judge.slept(asleep, now);
        self.say(|| format!("the PC slept {length:?}"));
    }

    pub fn utc(&self) -> Timestamp {
        beginning() + self.now()
    }

    fn is_the_end(&mut self, what: &str) -> bool {
        let Some((place, left)) = &mut self.death else {
            return false;
        };
        if place.is_none_or(|place| place == what) {
            *left = left.saturating_sub(1);
        }
        *left == 0
    }

    fn watch_for_spinning(&mut self, what: &str) {
        let now = self.now();
        if self.in_instant.0 != now {
            self.in_instant = (now, 0);
        }
        self.in_instant.1 += 1;
        if self.in_instant.1 == CIRCLES {
            let at = self.since_start().as_secs_f64();
            self.judge
                .breaches
                .push(format!("{at:.3}: the worker runs in circles: {what}"));
            self.spun = true;
            self.death = Some((None, 1));
        }
    }

    pub fn say(&mut self, line: impl FnOnce() -> String) {
        let line = format!("{:>12.3} {}", self.now().as_secs_f64() - 3600.0, line());
        if self.loud {
            crate::house::say(format_args!("{line}"));
        }
        self.trace.push(line);
    }

    /// The first of these troubles that strikes a machine now; without one: the disk.
    pub fn strikes(&mut self, of: &[Trouble], machine: Option<usize>) -> Option<Trouble> {
        self.strikes_where(of, |window| {
            machine.is_none_or(|machine| machine == window.machine)
        })
    }

    /// The first of these troubles that strikes a property's way to Mews now.
    pub fn strikes_the_way(&mut self, of: &[Trouble], property: usize) -> Option<Trouble> {
        self.strikes_where(of, |window| window.property == property)
    }

    fn strikes_where(&mut self, of: &[Trouble], here: impl Fn(&Window) -> bool) -> Option<Trouble> {
        let now = self.since_start();
        if now >= self.plan.heal {
            return None;
        }
        for window in &self.plan.windows {
            if window.from <= now
                && now < window.to
                && here(window)
                && of.contains(&window.what)
                && self.rng.f64() < window.chance
            {
                return Some(window.what);
            }
        }
        None
    }

    /// A time between two, in milliseconds.
    pub fn millis(&mut self, range: std::ops::Range<u64>) -> Duration {
        Duration::from_millis(self.rng.u64(range))
    }
}

/// The PC's clocks: the monotonic one counts sleep, the wall clock is wrong as planned.
pub struct PcClock(pub Arc<World>);

impl Source for PcClock {
    fn monotonic(&self) -> Duration {
        self.0.state().now()
    }

    fn pc_time(&self) -> Timestamp {
        let state = self.0.state();
        state.utc() + jiff::SignedDuration::from_secs(self.0.plan.skew_s)
    }
}
