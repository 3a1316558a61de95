//! The worker's own memory: a journal that is lost, a payload that is gone, a disk that is full.

use std::collections::BTreeSet;

use jiff::SignedDuration;
use nightporter::assemble::AssembleError;
use nightporter::journal::{OpenError, Options};
use nightporter::sandbox::{CommandState, DeviceKind, KeyRequest};
use uuid::Uuid;

use crate::house::{House, within};
use crate::puppet::{Mode, Puppet};

struct Hotel {
    house: House,
    puppets: [Puppet; 3],
    devices: [Uuid; 3],
}

/// A printer, an encoder, a fiscal machine; the worker has run once and lost its journal.
async fn lost() -> Hotel {
    let puppets = [Puppet::new(), Puppet::new(), Puppet::new()];
    let sections = [
        puppets[0].section("printer", "Bar", ""),
        puppets[1].section("key", "Encoder", ""),
        puppets[2].section("fiscal", "Till", ""),
    ];
    let mut house = House::new(&sections.concat()).await;
    let devices = [
        house.cloud.add_device(DeviceKind::Printer, "Bar"),
        house.cloud.add_device(DeviceKind::KeyCutter, "Encoder"),
        house.cloud.add_device(DeviceKind::FiscalMachine, "Till"),
    ];
    house.start_and_wait().await;
    house.stop().await;
    for ending in ["", "-wal", "-shm"] {
        let path = format!("{}{ending}", house.journal().display());
        let gone = std::fs::remove_file(path);
        assert!(gone.is_ok() || !ending.is_empty());
    }
    Hotel {
        house,
        puppets,
        devices,
    }
}

impl Hotel {
    /// One command of each class, created so long ago.
    fn order(&self, age: SignedDuration) -> [Uuid; 3] {
        let Self { house, devices, .. } = self;
        let created = house.cloud.now() - age;
        let paper = house.cloud.print(devices[0], "text/plain", b"a bill", 1);
        let key = KeyRequest::new("204", house.cloud.now()).data();
        let bill = crate::waiting::bill(house);
        let fiscal = serde_json::json!({ "FiscalMachineId": null, "ApiUrl": null, "Bill": bill });
        [
            house.cloud.add(paper.created(created)),
            house.cloud.add_at(devices[1], key, created),
            house.cloud.add_at(devices[2], fiscal, created),
        ]
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_journal_stops_the_start_until_a_person_says_go_on() {
    let Hotel { mut house, .. } = lost().await;
    let refused = house.try_start(Options::default());
    let lost = matches!(refused, Err(AssembleError::Journal(OpenError::Lost { .. })));
    assert!(lost, "{refused:?}");
    house
        .try_start(Options { new_journal: true })
        .expect("a person said so");
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_lost_journal_older_keys_end_paper_is_marked_and_fiscal_runs() {
    let mut hotel = lost().await;
    let [paper, key, fiscal] = hotel.order(SignedDuration::from_secs(90));
    hotel
        .house
        .try_start(Options { new_journal: true })
        .expect("a person said so");
    let (state, note) = hotel.house.end(key).await;
    assert_eq!(state, CommandState::Error);
    let wanted = "Encoder: This PC lost its memory: look for a card, then send it again.";
    assert_eq!(note, wanted);
    assert_eq!(hotel.house.end(paper).await.0, CommandState::Processed);
    assert_eq!(hotel.house.end(fiscal).await.0, CommandState::Processed);
    let made = |at: usize| hotel.puppets[at].sees().made;
    let marks: Vec<_> = made(0).iter().map(|made| made.repeat).collect();
    assert_eq!(marks, [true]);
    assert!(made(1).is_empty());
    assert_eq!(made(2).len(), 1);
    // What is ordered from now on is nothing the old journal can have known.
    hotel.house.is_up().await;
    let [paper, key, fiscal] = hotel.order(-SignedDuration::from_secs(2));
    for id in [paper, key, fiscal] {
        let (state, note) = hotel.house.end(id).await;
        assert_eq!(state, CommandState::Processed, "{note}");
    }
    let marks: BTreeSet<_> = hotel.puppets.iter().flat_map(|on| on.sees().made).collect();
    let unmarked = marks.iter().filter(|made| !made.repeat).count();
    assert_eq!(unmarked, 4, "{marks:?}");
    hotel.house.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_payload_that_is_gone_is_fetched_again() {
    let puppet = Puppet::new();
    let mut house = House::new(&puppet.section("printer", "Bar", "")).await;
    let device = house.cloud.add_device(DeviceKind::Printer, "Bar");
    puppet.is(Mode::HoldBefore);
    house.start_and_wait().await;
    let first = house.cloud.add_print(device, "text/plain", b"one", 1);
    within("the first", puppet.until(|sight| sight.given == [first])).await;
    let second = house.cloud.add_print(device, "text/plain", b"two", 1);
    house.queued(second).await;
    let folder = format!("{}.payloads", house.journal().display());
    for entry in std::fs::read_dir(folder).expect("it is there") {
        std::fs::remove_file(entry.expect("a file").path()).expect("ours");
    }
    puppet.is(Mode::Good);
    let (state, note) = house.end(second).await;
    assert_eq!(
        (state, puppet.made(second)),
        (CommandState::Processed, 1),
        "{note}"
    );
    house.stop().await;
}

/// A folder in the place of the payloads is a disk that takes nothing.
#[tokio::test(flavor = "multi_thread")]
async fn while_nothing_can_be_written_no_device_is_touched_and_it_goes_on_by_itself() {
    let puppet = Puppet::new();
    let mut house = House::new(&puppet.section("printer", "Bar", "")).await;
    let device = house.cloud.add_device(DeviceKind::Printer, "Bar");
    house.start_and_wait().await;
    let folder = format!("{}.payloads", house.journal().display());
    std::fs::remove_dir_all(&folder).expect("ours");
    std::fs::write(&folder, "in the way").expect("ours");
    let id = house.cloud.add_print(device, "text/plain", b"a bill", 1);
    let shown = |worker: &nightporter::supervise::Worker| worker.board().journal_fault().is_some();
    house.until("it is shown", shown).await;
    assert!(puppet.sees().given.is_empty());
    assert_eq!(house.cloud.state(id), Some(CommandState::Pending));
    std::fs::remove_file(&folder).expect("ours");
    std::fs::create_dir(&folder).expect("ours");
    house.worker().sweep();
    let (state, note) = house.end(id).await;
    assert_eq!(
        (state, puppet.made(id)),
        (CommandState::Processed, 1),
        "{note}"
    );
    let well = |worker: &nightporter::supervise::Worker| worker.board().journal_fault().is_none();
    house.until("it is well", well).await;
    house.stop().await;
}
