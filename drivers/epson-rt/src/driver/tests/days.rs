//! The fiscal day: tracked, closed once, warned about; and `nightporter test`.

use std::time::Duration;

use driver_sdk::{FaultKind, Health, VirtualDevice as _, Watch, WatchEvent};

use super::super::*;
use super::desk::*;

fn z() -> Job {
    job_of(Work::Local(LocalWork::Z))
}

/// What a look at the printer tells.
async fn looks(desk: &mut Desk) -> (Option<String>, bool) {
    let (watch, mut events) = Watch::pair();
    let idle = desk.device.idle(&watch);
    let ended = tokio::time::timeout(Duration::from_secs(1), idle).await;
    let mut seen = (None, false);
    if let Ok(Err(fault)) = ended {
        seen.0 = Some(fault.to_string());
    }
    while let Ok(event) = events.try_recv() {
        match event {
            WatchEvent::Health(Health::Warned(fault) | Health::Unwell(fault)) => {
                seen.0 = Some(fault.to_string());
            }
            WatchEvent::Wish("z") => seen.1 = true,
            WatchEvent::Health(Health::Well) | WatchEvent::News | WatchEvent::Wish(_) => {}
        }
    }
    seen
}

#[tokio::test(start_paused = true)]
async fn a_day_end_is_proved_and_never_printed_twice() {
    let mut desk = Desk::with("");
    let fault = desk.execute(&z()).await.expect_err("nothing to close");
    assert_eq!(fault.code(), "EPSON-DAY-CLOSED");
    done(desk.finish(&job()).await);
    let proof = desk.execute(&z()).await.expect("a Z");
    assert_eq!(
        (proof.say.code.as_str(), proof.say.args["z"].as_str()),
        ("FISCAL-Z-OK", "0764")
    );
    desk.execute(&z()).await.expect_err("closed already");
    let ends = desk.audited("fiscal-day-end");
    assert_eq!((ends.len(), &ends[0]["how"]), (1, &"by this worker".into()));
    let proof = done(desk.finish(&job_of_bill(2)).await);
    assert_eq!(proof.say.args["doc"], "0765-0001");
    assert_eq!(
        desk.audited("fiscal-day-end").len(),
        1,
        "our own Z is not one of somebody else"
    );
}

/// A desk whose worker died with a day end under way.
async fn in_doubt() -> Desk {
    let mut desk = Desk::with("");
    done(desk.finish(&job()).await);
    let question = "<printerCommand><directIO command=\"1387\" data=\"01\"/></printerCommand>";
    let answer = crate::answer::Answer::read(desk.printer.answer(question).as_bytes());
    let record = answer.expect("an answer");
    let record = record.info("responseData").expect("a record");
    let before = crate::answer::last_document(record).expect("a document");
    let run = desk.journal.run();
    run.commit(&Bookmark::Z(before)).await.expect("a commit");
    desk.restart();
    desk
}

#[tokio::test(start_paused = true)]
async fn a_day_end_in_doubt_is_decided_by_the_day() {
    let mut lost = in_doubt().await;
    assert_eq!(lost.verdict().await, Verdict::DidNotHappen);
    lost.execute(&z()).await.expect("once more");

    // Closed, and closed and sold again.
    for sold in [false, true] {
        let mut desk = in_doubt().await;
        desk.set("z", "now");
        if sold {
            desk.set("other-till", "5.00");
        }
        let Verdict::Happened(proof) = desk.verdict().await else {
            panic!("the day is closed");
        };
        assert_eq!(proof.say.args["z"], "0764");
    }
}

#[tokio::test(start_paused = true)]
async fn a_day_end_is_not_decided_while_the_day_moves_or_on_another_printer() {
    let mut desk = in_doubt().await;
    let printer = desk.printer.clone();
    let meanwhile = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        printer.switch("z", "now")
    };
    // The first question begins the wait: the board may still hold the report.
    let fault = desk.reconcile().await.expect_err("too early");
    assert_eq!(fault.code(), "FISCAL-Z-PENDING");
    tokio::time::sleep(Duration::from_secs(31)).await;
    let (verdict, switched) = tokio::join!(desk.reconcile(), meanwhile);
    switched.expect("a switch");
    let settling = "FISCAL-Z-PENDING cause=it is still settling";
    assert_eq!(verdict.expect_err("it moved").to_string(), settling);
    assert!(matches!(desk.verdict().await, Verdict::Happened(_)));

    let mut desk = in_doubt().await;
    desk.set("open", "on");
    let fault = desk.reconcile().await.expect_err("open");
    assert_eq!(fault.to_string(), settling);

    let mut desk = in_doubt().await;
    let _folder = desk.exchange("99MEY000002");
    desk.set("z", "now");
    let Verdict::CannotTell { check } = desk.verdict().await else {
        panic!("another printer knows nothing");
    };
    assert_eq!(check.code, "FISCAL-SERIAL");
}

#[tokio::test(start_paused = true)]
async fn a_day_end_whose_answer_is_lost_is_a_doubt() {
    let mut desk = Desk::with("");
    done(desk.finish(&job()).await);
    desk.set("z-report", "deaf");
    let fault = desk.execute(&z()).await.expect_err("no answer");
    assert_eq!(fault.kind(), FaultKind::InDoubt);
    assert!(matches!(desk.verdict().await, Verdict::Happened(_)));
    assert_eq!(
        desk.execute(&z()).await.expect_err("closed").code(),
        "EPSON-DAY-CLOSED"
    );
}

#[tokio::test(start_paused = true)]
async fn a_day_end_that_is_refused_says_why_and_the_day_stays_open() {
    let mut desk = Desk::with("");
    done(desk.finish(&job()).await);
    desk.set("z-report", "xz");
    let fault = desk
        .execute(&z())
        .await
        .expect_err("a Z alone is forbidden");
    assert_eq!(
        (fault.kind(), fault.code()),
        (FaultKind::Permanent, "EPSON-SEQUENCE")
    );
    desk.settings = format!("z_report = \"xz\"\n{}", desk.settings);
    desk.restart();
    desk.execute(&z()).await.expect("the long report closes it");
}

#[tokio::test(start_paused = true)]
async fn no_day_end_while_a_document_is_open_or_paper_is_out() {
    for (name, value, code) in [
        ("open", "on", "FISCAL-OPEN-ELSEWHERE"),
        ("paper", "out", "EPSON-PAPER"),
        ("training", "on", "EPSON-TRAINING"),
    ] {
        let mut desk = Desk::with("");
        done(desk.finish(&job()).await);
        desk.set(name, value);
        let fault = desk.execute(&z()).await.expect_err(value);
        assert_eq!(fault.code(), code);
        assert_eq!(desk.journal.commits(), 1, "nothing was sent");
    }
}

#[tokio::test(start_paused = true)]
async fn a_late_day_is_warned_about_and_closed_only_where_it_is_a_setting() {
    for (settings, wished) in [("", false), ("automatic_z_after_h = 22", true)] {
        let mut desk = Desk::with(settings);
        done(desk.finish(&job()).await);
        assert_eq!(looks(&mut desk).await, (None, false));
        let hours = |hours: u64| Duration::from_secs(hours * 3600);
        tokio::time::sleep(hours(19)).await;
        assert_eq!(looks(&mut desk).await, (None, false));
        tokio::time::sleep(hours(2)).await;
        let (late, early) = looks(&mut desk).await;
        assert_eq!(
            (late.as_deref(), early),
            (Some("FISCAL-Z-LATE hours=21"), false)
        );
        tokio::time::sleep(hours(2)).await;
        let (late, wish) = looks(&mut desk).await;
        assert_eq!(
            (late.as_deref(), wish),
            (Some("FISCAL-Z-LATE hours=23"), wished)
        );
        // Not every minute again.
        tokio::time::sleep(Duration::from_secs(60)).await;
        assert!(!looks(&mut desk).await.1);
        if wished {
            desk.execute(&z()).await.expect("a Z");
            assert_eq!(looks(&mut desk).await, (None, false));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_automatic_day_end_waits_for_a_safe_moment() {
    let mut desk = Desk::with("automatic_z_after_h = 1");
    done(desk.finish(&job()).await);
    tokio::time::sleep(Duration::from_secs(2 * 3600)).await;
    desk.set("open", "on");
    assert!(!looks(&mut desk).await.1, "a document is open");
    desk.set("open", "off");
    desk.set("other-till", "5.00");
    assert!(
        !looks(&mut desk).await.1,
        "somebody has just sold something"
    );
    tokio::time::sleep(Duration::from_secs(11 * 60)).await;
    assert!(looks(&mut desk).await.1);
}

#[tokio::test(start_paused = true)]
async fn the_age_of_a_day_survives_a_restart() {
    let mut desk = Desk::with("");
    done(desk.finish(&job_of_bill(1)).await);
    tokio::time::sleep(Duration::from_secs(21 * 3600)).await;
    desk.restart();
    let mut later = job_of_bill(2);
    later.now = "2026-11-25T10:05:00Z".parse().expect("a time");
    done(desk.finish(&later).await);
    let (late, _) = looks(&mut desk).await;
    assert_eq!(late.as_deref(), Some("FISCAL-Z-LATE hours=21"));
}

#[tokio::test(start_paused = true)]
async fn what_is_worth_a_warning_is_shown_and_sales_go_on() {
    for (name, value, wanted) in [
        ("paper", "low", "EPSON-PAPER-NEAR"),
        ("journal", "near", "EPSON-JOURNAL-NEAR"),
        ("files", "2", "EPSON-FILES count=2 state=rejected"),
        (
            "expiry",
            "20261210",
            "EPSON-CERTIFICATE days=16 name=printer",
        ),
        ("drift", "-600", "EPSON-CLOCK minutes=-10"),
    ] {
        let mut desk = Desk::with("");
        desk.set(name, value);
        done(desk.finish(&job()).await);
        assert_eq!(looks(&mut desk).await, (Some(wanted.to_owned()), false));
        assert_eq!(desk.count(), 1);
    }
    let mut desk = Desk::with("");
    desk.set("paper", "out");
    let (seen, _) = looks(&mut desk).await;
    assert_eq!(seen.as_deref(), Some("EPSON-PAPER code=off-line status=3"));
}

#[tokio::test(start_paused = true)]
async fn a_certificate_that_has_ended_stops_sales_and_no_day_end() {
    let mut desk = Desk::with("automatic_z_after_h = 1");
    done(desk.finish(&job()).await);
    desk.set("expiry", "20261101");
    let fault = desk.execute(&job_of_bill(2)).await.expect_err("over");
    assert_eq!(
        (fault.kind(), fault.to_string().as_str()),
        (FaultKind::Permanent, "EPSON-CERTIFICATE-OVER name=printer")
    );
    assert_eq!((desk.count(), desk.journal.commits()), (1, 1));
    // Shown as out of service; the day is closed all the same.
    tokio::time::sleep(Duration::from_secs(2 * 3600)).await;
    let (seen, wished) = looks(&mut desk).await;
    assert_eq!(seen.as_deref(), Some("EPSON-CERTIFICATE-OVER name=printer"));
    assert!(wished);
    desk.execute(&z()).await.expect("a Z");
    // A document whose end is in doubt is decided all the same.
    let mut desk = Desk::with("");
    desk.set("silent", "after");
    desk.execute(&job()).await.expect_err("silent");
    desk.set("silent", "off");
    desk.set("expiry", "20261101");
    assert!(matches!(desk.verdict().await, Verdict::Happened(_)));
}

#[tokio::test(start_paused = true)]
async fn a_clock_known_to_be_wrong_stops_sales_until_the_day_was_closed() {
    for (drift, minutes) in [("-1000", "-16"), ("3600", "60")] {
        let mut desk = Desk::with("");
        desk.set("drift", drift);
        done(desk.finish(&job()).await);
        let (seen, _) = looks(&mut desk).await;
        let wrong = format!("EPSON-CLOCK-WRONG minutes={minutes}");
        assert_eq!(seen, Some(wrong.clone()));
        for restarted in [false, true] {
            if restarted {
                desk.restart();
            }
            let fault = desk.execute(&job_of_bill(2)).await.expect_err("wrong");
            assert_eq!(
                (fault.kind(), fault.to_string()),
                (FaultKind::OperatorNeeded, wrong.clone())
            );
        }
        assert_eq!((desk.count(), desk.journal.commits()), (1, 1));
        // A person closes the day, at the printer or here, and sets the clock.
        if drift == "3600" {
            desk.execute(&z()).await.expect("a Z");
        } else {
            desk.set("z", "now");
        }
        desk.set("drift", "0");
        assert_eq!(looks(&mut desk).await.0, None);
        done(desk.finish(&job_of_bill(2)).await);
        done(desk.finish(&job_of_bill(3)).await);
        assert_eq!(desk.count(), 3);
    }
    let mut desk = Desk::with("clock_off = \"warn\"");
    desk.set("drift", "-1000");
    done(desk.finish(&job()).await);
    assert_eq!(
        looks(&mut desk).await.0.as_deref(),
        Some("EPSON-CLOCK minutes=-16")
    );
    done(desk.finish(&job_of_bill(2)).await);
}

#[tokio::test(start_paused = true)]
async fn another_tills_document_from_the_future_shows_a_wrong_clock_too() {
    let mut desk = Desk::with("");
    desk.set("drift", "3600");
    desk.set("other-till", "5.00");
    let fault = desk.execute(&job()).await.expect_err("from the future");
    assert_eq!(fault.to_string(), "EPSON-CLOCK-WRONG minutes=60");
    assert_eq!(desk.count(), 0);
}

#[tokio::test(start_paused = true)]
async fn the_test_reads_everything_names_what_it_cannot_and_changes_nothing() {
    let test = job_of(Work::Local(LocalWork::Test));
    let mut desk = Desk::with("");
    let proof = desk.execute(&test).await.expect("readable");
    let result = &proof.say.args["result"];
    for part in [
        "serial 99MEY000001 type M, firmware 07.00 and 04.3",
        "ready",
        "RT status 02/08",
        "fiscal day closed",
        "last document none yet",
        "clock cannot be read before our first document",
        "printer until 2030-12-31 and authority until 2039-12-31",
        "files waiting 0 old 0 rejected 0",
        "VAT rates and memory left cannot be read",
    ] {
        assert!(result.contains(part), "{part} in {result}");
    }
    assert!(desk.printer.effects().is_empty());
    done(desk.finish(&job()).await);
    let proof = desk.execute(&test).await.expect("readable");
    let result = &proof.say.args["result"];
    for part in [
        "fiscal day open",
        "last document 0764-0001 at 2026-11-24T14:05:00",
        "clock 0 s off at our document of 2026-11-24T14:05:00",
    ] {
        assert!(result.contains(part), "{part} in {result}");
    }
    assert!(
        result.len() < 460,
        "{} do not fit into a note",
        result.len()
    );
    assert_eq!((desk.count(), desk.audited("fiscal-day-end").len()), (1, 0));

    let mut desk = Desk::with("");
    desk.set("firmware", "old");
    let proof = desk.execute(&test).await.expect("readable");
    assert!(proof.say.args["result"].contains("serial cannot be read (EPSON-NO-RECORD)"));
}
