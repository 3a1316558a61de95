//! What the printer refuses, and what it must not be asked for.

use driver_sdk::FaultKind;

use super::super::*;
use super::desk::*;

#[tokio::test(start_paused = true)]
async fn every_refusal_with_http_200_ends_as_its_class_says_and_issues_nothing() {
    for (refusal, kind, code) in [
        ("EPTR_REC_EMPTY:3", FaultKind::OperatorNeeded, "EPSON-PAPER"),
        ("PARSER_ERROR:0", FaultKind::Permanent, "EPSON-XML"),
        ("INCOMPLETE FILE:0", FaultKind::Permanent, "EPSON-XML"),
        ("LAN_ERROR:0", FaultKind::Transient, "EPSON-LAN"),
        (
            "TM_OFF_LINE:0",
            FaultKind::OperatorNeeded,
            "EPSON-SECOND-DEVICE",
        ),
        ("PRINTER ERROR:13", FaultKind::Permanent, "EPSON-VALUE"),
        ("PRINTER ERROR:17", FaultKind::Permanent, "EPSON-SEQUENCE"),
        ("PRINTER ERROR:21", FaultKind::Permanent, "EPSON-LIMIT"),
        ("PRINTER ERROR:23", FaultKind::Permanent, "EPSON-TOO-LONG"),
        (
            "PRINTER ERROR:30",
            FaultKind::Permanent,
            "EPSON-CHECK-DIGIT",
        ),
        ("PRINTER ERROR:34", FaultKind::Permanent, "EPSON-SERVICE"),
        ("PRINTER ERROR:9", FaultKind::Permanent, "EPSON-DATE"),
        ("LAN_TIME_OUT:0", FaultKind::InDoubt, "EPSON-NO-ANSWER"),
        ("EFT_POS_ERROR:0", FaultKind::InDoubt, "EPSON-CARD"),
        ("PRINTER ERROR:15", FaultKind::InDoubt, "EPSON-ALREADY"),
        ("NEVER_SEEN:99", FaultKind::InDoubt, "EPSON-ERROR"),
    ] {
        let mut desk = Desk::with("");
        desk.set("refuse", refusal);
        let fault = desk.execute(&job()).await.expect_err(refusal);
        assert_eq!((fault.kind(), fault.code()), (kind, code), "{refusal}");
        assert_eq!(desk.count(), 0, "{refusal}");
        if kind == FaultKind::InDoubt {
            assert_eq!(desk.verdict().await, Verdict::DidNotHappen, "{refusal}");
        } else {
            assert_eq!(
                desk.audited("fiscal-not-issued")[0]["how"],
                "refused",
                "{refusal}"
            );
        }
        done(desk.finish(&job()).await);
        assert_eq!(desk.count(), 1, "{refusal}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_refusal_that_leaves_a_document_open_is_voided_only_by_a_lonely_till() {
    let too_little = "<printerFiscalReceipt><beginFiscalReceipt operator=\"1\"/><printRecItem \
        operator=\"1\" description=\"Camera\" quantity=\"1\" unitPrice=\"153,20\" \
        department=\"2\"/><directIO command=\"1061\" data=\"SHORT\"/><printRecTotal \
        payment=\"153,20\" paymentType=\"2\" index=\"1\"/><endFiscalReceipt operator=\"1\"/>\
        </printerFiscalReceipt>";
    for settings in ["only_till = true", ""] {
        let mut desk = Desk::with(settings);
        let fault = desk
            .execute(&ready_job(too_little, job()))
            .await
            .expect_err("refused");
        if settings.is_empty() {
            assert_eq!(
                (fault.kind(), fault.code()),
                (FaultKind::InDoubt, "EPSON-UNPROVED")
            );
            let fault = desk.reconcile().await.expect_err("open");
            assert_eq!(fault.code(), "EPSON-DOCUMENT-OPEN");
            assert!(
                desk.printer.answer(STATUS).contains("00100"),
                "it is still open"
            );
            desk.set("open", "off");
            assert_eq!(desk.verdict().await, Verdict::DidNotHappen);
        } else {
            assert_eq!(
                (fault.kind(), fault.code()),
                (FaultKind::Permanent, "EPSON-CHECK-DIGIT")
            );
            assert!(
                desk.printer.answer(STATUS).contains("00110"),
                "it is voided"
            );
        }
        assert_eq!(desk.count(), 0);
        done(desk.finish(&job()).await);
        assert_eq!(desk.count(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_printer_that_must_not_sell_is_asked_for_nothing() {
    for (name, value, kind, code) in [
        ("journal", "full", FaultKind::Permanent, "EPSON-JOURNAL"),
        ("training", "on", FaultKind::Permanent, "EPSON-TRAINING"),
        (
            "service",
            "out",
            FaultKind::Permanent,
            "EPSON-NOT-IN-SERVICE",
        ),
        ("firmware", "old", FaultKind::Permanent, "EPSON-NO-RECORD"),
        ("paper", "out", FaultKind::OperatorNeeded, "EPSON-PAPER"),
    ] {
        let mut desk = Desk::with("");
        desk.set(name, value);
        let fault = desk.execute(&job()).await.expect_err(value);
        assert_eq!((fault.kind(), fault.code()), (kind, code), "{name} {value}");
        assert_eq!(
            (desk.count(), desk.journal.commits()),
            (0, 0),
            "{name} {value}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_memory_that_fills_up_after_the_document_changes_no_verdict() {
    let mut desk = Desk::with("");
    desk.set("silent", "after");
    desk.execute(&job()).await.expect_err("silent");
    desk.set("silent", "off");
    desk.set("journal", "full");
    assert!(matches!(desk.verdict().await, Verdict::Happened(_)));
    assert_eq!(desk.count(), 1);
    // The next one is refused before its first byte.
    let fault = desk.execute(&job_of_bill(2)).await.expect_err("full");
    assert_eq!(fault.code(), "EPSON-JOURNAL");
    assert_eq!(desk.count(), 1);
}
