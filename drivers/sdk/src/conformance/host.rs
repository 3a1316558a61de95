//! A host that remembers: the worker's journal and shelf, in memory.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use futures_util::future::BoxFuture;
use serde_json::Value;
use tokio::sync::watch;

use crate::fault::Fault;
use crate::run::Host;
use crate::staged::{ShelfRead, ShelfWrite, Staged};

/// What attempts did through a [`TestHost`].
#[derive(Debug, Clone, Default)]
pub struct Recorded {
    /// The bookmark of each commit.
    pub commits: Vec<Value>,
    /// The bookmark of each checkpoint.
    pub checkpoints: Vec<Value>,
    /// The bookmark a crash would leave.
    pub bookmark: Option<Value>,
    /// Progress in percent.
    pub progress: Vec<u8>,
    /// What a person was asked for.
    pub waiting: Vec<Fault>,
    /// Shelf values, with how often each was written.
    pub shelf: BTreeMap<String, (Value, u64)>,
    /// Audit lines.
    pub audit: Vec<(String, Value)>,
}

#[derive(Default)]
struct State {
    recorded: Recorded,
    refuse: Option<Fault>,
    /// The durable call that never returns, from 1, and whether it reaches the disk.
    hang_at: Option<(usize, bool)>,
    durable: usize,
}

/// Values by key, with how often each was written.
type Shelf = BTreeMap<String, (Value, u64)>;

/// A [`Host`] for tests of drivers. It outlives a crash of the driver, as a journal does.
pub struct TestHost {
    state: Mutex<State>,
    shelf: Arc<Mutex<Shelf>>,
    hung: watch::Sender<bool>,
}

impl Default for TestHost {
    fn default() -> Self {
        Self {
            state: Mutex::default(),
            shelf: Arc::default(),
            hung: watch::Sender::new(false),
        }
    }
}

impl std::fmt::Debug for TestHost {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("TestHost").field(&self.recorded()).finish()
    }
}

impl TestHost {
    /// An empty journal and shelf.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The host of another device of the same system: they share one shelf.
    #[must_use]
    pub fn beside(&self) -> Self {
        Self {
            shelf: self.shelf.clone(),
            ..Self::default()
        }
    }

    /// Everything so far.
    #[must_use]
    pub fn recorded(&self) -> Recorded {
        let mut recorded = self.state().recorded.clone();
        recorded.shelf = self.shelf().clone();
        recorded
    }

    /// From now on every commit is refused: cancelled, too old.
    pub fn refuse_commit(&self, fault: Fault) {
        self.state().refuse = Some(fault);
    }

    /// The `nth` commit or checkpoint from now, counted from 1, never returns: the power fails in
    /// it, after it reached the disk (`written`) or before.
    pub fn hang_at(&self, nth: usize, written: bool) {
        let mut state = self.state();
        state.durable = 0;
        state.hang_at = Some((nth, written));
        drop(state);
        self.hung.send_replace(false);
    }

    /// Commits and checkpoints work again.
    pub fn recover(&self) {
        let mut state = self.state();
        state.hang_at = None;
        state.refuse = None;
        drop(state);
        self.hung.send_replace(false);
    }

    /// Resolves when a commit or checkpoint hangs.
    pub async fn hung(&self) {
        let mut hung = self.hung.subscribe();
        if hung.wait_for(|hung| *hung).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// True if the present attempt has committed.
    #[must_use]
    pub fn is_committed(&self) -> bool {
        self.state().recorded.bookmark.is_some()
    }

    /// The command is over, whatever became of it: the next one begins without a bookmark.
    pub(super) fn forget(&self) {
        self.state().recorded.bookmark = None;
    }

    /// The row is settled with what the attempt staged last; the next attempt begins without a
    /// bookmark.
    pub fn settle(&self, staged: Staged) {
        self.write(staged);
        self.state().recorded.bookmark = None;
    }

    /// Puts a value on the shelf.
    pub fn put(&self, key: &str, value: Value) {
        let staged = Staged {
            put: [(key.to_owned(), value)].into(),
            ..Staged::default()
        };
        self.write(staged);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state
            .lock()
            .expect("no code panics while it holds this lock")
    }

    fn shelf(&self) -> MutexGuard<'_, Shelf> {
        self.shelf
            .lock()
            .expect("no code panics while it holds this lock")
    }

    fn write(&self, staged: Staged) {
        let mut shelf = self.shelf();
        for key in staged.put.keys() {
            let now = shelf.get(key).map(|(value, version)| ShelfRead {
                value: value.clone(),
                version: *version,
            });
            if let Some(ShelfWrite::AsStaged(value) | ShelfWrite::Both(value)) =
                staged.write(key, now.as_ref())
            {
                let version = now.map_or(0, |now| now.version);
                shelf.insert(key.clone(), (value, version + 1));
            }
        }
        drop(shelf);
        self.state().recorded.audit.extend(staged.audit);
    }

    /// True if what this attempt has read is still so.
    fn unchanged(&self, read: &BTreeMap<String, u64>) -> bool {
        let shelf = self.shelf();
        let version = |key| shelf.get(key).map_or(0, |(_, version)| *version);
        read.iter().all(|(key, seen)| version(key) == *seen)
    }

    async fn durable(&self, bookmark: Value, staged: Staged, commit: bool) -> Result<(), Fault> {
        // A disk takes its time: a crash can come before the write and after it.
        tokio::task::yield_now().await;
        let hangs = {
            let mut state = self.state();
            state.durable += 1;
            if let Some(fault) = state.refuse.clone().filter(|_| commit) {
                return Err(fault);
            }
            state.hang_at.filter(|(nth, _)| *nth == state.durable)
        };
        if !self.unchanged(&staged.read) {
            return Err(Fault::transient("SHELF-CONFLICT"));
        }
        if !matches!(hangs, Some((_, false))) {
            self.write(staged);
            let recorded = &mut self.state().recorded;
            recorded.bookmark = Some(bookmark.clone());
            if commit {
                recorded.commits.push(bookmark);
            } else {
                recorded.checkpoints.push(bookmark);
            }
        }
        if hangs.is_some() {
            self.hung.send_replace(true);
            std::future::pending::<()>().await;
        }
        tokio::task::yield_now().await;
        Ok(())
    }
}

impl Host for TestHost {
    fn commit(&self, bookmark: Value, staged: Staged) -> BoxFuture<'_, Result<(), Fault>> {
        Box::pin(self.durable(bookmark, staged, true))
    }

    fn checkpoint(&self, bookmark: Value, staged: Staged) -> BoxFuture<'_, Result<(), Fault>> {
        Box::pin(self.durable(bookmark, staged, false))
    }

    fn progress(&self, percent: u8) {
        self.state().recorded.progress.push(percent);
    }

    fn waiting(&self, fault: Fault) {
        self.state().recorded.waiting.push(fault);
    }

    fn shelf(&self, key: &str) -> Option<ShelfRead> {
        let (value, version) = self.shelf().get(key)?.clone();
        Some(ShelfRead { value, version })
    }
}
