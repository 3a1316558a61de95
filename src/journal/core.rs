//! The journal without its thread: a connection, its durability, one transaction at a time.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures_util::future::BoxFuture;
use rusqlite::{Connection, Transaction, TransactionBehavior};

use super::lock::Lock;
use super::payload::Payloads;

/// How far a transaction must have got when the call returns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// Handed to the operating system: survives a crash of the worker, not a power cut.
    Relaxed,
    /// On the disk.
    Synced,
}

/// Why the journal could not do something. Nothing was written then.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The disk is full, read-only or failing, or the file is damaged.
    #[error("the journal cannot be read or written")]
    Disk(#[from] rusqlite::Error),
    /// A payload file beside the journal.
    #[error("the payload of a command cannot be written")]
    Payload(#[source] std::io::Error),
    /// A step panicked, which is a bug of ours; its transaction was taken back.
    #[error("a step of the journal broke off; nothing was written")]
    BrokeOff,
    /// The journal's thread is gone.
    #[error("the journal is closed")]
    Closed,
}

/// What may become of a write on its way to the disk, and of the one who waits for it. A simulation
/// gives its own; without one, SQLite and the operating system decide.
pub trait Disk: Send + Sync {
    /// Before a job of a task; a worker that dies here never goes on.
    fn asked(&self) -> BoxFuture<'static, ()>;
    /// Before a transaction.
    ///
    /// # Errors
    /// What the disk says: full, read-only, failing. Nothing is written then.
    fn writes(&self, durability: Durability) -> Result<(), rusqlite::Error>;
    /// Before the answer goes back to the task; what is written is written.
    fn answers(&self) -> BoxFuture<'static, ()>;
}

/// The journal's core: everything synchronous, so that a simulation can run it inline.
pub struct Core {
    pub(super) connection: Connection,
    pub(super) path: PathBuf,
    pub(super) payloads: Payloads,
    pub(super) disk: Option<Arc<dyn Disk>>,
    synced: bool,
    /// Held as long as the core lives: a second worker is refused.
    _lock: Option<Lock>,
}

impl std::fmt::Debug for Core {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Core")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

impl Core {
    pub(super) fn new(
        connection: Connection,
        path: &Path,
        payloads: Payloads,
        lock: Option<Lock>,
    ) -> Self {
        Self {
            connection,
            path: path.to_owned(),
            payloads,
            disk: None,
            synced: true,
            _lock: lock,
        }
    }

    /// The same core behind a disk that misbehaves.
    #[must_use]
    pub fn behind(mut self, disk: Arc<dyn Disk>) -> Self {
        self.disk = Some(disk);
        self
    }

    /// Where the journal is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The payload files beside it.
    #[must_use]
    pub fn payloads(&self) -> &Payloads {
        &self.payloads
    }

    /// One transaction, all or nothing.
    pub(super) fn transact<T>(
        &mut self,
        durability: Durability,
        work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, JournalError> {
        if let Some(disk) = &self.disk {
            disk.writes(durability)?;
        }
        let synced = durability == Durability::Synced;
        if synced != self.synced {
            // In WAL mode FULL syncs the log at every commit, NORMAL only at checkpoints. A
            // synced commit also carries every relaxed one before it to the disk.
            let level = if synced { "FULL" } else { "NORMAL" };
            self.connection.pragma_update(None, "synchronous", level)?;
            self.synced = synced;
        }
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)?;
        let value = work(&transaction)?;
        transaction.commit()?;
        Ok(value)
    }
}
