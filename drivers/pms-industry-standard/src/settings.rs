//! The `[device.NAME.settings]` table.

use std::time::Duration;

use driver_sdk::{Complaints, Resync, Settings, SettingsError};
use serde::{Deserialize, Deserializer};

use driver_keys::dialect::Mode;
use driver_keys::ledger::Sharers;
use driver_keys::local_time::{Rounding, StartFrom};
use driver_keys::order::Limits;
use driver_keys::plan::Site;

use crate::command::{DateDigits, Handling, Profile};
use crate::dialogue::Patience;
use crate::frame::SEPARATOR_CHAR;

/// What a site can set. Every key has a default.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Whose habits the messages follow: `salto` or `onity`. Default: by the `Type` of the order's
    /// data.
    #[serde(default)]
    pub profile: Option<Profile>,
    /// Digits of dates, `"8"` or `"10"`. Default: 8 for Onity, 10 for SALTO.
    #[serde(default)]
    pub dates: Option<DateDigits>,
    /// The encoder of this device, for orders that name none. Set, it is the only one allowed,
    /// unless `encoders` lists more.
    #[serde(default)]
    pub encoder: Option<String>,
    /// Encoders that orders may name. Empty: any, or `encoder`.
    #[serde(default)]
    pub encoders: Vec<String>,
    /// What happens to a finished card. `retain` can write two keys onto one card.
    #[serde(default)]
    pub card_handling: Handling,
    /// Who asks, in the lock system's own log. At most 24 characters.
    #[serde(default = "operator_default")]
    pub operator: String,
    /// Authorisations granted with every key, as the lock system's symbols.
    #[serde(default)]
    pub granted: String,
    /// Authorisations denied with every key.
    #[serde(default)]
    pub denied: String,
    /// Leave empty fields at the end out of a message. For lock systems that want it so.
    #[serde(default)]
    pub trim: bool,
    /// Ask for the cards' serial numbers (SALTO), to notice two keys on one card.
    #[serde(default = "yes")]
    pub ask_serials: bool,
    /// New keys or copies, instead of what the record of keys says.
    #[serde(default)]
    pub issue: Option<Mode>,
    /// `new`: a key for a guest who shares a room voids the other's. `copy`: it does not.
    #[serde(default)]
    pub sharers: Sharers,
    /// `now`: a key works from now. `reservation`: from the start of the stay.
    #[serde(default)]
    pub start: StartFrom,
    /// What to do with minutes that dates of 8 digits cannot carry.
    #[serde(default)]
    pub rounding: Rounding,
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
    /// Hosts that an order's address may name. Empty: the address is not looked at. The worker
    /// connects to `link` only, whatever the order says.
    #[serde(default)]
    pub api_hosts: Vec<String>,
    /// A connection for each command, or one that stays. Lock systems that serve one client at a
    /// time want the first.
    #[serde(default)]
    pub session: SessionHabit,
    /// Answer results with ACK. Default: on a serial line yes, over TCP no.
    #[serde(default)]
    pub acknowledge_results: Option<bool>,
    /// After a question without an answer: `reopen` the line, or wait for `silence`. Default:
    /// silence on a serial line, reopen over TCP.
    #[serde(default)]
    pub resync: Option<Recovery>,
    /// How long ENQ may stay unanswered.
    #[serde(
        default = "enquiry_timeout_default",
        rename = "enquiry_timeout_ms",
        with = "millis"
    )]
    pub enquiry_timeout: Duration,
    /// ENQs before the lock system counts as busy.
    #[serde(default = "enquiries_default")]
    pub enquiries: u32,
    /// How long a key may take, the time to present a card included. Keep it below the device's
    /// `deadline_s`.
    #[serde(
        default = "answer_timeout_default",
        rename = "answer_timeout_ms",
        with = "millis"
    )]
    pub answer_timeout: Duration,
    /// After a doubt, tell the encoder to end its task and eject the card (EX; Onity).
    #[serde(default)]
    pub eject_after_doubt: bool,
    /// What `nightporter test` does: `link` asks whether the lock system is ready, `read-card`
    /// reads a card too.
    #[serde(default)]
    pub test: TestDepth,
}

/// How long a connection lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SessionHabit {
    /// One command.
    #[default]
    PerCommand,
    /// Until it breaks.
    KeptOpen,
}

/// The way back into step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Recovery {
    /// A new connection.
    Reopen,
    /// Half a second without a byte.
    Silence,
}

/// What a test does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TestDepth {
    /// ENQ, ACK.
    #[default]
    Link,
    /// And LT.
    ReadCard,
}

fn yes() -> bool {
    true
}

/// Nothing a guest could be recognised by.
fn operator_default() -> String {
    "NIGHTPORTER".to_owned()
}

/// One digit: what the protocol's own count can say.
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

/// Published clients wait 2 s; a lock PC under load needs a little more.
fn enquiry_timeout_default() -> Duration {
    Duration::from_secs(3)
}

/// With the rests between them about ten seconds.
fn enquiries_default() -> u32 {
    5
}

/// A guest's card is found and presented within a minute, or not at all.
fn answer_timeout_default() -> Duration {
    Duration::from_secs(60)
}

/// Sendings of a message that was refused as damaged.
const SENDINGS_MAX: u32 = 3;
/// Rooms in a message.
const ROOMS_MAX: usize = 4;
/// Fields of names: what fits into the lock systems' own forms.
const NAME_MAX: usize = 40;
/// The operator field of SALTO.
const OPERATOR_MAX: usize = 24;

impl Config {
    /// Reads and checks the table.
    ///
    /// # Errors
    /// A place in the file and a fact.
    pub fn read(settings: &Settings) -> Result<Self, SettingsError> {
        settings.parse_and_check(Self::check)
    }

    fn check(&self, complaints: &mut Complaints<'_>) {
        let sendable = |text: &str| {
            text.chars()
                .all(|c| u32::from(c) < 256 && !c.is_control() && c != SEPARATOR_CHAR)
        };
        complaints.unless(
            sendable(&self.operator) && self.operator.chars().count() <= OPERATOR_MAX,
            "operator",
            "`operator` has at most 24 plain characters",
        );
        for (key, value) in [("granted", &self.granted), ("denied", &self.denied)] {
            let fact = format!("`{key}` takes the lock system's plain symbols only");
            complaints.unless(sendable(value), key, fact);
        }
        let keys = (1..=9).contains(&self.keys_max);
        complaints.unless(keys, "keys_max", "`keys_max` is 1 to 9");
        let enquiries = (1..=20).contains(&self.enquiries);
        complaints.unless(enquiries, "enquiries", "`enquiries` is 1 to 20");
        let second = Duration::from_secs(1);
        complaints.unless(
            (second / 10..=second * 60).contains(&self.enquiry_timeout),
            "enquiry_timeout_ms",
            "`enquiry_timeout_ms` is 100 to 60000",
        );
        complaints.unless(
            (second..=second * 600).contains(&self.answer_timeout),
            "answer_timeout_ms",
            "`answer_timeout_ms` is 1000 to 600000",
        );
    }

    /// How the line is brought back into step.
    #[must_use]
    pub fn resync(&self, serial: bool) -> Resync {
        let quiet = Resync::Silence(Duration::from_millis(500));
        match self.resync {
            Some(Recovery::Reopen) => Resync::Reopen,
            Some(Recovery::Silence) => quiet,
            None if serial => quiet,
            None => Resync::Reopen,
        }
    }

    /// How often things are tried.
    #[must_use]
    pub fn patience(&self) -> Patience {
        Patience {
            enquiries_max: self.enquiries,
            sendings_max: SENDINGS_MAX,
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
                room_chars_max: NAME_MAX,
                encoder_chars_max: NAME_MAX,
                separators: &[SEPARATOR_CHAR],
                encoder: self.encoder.clone(),
                encoders: self.encoders.clone(),
            },
            api_hosts: self.api_hosts.clone(),
            mode: self.issue,
            sharers: self.sharers,
            start_from: self.start,
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
