//! The verdict procedure: what the device said before, what it says now, and what follows.

use std::fmt;

use jiff::SignedDuration;
use jiff::civil::DateTime;
use serde::{Deserialize, Serialize};

/// A device's last document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastDocument {
    /// Serial or fiscal memory number of the device.
    pub serial: String,
    /// The day number (Z), where documents are numbered per day; 0 where they are not.
    pub day: u32,
    /// The document number; 0 if there is none.
    pub number: u32,
    /// Cents.
    pub total: i64,
    /// The device's own time.
    pub at: Option<DateTime>,
    /// The key it carries (UNP), where the protocol has one and it was read.
    #[serde(default)]
    pub key: Option<String>,
}

impl fmt::Display for LastDocument {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.day > 0 {
            write!(f, "{:04}-{:04}", self.day, self.number)
        } else {
            write!(f, "{}", self.number)
        }
    }
}

/// What the attempt was to issue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expected {
    /// Cents.
    pub total: i64,
    /// The key, where the protocol has one.
    pub key: Option<String>,
    /// Local time of the property when sending began.
    pub sent_at: DateTime,
}

/// What two readings prove.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Judgement {
    /// The last document is the one from before.
    Unchanged,
    /// Exactly one document was issued, with our total and no contradiction. Where `by_key` is
    /// false, only the total and the step speak for it: another till could have made it.
    OneStep {
        /// The document carries our key.
        by_key: bool,
    },
    /// No proof either way.
    Unclear(Why),
}

/// Why there is no proof.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// The printer was exchanged.
    OtherDevice,
    /// More than one document was issued, or fewer.
    OtherStep,
    /// The document has another total.
    OtherTotal,
    /// The document has another key.
    OtherKey,
    /// The document is older than the sending.
    TooOld,
}

impl Why {
    /// For a person.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OtherDevice => "the printer was exchanged",
            Self::OtherStep => "its numbers moved by more than one document",
            Self::OtherTotal => "its last document has another total",
            Self::OtherKey => "its last document belongs to another sale",
            Self::TooOld => "its last document is older than this one",
        }
    }
}

/// How far a device's time may lie before the sending: clocks drift, and on the day the clocks
/// change they may differ by an hour. The number and the total decide; time only contradicts.
const TIME_SLACK: SignedDuration = SignedDuration::from_mins(90);

/// Compares the reading with the baseline. Pure.
#[must_use]
pub fn judge(baseline: &LastDocument, now: &LastDocument, expected: &Expected) -> Judgement {
    if baseline.serial != now.serial {
        return Judgement::Unclear(Why::OtherDevice);
    }
    if (baseline.day, baseline.number) == (now.day, now.number) {
        return if baseline.total == now.total && baseline.at == now.at {
            Judgement::Unchanged
        } else {
            Judgement::Unclear(Why::OtherStep)
        };
    }
    if !is_next(baseline, now) {
        return Judgement::Unclear(Why::OtherStep);
    }
    if now.total != expected.total {
        return Judgement::Unclear(Why::OtherTotal);
    }
    let by_key = match (&expected.key, &now.key) {
        (Some(ours), Some(its)) if ours == its => true,
        (Some(_), Some(_)) => return Judgement::Unclear(Why::OtherKey),
        (None | Some(_), None) | (None, Some(_)) => false,
    };
    let too_old = now
        .at
        .is_some_and(|at| expected.sent_at.duration_since(at) > TIME_SLACK);
    if too_old && !by_key {
        return Judgement::Unclear(Why::TooOld);
    }
    Judgement::OneStep { by_key }
}

/// One step after: the next number of the same day, or document 1 of the next day.
fn is_next(before: &LastDocument, after: &LastDocument) -> bool {
    if before.day == after.day {
        after.number == before.number.wrapping_add(1)
    } else {
        after.day == before.day.wrapping_add(1) && after.number == 1
    }
}

#[cfg(test)]
mod tests;
