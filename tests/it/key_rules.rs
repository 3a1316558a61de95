//! New key or copy, through the worker: what is decided, why, and that it is told.

use driver_sdk::CommandId;
use nightporter::sandbox::{CommandState, DeviceKind, KeyRequest};
use uuid::Uuid;

use crate::house::{House, within};

const KINDS: [(&str, &str); 2] = [
    ("pms-industry-standard", "profile = \"salto\"\n"),
    ("fias", ""),
];

fn section(kind: &str, settings: &str) -> String {
    format!(
        "[device.encoder]\nmews = \"Encoder\"\ndriver = \"{kind}\"\nlink = \"mem:lock\"\n\
         [device.encoder.settings]\n{settings}"
    )
}

/// Two guests share a room: what the second one's key does to the first one's is the site's
/// decision, and the desk is told.
#[tokio::test(flavor = "multi_thread")]
async fn a_sharer_gets_what_the_site_says() {
    for (kind, base) in KINDS {
        for (sharers, issue, first_is, words) in [
            (
                "new",
                "new",
                "voided",
                "ANOTHER guest who shares the room stop working",
            ),
            (
                "copy",
                "copy",
                "valid",
                "additional key for a guest who shares the room",
            ),
        ] {
            let settings = format!("{base}sharers = \"{sharers}\"\n");
            let mut house = House::new(&section(kind, &settings)).await;
            let lock = house.simulate(kind, "mem:lock", &[]);
            let device = house.cloud.add_device(DeviceKind::KeyCutter, "Encoder");
            house.start();
            house.is_up().await;
            for number in ["10001", "10002"] {
                let key = KeyRequest {
                    number: Some(number.to_owned()),
                    ..KeyRequest::new("204", house.cloud.now())
                };
                let (state, note) = house.end(house.cloud.add_key(device, &key)).await;
                assert_eq!(state, CommandState::Processed, "{kind}, {sharers}: {note}");
                assert_eq!(
                    note.contains(words),
                    number == "10002",
                    "{kind}, {sharers}: {note}"
                );
            }
            let cards = lock.effects();
            assert_eq!(cards[0].facts["state"], first_is, "{kind}, {sharers}");
            assert_eq!(cards[1].facts["issue"], issue, "{kind}, {sharers}");
            house.stop().await;
        }
    }
}

/// What forces the issue: the config, and where it says nothing the order's own data.
#[tokio::test(flavor = "multi_thread")]
async fn the_config_or_the_data_can_force_new_keys_or_copies() {
    let (kind, base) = KINDS[0];
    for (settings, data, issues) in [
        ("issue = \"new\"\n", None, ["new", "new"]),
        ("", Some("{\"KeyMode\":\"New\"}"), ["new", "new"]),
        (
            "issue = \"copy\"\n",
            Some("{\"KeyMode\":\"New\"}"),
            ["copy", "copy"],
        ),
        (
            "",
            Some("{\"KeyMode\":\"Auto\",\"Floor\":\"2\"}"),
            ["new", "copy"],
        ),
    ] {
        let mut house = House::new(&section(kind, &format!("{base}{settings}"))).await;
        let lock = house.simulate(kind, "mem:lock", &[("copies", "any")]);
        let device = house.cloud.add_device(DeviceKind::KeyCutter, "Encoder");
        house.start();
        house.is_up().await;
        let key = KeyRequest {
            data_json: data.map(str::to_owned),
            ..KeyRequest::new("204", house.cloud.now())
        };
        for _ in 0..2 {
            let (state, note) = house.end(house.cloud.add_key(device, &key)).await;
            assert_eq!(state, CommandState::Processed, "{settings}{data:?}: {note}");
        }
        let cards = lock.effects();
        let made: Vec<_> = cards
            .iter()
            .map(|card| card.facts["issue"].as_str())
            .collect();
        assert_eq!(made, issues, "{settings}{data:?}");
        house.stop().await;
    }
}

/// The record of a room outlives the worker, and one that cannot be read is never taken for an
/// empty one: nothing is sent.
#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_cannot_be_read_refuses_the_room_and_no_other() {
    for (kind, base) in KINDS {
        let mut house = House::new(&section(kind, base)).await;
        let lock = house.simulate(kind, "mem:lock", &[]);
        let device = house.cloud.add_device(DeviceKind::KeyCutter, "Encoder");
        let key = KeyRequest::new("204", house.cloud.now());
        for issue in ["new", "copy"] {
            house.start();
            house.is_up().await;
            let (state, note) = house.end(house.cloud.add_key(device, &key)).await;
            assert_eq!(state, CommandState::Processed, "{kind}: {note}");
            let made = lock.effects().pop().expect("a card");
            assert_eq!(made.facts["issue"], issue, "{kind}: across a restart");
            house.stop().await;
        }
        for damage in ["{\"version\":\"7\"}", "{\"version\":", "\"\"", "[]"] {
            spoil(&house, "room/204", damage);
            house.start();
            house.is_up().await;
            let cards = lock.effects().len();
            let mut heard = lock.story();
            let (state, note) = house.end(house.cloud.add_key(device, &key)).await;
            assert_eq!(state, CommandState::Error, "{kind}, {damage}: {note}");
            assert!(
                note.contains("record of keys for room 204 cannot be read"),
                "{note}"
            );
            assert!(note.contains("No key was made"), "{note}");
            assert_eq!(lock.effects().len(), cards, "{kind}, {damage}");
            while let Ok(line) = heard.try_recv() {
                assert!(
                    !line.contains("asked for a key"),
                    "{kind}, {damage}: {line}"
                );
            }
            let other = KeyRequest::new("205", house.cloud.now());
            let (state, note) = house.end(house.cloud.add_key(device, &other)).await;
            assert_eq!(state, CommandState::Processed, "{kind}, {damage}: {note}");
            house.stop().await;
        }
    }
}

fn spoil(house: &House, key: &str, value: &str) {
    let journal = rusqlite::Connection::open(house.journal()).expect("it is there");
    let changed = journal
        .execute(
            "UPDATE shelf SET value = ?2, version = version + 1 WHERE key = ?1",
            [key, value],
        )
        .expect("a table of this schema");
    assert_eq!(changed, 1, "the record is where this test looks for it");
}

/// `show` tells for every key, made or in doubt, whether it was to be a new one, and why.
#[tokio::test(flavor = "multi_thread")]
async fn show_tells_new_or_copy_and_why() {
    let (kind, base) = KINDS[0];
    let settings = format!("{base}answer_timeout_ms = 1000\n");
    let mut house = House::new(&section(kind, &settings)).await;
    let lock = house.simulate(kind, "mem:lock", &[]);
    let device = house.cloud.add_device(DeviceKind::KeyCutter, "Encoder");
    house.start();
    house.is_up().await;
    let mut told = Vec::new();
    let key = KeyRequest {
        count: 2,
        ..KeyRequest::new("204", house.cloud.now())
    };
    for (fault, words) in [
        (
            "no-card@2",
            "(new key, earlier cards stop working): No card was presented",
        ),
        (
            "answer-lost",
            "(copy, earlier cards of this stay keep working)",
        ),
        ("none", "copy, earlier cards of this stay keep working"),
    ] {
        lock.switch("fault", fault).expect("a known fault");
        let id = house.cloud.add_key(device, &key);
        let (_, note) = house.end(id).await;
        assert!(note.contains(words), "{fault}: {note}");
        told.push((id, words));
    }
    house.stop().await;
    for (id, words) in told {
        let shown = show(&house, &id.to_string());
        assert!(shown.contains(words), "{shown}");
    }
}

/// `nightporter show ID`, by the real binary beside the stopped worker.
fn show(house: &House, id: &str) -> String {
    let config = house.folder.path().join("nightporter.toml");
    let text = "[mews]\nenvironment = \"demo\"\n[property.main]\n\
                client_token = { env = \"CLIENT\" }\naccess_token = { env = \"ACCESS\" }\n\
                [journal]\npath = \"journal.db\"\n";
    std::fs::write(&config, text).expect("the test may write");
    let shown = std::process::Command::new(env!("CARGO_BIN_EXE_nightporter"))
        .arg("--config")
        .arg(&config)
        .args(["show", id])
        .envs([("CLIENT", "0A1B-77F0"), ("ACCESS", "9C8D-11E2")])
        .output()
        .expect("the binary starts");
    assert!(shown.status.success(), "{shown:?}");
    String::from_utf8_lossy(&shown.stdout).into_owned()
}

/// Pressed twice: both are carried out, and the second one's note says so. A mobile key that was
/// wanted beside the card is told as not sent.
#[tokio::test(flavor = "multi_thread")]
async fn what_else_the_desk_must_know_is_in_the_note() {
    for (kind, base) in KINDS {
        let mut house = House::new(&section(kind, base)).await;
        let lock = house.simulate(kind, "mem:lock", &[]);
        let device = house.cloud.add_device(DeviceKind::KeyCutter, "Encoder");
        house.start();
        house.is_up().await;
        house.is_swept().await;
        let key = KeyRequest {
            data_json: Some("{\"MobileKeys\":\"true\",\"EncoderKeys\":\"true\"}".to_owned()),
            ..KeyRequest::new("204", house.cloud.now())
        };
        let ids: [Uuid; 2] = [(); 2].map(|()| house.cloud.add_key(device, &key));
        let twice = "look whether it was sent twice";
        for (id, second) in ids.into_iter().zip([false, true]) {
            let (state, note) = house.end(id).await;
            assert_eq!(state, CommandState::Processed, "{kind}: {note}");
            assert_eq!(note.contains(twice), second, "{kind}: {note}");
            assert!(note.contains("no mobile key was sent"), "{kind}: {note}");
        }
        assert_eq!(lock.effects().len(), 2, "{kind}: nothing is merged");
        house.stop().await;
    }
}

/// Many keys within an hour: all are made, and the status shows a warning.
#[tokio::test(flavor = "multi_thread")]
async fn a_burst_of_keys_is_shown() {
    for (kind, base) in KINDS {
        let mut house = House::new(&section(kind, &format!("{base}keys_per_hour = 3\n"))).await;
        let lock = house.simulate(kind, "mem:lock", &[]);
        let device = house.cloud.add_device(DeviceKind::KeyCutter, "Encoder");
        house.start();
        house.is_up().await;
        for (room, warned) in [("101", false), ("102", true)] {
            let key = KeyRequest {
                count: 2,
                ..KeyRequest::new(room, house.cloud.now())
            };
            let (state, note) = house.end(house.cloud.add_key(device, &key)).await;
            assert_eq!(state, CommandState::Processed, "{kind}: {note}");
            let warning = |worker: &nightporter::supervise::Worker| {
                let devices = worker.board().devices();
                devices.values().find_map(|device| device.warning.clone())
            };
            if warned {
                house
                    .until("the warning", |worker| warning(worker).is_some())
                    .await;
                let say = warning(house.worker()).expect("it is there");
                assert_eq!(
                    (say.code.as_str(), say.args["keys"].as_str()),
                    ("KEY-BURST", "4")
                );
            } else {
                assert_eq!(warning(house.worker()), None, "{kind}");
            }
        }
        assert_eq!(lock.effects().len(), 4, "{kind}");
        house.stop().await;
    }
}

/// A cancel is heard between two cards, never within one; what exists is told, and how far it was.
#[tokio::test(flavor = "multi_thread")]
async fn a_cancel_between_cards_leaves_what_exists_and_says_so() {
    for (kind, base) in KINDS {
        let mut house = House::new(&section(kind, base)).await;
        let lock = house.simulate(kind, "mem:lock", &[("card_ms", "1500")]);
        let device = house.cloud.add_device(DeviceKind::KeyCutter, "Encoder");
        house.start();
        house.is_up().await;
        let key = KeyRequest {
            count: 3,
            ..KeyRequest::new("204", house.cloud.now())
        };
        let id = house.cloud.add_key(device, &key);
        let far = house
            .cloud
            .wait_until(|hotel| hotel.progress(id).is_some_and(|far| far > 0.0));
        within("the progress of the first card", far).await;
        let told = house.cloud.progress(id).expect("it was told");
        assert!(
            (0.3..0.7).contains(&told),
            "{kind}: one or two of three: {told}"
        );
        // It is begun: the wish is noted, and the driver hears it.
        let _ = house.worker().cancel(CommandId(id)).await;
        let (state, note) = house.end(id).await;
        let made = lock.effects().len();
        assert!((1..3).contains(&made), "{kind}: {note}");
        assert_eq!(state, CommandState::Error, "{kind}: {note}");
        assert!(
            note.contains(&format!("{made} of 3 keys made")),
            "{kind}: {note}"
        );
        assert!(note.contains("was cancelled"), "{kind}: {note}");
        house.stop().await;
    }
}

/// Two lock servers of one lock system, on two links: what is remembered is shared where the
/// config says so.
#[tokio::test(flavor = "multi_thread")]
async fn encoders_on_two_links_of_one_system_share_what_is_remembered() {
    for (system, issue) in [("system = \"locks\"\n", "copy"), ("", "new")] {
        let (kind, base) = KINDS[0];
        let encoder = |n: u32| {
            format!(
                "[device.encoder-{n}]\nmews = \"Encoder {n}\"\ndriver = \"{kind}\"\n\
                 link = \"mem:lock-{n}\"\n{system}[device.encoder-{n}.settings]\n{base}"
            )
        };
        let mut house = House::new(&format!("{}{}", encoder(1), encoder(2))).await;
        let lock = house.simulate(kind, "mem:lock-1", &[]);
        // Two addresses of one lock system.
        house.links.put("mem:lock-2", lock.clone());
        let devices = [1, 2].map(|n| {
            house
                .cloud
                .add_device(DeviceKind::KeyCutter, &format!("Encoder {n}"))
        });
        house.start();
        house.is_up().await;
        for device in devices {
            let key = KeyRequest {
                number: Some("10001".to_owned()),
                reservation: None,
                ..KeyRequest::new("204", house.cloud.now())
            };
            let (state, note) = house.end(house.cloud.add_key(device, &key)).await;
            assert_eq!(state, CommandState::Processed, "{note}");
        }
        assert_eq!(lock.effects()[1].facts["issue"], issue, "{system}");
        house.stop().await;
    }
}
