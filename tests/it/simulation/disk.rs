//! The journal's disk: full, read-only, slow; and what a power cut leaves of it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use nightporter::journal::{Disk, Durability};
use rusqlite::ffi;

use super::scenario::{OF_THE_DISK, Trouble};
use super::world::World;

#[derive(Default)]
pub struct DiskState {
    /// Bytes of the log that were synced; `None`: unknown, all of it.
    synced: Option<u64>,
    last: Option<Durability>,
    /// The disk says that it syncs, and does not. Only a twin's does.
    pub lies: bool,
    busy_until: Duration,
}

impl DiskState {
    /// Another file: nothing is known of it yet.
    pub fn is_another(&mut self) {
        self.synced = None;
    }
}

pub struct SimulatedDisk {
    pub world: Arc<World>,
    pub journal: PathBuf,
}

fn log_of(journal: &Path) -> PathBuf {
    let mut name = journal.as_os_str().to_owned();
    name.push("-wal");
    name.into()
}

fn payloads_of(journal: &Path) -> Vec<PathBuf> {
    let mut name = journal.as_os_str().to_owned();
    name.push(".payloads");
    let entries = std::fs::read_dir(PathBuf::from(name)).into_iter().flatten();
    let mut paths: Vec<_> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    paths
}

impl Disk for SimulatedDisk {
    fn asked(&self) -> BoxFuture<'static, ()> {
        let world = self.world.clone();
        async move { world.pass("before the journal").await }.boxed()
    }

    fn writes(&self, durability: Durability) -> Result<(), rusqlite::Error> {
        let mut state = self.world.state();
        let fails = [Trouble::DiskFull, Trouble::DiskReadOnly];
        let code = match state.strikes(&fails, None) {
            Some(Trouble::DiskFull) => ffi::SQLITE_FULL,
            Some(_) => ffi::SQLITE_READONLY,
            None => {
                state.disk.last = Some(durability);
                return Ok(());
            }
        };
        state.say(|| format!("the disk refuses a write ({code})"));
        Err(rusqlite::Error::SqliteFailure(ffi::Error::new(code), None))
    }

    fn answers(&self) -> BoxFuture<'static, ()> {
        let world = self.world.clone();
        let journal = self.journal.clone();
        async move {
            let wait = {
                let mut state = world.state();
                let wrote = state.disk.last.take();
                // Who lies syncs once: the journal is there, and what came later is not.
                let syncs = !state.disk.lies || state.disk.synced.is_none();
                if wrote == Some(Durability::Synced) && syncs {
                    state.disk.synced = std::fs::metadata(log_of(&journal)).ok().map(|m| m.len());
                }
                if wrote.is_some() && state.strikes(&OF_THE_DISK, None) == Some(Trouble::DiskSlow) {
                    // One disk: who comes later waits longer.
                    let now = state.now();
                    let takes = state.millis(5..1500);
                    state.disk.busy_until = state.disk.busy_until.max(now) + takes;
                    state.disk.busy_until - now
                } else {
                    Duration::ZERO
                }
            };
            world.pass("after the journal").await;
            if !wait.is_zero() {
                tokio::time::sleep(wait).await;
            }
        }
        .boxed()
    }
}

/// What a power cut leaves: taken while the worker still holds the files, put back when it is gone.
pub struct Remains {
    files: Vec<(PathBuf, Option<Vec<u8>>)>,
}

impl Remains {
    pub fn take(world: &World, journal: &Path) -> Self {
        let log = log_of(journal);
        let mut bytes = std::fs::read(&log).ok();
        let mut state = world.state();
        if let Some(bytes) = &mut bytes {
            let whole = bytes.len() as u64;
            let synced = state.disk.synced.filter(|synced| *synced <= whole);
            if let Some(synced) = synced {
                let kept = if state.disk.lies {
                    synced
                } else {
                    state.rng.u64(synced..=whole)
                };
                state.say(|| format!("power is cut: {kept} of {whole} bytes of the log are left"));
                bytes.truncate(usize::try_from(kept).unwrap_or_default());
            }
        }
        let mut files = vec![
            (journal.to_owned(), std::fs::read(journal).ok()),
            (log, bytes),
        ];
        // Payloads are never synced: any of them may be gone, empty or cut off.
        for path in payloads_of(journal) {
            let whole = std::fs::read(&path).unwrap_or_default();
            match state.rng.u8(..6) {
                0 => files.push((path, None)),
                1 => {
                    let kept = state.rng.usize(..=whole.len());
                    files.push((path, Some(whole[..kept].to_vec())));
                }
                _ => {}
            }
        }
        Self { files }
    }

    pub fn put_back(self) {
        for (path, bytes) in self.files {
            match bytes {
                Some(bytes) => std::fs::write(&path, bytes).expect("the test's own folder"),
                None => drop(std::fs::remove_file(&path)),
            }
        }
    }
}
