//! The last gate, and what is staged for the shelf.

use super::*;

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
