//! The two pure decisions: what is next for an entry, and what an ended attempt means for it.

use driver_sdk::{Class, Fault, FaultKind, Proof, Say, Verdict};
use jiff::Timestamp;

use super::class::Rules;
use super::entry::{Entry, Stage};
use super::outcome::{FinalState, Outcome};

/// What to do with one command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Its turn will come.
    Wait,
    /// Have `Processing` confirmed first.
    SayProcessing,
    /// Prepare and run it.
    Run,
    /// It ends here.
    Settle(Outcome),
    /// Ask the device what became of the attempt.
    Reconcile,
    /// Tell the hotel system.
    Report(FinalState),
    /// Ask the device again about an open doubt.
    AskAgain,
    /// Nothing is left to do.
    Rest,
}

/// What happens to one command next.
#[must_use]
pub fn next(entry: &Entry, now: Timestamp) -> Step {
    match &entry.stage {
        Stage::Accepted { .. } if entry.cancel_requested => Step::Settle(Outcome::cancelled()),
        Stage::Accepted { .. } if is_expired(entry, now) => {
            Step::Settle(Outcome::expired(Say::new("EXPIRED")))
        }
        Stage::Accepted { .. } if !entry.has_the_device => Step::Wait,
        Stage::Accepted { .. } if entry.must_say_processing() => Step::SayProcessing,
        Stage::Accepted { .. } => Step::Run,
        Stage::Committed { .. } => Step::Reconcile,
        Stage::Settled(outcome) => Step::Report(outcome.final_state()),
        Stage::Reported { doubt: Some(_) } => Step::AskAgain,
        Stage::Reported { doubt: None } => Step::Rest,
    }
}

/// True from the moment a command is too old.
#[must_use]
pub fn is_expired(entry: &Entry, now: Timestamp) -> bool {
    entry.expires.is_some_and(|expires| expires <= now)
}

/// How an attempt, or a question about one, ended.
#[derive(Debug, Clone)]
pub enum Ended {
    /// The driver returned, and this is what it said; the fault is judged already.
    Executed(Result<Proof, Fault>),
    /// The device's evidence.
    Judged(Verdict),
    /// The deadline of the doubt has passed without a verdict; the last answer, if any.
    GaveUp(Fault),
}

/// What an end means for the command.
#[derive(Debug, Clone)]
pub enum Next {
    /// It is settled.
    Settle(Outcome),
    /// Nothing happened and the class allows another attempt: back to Accepted.
    Again,
    /// The same, marked as a repeat: it may have happened.
    RepeatMarked,
    /// Nothing happened and it was not begun: the device is not well, the command waits.
    Wait(Fault),
    /// It may have happened: the device is asked.
    Ask(Fault),
}

/// What the end of attempt `attempt` means, by the rules of its device. `repeated`: the one
/// marked repeat was this attempt.
#[must_use]
pub fn after(ended: Ended, attempt: u32, repeated: bool, rules: &Rules) -> Next {
    match decided(ended, attempt, repeated, rules) {
        Next::Settle(outcome) if repeated => Next::Settle(outcome.of_a_repeat()),
        next @ (Next::Settle(_)
        | Next::Again
        | Next::RepeatMarked
        | Next::Wait(_)
        | Next::Ask(_)) => next,
    }
}

fn decided(ended: Ended, attempt: u32, repeated: bool, rules: &Rules) -> Next {
    match ended {
        Ended::Executed(Ok(proof)) | Ended::Judged(Verdict::Happened(proof)) => {
            Next::Settle(Outcome::done(proof))
        }
        Ended::Judged(Verdict::Partly(proof)) => Next::Settle(Outcome::partly(proof)),
        Ended::Judged(Verdict::DidNotHappen) => did_not_happen(attempt, rules, None),
        Ended::Judged(Verdict::CannotTell { check }) => unconfirmed(check, repeated, rules),
        Ended::GaveUp(fault) => unconfirmed(asked_in_vain(&fault), repeated, rules),
        Ended::Executed(Err(fault)) => match fault.kind() {
            FaultKind::Permanent => Next::Settle(Outcome::failed_by(&fault)),
            FaultKind::Transient | FaultKind::OperatorNeeded if attempt == 0 => Next::Wait(fault),
            FaultKind::Transient | FaultKind::OperatorNeeded => {
                did_not_happen(attempt, rules, Some(fault))
            }
            FaultKind::Partly => match fault.effect() {
                Some(proof) => Next::Settle(Outcome::partly(proof.clone())),
                None => Next::Ask(fault),
            },
            FaultKind::InDoubt => Next::Ask(fault),
        },
    }
}

fn did_not_happen(attempt: u32, rules: &Rules, fault: Option<Fault>) -> Next {
    if attempt < rules.attempts_max {
        return Next::Again;
    }
    Next::Settle(match fault {
        Some(fault) => Outcome::failed_by(&fault),
        None => Outcome::failed(Say::new("DID-NOT-HAPPEN")),
    })
}

/// What the last answer to a doubt is told as. That nothing was sent is true of the question and
/// not of what is asked about.
fn asked_in_vain(fault: &Fault) -> Say {
    match fault.code() {
        "LINK-UNREACHABLE" | "SESSION-DOWN" => Say::new("NOT-ASKED"),
        _ => fault.say().clone(),
    }
}

fn unconfirmed(check: Say, repeated: bool, rules: &Rules) -> Next {
    if rules.repeat_in_doubt && rules.class == Class::Printer && !repeated {
        return Next::RepeatMarked;
    }
    Next::Settle(Outcome::unconfirmed(check))
}
