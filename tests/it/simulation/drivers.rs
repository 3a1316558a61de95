//! Drivers of the simulated machines, by the public contract only; and four that break it, for
//! the twins.

use std::collections::BTreeMap;
use std::sync::LazyLock;
use std::time::Duration;

use bytes::BytesMut;
use driver_sdk::{
    Abilities, Attempt, Call, Calls, Class, Committed, Device, Driver, DriverKind, Exchange, Fault,
    FaultPage, Grade, Harmless, Job, Link, Links, Proof, Resync, Run, Say, Session, Settings,
    SettingsError, Shared, Verdict, Watch, Work,
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

/// These and the shipped ones.
pub static KINDS: LazyLock<&'static [&'static dyn DriverKind]> =
    LazyLock::new(|| Vec::leak([OWN, driver_bundle::KINDS].concat()));

static OWN: &[&dyn DriverKind] = &[
    &honest("sim-plain", Class::Printer),
    &honest("sim-printer", Class::Printer),
    &honest("sim-encoder", Class::KeyCutter),
    &honest("sim-forgetful", Class::KeyCutter),
    &honest("sim-fiscal", Class::FiscalMachine),
    &honest("sim-session", Class::KeyCutter),
    &SimKind {
        name: "sim-prints-twice",
        class: Class::Printer,
        manner: Manner::RepeatsInDoubt,
    },
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
        let way = if self.name == "sim-session" {
            Way::Session(links.session(&0_u8, || Conversation)?)
        } else {
            Way::Stream(links.stream(resync)?)
        };
        Ok(Device::new(SimDriver {
            way,
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

/// A wire of turns, or a conversation.
enum Way {
    Stream(Link),
    Session(Shared<Conversation>),
}

impl Way {
    async fn open(&mut self) -> Result<(), Fault> {
        match self {
            Self::Stream(link) => link.open().await,
            Self::Session(_) => Ok(()),
        }
    }

    async fn ask(&mut self, question: Question) -> Result<Vec<String>, Fault> {
        match self {
            Self::Stream(link) => link.ask(HarmlessQuestion(question)).await,
            Self::Session(shared) => in_time(shared.ask(question)).await,
        }
    }

    async fn effect(
        &mut self,
        leave: Committed<'_>,
        question: Question,
    ) -> Result<Vec<String>, Fault> {
        match self {
            Self::Stream(link) => link.effect(leave, question).await,
            Self::Session(shared) => in_time(shared.effect(leave, question)).await,
        }
    }
}

async fn in_time<T>(answer: impl Future<Output = Result<T, Fault>>) -> Result<T, Fault> {
    match tokio::time::timeout(Duration::from_secs(2), answer).await {
        Ok(answer) => answer,
        Err(_) => Err(Fault::transient("LINK-SILENT").with("address", "the conversation")),
    }
}

/// The conversation of several encoders: who asked is found by the number of the question and of
/// the machine.
struct Conversation;

impl Session for Conversation {
    type Ask = Question;
    type Answer = Vec<String>;

    async fn hold(
        &self,
        line: &mut Link,
        calls: &mut Calls<Self>,
        watch: &Watch,
    ) -> Result<(), Fault> {
        let mut open: BTreeMap<u64, Call<Self>> = BTreeMap::new();
        let mut heard = BytesMut::new();
        calls.ready();
        watch.health(driver_sdk::Health::Well);
        loop {
            tokio::select! {
                biased;
                call = calls.next() => {
                    let Some(call) = call else { return Ok(()) };
                    let (text, number) = (call.ask().line.clone(), call.ask().number);
                    let mut sent = 0;
                    while sent < text.len() {
                        let rest = &text.as_bytes()[sent..];
                        match call.committed() {
                            Some(leave) => sent += line.act(leave, rest).await?,
                            None => {
                                line.say(HarmlessQuestion(Question {
                                    line: text.clone(),
                                    number,
                                }))
                                .await?;
                                sent = text.len();
                            }
                        }
                        if sent < text.len() {
                            heard.extend_from_slice(&line.hear(Duration::ZERO).await?);
                        }
                    }
                    open.insert(number, call);
                }
                more = line.hear(Duration::from_secs(30)) => heard.extend_from_slice(&more?),
            }
            while let Some(end) = heard.iter().position(|byte| *byte == b'\n') {
                let text = heard.split_to(end + 1);
                let text = String::from_utf8_lossy(&text);
                let mut words = text.split_whitespace().map(str::to_owned);
                let number = words.next().and_then(|number| number.parse().ok());
                if let Some(call) = number.and_then(|number: u64| open.remove(&number)) {
                    call.answer(words.collect());
                } else {
                    // Late evidence, perhaps.
                    watch.news();
                }
            }
            open.retain(|_, call| !call.abandoned());
        }
    }
}

struct SimDriver {
    way: Way,
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
        // One conversation, several machines: no two have the same numbers.
        let (number, machine) = (self.number * 100 + self.machine as u64, self.machine);
        Question {
            line: format!("{machine} {what} {number} {rest}\n"),
            number,
        }
    }

    async fn look(&mut self) -> Result<usize, Fault> {
        self.way.open().await?;
        let question = self.question("LOOK", "");
        let words = self.way.ask(question).await?;
        suffer(&words).await;
        match words.as_slice() {
            [word, count] if word == "OK" => Ok(count.parse().unwrap_or_default()),
            [word, _] if word == "PAPER" => Err(Fault::operator("SIM-PAPER")),
            _ => Err(Fault::transient("LINK-GARBLED").with("address", self.machine)),
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
        let answer = self.way.effect(leave, question).await;
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
            self.way.ask(question).await?;
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
        let words = self.way.ask(question).await?;
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
