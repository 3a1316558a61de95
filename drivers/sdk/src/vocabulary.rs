//! The words every driver and the worker share: classes of device, ids, grades of proof.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// What kind of device a command is for. Deadlines, ages and repeat rules hang on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// Paper: receipts and bills.
    Printer,
    /// Cards that open doors.
    KeyCutter,
    /// Documents the tax office counts.
    FiscalMachine,
    /// Money.
    PaymentTerminal,
    /// Identity documents.
    PassportScanner,
}

impl Class {
    /// Every class, in the order of the wire contract.
    pub const ALL: [Self; 5] = [
        Self::Printer,
        Self::KeyCutter,
        Self::FiscalMachine,
        Self::PaymentTerminal,
        Self::PassportScanner,
    ];

    /// Fiscal devices and payment terminals: a second effect is an offence or a theft.
    ///
    /// They are started only after the hotel system confirmed that the command is being worked
    /// on, and a doubt blocks the device.
    #[must_use]
    pub fn is_money(self) -> bool {
        matches!(self, Self::FiscalMachine | Self::PaymentTerminal)
    }

    /// The name in journals, pages and logs.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Printer => "printer",
            Self::KeyCutter => "key_cutter",
            Self::FiscalMachine => "fiscal_machine",
            Self::PaymentTerminal => "payment_terminal",
            Self::PassportScanner => "passport_scanner",
        }
    }
}

impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A word that is no [`Class`] or no [`Grade`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown word `{0}`")]
pub struct UnknownWord(pub String);

impl FromStr for Class {
    type Err = UnknownWord;
    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        Self::ALL
            .into_iter()
            .find(|class| class.as_str() == text)
            .ok_or_else(|| UnknownWord(text.to_owned()))
    }
}

/// How well a success is proved. Ordered: more is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Grade {
    /// The transport took everything; the device cannot say more.
    Sent,
    /// The device took everything.
    Accepted,
    /// The device's own evidence says that it is done.
    Done,
}

impl Grade {
    /// The name in journals and notes.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Accepted => "accepted",
            Self::Done => "done",
        }
    }
}

impl fmt::Display for Grade {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Grade {
    type Err = UnknownWord;
    fn from_str(text: &str) -> Result<Self, UnknownWord> {
        [Self::Sent, Self::Accepted, Self::Done]
            .into_iter()
            .find(|grade| grade.as_str() == text)
            .ok_or_else(|| UnknownWord(text.to_owned()))
    }
}

/// The identity of one command: the key of the journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CommandId(pub Uuid);

impl CommandId {
    /// A fresh id for work that the hotel system did not order (a test page, a day end).
    #[must_use]
    pub fn local() -> Self {
        Self(Uuid::new_v4())
    }
}

impl fmt::Display for CommandId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for CommandId {
    type Err = uuid::Error;
    fn from_str(text: &str) -> Result<Self, uuid::Error> {
        Uuid::parse_str(text.trim()).map(Self)
    }
}

/// The name of a device in the config file: `[device.NAME]`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DeviceName(String);

impl DeviceName {
    /// A name as the config file spells it.
    pub fn new(name: impl Into<String>) -> Self {
        Self(name.into())
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for DeviceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
