//! The driver: status and last document before, one POST, the number read back, and the verdict
//! after a break.

mod ask;

use std::time::Duration;

use driver_fiscal::audit::{self, Row};
use driver_fiscal::document::{BillRef, Kind, Original};
use driver_fiscal::verdict::{Expected, Judgement, LastDocument, judge};
use driver_fiscal::{address, mapping, money, note, payload};
use driver_sdk::{
    Abilities, Attempt, Driver, Fault, FiscalWork, Grade, Health, Job, LocalWork, Proof, Requests,
    Run, Say, Verdict, Watch, Work,
};
use jiff::civil::DateTime;
use serde::{Deserialize, Serialize};
use tokio::time::sleep;

use self::ask::Effect;
use crate::answer::{Answer, new_document};
use crate::receipt;
use crate::settings::EpsonSettings;
use crate::xml::{self, Element};

/// Two readings this far apart must agree before "nothing was issued" is a verdict.
const PAUSE: Duration = Duration::from_secs(3);
/// Between two looks at a printer that has nothing to do.
const LOOK_EVERY: Duration = Duration::from_secs(60);

/// An Epson RT printer.
#[derive(Debug)]
pub struct EpsonDriver {
    settings: EpsonSettings,
    requests: Requests,
}

/// Everything decided.
#[derive(Debug)]
pub struct Plan {
    local: DateTime,
    task: Task,
}

#[derive(Debug)]
enum Task {
    Issue(Box<Issue>),
    Test,
    Z,
}

/// A document to be sent.
struct Issue {
    bill: BillRef,
    total: i64,
    /// The printer the command names, if this is a sale.
    wanted: Option<String>,
    what: What,
}

impl std::fmt::Debug for Issue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Issue")
            .field("bill", &self.bill)
            .finish_non_exhaustive()
    }
}

enum What {
    Ready(Vec<u8>),
    Built(Box<driver_fiscal::document::Document>),
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Bookmark {
    Test,
    /// A day end; the day was open.
    Z,
    Document(Box<Mark>),
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Mark {
    baseline: LastDocument,
    total: i64,
    currency: String,
    sent_at: DateTime,
    bill: BillRef,
    kind: String,
}

impl EpsonDriver {
    pub(crate) fn new(settings: EpsonSettings, requests: Requests) -> Self {
        Self { settings, requests }
    }

    fn plan_issue(&self, work: &FiscalWork, job: &Job) -> Result<Issue, Fault> {
        address::check(
            work,
            self.requests.address(),
            self.settings.machine_id.as_deref(),
        )?;
        let italian = mapping::italian(work)?;
        let bill = BillRef {
            id: work.bill.id,
            number: work.bill.number.clone(),
        };
        let serial = italian.and_then(|data| data.printer_serial.clone());
        let wanted = serial.filter(|_| italian.is_some_and(|data| !data.is_refund));
        if let Some(bytes) = payload::ready(work)? {
            let total = mapping::checked_total(work, &self.settings.currency)?;
            let ready = receipt::ready(&bytes)?;
            payload::same_total(ready.total, total)?;
            return Ok(Issue {
                bill,
                total: ready.total,
                wanted,
                what: What::Ready(ready.body),
            });
        }
        let mut document = mapping::document(work, &self.settings.rules())?;
        if let Kind::Refund(refund) = &mut document.kind {
            let time = italian.and_then(|data| data.receipt_time);
            refund.original.at = time.map(|at| job.zone.to_datetime(at));
        }
        Ok(Issue {
            bill,
            total: document.total,
            wanted,
            what: What::Built(Box::new(document)),
        })
    }

    async fn issue(&self, issue: &Issue, local: DateTime, run: &Run) -> Result<Proof, Fault> {
        let status = self.status().await?;
        if let Some(fault) = blocker(&status)? {
            return Err(fault);
        }
        if ask::printer_status(&status)?.open() {
            return Err(Fault::operator("FISCAL-OPEN-ELSEWHERE"));
        }
        let baseline = self.last().await?;
        if let Some(wanted) = issue
            .wanted
            .as_ref()
            .filter(|it| it.trim() != baseline.serial)
        {
            return Err(Fault::permanent("FISCAL-WRONG-PRINTER")
                .with("expected", wanted)
                .with("device", &baseline.serial));
        }
        let (body, kind) = match &issue.what {
            What::Ready(body) => (body.clone(), "ready document"),
            What::Built(document) => {
                let (original, kind) = match &document.kind {
                    Kind::Sale => (None, "sale"),
                    Kind::Refund(refund) => (Some(original(refund, run)?), "refund"),
                };
                let root = receipt::build(document, original.as_ref(), &self.settings);
                (xml::envelope(&root), kind)
            }
        };
        let mark = Mark {
            baseline,
            total: issue.total,
            currency: self.settings.currency.clone(),
            sent_at: local,
            bill: issue.bill.clone(),
            kind: kind.to_owned(),
        };
        run.audit(
            audit::SENDING,
            &Row {
                baseline: Some(mark.baseline.to_string()),
                request: Some(String::from_utf8_lossy(&body).into_owned()),
                ..row(&mark)
            },
        );
        let leave = run
            .commit(&Bookmark::Document(Box::new(mark.clone())))
            .await?;
        let answer = self.requests.effect(leave, Effect::receipt(body)).await?;
        if !answer.success {
            return Err(self.refused(&answer, &mark, leave, run).await);
        }
        let Some(new) = new_document(&answer) else {
            return Err(Fault::in_doubt("EPSON-NO-NUMBER"));
        };
        let now = self.last().await?;
        let same = (new.day, new.number) == (now.day, now.number);
        match judged(&mark, &now) {
            Judgement::OneStep { .. } if same => Ok(issued(&mark, &now, "answer and record", run)),
            Judgement::OneStep { .. } | Judgement::Unchanged | Judgement::Unclear(_) => {
                Err(Fault::in_doubt("EPSON-NO-NUMBER"))
            }
        }
    }

    /// A refusal, with the proof that nothing was issued where the printer gives one. The open
    /// document is ours to reset only where no other till uses the printer.
    async fn refused(
        &self,
        answer: &Answer,
        mark: &Mark,
        leave: driver_sdk::Committed<'_>,
        run: &Run,
    ) -> Fault {
        use driver_fiscal::class::ErrorClass;
        let fault = answer.fault();
        let class = crate::answer::meaning(&answer.code, answer.status).0;
        if class == ErrorClass::Doubt {
            return fault;
        }
        let nothing_left = async {
            let status = ask::printer_status(&self.status().await?)?;
            if status.fiscal_open() && self.settings.only_till && class == ErrorClass::Stop {
                self.requests
                    .effect(leave, Effect::reset(self.settings.operator))
                    .await?;
            }
            let status = ask::printer_status(&self.status().await?)?;
            let now = self.last().await?;
            Ok::<_, Fault>(!status.open() && judged(mark, &now) == Judgement::Unchanged)
        };
        match nothing_left.await {
            Ok(true) => {
                let row = Row {
                    how: Some("refused"),
                    answer: Some(format!("{} {}", answer.code, answer.status)),
                    ..row(mark)
                };
                run.audit(audit::NOT_ISSUED, &row);
                fault.without_effect()
            }
            Ok(false) | Err(_) => fault,
        }
    }

    async fn judge(&self, mark: Mark, run: &Run) -> Result<Verdict, Fault> {
        let leave = run
            .committed()
            .ok_or_else(|| Fault::in_doubt("EPSON-NO-NUMBER"))?;
        let status = self.status().await?;
        if let Some(fault) = blocker(&status)? {
            run.waiting(fault.clone());
            return Err(fault);
        }
        let printer = ask::printer_status(&status)?;
        if printer.open() {
            if !printer.fiscal_open() || !self.settings.only_till {
                return Err(Fault::operator("FISCAL-OPEN-ELSEWHERE"));
            }
            self.requests
                .effect(leave, Effect::reset(self.settings.operator))
                .await?;
            return Err(Fault::transient("EPSON-UNSTEADY"));
        }
        let now = self.last().await?;
        match judged(&mark, &now) {
            Judgement::Unchanged => {
                sleep(PAUSE).await;
                let again = self.last().await?;
                if again != now || ask::printer_status(&self.status().await?)?.open() {
                    return Err(Fault::transient("EPSON-UNSTEADY"));
                }
                let row = Row {
                    how: Some("last document unchanged"),
                    reading: Some(now.to_string()),
                    ..row(&mark)
                };
                run.audit(audit::NOT_ISSUED, &row);
                Ok(Verdict::DidNotHappen)
            }
            Judgement::OneStep { .. } => {
                let how = match self.journal_names(&mark, &now).await {
                    Some(true) => "electronic journal",
                    None if self.settings.only_till => "last document, only till",
                    Some(false) => {
                        return Ok(cannot_tell(&mark, &now, "its text has another bill", run));
                    }
                    None => return Ok(cannot_tell(&mark, &now, "its text cannot be read", run)),
                };
                Ok(Verdict::Happened(issued(&mark, &now, how, run)))
            }
            Judgement::Unclear(why) => Ok(cannot_tell(&mark, &now, why.as_str(), run)),
        }
    }

    /// True if the journal's text of the new document carries our bill's number; `None` if it
    /// cannot be read or the bill has none.
    async fn journal_names(&self, mark: &Mark, now: &LastDocument) -> Option<bool> {
        let number = mark
            .bill
            .number
            .as_deref()
            .filter(|number| !number.is_empty())?;
        let text = self.journal(now).await.ok()?;
        if text.is_empty() {
            return None;
        }
        let words = |line: &String| {
            let words = line.split(|c: char| c.is_whitespace());
            words.map(str::to_owned).collect::<Vec<_>>()
        };
        let wanted: Vec<_> = number.split_whitespace().collect();
        Some(
            text.iter()
                .map(words)
                .any(|line| line.windows(wanted.len().max(1)).any(|part| part == wanted)),
        )
    }

    async fn test(&self, run: &Run) -> Result<Proof, Fault> {
        let status = self.status().await?;
        let last = self.last().await?;
        let fact = |name: &str| status.info(name).unwrap_or("cannot be read").to_owned();
        let state = blocker(&status)?
            .or(ask::printer_status(&status)?.warning())
            .map_or_else(|| "ready".to_owned(), |fault| fault.code().to_owned());
        let at = last
            .at
            .map_or_else(|| "unknown".to_owned(), |at| at.to_string());
        let result = format!(
            "serial {}, {state}, RT status {}, files waiting {}, last document {last} at {at}; \
             clock, VAT rates and memory left cannot be read",
            last.serial,
            fact("rtMainStatus"),
            fact("rtFileToSend"),
        );
        run.commit(&Bookmark::Test).await?;
        Ok(Proof::new(
            Grade::Done,
            Say::new("FISCAL-TEST").with("result", result),
        ))
    }

    async fn close_day(&self, run: &Run) -> Result<Proof, Fault> {
        let status = self.status().await?;
        if let Some(fault) = blocker(&status)? {
            return Err(fault);
        }
        if status.info("rtDailyOpen") != Some("1") {
            return Err(Fault::permanent("EPSON-DAY-CLOSED"));
        }
        let leave = run.commit(&Bookmark::Z).await?;
        let answer = self
            .requests
            .effect(leave, Effect::z(self.settings.operator))
            .await?;
        match answer.info("zRepNumber") {
            Some(z) if answer.success => Ok(day_closed(z, run)),
            Some(_) | None => Err(answer.fault()),
        }
    }

    async fn judge_day(&self, run: &Run) -> Result<Verdict, Fault> {
        let status = self.status().await?;
        Ok(match status.info("rtDailyOpen") {
            Some("0") => Verdict::Happened(day_closed("closed", run)),
            Some("1") => Verdict::DidNotHappen,
            Some(_) | None => Verdict::CannotTell {
                check: Say::new("FISCAL-Z-DOUBT")
                    .with("before", "open")
                    .with("now", "unknown"),
            },
        })
    }
}

impl Driver for EpsonDriver {
    type Plan = Plan;

    fn abilities(&self) -> Abilities {
        Abilities {
            reconcile: true,
            abort: false,
            harmless_repeat: false,
        }
    }

    fn prepare(&self, job: &Job) -> Result<Plan, Fault> {
        let task = match &job.work {
            Work::Fiscal(work) => Task::Issue(Box::new(self.plan_issue(work, job)?)),
            Work::Local(LocalWork::Test) => Task::Test,
            Work::Local(LocalWork::Z) => Task::Z,
            other @ (Work::Print(_) | Work::Key(_)) => return Err(other.wrong()),
        };
        Ok(Plan {
            local: job.zone.to_datetime(job.now),
            task,
        })
    }

    async fn execute(&mut self, plan: Plan, run: &Run) -> Result<Proof, Fault> {
        match &plan.task {
            Task::Issue(issue) => self.issue(issue, plan.local, run).await,
            Task::Test => self.test(run).await,
            Task::Z => self.close_day(run).await,
        }
    }

    async fn reconcile(&mut self, attempt: &Attempt, run: &Run) -> Result<Verdict, Fault> {
        match attempt.bookmark()? {
            Bookmark::Test => Ok(Verdict::DidNotHappen),
            Bookmark::Z => self.judge_day(run).await,
            Bookmark::Document(mark) => self.judge(*mark, run).await,
        }
    }

    async fn idle(&mut self, watch: &Watch) -> Result<(), Fault> {
        loop {
            let status = self.status().await?;
            if let Some(fault) = blocker(&status)? {
                return Err(fault);
            }
            let old = |name: &str| {
                status
                    .info(name)
                    .is_some_and(|it| !it.trim_matches('0').is_empty())
            };
            let warning = if old("rtOldFileToSend") || old("rtFileRejected") {
                Some(Fault::operator("EPSON-FILES"))
            } else {
                ask::printer_status(&status)?.warning()
            };
            watch.health(warning.map_or(Health::Well, Health::Warned));
            sleep(LOOK_EVERY).await;
        }
    }
}

/// What the status says against a document.
fn blocker(status: &Answer) -> Result<Option<Fault>, Fault> {
    if !status.success {
        return Err(status.fault());
    }
    if status.info("rtTrainingMode") == Some("1") {
        return Ok(Some(Fault::permanent("EPSON-TRAINING")));
    }
    if status.info("rtMainStatus").is_some_and(|main| main != "02") {
        return Ok(Some(Fault::permanent("EPSON-NOT-IN-SERVICE")));
    }
    Ok(ask::printer_status(status)?.blocker())
}

fn judged(mark: &Mark, now: &LastDocument) -> Judgement {
    let expected = Expected {
        total: mark.total,
        key: None,
        sent_at: mark.sent_at,
    };
    judge(&mark.baseline, now, &expected)
}

fn row(mark: &Mark) -> Row {
    Row {
        bill_id: Some(mark.bill.id),
        bill_number: mark.bill.number.clone(),
        kind: Some(match mark.kind.as_str() {
            "refund" => "refund",
            "sale" => "sale",
            _ => "ready document",
        }),
        serial: Some(mark.baseline.serial.clone()),
        total: Some(money::show(mark.total)),
        currency: Some(mark.currency.clone()),
        ..Row::default()
    }
}

fn issued(mark: &Mark, now: &LastDocument, how: &'static str, run: &Run) -> Proof {
    let at = now.at.unwrap_or(mark.sent_at);
    let original = Original {
        day: Some(format!("{:04}", now.day)),
        number: Some(format!("{:04}", now.number)),
        at: Some(at),
        serial: Some(now.serial.clone()),
        key: None,
    };
    run.put(&Original::shelf_key(mark.bill.id), &original);
    let row = Row {
        document: Some(now.to_string()),
        z: Some(now.day.to_string()),
        device_time: Some(at.to_string()),
        reading: Some(now.to_string()),
        how: Some(how),
        ..row(mark)
    };
    run.audit(audit::ISSUED, &row);
    note::issued(
        &now.to_string(),
        &now.serial,
        at,
        mark.total,
        &mark.currency,
    )
}

fn cannot_tell(mark: &Mark, now: &LastDocument, why: &'static str, run: &Run) -> Verdict {
    let row = Row {
        baseline: Some(mark.baseline.to_string()),
        reading: Some(now.to_string()),
        how: Some(why),
        ..row(mark)
    };
    run.audit(audit::DOUBT, &row);
    let check = Say::new("FISCAL-DOUBT")
        .with(
            "total",
            format!("{} {}", money::show(mark.total), mark.currency),
        )
        .with("before", &mark.baseline)
        .with("now", now)
        .with("why", why);
    Verdict::CannotTell { check }
}

fn day_closed(z: &str, run: &Run) -> Proof {
    let row = Row {
        z: Some(z.to_owned()),
        how: Some("by this worker"),
        ..Row::default()
    };
    run.audit(audit::DAY_END, &row);
    Proof::new(Grade::Done, Say::new("FISCAL-Z-OK").with("z", z))
}

fn original(refund: &driver_fiscal::document::Refund, run: &Run) -> Result<Original, Fault> {
    let remembered = refund
        .corrected
        .and_then(|bill| run.shelf::<Original>(&Original::shelf_key(bill)));
    let known = refund.original.clone().or(remembered.unwrap_or_default());
    let missing: Vec<_> = [
        ("number", known.number.is_none()),
        ("closure", known.day.is_none()),
        ("date", known.at.is_none()),
        ("printer", known.serial.is_none()),
    ]
    .into_iter()
    .filter_map(|(name, missing)| missing.then_some(name))
    .collect();
    if missing.is_empty() {
        return Ok(known);
    }
    Err(Fault::permanent("FISCAL-ORIGINAL-MISSING").with("missing", missing.join(", ")))
}

/// A root with one command.
fn command(root: &str, inner: Element) -> Element {
    let mut root = Element::new(root);
    root.children.push(inner);
    root
}

#[cfg(test)]
mod tests;
