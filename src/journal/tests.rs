use std::collections::BTreeSet;
use std::time::Duration;

use driver_sdk::{Class, CommandId, DeviceName, Grade, Proof, Say, Staged};
use jiff::Timestamp;
use serde_json::json;

use super::*;
use crate::life::{Outcome, Said, Stage};

mod gates;
mod opening;
mod sharing;
mod trail;

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
