//! A stamping machine on a line: each question and each answer is one text line.
//!
//! `S?` asks for the counter, `P` stamps once; both are answered `A<counter>`, and `N<counter>`
//! means that the ink is empty.

use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::BytesMut;
use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::sync::broadcast;

use crate::conformance::World;
use crate::*;

/// The guard that a twin lacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lacks {
    Nothing,
    /// It stamps once too often.
    Count,
    /// It answers differently when asked twice.
    Purity,
    /// It takes any job.
    Rejection,
    /// It stamps before the commit, through a question signed as harmless.
    Commit,
    /// It thinks that a crash means that nothing happened.
    Memory,
    /// It thinks that silence means that nothing happened.
    DoubtInSilence,
    /// It thinks that a lost line means that nothing happened.
    DoubtInCut,
    /// It waits for ever after a silence.
    Patience,
    /// It refuses everything after a silence.
    Recovery,
    /// It does not bring the line back into step.
    Resync,
    /// Cancelled, it says that nothing happened.
    TruthOnCancel,
    /// Stopped, it says that nothing happened.
    TruthOnStop,
    /// Out of ink, it says that nothing happened.
    TruthOnPart,
    /// Its idle takes something away and puts it back later.
    CleanIdle,
    /// It hears until a line ends, however long that takes.
    Bound,
    /// A code has no page.
    Page,
    /// A code is said without its argument.
    Argument,
    /// Any setting is taken.
    Settings,
    /// It panics when the ink is out.
    Calm,
}

pub(super) struct Stamper {
    state: Mutex<State>,
}

struct State {
    stamped: usize,
    ink: usize,
}

impl Stamper {
    pub fn world() -> World {
        World::of(Arc::new(Self {
            state: Mutex::new(State {
                stamped: 0,
                ink: 1000,
            }),
        }))
    }

    fn answer(&self, line: &str) -> Option<String> {
        let mut state = self.state.lock().expect("no panic under this lock");
        match line {
            "S?" => Some(format!("A{}\n", state.stamped)),
            "P" if state.ink == 0 => Some(format!("N{}\n", state.stamped)),
            "P" => {
                state.ink -= 1;
                state.stamped += 1;
                Some(format!("A{}\n", state.stamped))
            }
            _ => None,
        }
    }
}

impl VirtualDevice for Stamper {
    fn serve(self: Arc<Self>, port: Box<dyn Port>) -> BoxFuture<'static, io::Result<()>> {
        Box::pin(async move {
            let mut port = BufReader::new(port);
            let mut line = String::new();
            while port.read_line(&mut line).await? > 0 && line.ends_with('\n') {
                if let Some(answer) = self.answer(line.trim()) {
                    port.write_all(answer.as_bytes()).await?;
                }
                line.clear();
            }
            Ok(())
        })
    }

    fn switch(&self, name: &str, value: &str) -> Result<(), String> {
        let mut state = self.state.lock().expect("no panic under this lock");
        match (name, value.parse()) {
            ("ink", Ok(ink)) => {
                state.ink = ink;
                Ok(())
            }
            _ => Err("ink = how many stamps are left".to_owned()),
        }
    }

    fn effects(&self) -> Vec<Effect> {
        let state = self.state.lock().expect("no panic under this lock");
        let stamp = |_| Effect {
            kind: "stamp".to_owned(),
            content: String::new(),
            facts: [].into(),
        };
        (0..state.stamped).map(stamp).collect()
    }

    fn story(&self) -> broadcast::Receiver<String> {
        broadcast::channel(1).1
    }
}

/// A question and its answer: the counter, and whether it did what was asked.
struct Line(&'static str);

#[derive(Debug, Clone, Copy)]
struct Answer {
    counter: usize,
    refused: bool,
}

impl Exchange for Line {
    type Answer = Answer;
    fn encode(&self, out: &mut BytesMut) {
        out.extend_from_slice(self.0.as_bytes());
        out.extend_from_slice(b"\n");
    }
    fn decode(&mut self, input: &mut BytesMut) -> Result<Option<Answer>, Fault> {
        let garbled = || Fault::transient("LINK-GARBLED").with("address", "the stamper");
        let Some(end) = input.iter().position(|byte| *byte == b'\n') else {
            // No answer is so long.
            return if input.len() > 100 {
                Err(garbled())
            } else {
                Ok(None)
            };
        };
        let line = input.split_to(end + 1);
        let text = String::from_utf8_lossy(&line[..end]).into_owned();
        let (mark, counter) = text.split_at(text.len().min(1));
        let counter = counter.parse();
        match (mark, counter) {
            ("A" | "N", Ok(counter)) => Ok(Some(Answer {
                counter,
                refused: mark == "N",
            })),
            _ => Err(garbled()),
        }
    }
}

struct Ask(Line);
impl Exchange for Ask {
    type Answer = Answer;
    fn encode(&self, out: &mut BytesMut) {
        self.0.encode(out);
    }
    fn decode(&mut self, input: &mut BytesMut) -> Result<Option<Answer>, Fault> {
        self.0.decode(input)
    }
}
impl Harmless for Ask {}

#[derive(Serialize, Deserialize)]
struct Before {
    counter: usize,
    copies: usize,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    #[serde(default = "one")]
    copies: usize,
}

#[derive(Deserialize)]
struct AnyConfig {
    #[serde(default = "one")]
    copies: usize,
}

fn one() -> usize {
    1
}

/// The kind of driver, whole or with a guard removed.
pub(super) struct StamperKind(pub Lacks);

const PAGES: &[FaultPage] = &[
    FaultPage {
        code: "STAMPED",
        text: "stamped, {copies} copies.\n\nThe counter of the machine proves it.",
    },
    FaultPage {
        code: "STAMPED-PART",
        text: "{made} of {copies} stamped.\n\nThe counter of the machine proves it.",
    },
    FaultPage {
        code: "STAMP-INK",
        text: "The ink is empty. Nothing was stamped. Fill it.\n\nThe machine refuses.",
    },
    FaultPage {
        code: "STAMP-ENDED",
        text: "Ended before the first stamp. Nothing was stamped.\n\nCancelled or stopped.",
    },
    FaultPage {
        code: "STAMP-NOT",
        text: "The machine did not stamp. Nothing was stamped.\n\nIts counter stood still.",
    },
];

impl DriverKind for StamperKind {
    fn name(&self) -> &'static str {
        "stamper"
    }

    fn class(&self) -> Class {
        Class::Printer
    }

    fn open(&self, settings: &Settings, links: &mut Links<'_>) -> Result<Device, SettingsError> {
        let copies = if self.0 == Lacks::Settings {
            settings.parse::<AnyConfig>()?.copies
        } else {
            settings.parse::<Config>()?.copies
        };
        let resync = if self.0 == Lacks::Resync {
            Resync::ById
        } else {
            Resync::Reopen
        };
        Ok(Device::new(Driving {
            link: Some(links.stream(resync)?),
            copies,
            lacks: self.0,
            prepared: AtomicUsize::new(0),
            sulks: false,
        }))
    }

    fn faults(&self) -> &'static [FaultPage] {
        if self.0 == Lacks::Page {
            &PAGES[1..]
        } else {
            PAGES
        }
    }
}

struct Driving {
    link: Option<Link>,
    copies: usize,
    lacks: Lacks,
    prepared: AtomicUsize,
    sulks: bool,
}

impl Driving {
    fn link(&mut self) -> Result<&mut Link, Fault> {
        let lost = || Fault::transient("LINK-LOST").with("address", "the stamper");
        self.link.as_mut().ok_or_else(lost)
    }

    async fn counter(&mut self) -> Result<usize, Fault> {
        if self.lacks == Lacks::Bound {
            return self.counter_however_long().await;
        }
        let link = self.link()?;
        // A slow machine is asked once more.
        let first = link.ask(Ask(Line("S?"))).await;
        let answer = match first {
            Err(fault) if fault.code() == "LINK-SILENT" => link.ask(Ask(Line("S?"))).await?,
            first => first?,
        };
        Ok(answer.counter)
    }

    async fn counter_however_long(&mut self) -> Result<usize, Fault> {
        let link = self.link()?;
        link.say(Ask(Line("S?"))).await?;
        let mut all = BytesMut::new();
        loop {
            let heard = link.hear(Duration::from_secs(3)).await?;
            all.extend_from_slice(&heard);
            if heard.contains(&b'\n')
                && let Some(answer) = Line("S?").decode(&mut all)?
            {
                return Ok(answer.counter);
            }
        }
    }

    fn stamped(&self) -> Proof {
        let say = Say::new("STAMPED");
        Proof::new(
            Grade::Done,
            if self.lacks == Lacks::Argument {
                say
            } else {
                say.with("copies", self.copies)
            },
        )
    }

    fn part(&self, made: usize, fault: Fault) -> Fault {
        if made == 0 {
            return fault.without_effect();
        }
        let say = Say::new("STAMPED-PART").with("copies", self.copies);
        fault.with_effect(Proof::new(Grade::Done, say.with("made", made)))
    }

    async fn stamp(&mut self, leave: Committed<'_>) -> Result<Answer, Fault> {
        let lacks = self.lacks;
        let stamped = self.link()?.effect(leave, Line("P")).await;
        let silent = matches!(&stamped, Err(fault) if fault.code() == "LINK-SILENT");
        self.sulks = silent && lacks == Lacks::Recovery;
        if silent && lacks == Lacks::Patience {
            std::future::pending::<()>().await;
        }
        stamped.map_err(|fault| match (lacks, fault.code()) {
            (Lacks::DoubtInSilence, "LINK-SILENT") | (Lacks::DoubtInCut, "LINK-LOST") => {
                fault.without_effect()
            }
            // "Not sent" is proof for this stamp and not for the ones before it.
            _ if fault.has_no_effect() => Fault::transient("STAMP-ENDED"),
            _ => fault,
        })
    }
}

impl Driver for Driving {
    type Plan = ();

    fn abilities(&self) -> Abilities {
        Abilities {
            reconcile: true,
            ..Abilities::default()
        }
    }

    fn prepare(&self, job: &Job) -> Result<(), Fault> {
        let before = self.prepared.fetch_add(1, Ordering::Relaxed);
        match job.work {
            _ if self.lacks == Lacks::Rejection => Ok(()),
            Work::Local(LocalWork::Test) if self.lacks == Lacks::Purity && before % 2 == 1 => {
                Err(job.work.wrong())
            }
            Work::Local(LocalWork::Test) => Ok(()),
            Work::Local(LocalWork::Z) | Work::Print(_) | Work::Key(_) | Work::Fiscal(_) => {
                Err(job.work.wrong())
            }
        }
    }

    async fn execute(&mut self, (): (), run: &Run) -> Result<Proof, Fault> {
        if self.sulks {
            return Err(Fault::transient("STAMP-ENDED"));
        }
        let counter = self.counter().await?;
        if self.lacks == Lacks::Commit {
            self.link()?.ask(Ask(Line("P"))).await?;
        }
        let copies = self.copies;
        let leave = run.commit(&Before { counter, copies }).await?;
        let mut made = usize::from(self.lacks == Lacks::Commit);
        let wanted = copies + usize::from(self.lacks == Lacks::Count);
        while made < wanted {
            if run.is_cancelled() && self.lacks == Lacks::TruthOnCancel
                || run.is_stopping() && self.lacks == Lacks::TruthOnStop
            {
                return Err(Fault::transient("STAMP-ENDED").without_effect());
            }
            if run.is_cancelled() || run.is_stopping() {
                return Err(self.part(made, Fault::transient("STAMP-ENDED")));
            }
            if made > 0 {
                run.checkpoint(&Before { counter, copies }).await?;
            }
            let answer = self.stamp(leave).await?;
            if answer.refused {
                assert!(self.lacks != Lacks::Calm, "ink never runs out");
                let fault = Fault::operator("STAMP-INK");
                return Err(if self.lacks == Lacks::TruthOnPart {
                    fault.without_effect()
                } else {
                    self.part(made, fault)
                });
            }
            if answer.counter <= counter + made {
                return Err(self.part(made, Fault::transient("STAMP-NOT")));
            }
            made += 1;
            run.progress(50);
        }
        Ok(self.stamped())
    }

    async fn reconcile(&mut self, attempt: &Attempt, _: &Run) -> Result<Verdict, Fault> {
        if self.lacks == Lacks::Memory {
            return Ok(Verdict::DidNotHappen);
        }
        let before: Before = attempt.bookmark()?;
        let made = self.counter().await?.saturating_sub(before.counter);
        Ok(if made == 0 {
            Verdict::DidNotHappen
        } else if made < before.copies {
            let say = Say::new("STAMPED-PART").with("copies", before.copies);
            Verdict::Partly(Proof::new(Grade::Done, say.with("made", made)))
        } else {
            Verdict::Happened(self.stamped())
        })
    }

    async fn idle(&mut self, watch: &Watch) -> Result<(), Fault> {
        loop {
            if self.lacks == Lacks::CleanIdle {
                let mut link = self.link.take();
                if let Some(link) = link.as_mut() {
                    link.ask(Ask(Line("S?"))).await?;
                }
                self.link = link;
            } else {
                self.counter().await?;
            }
            watch.health(Health::Well);
            tokio::time::sleep(Duration::from_secs(30)).await;
        }
    }
}
