//! A desk with a virtual printer, a journal that survives the "process", and a bill.

use std::sync::Arc;

use driver_fiscal::rehearsal::{Cable, Journal};
use driver_fiscal::sample;
use driver_sdk::{
    CommandId, Correction, CorrectionKind, Device, DeviceName, Extra, FaultPage, FiscalWork, Hub,
    ItalianData, Personal, Settings, VirtualDevice,
};
use uuid::Uuid;

pub(super) use driver_fiscal::rehearsal::desk::{Ended, Rehearsed, done};

use super::super::*;
use crate::EpsonRt;
use crate::sim::VirtualEpson;

pub(super) const CLOCK: &str = "2026-11-24T14:05:00";

const ZONE: &str = "Europe/Rome";

/// The question for the status, for a look of the test's own.
pub(super) const STATUS: &str =
    "<printerCommand><queryPrinterStatus operator=\"1\" statusType=\"1\"/></printerCommand>";

pub(super) struct Desk {
    pub(super) printer: Arc<VirtualEpson>,
    pub(super) cable: Cable,
    pub(super) journal: Arc<Journal>,
    pub(super) device: Device,
    pub(super) settings: String,
    _folder: tempfile::TempDir,
}

impl Desk {
    pub(super) fn with(more: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let switches = [("clock", CLOCK), ("pictures", "off")];
        let switches = switches.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let printer = VirtualEpson::build(folder.path().to_owned(), &switches).expect("a printer");
        let printer = Arc::new(printer);
        let cable = Cable::to(printer.clone());
        let settings = format!(
            "{more}\n[vat]\n\"BG-9\" = {{ group = 2 }}\nuntaxed = {{ group = 11 }}\n\
             [payments]\nCash = \"0-0\"\nCreditCard = \"2-1\"\n"
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

    /// Plugs in another printer.
    pub(super) fn exchange(&mut self, serial: &str) -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a folder");
        let switches = [("serial", serial), ("clock", CLOCK)];
        let switches = switches.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let other = VirtualEpson::build(folder.path().to_owned(), &switches).expect("a printer");
        self.printer = Arc::new(other);
        self.cable.plug(self.printer.clone());
        folder
    }

    /// What the audit trail holds of a kind.
    pub(super) fn audited(&self, what: &str) -> Vec<serde_json::Value> {
        let rows = self.journal.audit().into_iter();
        rows.filter(|(name, _)| name == what)
            .map(|(_, row)| row)
            .collect()
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
        EpsonRt.faults()
    }
}

pub(super) fn open(cable: &Cable, settings: &str) -> Device {
    let mut hub = Hub::new(Arc::new(cable.clone()));
    let opened = hub.open(
        &EpsonRt,
        &DeviceName::new("fiscal"),
        Some("http://192.168.7.31/cgi-bin/fpmate.cgi"),
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
    "2026-11-24T13:05:00Z".parse().expect("a time")
}

pub(super) fn job() -> Job {
    job_with(1, 15_320, None, 117)
}

/// The bill of a job, to be changed.
pub(super) fn bill(job: &mut Job) -> &mut FiscalWork {
    match &mut job.work {
        Work::Fiscal(work) => work,
        Work::Print(_) | Work::Key(_) | Work::Local(_) => panic!("a fiscal job"),
    }
}

/// Another bill of 153.20.
pub(super) fn job_of_bill(number: u128) -> Job {
    let mut job = job_with(1, 15_320, None, number);
    bill(&mut job).bill.number = Some(format!("2026-{number}"));
    job
}

/// A credit note for all of a bill, or its cancellation.
pub(super) fn correction(kind: CorrectionKind, of: u128, number: u128) -> Job {
    let correction = Correction {
        kind: Some(kind),
        corrected: Some(Uuid::from_u128(of)),
    };
    let mut job = job_with(-1, -15_320, Some(correction), number);
    bill(&mut job).bill.number = Some(format!("2026-{number}"));
    job
}

/// What Mews says of the original.
pub(super) fn named(job: &mut Job, number: &str, closure: &str, serial: &str) {
    bill(job).italian = Some(Extra::Known(ItalianData {
        is_refund: true,
        receipt_number: Some(number.to_owned()),
        receipt_sequence: Some(closure.to_owned()),
        receipt_time: Some("2026-11-24T13:05:00Z".parse().expect("a time")),
        printer_serial: Some(serial.to_owned()),
    }));
}

/// A job with a document that came ready.
pub(super) fn ready_job(payload: &str, mut job: Job) -> Job {
    let coded = base64_of(payload.as_bytes());
    bill(&mut job).payload = Some(Extra::Known(Personal::new(coded)));
    job
}

fn base64_of(bytes: &[u8]) -> String {
    const SIGNS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for three in bytes.chunks(3) {
        let padded = [three, &[0, 0]].concat();
        let bits = u32::from_be_bytes([0, padded[0], padded[1], padded[2]]);
        for at in 0..=three.len() {
            let sign = (bits >> (18 - 6 * at)) & 63;
            out.push(char::from(SIGNS[usize::try_from(sign).expect("six bits")]));
        }
    }
    out
}
