//! A desk with a virtual printer, a journal that survives the "process", and a bill.

use std::sync::Arc;
use std::time::Duration;

use driver_fiscal::pending::claims_nothing;
use driver_fiscal::rehearsal::{Cable, Journal};
use driver_sdk::{
    Amount, Bill, BillItem, BillKind, BillPayment, CommandId, Correction, Device, DeviceName,
    FaultKind, Hub, ItemKind, PaymentMeans, PaymentState, Personal, Settings, TaxPart,
    VirtualDevice,
};
use uuid::Uuid;

use super::super::*;
use crate::Datecs;
use crate::sim::VirtualDatecs;

/// Every dialect that the manuals know.
pub(super) const DIALECTS: [&str; 3] = ["x", "old-p", "old-c"];

pub(super) const CLOCK: &str = "2026-11-24T14:05:00";

pub(super) struct Desk {
    pub(super) printer: Arc<VirtualDatecs>,
    pub(super) cable: Cable,
    pub(super) journal: Arc<Journal>,
    pub(super) device: Device,
    pub(super) settings: String,
    _folder: tempfile::TempDir,
}

#[derive(Debug)]
pub(super) enum Ended {
    Done(Proof),
    NothingHappened(String),
    Doubt(String),
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

    pub(super) fn count(&self) -> usize {
        self.ours().len()
    }

    pub(super) fn ours(&self) -> Vec<driver_sdk::Effect> {
        let effects = self.printer.effects().into_iter();
        effects
            .filter(|it| !it.content.contains("Other till"))
            .collect()
    }

    pub(super) fn set(&self, name: &str, value: &str) {
        self.printer.switch(name, value).expect("a switch");
    }

    pub(super) async fn execute(&mut self, job: &Job) -> Result<Proof, Fault> {
        let plan = self.device.prepare(job)?;
        let run = self.journal.run();
        let ended = self.device.execute(plan, &run).await;
        let ended = ended.map_err(|fault| run.judged(fault));
        if let Err(fault) = &ended
            && fault.kind() == FaultKind::InDoubt
        {
            promises_nothing(fault.code());
        }
        let settled = match &ended {
            Ok(_) => true,
            Err(fault) => fault.kind() != FaultKind::InDoubt,
        };
        if settled {
            self.journal.settle(run.take_staged());
        }
        ended
    }

    /// One question to the driver about the attempt in the journal.
    pub(super) async fn reconcile(&mut self) -> Result<Verdict, Fault> {
        let attempt = Attempt {
            id: CommandId(Uuid::nil()),
            number: 1,
            committed_at: None,
            job: None,
            bookmark: self.journal.bookmark().expect("an attempt is in doubt"),
        };
        let run = self.journal.run().already_committed();
        let verdict = self.device.reconcile(&attempt, &run).await;
        match &verdict {
            Ok(Verdict::CannotTell { check }) => promises_nothing(&check.code),
            Err(fault) => promises_nothing(fault.code()),
            Ok(Verdict::Happened(_) | Verdict::Partly(_) | Verdict::DidNotHappen) => {}
        }
        if verdict.is_ok() {
            self.journal.settle(run.take_staged());
        }
        verdict
    }

    /// As the lane does it: asks until there is a verdict, runs once more after "did not happen".
    pub(super) async fn finish(&mut self, job: &Job) -> Ended {
        for _ in 0..2 {
            let fault = match self.execute(job).await {
                Ok(proof) => return Ended::Done(proof),
                Err(fault) => fault,
            };
            if fault.kind() != FaultKind::InDoubt {
                return Ended::NothingHappened(fault.code().to_owned());
            }
            match self.verdict().await {
                Verdict::Happened(proof) | Verdict::Partly(proof) => return Ended::Done(proof),
                Verdict::DidNotHappen => {}
                Verdict::CannotTell { check } => return Ended::Doubt(check.code),
            }
        }
        Ended::NothingHappened("twice".to_owned())
    }

    pub(super) async fn verdict(&mut self) -> Verdict {
        let mut last = None;
        for _ in 0..200 {
            match self.reconcile().await {
                Ok(verdict) => return verdict,
                Err(fault) => last = Some(fault),
            }
            tokio::time::sleep(Duration::from_secs(2)).await;
        }
        panic!("no verdict: {last:?}, {:?}", self.journal.bookmark());
    }
}

/// What is told of a doubt never says that nothing was issued.
#[track_caller]
fn promises_nothing(code: &str) {
    assert!(!claims_nothing(code, Datecs.faults()), "{code} in a doubt");
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

pub(super) fn amount(code: Option<&str>, net: &str, tax: &str) -> Amount {
    let (net, tax): (rust_decimal::Decimal, rust_decimal::Decimal) =
        (net.parse().expect("net"), tax.parse().expect("tax"));
    Amount {
        currency: "EUR".to_owned(),
        net,
        gross: net + tax,
        parts: vec![TaxPart {
            code: code.map(str::to_owned),
            net,
            tax,
        }],
    }
}

pub(super) fn job_with(sign: &str, total: &str, correction: Option<Correction>, bill: u128) -> Job {
    let item = |n: u128, name: &str, amount: Amount| BillItem {
        id: Uuid::from_u128(n),
        name: Some(Personal::new(name.to_owned())),
        kind: ItemKind::SpaceOrder,
        rebates: None,
        count: None,
        unit_gross: None,
        amount: Some(amount),
        canceled: false,
        tax_exemption_reason: None,
    };
    let work = FiscalWork {
        machine_id: None,
        api_url: None,
        data: None,
        tax_identifier: Some("BG123456789".to_owned()),
        bill: Bill {
            id: Uuid::from_u128(bill),
            enterprise_id: None,
            number: Some("2026-117".to_owned()),
            variable_symbol: None,
            purchase_order_number: None,
            closed: true,
            kind: BillKind::Receipt,
            issued: None,
            taxed: None,
            due: None,
            display_customer: None,
            revenue: Some(vec![
                item(
                    1,
                    "Room 101",
                    amount(
                        Some("BG-9"),
                        &format!("{sign}138.53"),
                        &format!("{sign}12.47"),
                    ),
                ),
                item(2, "City tax", amount(None, &format!("{sign}2.20"), "0")),
            ]),
            order_items: None,
            payments: Some(vec![BillPayment {
                id: Uuid::from_u128(3),
                means: PaymentMeans::CreditCard,
                state: Some(PaymentState::Charged),
                amount: Some(amount(None, total, "0")),
                canceled: false,
            }]),
            payment_items: None,
            owner: None,
            associated: None,
            seller: None,
            correction,
        },
        italian: None,
        payload: None,
    };
    job_of(Work::Fiscal(Box::new(work)))
}

pub(super) fn job_of(work: Work) -> Job {
    Job {
        id: CommandId(Uuid::nil()),
        device: DeviceName::new("fiscal"),
        created: "2026-11-24T12:05:00Z".parse().expect("a time"),
        now: "2026-11-24T12:05:00Z".parse().expect("a time"),
        zone: TimeZone::get("Europe/Sofia").expect("a zone"),
        repeat: false,
        attempt: 0,
        work,
    }
}

pub(super) fn job() -> Job {
    job_with("", "-153.20", None, 117)
}

#[track_caller]
pub(super) fn done(ended: Ended) -> Proof {
    match ended {
        Ended::Done(proof) => proof,
        Ended::NothingHappened(code) | Ended::Doubt(code) => panic!("{code}"),
    }
}
