//! The worker dies at any moment of a job and is started again.

use std::time::Duration;

use super::*;

fn receipt() -> Vec<String> {
    lines("bill", 30)
}

/// How long the new process needs for its verdict on a receipt that is out, whose marks went into
/// the dead connection. `fence`: the printer answers again.
async fn verdict_on_a_lost_answer(fence: bool, early: &str) -> (End, Duration) {
    let mut desk = Desk::new(Kind::Epson);
    desk.set("early-id", early);
    desk.set("lose-id", "all");
    let bill = job(&receipt().join("\n"), 2);
    let life = Duration::from_secs(8);
    let killed = tokio::time::timeout(life, desk.execute(&bill)).await;
    assert!(killed.is_err(), "it waits for its marks");
    assert_eq!(desk.whole(&receipt()), 2);
    if fence {
        desk.set("lose-id", "off");
    }
    desk.restart();
    let begun = driver_sdk::clock::now();
    let end = desk.settle().await;
    let took = driver_sdk::clock::now() - begun;
    desk.at_rest().await;
    assert_eq!(desk.lines_like("bill 30 of 30"), 2);
    desk.set("lose-id", "off");
    desk.next_is_whole().await;
    (end, took)
}

/// With its twin: without the fence the time printing takes is waited for.
#[tokio::test(start_paused = true)]
async fn a_fence_tells_soon_that_no_mark_will_come() {
    for early in ["off", "on"] {
        let (end, took) = verdict_on_a_lost_answer(true, early).await;
        assert!(
            matches!(&end, End::Doubt(told) if told.contains("Look at")),
            "{end:?}"
        );
        assert!(took <= Duration::from_millis(1_500), "{took:?}");
        let (end, took) = verdict_on_a_lost_answer(false, early).await;
        assert!(matches!(end, End::Doubt(_)), "{end:?}");
        assert!(took > Duration::from_secs(6), "{took:?}");
    }
}

/// A printer that answers the fence as soon as it is read, while the receipt still comes out: the
/// receipt is not spoilt, and its last mark is heard or comes late.
#[tokio::test(start_paused = true)]
async fn a_fence_that_comes_back_early_spoils_no_receipt() {
    let mut done = 0;
    for step in 0..24 {
        let mut desk = Desk::new(Kind::Epson);
        desk.set("early-id", "on");
        let bill = job(&receipt().join("\n"), 1);
        let life = Duration::from_millis(step * 120);
        let killed = tokio::time::timeout(life, desk.execute(&bill)).await;
        if killed.is_ok() || desk.commits() == 0 {
            continue;
        }
        // Everything is in the printer's buffer or was never sent.
        desk.restart();
        let end = desk.settle().await;
        desk.at_rest().await;
        let what = format!("{step}: {end:?} {:?}", desk.texts());
        match &end {
            End::Done(..) => assert_eq!(desk.whole(&receipt()), 1, "{what}"),
            End::Partly(..) => assert!(desk.has_ink(), "{what}"),
            End::Doubt(told) => assert!(told.contains("Look at"), "{what}"),
            End::Nothing(_) => panic!("no printer proves that: {what}"),
        }
        done += usize::from(matches!(end, End::Done(..)));
        assert!(desk.lines_like("bill 30 of 30") <= 1, "{what}");
        desk.next_is_whole().await;
    }
    assert!(done > 4, "marks tell: {done}");
}

/// After each 230 ms of a job of 5 s the process is gone; the new one asks the printer.
#[tokio::test(start_paused = true)]
async fn killed_at_any_moment_it_is_never_printed_again_and_judged_right() {
    for kind in Kind::ALL {
        for purge in ["honoured", "ignored"] {
            let (mut doubts, mut known) = (0, 0);
            for step in 0..24 {
                let mut desk = Desk::new(kind);
                desk.set("purge", purge);
                let bill = job(&receipt().join("\n"), 2);
                let life = Duration::from_millis(step * 230);
                let ended = tokio::time::timeout(life, desk.execute(&bill)).await;
                if ended.is_ok() {
                    break;
                }
                desk.restart();
                if desk.commits() == 0 {
                    // It never began: it runs as if nothing had been.
                    let end = desk.finish(&bill).await;
                    desk.at_rest().await;
                    assert!(matches!(end, End::Done(..)), "{kind:?} {step}: {end:?}");
                    assert_eq!(desk.whole(&receipt()), 2, "{kind:?} {step}");
                    continue;
                }
                let end = desk.settle().await;
                let what = format!("{kind:?} {purge} {step}: {end:?} {:?}", desk.texts());
                match &end {
                    End::Done(..) => assert_eq!(desk.whole(&receipt()), 2, "{what}"),
                    End::Partly(..) => assert!(desk.has_ink(), "{what}"),
                    End::Doubt(told) => assert!(told.contains("Look at"), "{what}"),
                    End::Nothing(_) => panic!("no printer proves that: {what}"),
                }
                doubts += usize::from(matches!(end, End::Doubt(_)));
                known += usize::from(!matches!(end, End::Doubt(_)));
                desk.at_rest().await;
                assert!(desk.lines_like("bill 30 of 30") <= 2, "{what}");
                desk.next_is_whole().await;
                assert!(desk.lines_like("bill 30 of 30") <= 2, "{what}");
            }
            // A printer that says nothing has all bytes at once: there is no middle to die in.
            assert!(
                kind == Kind::Blind || doubts + known > 8,
                "{kind:?}: {doubts} and {known}"
            );
            if kind == Kind::Epson && purge == "honoured" {
                assert!(
                    known > doubts,
                    "marks tell: {known} known, {doubts} in doubt"
                );
            }
        }
    }
}
