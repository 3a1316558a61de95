//! Drivers of the simulated machines, by the public contract only; and four that break it, for
//! the twins.

use std::time::Duration;

use bytes::BytesMut;
use driver_sdk::{
    Abilities, Attempt, Class, Device, Driver, DriverKind, Exchange, Fault, FaultPage, Grade,
    Harmless, Job, Link, Links, Proof, Resync, Run, Say, Settings, SettingsError, Verdict, Watch,
    Work,
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// How a driver behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Manner {
    /// As the contract wants it.
    Honest,
    /// Makes it again when the answer is missing.
    RepeatsInDoubt,
    /// Says that it is done when the answer is missing.
    Boasts,
    /// Says that nothing happened when the answer is missing.
    Denies,
    /// Calls its effect harmless, and makes it before the commit.
    ActsFirst,
}

struct SimKind {
    name: &'static str,
    class: Class,
    manner: Manner,
}

const fn honest(name: &'static str, class: Class) -> SimKind {
    SimKind {
        name,
        class,
        manner: Manner::Honest,
    }
}

const fn twin(name: &'static str, manner: Manner) -> SimKind {
    SimKind {
        name,
        class: Class::KeyCutter,
        manner,
    }
}

pub static KINDS: &[&dyn DriverKind] = &[
    &honest("sim-plain", Class::Printer),
    &honest("sim-printer", Class::Printer),
    &honest("sim-encoder", Class::KeyCutter),
    &honest("sim-forgetful", Class::KeyCutter),
    &honest("sim-fiscal", Class::FiscalMachine),
    &twin("sim-repeats", Manner::RepeatsInDoubt),
    &twin("sim-boasts", Manner::Boasts),
    &twin("sim-denies", Manner::Denies),
    &twin("sim-acts-first", Manner::ActsFirst),
];

static PAGES: &[FaultPage] = &[
    page("SIM-MADE", "made {n} of {n}."),
    page(
        "SIM-PART",
        "{n} of {of} were made, the rest was not. Send the rest again.",
    ),
    page(
        "SIM-PAPER",
        "No paper. Nothing was made. Load paper and send it again.",
    ),
    page(
        "SIM-REFUSED",
        "The device says no. Nothing was made. Send it again.",
    ),
    page("SIM-CHECK", "It may have been made. Look at the device."),
];

const fn page(code: &'static str, text: &'static str) -> FaultPage {
    FaultPage { code, text }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SimSettings {
    machine: usize,
}

impl DriverKind for SimKind {
    fn name(&self) -> &'static str {
        self.name
    }

    fn class(&self) -> Class {
        self.class
    }

    fn open(&self, settings: &Settings, links: &mut Links<'_>) -> Result<Device, SettingsError> {
        let SimSettings { machine } = settings.parse()?;
        let resync = match self.name {
            "sim-plain" => Resync::Silence(Duration::from_secs(1)),
            "sim-fiscal" => Resync::ById,
            _ => Resync::Reopen,
        };
        Ok(Device::new(SimDriver {
            link: links.stream(resync)?,
            machine,
            number: 0,
            manner: self.manner,
            plain: self.name == "sim-plain",
            fiscal: self.class == Class::FiscalMachine,
        }))
    }

    fn faults(&self) -> &'static [FaultPage] {
        // Once is enough: the catalogue is everybody's.
        if self.name == "sim-plain" { PAGES } else { &[] }
    }
}

struct SimDriver {
    link: Link,
    machine: usize,
    number: u64,
    manner: Manner,
    plain: bool,
    fiscal: bool,
}

struct SimPlan {
    id: Uuid,
    count: usize,
    repeat: bool,
}

#[derive(Serialize, Deserialize)]
struct Bookmark {
    baseline: usize,
    count: usize,
    repeat: bool,
    made: usize,
}

/// One line and its answer.
struct Question {
    line: String,
    number: u64,
}

/// The same, and it changes nothing in the world.
struct HarmlessQuestion(Question);

impl Exchange for Question {
    type Answer = Vec<String>;

    fn encode(&self, out: &mut BytesMut) {
        out.extend_from_slice(self.line.as_bytes());
    }

    fn decode(&mut self, input: &mut BytesMut) -> Result<Option<Vec<String>>, Fault> {
        while let Some(end) = input.iter().position(|byte| *byte == b'\n') {
            let line = input.split_to(end + 1);
            let text = String::from_utf8_lossy(&line);
            let mut words = text.split_whitespace().map(str::to_owned);
            if words.next().as_deref() == Some(self.number.to_string().as_str()) {
                return Ok(Some(words.collect()));
            }
        }
        Ok(None)
    }

    fn patience(&self) -> Duration {
        Duration::from_secs(2)
    }
}

impl Exchange for HarmlessQuestion {
    type Answer = Vec<String>;

    fn encode(&self, out: &mut BytesMut) {
        self.0.encode(out);
    }

    fn decode(&mut self, input: &mut BytesMut) -> Result<Option<Vec<String>>, Fault> {
        self.0.decode(input)
    }

    fn patience(&self) -> Duration {
        self.0.patience()
    }
}

impl Harmless for HarmlessQuestion {}

/// What the machine does to its driver.
async fn suffer(words: &[String]) {
    match words.first().map(String::as_str) {
        // As a panic, without the hook's noise.
        Some("PANIC") => std::panic::resume_unwind(Box::new("as ordered by the simulation")),
        Some("HANG") => std::future::pending().await,
        _ => {}
    }
}

impl SimDriver {
    fn question(&mut self, what: &str, rest: &str) -> Question {
        self.number += 1;
        let number = self.number;
        let machine = self.machine;
        Question {
            line: format!("{machine} {what} {number} {rest}\n"),
            number,
        }
    }

    async fn look(&mut self) -> Result<usize, Fault> {
        self.link.open().await?;
        let question = self.question("LOOK", "");
        let words = self.link.ask(HarmlessQuestion(question)).await?;
        suffer(&words).await;
        match words.as_slice() {
            [word, count] if word == "OK" => Ok(count.parse().unwrap_or_default()),
            [word, _] if word == "PAPER" => Err(Fault::operator("SIM-PAPER")),
            _ => Err(Fault::transient("LINK-GARBLED").with("address", self.link.address())),
        }
    }

    fn proof(&self, n: usize) -> Proof {
        let grade = if self.plain { Grade::Sent } else { Grade::Done };
        Proof::new(grade, Say::new("SIM-MADE").with("n", n))
    }

    fn part(n: usize, of: usize) -> Proof {
        let say = Say::new("SIM-PART").with("n", n).with("of", of);
        Proof::new(Grade::Done, say)
    }

    async fn make(&mut self, run: &Run, plan: &SimPlan, made: usize) -> Result<(), Fault> {
        let Some(leave) = run.committed() else {
            return Err(Fault::transient("NOT-STARTED"));
        };
        let rest = format!("{} {}", plan.id, plan.repeat);
        let question = self.question("MAKE", &rest);
        let answer = self.link.effect(leave, question).await;
        let partly = |fault: Fault| match made {
            0 => fault.without_effect(),
            _ => fault.with_effect(Self::part(made, plan.count)),
        };
        let words = match answer {
            Ok(words) => words,
            Err(fault) if fault.has_no_effect() => return Err(partly(fault)),
            Err(fault) => return Err(fault),
        };
        suffer(&words).await;
        match words.first().map(String::as_str) {
            Some("DONE") => Ok(()),
            _ => Err(partly(Fault::permanent("SIM-REFUSED"))),
        }
    }
}

impl Driver for SimDriver {
    type Plan = SimPlan;

    fn abilities(&self) -> Abilities {
        Abilities {
            reconcile: !self.plain,
            abort: true,
            harmless_repeat: false,
        }
    }

    fn prepare(&self, job: &Job) -> Result<SimPlan, Fault> {
        let count = match &job.work {
            Work::Print(print) => print.copies,
            Work::Key(key) => key.count,
            Work::Fiscal(_) => 1,
            Work::Local(_) => return Err(job.work.wrong()),
        };
        Ok(SimPlan {
            id: job.id.0,
            count: usize::try_from(count).unwrap_or_default(),
            repeat: job.repeat,
        })
    }

    async fn execute(&mut self, plan: SimPlan, run: &Run) -> Result<Proof, Fault> {
        let baseline = self.look().await?;
        if self.manner == Manner::ActsFirst {
            let question = self.question("MAKE", &format!("{} {}", plan.id, plan.repeat));
            self.link.ask(HarmlessQuestion(question)).await?;
        }
        let runs: u64 = run.shelf("runs").unwrap_or_default();
        run.put("runs", &(runs + 1));
        let mut bookmark = Bookmark {
            baseline,
            count: plan.count,
            repeat: plan.repeat,
            made: 0,
        };
        run.commit(&bookmark).await?;
        for made in 0..plan.count {
            if made > 0 {
                let part = Self::part(made, plan.count);
                if run.is_cancelled() || run.is_stopping() {
                    return Err(Fault::permanent("SIM-REFUSED").with_effect(part));
                }
                bookmark.made = made;
                if let Err(fault) = run.checkpoint(&bookmark).await {
                    return Err(fault.with_effect(part));
                }
            }
            match (self.make(run, &plan, made).await, self.manner) {
                (Ok(()), _) => {
                    let percent = 100 * (made + 1) / plan.count;
                    run.progress(u8::try_from(percent).unwrap_or(100));
                }
                (Err(fault), Manner::RepeatsInDoubt) if !fault.has_no_effect() => {
                    self.make(run, &plan, made).await?;
                }
                (Err(_), Manner::Boasts) => {}
                (Err(fault), Manner::Denies) => return Err(fault.without_effect()),
                (Err(fault), _) => return Err(fault),
            }
        }
        Ok(self.proof(plan.count))
    }

    async fn reconcile(&mut self, attempt: &Attempt, run: &Run) -> Result<Verdict, Fault> {
        let _ = run;
        let cannot = || Verdict::CannotTell {
            check: Say::new("SIM-CHECK"),
        };
        if self.plain {
            return Ok(cannot());
        }
        let bookmark: Bookmark = attempt.bookmark()?;
        let question = self.question("ASK", &format!("{} {}", attempt.id, bookmark.repeat));
        let words = self.link.ask(HarmlessQuestion(question)).await?;
        suffer(&words).await;
        let number = |text: &String| text.parse::<usize>().unwrap_or_default();
        let made = match words.as_slice() {
            [word, last] if word == "LAST" && self.fiscal => {
                number(last).saturating_sub(bookmark.baseline)
            }
            [word, count] if word == "HAS" => number(count),
            _ => return Ok(cannot()),
        };
        Ok(match made {
            0 => Verdict::DidNotHappen,
            n if n >= bookmark.count => Verdict::Happened(self.proof(bookmark.count)),
            n => Verdict::Partly(Self::part(n, bookmark.count)),
        })
    }

    async fn idle(&mut self, watch: &Watch) -> Result<(), Fault> {
        loop {
            tokio::time::sleep(Duration::from_secs(40)).await;
            self.look().await?;
            watch.health(driver_sdk::Health::Well);
            // It can be asked again: perhaps it tells more now.
            watch.news();
        }
    }
}
