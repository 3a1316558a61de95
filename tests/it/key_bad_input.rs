//! Commands that no lock system can carry out, from the cloud to the desk: an error in plain
//! words, nothing sent to the lock system, and the next command unaffected.

use std::sync::Arc;

use driver_sdk::VirtualDevice;
use jiff::ToSpan;
use nightporter::sandbox::{CommandState, DeviceKind, KeyRequest};
use tokio::sync::broadcast::error::TryRecvError;
use uuid::Uuid;

use crate::house::{House, within};

struct Case {
    what: &'static str,
    change: fn(&mut KeyRequest),
    /// Words of the note.
    told: &'static str,
}

const fn case(what: &'static str, change: fn(&mut KeyRequest), told: &'static str) -> Case {
    Case { what, change, told }
}

/// What both protocols refuse.
const COMMON: &[Case] = &[
    case("no lock", |key| key.locks.clear(), "names no room"),
    case(
        "a blank lock",
        |key| key.locks = vec![" ".into()],
        "names no room",
    ),
    case(
        "one of two is blank",
        |key| key.locks.push(String::new()),
        "names no room",
    ),
    case(
        "no key",
        |key| key.count = 0,
        "0 keys were asked for, 1 to 9",
    ),
    case(
        "less than none",
        |key| key.count = -1,
        "-1 keys were asked for",
    ),
    case(
        "a thousand",
        |key| key.count = 1000,
        "1000 keys were asked for",
    ),
    case(
        "over",
        |key| {
            key.start = key.start.checked_sub(48.hours()).expect("in range");
            key.end = key.end.checked_sub(49.hours()).expect("in range");
        },
        "the stay of this key has ended",
    ),
    case(
        "ends before it starts",
        |key| key.start = key.end.checked_add(1.hours()).expect("in range"),
        "ends before it starts",
    ),
    case(
        "ends as it starts",
        |key| key.start = key.end,
        "ends before it starts",
    ),
    case(
        "years ahead",
        |key| key.end = key.end.checked_add(9000.hours()).expect("in range"),
        "more than 366 days ahead",
    ),
    case(
        "a control byte",
        |key| key.locks = vec!["10\u{2}1".into()],
        "cannot be sent",
    ),
    case(
        "an end of frame",
        |key| key.locks = vec!["101\u{3}".into()],
        "cannot be sent",
    ),
    case(
        "a line break",
        |key| key.locks = vec!["101\r\n".into()],
        "cannot be sent",
    ),
    case(
        "no byte for it",
        |key| key.locks = vec!["Žižka".into()],
        "cannot be sent",
    ),
    case(
        "a long name",
        |key| key.locks = vec!["1".repeat(300)],
        "cannot be sent",
    ),
    case(
        "an unknown encoder",
        |key| key.encoder = Some("2".into()),
        "Encoder `2` is not one of this device",
    ),
    case(
        "an encoder with a control byte",
        |key| key.encoder = Some("1\u{2}".into()),
        "cannot be sent",
    ),
    case(
        "no JSON",
        |key| key.data_json = Some("{\"Type\":".into()),
        "no JSON (line 1",
    ),
    case(
        "another JSON",
        |key| key.data_json = Some("[]".into()),
        "no JSON (line 1",
    ),
    case(
        "another protocol",
        |key| key.data_json = Some("{\"Type\":\"HotekKeyCutter\"}".into()),
        "names the protocol `HotekKeyCutter`",
    ),
    case(
        "neither true nor false",
        |key| key.data_json = Some("{\"MobileKeys\":\"perhaps\"}".into()),
        "`MobileKeys` must be true or false",
    ),
    case(
        "a mobile key only",
        |key| key.data_json = Some("{\"MobileKeys\":\"true\"}".into()),
        "asks for a mobile key only",
    ),
    case(
        "a foreign lock server",
        |key| key.api_url = Some("http://203.0.113.9:8090".into()),
        "names the lock server 203.0.113.9:8090, which the config does not allow",
    ),
    case(
        "a lock server without a port",
        |key| key.api_url = Some("http://lock-pc/".into()),
        "is not host and port",
    ),
];

const PMS_INDUSTRY_STANDARD: &[Case] = &[
    case(
        "five rooms",
        |key| {
            key.locks = ["101", "102", "103", "104", "105"]
                .map(str::to_owned)
                .to_vec()
        },
        "at most 4 rooms, 5 were asked for",
    ),
    case(
        "a separator",
        |key| key.locks = vec!["10³1".into()],
        "cannot be sent",
    ),
];

const FIAS: &[Case] = &[
    case(
        "ten rooms",
        |key| key.locks = (101..111).map(|room| room.to_string()).collect(),
        "at most 9 rooms, 10 were asked for",
    ),
    case(
        "a suite too long for its field",
        |key| key.locks = (1..7).map(|n| format!("1000000{n}")).collect(),
        "do not fit into one request",
    ),
    case(
        "a separator",
        |key| key.locks = vec!["10|1".into()],
        "cannot be sent",
    ),
    case(
        "a separator of rooms",
        |key| key.locks = vec!["101;2".into()],
        "cannot be sent",
    ),
    case(
        "nine characters",
        |key| key.locks = vec!["101234567".into()],
        "cannot be sent",
    ),
];

const SETTINGS: &str = "encoder = \"1\"\napi_hosts = [\"lock-pc\"]\n";

#[tokio::test(flavor = "multi_thread")]
async fn bad_input_sends_nothing_over_pms_industry_standard() {
    let settings = format!("{SETTINGS}profile = \"salto\"\n");
    refused("pms-industry-standard", &settings, PMS_INDUSTRY_STANDARD).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_input_sends_nothing_over_fias() {
    refused("fias", SETTINGS, FIAS).await;
}

async fn refused(kind: &str, settings: &str, own: &[Case]) {
    let devices = format!(
        "[device.encoder]\nmews = \"Encoder\"\ndriver = \"{kind}\"\nlink = \"mem:lock\"\n\
         [device.encoder.settings]\n{settings}"
    );
    let mut house = House::new(&devices).await;
    let lock = house.simulate(kind, "mem:lock", &[]);
    let device = house.cloud.add_device(DeviceKind::KeyCutter, "Encoder");
    house.start();
    house.is_up().await;
    // The conversation stands before it is listened to.
    next_one_works(&house, &lock, device, "99").await;
    for (n, case) in COMMON.iter().chain(own).enumerate() {
        let mut key = KeyRequest::new("101", house.cloud.now());
        (case.change)(&mut key);
        let (dialed, cards) = (house.links.dialed("mem:lock"), lock.effects().len());
        let mut heard = lock.story();
        let id = house.cloud.add_key(device, &key);
        let state = within(case.what, house.cloud.wait_final(id)).await;
        let note = house.cloud.notes(id).unwrap_or_default();
        assert_eq!(state, CommandState::Error, "{}: {note}", case.what);
        assert!(note.starts_with("Encoder: "), "{}: {note}", case.what);
        assert!(note.contains(case.told), "{}: {note}", case.what);
        assert!(note.contains("No key was made"), "{}: {note}", case.what);
        assert!(
            !note.chars().any(char::is_control),
            "{}: {note:?}",
            case.what
        );
        assert_eq!(
            house.links.dialed("mem:lock"),
            dialed,
            "{}: dialed",
            case.what
        );
        assert_eq!(lock.effects().len(), cards, "{}: a card", case.what);
        assert_eq!(
            heard.try_recv(),
            Err(TryRecvError::Empty),
            "{}: sent",
            case.what
        );
        next_one_works(&house, &lock, device, &(200 + n).to_string()).await;
    }
    house.stop().await;
}

async fn next_one_works(house: &House, lock: &Arc<dyn VirtualDevice>, device: Uuid, room: &str) {
    let before = lock.effects().len();
    let id = house
        .cloud
        .add_key(device, &KeyRequest::new(room, house.cloud.now()));
    let state = within("the next one", house.cloud.wait_final(id)).await;
    assert_eq!(
        state,
        CommandState::Processed,
        "{:?}",
        house.cloud.notes(id)
    );
    assert_eq!(lock.effects().len(), before + 1);
}

/// Names are folded, whatever they hold: the key is cut, and no raw separator reaches the wire.
#[tokio::test(flavor = "multi_thread")]
async fn a_guest_of_any_name_gets_a_key() {
    let names = [
        ["Žofie", "Žižková", "Zofie", "Zizkova"],
        ["A|B", "C³D;E", "", ""],
        ["\u{2}Jana\u{3}", "\r\nNova\0k", " ", "\t"],
        ["", "יהודה", "", ""],
        ["x", "", "", ""],
    ]
    .map(|name| name.map(str::to_owned));
    let long = ["", &"Wolfeschlegelstein".repeat(20), "", ""].map(str::to_owned);
    for kind in ["pms-industry-standard", "fias"] {
        let devices = format!(
            "[device.encoder]\nmews = \"Encoder\"\ndriver = \"{kind}\"\nlink = \"mem:lock\"\n\
             [device.encoder.settings]\n{}",
            if kind == "fias" {
                ""
            } else {
                "profile = \"salto\"\n"
            }
        );
        let mut house = House::new(&devices).await;
        let lock = house.simulate(kind, "mem:lock", &[]);
        let device = house.cloud.add_device(DeviceKind::KeyCutter, "Encoder");
        house.start();
        house.is_up().await;
        for (n, name) in names.iter().chain([&long]).enumerate() {
            let key = KeyRequest {
                guest: name.clone(),
                ..KeyRequest::new(&(101 + n).to_string(), house.cloud.now())
            };
            let id = house.cloud.add_key(device, &key);
            let state = within("the end", house.cloud.wait_final(id)).await;
            let note = house.cloud.notes(id);
            assert_eq!(state, CommandState::Processed, "{kind}, {name:?}: {note:?}");
            assert_eq!(lock.effects().len(), n + 1, "{kind}, {name:?}");
        }
        house.stop().await;
    }
}
