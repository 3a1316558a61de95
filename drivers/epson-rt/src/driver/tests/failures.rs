//! The failures every fiscal driver must survive. After each: at most one document in the printer's
//! memory, and what the worker says agrees with it.

use std::time::Duration;

use driver_sdk::{FaultKind, Say, VirtualDevice as _};
use tokio_util::sync::CancellationToken;

use super::super::*;
use super::desk::*;

#[track_caller]
fn unclear(verdict: Verdict) -> Say {
    match verdict {
        Verdict::CannotTell { check } => check,
        Verdict::Happened(_) | Verdict::Partly(_) | Verdict::DidNotHappen => {
            panic!("{verdict:?} was not proved")
        }
    }
}

#[tokio::test(start_paused = true)]
async fn failure_1_refused_connections_issue_nothing_and_then_once() {
    for refused in 1..4 {
        let mut desk = Desk::with("");
        desk.cable.refuse(refused);
        for _ in 0..refused {
            let fault = desk.execute(&job()).await.expect_err("refused");
            assert_eq!(
                (fault.kind(), fault.code()),
                (FaultKind::Transient, "LINK-UNREACHABLE")
            );
        }
        assert!(desk.journal.bookmark().is_none());
        done(desk.finish(&job()).await);
        assert_eq!(desk.count(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn failure_1_a_connection_refused_between_baseline_and_document_is_proof_of_nothing() {
    let mut desk = Desk::with("");
    // Status and record pass, the document does not: its request is longer than what is left.
    desk.set("silent", "before");
    desk.execute(&job()).await.expect_err("silent");
    desk.cable.refuse(3);
    for _ in 0..3 {
        let fault = desk.reconcile().await.expect_err("refused");
        assert_eq!(fault.say().args["cause"], "it cannot be reached");
    }
    desk.set("silent", "off");
    assert_eq!(desk.verdict().await, Verdict::DidNotHappen);
    done(desk.finish(&job()).await);
    assert_eq!(desk.count(), 1);
}

#[tokio::test(start_paused = true)]
async fn failure_2_and_3_a_lost_answer_is_found_by_reading_again() {
    for unreachable in [0, 60] {
        let mut desk = Desk::with("");
        desk.set("silent", "after");
        let fault = desk.execute(&job()).await.expect_err("no answer");
        assert_eq!(fault.kind(), FaultKind::InDoubt);
        assert_eq!(desk.count(), 1);
        if unreachable > 0 {
            desk.cable.break_after(0);
            desk.reconcile().await.expect_err("unreachable");
            tokio::time::sleep(Duration::from_secs(unreachable)).await;
            desk.cable.mend();
        }
        desk.set("silent", "off");
        desk.restart();
        let Verdict::Happened(proof) = desk.verdict().await else {
            panic!("it is in the printer's memory");
        };
        assert_eq!(proof.say.args["doc"], "0764-0001");
        assert_eq!(
            desk.audited("fiscal-issued")[0]["how"],
            "electronic journal"
        );
        assert_eq!(desk.count(), 1);
    }
}

#[tokio::test(start_paused = true)]
#[expect(clippy::print_stderr, reason = "the counts are what this test is for")]
async fn failure_4_and_5_a_break_after_any_byte_issues_one_document_and_tells_it() {
    let whole = {
        let desk = &mut Desk::with("");
        let budget = 1_000_000;
        desk.cable.break_after(budget);
        done(desk.finish(&job()).await);
        budget - desk.cable.left()
    };
    let (mut early, mut late, mut before) = (0, 0, 0);
    // The questions before the document change nothing: not every byte of theirs is of interest.
    let document = whole / 3;
    for bytes in (0..document).step_by(17).chain(document..whole) {
        let mut desk = Desk::with("");
        desk.cable.break_after(bytes);
        let first = desk.execute(&job()).await;
        desk.cable.mend();
        desk.restart();
        let fault = first.expect_err("the cable broke");
        if fault.kind() == FaultKind::InDoubt {
            let issued = desk.count();
            match desk.verdict().await {
                Verdict::Happened(_) => {
                    assert_eq!(issued, 1, "after {bytes} bytes");
                    late += 1;
                }
                Verdict::DidNotHappen => {
                    assert_eq!(issued, 0, "after {bytes} bytes");
                    early += 1;
                    done(desk.finish(&job()).await);
                }
                other @ (Verdict::Partly(_) | Verdict::CannotTell { .. }) => {
                    panic!("{other:?} after {bytes} bytes")
                }
            }
        } else {
            assert_eq!(desk.count(), 0, "after {bytes} bytes");
            before += 1;
            done(desk.finish(&job()).await);
        }
        assert_eq!(desk.count(), 1, "after {bytes} bytes");
    }
    eprintln!("breaks: {before} before, {early} before and {late} after the document");
    assert!(
        early > 500 && late > 500 && before > 50,
        "{early} {late} {before}"
    );
}

#[tokio::test(start_paused = true)]
async fn failure_6_a_power_cut_in_an_open_document_issues_nothing() {
    for settings in ["", "only_till = true"] {
        let mut desk = Desk::with(settings);
        desk.set("paper", "3");
        desk.execute(&job()).await.expect_err("out of paper");
        desk.set("power", "cut");
        desk.set("paper", "in");
        desk.restart();
        assert_eq!(desk.verdict().await, Verdict::DidNotHappen);
        assert_eq!(desk.count(), 0);
        done(desk.finish(&job()).await);
        assert_eq!(desk.count(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn failure_7_another_tills_document_is_never_taken_for_ours() {
    for (silent, issued) in [("before", 0), ("after", 1)] {
        for other in ["153.20", "9.99"] {
            let mut desk = Desk::with("");
            desk.set("silent", silent);
            desk.execute(&job()).await.expect_err("silent");
            desk.set("silent", "off");
            desk.set("other-till", other);
            let check = unclear(desk.verdict().await);
            assert_eq!(check.code, "FISCAL-DOUBT");
            assert_eq!(check.args["before"], "0763-0000");
            assert_eq!(desk.count(), issued, "{silent} {other}");
            assert_eq!(desk.audited("fiscal-doubt").len(), 1);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn failure_7_with_the_journal_unreadable_only_a_lonely_till_may_count() {
    for (settings, happened) in [("", false), ("only_till = true", true)] {
        let mut desk = Desk::with(settings);
        desk.set("silent", "after");
        desk.set("journal", "unreadable");
        desk.execute(&job()).await.expect_err("silent");
        desk.set("silent", "off");
        assert_eq!(
            matches!(desk.verdict().await, Verdict::Happened(_)),
            happened
        );
        assert_eq!(desk.count(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn failure_8_a_day_that_closes_between_baseline_and_document_changes_no_verdict() {
    for silent in ["off", "after"] {
        let mut desk = Desk::with("");
        done(desk.finish(&job_of_bill(1)).await);
        desk.set("clock", "2026-11-24T23:59:58");
        desk.set("z", "midnight");
        desk.set("silent", silent);
        // The document arrives two seconds into the new day.
        desk.set("busy", "0");
        let job = job_of_bill(2);
        let plan = desk.device.prepare(&job).expect("a plan");
        let printer = desk.printer.clone();
        let run = desk.journal.run();
        let at_commit = async {
            while desk.journal.commits() < 2 {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            printer.switch("clock", "2026-11-25T00:00:02")
        };
        let (ended, switched) = tokio::join!(desk.device.execute(plan, &run), at_commit);
        switched.expect("a clock");
        let number = match ended {
            Ok(proof) => {
                desk.journal.settle(run.take_staged());
                proof.say.args["doc"].clone()
            }
            Err(_) => {
                drop(run);
                desk.set("silent", "off");
                done(match desk.verdict().await {
                    Verdict::Happened(proof) => Ended::Done(proof),
                    other @ (Verdict::Partly(_)
                    | Verdict::DidNotHappen
                    | Verdict::CannotTell { .. }) => Ended::Doubt(format!("{other:?}")),
                })
                .say
                .args["doc"]
                    .clone()
            }
        };
        assert_eq!(desk.count(), 2);
        assert!(
            ["0764-0002", "0765-0001"].contains(&number.as_str()),
            "{number}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn failure_8_a_z_after_a_break_changes_no_verdict() {
    for silent in ["after", "before"] {
        let mut desk = Desk::with("");
        done(desk.finish(&job_of_bill(1)).await);
        desk.set("silent", silent);
        desk.execute(&job_of_bill(2)).await.expect_err("silent");
        desk.set("silent", "off");
        desk.set("z", "now");
        desk.restart();
        let happened = matches!(desk.verdict().await, Verdict::Happened(_));
        assert_eq!(happened, silent == "after");
        let proof = done(desk.finish(&job_of_bill(3)).await);
        assert_eq!(proof.say.args["doc"], "0765-0001");
        let outside = desk.audited("fiscal-day-end");
        assert_eq!(outside.len(), 1, "{outside:?}");
        assert_eq!(
            (&outside[0]["how"], &outside[0]["z"]),
            (&"closed outside".into(), &"764".into())
        );
    }
}

#[tokio::test(start_paused = true)]
async fn failure_8_an_empty_z_before_a_sale_is_no_doubt() {
    let mut desk = Desk::with("");
    done(desk.finish(&job_of_bill(1)).await);
    desk.set("z", "now");
    desk.set("z", "now");
    let proof = done(desk.finish(&job_of_bill(2)).await);
    assert_eq!(proof.say.args["doc"], "0766-0001");
}

#[tokio::test(start_paused = true)]
async fn failure_9_paper_out_in_the_middle_makes_one_document() {
    for settings in ["only_till = true", ""] {
        for lines in 0..6 {
            let mut desk = Desk::with(settings);
            desk.set("paper", &lines.to_string());
            let fault = desk.execute(&job()).await.expect_err("out of paper");
            assert_eq!(desk.count(), 0);
            let doubt = desk.journal.bookmark().is_some();
            if doubt {
                let fault = desk.reconcile().await.expect_err("still out");
                assert_eq!(fault.code(), "EPSON-PAPER-OPEN", "out after {lines}");
                assert_eq!(desk.journal.waiting(), ["EPSON-PAPER-OPEN"]);
            } else {
                assert_eq!(fault.code(), "EPSON-PAPER", "out after {lines}");
            }
            tokio::time::sleep(Duration::from_secs(300)).await;
            desk.set("paper", "in");
            if doubt && settings.is_empty() {
                // Another till could have opened it: a person voids it.
                let fault = desk.reconcile().await.expect_err("open");
                assert_eq!(fault.code(), "EPSON-DOCUMENT-OPEN");
                desk.set("open", "off");
            }
            if doubt {
                assert_eq!(
                    desk.verdict().await,
                    Verdict::DidNotHappen,
                    "out after {lines}"
                );
            }
            done(desk.finish(&job()).await);
            assert_eq!(desk.count(), 1, "out after {lines}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn failure_10_an_answer_that_cannot_be_read_is_read_again() {
    for answer in ["garbled", "bomb", "huge", "500"] {
        let mut desk = Desk::with("");
        desk.set("answer", answer);
        let fault = desk.execute(&job()).await.expect_err(answer);
        assert_eq!(
            (fault.kind(), fault.code()),
            (FaultKind::InDoubt, "LINK-GARBLED"),
            "{answer}"
        );
        desk.restart();
        assert!(
            matches!(desk.verdict().await, Verdict::Happened(_)),
            "{answer}"
        );
        assert_eq!(desk.count(), 1, "{answer}");
    }
}

#[tokio::test(start_paused = true)]
async fn failure_10_a_printer_that_is_busy_for_long_makes_one_document() {
    let mut desk = Desk::with("");
    desk.set("busy", "12");
    done(desk.finish(&job()).await);
    assert_eq!(desk.count(), 1);
    // Longer than anybody waits for an answer: before the document, and with it.
    let mut desk = Desk::with("");
    desk.set("busy", "20");
    let fault = desk.execute(&job()).await.expect_err("no status");
    assert_eq!(
        (fault.kind(), fault.code()),
        (FaultKind::Transient, "LINK-SILENT")
    );
    done(desk.finish(&job()).await);
    assert_eq!(desk.count(), 1);
    for (busy, code) in [(40, None), (60, Some("LINK-SILENT"))] {
        let mut desk = Desk::with("");
        let job = job();
        let plan = desk.device.prepare(&job).expect("a plan");
        let printer = desk.printer.clone();
        let run = desk.journal.run();
        let at_commit = async {
            while desk.journal.commits() < 1 {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            printer.switch("busy", &busy.to_string())
        };
        let (ended, switched) = tokio::join!(desk.device.execute(plan, &run), at_commit);
        switched.expect("a switch");
        match ended {
            Ok(_) => desk.journal.settle(run.take_staged()),
            Err(fault) => {
                assert_eq!(Some(fault.code()), code);
                assert!(matches!(desk.verdict().await, Verdict::Happened(_)));
            }
        }
        assert_eq!(desk.count(), 1, "busy for {busy} s");
    }
}

#[tokio::test(start_paused = true)]
async fn failure_10_a_document_that_the_printer_still_holds_is_not_called_unissued() {
    let mut desk = Desk::with("");
    desk.set("silent", "before");
    desk.execute(&job()).await.expect_err("silent");
    desk.set("silent", "off");
    let asked = driver_sdk::clock::now();
    assert_eq!(desk.verdict().await, Verdict::DidNotHappen);
    assert!(driver_sdk::clock::now() - asked >= Duration::from_secs(29));
    // A worker that starts anew does not know when it was sent: the wait counts from its first
    // question, and each question is answered at once.
    desk.set("silent", "before");
    desk.execute(&job()).await.expect_err("silent");
    desk.set("silent", "off");
    tokio::time::sleep(Duration::from_secs(60)).await;
    desk.restart();
    let asked = driver_sdk::clock::now();
    let fault = desk.reconcile().await.expect_err("too early to say");
    assert_eq!(fault.to_string().split(' ').next(), Some("FISCAL-PENDING"));
    assert!(driver_sdk::clock::now() - asked < Duration::from_secs(1));
    assert_eq!(desk.verdict().await, Verdict::DidNotHappen);
    let waited = driver_sdk::clock::now() - asked;
    assert!(waited >= Duration::from_secs(30), "{waited:?}");
    assert!(waited < Duration::from_secs(40), "{waited:?}");
}

/// The worker dies while the printer's web server still holds what it was sent.
#[tokio::test(start_paused = true)]
async fn failure_10_a_document_that_is_printed_after_a_restart_is_found() {
    let mut desk = Desk::with("");
    desk.set("silent", "before");
    desk.execute(&job()).await.expect_err("silent");
    desk.set("silent", "off");
    desk.restart();
    let fault = desk.reconcile().await.expect_err("nothing printed yet");
    assert_eq!(fault.code(), "FISCAL-PENDING");
    tokio::time::sleep(Duration::from_secs(25)).await;
    let held = desk.printer.last_request();
    assert!(desk.printer.answer(&held).contains("success=\"true\""));
    assert!(matches!(desk.verdict().await, Verdict::Happened(_)));
    assert_eq!(desk.count(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_is_told_of_a_doubt_promises_nothing() {
    let mut desk = Desk::with("");
    desk.set("silent", "after");
    desk.execute(&job()).await.expect_err("silent");
    desk.set("silent", "off");
    // The firmware is exchanged, or the board forgets: its last document cannot be read.
    desk.set("firmware", "old");
    let fault = desk.reconcile().await.expect_err("no record");
    assert_eq!(
        fault.to_string(),
        "FISCAL-PENDING bill=2026-117 cause=it cannot tell its last document total=153.20 EUR"
    );
    // It happens between the document and the reading of its number.
    let mut desk = Desk::with("");
    let job = job();
    let plan = desk.device.prepare(&job).expect("a plan");
    let printer = desk.printer.clone();
    let run = desk.journal.run();
    let (ended, ()) = tokio::join!(desk.device.execute(plan, &run), async {
        while desk.journal.commits() < 1 {
            tokio::task::yield_now().await;
        }
        printer.switch("firmware", "old").expect("a switch");
    });
    let fault = ended.expect_err("no record");
    assert_eq!(
        (fault.kind(), fault.code()),
        (FaultKind::InDoubt, "FISCAL-PENDING")
    );
    assert_eq!(desk.count(), 1);
}

#[tokio::test(start_paused = true)]
async fn failure_10_a_document_between_two_readings_is_not_called_unissued() {
    for during in ["other-till", "open"] {
        let mut desk = Desk::with("");
        desk.set("silent", "before");
        desk.execute(&job()).await.expect_err("silent");
        desk.set("silent", "off");
        desk.restart();
        let printer = desk.printer.clone();
        let meanwhile = async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            let value = if during == "open" { "on" } else { "153.20" };
            printer.switch(during, value)
        };
        // Past the wait that the first question begins.
        desk.reconcile().await.expect_err("too early");
        tokio::time::sleep(Duration::from_secs(31)).await;
        let (verdict, switched) = tokio::join!(desk.reconcile(), meanwhile);
        switched.expect("a switch");
        let fault = verdict.expect_err("two readings that differ");
        assert_eq!(
            fault.say().args["cause"],
            "it is still settling",
            "{during}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn failure_11_a_stale_answer_is_not_taken_for_ours() {
    let mut desk = Desk::with("");
    done(desk.finish(&job_of_bill(1)).await);
    desk.set("answer", "stale");
    let fault = desk
        .execute(&job_of_bill(2))
        .await
        .expect_err("an old number");
    assert_eq!(
        (fault.kind(), fault.code()),
        (FaultKind::InDoubt, "EPSON-NO-NUMBER")
    );
    let Verdict::Happened(proof) = desk.verdict().await else {
        panic!("the journal names bill 2");
    };
    assert_eq!(proof.say.args["doc"], "0764-0002");
    assert_eq!(desk.count(), 2);
}

#[tokio::test(start_paused = true)]
async fn failure_11_an_old_number_with_our_total_is_not_taken_for_ours() {
    let mut desk = Desk::with("");
    done(desk.finish(&job_of_bill(1)).await);
    desk.set("answer", "stale");
    desk.set("document", "lost");
    let fault = desk.execute(&job_of_bill(2)).await.expect_err("no new one");
    assert_eq!(
        (fault.kind(), fault.code()),
        (FaultKind::InDoubt, "EPSON-NO-NUMBER")
    );
    assert_eq!(desk.verdict().await, Verdict::DidNotHappen);
    assert_eq!(desk.count(), 1);
}

#[tokio::test(start_paused = true)]
async fn failure_12_a_success_without_a_number_or_without_a_document_is_no_success() {
    let mut desk = Desk::with("");
    desk.set("answer", "numberless");
    let fault = desk.execute(&job()).await.expect_err("no number");
    assert_eq!(
        (fault.kind(), fault.code()),
        (FaultKind::InDoubt, "EPSON-NO-NUMBER")
    );
    assert!(matches!(desk.verdict().await, Verdict::Happened(_)));
    assert_eq!(desk.count(), 1);

    let mut desk = Desk::with("");
    desk.set("document", "lost");
    let fault = desk
        .execute(&job())
        .await
        .expect_err("its memory shows nothing");
    assert_eq!(
        (fault.kind(), fault.code()),
        (FaultKind::InDoubt, "EPSON-NO-NUMBER")
    );
    assert_eq!(desk.verdict().await, Verdict::DidNotHappen);
    assert_eq!(desk.count(), 0);
}

#[tokio::test(start_paused = true)]
async fn failure_13_an_exchanged_printer_cannot_tell() {
    for silent in ["after", "before"] {
        let mut desk = Desk::with("only_till = true");
        desk.set("silent", silent);
        desk.execute(&job()).await.expect_err("silent");
        let _folder = desk.exchange("99MEY000002");
        desk.restart();
        let check = unclear(desk.verdict().await);
        assert_eq!(check.code, "FISCAL-SERIAL");
        assert_eq!(check.args["device"], "99MEY000002");
        assert_eq!(desk.count(), 0, "the new printer has nothing");
    }
}

#[tokio::test(start_paused = true)]
async fn failure_14_a_wrong_clock_is_told_and_decides_nothing() {
    // An hour back, three hours back, the day the clocks change, two days ahead.
    for drift in ["-3600", "-10800", "3600", "172800"] {
        let mut desk = Desk::with("clock_off = \"warn\"");
        desk.set("drift", drift);
        done(desk.finish(&job_of_bill(1)).await);
        assert_eq!(desk.count(), 1, "{drift}");
        desk.set("silent", "after");
        desk.execute(&job_of_bill(2)).await.expect_err("silent");
        desk.set("silent", "off");
        assert!(
            matches!(desk.verdict().await, Verdict::Happened(_)),
            "{drift}"
        );
        assert_eq!(desk.count(), 2, "{drift}");
        let proof = desk
            .execute(&job_of(Work::Local(LocalWork::Test)))
            .await
            .expect("readable");
        let result = &proof.say.args["result"];
        assert!(result.contains(&format!("clock {drift} s off")), "{result}");
    }
    // Without the journal's word an old time is no proof, even for a lonely till.
    let mut desk = Desk::with("only_till = true");
    desk.set("drift", "-10800");
    desk.set("journal", "unreadable");
    desk.set("silent", "after");
    desk.execute(&job()).await.expect_err("silent");
    desk.set("silent", "off");
    unclear(desk.verdict().await);
}

#[tokio::test(start_paused = true)]
async fn failure_16_a_cancel_after_the_commit_changes_nothing() {
    let mut desk = Desk::with("");
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

#[tokio::test(start_paused = true)]
async fn failure_17_a_full_disk_sends_nothing() {
    let mut desk = Desk::with("");
    desk.journal.disk_full(true);
    let fault = desk.execute(&job()).await.expect_err("no commit");
    assert_eq!(fault.code(), "NOT-STARTED");
    assert_eq!(desk.count(), 0);
    desk.journal.disk_full(false);
    done(desk.finish(&job()).await);
    assert_eq!(desk.count(), 1);
}

#[tokio::test(start_paused = true)]
async fn failure_18_a_document_of_another_program_is_left_alone() {
    for settings in ["", "only_till = true"] {
        let mut desk = Desk::with(settings);
        desk.set("open", "on");
        let fault = desk.execute(&job()).await.expect_err("open elsewhere");
        assert_eq!(
            (fault.kind(), fault.code()),
            (FaultKind::OperatorNeeded, "FISCAL-OPEN-ELSEWHERE")
        );
        assert!(
            desk.printer.answer(STATUS).contains("00100"),
            "it is still open"
        );
        assert_eq!((desk.count(), desk.journal.commits()), (0, 0));
    }
}

#[tokio::test(start_paused = true)]
async fn failure_18_a_second_worker_on_the_printer_is_another_till() {
    let mut desk = Desk::with("");
    let mut second = Desk::with("");
    second.cable = desk.cable.clone();
    second.restart();
    desk.set("silent", "after");
    desk.execute(&job_of_bill(1)).await.expect_err("silent");
    desk.set("silent", "off");
    done(second.finish(&job_of_bill(2)).await);
    let check = unclear(desk.verdict().await);
    assert_eq!(check.args["now"], "0764-0002");
    assert_eq!(desk.count(), 2, "one each");
}

#[tokio::test(start_paused = true)]
async fn a_document_of_another_till_between_ours_and_the_reading_is_told_apart_by_the_journal() {
    let mut desk = Desk::with("");
    let plan = desk.device.prepare(&job()).expect("a plan");
    let run = desk.journal.run();
    let printer = desk.printer.clone();
    let other_till = async {
        while printer.effects().is_empty() {
            tokio::time::sleep(Duration::from_micros(1)).await;
        }
        printer.switch("other-till", "153.20")
    };
    let (ended, switched) = tokio::join!(desk.device.execute(plan, &run), other_till);
    switched.expect("a switch");
    match ended {
        Ok(proof) => assert_eq!(proof.say.args["doc"], "0764-0001"),
        Err(fault) => panic!("{fault}"),
    }
    assert_eq!(desk.count(), 1);
}
