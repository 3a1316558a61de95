//! What goes well: receipts, refunds, and when the printer is spoken to.

use nightporter::life::OutcomeKind;
use nightporter::sandbox::{CommandState, Fault, FaultKind};
use serde_json::json;

use super::bill::{Bill, item, payment};
use super::desk::{Desk, Kind, all};

#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_with_two_rates_is_in_memory_journal_trail_and_mews_alike() {
    all(Kind::ALL.map(|kind| async move {
        let mut desk = Desk::new(kind, "", "").await;
        let bill = Bill::new("2026-117");
        let id = desk.order(&bill);
        let (state, note) = desk.house.end(id).await;
        assert_eq!(state, CommandState::Processed, "{note}");
        let documents = desk.documents();
        assert_eq!(documents.len(), 1, "{kind:?}");
        let facts = &documents[0].facts;
        assert_eq!(facts["total"], "125.60");
        assert_eq!(facts["tax"], kind.tax(), "{kind:?}");
        assert!(documents[0].content.contains("2026-117"));

        let number = match kind {
            Kind::Datecs | Kind::OlderDatecs => facts["number"].clone(),
            Kind::Epson => format!("{:0>4}-{:0>4}", facts["z"], facts["number"]),
        };
        assert!(
            note.starts_with(&format!("FISCAL OK doc={number} ")),
            "{note}"
        );
        assert!(note.ends_with(" total=125.60 EUR"), "{note}");
        assert_eq!(desk.kept(id), OutcomeKind::Done);
        let rows = desk.audit(id);
        let whats: Vec<&str> = rows.iter().map(|(what, _)| what.as_str()).collect();
        assert_eq!(whats, ["fiscal-sending", "fiscal-issued"], "{kind:?}");
        let issued = &rows[1].1;
        assert_eq!(issued["document"], json!(number));
        assert_eq!(issued["bill_number"], "2026-117");
        assert_eq!(issued["bill_id"], json!(bill.id));
        assert_eq!(issued["total"], "125.60");
        assert_eq!(desk.check().breaks, []);
        desk.house.stop().await;
    }))
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_credit_note_refers_to_the_document_we_issued_and_without_one_nothing_is_issued() {
    all(Kind::ALL.map(|kind| async move {
        let mut desk = Desk::new(kind, "", "").await;
        let bill = Bill::new("2026-118");
        let note = bill.credit_note("2026-119");
        let (state, told) = desk.ended(&note).await;
        assert_eq!(state, CommandState::Error, "{told}");
        assert!(told.contains("original receipt; missing: "), "{told}");
        assert!(told.contains("Nothing was issued"), "{told}");
        assert_eq!(desk.documents().len(), 0);

        let (state, told) = desk.ended(&bill).await;
        assert_eq!(state, CommandState::Processed, "{told}");
        let (state, told) = desk.ended(&note).await;
        assert_eq!(state, CommandState::Processed, "{told}");
        let refund = desk.of(&note);
        assert_eq!(refund.len(), 1, "{kind:?}");
        assert_eq!(refund[0].facts["kind"], "refund", "{kind:?}");
        assert_eq!(refund[0].facts["total"], "125.60");
        desk.house.stop().await;
    }))
    .await;
}

/// An Italian refund whose original is in the command and not in our memory.
#[tokio::test(flavor = "multi_thread")]
async fn an_italian_refund_takes_its_original_from_the_command() {
    let mut desk = Desk::new(Kind::Epson, "", "").await;
    let refund = Bill::new("77").credit_note("78").around(
        "BillFiscalMachineData",
        json!({ "Discriminator": "ItalianFiscalMachineData", "Value": {
            "IsRefund": true, "RebatedReceiptNumber": "0013", "RebatedReceiptSequence": "0764",
            "RebatedReceiptDateTimeUtc": "2026-11-24T13:05:10Z",
            "PrinterSerialNumber": "99MEY000009" } }),
    );
    let (state, told) = desk.ended(&refund).await;
    assert_eq!(state, CommandState::Processed, "{told}");
    let document = &desk.of(&refund)[0];
    assert_eq!(document.facts["kind"], "refund");
    for part in ["0764", "0013", "99MEY000009"] {
        assert!(
            document.content.contains(part),
            "{part}: {}",
            document.content
        );
    }
    desk.house.stop().await;
}

/// While Mews does not confirm `Processing`, no byte with an effect leaves.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_sent_before_mews_has_confirmed_processing() {
    all(Kind::BOTH.map(|kind| async move {
        let mut desk = Desk::new(kind, "", "").await;
        let cloud = &desk.house.cloud;
        let refused = cloud.switch_on(Fault::new(FaultKind::Status(503)).on("commands/update"));
        let bill = Bill::new("120");
        let id = desk.order(&bill);
        let asked_thrice =
            |hotel: &nightporter::sandbox::Hotel| hotel.request_count("commands/update") >= 3;
        crate::house::within("three tries", cloud.wait_until(asked_thrice)).await;
        assert_eq!(desk.documents().len(), 0, "{kind:?}");
        assert_eq!(desk.audit(id).len(), 0, "{kind:?}: nothing was begun");
        cloud.switch_off(refused);
        let (state, told) = desk.house.end(id).await;
        assert_eq!(state, CommandState::Processed, "{told}");
        let applied: Vec<CommandState> = cloud
            .history(id)
            .iter()
            .filter(|step| step.applied)
            .map(|step| step.state)
            .collect();
        let processing = applied
            .iter()
            .position(|is| *is == CommandState::Processing);
        let end = applied.iter().position(|is| *is == CommandState::Processed);
        assert!(processing.is_some() && processing < end, "{applied:?}");
        assert_eq!(desk.of(&bill).len(), 1);
        desk.house.stop().await;
    }))
    .await;
}

/// A command that staff cancel while it waits issues nothing; one that is cancelled while nobody
/// knows its end, and is announced again, has issued one document, and the record here tells it.
#[tokio::test(flavor = "multi_thread")]
async fn a_cancel_wins_before_the_first_byte_and_changes_nothing_after_it() {
    all(Kind::BOTH.map(|kind| async move {
        let mut desk = Desk::new(kind, "", "").await;
        let ended = |id| {
            let row = desk.house.row(id);
            row.is_some_and(|row| row.outcome.is_some())
        };
        desk.set("paper", "out");
        let waiting = Bill::new("122");
        let id = desk.order(&waiting);
        let accepted = |_: &_| desk.house.row(id).is_some();
        desk.house.until("the accept", accepted).await;
        desk.in_trouble(id).await;
        desk.house.cloud.cancel(id);
        desk.house.until("the cancel", |_| ended(id)).await;
        assert_eq!(desk.kept(id), OutcomeKind::Cancelled, "{kind:?}");
        desk.set("paper", "in");

        desk.set("silent", kind.silent_after());
        let begun = Bill::new("121");
        let id = desk.order(&begun);
        desk.issued(1).await;
        desk.house.cloud.cancel(id);
        desk.house.cloud.announce(id);
        desk.set("silent", "off");
        desk.set("link", "on");
        desk.house.until("the end", |_| ended(id)).await;
        assert_eq!(desk.of(&begun).len(), 1, "{kind:?}");
        assert_eq!(desk.kept(id), OutcomeKind::Done, "{kind:?}");
        assert_eq!(desk.house.cloud.state(id), Some(CommandState::Cancelled));
        assert_eq!(desk.of(&waiting).len(), 0, "{kind:?}");
        desk.house.stop().await;
    }))
    .await;
}

/// `nightporter test` reads what the printer can tell, through the worker's line.
#[tokio::test(flavor = "multi_thread")]
async fn a_test_tells_what_the_printer_knows_and_issues_nothing() {
    all(Kind::ALL.map(|kind| async move {
        let mut desk = Desk::new(kind, "", "").await;
        let name = driver_sdk::DeviceName::new("fiscal");
        let outcome = desk.house.worker().test(&name).await.expect("it ends");
        assert_eq!(outcome.kind, OutcomeKind::Done, "{kind:?}: {outcome:?}");
        let told = &outcome.say.args["result"];
        let serial = if kind == Kind::Epson {
            "99MEY000001"
        } else {
            "DT000001"
        };
        for part in [serial, "ready", "last document"] {
            assert!(told.contains(part), "{kind:?}, {part}: {told}");
        }
        assert_eq!(desk.documents().len(), 0, "{kind:?}");
        assert_eq!(desk.check().last, 0, "{kind:?}: the trail is of documents");
        desk.house.stop().await;
    }))
    .await;
}

/// The hostile set: what a bill can hold that is hard to print. The total is the bill's to the
/// cent, and the memory's VAT groups come to it.
#[tokio::test(flavor = "multi_thread")]
async fn hard_bills_are_printed_to_the_cent() {
    let rebate = |of: &serde_json::Value, net: &str, tax: &str| {
        let mut rebate = item("Rebate", "Rebate", &[(Some("LOW"), net, tax)]);
        rebate["RebatedItemId"] = of["Id"].clone();
        rebate
    };
    let night = item("SpaceOrder", "Night", &[(Some("LOW"), "100.00", "9.50")]);
    let mixed = [
        (Some("LOW"), "50.00", "4.75"),
        (Some("HIGH"), "20.00", "4.20"),
    ];
    let mut failed = payment("CreditCard", "99.99");
    failed["SubState"] = json!("Failed");
    let bills = [
        (
            "two rates on a line",
            vec![item("Other", "Package", &mixed)],
            vec![payment("Cash", "78.95")],
            "78.95",
            "Package (2/2)",
        ),
        (
            "untaxed city tax",
            vec![item("CustomItem", "City tax", &[(None, "2.20", "0")])],
            vec![payment("Cash", "2.20")],
            "2.20",
            "City tax",
        ),
        (
            "a rebate",
            vec![night.clone(), rebate(&night, "-10.00", "-0.95")],
            vec![payment("Cash", "98.55")],
            "98.55",
            "Night",
        ),
        (
            "an invoice",
            vec![night.clone()],
            vec![payment("Invoice", "109.50")],
            "109.50",
            "Night",
        ),
        (
            "a failed payment",
            vec![night.clone()],
            vec![failed, payment("Cash", "109.50")],
            "109.50",
            "Night",
        ),
        (
            "four decimals",
            vec![
                item("Other", "A", &[(Some("LOW"), "33.3333", "3.1667")]),
                item("Other", "B", &[(Some("HIGH"), "8.1967", "1.8033")]),
            ],
            vec![payment("Cash", "26.50"), payment("CreditCard", "20.00")],
            "46.50",
            "A",
        ),
        (
            "a name of 500 characters",
            vec![item("Other", &"Long ".repeat(100), &[(None, "1.00", "0")])],
            vec![payment("Cash", "1.00")],
            "1.00",
            "Long Long",
        ),
        (
            "a name of emoji",
            vec![item("Other", "🛏️🛏️🛏️\u{7}", &[(None, "1.00", "0")])],
            vec![payment("Cash", "1.00")],
            "1.00",
            "?",
        ),
    ];
    all(Kind::BOTH.map(|kind| {
        let bills = bills.clone();
        async move {
            let mut desk = Desk::new(kind, "", "").await;
            for (n, (what, items, payments, total, text)) in bills.into_iter().enumerate() {
                let bill = Bill {
                    items,
                    payments,
                    ..Bill::new(&format!("hard-{n}"))
                };
                let (state, told) = desk.ended(&bill).await;
                assert_eq!(state, CommandState::Processed, "{kind:?}, {what}: {told}");
                let document = desk.of(&bill).pop().expect(what);
                assert_eq!(document.facts["total"], total, "{kind:?}, {what}");
                assert!(
                    document.content.contains(text),
                    "{what}: {}",
                    document.content
                );
                assert!(!document.content.contains('🛏'), "{what}");
                let longest = document.content.lines().map(|line| line.chars().count());
                assert!(longest.max() < Some(64), "{what}: {}", document.content);
            }
            desk.house.stop().await;
        }
    }))
    .await;
}
