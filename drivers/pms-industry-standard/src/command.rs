//! What is asked of the lock system: CN, CC, CO, LT, EX, as fields of a message.

use jiff::civil::DateTime;
use serde::{Deserialize, Serialize};

use driver_keys::ledger::Issue;
use driver_keys::local_time;

/// Which lock system's habits the messages follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Profile {
    /// Onity HT22, HT24, HT28 and TESA: dates of eight digits, encoders by number.
    Onity,
    /// SALTO ProAccess and Space: dates of ten digits, encoders by name.
    Salto,
}

/// How validity is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum DateDigits {
    /// `HHddMMyy`: whole hours.
    #[serde(rename = "8")]
    Eight,
    /// `HHmmddMMyy`.
    #[serde(rename = "10")]
    Ten,
}

impl Profile {
    /// The date field of its lock system.
    #[must_use]
    pub fn digits(self) -> DateDigits {
        match self {
            Self::Onity => DateDigits::Eight,
            Self::Salto => DateDigits::Ten,
        }
    }

    /// How many fields a request for a card has, the command included.
    fn fields(self) -> usize {
        match self {
            Self::Onity => 14,
            Self::Salto => 16,
        }
    }
}

/// What the encoder does with a finished card.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Handling {
    /// Ejects it, or waits until it is taken away: the next card is another one.
    #[default]
    Eject,
    /// Keeps it or does not wait: the next request can land on the same card.
    Retain,
    /// Ejects it to the rear.
    Rear,
}

impl Handling {
    fn letter(self) -> &'static str {
        match self {
            Self::Eject => "E",
            Self::Retain => "R",
            Self::Rear => "T",
        }
    }
}

/// A request for one card.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cut {
    /// New or copy.
    pub issue: Issue,
    /// Cards in one request; `None` is one, without a digit. The driver asks for each card by
    /// itself, because a failure of `CN3` does not tell how many cards exist.
    pub count: Option<u8>,
    /// Number or name.
    pub encoder: String,
    /// What happens to the finished card.
    pub handling: Handling,
    /// One to four rooms; the first is the main one.
    pub rooms: Vec<String>,
    /// Authorisations granted, as the lock system's symbols.
    pub granted: String,
    /// Authorisations denied.
    pub denied: String,
    /// Hotel time.
    pub start: DateTime,
    /// Hotel time.
    pub end: DateTime,
    /// Who asks, for the lock system's own log.
    pub operator: String,
    /// Ask for the serial numbers of the cards (SALTO field 15: `2`, all).
    pub serials: bool,
}

/// A command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// CN or CC.
    Cut(Cut),
    /// CO: the room's guest has left. Does not make cards stop on offline locks.
    CheckOut {
        /// `0` if it concerns no encoder.
        encoder: String,
        /// The room.
        room: String,
    },
    /// LT: read a card.
    Read {
        /// Number or name.
        encoder: String,
        /// What happens to the card.
        handling: Handling,
    },
    /// EX: end the task and eject the card. Onity.
    Eject {
        /// Number.
        encoder: String,
    },
}

impl Command {
    /// The two letters an answer repeats.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Cut(Cut {
                issue: Issue::New, ..
            }) => "CN",
            Self::Cut(Cut {
                issue: Issue::Copy, ..
            }) => "CC",
            Self::CheckOut { .. } => "CO",
            Self::Read { .. } => "LT",
            Self::Eject { .. } => "EX",
        }
    }

    /// The encoder it is for.
    #[must_use]
    pub fn encoder(&self) -> &str {
        match self {
            Self::Cut(cut) => &cut.encoder,
            Self::CheckOut { encoder, .. }
            | Self::Read { encoder, .. }
            | Self::Eject { encoder } => encoder,
        }
    }

    /// The fields of its message. `trim` leaves out empty fields at the end.
    #[must_use]
    pub fn fields(&self, profile: Profile, digits: DateDigits, trim: bool) -> Vec<String> {
        let mut fields = match self {
            Self::Cut(cut) => cut.fields(self.code(), profile, digits),
            Self::CheckOut { encoder, room } => vec!["CO".into(), encoder.clone(), room.clone()],
            Self::Read { encoder, handling } => {
                vec!["LT".into(), encoder.clone(), handling.letter().into()]
            }
            Self::Eject { encoder } => vec!["EX".into(), encoder.clone()],
        };
        while trim && fields.last().is_some_and(String::is_empty) {
            fields.pop();
        }
        fields
    }
}

impl Cut {
    fn fields(&self, code: &str, profile: Profile, digits: DateDigits) -> Vec<String> {
        let date = |at| match digits {
            DateDigits::Eight => local_time::hour_date(at),
            DateDigits::Ten => local_time::hour_minute_date(at),
        };
        let mut fields = vec![String::new(); profile.fields()];
        fields[0] = code.to_owned();
        if let Some(count) = self.count {
            fields[0].push_str(&count.to_string());
        }
        fields[1].clone_from(&self.encoder);
        fields[2] = self.handling.letter().to_owned();
        for (field, room) in fields[3..7].iter_mut().zip(&self.rooms) {
            field.clone_from(room);
        }
        fields[7].clone_from(&self.granted);
        fields[8].clone_from(&self.denied);
        fields[9] = date(self.start);
        fields[10] = date(self.end);
        fields[11].clone_from(&self.operator);
        if profile == Profile::Salto && self.serials {
            fields[15] = "2".to_owned();
        }
        fields
    }
}

#[cfg(test)]
mod tests;
