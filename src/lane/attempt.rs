//! One attempt or one question: the job, the driver's future, its deadlines, its end.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use driver_sdk::{Attempt, Fault, FaultKind, Job, Proof, Run, Say, Verdict, Work, clock};
use futures_util::FutureExt;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::host::AttemptHost;
use super::slot::{Slot, crash};
use super::turns::Stops;
use crate::board::DeviceState;
use crate::journal::Row;
use crate::life::Stage;

/// What a deadline is overdrawn by before the driver counts as hung.
const GRACE: Duration = Duration::from_secs(10);
/// Why a device crashed.
pub(super) const PANICKED: &str = "it panicked";
const CLOSED: &str = "it could not be opened";

/// How a driver's future ended.
pub(crate) enum Finished<T> {
    /// It returned.
    Returned(T),
    /// It hung past its deadline plus grace, or panicked.
    Crashed(&'static str),
    /// The worker's patience at a stop is over; the row stays as it is.
    Stopped,
}

/// Why there is no job to run.
pub(super) enum NoJob {
    /// The payload is gone from this PC.
    Lost,
    /// Something is not known yet; it waits.
    NotYet(&'static str),
}

impl Slot {
    /// The job of a row, from its payload file.
    pub(super) fn job(&self, row: &Row) -> Result<Job, NoJob> {
        let Some(zone) = self.hotel.zone() else {
            return Err(NoJob::NotYet("NO-ZONE"));
        };
        let data = self
            .hotel
            .journal
            .payloads()
            .read(row.entry.id)
            .ok()
            .flatten();
        let work = data
            .as_deref()
            .and_then(|data| serde_json::from_slice::<Work>(data).ok());
        Ok(Job {
            id: row.entry.id,
            device: self.name.clone(),
            created: row.created,
            now: self.now(),
            zone,
            repeat: row.repeat,
            attempt: row.attempt,
            work: work.ok_or(NoJob::Lost)?,
        })
    }

    fn run_for(&self, row: &Row, stops: &Stops, cancel: &CancellationToken) -> Run {
        let host = AttemptHost {
            hotel: self.hotel.clone(),
            interim: self.interim.clone(),
            id: row.entry.id,
            device: self.name.clone(),
            scope: self.scope.clone(),
            stopping: stops.nothing_new.clone(),
        };
        Run::new(
            Arc::new(host),
            self.rules.deadline,
            self.rules.operator_wait,
            stops.safe_points.clone(),
            cancel.clone(),
        )
    }

    /// Runs the driver once. The fault is judged; `true`: the attempt committed.
    pub(super) async fn execute(
        &mut self,
        row: &Row,
        job: &Job,
        stops: &Stops,
        cancel: &CancellationToken,
    ) -> (Finished<Result<Proof, Fault>>, bool, driver_sdk::Staged) {
        let run = self.run_for(row, stops, cancel);
        let Some(device) = &self.device else {
            return (Finished::Crashed(CLOSED), false, run.take_staged());
        };
        // It is the driver's code too: its panic is a crash of this device and of no other.
        let prepare = AssertUnwindSafe(|| device.prepare(job));
        let plan = match std::panic::catch_unwind(prepare) {
            Ok(Ok(plan)) => plan,
            Ok(Err(fault)) => {
                // Nothing can exist yet, in part or whole; a doubt is one of before this command.
                let fault = match fault.kind() {
                    FaultKind::Partly => fault.judged(false),
                    FaultKind::Transient
                    | FaultKind::Permanent
                    | FaultKind::OperatorNeeded
                    | FaultKind::InDoubt => fault,
                };
                return (Finished::Returned(Err(fault)), false, run.take_staged());
            }
            Err(_) => return (Finished::Crashed(PANICKED), false, run.take_staged()),
        };
        self.shows(DeviceState::Busy {
            command: row.entry.id,
            percent: None,
        });
        let Some(device) = &mut self.device else {
            return (Finished::Crashed(CLOSED), false, run.take_staged());
        };
        let finished = guarded(device.execute(plan, &run), &run, stops).await;
        let committed = run.is_committed();
        let finished = match finished {
            Finished::Returned(result) => {
                Finished::Returned(result.map_err(|fault| run.judged(fault)))
            }
            Finished::Crashed(why) => Finished::Crashed(why),
            Finished::Stopped => Finished::Stopped,
        };
        (finished, committed, run.take_staged())
    }

    /// Asks the device what became of an attempt.
    pub(super) async fn reconcile(
        &mut self,
        row: &Row,
        stops: &Stops,
        cancel: &CancellationToken,
    ) -> (Finished<Result<Verdict, Fault>>, driver_sdk::Staged) {
        let attempt = Attempt {
            id: row.entry.id,
            number: row.attempt,
            committed_at: row.committed_at,
            job: self.job(row).ok(),
            bookmark: row
                .bookmark
                .clone()
                .map_or(serde_json::Value::Null, |kept| kept.0),
        };
        let run = self.run_for(row, stops, cancel).already_committed();
        // A reported doubt is shown as what it is: it blocks, or it waits for news.
        if matches!(row.entry.stage, Stage::Committed { .. }) {
            self.shows(DeviceState::Asking {
                command: row.entry.id,
            });
        }
        let Some(device) = &mut self.device else {
            return (Finished::Returned(Err(crash())), run.take_staged());
        };
        let finished = guarded(device.reconcile(&attempt, &run), &run, stops).await;
        (finished, run.take_staged())
    }
}

/// Drives a driver's future to its end, its deadline plus grace, its panic or the worker's stop.
pub(crate) async fn guarded<T>(
    future: impl Future<Output = T> + Send,
    run: &Run,
    stops: &Stops,
) -> Finished<T> {
    let mut deadlines = run.deadlines();
    let mut future = std::pin::pin!(AssertUnwindSafe(future).catch_unwind());
    loop {
        let overdue: Instant = *deadlines.borrow_and_update() + GRACE;
        tokio::select! {
            biased;
            ended = &mut future => return match ended {
                Ok(value) => Finished::Returned(value),
                // The panic hook has logged the place; the payload may hold anything.
                Err(_) => Finished::Crashed(PANICKED),
            },
            () = stops.drop_now.cancelled() => return Finished::Stopped,
            // A driver that still runs keeps its sender, so this ends only by a change.
            _ = deadlines.changed() => {}
            () = sleep_until(overdue) => {
                if clock::now() >= *run.deadlines().borrow() + GRACE {
                    return Finished::Crashed("it hung past its deadline");
                }
            }
        }
    }
}

/// What a fault of `prepare` means: it can never be done, or a person must look first.
pub(super) fn is_doubt_before_begin(fault: &Fault) -> Option<Say> {
    (fault.kind() == FaultKind::InDoubt).then(|| fault.say().clone())
}
