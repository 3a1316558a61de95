//! The driver against the virtual lock system, in memory, with paused time.

use std::sync::Arc;

use driver_keys::ledger::Issue;
use driver_keys::lock_system::CardMade;
use driver_keys::rehearsal::{Erased, Rehearsal, Shelf, Wire, at, key_job, test_job};
use driver_sdk::{
    DeviceName, FaultKind, Hub, KeyWork, Settings, VirtualDevice, WatchEvent, WatchEvents, clock,
};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::Fias;
use crate::record::Record;
use crate::sim::VirtualFias;

struct Hotel {
    lock: Arc<VirtualFias>,
    wire: Arc<Wire>,
    shelf: Shelf,
    hub: Hub,
    stop: CancellationToken,
    opened: usize,
}

impl Hotel {
    fn new() -> Self {
        let lock = Arc::new(VirtualFias::default());
        let wire = Wire::to(lock.clone());
        let hub = Hub::new(wire.clone());
        let stop = CancellationToken::new();
        Self {
            lock,
            wire,
            shelf: Shelf::default(),
            hub,
            stop,
            opened: 0,
        }
    }

    fn serial() -> Self {
        let hotel = Self::new();
        hotel.lock.switch("framing", "checked").expect("known");
        hotel
    }

    fn open(&mut self, settings: &str) -> (Erased, WatchEvents) {
        self.opened += 1;
        let name = DeviceName::new(format!("encoder-{}", self.opened));
        let settings = Settings::from_toml(settings);
        let opened = self
            .hub
            .open(&Fias, &name, Some("tcp:lock-pc:5010"), &settings);
        let opened = opened.expect("good settings");
        (Erased(opened.device), opened.events)
    }

    /// Opens one encoder and begins the conversation.
    fn encoder(&mut self, settings: &str) -> (Erased, WatchEvents) {
        let opened = self.open(settings);
        self.begin();
        opened
    }

    fn begin(&mut self) {
        for session in self.hub.take_sessions() {
            tokio::spawn(session.run(self.stop.clone()));
        }
    }

    fn set(&self, name: &str, value: &str) {
        self.lock.switch(name, value).expect("a known switch");
    }

    fn cards(&self) -> Vec<CardMade> {
        self.lock.system().cards()
    }

    fn command(&self, change: impl FnOnce(&mut KeyWork)) -> Rehearsal {
        Rehearsal::new(&self.shelf, key_job(change))
    }

    async fn keys(&self, encoder: &mut Erased, count: i64) -> Result<Proof, Fault> {
        self.command(|work| work.count = count)
            .execute(encoder)
            .await
    }
}

const CHECKED: &str = "framing = \"checked\"\n";

fn issues(cards: &[CardMade]) -> Vec<(Issue, bool)> {
    cards.iter().map(|card| (card.issue, card.valid)).collect()
}

#[tokio::test(start_paused = true)]
async fn two_keys_are_one_new_one_and_a_copy() {
    for (mut hotel, settings) in [(Hotel::new(), ""), (Hotel::serial(), CHECKED)] {
        let (mut encoder, _) = hotel.encoder(settings);
        let proof = hotel.keys(&mut encoder, 2).await.expect("two keys");
        assert_eq!(
            (proof.grade, proof.say.args["keys"].as_str()),
            (Grade::Done, "2 keys")
        );
        let cards = hotel.cards();
        assert_eq!(issues(&cards), [(Issue::New, true), (Issue::Copy, true)]);
        for card in cards {
            assert_eq!(card.validity, ("260328".into(), "260330 12:00".into()));
            assert_eq!(card.stay.as_deref(), Some("52421"));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_stay_across_the_last_sunday_of_october_has_hotel_times() {
    let mut hotel = Hotel::new();
    let (mut encoder, _) = hotel.encoder("");
    let command = hotel.command(|work| {
        work.start = at("2026-10-24T13:00:00Z");
        work.end = at("2026-10-26T10:30:00Z");
    });
    command.execute(&mut encoder).await.expect("keys");
    assert_eq!(
        hotel.cards()[0].validity,
        ("261024".into(), "261026 11:30".into())
    );
}

#[tokio::test(start_paused = true)]
async fn bad_orders_send_nothing_and_the_next_one_works() {
    let mut hotel = Hotel::new();
    let (mut encoder, _) = hotel.encoder("encoders = [\"1\", \"2\"]\n");
    let bad: [fn(&mut KeyWork); 13] = [
        |work| work.locks.clear(),
        |work| work.locks = vec!["  ".into()],
        |work| work.locks = (1..=10).map(|n| n.to_string()).collect(),
        |work| work.locks = (1..=9).map(|n| format!("{n}23456")).collect(),
        |work| work.count = 0,
        |work| work.count = -1,
        |work| work.count = 1000,
        |work| work.end = at("2026-03-28T14:04:59Z"),
        |work| work.locks = vec!["1|1".into()],
        |work| work.locks = vec!["1\u{3}1".into()],
        |work| work.locks = vec!["123456789".into()],
        |work| work.encoder = Some("3".into()),
        |work| work.data = Some(r#"{"Type":"OnityKeyCutter"}"#.to_owned().into()),
    ];
    for change in bad {
        let command = hotel.command(change);
        let fault = command
            .execute(&mut encoder)
            .await
            .expect_err("a bad order");
        assert_eq!(fault.kind(), FaultKind::Permanent, "{fault}");
        assert!(command.bookmarks().is_empty(), "{fault}");
    }
    assert!(hotel.cards().is_empty());
    let odd = hotel.command(|work| {
        work.normalized_last_name = Some("A|B\u{2}\r\nC".repeat(60).into());
        work.first_name = None;
        work.normalized_first_name = None;
    });
    odd.execute(&mut encoder)
        .await
        .expect("an odd name is folded");
    assert_eq!(hotel.cards().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_told_and_no_card_exists() {
    for (trouble, code) in [
        ("busy", "KEY-ENCODER-BUSY"),
        ("occupied", "KEY-ENCODER-BUSY"),
        ("room-unknown", "FIAS-CANNOT"),
        ("no-card", "FIAS-NO-RESPONSE"),
    ] {
        let mut hotel = Hotel::new();
        let (mut encoder, _) = hotel.encoder("");
        hotel.set("fault", trouble);
        let told = hotel.keys(&mut encoder, 2).await.expect_err(trouble);
        assert_eq!((told.kind(), told.code()), (FaultKind::Permanent, code));
        assert!(hotel.cards().is_empty());
        hotel.set("fault", "none");
        hotel
            .keys(&mut encoder, 1)
            .await
            .expect("the next one works");
        assert_eq!(issues(&hotel.cards()), [(Issue::New, true)]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_refused_as_damaged_four_times_was_not_executed() {
    let mut hotel = Hotel::serial();
    let (mut encoder, _) = hotel.encoder(CHECKED);
    hotel.set("fault", "nak@1");
    let told = hotel.keys(&mut encoder, 1).await.expect_err("refused");
    assert_eq!(
        (told.kind(), told.code()),
        (FaultKind::Permanent, "FIAS-NOT-TAKEN")
    );
    assert!(hotel.cards().is_empty());
    hotel
        .keys(&mut encoder, 1)
        .await
        .expect("the next one works");
}

#[tokio::test(start_paused = true)]
async fn a_damaged_answer_on_a_serial_line_is_asked_for_again() {
    let mut hotel = Hotel::serial();
    let (mut encoder, _) = hotel.encoder(CHECKED);
    hotel.set("fault", "wrong-check");
    hotel
        .keys(&mut encoder, 2)
        .await
        .expect("the second sending is whole");
    assert_eq!(hotel.cards().len(), 2);
}

/// Every trouble in which nobody can tell: how many cards exist then, of two that were asked.
const DOUBTS: [(&str, usize); 8] = [
    ("answer-lost", 1),
    ("late", 1),
    ("other-encoder", 1),
    ("wrong-check", 1),
    ("endless", 1),
    ("cut-before", 0),
    ("cut-after", 1),
    ("answer-lost@2", 2),
];

#[tokio::test(start_paused = true)]
async fn a_doubt_is_told_as_one_and_never_followed_by_a_second_card() {
    for (trouble, exist) in DOUBTS {
        let mut hotel = Hotel::new();
        let (mut encoder, _) = hotel.encoder("");
        hotel.set("fault", trouble);
        let command = hotel.command(|_| {});
        let told = command.execute(&mut encoder).await.expect_err(trouble);
        assert_eq!(told.kind(), FaultKind::InDoubt, "{trouble}: {told}");
        assert_eq!(hotel.cards().len(), exist, "{trouble}");
        let verdict = command.reconcile(&mut encoder).await.expect("a verdict");
        let Verdict::CannotTell { check } = verdict else {
            panic!("{trouble}: {verdict:?}")
        };
        let made: usize = check.args["made"].parse().expect("a number");
        assert!(made <= exist && exist <= made + 1, "{trouble}");

        // While its answer may still come, no request of the same stay goes to this encoder.
        hotel.set("fault", "none");
        let soon = hotel.keys(&mut encoder, 1).await.expect_err("too soon");
        assert_eq!(soon.kind(), FaultKind::Transient, "{trouble}: {soon}");
        assert_eq!(hotel.cards().len(), exist, "{trouble}");
        // A request of another stay is told apart by its number.
        let other = hotel.command(|work| {
            work.reservation_number = Some("777".into());
            work.locks = vec!["102".into()];
            work.count = 1;
        });
        other.execute(&mut encoder).await.expect("another stay");

        sleep(Duration::from_secs(120)).await;
        hotel.keys(&mut encoder, 1).await.expect("a minute later");
        let cards = hotel.cards();
        assert_eq!(cards.len(), exist + 2, "{trouble}");
        let expected = if made == 0 { Issue::New } else { Issue::Copy };
        assert_eq!(
            cards.last().map(|card| card.issue),
            Some(expected),
            "{trouble}"
        );
        let of_room = |card: &&CardMade| card.rooms == ["101"] && card.valid;
        if expected == Issue::New {
            assert_eq!(cards.iter().filter(of_room).count(), 1, "{trouble}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_late_answer_is_evidence_and_rings() {
    let mut hotel = Hotel::new();
    let (mut encoder, mut events) = hotel.encoder("");
    hotel.set("fault", "late@2");
    let command = hotel.command(|work| work.count = 3);
    let told = command.execute(&mut encoder).await.expect_err("a doubt");
    assert_eq!(told.kind(), FaultKind::InDoubt);
    let Ok(Verdict::CannotTell { check }) = command.reconcile(&mut encoder).await else {
        panic!("nobody can tell yet")
    };
    assert_eq!(
        (check.args["card"].as_str(), check.args["made"].as_str()),
        ("2", "1")
    );
    loop {
        match events.recv().await.expect("the conversation goes on") {
            WatchEvent::News => break,
            WatchEvent::Health(_) | WatchEvent::Wish(_) => {}
        }
    }
    let verdict = command.reconcile(&mut encoder).await.expect("a verdict");
    let Verdict::Partly(proof) = verdict else {
        panic!("two of three: {verdict:?}")
    };
    assert_eq!(proof.say.args["made"], "2");
    assert_eq!(hotel.cards().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_late_answer_to_the_last_card_tells_that_all_exist() {
    let mut hotel = Hotel::new();
    let (mut encoder, mut events) = hotel.encoder("");
    hotel.set("fault", "late@1");
    let command = hotel.command(|work| work.count = 1);
    command.execute(&mut encoder).await.expect_err("a doubt");
    while !matches!(events.recv().await, Some(WatchEvent::News)) {}
    let verdict = command.reconcile(&mut encoder).await.expect("a verdict");
    assert!(matches!(verdict, Verdict::Happened(_)), "{verdict:?}");
    let next = hotel
        .keys(&mut encoder, 1)
        .await
        .expect("the stay has its key");
    assert!(
        next.say.args["how"].starts_with("copy"),
        "{:?}",
        next.say.args
    );
}

#[tokio::test(start_paused = true)]
async fn only_requested_fields_are_sent_and_a_missing_one_refuses() {
    let mut hotel = Hotel::new();
    hotel.set("fields", "KCKTRNGDDT");
    let (mut encoder, _) = hotel.encoder("");
    let mut story = hotel.lock.story();
    hotel.keys(&mut encoder, 1).await.expect("a key");
    assert_eq!(
        story.try_recv().expect("a line"),
        "asked for a key of 6 fields"
    );
    assert_eq!(hotel.cards()[0].stay, None);
    let suite = hotel.command(|work| work.locks = vec!["101".into(), "102".into()]);
    let fault = suite
        .execute(&mut encoder)
        .await
        .expect_err("SI is not asked for");
    assert_eq!(fault.code(), "FIAS-FIELD-MISSING");
    hotel.set("fields", "KCKTRNWSG#GAGDDTGNSI");
    hotel.set("link", "describe");
    sleep(Duration::from_secs(1)).await;
    suite.execute(&mut encoder).await.expect("now it is");
    assert_eq!(hotel.cards().last().expect("a card").rooms, ["101", "102"]);
}

#[tokio::test(start_paused = true)]
async fn a_stay_without_a_plain_number_gets_one_that_stays() {
    let mut hotel = Hotel::new();
    let (mut encoder, _) = hotel.encoder("");
    let command = |hotel: &Hotel| {
        hotel.command(|work| {
            work.reservation_number = Some("R-17".into());
            work.count = 1;
        })
    };
    command(&hotel).execute(&mut encoder).await.expect("a key");
    command(&hotel).execute(&mut encoder).await.expect("a copy");
    let stays: Vec<_> = hotel.cards().into_iter().map(|card| card.stay).collect();
    assert_eq!(
        stays,
        [Some("9000000001".into()), Some("9000000001".into())]
    );
}

#[tokio::test(start_paused = true)]
async fn a_conversation_that_does_not_stand_was_sent_nothing() {
    let mut hotel = Hotel::new();
    hotel.set("fault", "silent");
    let (mut encoder, mut events) = hotel.encoder("");
    let told = hotel.keys(&mut encoder, 1).await.expect_err("silent");
    assert_eq!(
        (told.kind(), told.code()),
        (FaultKind::Transient, "FIAS-LINK-DOWN")
    );
    loop {
        if let Some(WatchEvent::Health(health)) = events.recv().await {
            let driver_sdk::Health::Unwell(fault) = health else {
                panic!("{health:?}")
            };
            assert_eq!(fault.code(), "FIAS-NOT-STARTED");
            break;
        }
    }
    hotel.set("fault", "none");
    sleep(Duration::from_secs(30)).await;
    hotel
        .keys(&mut encoder, 1)
        .await
        .expect("it begins again by itself");
}

#[tokio::test(start_paused = true)]
async fn a_conversation_that_is_ended_or_cut_begins_again() {
    let mut hotel = Hotel::new();
    let (mut encoder, _) = hotel.encoder("");
    hotel.keys(&mut encoder, 1).await.expect("a key");
    hotel.set("link", "end");
    sleep(Duration::from_secs(20)).await;
    hotel.keys(&mut encoder, 1).await.expect("a copy");
    assert_eq!(
        issues(&hotel.cards()),
        [(Issue::New, true), (Issue::Copy, true)]
    );
}

#[tokio::test(start_paused = true)]
async fn a_silent_conversation_is_asked_whether_it_lives() {
    let mut hotel = Hotel::new();
    let (mut encoder, mut events) = hotel.encoder("");
    hotel.keys(&mut encoder, 1).await.expect("a key");
    sleep(Duration::from_secs(3600)).await;
    hotel.keys(&mut encoder, 1).await.expect("an hour later");
    hotel.set("fault", "silent");
    sleep(Duration::from_secs(331)).await;
    let mut faults = Vec::new();
    while let Ok(event) = events.try_recv() {
        if let WatchEvent::Health(driver_sdk::Health::Unwell(fault)) = event {
            faults.push(fault.code().to_owned());
        }
    }
    assert_eq!(faults, ["LINK-SILENT"]);
}

#[tokio::test(start_paused = true)]
async fn four_encoders_work_side_by_side_in_order() {
    let mut hotel = Hotel::new();
    hotel.set("card_ms", "10000");
    let mut encoders: Vec<_> = (1..=4)
        .map(|n| hotel.open(&format!("encoder = \"{n}\"\n")).0)
        .collect();
    hotel.begin();
    let begun = clock::now();
    let mut tasks = Vec::new();
    for (n, mut encoder) in encoders.drain(..).enumerate() {
        let commands: Vec<_> = (0..50)
            .map(|k| {
                hotel.command(|work| {
                    work.encoder = None;
                    work.count = 1;
                    work.locks = vec![format!("{}{k:02}", n + 1)];
                    work.reservation_number = Some(format!("{}{k:02}", n + 1));
                })
            })
            .collect();
        tasks.push(tokio::spawn(async move {
            for command in commands {
                command.execute(&mut encoder).await.expect("a key");
            }
        }));
    }
    for task in tasks {
        task.await.expect("no panic");
    }
    let took = clock::now() - begun;
    // 50 keys of ten seconds each on every encoder: no encoder waited for another.
    assert!(took < Duration::from_secs(501), "{took:?}");
    let cards = hotel.cards();
    assert_eq!(cards.len(), 200);
    for n in 1..=4 {
        let rooms: Vec<_> = cards
            .iter()
            .filter(|card| card.encoder == n.to_string())
            .map(|card| card.rooms[0].clone())
            .collect();
        let expected: Vec<_> = (0..50).map(|k| format!("{n}{k:02}")).collect();
        assert_eq!(rooms, expected);
    }
}

#[tokio::test(start_paused = true)]
async fn two_encoders_asked_for_one_room_at_once_make_one_new_key_and_a_copy() {
    let mut hotel = Hotel::new();
    hotel.set("card_ms", "5000");
    let (mut one, _) = hotel.open("encoder = \"1\"\n");
    let (mut two, _) = hotel.open("encoder = \"2\"\n");
    hotel.begin();
    let command = |hotel: &Hotel| {
        hotel.command(|work| {
            work.encoder = None;
            work.count = 1;
        })
    };
    let (first, second) = (command(&hotel), command(&hotel));
    // What the worker does with a command that has to wait.
    async fn until_done(command: &Rehearsal, encoder: &mut Erased) -> Result<Proof, Fault> {
        loop {
            match command.execute(encoder).await {
                Err(fault) if fault.kind() == FaultKind::Transient => {
                    sleep(Duration::from_secs(1)).await;
                }
                ended => return ended,
            }
        }
    }
    let (first, second) = tokio::join!(until_done(&first, &mut one), until_done(&second, &mut two));
    first.expect("a key");
    second.expect("a key");
    assert_eq!(
        issues(&hotel.cards()),
        [(Issue::New, true), (Issue::Copy, true)]
    );
}

#[tokio::test(start_paused = true)]
async fn a_lock_system_that_takes_one_request_gets_one() {
    let mut hotel = Hotel::new();
    hotel.set("card_ms", "10000");
    let settings = |n| format!("encoder = \"{n}\"\none_request_per_link = true\n");
    let (mut one, _) = hotel.open(&settings(1));
    let (mut two, _) = hotel.open(&settings(2));
    hotel.begin();
    let command = |hotel: &Hotel, room: &str| {
        let room = room.to_owned();
        hotel.command(|work| {
            work.encoder = None;
            work.locks = vec![room];
        })
    };
    let (first, second) = (command(&hotel, "101"), command(&hotel, "102"));
    let begun = clock::now();
    let (first, second) = tokio::join!(first.execute(&mut one), second.execute(&mut two));
    first.expect("keys");
    second.expect("keys");
    assert!(clock::now() - begun >= Duration::from_secs(40));
    let cards = hotel.cards();
    let mut rooms: Vec<_> = cards.iter().map(|card| card.rooms[0].as_str()).collect();
    rooms.dedup();
    assert_eq!(rooms.len(), 2, "one order after the other: {rooms:?}");
}

#[tokio::test(start_paused = true)]
async fn a_test_cuts_nothing() {
    let mut hotel = Hotel::new();
    let (mut encoder, _) = hotel.encoder("encoder = \"1\"\ntest = \"read-card\"\n");
    let test = || Rehearsal::new(&hotel.shelf, test_job());
    let fault = test()
        .execute(&mut encoder)
        .await
        .expect_err("no card lies there");
    assert_eq!(fault.code(), "KEY-REFUSED");
    hotel.keys(&mut encoder, 1).await.expect("a key to read");
    let proof = test().execute(&mut encoder).await.expect("alive");
    assert_eq!(proof.say.args["what"], "; the card opens 101");
    assert_eq!(hotel.cards().len(), 1);
    hotel.wire.refuse(true);
    hotel.set("link", "end");
    sleep(Duration::from_secs(1)).await;
    let fault = test().execute(&mut encoder).await.expect_err("unplugged");
    assert_eq!(
        (fault.kind(), fault.code()),
        (FaultKind::Transient, "FIAS-LINK-DOWN")
    );
}

#[tokio::test(start_paused = true)]
async fn an_ok_that_came_before_the_card_is_told_as_what_the_site_says_it_is() {
    // By the protocol OK is a card; a gateway that only queues is known to the site.
    for (settings, grade) in [
        ("", Grade::Done),
        ("ok_means = \"queued\"\n", Grade::Accepted),
    ] {
        let mut hotel = Hotel::new();
        let (mut encoder, _) = hotel.encoder(settings);
        hotel.set("fault", "queued");
        let proof = hotel.keys(&mut encoder, 1).await.expect("it said OK");
        assert_eq!(proof.grade, grade);
    }
}

#[tokio::test(start_paused = true)]
async fn a_card_is_read_back_where_the_site_wants_it() {
    let mut hotel = Hotel::new();
    let (mut encoder, _) = hotel.encoder("confirm = \"read-card\"\n");
    let proof = hotel.keys(&mut encoder, 2).await.expect("two keys");
    assert_eq!(proof.grade, Grade::Done);
    assert_eq!(hotel.cards().len(), 2);

    // The card of another room lies on the encoder, and OK is all that came for this one.
    hotel.set("fault", "queued");
    let command = hotel.command(|work| {
        work.count = 1;
        work.locks = vec!["102".into()];
        work.reservation_number = Some("7".into());
    });
    let told = command.execute(&mut encoder).await.expect_err("no card");
    assert_eq!(
        (told.kind(), told.code()),
        (FaultKind::InDoubt, "FIAS-NOT-CONFIRMED")
    );
    let verdict = command.reconcile(&mut encoder).await.expect("a verdict");
    assert!(matches!(verdict, Verdict::CannotTell { .. }), "{verdict:?}");
    assert_eq!(hotel.cards().len(), 2, "asking made a card");
}

#[tokio::test(start_paused = true)]
async fn many_keys_within_an_hour_are_made_and_told() {
    let mut hotel = Hotel::new();
    let (mut encoder, _) = hotel.encoder("keys_per_hour = 2\n");
    let (watch, mut events) = driver_sdk::Watch::pair();
    hotel.keys(&mut encoder, 2).await.expect("two keys");
    encoder.0.idle(&watch).await.expect("nothing to watch");
    hotel.keys(&mut encoder, 1).await.expect("a third one");
    encoder
        .0
        .idle(&watch)
        .await
        .expect("until the hour is over");
    let mut told = Vec::new();
    while let Ok(WatchEvent::Health(health)) = events.try_recv() {
        told.push(match health {
            driver_sdk::Health::Warned(fault) => fault.code().to_owned(),
            driver_sdk::Health::Well => "well".to_owned(),
            driver_sdk::Health::Unwell(fault) => format!("unwell: {fault}"),
        });
    }
    assert_eq!(told, ["KEY-BURST", "well"]);
}

#[tokio::test(start_paused = true)]
async fn the_worker_says_goodbye() {
    let mut hotel = Hotel::new();
    let (mut encoder, _) = hotel.open("");
    let sessions = hotel.hub.take_sessions();
    let tasks: Vec<_> = sessions
        .into_iter()
        .map(|session| tokio::spawn(session.run(hotel.stop.clone())))
        .collect();
    hotel.keys(&mut encoder, 1).await.expect("a key");
    hotel.stop.cancel();
    for task in tasks {
        task.await.expect("it ends by itself");
    }
}

#[test]
fn every_code_has_its_page_and_its_arguments() {
    for status in ["BY", "DE", "DN", "UR", "RY", "NR", "NG", "", "XX"] {
        let record = Record::new("KA").with("AS", status).with("KC", "1");
        let fault = refusal(&KeyAnswer::of(&record), "1", "101");
        let page = PAGES
            .iter()
            .find(|page| page.code == fault.code())
            .expect("a page");
        for argument in FaultPage::arguments(page) {
            assert!(
                fault.say().args.contains_key(argument),
                "{}: {argument}",
                page.code
            );
        }
    }
}

#[test]
fn every_code_is_on_the_page_of_the_driver() {
    let readme = concat!(
        include_str!("../../README.md"),
        include_str!("../../../pms-industry-standard/README.md")
    );
    for page in &PAGES {
        assert!(readme.contains(page.code), "{} is in no table", page.code);
    }
}
