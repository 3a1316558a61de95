//! The worker's part of an attempt, in memory: for tests of key drivers.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use driver_sdk::{
    Abilities, Attempt, CommandId, Device, DeviceName, DialFactory, Dialer, Driver, Fault, Host,
    Job, KeyWork, LinkError, LocalWork, Port, Poster, PreparedPlan, Proof, Run, ShelfRead,
    ShelfWrite, Staged, Verdict, VirtualDevice, Work,
};
use futures_util::future::BoxFuture;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

/// What all encoders of one lock system share: the shelf.
#[derive(Debug, Clone, Default)]
pub struct Shelf(Arc<Mutex<BTreeMap<String, (Value, u64)>>>);

impl Shelf {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, (Value, u64)>> {
        self.0
            .lock()
            .expect("no test panics while it holds this lock")
    }

    /// Puts something there, as if an earlier attempt had.
    pub fn put(&self, key: &str, value: Value) {
        let mut shelf = self.lock();
        let version = shelf.get(key).map_or(0, |(_, version)| *version);
        shelf.insert(key.to_owned(), (value, version + 1));
    }

    /// What is there, by any attempt.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<Value> {
        self.lock().get(key).map(|(value, _)| value.clone())
    }

    fn read(&self, key: &str) -> Option<ShelfRead> {
        let shelf = self.lock();
        shelf.get(key).map(|(value, version)| ShelfRead {
            value: value.clone(),
            version: *version,
        })
    }

    fn write(&self, staged: &Staged) {
        for key in staged.put.keys() {
            let now = self.read(key);
            if let Some(ShelfWrite::AsStaged(value) | ShelfWrite::Both(value)) =
                staged.write(key, now.as_ref())
            {
                self.put(key, value);
            }
        }
    }
}

/// One command, told step by step.
pub struct Rehearsal {
    shelf: Shelf,
    job: Job,
    journal: Arc<Journal>,
    stopping: CancellationToken,
    cancelled: CancellationToken,
}

impl std::fmt::Debug for Rehearsal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Rehearsal")
    }
}

/// What another encoder does to the shelf.
type Meanwhile = Box<dyn FnOnce(&Shelf) + Send>;

#[derive(Default)]
struct Journal {
    shelf: Shelf,
    bookmarks: Mutex<Vec<Value>>,
    progress: Mutex<Vec<u8>>,
    waiting: Mutex<Vec<String>>,
    meanwhile: Mutex<Option<Meanwhile>>,
    /// The fault that checkpoints are refused with.
    refuse: Mutex<Option<&'static str>>,
}

impl Host for Journal {
    fn commit(&self, bookmark: Value, staged: Staged) -> BoxFuture<'_, Result<(), Fault>> {
        Box::pin(async move { self.checkpoint(bookmark, staged).await })
    }

    fn checkpoint(&self, bookmark: Value, staged: Staged) -> BoxFuture<'_, Result<(), Fault>> {
        Box::pin(async move {
            let after_the_commit = !lock(&self.bookmarks).is_empty();
            if let Some(code) = lock(&self.refuse).filter(|_| after_the_commit) {
                return Err(Fault::transient(code));
            }
            for (key, seen) in &staged.read {
                let now = self
                    .shelf
                    .lock()
                    .get(key)
                    .map_or(0, |(_, version)| *version);
                if now != *seen {
                    return Err(Fault::transient("SHELF-CONFLICT"));
                }
            }
            self.shelf.write(&staged);
            lock(&self.bookmarks).push(bookmark);
            Ok(())
        })
    }

    fn progress(&self, percent: u8) {
        lock(&self.progress).push(percent);
        if let Some(change) = lock(&self.meanwhile).take() {
            change(&self.shelf);
        }
    }

    fn waiting(&self, fault: Fault) {
        lock(&self.waiting).push(fault.to_string());
    }

    fn shelf(&self, key: &str) -> Option<ShelfRead> {
        self.shelf.read(key)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex
        .lock()
        .expect("no test panics while it holds this lock")
}

impl Rehearsal {
    /// A command on a shelf.
    #[must_use]
    pub fn new(shelf: &Shelf, job: Job) -> Self {
        Self {
            shelf: shelf.clone(),
            job,
            journal: Arc::new(Journal {
                shelf: shelf.clone(),
                ..Journal::default()
            }),
            stopping: CancellationToken::new(),
            cancelled: CancellationToken::new(),
        }
    }

    /// Another encoder changes the shelf when this attempt next tells its progress.
    pub fn meanwhile(&self, change: impl FnOnce(&Shelf) + Send + 'static) {
        *lock(&self.journal.meanwhile) = Some(Box::new(change));
    }

    /// Its job.
    #[must_use]
    pub fn job(&self) -> &Job {
        &self.job
    }

    /// Tells the attempt that the worker stops.
    #[must_use]
    pub fn stopping(&self) -> CancellationToken {
        self.stopping.clone()
    }

    /// Tells the attempt that the command was cancelled.
    #[must_use]
    pub fn cancelled(&self) -> CancellationToken {
        self.cancelled.clone()
    }

    /// From now on checkpoints are refused with this code.
    pub fn refuse_checkpoints(&self, code: &'static str) {
        *lock(&self.journal.refuse) = Some(code);
    }

    /// What `run` the driver is given.
    #[must_use]
    pub fn run(&self) -> Run {
        Run::new(
            self.journal.clone(),
            Duration::from_secs(90),
            Duration::from_secs(90),
            self.stopping.clone(),
            self.cancelled.clone(),
        )
    }

    /// Prepares and executes, and judges the end as the worker does.
    ///
    /// # Errors
    /// The driver's fault, judged.
    pub async fn execute<D: Driver>(&self, driver: &mut D) -> Result<Proof, Fault> {
        let plan = driver
            .prepare(&self.job)
            .map_err(|fault| fault.judged(false))?;
        let run = self.run();
        let end = driver.execute(plan, &run).await;
        self.shelf.write(&run.take_staged());
        end.map_err(|fault| run.judged(fault))
    }

    /// Asks the driver about the attempt.
    ///
    /// # Errors
    /// "Ask me again later."
    pub async fn reconcile<D: Driver>(&self, driver: &mut D) -> Result<Verdict, Fault> {
        let run = self.run().already_committed();
        let attempt = Attempt {
            id: self.job.id,
            number: 1,
            committed_at: Some(self.job.now),
            job: Some(self.job.clone()),
            bookmark: self.bookmarks().last().cloned().unwrap_or(Value::Null),
        };
        let verdict = driver.reconcile(&attempt, &run).await;
        self.shelf.write(&run.take_staged());
        verdict
    }

    /// Every bookmark that reached the disk, in order.
    #[must_use]
    pub fn bookmarks(&self) -> Vec<Value> {
        lock(&self.journal.bookmarks).clone()
    }

    /// Every progress told, in order.
    #[must_use]
    pub fn progress(&self) -> Vec<u8> {
        lock(&self.journal.progress).clone()
    }

    /// Every wait for a person told, in order.
    #[must_use]
    pub fn waiting(&self) -> Vec<String> {
        lock(&self.journal.waiting).clone()
    }
}

/// A line to a virtual device, in memory. Each opening is a new conversation of the same device.
pub struct Wire {
    device: Arc<dyn VirtualDevice>,
    refuse: Arc<Mutex<bool>>,
}

impl std::fmt::Debug for Wire {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Wire")
    }
}

impl Wire {
    /// A line to a device.
    #[must_use]
    pub fn to(device: Arc<dyn VirtualDevice>) -> Arc<Self> {
        Arc::new(Self {
            device,
            refuse: Arc::default(),
        })
    }

    /// Pulls the plug, or puts it in: new conversations are refused, or taken again.
    pub fn refuse(&self, refuse: bool) {
        *lock(&self.refuse) = refuse;
    }
}

impl Dialer for Wire {
    fn dial(&self) -> BoxFuture<'_, io::Result<Box<dyn Port>>> {
        Box::pin(async move {
            if *lock(&self.refuse) {
                return Err(io::ErrorKind::ConnectionRefused.into());
            }
            let (ours, theirs) = tokio::io::duplex(1 << 16);
            tokio::spawn(self.device.clone().serve(Box::new(theirs)));
            Ok(Box::new(ours) as Box<dyn Port>)
        })
    }

    fn address(&self) -> &str {
        "lock-pc:8090"
    }
}

/// The same line for a hub: every address leads to it.
impl DialFactory for Wire {
    fn dialer(&self, _: &str) -> Result<Arc<dyn Dialer>, LinkError> {
        let refuse = self.refuse.clone();
        Ok(Arc::new(Self {
            device: self.device.clone(),
            refuse,
        }))
    }

    fn poster(&self, _: &str) -> Result<Arc<dyn Poster>, LinkError> {
        Err(LinkError("a lock system is no HTTP device".to_owned()))
    }

    fn address(&self, url: &str) -> Result<String, LinkError> {
        Ok(url.split('?').next().unwrap_or_default().to_owned())
    }
}

/// A device as the worker holds it, as a driver again.
#[derive(Debug)]
pub struct Erased(pub Device);

impl Driver for Erased {
    type Plan = PreparedPlan;

    fn abilities(&self) -> Abilities {
        self.0.abilities()
    }

    fn prepare(&self, job: &Job) -> Result<PreparedPlan, Fault> {
        self.0.prepare(job)
    }

    async fn execute(&mut self, plan: PreparedPlan, run: &Run) -> Result<Proof, Fault> {
        self.0.execute(plan, run).await
    }

    async fn reconcile(&mut self, attempt: &Attempt, run: &Run) -> Result<Verdict, Fault> {
        self.0.reconcile(attempt, run).await
    }
}

/// A time of a test.
///
/// # Panics
/// If it is none.
#[must_use]
pub fn at(text: &str) -> Timestamp {
    text.parse().expect("a time of this test")
}

/// Two keys for room 101, 28 March 15:00 to 30 March 2026 12:00 in Prague, across the change of
/// the clocks.
#[must_use]
pub fn work() -> KeyWork {
    KeyWork {
        encoder: Some("1".into()),
        api_url: None,
        data: None,
        count: 2,
        locks: vec!["101".into()],
        start: at("2026-03-28T14:00:00Z"),
        end: at("2026-03-30T10:00:00Z"),
        first_name: Some("Jana".to_owned().into()),
        last_name: "Nováková".to_owned().into(),
        normalized_first_name: Some("Jana".to_owned().into()),
        normalized_last_name: Some("Novakova".to_owned().into()),
        telephone: None,
        email: None,
        reservation: None,
        reservation_number: Some("52421".into()),
    }
}

/// A job with this work, ordered now: 28 March 2026 15:05 in Prague.
///
/// # Panics
/// Never: the zone data is inside the binary.
#[must_use]
pub fn job(work: Work) -> Job {
    Job {
        id: CommandId::local(),
        device: DeviceName::new("reception"),
        created: at("2026-03-28T14:05:00Z"),
        now: at("2026-03-28T14:05:00Z"),
        zone: TimeZone::get("Europe/Prague").expect("the zone data is inside the binary"),
        repeat: false,
        attempt: 0,
        work,
    }
}

/// A key job.
#[must_use]
pub fn key_job(change: impl FnOnce(&mut KeyWork)) -> Job {
    let mut work = work();
    change(&mut work);
    job(Work::Key(Box::new(work)))
}

/// `nightporter test`.
#[must_use]
pub fn test_job() -> Job {
    job(Work::Local(LocalWork::Test))
}
