//! A document in doubt: it blocks its printer, is told, survives a restart, and ends by evidence
//! or by a person's word.

use nightporter::life::{OutcomeKind, Stage};
use nightporter::sandbox::CommandState;
use uuid::Uuid;

use super::bill::Bill;
use super::desk::{Desk, Kind, all};

const WAITS: &str = "operator_wait_s = 2\ndeadline_s = 30";

/// A printer whose last document nobody can name: the evidence is destroyed.
async fn in_doubt(kind: Kind, bill: &Bill) -> (Desk, Uuid) {
    let desk = Desk::new(kind, WAITS, "").await;
    let id = match kind {
        Kind::Epson => {
            desk.set("silent", "after");
            desk.set("journal", "unreadable");
            let id = desk.order(bill);
            desk.in_trouble(id).await;
            id
        }
        // The open receipt is lost with the power, and then the numbers move by another hand.
        Kind::Datecs | Kind::OlderDatecs => {
            desk.set("silent", "before-close");
            let id = desk.order(bill);
            desk.closing(id).await;
            desk.set("power", "cut");
            desk.set("other-till", "9.99");
            desk.set("link", "on");
            id
        }
    };
    desk.set("silent", "off");
    let (state, note) = desk.house.end(id).await;
    assert_eq!(state, CommandState::Error, "{note}");
    assert!(note.starts_with("UNCONFIRMED: Fiscal: "), "{note}");
    let open = |_: &_| {
        let row = desk.house.row(id);
        row.is_some_and(|row| matches!(row.entry.stage, Stage::Reported { doubt: Some(_) }))
    };
    desk.house.until("an open doubt", open).await;
    (desk, id)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_printer_in_doubt_takes_nothing_new_and_its_commands_say_why() {
    all(Kind::BOTH.map(|kind| async move {
        let (first, second, third) = (Bill::new("131"), Bill::new("132"), Bill::new("133"));
        let (mut desk, id) = in_doubt(kind, &first).await;
        let before = desk.documents().len();
        let (state, note) = desk.ended(&second).await;
        assert_eq!(state, CommandState::Error, "{kind:?}: {note}");
        for part in [
            "an earlier document of this device is in doubt",
            &id.to_string(),
            "since 20",
            "Nothing happened",
            "Settle that one first",
        ] {
            assert!(note.contains(part), "{kind:?}, {part}: {note}");
        }
        assert_eq!(desk.documents().len(), before, "{kind:?}");

        // A person looks at the paper and says what is there; the printer goes on.
        let exists = !desk.of(&first).is_empty();
        let own = desk.house.row(id).expect("known").entry.id;
        let worker = desk.house.worker();
        let said = worker.resolve_by(own, exists, Some("Maria")).await;
        said.expect("it is in doubt");
        let decided = desk.audit(id).pop().expect("a row");
        assert_eq!(
            (decided.0.as_str(), &decided.1["by"]),
            ("fiscal-decided", &"Maria".into())
        );
        let end = if exists {
            OutcomeKind::Done
        } else {
            OutcomeKind::Failed
        };
        assert_eq!(desk.kept(id), end, "{kind:?}");
        assert_eq!(
            desk.house.cloud.state(id),
            Some(CommandState::Error),
            "what Mews has, it keeps"
        );
        let (state, note) = desk.ended(&third).await;
        assert_eq!(state, CommandState::Processed, "{kind:?}: {note}");
        assert_eq!(
            desk.of(&second).len(),
            0,
            "{kind:?}: what was refused is never issued later"
        );
        assert_eq!(desk.check().breaks, []);
        desk.house.stop().await;
    }))
    .await;
}

/// The printer is gone beyond its time, and comes back after the doubt was told: its own evidence
/// settles it, and frees the printer without anybody's word.
#[tokio::test(flavor = "multi_thread")]
async fn late_evidence_settles_a_doubt_and_frees_the_printer() {
    all(Kind::BOTH.map(|kind| async move {
        let mut desk = Desk::new(kind, "operator_wait_s = 2\ndeadline_s = 2", "").await;
        desk.set("silent", kind.silent_after());
        let first = Bill::new("141");
        let id = desk.order(&first);
        desk.issued(1).await;
        desk.set("link", "off");
        let (state, note) = desk.house.end(id).await;
        assert_eq!(state, CommandState::Error, "{kind:?}: {note}");
        assert!(note.starts_with("UNCONFIRMED: Fiscal: "), "{note}");
        assert!(
            !note.to_lowercase().contains("nothing was"),
            "a doubt promises nothing: {note}"
        );
        desk.set("silent", "off");
        desk.set("link", "on");
        let settled = |_: &_| {
            let row = desk.house.row(id);
            row.is_some_and(|row| matches!(row.entry.stage, Stage::Reported { doubt: None }))
        };
        desk.house.until("the evidence", settled).await;
        assert_eq!(desk.kept(id), OutcomeKind::Done, "{kind:?}");
        assert_eq!(desk.rows(id, "fiscal-issued"), 1, "{kind:?}");
        let (state, note) = desk.ended(&Bill::new("142")).await;
        assert_eq!(state, CommandState::Processed, "{kind:?}: {note}");
        assert_eq!(desk.of(&first).len(), 1, "{kind:?}");
        desk.house.stop().await;
    }))
    .await;
}

/// The worker ends between the document and its answer; the next one finds the number.
#[tokio::test(flavor = "multi_thread")]
async fn the_next_worker_finds_what_the_last_one_issued() {
    all(Kind::ALL.map(|kind| async move {
        let mut desk = Desk::new(kind, "", "").await;
        desk.set("silent", kind.silent_after());
        let bill = Bill::new("151");
        let id = desk.order(&bill);
        desk.issued(1).await;
        desk.house.stop().await;
        assert_eq!(
            desk.house.cloud.state(id),
            Some(CommandState::Processing),
            "{kind:?}"
        );
        desk.set("silent", "off");
        desk.house.start_and_wait().await;
        let (state, note) = desk.house.end(id).await;
        assert_eq!(state, CommandState::Processed, "{kind:?}: {note}");
        assert!(note.starts_with("FISCAL OK doc="), "{note}");
        assert_eq!(desk.of(&bill).len(), 1, "{kind:?}");
        let (state, note) = desk.ended(&Bill::new("152")).await;
        assert_eq!(state, CommandState::Processed, "{kind:?}: {note}");
        desk.house.stop().await;
    }))
    .await;
}
