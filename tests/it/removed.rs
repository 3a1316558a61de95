//! The config loses a device, or gives it another name, while its commands are open.

use nightporter::admin::Status;
use nightporter::life::Stage;
use nightporter::orders::OrderError;
use nightporter::sandbox::{CommandState, DeviceKind, SandboxOptions};
use uuid::Uuid;

use crate::house::House;
use crate::puppet::{Answer, Mode, Puppet};
use crate::waiting::bill;

/// A worker that was stopped while the first of two commands is in doubt and the second waits.
async fn left_open(kind: &str) -> (House, Puppet, [Uuid; 2]) {
    let puppet = Puppet::new();
    let section = puppet.section(kind, "Desk", "");
    let mut house = House::hurried(&section, SandboxOptions::default()).await;
    let class = match kind {
        "printer" => DeviceKind::Printer,
        _ => DeviceKind::FiscalMachine,
    };
    let device = house.cloud.add_device(class, "Desk");
    house.start_and_wait().await;
    house.is_swept().await;
    puppet.is(Mode::Deaf { makes: true });
    let ids = [0; 2].map(|_| match kind {
        "printer" => house.cloud.add_print(device, "text/plain", b"a bill", 1),
        _ => house.cloud.add_fiscal(device, bill(&house)),
    });
    let known = |_: &_| ids.iter().all(|id| house.row(*id).is_some());
    house.until("the line", known).await;
    puppet.until(|sight| sight.asked > 0).await;
    house.stop().await;
    (house, puppet, ids)
}

async fn in_doubt(house: &House) -> Vec<Uuid> {
    let status = Status::look(house.worker(), &house.journal()).await;
    status.in_doubt.iter().map(|doubt| doubt.id.0).collect()
}

/// Both end truthfully, the doubt is shown, and a person can settle it.
async fn end_truthfully(kind: &str) {
    let (mut house, puppet, [begun, waits]) = left_open(kind).await;
    house.configure(&puppet.section(kind, "Other", ""));
    house.start_and_wait().await;
    let (state, note) = house.end(begun).await;
    assert_eq!(state, CommandState::Error);
    let start = "UNCONFIRMED: Desk: It was begun, and this PC no longer serves the device";
    assert!(note.starts_with(start), "{note}");
    let (state, note) = house.end(waits).await;
    assert_eq!(state, CommandState::Error);
    let sentence = "Desk: Not done: this PC no longer serves this device. Nothing happened.";
    assert!(note.starts_with(sentence), "{note}");
    assert_eq!(in_doubt(&house).await, [begun]);
    let id = house.row(begun).expect("kept").entry.id;
    house.worker().resolve(id, true).await.expect("in doubt");
    assert!(in_doubt(&house).await.is_empty());
    assert_eq!(puppet.sees().begun, [begun], "nothing was begun again");
    house.stop().await;
}

#[tokio::test(start_paused = true)]
async fn prints_of_a_device_that_is_gone_end_truthfully() {
    end_truthfully("printer").await;
}

#[tokio::test(start_paused = true)]
async fn documents_of_a_device_that_is_gone_end_truthfully() {
    end_truthfully("fiscal").await;
}

#[tokio::test(start_paused = true)]
async fn a_device_that_is_put_back_settles_what_was_left_in_doubt() {
    let (mut house, puppet, [begun, waits]) = left_open("fiscal").await;
    let other = Puppet::new();
    house.configure(&other.section("printer", "Other", ""));
    house.start_and_wait().await;
    for id in [begun, waits] {
        assert_eq!(house.end(id).await.0, CommandState::Error);
    }
    // No lane would ever begin it.
    let id = house.row(waits).expect("kept").entry.id;
    let refused = house.worker().retry(id).await;
    assert!(
        matches!(refused, Err(OrderError::NoDevice(_))),
        "{refused:?}"
    );
    house.stop().await;
    puppet.says(Answer::Happened);
    house.configure(&puppet.section("fiscal", "Desk", ""));
    house.start_and_wait().await;
    let settled = |_: &_| {
        let stage = house.row(begun).expect("kept").entry.stage;
        matches!(stage, Stage::Reported { doubt: None })
    };
    house.until("the device says it", settled).await;
    assert!(in_doubt(&house).await.is_empty());
    house.stop().await;
}

/// A command cancelled meanwhile is told as that.
#[tokio::test(start_paused = true)]
async fn a_cancel_wins_over_the_end_of_its_device() {
    let (mut house, puppet, [begun, waits]) = left_open("printer").await;
    let journal = rusqlite::Connection::open(house.journal()).expect("it is free");
    journal
        .execute(
            "UPDATE commands SET cancel = 1 WHERE id = ?1",
            [waits.to_string()],
        )
        .expect("one row");
    drop(journal);
    house.configure(&puppet.section("printer", "Other", ""));
    house.start_and_wait().await;
    assert_eq!(house.end(waits).await.0, CommandState::Cancelled);
    assert_eq!(house.end(begun).await.0, CommandState::Error);
    house.stop().await;
}
