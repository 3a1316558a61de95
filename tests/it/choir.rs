//! A small device with a conversation: singers of one choir, on one line, answers by number. Kind
//! `choir`; a command makes its singer sing once.
//!
//! `7 alto sing X` is a song for command X, answered `7 sung`; `8 alto ask X` is answered
//! `8 sung` or `8 silent`.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use driver_sdk::{
    Abilities, Attempt, Call, Calls, Class, Device, Document, Driver, DriverKind, Effect, Exchange,
    Fault, FaultPage, Grade, Harmless, Job, Link, Links, Port, Proof, Run, Say, Session, Settings,
    SettingsError, Shared, Verdict, VirtualDevice, Watch, Work,
};
use futures_util::future::BoxFuture;
use serde::Deserialize;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::sync::{broadcast, mpsc, watch};
use tokio::time::timeout;

/// A document that says so makes its driver panic between commit and song.
pub const PANICS: &[u8] = b"panic";

/// What can be seen of the choir.
#[derive(Debug, Clone, Default)]
pub struct Sight {
    /// Singer and command, in order.
    pub sung: Vec<(String, String)>,
    /// Who takes a breath that does not end.
    pub held: Option<String>,
    /// Songs asked for and not yet sung, by singer.
    pub waiting: BTreeMap<String, usize>,
    /// The most of them at once for one singer.
    pub most_waiting: usize,
}

/// The virtual choir.
#[derive(Debug, Default)]
pub struct Choir(watch::Sender<Sight>);

impl Choir {
    pub fn sees(&self) -> Sight {
        self.0.borrow().clone()
    }

    /// Waits until something can be seen.
    pub async fn until(&self, holds: impl FnMut(&Sight) -> bool) {
        let mut sight = self.0.subscribe();
        sight.wait_for(holds).await.expect("the choir stays");
    }

    /// Nobody else sings for this one: its songs wait.
    pub fn hold(&self, singer: Option<&str>) {
        self.0
            .send_modify(|sight| sight.held = singer.map(str::to_owned));
    }

    async fn answer(&self, line: &str) -> Option<String> {
        let mut words = line.split_whitespace();
        let (number, singer) = (words.next()?, words.next()?.to_owned());
        let (what, command) = (words.next()?, words.next()?.to_owned());
        let song = (singer.clone(), command);
        let sung = match what {
            "sing" => {
                self.0.send_modify(|sight| {
                    let waiting = sight.waiting.entry(singer.clone()).or_default();
                    *waiting += 1;
                    sight.most_waiting = sight.most_waiting.max(*waiting);
                });
                self.until(|sight| sight.held.as_deref() != Some(&singer))
                    .await;
                self.0.send_modify(|sight| {
                    *sight.waiting.entry(singer.clone()).or_default() -= 1;
                    sight.sung.push(song);
                });
                true
            }
            "ask" => self.sees().sung.contains(&song),
            _ => return None,
        };
        let word = if sung { "sung" } else { "silent" };
        Some(format!("\n{number} {word}\n"))
    }
}

impl VirtualDevice for Choir {
    fn serve(self: Arc<Self>, port: Box<dyn Port>) -> BoxFuture<'static, io::Result<()>> {
        Box::pin(async move {
            let (read, mut write) = tokio::io::split(port);
            let (said, mut answers) = mpsc::unbounded_channel::<String>();
            let writing = tokio::spawn(async move {
                while let Some(answer) = answers.recv().await {
                    if write.write_all(answer.as_bytes()).await.is_err() {
                        return;
                    }
                }
            });
            let mut lines = BufReader::new(read).lines();
            while let Some(line) = lines.next_line().await? {
                let (choir, said) = (self.clone(), said.clone());
                tokio::spawn(async move {
                    if let Some(answer) = choir.answer(&line).await {
                        // The line may be gone by now; the song is not.
                        let _ = said.send(answer);
                    }
                });
            }
            writing.abort();
            Ok(())
        })
    }

    fn switch(&self, name: &str, _: &str) -> Result<(), String> {
        Err(format!("no switch {name}"))
    }

    fn effects(&self) -> Vec<Effect> {
        let effect = |(singer, command): &(String, String)| Effect {
            kind: "song".to_owned(),
            content: command.clone(),
            facts: [("singer".to_owned(), singer.clone())].into(),
        };
        self.sees().sung.iter().map(effect).collect()
    }

    fn story(&self) -> broadcast::Receiver<String> {
        broadcast::channel(1).1
    }
}

/// The conversation.
struct Talk;

struct Order {
    singer: String,
    command: String,
    sing: bool,
}

impl Session for Talk {
    type Ask = Order;
    type Answer = bool;

    async fn hold(&self, line: &mut Link, calls: &mut Calls<Self>, _: &Watch) -> Result<(), Fault> {
        let mut waiting: BTreeMap<u64, Call<Self>> = BTreeMap::new();
        let mut next = 1;
        let mut input = Vec::new();
        calls.ready();
        loop {
            let call = tokio::select! {
                biased;
                call = calls.next() => call,
                heard = line.hear(Duration::from_secs(3600)) => {
                    input.extend_from_slice(&heard?);
                    take_answers(&mut input, &mut waiting);
                    continue;
                }
            };
            let Some(call) = call else {
                return Ok(());
            };
            let order = call.ask();
            if order.sing && call.committed().is_none() {
                call.refuse(Fault::permanent("CHOIR-SILENT").without_effect());
                continue;
            }
            let what = if order.sing { "sing" } else { "ask" };
            let said = format!("\n{next} {} {what} {}\n", order.singer, order.command);
            waiting.retain(|_, call| !call.abandoned());
            waiting.insert(next, call);
            next += 1;
            line.say(Said(said)).await?;
        }
    }
}

fn take_answers(input: &mut Vec<u8>, waiting: &mut BTreeMap<u64, Call<Talk>>) {
    while let Some(end) = input.iter().position(|byte| *byte == b'\n') {
        let line: Vec<u8> = input.drain(..=end).collect();
        let text = String::from_utf8_lossy(&line).into_owned();
        let Some((number, word)) = text.trim().split_once(' ') else {
            continue;
        };
        let call = number.parse().ok().and_then(|id| waiting.remove(&id));
        if let Some(call) = call {
            call.answer(word == "sung");
        }
    }
}

/// What the conversation says; each device vouched for its own part.
struct Said(String);

impl Exchange for Said {
    type Answer = ();
    fn encode(&self, out: &mut BytesMut) {
        out.extend_from_slice(self.0.as_bytes());
    }
    fn decode(&mut self, _: &mut BytesMut) -> Result<Option<()>, Fault> {
        Ok(None)
    }
}
impl Harmless for Said {}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    singer: String,
}

struct Kind;

/// The kind, for the config and the worker.
pub static KINDS: [&dyn DriverKind; 1] = [&Kind];

const PAGES: &[FaultPage] = &[
    FaultPage {
        code: "CHOIR-SUNG",
        text: "sung.\n\nThe choir says so.",
    },
    FaultPage {
        code: "CHOIR-SILENT",
        text: "The choir does not answer. Look at it.\n\nThe conversation stands.",
    },
];

impl DriverKind for Kind {
    fn name(&self) -> &'static str {
        "choir"
    }

    fn class(&self) -> Class {
        Class::Printer
    }

    fn open(&self, settings: &Settings, links: &mut Links<'_>) -> Result<Device, SettingsError> {
        let Config { singer } = settings.parse()?;
        let talk = links.session(&(), || Talk)?;
        Ok(Device::new(Singer { talk, singer }))
    }

    fn faults(&self) -> &'static [FaultPage] {
        PAGES
    }
}

struct Singer {
    talk: Shared<Talk>,
    singer: String,
}

impl Singer {
    fn order(&self, command: &str, sing: bool) -> Order {
        Order {
            singer: self.singer.clone(),
            command: command.to_owned(),
            sing,
        }
    }
}

fn sung() -> Proof {
    Proof::new(Grade::Done, Say::new("CHOIR-SUNG"))
}

async fn patiently<T>(answer: impl Future<Output = Result<T, Fault>>) -> Result<T, Fault> {
    match timeout(Duration::from_secs(20), answer).await {
        Ok(answer) => answer,
        Err(late) => Err(Fault::transient("CHOIR-SILENT").caused_by(late)),
    }
}

impl Driver for Singer {
    type Plan = (String, Document);

    fn abilities(&self) -> Abilities {
        Abilities {
            reconcile: true,
            ..Abilities::default()
        }
    }

    fn prepare(&self, job: &Job) -> Result<(String, Document), Fault> {
        match &job.work {
            Work::Print(print) => Ok((job.id.to_string(), print.document.clone())),
            Work::Key(_) | Work::Fiscal(_) | Work::Local(_) => Err(job.work.wrong()),
        }
    }

    async fn execute(&mut self, plan: (String, Document), run: &Run) -> Result<Proof, Fault> {
        let (command, document) = plan;
        let text = document.read().await?;
        let up = async {
            self.talk.up().await;
            Ok(())
        };
        patiently(up).await?;
        let leave = run.commit(&command).await?;
        assert!(text != PANICS, "the singer panics");
        let order = self.order(&command, true);
        if patiently(self.talk.effect(leave, order)).await? {
            Ok(sung())
        } else {
            Err(Fault::transient("CHOIR-SILENT"))
        }
    }

    async fn reconcile(&mut self, attempt: &Attempt, _: &Run) -> Result<Verdict, Fault> {
        let command: String = attempt.bookmark()?;
        let order = self.order(&command, false);
        Ok(if patiently(self.talk.ask(order)).await? {
            Verdict::Happened(sung())
        } else {
            Verdict::DidNotHappen
        })
    }
}
