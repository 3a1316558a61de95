use std::collections::BTreeSet;
use std::time::Duration;

use driver_sdk::{Class, CommandId, DeviceName, Grade, Proof, Say, Staged};
use jiff::Timestamp;
use serde_json::json;

use super::*;
use crate::life::{Outcome, Said, Stage};

fn at(seconds: u64) -> Timestamp {
    Timestamp::UNIX_EPOCH + Duration::from_secs(seconds)
}

fn command(created: u64) -> NewCommand {
    NewCommand {
        id: CommandId::local(),
        property: "main".to_owned(),
        device: DeviceName::new("bar"),
        device_title: "Bar".to_owned(),
        class: Class::Printer,
        created: at(created),
        expires: None,
        said: Said::Nothing,
        local: false,
        repeat: false,
        outcome: None,
    }
}

fn gate(now: u64) -> Gate {
    Gate {
        scope: "s".to_owned(),
        now: at(now),
        staged: Staged::default(),
    }
}

fn done() -> Outcome {
    Outcome::done(Proof::new(Grade::Done, Say::new("P").with("copies", 2)))
}

struct Place {
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        Self {
            folder: tempfile::tempdir().expect("a folder"),
        }
    }
    fn path(&self) -> std::path::PathBuf {
        self.folder.path().join("journal.db")
    }
    fn open(&self) -> Core {
        Core::open(&self.path(), Options::default(), at(0))
            .expect("opens")
            .0
    }
}

#[test]
fn a_known_id_is_nothing_new() {
    let mut core = Place::new().open();
    let new = command(1);
    assert_eq!(
        core.accept(std::slice::from_ref(&new), at(1))
            .expect("disk"),
        [Accepted::New]
    );
    assert_eq!(
        core.accept(std::slice::from_ref(&new), at(2))
            .expect("disk"),
        [Accepted::Known]
    );
    assert_eq!(core.waiting(&new.device, 10).expect("disk").len(), 1);
}

#[test]
fn the_line_is_in_order_of_creation_then_of_first_sight() {
    let mut core = Place::new().open();
    let (a, b, c) = (command(5), command(3), command(3));
    core.accept(&[a.clone(), b.clone(), c.clone()], at(9))
        .expect("disk");
    let order: Vec<_> = core
        .waiting(&a.device, 9)
        .expect("disk")
        .iter()
        .map(|row| row.entry.id)
        .collect();
    assert_eq!(order, [b.id, c.id, a.id]);
}

#[test]
fn a_life_survives_closing_and_opening() {
    let place = Place::new();
    let new = command(1);
    {
        let mut core = place.open();
        core.accept(std::slice::from_ref(&new), at(1))
            .expect("disk");
        core.payloads()
            .write(new.id, b"{}", Some(b"doc"))
            .expect("disk");
        let mut first = gate(2);
        first.staged.put.insert("k".to_owned(), json!(1));
        assert_eq!(
            core.commit(new.id, &json!({"n": 1}), &first).expect("disk"),
            Ok(1)
        );
    }
    {
        let mut core = place.open();
        let rows = core.committed(&new.device).expect("disk");
        let Stage::Committed {
            attempt: 1,
            bookmark,
        } = &rows[0].entry.stage
        else {
            panic!("committed")
        };
        assert_eq!(bookmark.0, json!({"n": 1}));
        assert_eq!(
            core.shelf("s", "k").expect("disk").expect("there").version,
            1
        );
        assert!(core.settle(new.id, &done(), &gate(3)).expect("disk"));
        assert!(
            !core.settle(new.id, &done(), &gate(3)).expect("disk"),
            "settled once"
        );
    }
    let mut core = place.open();
    assert_eq!(
        core.unreported("main", &BTreeSet::new(), 9)
            .expect("disk")
            .len(),
        1
    );
    assert!(core.payloads().read(new.id).expect("disk").is_some());
    core.reported(
        new.id,
        &PmsState("Processed".to_owned()),
        "Bar: printed.",
        at(4),
    )
    .expect("disk");
    assert!(
        core.payloads().read(new.id).expect("disk").is_none(),
        "the payload is dropped"
    );
    assert_eq!(
        core.unreported("main", &BTreeSet::new(), 9)
            .expect("disk")
            .len(),
        0
    );
    assert_eq!(
        core.purge(at(4)).expect("disk"),
        0,
        "kept to the end of its time"
    );
    assert_eq!(core.purge(at(5)).expect("disk"), 1);
}

#[test]
fn the_last_gate_refuses_cancelled_expired_and_conflicts() {
    let mut core = Place::new().open();
    let mut old = command(1);
    old.expires = Some(at(10));
    let cancelled = command(1);
    let racing = command(1);
    core.accept(&[old.clone(), cancelled.clone(), racing.clone()], at(1))
        .expect("disk");
    assert!(
        core.request_cancel(cancelled.id, "Mews", at(2))
            .expect("disk")
    );
    let commit = |core: &mut Core, id, gate: &Gate| core.commit(id, &json!(1), gate);
    assert_eq!(
        commit(&mut core, old.id, &gate(10)).expect("disk"),
        Err(Refusal::Expired)
    );
    assert_eq!(
        commit(&mut core, cancelled.id, &gate(2)).expect("disk"),
        Err(Refusal::Cancelled)
    );
    let mut stale = gate(2);
    stale.staged.read.insert("k".to_owned(), 3);
    assert_eq!(
        commit(&mut core, racing.id, &stale).expect("disk"),
        Err(Refusal::ShelfConflict)
    );
    assert_eq!(commit(&mut core, racing.id, &gate(2)).expect("disk"), Ok(1));
    assert_eq!(
        commit(&mut core, racing.id, &gate(2)).expect("disk"),
        Err(Refusal::NotAccepted)
    );
}

/// Two encoders of one lock system: what one reads after its commit, the other changes.
#[test]
fn a_checkpoint_is_refused_when_a_shelf_value_has_changed_since_it_was_read() {
    let mut core = Place::new().open();
    let (ours, theirs) = (command(1), command(2));
    core.accept(&[ours.clone(), theirs.clone()], at(1))
        .expect("disk");
    let put = |value: &str| {
        let mut gate = gate(2);
        gate.staged.put.insert("room".to_owned(), json!(value));
        gate
    };
    core.commit(ours.id, &json!(0), &put("ours"))
        .expect("disk")
        .expect("gate");
    let read = core.shelf("s", "room").expect("disk").expect("written");
    core.commit(theirs.id, &json!(0), &put("theirs"))
        .expect("disk")
        .expect("gate");

    let mut stale = put("ours again");
    stale.staged.read.insert("room".to_owned(), read.version);
    stale.staged.audit.push(("what".to_owned(), json!(1)));
    assert_eq!(
        core.checkpoint(ours.id, &json!(1), &stale).expect("disk"),
        Err(Refusal::ShelfConflict)
    );
    let now = core.shelf("s", "room").expect("disk").expect("written");
    assert_eq!(now.value, json!("theirs"));
    let row = core.row(ours.id).expect("disk").expect("known");
    assert_eq!(row.bookmark.expect("committed").0, json!(0), "it moved on");

    let mut fresh = put("both");
    fresh.staged.read.insert("room".to_owned(), now.version);
    assert_eq!(
        core.checkpoint(ours.id, &json!(1), &fresh).expect("disk"),
        Ok(())
    );
    let now = core.shelf("s", "room").expect("disk").expect("written");
    assert_eq!(now.value, json!("both"));
}

/// An attempt's view of the shelf, at one moment.
struct Shown(Option<driver_sdk::ShelfRead>);

impl driver_sdk::Host for Shown {
    fn commit(
        &self,
        _: serde_json::Value,
        _: Staged,
    ) -> futures_util::future::BoxFuture<'_, Result<(), driver_sdk::Fault>> {
        Box::pin(async { Ok(()) })
    }
    fn checkpoint(
        &self,
        _: serde_json::Value,
        _: Staged,
    ) -> futures_util::future::BoxFuture<'_, Result<(), driver_sdk::Fault>> {
        Box::pin(async { Ok(()) })
    }
    fn progress(&self, _: u8) {}
    fn waiting(&self, _: driver_sdk::Fault) {}
    fn shelf(&self, _: &str) -> Option<driver_sdk::ShelfRead> {
        self.0.clone()
    }
}

/// What an attempt stages that reads the shelf now.
fn staged(core: &Core, work: impl FnOnce(&driver_sdk::Run)) -> Staged {
    let read = core.shelf("s", "room").expect("disk");
    let run = driver_sdk::Run::new(
        std::sync::Arc::new(Shown(read)),
        Duration::from_secs(60),
        Duration::from_secs(60),
        tokio_util::sync::CancellationToken::new(),
        tokio_util::sync::CancellationToken::new(),
    );
    work(&run);
    run.take_staged()
}

/// Two encoders of one lock system end at the same moment: each has read the record before the
/// other's note. Both are settled as what they are, and both notes are on record.
#[test]
fn an_effect_is_settled_beside_what_another_device_has_noted_meanwhile() {
    let place = Place::new();
    let mut core = place.open();
    let (ours, theirs, third) = (command(1), command(2), command(3));
    core.accept(&[ours.clone(), theirs.clone(), third.clone()], at(1))
        .expect("disk");
    for id in [ours.id, theirs.id, third.id] {
        core.commit(id, &json!(0), &gate(2))
            .expect("disk")
            .expect("gate");
    }
    let noting = |name: &'static str| {
        move |run: &driver_sdk::Run| {
            let note = move |mut notes: Vec<String>| {
                notes.push(name.to_owned());
                Some(notes)
            };
            run.amend("room", note).expect("a list");
        }
    };
    let of_ours = staged(&core, noting("ours"));
    let of_theirs = staged(&core, noting("theirs"));
    let of_third = staged(&core, |run| {
        let notes: Option<Vec<String>> = run.shelf("room");
        assert!(notes.is_none());
        run.put("room", &["third"]);
    });
    for (id, staged) in [
        (ours.id, of_ours),
        (theirs.id, of_theirs),
        (third.id, of_third),
    ] {
        let gate = Gate { staged, ..gate(3) };
        assert!(core.settle(id, &done(), &gate).expect("disk"));
        let row = core.row(id).expect("disk").expect("known");
        assert!(matches!(row.entry.stage, Stage::Settled(outcome) if outcome == done()));
    }
    let record = core.shelf("s", "room").expect("disk").expect("written");
    assert_eq!(record.value, json!(["ours", "theirs"]));
    // It is told where somebody looks for it.
    let reader = Reader::open(&place.path()).expect("it is there");
    let told = |id| {
        let story = reader.story(id).expect("disk");
        let shelf = story.into_iter().find(|step| step.what == "shelf");
        shelf.map(|step| step.detail)
    };
    assert_eq!(told(ours.id), None);
    assert_eq!(
        told(theirs.id).as_deref(),
        Some("room: both records were kept")
    );
    let kept = "room: the other device's record was kept";
    assert_eq!(told(third.id).as_deref(), Some(kept));
}

/// A rule that panics, or meets what it cannot read, leaves the other's record and settles.
#[test]
fn a_rule_that_fails_leaves_the_others_record_and_stops_nothing() {
    let mut core = Place::new().open();
    let (ours, theirs) = (command(1), command(2));
    core.accept(&[ours.clone(), theirs.clone()], at(1))
        .expect("disk");
    for id in [ours.id, theirs.id] {
        core.commit(id, &json!(0), &gate(2))
            .expect("disk")
            .expect("gate");
    }
    let staged = staged(&core, |run| {
        let rule = |number: u64| {
            assert_eq!(number, 0, "a rule that expects what it has read");
            Some(number + 1)
        };
        run.amend("room", rule).expect("nothing there");
    });
    let mut other = gate(3);
    other.staged.put.insert("room".to_owned(), json!(7));
    core.settle(theirs.id, &done(), &other).expect("disk");
    let gate = Gate { staged, ..gate(4) };
    assert!(core.settle(ours.id, &done(), &gate).expect("disk"));
    let record = core.shelf("s", "room").expect("disk").expect("written");
    assert_eq!(record.value, json!(7));
}

#[test]
fn an_unconfirmed_one_stays_open_until_it_is_resolved() {
    let mut core = Place::new().open();
    let new = command(1);
    core.accept(std::slice::from_ref(&new), at(1))
        .expect("disk");
    core.commit(new.id, &json!(7), &gate(2))
        .expect("disk")
        .expect("gate");
    core.settle(new.id, &Outcome::unconfirmed(Say::new("LOOK")), &gate(3))
        .expect("disk");
    core.reported(
        new.id,
        &PmsState("Error".to_owned()),
        "UNCONFIRMED: …",
        at(4),
    )
    .expect("disk");
    assert_eq!(
        core.purge(at(9)).expect("disk"),
        0,
        "an open doubt is never purged"
    );
    let doubts = core.doubts(&new.device).expect("disk");
    assert!(matches!(&doubts[0].entry.stage, Stage::Reported { doubt: Some(b) } if b.0 == 7));
    assert!(
        core.resolve(new.id, Some(&done()), "happened", &gate(5))
            .expect("disk")
    );
    assert!(
        !core
            .resolve(new.id, Some(&done()), "happened", &gate(5))
            .expect("disk")
    );
    assert!(core.doubts(&new.device).expect("disk").is_empty());
    assert_eq!(core.purge(at(9)).expect("disk"), 1);
}

#[test]
fn a_second_worker_is_refused_and_a_reader_is_not() {
    let place = Place::new();
    let mut core = place.open();
    core.accept(&[command(1)], at(1)).expect("disk");
    let second = Core::open(&place.path(), Options::default(), at(0));
    assert!(matches!(second, Err(OpenError::SecondWorker { .. })));
    let reader = Reader::open(&place.path()).expect("readers may");
    assert_eq!(reader.queue(5).expect("disk").len(), 1);
}

/// Somebody asks for the status in the moment in which the service starts.
#[test]
fn who_only_looks_whether_a_worker_runs_keeps_none_from_starting() {
    let place = Place::new();
    drop(place.open());
    let ends = std::sync::atomic::AtomicBool::new(false);
    let order = std::sync::atomic::Ordering::Relaxed;
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !ends.load(order) {
                    let _ = worker_runs(&place.path());
                }
            });
        }
        let refused = (0..50)
            .filter(|_| Core::open(&place.path(), Options::default(), at(0)).is_err())
            .count();
        ends.store(true, order);
        assert_eq!(refused, 0);
    });
}

#[test]
fn a_lost_journal_is_refused_and_replaced_only_on_demand() {
    let place = Place::new();
    drop(place.open());
    std::fs::remove_file(place.path()).expect("removed");
    let refused = Core::open(&place.path(), Options::default(), at(50));
    assert!(matches!(refused, Err(OpenError::Lost { .. })));
    let options = Options { new_journal: true };
    let (core, found) = Core::open(&place.path(), options, at(50)).expect("on demand");
    drop(core);
    assert!(found.replaced && found.fresh && found.made == at(50) && !found.sure);
    let (_core, found) = Core::open(&place.path(), Options::default(), at(60)).expect("again");
    assert!(found.replaced && !found.fresh && found.made == at(50));
    assert!(found.may_have_been_begun(at(49), false));
    assert!(!found.may_have_been_begun(at(50), true));
}

/// A journal whose making broke off, or a file that lost its content, remembers nothing: it is as lost
/// as one that is gone.
#[test]
fn a_journal_without_content_is_a_lost_one() {
    let place = Place::new();
    drop(place.open());
    for ending in ["-wal", "-shm"] {
        let _ = std::fs::remove_file(format!("{}{ending}", place.path().display()));
    }
    std::fs::write(place.path(), b"").expect("ours");
    let refused = Core::open(&place.path(), Options::default(), at(9));
    assert!(
        matches!(refused, Err(OpenError::Lost { .. })),
        "{refused:?}"
    );
    let refused = Core::open(&place.path(), Options::default(), at(9));
    assert!(
        matches!(refused, Err(OpenError::Lost { .. })),
        "a refusal changes nothing: {refused:?}"
    );
    let (_, found) =
        Core::open(&place.path(), Options { new_journal: true }, at(9)).expect("a person said so");
    assert!(found.replaced && found.fresh, "{found:?}");
}

#[test]
fn what_a_person_tries_again_is_not_reported_and_what_is_reported_is_not_tried_again() {
    let mut core = Place::new().open();
    let failed = Outcome::failed(Say::new("X"));
    let [again, told, foreign] = [command(1), command(2), command(3)];
    for new in [&again, &told, &foreign] {
        core.accept(std::slice::from_ref(new), at(1)).expect("disk");
        core.settle(new.id, &failed, &gate(2)).expect("disk");
    }
    assert!(core.retry(again.id, at(3)).expect("disk"));
    let late = core.about_to_report(again.id).expect("disk");
    assert!(late.is_none(), "the teller had read it before");
    let row = core.about_to_report(told.id).expect("disk");
    assert!(row.is_some_and(|row| row.entry.id == told.id));
    assert!(core.about_to_report(told.id).expect("disk").is_some());
    assert!(!core.retry(told.id, at(3)).expect("disk"));
    // Somebody else ended it in Mews.
    let state = PmsState("Processed".to_owned());
    core.seen_in_pms(foreign.id, &state).expect("disk");
    assert!(!core.retry(foreign.id, at(3)).expect("disk"));
}

#[test]
fn local_work_in_a_long_line_is_found() {
    let mut core = Place::new().open();
    let line: Vec<_> = (1..100).map(command).collect();
    core.accept(&line, at(1)).expect("disk");
    let bar = &line[0].device;
    assert!(!core.has_local(bar).expect("disk"));
    let own = NewCommand::local("main", bar, String::new(), Class::Printer, at(200));
    core.accept(std::slice::from_ref(&own), at(200))
        .expect("disk");
    assert!(core.has_local(bar).expect("disk"));
    core.settle(own.id, &done(), &gate(201)).expect("disk");
    assert!(!core.has_local(bar).expect("disk"));
}

#[tokio::test]
async fn a_step_that_panics_harms_no_other() {
    let place = Place::new();
    let new = command(1);
    for inline in [false, true] {
        let core = place.open();
        let journal = if inline {
            Journal::inline(core)
        } else {
            Journal::on_a_thread(core).expect("a thread")
        };
        let accept = new.clone();
        journal
            .with(move |core| core.accept(&[accept], at(1)))
            .await
            .expect("disk");
        let (id, half) = (
            new.id,
            Outcome::partly(Proof::new(Grade::Done, Say::new("P"))),
        );
        // In part, without an attempt: no such step exists.
        let odd = journal
            .with(move |core| core.settle(id, &half, &gate(2)))
            .await;
        assert!(matches!(odd, Err(JournalError::BrokeOff)), "{odd:?}");
        let row = journal.with(move |core| core.row(id)).await.expect("disk");
        let stage = row.expect("it is there").entry.stage;
        assert_eq!(stage, Stage::Accepted { attempts: 0 });
        journal.with(Core::probe).await.expect("disk");
        let odd = journal.look::<()>(|_| panic!("a look that fails")).await;
        assert!(matches!(odd, Err(JournalError::BrokeOff)), "{odd:?}");
        let row = journal.look(move |core| core.row(id)).await.expect("disk");
        assert!(row.is_some());
        drop(journal);
        let gone = async {
            while let Err(OpenError::SecondWorker { .. }) =
                Core::open(&place.path(), Options::default(), at(0))
            {
                tokio::task::yield_now().await;
            }
        };
        gone.await;
    }
}

#[test]
fn the_birth_of_a_journal_is_the_clouds_word_and_the_first_one_stands() {
    let place = Place::new();
    let mut core = place.open();
    assert_eq!(core.born(at(3_000)).expect("disk"), at(3_000));
    assert_eq!(core.born(at(9_000)).expect("disk"), at(3_000));
    drop(core);
    let (_core, found) = Core::open(&place.path(), Options::default(), at(0)).expect("again");
    assert!(found.sure && found.made == at(3_000));
    assert!(found.may_have_been_begun(at(2_999), true));
}

#[test]
fn the_order_of_reports_is_errors_then_money_and_keys_then_age() {
    let mut core = Place::new().open();
    let (paper, mut key, late) = (command(1), command(2), command(3));
    key.class = Class::KeyCutter;
    core.accept(&[paper.clone(), key.clone(), late.clone()], at(4))
        .expect("disk");
    for command in [&paper, &key] {
        core.commit(command.id, &json!(0), &gate(5))
            .expect("disk")
            .expect("gate");
        core.settle(command.id, &done(), &gate(6)).expect("disk");
    }
    core.settle(late.id, &Outcome::failed(Say::new("X")), &gate(6))
        .expect("disk");
    let order: Vec<_> = core
        .unreported("main", &BTreeSet::new(), 9)
        .expect("disk")
        .iter()
        .map(|row| row.entry.id)
        .collect();
    assert_eq!(order, [late.id, key.id, paper.id]);
}

/// A journal whose trail has so many lines, one each second.
fn with_trail(place: &Place, lines: u64) -> (Core, Reader) {
    let mut core = place.open();
    let new = command(1);
    core.accept(std::slice::from_ref(&new), at(1))
        .expect("disk");
    for n in 1..=lines {
        let mut gate = gate(n);
        gate.staged
            .audit
            .push(("document".to_owned(), json!({"number": n})));
        core.stage(new.id, &gate).expect("disk");
    }
    let reader = Reader::open(&place.path()).expect("readers may");
    (core, reader)
}

#[test]
fn the_audit_chain_notices_a_changed_and_a_cut_line() {
    use AuditBreak::{Changed, End, Missing};
    let whole = "SELECT 1";
    let cases: [(&str, &[AuditBreak]); 9] = [
        (whole, &[]),
        ("DELETE FROM audit WHERE number = 5", &[Missing(5, 5)]),
        ("DELETE FROM audit WHERE number IN (2, 3)", &[Missing(2, 3)]),
        ("DELETE FROM audit WHERE number = 1", &[Missing(1, 1)]),
        ("DELETE FROM audit", &[Missing(1, 5)]),
        (
            "UPDATE audit SET record = '{}' WHERE number IN (1, 4)",
            &[Changed(1), Changed(4)],
        ),
        (
            "UPDATE audit SET at_us = at_us + 1 WHERE number = 2",
            &[Changed(2)],
        ),
        (
            "UPDATE audit SET record = x'00ff' WHERE number = 2",
            &[Changed(2)],
        ),
        (
            "UPDATE meta SET value = '5 00' WHERE key = 'audit_head'",
            &[End(5)],
        ),
    ];
    for (sql, breaks) in cases {
        let place = Place::new();
        let (core, reader) = with_trail(&place, 5);
        core.connection.execute_batch(sql).expect("ours");
        assert_eq!(reader.verify_audit().expect("disk").breaks, breaks, "{sql}");
    }
}

#[test]
fn audit_lines_are_kept_for_their_own_time_and_the_rest_stays_a_chain() {
    let place = Place::new();
    let (mut core, reader) = with_trail(&place, 5);
    core.purge(at(1_000)).expect("disk");
    assert_eq!(reader.verify_audit().expect("disk").last, 5);
    assert_eq!(core.purge_audit(at(1)).expect("disk"), 0);
    assert_eq!(core.purge_audit(at(4)).expect("disk"), 3);
    let check = reader.verify_audit().expect("disk");
    assert_eq!((check.removed, check.last), (3, 5));
    assert_eq!(check.breaks, []);
    let mut numbers = Vec::new();
    let all = reader.audit(Timestamp::MIN, Timestamp::MAX, |line| {
        numbers.push(line.number);
    });
    all.expect("disk");
    assert_eq!(numbers, [4, 5]);

    // All of it grown old: the next line goes on where the chain was.
    assert_eq!(core.purge_audit(at(9)).expect("disk"), 2);
    assert_eq!(reader.verify_audit().expect("disk").breaks, []);
    let mut gate = gate(10);
    gate.staged.audit.push(("document".to_owned(), json!({})));
    core.stage(command(1).id, &gate).expect("disk");
    let check = reader.verify_audit().expect("disk");
    assert_eq!((check.removed, check.last), (5, 6));
    assert_eq!(check.breaks, []);
}

#[tokio::test]
async fn a_handle_does_the_same_on_a_thread_and_inline() {
    for inline in [true, false] {
        let place = Place::new();
        let core = place.open();
        let journal = if inline {
            Journal::inline(core)
        } else {
            Journal::on_a_thread(core).expect("a thread")
        };
        let new = command(1);
        let device = new.device.clone();
        journal
            .with(move |core| core.accept(&[new], at(1)))
            .await
            .expect("disk");
        let rows = journal
            .with(move |core| core.waiting(&device, 1))
            .await
            .expect("disk");
        assert_eq!(rows.len(), 1);
    }
}

/// Commits a command, accepted before.
fn commits(core: &mut Core, id: CommandId) -> Result<u32, JournalError> {
    let refused = |refusal| panic!("not refused: {refusal:?}");
    core.commit(id, &json!(1), &gate(2))
        .map(|done| done.unwrap_or_else(refused))
}

#[test]
fn steps_that_share_a_sync_are_written_together() {
    let place = Place::new();
    let mut core = place.open();
    let window = core.window().expect("a second look");
    let new = [command(1), command(2), command(3)];
    core.accept(&new, at(1)).expect("disk");
    let begun = || {
        let seen = window.at_one_moment(|core| core.committed(&new[0].device));
        seen.expect("disk").len()
    };
    core.share();
    core.tell(new[0].id, "a plain step", "is no reason to sync", at(1))
        .expect("disk");
    assert!(!core.is_shared());
    commits(&mut core, new[0].id).expect("disk");
    commits(&mut core, new[1].id).expect("disk");
    assert!(core.is_shared());
    // Nobody may be told of what is not on the disk.
    assert_eq!(begun(), 0);
    core.share_ends().expect("disk");
    assert_eq!(begun(), 2);
    commits(&mut core, new[2].id).expect("disk");
    assert_eq!(begun(), 3);
}

#[test]
fn a_refused_step_takes_no_other_with_it() {
    let place = Place::new();
    let mut core = place.open();
    let new = [command(1), command(2)];
    core.accept(&new, at(1)).expect("disk");
    core.share();
    commits(&mut core, new[0].id).expect("disk");
    let again = core.commit(new[0].id, &json!(2), &gate(3)).expect("disk");
    assert_eq!(again, Err(Refusal::NotAccepted));
    commits(&mut core, new[1].id).expect("disk");
    core.share_ends().expect("disk");
    assert_eq!(core.committed(&new[0].device).expect("disk").len(), 2);
}

#[test]
fn a_full_disk_refuses_all_that_share_a_sync() {
    let place = Place::new();
    let mut core = place.open();
    let new = [command(1), command(2), command(3)];
    core.accept(&new, at(1)).expect("disk");
    let pages = |core: &Core| -> i64 {
        core.connection
            .pragma_query_value(None, "page_count", |row| row.get(0))
            .expect("a number")
    };
    let limit = |core: &Core, pages: i64| {
        core.connection
            .pragma_update(None, "max_page_count", pages)
            .expect("a limit");
    };
    limit(&core, pages(&core));
    core.share();
    commits(&mut core, new[0].id).expect("it has room in its page");
    let long = json!("x".repeat(100_000));
    core.commit(new[1].id, &long, &gate(2))
        .expect_err("the disk is full");
    // SQLite may have given up the whole transaction, or the one step alone.
    let (after, end) = (commits(&mut core, new[2].id).is_ok(), core.share_ends());
    let written = core.committed(&new[0].device).expect("readable").len();
    let told = match end {
        Ok(()) => 1 + usize::from(after),
        Err(_) => 0,
    };
    assert_eq!(written, told, "what was told is what is written");
    limit(&core, 1_000_000);
    if written == 0 {
        commits(&mut core, new[0].id).expect("there is room again");
    }
}

#[test]
fn a_transaction_that_could_not_be_rolled_back_stops_no_later_step() {
    let place = Place::new();
    let mut core = place.open();
    let new = [command(1), command(2)];
    let left = |core: &Core| {
        let open = core.connection.execute_batch("BEGIN IMMEDIATE");
        open.expect("nothing else writes");
    };
    left(&core);
    core.accept(&new, at(1)).expect("it is rolled back first");
    left(&core);
    core.share();
    commits(&mut core, new[0].id).expect("and before a shared one");
    core.share_ends().expect("disk");
    assert_eq!(core.committed(&new[0].device).expect("disk").len(), 1);
}

#[tokio::test]
async fn everybody_who_shares_a_sync_is_answered() {
    let place = Place::new();
    let journal = Journal::on_a_thread(place.open()).expect("a thread");
    let new: Vec<_> = (0..200).map(command).collect();
    let ids: Vec<_> = new.iter().map(|new| new.id).collect();
    journal
        .with(move |core| core.accept(&new, at(1)))
        .await
        .expect("disk");
    let steps = ids.iter().map(|id| {
        (
            *id,
            journal.with({
                let id = *id;
                move |core| commits(core, id)
            }),
        )
    });
    let steps = steps.map(|(id, step)| async move { (id, step.await.expect("disk")) });
    for (id, attempt) in futures_util::future::join_all(steps.collect::<Vec<_>>()).await {
        assert_eq!(attempt, 1);
        let row = journal.look(move |core| core.row(id)).await.expect("disk");
        let stage = row.expect("known").entry.stage;
        assert!(matches!(stage, Stage::Committed { .. }), "{stage:?}");
    }
}
