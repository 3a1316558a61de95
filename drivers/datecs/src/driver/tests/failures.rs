//! The failures every fiscal driver must survive, in every dialect.

use std::sync::Arc;

use driver_sdk::{Correction, CorrectionKind, FaultKind};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::super::*;
use super::desk::*;
use crate::frame::{self, Dialect};
use crate::sim::VirtualDatecs;

#[tokio::test(start_paused = true)]
async fn failure_1_refused_connections_issue_nothing_and_then_once() {
    for dialect in DIALECTS {
        let mut desk = Desk::with(dialect, "");
        desk.cable.refuse(1);
        let fault = desk.execute(&job()).await.expect_err("refused");
        assert_eq!(fault.kind(), FaultKind::Transient);
        assert_eq!(desk.count(), 0);
        done(desk.finish(&job()).await);
        assert_eq!(desk.count(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn failure_2_and_3_a_lost_close_answer_is_found_by_reading_again() {
    for dialect in DIALECTS {
        for unreachable in [0, 30] {
            let mut desk = Desk::with(dialect, "");
            desk.set("silent", "after-close");
            let fault = desk.execute(&job()).await.expect_err("no answer");
            assert_eq!(fault.kind(), FaultKind::InDoubt);
            desk.set("silent", "off");
            desk.cable.refuse(unreachable);
            desk.restart();
            let Verdict::Happened(proof) = desk.verdict().await else {
                panic!("it was issued");
            };
            assert_eq!(proof.say.args["doc"], "101");
            assert_eq!(desk.count(), 1);
            assert!(
                desk.journal
                    .audit()
                    .iter()
                    .any(|(what, _)| what == "fiscal-issued")
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn failure_4_a_receipt_paid_but_not_closed_is_finished_and_an_unpaid_one_cancelled() {
    for dialect in DIALECTS {
        let mut desk = Desk::with(dialect, "");
        desk.set("silent", "before-close");
        desk.execute(&job()).await.expect_err("silent");
        desk.set("silent", "off");
        desk.restart();
        assert!(
            matches!(desk.verdict().await, Verdict::Happened(_)),
            "paid: rolled forward"
        );
        assert_eq!(desk.count(), 1);
    }
}

/// Kills the worker and the cable after so many bytes of both directions, and lets the next worker
/// judge. False: the cable held to the end.
async fn killed_after(bytes: u64, dialect: &str) -> bool {
    let mut desk = Desk::with(dialect, "");
    desk.cable.break_after(bytes);
    let first = desk.execute(&job()).await;
    let broke = desk.cable.is_broken();
    desk.cable.mend();
    desk.restart();
    let name = format!("{dialect}, after {bytes}");
    match first {
        Ok(_) => assert_eq!(desk.count(), 1, "{name}"),
        Err(fault) if desk.journal.bookmark().is_none() => {
            assert_ne!(fault.kind(), FaultKind::InDoubt, "{name}");
            assert_eq!(desk.count(), 0, "{name}");
        }
        Err(_) => match desk.verdict().await {
            Verdict::Happened(_) => assert_eq!(desk.count(), 1, "{name}"),
            Verdict::DidNotHappen => {
                assert_eq!(desk.count(), 0, "{name}");
                done(desk.finish(&job()).await);
                assert_eq!(desk.count(), 1, "{name}: once more, with a new key");
            }
            other @ (Verdict::Partly(_) | Verdict::CannotTell { .. }) => {
                panic!("{name}: {other:?}")
            }
        },
    }
    broke
}

/// Every byte from `first` in steps, to the last one of the conversation.
async fn killed_after_every(first: u64, step: usize, dialect: &str, at_least: usize) {
    let mut breaks = 0;
    for bytes in (first..20_000).step_by(step) {
        if !killed_after(bytes, dialect).await {
            break;
        }
        breaks += 1;
    }
    assert!(breaks >= at_least, "{dialect}: only {breaks} breaks");
}

// Every byte of the X conversation, in four parts that run side by side.
#[tokio::test(start_paused = true)]
async fn failure_5_a_kill_between_every_two_bytes_issues_one_document_first_part() {
    killed_after_every(0, 4, "x", 300).await;
}

#[tokio::test(start_paused = true)]
async fn failure_5_a_kill_between_every_two_bytes_issues_one_document_second_part() {
    killed_after_every(1, 4, "x", 300).await;
}

#[tokio::test(start_paused = true)]
async fn failure_5_a_kill_between_every_two_bytes_issues_one_document_third_part() {
    killed_after_every(2, 4, "x", 300).await;
}

#[tokio::test(start_paused = true)]
async fn failure_5_a_kill_between_every_two_bytes_issues_one_document_fourth_part() {
    killed_after_every(3, 4, "x", 300).await;
}

#[tokio::test(start_paused = true)]
async fn failure_5_a_kill_after_any_byte_of_the_older_dialects() {
    killed_after_every(0, 7, "old-p", 80).await;
    killed_after_every(3, 7, "old-c", 80).await;
}

#[tokio::test(start_paused = true)]
async fn failure_6_a_power_cut_in_an_open_receipt_issues_nothing() {
    for dialect in DIALECTS {
        let mut desk = Desk::with(dialect, "");
        desk.set("silent", "before-close");
        desk.execute(&job()).await.expect_err("silent");
        desk.set("silent", "off");
        desk.set("power", "cut");
        desk.restart();
        assert_eq!(desk.verdict().await, Verdict::DidNotHappen);
        assert_eq!(desk.count(), 0);
        done(desk.finish(&job()).await);
        assert_eq!(desk.count(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn failure_7_another_tills_receipt_is_told_apart_by_the_key() {
    for other in ["153.20", "9.99"] {
        let mut desk = Desk::new();
        desk.set("silent", "after-close");
        desk.execute(&job()).await.expect_err("silent");
        desk.set("silent", "off");
        desk.set("other-till", other);
        desk.restart();
        let Verdict::Happened(proof) = desk.verdict().await else {
            panic!("the journal of the printer knows our UNP");
        };
        assert_eq!(
            proof.say.args["doc"], "101",
            "ours and not the other till's"
        );
        // Its time was read too: a refund can name it as it is printed.
        let correction = Correction {
            kind: Some(CorrectionKind::CreditNote),
            corrected: Some(Uuid::from_u128(117)),
        };
        done(
            desk.finish(&job_with(-1, -15_320, Some(correction), 118))
                .await,
        );

        let mut desk = Desk::new();
        desk.set("refuse", "48:-101007");
        let fault = desk.execute(&job()).await.expect_err("refused");
        if fault.kind() == FaultKind::InDoubt {
            desk.set("other-till", other);
            let verdict = desk.verdict().await;
            assert!(matches!(verdict, Verdict::CannotTell { .. }), "{verdict:?}");
        }
        assert_eq!(desk.count(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn failure_7_where_no_journal_can_be_searched_another_tills_receipt_is_a_doubt() {
    for dialect in ["old-p", "old-c"] {
        for (silent, documents) in [("after-close", 1), ("before-close", 0)] {
            // Who says that nobody else prints there is believed where the printer tells no UNP.
            for (other, told, only) in [
                ("153.20", "told", true),
                ("9.99", "told", true),
                ("153.20", "untold", false),
                ("9.99", "untold", true),
            ] {
                let mut desk = Desk::with(dialect, &format!("only_till = {only}"));
                desk.set("last", told);
                desk.set("silent", silent);
                desk.execute(&job()).await.expect_err("silent");
                desk.set("silent", "off");
                // An open receipt is lost with the power, before another till can sell.
                desk.set("power", "cut");
                desk.set("other-till", other);
                desk.restart();
                let verdict = desk.verdict().await;
                assert!(
                    matches!(verdict, Verdict::CannotTell { .. }),
                    "{dialect} {silent} {other} {told}: {verdict:?}"
                );
                assert_eq!(desk.count(), documents, "{dialect} {silent}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn failure_8_a_day_that_closes_in_between_changes_no_verdict_in_the_older_dialects() {
    for dialect in ["old-p", "old-c"] {
        let mut desk = Desk::with(dialect, "");
        desk.set("silent", "after-close");
        desk.execute(&job()).await.expect_err("silent");
        desk.set("silent", "off");
        desk.set("z", "now");
        desk.restart();
        assert!(matches!(desk.verdict().await, Verdict::Happened(_)));
        done(desk.finish(&job()).await);
        assert_eq!(desk.count(), 2, "{dialect}");
    }
}

#[tokio::test(start_paused = true)]
async fn failure_8_a_day_that_closes_in_between_changes_no_verdict() {
    let mut desk = Desk::new();
    desk.set("silent", "after-close");
    desk.execute(&job()).await.expect_err("silent");
    desk.set("silent", "off");
    desk.set("z", "now");
    desk.restart();
    assert!(matches!(desk.verdict().await, Verdict::Happened(_)));
    done(desk.finish(&job()).await);
    let noticed = desk.journal.audit();
    assert!(
        noticed
            .iter()
            .any(|(what, row)| what == "fiscal-day-end" && row["how"] == "closed outside")
    );
}

#[tokio::test(start_paused = true)]
async fn failure_9_paper_out_in_the_middle_makes_one_document() {
    for dialect in DIALECTS {
        for lines in 0..5 {
            let mut desk = Desk::with(dialect, "");
            desk.set("paper", &lines.to_string());
            let first = desk.execute(&job()).await;
            assert_eq!(desk.count(), 0, "out after {lines}");
            let fault = first.expect_err("out of paper");
            if desk.journal.bookmark().is_some() {
                let fault = desk.reconcile().await.expect_err("still out");
                assert_eq!(fault.kind(), FaultKind::OperatorNeeded, "out after {lines}");
                assert_eq!(desk.journal.waiting(), ["FISCAL-PENDING"]);
            } else {
                assert_eq!(fault.code(), "DATECS-PAPER");
            }
            desk.set("paper", "in");
            if desk.journal.bookmark().is_some() {
                match desk.verdict().await {
                    Verdict::DidNotHappen => done(desk.finish(&job()).await),
                    Verdict::Happened(proof) => proof,
                    other @ (Verdict::Partly(_) | Verdict::CannotTell { .. }) => {
                        panic!("{other:?}")
                    }
                };
            } else {
                done(desk.finish(&job()).await);
            }
            assert_eq!(desk.count(), 1, "out after {lines}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn failure_10_noise_nak_and_a_long_busy_time_make_one_document() {
    for dialect in DIALECTS {
        for (name, value) in [("noise", "garble"), ("noise", "nak"), ("busy", "20")] {
            let mut desk = Desk::with(dialect, "");
            desk.set(name, value);
            desk.execute(&job()).await.expect("one document");
            assert_eq!(desk.count(), 1, "{value}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn failure_11_a_stale_answer_of_another_session_is_not_taken() {
    let numbers = |wire| (0x20..=0x7F_u8).map(move |seq| (wire, seq));
    for (wire, seq) in numbers(Dialect::X).chain(numbers(Dialect::OldP)) {
        let dialect = if wire.is_x() { "x" } else { "old-p" };
        let mut desk = Desk::with(dialect, "");
        // The journal's number is one before the printer's last, so that ours collides with it.
        let run = desk.journal.run();
        run.put("seq", &frame::SEQ_FIRST.max(seq - 1));
        desk.journal.settle(run.take_staged());
        let mut line = desk.cable.connect().expect("another session");
        let other = frame::request(wire, seq, 62, b"");
        line.write_all(&other).await.expect("a question");
        line.read_exact(&mut [0; 20]).await.expect("its answer");
        desk.execute(&job()).await.expect("one document");
        assert_eq!(desk.count(), 1, "{seq}");
    }
}

#[tokio::test(start_paused = true)]
async fn failure_12_a_close_without_a_new_number_is_no_success() {
    for dialect in DIALECTS {
        let mut desk = Desk::with(dialect, "");
        desk.set("document", "lost");
        let fault = desk.execute(&job()).await.expect_err("no number");
        assert_eq!(fault.kind(), FaultKind::InDoubt);
        assert_eq!(desk.verdict().await, Verdict::DidNotHappen);
        assert_eq!(desk.count(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn failure_13_an_exchanged_printer_cannot_tell() {
    for dialect in DIALECTS {
        let mut desk = Desk::with(dialect, "");
        desk.set("silent", "after-close");
        desk.execute(&job()).await.expect_err("silent");
        let folder = tempfile::tempdir().expect("a folder");
        let switches = [
            ("serial", "DT000002"),
            ("clock", CLOCK),
            ("dialect", dialect),
        ];
        let switches = switches.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let other = VirtualDatecs::build(folder.path().to_owned(), &switches).expect("a printer");
        desk.cable.plug(Arc::new(other));
        desk.restart();
        let Verdict::CannotTell { check } = desk.verdict().await else {
            panic!("another printer knows nothing");
        };
        assert_eq!(check.code, "FISCAL-SERIAL");
    }
}

#[tokio::test(start_paused = true)]
async fn failure_14_a_clock_an_hour_back_is_the_operators_and_no_wrong_verdict() {
    for dialect in DIALECTS {
        let mut desk = Desk::with(dialect, "");
        desk.set("drift", "-3600");
        let fault = desk.execute(&job()).await.expect_err("wrong time");
        assert_eq!(
            (fault.kind(), fault.code()),
            (FaultKind::OperatorNeeded, "DATECS-CLOCK")
        );
        assert_eq!(desk.count(), 0);
        desk.set("drift", "0");
        desk.set("silent", "after-close");
        desk.execute(&job()).await.expect_err("silent");
        desk.set("silent", "off");
        desk.set("drift", "-3600");
        assert!(matches!(desk.verdict().await, Verdict::Happened(_)));
    }
}

/// The night in which 03:00 to 04:00 comes twice: a document before the change is lost, found after
/// it, and taken back by the time as it is printed.
#[tokio::test(start_paused = true)]
async fn failure_14_the_hour_that_comes_twice_changes_no_verdict_and_no_storno() {
    let at = |job: &mut Job, utc: &str| job.now = utc.parse().expect("a time");
    let mut desk = Desk::new();
    desk.set("clock", "2026-10-25T03:59:58");
    desk.set("dst", "on");
    let mut sale = job();
    at(&mut sale, "2026-10-25T00:59:58Z");
    desk.set("silent", "after-close");
    desk.execute(&sale).await.expect_err("silent");
    desk.set("silent", "off");
    // The clocks go back; the next worker asks.
    desk.set("clock", "2026-10-25T03:00:10");
    desk.set("dst", "off");
    desk.restart();
    let Verdict::Happened(proof) = desk.verdict().await else {
        panic!("it was issued");
    };
    assert_eq!(proof.say.args["doc"], "101");

    let correction = Correction {
        kind: Some(CorrectionKind::CreditNote),
        corrected: Some(Uuid::from_u128(117)),
    };
    let mut note = job_with(-1, -15_320, Some(correction), 118);
    at(&mut note, "2026-10-25T01:00:12Z");
    // The virtual printer knows its document only by the marked time.
    let proof = done(desk.finish(&note).await);
    assert_eq!(proof.say.args["doc"], "102");
    assert_eq!(desk.ours()[1].facts["kind"], "refund");

    // A document of the second hour, whose answer is lost before the change is noticed by all:
    // its time is an hour before the sending.
    let mut desk = Desk::new();
    desk.set("clock", "2026-10-25T03:00:01");
    let mut sale = job();
    at(&mut sale, "2026-10-25T00:59:59Z");
    let fault = desk.execute(&sale).await.expect_err("an hour off");
    assert_eq!(fault.code(), "DATECS-CLOCK");
    at(&mut sale, "2026-10-25T01:00:01Z");
    done(desk.finish(&sale).await);
    assert_eq!(desk.count(), 1);
}

#[tokio::test(start_paused = true)]
async fn failure_15_a_bad_bill_never_reaches_the_wire() {
    for dialect in DIALECTS {
        let mut desk = Desk::with(dialect, "");
        let cent = job_with(1, 15_319, None, 117);
        assert_eq!(
            desk.execute(&cent).await.expect_err("a cent").code(),
            "FISCAL-SUMS"
        );
        let mut elsewhere = job();
        if let Work::Fiscal(work) = &mut elsewhere.work {
            work.api_url = Some("http://10.0.0.9/".to_owned());
        }
        assert_eq!(
            desk.execute(&elsewhere).await.expect_err("a host").code(),
            "FISCAL-HOST"
        );
        assert_eq!(desk.cable.dials(), 0);
        done(desk.finish(&job()).await);
    }
}

#[tokio::test(start_paused = true)]
async fn failure_16_a_cancel_after_the_commit_changes_nothing() {
    for dialect in DIALECTS {
        let mut desk = Desk::with(dialect, "");
        let plan = desk.device.prepare(&job()).expect("a plan");
        let cancel = CancellationToken::new();
        cancel.cancel();
        let run = desk.journal.run_with(CancellationToken::new(), cancel);
        desk.device
            .execute(plan, &run)
            .await
            .expect("a document cannot be taken back");
        assert_eq!(desk.count(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn failure_17_a_full_disk_sends_nothing() {
    for dialect in DIALECTS {
        let mut desk = Desk::with(dialect, "");
        desk.journal.disk_full(true);
        let fault = desk.execute(&job()).await.expect_err("no commit");
        assert_eq!(fault.code(), "NOT-STARTED");
        assert_eq!(desk.count(), 0);
        let run = desk.journal.run();
        drop(run);
        desk.journal.disk_full(false);
        done(desk.finish(&job()).await);
    }
}

#[tokio::test(start_paused = true)]
async fn failure_18_a_document_of_another_program_is_left_alone() {
    for dialect in DIALECTS {
        let mut desk = Desk::with(dialect, "");
        let other = desk.cable.connect().expect("a second line");
        let mut line = other;
        let (wire, data) = match dialect {
            "x" => (Dialect::X, "1\t0000\tZZ000009-0009-0000001\t1\t\t"),
            "old-p" => (Dialect::OldP, "1,0000,1,ZZ000009-0009-0000001"),
            _ => (Dialect::OldC, "1,0000,ZZ000009-0009-0000001,1"),
        };
        let open = frame::request(wire, 0x55, 48, data.as_bytes());
        line.write_all(&open).await.expect("open");
        let mut answer = [0; 8];
        line.read_exact(&mut answer).await.expect("an answer");
        let fault = desk.execute(&job()).await.expect_err("open elsewhere");
        assert_eq!(fault.code(), "FISCAL-OPEN-ELSEWHERE");
        assert_eq!(desk.count(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn a_refusal_from_the_payment_on_is_a_doubt_until_the_printer_was_asked() {
    for dialect in DIALECTS {
        for (refused, documents) in [("53:-111005", 0), ("56:-111005", 1)] {
            let mut desk = Desk::with(dialect, "");
            desk.set("refuse", refused);
            let fault = desk.execute(&job()).await.expect_err("refused");
            assert_eq!(
                fault.kind(),
                FaultKind::InDoubt,
                "{dialect} {refused}: {fault}"
            );
            desk.restart();
            match (desk.verdict().await, documents) {
                (Verdict::DidNotHappen, 0) | (Verdict::Happened(_), 1) => {}
                (other, _) => panic!("{dialect} {refused}: {other:?}"),
            }
            assert_eq!(desk.count(), documents, "{dialect} {refused}");
        }
    }
}
