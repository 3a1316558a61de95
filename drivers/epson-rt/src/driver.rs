//! The driver: status and last document before, one POST, the number read back, and the verdict
//! after a break.

mod ask;
mod clock;
mod day;
mod issue;
mod record;
mod verdict;

use driver_fiscal::document::{BillRef, Document};
use driver_fiscal::pending::{honest, pending, pending_day};
use driver_fiscal::verdict::LastDocument;
use driver_sdk::{
    Abilities, Attempt, Driver, DriverKind as _, Fault, Job, LocalWork, Proof, Requests, Run,
    Verdict, Watch, Work,
};
use jiff::SignedDuration;
use jiff::civil::DateTime;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use self::day::Seen;
use crate::EpsonRt;
use crate::customer::Codes;
use crate::ready::Does;
use crate::settings::EpsonSettings;

/// An Epson RT printer.
#[derive(Debug)]
pub struct EpsonDriver {
    settings: EpsonSettings,
    requests: Requests,
    seen: Seen,
    /// When this process sent something that was not answered, or first asked about it.
    unanswered: Option<Instant>,
}

/// Everything decided.
#[derive(Debug)]
pub struct Plan {
    /// The property's time when the plan was made.
    local: DateTime,
    task: Task,
}

/// The property's time as it goes on while an attempt runs.
#[derive(Debug, Clone, Copy)]
struct Watchglass {
    local: DateTime,
    since: Instant,
}

impl Watchglass {
    fn new(local: DateTime) -> Self {
        Self {
            local,
            since: driver_sdk::clock::now(),
        }
    }

    fn now(&self) -> DateTime {
        let passed = driver_sdk::clock::now() - self.since;
        self.local + SignedDuration::try_from(passed).unwrap_or_default()
    }
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
    /// Bytes that came ready, whether they carry the bill's number, what they do.
    Ready(Vec<u8>, bool, Does),
    Built(Box<Document>, Codes),
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Bookmark {
    Test,
    /// A day end, and the last document before it; the day was open.
    Z(LastDocument),
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
    /// What the electronic journal must show in the new document. `None`: nothing there can prove
    /// that it is ours.
    #[serde(default)]
    on_paper: Option<String>,
}

impl EpsonDriver {
    pub(crate) fn new(settings: EpsonSettings, requests: Requests) -> Self {
        Self {
            settings,
            requests,
            seen: Seen::default(),
            unanswered: None,
        }
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
        let time = Watchglass::new(plan.local);
        self.seen.starts(time);
        match &plan.task {
            Task::Issue(issue) => {
                let issued = self.issue(issue, time, run).await;
                let (bill, total, currency) = (&issue.bill, issue.total, &self.settings.currency);
                let shown = |fault| pending(fault, bill, total, currency);
                issued.map_err(|fault| honest(fault, run, EpsonRt.faults(), shown))
            }
            Task::Test => self.test(plan.local, run).await,
            Task::Z => {
                let closed = self.close_day(run).await;
                closed.map_err(|fault| honest(fault, run, EpsonRt.faults(), pending_day))
            }
        }
    }

    async fn reconcile(&mut self, attempt: &Attempt, run: &Run) -> Result<Verdict, Fault> {
        match attempt.bookmark()? {
            Bookmark::Test => Ok(Verdict::DidNotHappen),
            Bookmark::Z(baseline) => {
                let judged = self.judge_day(&baseline, run).await;
                judged.map_err(pending_day)
            }
            Bookmark::Document(mark) => {
                let judged = self.judge(&mark, run).await;
                judged.map_err(|fault| match fault.code() {
                    // These say what to do, and promise nothing.
                    "EPSON-PAPER-OPEN" | "EPSON-DOCUMENT-OPEN" => fault,
                    _ => pending(fault, &mark.bill, mark.total, &mark.currency),
                })
            }
        }
    }

    async fn idle(&mut self, watch: &Watch) -> Result<(), Fault> {
        self.watch(watch).await
    }
}

#[cfg(test)]
mod tests;
