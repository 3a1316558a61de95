//! The promises, one function each.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use tokio::sync::Mutex;
use tokio::time::sleep;

use super::checker::Checker;
use super::faulty::{Trouble, resident};
use super::process::{Bounded, Event, Process, dropped_after, named, words_of};
use super::suite::{Promise, Report, Suite, Violation};
use crate::fault::{Catalogue, Fault, FaultKind};
use crate::settings::Settings;

/// How long `idle` is watched.
const IDLE_MAX: Duration = Duration::from_secs(120);
const IDLE_POLLS: usize = 30;
/// More memory than this for endless talk is a driver without a bound, in bytes.
const MEMORY_MAX: usize = 16 << 20;
static MEASURES: Mutex<()> = Mutex::const_new(());

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

impl Checker<'_> {
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
                    Bounded::NoPower | Bounded::Overdue => {}
                    Bounded::Panicked(what) => self.broke(Promise::NeverPanics, &when, what),
                }
            }
            if !stage.world.device.effects().is_empty() {
                self.broke(Promise::CommitFirst, &when, "idle had an effect");
            }
            let jobs = self.jobs(&stage);
            let claims = self
                .attempt_in(&mut process, &jobs, &stage, Event::None, &when)
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
        // The memory of one process is measured: one at a time.
        let _alone = MEASURES.lock().await;
        for at in spread(clean.heard, 4) {
            let trouble = Trouble::Babbling(at);
            let when = format!("{trouble:?}");
            let stage = self.stage(trouble);
            let before = resident();
            self.truth(&stage, Event::None, Promise::InputIsBounded, &when)
                .await;
            let kept = stage.troubles.memory().saturating_sub(before);
            if kept > MEMORY_MAX {
                let heard = stage.troubles.babbled();
                let what = format!("{heard} bytes of it were heard and {kept} kept");
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
