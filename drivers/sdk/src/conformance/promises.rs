//! The promises, one function each.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::sleep;

use super::faulty::{BABBLE_MAX, Trouble, Troubles};
use super::host::TestHost;
use super::process::{Bounded, Ended, Event, Process, dropped_after, named, words_of};
use super::suite::{Promise, Report, Suite, Violation, World};
use super::truth::Claim;
use crate::fault::{Catalogue, Fault, FaultKind};
use crate::settings::Settings;

/// How long `idle` is watched.
const IDLE_MAX: Duration = Duration::from_secs(120);
const IDLE_POLLS: usize = 30;

pub(super) async fn check(suite: &Suite) -> Report {
    let mut checker = Checker {
        suite,
        report: Report::default(),
    };
    checker.settings();
    checker.prepare();
    let Some(clean) = checker.works().await else {
        checker.documented();
        return checker.report;
    };
    checker.commit_first().await;
    checker.crash(&clean).await;
    checker.cancel_and_stop(&clean).await;
    checker.cut(&clean).await;
    checker.silence(&clean).await;
    checker.late(&clean).await;
    checker.parts().await;
    checker.idle().await;
    checker.endless(&clean).await;
    checker.documented();
    checker.report
}

/// What the sample job takes on a well device.
struct Clean {
    polls: usize,
    sent: usize,
    heard: usize,
    durable: usize,
}

/// One fresh world with its journal.
struct Stage {
    world: World,
    troubles: Troubles,
    hosts: Vec<Arc<TestHost>>,
}

struct Checker<'a> {
    suite: &'a Suite,
    report: Report,
}

impl Checker<'_> {
    fn broke(&mut self, promise: Promise, when: &str, what: impl Into<String>) {
        self.report.violations.push(Violation {
            promise,
            when: when.to_owned(),
            what: what.into(),
        });
    }

    fn stage(&self, trouble: Trouble) -> Stage {
        Stage {
            world: (self.suite.world)(),
            troubles: Troubles::with(trouble),
            hosts: self
                .suite
                .seats
                .iter()
                .map(|_| Arc::new(TestHost::new()))
                .collect(),
        }
    }

    fn open(&mut self, stage: &Stage) -> Option<Process> {
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
    fn count(&self, stage: &Stage) -> Vec<usize> {
        let effects = stage.world.device.effects();
        let seats = self.suite.seats.iter();
        seats
            .map(|seat| {
                effects
                    .iter()
                    .filter(|effect| (seat.belongs)(effect))
                    .count()
            })
            .collect()
    }

    /// Unknown keys are refused, and every page says something.
    fn settings(&mut self) {
        let stage = self.stage(Trouble::None);
        let mut seats = Vec::new();
        for seat in &self.suite.seats {
            seats.push(super::suite::Seat {
                settings: Settings::from_toml("no_setting_has_this_name = 1"),
                job: seat.job.clone(),
                asked: seat.asked,
                belongs: seat.belongs.clone(),
            });
        }
        let suite = self.suite;
        let opened = Process::start(
            suite.kind,
            &suite.link,
            &seats,
            &stage.world,
            &stage.troubles,
        );
        if opened.is_ok() {
            self.broke(
                Promise::Documented,
                "a setting that nobody knows",
                "it was taken",
            );
        }
        if stage.troubles.dials() > 0 {
            self.broke(Promise::PrepareIsPure, "opening", "a wire was touched");
        }
        for page in self.suite.kind.faults() {
            if page.sentence().is_empty() || page.explanation().is_empty() {
                let what = "a sentence for the desk, an empty line, an explanation: one lacks";
                self.broke(Promise::Documented, page.code, what);
            }
        }
    }

    fn prepare(&mut self) {
        let stage = self.stage(Trouble::None);
        let Some(process) = self.open(&stage) else {
            return;
        };
        let device = &process.devices[0].device;
        let suite = self.suite;
        for (why, job) in &suite.bad {
            match catch_unwind(AssertUnwindSafe(|| device.prepare(job))) {
                Ok(Err(fault)) if fault.kind() == FaultKind::Permanent => suite.seen.fault(&fault),
                Ok(Err(fault)) => {
                    let what = format!("rejected as {:?} and not for good", fault.kind());
                    self.broke(Promise::PrepareRejects, why, what);
                }
                Ok(Ok(_)) => {
                    let what = format!("the job ({}) was taken", named(job));
                    self.broke(Promise::PrepareRejects, why, what);
                }
                Err(panic) => self.broke(Promise::NeverPanics, why, words_of(&*panic)),
            }
        }
        let job = &suite.seats[0].job;
        let twice = [device.prepare(job), device.prepare(job)].map(|plan| plan.is_ok());
        if twice[0] != twice[1] {
            self.broke(Promise::PrepareIsPure, "twice", "two different answers");
        }
        let touched = stage.troubles.dials() > 0
            || !stage.world.device.effects().is_empty()
            || !stage.hosts[0].recorded().commits.is_empty();
        if touched {
            self.broke(Promise::PrepareIsPure, "preparing", "it touched something");
        }
    }

    async fn works(&mut self) -> Option<Clean> {
        let stage = self.stage(Trouble::None);
        let (polls, claims) = self.attempt(&stage, Event::None, "a well device").await?;
        let counts = self.count(&stage);
        let mut works = true;
        for ((claim, count), seat) in claims.iter().zip(&counts).zip(&self.suite.seats) {
            if *count != seat.asked || !claim.effects.contains(&seat.asked) {
                works = false;
                let what = format!(
                    "asked {}, there are {count}; concluded {}",
                    seat.asked, claim.words
                );
                self.report.violations.push(Violation {
                    promise: Promise::Works,
                    when: "a well device".to_owned(),
                    what,
                });
            }
        }
        let durable = stage
            .hosts
            .iter()
            .map(|host| {
                let recorded = host.recorded();
                recorded.commits.len() + recorded.checkpoints.len()
            })
            .max()
            .unwrap_or(0);
        works.then(|| Clean {
            polls,
            sent: stage.troubles.sent(),
            heard: stage.troubles.heard(),
            durable,
        })
    }

    async fn commit_first(&mut self) {
        let stage = self.stage(Trouble::None);
        for host in &stage.hosts {
            let why = Fault::transient("NOT-STARTED").with("why", "cancelled");
            host.refuse_commit(why);
        }
        let when = "the commit is refused";
        let Some((_, claims)) = self.attempt(&stage, Event::None, when).await else {
            return;
        };
        for (count, claim) in self.count(&stage).into_iter().zip(claims) {
            if count > 0 || claim.effects != (0..=0) {
                let what = format!("there are {count} effects; concluded {}", claim.words);
                self.broke(Promise::CommitFirst, when, what);
            }
        }
    }

    async fn crash(&mut self, clean: &Clean) {
        for step in spread(clean.polls, self.suite.steps_max) {
            let when = format!("dropped at step {step} of {}", clean.polls);
            let stage = self.stage(Trouble::None);
            self.truth(&stage, Event::Crash(step), Promise::CrashIsTold, &when)
                .await;
        }
        for nth in 1..=clean.durable {
            for written in [false, true] {
                let when = format!("the power fails in commit or checkpoint {nth} ({written})");
                let stage = self.stage(Trouble::None);
                for host in &stage.hosts {
                    host.hang_at(nth, written);
                }
                self.truth(&stage, Event::None, Promise::CrashIsTold, &when)
                    .await;
            }
        }
    }

    async fn cancel_and_stop(&mut self, clean: &Clean) {
        for step in spread(clean.polls, self.suite.steps_max) {
            let when = format!("before step {step} of {}", clean.polls);
            let stage = self.stage(Trouble::None);
            self.truth(&stage, Event::Cancel(step), Promise::CancelIsTold, &when)
                .await;
            let stage = self.stage(Trouble::None);
            self.truth(&stage, Event::Stop(step), Promise::StopIsTold, &when)
                .await;
        }
    }

    async fn cut(&mut self, clean: &Clean) {
        let out = spread(clean.sent, self.suite.steps_max);
        let back = spread(clean.heard, self.suite.steps_max);
        let cuts = out
            .iter()
            .flat_map(|at| [Trouble::CutOut(*at), Trouble::Unplugged(*at)])
            .chain(back.iter().map(|at| Trouble::CutIn(*at)));
        for trouble in cuts.collect::<Vec<_>>() {
            self.trouble(trouble, Promise::CutIsTold).await;
        }
    }

    async fn silence(&mut self, clean: &Clean) {
        let out = spread(clean.sent, self.suite.steps_max);
        let back = spread(clean.heard, self.suite.steps_max);
        let silences = out
            .iter()
            .map(|at| Trouble::DeafOut(*at))
            .chain(back.iter().map(|at| Trouble::MuteIn(*at)));
        for trouble in silences.collect::<Vec<_>>() {
            self.trouble(trouble, Promise::SilenceIsTold).await;
        }
    }

    async fn late(&mut self, clean: &Clean) {
        let steps = (self.suite.steps_max / self.suite.lateness.len().max(1)).max(2);
        for at in spread(clean.heard, steps) {
            for late in self.suite.lateness.clone() {
                self.trouble(Trouble::LateIn(at, late), Promise::LateIsNotNext)
                    .await;
            }
        }
    }

    async fn trouble(&mut self, trouble: Trouble, promise: Promise) {
        let when = format!("{trouble:?}");
        let stage = self.stage(trouble);
        self.truth(&stage, Event::None, promise, &when).await;
    }

    async fn parts(&mut self) {
        let suite = self.suite;
        for (name, switch) in &suite.scenarios {
            let stage = self.stage(Trouble::None);
            if let Err(what) = switch(&*stage.world.device) {
                self.broke(Promise::Works, name, format!("the virtual device: {what}"));
                continue;
            }
            self.truth(&stage, Event::None, Promise::PartIsTold, name)
                .await;
        }
    }

    async fn idle(&mut self) {
        for polls in 0..IDLE_POLLS {
            let when = format!("idle dropped after {polls} polls");
            let stage = self.stage(Trouble::None);
            let Some(mut process) = self.open(&stage) else {
                return;
            };
            let mut ended_early = true;
            for opened in &mut process.devices {
                let idle = opened.device.idle(&opened.watch);
                match dropped_after(polls, idle, IDLE_MAX).await {
                    Bounded::Done(ended) => ended_early &= ended,
                    Bounded::Overdue => {}
                    Bounded::Panicked(what) => self.broke(Promise::NeverPanics, &when, what),
                }
            }
            if !stage.world.device.effects().is_empty() {
                self.broke(Promise::CommitFirst, &when, "idle had an effect");
            }
            let claims = self
                .attempt_in(&mut process, &stage, Event::None, &when)
                .await;
            sleep(self.suite.settle).await;
            let counts = self.count(&stage);
            let (_, claims) = claims;
            for (number, (claim, count)) in claims.iter().zip(counts).enumerate() {
                let asked = self.suite.seats[number].asked;
                if count != asked || !claim.effects.contains(&asked) {
                    let what = format!(
                        "then the job was asked {asked} and made {count}; concluded {}",
                        claim.words
                    );
                    self.broke(Promise::IdleMayBeDropped, &when, what);
                }
            }
            if ended_early && polls > 0 {
                return;
            }
        }
    }

    async fn endless(&mut self, clean: &Clean) {
        for at in spread(clean.heard, 8) {
            let trouble = Trouble::Babbling(at);
            let when = format!("{trouble:?}");
            let stage = self.stage(trouble);
            self.truth(&stage, Event::None, Promise::InputIsBounded, &when)
                .await;
            let read = stage.troubles.babbled();
            if read >= BABBLE_MAX {
                let what = format!("{read} bytes of it were read");
                self.broke(Promise::InputIsBounded, &when, what);
            }
        }
    }

    fn documented(&mut self) {
        let pages = Catalogue::new(self.suite.kind.faults().iter().copied());
        for what in self.suite.seen.undocumented(&pages) {
            self.broke(Promise::Documented, "a code", what);
        }
    }

    /// One attempt in a fresh process, and what each device claims in the end.
    async fn attempt(
        &mut self,
        stage: &Stage,
        event: Event,
        when: &str,
    ) -> Option<(usize, Vec<Claim>)> {
        let mut process = self.open(stage)?;
        let ended = self.attempt_in(&mut process, stage, event, when).await;
        drop(process);
        sleep(self.suite.settle).await;
        Some(ended)
    }

    async fn attempt_in(
        &mut self,
        process: &mut Process,
        stage: &Stage,
        event: Event,
        when: &str,
    ) -> (usize, Vec<Claim>) {
        self.report.runs += 1;
        let suite = self.suite;
        let (ended, polls) = process
            .attempts(&suite.seats, &stage.hosts, event, &suite.seen)
            .await;
        let crashed = ended.iter().any(|end| matches!(end, Ended::Gone));
        if crashed {
            // The device works on while nobody is there.
            sleep(suite.settle).await;
            match self.open(stage) {
                Some(anew) => *process = anew,
                None => return (polls, Vec::new()),
            }
        }
        let mut claims = Vec::new();
        for (number, end) in ended.into_iter().enumerate() {
            let claim = match end {
                Ended::Claims(claim) => claim,
                Ended::Panicked(what) => {
                    self.broke(Promise::NeverPanics, when, what);
                    Claim::unknown(suite.seats[number].asked, "panicked")
                }
                Ended::Doubt | Ended::Gone => self.reconcile(process, number, stage, when).await,
            };
            claims.push(claim);
        }
        (polls, claims)
    }

    async fn reconcile(
        &mut self,
        process: &mut Process,
        number: usize,
        stage: &Stage,
        when: &str,
    ) -> Claim {
        let suite = self.suite;
        let (seat, host) = (&suite.seats[number], &stage.hosts[number]);
        host.recover();
        let verdict = process
            .reconcile(number, seat, host, &stage.troubles, &suite.seen)
            .await;
        verdict.unwrap_or_else(|what| {
            self.broke(Promise::NeverPanics, when, what);
            Claim::unknown(seat.asked, "panicked")
        })
    }

    /// One attempt; then what exists must be what was claimed, and a job that claims to have done
    /// nothing can be done again without more than was asked.
    async fn truth(&mut self, stage: &Stage, event: Event, promise: Promise, when: &str) {
        let Some((_, claims)) = self.attempt(stage, event, when).await else {
            return;
        };
        let counts = self.count(stage);
        let mut all_nothing = !claims.is_empty();
        for (number, (claim, count)) in claims.iter().zip(&counts).enumerate() {
            all_nothing &= claim.effects == (0..=0);
            if !claim.effects.contains(count) {
                let what = format!(
                    "device {}: {count} exist; concluded {}",
                    number + 1,
                    claim.words
                );
                self.broke(promise, when, what);
                return;
            }
        }
        if !all_nothing || promise == Promise::PartIsTold {
            return;
        }
        stage.troubles.heal();
        for host in &stage.hosts {
            host.recover();
        }
        let again = format!("{when}, then run again");
        let Some((_, claims)) = self.attempt(stage, Event::None, &again).await else {
            return;
        };
        for (claim, count) in claims.iter().zip(self.count(stage)) {
            if !claim.effects.contains(&count) {
                let what = format!("{count} exist; concluded {}", claim.words);
                self.broke(promise, &again, what);
            }
        }
    }
}

/// At most `max` of the numbers from 0 to `total`, both ends among them.
fn spread(total: usize, max: usize) -> Vec<usize> {
    if total < max {
        return (0..=total).collect();
    }
    let mut all: Vec<usize> = (0..max).map(|nth| nth * total / (max - 1)).collect();
    all.dedup();
    all
}
