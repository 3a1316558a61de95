//! The failures every fiscal driver must survive, against the virtual printer. What was issued is
//! counted in its memory, never in what the driver says.

use std::sync::Arc;
use std::time::Duration;

use driver_fiscal::rehearsal::{Cable, Journal};
use driver_sdk::{
    Amount, Bill, BillItem, BillKind, BillPayment, CommandId, Correction, CorrectionKind, Device,
    DeviceName, FaultKind, Hub, ItemKind, PaymentMeans, PaymentState, Personal, Settings, TaxPart,
    VirtualDevice,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::*;
use crate::Datecs;
use crate::sim::VirtualDatecs;

const CLOCK: &str = "2026-11-24T14:05:00";

struct Desk {
    printer: Arc<VirtualDatecs>,
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
    fn new() -> Self {
        Self::with("x", "")
    }

    fn with(dialect: &str, more: &str) -> Self {
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
        let ended = ended.map_err(|fault| run.judged(fault));
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
        &Datecs,
        &DeviceName::new("fiscal"),
        Some("tcp:192.168.7.31:3999"),
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
        created: "2026-11-24T12:05:00Z".parse().expect("a time"),
        now: "2026-11-24T12:05:00Z".parse().expect("a time"),
        zone: TimeZone::get("Europe/Sofia").expect("a zone"),
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

#[tokio::test(start_paused = true)]
async fn a_sale_is_issued_with_its_number_read_back_in_every_dialect() {
    for dialect in ["x", "old-p", "old-c"] {
        let mut desk = Desk::with(dialect, "");
        let proof = done(desk.finish(&job()).await);
        assert!(proof.fixed_form, "{dialect}");
        assert_eq!(proof.say.args["doc"], "101", "{dialect}");
        assert_eq!(proof.say.args["total"], "153.20");
        assert_eq!(proof.say.args["serial"], "DT000001");
        let effects = desk.ours();
        assert_eq!(effects.len(), 1, "{dialect}");
        assert_eq!(effects[0].facts["total"], "153.20");
        assert_eq!(effects[0].facts["tax"], "12.47");
        assert!(
            effects[0].content.contains("2026-117"),
            "the bill's number is on paper"
        );
        let second = done(desk.finish(&job()).await);
        assert_eq!(
            second.say.args["doc"], "102",
            "{dialect}: another command is another document"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn failure_1_refused_connections_issue_nothing_and_then_once() {
    let mut desk = Desk::new();
    desk.cable.refuse(1);
    let fault = desk.execute(&job()).await.expect_err("refused");
    assert_eq!(fault.kind(), FaultKind::Transient);
    assert_eq!(desk.count(), 0);
    done(desk.finish(&job()).await);
    assert_eq!(desk.count(), 1);
}

#[tokio::test(start_paused = true)]
async fn failure_2_and_3_a_lost_close_answer_is_found_by_reading_again() {
    for unreachable in [0, 30] {
        let mut desk = Desk::new();
        desk.set("silent", "after-close");
        let fault = desk.execute(&job()).await.expect_err("no answer");
        assert_eq!(fault.kind(), FaultKind::InDoubt);
        desk.set("silent", "off");
        desk.cable.refuse(unreachable);
        desk.restart();
        let Verdict::Happened(proof) = desk.verdict().await else {
            panic!("it was issued");
        };
        assert_eq!(proof.say.args["doc"], "101");
        assert_eq!(desk.count(), 1);
        assert!(
            desk.journal
                .audit()
                .iter()
                .any(|(what, _)| what == "fiscal-issued")
        );
    }
}

#[tokio::test(start_paused = true)]
async fn failure_4_a_receipt_paid_but_not_closed_is_finished_and_an_unpaid_one_cancelled() {
    let mut desk = Desk::new();
    desk.set("silent", "before-close");
    desk.execute(&job()).await.expect_err("silent");
    desk.set("silent", "off");
    desk.restart();
    assert!(
        matches!(desk.verdict().await, Verdict::Happened(_)),
        "paid: rolled forward"
    );
    assert_eq!(desk.count(), 1);
}

/// Kills the worker and the cable after so many bytes of both directions, and lets the next worker
/// judge. False: the cable held to the end.
async fn killed_after(bytes: u64, dialect: &str) -> bool {
    let mut desk = Desk::with(dialect, "");
    desk.cable.break_after(bytes);
    let first = desk.execute(&job()).await;
    let broke = desk.cable.is_broken();
    desk.cable.mend();
    desk.restart();
    let name = format!("{dialect}, after {bytes}");
    match first {
        Ok(_) => assert_eq!(desk.count(), 1, "{name}"),
        Err(fault) if desk.journal.bookmark().is_none() => {
            assert_ne!(fault.kind(), FaultKind::InDoubt, "{name}");
            assert_eq!(desk.count(), 0, "{name}");
        }
        Err(_) => match desk.verdict().await {
            Verdict::Happened(_) => assert_eq!(desk.count(), 1, "{name}"),
            Verdict::DidNotHappen => {
                assert_eq!(desk.count(), 0, "{name}");
                done(desk.finish(&job()).await);
                assert_eq!(desk.count(), 1, "{name}: once more, with a new key");
            }
            other @ (Verdict::Partly(_) | Verdict::CannotTell { .. }) => {
                panic!("{name}: {other:?}")
            }
        },
    }
    broke
}

/// Every byte from `first` in steps, to the last one of the conversation.
async fn killed_after_every(first: u64, step: usize, dialect: &str, at_least: usize) {
    let mut breaks = 0;
    for bytes in (first..20_000).step_by(step) {
        if !killed_after(bytes, dialect).await {
            break;
        }
        breaks += 1;
    }
    assert!(breaks >= at_least, "{dialect}: only {breaks} breaks");
}

// Every byte of the X conversation, in four parts that run side by side.
#[tokio::test(start_paused = true)]
async fn failure_5_a_kill_between_every_two_bytes_issues_one_document_first_part() {
    killed_after_every(0, 4, "x", 300).await;
}

#[tokio::test(start_paused = true)]
async fn failure_5_a_kill_between_every_two_bytes_issues_one_document_second_part() {
    killed_after_every(1, 4, "x", 300).await;
}

#[tokio::test(start_paused = true)]
async fn failure_5_a_kill_between_every_two_bytes_issues_one_document_third_part() {
    killed_after_every(2, 4, "x", 300).await;
}

#[tokio::test(start_paused = true)]
async fn failure_5_a_kill_between_every_two_bytes_issues_one_document_fourth_part() {
    killed_after_every(3, 4, "x", 300).await;
}

#[tokio::test(start_paused = true)]
async fn failure_5_a_kill_after_any_byte_of_the_older_dialects() {
    killed_after_every(0, 7, "old-p", 80).await;
    killed_after_every(3, 7, "old-c", 80).await;
}

#[tokio::test(start_paused = true)]
async fn failure_6_a_power_cut_in_an_open_receipt_issues_nothing() {
    let mut desk = Desk::new();
    desk.set("silent", "before-close");
    desk.execute(&job()).await.expect_err("silent");
    desk.set("silent", "off");
    desk.set("power", "cut");
    desk.restart();
    assert_eq!(desk.verdict().await, Verdict::DidNotHappen);
    assert_eq!(desk.count(), 0);
    done(desk.finish(&job()).await);
    assert_eq!(desk.count(), 1);
}

#[tokio::test(start_paused = true)]
async fn failure_7_another_tills_receipt_is_told_apart_by_the_key() {
    for other in ["153.20", "9.99"] {
        let mut desk = Desk::new();
        desk.set("silent", "after-close");
        desk.execute(&job()).await.expect_err("silent");
        desk.set("silent", "off");
        desk.set("other-till", other);
        desk.restart();
        let Verdict::Happened(proof) = desk.verdict().await else {
            panic!("the journal of the printer knows our UNP");
        };
        assert_eq!(
            proof.say.args["doc"], "101",
            "ours and not the other till's"
        );
        // Its time was read too: a refund can name it as it is printed.
        let correction = Correction {
            kind: Some(CorrectionKind::CreditNote),
            corrected: Some(Uuid::from_u128(117)),
        };
        done(
            desk.finish(&job_with("-", "153.20", Some(correction), 118))
                .await,
        );

        let mut desk = Desk::new();
        desk.set("refuse", "48:-101007");
        let fault = desk.execute(&job()).await.expect_err("refused");
        if fault.kind() == FaultKind::InDoubt {
            desk.set("other-till", other);
            let verdict = desk.verdict().await;
            assert!(matches!(verdict, Verdict::CannotTell { .. }), "{verdict:?}");
        }
        assert_eq!(desk.count(), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn failure_8_a_day_that_closes_in_between_changes_no_verdict() {
    let mut desk = Desk::new();
    desk.set("silent", "after-close");
    desk.execute(&job()).await.expect_err("silent");
    desk.set("silent", "off");
    desk.set("z", "now");
    desk.restart();
    assert!(matches!(desk.verdict().await, Verdict::Happened(_)));
    done(desk.finish(&job()).await);
    let noticed = desk.journal.audit();
    assert!(
        noticed
            .iter()
            .any(|(what, row)| what == "fiscal-day-end" && row["how"] == "closed outside")
    );
}

#[tokio::test(start_paused = true)]
async fn failure_9_paper_out_in_the_middle_makes_one_document() {
    for lines in 0..5 {
        let mut desk = Desk::new();
        desk.set("paper", &lines.to_string());
        let first = desk.execute(&job()).await;
        assert_eq!(desk.count(), 0, "out after {lines}");
        let fault = first.expect_err("out of paper");
        if desk.journal.bookmark().is_some() {
            let fault = desk.reconcile().await.expect_err("still out");
            assert_eq!(fault.kind(), FaultKind::OperatorNeeded, "out after {lines}");
            assert_eq!(desk.journal.waiting(), ["FISCAL-PENDING"]);
        } else {
            assert_eq!(fault.code(), "DATECS-PAPER");
        }
        desk.set("paper", "in");
        if desk.journal.bookmark().is_some() {
            match desk.verdict().await {
                Verdict::DidNotHappen => done(desk.finish(&job()).await),
                Verdict::Happened(proof) => proof,
                other @ (Verdict::Partly(_) | Verdict::CannotTell { .. }) => panic!("{other:?}"),
            };
        } else {
            done(desk.finish(&job()).await);
        }
        assert_eq!(desk.count(), 1, "out after {lines}");
    }
}

#[tokio::test(start_paused = true)]
async fn failure_10_noise_nak_and_a_long_busy_time_make_one_document() {
    for (name, value) in [("noise", "garble"), ("noise", "nak"), ("busy", "20")] {
        let mut desk = Desk::new();
        desk.set(name, value);
        desk.execute(&job()).await.expect("one document");
        assert_eq!(desk.count(), 1, "{value}");
    }
}

#[tokio::test(start_paused = true)]
async fn failure_11_a_stale_answer_of_another_session_is_not_taken() {
    for seq in 0x20..=0x7F {
        let mut desk = Desk::new();
        // The journal's number is one before the printer's last, so that ours collides with it.
        let run = desk.journal.run();
        run.put("seq", &crate::frame::SEQ_FIRST.max(seq - 1));
        desk.journal.settle(run.take_staged());
        let mut line = desk.cable.connect().expect("another session");
        let other = crate::frame::request(crate::frame::Dialect::X, seq, 62, b"");
        line.write_all(&other).await.expect("a question");
        line.read_exact(&mut [0; 20]).await.expect("its answer");
        desk.execute(&job()).await.expect("one document");
        assert_eq!(desk.count(), 1, "{seq}");
    }
}

#[tokio::test(start_paused = true)]
async fn failure_12_a_close_without_a_new_number_is_no_success() {
    let mut desk = Desk::new();
    desk.set("document", "lost");
    let fault = desk.execute(&job()).await.expect_err("no number");
    assert_eq!(fault.kind(), FaultKind::InDoubt);
    assert_eq!(desk.verdict().await, Verdict::DidNotHappen);
    assert_eq!(desk.count(), 0);
}

#[tokio::test(start_paused = true)]
async fn failure_13_an_exchanged_printer_cannot_tell() {
    let mut desk = Desk::new();
    desk.set("silent", "after-close");
    desk.execute(&job()).await.expect_err("silent");
    let folder = tempfile::tempdir().expect("a folder");
    let switches = [("serial", "DT000002"), ("clock", CLOCK)];
    let switches = switches.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let other = VirtualDatecs::build(folder.path().to_owned(), &switches).expect("a printer");
    desk.cable.plug(Arc::new(other));
    desk.restart();
    let Verdict::CannotTell { check } = desk.verdict().await else {
        panic!("another printer knows nothing");
    };
    assert_eq!(check.code, "FISCAL-SERIAL");
}

#[tokio::test(start_paused = true)]
async fn failure_14_a_clock_an_hour_back_is_the_operators_and_no_wrong_verdict() {
    let mut desk = Desk::new();
    desk.set("drift", "-3600");
    let fault = desk.execute(&job()).await.expect_err("wrong time");
    assert_eq!(
        (fault.kind(), fault.code()),
        (FaultKind::OperatorNeeded, "DATECS-CLOCK")
    );
    assert_eq!(desk.count(), 0);
    desk.set("drift", "0");
    desk.set("silent", "after-close");
    desk.execute(&job()).await.expect_err("silent");
    desk.set("silent", "off");
    desk.set("drift", "-3600");
    assert!(matches!(desk.verdict().await, Verdict::Happened(_)));
}

/// The night in which 03:00 to 04:00 comes twice: a document before the change is lost, found after
/// it, and taken back by the time as it is printed.
#[tokio::test(start_paused = true)]
async fn failure_14_the_hour_that_comes_twice_changes_no_verdict_and_no_storno() {
    let at = |job: &mut Job, utc: &str| job.now = utc.parse().expect("a time");
    let mut desk = Desk::new();
    desk.set("clock", "2026-10-25T03:59:58");
    desk.set("dst", "on");
    let mut sale = job();
    at(&mut sale, "2026-10-25T00:59:58Z");
    desk.set("silent", "after-close");
    desk.execute(&sale).await.expect_err("silent");
    desk.set("silent", "off");
    // The clocks go back; the next worker asks.
    desk.set("clock", "2026-10-25T03:00:10");
    desk.set("dst", "off");
    desk.restart();
    let Verdict::Happened(proof) = desk.verdict().await else {
        panic!("it was issued");
    };
    assert_eq!(proof.say.args["doc"], "101");

    let correction = Correction {
        kind: Some(CorrectionKind::CreditNote),
        corrected: Some(Uuid::from_u128(117)),
    };
    let mut note = job_with("-", "153.20", Some(correction), 118);
    at(&mut note, "2026-10-25T01:00:12Z");
    // The virtual printer knows its document only by the marked time.
    let proof = done(desk.finish(&note).await);
    assert_eq!(proof.say.args["doc"], "102");
    assert_eq!(desk.ours()[1].facts["kind"], "refund");

    // A document of the second hour, whose answer is lost before the change is noticed by all:
    // its time is an hour before the sending.
    let mut desk = Desk::new();
    desk.set("clock", "2026-10-25T03:00:01");
    let mut sale = job();
    at(&mut sale, "2026-10-25T00:59:59Z");
    let fault = desk.execute(&sale).await.expect_err("an hour off");
    assert_eq!(fault.code(), "DATECS-CLOCK");
    at(&mut sale, "2026-10-25T01:00:01Z");
    done(desk.finish(&sale).await);
    assert_eq!(desk.count(), 1);
}

#[tokio::test(start_paused = true)]
async fn failure_15_a_bad_bill_never_reaches_the_wire() {
    let mut desk = Desk::new();
    let cent = job_with("", "-153.19", None, 117);
    assert_eq!(
        desk.execute(&cent).await.expect_err("a cent").code(),
        "FISCAL-SUMS"
    );
    let mut elsewhere = job();
    if let Work::Fiscal(work) = &mut elsewhere.work {
        work.api_url = Some("http://10.0.0.9/".to_owned());
    }
    assert_eq!(
        desk.execute(&elsewhere).await.expect_err("a host").code(),
        "FISCAL-HOST"
    );
    assert_eq!(desk.cable.dials(), 0);
    done(desk.finish(&job()).await);
}

#[tokio::test(start_paused = true)]
async fn failure_16_a_cancel_after_the_commit_changes_nothing() {
    let mut desk = Desk::new();
    let plan = desk.device.prepare(&job()).expect("a plan");
    let cancel = CancellationToken::new();
    cancel.cancel();
    let run = desk.journal.run_with(CancellationToken::new(), cancel);
    desk.device
        .execute(plan, &run)
        .await
        .expect("a document cannot be taken back");
    assert_eq!(desk.count(), 1);
}

#[tokio::test(start_paused = true)]
async fn failure_17_a_full_disk_sends_nothing() {
    let mut desk = Desk::new();
    desk.journal.disk_full(true);
    let fault = desk.execute(&job()).await.expect_err("no commit");
    assert_eq!(fault.code(), "NOT-STARTED");
    assert_eq!(desk.count(), 0);
    let run = desk.journal.run();
    drop(run);
    desk.journal.disk_full(false);
    done(desk.finish(&job()).await);
}

#[tokio::test(start_paused = true)]
async fn failure_18_a_document_of_another_program_is_left_alone() {
    let mut desk = Desk::new();
    let other = desk.cable.connect().expect("a second line");
    let mut line = other;
    let open = crate::frame::request(
        crate::frame::Dialect::X,
        0x55,
        48,
        b"1\t0000\tZZ000009-0009-0000001\t1\t\t",
    );
    line.write_all(&open).await.expect("open");
    let mut answer = [0; 8];
    tokio::io::AsyncReadExt::read_exact(&mut line, &mut answer)
        .await
        .expect("an answer");
    let fault = desk.execute(&job()).await.expect_err("open elsewhere");
    assert_eq!(fault.code(), "FISCAL-OPEN-ELSEWHERE");
    assert_eq!(desk.count(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_negative_code_with_clean_status_bytes_is_no_success() {
    for command in [49, 53, 56] {
        let mut desk = Desk::new();
        desk.set("refuse", &format!("{command}:-111016"));
        let fault = desk.execute(&job()).await.expect_err("refused");
        assert_eq!(desk.count(), 0, "{command}");
        if fault.kind() == FaultKind::InDoubt {
            let ended = desk.verdict().await;
            let wanted = usize::from(matches!(ended, Verdict::Happened(_)));
            assert_eq!(desk.count(), wanted, "{command}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_credit_note_finds_its_original_in_our_own_memory() {
    let mut desk = Desk::new();
    let correction = Correction {
        kind: Some(CorrectionKind::CreditNote),
        corrected: Some(Uuid::from_u128(117)),
    };
    let note = job_with("-", "153.20", Some(correction), 118);
    assert_eq!(
        desk.execute(&note).await.expect_err("unknown").code(),
        "FISCAL-ORIGINAL-MISSING"
    );
    done(desk.finish(&job()).await);
    let proof = done(desk.finish(&note).await);
    assert_eq!(proof.say.args["doc"], "102");
    assert_eq!(desk.ours()[1].facts["kind"], "refund");
}

#[tokio::test(start_paused = true)]
async fn a_rate_that_is_not_the_printers_blocks_the_sale() {
    let mut desk = Desk::new();
    desk.settings = desk.settings.replace("percent = \"9\"", "percent = \"20\"");
    desk.restart();
    let fault = desk.execute(&job()).await.expect_err("9 is not 20");
    assert_eq!(fault.code(), "FISCAL-VAT-RATE");
    assert_eq!(desk.count(), 0);
}

#[tokio::test(start_paused = true)]
async fn the_test_reads_everything_and_changes_nothing() {
    let mut desk = Desk::new();
    let proof = desk
        .execute(&job_of(Work::Local(LocalWork::Test)))
        .await
        .expect("readable");
    let result = &proof.say.args["result"];
    for part in ["DT000001", "BG123456789", "B 9", "last Z 7"] {
        assert!(result.contains(part), "{part} in {result}");
    }
    assert!(desk.printer.effects().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_day_end_is_proved_by_its_number_and_never_printed_twice() {
    let mut desk = Desk::new();
    let z = job_of(Work::Local(LocalWork::Z));
    let proof = desk.execute(&z).await.expect("a Z");
    assert_eq!(proof.say.args["z"], "8");
}

#[tokio::test(start_paused = true)]
async fn settings_that_cannot_be_right_are_refused_by_key() {
    let cable = Desk::new().cable;
    for (text, key) in [
        ("operator = 31", "operator"),
        ("workplace = \"1\"", "workplace"),
        ("automatic_z_after_h = 24", "automatic_z_after_h"),
        ("[payments]\nCash = \"P\"", "`P`"),
        ("[vat]\nA = { group = 9 }", "VAT group 9"),
        ("paymnts = {}", "payments"),
    ] {
        let mut hub = Hub::new(Arc::new(cable.clone()));
        let settings = Settings::from_toml(text);
        let opened = hub.open(
            &Datecs,
            &DeviceName::new("f"),
            Some("tcp:192.168.7.31:3999"),
            &settings,
        );
        let error = opened.expect_err(text);
        assert!(error.message.contains(key), "{}", error.message);
    }
}
