//! One device tested by itself, where no worker runs: the life of a command (journal, commit,
//! reconcile, settle) without a lane and without Mews.
//!
//! It runs nothing but the test. Commands that wait in the journal stay as they are, and a device
//! whose wire holds a doubt is left alone: the next job would overwrite the evidence.

use std::sync::Arc;
use std::time::Duration;

use driver_sdk::{
    Attempt, CommandId, DeviceName, DriverKind, Fault, FaultKind, Host, Hub, Job, LocalWork,
    Opened, Run, Say, ShelfRead, Staged, Work, clock,
};
use futures_util::future::BoxFuture;
use jiff::tz::TimeZone;
use serde_json::Value;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::config::{Build, Config, Device};
use crate::journal::{Gate, Journal, JournalError, NewCommand, Refusal};
use crate::lane::{Finished, Stops, guarded};
use crate::life::{Ended, Next, Outcome, Rules, after};
use crate::orders::{self, OrderError};
use crate::supervise::{open, rules};

/// Between two questions about a doubt.
const ASK_EVERY: Duration = Duration::from_secs(2);

/// A person is told what the device waits for.
pub type Tell = Arc<dyn Fn(&Fault) + Send + Sync>;

/// Tests a device and settles the test in the journal.
///
/// # Errors
/// [`OrderError`]: no such device, a doubt on its wire, or the journal.
pub async fn test_alone(
    config: &Config,
    build: &Build,
    journal: &Journal,
    name: &DeviceName,
    tell: Tell,
    stop: &CancellationToken,
) -> Result<Outcome, OrderError> {
    let found = config.devices.iter().find(|device| device.name == *name);
    let device = found.ok_or_else(|| OrderError::NoDevice(name.clone()))?;
    let kind = build.kind(&device.driver);
    let kind = kind.ok_or_else(|| OrderError::NoDevice(name.clone()))?;
    nothing_in_doubt(config, build, journal, device).await?;
    let mut hub = Hub::new(build.dials.clone());
    let opened = open(&mut hub, kind, device)
        .map_err(|error| OrderError::NotNow(error.error.to_string()))?;
    let talks = CancellationToken::new();
    for session in hub.take_sessions() {
        tokio::spawn(session.run(talks.clone()));
    }
    let _ended = talks.drop_guard();
    let mut stand = Stand {
        journal: journal.clone(),
        clock: Clock::system(),
        rules: Rules {
            repeat_in_doubt: false,
            ..rules(device, kind)
        },
        stops: Stops {
            safe_points: stop.clone(),
            ..Stops::default()
        },
        zone: zone(config, device),
        opened,
        tell,
    };
    stand.test(device, kind).await
}

/// A doubt of any device on the same wire comes first, and only a worker asks about it.
async fn nothing_in_doubt(
    config: &Config,
    build: &Build,
    journal: &Journal,
    device: &Device,
) -> Result<(), OrderError> {
    let address = |link: &str| build.dials.address(link).ok();
    let wire = address(&device.link);
    for other in &config.devices {
        if other.name != device.name && (wire.is_none() || address(&other.link) != wire) {
            continue;
        }
        let name = other.name.clone();
        let (begun, doubts) = journal
            .with(move |core| Ok((core.committed(&name)?, core.doubts(&name)?)))
            .await?;
        let doubts = doubts.into_iter().filter(|row| row.entry.class.is_money());
        if let Some(row) = begun.into_iter().chain(doubts).next() {
            let (id, name) = (row.entry.id, &other.name);
            return Err(OrderError::NotNow(format!(
                "nobody knows yet what became of the command {id} at {name}; start the worker, \
                 which asks the device, or look at the device and resolve it"
            )));
        }
    }
    Ok(())
}

/// Without Mews: the config's zone, or this PC's.
fn zone(config: &Config, device: &Device) -> TimeZone {
    let property = config
        .properties
        .iter()
        .find(|property| property.name == device.property);
    let set = property.and_then(|property| property.timezone.clone());
    set.unwrap_or_else(TimeZone::system)
}

struct Stand {
    journal: Journal,
    clock: Clock,
    rules: Rules,
    stops: Stops,
    zone: TimeZone,
    opened: Opened,
    tell: Tell,
}

impl Stand {
    async fn test(
        &mut self,
        device: &Device,
        kind: &dyn DriverKind,
    ) -> Result<Outcome, OrderError> {
        let now = self.clock.pc_time();
        let (property, title) = (device.property.as_str(), device.mews.to_string());
        let new = NewCommand::local(property, &device.name, title, kind.class(), now);
        let id = new.id;
        let work = Work::Local(LocalWork::Test);
        let data = serde_json::to_vec(&work).expect("work is plain data");
        let written = self.journal.payloads().write(id, &data, None);
        written.map_err(JournalError::Payload)?;
        self.journal
            .with(move |core| core.accept(&[new], now))
            .await?;
        let job = Job {
            id,
            device: device.name.clone(),
            created: now,
            now,
            zone: self.zone.clone(),
            repeat: false,
            attempt: 0,
            work,
        };
        loop {
            let (next, staged) = self.attempt(&job).await?;
            let outcome = match next {
                Next::Settle(outcome) => outcome,
                Next::Again => {
                    let gate = self.gate(staged);
                    self.journal
                        .with(move |core| core.back_to_accepted(id, false, &gate))
                        .await?;
                    continue;
                }
                // Nobody waits here for it to become well: what is the matter is the answer.
                Next::Wait(fault) => Outcome::failed_by(&fault),
                Next::Ask(fault) => Outcome::unconfirmed(fault.say().clone()),
                // The rules above allow none.
                Next::RepeatMarked => Outcome::unconfirmed(Say::new("DID-NOT-HAPPEN")),
            };
            let (settled, gate) = (outcome.clone(), self.gate(staged));
            self.journal
                .with(move |core| core.settle(id, &settled, &gate))
                .await?;
            return Ok(outcome);
        }
    }

    /// One attempt, and the questions about it if its end is not known.
    async fn attempt(&mut self, job: &Job) -> Result<(Next, Staged), OrderError> {
        let plan = match self.opened.device.prepare(job) {
            Ok(plan) => plan,
            Err(fault) => {
                let ended = Ended::Executed(Err(fault));
                return Ok((after(ended, 0, false, &self.rules), Staged::default()));
            }
        };
        let run = self.run(job.id);
        let finished = guarded(self.opened.device.execute(plan, &run), &run, &self.stops).await;
        let committed = run.is_committed();
        let result = match finished {
            Finished::Returned(result) => result.map_err(|fault| run.judged(fault)),
            Finished::Crashed(_) | Finished::Stopped => {
                Err(run.judged(Fault::transient("DEVICE-CRASHED")))
            }
        };
        let attempt = u32::from(committed) * self.attempts(job.id).await?;
        match after(Ended::Executed(result), attempt, false, &self.rules) {
            Next::Ask(fault) => self.ask(job, attempt, fault).await,
            next @ (Next::Settle(_) | Next::Again | Next::RepeatMarked | Next::Wait(_)) => {
                Ok((next, run.take_staged()))
            }
        }
    }

    async fn attempts(&self, id: CommandId) -> Result<u32, OrderError> {
        Ok(orders::row(&self.journal, id).await?.attempt)
    }

    async fn ask(
        &mut self,
        job: &Job,
        number: u32,
        mut fault: Fault,
    ) -> Result<(Next, Staged), OrderError> {
        let row = orders::row(&self.journal, job.id).await?;
        let attempt = Attempt {
            id: job.id,
            number,
            committed_at: row.committed_at,
            job: Some(job.clone()),
            bookmark: row.bookmark.map_or(Value::Null, |kept| kept.0),
        };
        let first = clock::now();
        loop {
            let run = self.run(job.id).already_committed();
            let asked = self.opened.device.reconcile(&attempt, &run);
            let judged = match guarded(asked, &run, &self.stops).await {
                Finished::Returned(Ok(verdict)) => Ended::Judged(verdict),
                Finished::Returned(Err(why)) => {
                    fault = why;
                    Ended::GaveUp(fault.clone())
                }
                Finished::Crashed(_) | Finished::Stopped => Ended::GaveUp(fault.clone()),
            };
            let patience = match fault.kind() {
                FaultKind::OperatorNeeded => self.rules.operator_wait,
                FaultKind::Transient
                | FaultKind::Permanent
                | FaultKind::Partly
                | FaultKind::InDoubt => self.rules.deadline,
            };
            let gives_up =
                clock::now() - first >= patience || self.stops.safe_points.is_cancelled();
            if matches!(judged, Ended::Judged(_)) || gives_up {
                return Ok((after(judged, number, false, &self.rules), run.take_staged()));
            }
            sleep(ASK_EVERY).await;
        }
    }

    fn run(&self, id: CommandId) -> Run {
        let host = AloneHost {
            journal: self.journal.clone(),
            clock: self.clock.clone(),
            scope: self.opened.scope.clone(),
            id,
            tell: self.tell.clone(),
        };
        Run::new(
            Arc::new(host),
            self.rules.deadline,
            self.rules.operator_wait,
            self.stops.safe_points.clone(),
            CancellationToken::new(),
        )
    }

    fn gate(&self, staged: Staged) -> Gate {
        Gate {
            scope: self.opened.scope.clone(),
            now: self.clock.pc_time(),
            staged,
        }
    }
}

/// The attempt's journal, and nothing else.
struct AloneHost {
    journal: Journal,
    clock: Clock,
    scope: String,
    id: CommandId,
    tell: Tell,
}

impl AloneHost {
    fn gate(&self, staged: Staged) -> Gate {
        Gate {
            scope: self.scope.clone(),
            now: self.clock.pc_time(),
            staged,
        }
    }
}

impl Host for AloneHost {
    fn commit(&self, bookmark: Value, staged: Staged) -> BoxFuture<'_, Result<(), Fault>> {
        Box::pin(async move {
            let (id, gate) = (self.id, self.gate(staged));
            let committed = self
                .journal
                .with(move |core| core.commit(id, &bookmark, &gate))
                .await;
            match committed {
                Ok(Ok(_)) => Ok(()),
                Ok(Err(Refusal::ShelfConflict)) => Err(Fault::transient("SHELF-CONFLICT")),
                Ok(Err(_)) => Err(Fault::transient("NOT-STARTED").with("why", "it ended already")),
                Err(error) => Err(Fault::transient("JOURNAL-UNWRITABLE").caused_by(error)),
            }
        })
    }

    fn checkpoint(&self, bookmark: Value, staged: Staged) -> BoxFuture<'_, Result<(), Fault>> {
        Box::pin(async move {
            let (id, gate) = (self.id, self.gate(staged));
            let kept = self
                .journal
                .with(move |core| core.checkpoint(id, &bookmark, &gate))
                .await;
            match kept {
                Ok(Ok(())) => Ok(()),
                Ok(Err(_)) => Err(Fault::transient("SHELF-CONFLICT")),
                Err(error) => Err(Fault::transient("JOURNAL-UNWRITABLE").caused_by(error)),
            }
        })
    }

    fn progress(&self, _: u8) {}

    fn waiting(&self, fault: Fault) {
        (self.tell)(&fault);
    }

    fn shelf(&self, key: &str) -> Option<ShelfRead> {
        let (scope, key) = (self.scope.clone(), key.to_owned());
        match self.journal.look_now(move |core| core.shelf(&scope, &key)) {
            Ok(found) => found,
            // A ledger that cannot be read must not look empty: a text is no driver's value.
            Err(_) => Some(ShelfRead {
                value: Value::String("unreadable".to_owned()),
                version: 0,
            }),
        }
    }
}
