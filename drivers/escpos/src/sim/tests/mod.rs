//! The virtual printer against the bytes independent encoders agree on, and against every fault.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::machine::Machine;
use super::options::Options;
use super::paper::{Happened, Receipt};
use driver_sdk::clock::now as clock;

mod conversation;
mod faults;
mod golden;
mod hostile;
mod paper;
mod real_time;

/// A printer of one's own, at one moment.
struct Bench {
    machine: Machine,
    now: Instant,
}

impl Bench {
    fn new() -> Self {
        Self::with(|_| {})
    }

    fn with(change: impl FnOnce(&mut Options)) -> Self {
        let mut options = Options {
            blade: 0,
            ..Options::default()
        };
        change(&mut options);
        Self {
            machine: Machine::new(options),
            now: clock(),
        }
    }

    fn feed(&mut self, bytes: &str) -> &mut Self {
        self.machine.feed(&hex(bytes), self.now);
        self
    }

    fn switch(&mut self, name: &str, value: &str) -> &mut Self {
        self.machine
            .switch(name, value, self.now)
            .expect("a switch this printer has");
        self
    }

    fn pass(&mut self, time: Duration) -> &mut Self {
        self.now += time;
        self.machine.advance(self.now);
        self
    }

    /// What it said since the last question, as hex.
    fn said(&mut self) -> String {
        let bytes: Vec<u8> = self.machine.out.drain(..).flatten().collect();
        let each: Vec<_> = bytes.iter().map(|byte| format!("{byte:02X}")).collect();
        each.join(" ")
    }

    fn ask(&mut self, bytes: &str) -> String {
        self.feed(bytes).said()
    }

    fn receipts(&self) -> Vec<Receipt> {
        let of = |happened: &Happened| match happened {
            Happened::Receipt(receipt) => Some(receipt.clone()),
            Happened::Drawer { .. } => None,
        };
        self.machine.happened.iter().filter_map(of).collect()
    }

    /// Black dots of the paper that hangs out, row by row, as hex.
    fn dots(&mut self) -> Vec<String> {
        let bytes = self.machine.options.width / 8;
        let rows = self.machine.sheet.dots().to_vec();
        rows.chunks(bytes).map(hex::encode_upper).collect()
    }

    fn text(&self) -> String {
        self.machine.sheet.text()
    }

    fn story(&mut self) -> String {
        self.machine.take_story().join("\n")
    }
}

fn hex(text: &str) -> Vec<u8> {
    let digits: String = text.chars().filter(|c| !c.is_whitespace()).collect();
    hex::decode(digits).expect("hex digits in a test")
}

/// `10 04 1..4` in one burst.
const BURST: &str = "10 04 01 10 04 02 10 04 03 10 04 04";
/// Ten bytes no printer ignores by accident.
const PURGE: &str = "10 14 08 01 03 14 01 06 02 08";
/// A black row over the whole width of 16 dots, as a raster.
const ROW: &str = "1D 76 30 00 02 00 01 00 FF FF";
const CUT: &str = "1D 56 42 00";
const ID: &str = "1D 28 48 06 00 30 30 30 30 30 31";
const ID_ANSWER: &str = "37 22 30 30 30 31 00";

fn shared(options: Options) -> Arc<super::VirtualPrinter> {
    Arc::new(super::VirtualPrinter::new(options))
}
