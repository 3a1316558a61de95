//! The driver keeps every promise of the contract, against its own virtual printer.

use std::io::Write as _;
use std::sync::Arc;

use driver_escpos::EscPos;
use driver_escpos::sim::{Options, VirtualPrinter};
use driver_sdk::conformance::{Suite, World};
use driver_sdk::{CommandId, DeviceName, Document, Effect, Job, LocalWork, PrintWork, Work};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use tempfile::NamedTempFile;

/// A printer that keeps no pictures.
fn world(options: &Options) -> World {
    World::of(Arc::new(VirtualPrinter::new(options.clone())))
}

/// A capable one, in no hurry: a receipt takes a second or two.
fn capable() -> Options {
    Options {
        speed: 60,
        ..Options::default()
    }
}

fn job_of(work: Work) -> Job {
    Job {
        id: CommandId::local(),
        device: DeviceName::new("bar"),
        created: Timestamp::UNIX_EPOCH,
        now: Timestamp::UNIX_EPOCH,
        zone: TimeZone::UTC,
        repeat: false,
        attempt: 0,
        work,
    }
}

/// A bill on disk, and the job to print it.
struct Bill(NamedTempFile);

impl Bill {
    fn new() -> Self {
        let mut file = NamedTempFile::new().expect("a temporary file");
        let lines: String = (1..=12)
            .map(|n| format!("Line {n}      {n}.00\n"))
            .collect();
        file.write_all(lines.as_bytes()).expect("it is writable");
        Self(file)
    }

    fn job(&self, mime: &str, copies: i64) -> Job {
        let length = self.0.as_file().metadata().expect("it is there").len();
        let document = Document::at(self.0.path().to_owned(), length);
        job_of(Work::Print(PrintWork {
            copies,
            mime: mime.to_owned(),
            document,
        }))
    }
}

fn is_receipt(effect: &Effect) -> bool {
    effect.kind == "receipt" && effect.content.contains("Line 1 ")
}

fn suite(bill: &Bill, options: Options, settings: &str) -> Suite {
    Suite::new(&EscPos, move || world(&options), bill.job("text/plain", 2))
        .settings(settings)
        .asks(2)
        .counting(is_receipt)
        .parts_are_small()
        .steps_max(20)
        .bad("no copies", bill.job("text/plain", 0))
        .bad("a million copies", bill.job("text/plain", 1_000_000))
        .bad("a film", bill.job("video/mp4", 1))
        .bad("a fiscal day", job_of(Work::Local(LocalWork::Z)))
        .scenario("no paper", |printer| printer.switch("paper", "out"))
        .scenario("paper for one", |printer| {
            printer.switch("paper", "out-after-rows:500")
        })
        .scenario("open", |printer| printer.switch("cover", "open"))
        .scenario("the cutter jams", |printer| printer.switch("cutter", "jam"))
        .scenario("hangs", |printer| printer.switch("mute", "before-print"))
        .scenario("silent after one", |printer| {
            printer.switch("mute", "after-print")
        })
        .scenario("hangs up after one", |printer| {
            printer.switch("drop", "after-print")
        })
        .scenario("too hot", |printer| printer.switch("hot", "on"))
        .scenario("noise", |printer| printer.switch("garbage", "on"))
        .scenario("marks get lost", |printer| printer.switch("lose-id", "all"))
        .scenario("it cannot be cleared", |printer| {
            printer.switch("purge", "ignored")?;
            printer.switch("paper", "out-after-rows:500")
        })
}

#[tokio::test(start_paused = true)]
async fn the_driver_keeps_its_promises_with_process_ids_over_tcp() {
    let bill = Bill::new();
    suite(&bill, capable(), "profile = \"epson\"")
        .run()
        .await
        .assert();
}

#[tokio::test(start_paused = true)]
async fn the_driver_keeps_its_promises_with_buffered_status_over_a_serial_line() {
    let bill = Bill::new();
    let options = Options {
        process_id: false,
        blocks: false,
        ..capable()
    };
    suite(&bill, options, "")
        .link("serial:/dev/ttyUSB0?baud=38400")
        .run()
        .await
        .assert();
}

#[tokio::test(start_paused = true)]
async fn the_driver_keeps_its_promises_where_the_printer_answers_nothing() {
    let bill = Bill::new();
    let options = Options {
        answers: false,
        process_id: false,
        ..capable()
    };
    let job = bill.job("text/plain", 2);
    Suite::new(&EscPos, move || world(&options), job)
        .settings("status = \"none\"")
        .asks(2)
        .counting(is_receipt)
        .steps_max(20)
        .run()
        .await
        .assert();
}

#[tokio::test(start_paused = true)]
async fn a_test_page_keeps_the_promises_too() {
    let job = job_of(Work::Local(LocalWork::Test));
    Suite::new(&EscPos, || world(&capable()), job)
        .settings("status = \"required\"")
        .counting(|effect| effect.kind == "receipt")
        .parts_are_small()
        .steps_max(15)
        .run()
        .await
        .assert();
}
