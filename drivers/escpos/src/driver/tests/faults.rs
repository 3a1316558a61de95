//! Every fault, before the job and in the middle of it, put right in time or never.

use std::sync::Arc;
use std::time::Duration;

use driver_sdk::{Grade, VirtualDevice, WatchEvent, clock};

use super::desk::at;
use super::*;

/// What keeps a printer from printing and is told by its status: switch, on, off, the words of
/// the sentence.
const TROUBLES: [(&str, &str, &str, &str); 7] = [
    ("paper", "out", "loaded", "o paper"),
    ("cover", "open", "closed", "cover is open"),
    ("offline", "on", "off", "printer is offline"),
    ("hot", "on", "off", "too hot"),
    ("defect", "on", "off", "reports a defect"),
    ("feed-button", "held", "free", "feed button"),
    ("cutter", "jam", "clear", "cutter"),
];

const COPIES: usize = 2;

/// 30 lines are two parts, and take 2.25 s on paper; two copies of them.
fn receipt() -> Vec<String> {
    lines("bill", 30)
}

async fn run(desk: &mut Desk, fault: (&str, &str, &str), from: f64, to: f64) -> End {
    let printer = Arc::clone(&desk.printer);
    let begun = clock::now();
    let (switch, on, off) = fault;
    let hand = async {
        at(from, begun).await;
        printer.switch(switch, on).expect("a switch");
        at(to, begun).await;
        printer.switch(switch, off).expect("a switch");
    };
    let bill = job(&receipt().join("\n"), COPIES as i64);
    let (end, ()) = tokio::join!(desk.finish(&bill), hand);
    end
}

#[tokio::test(start_paused = true)]
async fn what_is_wrong_before_the_job_is_told_and_nothing_is_sent() {
    for kind in Kind::ANSWERING {
        for (switch, on, off, words) in TROUBLES {
            if switch == "cutter" {
                // A jam shows only when the cutter is used.
                continue;
            }
            let mut desk = Desk::new(kind);
            desk.set(switch, on);
            let end = desk.finish(&job("never\n", 1)).await;
            let End::Nothing(told) = &end else {
                panic!("{kind:?} {switch}: {end:?}");
            };
            assert!(told.contains(words), "{kind:?} {switch}: {told}");
            assert!(told.contains("Nothing was printed."), "{told}");
            assert_eq!(desk.commits(), 0, "{kind:?} {switch}");
            desk.set(switch, off);
            desk.at_rest().await;
            assert!(!desk.has_ink(), "{kind:?} {switch}: it came out later");
            desk.next_is_whole().await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_put_right_in_time_ends_with_every_copy_once() {
    for kind in Kind::ANSWERING {
        for (switch, on, off, words) in TROUBLES {
            for from in [0.0, 0.1, 1.2, 2.4, 4.6] {
                let mut desk = Desk::new(kind);
                let end = run(&mut desk, (switch, on, off), from, from + 20.0).await;
                desk.at_rest().await;
                let what = format!("{kind:?} {switch} at {from}: {end:?} {:?}", desk.texts());
                assert!(matches!(end, End::Done(..)), "{what}");
                assert_eq!(desk.lines_like("bill 30 of 30"), COPIES, "{what}");
                // A printer without marks has taken everything long before it jams at the last
                // cut: "accepted" says no more.
                if kind == Kind::Epson || switch != "cutter" {
                    assert_eq!(desk.whole(&receipt()), COPIES, "{what}");
                }
                if from > 0.0 && from < 4.0 && switch != "cutter" {
                    let shown = desk.shown();
                    let told = shown.iter().any(|told| told.contains(words));
                    assert!(told, "{what}: {shown:?}");
                }
                if kind == Kind::Epson {
                    assert!(matches!(end, End::Done(Grade::Done, _)), "{what}");
                }
                desk.next_is_whole().await;
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_nobody_puts_right_is_cleared_and_told_as_a_part() {
    for kind in Kind::ANSWERING {
        for (switch, on, off, words) in TROUBLES {
            for from in [0.5, 2.4] {
                let mut desk = Desk::new(kind);
                let end = run(&mut desk, (switch, on, off), from, 500.0).await;
                let what = format!("{kind:?} {switch} at {from}: {end:?} {:?}", desk.texts());
                let End::Partly(_, told) = &end else {
                    panic!("{what}");
                };
                assert!(told.contains(words), "{what}");
                assert!(told.contains("The rest was thrown away"), "{what}");
                desk.at_rest().await;
                assert!(desk.whole(&receipt()) < COPIES, "{what}");
                let printed = desk.lines_like("bill 2 of 30");
                assert!(printed <= COPIES, "{what}");
                desk.next_is_whole().await;
                let later = format!("{what}, later {:?}", desk.texts());
                assert_eq!(desk.lines_like("bill 2 of 30"), printed, "{later}");
                assert!(desk.whole(&receipt()) < COPIES, "{later}");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_printer_that_cannot_be_cleared_ends_in_doubt_and_says_that_the_rest_may_come() {
    for kind in Kind::ANSWERING {
        let mut desk = Desk::new(kind);
        desk.set("purge", "ignored");
        let end = run(&mut desk, ("paper", "out", "loaded"), 1.0, 500.0).await;
        let what = format!("{kind:?}: {end:?} {:?}", desk.texts());
        let End::Doubt(told) = &end else {
            panic!("{what}");
        };
        assert!(told.contains("may still print"), "{what}");
        assert!(told.contains("Look at the printer's paper"), "{what}");
        desk.at_rest().await;
        assert!(desk.lines_like("bill 1 of 30") <= COPIES);
        desk.next_is_whole().await;
        assert!(
            desk.lines_like("bill 30 of 30") <= COPIES,
            "{:?}",
            desk.texts()
        );
    }
}

#[tokio::test(start_paused = true)]
async fn the_mark_of_a_receipt_that_came_out_after_all_rings_and_settles_the_doubt() {
    let mut desk = Desk::on(
        "serial:/dev/ttyS0?baud=115200",
        Kind::Epson,
        "watch_s = 5\n",
        |_| {},
    );
    desk.set("purge", "ignored");
    let end = run(&mut desk, ("paper", "out", "out"), 1.0, 2.0).await;
    assert!(matches!(end, End::Doubt(_)), "{end:?}");
    desk.set("paper", "loaded");
    desk.idle(Duration::from_secs(20)).await;
    let rang = std::iter::from_fn(|| desk.events.try_recv().ok());
    let news = rang
        .filter(|event| matches!(event, WatchEvent::News))
        .count();
    assert!(news > 0, "it rings");
    let end = desk.settle().await;
    assert!(matches!(end, End::Done(Grade::Done, _)), "{end:?}");
    assert_eq!(desk.whole(&receipt()), COPIES, "{:?}", desk.texts());
}

#[tokio::test(start_paused = true)]
async fn a_stop_before_the_first_row_that_a_person_ends_prints_once() {
    for kind in Kind::ANSWERING {
        let mut desk = Desk::new(kind);
        desk.set("paper", "out");
        let printer = Arc::clone(&desk.printer);
        let begun = clock::now();
        let hand = async {
            at(30.0, begun).await;
            printer.switch("paper", "loaded").expect("a switch");
        };
        let bill = job(&receipt().join("\n"), 1);
        let (end, ()) = tokio::join!(desk.finish(&bill), hand);
        desk.at_rest().await;
        assert!(matches!(end, End::Done(..)), "{kind:?}: {end:?}");
        assert_eq!(desk.whole(&receipt()), 1, "{kind:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_slow_printer_with_marks_is_waited_for_as_long_as_it_prints() {
    let mut desk = Desk::new(Kind::Epson);
    // Two copies of 30 lines are 250 mm: 21 s at 12 mm/s, where 5 s are usual.
    desk.set("slow", "12");
    let end = desk.finish(&job(&receipt().join("\n"), 2)).await;
    assert!(matches!(end, End::Done(Grade::Done, _)), "{end:?}");
    assert_eq!(desk.whole(&receipt()), 2, "{:?}", desk.texts());
}

#[tokio::test(start_paused = true)]
async fn a_small_buffer_and_a_busy_line_lose_nothing() {
    for kind in Kind::ALL {
        for xon_xoff in [false, true] {
            let mut desk = Desk::with(kind, "", |options| {
                (options.buffer, options.xon_xoff) = (400, xon_xoff);
                (options.busy_offline, options.ahead) = (true, 8);
            });
            let end = run(
                &mut desk,
                ("paper", "out-after-rows:100", "loaded"),
                0.1,
                30.0,
            )
            .await;
            desk.at_rest().await;
            let what = format!("{kind:?} {xon_xoff}: {end:?} {:?}", desk.texts());
            if kind == Kind::Blind {
                // Nothing is told, and nothing more than "sent" is claimed.
                assert!(
                    !matches!(end, End::Done(Grade::Done | Grade::Accepted, _)),
                    "{what}"
                );
            } else {
                assert!(matches!(end, End::Done(..)), "{what}");
                assert_eq!(desk.whole(&receipt()), COPIES, "{what}");
            }
            assert!(desk.lines_like("bill 30 of 30") <= COPIES, "{what}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn noise_among_the_answers_proves_nothing_and_prints_nothing_twice() {
    for kind in Kind::ANSWERING {
        for from in [0.0, 1.0] {
            let mut desk = Desk::new(kind);
            let end = run(&mut desk, ("garbage", "on", "off"), from, 400.0).await;
            desk.at_rest().await;
            let what = format!("{kind:?} from {from}: {end:?} {:?}", desk.texts());
            assert!(desk.lines_like("bill 30 of 30") <= COPIES, "{what}");
            match &end {
                End::Done(Grade::Done | Grade::Accepted, _) => {
                    assert_eq!(desk.whole(&receipt()), COPIES, "{what}");
                }
                End::Nothing(_) => assert!(!desk.has_ink(), "{what}"),
                End::Done(Grade::Sent, _) | End::Partly(..) | End::Doubt(_) => {}
            }
            desk.next_is_whole().await;
        }
    }
}
