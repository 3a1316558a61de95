//! A journal that is lost with fiscal commands in it: what surely was not begun is issued, what
//! Mews calls `Processing` is listed and never run.

use std::time::Duration;

use jiff::SignedDuration;
use nightporter::journal::Options;
use nightporter::sandbox::{CommandState, NewCommand};
use nightporter::supervise::Worker;
use uuid::Uuid;

use super::bill::Bill;
use super::desk::{Desk, Kind};

/// The worker has run once, and its journal is gone.
async fn lost(listed: bool) -> Desk {
    let mut desk = Desk::new(Kind::Datecs, "", "").await;
    desk.house.stop().await;
    for ending in ["", "-wal", "-shm"] {
        let path = format!("{}{ending}", desk.house.journal().display());
        let gone = std::fs::remove_file(path);
        assert!(gone.is_ok() || !ending.is_empty());
    }
    let grant = |options: &mut nightporter::sandbox::HotelOptions| options.fiscal_list = listed;
    desk.house.cloud.set_options(grant);
    desk
}

fn order(desk: &Desk, bill: &Bill, state: CommandState) -> Uuid {
    let created = desk.house.cloud.now() - SignedDuration::from_secs(90);
    let new = NewCommand::new(desk.device, bill.data());
    let new = new.created(created).state(state);
    desk.house.cloud.add(new.quiet())
}

fn alarm(worker: &Worker, of: Option<Uuid>) -> Option<String> {
    let alarms = worker.board().alarms();
    let found = alarms
        .into_iter()
        .find(|alarm| alarm.command.map(|id| id.0) == of);
    found.map(|alarm| alarm.text)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_may_have_been_begun_is_listed_and_what_was_not_is_issued() {
    let mut desk = lost(true).await;
    let (waiting, received, begun) = (Bill::new("161"), Bill::new("162"), Bill::new("163"));
    let ids = [
        order(&desk, &waiting, CommandState::Pending),
        order(&desk, &received, CommandState::Received),
    ];
    let forgotten = order(&desk, &begun, CommandState::Processing);
    let go_on = Options { new_journal: true };
    desk.house.try_start(go_on).expect("a person said so");
    for (id, bill) in ids.into_iter().zip([&waiting, &received]) {
        let (state, note) = desk.house.end(id).await;
        assert_eq!(state, CommandState::Processed, "{note}");
        assert_eq!(desk.of(bill).len(), 1);
    }
    let shown = |worker: &Worker| alarm(worker, Some(forgotten)).is_some();
    desk.house.until("the list", shown).await;
    let text = alarm(desk.house.worker(), Some(forgotten)).expect("shown");
    for part in [
        "Fiscal: ",
        "Processing",
        "may have been done",
        "Look at the device",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert_eq!(desk.of(&begun).len(), 0, "it may have been issued before");
    let state = desk.house.cloud.state(forgotten);
    assert_eq!(
        state,
        Some(CommandState::Processing),
        "nothing is claimed about it"
    );
    // A command of our own that is being processed is nothing forgotten.
    let own = Bill::new("164");
    let (state, note) = desk.ended(&own).await;
    assert_eq!(state, CommandState::Processed, "{note}");
    assert_eq!(desk.house.worker().board().alarms().len(), 1);
    desk.house.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_mews_does_not_list_them_that_is_said_and_an_event_still_names_one() {
    let mut desk = lost(false).await;
    let begun = Bill::new("171");
    let forgotten = order(&desk, &begun, CommandState::Processing);
    let go_on = Options { new_journal: true };
    desk.house.try_start(go_on).expect("a person said so");
    let said = |worker: &Worker| alarm(worker, None).is_some();
    desk.house.until("the warning", said).await;
    let text = alarm(desk.house.worker(), None).expect("said");
    assert!(
        text.contains("look in Mews for device commands in Processing"),
        "{text}"
    );
    assert!(alarm(desk.house.worker(), Some(forgotten)).is_none());

    desk.house.is_up().await;
    desk.house.cloud.announce(forgotten);
    let shown = |worker: &Worker| alarm(worker, Some(forgotten)).is_some();
    desk.house.until("the event", shown).await;
    assert_eq!(desk.of(&begun).len(), 0);
    tokio::time::timeout(Duration::from_secs(20), desk.house.stop())
        .await
        .expect("it stops");
}
