//! The driver keeps every promise of the contract, against its own virtual printer.

use std::io;
use std::sync::Arc;

use driver_datecs::Datecs;
use driver_fiscal::sample::{job, receipt, tables};
use driver_sdk::conformance::{Suite, World};
use driver_sdk::{DriverKind as _, Effect, Job, LocalWork, Port, PrintWork, VirtualDevice, Work};
use futures_util::future::BoxFuture;
use jiff::Timestamp;
use tempfile::TempDir;
use tokio::sync::broadcast;

const ZONE: &str = "Europe/Sofia";
const CLOCK: &str = "2026-11-24T14:05:00";

fn now() -> Timestamp {
    "2026-11-24T12:05:00Z".parse().expect("a time")
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

fn world(dialect: &str) -> World {
    let folder = tempfile::tempdir().expect("a folder");
    let switches = [("dialect", dialect), ("clock", CLOCK), ("zone", ZONE)];
    let switches = switches.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let simulator = Datecs.simulator().expect("it has one");
    let printer = simulator.build(folder.path().to_owned(), &switches);
    World::of(Arc::new(Printer {
        printer: printer.expect("known switches"),
        _folder: folder,
    }))
}

fn sale() -> Job {
    receipt(now(), ZONE)
}

fn local(work: LocalWork) -> Job {
    job(Work::Local(work), now(), ZONE)
}

fn suite(dialect: &'static str, cash: &str, card: &str) -> Suite {
    let (taxed, untaxed) = (
        "{ group = 2, percent = \"9\" }",
        "{ group = 1, percent = \"0\" }",
    );
    let tables = tables(taxed, untaxed, cash, card);
    let print = Work::Print(PrintWork {
        copies: 1,
        mime: "text/plain".to_owned(),
        document: driver_sdk::Document::at("none".into(), 0),
    });
    Suite::new(&Datecs, move || world(dialect), sale())
        .settings(&format!("dialect = \"{dialect}\"\n{tables}"))
        .counting(|effect| !effect.content.contains("Other till"))
        .steps_max(40)
        .bad("a print job", job(print, now(), ZONE))
        .scenario("no paper", |printer| printer.switch("paper", "out"))
        .scenario("paper for two lines", |printer| {
            printer.switch("paper", "2")
        })
        .scenario("a full memory", |printer| printer.switch("memory", "full"))
        .scenario("deaf before the end", |printer| {
            printer.switch("silent", "before-close")
        })
        .scenario("deaf after the end", |printer| {
            printer.switch("silent", "after-close")
        })
        .scenario("takes all and issues nothing", |printer| {
            printer.switch("document", "lost")
        })
}

#[tokio::test(start_paused = true)]
async fn the_driver_keeps_its_promises_in_the_x_dialect() {
    suite("x", "0", "1").run().await.assert();
}

#[tokio::test(start_paused = true)]
async fn the_driver_keeps_its_promises_in_the_older_dialect_over_a_serial_line() {
    suite("old-p", "P", "D")
        .link("serial:/dev/ttyUSB0?baud=115200")
        .run()
        .await
        .assert();
}

#[tokio::test(start_paused = true)]
async fn a_test_of_the_printer_keeps_the_promises_too() {
    let taxed = "{ group = 2, percent = \"9\" }";
    let tables = tables(taxed, taxed, "0", "1");
    Suite::new(&Datecs, || world("x"), local(LocalWork::Test))
        .settings(&format!("dialect = \"x\"\n{tables}"))
        .asks(0)
        .steps_max(30)
        .run()
        .await
        .assert();
}
