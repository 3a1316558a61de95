//! Begun, and nobody saw the end: asked, told, blocked, resolved; never done twice by itself.

use std::time::Duration;

use nightporter::life::{OutcomeKind, Stage};
use nightporter::sandbox::{CommandState, DeviceKind, KeyRequest};
use uuid::Uuid;

use crate::house::{House, within};
use crate::puppet::{Answer, Mode, Puppet};

const SILENT: &str = "deadline_s = 2\noperator_wait_s = 2";

async fn house(kind: &str, more: &str) -> (House, Puppet, Uuid) {
    let puppet = Puppet::new();
    let mut house = House::new(&puppet.section(kind, "Desk", more)).await;
    let class = match kind {
        "printer" => DeviceKind::Printer,
        "key" => DeviceKind::KeyCutter,
        _ => DeviceKind::FiscalMachine,
    };
    let device = house.cloud.add_device(class, "Desk");
    house.start_and_wait().await;
    (house, puppet, device)
}

fn order(house: &House, device: Uuid) -> Uuid {
    let devices = house.cloud.devices();
    let kind = devices.iter().find(|on| on.id == device).map(|on| &on.kind);
    match kind {
        Some(DeviceKind::KeyCutter) => {
            let key = KeyRequest::new("204", house.cloud.now());
            house.cloud.add_key(device, &key)
        }
        Some(DeviceKind::FiscalMachine) => {
            let bill = crate::waiting::bill(house);
            house.cloud.add_fiscal(device, bill)
        }
        _ => house.cloud.add_print(device, "text/plain", b"a bill", 1),
    }
}

fn outcome(house: &House, id: Uuid) -> OutcomeKind {
    let row = house.row(id).expect("known");
    row.outcome.expect("it has ended").kind
}

fn in_doubt(house: &House, id: Uuid) -> bool {
    let row = house.row(id);
    row.is_some_and(|row| matches!(row.entry.stage, Stage::Reported { doubt: Some(_) }))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_printer_is_unconfirmed_after_its_deadline_and_late_evidence_settles_it() {
    let (mut house, puppet, device) = house("printer", SILENT).await;
    puppet.is(Mode::Deaf { makes: true });
    let id = order(&house, device);
    let (state, note) = house.end(id).await;
    assert_eq!(state, CommandState::Error);
    assert_eq!(
        note,
        "UNCONFIRMED: Desk: No answer came. Look at the puppet."
    );
    let (from, to) = house.cloud.life_span(id).expect("known");
    let took = to.expect("ended") - from;
    assert!(took >= Duration::from_secs(2), "given up after {took:?}");
    assert!(puppet.sees().asked >= 2, "asked once only");
    house.until("it stays open", |_| in_doubt(&house, id)).await;
    // A printer goes on, and the doubt stays.
    puppet.is(Mode::Good);
    let next = order(&house, device);
    assert_eq!(house.end(next).await.0, CommandState::Processed);
    assert!(in_doubt(&house, id));
    puppet.says(Answer::Happened);
    puppet.news();
    house
        .until("late evidence", |_| !in_doubt(&house, id))
        .await;
    assert_eq!(outcome(&house, id), OutcomeKind::Done);
    assert_eq!(house.cloud.state(id), Some(CommandState::Error));
    assert_eq!(puppet.made(id), 1, "it was done again");
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_that_cannot_tell_is_told_at_once() {
    let (mut house, puppet, device) = house("key", "").await;
    puppet.is(Mode::Deaf { makes: false });
    puppet.says(Answer::CannotTell);
    let id = order(&house, device);
    let (state, note) = house.end(id).await;
    assert_eq!(state, CommandState::Error);
    assert!(note.starts_with("UNCONFIRMED: Desk: "), "{note}");
    let (from, to) = house.cloud.life_span(id).expect("known");
    let took = to.expect("ended") - from;
    assert!(took < Duration::from_secs(5), "told after {took:?}");
    assert_eq!(puppet.sees().begun, [id]);
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_settles_a_doubt_and_only_a_doubt() {
    let (mut house, puppet, device) = house("key", SILENT).await;
    puppet.is(Mode::Deaf { makes: true });
    puppet.says(Answer::CannotTell);
    let ids = [order(&house, device), order(&house, device)];
    within("both ends", house.cloud.wait_all_final(&ids)).await;
    for (id, happened, kind) in [
        (ids[0], true, OutcomeKind::Done),
        (ids[1], false, OutcomeKind::Failed),
    ] {
        house.until("it is open", |_| in_doubt(&house, id)).await;
        let own = house.row(id).expect("known").entry.id;
        let worker = house.worker();
        worker.retry(own).await.expect_err("a final state was told");
        worker.resolve(own, happened).await.expect("it is in doubt");
        assert_eq!(outcome(&house, id), kind);
        worker
            .resolve(own, happened)
            .await
            .expect_err("it is settled");
        assert_eq!(house.cloud.state(id), Some(CommandState::Error));
    }
    puppet.is(Mode::Good);
    let good = order(&house, device);
    house.end(good).await;
    let own = house.row(good).expect("known").entry.id;
    let refused = house.worker().resolve(own, false).await;
    refused.expect_err("it is done, without a doubt");
    house.stop().await;
}

/// The device proves each time that nothing happened: how often it is begun, by class.
async fn proved_not_to_have_happened(kind: &str, attempts: usize) {
    let (mut house, puppet, device) = house(kind, "").await;
    puppet.is(Mode::Deaf { makes: false });
    puppet.says(Answer::DidNotHappen);
    let id = order(&house, device);
    let (state, note) = house.end(id).await;
    assert_eq!(state, CommandState::Error, "{note}");
    assert!(note.contains("nothing happened"), "{note}");
    assert_eq!(puppet.sees().begun.len(), attempts);
    puppet.is(Mode::Good);
    let next = order(&house, device);
    assert_eq!(house.end(next).await.0, CommandState::Processed);
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn paper_that_did_not_come_is_tried_three_times() {
    proved_not_to_have_happened("printer", 3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_was_not_made_is_never_tried_again_by_itself() {
    proved_not_to_have_happened("key", 1).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fiscal_document_that_was_not_issued_is_tried_once_more() {
    proved_not_to_have_happened("fiscal", 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn paper_in_doubt_is_repeated_once_and_marked_where_the_setting_says_so() {
    let more = "repeat_in_doubt = \"marked\"";
    let (mut house, puppet, device) = house("printer", more).await;
    puppet.is(Mode::Deaf { makes: true });
    puppet.says(Answer::CannotTell);
    let id = order(&house, device);
    let (state, note) = house.end(id).await;
    assert_eq!(state, CommandState::Error, "{note}");
    assert!(note.starts_with("UNCONFIRMED: "), "{note}");
    let marks: Vec<_> = puppet.sees().made.iter().map(|made| made.repeat).collect();
    assert_eq!(marks, [false, true]);
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fiscal_doubt_blocks_its_device_and_who_waits_is_told_by_what() {
    let (mut house, puppet, device) = house("fiscal", SILENT).await;
    puppet.is(Mode::Deaf { makes: true });
    puppet.says(Answer::CannotTell);
    let first = order(&house, device);
    let (_, note) = house.end(first).await;
    assert!(note.starts_with("UNCONFIRMED: Desk: "), "{note}");
    puppet.is(Mode::Good);
    let second = order(&house, device);
    let (state, note) = house.end(second).await;
    assert_eq!(state, CommandState::Error);
    assert!(note.contains(&first.to_string()), "{note}");
    assert!(
        note.contains("in doubt") && note.contains("Nothing happened"),
        "{note}"
    );
    assert_eq!(puppet.sees().given, [first], "it ran beside a doubt");
    let devices = house.worker().board().devices();
    let shown = devices.values().map(|on| format!("{:?}", on.state));
    assert!(shown.into_iter().any(|state| state.starts_with("Blocked")));
    let own = house.row(first).expect("known").entry.id;
    house.worker().resolve(own, true).await.expect("in doubt");
    let third = order(&house, device);
    let (state, note) = house.end(third).await;
    assert_eq!(
        (state, puppet.made(third)),
        (CommandState::Processed, 1),
        "{note}"
    );
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fiscal_doubt_settles_itself_when_the_device_answers() {
    let (mut house, puppet, device) = house("fiscal", SILENT).await;
    puppet.is(Mode::Deaf { makes: true });
    let first = order(&house, device);
    house.end(first).await;
    house.until("it is open", |_| in_doubt(&house, first)).await;
    puppet.is(Mode::Good);
    puppet.says(Answer::Happened);
    house
        .until("it is settled", |_| !in_doubt(&house, first))
        .await;
    let second = order(&house, device);
    let (state, note) = house.end(second).await;
    assert_eq!(state, CommandState::Processed, "{note}");
    assert_eq!((puppet.made(first), puppet.made(second)), (1, 1));
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_restart_a_device_is_asked_before_anything_else_runs() {
    let (mut house, puppet, device) = house("printer", "").await;
    puppet.is(Mode::Deaf { makes: true });
    let first = order(&house, device);
    within("a question", puppet.until(|sight| sight.asked > 0)).await;
    house.stop().await;
    puppet.is(Mode::Good);
    let second = order(&house, device);
    let asked = puppet.sees().asked;
    house.start();
    within("asked again", puppet.until(|sight| sight.asked > asked + 1)).await;
    assert_eq!(
        puppet.sees().given,
        [first],
        "it ran before the doubt was settled"
    );
    puppet.says(Answer::Happened);
    within("both", house.cloud.wait_all_final(&[first, second])).await;
    assert_eq!((puppet.made(first), puppet.made(second)), (1, 1));
    assert_eq!(house.cloud.state(first), Some(CommandState::Processed));
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_in_the_middle_takes_less_than_ten_seconds_and_nothing_is_done_twice() {
    let (mut house, puppet, device) = house("printer", "").await;
    puppet.is(Mode::HoldAfter);
    let id = order(&house, device);
    within("it is begun", puppet.until(|sight| sight.begun == [id])).await;
    let before = driver_sdk::clock::now();
    house.stop().await;
    let took = driver_sdk::clock::now() - before;
    assert!(took <= Duration::from_secs(10), "the stop took {took:?}");
    puppet.is(Mode::Good);
    puppet.says(Answer::DidNotHappen);
    house.start();
    let (state, note) = house.end(id).await;
    assert_eq!(
        (state, puppet.made(id)),
        (CommandState::Processed, 1),
        "{note}"
    );
    assert!(puppet.sees().asked > 0, "it was not asked");
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_test_of_a_device_goes_through_its_line_and_tells_how_it_ended() {
    let (mut house, puppet, device) = house("printer", SILENT).await;
    let id = order(&house, device);
    house.end(id).await;
    let name = house.row(id).expect("known").device;
    let good = house.worker().test(&name).await.expect("it runs");
    assert!(nightporter::supervise::works(&good), "{good:?}");
    puppet.is(Mode::Empty);
    let bad = within("the end of the test", house.worker().test(&name)).await;
    let bad = bad.expect("it ends");
    assert!(!nightporter::supervise::works(&bad), "{bad:?}");
    let updates = house.cloud.request_count("commands/update");
    assert_eq!(updates, 1, "a test is nothing for Mews");
    let nobody = driver_sdk::DeviceName::new("nobody");
    house.worker().test(&nobody).await.expect_err("no device");
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_waits_behind_a_doubt_has_its_own_time_from_when_that_is_told() {
    let waits = "deadline_s = 4\noperator_wait_s = 1";
    let (mut house, puppet, device) = house("printer", waits).await;
    puppet.is(Mode::Deaf { makes: true });
    let first = order(&house, device);
    within("it begins", puppet.until(|sight| sight.begun == [first])).await;
    let second = order(&house, device);
    house.queued(second).await;
    puppet.is(Mode::Good);
    let (state, note) = house.end(first).await;
    assert_eq!(state, CommandState::Error);
    assert!(note.starts_with("UNCONFIRMED: "), "{note}");
    let (from, to) = house.cloud.life_span(first).expect("known");
    assert!(to.expect("ended") - from >= Duration::from_secs(4));
    // It has waited longer than its `operator_wait`, for a question and not for a person.
    let (state, note) = house.end(second).await;
    assert_eq!(state, CommandState::Processed, "{note}");
    house.stop().await;
}
