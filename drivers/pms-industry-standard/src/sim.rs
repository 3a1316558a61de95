//! A virtual lock PC that speaks PMS Industry Standard, by its own parser.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use driver_sdk::{Effect, Port, Simulator, Switch, VirtualDevice};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::broadcast;
use tokio::time::{sleep, timeout};

use driver_keys::ledger::Issue;
use driver_keys::lock_system::{CardWanted, LockSystem, NoCard, SWITCHES, Trouble};

/// `nightporter simulate pms-industry-standard`.
#[derive(Debug, Clone, Copy)]
pub struct PmsIndustryStandardSimulator;

impl Simulator for PmsIndustryStandardSimulator {
    fn summary(&self) -> &'static str {
        "a lock PC with key encoders that speaks PMS Industry Standard (SALTO, Onity)"
    }

    fn switches(&self) -> &'static [Switch] {
        &SWITCHES
    }

    fn build(
        &self,
        _folder: PathBuf,
        switches: &[(String, String)],
    ) -> Result<Arc<dyn VirtualDevice>, String> {
        Ok(Arc::new(VirtualLockPc(LockSystem::with(switches)?)))
    }
}

/// The lock PC.
#[derive(Debug, Default)]
pub struct VirtualLockPc(LockSystem);

impl VirtualLockPc {
    /// What it knows and has made.
    #[must_use]
    pub fn system(&self) -> &LockSystem {
        &self.0
    }
}

impl VirtualDevice for VirtualLockPc {
    fn serve(
        self: Arc<Self>,
        port: Box<dyn Port>,
    ) -> futures_util::future::BoxFuture<'static, io::Result<()>> {
        Box::pin(async move {
            let ended = Client {
                lock: &self.0,
                port,
            }
            .serve()
            .await;
            match ended {
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(()),
                ended => ended,
            }
        })
    }

    fn switch(&self, name: &str, value: &str) -> Result<(), String> {
        self.0.switch(name, value)
    }

    fn effects(&self) -> Vec<Effect> {
        self.0.effects()
    }

    fn story(&self) -> broadcast::Receiver<String> {
        self.0.story()
    }
}

/// The link was cut on purpose.
struct Cut;

struct Client<'a> {
    lock: &'a LockSystem,
    port: Box<dyn Port>,
}

impl Client<'_> {
    /// Reads bytes one by one, as a small machine would.
    async fn serve(mut self) -> io::Result<()> {
        loop {
            if self.port.read_u8().await? == 0x05 {
                let trouble = self.lock.trouble();
                if trouble == Trouble::Silent {
                    continue;
                }
                if trouble == Trouble::Busy {
                    self.lock.tell("ENQ: busy, NAK");
                    self.port.write_all(b"\x15").await?;
                    continue;
                }
                self.port.write_all(b"\x06").await?;
                if let Some(message) = self.message().await?
                    && self.obey(&message).await?.is_err()
                {
                    self.lock.tell("the link is cut");
                    return Ok(());
                }
            }
        }
    }

    /// One message within ten seconds: its fields, or nothing if it was damaged.
    async fn message(&mut self) -> io::Result<Option<Vec<String>>> {
        let read = timeout(Duration::from_secs(10), async {
            let mut sum = 0_u8;
            let mut body = Vec::new();
            loop {
                match self.port.read_u8().await? {
                    // The client asks again: it was silent, or a line noise ate the message.
                    0x05 if body.is_empty() => self.port.write_all(b"\x06").await?,
                    0x02 => {
                        body.clear();
                        body.push(0x02);
                        sum = 0;
                    }
                    _ if body.is_empty() => {}
                    0x03 => {
                        sum ^= 0x03;
                        let check = self.port.read_u8().await?;
                        return Ok::<_, io::Error>((check == 0x0D || check == sum).then_some(body));
                    }
                    byte => {
                        sum ^= byte;
                        body.push(byte);
                    }
                }
            }
        });
        let Ok(read) = read.await else {
            return Ok(None);
        };
        let Some(body) = read? else {
            self.lock.tell("a damaged message, NAK");
            self.port.write_all(b"\x15").await?;
            return Ok(None);
        };
        let text: String = body[1..].iter().map(|&byte| char::from(byte)).collect();
        let inner = text
            .trim_start_matches('³')
            .strip_suffix('³')
            .unwrap_or_default();
        Ok(Some(inner.split('³').map(str::to_owned).collect()))
    }

    async fn obey(&mut self, fields: &[String]) -> io::Result<Result<(), Cut>> {
        let field = |n: usize| fields.get(n).cloned().unwrap_or_default();
        let command = field(0);
        if command.starts_with("CN") || command.starts_with("CC") {
            return self.cut(&command, fields).await;
        }
        self.port.write_all(b"\x06").await?;
        let answer = match command.as_str() {
            "CO" => {
                self.lock.check_out(&field(2));
                vec!["CO".into(), field(1), field(2)]
            }
            "LT" => self.read_card(&field(1)),
            "EX" => {
                self.lock.tell(format!("encoder {} freed", field(1)));
                vec!["EX".into(), field(1)]
            }
            _ => vec!["ES".into(), field(1)],
        };
        self.answer(&answer, false).await?;
        Ok(Ok(()))
    }

    fn read_card(&self, encoder: &str) -> Vec<String> {
        let Some(card) = self.lock.on_encoder(encoder) else {
            return vec!["ED".into(), encoder.into()];
        };
        let mut answer = vec!["LT".to_owned(), encoder.to_owned()];
        answer.extend((0..4).map(|n| card.rooms.get(n).cloned().unwrap_or_default()));
        answer.push(if card.valid { "CI" } else { "CO" }.to_owned());
        answer.push("0".to_owned());
        answer.push(String::new());
        answer.push(card.validity.0);
        answer.push(card.validity.1);
        answer.push(String::new());
        answer.push(card.serial);
        answer
    }

    async fn cut(&mut self, command: &str, fields: &[String]) -> io::Result<Result<(), Cut>> {
        let field = |n: usize| fields.get(n).cloned().unwrap_or_default();
        let trouble = self.lock.trouble_of_next_card();
        if trouble == Trouble::Nak {
            self.lock.tell("the message is refused, NAK");
            self.port.write_all(b"\x15").await?;
            return Ok(Ok(()));
        }
        self.port.write_all(b"\x06").await?;
        let encoder = field(1);
        let known_length = [8, 10].contains(&field(10).len()) && field(9).len() == field(10).len();
        if fields.len() < 11 || !known_length {
            self.lock.tell("a message that is no request for a card");
            self.answer(&["ES".into(), encoder], false).await?;
            return Ok(Ok(()));
        }
        let wanted = CardWanted {
            encoder: encoder.clone(),
            rooms: (3..7).map(field).filter(|room| !room.is_empty()).collect(),
            issue: if command.starts_with("CN") {
                Issue::New
            } else {
                Issue::Copy
            },
            validity: (field(9), field(10)),
            stay: None,
        };
        if let Err(no) = self.lock.check(&wanted, trouble) {
            sleep(self.lock.card_time(trouble)).await;
            let code = match no {
                NoCard::UnknownEncoder => "NC",
                NoCard::UnknownRoom => "TD",
                NoCard::NothingToCopy => "EA",
                NoCard::NotPresented => "ED",
                NoCard::Occupied => "OV",
            };
            self.lock.tell(format!("refused: {code}"));
            self.answer(&[code.into(), encoder], false).await?;
            return Ok(Ok(()));
        }
        sleep(self.lock.card_time(trouble)).await;
        if trouble == Trouble::CutBefore {
            return Ok(Err(Cut));
        }
        if trouble == Trouble::Queued {
            self.lock.tell("said yes, and nobody presents a card");
            self.answer(&[command[..2].into(), encoder], false).await?;
            return Ok(Ok(()));
        }
        let card = self.lock.make(wanted, trouble);
        let mut answer = vec![command[..2].to_owned(), encoder];
        if field(15) == "2" || field(15) == "1" || fields.len() == 14 {
            answer.push(card.serial);
        }
        match trouble {
            Trouble::CutAfter => return Ok(Err(Cut)),
            Trouble::AnswerLost => self.lock.tell("the answer is lost"),
            Trouble::OtherEncoder => {
                answer[1] = "999".into();
                self.answer(&answer, false).await?;
            }
            Trouble::Late => {
                sleep(self.lock.late()).await;
                self.answer(&answer, false).await?;
            }
            Trouble::Endless => {
                self.port.write_all(b"\x02").await?;
                for _ in 0..4096 {
                    self.port.write_all(b"ABCDEFGH").await?;
                }
            }
            Trouble::TooLong => {
                answer.push("X".repeat(1500));
                self.answer(&answer, false).await?;
            }
            Trouble::WrongCheck => self.answer(&answer, true).await?,
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
            | Trouble::SameCard => self.answer(&answer, false).await?,
        }
        Ok(Ok(()))
    }

    async fn answer(&mut self, fields: &[String], damaged: bool) -> io::Result<()> {
        let mut message = vec![0x02, 0xB3];
        for field in fields {
            message.extend(
                field
                    .chars()
                    .map(|c| u8::try_from(u32::from(c)).unwrap_or(b'?')),
            );
            message.push(0xB3);
        }
        message.push(0x03);
        let sum = message[1..].iter().fold(0, |sum, byte| sum ^ byte);
        message.push(if damaged { sum ^ 0x40 } else { sum });
        self.port.write_all(&message).await
    }
}
