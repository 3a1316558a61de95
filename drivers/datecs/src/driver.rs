//! The driver: what is decided before the first byte, the steps of a receipt, and the verdict
//! after a break.

mod day;
mod issue;
mod printer;
mod reconcile;

use driver_fiscal::document::{BillRef, Document, Kind, Payment};
use driver_fiscal::pending::{honest, pending, pending_day};
use driver_fiscal::{address, mapping, payload};
use driver_sdk::{
    Abilities, Attempt, Driver, DriverKind as _, Fault, FiscalWork, Job, Link, LocalWork, Proof,
    Run, Verdict, Watch, Work,
};
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use crate::Datecs;
use crate::reading::Reading;
use crate::settings::DatecsSettings;
use crate::talk::Talk;

/// A Datecs printer.
#[derive(Debug)]
pub struct DatecsDriver {
    settings: DatecsSettings,
    link: String,
    talk: Talk,
    /// The Z number as `idle` saw it last.
    seen_z: Option<u32>,
}

/// Everything decided.
#[derive(Debug)]
pub struct Plan {
    now: Timestamp,
    zone: TimeZone,
    tax_number: Option<String>,
    task: Task,
}

#[derive(Debug)]
enum Task {
    Issue(Box<Document>),
    Test,
    Z,
}

impl Plan {
    /// The property's time when the job was prepared.
    fn local(&self) -> DateTime {
        self.zone.to_datetime(self.now)
    }
}

/// What the journal keeps of an attempt.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Bookmark {
    /// Nothing was changed.
    Test,
    /// A day end.
    Z {
        /// The last Z before.
        before: u32,
        /// Whose.
        memory: String,
    },
    /// A document.
    Document(Box<Mark>),
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Mark {
    baseline: Reading,
    unp: String,
    running: u32,
    /// The slip number the printer gave at the opening.
    slip: Option<u32>,
    stage: Stage,
    total: i64,
    currency: String,
    payments: Vec<Payment>,
    sent_at: DateTime,
    bill: BillRef,
    refund: bool,
    printer_serial: String,
}

/// The last point of no return that was passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Stage {
    /// The document may be open; nothing is paid.
    Open,
    /// A payment may be in.
    Paying,
    /// The close may have been sent.
    Closing,
}

impl DatecsDriver {
    pub(crate) fn new(settings: DatecsSettings, link: Link) -> Self {
        Self {
            link: link.address().to_owned(),
            talk: Talk::new(link, settings.dialect),
            settings,
            seen_z: None,
        }
    }

    fn document(&self, work: &FiscalWork) -> Result<Document, Fault> {
        address::check(work, &self.link, self.settings.machine_id.as_deref())?;
        if payload::ready(work)?.is_some() {
            return Err(payload::refused("this printer takes no ready documents"));
        }
        let document = mapping::document(work, &self.settings.rules())?;
        if let Kind::Refund(_) = document.kind
            && document.lines.iter().any(|line| line.discount > 0)
        {
            tracing::debug!("Refund with rebates: printed as discounts of the storno");
        }
        Ok(document)
    }
}

impl Driver for DatecsDriver {
    type Plan = Plan;

    fn abilities(&self) -> Abilities {
        Abilities {
            reconcile: true,
            abort: false,
            harmless_repeat: false,
        }
    }

    fn prepare(&self, job: &Job) -> Result<Plan, Fault> {
        let (task, tax_number) = match &job.work {
            Work::Fiscal(work) => (
                Task::Issue(Box::new(self.document(work)?)),
                work.tax_identifier.clone(),
            ),
            Work::Local(LocalWork::Test) => (Task::Test, None),
            Work::Local(LocalWork::Z) if self.settings.dialect.is_x() => (Task::Z, None),
            Work::Local(LocalWork::Z) => return Err(Fault::permanent("DATECS-NO-Z")),
            other @ (Work::Print(_) | Work::Key(_)) => return Err(other.wrong()),
        };
        Ok(Plan {
            now: job.now,
            zone: job.zone.clone(),
            tax_number,
            task,
        })
    }

    async fn execute(&mut self, plan: Plan, run: &Run) -> Result<Proof, Fault> {
        if let Some(seq) = run.shelf::<u8>("seq") {
            self.talk.resume(seq);
        }
        match &plan.task {
            Task::Issue(document) => {
                let issued = self.issue(document, &plan, run).await;
                let (bill, total) = (&document.bill, document.total);
                let shown = |fault| pending(fault, bill, total, &document.currency);
                issued.map_err(|fault| honest(fault, run, Datecs.faults(), shown))
            }
            Task::Test => self.test(&plan, run).await,
            Task::Z => {
                let closed = self.close_day(run).await;
                closed.map_err(|fault| honest(fault, run, Datecs.faults(), pending_day))
            }
        }
    }

    async fn reconcile(&mut self, attempt: &Attempt, run: &Run) -> Result<Verdict, Fault> {
        match attempt.bookmark()? {
            Bookmark::Test => Ok(Verdict::DidNotHappen),
            Bookmark::Z { before, memory } => {
                let judged = self.judge_day(before, &memory, run).await;
                judged.map_err(pending_day)
            }
            Bookmark::Document(mark) => {
                let (bill, total, currency) =
                    (mark.bill.clone(), mark.total, mark.currency.clone());
                let judged = self.judge(*mark, run).await;
                judged.map_err(|fault| pending(fault, &bill, total, &currency))
            }
        }
    }

    async fn idle(&mut self, watch: &Watch) -> Result<(), Fault> {
        self.watch(watch).await
    }
}

#[cfg(test)]
mod tests;
