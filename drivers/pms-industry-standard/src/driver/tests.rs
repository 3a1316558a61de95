//! The driver against the virtual lock PC, in memory, with paused time.

use std::sync::Arc;

use driver_keys::ledger::Issue;
use driver_keys::lock_system::CardMade;
use driver_keys::rehearsal::{Rehearsal, Shelf, Wire, at, key_job, test_job};
use driver_sdk::{FaultKind, FaultPage, KeyWork, Settings, VirtualDevice};

use super::*;
use crate::sim::VirtualLockPc;

struct Hotel {
    lock: Arc<VirtualLockPc>,
    wire: Arc<Wire>,
    shelf: Shelf,
    link: Link,
}

impl Hotel {
    fn new() -> Self {
        let lock = Arc::new(VirtualLockPc::default());
        let wire = Wire::to(lock.clone());
        let link = Link::new(wire.clone(), driver_sdk::Resync::Reopen);
        Self {
            lock,
            wire,
            shelf: Shelf::default(),
            link,
        }
    }

    fn encoder(&self, settings: &str) -> KeyEncoder {
        let config = Config::read(&Settings::from_toml(settings)).expect("good settings");
        let serial = settings.contains("resync = \"silence\"");
        let link = self.link.with_resync(config.resync(serial));
        KeyEncoder::new(config, link, serial)
    }

    fn fault(&self, value: &str) {
        self.lock.switch("fault", value).expect("a known fault");
    }

    fn cards(&self) -> Vec<CardMade> {
        self.lock.system().cards()
    }

    fn command(&self, change: impl FnOnce(&mut KeyWork)) -> Rehearsal {
        Rehearsal::new(&self.shelf, key_job(change))
    }

    async fn keys(&self, encoder: &mut KeyEncoder, count: i64) -> Result<Proof, Fault> {
        self.command(|work| work.count = count)
            .execute(encoder)
            .await
    }
}

const SALTO: &str = "profile = \"salto\"\n";
const ONITY: &str = "profile = \"onity\"\n";

fn issues(cards: &[CardMade]) -> Vec<(Issue, bool)> {
    cards.iter().map(|card| (card.issue, card.valid)).collect()
}

#[tokio::test(start_paused = true)]
async fn two_keys_are_one_new_one_and_a_copy() {
    let hotel = Hotel::new();
    for (settings, start, end) in [
        (SALTO, "1500280326", "1200300326"),
        (ONITY, "15280326", "12300326"),
    ] {
        let mut encoder = hotel.encoder(settings);
        let room = settings.to_owned().replace(['"', '\n'], "");
        let command = hotel.command(|work| work.locks = vec![room.clone()]);
        let proof = command.execute(&mut encoder).await.expect("two keys");
        assert_eq!(
            (proof.grade, proof.say.args["keys"].as_str()),
            (Grade::Done, "2 keys")
        );
        let cards: Vec<_> = hotel
            .cards()
            .into_iter()
            .filter(|card| card.rooms == [room.clone()])
            .collect();
        assert_eq!(issues(&cards), [(Issue::New, true), (Issue::Copy, true)]);
        assert!(
            cards
                .iter()
                .all(|card| card.validity == (start.into(), end.into()))
        );
        assert_eq!(command.waiting().len(), 2);
    }
}

#[tokio::test(start_paused = true)]
async fn a_stay_across_the_last_sunday_of_october_has_hotel_times_in_both_profiles() {
    let hotel = Hotel::new();
    let october = |work: &mut KeyWork| {
        work.count = 1;
        work.start = at("2026-10-24T13:00:00Z");
        work.end = at("2026-10-26T10:30:00Z");
    };
    for (settings, end) in [(SALTO, "1130261026"), (ONITY, "12261026")] {
        let settings = format!("{settings}start = \"reservation\"\n");
        let command = hotel.command(october);
        command
            .execute(&mut hotel.encoder(&settings))
            .await
            .expect("a key");
        let card = hotel.cards().pop().expect("a card");
        assert_eq!(card.validity.1, end);
        assert!(card.validity.0.starts_with("15"), "{:?}", card.validity);
    }
}

#[tokio::test(start_paused = true)]
async fn the_profile_comes_from_the_data_where_no_setting_says_it() {
    let hotel = Hotel::new();
    let mut encoder = hotel.encoder("");
    let fault = hotel
        .keys(&mut encoder, 1)
        .await
        .expect_err("a guess would be wrong");
    assert_eq!(fault.code(), "KEY-PROFILE-UNKNOWN");
    let data =
        |text: &'static str| move |work: &mut KeyWork| work.data = Some(text.to_owned().into());
    let onity = hotel.command(data(r#"{"Type":"OnityKeyCutter"}"#));
    onity.execute(&mut encoder).await.expect("keys");
    assert_eq!(hotel.cards()[0].validity.1, "12300326");
    let fias = hotel.command(data(r#"{"Type":"FiasProtocol"}"#));
    let fault = fias
        .execute(&mut encoder)
        .await
        .expect_err("another protocol");
    assert_eq!(fault.code(), "KEY-OTHER-PROTOCOL");
    assert_eq!(hotel.cards().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn bad_orders_send_nothing_and_the_next_one_works() {
    let hotel = Hotel::new();
    let mut encoder = hotel.encoder("profile = \"salto\"\nencoders = [\"1\", \"2\"]\n");
    let bad: [fn(&mut KeyWork); 12] = [
        |work| work.locks.clear(),
        |work| work.locks = vec!["  ".into()],
        |work| work.locks = (1..=5).map(|n| n.to_string()).collect(),
        |work| work.count = 0,
        |work| work.count = -1,
        |work| work.count = 1000,
        |work| work.end = at("2026-03-28T14:04:59Z"),
        |work| work.end = at("2026-03-20T14:04:59Z"),
        |work| work.locks = vec!["1³1".into()],
        |work| work.locks = vec!["1\u{3}1".into()],
        |work| work.encoder = Some("3".into()),
        |work| work.data = Some("{\"Type\":".to_owned().into()),
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
    hotel
        .keys(&mut encoder, 2)
        .await
        .expect("the next order is a good one");
    assert_eq!(hotel.cards().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_told_and_no_card_exists() {
    for (fault, code) in [
        ("occupied", "KEY-ENCODER-BUSY"),
        ("room-unknown", "KEY-ROOM-UNKNOWN"),
        ("no-card", "KEY-NO-CARD"),
        ("nak", "KEY-NOT-ACCEPTED"),
    ] {
        let hotel = Hotel::new();
        hotel.fault(fault);
        let mut encoder = hotel.encoder(SALTO);
        let told = hotel.keys(&mut encoder, 2).await.expect_err(fault);
        assert_eq!((told.kind(), told.code()), (FaultKind::Permanent, code));
        assert!(told.has_no_effect());
        assert!(hotel.cards().is_empty());
        hotel.fault("none");
        hotel
            .keys(&mut encoder, 1)
            .await
            .expect("the next one works");
        assert_eq!(issues(&hotel.cards()), [(Issue::New, true)]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_lock_system_that_is_not_ready_was_sent_nothing() {
    for (fault, code) in [("busy", "KEY-NOT-READY"), ("silent", "KEY-NOT-READY")] {
        let hotel = Hotel::new();
        hotel.fault(fault);
        let mut encoder = hotel.encoder(SALTO);
        let command = hotel.command(|_| {});
        let told = command.execute(&mut encoder).await.expect_err(fault);
        assert_eq!((told.kind(), told.code()), (FaultKind::Transient, code));
        assert!(command.bookmarks().is_empty() && hotel.cards().is_empty());
    }
    let hotel = Hotel::new();
    hotel.wire.refuse(true);
    let told = hotel
        .keys(&mut hotel.encoder(SALTO), 1)
        .await
        .expect_err("unplugged");
    assert_eq!(
        (told.kind(), told.code()),
        (FaultKind::Transient, "LINK-UNREACHABLE")
    );
}

#[tokio::test(start_paused = true)]
async fn an_occupied_encoder_is_asked_once_more_before_the_first_card_only() {
    let hotel = Hotel::new();
    let mut encoder = hotel.encoder(SALTO);
    hotel.fault("occupied@1");
    hotel
        .keys(&mut encoder, 2)
        .await
        .expect("it was free a moment later");
    assert_eq!(hotel.cards().len(), 2);
    hotel.fault("occupied@2");
    let told = hotel
        .keys(&mut encoder, 2)
        .await
        .expect_err("one key exists");
    assert_eq!(told.effect().expect("partly").say.args["made"], "1");
    assert_eq!(hotel.cards().len(), 3);
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
    for settings in [
        SALTO,
        "profile = \"salto\"\nsession = \"kept-open\"\nresync = \"silence\"\n",
    ] {
        for (trouble, exist) in DOUBTS {
            let hotel = Hotel::new();
            let mut encoder = hotel.encoder(settings);
            hotel.fault(trouble);
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
            assert_eq!(hotel.cards().len(), exist, "{trouble}: asking made a card");

            // The next command is unaffected, and makes a new key where the doubt was a new one.
            // Its late answer comes in between and is nobody's.
            hotel.fault("none");
            sleep(Duration::from_secs(45)).await;
            let next = hotel.keys(&mut encoder, 1).await;
            assert!(next.is_ok(), "{trouble}: {next:?}");
            let cards = hotel.cards();
            assert_eq!(cards.len(), exist + 1, "{trouble}");
            let expected = if made == 0 { Issue::New } else { Issue::Copy };
            assert_eq!(
                cards.last().map(|card| card.issue),
                Some(expected),
                "{trouble}"
            );
            if expected == Issue::New {
                assert_eq!(
                    cards.iter().filter(|card| card.valid).count(),
                    1,
                    "{trouble}"
                );
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_slow_lock_system_is_waited_for() {
    let hotel = Hotel::new();
    hotel.fault("slow");
    hotel
        .keys(&mut hotel.encoder(SALTO), 2)
        .await
        .expect("slow, and done");
    assert_eq!(hotel.cards().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_failure_in_the_middle_tells_what_exists_and_the_rest_are_copies() {
    let hotel = Hotel::new();
    hotel.fault("no-card@2");
    let mut encoder = hotel.encoder(SALTO);
    let told = hotel.keys(&mut encoder, 3).await.expect_err("partly");
    let proof = told.effect().expect("one exists");
    assert_eq!(proof.say.args["made"], "1");
    assert_eq!(
        proof.say.args["reason"],
        "No card was presented at encoder 1 (ED)"
    );
    hotel.keys(&mut encoder, 2).await.expect("the missing ones");
    let all_valid = [(Issue::New, true), (Issue::Copy, true), (Issue::Copy, true)];
    assert_eq!(issues(&hotel.cards()), all_valid);
}

#[tokio::test(start_paused = true)]
async fn two_answers_for_one_card_are_one_key() {
    let hotel = Hotel::new();
    hotel.fault("same-card@2");
    let told = hotel
        .keys(&mut hotel.encoder(SALTO), 2)
        .await
        .expect_err("one card");
    assert_eq!(told.effect().expect("one exists").say.args["made"], "1");
    assert_eq!(hotel.cards().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_message_damaged_once_is_sent_again() {
    let hotel = Hotel::new();
    hotel.fault("nak@1");
    hotel
        .keys(&mut hotel.encoder(ONITY), 2)
        .await
        .expect("the second sending arrived");
    assert_eq!(hotel.cards().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn two_encoders_in_turns_share_what_they_remember() {
    let hotel = Hotel::new();
    let (mut one, mut two) = (hotel.encoder(SALTO), hotel.encoder(SALTO));
    let at_two = |work: &mut KeyWork| work.encoder = Some("2".into());
    hotel.keys(&mut one, 1).await.expect("a key");
    hotel.command(at_two).execute(&mut two).await.expect("keys");
    let valid: Vec<_> = hotel
        .cards()
        .iter()
        .map(|card| (card.encoder.clone(), card.valid))
        .collect();
    assert_eq!(
        valid,
        [("1".into(), true), ("2".into(), true), ("2".into(), true)]
    );
}

#[tokio::test(start_paused = true)]
async fn a_test_cuts_nothing() {
    let hotel = Hotel::new();
    let mut encoder = hotel.encoder(SALTO);
    let test = || Rehearsal::new(&hotel.shelf, test_job());
    let proof = test()
        .execute(&mut encoder)
        .await
        .expect("the link is alive");
    assert_eq!(proof.say.code, "KEY-TEST-OK");
    hotel.fault("silent");
    assert_eq!(
        test()
            .execute(&mut encoder)
            .await
            .expect_err("silent")
            .code(),
        "KEY-NOT-READY"
    );
    hotel.fault("none");
    hotel.keys(&mut encoder, 1).await.expect("a key to read");
    let mut reader = hotel.encoder("profile = \"salto\"\nencoder = \"1\"\ntest = \"read-card\"\n");
    let proof = test().execute(&mut reader).await.expect("a card is read");
    assert_eq!(proof.say.args["what"], "; the card opens 101");
    assert_eq!(hotel.cards().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_encoder_is_freed_after_a_doubt_where_the_site_wants_it() {
    let hotel = Hotel::new();
    let mut encoder = hotel.encoder("profile = \"onity\"\neject_after_doubt = true\n");
    let mut story = hotel.lock.story();
    hotel.fault("answer-lost@1");
    let command = hotel.command(|_| {});
    command.execute(&mut encoder).await.expect_err("a doubt");
    command.reconcile(&mut encoder).await.expect("a verdict");
    let mut lines = Vec::new();
    while let Ok(line) = story.try_recv() {
        lines.push(line);
    }
    assert_eq!(lines.last().map(String::as_str), Some("encoder 1 freed"));
    assert_eq!(hotel.cards().len(), 1);
}

#[test]
fn every_code_has_its_page_and_its_arguments() {
    let page = |code: &str| PAGES.iter().find(|page| page.code == code);
    for code in crate::answer::REFUSALS.into_iter().chain(["XX"]) {
        let refused = Refused {
            code: code.into(),
            text: Some("why".into()),
        };
        let fault = refusal(&refused, "1", "101");
        let page = page(fault.code()).expect("a page");
        for argument in FaultPage::arguments(page) {
            assert!(
                fault.say().args.contains_key(argument),
                "{}: {argument}",
                page.code
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_result_that_comes_before_the_ack_is_not_this_commands() {
    // A late result of the command before, then the ACK to this one, then silence.
    struct LatePeer;
    impl VirtualDevice for LatePeer {
        fn serve(
            self: Arc<Self>,
            mut port: Box<dyn driver_sdk::Port>,
        ) -> futures_util::future::BoxFuture<'static, std::io::Result<()>> {
            use tokio::io::{AsyncReadExt, AsyncWriteExt};
            Box::pin(async move {
                let mut buffer = [0; 256];
                while port.read(&mut buffer).await? > 0 {
                    if buffer[0] == frame::ENQ {
                        port.write_all(&[frame::ACK]).await?;
                    } else {
                        let late = frame::encode(&["CN".into(), "1".into()]).expect("plain");
                        port.write_all(&late).await?;
                        port.write_all(&[frame::ACK]).await?;
                    }
                }
                Ok(())
            })
        }
        fn switch(&self, _: &str, _: &str) -> Result<(), String> {
            Ok(())
        }
        fn effects(&self) -> Vec<driver_sdk::Effect> {
            Vec::new()
        }
        fn story(&self) -> tokio::sync::broadcast::Receiver<String> {
            tokio::sync::broadcast::Sender::new(1).subscribe()
        }
    }
    let link = Link::new(Wire::to(Arc::new(LatePeer)), driver_sdk::Resync::Reopen);
    let config = Config::read(&Settings::from_toml("profile = \"onity\"\n")).expect("good");
    let mut encoder = KeyEncoder::new(config, link, false);
    let command = Rehearsal::new(&Shelf::default(), key_job(|work| work.count = 1));
    let told = command.execute(&mut encoder).await.expect_err("no answer");
    assert_eq!(told.kind(), FaultKind::InDoubt, "{told}");
}

#[test]
fn every_code_is_on_the_page_of_the_driver() {
    let readme = include_str!("../../README.md");
    for page in &PAGES {
        assert!(readme.contains(page.code), "{} is in no table", page.code);
    }
}
