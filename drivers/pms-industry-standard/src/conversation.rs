//! One command over the line: the pure order of [`crate::dialogue`], with a wire.

use std::time::Duration;

use bytes::{BufMut, BytesMut};
use driver_sdk::{Committed, Exchange, Fault, Harmless, Link};
use tokio::time::sleep;

use crate::answer::{self, Answer};
use crate::command::Command;
use crate::dialogue::{Dialogue, End, Event, Patience, Step};
use crate::frame::{self, Piece};

/// Rests before the second, third, … ENQ; the last one is kept.
const RESTS: [Duration; 4] = [
    Duration::from_millis(200),
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(2),
];

/// How this site's commands go over the line.
#[derive(Debug, Clone, Copy)]
pub struct Habits {
    /// How often things are tried.
    pub patience: Patience,
    /// How long ENQ may stay unanswered.
    pub enquiry_timeout: Duration,
    /// How long the result may take.
    pub answer_timeout: Duration,
    /// Answer results with ACK.
    pub acknowledge: bool,
}

/// A command that is about to be sent: the lock system has said that it is ready.
#[derive(Debug)]
pub struct Ready {
    dialogue: Dialogue,
}

/// ENQ until ACK. Nothing with an effect is sent.
///
/// # Errors
/// The line cannot be opened, or `KEY-NOT-READY`.
pub async fn enquire(link: &mut Link, habits: Habits, encoder: &str) -> Result<Ready, Fault> {
    let (mut dialogue, step) = Dialogue::begin(habits.patience);
    match enquire_until(&mut dialogue, step, link, habits).await? {
        Step::Send => Ok(Ready { dialogue }),
        Step::Enquire { .. } | Step::Listen | Step::End(_) => Err(not_ready(link, encoder)),
    }
}

/// Sends the message and waits for its result.
///
/// # Errors
/// With the proof "without effect" where it was refused or never sent; without one it is a doubt.
pub async fn command(
    ready: Ready,
    leave: Committed<'_>,
    link: &mut Link,
    habits: Habits,
    command: &Command,
    message: &[u8],
) -> Result<Answer, Fault> {
    let Ready { mut dialogue } = ready;
    loop {
        let transaction = Transaction::new(command, message, habits);
        let event = match link.effect(leave, transaction).await {
            Ok(Reply::Result(answer)) => {
                if habits.acknowledge {
                    // The result is read; a line that breaks now takes nothing of it back.
                    let _ = link.say(Acknowledge).await;
                }
                return Ok(answer);
            }
            Ok(Reply::Refused) => Event::Nak,
            Err(fault) => return Err(fault),
        };
        let step = dialogue.on(event);
        let step = enquire_until(&mut dialogue, step, link, habits).await;
        match step.map_err(Fault::without_effect)? {
            Step::Send => {}
            Step::End(End::NotAccepted | End::NotReady { .. }) => {
                return Err(Fault::permanent("KEY-NOT-ACCEPTED")
                    .with("encoder", command.encoder())
                    .without_effect());
            }
            Step::Enquire { .. } | Step::Listen | Step::End(End::NoAcceptance) => {
                return Err(Fault::transient("LINK-SILENT").with("address", link.address()));
            }
        }
    }
}

/// Sends a question that changes nothing and waits for its result: a card is read.
///
/// # Errors
/// As [`command`].
pub async fn question(
    link: &mut Link,
    habits: Habits,
    command: &Command,
    message: &[u8],
) -> Result<Answer, Fault> {
    let transaction = Transaction::new(command, message, habits);
    match link.ask(Read(transaction)).await? {
        Reply::Result(answer) => {
            if habits.acknowledge {
                let _ = link.say(Acknowledge).await;
            }
            Ok(answer)
        }
        Reply::Refused => {
            Err(Fault::permanent("KEY-NOT-ACCEPTED").with("encoder", command.encoder()))
        }
    }
}

fn not_ready(link: &Link, encoder: &str) -> Fault {
    Fault::transient("KEY-NOT-READY")
        .with("address", link.address())
        .with("encoder", encoder)
}

/// Carries ENQ steps out until the dialogue wants something else.
async fn enquire_until(
    dialogue: &mut Dialogue,
    mut step: Step,
    link: &mut Link,
    habits: Habits,
) -> Result<Step, Fault> {
    let mut rests = RESTS.into_iter();
    let mut rest = RESTS[0];
    while let Step::Enquire { again } = step {
        if again {
            rest = rests.next().unwrap_or(rest);
            sleep(rest).await;
        }
        let event = match link.ask(Enquiry(habits.enquiry_timeout)).await {
            Ok(true) => Event::Ack,
            Ok(false) => Event::Nak,
            Err(fault) if fault.code() == "LINK-SILENT" => Event::Silence,
            Err(fault) => return Err(fault),
        };
        step = dialogue.on(event);
    }
    Ok(step)
}

/// ENQ. The answer: ready, or not.
struct Enquiry(Duration);

impl Exchange for Enquiry {
    type Answer = bool;

    fn encode(&self, out: &mut BytesMut) {
        out.put_u8(frame::ENQ);
    }

    fn decode(&mut self, input: &mut BytesMut) -> Result<Option<bool>, Fault> {
        loop {
            match frame::take(input) {
                Ok(None) => return Ok(None),
                Ok(Some(Piece::Ack)) => return Ok(Some(true)),
                Ok(Some(Piece::Nak)) => return Ok(Some(false)),
                // A result that comes too late for its command is nobody's now.
                Ok(Some(Piece::Message(_))) | Err(_) => {
                    tracing::warn!("A message without a question dropped");
                }
            }
        }
    }

    fn patience(&self) -> Duration {
        self.0
    }
}

impl Harmless for Enquiry {}

/// ACK to a result.
struct Acknowledge;

impl Exchange for Acknowledge {
    type Answer = ();

    fn encode(&self, out: &mut BytesMut) {
        out.put_u8(frame::ACK);
    }

    fn decode(&mut self, _: &mut BytesMut) -> Result<Option<()>, Fault> {
        Ok(Some(()))
    }
}

impl Harmless for Acknowledge {}

/// A message, its ACK and its result. One exchange, because a lock system that is slow with its
/// ACK still sends a result worth having. A result before the ACK is not this message's: it comes
/// too late for the one before.
struct Transaction<'a> {
    command: &'a Command,
    message: &'a [u8],
    patience: Duration,
    accepted: bool,
}

enum Reply {
    Refused,
    Result(Answer),
}

impl<'a> Transaction<'a> {
    fn new(command: &'a Command, message: &'a [u8], habits: Habits) -> Self {
        Self {
            command,
            message,
            patience: habits.answer_timeout,
            accepted: false,
        }
    }
}

impl Exchange for Transaction<'_> {
    type Answer = Reply;

    fn encode(&self, out: &mut BytesMut) {
        out.put_slice(self.message);
    }

    fn decode(&mut self, input: &mut BytesMut) -> Result<Option<Reply>, Fault> {
        loop {
            match frame::take(input) {
                Ok(None) => return Ok(None),
                Ok(Some(Piece::Ack)) => self.accepted = true,
                // After an ACK a NAK says nothing of the message any more.
                Ok(Some(Piece::Nak)) if self.accepted => {
                    tracing::warn!("A NAK after the ACK dropped");
                }
                Ok(Some(Piece::Nak)) => return Ok(Some(Reply::Refused)),
                Ok(Some(Piece::Message(_))) if !self.accepted => {
                    tracing::warn!("A result before the ACK dropped");
                }
                Ok(Some(Piece::Message(fields))) => match answer::judge(self.command, &fields) {
                    Ok(answer) => return Ok(Some(Reply::Result(answer))),
                    Err(error) => tracing::warn!(%error, "An answer dropped"),
                },
                Err(error) => {
                    return Err(Fault::transient("KEY-GARBLED")
                        .with("encoder", self.command.encoder())
                        .caused_by(error));
                }
            }
        }
    }

    fn patience(&self) -> Duration {
        self.patience
    }
}

/// The same for LT, which reads a card and changes nothing.
struct Read<'a>(Transaction<'a>);

impl Exchange for Read<'_> {
    type Answer = Reply;

    fn encode(&self, out: &mut BytesMut) {
        self.0.encode(out);
    }

    fn decode(&mut self, input: &mut BytesMut) -> Result<Option<Reply>, Fault> {
        self.0.decode(input)
    }

    fn patience(&self) -> Duration {
        self.0.patience
    }
}

impl Harmless for Read<'_> {}
