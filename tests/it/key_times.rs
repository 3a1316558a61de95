//! The times of keys, from the hotel's reservation in UTC to the digits at the lock: in the zone
//! that Mews names for the hotel, each end by itself, across both changes of the clocks.

use std::sync::Arc;

use driver_sdk::VirtualDevice;
use jiff::Timestamp;
use nightporter::sandbox::{CommandState, DeviceKind, HotelOptions, KeyRequest, SandboxOptions};

use crate::house::{House, within};

/// Start and end of a stay in UTC; then start and end as the three lock systems must read them:
/// eight digits (hours, rounded outward), ten digits, FIAS.
type Stay = (
    &'static str,
    &'static str,
    [(&'static str, &'static str); 3],
);

fn at(text: &str) -> Timestamp {
    text.parse().expect("a time of this test")
}

const DEVICES: &str = "[device.onity]\nmews = \"Onity\"\ndriver = \"pms-industry-standard\"\n\
    link = \"mem:onity\"\n[device.onity.settings]\nprofile = \"onity\"\nstart = \"reservation\"\n\
    [device.salto]\nmews = \"Salto\"\ndriver = \"pms-industry-standard\"\nlink = \"mem:salto\"\n\
    [device.salto.settings]\nprofile = \"salto\"\nstart = \"reservation\"\n\
    [device.fias]\nmews = \"Fias\"\ndriver = \"fias\"\nlink = \"mem:fias\"\n";

/// A house in a zone, whose cloud lives at another time.
async fn house(zone: &str, now: &str, devices: &str) -> House {
    #[expect(
        clippy::disallowed_methods,
        reason = "the sandbox counts from the PC's time"
    )]
    let offset = at(now).duration_since(Timestamp::now());
    let hotel = HotelOptions {
        time_zone: zone.to_owned(),
        ..HotelOptions::default()
    };
    let options = SandboxOptions {
        hotel,
        clock_offset: offset,
        ..SandboxOptions::default()
    };
    House::with(devices, options).await
}

async fn times_are(zone: &str, now: &str, stays: &[Stay]) {
    let mut house = house(zone, now, DEVICES).await;
    let locks: [Arc<dyn VirtualDevice>; 3] = [
        house.simulate("pms-industry-standard", "mem:onity", &[]),
        house.simulate("pms-industry-standard", "mem:salto", &[]),
        house.simulate("fias", "mem:fias", &[]),
    ];
    let devices = ["Onity", "Salto", "Fias"].map(|name| {
        let device = house.cloud.add_device(DeviceKind::KeyCutter, name);
        (name, device)
    });
    house.start();
    house.is_up().await;
    for (n, (start, end, wanted)) in stays.iter().enumerate() {
        let room = (101 + n).to_string();
        for ((lock, (name, device)), wanted) in locks.iter().zip(devices).zip(wanted) {
            let key = KeyRequest {
                start: at(start),
                end: at(end),
                ..KeyRequest::new(&room, house.cloud.now())
            };
            let id = house.cloud.add_key(device, &key);
            let state = within("the end", house.cloud.wait_final(id)).await;
            let note = house.cloud.notes(id).unwrap_or_default();
            assert_eq!(state, CommandState::Processed, "{name}: {note}");
            let card = lock.effects().pop().expect("a card");
            let read = (card.facts["start"].as_str(), card.facts["end"].as_str());
            assert_eq!(read, *wanted, "{name}: {start} to {end} in {zone}");
            // What the desk reads is the hotel's time too, with minutes.
            assert!(note.contains("hotel time"), "{note}");
        }
    }
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_times_of_the_vectors_reach_the_locks_across_the_change_in_march() {
    times_are(
        "Europe/Prague",
        "2026-03-28T14:05:00Z",
        &[
            (
                "2026-03-28T14:00:00Z",
                "2026-03-30T10:00:00Z",
                [
                    ("15280326", "12300326"),
                    ("1500280326", "1200300326"),
                    ("260328", "260330 12:00"),
                ],
            ),
            (
                "2026-03-28T14:00:00Z",
                "2026-03-30T09:30:00Z",
                [
                    ("15280326", "12300326"),
                    ("1500280326", "1130300326"),
                    ("260328", "260330 11:30"),
                ],
            ),
            (
                "2026-03-28T14:00:00Z",
                "2026-03-30T21:30:00Z",
                [
                    ("15280326", "00310326"),
                    ("1500280326", "2330300326"),
                    ("260328", "260330 23:30"),
                ],
            ),
        ],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stay_across_the_last_sunday_of_october_ends_by_the_clocks_on_the_wall() {
    times_are(
        "Europe/Prague",
        "2026-10-24T13:05:00Z",
        &[
            // 15:00 in summer time to 11:00 in winter time.
            (
                "2026-10-24T13:00:00Z",
                "2026-10-26T10:00:00Z",
                [
                    ("15241026", "11261026"),
                    ("1500241026", "1100261026"),
                    ("261024", "261026 11:00"),
                ],
            ),
            // 02:30 comes twice that night.
            (
                "2026-10-25T00:30:00Z",
                "2026-10-26T10:00:00Z",
                [
                    ("02251026", "11261026"),
                    ("0230251026", "1100261026"),
                    ("261025", "261026 11:00"),
                ],
            ),
            (
                "2026-10-25T01:30:00Z",
                "2026-10-26T10:00:00Z",
                [
                    ("02251026", "11261026"),
                    ("0230251026", "1100261026"),
                    ("261025", "261026 11:00"),
                ],
            ),
            (
                "2026-10-24T13:00:00Z",
                "2026-10-25T01:30:00Z",
                [
                    ("15241026", "03251026"),
                    ("1500241026", "0230251026"),
                    ("261024", "261025 02:30"),
                ],
            ),
        ],
    )
    .await;
}

/// The same instants elsewhere: the zone is the hotel's in Mews, so it cannot be this PC's both
/// times.
#[tokio::test(flavor = "multi_thread")]
async fn another_hotel_has_other_times() {
    times_are(
        "America/New_York",
        "2026-10-31T13:05:00Z",
        &[(
            "2026-10-31T13:00:00Z",
            "2026-11-02T16:15:00Z",
            [
                ("09311026", "12021126"),
                ("0900311026", "1115021126"),
                ("261031", "261102 11:15"),
            ],
        )],
    )
    .await;
}

/// A key cut before its stay works from now on, where the site has not said otherwise.
#[tokio::test(flavor = "multi_thread")]
async fn a_key_of_a_later_stay_works_from_now_or_from_its_start_as_the_site_says() {
    let devices = DEVICES
        .replace(
            "[device.salto.settings]\nprofile = \"salto\"\nstart = \"reservation\"\n",
            "[device.salto.settings]\nprofile = \"salto\"\n",
        )
        .replace(
            "start = \"reservation\"\n",
            "start = \"reservation\"\nrounding = \"truncate\"\n",
        );
    let mut house = house("Europe/Prague", "2026-03-28T09:10:30Z", &devices).await;
    let onity = house.simulate("pms-industry-standard", "mem:onity", &[]);
    let salto = house.simulate("pms-industry-standard", "mem:salto", &[]);
    house.simulate("fias", "mem:fias", &[]);
    let mut read = Vec::new();
    let devices =
        ["Onity", "Salto"].map(|name| house.cloud.add_device(DeviceKind::KeyCutter, name));
    house.cloud.add_device(DeviceKind::KeyCutter, "Fias");
    house.start();
    house.is_up().await;
    for (lock, device) in [onity, salto].iter().zip(devices) {
        let key = KeyRequest {
            start: at("2026-03-28T14:00:00Z"),
            end: at("2026-03-30T09:30:00Z"),
            ..KeyRequest::new("101", house.cloud.now())
        };
        let id = house.cloud.add_key(device, &key);
        within("the end", house.cloud.wait_final(id)).await;
        let card = lock.effects().pop().expect("a card");
        read.push((card.facts["start"].clone(), card.facts["end"].clone()));
    }
    assert_eq!(read[0], ("15280326".to_owned(), "11300326".to_owned()));
    let (start, end) = &read[1];
    assert!(
        start.starts_with("101") && start.ends_with("280326"),
        "{start}"
    );
    assert_eq!(end, "1130300326");
    house.stop().await;
}
