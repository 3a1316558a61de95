//! Bad input: nothing is sent, the note names the field and the amounts, the printer stays usable.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use nightporter::sandbox::CommandState;
use serde_json::{Value, json};

use super::bill::{Bill, item, payment};
use super::desk::{Desk, Kind, all};

fn payload(xml: &str) -> (&'static str, Value) {
    let value = json!({ "Discriminator": "ItalianFiscalMachine", "Value": STANDARD.encode(xml) });
    ("PayloadData", value)
}

fn ready(inner: &str, paid: &str) -> String {
    format!(
        "<printerFiscalReceipt><beginFiscalReceipt operator=\"1\"/>{inner}\
         <printRecItem description=\"Night\" quantity=\"1,000\" unitPrice=\"125,60\" \
         department=\"2\"/><printRecTotal payment=\"{paid}\" paymentType=\"2\" index=\"1\"/>\
         <endFiscalReceipt operator=\"1\"/></printerFiscalReceipt>"
    )
}

/// What every printer must refuse, and what the note must hold.
fn bad_for_all() -> Vec<(&'static str, Bill, &'static [&'static str])> {
    let good = || Bill::new("bad");
    let with_items = |items: Vec<Value>, paid: &str| Bill {
        items,
        payments: vec![payment("Cash", paid)],
        ..good()
    };
    let night = item("SpaceOrder", "Night", &[(Some("LOW"), "10.00", "0.95")]);
    let mut rebate = item("Rebate", "Rebate", &[(Some("LOW"), "-20.00", "-1.90")]);
    rebate["RebatedItemId"] = night["Id"].clone();
    let other = item("Other", "Other", &[(Some("LOW"), "40.00", "3.80")]);
    let mut forint = item("Other", "Bar", &[(Some("LOW"), "1000.00", "95.00")]);
    forint["Amount"]["Currency"] = json!("HUF");
    let mut taken_apart = item("Other", "Bar", &[(Some("LOW"), "10.00", "0.95")]);
    taken_apart["Amount"]["GrossValue"] = super::bill::decimal("10.96");
    let mut pending = payment("CreditCard", "125.60");
    pending["SubState"] = json!("Pending");
    vec![
        (
            "sums that differ by a cent",
            Bill {
                payments: vec![payment("CreditCard", "125.59")],
                ..good()
            },
            &["items 125.60", "payments 125.59"],
        ),
        (
            "two currencies",
            with_items(vec![night.clone(), forint], "1105.95"),
            &["HUF", "EUR"],
        ),
        (
            "an unmapped VAT code",
            with_items(
                vec![item("Other", "Bar", &[(Some("NEW-7"), "10.00", "0.70")])],
                "10.70",
            ),
            &["NEW-7"],
        ),
        (
            "an unmapped way of paying",
            Bill {
                payments: vec![payment("WireTransfer", "125.60")],
                ..good()
            },
            &["WireTransfer"],
        ),
        (
            "a rebate larger than its line",
            with_items(vec![other, night, rebate], "32.85"),
            &["21.90", "10.95"],
        ),
        (
            "a total of zero",
            with_items(
                vec![
                    item("Other", "Bar", &[(Some("LOW"), "10.00", "0.95")]),
                    item("Other", "Bar", &[(Some("LOW"), "-10.00", "-0.95")]),
                ],
                "0.00",
            ),
            &["0.00"],
        ),
        (
            "an item that is not its breakdown",
            with_items(vec![taken_apart], "10.96"),
            &["10.96", "10.95"],
        ),
        (
            "a payment that is not through",
            Bill {
                payments: vec![pending],
                ..good()
            },
            &["Pending"],
        ),
        (
            "an open bill",
            good().with("State", json!("Open")),
            &["still open"],
        ),
        (
            "a host that is not configured",
            good().around("ApiUrl", json!("http://10.0.0.9/cgi-bin/fpmate.cgi")),
            &["address 10.0.0.9,"],
        ),
        (
            "a host behind a user",
            good().around("ApiUrl", json!("http://192.168.7.31@evil.example/")),
            &["evil.example"],
        ),
        (
            "a setting of the machine that nobody knows",
            good().around("FiscalMachineData", json!("{\"rebootNow\":1}")),
            &["rebootNow"],
        ),
        (
            "data of a newer kind",
            good().around(
                "BillFiscalMachineData",
                json!({ "Discriminator": "MartianFiscalMachineData", "Value": {} }),
            ),
            &["MartianFiscalMachineData"],
        ),
        (
            "a deposit without a group",
            with_items(
                vec![item("Deposit", "Deposit", &[(None, "50.00", "0")])],
                "50.00",
            ),
            &["deposit"],
        ),
    ]
}

/// Ready documents, which only the Epson printer takes.
fn bad_documents() -> Vec<(&'static str, Bill, &'static [&'static str])> {
    let with = |xml: &str| {
        let (name, value) = payload(xml);
        Bill::new("bad").around(name, value)
    };
    vec![
        (
            "an unknown root",
            with("<fvp_doc><a/></fvp_doc>"),
            &["fvp_doc"],
        ),
        (
            "a forbidden command",
            with(&ready("<resetPrinter/>", "125,60")),
            &["resetPrinter"],
        ),
        (
            "a forbidden direct command",
            with(&ready("<directIO command=\"4034\" data=\"\"/>", "125,60")),
            &["4034"],
        ),
        (
            "an entity bomb",
            with(&format!(
                "<!DOCTYPE a [<!ENTITY b \"bbbb\"><!ENTITY c \"&b;&b;\">]>{}",
                ready(
                    "<printRecMessage messageType=\"3\" message=\"&c;\"/>",
                    "125,60"
                )
            )),
            &["ready document was refused"],
        ),
        (
            "a total that is not the bill's",
            {
                let (name, value) = payload(&ready("", "125,60"));
                Bill {
                    number: "bad".to_owned(),
                    ..Bill::of("bad", "125.61")
                }
                .around(name, value)
            },
            &["125.60", "125.61"],
        ),
        (
            "no base64",
            Bill::new("bad").around(
                "PayloadData",
                json!({ "Discriminator": "ItalianFiscalMachine", "Value": "§§§" }),
            ),
            &["base64"],
        ),
        (
            "another printer",
            Bill::new("bad").around(
                "BillFiscalMachineData",
                json!({ "Discriminator": "ItalianFiscalMachineData", "Value": {
                    "IsRefund": false, "RebatedReceiptNumber": null,
                    "RebatedReceiptSequence": null, "RebatedReceiptDateTimeUtc": null,
                    "PrinterSerialNumber": "99MEY000777" } }),
            ),
            &["99MEY000777", "99MEY000001"],
        ),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_input_sends_nothing_says_what_is_wrong_and_leaves_the_printer_usable() {
    all(Kind::BOTH.map(|kind| async move {
        let mut desk = Desk::new(kind, "", "").await;
        let mut bad = bad_for_all();
        match kind {
            Kind::Epson => bad.extend(bad_documents()),
            Kind::Datecs | Kind::OlderDatecs => {
                let (name, value) = payload(&ready("", "125,60"));
                let bill = Bill::new("bad").around(name, value);
                bad.push(("a ready document", bill, &["takes no ready documents"]));
            }
        }
        for (what, bill, words) in bad {
            let id = desk.order(&bill);
            let (state, note) = desk.house.end(id).await;
            assert_eq!(state, CommandState::Error, "{kind:?}, {what}: {note}");
            for word in words {
                assert!(note.contains(word), "{kind:?}, {what}, {word}: {note}");
            }
            assert!(note.starts_with("Fiscal: "), "{kind:?}, {what}: {note}");
            assert!(
                note.contains("Nothing was issued"),
                "{kind:?}, {what}: {note}"
            );
            assert!(!note.contains('{'), "{kind:?}, {what}: {note}");
            assert_eq!(
                desk.audit(id).len(),
                0,
                "{kind:?}, {what}: something was begun"
            );
            assert_eq!(desk.documents().len(), 0, "{kind:?}, {what}");
        }
        let good = Bill::new("good");
        let (state, note) = desk.ended(&good).await;
        assert_eq!(state, CommandState::Processed, "{kind:?}: {note}");
        assert_eq!(desk.documents().len(), 1);
        desk.house.stop().await;
    }))
    .await;
}

/// A good ready document is passed on as it came.
#[tokio::test(flavor = "multi_thread")]
async fn a_ready_document_is_issued_as_it_came() {
    let mut desk = Desk::new(Kind::Epson, "", "").await;
    for (n, discriminator) in ["ItalianFiscalMachine", "ItalianFiscalMachinePayloadData"]
        .into_iter()
        .enumerate()
    {
        let number = format!("ready-{n}");
        let inner = format!("<printRecMessage messageType=\"3\" message=\"Conto {number}\"/>");
        let document = STANDARD.encode(ready(&inner, "125,60"));
        let bill = Bill::new(&number).around(
            "PayloadData",
            json!({ "Discriminator": discriminator, "Value": document }),
        );
        let (state, note) = desk.ended(&bill).await;
        assert_eq!(state, CommandState::Processed, "{note}");
        let issued = desk.of(&bill);
        assert_eq!(issued.len(), 1);
        assert!(issued[0].content.contains(&format!("Conto {number}")));
    }
    desk.house.stop().await;
}
