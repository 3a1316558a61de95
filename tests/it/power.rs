//! Power loss: what the disk may show of the journal at every step, and what it opens to.
//!
//! The files are looked at after every transaction. What a synced transaction wrote is on the
//! disk; of everything written since, any sector of 512 bytes may be there, not there, or torn.
//! The database file changes only in a checkpoint, which syncs the log before and the database
//! after, as SQLite documents of its write-ahead log.

use std::path::Path;

use driver_sdk::{Class, CommandId, DeviceName, Grade, Proof, Say, Staged};
use jiff::Timestamp;
use nightporter::journal::{Core, Gate, NewCommand, Options, PmsState};
use nightporter::life::{Outcome, Said};
use rusqlite::Connection;

use crate::plant::say;

const SECTOR: usize = 512;
const COMMANDS: u128 = 60;
/// Images of the disk at every step.
const IMAGES: usize = 4;

#[derive(Clone, PartialEq)]
struct Files {
    database: Vec<u8>,
    log: Vec<u8>,
}

type Rows = Vec<(String, String, i64)>;

fn beside(path: &Path, ending: &str) -> std::path::PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

fn files(path: &Path) -> Files {
    Files {
        database: std::fs::read(path).expect("ours"),
        log: std::fs::read(beside(path, "-wal")).unwrap_or_default(),
    }
}

fn rows(path: &Path) -> Rows {
    let look = || -> rusqlite::Result<Rows> {
        let connection = Connection::open(path)?;
        let sound: String = connection.query_row("PRAGMA integrity_check", [], |row| row.get(0))?;
        assert_eq!(sound, "ok");
        let mut found =
            connection.prepare("SELECT id, stage, attempt FROM commands ORDER BY seen")?;
        found
            .query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
            .collect()
    };
    look().expect("the journal can be read")
}

/// `old` is on the disk; of what turns it into `new`, some is.
fn torn(old: &[u8], new: &[u8], random: &mut fastrand::Rng) -> Vec<u8> {
    let mut image = old.to_vec();
    for at in (0..new.len()).step_by(SECTOR) {
        let end = (at + SECTOR).min(new.len());
        if old.get(at..end) == Some(&new[at..end]) {
            continue;
        }
        let kept = match random.u8(..4) {
            0 => 0,
            1 => (end - at) / 2,
            _ => end - at,
        };
        if kept > 0 {
            if image.len() < end {
                image.resize(end, 0);
            }
            image[at..at + kept].copy_from_slice(&new[at..at + kept]);
        }
    }
    image
}

#[derive(Debug, Default)]
struct Tally {
    steps: usize,
    images: usize,
    checkpoints: usize,
    shown_older: usize,
}

/// One command through its life; `true` after a step that must be on the disk.
fn steps(core: &mut Core, n: u128, mut after: impl FnMut(bool)) {
    let at = Timestamp::from_second(1_780_000_000).expect("in range");
    let gate = || Gate {
        scope: "s".into(),
        now: at,
        staged: Staged::default(),
    };
    let id = CommandId(uuid::Uuid::from_u128(n << 64));
    let new = NewCommand {
        id,
        property: "main".into(),
        device: DeviceName::new("bar"),
        device_title: "Bar printer".into(),
        class: Class::Printer,
        created: at,
        expires: None,
        said: Said::Nothing,
        local: false,
        repeat: false,
        outcome: None,
    };
    core.accept(&[new], at).expect("the disk is good");
    after(false);
    core.commit(id, &serde_json::json!({ "n": n.to_string() }), &gate())
        .expect("the disk is good")
        .expect("nothing is in the way");
    after(true);
    core.tell(id, "waits", &"x".repeat(3000), at)
        .expect("the disk is good");
    after(false);
    let done = Outcome::done(Proof::new(Grade::Accepted, Say::new("PRINTED")));
    core.settle(id, &done, &gate()).expect("the disk is good");
    after(true);
    core.about_to_report(id).expect("the disk is good");
    after(false);
    core.reported(id, &PmsState("Processed".into()), "Printed.", at)
        .expect("the disk is good");
    after(false);
}

/// Every step, every image. `synced`: what is synced is on the disk; else nothing ever is, as with
/// `synchronous = OFF` and a disk that has not written yet.
fn lose_power(synced: bool, seed: u64) -> Result<Tally, String> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("journal.db");
    let now = Timestamp::from_second(1_780_000_000).expect("in range");
    let (mut core, _) = Core::open(&path, Options::default(), now).expect("a new journal");
    let mut random = fastrand::Rng::with_seed(seed);
    let mut on_disk = files(&path);
    let mut before = on_disk.clone();
    // What was true after each step; and the newest step that nothing may undo.
    let mut truths = vec![Rows::new()];
    let mut acknowledged = 0;
    let mut tally = Tally::default();
    let mut breach = None;
    for n in 1..=COMMANDS {
        steps(&mut core, n, |durable| {
            let shown = files(&path);
            truths.push(rows(&path));
            tally.steps += 1;
            let checkpoint = shown.database != before.database;
            tally.checkpoints += usize::from(checkpoint);
            for number in 0..IMAGES {
                // The last image is of the moment after the step returned, the others of a moment
                // within it: nothing new is acknowledged then.
                let returned = durable && number + 1 == IMAGES;
                if returned {
                    acknowledged = truths.len() - 1;
                }
                let old = if synced && returned { &shown } else { &on_disk };
                // A checkpoint syncs the log first.
                let image = if synced && checkpoint {
                    Files {
                        database: torn(&before.database, &shown.database, &mut random),
                        log: shown.log.clone(),
                    }
                } else {
                    Files {
                        database: old.database.clone(),
                        log: torn(&old.log, &shown.log, &mut random),
                    }
                };
                tally.images += 1;
                match reopen(&image, &path, now) {
                    Err(why) => breach = Some(format!("step {}: {why}", tally.steps)),
                    Ok(found) => match truths[acknowledged..].iter().rposition(|t| *t == found) {
                        None => {
                            let rows = found.len();
                            breach = Some(format!(
                                "step {}: {rows} rows, lost or invented",
                                tally.steps
                            ));
                        }
                        Some(at) => {
                            tally.shown_older += usize::from(acknowledged + at + 1 < truths.len());
                        }
                    },
                }
            }
            if synced && (durable || checkpoint) {
                on_disk = shown.clone();
            }
            before = shown;
        });
        if let Some(breach) = breach {
            return Err(breach);
        }
    }
    Ok(tally)
}

/// The journal as a worker finds it when the power is back.
fn reopen(image: &Files, of: &Path, now: Timestamp) -> Result<Rows, String> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("journal.db");
    std::fs::write(&path, &image.database).expect("ours");
    std::fs::write(beside(&path, "-wal"), &image.log).expect("ours");
    std::fs::copy(beside(of, ".id"), beside(&path, ".id")).expect("it is there");
    let opened = Core::open(&path, Options::default(), now).map_err(|error| error.to_string())?;
    drop(opened);
    Ok(rows(&path))
}

#[test]
fn a_journal_opens_after_every_loss_of_power_with_all_that_was_acknowledged() {
    let seed = crate::plant::load("NIGHTPORTER_SEED", 1) as u64;
    let tally = lose_power(true, seed).expect("nothing is lost and nothing is invented");
    say(format_args!("power loss, seed {seed}: {tally:?}"));
    assert_eq!(tally.steps as u128, COMMANDS * 6);
    assert_eq!(tally.images, tally.steps * IMAGES);
    // It did tear: some images show less than was written, and logs were moved into the database.
    assert!(tally.shown_older > 0 && tally.checkpoints > 0, "{tally:?}");
}

/// The twin: on a disk that syncs nothing an acknowledged row is lost, and it is seen.
#[test]
fn a_disk_that_does_not_sync_is_found_out() {
    let breach = lose_power(false, 1).expect_err("a commit was lost");
    say(format_args!("power loss, twin: {breach}"));
}
