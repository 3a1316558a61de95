//! What a conclusion claims to exist, against what exists.

use std::ops::RangeInclusive;

use crate::fault::{Fault, FaultKind, Proof, Verdict};
use crate::vocabulary::Grade;

/// What is claimed: how many effects there may be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Claim {
    pub effects: RangeInclusive<usize>,
    /// Nobody knows, and a person must look: a device that deals in money is blocked until then.
    pub open: bool,
    /// A part is claimed.
    pub part: bool,
    /// In words, for a violation.
    pub words: String,
}

impl Claim {
    pub fn nothing(words: impl Into<String>) -> Self {
        Self {
            effects: 0..=0,
            open: false,
            part: false,
            words: words.into(),
        }
    }

    /// Unconfirmed: all that is certain is that not more than asked exists.
    pub fn unknown(asked: usize, words: impl Into<String>) -> Self {
        Self {
            effects: 0..=asked,
            open: true,
            part: false,
            words: words.into(),
        }
    }

    pub fn proof(proof: &Proof, asked: usize) -> Self {
        let words = format!("{} {}", proof.grade, proof.say.code);
        match proof.grade {
            Grade::Done => Self {
                effects: asked..=asked,
                open: false,
                part: false,
                words,
            },
            Grade::Sent | Grade::Accepted => Self::vague(asked, words),
        }
    }

    /// `None`: a doubt, to be reconciled.
    pub fn fault(fault: &Fault, asked: usize) -> Option<Self> {
        let words = format!("{:?} {}", fault.kind(), fault.code());
        match fault.kind() {
            FaultKind::Transient | FaultKind::Permanent | FaultKind::OperatorNeeded => {
                Some(Self::nothing(words))
            }
            FaultKind::Partly => {
                let grade = fault.effect().map_or(Grade::Done, |proof| proof.grade);
                Some(Self::part(asked, grade, words))
            }
            FaultKind::InDoubt => None,
        }
    }

    pub fn verdict(verdict: &Verdict, asked: usize) -> Self {
        match verdict {
            Verdict::Happened(proof) => Self {
                effects: asked..=asked,
                open: false,
                part: false,
                words: format!("Happened {}", proof.say.code),
            },
            Verdict::Partly(proof) => {
                Self::part(asked, proof.grade, format!("Partly {}", proof.say.code))
            }
            Verdict::DidNotHappen => Self::nothing("DidNotHappen"),
            Verdict::CannotTell { check } => {
                Self::unknown(asked, format!("CannotTell {}", check.code))
            }
        }
    }

    /// Less than asked, and not nothing. A job of one can only be told so by mistake.
    fn part(asked: usize, grade: Grade, words: String) -> Self {
        match grade {
            Grade::Done => Self {
                effects: 1..=asked.saturating_sub(1),
                open: false,
                part: true,
                words,
            },
            Grade::Sent | Grade::Accepted => Self::vague(asked, words),
        }
    }

    /// The device cannot say more, and nobody claims it did.
    fn vague(asked: usize, words: String) -> Self {
        Self {
            open: false,
            ..Self::unknown(asked, words)
        }
    }
}
