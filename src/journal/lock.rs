//! One worker per journal: an OS file lock that a crash releases.

use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Who only looks whether a worker runs holds the lock for a moment, and so does a child process that
/// is just being started by a worker that ends: neither is a second worker.
const TRIES: u32 = 25;
const BETWEEN: Duration = Duration::from_millis(10);

/// The held lock.
#[derive(Debug)]
pub(super) struct Lock(#[expect(dead_code, reason = "held, never read")] File);

impl Lock {
    /// Takes the lock beside the journal; `None`: another worker holds it.
    pub(super) fn take(journal: &Path) -> io::Result<Option<Self>> {
        let file = File::options()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(lock_path(journal))?;
        let mut tries = TRIES;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Some(Self(file))),
                Err(TryLockError::WouldBlock) if tries == 0 => return Ok(None),
                Err(TryLockError::WouldBlock) => {
                    tries -= 1;
                    std::thread::sleep(BETWEEN);
                }
                Err(TryLockError::Error(cause)) => return Err(cause),
            }
        }
    }
}

/// True while a worker holds the lock of a journal. Changes nothing.
#[must_use]
pub fn worker_runs(journal: &Path) -> bool {
    let Ok(file) = File::options()
        .read(true)
        .write(true)
        .open(lock_path(journal))
    else {
        return false;
    };
    matches!(file.try_lock(), Err(TryLockError::WouldBlock))
}

fn lock_path(journal: &Path) -> PathBuf {
    let mut name = journal.as_os_str().to_owned();
    name.push(".lock");
    name.into()
}
