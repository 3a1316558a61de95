//! A device whose every move a test decides: kinds `puppet-printer`, `puppet-key` and
//! `puppet-fiscal`. What it makes is written down here, so a test counts what exists.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, OnceLock, PoisonError};

use driver_sdk::{
    Abilities, Attempt, Class, Device, Driver, DriverKind, Fault, FaultPage, Grade, Job, Links,
    Proof, Resync, Run, Say, Settings, SettingsError, Verdict, Watch,
};
use tokio::sync::watch;
use uuid::Uuid;

/// What it does with a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Makes it at once.
    Good,
    /// A person is needed; nothing is begun.
    Empty,
    /// Waits before it begins, until the mode changes.
    HoldBefore,
    /// Begins, then waits, until the mode changes.
    HoldAfter,
    /// Begins, makes it or not, and its answer is lost.
    Deaf {
        /// Whether it makes it.
        makes: bool,
    },
    /// Its code panics in this place.
    Panics(Place),
    /// Its code never returns.
    Hangs,
    /// Begins without waiting for the commit: what no driver may do.
    Hasty,
}

/// Where its code panics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// While it validates.
    Prepare,
    /// Before it begins.
    Before,
    /// After it began; nothing is made.
    After,
    /// While nothing is to do.
    Idle,
}

/// What becomes of opening it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opening {
    /// It opens.
    Works,
    /// Its driver refuses.
    Fails,
    /// Its driver's code panics.
    Panics,
}

/// What it says of an attempt that was begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// Nothing.
    Silent,
    /// It happened.
    Happened,
    /// It did not happen.
    DidNotHappen,
    /// It will never know.
    CannotTell,
}

/// Something that was made.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Made {
    pub id: Uuid,
    pub device: String,
    pub repeat: bool,
    pub items: usize,
    pub payments: usize,
}

/// All that can be seen of it.
#[derive(Debug, Clone)]
pub struct Sight {
    pub mode: Mode,
    pub answer: Answer,
    pub opening: Opening,
    /// How often it was opened, and how often that failed.
    pub opened: usize,
    pub not_opened: usize,
    /// Commands it was given, in order; one entry an attempt.
    pub given: Vec<Uuid>,
    /// Commands it has begun (the commit is on disk).
    pub begun: Vec<Uuid>,
    pub made: Vec<Made>,
    /// Questions about attempts.
    pub asked: usize,
    /// Commands it was wished to end while it ran.
    pub wished: Vec<Uuid>,
    /// At once now, and at most.
    pub inside: usize,
    pub most_inside: usize,
    watch: Option<Watch>,
    /// Commands it has begun that its witness did not find on the disk.
    pub unwitnessed: Vec<Uuid>,
}

/// Looks, in the moment a command is begun, whether the intent is on the disk.
pub type Witness = Arc<dyn Fn(Uuid) -> bool + Send + Sync>;

/// The test's hand in the puppet.
#[derive(Clone)]
pub struct Puppet {
    pub url: String,
    sight: watch::Sender<Sight>,
    witness: Arc<OnceLock<Witness>>,
}

static ALL: LazyLock<Mutex<HashMap<String, Puppet>>> = LazyLock::new(Mutex::default);

impl Puppet {
    /// One that does well.
    pub fn new() -> Self {
        let url = format!("mem:{}", Uuid::new_v4());
        let sight = Sight {
            mode: Mode::Good,
            answer: Answer::Silent,
            opening: Opening::Works,
            opened: 0,
            not_opened: 0,
            given: Vec::new(),
            begun: Vec::new(),
            made: Vec::new(),
            asked: 0,
            wished: Vec::new(),
            inside: 0,
            most_inside: 0,
            watch: None,
            unwitnessed: Vec::new(),
        };
        let puppet = Self {
            url: url.clone(),
            sight: watch::Sender::new(sight),
            witness: Arc::default(),
        };
        let mut all = ALL.lock().unwrap_or_else(PoisonError::into_inner);
        all.insert(url, puppet.clone());
        puppet
    }

    /// `[device.NAME]` of a kind: `printer`, `key`, `fiscal`; `more` are settings of the device.
    pub fn section(&self, kind: &str, name: &str, more: &str) -> String {
        let url = &self.url;
        format!(
            "[device.{name}]\nmews = \"{name}\"\ndriver = \"puppet-{kind}\"\nlink = \"{url}\"\n\
             {more}\n"
        )
    }

    pub fn sees(&self) -> Sight {
        self.sight.borrow().clone()
    }

    pub fn is(&self, mode: Mode) {
        self.edit(|sight| sight.mode = mode);
    }

    pub fn says(&self, answer: Answer) {
        self.edit(|sight| sight.answer = answer);
    }

    pub fn opens(&self, opening: Opening) {
        self.edit(|sight| sight.opening = opening);
    }

    /// Late evidence may have come.
    pub fn news(&self) {
        if let Some(watch) = self.sees().watch {
            watch.news();
        }
    }

    /// Asked whenever a command is begun.
    pub fn is_watched_by(&self, witness: Witness) {
        let first = self.witness.set(witness);
        assert!(first.is_ok(), "one witness is enough");
    }

    fn begins(&self, id: Uuid) {
        let seen = self.witness.get().is_none_or(|witness| witness(id));
        self.edit(|sight| {
            sight.begun.push(id);
            if !seen {
                sight.unwitnessed.push(id);
            }
        });
    }

    /// How many exist of one command.
    pub fn made(&self, id: Uuid) -> usize {
        self.sees().made.iter().filter(|made| made.id == id).count()
    }

    /// Waits until something can be seen.
    pub async fn until(&self, holds: impl FnMut(&Sight) -> bool) {
        let mut sight = self.sight.subscribe();
        sight.wait_for(holds).await.expect("the puppet stays");
    }

    fn edit(&self, edit: impl FnOnce(&mut Sight)) {
        self.sight.send_modify(edit);
    }
}

struct Kind(&'static str, Class);

/// The kinds, for the config and the worker.
pub static KINDS: [&dyn DriverKind; 3] = [
    &Kind("puppet-printer", Class::Printer),
    &Kind("puppet-key", Class::KeyCutter),
    &Kind("puppet-fiscal", Class::FiscalMachine),
];

const fn page(code: &'static str, text: &'static str) -> FaultPage {
    FaultPage { code, text }
}

const PAGES: &[FaultPage] = &[
    page("PUPPET-MADE", "made, as asked."),
    page(
        "PUPPET-EMPTY",
        "Nothing to print on. Nothing was printed. Fill it.",
    ),
    page("PUPPET-DEAF", "No answer came. Look at the puppet."),
];

impl DriverKind for Kind {
    fn name(&self) -> &'static str {
        self.0
    }

    fn class(&self) -> Class {
        self.1
    }

    fn open(&self, _: &Settings, links: &mut Links<'_>) -> Result<Device, SettingsError> {
        let url = links.url()?.to_owned();
        // Devices at one address take turns.
        links.stream(Resync::ById)?;
        let all = ALL.lock().unwrap_or_else(PoisonError::into_inner);
        let puppet = all.get(&url).cloned();
        let puppet = puppet.ok_or_else(|| SettingsError::new("no puppet hangs there"))?;
        drop(all);
        match puppet.sees().opening {
            Opening::Works => {
                puppet.edit(|sight| sight.opened += 1);
                Ok(Device::new(Hand { puppet }))
            }
            Opening::Fails => {
                puppet.edit(|sight| sight.not_opened += 1);
                Err(SettingsError::new("it does not open now"))
            }
            Opening::Panics => {
                puppet.edit(|sight| sight.not_opened += 1);
                panic!("the puppet panics");
            }
        }
    }

    fn faults(&self) -> &'static [FaultPage] {
        PAGES
    }
}

struct Hand {
    puppet: Puppet,
}

/// Counts who is inside, however it ends.
struct Inside<'a>(&'a Puppet);

impl<'a> Inside<'a> {
    fn enter(puppet: &'a Puppet) -> Self {
        puppet.edit(|sight| {
            sight.inside += 1;
            sight.most_inside = sight.most_inside.max(sight.inside);
        });
        Self(puppet)
    }
}

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        self.0.edit(|sight| sight.inside -= 1);
    }
}

fn proof() -> Proof {
    Proof::new(Grade::Done, Say::new("PUPPET-MADE"))
}

impl Driver for Hand {
    type Plan = Made;

    fn abilities(&self) -> Abilities {
        Abilities {
            reconcile: true,
            abort: true,
            harmless_repeat: false,
        }
    }

    fn prepare(&self, job: &Job) -> Result<Made, Fault> {
        assert!(
            self.puppet.sees().mode != Mode::Panics(Place::Prepare),
            "the puppet panics"
        );
        let (items, payments) = match &job.work {
            driver_sdk::Work::Fiscal(work) => (
                work.bill.order_items.as_ref().map_or(0, Vec::len),
                work.bill.payment_items.as_ref().map_or(0, Vec::len),
            ),
            driver_sdk::Work::Print(_) | driver_sdk::Work::Key(_) | driver_sdk::Work::Local(_) => {
                (0, 0)
            }
        };
        Ok(Made {
            id: job.id.0,
            device: job.device.to_string(),
            repeat: job.repeat,
            items,
            payments,
        })
    }

    async fn execute(&mut self, made: Made, run: &Run) -> Result<Proof, Fault> {
        let puppet = &self.puppet;
        let id = made.id;
        let _inside = Inside::enter(puppet);
        puppet.edit(|sight| sight.given.push(id));
        puppet.until(|sight| sight.mode != Mode::HoldBefore).await;
        match puppet.sees().mode {
            Mode::Empty => return Err(Fault::operator("PUPPET-EMPTY")),
            Mode::Panics(Place::Before) => panic!("the puppet panics"),
            Mode::Hangs => std::future::pending().await,
            Mode::Good
            | Mode::Hasty
            | Mode::HoldBefore
            | Mode::HoldAfter
            | Mode::Deaf { .. }
            | Mode::Panics(Place::Prepare | Place::After | Place::Idle) => {}
        }
        let is_hasty = puppet.sees().mode == Mode::Hasty;
        if is_hasty {
            puppet.begins(id);
        }
        run.commit(&serde_json::Value::Null).await?;
        if !is_hasty {
            puppet.begins(id);
        }
        tokio::select! {
            () = puppet.until(|sight| sight.mode != Mode::HoldAfter) => {}
            () = run.cancelled() => {
                puppet.edit(|sight| sight.wished.push(id));
                puppet.until(|sight| sight.mode != Mode::HoldAfter).await;
            }
        }
        match puppet.sees().mode {
            Mode::Deaf { makes } => {
                if makes {
                    puppet.edit(|sight| sight.made.push(made));
                }
                Err(Fault::transient("PUPPET-DEAF"))
            }
            Mode::Panics(_) => panic!("the puppet panics"),
            Mode::Good
            | Mode::Hasty
            | Mode::Empty
            | Mode::HoldBefore
            | Mode::HoldAfter
            | Mode::Hangs => {
                puppet.edit(|sight| sight.made.push(made));
                Ok(proof())
            }
        }
    }

    async fn reconcile(&mut self, _: &Attempt, _: &Run) -> Result<Verdict, Fault> {
        let _inside = Inside::enter(&self.puppet);
        self.puppet.edit(|sight| sight.asked += 1);
        match self.puppet.sees().answer {
            Answer::Silent => Err(Fault::transient("PUPPET-DEAF")),
            Answer::Happened => Ok(Verdict::Happened(proof())),
            Answer::DidNotHappen => Ok(Verdict::DidNotHappen),
            Answer::CannotTell => Ok(Verdict::CannotTell {
                check: Say::new("PUPPET-DEAF"),
            }),
        }
    }

    async fn idle(&mut self, watch: &Watch) -> Result<(), Fault> {
        let ear = watch.clone();
        self.puppet.edit(|sight| sight.watch = Some(ear));
        let panics = |sight: &Sight| sight.mode == Mode::Panics(Place::Idle);
        self.puppet.until(panics).await;
        panic!("the puppet panics");
    }
}
