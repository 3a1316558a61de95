//! Two devices on one link that talk at the same time: a lane for each, one line for both.

use std::sync::Arc;

use driver_sdk::VirtualDevice as _;
use nightporter::sandbox::{CommandState, DeviceKind};
use uuid::Uuid;

use crate::choir::{Choir, PANICS};
use crate::house::{House, within};

const LINK: &str = "mem:choir";

/// Two singers of one choir, and the worker.
async fn choir() -> (House, Arc<Choir>, [Uuid; 2]) {
    let section = |name: &str| {
        format!(
            "[device.{name}]\nmews = \"{name}\"\ndriver = \"choir\"\nlink = \"{LINK}\"\n\
             [device.{name}.settings]\nsinger = \"{name}\"\n"
        )
    };
    let mut house = House::new(&(section("alto") + &section("bass"))).await;
    let choir = Arc::new(Choir::default());
    house.links.put(LINK, choir.clone());
    let devices = ["alto", "bass"].map(|name| house.cloud.add_device(DeviceKind::Printer, name));
    house.start_and_wait().await;
    (house, choir, devices)
}

fn order(house: &House, device: Uuid) -> Uuid {
    house.cloud.add_print(device, "text/plain", b"a song", 1)
}

fn sung(choir: &Choir, id: Uuid) -> usize {
    let id = id.to_string();
    let songs = choir.effects();
    songs.iter().filter(|song| song.content == id).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn two_devices_of_one_link_do_a_command_each_without_a_reconnect() {
    let (mut house, choir, devices) = choir().await;
    let ids = devices.map(|device| order(&house, device));
    within("both ends", house.cloud.wait_all_final(&ids)).await;
    for id in ids {
        let note = house.cloud.notes(id).unwrap_or_default();
        assert_eq!(
            (house.cloud.state(id), sung(&choir, id)),
            (Some(CommandState::Processed), 1),
            "{note}"
        );
    }
    assert_eq!(house.links.dialed(LINK), 1);
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_is_stuck_in_a_conversation_does_not_delay_the_other() {
    let (mut house, choir, [alto, bass]) = choir().await;
    choir.hold(Some("alto"));
    let first = order(&house, alto);
    let waits = |sight: &crate::choir::Sight| sight.waiting.get("alto") == Some(&1);
    within("the alto's turn", choir.until(waits)).await;
    let held = [first, order(&house, alto)];
    let free: Vec<_> = (0..5).map(|_| order(&house, bass)).collect();
    within("the bass", house.cloud.wait_all_final(&free)).await;
    assert!(free.iter().all(|id| sung(&choir, *id) == 1));
    assert!(held.iter().all(|id| sung(&choir, *id) == 0));
    choir.hold(None);
    within("the alto", house.cloud.wait_all_final(&held)).await;
    // One at a time for each, in its order, all over one line.
    let sight = choir.sees();
    let alto: Vec<_> = sight.sung.iter().filter(|song| song.0 == "alto").collect();
    let order: Vec<_> = alto.iter().map(|song| song.1.clone()).collect();
    assert_eq!(order, held.map(|id| id.to_string()));
    assert_eq!((sight.most_waiting, house.links.dialed(LINK)), (1, 1));
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_of_one_leaves_the_conversation_to_the_other() {
    let (mut house, choir, [alto, bass]) = choir().await;
    // What is in the middle of a song when the other driver crashes.
    choir.hold(Some("bass"));
    let held = order(&house, bass);
    let waits = |sight: &crate::choir::Sight| sight.waiting.get("bass") == Some(&1);
    within("the bass's turn", choir.until(waits)).await;
    let bad = house.cloud.add_print(alto, "text/plain", PANICS, 1);
    // It panics after each commit, and the choir proves each time that nothing was sung.
    let (state, note) = house.end(bad).await;
    assert_eq!(
        (state, sung(&choir, bad)),
        (CommandState::Error, 0),
        "{note}"
    );
    choir.hold(None);
    let (state, note) = house.end(held).await;
    assert_eq!(
        (state, sung(&choir, held)),
        (CommandState::Processed, 1),
        "{note}"
    );
    let good = order(&house, alto);
    let (state, note) = house.end(good).await;
    assert_eq!(
        (state, sung(&choir, good)),
        (CommandState::Processed, 1),
        "{note}"
    );
    assert_eq!(house.links.dialed(LINK), 1);
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_that_breaks_is_opened_once_for_both_and_each_is_asked_about_its_own() {
    let (mut house, choir, [alto, bass]) = choir().await;
    choir.hold(Some("alto"));
    let held = order(&house, alto);
    let waits = |sight: &crate::choir::Sight| sight.waiting.get("alto") == Some(&1);
    within("the alto's turn", choir.until(waits)).await;
    house.links.cut(LINK);
    // It is sung while nobody hears it.
    choir.hold(None);
    let sang = |sight: &crate::choir::Sight| !sight.sung.is_empty();
    within("the song", choir.until(sang)).await;
    let other = order(&house, bass);
    within("both ends", house.cloud.wait_all_final(&[held, other])).await;
    for id in [held, other] {
        let note = house.cloud.notes(id).unwrap_or_default();
        assert_eq!(
            (house.cloud.state(id), sung(&choir, id)),
            (Some(CommandState::Processed), 1),
            "{note}"
        );
    }
    assert_eq!(house.links.dialed(LINK), 2);
    house.stop().await;
}
