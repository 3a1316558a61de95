//! The times of the last requests and the last pause, across a restart.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;

use tracing::warn;

use super::core::{BURST, LIMIT, PAUSE_MAX};

/// A pause that Mews asked for with a 429, in milliseconds since 1970 by the PC's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Paused {
    /// When it was asked for.
    pub from: i64,
    /// When it ends.
    pub until: i64,
    /// How many 429s in a row there were.
    pub in_a_row: u32,
}

/// Remembers when requests were sent, in milliseconds since 1970 by the PC's clock.
pub trait Keep: Send {
    /// What is remembered.
    fn load(&mut self) -> Vec<i64>;
    /// Remembers a request; a later time for the same slot replaces it.
    fn note(&mut self, slot: usize, unix_millis: i64);
    /// The last pause, if there was one.
    fn load_pause(&mut self) -> Option<Paused>;
    /// Remembers the pause that holds now, instead of an earlier one.
    fn note_pause(&mut self, pause: Paused);
}

/// Remembers nothing.
#[derive(Debug, Default)]
pub struct Forget;

impl Keep for Forget {
    fn load(&mut self) -> Vec<i64> {
        Vec::new()
    }
    fn note(&mut self, _: usize, _: i64) {}
    fn load_pause(&mut self) -> Option<Paused> {
        None
    }
    fn note_pause(&mut self, _: Paused) {}
}

/// Slots of the file: all that can count at once.
const SLOTS: usize = LIMIT + BURST;
/// Bytes of a slot: the time, big-endian.
const WIDTH: usize = 8;
/// Behind the slots: from, until and how often in a row of the last pause, each as wide as a slot.
/// A file of an older version ends before it.
const PAUSE_AT: u64 = (SLOTS * WIDTH) as u64;

/// A small file of fixed places, each written on its own and never synced: a crash of the worker
/// loses nothing, a crash of the PC at most 30 s of restraint, and a pause that Mews asks for again.
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
        let place = (self.offset + slot) % SLOTS * WIDTH;
        self.write(place as u64, &unix_millis.to_be_bytes());
    }

    fn load_pause(&mut self) -> Option<Paused> {
        let file = self.file.as_mut()?;
        let mut bytes = [0; 3 * WIDTH];
        file.seek(SeekFrom::Start(PAUSE_AT)).ok()?;
        // A short file has none, and one that cannot be read was told of already.
        file.read_exact(&mut bytes).ok()?;
        let mut words = bytes
            .chunks_exact(WIDTH)
            .map(|word| i64::from_be_bytes(word.try_into().expect("a chunk of eight")));
        let pause = Paused {
            from: words.next()?,
            until: words.next()?,
            in_a_row: u32::try_from(words.next()?).ok()?,
        };
        // What no version writes is no pause.
        let long = u128::from(pause.until.abs_diff(pause.from));
        let plain = pause.until >= pause.from && long <= PAUSE_MAX.as_millis();
        (plain && pause.in_a_row > 0).then_some(pause)
    }

    fn note_pause(&mut self, pause: Paused) {
        let words = [pause.from, pause.until, i64::from(pause.in_a_row)];
        self.write(PAUSE_AT, words.map(i64::to_be_bytes).as_flattened());
    }
}

impl RingFile {
    fn write(&mut self, at: u64, bytes: &[u8]) {
        let Some(file) = &mut self.file else { return };
        let written = file
            .seek(SeekFrom::Start(at))
            .and_then(|_| file.write_all(bytes));
        if let Err(cause) = written {
            warn!(error = %cause, "Cannot remember request times any more");
            self.file = None;
        }
    }
}
