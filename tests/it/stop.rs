//! Graceful stop of the real binary while jobs run.

use std::time::Duration;

use driver_sdk::clock;
use nightporter::sandbox::CommandState;
use tokio::process::Child;
use tokio::time::sleep;

use crate::house::within;
use crate::kill::left_open;
use crate::plant::{Plant, Station, kinds, load, say};

const JOBS: usize = 20;
/// The bar of a stop.
const STOPPED: Duration = Duration::from_secs(10);
const PATIENCE: Duration = Duration::from_secs(120);
/// Stops that go on at a time: most of a stop is waiting.
const AT_ONCE: usize = 4;

fn signal(child: &Child, signal: rustix::process::Signal) {
    let id = i32::try_from(child.id().expect("it runs")).expect("a process id");
    let id = rustix::process::Pid::from_raw(id).expect("a process id");
    rustix::process::kill_process(id, signal).expect("it is ours");
}

/// Cards and receipts take longer than a stop may, or are quick again. Slow ones come to a safe
/// point in time (the second of two cards, of two receipts), or do not.
fn pace(plant: &Plant, slow: bool) {
    for (number, station) in plant.stations.iter().enumerate() {
        let set = |name, value| station.device.switch(name, value).expect("it exists");
        // Those with two cards to make are the others.
        let long = !number.is_multiple_of(2);
        match (station.kind(), slow) {
            ("fias" | "pms-industry-standard", true) => {
                set("card_ms", if long { "12000" } else { "6500" });
            }
            ("fias" | "pms-industry-standard", false) => set("card_ms", "250"),
            ("escpos-marks", true) => set("slow", if long { "1" } else { "4" }),
            ("escpos-marks", false) => set("slow", "off"),
            _ => {}
        }
    }
}

/// What a fiscal machine is asked next keeps it busy for longer than a stop.
fn keep_busy(plant: &Plant) {
    for station in plant.stations.iter().filter(|station| is_fiscal(station)) {
        station.device.switch("busy", "12").expect("it exists");
    }
}

fn is_fiscal(station: &Station) -> bool {
    ["datecs", "epson-rt"].contains(&station.kind())
}

/// Twenty jobs under way: with slow devices, those of locks and printers have all begun, and the
/// fiscal ones are beginning.
async fn under_way(plant: &mut Plant, slow: bool, from: usize) -> Child {
    pace(plant, slow);
    let (fiscal, other): (Vec<_>, Vec<_>) =
        (0..plant.stations.len()).partition(|at| is_fiscal(&plant.stations[*at]));
    // A printer that confirms nothing has taken everything in no time.
    let long = |at: &usize| !slow || plant.stations[*at].kind() != "escpos";
    let other: Vec<_> = other.into_iter().filter(long).collect();
    let others = other.into_iter().cycle().skip(if slow { 0 } else { from });
    let other: Vec<_> = others.take(JOBS - fiscal.len()).collect();
    for at in &other {
        plant.order_of(*at);
    }
    let child = plant.worker(None);
    if slow {
        let all = async {
            while left_open(&plant.journal()).len() < other.len() {
                sleep(Duration::from_millis(20)).await;
            }
        };
        within("the beginning of every job", all).await;
    }
    for at in fiscal {
        plant.order_of(at);
    }
    let moved = |hotel: &nightporter::sandbox::Hotel| {
        let moved = |id| hotel.state(id) != Some(CommandState::Pending);
        hotel.commands().into_iter().any(moved)
    };
    within("the first job", plant.cloud.wait_until(moved)).await;
    child
}

/// What became of one stop.
#[derive(Debug, Default)]
struct Stop {
    took: Duration,
    /// Not ended in Mews when the worker had stopped.
    left: usize,
    /// Of these, begun and to be reconciled.
    begun: usize,
    /// Told as done in part: ended at a safe point.
    partly: usize,
    unconfirmed: usize,
    orders: usize,
}

/// One stop with jobs under way.
async fn one_stop(number: u64) -> Stop {
    let all = kinds();
    // At least one device for each job that is to run at the same time.
    let each = JOBS.div_ceil(all.len());
    let mut plant = Plant::patient(&all, each).await;
    let slow = number.is_multiple_of(3);
    let mut child = under_way(
        &mut plant,
        slow,
        usize::try_from(number).unwrap_or_default(),
    )
    .await;
    sleep(Duration::from_millis(40 * (number % 12))).await;
    if slow {
        keep_busy(&plant);
    }
    let asked = clock::now();
    signal(&child, rustix::process::Signal::TERM);
    let ended = within("the stop", child.wait()).await.expect("ours");
    let mut stop = Stop {
        took: clock::now() - asked,
        left: plant.open(),
        begun: left_open(&plant.journal()).len(),
        ..Stop::default()
    };
    assert_eq!(ended.code(), Some(0), "{}", plant.log());
    pace(&plant, false);
    let mut child = plant.worker(None);
    plant.all_ended(PATIENCE).await;
    signal(&child, rustix::process::Signal::TERM);
    within("the end", child.wait()).await.expect("ours");
    for station in &plant.stations {
        let partly = |note: &str| note.contains("1 of 2");
        let ends = plant.ends(station);
        stop.partly += ends.iter().filter(|(_, end)| partly(&end.notes)).count();
    }
    match plant.judge(1) {
        Ok(counts) => {
            stop.unconfirmed = counts.unconfirmed;
            stop.orders = counts.orders;
        }
        Err(breaches) => panic!("stop {number}: {}\n{}", breaches.join("\n"), plant.log()),
    }
    // Only what was begun and not ended may be in doubt.
    assert!(stop.unconfirmed <= stop.begun, "stop {number}: {stop:?}");
    stop
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_told_to_stop_ends_in_time_and_goes_on_where_it_was() {
    let stops = load("NIGHTPORTER_STOPS", 4);
    let mut sum = Stop::default();
    let mut fast = Duration::ZERO;
    let mut runs = tokio::task::JoinSet::new();
    let mut next = 0;
    loop {
        while next < stops && runs.len() < AT_ONCE {
            runs.spawn(async move { (next, one_stop(next as u64).await) });
            next += 1;
        }
        let Some(ended) = runs.join_next().await else {
            break;
        };
        let (number, stop) = ended.expect("no panic");
        assert!(stop.took <= STOPPED, "stop {number}: {stop:?}");
        if !number.is_multiple_of(3) {
            fast = fast.max(stop.took);
        }
        sum.took = sum.took.max(stop.took);
        sum.left += stop.left;
        sum.begun += stop.begun;
        sum.partly += stop.partly;
        sum.unconfirmed += stop.unconfirmed;
        sum.orders += stop.orders;
    }
    say(format_args!(
        "graceful stop: {stops} stops of {:?}, a third of them with devices slower than a stop; \
         slowest of all {:?}, of those with quick devices {fast:?}; {} jobs, {} not ended at the \
         stop, {} of them begun and reconciled at the next start ({} unconfirmed), {} ended at a \
         safe point",
        kinds(),
        sum.took,
        sum.orders,
        sum.left,
        sum.begun,
        sum.unconfirmed,
        sum.partly,
    ));
    assert_eq!(sum.orders, stops * JOBS);
    assert!(sum.left > 0, "nothing was under way at any stop");
    assert!(sum.begun > 0, "nothing was left to reconcile");
    assert!(sum.partly > 0, "nothing came to a safe point");
}

/// The twin: with the process frozen, a stop is not in time, and the measure sees it.
#[tokio::test(flavor = "multi_thread")]
async fn a_worker_that_cannot_hear_the_stop_is_seen() {
    let plant = Plant::new(&["pms-industry-standard"], 1).await;
    let mut child = plant.worker(None);
    let up = |hotel: &nightporter::sandbox::Hotel| hotel.sockets() == 1;
    within("the socket", plant.cloud.wait_until(up)).await;
    signal(&child, rustix::process::Signal::STOP);
    signal(&child, rustix::process::Signal::TERM);
    let deaf = tokio::time::timeout(Duration::from_secs(2), child.wait()).await;
    assert!(deaf.is_err(), "a frozen process cannot stop by itself");
    signal(&child, rustix::process::Signal::CONT);
    let ended = within("the stop", child.wait()).await.expect("ours");
    assert_eq!(ended.code(), Some(0));
}
