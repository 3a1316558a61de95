//! What comes in: announced often, announced badly, waiting since before, not ours.

use std::time::Duration;

use nightporter::sandbox::{CommandState, DeviceKind, NewCommand, SandboxOptions};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::house::{House, within};
use crate::puppet::{Mode, Puppet};

/// A house with one printer that is a puppet.
async fn one_printer(name: &str, more: &str) -> (House, Puppet, Uuid) {
    let puppet = Puppet::new();
    let house = House::new(&puppet.section("printer", name, more)).await;
    let device = house.cloud.add_device(DeviceKind::Printer, name);
    (house, puppet, device)
}

fn announced(id: Uuid) -> Value {
    json!({ "Type": "DeviceCommand", "Id": id, "State": "Pending" })
}

/// A hundred events that no contract allows.
fn malformed() -> Vec<Value> {
    let bad = [
        json!(null),
        json!(17),
        json!("DeviceCommand"),
        json!([]),
        json!({}),
        json!({ "Type": null, "Id": null }),
        json!({ "Type": "DeviceCommand" }),
        json!({ "Type": "DeviceCommand", "Id": null, "State": "Pending" }),
        json!({ "Type": "DeviceCommand", "Id": "not an id", "State": "Pending" }),
        json!({ "Type": "DeviceCommand", "Id": 4, "State": "Pending" }),
        json!({ "Type": "DeviceCommand", "Id": Uuid::new_v4(), "State": null }),
        json!({ "Type": "DeviceCommand", "Id": Uuid::new_v4(), "State": "Dreaming" }),
        json!({ "Type": "Weather", "Id": Uuid::new_v4(), "Sun": true }),
        json!({ "Type": { "a": 1 }, "Id": Uuid::new_v4() }),
        json!({ "Type": "Reservation", "Id": [], "State": 1, "StartUtc": "yesterday" }),
        json!({ "Type": "Resource" }),
        json!({ "Type": "PriceUpdate", "StartUtc": 12 }),
        json!([{ "Type": "DeviceCommand" }]),
        json!(1.5e300),
        json!({ "type": "devicecommand", "id": Uuid::new_v4() }),
    ];
    bad.iter().cycle().take(100).cloned().collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn forty_commands_announced_four_times_among_a_hundred_bad_events_are_each_done_once() {
    let (mut house, puppet, device) = one_printer("Bar", "").await;
    house.start_and_wait().await;
    let fetches = house.cloud.request_count("commands/getAllByIds");
    let add = |_| {
        let new = house.cloud.print(device, "text/plain", b"a bill", 1);
        house.cloud.add(new.quiet())
    };
    let ids: Vec<Uuid> = (0..40).map(add).collect();
    let mut events = malformed();
    for _ in 0..4 {
        events.extend(ids.iter().map(|id| announced(*id)));
    }
    // Good and bad mixed, the same every time.
    let mut random = fastrand::Rng::with_seed(7);
    random.shuffle(&mut events);
    house.cloud.push_events(json!(events));
    within("all ends", house.cloud.wait_all_final(&ids)).await;
    for id in &ids {
        assert_eq!(house.cloud.state(*id), Some(CommandState::Processed));
        assert_eq!(puppet.made(*id), 1);
    }
    assert_eq!(puppet.sees().made.len(), 40);
    let fetches = house.cloud.request_count("commands/getAllByIds") - fetches;
    assert!(fetches <= 6, "{fetches} fetches");
    assert_eq!(house.cloud.upgrades().len(), 1, "it reconnected");
    house.stop().await;
}

/// The twin: announced one after the other, each costs a fetch; the count above is one.
#[tokio::test(flavor = "multi_thread")]
async fn commands_announced_one_by_one_cost_a_fetch_each() {
    let (mut house, _, device) = one_printer("Bar", "").await;
    house.start_and_wait().await;
    house.is_swept().await;
    for _ in 0..8 {
        let id = house.cloud.add_print(device, "text/plain", b"a bill", 1);
        house.end(id).await;
    }
    assert!(house.cloud.request_count("commands/getAllByIds") > 6);
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_that_waited_since_before_the_start_is_done_once() {
    let (mut house, puppet, device) = one_printer("Bar", "").await;
    let new = house.cloud.print(device, "text/plain", b"a bill", 1);
    let id = house.cloud.add(new.quiet());
    house.start();
    let (state, note) = house.end(id).await;
    assert_eq!((state, puppet.made(id)), (CommandState::Processed, 1));
    assert_eq!(note, "Bar: made, as asked.");
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_frames_harm_no_good_command_and_no_socket() {
    let (mut house, puppet, device) = one_printer("Bar", "").await;
    house.start_and_wait().await;
    house.cloud.push_text("{\"Events\":[{\"Type\":\"DeviceComm");
    house.cloud.push_text("");
    house.cloud.push_text("null");
    house.cloud.push_text("{\"Events\":null}");
    house.cloud.push_text("{\"Events\":{}}");
    house
        .cloud
        .push_text("[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[");
    house.cloud.push_binary(&[0xff; 5000]);
    house.cloud.push_binary(b"{\"Events\":[]}");
    house.cloud.push_text(&"x".repeat(1 << 20));
    let filler = "y".repeat(1 << 20);
    house
        .cloud
        .push_events(json!([{ "Type": "Odd", "Id": filler }]));
    let id = house.cloud.add_print(device, "text/plain", b"a bill", 1);
    let (state, _) = house.end(id).await;
    assert_eq!((state, puppet.made(id)), (CommandState::Processed, 1));
    assert_eq!(house.cloud.upgrades().len(), 1, "it reconnected");
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn commands_of_devices_that_are_not_configured_here_are_left_alone() {
    let (mut house, puppet, device) = one_printer("Bar", "").await;
    let other = house.cloud.add_device(DeviceKind::Printer, "Reception");
    let odd = house
        .cloud
        .add_device(DeviceKind::Other("CoffeeMachine".to_owned()), "Coffee");
    let waiting = house.cloud.add_print(other, "text/plain", b"theirs", 1);
    house.start_and_wait().await;
    let left = [
        waiting,
        house.cloud.add_print(other, "text/plain", b"theirs", 1),
        house.cloud.add_raw(odd, json!({ "Cups": 2 })),
        house.cloud.add_raw(odd, json!(null)),
    ];
    let ours = house.cloud.add_print(device, "text/plain", b"ours", 1);
    let (state, _) = house.end(ours).await;
    assert_eq!(state, CommandState::Processed);
    for id in left {
        assert_eq!(house.cloud.state(id), Some(CommandState::Pending));
        assert_eq!(house.cloud.history(id).len(), 1, "somebody touched it");
        assert!(house.row(id).is_none(), "it is in the journal");
    }
    assert_eq!(puppet.sees().made.len(), 1);
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_of_a_kind_nobody_knows_gets_an_answer_where_it_is_configured() {
    let puppet = Puppet::new();
    let mut house = House::new(&puppet.section("printer", "Coffee", "")).await;
    let kind = DeviceKind::Other("CoffeeMachine".to_owned());
    let device = house.cloud.add_device(kind, "Coffee");
    house.start_and_wait().await;
    let id = house.cloud.add_raw(device, json!({ "Cups": 2 }));
    let (state, note) = house.end(id).await;
    assert_eq!(state, CommandState::Error);
    assert!(note.contains("Nothing happened"), "{note}");
    assert!(puppet.sees().given.is_empty());
    house.stop().await;
}

/// The list of devices is looked at every 5 min, and a new one means one reconnect: until then Mews
/// announces nothing of it.
#[tokio::test(start_paused = true)]
async fn a_device_that_is_added_in_mews_later_is_found_without_help() {
    let puppet = Puppet::new();
    let section = puppet.section("printer", "Bar", "");
    let mut house = House::hurried(&section, SandboxOptions::default()).await;
    house.start_and_wait().await;
    tokio::time::sleep(Duration::from_secs(20)).await;
    let device = house.cloud.add_device(DeviceKind::Printer, "Bar");
    tokio::time::sleep(Duration::from_secs(310)).await;
    assert_eq!(house.cloud.upgrades().len(), 2);
    let fetches = house.cloud.request_count("commands/getAllByIds");
    let id = house.cloud.add_print(device, "text/plain", b"a bill", 1);
    let (state, _) = house.end(id).await;
    assert_eq!((state, puppet.made(id)), (CommandState::Processed, 1));
    // Heard by event, not found by a list.
    let fetched = house.cloud.request_count("commands/getAllByIds") - fetches;
    assert_eq!(fetched, 1);
    tokio::time::sleep(Duration::from_secs(3_600)).await;
    assert_eq!(house.cloud.upgrades().len(), 2, "it went on reconnecting");
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queue_goes_in_order_of_creation_whatever_order_it_is_heard_in() {
    let (mut house, puppet, device) = one_printer("Bar", "").await;
    let now = house.cloud.now();
    let ages = [3, 9, 1, 7, 5, 2, 8, 4, 6, 10];
    let ids: Vec<_> = ages
        .iter()
        .map(|age| {
            let created = now - jiff::SignedDuration::from_mins(*age);
            let new: NewCommand = house.cloud.print(device, "text/plain", b"a bill", 1);
            house.cloud.add(new.created(created).quiet())
        })
        .collect();
    puppet.is(Mode::Empty);
    house.start_and_wait().await;
    // All are in the queue before the first can be done.
    let queued = |worker: &nightporter::supervise::Worker| {
        let _ = worker;
        ids.iter().all(|id| house.row(*id).is_some())
    };
    house.until("ten rows", queued).await;
    puppet.is(Mode::Good);
    within("all ends", house.cloud.wait_all_final(&ids)).await;
    let mut wanted: Vec<_> = ages.iter().zip(&ids).collect();
    wanted.sort_by_key(|(age, _)| std::cmp::Reverse(**age));
    let wanted: Vec<_> = wanted.into_iter().map(|(_, id)| *id).collect();
    let done: Vec<_> = puppet.sees().made.iter().map(|made| made.id).collect();
    assert_eq!(done, wanted);
    house.stop().await;
}

/// `CreatedUtc` has whole seconds, and Mews lists the newest first: what decides is which was
/// announced first.
#[tokio::test(flavor = "multi_thread")]
async fn commands_of_one_second_go_in_the_order_they_were_announced() {
    let (mut house, puppet, device) = one_printer("Bar", "").await;
    house.start_and_wait().await;
    house.is_swept().await;
    let created = house.cloud.now();
    let ids: Vec<_> = (0..60)
        .map(|_| {
            let new: NewCommand = house.cloud.print(device, "text/plain", b"a bill", 1);
            house.cloud.add(new.created(created))
        })
        .collect();
    within("all ends", house.cloud.wait_all_final(&ids)).await;
    let done: Vec<_> = puppet.sees().made.iter().map(|made| made.id).collect();
    assert_eq!(done, ids);
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_forgotten_is_taken_in_again_only_where_mews_calls_it_open_now() {
    let (mut house, puppet, device) = one_printer("Bar", "").await;
    house.start_and_wait().await;
    let id = house.cloud.add_print(device, "text/plain", b"a bill", 1);
    within("it ends", house.cloud.wait_all_final(&[id])).await;
    let told = |_: &_| house.row(id).is_some_and(|row| row.reported_at.is_some());
    house.until("it is closed", told).await;
    let journal = house.worker().journal();
    let later = journal.with(|core| core.purge(jiff::Timestamp::MAX)).await;
    assert_eq!(later.expect("disk"), 1);
    let fetches = house.cloud.request_count("commands/getAllByIds");
    // An old event, repeated long after.
    house.cloud.push_events(json!([announced(id)]));
    let asked =
        |hotel: &nightporter::sandbox::Hotel| hotel.request_count("commands/getAllByIds") > fetches;
    within("it is read", house.cloud.wait_until(asked)).await;
    let next = house.cloud.add_print(device, "text/plain", b"a bill", 1);
    within("the next ends", house.cloud.wait_all_final(&[next])).await;
    assert_eq!(puppet.sees().given, [id, next]);
    assert!(house.row(id).is_none(), "it was taken in again");
    house.stop().await;
}
