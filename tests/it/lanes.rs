//! Devices beside each other: stuck ones, shared wires, drivers that panic or hang.

use nightporter::sandbox::{CommandState, DeviceKind};
use uuid::Uuid;

use crate::house::{House, within};
use crate::puppet::{Answer, Mode, Opening, Place, Puppet};

/// Two printers, each with a wire of its own.
async fn two(more: &str) -> (House, [Puppet; 2], [Uuid; 2]) {
    let puppets = [Puppet::new(), Puppet::new()];
    let sections = [
        puppets[0].section("printer", "One", more),
        puppets[1].section("printer", "Two", ""),
    ];
    let house = House::new(&sections.concat()).await;
    let devices = ["One", "Two"].map(|name| house.cloud.add_device(DeviceKind::Printer, name));
    (house, puppets, devices)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stuck_device_never_delays_another() {
    let (mut house, [stuck, other], devices) = two("").await;
    for mode in [Mode::HoldBefore, Mode::HoldAfter, Mode::Empty, Mode::Hangs] {
        stuck.is(mode);
        if house.cloud.upgrades().is_empty() {
            house.start_and_wait().await;
        }
        let first = house.cloud.add_print(devices[0], "text/plain", b"a", 1);
        within(
            "the stuck one is tried",
            stuck.until(|s| s.given.contains(&first)),
        )
        .await;
        let ids: Vec<_> = (0..5)
            .map(|_| house.cloud.add_print(devices[1], "text/plain", b"b", 1))
            .collect();
        within("the other's ends", house.cloud.wait_all_final(&ids)).await;
        assert!(ids.iter().all(|id| other.made(*id) == 1));
        assert_eq!(stuck.made(first), 0, "{mode:?}");
        if mode == Mode::Hangs {
            break;
        }
        stuck.is(Mode::Good);
        let (state, _) = house.end(first).await;
        assert_eq!(state, CommandState::Processed, "{mode:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn devices_on_one_wire_take_turns() {
    let puppet = Puppet::new();
    let sections = [
        puppet.section("printer", "One", ""),
        puppet.section("printer", "Two", ""),
    ];
    let mut house = House::new(&sections.concat()).await;
    let devices = ["One", "Two"].map(|name| house.cloud.add_device(DeviceKind::Printer, name));
    house.start_and_wait().await;
    puppet.is(Mode::HoldBefore);
    let ids: Vec<_> = (0..20)
        .map(|at| {
            house
                .cloud
                .add_print(devices[at % 2], "text/plain", b"a", 1)
        })
        .collect();
    within("the first", puppet.until(|sight| sight.inside == 1)).await;
    puppet.is(Mode::Good);
    within("all ends", house.cloud.wait_all_final(&ids)).await;
    let sight = puppet.sees();
    assert_eq!((sight.made.len(), sight.most_inside), (20, 1));
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_doubt_on_a_wire_holds_every_device_of_the_wire() {
    let puppet = Puppet::new();
    let sections = [
        puppet.section("printer", "One", ""),
        puppet.section("printer", "Two", ""),
    ];
    let mut house = House::new(&sections.concat()).await;
    let devices = ["One", "Two"].map(|name| house.cloud.add_device(DeviceKind::Printer, name));
    house.start_and_wait().await;
    puppet.is(Mode::Deaf { makes: true });
    let first = house.cloud.add_print(devices[0], "text/plain", b"a", 1);
    within("the first question", puppet.until(|sight| sight.asked > 0)).await;
    puppet.is(Mode::Good);
    let second = house.cloud.add_print(devices[1], "text/plain", b"b", 1);
    within("more questions", puppet.until(|sight| sight.asked > 2)).await;
    assert_eq!(puppet.sees().given, [first], "it ran beside a doubt");
    puppet.says(Answer::Happened);
    within("both", house.cloud.wait_all_final(&[first, second])).await;
    assert_eq!([puppet.made(first), puppet.made(second)], [1, 1]);
    house.stop().await;
}

/// A driver that panics is a crash of its own device: the other one works on, and the device is
/// back when it behaves.
async fn panics(place: Place) {
    let (mut house, [bad, other], devices) = two("").await;
    bad.says(Answer::DidNotHappen);
    bad.is(Mode::Panics(place));
    house.start_and_wait().await;
    let first = house.cloud.add_print(devices[0], "text/plain", b"a", 1);
    let crashed = |worker: &nightporter::supervise::Worker| {
        let on_board = worker.board().devices();
        let one = on_board.iter().find(|(name, _)| name.as_str() == "One");
        one.is_some_and(|(_, device)| format!("{:?}", device.state).contains("DEVICE-CRASHED"))
    };
    house.until("the crash is shown", crashed).await;
    let second = house.cloud.add_print(devices[1], "text/plain", b"b", 1);
    let (state, _) = house.end(second).await;
    assert_eq!((state, other.made(second)), (CommandState::Processed, 1));
    assert_eq!(bad.made(first), 0);
    bad.is(Mode::Good);
    let (state, note) = house.end(first).await;
    assert_eq!(
        (state, bad.made(first)),
        (CommandState::Processed, 1),
        "{note}"
    );
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_driver_that_panics_while_it_validates_harms_its_device_alone() {
    panics(Place::Prepare).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_driver_that_panics_before_it_begins_harms_its_device_alone() {
    panics(Place::Before).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_driver_that_panics_while_it_idles_harms_its_device_alone() {
    panics(Place::Idle).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_driver_that_panics_in_the_middle_is_asked_what_it_did() {
    let (mut house, [bad, other], devices) = two("").await;
    bad.is(Mode::Panics(Place::After));
    house.start_and_wait().await;
    let first = house.cloud.add_print(devices[0], "text/plain", b"a", 1);
    within("a question", bad.until(|sight| sight.asked > 0)).await;
    let second = house.cloud.add_print(devices[1], "text/plain", b"b", 1);
    let (state, _) = house.end(second).await;
    assert_eq!((state, other.made(second)), (CommandState::Processed, 1));
    assert_eq!(
        bad.sees().begun,
        [first],
        "it was begun again while in doubt"
    );
    bad.is(Mode::Good);
    bad.says(Answer::DidNotHappen);
    let (state, note) = house.end(first).await;
    assert_eq!(
        (state, bad.made(first)),
        (CommandState::Processed, 1),
        "{note}"
    );
    assert_eq!(bad.sees().begun, [first, first]);
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_driver_that_hangs_is_given_up_after_its_deadline_and_harms_its_device_alone() {
    let (mut house, [bad, other], devices) = two("deadline_s = 1").await;
    bad.is(Mode::Hangs);
    house.start_and_wait().await;
    let first = house.cloud.add_print(devices[0], "text/plain", b"a", 1);
    within("it hangs", bad.until(|sight| sight.given == [first])).await;
    let second = house.cloud.add_print(devices[1], "text/plain", b"b", 1);
    let (state, _) = house.end(second).await;
    assert_eq!((state, other.made(second)), (CommandState::Processed, 1));
    bad.is(Mode::Good);
    let (state, note) = house.end(first).await;
    assert_eq!(
        (state, bad.made(first)),
        (CommandState::Processed, 1),
        "{note}"
    );
    house.stop().await;
}

/// A driver crashes and cannot be opened anew at once: it is tried until it can, and meanwhile
/// the old one is not used.
async fn is_opened_again(opening: Opening) {
    let (mut house, [bad, other], devices) = two("").await;
    house.start_and_wait().await;
    let opened = bad.sees().opened;
    bad.opens(opening);
    bad.is(Mode::Panics(Place::Before));
    let first = house.cloud.add_print(devices[0], "text/plain", b"a", 1);
    within("the crash", bad.until(|sight| sight.not_opened > 0)).await;
    // The old driver would do it now.
    bad.is(Mode::Good);
    within("more tries", bad.until(|sight| sight.not_opened > 2)).await;
    let second = house.cloud.add_print(devices[1], "text/plain", b"b", 1);
    let (state, _) = house.end(second).await;
    assert_eq!((state, other.made(second)), (CommandState::Processed, 1));
    assert_eq!((bad.made(first), bad.sees().opened), (0, opened));
    bad.opens(Opening::Works);
    let (state, note) = house.end(first).await;
    assert_eq!(
        (state, bad.made(first), bad.sees().opened),
        (CommandState::Processed, 1, opened + 1),
        "{note}"
    );
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crashed_device_that_cannot_be_opened_is_tried_until_it_can() {
    is_opened_again(Opening::Fails).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_driver_that_panics_while_it_is_opened_anew_is_tried_until_it_can() {
    is_opened_again(Opening::Panics).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_doubt_of_a_device_that_stays_closed_is_told_after_its_deadline() {
    let (mut house, [bad, _], devices) = two("deadline_s = 2").await;
    house.start_and_wait().await;
    bad.opens(Opening::Fails);
    bad.is(Mode::Panics(Place::After));
    let id = house.cloud.add_print(devices[0], "text/plain", b"a", 1);
    let (state, note) = house.end(id).await;
    assert_eq!(state, CommandState::Error);
    assert!(note.starts_with("UNCONFIRMED: One: "), "{note}");
    assert_eq!(bad.sees().asked, 0, "a closed device was asked");
    // It is well again for the next one.
    bad.is(Mode::Good);
    bad.opens(Opening::Works);
    let next = house.cloud.add_print(devices[0], "text/plain", b"b", 1);
    let (state, note) = house.end(next).await;
    assert_eq!(
        (state, bad.made(next)),
        (CommandState::Processed, 1),
        "{note}"
    );
    house.stop().await;
}
