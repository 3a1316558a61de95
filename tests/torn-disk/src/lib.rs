//! A disk in memory for SQLite, that knows for each file what was synced and what was not, and
//! that can lose power: [`Disk::snapshots`] are taken at every sync before it takes effect, and a
//! [`Snapshot`] makes any number of disks as they may look when the power is back.
//!
//! What is unsynced is lost, kept or torn: of each write every sector of 512 bytes may be there,
//! not there, or there in part, whatever became of the writes before and after it. What is synced
//! stays. A name in the folder (a new file, a deleted one) is as durable as its folder: SQLite's
//! own file system for Unix syncs the folder with the first sync of a new log or rollback journal
//! and when it deletes one that matters, and so does this one.
//!
//! One connection at a time: locks are not kept. `crate::vfs` alone is unsafe.

mod files;
mod vfs;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};

use rusqlite::{Connection, OpenFlags};

use files::Files;
pub use files::{Loss, Snapshot};

/// What the functions of the file system and the test share.
#[derive(Debug, Default)]
pub(crate) struct Inside {
    files: Mutex<Files>,
}

impl Inside {
    pub(crate) fn files(&self) -> MutexGuard<'_, Files> {
        // A panic under this lock is a failed test already.
        self.files
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// A disk.
#[derive(Debug)]
pub struct Disk {
    inside: Arc<Inside>,
    folder: PathBuf,
}

impl Drop for Disk {
    fn drop(&mut self) {
        vfs::forget(&self.folder);
    }
}

impl Default for Disk {
    fn default() -> Self {
        Self::with(Files::default())
    }
}

impl Disk {
    fn with(files: Files) -> Self {
        let inside = Arc::new(Inside {
            files: Mutex::new(files),
        });
        let folder = vfs::announce(&inside);
        Self { inside, folder }
    }

    /// From now on it says "synced" and is not: the twin of a test.
    pub fn lies_from_now(&self) {
        self.inside.files().lies = true;
    }

    /// Opens a database on it. A connection may outlive the disk's name.
    ///
    /// # Errors
    /// SQLite's.
    pub fn open(&self, name: &str) -> rusqlite::Result<Connection> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE;
        Connection::open_with_flags_and_vfs(self.path(name), flags, vfs::NAME)
    }

    /// The path of a file on it, as SQLite knows it.
    #[must_use]
    pub fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.folder.join(name)
    }

    /// How often something was synced.
    #[must_use]
    pub fn syncs(&self) -> usize {
        self.inside.files().syncs
    }

    /// What stood on it, and what was on its way, at each sync since the last call.
    #[must_use]
    pub fn snapshots(&self) -> Vec<Snapshot> {
        std::mem::take(&mut self.inside.files().snapshots)
    }

    /// The same, now.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        self.inside.files().snapshot()
    }
}

impl Snapshot {
    /// A disk as it may look after a loss of power in this moment.
    pub fn image(&self, loss: Loss, random: &mut fastrand::Rng) -> Disk {
        Disk::with(self.after(loss, random))
    }
}

#[cfg(test)]
mod tests;
