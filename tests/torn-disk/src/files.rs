//! Files of which a part is synced, and what may be left of the rest. Safe code.

use std::collections::BTreeMap;

/// What reaches the platter in one piece at most.
const SECTOR: usize = 512;

/// How much of what was not synced is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loss {
    /// All of it.
    All,
    /// Nothing: as after a crash of the process alone.
    Nothing,
    /// Everything after some write, which is torn itself: an orderly disk.
    Tail,
    /// Any sector of any write: a disk that writes in its own order.
    Sectors,
}

#[derive(Debug, Clone)]
enum Change {
    Write { at: usize, bytes: Vec<u8> },
    Length(usize),
}

#[derive(Debug, Clone, Default)]
struct File {
    /// What survives a loss of power; `None`: not even its name.
    durable: Option<Vec<u8>>,
    /// What a reader sees.
    now: Vec<u8>,
    /// From `durable` to `now`.
    changes: Vec<Change>,
}

/// All files of a disk.
#[derive(Debug, Clone, Default)]
pub(crate) struct Files {
    files: BTreeMap<String, File>,
    /// Deleted, and the folder not synced since.
    gone: BTreeMap<String, Vec<u8>>,
    pub snapshots: Vec<Snapshot>,
    pub syncs: usize,
    pub lies: bool,
}

/// A moment of a disk.
#[derive(Debug, Clone)]
pub struct Snapshot {
    files: BTreeMap<String, File>,
    gone: BTreeMap<String, Vec<u8>>,
}

impl File {
    fn apply(bytes: &mut Vec<u8>, change: &Change) {
        match change {
            Change::Write { at, bytes: new } => put(bytes, *at, new),
            Change::Length(length) => bytes.truncate(*length),
        }
    }

    fn change(&mut self, change: Change) {
        Self::apply(&mut self.now, &change);
        self.changes.push(change);
    }

    fn after(&self, loss: Loss, random: &mut fastrand::Rng) -> Option<Vec<u8>> {
        if loss == Loss::Nothing {
            return Some(self.now.clone());
        }
        if self.durable.is_none() && (loss == Loss::All || random.bool()) {
            return None;
        }
        let mut bytes = self.durable.clone().unwrap_or_default();
        match loss {
            Loss::All | Loss::Nothing => {}
            Loss::Tail => {
                let kept = random.usize(..=self.changes.len());
                for change in &self.changes[..kept] {
                    Self::apply(&mut bytes, change);
                }
                if let Some(Change::Write { at, bytes: new }) = self.changes.get(kept) {
                    put(&mut bytes, *at, &new[..random.usize(..=new.len())]);
                }
            }
            Loss::Sectors => {
                // Seldom, often, or in the middle: all kinds of ruins.
                let kept = [25, 50, 90][random.usize(..3)];
                for change in &self.changes {
                    match change {
                        Change::Write { at, bytes: new } => {
                            sectors(&mut bytes, *at, new, kept, random);
                        }
                        Change::Length(length) => {
                            if random.bool() {
                                bytes.truncate(*length);
                            }
                        }
                    }
                }
            }
        }
        Some(bytes)
    }
}

fn put(bytes: &mut Vec<u8>, at: usize, new: &[u8]) {
    let end = at + new.len();
    if bytes.len() < end {
        bytes.resize(end, 0);
    }
    bytes[at..end].copy_from_slice(new);
}

/// Of a write, any sector: all of it, nothing, or its first part.
fn sectors(bytes: &mut Vec<u8>, at: usize, new: &[u8], kept: u8, random: &mut fastrand::Rng) {
    let mut from = 0;
    while from < new.len() {
        let border = ((at + from) / SECTOR + 1) * SECTOR - at;
        let to = border.min(new.len());
        let there = if random.u8(..8) == 0 {
            random.usize(..to - from)
        } else if random.u8(..100) < kept {
            to - from
        } else {
            0
        };
        if there > 0 {
            put(bytes, at + from, &new[from..from + there]);
        }
        from = to;
    }
}

impl Files {
    pub fn exists(&self, name: &str) -> bool {
        self.files.contains_key(name)
    }

    pub fn create(&mut self, name: &str) {
        self.files.entry(name.to_owned()).or_default();
    }

    pub fn length(&self, name: &str) -> usize {
        self.files.get(name).map_or(0, |file| file.now.len())
    }

    /// Fills `into` from an offset; what is not there stays zero. False: there was less.
    pub fn read(&self, name: &str, at: usize, into: &mut [u8]) -> bool {
        into.fill(0);
        let Some(file) = self.files.get(name) else {
            return false;
        };
        let rest = file.now.get(at..).unwrap_or_default();
        let n = rest.len().min(into.len());
        into[..n].copy_from_slice(&rest[..n]);
        n == into.len()
    }

    pub fn write(&mut self, name: &str, at: usize, bytes: &[u8]) {
        let bytes = bytes.to_vec();
        self.file(name).change(Change::Write { at, bytes });
    }

    pub fn truncate(&mut self, name: &str, length: usize) {
        self.file(name).change(Change::Length(length));
    }

    fn file(&mut self, name: &str) -> &mut File {
        self.files.entry(name.to_owned()).or_default()
    }

    /// Makes a file durable. A new one brings the folder with it: other new names, deletions.
    pub fn sync(&mut self, name: &str) {
        self.syncs += 1;
        self.snapshots.push(self.snapshot());
        if self.lies {
            return;
        }
        let file = self.file(name);
        let new = file.durable.is_none();
        file.durable = Some(file.now.clone());
        file.changes.clear();
        if new {
            self.sync_folder();
        }
    }

    /// Names last, contents are their own matter.
    fn sync_folder(&mut self) {
        for file in self.files.values_mut() {
            file.durable.get_or_insert_default();
        }
        self.gone.clear();
    }

    pub fn delete(&mut self, name: &str, and_sync: bool) {
        if let Some(durable) = self.files.remove(name).and_then(|file| file.durable) {
            self.gone.insert(name.to_owned(), durable);
        }
        if and_sync && !self.lies {
            self.sync_folder();
        }
    }

    pub fn snapshot(&self) -> Snapshot {
        Snapshot {
            files: self.files.clone(),
            gone: self.gone.clone(),
        }
    }
}

impl Snapshot {
    /// How many bytes were written and not synced.
    #[must_use]
    pub fn unsynced(&self) -> usize {
        let changes = self.files.values().flat_map(|file| &file.changes);
        changes
            .map(|change| match change {
                Change::Write { bytes, .. } => bytes.len(),
                Change::Length(_) => 0,
            })
            .sum()
    }

    pub(crate) fn after(&self, loss: Loss, random: &mut fastrand::Rng) -> Files {
        let mut left = BTreeMap::new();
        for (name, file) in &self.files {
            if let Some(bytes) = file.after(loss, random) {
                left.insert(name.clone(), bytes);
            }
        }
        for (name, bytes) in &self.gone {
            // The deletion is lost, not the file.
            let back = loss == Loss::All || (loss != Loss::Nothing && random.bool());
            if back && !left.contains_key(name) {
                left.insert(name.clone(), bytes.clone());
            }
        }
        let file = |bytes: Vec<u8>| File {
            durable: Some(bytes.clone()),
            now: bytes,
            changes: Vec::new(),
        };
        Files {
            files: left
                .into_iter()
                .map(|(name, bytes)| (name, file(bytes)))
                .collect(),
            ..Files::default()
        }
    }
}
