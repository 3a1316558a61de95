//! Receipts by the hundred, with random faults of the printers and the worker killed again and
//! again: each is in a fiscal memory once or not at all, and told as it is.

use std::collections::BTreeMap;
use std::time::Duration;

use driver_sdk::{Effect, clock};
use jiff::Timestamp;
use nightporter::journal::Reader;
use nightporter::sandbox::CommandState;
use rusqlite::Connection;
use tokio::process::Command;
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use crate::checker::{Counts, Order, judge};
use crate::house::within;
use crate::plant::{Plant, Station, load, points, say};

const KINDS: [&str; 2] = ["datecs", "epson-rt"];
/// Printers of each kind, half of them in a second hotel.
const EACH: usize = 4;
/// Commands that wait at the same time.
const OPEN: usize = 16;
const TICK: Duration = Duration::from_millis(100);
/// After the last kill everything ends within this.
const PATIENCE: Duration = Duration::from_secs(240);

/// A fault, and whether the evidence of a document in flight may be gone then.
type Fault = (&'static str, &'static str, bool);

const DATECS: &[Fault] = &[
    ("silent", "after-close", false),
    ("silent", "before-close", false),
    ("silent", "now", false),
    ("paper", "out", false),
    ("paper", "2", false),
    ("paper", "5", false),
    ("refuse", "48:-101007", false),
    ("refuse", "49:-111005", false),
    ("refuse", "53:-111016", false),
    ("refuse", "56:-101007", false),
    ("noise", "garble", false),
    ("noise", "nak", false),
    ("busy", "2", false),
    ("document", "lost", false),
    ("memory", "full", false),
    ("z", "now", false),
    ("power", "cut", false),
    ("other-till", "113.00", true),
];

const EPSON: &[Fault] = &[
    ("silent", "after", false),
    ("silent", "before", false),
    ("silent", "now", false),
    ("paper", "out", false),
    ("refuse", "PRINTER ERROR:13", false),
    ("busy", "2", false),
    ("document", "lost", false),
    ("training", "on", false),
    ("z", "now", false),
    ("journal", "unreadable", true),
    ("other-till", "113.00", true),
];

const MENDED: [(&str, &str); 8] = [
    ("silent", "off"),
    ("paper", "in"),
    ("refuse", "off"),
    ("noise", "off"),
    ("document", "ok"),
    ("memory", "ok"),
    ("training", "off"),
    ("journal", "ok"),
];

/// What is wrong with one printer, and how often its evidence was destroyed.
#[derive(Debug, Default)]
struct Trouble {
    mend_at: Option<Instant>,
    destroyed: usize,
}

impl Trouble {
    /// Something breaks, or somebody mends it.
    fn tick(&mut self, station: &Station, random: &mut fastrand::Rng) -> bool {
        match self.mend_at {
            Some(at) if at <= clock::now() => {
                mend(station);
                self.mend_at = None;
                false
            }
            Some(_) => false,
            None if random.u32(..100) < 12 => self.breaks(station, random),
            None => false,
        }
    }

    fn breaks(&mut self, station: &Station, random: &mut fastrand::Rng) -> bool {
        let faults = if station.name.starts_with("datecs") {
            DATECS
        } else {
            EPSON
        };
        let (name, value, destroys) = faults[random.usize(..faults.len())];
        // What a printer cannot do now, such as a Z in an open receipt, it does not do.
        let broke = station.device.switch(name, value).is_ok();
        self.destroyed += usize::from(broke && destroys);
        let rest = Duration::from_millis(random.u64(200..3_000));
        self.mend_at = Some(clock::now() + rest);
        broke
    }
}

fn mend(station: &Station) {
    for (name, value) in MENDED {
        // Each kind has only some of them.
        let _ = station.device.switch(name, value);
    }
}

/// Without what other tills sold.
fn documents(station: &Station) -> Vec<Effect> {
    let all = station.device.effects().into_iter();
    all.filter(|it| !it.content.contains("Other till"))
        .collect()
}

fn issued(station: &Station, order: &Order) -> usize {
    let documents = documents(station);
    documents
        .iter()
        .filter(|it| it.content.contains(&order.mark))
        .count()
}

/// Looks at the paper of every document in doubt, as the note asks for, and says what is there.
async fn person(plant: &Plant, settled: &mut BTreeMap<Uuid, bool>) {
    for station in &plant.stations {
        for (order, end) in plant.ends(station) {
            if !end.notes.starts_with("UNCONFIRMED:") || settled.contains_key(&order.id) {
                continue;
            }
            let exists = issued(station, &order) > 0;
            let what = if exists { "happened" } else { "did-not-happen" };
            let said = Command::new(env!("CARGO_BIN_EXE_nightporter"))
                .args(["resolve", &order.id.to_string(), what])
                .current_dir(plant.folder.path())
                .output()
                .await
                .expect("the binary starts");
            // 0: settled. 1: the printer itself has told it in the meantime, or it is not yet told.
            if said.status.success() {
                settled.insert(order.id, exists);
            }
        }
    }
}

struct Played {
    counts: Counts,
    kills: usize,
    faults: usize,
    destroyed: usize,
    by_person: usize,
}

async fn play(receipts: usize, seed: u64) -> Played {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut plant = Plant::new(&KINDS, EACH).await;
    let points = points(&KINDS);
    let mut troubles: Vec<Trouble> = plant.stations.iter().map(|_| Trouble::default()).collect();
    let mut settled = BTreeMap::new();
    let (mut kills, mut faults) = (0, 0);
    while plant.ordered() < receipts {
        let point = points[random.usize(..points.len())];
        let named = format!("{point}:{}", random.u32(1..6));
        let mut worker = plant.worker(random.bool().then_some(named.as_str()));
        let until = clock::now() + Duration::from_millis(random.u64(800..5_000));
        while clock::now() < until && !matches!(worker.try_wait(), Ok(Some(_))) {
            let room = OPEN.saturating_sub(plant.open());
            plant.order(room.min(receipts - plant.ordered()));
            for (trouble, station) in troubles.iter_mut().zip(&plant.stations) {
                faults += usize::from(trouble.tick(station, &mut random));
            }
            if random.u32(..10) == 0 {
                person(&plant, &mut settled).await;
            }
            sleep(TICK).await;
        }
        // It may have died by itself: at its point.
        let _ = worker.kill().await;
        kills += 1;
    }
    for station in &plant.stations {
        mend(station);
    }
    let mut worker = plant.worker(None);
    let latest = clock::now() + PATIENCE;
    while plant.open() > 0 && clock::now() < latest {
        person(&plant, &mut settled).await;
        sleep(TICK * 3).await;
    }
    let _ = worker.kill().await;

    let mut counts = Counts::default();
    let mut breaches = Vec::new();
    for (trouble, station) in troubles.iter().zip(&plant.stations) {
        match judge(&plant.ends(station), &documents(station), trouble.destroyed) {
            Ok(found) => {
                counts.orders += found.orders;
                counts.effects += found.effects;
                counts.processed += found.processed;
                counts.failed += found.failed;
                counts.unconfirmed += found.unconfirmed;
            }
            Err(found) => breaches.extend(found),
        }
    }
    breaches.extend(trail(&plant, &settled).await);
    if !breaches.is_empty() {
        panic!("seed {seed}:\n{}\n{}", breaches.join("\n"), plant.log());
    }
    Played {
        counts,
        kills,
        faults,
        destroyed: troubles.iter().map(|trouble| trouble.destroyed).sum(),
        by_person: settled.len(),
    }
}

/// The audit trail is a whole chain, and agrees with the memories: one row for each document that
/// was told as done, and none that is not there.
async fn trail(plant: &Plant, settled: &BTreeMap<Uuid, bool>) -> Vec<String> {
    let verified = Command::new(env!("CARGO_BIN_EXE_nightporter"))
        .args(["audit", "--verify"])
        .current_dir(plant.folder.path())
        .output()
        .await
        .expect("the binary starts");
    let mut breaches = Vec::new();
    if !verified.status.success() {
        breaches.push(format!("the chain: {verified:?}"));
    }
    let mut rows: BTreeMap<String, usize> = BTreeMap::new();
    let reader = Reader::open(&plant.journal()).expect("it is there");
    let read = reader.audit(Timestamp::MIN, Timestamp::MAX, |line| {
        if line.what == "fiscal-issued" {
            *rows.entry(line.command).or_default() += 1;
        }
    });
    read.expect("it can be read");
    for station in &plant.stations {
        for (order, end) in plant.ends(station) {
            let (rows, exist) = (
                rows.get(&order.id.to_string()).copied().unwrap_or(0),
                issued(station, &order),
            );
            let by_hand = settled.contains_key(&order.id);
            let told = end.state == CommandState::Processed.name();
            if rows > 1 || rows > exist || (told && rows != 1) || (exist > rows && !by_hand) {
                let (id, state) = (order.id, end.state);
                breaches.push(format!("trail: {id}: {rows} rows, {exist} exist, {state}"));
            }
        }
    }
    breaches
}

#[tokio::test(flavor = "multi_thread")]
async fn receipts_with_random_faults_and_kills_are_issued_once_or_not_at_all() {
    let receipts = load("NIGHTPORTER_RECEIPTS", 40);
    let seed = load("NIGHTPORTER_SEED", 1) as u64;
    let born = clock::now();
    let played = play(receipts, seed).await;
    let Played {
        counts,
        kills,
        faults,
        destroyed,
        by_person,
    } = played;
    say(format_args!(
        "receipts, seed {seed}: {receipts} with {faults} faults and {kills} kills in {:?}: \
         {} issued and told, {} told as not issued, {} told as unconfirmed (evidence was destroyed \
         {destroyed} times), {by_person} settled by a person",
        clock::now() - born,
        counts.processed,
        counts.failed,
        counts.unconfirmed,
    ));
    assert_eq!(counts.orders, receipts);
    assert!(counts.processed * 2 > receipts, "{counts:?}");
    assert!(
        faults * 4 > receipts && kills >= 3,
        "{faults} faults, {kills} kills"
    );
}

/// The twin: a worker whose memory is put back issues a second document, and the judge sees it in
/// the printer's memory.
#[tokio::test(flavor = "multi_thread")]
async fn the_judge_sees_a_second_document_of_a_worker_that_forgot_the_first() {
    for kind in KINDS {
        let mut plant = Plant::new(&[kind], 1).await;
        let id = plant.order_of(0);
        let mut worker = plant.worker(Some("after-settle"));
        within("the crash", worker.wait())
            .await
            .expect("it was ours");
        assert_eq!(documents(&plant.stations[0]).len(), 1, "{kind}");
        let journal = Connection::open(plant.journal()).expect("ours");
        let forgot = journal.execute(
            "UPDATE commands SET stage = 'accepted', attempt = 0, bookmark = NULL, \
             outcome = NULL, outcome_kind = NULL, grade = NULL, committed_us = NULL, \
             settled_us = NULL",
            [],
        );
        assert_eq!(forgot.expect("the columns exist"), 1);
        drop(journal);
        let mut worker = plant.worker(None);
        within("the end", plant.cloud.wait_final(id)).await;
        let _ = worker.kill().await;
        let station = &plant.stations[0];
        let breaches = judge(&plant.ends(station), &documents(station), 0);
        let breaches = breaches.expect_err("it was issued twice");
        assert!(breaches[0].contains("I1"), "{kind}: {breaches:?}");
        let rows = trail(&plant, &BTreeMap::new()).await;
        assert!(
            rows.iter().any(|row| row.contains("2 rows")),
            "{kind}: {rows:?}"
        );
    }
}
