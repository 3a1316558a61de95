//! The worker dies at any moment of a job and is started again.

use std::time::Duration;

use super::*;

fn receipt() -> Vec<String> {
    lines("bill", 30)
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
