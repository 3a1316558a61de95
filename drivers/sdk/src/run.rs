//! What one attempt may do, and the token without which no effect compiles.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::BoxFuture;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::clock_source;
use crate::fault::Fault;
use crate::staged::{Rule, ShelfRead, Staged};

/// Leave to change the world: lives as long as the attempt, and only [`Run::commit`] makes it. It
/// counts what the attempt may have sent, so that "never sent" is proof of nothing once more than
/// one effect is under way.
///
/// ```compile_fail
/// let made_by_hand = driver_sdk::Committed(&std::sync::atomic::AtomicU32::new(0));
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Committed<'run>(&'run AtomicU32);

impl<'run> Committed<'run> {
    /// For the session's own end: a call that carried a commit is taken up inside it, and the
    /// effects of that call are counted on their own.
    pub(crate) fn lend(effects: &'run AtomicU32) -> Self {
        Self(effects)
    }

    /// Counts an effect from before its first byte on. One that ends with a proof was none, and
    /// its proof is of this effect alone: see [`Fault::never_sent`].
    pub(crate) async fn counted<T>(
        self,
        effect: impl Future<Output = Result<T, Fault>>,
    ) -> Result<T, Fault> {
        self.0.fetch_add(1, Ordering::SeqCst);
        let ended = effect.await;
        match ended {
            Err(fault) if fault.has_no_effect() => {
                self.was_none();
                Err(fault.never_sent())
            }
            ended => ended,
        }
    }

    /// An effect that was counted took no byte.
    pub(crate) fn was_none(self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// What the worker does for an attempt. Implemented by the worker's lane and by
/// tests, never by a driver.
pub trait Host: Send + Sync + 'static {
    /// Writes the bookmark and what is staged, durable when it returns; the last gate.
    ///
    /// # Errors
    /// `NOT-STARTED` (cancelled, too old, stopping), `SHELF-CONFLICT`, or the journal's fault:
    /// then nothing may happen.
    fn commit(&self, bookmark: Value, staged: Staged) -> BoxFuture<'_, Result<(), Fault>>;
    /// Replaces the bookmark, durable when it returns.
    ///
    /// # Errors
    /// `SHELF-CONFLICT`, or the journal's fault: then nothing was written, and the next point of
    /// no return must not be passed.
    fn checkpoint(&self, bookmark: Value, staged: Staged) -> BoxFuture<'_, Result<(), Fault>>;
    /// Progress in percent.
    fn progress(&self, percent: u8);
    /// A person is needed now.
    fn waiting(&self, fault: Fault);
    /// A value of the device's shelf.
    fn shelf(&self, key: &str) -> Option<ShelfRead>;
}

/// One attempt: its deadline, its commit, its shelf. Every method takes `&self`, so `select!`
/// works.
pub struct Run {
    host: Arc<dyn Host>,
    staged: Mutex<Staged>,
    committed: Mutex<bool>,
    /// Effects of this attempt that may have been sent.
    effects: AtomicU32,
    deadline: watch::Sender<Instant>,
    silence_max: Duration,
    operator_wait: Duration,
    stopping: CancellationToken,
    cancelled: CancellationToken,
}

impl std::fmt::Debug for Run {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Run")
            .field("committed", &self.is_committed())
            .finish_non_exhaustive()
    }
}

impl Run {
    /// An attempt on behalf of a host. `silence_max` is the longest silence of one step,
    /// `operator_wait` the time a person has.
    #[must_use]
    pub fn new(
        host: Arc<dyn Host>,
        silence_max: Duration,
        operator_wait: Duration,
        stopping: CancellationToken,
        cancelled: CancellationToken,
    ) -> Self {
        Self {
            host,
            staged: Mutex::default(),
            committed: Mutex::new(false),
            effects: AtomicU32::new(0),
            deadline: watch::Sender::new(clock_source::now() + silence_max),
            silence_max,
            operator_wait,
            stopping,
            cancelled,
        }
    }

    /// The same for `reconcile`: the attempt is committed already, and may have sent something.
    #[must_use]
    pub fn already_committed(self) -> Self {
        self.effects.fetch_add(1, Ordering::SeqCst);
        *self
            .committed
            .lock()
            .expect("no code panics while it holds this lock") = true;
        self
    }

    /// When this step has been silent for too long.
    #[must_use]
    pub fn deadline(&self) -> Instant {
        *self.deadline.borrow()
    }

    /// How long a person has, where one is needed. A setting of the device.
    #[must_use]
    pub fn operator_wait(&self) -> Duration {
        self.operator_wait
    }

    /// The deadline as it moves, for the one who enforces it.
    #[must_use]
    pub fn deadlines(&self) -> watch::Receiver<Instant> {
        self.deadline.subscribe()
    }

    /// How far the work is, 0 to 100. The latest wins; never blocks. Starts the deadline anew.
    pub fn progress(&self, percent: u8) {
        self.move_on(self.silence_max);
        self.host.progress(percent.min(100));
    }

    /// A person is needed now: shown at once; the deadline becomes `operator_wait` from now.
    pub fn waiting(&self, fault: Fault) {
        self.move_on(self.operator_wait);
        self.host.waiting(fault);
    }

    /// Resolves when the worker stops: end at the next safe point.
    pub fn stopping(&self) -> impl Future<Output = ()> + Send + 'static {
        self.stopping.clone().cancelled_owned()
    }

    /// True once the worker stops.
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        self.stopping.is_cancelled()
    }

    /// Resolves when the command was cancelled: after the commit this is a wish.
    pub fn cancelled(&self) -> impl Future<Output = ()> + Send + 'static {
        self.cancelled.clone().cancelled_owned()
    }

    /// True once the command was cancelled.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.cancelled.is_cancelled()
    }

    /// Puts the bookmark on disk and gives leave to act. Called once per attempt, before the
    /// first byte that changes the world. One disk sync; never waits for the network.
    ///
    /// # Errors
    /// Whatever [`Host::commit`] refuses with. Nothing may happen then.
    ///
    /// # Panics
    /// If the attempt is committed already: a bug of the driver, met as a crash of its device.
    pub async fn commit(&self, bookmark: &(impl Serialize + Sync)) -> Result<Committed<'_>, Fault> {
        assert!(!self.is_committed(), "commit is called once per attempt");
        self.host
            .commit(to_value(bookmark), self.take_staged())
            .await?;
        *self
            .committed
            .lock()
            .expect("no code panics while it holds this lock") = true;
        self.move_on(self.silence_max);
        Ok(Committed(&self.effects))
    }

    /// Replaces the bookmark before a further point of no return; durable when it returns. It
    /// refuses, as the commit does, when another device has changed a shelf value that this
    /// attempt has read since its last commit or checkpoint.
    ///
    /// # Errors
    /// Do not pass the point then; what was staged is dropped. After `SHELF-CONFLICT` read the
    /// shelf again, decide anew and call it again.
    ///
    /// # Panics
    /// If the attempt has not committed: a bug of the driver, met as a crash of its device.
    pub async fn checkpoint(&self, bookmark: &(impl Serialize + Sync)) -> Result<(), Fault> {
        assert!(self.is_committed(), "a checkpoint comes after the commit");
        self.host
            .checkpoint(to_value(bookmark), self.take_staged())
            .await?;
        self.move_on(self.silence_max);
        Ok(())
    }

    /// The leave to act, if this attempt has it. Always `Some` in `reconcile`.
    #[must_use]
    pub fn committed(&self) -> Option<Committed<'_>> {
        self.is_committed().then_some(Committed(&self.effects))
    }

    /// What a fault of `execute` means for this attempt: as [`Fault::judged`], but "never sent"
    /// is a proof only while no other effect of the attempt may have been sent.
    #[must_use]
    pub fn judged(&self, fault: Fault) -> Fault {
        let sent_before = self.effects.load(Ordering::SeqCst) > 0;
        fault.of_an_attempt(sent_before).judged(self.is_committed())
    }

    /// A durable fact of this device's shelf, `None` if it is absent or of another shape.
    /// A value staged by this attempt is seen at once.
    #[must_use]
    pub fn shelf<T: DeserializeOwned>(&self, key: &str) -> Option<T> {
        self.shelf_strict(key).unwrap_or_default()
    }

    /// The same, but a value of another shape is an error instead of an absence: for ledgers
    /// where "unreadable" must not be taken for "nothing there".
    ///
    /// # Errors
    /// If the value is there and is not of this shape.
    pub fn shelf_strict<T: DeserializeOwned>(
        &self,
        key: &str,
    ) -> Result<Option<T>, serde_json::Error> {
        let mut staged = self
            .staged
            .lock()
            .expect("no code panics while it holds this lock");
        if let Some(value) = staged.put.get(key) {
            return if value.is_null() {
                Ok(None)
            } else {
                T::deserialize(value).map(Some)
            };
        }
        let found = self.host.shelf(key);
        staged.read.insert(
            key.to_owned(),
            found.as_ref().map_or(0, |read| read.version),
        );
        match found {
            None => Ok(None),
            Some(read) if read.value.is_null() => Ok(None),
            Some(read) => serde_json::from_value(read.value).map(Some),
        }
    }

    /// Changes a fact of the shelf by a rule; written with the next commit, checkpoint or settle.
    /// `None` takes it off the shelf. Where another device changes it between the reading and
    /// that write, a commit or a checkpoint refuses, and a settle applies the rule to what the
    /// other one wrote: what has happened is on record, and so is what the other has noted.
    ///
    /// # Errors
    /// The value is there and is not of this shape: nothing is staged.
    pub fn amend<T>(
        &self,
        key: &str,
        rule: impl Fn(T) -> Option<T> + Send + Sync + 'static,
    ) -> Result<(), serde_json::Error>
    where
        T: Default + Serialize + DeserializeOwned,
    {
        let before: T = self.shelf_strict(key)?.unwrap_or_default();
        let after = rule(before);
        let rule = move |there: &Value| {
            let before = if there.is_null() {
                T::default()
            } else {
                T::deserialize(there).ok()?
            };
            Some(rule(before).map_or(Value::Null, |after| to_value(&after)))
        };
        let mut staged = self
            .staged
            .lock()
            .expect("no code panics while it holds this lock");
        let value = after.map_or(Value::Null, |after| to_value(&after));
        // A value that was put as it is cannot be made again from the other's.
        let by_rules = !staged.put.contains_key(key) || staged.rules.contains_key(key);
        staged.put.insert(key.to_owned(), value);
        if by_rules {
            let rules = staged.rules.entry(key.to_owned()).or_default();
            rules.push(Rule(Arc::new(rule)));
        }
        Ok(())
    }

    /// Stages a fact for the shelf; written with the next commit, checkpoint or settle. At a
    /// settle it does not replace what another device wrote since this attempt read it; see
    /// [`Run::amend`].
    pub fn put(&self, key: &str, value: &impl Serialize) {
        let mut staged = self
            .staged
            .lock()
            .expect("no code panics while it holds this lock");
        staged.put.insert(key.to_owned(), to_value(value));
        staged.rules.remove(key);
    }

    /// Stages an audit line; written with the next commit, checkpoint or settle.
    pub fn audit(&self, what: &str, record: &impl Serialize) {
        let mut staged = self
            .staged
            .lock()
            .expect("no code panics while it holds this lock");
        staged.audit.push((what.to_owned(), to_value(record)));
    }

    /// What is staged and not yet written, for the transaction that settles the row.
    #[must_use]
    pub fn take_staged(&self) -> Staged {
        std::mem::take(
            &mut *self
                .staged
                .lock()
                .expect("no code panics while it holds this lock"),
        )
    }

    /// True once the commit is on disk.
    #[must_use]
    pub fn is_committed(&self) -> bool {
        *self
            .committed
            .lock()
            .expect("no code panics while it holds this lock")
    }

    fn move_on(&self, by: Duration) {
        self.deadline.send_replace(clock_source::now() + by);
    }
}

fn to_value(value: &impl Serialize) -> Value {
    serde_json::to_value(value).expect("bookmarks, shelf values and audit records are plain data")
}
