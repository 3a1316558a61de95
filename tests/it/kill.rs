//! kill -9 of the real binary, at named points and at random, with a hundred commands in flight.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use driver_sdk::clock;
use rusqlite::{Connection, OpenFlags};
use tokio::process::Child;
use tokio::time::{Instant, sleep, timeout};

use crate::house::within;
use crate::plant::{Plant, kinds, load, points, say};

/// In flight whenever the worker starts.
const IN_FLIGHT: usize = 100;
/// Kills of one hotel; then all its commands are carried out and judged.
const PER_RUN: usize = 50;
/// New commands before each life, so that the points of intake are met in all of them.
const MORE: usize = 4;
/// After the last kill all commands end within this; the budget of requests makes them wait.
const PATIENCE: Duration = Duration::from_secs(180);
/// Attempts that were open at the kill are to be told apart within this after the start, on a
/// machine that runs what is due.
const CLASSIFIED: Duration = Duration::from_secs(5);
/// What a fiscal printer behind a web server may still hold of an earlier process: "nothing was
/// issued" is no verdict before.
const HELD: Duration = Duration::from_secs(30);
/// Between two looks at the journal.
const LOOK: Duration = Duration::from_millis(20);
/// A look that comes so much later than it is due: the machine does not run what is due, and a
/// bar of seconds says nothing about the worker.
const STALL: Duration = Duration::from_millis(250);
/// What takes so much longer than its bar hangs, on whatever machine.
const HANGS: Duration = Duration::from_secs(25);
/// A named point is come to within this: a spent budget of requests is whole again after 30 s.
const POINT: Duration = Duration::from_secs(35);

/// A begun and not ended attempt: its device, its command, its number.
type Attempt = (String, String, i64);

/// Those of a journal: a look that changes nothing.
fn open_attempts(journal: &Path) -> rusqlite::Result<BTreeSet<Attempt>> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY;
    let connection = Connection::open_with_flags(journal, flags)?;
    connection.busy_timeout(Duration::from_secs(5))?;
    let mut rows =
        connection.prepare("SELECT device, id, attempt FROM commands WHERE stage = 'committed'")?;
    rows.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
        .collect()
}

/// Of a journal that nobody holds; one that was never made has none.
pub fn left_open(journal: &Path) -> BTreeSet<Attempt> {
    if journal.exists() {
        // A worker that died before it made its tables left none either.
        open_attempts(journal).unwrap_or_default()
    } else {
        BTreeSet::new()
    }
}

#[derive(Debug, Default)]
struct Tally {
    kills: usize,
    named: usize,
    /// How often the worker died at each point.
    at_points: BTreeMap<&'static str, usize>,
    /// Armed, and the worker came to it in no time.
    missed: Vec<String>,
    fewest_in_flight: usize,
    /// Attempts that were open at a kill and told apart before the next one.
    told_apart: usize,
    /// The slowest verdict of each kind of device, the start of the process included.
    slowest: BTreeMap<String, Duration>,
    /// Starts after which it took longer than the bar of 5 s, on a machine that kept up.
    late_starts: usize,
    /// The same on one that did not.
    stalled_starts: usize,
    /// Killed again before it was told apart.
    killed_in_doubt: usize,
}

/// Within what an open attempt of a kind is to be told apart.
fn bar(kind: &str) -> Duration {
    if kind == "epson-rt" {
        return HELD + CLASSIFIED;
    }
    CLASSIFIED
}

fn kind_of(device: &str) -> &str {
    device.rsplit_once('-').map_or(device, |kind| kind.0)
}

impl Tally {
    fn took(&mut self, verdicts: &Verdicts) {
        for (device, span) in &verdicts.spans {
            let slowest = self.slowest.entry(kind_of(device).to_owned()).or_default();
            *slowest = (*slowest).max(*span);
        }
        let mut spans = verdicts.spans.iter();
        let late = spans.any(|(device, span)| *span > bar(kind_of(device)));
        let stalled = verdicts.stall > STALL;
        self.late_starts += usize::from(late && !stalled);
        self.stalled_starts += usize::from(late && stalled);
    }
}

/// How long it took after a start until everything that was open was told apart.
#[derive(Debug, Default)]
struct Verdicts {
    /// By device: its last one.
    spans: BTreeMap<String, Duration>,
    /// How late the latest look was.
    stall: Duration,
}

async fn kill(child: &mut Child) {
    // It may have died by itself: at its point.
    let _ = child.kill().await;
}

/// Starts, measures until what was open is told apart, then kills.
async fn one_life(plant: &Plant, tally: &mut Tally, random: &mut fastrand::Rng) {
    let before = left_open(&plant.journal());
    // Every point in its turn, and a random moment after each.
    let named = tally.kills.is_multiple_of(2);
    let points = points(&kinds());
    let name = points[tally.kills / 2 % points.len()];
    let point = format!("{name}:{}", random.u32(1..4));
    let born = clock::now();
    let mut child = plant.worker(named.then_some(point.as_str()));
    if named {
        tally.named += 1;
        let mut apart = std::pin::pin!(told_apart(plant, &before, born));
        let mut ending = std::pin::pin!(timeout(POINT, child.wait()));
        let mut waits = true;
        let ended = loop {
            tokio::select! {
                biased;
                ended = &mut ending => break ended,
                verdicts = &mut apart, if waits => {
                    waits = false;
                    tally.told_apart += before.len();
                    tally.took(&verdicts);
                }
            }
        };
        if waits {
            tally.killed_in_doubt += before.len();
        }
        match ended {
            Ok(ended) => {
                ended.expect("it was ours");
                *tally.at_points.entry(name).or_default() += 1;
            }
            Err(_) => tally.missed.push(point),
        }
    } else {
        // Most often when all is told apart, else in the middle of it.
        if random.u32(..4) > 0 {
            let verdicts = told_apart(plant, &before, born).await;
            tally.told_apart += before.len();
            tally.took(&verdicts);
        } else {
            tally.killed_in_doubt += before.len();
        }
        sleep(Duration::from_millis(random.u64(20..1200))).await;
    }
    kill(&mut child).await;
    tally.kills += 1;
}

async fn told_apart(plant: &Plant, before: &BTreeSet<Attempt>, born: Instant) -> Verdicts {
    let mut left = before.clone();
    let mut verdicts = Verdicts::default();
    let apart = async {
        while !left.is_empty() {
            let due = clock::now() + LOOK;
            sleep(LOOK).await;
            verdicts.stall = verdicts.stall.max(clock::now() - due);
            // A look that fails shows nothing: the worker is just opening its journal.
            let Ok(open) = open_attempts(&plant.journal()) else {
                continue;
            };
            for attempt in before.difference(&open) {
                if left.remove(attempt) {
                    let span = clock::now() - born;
                    verdicts.spans.insert(attempt.0.clone(), span);
                }
            }
        }
    };
    within("the verdict on every open attempt", apart).await;
    verdicts
}

async fn run(seed: u64, kills: usize, tally: &mut Tally) -> crate::checker::Counts {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut plant = Plant::new(&kinds(), 2).await;
    for _ in 0..kills {
        plant.order(MORE);
        // A last word of the killed worker may still arrive and end a command.
        let mut open = plant.open();
        while open < IN_FLIGHT {
            plant.order(IN_FLIGHT - open);
            open = plant.open();
        }
        tally.fewest_in_flight = tally.fewest_in_flight.min(open);
        one_life(&plant, tally, &mut random).await;
    }
    let before = left_open(&plant.journal());
    let born = clock::now();
    let mut child = plant.worker(None);
    let verdicts = told_apart(&plant, &before, born).await;
    tally.told_apart += before.len();
    tally.took(&verdicts);
    plant.all_ended(PATIENCE).await;
    kill(&mut child).await;
    match plant.judge(kills) {
        Ok(counts) => {
            assert_eq!(counts.orders, plant.ordered());
            counts
        }
        Err(breaches) => panic!("seed {seed}:\n{}\n{}", breaches.join("\n"), plant.log()),
    }
}

/// Few by default, so that a plain `cargo test` stays short; `NIGHTPORTER_KILLS` for more.
#[tokio::test(flavor = "multi_thread")]
async fn a_killed_worker_does_nothing_twice_and_loses_nothing() {
    let wanted = load("NIGHTPORTER_KILLS", 6);
    let first = load("NIGHTPORTER_SEED", 1) as u64;
    let mut tally = Tally {
        fewest_in_flight: usize::MAX,
        ..Tally::default()
    };
    let mut seed = first;
    while tally.kills < wanted {
        let kills = PER_RUN.min(wanted - tally.kills);
        let counts = run(seed, kills, &mut tally).await;
        say(format_args!(
            "kill -9, seed {seed}: {kills} kills, {counts:?}"
        ));
        assert!(counts.effects > 0 && counts.processed > 0, "{counts:?}");
        seed += 1;
    }
    say(format_args!("kill -9 of {:?}: {tally:?}", kinds()));
    assert_eq!(tally.kills, wanted);
    assert!(tally.fewest_in_flight >= IN_FLIGHT, "{tally:?}");
    let met: usize = tally.at_points.values().sum();
    assert!(met * 10 >= tally.named * 8, "points not met: {tally:?}");
    assert!(tally.told_apart > 0, "no attempt was open: {tally:?}");
    // A busy machine alone can make one late; more than that is the worker's.
    assert!(tally.late_starts * 50 <= wanted.max(50), "{tally:?}");
    let mut slowest = tally.slowest.iter();
    let hangs = slowest.any(|(kind, span)| *span > bar(kind) + HANGS);
    assert!(!hangs, "{tally:?}");
}

/// The twin: a worker whose memory is put back to an earlier one does things twice, and the judge
/// sees it. Cards told as done are made again after the journal forgot them.
#[tokio::test(flavor = "multi_thread")]
async fn the_judge_sees_a_worker_that_forgot_what_it_did() {
    let mut plant = Plant::new(&["pms-industry-standard"], 1).await;
    let id = plant.order_of(0);
    let mut child = plant.worker(Some("after-settle"));
    within("the crash", child.wait())
        .await
        .expect("it was ours");
    assert_eq!(
        plant.stations[0].device.effects().len(),
        plant.stations[0].orders[0].count
    );
    // What a worker without its commit would find at the next start.
    let connection = Connection::open(plant.journal()).expect("ours");
    let changed = connection.execute(
        "UPDATE commands SET stage = 'accepted', attempt = 0, bookmark = NULL, outcome = NULL, \
         outcome_kind = NULL, grade = NULL, committed_us = NULL, settled_us = NULL",
        [],
    );
    assert_eq!(changed.expect("the columns exist"), 1);
    drop(connection);
    let mut child = plant.worker(None);
    within("the end", plant.cloud.wait_final(id)).await;
    kill(&mut child).await;
    let breaches = plant.judge(0).expect_err("it was made twice");
    say(format_args!("kill -9, twin: {breaches:?}"));
    assert!(breaches[0].contains("I1"), "{breaches:?}");
}
