//! One fresh world after another: an attempt in it, what is claimed, what exists, what comes next.

use std::sync::Arc;

use tokio::time::{Instant, sleep};

use super::faulty::{Trouble, Troubles};
use super::host::TestHost;
use super::process::{Ended, Event, Fell, Process};
use super::suite::{Promise, Report, Suite, Violation, World};
use super::truth::Claim;
use crate::clock_source;
use crate::job::Job;
use crate::vocabulary::CommandId;

/// One fresh world with its journal.
pub(super) struct Stage {
    pub world: World,
    pub troubles: Troubles,
    pub hosts: Vec<Arc<TestHost>>,
    /// When it began; the jobs' time goes on with it.
    begun: Instant,
}

pub(super) struct Checker<'a> {
    pub suite: &'a Suite,
    pub report: Report,
}

impl Checker<'_> {
    pub fn broke(&mut self, promise: Promise, when: &str, what: impl Into<String>) {
        self.report.violations.push(Violation {
            promise,
            when: when.to_owned(),
            what: what.into(),
        });
    }

    pub fn stage(&self, trouble: Trouble) -> Stage {
        let first = TestHost::new();
        let others = self.suite.seats.iter().skip(1);
        let mut hosts: Vec<_> = others.map(|_| Arc::new(first.beside())).collect();
        hosts.insert(0, Arc::new(first));
        let link = &self.suite.link;
        let troubles = Troubles::with(trouble);
        Stage {
            world: (self.suite.world)(),
            troubles: if link.starts_with("tcp:") || link.starts_with("listen:") {
                troubles.on_a_network()
            } else {
                troubles
            },
            hosts,
            begun: clock_source::now(),
        }
    }

    pub fn open(&mut self, stage: &Stage) -> Option<Process> {
        let suite = self.suite;
        let opened = Process::start(
            suite.kind,
            &suite.link,
            &suite.seats,
            &stage.world,
            &stage.troubles,
        );
        opened
            .map_err(|what| self.broke(Promise::Works, "opening the device", what))
            .ok()
    }

    /// Effects that belong to each device.
    pub fn count(&self, stage: &Stage) -> Vec<usize> {
        let effects = stage.world.device.effects();
        let of = |seat: &super::suite::Seat| {
            let belongs = effects.iter().filter(|effect| (seat.belongs)(effect));
            belongs.count()
        };
        self.suite.seats.iter().map(of).collect()
    }

    /// The same in words, for a violation.
    fn existing(&self, stage: &Stage, number: usize) -> String {
        let effects = stage.world.device.effects();
        let belongs = &self.suite.seats[number].belongs;
        let words = effects.iter().filter(|effect| belongs(effect));
        let words = words.map(|effect| format!("{} {:?}", effect.kind, effect.facts));
        words.collect::<Vec<_>>().join("; ")
    }

    /// The sample jobs, now.
    pub fn jobs(&self, stage: &Stage) -> Vec<Job> {
        let gone = clock_source::now() - stage.begun;
        let now = |job: &Job| Job {
            now: job.now + gone,
            ..job.clone()
        };
        let seats = self.suite.seats.iter();
        seats.map(|seat| now(&seat.job)).collect()
    }

    /// One attempt in a fresh process, and what each device claims in the end.
    pub async fn attempt(
        &mut self,
        stage: &Stage,
        event: Event,
        when: &str,
    ) -> Option<(usize, Vec<Claim>)> {
        let mut process = self.open(stage)?;
        let jobs = self.jobs(stage);
        let ended = self
            .attempt_in(&mut process, &jobs, stage, event, when)
            .await;
        drop(process);
        sleep(self.suite.settle).await;
        Some(ended)
    }

    pub async fn attempt_in(
        &mut self,
        process: &mut Process,
        jobs: &[Job],
        stage: &Stage,
        event: Event,
        when: &str,
    ) -> (usize, Vec<Claim>) {
        self.report.runs += 1;
        let suite = self.suite;
        let (ended, polls) = process
            .attempts(jobs, &suite.seats, &stage.hosts, event, &suite.seen)
            .await;
        let dropped =
            |end: &Ended| matches!(end, Ended::Gone | Ended::Overdue(_) | Ended::Panicked(_));
        let gone = matches!(event, Event::Crash(_) | Event::Stop(_));
        if gone || ended.iter().any(dropped) {
            // The device works on while nobody is there.
            sleep(suite.settle).await;
            match self.open(stage) {
                Some(anew) => *process = anew,
                None => return (polls, Vec::new()),
            }
        }
        let mut claims = Vec::new();
        for (number, end) in ended.into_iter().enumerate() {
            let asked = suite.seats[number].asked;
            let claim = match end {
                Ended::Claims(claim) => claim,
                Ended::Panicked(what) => {
                    self.broke(Promise::NeverPanics, when, what);
                    Claim::unknown(asked, "panicked")
                }
                Ended::Overdue(false) => {
                    self.overdue(when, "before its commit");
                    Claim::nothing("silent beyond its deadline before its commit")
                }
                Ended::Overdue(true) => {
                    self.overdue(when, "after its commit");
                    self.reconcile(process, &jobs[number], number, stage, when)
                        .await
                }
                Ended::Doubt | Ended::Gone => {
                    self.reconcile(process, &jobs[number], number, stage, when)
                        .await
                }
            };
            claims.push(if claim.part && suite.small_parts {
                Claim {
                    effects: 0..=asked,
                    ..claim
                }
            } else {
                claim
            });
        }
        (polls, claims)
    }

    fn overdue(&mut self, when: &str, where_: &str) {
        let what = format!("it was silent beyond its deadline {where_}, and dropped");
        self.broke(Promise::EndsInTime, when, what);
    }

    async fn reconcile(
        &mut self,
        process: &mut Process,
        job: &Job,
        number: usize,
        stage: &Stage,
        when: &str,
    ) -> Claim {
        let suite = self.suite;
        let (asked, host) = (suite.seats[number].asked, &stage.hosts[number]);
        host.recover();
        let verdict = process
            .reconcile(number, (job, asked), host, &stage.troubles, &suite.seen)
            .await;
        match verdict {
            Ok(claim) => claim,
            Err(Fell::Panicked(what)) => {
                self.broke(Promise::NeverPanics, when, what);
                Claim::unknown(asked, "panicked")
            }
            Err(Fell::Overdue) => {
                self.overdue(when, "while it was asked about a doubt");
                Claim::unknown(asked, "silent beyond its deadline")
            }
        }
    }

    /// One attempt; then what exists must be what was claimed, and the next command must work.
    pub async fn truth(&mut self, stage: &Stage, event: Event, promise: Promise, when: &str) {
        let Some(mut process) = self.open(stage) else {
            return;
        };
        let jobs = self.jobs(stage);
        let (_, claims) = self
            .attempt_in(&mut process, &jobs, stage, event, when)
            .await;
        sleep(self.suite.settle).await;
        let counts = self.count(stage);
        for (number, (claim, count)) in claims.iter().zip(&counts).enumerate() {
            if !claim.effects.contains(count) {
                let what = format!(
                    "device {}: {count} exist; concluded {} [{}]",
                    number + 1,
                    claim.words,
                    self.existing(stage, number)
                );
                self.broke(promise, when, what);
                return;
            }
        }
        if !claims.is_empty() && promise != Promise::PartIsTold {
            self.next(&mut process, stage, &claims, &counts, when).await;
        }
    }

    /// Whatever went wrong is over: the same process does the next command, which is the same one
    /// where nothing happened.
    async fn next(
        &mut self,
        process: &mut Process,
        stage: &Stage,
        claims: &[Claim],
        before: &[usize],
        when: &str,
    ) {
        if self.suite.kind.class().is_money() && claims.iter().any(|claim| claim.open) {
            return;
        }
        stage.troubles.heal();
        for host in &stage.hosts {
            host.recover();
            host.forget();
        }
        // A conversation needs a moment until it stands again.
        sleep(self.suite.settle).await;
        let nothing = claims.iter().all(|claim| claim.effects == (0..=0));
        let mut jobs = self.jobs(stage);
        for job in jobs.iter_mut().filter(|_| !nothing) {
            job.id = CommandId::local();
        }
        let again = format!("{when}, then the next command");
        let (_, claims) = self
            .attempt_in(process, &jobs, stage, Event::Patience, &again)
            .await;
        sleep(self.suite.settle).await;
        let after = self.count(stage);
        for (number, claim) in claims.iter().enumerate() {
            let asked = self.suite.seats[number].asked;
            let made = after[number].saturating_sub(before[number]);
            if made != asked || !claim.effects.contains(&asked) {
                let what = format!(
                    "device {}: asked {asked}, made {made}; concluded {} [{}]",
                    number + 1,
                    claim.words,
                    self.existing(stage, number)
                );
                self.broke(Promise::NextIsUnaffected, &again, what);
                return;
            }
        }
    }
}
