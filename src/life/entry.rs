//! One command as the journal knows it.

use driver_sdk::{Class, CommandId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::outcome::Outcome;

/// What a driver needs to ask its device later. Opaque here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Bookmark(pub serde_json::Value);

/// Where a command stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stage {
    /// Nothing happened.
    Accepted {
        /// Attempts that committed and were proved to have done nothing.
        attempts: u32,
    },
    /// It may have happened.
    Committed {
        /// 1 for the first.
        attempt: u32,
        /// What the driver noted.
        bookmark: Bookmark,
    },
    /// The outcome is known, or known to be unknown.
    Settled(Outcome),
    /// The hotel system knows.
    Reported {
        /// Of an unconfirmed one, until it is resolved.
        doubt: Option<Bookmark>,
    },
}

impl Stage {
    /// The one direction of a command's life. Said when a row is written and when it is read.
    #[must_use]
    pub fn may_become(&self, new: &Self) -> bool {
        match (self, new) {
            (Self::Accepted { attempts }, Self::Committed { attempt, .. }) => {
                *attempt == attempts + 1
            }
            (Self::Accepted { .. }, Self::Settled(outcome)) => outcome.needs_no_attempt(),
            (Self::Committed { attempt, .. }, Self::Committed { attempt: again, .. }) => {
                attempt == again
            }
            (Self::Committed { attempt, .. }, Self::Accepted { attempts }) => attempt == attempts,
            (Self::Committed { .. }, Self::Settled(_))
            | (Self::Settled(_), Self::Reported { .. })
            | (Self::Reported { doubt: Some(_) }, Self::Reported { .. }) => true,
            (
                Self::Accepted { .. }
                | Self::Committed { .. }
                | Self::Settled(_)
                | Self::Reported { .. },
                _,
            ) => false,
        }
    }

    /// The name in the journal and in `queue`.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Accepted { .. } => "accepted",
            Self::Committed { .. } => "committed",
            Self::Settled(_) => "settled",
            Self::Reported { .. } => "reported",
        }
    }
}

/// The intermediate state the hotel system has confirmed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Said {
    /// None: it is `Pending` there.
    Nothing,
    /// It waits for its device.
    Received,
    /// The device works on it: from here on our journal is its only memory.
    Processing,
}

/// What [`super::next`] looks at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The command.
    pub id: CommandId,
    /// Its device's class.
    pub class: Class,
    /// Where it stands.
    pub stage: Stage,
    /// From when on it is too old to be executed; `None`: never.
    pub expires: Option<Timestamp>,
    /// Cancelled by the hotel system or by a person here.
    pub cancel_requested: bool,
    /// What the hotel system has confirmed.
    pub said: Said,
    /// Work of this PC, never reported.
    pub local: bool,
    /// First in line, its device ready, no doubt before it.
    pub has_the_device: bool,
}

impl Entry {
    /// Fiscal and payment start only after `Processing` was confirmed, so that a `Received` one
    /// is certain to be untouched.
    #[must_use]
    pub fn must_say_processing(&self) -> bool {
        self.class.is_money() && !self.local && self.said < Said::Processing
    }
}
