//! Printers that answer late, or not, or no longer.

use std::time::Duration;

use driver_sdk::{Grade, VirtualDevice};

use super::desk::OPERATOR_WAIT;
use super::*;

fn receipt() -> Vec<String> {
    lines("bill", 30)
}

#[tokio::test(start_paused = true)]
async fn a_printer_that_never_answered_gets_its_bytes_and_nothing_is_claimed() {
    let mut desk = Desk::new(Kind::Blind);
    let end = desk.finish(&job(&receipt().join("\n"), 2)).await;
    assert!(matches!(&end, End::Done(Grade::Sent, told) if told.contains("does not confirm")));
    desk.at_rest().await;
    assert_eq!(desk.whole(&receipt()), 2);
}

#[tokio::test(start_paused = true)]
async fn a_printer_that_must_answer_and_does_not_gets_nothing() {
    let mut desk = Desk::with(Kind::Blind, "status = \"required\"\n", |_| {});
    let end = desk.finish(&job("never\n", 1)).await;
    assert!(
        matches!(&end, End::Nothing(told) if told.contains("does not answer")),
        "{end:?}"
    );
    desk.at_rest().await;
    assert!(!desk.has_ink());
}

#[tokio::test(start_paused = true)]
async fn a_printer_that_used_to_answer_and_is_silent_gets_nothing() {
    for kind in Kind::ANSWERING {
        for silence in [("deaf", "on"), ("power", "off")] {
            let mut desk = Desk::new(kind);
            desk.next_is_whole().await;
            desk.set(silence.0, silence.1);
            let end = desk.finish(&job("never\n", 1)).await;
            assert!(
                matches!(end, End::Nothing(_)),
                "{kind:?} {silence:?}: {end:?}"
            );
            desk.set(silence.0, if silence.0 == "deaf" { "off" } else { "on" });
            desk.at_rest().await;
            assert_eq!(desk.lines_like("never"), 0, "{kind:?} {silence:?}");
        }
    }
}

/// The verdict from silence: it acts, its answer is lost, it is deaf for 90 s.
#[tokio::test(start_paused = true)]
async fn deaf_for_ninety_seconds_at_any_moment_is_never_repeated_and_judged_right() {
    for kind in Kind::ANSWERING {
        for tenth in (0..60).step_by(4) {
            let mut desk = Desk::new(kind);
            desk.next_is_whole().await;
            let printer = std::sync::Arc::clone(&desk.printer);
            let hand = async {
                tokio::time::sleep(Duration::from_millis(tenth * 100)).await;
                printer.switch("deaf", "90000").expect("a switch");
            };
            let bill = job(&receipt().join("\n"), 2);
            let (end, ()) = tokio::join!(desk.finish(&bill), hand);
            desk.at_rest().await;
            let what = format!("{kind:?} at {tenth}: {end:?} {:?}", desk.texts());
            assert!(desk.lines_like("bill 1 of 30") <= 2, "{what}");
            assert!(desk.lines_like("bill 30 of 30") <= 2, "{what}");
            match &end {
                End::Done(..) => assert_eq!(desk.whole(&receipt()), 2, "{what}"),
                End::Nothing(_) => assert_eq!(desk.lines_like("bill 1 of 30"), 0, "{what}"),
                End::Partly(..) => assert!(desk.whole(&receipt()) < 2, "{what}"),
                End::Doubt(told) => assert!(told.contains("Look at"), "{what}"),
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn lost_marks_are_a_doubt_and_never_a_second_print() {
    let mut desk = Desk::new(Kind::Epson);
    desk.set("lose-id", "all");
    let end = desk.finish(&job(&receipt().join("\n"), 1)).await;
    assert!(
        matches!(&end, End::Doubt(told) if told.contains("Look at")),
        "{end:?}"
    );
    desk.set("lose-id", "off");
    desk.at_rest().await;
    assert_eq!(desk.whole(&receipt()), 1);
    assert_eq!(desk.lines_like("bill 1 of 30"), 1);
    desk.next_is_whole().await;
}

#[tokio::test(start_paused = true)]
async fn silence_before_and_after_the_print_is_judged_alike_and_printed_at_most_once() {
    for kind in Kind::ANSWERING {
        for (mute, printed) in [("before-print", 0), ("after-print", 1)] {
            let mut desk = Desk::new(kind);
            desk.next_is_whole().await;
            desk.set("mute", mute);
            let end = desk.finish(&job(&receipt().join("\n"), 1)).await;
            let what = format!("{kind:?} {mute}: {end:?} {:?}", desk.texts());
            // Without marks "accepted" was said when it had taken everything.
            let taken = kind != Kind::Epson && mute == "after-print";
            let accepted = taken && matches!(end, End::Done(Grade::Accepted, _));
            assert!(accepted || matches!(end, End::Doubt(_)), "{what}");
            desk.at_rest().await;
            desk.set("power", "cycle");
            assert_eq!(desk.whole(&receipt()), printed, "{what}");
            desk.restart();
        }
    }
}

#[tokio::test(start_paused = true)]
async fn late_answers_are_never_taken_for_the_next_question() {
    for kind in Kind::ANSWERING {
        for late in ["900", "2900", "3200", "7000"] {
            let mut desk = Desk::new(kind);
            desk.next_is_whole().await;
            desk.set("late", late);
            desk.set("cover", "open");
            let end = desk.finish(&job("never\n", 1)).await;
            let what = format!("{kind:?} {late}: {end:?} {:?}", desk.texts());
            assert!(matches!(end, End::Nothing(_)), "{what}");
            // What it said with the cover open still comes when the cover is closed.
            desk.set("cover", "closed");
            let end = desk.finish(&job(&receipt().join("\n"), 1)).await;
            desk.at_rest().await;
            let what = format!("{kind:?} {late}: {end:?} {:?}", desk.texts());
            assert_eq!(desk.lines_like("never"), 0, "{what}");
            assert!(desk.lines_like("bill 30 of 30") <= 1, "{what}");
            if matches!(end, End::Done(Grade::Done, _)) {
                assert_eq!(desk.whole(&receipt()), 1, "{what}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_two_seconds_late_costs_two_seconds_and_no_job() {
    for kind in Kind::ANSWERING {
        let mut desk = Desk::new(kind);
        desk.set("late", "2000");
        let end = desk.finish(&job(&receipt().join("\n"), 1)).await;
        desk.at_rest().await;
        let what = format!("{kind:?}: {end:?} {:?}", desk.texts());
        assert!(matches!(end, End::Done(..)), "{what}");
        assert_eq!(desk.whole(&receipt()), 1, "{what}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_cancel_and_a_stop_after_the_commit_end_at_a_safe_point_and_tell_the_part() {
    for kind in Kind::ANSWERING {
        for cancel in [true, false] {
            let mut desk = Desk::with(kind, "band_pause_ms = 300\n", |_| {});
            let (stop, wish) = (desk.stop.clone(), desk.cancel.clone());
            let hand = async {
                tokio::time::sleep(Duration::from_millis(400)).await;
                if cancel { wish.cancel() } else { stop.cancel() }
            };
            let long = lines("long", 120);
            let bill = job(&long.join("\n"), 1);
            let (end, ()) = tokio::join!(desk.finish(&bill), hand);
            desk.at_rest().await;
            let what = format!("{kind:?} {cancel}: {end:?} {:?}", desk.texts());
            let End::Partly(_, told) = &end else {
                panic!("{what}");
            };
            assert!(told.contains("after part"), "{what}");
            assert_eq!(desk.whole(&long), 0, "{what}");
            assert_eq!(desk.lines_like("long 120 of 120"), 0, "{what}");
            (desk.stop, desk.cancel) = Default::default();
            desk.next_is_whole().await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_unreachable_printer_is_waited_for_and_gets_nothing() {
    let mut desk = Desk::new(Kind::Epson);
    desk.cable.break_after(0);
    let begun = driver_sdk::clock::now();
    let end = desk.finish(&job("never\n", 1)).await;
    assert!(
        matches!(&end, End::Nothing(told) if told.contains("cannot be reached")),
        "{end:?}"
    );
    let waited = driver_sdk::clock::now() - begun;
    assert!(
        waited >= OPERATOR_WAIT && waited < OPERATOR_WAIT * 2,
        "{waited:?}"
    );
    assert!(!desk.has_ink());
}
