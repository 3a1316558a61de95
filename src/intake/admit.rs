//! One command, read from Mews, becomes a row; or it is not ours, or it is known.

use std::time::Duration;

use driver_sdk::{Class, Document, LocalWork, Personal, Say, Work};
use jiff::Timestamp;
use serde::Serialize;
use uuid::Uuid;

use crate::hotel::{Hotel, Member};
use crate::journal::{Accepted, JournalError, NewCommand, PmsState, Row};
use crate::life::{Outcome, Said};
use crate::mews::translate::{self, Payload, Untranslatable};
use crate::mews::wire::{Command, State};
use crate::report::{Interim, expired};

/// What became of a command that was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admitted {
    /// A new row.
    New,
    /// Known already, or cancelled, or over: nothing new to do.
    Nothing,
    /// No device of this PC: left alone.
    NotOurs,
    /// Whether a lost journal may have begun it is not known before the cloud's time is: Mews is
    /// asked again.
    NotYet,
}

/// How many commands become rows together, at most: the first of them waits for the last one's
/// payload.
const TOGETHER: usize = 16;

/// A command that can become a row.
struct Ready<'a> {
    member: &'a Member,
    /// In Mews.
    device: Uuid,
    new: NewCommand,
    sent: Duration,
}

/// What is known of a command before it is a row.
enum Looked<'a> {
    Over(Admitted),
    New(Box<Ready<'a>>),
}

/// Takes commands in, in this order, or notes what their states tell about those that are known.
/// Each comes with the time at which the request was sent that was answered with it; what became
/// of each goes to `told`. An error is the journal's: that command was not accepted, and Mews will
/// list it again.
pub async fn admit(
    hotel: &Hotel,
    interim: &Interim,
    commands: Vec<(Command, Duration)>,
    mut told: impl FnMut(Uuid, Result<Admitted, JournalError>),
) {
    let mut ready: Vec<Ready<'_>> = Vec::new();
    for (command, sent) in commands {
        let (device, name) = (command.device.id, &command.device.name);
        let Some(member) = hotel.member_of(device, name) else {
            told(device, Ok(Admitted::NotOurs));
            continue;
        };
        if ready.len() == TOGETHER {
            accept(hotel, interim, std::mem::take(&mut ready), &mut told).await;
        }
        match look(hotel, member, &command, sent).await {
            Ok(Looked::New(new)) => ready.push(*new),
            Ok(Looked::Over(admitted)) => told(device, Ok(admitted)),
            Err(error) => told(device, Err(error)),
        }
    }
    accept(hotel, interim, ready, &mut told).await;
}

/// What a command is to us. Of a new one the payload is kept then, and nothing else.
async fn look<'a>(
    hotel: &'a Hotel,
    member: &'a Member,
    command: &Command,
    sent: Duration,
) -> Result<Looked<'a>, JournalError> {
    let id = command.id;
    let known = if command.state.is_final() {
        // No mere look: the row may be among what is just being written.
        hotel.journal.row(id).await?
    } else {
        hotel.journal.look(move |core| core.row(id)).await?
    };
    let admitted = match (&command.state, known) {
        // The socket was quicker than this answer.
        (State::Pending | State::Received, None) if hotel.end_heard(id).is_some() => {
            Admitted::Nothing
        }
        (State::Pending | State::Received, None) => {
            return ready(hotel, member, command, sent).await;
        }
        (State::Pending | State::Received | State::Processing, Some(_)) => {
            hotel.saw_open(id, sent);
            Admitted::Nothing
        }
        (State::Processing, None) => {
            super::lost::show_begun(hotel, member, command);
            Admitted::Nothing
        }
        (state, Some(row)) if state.is_final() => {
            over(hotel, member, &row, state).await?;
            Admitted::Nothing
        }
        (_, Some(_) | None) => Admitted::Nothing,
    };
    Ok(Looked::Over(admitted))
}

/// Mews has a final state for a command we know: a cancel before commit wins, anything else is a
/// foreign hand and means that nothing runs.
pub(super) async fn over(
    hotel: &Hotel,
    member: &Member,
    row: &Row,
    state: &State,
) -> Result<(), JournalError> {
    let id = row.entry.id;
    let (seen, now) = (PmsState(state.as_str().to_owned()), hotel.now());
    let cancelled = *state == State::Cancelled;
    if told(row, cancelled) {
        // Whoever begins it again reads it first.
        hotel.forget(id);
        hotel.board.teller_bell(&hotel.name).notify_one();
        return Ok(());
    }
    let touched = hotel
        .journal
        .with(move |core| {
            let Some(row) = core.row(id)? else {
                return Ok(false);
            };
            if told(&row, cancelled) {
                return Ok(false);
            }
            core.seen_in_pms(id, &seen)?;
            core.request_cancel(id, &format!("Mews says {}", seen.0), now)
        })
        .await?;
    if touched {
        if !cancelled {
            let text = format!(
                "Another hand gave a waiting command the state {}",
                state.as_str()
            );
            hotel.board.alarm(now, text, Some(id));
        }
        hotel.board.tell(id, &member.name, "cancelled in Mews");
        hotel.board.ring(&member.name);
    }
    hotel.board.teller_bell(&hotel.name).notify_one();
    Ok(())
}

/// Most often our own echo, or over here too: the teller settles what differs.
fn told(row: &Row, cancelled: bool) -> bool {
    row.reported_at.is_some() || row.outcome.is_some() && !cancelled
}

/// Keeps the payload of a new command and says what row it becomes.
async fn ready<'a>(
    hotel: &'a Hotel,
    member: &'a Member,
    command: &Command,
    sent: Duration,
) -> Result<Looked<'a>, JournalError> {
    let id = command.id;
    let class = member.rules.class;
    let received = command.state == State::Received;
    let created = command.created.unwrap_or_else(|| hotel.now());
    let lost = if hotel.found.replaced || received {
        let Some(found) = hotel.keep_birth().await? else {
            return Ok(Looked::Over(Admitted::NotYet));
        };
        found.may_have_been_begun(created, received)
    } else {
        false
    };
    let kept = match command.created {
        None => Err(unreadable("its time of creation cannot be read")),
        Some(_) => keep_payload(hotel, command),
    };
    let (expires, outcome) = match kept {
        Ok(work) => {
            let expires = expires(member, created, &work);
            // What an older journal may have begun is never told as not begun.
            let outcome = lost_key(class, lost)
                .or_else(|| too_old(hotel, member, created, expires))
                .map(|outcome| match class {
                    Class::Printer if lost => outcome.of_a_repeat(),
                    Class::Printer
                    | Class::KeyCutter
                    | Class::FiscalMachine
                    | Class::PaymentTerminal
                    | Class::PassportScanner => outcome,
                });
            (expires, outcome)
        }
        // A payload that cannot be kept is a full disk: Mews lists the command again.
        Err(Unkept::Disk(error)) => return Err(JournalError::Payload(error)),
        Err(Unkept::Say(say)) => (None, Some(Outcome::failed(say))),
    };
    let said = if received {
        Said::Received
    } else {
        Said::Nothing
    };
    let new = NewCommand {
        id,
        property: hotel.name.clone(),
        device: member.name.clone(),
        device_title: command.device.name.clone(),
        class,
        created,
        expires,
        said,
        local: false,
        repeat: lost && class == Class::Printer,
        outcome,
    };
    Ok(Looked::New(Box::new(Ready {
        member,
        device: command.device.id,
        new,
        sent,
    })))
}

/// Makes rows of commands, in one step of the journal, and wakes those who act on them.
async fn accept(
    hotel: &Hotel,
    interim: &Interim,
    ready: Vec<Ready<'_>>,
    told: &mut impl FnMut(Uuid, Result<Admitted, JournalError>),
) {
    if ready.is_empty() {
        return;
    }
    let new: Vec<_> = ready.iter().map(|ready| ready.new.clone()).collect();
    let now = hotel.now();
    crate::crash::point("payload-written");
    let accepted = hotel.journal.with(move |core| core.accept(&new, now)).await;
    let accepted = match accepted {
        Ok(accepted) => accepted,
        Err(error) => {
            for ready in &ready {
                told(ready.device, Err(error.for_another()));
            }
            return;
        }
    };
    crate::crash::point("accepted");
    for (ready, accepted) in ready.iter().zip(accepted) {
        if accepted == Accepted::Known {
            told(ready.device, Ok(Admitted::Nothing));
            continue;
        }
        let (id, name) = (ready.new.id, &ready.member.name);
        hotel.saw_open(id, ready.sent);
        tracing::info!(command = %id, device = %name, "Command accepted");
        hotel.board.tell(id, name, "accepted");
        if ready.new.outcome.is_some() {
            hotel.board.teller_bell(&hotel.name).notify_one();
        } else {
            interim.waits(id, ready.new.said);
            hotel.board.ring(name);
        }
        told(ready.device, Ok(Admitted::New));
    }
}

fn too_old(
    hotel: &Hotel,
    member: &Member,
    created: Timestamp,
    expires: Option<Timestamp>,
) -> Option<Outcome> {
    // Without the cloud's time nothing is too old yet: the lane waits for it.
    let now = hotel.cloud.clock().now()?;
    let expires = expires.filter(|expires| *expires <= now)?;
    Some(expired(created, expires, now, member.rules.expires))
}

fn lost_key(class: Class, lost: bool) -> Option<Outcome> {
    (lost && class == Class::KeyCutter).then(|| Outcome::failed(Say::new("LOST-MEMORY")))
}

fn expires(member: &Member, created: Timestamp, work: &Work) -> Option<Timestamp> {
    let by_age = member
        .rules
        .expires
        .and_then(|age| created.checked_add(age).ok());
    match work {
        // A key opens nothing after the stay.
        Work::Key(key) => Some(by_age.map_or(key.end, |age| age.min(key.end))),
        Work::Print(_) | Work::Fiscal(_) | Work::Local(LocalWork::Test | LocalWork::Z) => by_age,
    }
}

/// Why a payload is not beside the journal.
#[derive(Debug)]
pub enum Unkept {
    /// It never will be; what to tell the clerk.
    Say(Say),
    /// The disk did not take it.
    Disk(std::io::Error),
}

impl From<std::io::Error> for Unkept {
    fn from(error: std::io::Error) -> Self {
        Self::Disk(error)
    }
}

pub(super) fn unreadable(why: impl std::fmt::Display) -> Unkept {
    Unkept::Say(Say::new("DATA-UNREADABLE").with("why", why))
}

/// Writes a command's payload beside the journal, in the drivers' words, and gives what it says.
///
/// # Errors
/// [`Unkept`]: nothing of it is to be used.
pub fn keep_payload(hotel: &Hotel, command: &Command) -> Result<Work, Unkept> {
    let payloads = hotel.journal.payloads();
    let payload = translate::payload(command).map_err(|error: Untranslatable| unreadable(error))?;
    let (work, document): (Work, Option<Personal<Vec<u8>>>) = match payload {
        Payload::Print {
            copies,
            mime,
            bytes,
        } => {
            let length = bytes.reveal().len() as u64;
            let document = Document::at(payloads.document(command.id), length);
            (translate::print(copies, mime, document), Some(bytes))
        }
        // A bill that came without items is completed before it is begun: see [`super::bill`].
        Payload::Ready(work) => (work, None),
    };
    let document = document.as_ref().map(|bytes| bytes.reveal().as_slice());
    payloads.write(command.id, &as_json(&work), document)?;
    Ok(work)
}

pub(super) fn as_json(work: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(work).expect("work is plain data")
}
