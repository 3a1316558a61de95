//! The journal without its thread: a connection, its durability, one transaction at a time.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures_util::future::BoxFuture;
use rusqlite::{Connection, TransactionBehavior, ffi};

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

/// How many steps share a sync.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sharing {
    /// Each has its own transaction.
    Off,
    /// The first synced step opens a transaction for itself and all after it.
    Offered,
    /// It is open.
    Open,
}

/// Steps after which the log is moved home while nobody asks: about 500 of its pages, half a
/// minute of a busy front desk.
pub(super) const LOG_LONG: u32 = 64;

/// The journal's core: everything synchronous, so that a simulation can run it inline.
pub struct Core {
    pub(super) connection: Connection,
    pub(super) path: PathBuf,
    pub(super) payloads: Payloads,
    pub(super) disk: Option<Arc<dyn Disk>>,
    synced: bool,
    sharing: Sharing,
    /// Steps since the log was last moved home.
    logged: u32,
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

impl JournalError {
    /// The same for each of several who asked together.
    pub(crate) fn for_another(&self) -> Self {
        match self {
            Self::Disk(rusqlite::Error::SqliteFailure(code, text)) => {
                rusqlite::Error::SqliteFailure(*code, text.clone()).into()
            }
            Self::Disk(error) => {
                let code = ffi::Error::new(ffi::SQLITE_IOERR);
                rusqlite::Error::SqliteFailure(code, Some(error.to_string())).into()
            }
            Self::Payload(error) => {
                Self::Payload(std::io::Error::new(error.kind(), error.to_string()))
            }
            Self::BrokeOff => Self::BrokeOff,
            Self::Closed => Self::Closed,
        }
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
            sharing: Sharing::Off,
            logged: 0,
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

    /// One step, all or nothing: a transaction of its own, or a part of the one that is shared.
    pub(super) fn transact<T>(
        &mut self,
        durability: Durability,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, JournalError> {
        if let Some(disk) = &self.disk {
            disk.writes(durability)?;
        }
        self.logged = self.logged.saturating_add(1);
        if self.sharing != Sharing::Open && !self.connection.is_autocommit() {
            // A shared transaction that failed could not be rolled back either, at its end.
            self.connection.execute_batch("ROLLBACK")?;
        }
        if self.sharing == Sharing::Offered && durability == Durability::Synced {
            self.sync_at_commit(true)?;
            self.connection.execute_batch("BEGIN IMMEDIATE")?;
            self.sharing = Sharing::Open;
        }
        if self.sharing == Sharing::Open {
            self.still_shared()?;
            let part = self.connection.savepoint()?;
            let value = work(&part)?;
            part.commit()?;
            return Ok(value);
        }
        self.sync_at_commit(durability == Durability::Synced)?;
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)?;
        let value = work(&transaction)?;
        transaction.commit()?;
        Ok(value)
    }

    /// From the first synced step on, steps share one transaction and so one sync, until
    /// [`Core::share_ends`]. None of them may be answered before that.
    pub(super) fn share(&mut self) {
        self.sharing = Sharing::Offered;
    }

    /// True if steps are waiting for the sync they share.
    pub(super) fn is_shared(&self) -> bool {
        self.sharing == Sharing::Open
    }

    /// Puts the shared steps on the disk.
    ///
    /// # Errors
    /// The disk's: none of them was written.
    pub(super) fn share_ends(&mut self) -> Result<(), JournalError> {
        if std::mem::replace(&mut self.sharing, Sharing::Off) != Sharing::Open {
            return Ok(());
        }
        self.still_shared()?;
        let synced = self.connection.execute_batch("COMMIT");
        if synced.is_err() && !self.connection.is_autocommit() {
            // What cannot be rolled back now is before the next step.
            let _ = self.connection.execute_batch("ROLLBACK");
        }
        Ok(synced?)
    }

    /// A full or failing disk ends the whole transaction, not only the step that met it.
    fn still_shared(&self) -> Result<(), JournalError> {
        if self.connection.is_autocommit() {
            let text = "a write on the same sync failed".to_owned();
            let code = ffi::Error::new(ffi::SQLITE_IOERR);
            return Err(rusqlite::Error::SqliteFailure(code, Some(text)).into());
        }
        Ok(())
    }

    /// True if enough steps are in the log that it is worth moving them home.
    pub(super) fn log_is_long(&self) -> bool {
        self.logged >= LOG_LONG
    }

    /// Moves home what the log holds, so that no step has to do that in its turn. Whoever looks
    /// keeps his part of it there until the next time.
    ///
    /// # Errors
    /// The disk's: it stays in the log, which is as good.
    pub fn tidy_log(&mut self) -> Result<(), JournalError> {
        self.logged = 0;
        let moved = self
            .connection
            .query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()));
        Ok(moved?)
    }

    /// In WAL mode FULL syncs the log at every commit, NORMAL only at checkpoints. A synced commit
    /// also carries every relaxed one before it to the disk.
    fn sync_at_commit(&mut self, synced: bool) -> rusqlite::Result<()> {
        if synced != self.synced {
            let level = if synced { "FULL" } else { "NORMAL" };
            self.connection.pragma_update(None, "synchronous", level)?;
            self.synced = synced;
        }
        Ok(())
    }

    /// Looks at the journal as it is at one moment.
    pub(super) fn at_one_moment<T>(
        &self,
        look: impl FnOnce(&Self) -> Result<T, JournalError>,
    ) -> Result<T, JournalError> {
        let moment = self.connection.unchecked_transaction()?;
        let seen = look(self);
        moment.finish()?;
        seen
    }
}
