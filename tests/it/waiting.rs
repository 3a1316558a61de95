//! What a command goes through before it is begun: cancels, ages, intermediate states, a device
//! that needs a person.

use std::time::Duration;

use jiff::SignedDuration;
use nightporter::clock::{Clock, Source};
use nightporter::life::OutcomeKind;
use nightporter::sandbox::{
    By, CommandState, DeviceKind, Fault, FaultKind, HistoryEntry, Hotel, KeyRequest, SandboxOptions,
};
use uuid::Uuid;

use crate::house::{House, within};
use crate::puppet::{Answer, Mode, Puppet};

async fn house(kind: &str, more: &str) -> (House, Puppet, Uuid) {
    house_in(kind, more, SandboxOptions::default()).await
}

async fn house_in(kind: &str, more: &str, options: SandboxOptions) -> (House, Puppet, Uuid) {
    let puppet = Puppet::new();
    let house = House::with(&puppet.section(kind, "Desk", more), options).await;
    let class = match kind {
        "printer" => DeviceKind::Printer,
        "key" => DeviceKind::KeyCutter,
        _ => DeviceKind::FiscalMachine,
    };
    let device = house.cloud.add_device(class, "Desk");
    (house, puppet, device)
}

fn print(house: &House, device: Uuid) -> Uuid {
    house.cloud.add_print(device, "text/plain", b"a bill", 1)
}

pub fn bill(house: &House) -> serde_json::Value {
    let line = |kind: &str, sub: &str, gross: i64| {
        serde_json::json!({
            "Id": Uuid::new_v4(), "AccountId": Uuid::new_v4(), "Type": kind, "SubType": sub,
            "Name": "A night", "State": "Closed",
            "Amount": { "Currency": "EUR", "NetValue": gross, "GrossValue": gross,
                "TaxValues": [], "Breakdown": { "Items": [
                    { "TaxRateCode": null, "NetValue": gross, "TaxValue": 0 } ] } },
        })
    };
    serde_json::json!({
        "Id": Uuid::new_v4(), "EnterpriseId": house.cloud.id(), "AccountId": Uuid::new_v4(),
        "AccountType": "Customer", "State": "Closed", "Type": "Receipt", "Number": "17",
        "CreatedUtc": "2026-01-02T03:04:05Z", "UpdatedUtc": "2026-01-02T03:04:05Z",
        "IssuedUtc": "2026-01-02T03:04:05Z", "CorrectionState": "Bill", "Options": { "DisplayCustomer": false },
        "Revenue": [line("ServiceRevenue", "SpaceOrder", 100)],
        "Payments": [line("Payment", "Cash", -100)],
    })
}

/// What the worker said of a command, in order.
fn said(hotel: &Hotel, id: Uuid) -> Vec<CommandState> {
    let by_worker = |entry: &HistoryEntry| (entry.by == By::Worker).then_some(entry.state);
    hotel.history(id).iter().filter_map(by_worker).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancel_before_the_fetch_means_that_nothing_happens_here() {
    let (mut house, puppet, device) = house("printer", "").await;
    house.start_and_wait().await;
    house.is_swept().await;
    let slow = Fault::new(FaultKind::Delay(Duration::from_millis(300)));
    house.cloud.switch_on(slow.on("commands/getAllByIds"));
    let id = print(&house, device);
    let asked = |hotel: &Hotel| hotel.request_count("commands/getAllByIds") > 0;
    within("the fetch", house.cloud.wait_until(asked)).await;
    assert!(house.cloud.cancel(id));
    house.cloud.clear_faults();
    let next = print(&house, device);
    let (state, _) = house.end(next).await;
    assert_eq!(state, CommandState::Processed);
    assert_eq!(puppet.sees().given, [next]);
    assert!(said(&house.cloud, id).is_empty());
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancel_in_the_queue_wins_and_nothing_is_sent() {
    let (mut house, puppet, device) = house("printer", "").await;
    puppet.is(Mode::HoldBefore);
    house.start_and_wait().await;
    let first = print(&house, device);
    within("the first", puppet.until(|sight| sight.given == [first])).await;
    let second = print(&house, device);
    let third = print(&house, device);
    house.queued(third).await;
    assert!(house.cloud.cancel(second));
    let noted = |_: &_| {
        house
            .row(second)
            .is_some_and(|row| row.entry.cancel_requested)
    };
    house.until("the cancel is noted", noted).await;
    puppet.is(Mode::Good);
    for id in [first, third] {
        assert_eq!(house.end(id).await.0, CommandState::Processed);
    }
    house.closed(second).await;
    assert_eq!(puppet.sees().given, [first, third]);
    let row = house.row(second).expect("known");
    let kind = row.outcome.expect("ended").kind;
    assert_eq!(kind, OutcomeKind::Cancelled);
    assert!(house.worker().board().alarms().is_empty());
    house.stop().await;
}

/// The disk is busy: the cancel is heard when the row is on its way to it.
#[tokio::test(flavor = "multi_thread")]
async fn a_cancel_that_comes_while_a_command_is_written_down_wins() {
    let (mut house, puppet, device) = house("printer", "").await;
    puppet.is(Mode::HoldBefore);
    house.start_and_wait().await;
    house.is_swept().await;
    let first = print(&house, device);
    within("the first", puppet.until(|sight| sight.given == [first])).await;

    let mut followed = house.worker().outside("main").expect("its property");
    let (free, busy) = std::sync::mpsc::channel::<()>();
    let journal = house.worker().journal().clone();
    let mut held = Box::pin(async move {
        let wait = move |_: &mut nightporter::journal::Core| {
            busy.recv().expect("the test frees it");
            Ok(())
        };
        journal.with(wait).await
    });
    assert!(futures_util::poll!(&mut held).is_pending());
    let payloads = format!("{}.payloads", house.journal().display());
    let kept = || std::fs::read_dir(&payloads).map_or(0, Iterator::count);
    let before = kept();
    let second = print(&house, device);
    house.until("its payload", |_| kept() > before).await;
    // Mews can be asked nothing from now on: the event is all there is.
    for operation in ["commands/getAllActive", "commands/getAllByIds"] {
        let ill = Fault::new(FaultKind::Status(503));
        house.cloud.switch_on(ill.on(operation));
    }
    let dropped = house.cloud.switch_on(Fault::new(FaultKind::DropEvents));
    assert!(house.cloud.cancel(second));
    house.cloud.switch_off(dropped);
    while followed.try_recv().is_ok() {}
    house.cloud.push_events(serde_json::json!([
        { "Type": "Reservation", "Id": Uuid::new_v4(), "State": "Confirmed" },
        { "Type": "DeviceCommand", "Id": second, "State": "Cancelled" },
    ]));
    within("the frame", followed.recv())
        .await
        .expect("followed");
    free.send(()).expect("it waits");
    held.await.expect("disk");

    house.queued(second).await;
    within("the cancel", followed.recv())
        .await
        .expect("followed");
    puppet.is(Mode::Good);
    let closed = |_: &_| house.row(second).is_some_and(|row| row.outcome.is_some());
    house.until("the cancelled one has ended", closed).await;
    assert_eq!(puppet.sees().given, [first]);
    let ended = house.row(second).and_then(|row| row.outcome);
    assert_eq!(ended.expect("ended").kind, OutcomeKind::Cancelled);
    house.cloud.clear_faults();
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancel_that_comes_while_a_device_prepares_stops_the_commit() {
    let (mut house, puppet, device) = house("printer", "").await;
    puppet.is(Mode::HoldBefore);
    house.start_and_wait().await;
    let id = print(&house, device);
    within("it is given", puppet.until(|sight| sight.given == [id])).await;
    assert!(house.cloud.cancel(id));
    let noted = |_: &_| house.row(id).is_some_and(|row| row.entry.cancel_requested);
    house.until("the cancel is noted", noted).await;
    puppet.is(Mode::Good);
    house.closed(id).await;
    assert!(puppet.sees().begun.is_empty(), "it was begun all the same");
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancel_after_the_commit_is_a_wish_and_the_record_tells_the_truth() {
    let (mut house, puppet, device) = house("printer", "").await;
    puppet.is(Mode::HoldAfter);
    house.start_and_wait().await;
    let id = print(&house, device);
    within("it is begun", puppet.until(|sight| sight.begun == [id])).await;
    assert!(house.cloud.cancel(id));
    within("the wish", puppet.until(|sight| sight.wished == [id])).await;
    puppet.is(Mode::Good);
    house.closed(id).await;
    let row = house.row(id).expect("known");
    assert_eq!(row.outcome.expect("ended").kind, OutcomeKind::Done);
    assert_eq!((puppet.made(id), puppet.sees().begun.len()), (1, 1));
    assert_eq!(house.cloud.state(id), Some(CommandState::Cancelled));
    let alarms = house.worker().board().alarms();
    assert_eq!(
        alarms.len(),
        1,
        "paper exists and Mews says cancelled: {alarms:?}"
    );
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_here_cancels_a_waiting_command_and_mews_is_told() {
    let (mut house, puppet, device) = house("printer", "").await;
    puppet.is(Mode::HoldBefore);
    house.start_and_wait().await;
    let first = print(&house, device);
    within("the first", puppet.until(|sight| sight.given == [first])).await;
    let second = print(&house, device);
    house.queued(second).await;
    let id = house.row(second).expect("known").entry.id;
    house.worker().cancel(id).await.expect("it waits");
    house
        .worker()
        .cancel(id)
        .await
        .expect_err("it is asked already");
    puppet.is(Mode::Good);
    let (state, note) = house.end(second).await;
    assert_eq!(state, CommandState::Cancelled, "{note}");
    assert_eq!(puppet.made(second), 0);
    house.worker().cancel(id).await.expect_err("it has ended");
    house.stop().await;
}

/// A command of this age is not run by this class any more; a minute younger it is.
async fn stale(kind: &str, minutes: i64, say: &str) {
    let (mut house, puppet, device) = house(kind, "").await;
    house.start_and_wait().await;
    let now = house.cloud.now();
    let add = |minutes: i64| {
        let created = now - SignedDuration::from_mins(minutes);
        if kind == "key" {
            let data = KeyRequest::new("204", now).data();
            house.cloud.add_at(device, data, created)
        } else {
            let new = house.cloud.print(device, "text/plain", b"a bill", 1);
            house.cloud.add(new.created(created))
        }
    };
    let (old, young) = (add(minutes), add(minutes - 1));
    let (state, note) = house.end(old).await;
    assert_eq!(state, CommandState::Error);
    let wanted = format!("Desk: Not done: the command is {say} old;");
    assert!(note.starts_with(&wanted), "{note}");
    assert_eq!(house.end(young).await.0, CommandState::Processed);
    assert_eq!(puppet.sees().given, [young]);
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bill_is_not_printed_after_eight_hours() {
    stale("printer", 8 * 60, "8 h").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_not_cut_after_fifteen_minutes() {
    stale("key", 15, "15 min").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_not_cut_after_the_end_of_the_stay() {
    let (mut house, puppet, device) = house("key", "").await;
    house.start_and_wait().await;
    let now = house.cloud.now();
    let over = KeyRequest {
        start: now - SignedDuration::from_hours(20),
        end: now - SignedDuration::from_secs(1),
        ..KeyRequest::new("204", now)
    };
    let id = house.cloud.add_key(device, &over);
    let (state, note) = house.end(id).await;
    assert_eq!(state, CommandState::Error, "{note}");
    assert!(puppet.sees().given.is_empty());
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fiscal_command_is_never_too_old() {
    let (mut house, puppet, device) = house("fiscal", "").await;
    house.start_and_wait().await;
    let created = house.cloud.now() - SignedDuration::from_hours(24 * 40);
    let data = serde_json::json!({ "FiscalMachineId": null, "ApiUrl": null, "Bill": bill(&house) });
    let id = house.cloud.add_at(device, data, created);
    let (state, note) = house.end(id).await;
    assert_eq!(
        (state, puppet.made(id)),
        (CommandState::Processed, 1),
        "{note}"
    );
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_becomes_too_old_in_the_queue_ends_there() {
    let (mut house, puppet, device) = house("printer", "expires_s = 2").await;
    puppet.is(Mode::HoldAfter);
    house.start_and_wait().await;
    let first = print(&house, device);
    within("it is begun", puppet.until(|sight| sight.begun == [first])).await;
    let second = print(&house, device);
    house.queued(second).await;
    let expires = house
        .row(second)
        .and_then(|row| row.entry.expires)
        .expect("an age limit");
    // Mews tells its time in whole seconds.
    let old = |_: &_| house.cloud.now() > expires + SignedDuration::from_secs(2);
    house.until("its time is over", old).await;
    puppet.is(Mode::Good);
    let (state, note) = house.end(second).await;
    assert_eq!(state, CommandState::Error);
    assert!(note.contains("Nothing happened"), "{note}");
    assert_eq!(puppet.sees().given, [first]);
    house.stop().await;
}

struct WrongBy(Clock, SignedDuration);

impl Source for WrongBy {
    fn monotonic(&self) -> Duration {
        self.0.monotonic()
    }

    fn pc_time(&self) -> jiff::Timestamp {
        self.0.pc_time() + self.1
    }
}

/// The clock of this PC is hours off; ages are right all the same.
async fn wrong_clock(hours: i64) {
    let (mut house, puppet, device) = house("key", "").await;
    let off = SignedDuration::from_hours(hours);
    house.clock = Some(Clock::from_source(WrongBy(Clock::system(), off)));
    house.start_and_wait().await;
    let now = house.cloud.now();
    let key = KeyRequest::new("204", now).data();
    let young = house
        .cloud
        .add_at(device, key.clone(), now - SignedDuration::from_mins(14));
    let old = house
        .cloud
        .add_at(device, key, now - SignedDuration::from_mins(16));
    let (state, note) = house.end(young).await;
    assert_eq!(state, CommandState::Processed, "{hours} h off: {note}");
    let (state, note) = house.end(old).await;
    assert_eq!(state, CommandState::Error, "{hours} h off: {note}");
    assert!(note.contains("16 min old"), "{hours} h off: {note}");
    assert_eq!(puppet.sees().given, [young], "{hours} h off");
    house.stop().await;
}

/// Commands that waited since before the start are accepted before the time of Mews is known:
/// they wait as long as they may for a person all the same.
async fn wrong_clock_without_paper(hours: i64) {
    let more = "operator_wait_s = 2";
    let (mut house, puppet, device) = house("printer", more).await;
    let off = SignedDuration::from_hours(hours);
    house.clock = Some(Clock::from_source(WrongBy(Clock::system(), off)));
    puppet.is(Mode::Empty);
    let id = print(&house, device);
    let before = driver_sdk::clock::now();
    house.start();
    let (state, note) = house.end(id).await;
    let took = driver_sdk::clock::now() - before;
    assert_eq!(state, CommandState::Error, "{hours} h off: {note}");
    assert!(
        note.contains("Nothing was printed"),
        "{hours} h off: {note}"
    );
    assert!(took >= Duration::from_secs(2), "{hours} h off: {took:?}");
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_has_the_same_time_on_a_pc_whose_clock_is_wrong() {
    wrong_clock_without_paper(5).await;
    wrong_clock_without_paper(-5).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ages_are_right_on_a_pc_whose_clock_is_wrong() {
    wrong_clock(5).await;
    wrong_clock(-5).await;
    wrong_clock(24 * 365).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn quick_work_is_told_by_its_final_state_alone() {
    let (mut house, _, device) = house("printer", "").await;
    house.start_and_wait().await;
    let id = print(&house, device);
    house.end(id).await;
    assert_eq!(said(&house.cloud, id), [CommandState::Processed]);
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_waits_is_told_as_received_and_who_is_worked_on_as_processing() {
    let (mut house, puppet, device) = house("printer", "").await;
    puppet.is(Mode::HoldAfter);
    house.start_and_wait().await;
    let first = print(&house, device);
    within("it is begun", puppet.until(|sight| sight.begun == [first])).await;
    let second = print(&house, device);
    let is = |id, state| move |hotel: &Hotel| hotel.state(id) == Some(state);
    let works = is(first, CommandState::Processing);
    within("Processing", house.cloud.wait_until(works)).await;
    let waits = is(second, CommandState::Received);
    within("Received", house.cloud.wait_until(waits)).await;
    for (id, wanted) in [(first, 300), (second, 300)] {
        let history = house.cloud.history(id);
        let after = history[1].at - history[0].at;
        assert!(
            after >= Duration::from_millis(wanted),
            "told after {after:?}"
        );
    }
    puppet.is(Mode::Good);
    within("both", house.cloud.wait_all_final(&[first, second])).await;
    use CommandState::{Processed, Processing, Received};
    assert_eq!(said(&house.cloud, first), [Processing, Processed]);
    assert_eq!(said(&house.cloud, second), [Received, Processed]);
    house.stop().await;
}

/// Were it given up half sent, it might arrive behind the final state.
#[tokio::test(flavor = "multi_thread")]
async fn an_intermediate_state_under_way_arrives_before_the_final_one() {
    let (mut house, puppet, device) = house("printer", "").await;
    puppet.is(Mode::HoldAfter);
    house.start_and_wait().await;
    let slow = Fault::new(FaultKind::Delay(Duration::from_millis(250)));
    house.cloud.switch_on(slow.on("commands/update").times(1));
    let id = print(&house, device);
    let sent = |hotel: &Hotel| hotel.request_count("commands/update") == 1;
    within("Processing is under way", house.cloud.wait_until(sent)).await;
    assert!(said(&house.cloud, id).is_empty(), "it has arrived already");
    puppet.is(Mode::Good);
    within("the end", house.cloud.wait_all_final(&[id])).await;
    use CommandState::{Processed, Processing};
    assert_eq!(said(&house.cloud, id), [Processing, Processed]);
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fiscal_device_is_touched_only_after_processing_was_confirmed() {
    let (mut house, puppet, device) = house("fiscal", "").await;
    let refused = house
        .cloud
        .switch_on(Fault::new(FaultKind::Status(503)).on("commands/update"));
    house.start_and_wait().await;
    let id = house.cloud.add_fiscal(device, bill(&house));
    let tried = |hotel: &Hotel| hotel.request_count("commands/update") >= 3;
    within("three tries", house.cloud.wait_until(tried)).await;
    assert!(
        puppet.sees().given.is_empty(),
        "touched before Processing was confirmed"
    );
    house.cloud.switch_off(refused);
    within("it is begun", puppet.until(|sight| sight.begun == [id])).await;
    let (state, note) = house.end(id).await;
    assert_eq!(state, CommandState::Processed, "{note}");
    let history = house.cloud.history(id);
    let applied: Vec<_> = history
        .iter()
        .filter(|entry| entry.applied)
        .map(|e| e.state)
        .collect();
    use CommandState::{Pending, Processed, Processing};
    assert_eq!(applied, [Pending, Processing, Processed]);
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_answer_to_processing_is_settled_by_reading_back() {
    let (mut house, puppet, device) = house("fiscal", "").await;
    let lost = Fault::new(FaultKind::LostAnswer)
        .on("commands/update")
        .times(1);
    house.cloud.switch_on(lost);
    house.start_and_wait().await;
    let id = house.cloud.add_fiscal(device, bill(&house));
    let (state, note) = house.end(id).await;
    assert_eq!(
        (state, puppet.made(id)),
        (CommandState::Processed, 1),
        "{note}"
    );
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fiscal_command_cancelled_before_processing_is_never_issued() {
    let (mut house, puppet, device) = house("fiscal", "").await;
    let fault = house
        .cloud
        .switch_on(Fault::new(FaultKind::Status(503)).on("commands/update"));
    house.start_and_wait().await;
    let id = house.cloud.add_fiscal(device, bill(&house));
    let tried = |hotel: &Hotel| hotel.request_count("commands/update") >= 1;
    within("a try", house.cloud.wait_until(tried)).await;
    assert!(house.cloud.cancel(id));
    house.cloud.switch_off(fault);
    house.closed(id).await;
    assert!(puppet.sees().given.is_empty());
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_bills_at_an_empty_printer_end_together_and_say_that_nothing_was_printed() {
    let (mut house, puppet, device) = house("printer", "operator_wait_s = 2").await;
    puppet.is(Mode::Empty);
    house.start_and_wait().await;
    let ids: Vec<_> = (0..10).map(|_| print(&house, device)).collect();
    within("all ends", house.cloud.wait_all_final(&ids)).await;
    let mut spans = Vec::new();
    for id in &ids {
        let (state, note) = house.end(*id).await;
        assert_eq!(state, CommandState::Error);
        assert_eq!(
            note,
            "Desk: Nothing to print on. Nothing was printed. Fill it."
        );
        let (from, to) = house.cloud.life_span(*id).expect("known");
        spans.push(to.expect("ended") - from);
    }
    let (first, last) = (spans.iter().min(), spans.iter().max());
    let (first, last) = (*first.expect("ten"), *last.expect("ten"));
    assert!(
        first >= Duration::from_millis(1_900),
        "given up after {first:?}"
    );
    assert!(
        last <= Duration::from_secs(7),
        "the last ended after {last:?}"
    );
    assert!(puppet.sees().begun.is_empty());
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_that_is_well_again_goes_on_by_itself() {
    let (mut house, puppet, device) = house("printer", "").await;
    puppet.is(Mode::Empty);
    house.start_and_wait().await;
    let ids: Vec<_> = (0..3).map(|_| print(&house, device)).collect();
    within("it is tried", puppet.until(|sight| !sight.given.is_empty())).await;
    let shown = |worker: &nightporter::supervise::Worker| {
        let devices = worker.board().devices();
        devices
            .values()
            .any(|on| format!("{:?}", on.state).contains("PUPPET-EMPTY"))
    };
    house.until("it is shown", shown).await;
    puppet.is(Mode::Good);
    within("all ends", house.cloud.wait_all_final(&ids)).await;
    assert!(ids.iter().all(|id| puppet.made(*id) == 1));
    assert!(!shown(house.worker()), "it is shown as empty still");
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bill_that_comes_while_the_device_is_unwell_has_its_own_time() {
    let (mut house, puppet, device) = house("printer", "operator_wait_s = 3").await;
    puppet.is(Mode::Empty);
    house.start_and_wait().await;
    let first = print(&house, device);
    house.end(first).await;
    let second = print(&house, device);
    house.queued(second).await;
    puppet.is(Mode::Good);
    let (state, note) = house.end(second).await;
    assert_eq!(
        (state, puppet.made(second)),
        (CommandState::Processed, 1),
        "{note}"
    );
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_final_state_from_another_hand_stops_a_waiting_command_and_alarms() {
    let (mut house, puppet, device) = house("printer", "").await;
    puppet.is(Mode::HoldBefore);
    house.start_and_wait().await;
    let first = print(&house, device);
    within("the first", puppet.until(|sight| sight.given == [first])).await;
    let second = print(&house, device);
    house.queued(second).await;
    assert!(house.cloud.set_state(second, CommandState::Processed));
    let alarmed = |worker: &nightporter::supervise::Worker| !worker.board().alarms().is_empty();
    house.until("an alarm", alarmed).await;
    puppet.is(Mode::Good);
    house.closed(second).await;
    assert_eq!(puppet.made(second), 0, "it ran after Mews had its end");
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_cancelled_while_the_socket_was_down_is_not_run() {
    let (mut house, puppet, device) = house("printer", "").await;
    puppet.is(Mode::HoldBefore);
    house.start_and_wait().await;
    let first = print(&house, device);
    within("the first", puppet.until(|sight| sight.given == [first])).await;
    let second = print(&house, device);
    house.queued(second).await;
    // No socket comes back, and no list: only a read before the commit can tell.
    house
        .cloud
        .switch_on(Fault::new(FaultKind::Status(503)).on_socket());
    house.cloud.switch_on(
        Fault::new(FaultKind::Delay(Duration::from_secs(20))).on("commands/getAllActive"),
    );
    house.cloud.cut_sockets();
    let down = |hotel: &Hotel| hotel.sockets() == 0;
    within("no socket", house.cloud.wait_until(down)).await;
    let known = |worker: &nightporter::supervise::Worker| {
        worker
            .board()
            .links()
            .values()
            .all(|link| link.up_since.is_none())
    };
    house.until("the worker knows", known).await;
    assert!(house.cloud.cancel(second));
    puppet.is(Mode::Good);
    house.closed(second).await;
    assert_eq!(puppet.sees().given, [first]);
    assert_eq!(puppet.sees().answer, Answer::Silent);
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn paper_goes_on_when_mews_cannot_be_asked_within_3_s() {
    let (mut house, puppet, device) = house("printer", "").await;
    puppet.is(Mode::HoldBefore);
    house.start_and_wait().await;
    let first = print(&house, device);
    within("the first", puppet.until(|sight| sight.given == [first])).await;
    let second = print(&house, device);
    house.queued(second).await;
    // A cancel could be missed from now on, and Mews answers no question.
    house
        .cloud
        .switch_on(Fault::new(FaultKind::Status(503)).on_socket());
    for operation in ["commands/getAllActive", "commands/getAllByIds"] {
        let silent = FaultKind::Delay(Duration::from_secs(3_600));
        house.cloud.switch_on(Fault::new(silent).on(operation));
    }
    house.cloud.cut_sockets();
    let known = |worker: &nightporter::supervise::Worker| {
        let links = worker.board().links();
        links.values().all(|link| link.up_since.is_none())
    };
    house.until("the worker knows", known).await;
    let asked = driver_sdk::clock::now();
    puppet.is(Mode::Good);
    let given = |sight: &crate::puppet::Sight| sight.given == [first, second];
    within("the second", puppet.until(given)).await;
    let waited = asked.elapsed();
    assert!(
        waited > Duration::from_millis(2_900),
        "not asked: {waited:?}"
    );
    house.stop().await;
}
