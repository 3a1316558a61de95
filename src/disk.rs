//! The disk the journal lives on: how much is free, and whether it writes. No device is touched
//! without a durable intent, so a full disk stops the hotel's devices; it must be told before.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::clock::Clock;

/// Less than this is told: payloads of a busy evening fit in it.
pub const LITTLE: u64 = 500 << 20;
/// Less than this is a fault: SQLite's own files may not fit.
pub const TOO_LITTLE: u64 = 20 << 20;
/// A sync that takes longer is told: every command waits for two.
pub const SLOW_SYNC: Duration = Duration::from_millis(250);

/// The folder a file is in.
#[must_use]
pub fn folder_of(file: &Path) -> &Path {
    match file.parent() {
        Some(folder) if folder != Path::new("") => folder,
        Some(_) | None => Path::new("."),
    }
}

/// The folder a file is in or, where that is not made yet, the nearest one above it that is.
#[must_use]
pub fn made_folder_of(file: &Path) -> &Path {
    let mut folder = folder_of(file);
    while !folder.exists() {
        let above = folder_of(folder);
        if above == folder {
            break;
        }
        folder = above;
    }
    folder
}

/// Bytes that this user may still write beside a file; `None` where the system does not say.
#[cfg(unix)]
#[must_use]
pub fn free_beside(file: &Path) -> Option<u64> {
    let found = rustix::fs::statvfs(folder_of(file)).ok()?;
    found.f_bavail.checked_mul(found.f_frsize)
}

/// Bytes that this user may still write beside a file; `None` where the system does not say.
#[cfg(windows)]
#[must_use]
pub fn free_beside(file: &Path) -> Option<u64> {
    fs4::available_space(folder_of(file)).ok()
}

/// As people say it: "38.2 GB". Rounded down, since a disk is never better than it is told.
#[must_use]
pub fn amount(bytes: u64) -> String {
    let (unit, name) = match bytes {
        0..1_000_000 => (1_000, "kB"),
        1_000_000..1_000_000_000 => (1_000_000, "MB"),
        _ => (1_000_000_000, "GB"),
    };
    let tenths = bytes / (unit / 10);
    format!("{}.{} {name}", tenths / 10, tenths % 10)
}

/// Writes and syncs a small file beside the journal and takes it away again; how long it took.
///
/// # Errors
/// The system's: the disk is full, read-only, or not this user's.
pub fn try_beside(journal: &Path) -> io::Result<Duration> {
    let mut name = journal.as_os_str().to_owned();
    name.push(".try");
    let path = PathBuf::from(name);
    let clock = Clock::system();
    let before = clock.monotonic();
    let tried = write(&path);
    // A file that stays behind is overwritten by the next try.
    let _ = std::fs::remove_file(&path);
    tried.map(|()| clock.monotonic().saturating_sub(before))
}

fn write(path: &Path) -> io::Result<()> {
    let mut file = std::fs::File::create(path)?;
    file.write_all(&[0; 4_096])?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_is_never_told_better_than_it_is() {
        for (bytes, told) in [
            (0, "0.0 kB"),
            (999_999, "999.9 kB"),
            (1_000_000, "1.0 MB"),
            (38_299_999_999, "38.2 GB"),
        ] {
            assert_eq!(amount(bytes), told);
        }
    }

    #[test]
    fn a_folder_that_is_not_made_yet_is_the_one_above_it() {
        let folder = tempfile::tempdir().expect("a folder");
        let deep = folder.path().join("var/lib/nightporter/journal.db");
        assert_eq!(made_folder_of(&deep), folder.path());
        assert_eq!(made_folder_of(&folder.path().join("j.db")), folder.path());
        assert_eq!(made_folder_of(Path::new("not-there/j.db")), Path::new("."));
        assert_eq!(made_folder_of(Path::new("/not-there/j.db")), Path::new("/"));
    }

    #[test]
    fn a_folder_is_tried_and_left_as_it_was() {
        let folder = tempfile::tempdir().expect("a folder");
        let journal = folder.path().join("journal.db");
        try_beside(&journal).expect("it is ours");
        assert_eq!(folder.path().read_dir().expect("it is there").count(), 0);
        assert!(try_beside(&folder.path().join("missing/journal.db")).is_err());
        assert!(free_beside(&journal).is_some_and(|free| free > 0));
    }
}
