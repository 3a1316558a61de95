//! The `[device.NAME.settings]` table, in two halves: what all devices of a conversation must
//! agree on, and what each device has for itself.

use std::time::Duration;

use driver_sdk::{Complaints, Settings, SettingsError};
use serde::{Deserialize, Deserializer, Serialize};

use driver_keys::dialect::Mode;
use driver_keys::ledger::Sharers;
use driver_keys::names::Repertoire;
use driver_keys::order::Limits;
use driver_keys::plan::Site;

use crate::frame::Framing;

/// What a site can set. Every key has a default.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The encoder of this device, for orders that name none. Set, it is the only one allowed,
    /// unless `encoders` lists more.
    #[serde(default)]
    pub encoder: Option<String>,
    /// Encoders that orders may name. Empty: any, or `encoder`.
    #[serde(default)]
    pub encoders: Vec<String>,
    /// Send the guest's name with a key.
    #[serde(default = "yes")]
    pub guest_names: bool,
    /// Which characters the lock system takes.
    #[serde(default)]
    pub characters: Characters,
    /// Characters of a room's name. The protocol says 8, some lock systems take more.
    #[serde(default = "room_chars_default")]
    pub room_chars: usize,
    /// What the lock system's OK means: a card was made, or the request was queued.
    #[serde(default)]
    pub ok_means: OkMeans,
    /// After OK, `read-card` reads the card on the encoder (KZ), and the key counts as made only
    /// if it opens the room. For lock systems whose OK comes before the card.
    #[serde(default)]
    pub confirm: Confirm,
    /// New keys or copies, instead of what the record of keys says.
    #[serde(default)]
    pub issue: Option<Mode>,
    /// `new`: a key for a guest who shares a room voids the other's. `copy`: it does not.
    #[serde(default)]
    pub sharers: Sharers,
    /// Keys for one order.
    #[serde(default = "keys_max_default")]
    pub keys_max: u32,
    /// How many days ahead the end of a key may lie.
    #[serde(default = "days_max_default")]
    pub days_max: u32,
    /// Keys this encoder is expected to make within an hour. More are made too, and a warning is
    /// shown. Raise it for a desk where groups arrive.
    #[serde(default = "keys_per_hour_default")]
    pub keys_per_hour: u32,
    /// Hosts that an order's address may name. Empty: the address is not looked at.
    #[serde(default)]
    pub api_hosts: Vec<String>,
    /// What `nightporter test` does: `link` asks whether the lock system is alive, `read-card`
    /// reads a card too.
    #[serde(default)]
    pub test: TestDepth,

    /// This worker's name in the lock system. At most 16 characters; equal on all devices of a
    /// link.
    #[serde(default = "workstation_default")]
    pub workstation: String,
    /// `plain` or `checked` (check byte and link answers). Default: checked on a serial line.
    /// Equal on all devices of a link.
    #[serde(default)]
    pub framing: Option<FramingChoice>,
    /// How long a key may take, the time to present a card included. Keep it below the device's
    /// `deadline_s`. Equal on all devices of a link.
    #[serde(
        default = "answer_timeout_default",
        rename = "answer_timeout_ms",
        with = "millis"
    )]
    pub answer_timeout: Duration,
    /// How long an encoder that did not answer may still do so: until then no key for the same
    /// stay is sent to it. Equal on all devices of a link.
    #[serde(
        default = "late_answer_default",
        rename = "late_answer_ms",
        with = "millis"
    )]
    pub late_answer: Duration,
    /// The lock system takes only one request at a time, whatever the encoder. Equal on all
    /// devices of a link.
    #[serde(default)]
    pub one_request_per_link: bool,
}

/// What all devices of one conversation must agree on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Conversation {
    /// WS.
    pub workstation: String,
    /// With check bytes and link answers.
    pub checked: bool,
    /// How long a key may take.
    pub answer_timeout: Duration,
    /// How long a late answer is waited for.
    pub late_answer: Duration,
    /// One request at a time.
    pub one_request_per_link: bool,
}

impl Conversation {
    /// How records travel.
    #[must_use]
    pub fn framing(&self) -> Framing {
        if self.checked {
            Framing::Checked
        } else {
            Framing::Plain
        }
    }
}

/// How records travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FramingChoice {
    /// No check byte, no link answers.
    Plain,
    /// Both.
    Checked,
}

/// Which characters the lock system takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Characters {
    /// Plain letters.
    #[default]
    Ascii,
    /// ISO 8859-1.
    Latin1,
}

impl Characters {
    /// For folding names.
    #[must_use]
    pub fn repertoire(self) -> Repertoire {
        match self {
            Self::Ascii => Repertoire::Ascii,
            Self::Latin1 => Repertoire::Latin1,
        }
    }
}

/// What OK proves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OkMeans {
    /// A card was made.
    #[default]
    Made,
    /// The request was taken: some gateways answer before a card exists.
    Queued,
}

/// What is asked after OK.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Confirm {
    /// Nothing.
    #[default]
    Nothing,
    /// What the card on the encoder opens.
    ReadCard,
}

/// What a test does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TestDepth {
    /// LS, LA.
    #[default]
    Link,
    /// And KZ.
    ReadCard,
}

fn yes() -> bool {
    true
}

/// What the protocol's table says.
fn room_chars_default() -> usize {
    8
}

/// One digit: a hotel room has no more guests.
fn keys_max_default() -> u32 {
    9
}

/// A year and a day: a lower limit refuses valid stays.
fn days_max_default() -> u32 {
    366
}

/// One every half minute, for an hour.
fn keys_per_hour_default() -> u32 {
    120
}

/// Constant, so that a lock system can list it as a workstation.
fn workstation_default() -> String {
    "NIGHTPORTER".to_owned()
}

/// A guest's card is found and presented within a minute, or not at all.
fn answer_timeout_default() -> Duration {
    Duration::from_secs(60)
}

/// As long as a key itself may take.
fn late_answer_default() -> Duration {
    Duration::from_secs(60)
}

/// KC.
const ENCODER_MAX: usize = 8;
/// WS.
const WORKSTATION_MAX: usize = 16;
/// RN and SI: more rooms than a suite has; SI has its own limit in characters.
const ROOMS_MAX: usize = 9;

impl Config {
    /// Reads and checks the table.
    ///
    /// # Errors
    /// A place in the file and a fact.
    pub fn read(settings: &Settings) -> Result<Self, SettingsError> {
        settings.parse_and_check(Self::check)
    }

    fn check(&self, complaints: &mut Complaints<'_>) {
        let plain = |text: &str| text.chars().all(|c| matches!(c, ' '..='~') && c != '|');
        let is_name = |text: &str, max| (1..=max).contains(&text.len()) && plain(text);
        let mut encoders = self.encoder.iter();
        let encoder = "`encoder` has 1 to 8 plain characters";
        complaints.unless(
            encoders.all(|name| is_name(name, ENCODER_MAX)),
            "encoder",
            encoder,
        );
        let mut encoders = self.encoders.iter();
        complaints.unless(
            encoders.all(|name| is_name(name, ENCODER_MAX)),
            "encoders",
            "`encoders` have 1 to 8 plain characters each",
        );
        complaints.unless(
            is_name(&self.workstation, WORKSTATION_MAX),
            "workstation",
            "`workstation` has 1 to 16 plain characters",
        );
        let keys = (1..=9).contains(&self.keys_max);
        complaints.unless(keys, "keys_max", "`keys_max` is 1 to 9");
        let chars = (1..=40).contains(&self.room_chars);
        complaints.unless(chars, "room_chars", "`room_chars` is 1 to 40");
        let second = Duration::from_secs(1);
        complaints.unless(
            (second..=second * 600).contains(&self.answer_timeout),
            "answer_timeout_ms",
            "`answer_timeout_ms` is 1000 to 600000",
        );
        complaints.unless(
            self.late_answer <= second * 600,
            "late_answer_ms",
            "`late_answer_ms` is at most 600000",
        );
    }

    /// What all devices of the link must agree on. `serial`: the link is a serial line.
    #[must_use]
    pub fn conversation(&self, serial: bool) -> Conversation {
        Conversation {
            workstation: self.workstation.clone(),
            checked: match self.framing {
                Some(FramingChoice::Checked) => true,
                Some(FramingChoice::Plain) => false,
                None => serial,
            },
            answer_timeout: self.answer_timeout,
            late_answer: self.late_answer,
            one_request_per_link: self.one_request_per_link,
        }
    }

    /// What the common rules of key drivers need to know.
    #[must_use]
    pub fn site(&self) -> Site {
        Site {
            limits: Limits {
                keys_max: self.keys_max,
                days_max: self.days_max,
                rooms_max: ROOMS_MAX,
                room_chars_max: self.room_chars,
                encoder_chars_max: ENCODER_MAX,
                separators: &['|', ';'],
                encoder: self.encoder.clone(),
                encoders: self.encoders.clone(),
            },
            api_hosts: self.api_hosts.clone(),
            mode: self.issue,
            sharers: self.sharers,
            // The record has the date of arrival only: the stay's own.
            start_from: driver_keys::local_time::StartFrom::Reservation,
            answer_timeout: self.answer_timeout,
        }
    }
}

mod millis {
    use super::{Deserialize, Deserializer, Duration};

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
        u64::deserialize(from).map(Duration::from_millis)
    }
}

#[cfg(test)]
mod tests;
