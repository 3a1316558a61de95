//! Power loss: the journal on a disk that knows what was synced, reopened as it may look after a
//! cut at every sync, before it took effect, and after every step.
//!
//! The disk is a file system of SQLite's (`tests/torn-disk`), so what counts as durable is what
//! SQLite really synced, and nothing is taken from a pragma's word.

use std::path::Path;

use driver_sdk::{Class, CommandId, DeviceName, Grade, Proof, Say, Staged};
use jiff::Timestamp;
use nightporter::journal::{Core, Gate, NewCommand, PmsState};
use nightporter::life::{Outcome, Said};
use rusqlite::Connection;
use rusqlite::types::Value;
use serde_json::json;
use torn_disk::{Disk, Loss, Snapshot};

use crate::plant::{load, say};

const NAME: &str = "journal.db";
/// How each moment is looked at; the last kind most often, since it has the most outcomes.
const LOSSES: [Loss; 7] = [
    Loss::All,
    Loss::Nothing,
    Loss::Tail,
    Loss::Tail,
    Loss::Sectors,
    Loss::Sectors,
    Loss::Sectors,
];
const TABLES: [&str; 4] = ["commands", "steps", "shelf", "audit"];

/// Every value of every row: a journal that shows less, more or other than this is not it.
type Rows = Vec<Vec<Value>>;

fn now() -> Timestamp {
    Timestamp::from_second(1_780_000_000).expect("in range")
}

fn rows(connection: &Connection) -> rusqlite::Result<Rows> {
    let mut all = Vec::new();
    for table in TABLES {
        let mut query = connection.prepare(&format!("SELECT * FROM {table} ORDER BY 1, 2, 3"))?;
        let columns = query.column_count();
        let mut found = query.query([])?;
        while let Some(row) = found.next()? {
            all.push((0..columns).map(|n| row.get(n)).collect::<Result<_, _>>()?);
        }
    }
    Ok(all)
}

#[derive(Debug, Default)]
struct Tally {
    steps: usize,
    syncs: usize,
    images: usize,
    /// Images that show less than was written: something was really lost.
    shown_older: usize,
    /// Cut again while the journal was being brought in order.
    cut_again: usize,
    checkpoints: usize,
    most_unsynced: usize,
}

/// A journal on a disk, what was true after each of its steps, and what may no longer be undone.
struct Bench {
    disk: Disk,
    core: Option<Core>,
    /// Payloads, which are no part of this, want a folder.
    folder: tempfile::TempDir,
    random: fastrand::Rng,
    truths: Vec<Rows>,
    acknowledged: usize,
    tally: Tally,
    breaches: Vec<String>,
}

impl Bench {
    /// A new journal; the moments of its making are looked at too.
    fn new(disk: Disk, seed: u64) -> Self {
        let mut bench = Self {
            disk,
            core: None,
            folder: tempfile::tempdir().expect("a folder"),
            random: fastrand::Rng::with_seed(seed),
            truths: vec![Rows::new()],
            acknowledged: 0,
            tally: Tally::default(),
            breaches: Vec::new(),
        };
        let connection = bench.disk.open(NAME).expect("an empty disk");
        let path = bench.folder.path().join(NAME);
        bench.core = Some(Core::over(connection, &path, now()).expect("a new journal"));
        bench.look(true);
        bench
    }

    /// One transaction; `durable`: when it returns it is on the disk.
    fn step(&mut self, durable: bool, work: impl FnOnce(&mut Core)) {
        work(self.core.as_mut().expect("open until the end"));
        self.tally.steps += 1;
        self.look(durable);
    }

    fn look(&mut self, durable: bool) {
        let whole = self.disk.snapshot();
        let image = whole.image(Loss::Nothing, &mut self.random);
        let shown = open(&image, self.folder.path());
        self.truths
            .push(shown.expect("a disk that lost nothing can be read"));
        // Within the step nothing new is acknowledged; after it all that is durable.
        let moments = self.disk.snapshots();
        self.tally.syncs += moments.len();
        // A step of the log and one of the database.
        self.tally.checkpoints += usize::from(moments.len() > 2);
        for moment in &moments {
            self.cut(moment);
        }
        if durable {
            self.acknowledged = self.truths.len() - 1;
        }
        self.cut(&whole);
    }

    /// Every kind of loss in one moment.
    fn cut(&mut self, moment: &Snapshot) {
        self.tally.most_unsynced = self.tally.most_unsynced.max(moment.unsynced());
        for loss in LOSSES {
            let image = moment.image(loss, &mut self.random);
            self.tally.images += 1;
            let Some(at) = self.judge(&image, loss) else {
                continue;
            };
            self.tally.shown_older += usize::from(at + 1 < self.truths.len());
            // The power fails again while the log is moved home: at one sync of that.
            let moments = image.snapshots();
            if let Some(moment) = self.random.choice(&moments)
                && loss == Loss::Tail
            {
                let again = moment.image(Loss::Sectors, &mut self.random);
                self.tally.cut_again += 1;
                let shown = self.judge(&again, Loss::Sectors);
                if shown.is_some_and(|shown| self.truths[shown] != self.truths[at]) {
                    self.breach(loss, "the second cut shows something else");
                }
            }
        }
    }

    /// Which truth an image shows. None, and a breach: none that it may show.
    fn judge(&mut self, image: &Disk, loss: Loss) -> Option<usize> {
        let shown = match open(image, self.folder.path()) {
            Ok(shown) => shown,
            Err(why) => {
                self.breach(loss, &format!("it does not open: {why}"));
                return None;
            }
        };
        let may = &self.truths[self.acknowledged..];
        let at = may.iter().rposition(|truth| *truth == shown);
        if at.is_none() {
            let older = self.truths.contains(&shown);
            let what = if older { "a lost" } else { "an invented" };
            self.breach(loss, &format!("{what} row, of {}", shown.len()));
        }
        at.map(|at| self.acknowledged + at)
    }

    fn breach(&mut self, loss: Loss, what: &str) {
        let step = self.tally.steps;
        self.breaches
            .push(format!("after step {step}, {loss:?} lost: {what}"));
    }
}

/// The journal as a worker finds it when the power is back; then, by a connection of its own, all
/// that it shows. One after the other: locks are not kept here.
fn open(image: &Disk, folder: &Path) -> Result<Rows, String> {
    let look = || -> Result<Rows, Box<dyn std::error::Error>> {
        drop(Core::over(image.open(NAME)?, &folder.join(NAME), now())?);
        let connection = image.open(NAME)?;
        let sound: String = connection.query_row("PRAGMA integrity_check", [], |row| row.get(0))?;
        if sound != "ok" {
            return Err(sound.into());
        }
        Ok(rows(&connection)?)
    };
    look().map_err(|error| format!("{error}: {:?}", error.source()))
}

fn gate(n: u128) -> Gate {
    let mut staged = Staged::default();
    staged
        .put
        .insert(format!("key-{}", n % 5), json!(n.to_string()));
    staged
        .audit
        .push(("sending".to_owned(), json!({ "n": n.to_string() })));
    Gate {
        scope: "s".into(),
        now: now(),
        staged,
    }
}

/// One command through its life, with a step back in every third; all of them synced or not as
/// the journal promises.
fn life(bench: &mut Bench, n: u128) {
    let id = CommandId(uuid::Uuid::from_u128(n << 64));
    let new = NewCommand {
        id,
        property: "main".into(),
        device: DeviceName::new("bar"),
        device_title: "Bar printer".into(),
        class: Class::Printer,
        created: now(),
        expires: None,
        said: Said::Nothing,
        local: false,
        repeat: false,
        outcome: None,
    };
    let fine = "the disk is good";
    bench.step(false, |core| {
        core.accept(&[new], now()).expect(fine);
    });
    let commit = |core: &mut Core| {
        let bookmark = json!({ "n": n.to_string() });
        let committed = core.commit(id, &bookmark, &gate(n)).expect(fine);
        committed.expect("nothing is in the way");
    };
    bench.step(true, commit);
    if n.is_multiple_of(3) {
        bench.step(true, |core| {
            core.back_to_accepted(id, false, &gate(n)).expect(fine);
        });
        bench.step(true, |core| {
            core.about_to_say_processing(id, now()).expect(fine);
        });
        bench.step(true, commit);
    }
    bench.step(true, |core| {
        let bookmark = json!({ "made": 1 });
        let kept = core.checkpoint(id, &bookmark, &gate(n)).expect(fine);
        kept.expect("nothing is in the way");
    });
    bench.step(false, |core| {
        core.tell(id, "waits", &"x".repeat(3000), now())
            .expect(fine);
    });
    bench.step(true, |core| {
        let done = Outcome::done(Proof::new(Grade::Accepted, Say::new("PRINTED")));
        core.settle(id, &done, &gate(n)).expect(fine);
    });
    bench.step(false, |core| drop(core.about_to_report(id).expect(fine)));
    bench.step(false, |core| {
        let state = PmsState("Processed".into());
        core.reported(id, &state, "Printed.", now()).expect(fine);
    });
}

/// `honest`: the disk does what it says; else it syncs nothing once the journal is made.
fn lose_power(honest: bool, commands: usize, seed: u64) -> (Tally, Vec<String>) {
    let mut bench = Bench::new(Disk::default(), seed);
    if !honest {
        bench.disk.lies_from_now();
    }
    for n in 1..=commands as u128 {
        life(&mut bench, n);
        if n % 8 == 4 {
            // As while nobody asks for anything.
            bench.step(false, |core| core.tidy_log().expect("the disk is good"));
        }
        if n.is_multiple_of(8) {
            // Rows go, pages are given back, the log is cut short.
            bench.step(false, |core| {
                let later = now() + std::time::Duration::from_secs(1);
                let gone = core.purge(later).expect("the disk is good");
                assert!(gone > 0, "nothing to purge");
            });
        }
        if !bench.breaches.is_empty() {
            break;
        }
    }
    (bench.tally, bench.breaches)
}

#[test]
fn a_journal_opens_after_every_loss_of_power_with_all_that_was_acknowledged() {
    let seed = load("NIGHTPORTER_SEED", 1) as u64;
    let commands = load("NIGHTPORTER_CUTS", 8);
    let (tally, breaches) = lose_power(true, commands, seed);
    say(format_args!(
        "power loss, {commands} commands, seed {seed}: {tally:?}"
    ));
    assert_eq!(breaches, Vec::<String>::new(), "seed {seed}");
    // It did tear: many images show less than was written, and logs were moved home.
    assert!(tally.steps > commands * 7, "{tally:?}");
    assert!(tally.images > tally.syncs * LOSSES.len(), "{tally:?}");
    assert!(tally.shown_older * 10 > tally.images, "{tally:?}");
    assert!(tally.checkpoints > 0 && tally.cut_again > 0, "{tally:?}");
}

/// The twin: on a disk that says it has synced and has not, an acknowledged row is lost, and it is
/// seen.
#[test]
fn a_disk_that_does_not_sync_is_found_out() {
    let (_, breaches) = lose_power(false, 3, 1);
    say(format_args!("power loss, twin: {:?}", breaches.first()));
    let found = breaches.iter().any(|breach| breach.contains("a lost row"));
    assert!(found, "{breaches:?}");
}
