//! What a driver's crate gives the suite, and what it gets back.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::seen::Seen;
use crate::job::Job;
use crate::kind::DriverKind;
use crate::requests::Poster;
use crate::settings::Settings;
use crate::sim::{Effect, VirtualDevice};

/// One virtual device, and how it is reached.
#[derive(Clone)]
pub struct World {
    pub(super) device: Arc<dyn VirtualDevice>,
    pub(super) poster: Option<Arc<dyn Poster>>,
}

impl fmt::Debug for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("World")
    }
}

impl World {
    /// A device on a line: its own [`VirtualDevice::serve`] is the other end.
    #[must_use]
    pub fn of(device: Arc<dyn VirtualDevice>) -> Self {
        Self {
            device,
            poster: None,
        }
    }

    /// A device behind HTTP: the poster reaches it, the device tells what exists.
    #[must_use]
    pub fn behind(poster: Arc<dyn Poster>, device: Arc<dyn VirtualDevice>) -> Self {
        Self {
            device,
            poster: Some(poster),
        }
    }
}

/// What a driver promises.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Promise {
    /// The sample job works on a well device.
    Works,
    /// `prepare` touches nothing, and gives the same answer twice.
    PrepareIsPure,
    /// `prepare` rejects what the device cannot do.
    PrepareRejects,
    /// No effect before the commit.
    CommitFirst,
    /// A crash at any await ends in the right row.
    CrashIsTold,
    /// Silence from any byte on ends in the right row.
    SilenceIsTold,
    /// A link that is cut at any byte ends in the right row.
    CutIsTold,
    /// A late answer is never taken for the next.
    LateIsNotNext,
    /// It ends by itself: it is never silent beyond its deadline.
    EndsInTime,
    /// Whatever went wrong, the next command works.
    NextIsUnaffected,
    /// Cancelled before, between or after: what exists is told.
    CancelIsTold,
    /// A stop at any await: what exists is told.
    StopIsTold,
    /// A partial effect is told truly.
    PartIsTold,
    /// `idle` may be dropped at any await.
    IdleMayBeDropped,
    /// Memory is bounded on endless input.
    InputIsBounded,
    /// Codes, pages and settings are documented.
    Documented,
    /// It never panics.
    NeverPanics,
}

/// A promise that was broken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Which.
    pub promise: Promise,
    /// Under what circumstances.
    pub when: String,
    /// What happened.
    pub what: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} ({}): {}", self.promise, self.when, self.what)
    }
}

/// What the suite found.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// Broken promises, in the order they were found.
    pub violations: Vec<Violation>,
    /// How often the sample job was tried.
    pub runs: usize,
}

impl Report {
    /// True if this promise was broken.
    #[must_use]
    pub fn broke(&self, promise: Promise) -> bool {
        self.violations.iter().any(|found| found.promise == promise)
    }

    /// Counts what was tried, for `--nocapture`.
    ///
    /// # Panics
    /// If any promise was broken; the message names the first ones of each kind.
    #[expect(
        clippy::print_stderr,
        reason = "a test's own figures, captured unless asked for"
    )]
    pub fn assert(&self) {
        if self.violations.is_empty() {
            eprintln!("conformance: {} attempts, every promise kept", self.runs);
            return;
        }
        let mut lines = Vec::new();
        for violation in &self.violations {
            let same = |line: &&Violation| line.promise == violation.promise;
            if lines.iter().copied().filter(same).count() < 5 {
                lines.push(violation);
            }
        }
        let lines: Vec<String> = lines.iter().map(|line| line.to_string()).collect();
        panic!(
            "{} broken promises in {} runs:\n{}\n",
            self.violations.len(),
            self.runs,
            lines.join("\n")
        );
    }
}

/// One device at work in the suite.
pub(super) struct Seat {
    pub settings: Settings,
    pub job: Job,
    pub asked: usize,
    pub belongs: Belongs,
}

/// Does an effect belong to the device's job?
pub(super) type Belongs = Arc<dyn Fn(&Effect) -> bool + Send + Sync>;

pub(super) type Scenario = Box<dyn Fn(&dyn VirtualDevice) -> Result<(), String> + Send + Sync>;

/// The suite for one driver.
pub struct Suite {
    pub(super) kind: &'static dyn DriverKind,
    pub(super) world: Box<dyn Fn() -> World + Send + Sync>,
    pub(super) link: String,
    pub(super) seats: Vec<Seat>,
    pub(super) bad: Vec<(String, Job)>,
    pub(super) scenarios: Vec<(String, Scenario)>,
    pub(super) lateness: Vec<Duration>,
    pub(super) settle: Duration,
    pub(super) steps_max: usize,
    pub(super) small_parts: bool,
    pub(super) seen: Seen,
}

impl fmt::Debug for Suite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Suite")
            .field("kind", &self.kind.name())
            .finish_non_exhaustive()
    }
}

impl Suite {
    /// A driver, how a fresh virtual device is made, and a job that the fresh device can do.
    #[must_use]
    pub fn new(
        kind: &'static dyn DriverKind,
        world: impl Fn() -> World + Send + Sync + 'static,
        job: Job,
    ) -> Self {
        Self {
            kind,
            world: Box::new(world),
            link: "tcp:virtual:1".to_owned(),
            seats: vec![Seat {
                settings: Settings::none(),
                job,
                asked: 1,
                belongs: Arc::new(|_| true),
            }],
            bad: Vec::new(),
            scenarios: Vec::new(),
            lateness: [1_000, 3_200, 8_000, 30_000]
                .map(Duration::from_millis)
                .to_vec(),
            settle: Duration::from_secs(120),
            steps_max: 150,
            small_parts: false,
            seen: Seen::default(),
        }
    }

    /// The device's settings, as TOML.
    #[must_use]
    pub fn settings(mut self, toml: &str) -> Self {
        self.last().settings = Settings::from_toml(toml);
        self
    }

    /// How many effects the job has on a well device; 1 unless told.
    #[must_use]
    pub fn asks(mut self, effects: usize) -> Self {
        self.last().asked = effects;
        self
    }

    /// Which effects count for the job; all of them unless told.
    #[must_use]
    pub fn counting(mut self, belongs: impl Fn(&Effect) -> bool + Send + Sync + 'static) -> Self {
        self.last().belongs = Arc::new(belongs);
        self
    }

    /// A second device on the same link, at work at the same time. The calls that follow are about
    /// it; tell for both which effects are theirs with [`Suite::counting`].
    #[must_use]
    pub fn beside(mut self, settings: &str, job: Job) -> Self {
        self.seats.push(Seat {
            settings: Settings::from_toml(settings),
            job,
            asked: 1,
            belongs: Arc::new(|_| true),
        });
        self
    }

    /// The link's address, where the driver reads it; `tcp:virtual:1` unless told.
    #[must_use]
    pub fn link(mut self, url: &str) -> Self {
        url.clone_into(&mut self.link);
        self
    }

    /// A job that `prepare` must reject.
    #[must_use]
    pub fn bad(mut self, why: &str, job: Job) -> Self {
        self.bad.push((why.to_owned(), job));
        self
    }

    /// A device in a bad way, such as one card left of two: the driver must tell the truth about
    /// what exists then.
    #[must_use]
    pub fn scenario(
        mut self,
        name: &str,
        switch: impl Fn(&dyn VirtualDevice) -> Result<(), String> + Send + Sync + 'static,
    ) -> Self {
        self.scenarios.push((name.to_owned(), Box::new(switch)));
        self
    }

    /// How late an answer may come. Unless told: 1 s, 3.2 s, 8 s and 30 s. A line that resyncs by
    /// silence bears only answers that are later than patience and silence together, or earlier
    /// than patience: tell the device's own worst.
    #[must_use]
    pub fn lateness(mut self, late: &[Duration]) -> Self {
        self.lateness = late.to_vec();
        self
    }

    /// How long the virtual device may go on by itself after an attempt; 2 min unless told.
    #[must_use]
    pub fn settles_within(mut self, time: Duration) -> Self {
        self.settle = time;
        self
    }

    /// What the driver calls a part is smaller than an effect, such as a band of a receipt: then
    /// a part that exists says nothing about whole effects.
    #[must_use]
    pub fn parts_are_small(mut self) -> Self {
        self.small_parts = true;
        self
    }

    /// At most so many steps of each kind are tried, spread evenly; 150 unless told.
    #[must_use]
    pub fn steps_max(mut self, steps: usize) -> Self {
        self.steps_max = steps.max(2);
        self
    }

    fn last(&mut self) -> &mut Seat {
        self.seats
            .last_mut()
            .expect("a suite begins with one device")
    }

    /// Tries everything. Run it with a paused clock: `#[tokio::test(start_paused = true)]`.
    pub async fn run(&self) -> Report {
        super::promises::check(self).await
    }
}
