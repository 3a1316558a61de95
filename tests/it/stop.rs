//! Graceful stop of the real binary while jobs run.

use std::time::Duration;

use driver_sdk::clock;
use nightporter::sandbox::CommandState;
use tokio::process::Child;
use tokio::time::sleep;

use crate::house::within;
use crate::plant::{Plant, kinds, load, say};

const JOBS: usize = 20;
/// The bar of a stop.
const STOPPED: Duration = Duration::from_secs(10);
const PATIENCE: Duration = Duration::from_secs(120);

fn signal(child: &Child, signal: rustix::process::Signal) {
    let id = i32::try_from(child.id().expect("it runs")).expect("a process id");
    let id = rustix::process::Pid::from_raw(id).expect("a process id");
    rustix::process::kill_process(id, signal).expect("it is ours");
}

/// One stop with jobs under way: how long it took, how many had not ended.
async fn one_stop(after: Duration) -> (Duration, usize, crate::checker::Counts) {
    let mut plant = Plant::new(&kinds(), 7).await;
    plant.order(JOBS);
    let mut child = plant.worker(None);
    let begun = |hotel: &nightporter::sandbox::Hotel| {
        let moved = |id| hotel.state(id) != Some(CommandState::Pending);
        hotel.commands().into_iter().any(moved)
    };
    within("the first job", plant.cloud.wait_until(begun)).await;
    sleep(after).await;
    let asked = clock::now();
    signal(&child, rustix::process::Signal::TERM);
    let ended = within("the stop", child.wait()).await.expect("ours");
    let took = clock::now() - asked;
    assert_eq!(ended.code(), Some(0), "{}", plant.log());
    let left = plant.open();
    let mut child = plant.worker(None);
    plant.all_ended(PATIENCE).await;
    signal(&child, rustix::process::Signal::TERM);
    within("the end", child.wait()).await.expect("ours");
    match plant.judge(1) {
        Ok(counts) => (took, left, counts),
        Err(breaches) => panic!("{}\n{}", breaches.join("\n"), plant.log()),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_worker_told_to_stop_ends_in_time_and_goes_on_where_it_was() {
    let stops = load("NIGHTPORTER_STOPS", 3);
    let (mut slowest, mut left, mut unconfirmed, mut orders) = (Duration::ZERO, 0, 0, 0);
    for number in 0..stops {
        let after = Duration::from_millis(40 * (number as u64 % 12));
        let (took, open, counts) = one_stop(after).await;
        slowest = slowest.max(took);
        left += open;
        unconfirmed += counts.unconfirmed;
        orders += counts.orders;
    }
    say(format_args!(
        "graceful stop: {stops} stops, {orders} jobs on {:?}, {left} ended after the next start, \
         {unconfirmed} unconfirmed, slowest stop {slowest:?}",
        kinds()
    ));
    assert_eq!(orders, stops * JOBS);
    assert!(left > 0, "nothing was under way at any stop");
    assert!(slowest <= STOPPED, "{slowest:?}");
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
