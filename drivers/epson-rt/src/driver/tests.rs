//! The failures every fiscal driver must survive, against the virtual printer. What was issued is
//! counted in its memory, never in what the driver says.

use std::sync::Arc;
use std::time::Duration;

use driver_fiscal::rehearsal::{Cable, Journal};
use driver_sdk::{
    Amount, Bill, BillItem, BillKind, BillPayment, CommandId, Correction, Device, DeviceName,
    FaultKind, Hub, ItemKind, PaymentMeans, PaymentState, Personal, Settings, TaxPart,
    VirtualDevice,
};
use jiff::tz::TimeZone;
use uuid::Uuid;

use super::*;
use crate::EpsonRt;
use crate::sim::VirtualEpson;

const CLOCK: &str = "2026-11-24T14:05:00";

struct Desk {
    printer: Arc<VirtualEpson>,
    cable: Cable,
    journal: Arc<Journal>,
    device: Device,
    settings: String,
    _folder: tempfile::TempDir,
}

enum Ended {
    Done(Proof),
    NothingHappened(String),
    Doubt(String),
}

impl Desk {
    fn with(more: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let switches = [("clock".to_owned(), CLOCK.to_owned())];
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
    fn restart(&mut self) {
        self.device = open(&self.cable, &self.settings);
    }

    fn count(&self) -> usize {
        self.ours().len()
    }

    fn ours(&self) -> Vec<driver_sdk::Effect> {
        let effects = self.printer.effects().into_iter();
        effects
            .filter(|it| !it.content.contains("Other till"))
            .collect()
    }

    fn set(&self, name: &str, value: &str) {
        self.printer.switch(name, value).expect("a switch");
    }

    async fn execute(&mut self, job: &Job) -> Result<Proof, Fault> {
        let plan = self.device.prepare(job)?;
        let run = self.journal.run();
        let ended = self.device.execute(plan, &run).await;
        let ended = ended.map_err(|fault| fault.judged(run.is_committed()));
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
    async fn reconcile(&mut self) -> Result<Verdict, Fault> {
        let attempt = Attempt {
            id: CommandId(Uuid::nil()),
            number: 1,
            committed_at: None,
            job: None,
            bookmark: self.journal.bookmark().expect("an attempt is in doubt"),
        };
        let run = self.journal.run().already_committed();
        let verdict = self.device.reconcile(&attempt, &run).await;
        if verdict.is_ok() {
            self.journal.settle(run.take_staged());
        }
        verdict
    }

    /// As the lane does it: asks until there is a verdict, runs once more after "did not happen".
    async fn finish(&mut self, job: &Job) -> Ended {
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

    async fn verdict(&mut self) -> Verdict {
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

fn open(cable: &Cable, settings: &str) -> Device {
    let mut hub = Hub::new(Arc::new(cable.clone()));
    let opened = hub.open(
        &EpsonRt,
        &DeviceName::new("fiscal"),
        Some("http://192.168.7.31/cgi-bin/fpmate.cgi"),
        &Settings::from_toml(settings),
    );
    opened.expect("good settings").device
}

fn amount(code: Option<&str>, net: &str, tax: &str) -> Amount {
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

fn job_with(sign: &str, total: &str, correction: Option<Correction>, bill: u128) -> Job {
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

fn job_of(work: Work) -> Job {
    Job {
        id: CommandId(Uuid::nil()),
        device: DeviceName::new("fiscal"),
        created: "2026-11-24T13:05:00Z".parse().expect("a time"),
        now: "2026-11-24T13:05:00Z".parse().expect("a time"),
        zone: TimeZone::get("Europe/Rome").expect("a zone"),
        repeat: false,
        attempt: 0,
        work,
    }
}

fn job() -> Job {
    job_with("", "-153.20", None, 117)
}

#[track_caller]
fn done(ended: Ended) -> Proof {
    match ended {
        Ended::Done(proof) => proof,
        Ended::NothingHappened(code) | Ended::Doubt(code) => panic!("{code}"),
    }
}

#[test]
fn the_golden_record_of_the_last_document_is_read() {
    let record = "010000153200000013732411261405100764001399MEY0000010        1";
    let last = crate::answer::last_document(record).expect("61 characters");
    assert_eq!(last.to_string(), "0764-0013");
    assert_eq!((last.total, last.serial.as_str()), (15320, "99MEY000001"));
}

#[test]
fn a_refusal_with_http_200_is_no_success() {
    let text =
        br#"<response success="false" code="EPTR_REC_EMPTY" status="3"><addInfo/></response>"#;
    let answer = Answer::read(text).expect("an answer");
    assert!(!answer.success && new_document(&answer).is_none());
    assert_eq!(answer.fault().code(), "EPSON-PAPER");
}

#[tokio::test(start_paused = true)]
async fn a_sale_is_issued_once_and_read_back() {
    let mut desk = Desk::with("");
    let proof = done(desk.finish(&job()).await);
    assert_eq!(proof.say.args["doc"], "0764-0001");
    assert_eq!(desk.ours()[0].facts["total"], "153.20");
    let mut hidden = desk.ours();
    assert!(hidden.remove(0).content.contains("2026-117"));
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_is_found_in_the_journal_and_a_lost_request_is_sent_once_more() {
    for (silent, documents) in [("after", 1), ("before", 0)] {
        let mut desk = Desk::with("");
        desk.set("silent", silent);
        let fault = desk.execute(&job()).await.expect_err("no answer");
        assert_eq!(fault.kind(), FaultKind::InDoubt);
        desk.set("silent", "off");
        desk.restart();
        let verdict = desk.verdict().await;
        assert_eq!(
            matches!(verdict, Verdict::Happened(_)),
            documents == 1,
            "{silent}"
        );
        assert_eq!(desk.count(), documents);
    }
}

#[tokio::test(start_paused = true)]
async fn another_tills_document_is_never_taken_for_ours() {
    for other in ["153.20", "9.99"] {
        let mut desk = Desk::with("");
        desk.set("silent", "before");
        desk.execute(&job()).await.expect_err("silent");
        desk.set("silent", "off");
        desk.set("other-till", other);
        assert!(
            matches!(desk.verdict().await, Verdict::CannotTell { .. }),
            "{other}"
        );
        assert_eq!(desk.count(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn paper_out_in_the_middle_makes_one_document() {
    for lines in 0..6 {
        let mut desk = Desk::with("only_till = true");
        desk.set("paper", &lines.to_string());
        desk.execute(&job()).await.expect_err("out of paper");
        assert_eq!(desk.count(), 0);
        let doubt = desk.journal.bookmark().is_some();
        if doubt {
            desk.reconcile().await.expect_err("still out");
        }
        desk.set("paper", "in");
        if doubt {
            assert_eq!(desk.verdict().await, Verdict::DidNotHappen, "{lines}");
        }
        done(desk.finish(&job()).await);
        assert_eq!(desk.count(), 1, "{lines}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_success_that_issued_nothing_is_no_success() {
    let mut desk = Desk::with("");
    desk.set("document", "lost");
    let fault = desk.execute(&job()).await.expect_err("no new number");
    assert_eq!(fault.kind(), FaultKind::InDoubt);
    assert_eq!(desk.verdict().await, Verdict::DidNotHappen);
}

#[test]
fn a_ready_document_is_checked_and_passed_on_unchanged() {
    let good = "<printerFiscalReceipt><beginFiscalReceipt operator=\"1\"/><printRecItem \
                description=\"Camera\" quantity=\"2,000\" unitPrice=\"75,50\" department=\"2\"/>\
                <printRecTotal payment=\"151,00\" paymentType=\"2\" index=\"1\"/>\
                <endFiscalReceipt operator=\"1\"/></printerFiscalReceipt>";
    let ready = receipt::ready(good.as_bytes()).expect("allowed");
    assert_eq!(ready.total, 15_100);
    assert!(String::from_utf8_lossy(&ready.body).contains(good));
    for bad in [
        good.replace("printerFiscalReceipt", "fvp_doc"),
        good.replace("151,00", "151,01"),
        good.replace("<endFiscalReceipt operator=\"1\"/>", ""),
        good.replace("<beginFiscalReceipt operator=\"1\"/>", "<resetPrinter/>"),
        good.replace(
            "<beginFiscalReceipt",
            "<directIO command=\"4034\"/><beginFiscalReceipt",
        ),
        format!("<!DOCTYPE a [<!ENTITY b \"c\">]>{good}"),
    ] {
        let fault = receipt::ready(bad.as_bytes()).expect_err(&bad);
        assert_eq!(fault.code(), "FISCAL-PAYLOAD");
    }
}
