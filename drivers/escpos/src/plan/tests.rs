use std::path::PathBuf;

use driver_sdk::{CommandId, DeviceName, FaultKind, PrintWork, Settings};
use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::*;

fn job(mime: &str, copies: i64, bytes: u64) -> Job {
    Job {
        id: CommandId::local(),
        device: DeviceName::new("bar"),
        created: Timestamp::UNIX_EPOCH,
        now: Timestamp::UNIX_EPOCH,
        zone: TimeZone::UTC,
        repeat: false,
        attempt: 0,
        work: Work::Print(PrintWork {
            copies,
            mime: mime.to_owned(),
            document: Document::at(PathBuf::from("/nowhere"), bytes),
        }),
    }
}

fn config() -> Config {
    Config::parse(&Settings::none()).expect("defaults")
}

fn refused(job: &Job) -> String {
    let fault = plan(job, &config()).expect_err("it cannot be printed");
    assert_eq!(fault.kind(), FaultKind::Permanent);
    fault.code().to_owned()
}

#[test]
fn absurd_copies_are_refused() {
    for copies in [0, -1, 21, 1_000_000, i64::MAX, i64::MIN] {
        assert_eq!(refused(&job("text/plain", copies, 9)), "ESCPOS-COPIES");
    }
    assert_eq!(
        plan(&job("text/plain", 20, 9), &config())
            .map(|p| p.copies)
            .ok(),
        Some(20)
    );
}

#[test]
fn types_are_read_as_the_web_writes_them() {
    for mime in ["text/plain; charset=utf-8", "Application/PDF", "image/jpeg"] {
        assert!(plan(&job(mime, 1, 9), &config()).is_ok(), "{mime}");
    }
    for mime in ["application/msword", "", "text/html", "\n\u{7f}"] {
        assert_eq!(refused(&job(mime, 1, 9)), "ESCPOS-TYPE");
    }
}

#[test]
fn nothing_and_too_much_are_refused() {
    assert_eq!(refused(&job("text/plain", 1, 0)), "ESCPOS-EMPTY");
    assert_eq!(refused(&job("text/plain", 1, 21 << 20)), "ESCPOS-TOO-LARGE");
}

#[test]
fn raw_data_cannot_be_marked_as_a_repeat() {
    let mut job = job("application/vnd.escpos", 1, 9);
    job.repeat = true;
    let fault = plan(&job, &config()).expect_err("nothing is put into raw data");
    // It may have been printed before: a doubt, not a refusal.
    assert_eq!(
        (fault.code(), fault.kind()),
        ("ESCPOS-RAW-REPEAT", FaultKind::InDoubt)
    );
}

#[test]
fn other_work_is_refused() {
    let mut job = job("text/plain", 1, 9);
    job.work = Work::Local(LocalWork::Z);
    assert_eq!(refused(&job), "WRONG-WORK");
}
