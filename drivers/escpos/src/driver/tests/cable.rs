//! The cable breaks after every byte of a job, both directions counted, and is mended.

use std::time::Duration;

use driver_sdk::Grade;

use super::*;

/// 26 lines are two parts.
fn receipt() -> Vec<String> {
    lines("r", 26)
}

async fn judge(desk: &mut Desk, end: &End, which: &str) {
    desk.at_rest().await;
    let what = format!("{which}: {end:?} {:?}", desk.texts());
    assert!(desk.lines_like("r 1 of 26") <= 1, "printed twice: {what}");
    assert!(desk.lines_like("r 26 of 26") <= 1, "printed twice: {what}");
    match end {
        End::Done(Grade::Done | Grade::Accepted, _) => {
            assert_eq!(desk.whole(&receipt()), 1, "{what}");
        }
        End::Nothing(_) => assert!(!desk.has_ink(), "{what}"),
        End::Partly(..) => assert!(desk.has_ink() && desk.whole(&receipt()) == 0, "{what}"),
        End::Doubt(told) => assert!(told.contains("Look at"), "{what}"),
        End::Done(Grade::Sent, _) => {}
    }
    let printed = desk.lines_like("r 26 of 26");
    desk.next_is_whole().await;
    assert_eq!(desk.lines_like("r 26 of 26"), printed, "later: {what}");
}

/// Breaks it after 0, 1, 2 … bytes until the job is over before it breaks; with paper that takes
/// time after every 23rd.
async fn every_byte(kind: Kind, speed: u32, purge: &str) {
    let step = if speed == 0 { 1 } else { 23 };
    let mut bytes = 0;
    loop {
        let mut desk = Desk::with(kind, "", |options| options.speed = speed);
        desk.set("purge", purge);
        desk.cable.break_after(bytes);
        let bill = job(&receipt().join("\n"), 1);
        let mend = desk.cable.clone().mended_after(Duration::from_secs(1));
        let mended = tokio::spawn(mend);
        let end = desk.finish(&bill).await;
        let over = !mended.is_finished() && !desk.cable.is_broken();
        mended.abort();
        desk.cable.mend();
        judge(
            &mut desk,
            &end,
            &format!("{kind:?} {bytes} {speed} {purge}"),
        )
        .await;
        if over {
            break;
        }
        bytes += step;
    }
    assert!(
        bytes > 300,
        "{kind:?}: the job is longer than {bytes} bytes"
    );
}

#[tokio::test(start_paused = true)]
async fn cut_after_any_byte_a_printer_with_marks() {
    every_byte(Kind::Epson, 0, "honoured").await;
    every_byte(Kind::Epson, 50, "honoured").await;
    every_byte(Kind::Epson, 50, "ignored").await;
}

#[tokio::test(start_paused = true)]
async fn cut_after_any_byte_a_printer_without_marks() {
    every_byte(Kind::Plain, 0, "honoured").await;
    every_byte(Kind::Plain, 50, "ignored").await;
}

#[tokio::test(start_paused = true)]
async fn cut_after_any_byte_a_clone() {
    every_byte(Kind::Clone, 0, "ignored").await;
    every_byte(Kind::Clone, 50, "ignored").await;
}

#[tokio::test(start_paused = true)]
async fn cut_after_any_byte_a_printer_that_says_nothing() {
    every_byte(Kind::Blind, 50, "ignored").await;
}
