//! The times of the last requests, across a restart.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;

use tracing::warn;

use super::core::{BURST, LIMIT};

/// Remembers when requests were sent, in milliseconds since 1970 by the PC's clock.
pub trait Keep: Send {
    /// What is remembered.
    fn load(&mut self) -> Vec<i64>;
    /// Remembers a request; a later time for the same slot replaces it.
    fn note(&mut self, slot: usize, unix_millis: i64);
}

/// Remembers nothing.
#[derive(Debug, Default)]
pub struct Forget;

impl Keep for Forget {
    fn load(&mut self) -> Vec<i64> {
        Vec::new()
    }
    fn note(&mut self, _: usize, _: i64) {}
}

/// Slots of the file: all that can count at once.
const SLOTS: usize = LIMIT + BURST;
/// Bytes of a slot: the time, big-endian.
const WIDTH: usize = 8;

/// A small file of fixed places, each written on its own and never synced: a crash of the worker
/// loses nothing, a crash of the PC at most 30 s of restraint.
///
/// Without the file (a full or read-only disk) requests go on; that is logged once.
#[derive(Debug)]
pub struct RingFile {
    file: Option<File>,
    offset: usize,
}

impl RingFile {
    /// Opens or creates the file.
    #[must_use]
    pub fn open(path: &Path) -> Self {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path);
        let file = file
            .inspect_err(|cause| {
                warn!(path = %path.display(), error = %cause, "Cannot remember request times");
            })
            .ok();
        Self { file, offset: 0 }
    }
}

impl Keep for RingFile {
    fn load(&mut self) -> Vec<i64> {
        let mut bytes = Vec::new();
        if let Some(file) = &mut self.file {
            let limit = (SLOTS * WIDTH) as u64;
            if let Err(cause) = file.take(limit).read_to_end(&mut bytes) {
                warn!(error = %cause, "Cannot read the remembered request times");
            }
        }
        let times: Vec<i64> = bytes
            .chunks_exact(WIDTH)
            .map(|slot| i64::from_be_bytes(slot.try_into().expect("a chunk of eight")))
            .collect();
        // What another process left is overwritten from its oldest on.
        let oldest = times.iter().enumerate().min_by_key(|(_, time)| **time);
        self.offset = if times.len() < SLOTS {
            times.len()
        } else {
            oldest.map_or(0, |o| o.0)
        };
        times
    }

    fn note(&mut self, slot: usize, unix_millis: i64) {
        let Some(file) = &mut self.file else { return };
        let place = (self.offset + slot) % SLOTS * WIDTH;
        let written = file
            .seek(SeekFrom::Start(place as u64))
            .and_then(|_| file.write_all(&unix_millis.to_be_bytes()));
        if let Err(cause) = written {
            warn!(error = %cause, "Cannot remember request times any more");
            self.file = None;
        }
    }
}
