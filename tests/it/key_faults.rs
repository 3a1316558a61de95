//! Everything a virtual lock system can do wrong, from the cloud to the card and back: the cards
//! that exist, the journal, the state and the note in the cloud agree.

use std::sync::Arc;

use driver_sdk::{CommandId, Effect, VirtualDevice};
use nightporter::journal::Reader;
use nightporter::life::OutcomeKind;
use nightporter::sandbox::{CommandState, DeviceKind, KeyRequest};
use uuid::Uuid;

use crate::house::{House, within};

/// A fault, the cards that exist then of two that were asked for, the end, words of the note.
type Case = (&'static str, usize, OutcomeKind, &'static str);

const PMS_INDUSTRY_STANDARD: &str = "[device.encoder]\nmews = \"Encoder\"\n\
    driver = \"pms-industry-standard\"\nlink = \"mem:lock\"\noperator_wait_s = 2\n\
    [device.encoder.settings]\nprofile = \"salto\"\nenquiry_timeout_ms = 200\nenquiries = 2\n\
    answer_timeout_ms = 1000\n";

const PMS_INDUSTRY_STANDARD_CASES: &[Case] = &[
    ("none", 2, OutcomeKind::Done, "2 keys for"),
    ("busy", 0, OutcomeKind::Failed, "No key was made"),
    ("busy@2", 1, OutcomeKind::Partly, "1 of 2 keys made"),
    ("occupied", 0, OutcomeKind::Failed, "is busy"),
    ("occupied@2", 1, OutcomeKind::Partly, "1 of 2 keys made"),
    ("silent", 0, OutcomeKind::Failed, "No key was made"),
    ("silent@2", 1, OutcomeKind::Partly, "1 of 2 keys made"),
    ("slow", 2, OutcomeKind::Done, "2 keys for"),
    ("nak@1", 2, OutcomeKind::Done, "2 keys for"),
    ("nak@2", 2, OutcomeKind::Done, "2 keys for"),
    ("nak", 0, OutcomeKind::Failed, "No key was made"),
    ("room-unknown", 0, OutcomeKind::Failed, "does not know room"),
    ("no-card", 0, OutcomeKind::Failed, "No card was presented"),
    ("no-card@2", 1, OutcomeKind::Partly, "1 of 2 keys made"),
    ("same-card@2", 1, OutcomeKind::Partly, "1 of 2 keys made"),
    ("answer-lost", 1, OutcomeKind::Unconfirmed, "key 1 of 2"),
    ("answer-lost@2", 2, OutcomeKind::Unconfirmed, "key 2 of 2"),
    ("late", 1, OutcomeKind::Unconfirmed, "key 1 of 2"),
    ("late@2", 2, OutcomeKind::Unconfirmed, "key 2 of 2"),
    ("too-long", 1, OutcomeKind::Unconfirmed, "key 1 of 2"),
    ("wrong-check", 1, OutcomeKind::Unconfirmed, "key 1 of 2"),
    ("wrong-check@2", 2, OutcomeKind::Unconfirmed, "key 2 of 2"),
    ("other-encoder", 1, OutcomeKind::Unconfirmed, "key 1 of 2"),
    ("endless", 1, OutcomeKind::Unconfirmed, "key 1 of 2"),
    ("cut-before", 0, OutcomeKind::Unconfirmed, "key 1 of 2"),
    ("cut-before@2", 1, OutcomeKind::Unconfirmed, "key 2 of 2"),
    ("cut-after", 1, OutcomeKind::Unconfirmed, "key 1 of 2"),
    ("cut-after@2", 2, OutcomeKind::Unconfirmed, "key 2 of 2"),
];

const FIAS: &str = "[device.encoder]\nmews = \"Encoder\"\n\
    driver = \"fias\"\nlink = \"mem:lock\"\noperator_wait_s = 10\n\
    [device.encoder.settings]\nanswer_timeout_ms = 1000\nlate_answer_ms = 500\n";

const FIAS_CASES: &[Case] = &[
    ("none", 2, OutcomeKind::Done, "2 keys for"),
    ("busy", 0, OutcomeKind::Failed, "is busy"),
    ("busy@2", 1, OutcomeKind::Partly, "1 of 2 keys made"),
    ("occupied", 0, OutcomeKind::Failed, "is busy"),
    ("silent", 0, OutcomeKind::Unconfirmed, "key 1 of 2"),
    ("silent@2", 1, OutcomeKind::Unconfirmed, "key 2 of 2"),
    ("slow", 2, OutcomeKind::Done, "2 keys for"),
    ("room-unknown", 0, OutcomeKind::Failed, "Unknown room"),
    ("no-card", 0, OutcomeKind::Failed, "No card presented"),
    ("no-card@2", 1, OutcomeKind::Partly, "1 of 2 keys made"),
    ("answer-lost", 1, OutcomeKind::Unconfirmed, "key 1 of 2"),
    ("answer-lost@2", 2, OutcomeKind::Unconfirmed, "key 2 of 2"),
    ("other-encoder", 1, OutcomeKind::Unconfirmed, "key 1 of 2"),
    ("endless", 1, OutcomeKind::Unconfirmed, "key 1 of 2"),
    ("too-long", 1, OutcomeKind::Unconfirmed, "key 1 of 2"),
    ("wrong-check", 1, OutcomeKind::Unconfirmed, "key 1 of 2"),
    ("cut-before", 0, OutcomeKind::Unconfirmed, "key 1 of 2"),
    ("cut-before@2", 1, OutcomeKind::Unconfirmed, "key 2 of 2"),
    ("cut-after", 1, OutcomeKind::Unconfirmed, "key 1 of 2"),
    ("cut-after@2", 2, OutcomeKind::Unconfirmed, "key 2 of 2"),
];

/// A lock system whose OK comes before the card, and a site that has the card read back.
const FIAS_READ_BACK_CASES: &[Case] = &[
    ("none", 2, OutcomeKind::Done, "2 keys for"),
    ("queued", 0, OutcomeKind::Unconfirmed, "key 1 of 2"),
];

#[tokio::test(flavor = "multi_thread")]
async fn every_fault_over_pms_industry_standard_is_told_as_it_is() {
    told_as_it_is(
        "pms-industry-standard",
        PMS_INDUSTRY_STANDARD,
        PMS_INDUSTRY_STANDARD_CASES,
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_fault_over_fias_is_told_as_it_is() {
    told_as_it_is("fias", FIAS, FIAS_CASES).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_ok_without_a_card_is_found_out_where_the_site_has_it_read_back() {
    let settings = format!("{FIAS}confirm = \"read-card\"\n");
    told_as_it_is("fias", &settings, FIAS_READ_BACK_CASES).await;
}

/// The answer comes when Mews was told of the doubt: the local record learns the truth, Mews keeps
/// what it was told, and no second card is made.
#[tokio::test(flavor = "multi_thread")]
async fn a_late_answer_settles_the_local_record_and_makes_no_card() {
    let settings = FIAS.replace("late_answer_ms = 500", "late_answer_ms = 60000");
    let mut house = House::new(&settings).await;
    let lock = house.simulate(
        "fias",
        "mem:lock",
        &[("late_ms", "2500"), ("fault", "late@1")],
    );
    let device = house.cloud.add_device(DeviceKind::KeyCutter, "Encoder");
    house.start_and_wait().await;
    let order = KeyRequest::new("204", house.cloud.now());
    let id = house.cloud.add_key(device, &order);
    let (state, note) = house.end(id).await;
    assert_eq!(state, CommandState::Error, "{note}");
    assert!(note.starts_with("UNCONFIRMED: Encoder: "), "{note}");
    let known = || house.row(id).is_some_and(|row| row.resolved.is_some());
    house.until("the late answer", |_| known()).await;
    assert_eq!(kept(&house, id), OutcomeKind::Done);
    let resolved = house.row(id).and_then(|row| row.resolved);
    assert_eq!(resolved.as_deref(), Some("the device says: it happened"));
    assert_eq!(house.cloud.state(id), Some(CommandState::Error));
    assert_eq!(house.cloud.notes(id).as_deref(), Some(note.as_str()));
    assert_eq!(lock.effects().len(), 1, "a late answer has made a card");
    // The key was good after all: the next one of the stay is a copy.
    let (state, note) = house.end(house.cloud.add_key(device, &order)).await;
    assert_eq!(state, CommandState::Processed, "{note}");
    assert_eq!(lock.effects()[1].facts["issue"], "copy", "{note}");
    house.stop().await;
}

async fn told_as_it_is(kind: &str, devices: &str, cases: &[Case]) {
    let mut house = House::new(devices).await;
    let times = [("late_ms", "2500"), ("slow_ms", "300")];
    let lock = house.simulate(kind, "mem:lock", &times);
    let device = house.cloud.add_device(DeviceKind::KeyCutter, "Encoder");
    house.start();
    let up = |hotel: &nightporter::sandbox::Hotel| hotel.sockets() == 1;
    within("the socket", house.cloud.wait_until(up)).await;
    for (n, (fault, exist, end, words)) in cases.iter().enumerate() {
        let room = (101 + n).to_string();
        let mut order = KeyRequest {
            count: 2,
            ..KeyRequest::new(&room, house.cloud.now())
        };
        lock.switch("fault", fault).expect("a known fault");
        let id = ordered(&house, device, &order).await;

        let cards = cards_of(&lock, &room);
        assert_eq!(cards.len(), *exist, "{fault}: cards");
        let note = house.cloud.notes(id).expect("a note");
        assert!(
            note.to_lowercase().contains(&words.to_lowercase()),
            "{fault}: {note}"
        );
        assert!(
            note.chars().count() <= 500 && !note.contains('{'),
            "{fault}: {note}"
        );
        assert_eq!(
            note.starts_with("UNCONFIRMED: "),
            *end == OutcomeKind::Unconfirmed,
            "{note}"
        );
        let processed = house.cloud.state(id) == Some(CommandState::Processed);
        assert_eq!(processed, *end == OutcomeKind::Done, "{fault}: {note}");
        assert_eq!(kept(&house, id), *end, "{fault}: the journal");
        for name in &order.guest {
            assert!(!note.contains(name.as_str()), "{fault}: a guest in {note}");
        }

        // The next command of the stay is unaffected; it copies only what is surely there.
        lock.switch("fault", "none").expect("a known fault");
        order.count = 1;
        let again = ordered(&house, device, &order).await;
        let note = house.cloud.notes(again).expect("a note");
        assert_eq!(
            house.cloud.state(again),
            Some(CommandState::Processed),
            "{fault}: {note}"
        );
        let cards = cards_of(&lock, &room);
        assert_eq!(cards.len(), exist + 1, "{fault}: a card nobody asked for");
        let last = &cards.last().expect("one card at least").facts;
        let sure = *end != OutcomeKind::Unconfirmed || words.starts_with("key 2");
        let issue = if sure && *exist > 0 { "copy" } else { "new" };
        assert_eq!(
            (last["issue"].as_str(), last["state"].as_str()),
            (issue, "valid"),
            "{fault}"
        );
    }
    house.stop().await;
}

async fn ordered(house: &House, device: Uuid, order: &KeyRequest) -> Uuid {
    let id = house.cloud.add_key(device, order);
    within("the end", house.cloud.wait_final(id)).await;
    id
}

fn cards_of(lock: &Arc<dyn VirtualDevice>, room: &str) -> Vec<Effect> {
    let cards = lock.effects().into_iter();
    cards
        .filter(|card| card.kind == "card" && card.content == room)
        .collect()
}

fn kept(house: &House, id: Uuid) -> OutcomeKind {
    let journal = Reader::open(&house.journal()).expect("readable beside the worker");
    let row = journal
        .find(&CommandId(id).to_string())
        .expect("readable")
        .pop();
    row.expect("kept").outcome.expect("settled").kind
}

/// Two encoders of one conversation, asked for one room at the same moment: the second waits for
/// the first and makes a copy.
#[tokio::test(flavor = "multi_thread")]
async fn two_encoders_asked_for_one_room_make_one_new_key_and_one_copy() {
    let encoder = |n: u32| {
        format!(
            "[device.encoder-{n}]\nmews = \"Encoder {n}\"\ndriver = \"fias\"\nlink = \"mem:lock\"\n\
             [device.encoder-{n}.settings]\nencoder = \"{n}\"\n"
        )
    };
    let mut house = House::new(&format!("{}{}", encoder(1), encoder(2))).await;
    let lock = house.simulate("fias", "mem:lock", &[("card_ms", "500")]);
    let one = house.cloud.add_device(DeviceKind::KeyCutter, "Encoder 1");
    let two = house.cloud.add_device(DeviceKind::KeyCutter, "Encoder 2");
    house.start();
    let up = |hotel: &nightporter::sandbox::Hotel| hotel.sockets() == 1;
    within("the socket", house.cloud.wait_until(up)).await;
    let order = KeyRequest {
        encoder: None,
        ..KeyRequest::new("204", house.cloud.now())
    };
    let ids = [
        house.cloud.add_key(one, &order),
        house.cloud.add_key(two, &order),
    ];
    within("both ends", house.cloud.wait_all_final(&ids)).await;
    let notes: Vec<_> = ids.iter().map(|id| house.cloud.notes(*id)).collect();
    let mut issues: Vec<_> = lock
        .effects()
        .iter()
        .map(|card| (card.facts["issue"].clone(), card.facts["state"].clone()))
        .collect();
    issues.sort();
    let valid = |issue: &str| (issue.to_owned(), "valid".to_owned());
    assert_eq!(issues, [valid("copy"), valid("new")], "{notes:?}");
    house.stop().await;
}
