//! Lamps on one conversation: several devices, one line, answers by id.
//!
//! `7 A on` lights lamp A for call 7; `7 A ?` asks how often it was lit. Both are answered
//! `7 <count>`.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::BoxFuture;
use serde::Deserialize;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::sync::broadcast;
use tokio::time::timeout;

use crate::conformance::World;
use crate::*;

#[derive(Default)]
pub(super) struct Lamps(Mutex<Vec<String>>);

impl Lamps {
    pub fn world() -> World {
        World::of(Arc::new(Self::default()))
    }

    fn answer(&self, line: &str) -> Option<String> {
        let mut words = line.split_whitespace();
        let (id, lamp, what) = (words.next()?, words.next()?, words.next()?);
        let mut lit = self.0.lock().expect("no panic under this lock");
        match what {
            "on" => lit.push(lamp.to_owned()),
            "?" => {}
            _ => return None,
        }
        let count = lit.iter().filter(|one| *one == lamp).count();
        Some(format!("\n{id} {count}\n"))
    }
}

impl VirtualDevice for Lamps {
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

    fn switch(&self, name: &str, _: &str) -> Result<(), String> {
        Err(format!("no switch {name}"))
    }

    fn effects(&self) -> Vec<Effect> {
        let lit = self.0.lock().expect("no panic under this lock");
        let effect = |lamp: &String| Effect {
            kind: "light".to_owned(),
            content: lamp.clone(),
            facts: [].into(),
        };
        lit.iter().map(effect).collect()
    }

    fn story(&self) -> broadcast::Receiver<String> {
        broadcast::channel(1).1
    }
}

/// The conversation. Without its ids it gives an answer to whoever asked first.
struct Wire {
    by_id: bool,
}

struct Order {
    lamp: String,
    on: bool,
}

impl Session for Wire {
    type Ask = Order;
    type Answer = usize;

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
                    if input.len() > 1000 {
                        return Err(Fault::transient("LINK-GARBLED").with("address", "lamps"));
                    }
                    self.take_answers(&mut input, &mut waiting);
                    continue;
                }
            };
            let Some(call) = call else {
                return Ok(());
            };
            let order = call.ask();
            let what = if order.on { "on" } else { "?" };
            // What an earlier line lost of itself ends before this one.
            let text = format!("\n{next} {} {what}\n", order.lamp);
            if order.on && call.committed().is_none() {
                call.refuse(Fault::permanent("LAMP-REFUSED").without_effect());
                continue;
            }
            // Given up calls make room for others.
            waiting.retain(|_, call| !self.by_id || !call.abandoned());
            waiting.insert(next, call);
            next += 1;
            line.say(Said(text)).await?;
        }
    }
}

impl Wire {
    fn take_answers(&self, input: &mut Vec<u8>, waiting: &mut BTreeMap<u64, Call<Self>>) {
        while let Some(end) = input.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = input.drain(..=end).collect();
            let text = String::from_utf8_lossy(&line).into_owned();
            let mut words = text.split_whitespace();
            let id = words.next().and_then(|word| word.parse().ok());
            let count = words.next().and_then(|word| word.parse().ok());
            let (Some(id), Some(count)) = (id, count) else {
                continue;
            };
            let call = if self.by_id {
                waiting.remove(&id)
            } else {
                waiting.retain(|_, call| !call.abandoned());
                waiting.pop_first().map(|(_, call)| call)
            };
            if let Some(call) = call {
                call.answer(count);
            }
        }
    }
}

/// What the conversation says; each device vouched for its own part.
struct Said(String);
impl Exchange for Said {
    type Answer = ();
    fn encode(&self, out: &mut bytes::BytesMut) {
        out.extend_from_slice(self.0.as_bytes());
    }
    fn decode(&mut self, _: &mut bytes::BytesMut) -> Result<Option<()>, Fault> {
        Ok(None)
    }
}
impl Harmless for Said {}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    #[serde(default = "first_lamp")]
    lamp: String,
}

fn first_lamp() -> String {
    "A".to_owned()
}

pub(super) struct LampKind {
    pub by_id: bool,
}

const PAGES: &[FaultPage] = &[
    FaultPage {
        code: "LAMP-LIT",
        text: "lit.\n\nThe lamp counted it.",
    },
    FaultPage {
        code: "LAMP-SILENT",
        text: "The lamp did not answer. Look at it.\n\nThe conversation stands.",
    },
    FaultPage {
        code: "LAMP-REFUSED",
        text: "The lamp was not lit.\n\nAn order without a commit.",
    },
];

impl DriverKind for LampKind {
    fn name(&self) -> &'static str {
        "lamp"
    }

    fn class(&self) -> Class {
        Class::KeyCutter
    }

    fn open(&self, settings: &Settings, links: &mut Links<'_>) -> Result<Device, SettingsError> {
        let config: Config = settings.parse()?;
        let by_id = self.by_id;
        let wire = links.session(&(), || Wire { by_id })?;
        Ok(Device::new(Lamp {
            wire,
            name: config.lamp,
        }))
    }

    fn faults(&self) -> &'static [FaultPage] {
        PAGES
    }
}

struct Lamp {
    wire: Shared<Wire>,
    name: String,
}

impl Lamp {
    async fn is_up(&self) -> Result<(), Fault> {
        let up = async {
            self.wire.up().await;
            Ok(())
        };
        patiently(up).await
    }

    async fn count(&self) -> Result<usize, Fault> {
        let order = Order {
            lamp: self.name.clone(),
            on: false,
        };
        patiently(self.wire.ask(order)).await
    }
}

async fn patiently<T>(answer: impl Future<Output = Result<T, Fault>>) -> Result<T, Fault> {
    match timeout(Duration::from_secs(3), answer).await {
        Ok(answer) => answer,
        Err(late) => Err(Fault::transient("LAMP-SILENT").caused_by(late)),
    }
}

impl Driver for Lamp {
    type Plan = ();

    fn abilities(&self) -> Abilities {
        Abilities {
            reconcile: true,
            ..Abilities::default()
        }
    }

    fn prepare(&self, job: &Job) -> Result<(), Fault> {
        match job.work {
            Work::Local(LocalWork::Test) => Ok(()),
            Work::Local(LocalWork::Z) | Work::Print(_) | Work::Key(_) | Work::Fiscal(_) => {
                Err(job.work.wrong())
            }
        }
    }

    async fn execute(&mut self, (): (), run: &Run) -> Result<Proof, Fault> {
        self.is_up().await?;
        let before = self.count().await?;
        let leave = run.commit(&before).await?;
        let order = Order {
            lamp: self.name.clone(),
            on: true,
        };
        let after = patiently(self.wire.effect(leave, order)).await?;
        if after == before {
            return Err(Fault::permanent("LAMP-REFUSED").without_effect());
        }
        Ok(Proof::new(Grade::Done, Say::new("LAMP-LIT")))
    }

    async fn reconcile(&mut self, attempt: &Attempt, _: &Run) -> Result<Verdict, Fault> {
        let before: usize = attempt.bookmark()?;
        self.is_up().await?;
        Ok(if self.count().await? > before {
            Verdict::Happened(Proof::new(Grade::Done, Say::new("LAMP-LIT")))
        } else {
            Verdict::DidNotHappen
        })
    }
}
