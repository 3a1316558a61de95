//! What is sent: exact, without any member the request schemas do not know.

use driver_sdk::CommandId;
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use uuid::Uuid;

/// The longest note, in characters: more is cut.
pub const NOTES_MAX: usize = 500;

/// The `Client` member: name and version of this build.
pub const CLIENT: &str = concat!("Nightporter ", env!("CARGO_PKG_VERSION"));

/// The two tokens of one property. `Debug` shows neither.
#[derive(Debug, Clone)]
pub struct Tokens {
    /// Identifies the application.
    pub client: SecretString,
    /// Identifies the connection with one hotel.
    pub access: SecretString,
}

impl Tokens {
    /// The text with both tokens replaced, for whatever is logged or shown.
    #[must_use]
    pub fn redact(&self, text: &str) -> String {
        let mut clean = text.to_owned();
        for token in [&self.client, &self.access] {
            let token = token.expose_secret();
            if !token.is_empty() {
                clean = clean.replace(token, "<token>");
            }
        }
        clean
    }
}

/// No parameters but the three every request has.
#[derive(Debug, Serialize)]
pub struct Nothing {}

/// `commands/getAllByIds`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ByIds<'a> {
    /// 1 to 1,000 ids.
    pub command_ids: &'a [CommandId],
}

/// `fiscalMachineCommands/getAll`, by device.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct FiscalByDevices<'a> {
    /// 1 to 100 devices.
    pub device_ids: &'a [Uuid],
    /// In which states.
    pub states: &'a [super::State],
    /// Always sent; at most three months.
    pub updated_utc: Interval,
    /// The page.
    pub limitation: Limitation,
}

/// `orderItems/getAll` and `payments/getAll`, by bill.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ByBill {
    /// One bill.
    pub bill_ids: [Uuid; 1],
    /// The page.
    pub limitation: Limitation,
}

/// A half-open interval of time: the start belongs to it, the end does not.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Interval {
    /// Included.
    pub start_utc: jiff::Timestamp,
    /// Excluded.
    pub end_utc: jiff::Timestamp,
}

/// A page of a list.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Limitation {
    /// 1 to 1,000.
    pub count: u32,
    /// The page after the one that ended with this id.
    pub cursor: Option<Uuid>,
}

/// What may be said about a command. `Pending` has no spelling here, and neither has a note where
/// Mews would ignore it.
#[derive(Debug, Clone, PartialEq)]
pub enum Update {
    /// The worker has it.
    Received,
    /// The device works on it; how far, in percent.
    Processing {
        /// 0 to 100.
        percent: Option<u8>,
    },
    /// Success.
    Processed {
        /// For the clerk.
        notes: String,
    },
    /// Failure.
    Error {
        /// For the clerk.
        notes: String,
    },
    /// A person stopped it at the device.
    Cancelled {
        /// For the clerk.
        notes: String,
    },
}

impl Update {
    /// The state this update sets.
    #[must_use]
    pub fn state(&self) -> super::State {
        match self {
            Self::Received => super::State::Received,
            Self::Processing { .. } => super::State::Processing,
            Self::Processed { .. } => super::State::Processed,
            Self::Error { .. } => super::State::Error,
            Self::Cancelled { .. } => super::State::Cancelled,
        }
    }

    pub(crate) fn request(&self, id: CommandId) -> UpdateRequest {
        let (progress, notes) = match self {
            Self::Received => (None, None),
            Self::Processing { percent } => (
                percent.map(|percent| f64::from(percent.min(100)) / 100.0),
                None,
            ),
            Self::Processed { notes } | Self::Error { notes } | Self::Cancelled { notes } => {
                (None, Some(one_line(notes)))
            }
        };
        UpdateRequest {
            command_id: id,
            state: self.state(),
            progress,
            notes,
        }
    }
}

/// `commands/update`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct UpdateRequest {
    command_id: CommandId,
    state: super::State,
    #[serde(skip_serializing_if = "Option::is_none")]
    progress: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    notes: Option<String>,
}

/// One line of at most [`NOTES_MAX`] characters.
fn one_line(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= NOTES_MAX {
        return line;
    }
    line.chars().take(NOTES_MAX - 1).chain(['…']).collect()
}

/// A request's body: the three members every request has, and its own.
#[must_use]
pub fn body(tokens: &Tokens, parameters: &impl Serialize) -> Vec<u8> {
    #[derive(Serialize)]
    #[serde(rename_all = "PascalCase")]
    struct Body<'a, P> {
        client_token: &'a str,
        access_token: &'a str,
        client: &'a str,
        #[serde(flatten)]
        parameters: &'a P,
    }
    let body = Body {
        client_token: tokens.client.expose_secret(),
        access_token: tokens.access.expose_secret(),
        client: CLIENT,
        parameters,
    };
    serde_json::to_vec(&body).expect("a request is plain text and numbers")
}
