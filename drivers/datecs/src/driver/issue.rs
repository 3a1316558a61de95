//! A receipt from the baseline to the read-back number.

use driver_fiscal::audit::{self, Row};
use driver_fiscal::class::ErrorClass;
use driver_fiscal::document::{Document, Kind, Original, Refund};
use driver_fiscal::verdict::{Expected, Judgement, judge};
use driver_fiscal::{day, money, note, text};
use driver_sdk::{Committed, Fault, FaultKind, Proof, Run};
use jiff::civil::DateTime;

use super::{Bookmark, DatecsDriver, Mark, Plan, Stage};
use crate::frame::Answer;
use crate::reading::{Identity, Open, Printed, Reading};
use crate::sale::{self, Command, Stornoed};
use crate::unp::Unp;
use crate::{old, x};

/// A document would carry a wrong time.
const DRIFT_MAX_S: i64 = 15 * 60;
/// Worth a warning.
const DRIFT_WARN_S: i64 = 2 * 60;

impl DatecsDriver {
    pub(super) async fn issue(
        &mut self,
        document: &Document,
        plan: &Plan,
        run: &Run,
    ) -> Result<Proof, Fault> {
        let identity = self.ready(plan).await?;
        self.same_rates(document).await?;
        let baseline = self.talk.reading(&identity.memory).await?;
        if baseline.receipt.open != Open::No {
            return Err(Fault::operator("FISCAL-OPEN-ELSEWHERE"));
        }
        self.notice_day(&baseline, run);
        let stornoed = match &document.kind {
            Kind::Sale => None,
            Kind::Refund(refund) => Some((refund.reason, original(refund, run)?)),
        };
        let unp = Unp::next(
            &identity.serial,
            &self.settings.workplace,
            run.shelf("unp"),
            baseline.last.key.as_deref(),
        )
        .ok_or_else(|| Fault::permanent("DATECS-UNP").with("serial", &identity.serial))?;
        // In X a storno carries the number of the sale it takes back, and none of its own.
        let (key, running) = match &stornoed {
            Some((_, of)) if self.talk.is_x() => (of.unp.clone(), unp.running() - 1),
            Some(_) | None => (unp.to_string(), unp.running()),
        };
        let mut mark = Mark {
            baseline,
            unp: key,
            running,
            slip: None,
            stage: Stage::Open,
            total: document.total,
            currency: document.currency.clone(),
            payments: document.payments.clone(),
            sent_at: plan.local(),
            bill: document.bill.clone(),
            refund: stornoed.is_some(),
            printer_serial: identity.serial.clone(),
        };
        let operator = self.settings.operator();
        let dialect = self.talk.dialect();
        let open = match &stornoed {
            None => sale::open(dialect, &operator, &mark.unp),
            Some((reason, of)) => sale::open_storno(dialect, &operator, *reason, &mark.unp, of),
        };
        let lines = self.lines(document);
        run.put("unp", &mark.running);
        run.put("seq", &self.talk.seq());
        run.audit(audit::SENDING, &sending(&mark, &identity, &lines));
        let leave = run
            .commit(&Bookmark::Document(Box::new(mark.clone())))
            .await?;

        let opened = self.talk.act(leave, &open).await?;
        match self.opened(&opened) {
            Ok(slip) => mark.slip = slip,
            Err(fault) => return Err(self.back_out(leave, fault, &mark, run).await),
        }
        run.checkpoint(&Bookmark::Document(Box::new(mark.clone())))
            .await?;
        for line in &lines {
            let answer = self.talk.act(leave, line).await?;
            if let Err(fault) = self.accepted(&answer) {
                return Err(self.back_out(leave, fault, &mark, run).await);
            }
        }
        let sum = self.subtotal(leave).await?;
        if sum != mark.total {
            let fault = Fault::permanent("DATECS-TOTAL")
                .with("printer", money::show(sum))
                .with("bill", money::show(mark.total));
            return Err(self.back_out(leave, fault, &mark, run).await);
        }
        mark.stage = Stage::Paying;
        run.checkpoint(&Bookmark::Document(Box::new(mark.clone())))
            .await?;
        self.pay_and_close(leave, &mut mark, 0, run).await?;
        self.read_back(&mark, run).await
    }

    /// What must be well before anything: the printer itself, its clock, its tax number.
    async fn ready(&mut self, plan: &Plan) -> Result<Identity, Fault> {
        if let Some(fault) = self.talk.status().await?.blocker() {
            return Err(fault);
        }
        let identity = self.talk.identity().await?;
        if let (Some(bill), Some(device)) = (&plan.tax_number, &identity.tax_number)
            && digits(bill) != digits(device)
        {
            return Err(Fault::permanent("FISCAL-TAX-NUMBER")
                .with("bill", bill)
                .with("device", device));
        }
        let drift = drift_s(self.talk.time().await?, plan.local());
        if drift.abs() > DRIFT_MAX_S {
            return Err(Fault::operator("DATECS-CLOCK").with("minutes", drift / 60));
        }
        if drift.abs() > DRIFT_WARN_S {
            tracing::warn!(drift_s = drift, "The printer's clock is off");
        }
        Ok(identity)
    }

    /// The printer's rates must be those of the table, for every group of the document.
    async fn same_rates(&mut self, document: &Document) -> Result<(), Fault> {
        let rates = self.talk.rates().await?;
        for line in &document.lines {
            let device = rates.get(usize::from(line.group) - 1).copied().flatten();
            let config = self
                .settings
                .vat
                .0
                .values()
                .find(|entry| entry.group == line.group)
                .and_then(|entry| entry.percent);
            let differs = match (device, config) {
                (None, _) => true,
                (Some(_), None) => false,
                (Some(device), Some(config)) => device != config,
            };
            if differs {
                let show = |rate: Option<rust_decimal::Decimal>| {
                    rate.map_or_else(|| "off".to_owned(), |rate| rate.normalize().to_string())
                };
                return Err(Fault::permanent("FISCAL-VAT-RATE")
                    .with("group", line.group)
                    .with("config", show(config))
                    .with("device", show(device)));
            }
        }
        Ok(())
    }

    pub(super) fn notice_day(&self, reading: &Reading, run: &Run) {
        let Some(z) = reading.z else { return };
        if let day::Turn::ClosedOutside { from, to } = day::turn(run.shelf(day::SHELF_Z), z) {
            tracing::warn!(from, to, "The fiscal day was closed outside of this worker");
            let row = Row {
                z: Some(z.to_string()),
                serial: Some(reading.last.serial.clone()),
                how: Some("closed outside"),
                ..Row::default()
            };
            run.audit(audit::DAY_END, &row);
        }
        run.put(day::SHELF_Z, &z);
    }

    fn lines(&self, document: &Document) -> Vec<Command> {
        let dialect = self.talk.dialect();
        let rules = self.settings.rules().text;
        let number = document.bill.number.as_deref().unwrap_or("-");
        let message = text::clean_between("Bill ", number, "", rules.has, rules.message_max);
        let mut lines = vec![sale::text(dialect, &message)];
        let department = self.settings.department;
        lines.extend(
            document
                .lines
                .iter()
                .map(|line| sale::line(dialect, line, department)),
        );
        lines
    }

    fn opened(&self, answer: &Answer) -> Result<Option<u32>, Fault> {
        if self.talk.is_x() {
            let fields = x::fields(answer)?;
            return x::number(answer, &fields, 0).map(Some);
        }
        // `AllReceipts,FiscReceipts`, counted per day: no number of the document.
        match old::values(answer)?
            .first()
            .map(|value| value.parse::<u32>())
        {
            Some(Ok(_)) => Ok(None),
            Some(Err(_)) | None => Err(ErrorClass::Stop
                .fault("DATECS-REFUSED")
                .with("command", answer.command)),
        }
    }

    fn accepted(&self, answer: &Answer) -> Result<(), Fault> {
        if self.talk.is_x() {
            return x::fields(answer).map(drop);
        }
        old::values(answer).map(drop)
    }

    /// What the printer has added up so far.
    async fn subtotal(&mut self, leave: Committed<'_>) -> Result<i64, Fault> {
        if self.talk.is_x() {
            let answer = self.talk.act(leave, &sale::subtotal()).await?;
            // Some firmware refuses 51 (seen with -112001): the state of the receipt tells it too.
            if let Ok(fields) = x::fields(&answer) {
                return x::cents(&answer, &fields, 1);
            }
        }
        Ok(self.talk.receipt().await?.amount)
    }

    /// Pays what is planned beyond `paid`, and closes. Every refusal from here on is a doubt.
    pub(super) async fn pay_and_close(
        &mut self,
        leave: Committed<'_>,
        mark: &mut Mark,
        paid: i64,
        run: &Run,
    ) -> Result<(), Fault> {
        let dialect = self.talk.dialect();
        let mut skip = paid;
        for payment in mark.payments.clone() {
            if skip >= payment.amount {
                skip -= payment.amount;
                continue;
            }
            let mut rest = payment;
            rest.amount -= std::mem::take(&mut skip);
            let answer = self.talk.act(leave, &sale::pay(dialect, &rest)).await?;
            if dialect.is_x() {
                x::fields(&answer)?;
            } else {
                old::paid(&answer)?;
            }
        }
        mark.stage = Stage::Closing;
        run.checkpoint(&Bookmark::Document(Box::new(mark.clone())))
            .await?;
        let answer = self.talk.act(leave, &sale::close()).await?;
        self.accepted(&answer)
    }

    /// The number as the printer now has it: without it there is no success.
    async fn read_back(&mut self, mark: &Mark, run: &Run) -> Result<Proof, Fault> {
        let now = self.talk.reading(&mark.baseline.last.serial).await?;
        match judged(mark, &now) {
            Judgement::OneStep { by_key } if by_key || self.settings.only_till => {
                Ok(self.issued(mark, &now, "read back", run).await)
            }
            Judgement::OneStep { .. } | Judgement::Unchanged | Judgement::Unclear(_) => {
                Err(Fault::in_doubt("DATECS-NO-NUMBER"))
            }
        }
    }

    /// The proof, the audit row, and what a later refund will ask for.
    async fn issued(&mut self, mark: &Mark, now: &Reading, how: &'static str, run: &Run) -> Proof {
        let (at, summer) = match now.last.at {
            Some(at) => (at, now.summer),
            // The older dialect tells no time of a document: its clock now is the nearest.
            None => (self.talk.time().await.unwrap_or(mark.sent_at), false),
        };
        let printed = Some(Printed { at, summer });
        self.record(mark, now.last.number, printed, now, how, run)
    }

    pub(super) fn record(
        &self,
        mark: &Mark,
        number: u32,
        printed: Option<Printed>,
        now: &Reading,
        how: &'static str,
        run: &Run,
    ) -> Proof {
        let doc = number.to_string();
        // A storno names its original by the time as printed: one that is only near is none.
        let at = printed.map_or(mark.sent_at, |printed| printed.at);
        let original = Original {
            day: None,
            number: Some(doc.clone()),
            at: printed.map(|printed| printed.at),
            serial: Some(now.last.serial.clone()),
            key: Some(mark.unp.clone()),
        };
        run.put(&Original::shelf_key(mark.bill.id), &original);
        if printed.is_some_and(|printed| printed.summer) {
            run.put(&summer_key(mark.bill.id), &true);
        }
        run.put("seq", &self.talk.seq());
        run.audit(
            audit::ISSUED,
            &Row {
                document: Some(doc.clone()),
                device_time: Some(at.to_string()),
                z: now.z.map(|z| (z + 1).to_string()),
                reading: Some(now.last.to_string()),
                how: Some(how),
                ..row(mark)
            },
        );
        note::issued(&doc, &mark.printer_serial, at, mark.total, &mark.currency)
    }

    /// After a refusal before the first payment: cancels our own receipt, and gives the refusal
    /// with the proof that nothing is left, or without it as a doubt.
    async fn back_out(
        &mut self,
        leave: Committed<'_>,
        fault: Fault,
        mark: &Mark,
        run: &Run,
    ) -> Fault {
        match self.cancelled(leave, mark).await {
            Ok(true) => {
                run.audit(
                    audit::NOT_ISSUED,
                    &Row {
                        how: Some("refused and cancelled"),
                        ..row(mark)
                    },
                );
                proved_undone(fault)
            }
            Ok(false) | Err(_) => fault,
        }
    }

    /// Cancels the open receipt if it is ours and unpaid. True if nothing is open and nothing was
    /// issued.
    pub(super) async fn cancelled(
        &mut self,
        leave: Committed<'_>,
        mark: &Mark,
    ) -> Result<bool, Fault> {
        let state = self.talk.receipt().await?;
        if state.open != Open::No {
            if state.paid != 0 || !self.is_ours(mark, &state).await? {
                return Ok(false);
            }
            self.talk.act(leave, &sale::cancel()).await?;
            if self.talk.receipt().await?.open != Open::No {
                return Ok(false);
            }
        }
        let now = self.talk.reading(&mark.baseline.last.serial).await?;
        Ok(now.last.number == mark.baseline.last.number)
    }
}

/// A refusal after which the printer shows that nothing exists. A code that leaves the end open has
/// its end now, and may be tried again.
fn proved_undone(fault: Fault) -> Fault {
    if fault.kind() != FaultKind::InDoubt {
        return fault.without_effect();
    }
    let code = fault.code().to_owned();
    Fault::transient("FISCAL-BROKEN-OFF")
        .with("code", code)
        .caused_by(fault)
        .without_effect()
}

/// What the readings say; the slip number the printer gave us counts as the next one, because
/// cancelled receipts use numbers up.
pub(super) fn judged(mark: &Mark, now: &Reading) -> Judgement {
    let mut baseline = mark.baseline.last.clone();
    if let Some(slip) = mark.slip
        && slip > baseline.number
        && now.last.number == slip
    {
        baseline.number = slip - 1;
    }
    let expected = Expected {
        total: mark.total,
        key: Some(mark.unp.clone()),
        sent_at: mark.sent_at,
    };
    // The older dialect's total is the open or last receipt's, issued or not: only the number and
    // the key tell whether a document exists.
    if mark.baseline.z.is_none() && now.last.number == mark.baseline.last.number {
        let same_device = now.last.serial == baseline.serial;
        // One that is seen without a document was cancelled.
        let seen = Some(format!("{:07}", mark.running));
        if same_device && (now.last.key == baseline.key || now.last.key == seen) {
            return Judgement::Unchanged;
        }
    }
    let mut known = now.last.clone();
    // A model that does not tell the last UNP tells its running number, which changes when a receipt
    // is opened: ours being seen is no proof that ours was issued. Another one's is a doubt.
    if known.key == Some(format!("{:07}", mark.running)) {
        known.key = None;
    }
    let unchanged = known.number == baseline.number && known.serial == baseline.serial;
    if unchanged && known.total == baseline.total && known.at == baseline.at {
        // The key of a cancelled receipt is news of the key and not of a document.
        known.key.clone_from(&baseline.key);
    }
    judge(&baseline, &known, &expected)
}

fn sending(mark: &Mark, identity: &Identity, lines: &[Command]) -> Row {
    let text: Vec<_> = lines
        .iter()
        .map(|line| {
            format!(
                "{} {}",
                line.number,
                crate::text::decode(&line.data).replace('\t', "|")
            )
        })
        .collect();
    Row {
        baseline: Some(mark.baseline.last.to_string()),
        serial: Some(identity.serial.clone()),
        request: Some(text.join("\n")),
        ..row(mark)
    }
}

pub(super) fn row(mark: &Mark) -> Row {
    Row {
        bill_id: Some(mark.bill.id),
        bill_number: mark.bill.number.clone(),
        kind: Some(if mark.refund { "refund" } else { "sale" }),
        serial: Some(mark.printer_serial.clone()),
        total: Some(money::show(mark.total)),
        currency: Some(mark.currency.clone()),
        key: Some(mark.unp.clone()),
        ..Row::default()
    }
}

/// The original of a refund, from the hotel system or from our own memory of what we issued.
fn original(refund: &Refund, run: &Run) -> Result<Stornoed, Fault> {
    let remembered = refund
        .corrected
        .and_then(|bill| run.shelf::<Original>(&Original::shelf_key(bill)));
    let known = refund.original.clone().or(remembered.unwrap_or_default());
    let number = known
        .number
        .as_deref()
        .and_then(|number| number.trim().parse().ok());
    let missing: Vec<_> = [
        ("number", number.is_none()),
        ("time", known.at.is_none()),
        ("fiscal memory", known.serial.is_none()),
        ("UNP", known.key.is_none()),
    ]
    .into_iter()
    .filter(|(_, missing)| *missing)
    .map(|(name, _)| name)
    .collect();
    let summer = refund
        .corrected
        .and_then(|bill| run.shelf::<bool>(&summer_key(bill)));
    match (number, known.at, known.serial, known.key) {
        (Some(number), Some(at), Some(memory), Some(unp)) => Ok(Stornoed {
            number,
            at,
            summer: summer.unwrap_or(false),
            memory,
            unp,
        }),
        _ => Err(Fault::permanent("FISCAL-ORIGINAL-MISSING").with("missing", missing.join(", "))),
    }
}

/// The shelf's key of a document whose time the printer marked as summer time.
fn summer_key(bill: impl std::fmt::Display) -> String {
    format!("summer/{bill}")
}

/// Device minus property, in seconds. A printer that missed the change of the clocks is an hour off,
/// and its documents would carry that hour.
pub(super) fn drift_s(device: DateTime, ours: DateTime) -> i64 {
    device.duration_since(ours).as_secs()
}

fn digits(text: &str) -> String {
    text.chars().filter(char::is_ascii_digit).collect()
}
