//! Records over the line: plain over TCP, with check byte and link answers on a serial line.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::{BufMut, BytesMut};
use driver_sdk::{Committed, Exchange, Fault, Harmless, Link, clock};
use tokio::time::Instant;

use crate::frame::{self, Framing, Piece};
use crate::record::Record;

/// A link answer comes within this time.
const LINK_ANSWER: Duration = Duration::from_secs(3);
/// ENQs after silence.
const ENQUIRIES_MAX: u32 = 3;
/// Sendings of one record, each after a NAK to the one before.
const SENDINGS_MAX: u32 = 4;

/// Both directions of one line.
pub struct Wire<'a> {
    line: &'a mut Link,
    framing: Framing,
    input: BytesMut,
    inbox: VecDeque<Record>,
    last_answer: u8,
    heard: Instant,
}

impl std::fmt::Debug for Wire<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Wire")
            .field("framing", &self.framing)
            .finish_non_exhaustive()
    }
}

impl<'a> Wire<'a> {
    /// A freshly opened line.
    pub fn new(line: &'a mut Link, framing: Framing) -> Self {
        Self {
            line,
            framing,
            input: BytesMut::new(),
            inbox: VecDeque::new(),
            last_answer: frame::NAK,
            heard: clock::now(),
        }
    }

    /// When the peer was heard last.
    #[must_use]
    pub fn heard(&self) -> Instant {
        self.heard
    }

    /// Listens; true if something came. Cancel-safe.
    ///
    /// # Errors
    /// The line broke.
    pub async fn listen(&mut self, within: Duration) -> Result<bool, Fault> {
        let heard = self.line.hear(within).await?;
        if heard.is_empty() {
            return Ok(false);
        }
        self.heard = clock::now();
        self.input.extend_from_slice(&heard);
        Ok(true)
    }

    /// The next record of what was heard, with its link answer; `None` when there is none yet.
    ///
    /// # Errors
    /// The line broke.
    pub async fn next(&mut self) -> Result<Option<Record>, Fault> {
        loop {
            if let Some(record) = self.inbox.pop_front() {
                return Ok(Some(record));
            }
            match frame::take(&mut self.input, self.framing) {
                Some(piece) => self.take(piece).await?,
                None => return Ok(None),
            }
        }
    }

    /// Sends a record that changes nothing. On a serial line a record that the peer does not take
    /// after all tries is dropped, as the protocol says.
    ///
    /// # Errors
    /// The line broke.
    pub async fn say(&mut self, record: &Record) -> Result<(), Fault> {
        let Ok(bytes) = record.to_bytes() else {
            return Ok(());
        };
        let frame = frame::encode(&bytes, self.framing);
        self.line.say(Bytes(&frame)).await?;
        if self.framing == Framing::Checked {
            match self.delivered(&frame, None).await? {
                Delivery::Taken => {}
                Delivery::Refused | Delivery::Unknown => {
                    tracing::warn!(record = %record.id, "A record was not taken");
                }
            }
        }
        Ok(())
    }

    /// Sends a record that acts.
    ///
    /// # Errors
    /// With the proof "without effect" where no byte went out or every sending was refused;
    /// without it, the peer may have it.
    pub async fn act(&mut self, leave: Committed<'_>, bytes: &[u8]) -> Result<(), Fault> {
        let frame = frame::encode(bytes, self.framing);
        self.put(leave, &frame).await?;
        if self.framing == Framing::Plain {
            return Ok(());
        }
        match self.delivered(&frame, Some(leave)).await? {
            Delivery::Taken => Ok(()),
            Delivery::Refused => Err(Fault::permanent("FIAS-NOT-TAKEN").without_effect()),
            Delivery::Unknown => {
                Err(Fault::transient("LINK-SILENT").with("address", self.line.address()))
            }
        }
    }

    async fn put(&mut self, leave: Committed<'_>, frame: &[u8]) -> Result<(), Fault> {
        let mut sent = 0;
        while sent < frame.len() {
            let took = self
                .line
                .act(leave, &frame[sent..])
                .await
                .map_err(|fault| {
                    // The proof is of this part only.
                    if sent == 0 {
                        fault
                    } else {
                        Fault::transient("LINK-LOST").caused_by(fault)
                    }
                })?;
            sent += took;
            if sent < frame.len() && !self.listen(Duration::ZERO).await? && took == 0 {
                let fault = Fault::transient("LINK-SILENT").with("address", self.line.address());
                return Err(if sent == 0 { fault.never_sent() } else { fault });
            }
        }
        Ok(())
    }

    /// Waits for the link answer to a frame.
    async fn delivered(
        &mut self,
        frame: &[u8],
        leave: Option<Committed<'_>>,
    ) -> Result<Delivery, Fault> {
        let (mut sendings, mut enquiries) = (1, 0);
        let mut until = clock::now() + LINK_ANSWER;
        loop {
            match frame::take(&mut self.input, self.framing) {
                Some(Piece::Ack) => return Ok(Delivery::Taken),
                Some(Piece::Nak) if sendings >= SENDINGS_MAX => return Ok(Delivery::Refused),
                Some(Piece::Nak) => {
                    sendings += 1;
                    match leave {
                        Some(leave) => self.put(leave, frame).await?,
                        None => self.line.say(Bytes(frame)).await?,
                    }
                    until = clock::now() + LINK_ANSWER;
                }
                Some(piece) => self.take(piece).await?,
                None => {
                    let now = clock::now();
                    if now < until {
                        self.listen(until - now).await?;
                    } else if enquiries < ENQUIRIES_MAX {
                        enquiries += 1;
                        self.line.say(Bytes(&[frame::ENQ])).await?;
                        until = clock::now() + LINK_ANSWER;
                    } else {
                        return Ok(Delivery::Unknown);
                    }
                }
            }
        }
    }

    async fn take(&mut self, piece: Piece) -> Result<(), Fault> {
        match piece {
            Piece::Record(bytes) => {
                self.link_answer(frame::ACK).await?;
                match Record::parse(&bytes) {
                    Ok(record) => self.inbox.push_back(record),
                    Err(error) => tracing::warn!(%error, "A record dropped"),
                }
            }
            Piece::Damaged => {
                tracing::warn!("A damaged record asked for again");
                self.link_answer(frame::NAK).await?;
            }
            Piece::TooLong => tracing::warn!("A record without end dropped"),
            Piece::Enq => self.link_answer(self.last_answer).await?,
            Piece::Ack | Piece::Nak => {}
        }
        Ok(())
    }

    async fn link_answer(&mut self, answer: u8) -> Result<(), Fault> {
        if self.framing == Framing::Checked {
            self.last_answer = answer;
            self.line.say(Bytes(&[answer])).await?;
        }
        Ok(())
    }
}

enum Delivery {
    Taken,
    Refused,
    Unknown,
}

/// Records of the link itself, link answers: nothing that acts.
struct Bytes<'a>(&'a [u8]);

impl Exchange for Bytes<'_> {
    type Answer = ();

    fn encode(&self, out: &mut BytesMut) {
        out.put_slice(self.0);
    }

    fn decode(&mut self, _: &mut BytesMut) -> Result<Option<()>, Fault> {
        Ok(Some(()))
    }
}

impl Harmless for Bytes<'_> {}
