use std::collections::VecDeque;

use driver_sdk::{Abilities, Driver, FaultKind, Job, Work};
use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::ledger::Why;
use crate::plan::Site;
use crate::rehearsal::{Rehearsal, Shelf, key_job};

/// A lock system in three words: what it answers to each card.
#[derive(Debug, Clone)]
enum Word {
    Made(Option<&'static str>),
    Refused,
    Silence,
    MadeThenCancelled(CancellationToken),
    MadeThenTaken(Shelf),
}

struct Encoder {
    words: VecDeque<Word>,
    asked: Vec<(Issue, u32)>,
}

impl Encoder {
    fn with(words: impl IntoIterator<Item = Word>) -> Self {
        Self {
            words: words.into_iter().collect(),
            asked: Vec::new(),
        }
    }
}

struct Maker<'a>(&'a mut Encoder);

impl CardMaker for Maker<'_> {
    fn pages(&self) -> &'static [FaultPage] {
        &faults::PAGES
    }

    async fn ready(&mut self, _: &Run) -> Result<(), Fault> {
        Ok(())
    }

    async fn cut(&mut self, _: Committed<'_>, _: &Run, card: Card<'_>) -> Result<Made, Fault> {
        self.0.asked.push((card.issue, card.number));
        let made = |serial: Option<&str>| {
            Ok(Made {
                grade: Grade::Done,
                serial: serial.map(str::to_owned),
            })
        };
        match self
            .0
            .words
            .pop_front()
            .expect("no more cards than this test expects")
        {
            Word::Made(serial) => made(serial),
            Word::MadeThenCancelled(token) => {
                token.cancel();
                made(None)
            }
            Word::MadeThenTaken(shelf) => {
                shelf.put(
                    "room/101",
                    json!({ "version": "1", "stays": [], "last_new": "x" }),
                );
                made(None)
            }
            Word::Refused => Err(Fault::permanent("KEY-NO-CARD")
                .with("encoder", 1)
                .with("code", "ED")
                .without_effect()),
            Word::Silence => Err(Fault::transient("LINK-SILENT").with("address", "x")),
        }
    }
}

impl Driver for Encoder {
    type Plan = KeyPlan;

    fn abilities(&self) -> Abilities {
        Abilities::default()
    }

    fn prepare(&self, job: &Job) -> Result<KeyPlan, Fault> {
        let Work::Key(work) = &job.work else {
            return Err(job.work.wrong());
        };
        let site = Site {
            limits: crate::order::Limits {
                keys_max: 9,
                days_max: 366,
                rooms_max: 4,
                room_chars_max: 24,
                encoder_chars_max: 40,
                separators: &[],
                encoder: None,
                encoders: Vec::new(),
            },
            api_hosts: Vec::new(),
            mode: None,
            sharers: Sharers::New,
            start_from: crate::local_time::StartFrom::Now,
            answer_timeout: std::time::Duration::from_secs(60),
        };
        KeyPlan::new(job, work, &site, "this", |_| true)
    }

    async fn execute(&mut self, plan: KeyPlan, run: &Run) -> Result<Proof, Fault> {
        carry_out(&plan, &mut Maker(self), run).await
    }

    async fn reconcile(&mut self, attempt: &Attempt, run: &Run) -> Result<Verdict, Fault> {
        cannot_tell(attempt, run)
    }
}

fn made() -> Word {
    Word::Made(None)
}

fn keys(count: i64) -> Job {
    key_job(|work| work.count = count)
}

#[tokio::test]
async fn the_first_card_is_new_and_the_rest_are_copies() {
    let shelf = Shelf::default();
    let mut encoder = Encoder::with([made(), made(), made()]);
    let command = Rehearsal::new(&shelf, keys(3));
    let proof = command.execute(&mut encoder).await.expect("three cards");
    assert_eq!(
        encoder.asked,
        [(Issue::New, 1), (Issue::Copy, 2), (Issue::Copy, 3)]
    );
    assert_eq!(command.progress(), [33, 66, 100]);
    assert_eq!(proof.say.args["keys"], "3 keys");
    assert_eq!(proof.say.args["end"], "30 Mar 2026 12:00");
    let made: Vec<_> = command
        .bookmarks()
        .iter()
        .map(|mark| mark["made"].clone())
        .collect();
    assert_eq!(made, [0, 1, 2]);
}

#[tokio::test]
async fn a_later_command_of_the_stay_copies() {
    let shelf = Shelf::default();
    let mut encoder = Encoder::with([made(), made()]);
    Rehearsal::new(&shelf, keys(1))
        .execute(&mut encoder)
        .await
        .expect("made");
    let second = Rehearsal::new(&shelf, keys(1));
    let proof = second.execute(&mut encoder).await.expect("made");
    assert_eq!(encoder.asked, [(Issue::New, 1), (Issue::Copy, 1)]);
    assert_eq!(
        proof.say.args["how"],
        Why::StayHasKeys.for_people(Issue::Copy)
    );
}

#[tokio::test]
async fn the_first_failure_ends_it_and_what_exists_is_told() {
    let shelf = Shelf::default();
    let mut encoder = Encoder::with([made(), Word::Refused, made()]);
    let fault = Rehearsal::new(&shelf, keys(3))
        .execute(&mut encoder)
        .await
        .expect_err("partly");
    assert_eq!(fault.kind(), FaultKind::Partly);
    let proof = fault.effect().expect("one card exists");
    assert_eq!(
        (
            proof.say.args["made"].as_str(),
            proof.say.args["keys"].as_str()
        ),
        ("1", "3")
    );
    assert_eq!(
        proof.say.args["reason"],
        "No card was presented at encoder 1 (ED)"
    );
    assert_eq!(encoder.asked.len(), 2);
    Rehearsal::new(&shelf, keys(1))
        .execute(&mut encoder)
        .await
        .expect("the missing one");
    assert_eq!(encoder.asked.last(), Some(&(Issue::Copy, 1)));
}

#[tokio::test]
async fn a_refused_first_card_is_nothing_and_the_next_is_new() {
    let shelf = Shelf::default();
    let mut encoder = Encoder::with([Word::Refused, made()]);
    let fault = Rehearsal::new(&shelf, keys(2))
        .execute(&mut encoder)
        .await
        .expect_err("refused");
    assert_eq!(
        (fault.kind(), fault.code()),
        (FaultKind::Permanent, "KEY-NO-CARD")
    );
    Rehearsal::new(&shelf, keys(1))
        .execute(&mut encoder)
        .await
        .expect("made");
    assert_eq!(encoder.asked, [(Issue::New, 1), (Issue::New, 1)]);
}

#[tokio::test]
async fn silence_is_a_doubt_and_the_next_command_makes_a_new_key() {
    let shelf = Shelf::default();
    let mut encoder = Encoder::with([Word::Silence, made()]);
    let command = Rehearsal::new(&shelf, keys(2));
    let fault = command.execute(&mut encoder).await.expect_err("a doubt");
    assert_eq!(fault.kind(), FaultKind::InDoubt);
    let verdict = command.reconcile(&mut encoder).await.expect("a verdict");
    let Verdict::CannotTell { check } = verdict else {
        panic!("nobody can tell: {verdict:?}")
    };
    assert_eq!(check.code, "KEY-DOUBT");
    assert_eq!(check.args["card"], "1");
    let next = Rehearsal::new(&shelf, keys(1))
        .execute(&mut encoder)
        .await
        .expect("made");
    assert_eq!(
        next.say.args["how"],
        Why::EarlierInDoubt.for_people(Issue::New)
    );
}

#[tokio::test]
async fn a_doubtful_copy_leaves_the_stay_its_keys() {
    let shelf = Shelf::default();
    let mut encoder = Encoder::with([made(), Word::Silence, made()]);
    let command = Rehearsal::new(&shelf, keys(2));
    let fault = command.execute(&mut encoder).await.expect_err("a doubt");
    assert_eq!(fault.kind(), FaultKind::InDoubt);
    let Ok(Verdict::CannotTell { check }) = command.reconcile(&mut encoder).await else {
        panic!("nobody can tell")
    };
    assert_eq!(
        (check.args["card"].as_str(), check.args["made"].as_str()),
        ("2", "1")
    );
    Rehearsal::new(&shelf, keys(1))
        .execute(&mut encoder)
        .await
        .expect("made");
    assert_eq!(encoder.asked.last(), Some(&(Issue::Copy, 1)));
}

#[tokio::test]
async fn a_cancel_is_heard_between_cards() {
    let shelf = Shelf::default();
    let command = Rehearsal::new(&shelf, keys(3));
    let mut encoder = Encoder::with([Word::MadeThenCancelled(command.cancelled()), made()]);
    let fault = command.execute(&mut encoder).await.expect_err("partly");
    assert_eq!(fault.kind(), FaultKind::Partly);
    assert_eq!(encoder.asked.len(), 1);
}

#[tokio::test]
async fn a_stop_after_the_commit_and_before_the_first_card_leaves_nothing() {
    let shelf = Shelf::default();
    let command = Rehearsal::new(&shelf, keys(1));
    command.stopping().cancel();
    let mut encoder = Encoder::with([made()]);
    let fault = command.execute(&mut encoder).await.expect_err("stopped");
    assert_eq!(
        (fault.kind(), fault.code()),
        (FaultKind::Permanent, "KEY-STOPPED")
    );
    Rehearsal::new(&shelf, keys(1))
        .execute(&mut encoder)
        .await
        .expect("made");
    assert_eq!(encoder.asked, [(Issue::New, 1)]);
}

#[tokio::test]
async fn no_copy_is_made_once_another_command_has_the_room() {
    let shelf = Shelf::default();
    let mut encoder = Encoder::with([Word::MadeThenTaken(shelf.clone()), made()]);
    let fault = Rehearsal::new(&shelf, keys(2))
        .execute(&mut encoder)
        .await
        .expect_err("partly");
    assert_eq!(fault.kind(), FaultKind::Partly);
    assert_eq!(encoder.asked.len(), 1);
}

#[tokio::test]
async fn one_card_for_two_answers_is_one_card() {
    let shelf = Shelf::default();
    let mut encoder = Encoder::with([Word::Made(Some("04A1")), Word::Made(Some("04A1"))]);
    let fault = Rehearsal::new(&shelf, keys(2))
        .execute(&mut encoder)
        .await
        .expect_err("partly");
    assert_eq!(fault.effect().expect("one exists").say.args["made"], "1");
}

#[tokio::test]
async fn an_unreadable_record_refuses_everything() {
    let shelf = Shelf::default();
    shelf.put("room/101", json!({ "version": "7" }));
    let mut encoder = Encoder::with([made()]);
    let command = Rehearsal::new(&shelf, keys(1));
    let fault = command.execute(&mut encoder).await.expect_err("refused");
    assert_eq!(
        (fault.kind(), fault.code()),
        (FaultKind::Permanent, "KEY-LEDGER-UNREADABLE")
    );
    assert!(encoder.asked.is_empty() && command.bookmarks().is_empty());
}

#[tokio::test]
async fn a_key_under_way_on_another_encoder_makes_this_one_wait() {
    let shelf = Shelf::default();
    let first = Rehearsal::new(&shelf, keys(1));
    let mut encoder = Encoder::with([made()]);
    let plan = encoder.prepare(first.job()).expect("a good order");
    let run = first.run();
    let (decision, ledgers) = decide(&plan, &run).expect("free");
    let second = Rehearsal::new(&shelf, keys(1));
    let other_plan = encoder.prepare(second.job()).expect("a good order");
    let other_run = second.run();
    let (other_decision, other_ledgers) = decide(&other_plan, &other_run).expect("free");
    assert_eq!(other_decision.issue, Issue::New);
    begin_on_shelf(&plan, decision, ledgers, &run);
    run.commit(&Bookmark::begin(&plan, decision, Vec::new()))
        .await
        .expect("the first one commits");
    // The first one's commit falls between the decision and the writing of the second.
    begin_on_shelf(&other_plan, other_decision, other_ledgers, &other_run);
    let refused = other_run
        .commit(&Bookmark::begin(&other_plan, decision, Vec::new()))
        .await;
    assert_eq!(refused.expect_err("seen too late").code(), "SHELF-CONFLICT");
    let again = second.execute(&mut encoder).await.expect_err("it waits");
    assert_eq!(
        (again.kind(), again.code()),
        (FaultKind::Transient, "KEY-UNDER-WAY")
    );
}

/// Two cards, and what another encoder makes of the record between the note of the first and the
/// checkpoint before the second: how it ended, cards asked for, the record.
async fn changed_meanwhile(
    other: impl FnOnce(RoomLedger) -> RoomLedger + Send + 'static,
) -> (Result<Proof, Fault>, usize, RoomLedger) {
    let shelf = Shelf::default();
    let mut encoder = Encoder::with([made(), made()]);
    let command = Rehearsal::new(&shelf, keys(2));
    let key = RoomLedger::key("101");
    command.meanwhile({
        let key = key.clone();
        move |shelf| {
            let ours: RoomLedger = command_record(shelf, &key);
            let theirs = serde_json::to_value(other(ours)).expect("plain data");
            shelf.put(&key, theirs);
        }
    });
    let ended = command.execute(&mut encoder).await;
    (ended, encoder.asked.len(), command_record(&shelf, &key))
}

fn command_record(shelf: &Shelf, key: &str) -> RoomLedger {
    let value = shelf.get(key).expect("a record");
    serde_json::from_value(value).expect("of this shape")
}

#[tokio::test]
async fn a_new_key_of_another_encoder_before_the_checkpoint_ends_the_order() {
    let theirs = |_| {
        let now = crate::rehearsal::at("2026-03-28T14:05:00Z");
        let claim = Claim {
            command: "theirs",
            stay: Some("52999"),
            until: now,
            now,
            ordered: now,
            mode: Mode::Auto,
            sharers: Sharers::New,
        };
        RoomLedger::default()
            .begin_new(&claim, now)
            .made_new(&claim)
    };
    let (ended, asked, record) = changed_meanwhile(theirs).await;
    let fault = ended.expect_err("partly");
    assert_eq!(fault.kind(), FaultKind::Partly);
    assert_eq!(fault.effect().expect("one exists").say.args["made"], "1");
    assert_eq!(asked, 1, "a copy of a key that works no more");
    assert_eq!(record, theirs(record.clone()), "their record was lost");
}

#[tokio::test]
async fn a_change_before_the_checkpoint_that_harms_nobody_does_not_end_the_order() {
    let (ended, asked, _) = changed_meanwhile(|record| record).await;
    ended.expect("two keys");
    assert_eq!(asked, 2);
}

/// One card, and what another encoder makes of the record between the note of it and the end.
async fn changed_before_the_end(
    shelf: &Shelf,
    other: impl FnOnce(RoomLedger) -> RoomLedger + Send + 'static,
) -> RoomLedger {
    let mut encoder = Encoder::with([made()]);
    let command = Rehearsal::new(shelf, keys(1));
    let key = RoomLedger::key("101");
    command.meanwhile({
        let key = key.clone();
        move |shelf| {
            let theirs = other(command_record(shelf, &key));
            shelf.put(&key, serde_json::to_value(theirs).expect("plain data"));
        }
    });
    let ended = command.execute(&mut encoder).await;
    ended.expect("the card exists, whatever the record says");
    command_record(shelf, &key)
}

fn claim_of<'a>(command: &'a str, stay: &'a str) -> Claim<'a> {
    let now = crate::rehearsal::at("2026-03-28T14:05:00Z");
    Claim {
        command,
        stay: Some(stay),
        until: now + jiff::SignedDuration::from_hours(24),
        now,
        ordered: now,
        mode: Mode::Auto,
        sharers: Sharers::New,
    }
}

/// Without the rule this one's note would replace the other's beginning: the other's new key would
/// then be nobody's, and this stay would get copies of a card that works no more.
#[tokio::test]
async fn a_new_key_that_another_encoder_begins_before_the_end_stays_on_record() {
    let shelf = Shelf::default();
    let theirs = claim_of("theirs", "52999");
    let later = theirs.now + jiff::SignedDuration::from_mins(5);
    let begins = move |record: RoomLedger| record.begin_new(&claim_of("theirs", "52999"), later);
    let record = changed_before_the_end(&shelf, begins).await;
    let made = record.clone().made_new(&theirs);
    assert_ne!(made, record, "their beginning was lost");
    assert!(made.allows_another_copy(&theirs), "{made:?}");
}

/// Two copies for one stay on two encoders: both are counted.
#[tokio::test]
async fn copies_on_two_encoders_that_end_together_are_both_on_record() {
    let shelf = Shelf::default();
    let first = Rehearsal::new(&shelf, keys(1));
    first
        .execute(&mut Encoder::with([made()]))
        .await
        .expect("made");
    let before = command_record(&shelf, &RoomLedger::key("101"));
    let cards = |record: &RoomLedger| {
        let record = serde_json::to_value(record).expect("plain data");
        record["stays"][0]["cards"].as_u64().expect("a number")
    };
    let stay = serde_json::to_value(&before).expect("plain data")["stays"][0]["stay"]
        .as_str()
        .expect("a stay")
        .to_owned();
    let theirs = move |record: RoomLedger| record.copied(&claim_of("theirs", &stay));
    let record = changed_before_the_end(&shelf, theirs).await;
    assert_eq!(cards(&record), cards(&before) + 2, "{record:?}");
}

#[tokio::test]
async fn a_second_command_within_a_minute_is_carried_out_and_told() {
    let shelf = Shelf::default();
    let mut encoder = Encoder::with([made(), made(), made()]);
    let mut told = Vec::new();
    for seconds in [0, 20, 90] {
        let mut job = keys(1);
        job.created += std::time::Duration::from_secs(seconds);
        job.now += std::time::Duration::from_secs(seconds);
        let command = Rehearsal::new(&shelf, job);
        let proof = command.execute(&mut encoder).await.expect("made");
        told.push(proof.say.args["more"].clone());
    }
    assert_eq!(encoder.asked.len(), 3, "nothing is merged silently");
    let twice =
        "; keys of this stay were ordered 20 s before already, look whether it was sent twice";
    assert_eq!(told, ["", twice, ""]);
}

#[tokio::test]
async fn a_mobile_key_that_was_wanted_too_is_told_as_not_sent() {
    let data = r#"{"MobileKeys":"true","EncoderKeys":"true"}"#;
    let job = key_job(|work| work.data = Some(data.to_owned().into()));
    let mut encoder = Encoder::with([made(), made()]);
    let command = Rehearsal::new(&Shelf::default(), job);
    let proof = command.execute(&mut encoder).await.expect("made");
    assert_eq!(proof.say.args["more"], "; no mobile key was sent");
}

#[tokio::test]
async fn what_cannot_be_written_down_before_the_next_card_ends_it_and_what_exists_is_told() {
    let shelf = Shelf::default();
    let mut encoder = Encoder::with([made(), made()]);
    let command = Rehearsal::new(&shelf, keys(2));
    command.refuse_checkpoints("JOURNAL-UNWRITABLE");
    let fault = command.execute(&mut encoder).await.expect_err("partly");
    let proof = fault.effect().expect("one exists, and that is known");
    assert_eq!(proof.say.args["made"], "1");
    assert_eq!(encoder.asked.len(), 1);
    Rehearsal::new(&shelf, keys(1))
        .execute(&mut encoder)
        .await
        .expect("the missing one");
    assert_eq!(encoder.asked.last(), Some(&(Issue::Copy, 1)));
}
