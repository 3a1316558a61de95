//! How a command ended, kept apart from the words it is told in.

use driver_sdk::{Fault, Grade, Proof, Say};
use serde::{Deserialize, Serialize};

/// The kinds of end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutcomeKind {
    /// It happened as asked.
    Done,
    /// Less than asked happened, and we know what.
    Partly,
    /// Nothing happened.
    Failed,
    /// It may have happened.
    Unconfirmed,
    /// Too old; nothing happened.
    Expired,
    /// Cancelled before it was begun; nothing happened.
    Cancelled,
}

impl OutcomeKind {
    /// The name in the journal.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Partly => "partly",
            Self::Failed => "failed",
            Self::Unconfirmed => "unconfirmed",
            Self::Expired => "expired",
            Self::Cancelled => "cancelled",
        }
    }

    /// The kind of a journal's word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        [
            Self::Done,
            Self::Partly,
            Self::Failed,
            Self::Unconfirmed,
            Self::Expired,
            Self::Cancelled,
        ]
        .into_iter()
        .find(|kind| kind.as_str() == word)
    }
}

/// The final states of the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum FinalState {
    /// Success.
    Processed,
    /// Anything else that we conclude.
    Error,
    /// Stopped before it was begun.
    Cancelled,
}

/// How a command ended: a kind, a grade, and a code with arguments for the note.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// How it ended.
    pub kind: OutcomeKind,
    /// How well a success (also a partial one) is proved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grade: Option<Grade>,
    /// What is told.
    pub say: Say,
    /// The note starts with the sentence itself and not with the device's name.
    #[serde(default)]
    pub fixed_form: bool,
}

impl Outcome {
    fn new(kind: OutcomeKind, say: Say) -> Self {
        Self {
            kind,
            grade: None,
            say,
            fixed_form: false,
        }
    }

    fn proved(kind: OutcomeKind, proof: Proof) -> Self {
        let Proof {
            grade,
            say,
            fixed_form,
        } = proof;
        Self {
            kind,
            grade: Some(grade),
            say,
            fixed_form,
        }
    }

    /// It happened.
    #[must_use]
    pub fn done(proof: Proof) -> Self {
        Self::proved(OutcomeKind::Done, proof)
    }

    /// It happened in part.
    #[must_use]
    pub fn partly(proof: Proof) -> Self {
        Self::proved(OutcomeKind::Partly, proof)
    }

    /// Nothing happened.
    #[must_use]
    pub fn failed(say: Say) -> Self {
        Self::new(OutcomeKind::Failed, say)
    }

    /// Nothing happened, by a driver's fault.
    #[must_use]
    pub fn failed_by(fault: &Fault) -> Self {
        Self::failed(fault.say().clone())
    }

    /// It may have happened; `check` says what to look at.
    #[must_use]
    pub fn unconfirmed(check: Say) -> Self {
        Self::new(OutcomeKind::Unconfirmed, check)
    }

    /// Too old.
    #[must_use]
    pub fn expired(say: Say) -> Self {
        Self::new(OutcomeKind::Expired, say)
    }

    /// Cancelled before it was begun.
    #[must_use]
    pub fn cancelled() -> Self {
        Self::new(OutcomeKind::Cancelled, Say::new("CANCELLED"))
    }

    /// The same of a repeat: an earlier print of it may exist, so nothing said here may claim that
    /// nothing happened.
    #[must_use]
    pub fn of_a_repeat(self) -> Self {
        match self.kind {
            OutcomeKind::Failed | OutcomeKind::Expired | OutcomeKind::Cancelled => {
                Self::unconfirmed(Say::new("REPEAT-NOT-PRINTED"))
            }
            OutcomeKind::Done | OutcomeKind::Partly | OutcomeKind::Unconfirmed => self,
        }
    }

    /// True for outcomes of a command that was never begun: nothing happened.
    #[must_use]
    pub fn needs_no_attempt(&self) -> bool {
        match self.kind {
            OutcomeKind::Failed | OutcomeKind::Expired | OutcomeKind::Cancelled => true,
            // Work that is proved done without an effect of ours (a test of a device) ends here
            // too; a doubt can be settled before an attempt only where a journal was lost.
            OutcomeKind::Done | OutcomeKind::Unconfirmed => true,
            OutcomeKind::Partly => false,
        }
    }

    /// What the hotel system is told.
    #[must_use]
    pub fn final_state(&self) -> FinalState {
        match self.kind {
            OutcomeKind::Done => FinalState::Processed,
            OutcomeKind::Cancelled => FinalState::Cancelled,
            OutcomeKind::Partly
            | OutcomeKind::Failed
            | OutcomeKind::Unconfirmed
            | OutcomeKind::Expired => FinalState::Error,
        }
    }
}
