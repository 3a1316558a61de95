//! Sales, refunds and voids as they end on paper, in the memory and in the note.

use std::sync::Arc;

use driver_sdk::{
    CorrectionKind, DeviceName, Extra, FaultKind, Grade, Hub, ItalianData, Party, Personal,
    Settings,
};

use super::super::*;
use super::desk::*;
use crate::EpsonRt;

#[tokio::test(start_paused = true)]
async fn a_sale_is_issued_once_and_read_back() {
    let mut desk = Desk::with("");
    let proof = done(desk.finish(&job()).await);
    assert_eq!((proof.grade, proof.fixed_form), (Grade::Done, true));
    assert_eq!(proof.say.args["doc"], "0764-0001");
    assert_eq!(proof.say.args["serial"], "99MEY000001");
    assert_eq!(proof.say.args["total"], "153.20");
    assert_eq!(proof.say.args["at"], "2026-11-24T14:05:00");
    let sold = desk.ours();
    assert_eq!((sold.len(), sold[0].facts["total"].as_str()), (1, "153.20"));
    assert!(sold[0].content.contains("2026-117"));
    let issued = desk.audited("fiscal-issued");
    assert_eq!(issued.len(), 1);
    assert_eq!(issued[0]["document"], "0764-0001");
    assert_eq!(issued[0]["how"], "answer and record");
    let answer = issued[0]["answer"].as_str().expect("the answer");
    assert!(answer.contains("<fiscalReceiptNumber>1<"), "{answer}");
    let sent = &desk.audited("fiscal-sending")[0];
    assert!(
        sent["request"]
            .as_str()
            .expect("the request")
            .contains("endFiscalReceipt")
    );
}

#[tokio::test(start_paused = true)]
async fn a_refund_and_a_void_find_their_original_in_our_own_memory() {
    for (kind, on_paper, word) in [
        (CorrectionKind::CreditNote, "refund", "REFUND"),
        (CorrectionKind::Cancellation, "void", "VOID"),
    ] {
        let mut desk = Desk::with("");
        let back = correction(kind, 117, 118);
        let fault = desk.execute(&back).await.expect_err("not issued yet");
        assert_eq!(
            fault.to_string(),
            "FISCAL-ORIGINAL-MISSING missing=number, closure, date, printer"
        );
        done(desk.finish(&job()).await);
        desk.restart();
        let proof = done(desk.finish(&back).await);
        assert_eq!(proof.say.args["doc"], "0764-0002");
        let ours = desk.ours();
        assert_eq!(ours[1].facts["kind"], on_paper);
        assert_eq!(ours[1].facts["total"], "153.20");
        let reference = format!("{word} 0764 0001 24112026 99MEY000001");
        assert!(ours[1].content.contains(&reference), "{}", ours[1].content);
        assert_eq!(desk.audited("fiscal-issued")[1]["kind"], on_paper);
    }
}

#[tokio::test(start_paused = true)]
async fn a_refund_takes_the_reference_from_mews_first() {
    let mut desk = Desk::with("");
    done(desk.finish(&job()).await);
    let mut back = correction(CorrectionKind::CreditNote, 999, 118);
    named(&mut back, "0001", "0764", "99MEY000001");
    done(desk.finish(&back).await);
    assert_eq!(desk.ours()[1].facts["key"], "0764-0001");

    // Of another printer of the hotel: its own number stands in the reference.
    let mut other = correction(CorrectionKind::CreditNote, 999, 119);
    named(&mut other, "88", "12", "99mey000009");
    done(desk.finish(&other).await);
    assert!(
        desk.ours()[2]
            .content
            .contains("REFUND 0012 0088 24112026 99MEY000009")
    );
}

#[tokio::test(start_paused = true)]
async fn a_refund_of_a_document_that_nobody_knows_is_issued_only_where_it_is_a_setting() {
    let back = correction(CorrectionKind::CreditNote, 999, 118);
    let mut desk = Desk::with("");
    let fault = desk.execute(&back).await.expect_err("not by itself");
    assert_eq!(fault.code(), "FISCAL-ORIGINAL-MISSING");
    let mut desk = Desk::with("unknown_original = \"nd\"");
    done(desk.finish(&back).await);
    let issued = &desk.ours()[0];
    assert!(issued.content.contains("REFUND 0000 0000 24112026 ND"));
    assert_eq!(issued.facts["kind"], "refund");
    let void = correction(CorrectionKind::Cancellation, 999, 119);
    let fault = desk.execute(&void).await.expect_err("never for a void");
    assert_eq!(fault.code(), "FISCAL-ORIGINAL-MISSING");
    assert_eq!(desk.count(), 1);
}

#[tokio::test(start_paused = true)]
async fn half_a_reference_is_not_completed_with_half_of_another_document() {
    let mut desk = Desk::with("");
    done(desk.finish(&job()).await);
    let mut back = correction(CorrectionKind::CreditNote, 117, 118);
    bill(&mut back).italian = Some(Extra::Known(ItalianData {
        is_refund: true,
        receipt_number: Some("0044".to_owned()),
        receipt_sequence: None,
        receipt_time: None,
        printer_serial: None,
    }));
    let fault = desk.execute(&back).await.expect_err("two documents");
    assert_eq!(
        fault.to_string(),
        "FISCAL-ORIGINAL-MISSING missing=closure, date, printer"
    );
    named(&mut back, "1 0002", "0764", "99MEY000001");
    let fault = desk.execute(&back).await.expect_err("no number");
    assert_eq!(fault.to_string(), "EPSON-ORIGINAL field=number");
    assert_eq!(desk.count(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_is_taken_back_twice_is_a_doubt_and_never_a_second_document() {
    let mut desk = Desk::with("only_till = true");
    done(desk.finish(&job()).await);
    let void = correction(CorrectionKind::Cancellation, 117, 118);
    done(desk.finish(&void).await);
    let again = correction(CorrectionKind::Cancellation, 117, 119);
    let fault = desk.execute(&again).await.expect_err("voided already");
    assert_eq!(
        (fault.kind(), fault.code()),
        (FaultKind::InDoubt, "EPSON-ALREADY")
    );
    assert_eq!(desk.verdict().await, Verdict::DidNotHappen);
    assert_eq!(desk.count(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_refund_in_doubt_is_decided_like_a_sale() {
    for (silent, documents) in [("after", 2), ("before", 1)] {
        let mut desk = Desk::with("");
        done(desk.finish(&job()).await);
        desk.set("silent", silent);
        let back = correction(CorrectionKind::CreditNote, 117, 118);
        desk.execute(&back).await.expect_err("silent");
        desk.set("silent", "off");
        desk.restart();
        let happened = matches!(desk.verdict().await, Verdict::Happened(_));
        assert_eq!(
            (happened, desk.count()),
            (documents == 2, documents),
            "{silent}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn the_buyers_codes_reach_the_paper_and_no_log() {
    let mut desk = Desk::with("fiscal_code_key = \"CF\"\nlottery_key = \"Lotteria\"");
    let with_codes = |fiscal: &str| {
        let mut job = job();
        let personal = |text: &str| Personal::new(text.to_owned());
        let work = bill(&mut job);
        work.bill.display_customer = Some(true);
        work.bill.owner = Some(Party {
            company: false,
            name: personal("Mario Rossi"),
            tax_identifier: None,
            fiscal_identifier: None,
            additional_tax_identifier: None,
            billing_code: None,
            address: Vec::new(),
            country: None,
            legal_identifiers: [
                ("CF".to_owned(), personal(fiscal)),
                ("Lotteria".to_owned(), personal("abcd1234")),
            ]
            .into(),
        });
        job
    };
    let good = with_codes("RSSMRA85T10A562S");
    done(desk.finish(&good).await);
    let paper = desk.ours().remove(0).content;
    assert!(
        paper.contains("RSSMRA85T10A562S") && paper.contains("ABCD1234"),
        "{paper}"
    );
    let plan = desk.device.prepare(&good).expect("a plan");
    assert!(!format!("{plan:?}").contains("RSSMRA"));

    let bad = with_codes("RSSMRA85T10A562X");
    let fault = desk.execute(&bad).await.expect_err("its check letter");
    assert_eq!(fault.to_string(), "EPSON-BUYER field=fiscal code");
    assert_eq!(desk.count(), 1);

    // The bill does not show its customer: nothing of him is printed.
    let mut hidden = with_codes("RSSMRA85T10A562X");
    bill(&mut hidden).bill.display_customer = Some(false);
    done(desk.finish(&hidden).await);
    assert!(!desk.ours()[1].content.contains("FISCALE CLIENTE"));
}

#[tokio::test(start_paused = true)]
async fn a_ready_document_reaches_the_printer_as_it_came() {
    let payload = "<?xml version=\"1.0\"?><printerFiscalReceipt>\n  <printRecMessage \
        operator=\"1\" messageType=\"3\" index=\"1\" message=\"Conto 2026-117\"/>\
        <beginFiscalReceipt operator=\"1\"/><printRecItem operator=\"1\" description=\"Camera\" \
        quantity=\"1\" unitPrice=\"153,20\" department=\"2\" justification=\"1\"/>\
        <printRecTotal operator=\"1\" payment=\"200,00\" paymentType=\"0\" index=\"0\"/>\
        <endFiscalReceipt operator=\"1\"/></printerFiscalReceipt>";
    let mut desk = Desk::with("");
    let ready = ready_job(payload, job());
    let proof = done(desk.finish(&ready).await);
    assert_eq!(proof.say.args["total"], "153.20");
    let root = &payload[payload.find("<printer").expect("a root")..];
    assert!(desk.printer.last_request().contains(root));

    // Its own text carries the bill's number, so the journal proves it after a break.
    let mut desk = Desk::with("");
    desk.set("silent", "after");
    desk.execute(&ready).await.expect_err("silent");
    desk.set("silent", "off");
    assert!(matches!(desk.verdict().await, Verdict::Happened(_)));

    // Without the number nothing proves it, where other tills may print.
    for (settings, happened) in [("", false), ("only_till = true", true)] {
        let mut desk = Desk::with(settings);
        desk.set("silent", "after");
        let nameless = ready_job(&payload.replace("Conto 2026-117", "Grazie"), job());
        desk.execute(&nameless).await.expect_err("silent");
        desk.set("silent", "off");
        assert_eq!(
            matches!(desk.verdict().await, Verdict::Happened(_)),
            happened
        );
        assert_eq!(desk.count(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn the_named_printer_has_to_print() {
    let mut desk = Desk::with("");
    let with_serial = |serial: &str| {
        let mut job = job();
        bill(&mut job).italian = Some(Extra::Known(ItalianData {
            is_refund: false,
            receipt_number: None,
            receipt_sequence: None,
            receipt_time: None,
            printer_serial: Some(serial.to_owned()),
        }));
        job
    };
    let fault = desk
        .execute(&with_serial("99MEY000002"))
        .await
        .expect_err("another");
    assert_eq!(fault.code(), "FISCAL-WRONG-PRINTER");
    done(desk.finish(&with_serial(" 99mey000001")).await);
    done(desk.finish(&with_serial("")).await);
    assert_eq!(desk.count(), 2);
}

#[tokio::test(start_paused = true)]
async fn an_earlier_document_of_the_same_bill_is_no_proof_of_a_second() {
    // Two documents of one date with the same number: the journal shows the text of both.
    let mut desk = Desk::with("");
    done(desk.finish(&job()).await);
    desk.set("z", "now");
    desk.set("silent", "before");
    desk.execute(&job()).await.expect_err("silent");
    desk.set("silent", "off");
    desk.set("other-till", "153.20");
    assert!(matches!(desk.verdict().await, Verdict::CannotTell { .. }));
    assert_eq!(desk.count(), 1);
}

#[test]
fn settings_that_cannot_be_right_are_refused_by_key() {
    let cable = Desk::with("").cable;
    for (text, key) in [
        ("automatic_z_after_h = 24", "automatic_z_after_h"),
        ("automatic_z_after_h = 0", "automatic_z_after_h"),
        ("z_report = \"x\"", "z_report"),
        ("lottery_by = \"fax\"", "lottery_by"),
        ("[payments]\nCash = \"7-0\"", "`7-0`"),
        ("[payments]\nCash = \"cash\"", "`cash`"),
        ("[vat]\nA = { group = 100 }", "department 100"),
        ("deposit_group = 0", "department 0"),
        ("paymnts = {}", "paymnts"),
    ] {
        let mut hub = Hub::new(Arc::new(cable.clone()));
        let opened = hub.open(
            &EpsonRt,
            &DeviceName::new("f"),
            Some("http://192.168.7.31/cgi-bin/fpmate.cgi"),
            &Settings::from_toml(text),
        );
        let error = opened.expect_err(text);
        assert!(
            error.message.contains(key) || error.to_string().contains(key),
            "{text}: {}",
            error.message
        );
    }
}
