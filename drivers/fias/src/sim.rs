//! A virtual lock system that speaks FIAS, by its own parser.

use std::collections::HashMap;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use driver_sdk::{Effect, Port, Simulator, Switch, VirtualDevice};
use tokio::io::{AsyncReadExt, AsyncWriteExt, ReadHalf, WriteHalf};
use tokio::sync::{broadcast, mpsc};
use tokio::time::sleep;

use driver_keys::ledger::Issue;
use driver_keys::lock_system::{self, CardWanted, LockSystem, NoCard, Trouble};

/// `nightporter simulate fias`.
#[derive(Debug, Clone, Copy)]
pub struct FiasSimulator;

const SWITCHES: [Switch; lock_system::SWITCHES.len() + 3] = {
    let [fault, card_ms, late_ms, slow_ms, rooms, encoders, copies] = lock_system::SWITCHES;
    [
        fault,
        card_ms,
        late_ms,
        slow_ms,
        rooms,
        encoders,
        copies,
        Switch {
            name: "framing",
            help: "plain | checked: TCP, or serial with check bytes",
        },
        Switch {
            name: "fields",
            help: "what it asks for in KR, as two-letter ids, such as KCKTRNWSG#GAGDDTGNSI",
        },
        Switch {
            name: "link",
            help: "end | describe: it says LE, or describes itself anew",
        },
    ]
};

impl Simulator for FiasSimulator {
    fn summary(&self) -> &'static str {
        "a lock system with key encoders that speaks FIAS and listens"
    }

    fn switches(&self) -> &'static [Switch] {
        &SWITCHES
    }

    fn build(
        &self,
        _folder: PathBuf,
        switches: &[(String, String)],
    ) -> Result<Arc<dyn VirtualDevice>, String> {
        let device = VirtualFias::default();
        for (name, value) in switches {
            device.switch(name, value)?;
        }
        Ok(Arc::new(device))
    }
}

/// The lock system.
#[derive(Debug)]
pub struct VirtualFias {
    system: LockSystem,
    setup: Mutex<Setup>,
    orders: broadcast::Sender<Order>,
}

#[derive(Debug, Clone)]
struct Setup {
    checked: bool,
    fields: String,
}

#[derive(Debug, Clone, Copy)]
enum Order {
    End,
    Describe,
}

impl Default for VirtualFias {
    fn default() -> Self {
        let fields = "KCKTRNWSG#GAGDDTGNSIDATI".to_owned();
        Self {
            system: LockSystem::default(),
            setup: Mutex::new(Setup {
                checked: false,
                fields,
            }),
            orders: broadcast::Sender::new(8),
        }
    }
}

impl VirtualFias {
    /// What it knows and has made.
    #[must_use]
    pub fn system(&self) -> &LockSystem {
        &self.system
    }

    fn setup(&self) -> Setup {
        self.setup
            .lock()
            .expect("no code panics while it holds this lock")
            .clone()
    }
}

impl VirtualDevice for VirtualFias {
    fn serve(
        self: Arc<Self>,
        port: Box<dyn Port>,
    ) -> futures_util::future::BoxFuture<'static, io::Result<()>> {
        Box::pin(async move {
            match serve(self, port).await {
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(()),
                ended => ended,
            }
        })
    }

    fn switch(&self, name: &str, value: &str) -> Result<(), String> {
        let mut setup = self
            .setup
            .lock()
            .expect("no code panics while it holds this lock");
        match (name, value) {
            ("framing", "plain") => setup.checked = false,
            ("framing", "checked") => setup.checked = true,
            ("framing", _) => return Err("framing is plain or checked".to_owned()),
            ("fields", fields) if fields.is_ascii() && fields.len() % 2 == 0 => {
                fields.clone_into(&mut setup.fields);
            }
            ("fields", _) => return Err("fields is a row of two-letter ids".to_owned()),
            // Nobody may be connected.
            ("link", "end") => drop(self.orders.send(Order::End)),
            ("link", "describe") => drop(self.orders.send(Order::Describe)),
            ("link", _) => return Err("link is end or describe".to_owned()),
            _ => return self.system.switch(name, value),
        }
        Ok(())
    }

    fn effects(&self) -> Vec<Effect> {
        self.system.effects()
    }

    fn story(&self) -> broadcast::Receiver<String> {
        self.system.story()
    }
}

/// What a key task wants done on the line.
enum Out {
    Send(String),
    Damaged(String),
    Raw(Vec<u8>),
    Cut,
}

async fn serve(device: Arc<VirtualFias>, port: Box<dyn Port>) -> io::Result<()> {
    let checked = device.setup().checked;
    let (read, write) = tokio::io::split(port);
    let (records, mut inbox) = mpsc::channel(64);
    let (out, mut outbox) = mpsc::channel(64);
    let reader = tokio::spawn(read_records(read, records, checked));
    let mut orders = device.orders.subscribe();
    let mut line = Line {
        device: &device,
        write,
        checked,
        last: Vec::new(),
        out,
        naks: 0,
    };
    let ended = loop {
        tokio::select! {
            heard = inbox.recv() => match heard {
                Some(heard) => if !line.hear(heard).await? { break Ok(()) },
                None => break Ok(()),
            },
            wanted = outbox.recv() => match wanted {
                Some(Out::Send(record)) => line.send(&record, false).await?,
                Some(Out::Damaged(record)) => line.send(&record, true).await?,
                Some(Out::Raw(bytes)) => line.write.write_all(&bytes).await?,
                Some(Out::Cut) | None => {
                    device.system.tell("the link is cut");
                    break Ok(());
                }
            },
            order = orders.recv() => match order {
                Ok(Order::End) => line.send("LE|DA260330|TI235959|", false).await?,
                Ok(Order::Describe) => line.describe().await?,
                Err(_) => {}
            },
        }
    };
    reader.abort();
    ended
}

enum Heard {
    Record(String),
    Damaged,
    Link(u8),
}

/// Reads bytes one by one, as a small machine would.
async fn read_records(
    mut read: ReadHalf<Box<dyn Port>>,
    records: mpsc::Sender<Heard>,
    checked: bool,
) -> io::Result<()> {
    loop {
        let heard = match read.read_u8().await? {
            0x02 => {
                let mut text = String::new();
                let mut sum = 0_u8;
                loop {
                    let byte = read.read_u8().await?;
                    sum ^= byte;
                    if byte == 0x03 {
                        break;
                    }
                    text.push(char::from(byte));
                }
                if checked && read.read_u8().await? != sum {
                    Heard::Damaged
                } else {
                    Heard::Record(text)
                }
            }
            byte @ (0x05 | 0x06 | 0x15) if checked => Heard::Link(byte),
            _ => continue,
        };
        if records.send(heard).await.is_err() {
            return Ok(());
        }
    }
}

struct Line<'a> {
    device: &'a Arc<VirtualFias>,
    write: WriteHalf<Box<dyn Port>>,
    checked: bool,
    last: Vec<u8>,
    out: mpsc::Sender<Out>,
    naks: u32,
}

impl Line<'_> {
    async fn send(&mut self, record: &str, damaged: bool) -> io::Result<()> {
        let mut frame = vec![0x02];
        frame.extend(
            record
                .chars()
                .map(|c| u8::try_from(u32::from(c)).unwrap_or(b'?')),
        );
        frame.push(0x03);
        if self.checked {
            frame.push(frame[1..].iter().fold(0, |sum, byte| sum ^ byte));
        }
        self.last.clone_from(&frame);
        if damaged && self.checked {
            *frame.last_mut().expect("it has a check byte") ^= 0x40;
        }
        if damaged && !self.checked {
            // Without check bytes damage means that the end is missing.
            frame.pop();
        }
        self.write.write_all(&frame).await
    }

    async fn describe(&mut self) -> io::Result<()> {
        let fields = self.device.setup().fields;
        for record in [
            "LD|DA260328|TI150001|V#1.0|IFDL|".to_owned(),
            format!("LR|RIKR|FL{fields}|"),
            "LR|RIKA|FLASCTKCWSG#DATI|".to_owned(),
            "LR|RIKD|FLKCRNWSG#DATI|".to_owned(),
            "LR|RIKZ|FLKCWSDATI|".to_owned(),
            "LA|DA260328|TI150001|".to_owned(),
        ] {
            self.send(&record, false).await?;
        }
        Ok(())
    }

    /// False: the conversation is over.
    async fn hear(&mut self, heard: Heard) -> io::Result<bool> {
        let record = match heard {
            Heard::Link(0x15) => {
                let last = self.last.clone();
                self.write.write_all(&last).await?;
                return Ok(true);
            }
            Heard::Link(_) => return Ok(true),
            Heard::Damaged => {
                self.write.write_all(b"\x15").await?;
                return Ok(true);
            }
            Heard::Record(record) => record,
        };
        if self.device.system.trouble() == Trouble::Silent {
            return Ok(true);
        }
        let refuse = record.starts_with("KR") && self.checked && self.refuses();
        if self.checked {
            self.write
                .write_all(if refuse { b"\x15" } else { b"\x06" })
                .await?;
        }
        if refuse {
            return Ok(true);
        }
        let fields = fields(&record);
        let field = |id: &str| fields.get(id).cloned().unwrap_or_default();
        match record.get(..2) {
            Some("LS") => self.describe().await?,
            Some("LE") => return Ok(false),
            Some("KR") => self.key(&record, &fields),
            Some("KD") => {
                self.device.system.check_out(&field("RN"));
                let answer = format!(
                    "KA|ASOK|KC{}|WS{}|G#{}|",
                    field("KC"),
                    field("WS"),
                    field("G#")
                );
                self.send(&answer, false).await?;
            }
            Some("KZ") => {
                let answer = match self.device.system.on_encoder(&field("KC")) {
                    Some(card) => format!(
                        "KZ|ASOK|KC{}|WS{}|RN{}|G#{}|",
                        field("KC"),
                        field("WS"),
                        card.rooms.join(";"),
                        card.stay.unwrap_or_default()
                    ),
                    None => format!("KA|ASNG|CTNo card|KC{}|WS{}|", field("KC"), field("WS")),
                };
                self.send(&answer, false).await?;
            }
            Some(_) | None => {}
        }
        Ok(true)
    }

    /// A request that is refused as damaged: four times, so that it is given up.
    fn refuses(&mut self) -> bool {
        if self.naks == 0 && self.device.system.trouble() == Trouble::Nak {
            self.naks = 4;
            // It counts as a card that was asked for.
            let _ = self.device.system.trouble_of_next_card();
        }
        let refuse = self.naks > 0;
        self.naks = self.naks.saturating_sub(1);
        refuse
    }

    /// Each encoder works by itself.
    fn key(&mut self, record: &str, fields: &HashMap<String, String>) {
        let device = self.device.clone();
        let out = self.out.clone();
        let fields = fields.clone();
        let trouble = device.system.trouble_of_next_card();
        device.system.tell(format!(
            "asked for a key of {} fields",
            record.matches('|').count()
        ));
        tokio::spawn(async move {
            let field = |id: &str| fields.get(id).cloned().unwrap_or_default();
            let further = field("SI");
            let mut rooms = vec![field("RN")];
            rooms.extend(
                further
                    .split(';')
                    .filter(|room| !room.is_empty())
                    .map(str::to_owned),
            );
            let wanted = CardWanted {
                encoder: field("KC"),
                rooms,
                issue: if field("KT") == "N" {
                    Issue::New
                } else {
                    Issue::Copy
                },
                validity: (field("GA"), format!("{} {}", field("GD"), field("DT"))),
                stay: fields.get("G#").cloned(),
            };
            let encoder = wanted.encoder.clone();
            let answer = |status: &str, encoder: &str| {
                format!(
                    "KA|AS{status}|KC{encoder}|WS{}|G#{}|DA260328|TI150507|",
                    field("WS"),
                    field("G#")
                )
            };
            let checked = device.system.check(&wanted, trouble);
            if trouble == Trouble::Busy || checked == Err(NoCard::Occupied) {
                let _ = out
                    .send(Out::Send(answer("BY|CTEncoder busy", &encoder)))
                    .await;
                return;
            }
            sleep(device.system.card_time(trouble)).await;
            if let Err(no) = checked {
                let status = match no {
                    NoCard::UnknownEncoder => "NR|CTUnknown encoder",
                    NoCard::UnknownRoom => "UR|CTUnknown room",
                    NoCard::NothingToCopy => "DN|CTNobody is checked in",
                    NoCard::NotPresented => "NR|CTNo card presented",
                    NoCard::Occupied => "BY|CTEncoder busy",
                };
                let _ = out.send(Out::Send(answer(status, &encoder))).await;
                return;
            }
            if trouble == Trouble::CutBefore {
                let _ = out.send(Out::Cut).await;
                return;
            }
            if trouble == Trouble::Queued {
                device.system.tell("said OK, and nobody presents a card");
                let _ = out.send(Out::Send(answer("OK", &encoder))).await;
                return;
            }
            device.system.make(wanted, trouble);
            let ok = answer("OK", &encoder);
            let wanted = match trouble {
                Trouble::CutAfter => Out::Cut,
                Trouble::AnswerLost => {
                    device.system.tell("the answer is lost");
                    return;
                }
                Trouble::OtherEncoder => Out::Send(answer("OK", "99")),
                Trouble::Late => {
                    sleep(device.system.late()).await;
                    Out::Send(ok)
                }
                Trouble::Endless => Out::Raw([&b"\x02"[..], &b"ABCDEFGH".repeat(4096)].concat()),
                Trouble::TooLong => Out::Send(format!("{ok}CT{}|", "X".repeat(2500))),
                Trouble::WrongCheck => Out::Damaged(ok),
                Trouble::None
                | Trouble::Busy
                | Trouble::Occupied
                | Trouble::Silent
                | Trouble::Nak
                | Trouble::RoomUnknown
                | Trouble::NoCard
                | Trouble::Queued
                | Trouble::CutBefore
                | Trouble::Slow
                | Trouble::SameCard => Out::Send(ok),
            };
            // The line may be gone by now; the card is not.
            let _ = out.send(wanted).await;
        });
    }
}

fn fields(record: &str) -> HashMap<String, String> {
    let parts = record.split('|').skip(1);
    parts
        .filter_map(|part| {
            let mut chars = part.chars();
            let id: String = chars.by_ref().take(2).collect();
            (id.len() == 2).then(|| (id, chars.collect()))
        })
        .collect()
}
