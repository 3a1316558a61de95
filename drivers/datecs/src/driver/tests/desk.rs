//! A desk with a virtual printer, a journal that survives the "process", and a bill.

use std::sync::Arc;

use driver_fiscal::rehearsal::{Cable, Journal};
use driver_fiscal::sample;
use driver_sdk::{
    CommandId, Correction, Device, DeviceName, FaultPage, Hub, Settings, VirtualDevice,
};
use uuid::Uuid;

pub(super) use driver_fiscal::rehearsal::desk::{Ended, Rehearsed, done};

use super::super::*;
use crate::Datecs;
use crate::sim::VirtualDatecs;

/// Every dialect that the manuals know.
pub(super) const DIALECTS: [&str; 3] = ["x", "old-p", "old-c"];

pub(super) const CLOCK: &str = "2026-11-24T14:05:00";

const ZONE: &str = "Europe/Sofia";

pub(super) struct Desk {
    pub(super) printer: Arc<VirtualDatecs>,
    pub(super) cable: Cable,
    pub(super) journal: Arc<Journal>,
    pub(super) device: Device,
    pub(super) settings: String,
    _folder: tempfile::TempDir,
}

impl Desk {
    pub(super) fn new() -> Self {
        Self::with("x", "")
    }

    pub(super) fn with(dialect: &str, more: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let switches = [("dialect", dialect), ("clock", CLOCK)];
        let switches = switches.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let printer = VirtualDatecs::build(folder.path().to_owned(), &switches).expect("a printer");
        let printer = Arc::new(printer);
        let cable = Cable::to(printer.clone());
        let (cash, card) = if dialect == "x" {
            ("0", "1")
        } else {
            ("P", "D")
        };
        let settings = format!(
            "dialect = \"{dialect}\"\n{more}\n[vat]\n\"BG-9\" = {{ group = 2, percent = \"9\" }}\n\
             untaxed = {{ group = 1, percent = \"0\" }}\n\
             [payments]\nCash = \"{cash}\"\nCreditCard = \"{card}\"\n"
        );
        let mut desk = Self {
            device: open(&cable, &settings),
            printer,
            cable,
            journal: Journal::new(),
            settings,
            _folder: folder,
        };
        desk.restart();
        desk
    }

    /// The worker starts anew: only the journal is left.
    pub(super) fn restart(&mut self) {
        self.device = open(&self.cable, &self.settings);
    }
}

impl Rehearsed for Desk {
    fn device(&mut self) -> &mut Device {
        &mut self.device
    }

    fn journal(&self) -> &Arc<Journal> {
        &self.journal
    }

    fn machine(&self) -> &dyn VirtualDevice {
        &*self.printer
    }

    fn pages(&self) -> &'static [FaultPage] {
        Datecs.faults()
    }
}

pub(super) fn open(cable: &Cable, settings: &str) -> Device {
    let mut hub = Hub::new(Arc::new(cable.clone()));
    let opened = hub.open(
        &Datecs,
        &DeviceName::new("fiscal"),
        Some("tcp:192.168.7.31:3999"),
        &Settings::from_toml(settings),
    );
    opened.expect("good settings").device
}

/// The sample bill with this id, sold (`sign` 1) or given back (-1), and so many cents paid.
pub(super) fn job_with(sign: i64, paid: i64, correction: Option<Correction>, bill: u128) -> Job {
    let mut job = sample::bill(bill, sign, paid, correction, now(), ZONE);
    job.id = CommandId(Uuid::nil());
    job
}

pub(super) fn job_of(work: Work) -> Job {
    let mut job = sample::job(work, now(), ZONE);
    job.id = CommandId(Uuid::nil());
    job
}

fn now() -> jiff::Timestamp {
    "2026-11-24T12:05:00Z".parse().expect("a time")
}

pub(super) fn job() -> Job {
    job_with(1, 15_320, None, 117)
}
