//! The driver keeps every promise of the contract, against its own virtual printer.

use std::io;
use std::sync::Arc;

use driver_epson_rt::EpsonRt;
use driver_fiscal::rehearsal::Cable;
use driver_fiscal::sample::{job, receipt, tables};
use driver_sdk::conformance::{Suite, World};
use driver_sdk::{DriverKind as _, Effect, Job, LocalWork, Port, PrintWork, VirtualDevice, Work};
use futures_util::future::BoxFuture;
use jiff::Timestamp;
use tempfile::TempDir;
use tokio::sync::broadcast;

const ZONE: &str = "Europe/Rome";
const CLOCK: &str = "2026-11-24T14:05:00";

fn now() -> Timestamp {
    "2026-11-24T13:05:00Z".parse().expect("a time")
}

/// A printer whose memory goes with it.
struct Printer {
    printer: Arc<dyn VirtualDevice>,
    _folder: TempDir,
}

impl VirtualDevice for Printer {
    fn serve(self: Arc<Self>, port: Box<dyn Port>) -> BoxFuture<'static, io::Result<()>> {
        self.printer.clone().serve(port)
    }
    fn switch(&self, name: &str, value: &str) -> Result<(), String> {
        self.printer.switch(name, value)
    }
    fn effects(&self) -> Vec<Effect> {
        self.printer.effects()
    }
    fn story(&self) -> broadcast::Receiver<String> {
        self.printer.story()
    }
}

fn world() -> World {
    let folder = tempfile::tempdir().expect("a folder");
    let switches = [("clock", CLOCK), ("zone", ZONE)];
    let switches = switches.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let simulator = EpsonRt.simulator().expect("it has one");
    let printer = simulator.build(folder.path().to_owned(), &switches);
    let printer = Arc::new(Printer {
        printer: printer.expect("known switches"),
        _folder: folder,
    });
    World::behind(Arc::new(Cable::to(printer.clone())), printer)
}

fn suite(work: Job) -> Suite {
    let tables = tables("{ group = 2 }", "{ group = 11 }", "0-0", "2-1");
    let print = Work::Print(PrintWork {
        copies: 1,
        mime: "text/plain".to_owned(),
        document: driver_sdk::Document::at("none".into(), 0),
    });
    Suite::new(&EpsonRt, world, work)
        .link("http://192.168.7.31/cgi-bin/fpmate.cgi")
        .settings(&tables)
        .counting(|effect| !effect.content.contains("Other till"))
        .bad("a print job", job(print, now(), ZONE))
}

#[tokio::test(start_paused = true)]
async fn the_driver_keeps_its_promises() {
    suite(receipt(now(), ZONE))
        .scenario("no paper", |printer| printer.switch("paper", "out"))
        .scenario("paper for two lines", |printer| {
            printer.switch("paper", "2")
        })
        .scenario("a full journal", |printer| {
            printer.switch("journal", "full")
        })
        .scenario("hangs up before the document", |printer| {
            printer.switch("silent", "before")
        })
        .scenario("hangs up after the document", |printer| {
            printer.switch("silent", "after")
        })
        .scenario("success without a document", |printer| {
            printer.switch("document", "lost")
        })
        .scenario("refuses", |printer| {
            printer.switch("refuse", "EPTR_REC_EMPTY:3")
        })
        .run()
        .await
        .assert();
}

#[tokio::test(start_paused = true)]
async fn a_test_of_the_printer_keeps_the_promises_too() {
    suite(job(Work::Local(LocalWork::Test), now(), ZONE))
        .asks(0)
        .run()
        .await
        .assert();
}
