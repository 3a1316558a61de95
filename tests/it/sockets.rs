//! A socket that lies: cut, silent, babbling; commands are found all the same.

use std::time::Duration;

use nightporter::sandbox::{CommandState, DeviceKind, Fault, FaultKind};
use uuid::Uuid;

use crate::house::{House, within};
use crate::plant::{load, say};
use crate::puppet::Puppet;

async fn house() -> (House, Puppet, Uuid) {
    let puppet = Puppet::new();
    let mut house = House::new(&puppet.section("printer", "Bar", "")).await;
    let device = house.cloud.add_device(DeviceKind::Printer, "Bar");
    house.start_and_wait().await;
    (house, puppet, device)
}

/// `NIGHTPORTER_CUTS` times: cut or closed, a command in between; all are done once. The first
/// four heal by themselves; then the pauses would grow up to a minute, and are ended by hand.
#[tokio::test(flavor = "multi_thread")]
async fn every_cut_is_healed_and_no_command_is_lost_in_it() {
    let cuts = load("NIGHTPORTER_CUTS", 5);
    let (mut house, puppet, device) = house().await;
    let mut ids = Vec::new();
    let mut slowest = Duration::ZERO;
    for cut in 0..cuts {
        let sockets = house.cloud.upgrades().len();
        let begun = driver_sdk::clock::now();
        if cut % 3 == 2 {
            house.cloud.close_sockets(1001);
        } else {
            house.cloud.cut_sockets();
        }
        ids.push(house.cloud.add_print(device, "text/plain", b"a bill", 1));
        let again = async {
            while house.cloud.upgrades().len() == sockets {
                house.cloud.wait_until(|hotel| hotel.sockets() == 0).await;
                if cut >= 4 {
                    house.worker().reconnect();
                }
                house.is_up().await;
            }
        };
        within("a new socket", again).await;
        within("the command", house.cloud.wait_all_final(&ids)).await;
        slowest = slowest.max(driver_sdk::clock::now() - begun);
    }
    assert!(ids.iter().all(|id| puppet.made(*id) == 1));
    assert_eq!(puppet.sees().made.len(), cuts);
    say(format_args!(
        "socket: {cuts} cuts, {} sockets, every command done once, slowest {slowest:.1?}",
        house.cloud.upgrades().len()
    ));
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn babble_between_the_events_harms_nothing() {
    let (mut house, puppet, device) = house().await;
    for kind in [
        FaultKind::GarbageText,
        FaultKind::BinaryFrames,
        FaultKind::UnknownEvents,
        FaultKind::DuplicateEvents(50),
    ] {
        house.cloud.switch_on(Fault::new(kind));
    }
    let add = |_| house.cloud.add_print(device, "text/plain", b"a bill", 1);
    let ids: Vec<_> = (0..20).map(add).collect();
    within("all ends", house.cloud.wait_all_final(&ids)).await;
    assert!(ids.iter().all(|id| puppet.made(*id) == 1));
    assert_eq!(house.cloud.upgrades().len(), 1, "it reconnected");
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_no_socket_can_be_had_commands_are_found_by_asking() {
    let (mut house, puppet, device) = house().await;
    house
        .cloud
        .switch_on(Fault::new(FaultKind::Status(503)).on_socket());
    house.cloud.cut_sockets();
    within(
        "no socket",
        house.cloud.wait_until(|hotel| hotel.sockets() == 0),
    )
    .await;
    let id = house.cloud.add_print(device, "text/plain", b"a bill", 1);
    let (state, _) = house.end(id).await;
    assert_eq!((state, puppet.made(id)), (CommandState::Processed, 1));
    let (from, to) = house.cloud.life_span(id).expect("known");
    let took = to.expect("ended") - from;
    assert!(took <= Duration::from_secs(15), "found after {took:?}");
    house.stop().await;
}

/// In real time only under `NIGHTPORTER_LONG=1`; the follower's own tests do it in virtual time.
#[tokio::test(flavor = "multi_thread")]
async fn without_events_every_command_starts_all_the_same() {
    let long = load("NIGHTPORTER_LONG", 0) == 1;
    let (mut house, puppet, device) = house().await;
    house.cloud.switch_on(Fault::new(FaultKind::DropEvents));
    let add = |_| house.cloud.add_print(device, "text/plain", b"a bill", 1);
    let ids: Vec<_> = (0..10).map(add).collect();
    let begun = driver_sdk::clock::now();
    if !long {
        // What the sweep of every 60 s would do.
        house.worker().sweep();
    }
    let bar = Duration::from_secs(65);
    let all = tokio::time::timeout(bar, house.cloud.wait_all_final(&ids)).await;
    assert!(all.is_ok(), "not all started within {bar:?}");
    assert!(ids.iter().all(|id| puppet.made(*id) == 1));
    let took = driver_sdk::clock::now() - begun;
    say(format_args!(
        "socket: no events, 10 commands, all ended after {took:.1?}"
    ));
    house.stop().await;
}

/// In real time only under `NIGHTPORTER_LONG=1`; the follower's own tests do it in virtual time.
#[tokio::test(flavor = "multi_thread")]
async fn a_black_hole_is_noticed_within_a_minute_and_replaced() {
    if load("NIGHTPORTER_LONG", 0) != 1 {
        say(format_args!(
            "socket: black hole in real time only with NIGHTPORTER_LONG=1"
        ));
        return;
    }
    let (mut house, puppet, device) = house().await;
    let begun = driver_sdk::clock::now();
    house.cloud.silence_sockets();
    let id = house.cloud.add_print(device, "text/plain", b"a bill", 1);
    let bar = Duration::from_secs(61);
    let replaced = house.cloud.wait_until(|hotel| hotel.sockets() == 1);
    let replaced = tokio::time::timeout(bar, replaced).await;
    assert!(replaced.is_ok(), "no new socket within {bar:?}");
    let took = driver_sdk::clock::now() - begun;
    let (state, _) = house.end(id).await;
    assert_eq!((state, puppet.made(id)), (CommandState::Processed, 1));
    say(format_args!("socket: black hole replaced after {took:.1?}"));
    house.stop().await;
}
