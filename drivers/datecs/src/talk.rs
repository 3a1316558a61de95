//! One question and its answer: sequence numbers, the same frame again after silence or NAK,
//! patience while the printer says that it works, stale answers dropped.

use std::time::Duration;

use bytes::BytesMut;
use driver_sdk::{Committed, Exchange, Fault, Harmless, Link, clock};

use crate::frame::{self, Answer, Dialect, Heard};
use crate::sale::Command;

/// Without a byte for this long the same frame goes out again (vendor manual: 500 ms).
const QUIET: Duration = Duration::from_millis(500);
/// So many NAKs are a wrong dialect or a broken cable.
const NAKS_MAX: u32 = 5;

/// The conversation with one printer.
#[derive(Debug)]
pub(crate) struct Talk {
    link: Link,
    dialect: Dialect,
    seq: u8,
    in_step: bool,
}

impl Talk {
    pub fn new(link: Link, dialect: Dialect) -> Self {
        Self {
            link,
            dialect,
            seq: fastrand::u8(frame::SEQ_FIRST..=frame::SEQ_LAST),
            in_step: false,
        }
    }

    pub fn dialect(&self) -> Dialect {
        self.dialect
    }

    /// The last number used, for the shelf.
    pub fn seq(&self) -> u8 {
        self.seq
    }

    /// Goes on from the number on the shelf.
    pub fn resume(&mut self, seq: u8) {
        if !self.in_step {
            self.seq = seq;
        }
    }

    /// Asks something harmless.
    pub async fn ask(&mut self, command: &Command) -> Result<Answer, Fault> {
        self.get_in_step().await?;
        self.exchange(None, command).await
    }

    /// Sends what changes the world.
    pub async fn act(&mut self, leave: Committed<'_>, command: &Command) -> Result<Answer, Fault> {
        self.get_in_step().await.map_err(Fault::never_sent)?;
        self.exchange(Some(leave), command).await
    }

    /// A printer repeats its last answer to a number it has just seen, and may remember one from a
    /// session we know nothing of. After two status questions in a row the second number is new to
    /// it for certain, so no later answer can be a stale one.
    async fn get_in_step(&mut self) -> Result<(), Fault> {
        self.link.open().await?;
        if !self.in_step {
            for _ in 0..2 {
                self.exchange(None, &Command::new(74, [])).await?;
            }
            self.in_step = true;
        }
        Ok(())
    }

    async fn exchange(
        &mut self,
        leave: Option<Committed<'_>>,
        command: &Command,
    ) -> Result<Answer, Fault> {
        self.seq = frame::next_seq(self.seq);
        let mut wire = self.wire(command);
        let limit = limit(command.number);
        let mut alive = clock::now();
        let mut naks = 0;
        let mut heard = self.send(leave, &wire).await;
        loop {
            heard = match heard {
                Ok(Heard::Answer(answer))
                    if answer.seq == self.seq && answer.command == command.number =>
                {
                    return Ok(answer);
                }
                // Our number collided with one of an earlier session: the printer repeated that
                // session's answer and executed nothing. A question may take another number.
                Ok(Heard::Answer(answer)) if answer.seq == self.seq && leave.is_none() => {
                    self.seq = frame::next_seq(self.seq);
                    wire = self.wire(command);
                    self.send(leave, &wire).await
                }
                // Another question's answer: old news.
                Ok(Heard::Answer(_)) => self.listen().await,
                Ok(Heard::Working) => {
                    alive = clock::now();
                    self.listen().await
                }
                Ok(Heard::Damaged) => {
                    naks += 1;
                    if naks > NAKS_MAX {
                        return Err(Fault::permanent("DATECS-NAK"));
                    }
                    self.send(leave, &wire).await
                }
                Err(fault) if fault.code() != "LINK-SILENT" => {
                    self.in_step = false;
                    return Err(fault);
                }
                Err(fault) if clock::now() - alive >= limit => {
                    self.in_step = false;
                    self.link.close().await;
                    return Err(fault);
                }
                Err(_) => self.send(leave, &wire).await,
            };
        }
    }

    fn wire(&self, command: &Command) -> Wire {
        Wire {
            dialect: self.dialect,
            bytes: frame::request(self.dialect, self.seq, command.number, &command.data),
        }
    }

    async fn send(&mut self, leave: Option<Committed<'_>>, wire: &Wire) -> Result<Heard, Fault> {
        match leave {
            Some(leave) => self.link.effect(leave, wire.clone()).await,
            None => self.link.ask(Question(wire.clone())).await,
        }
    }

    /// Waits for the next thing without sending.
    async fn listen(&mut self) -> Result<Heard, Fault> {
        let mut bytes = BytesMut::new();
        loop {
            let more = self.link.hear(QUIET).await?;
            if more.is_empty() {
                let address = self.link.address().to_owned();
                return Err(Fault::transient("LINK-SILENT").with("address", address));
            }
            bytes.extend_from_slice(&more);
            if let Some(heard) = frame::take(self.dialect, &mut bytes) {
                self.link.unhear(&bytes).await;
                return Ok(heard);
            }
        }
    }
}

/// How long the printer may work on a command without a sign of life.
fn limit(command: u8) -> Duration {
    Duration::from_secs(match command {
        69 => 90,
        56 => 30,
        _ => 10,
    })
}

#[derive(Debug, Clone)]
struct Wire {
    dialect: Dialect,
    bytes: Vec<u8>,
}

impl Exchange for Wire {
    type Answer = Heard;

    fn encode(&self, out: &mut BytesMut) {
        out.extend_from_slice(&self.bytes);
    }

    fn decode(&mut self, input: &mut BytesMut) -> Result<Option<Heard>, Fault> {
        Ok(frame::take(self.dialect, input))
    }

    fn patience(&self) -> Duration {
        QUIET
    }
}

/// A frame that only asks: made by [`Talk::ask`] alone, whose callers are the readings.
struct Question(Wire);

impl Exchange for Question {
    type Answer = Heard;

    fn encode(&self, out: &mut BytesMut) {
        self.0.encode(out);
    }

    fn decode(&mut self, input: &mut BytesMut) -> Result<Option<Heard>, Fault> {
        self.0.decode(input)
    }

    fn patience(&self) -> Duration {
        QUIET
    }
}

impl Harmless for Question {}
