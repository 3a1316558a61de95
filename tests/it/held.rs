//! Commands that wait for a word of Mews: they hold up no other and end no other.

use std::time::Duration;

use nightporter::life::Stage;
use nightporter::sandbox::{CommandState, DeviceKind, Fault, FaultKind, SandboxOptions};
use nightporter::supervise::Worker;
use tokio::time::sleep;
use uuid::Uuid;

use crate::house::{House, within};
use crate::puppet::{Mode, Puppet};
use crate::waiting::bill;

/// A device of a kind at a worker that follows a paused clock.
async fn house(kind: &str, more: &str) -> (House, Puppet, Uuid) {
    let puppet = Puppet::new();
    let section = puppet.section(kind, "Desk", more);
    let mut house = House::hurried(&section, SandboxOptions::default()).await;
    let class = match kind {
        "printer" => DeviceKind::Printer,
        _ => DeviceKind::FiscalMachine,
    };
    let device = house.cloud.add_device(class, "Desk");
    house.start_and_wait().await;
    house.is_swept().await;
    (house, puppet, device)
}

fn print(house: &House, device: Uuid) -> Uuid {
    house.cloud.add_print(device, "text/plain", b"a bill", 1)
}

async fn in_line(house: &House, ids: &[Uuid]) {
    let known = |_: &Worker| ids.iter().all(|id| house.row(*id).is_some());
    house.until("the line", known).await;
}

/// No socket and no list: what waits is read once more before it runs.
async fn goes_blind(house: &House) {
    let cloud = &house.cloud;
    cloud.switch_on(Fault::new(FaultKind::Status(503)).on_socket());
    cloud.cut_sockets();
    let down = |worker: &Worker| {
        let links = worker.board().links();
        links.values().all(|link| link.up_since.is_none())
    };
    house.until("the worker knows", down).await;
}

/// The second of three is in no hands of ours when its turn comes: the third is done all the same.
async fn holds_up_no_other(spoil: impl FnOnce(&House, Uuid)) {
    let (mut house, puppet, device) = house("printer", "").await;
    puppet.is(Mode::HoldBefore);
    let ids = [0; 3].map(|_| print(&house, device));
    in_line(&house, &ids).await;
    puppet.until(|sight| sight.given == ids[..1]).await;
    goes_blind(&house).await;
    spoil(&house, ids[1]);
    puppet.is(Mode::Good);
    for id in [ids[0], ids[2]] {
        let (state, note) = house.end(id).await;
        assert_eq!(state, CommandState::Processed, "{note}");
    }
    assert_eq!(puppet.made(ids[1]), 0);
    assert!(!house.worker().board().alarms().is_empty());
    // It stays: nothing is done with it, and nothing claimed of it.
    sleep(Duration::from_secs(600)).await;
    let stage = house.row(ids[1]).expect("kept").entry.stage;
    assert_eq!(stage, Stage::Accepted { attempts: 0 });
    assert_eq!(puppet.made(ids[1]), 0);
    assert_eq!(puppet.sees().given, [ids[0], ids[2]]);
    house.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_command_that_mews_no_longer_knows_holds_up_no_other() {
    holds_up_no_other(|house, id| house.cloud.forget(id)).await;
}

#[tokio::test(start_paused = true)]
async fn a_command_in_another_hand_holds_up_no_other() {
    holds_up_no_other(|house, id| {
        assert!(house.cloud.set_state(id, CommandState::Processing));
    })
    .await;
}

/// `Processing` was said and the note of it lost with the power: only the intent is synced.
#[tokio::test(start_paused = true)]
async fn a_command_that_this_pc_called_processing_is_nobody_elses() {
    let (mut house, puppet, device) = house("printer", "").await;
    puppet.is(Mode::HoldBefore);
    let id = print(&house, device);
    let told =
        |hotel: &nightporter::sandbox::Hotel| hotel.state(id) == Some(CommandState::Processing);
    within("it is told", house.cloud.wait_until(told)).await;
    house.stop().await;
    let journal = rusqlite::Connection::open(house.journal()).expect("it is free");
    journal
        .execute("UPDATE commands SET said = 'nothing'", [])
        .expect("one row");
    drop(journal);
    puppet.is(Mode::Good);
    house.start();
    let (state, note) = house.end(id).await;
    assert_eq!(state, CommandState::Processed, "{note}");
    assert!(house.worker().board().alarms().is_empty());
    house.stop().await;
}

/// A start without the internet: what waits has an age, and nobody's patience is spent.
#[tokio::test(start_paused = true)]
async fn what_waits_for_the_time_of_mews_goes_on_when_it_is_known() {
    let (mut house, puppet, device) = house("printer", "operator_wait_s = 60").await;
    puppet.is(Mode::HoldBefore);
    let ids = [0; 3].map(|_| print(&house, device));
    in_line(&house, &ids).await;
    house.stop().await;
    let ill = FaultKind::Status(503);
    house.cloud.switch_on(Fault::new(ill));
    house.cloud.switch_on(Fault::new(ill).on_socket());
    puppet.is(Mode::Good);
    house.start();
    sleep(Duration::from_secs(900)).await;
    assert!(
        puppet.sees().made.is_empty(),
        "nothing runs without the time"
    );
    house.cloud.clear_faults();
    for id in ids {
        let (state, note) = house.end(id).await;
        assert_eq!(state, CommandState::Processed, "{note}");
    }
    house.stop().await;
}

/// Once Mews answers, a person has the whole time, however long Mews was silent before.
#[tokio::test(start_paused = true)]
async fn a_silent_mews_takes_no_persons_time() {
    let (mut house, puppet, device) = house("printer", "operator_wait_s = 60").await;
    puppet.is(Mode::HoldBefore);
    let id = print(&house, device);
    in_line(&house, &[id]).await;
    house.stop().await;
    let ill = FaultKind::Status(503);
    house.cloud.switch_on(Fault::new(ill));
    puppet.is(Mode::Empty);
    house.start();
    sleep(Duration::from_secs(900)).await;
    house.cloud.clear_faults();
    let given = puppet.sees().given.len();
    puppet.until(|sight| sight.given.len() > given).await;
    sleep(Duration::from_secs(45)).await;
    puppet.is(Mode::Good);
    let (state, note) = house.end(id).await;
    assert_eq!(state, CommandState::Processed, "{note}");
    house.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_command_that_was_set_aside_is_looked_at_again() {
    let (mut house, puppet, device) = house("printer", "operator_wait_s = 20").await;
    puppet.is(Mode::HoldBefore);
    let ids = [0; 3].map(|_| print(&house, device));
    in_line(&house, &ids).await;
    puppet.until(|sight| sight.given == ids[..1]).await;
    goes_blind(&house).await;
    assert!(house.cloud.set_state(ids[1], CommandState::Processing));
    puppet.is(Mode::Good);
    assert_eq!(house.end(ids[2]).await.0, CommandState::Processed);
    // A printer without paper ends those who wait for it, and this one waits for Mews.
    puppet.is(Mode::Empty);
    let unlucky = print(&house, device);
    assert_eq!(house.end(unlucky).await.0, CommandState::Error);
    let stage = house.row(ids[1]).expect("kept").entry.stage;
    assert_eq!(stage, Stage::Accepted { attempts: 0 });
    puppet.is(Mode::Good);
    // The socket is down: nobody tells that the other hand is done.
    assert!(house.cloud.set_state(ids[1], CommandState::Processed));
    let over = |_: &Worker| house.row(ids[1]).is_some_and(|row| row.outcome.is_some());
    house.until("it is looked at", over).await;
    assert_eq!(puppet.made(ids[1]), 0);
    house.stop().await;
}

/// `Processing` of the first of two bills is refused so many times; the order they were begun in.
async fn refused(times: u32) -> (House, Vec<Uuid>, [Uuid; 2]) {
    let puppet = Puppet::new();
    let section = puppet.section("fiscal", "Desk", "");
    let mut house = House::hurried(&section, SandboxOptions::default()).await;
    let device = house.cloud.add_device(DeviceKind::FiscalMachine, "Desk");
    let conflict = Fault::new(FaultKind::Status(409)).times(times);
    house.cloud.switch_on(conflict.on("commands/update"));
    house.start_and_wait().await;
    house.is_swept().await;
    let bills = [0; 2].map(|_| house.cloud.add_fiscal(device, bill(&house)));
    for id in bills {
        let (state, note) = house.end(id).await;
        assert_eq!(state, CommandState::Processed, "{note}");
    }
    let begun = puppet.sees().begun;
    (house, begun, bills)
}

#[tokio::test(start_paused = true)]
async fn a_bill_that_mews_does_not_let_begin_holds_up_no_other() {
    let (mut house, begun, [first, second]) = refused(2).await;
    assert_eq!(begun, [second, first]);
    let told = house.worker().board().alarms();
    let about: Vec<_> = told.iter().filter_map(|alarm| alarm.command).collect();
    assert_eq!(about, [driver_sdk::CommandId(first)]);
    house.stop().await;
}

#[tokio::test(start_paused = true)]
async fn one_conflict_in_mews_does_not_change_the_order_of_documents() {
    let (mut house, begun, bills) = refused(1).await;
    assert_eq!(begun, bills);
    assert!(house.worker().board().alarms().is_empty());
    house.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_bill_that_mews_has_forgotten_holds_up_no_other() {
    let (mut house, puppet, device) = house("fiscal", "").await;
    puppet.is(Mode::HoldBefore);
    let ids = [0; 3].map(|_| house.cloud.add_fiscal(device, bill(&house)));
    in_line(&house, &ids).await;
    puppet.until(|sight| sight.given == ids[..1]).await;
    house.cloud.forget(ids[1]);
    puppet.is(Mode::Good);
    for id in [ids[0], ids[2]] {
        let (state, note) = house.end(id).await;
        assert_eq!(state, CommandState::Processed, "{note}");
    }
    assert_eq!(puppet.sees().begun, [ids[0], ids[2]]);
    let stage = house.row(ids[1]).expect("kept").entry.stage;
    assert_eq!(stage, Stage::Accepted { attempts: 0 });
    house.stop().await;
}
