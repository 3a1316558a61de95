//! The envelope of a command.

use driver_sdk::CommandId;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::device::Device;
use super::open_enum::open_enum;
use super::when::when_lenient;

open_enum! {
    /// The state of a command in Mews.
    State {
        /// Created, not fetched.
        Pending = "Pending",
        /// The worker has it.
        Received = "Received",
        /// The device works on it; not listed by `getAllActive`.
        Processing = "Processing",
        /// Success. Final.
        Processed = "Processed",
        /// Stopped before or during processing. Final.
        Cancelled = "Cancelled",
        /// Failed. Final.
        Error = "Error",
    }
}

impl State {
    /// True for `Processed`, `Error` and `Cancelled`.
    #[must_use]
    pub fn is_final(&self) -> bool {
        matches!(self, Self::Processed | Self::Cancelled | Self::Error)
    }

    /// True for `Pending` and `Received`: only such a command may be accepted.
    #[must_use]
    pub fn is_open(&self) -> bool {
        matches!(self, Self::Pending | Self::Received)
    }
}

/// One command, with its `Data` still as it came: read it with [`super::Data::read`].
#[derive(Debug, Clone)]
pub struct Command {
    /// The only identity.
    pub id: CommandId,
    /// Its state when it was read.
    pub state: State,
    /// When it was created (whole seconds, as a rule); `None` if that cannot be read.
    pub created: Option<Timestamp>,
    /// The device it is for.
    pub device: Device,
    /// The payload; the word `null` if there is none.
    pub data: Raw,
}

/// JSON as it came, whose `Debug` shows only its length: payloads are personal data.
#[derive(Clone)]
pub struct Raw(pub Box<RawValue>);

impl Raw {
    /// The JSON text.
    #[must_use]
    pub fn get(&self) -> &str {
        self.0.get()
    }
}

impl std::fmt::Debug for Raw {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "<{} bytes of JSON>", self.get().len())
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Envelope {
    id: CommandId,
    #[serde(default)]
    state: State,
    #[serde(default, deserialize_with = "when_lenient")]
    created_utc: Option<Timestamp>,
    device: Device,
    #[serde(default)]
    data: Option<Box<RawValue>>,
}

impl Command {
    /// Reads one element of `Commands`.
    ///
    /// # Errors
    /// A [`Skipped`] that says why, if it has no usable `Id` or `Device.Id`, or is no JSON.
    pub fn parse(json: &[u8]) -> Result<Self, Skipped> {
        let envelope: Envelope =
            serde_json::from_slice(json).map_err(|cause| Skipped::new(json, &cause))?;
        let data = match envelope.data {
            Some(data) => data,
            None => RawValue::from_string("null".to_owned()).expect("`null` is JSON"),
        };
        Ok(Self {
            id: envelope.id,
            state: envelope.state,
            created: envelope.created_utc,
            device: envelope.device,
            data: Raw(data),
        })
    }
}

/// An element of an array that could not be read; its neighbours were.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    /// Its `Id`, if at least that could be found.
    pub id: Option<CommandId>,
    /// Why, without any of its content but names of members.
    pub why: String,
}

impl Skipped {
    /// What could not be read, and the parser's reason with every value taken out of it.
    #[must_use]
    pub fn new(json: &[u8], cause: &serde_json::Error) -> Self {
        Self {
            id: super::super::scan::find_id(json).map(CommandId),
            why: reason(cause),
        }
    }
}

/// A parser's reason without the values it quotes: a text in quotes may be a guest's name.
pub(crate) fn reason(cause: &serde_json::Error) -> String {
    let text = cause.to_string();
    let mut out = String::with_capacity(text.len());
    let mut quoted = false;
    for c in text.chars() {
        match c {
            '"' if quoted => {
                quoted = false;
                out.push_str("…\"");
            }
            '"' => {
                quoted = true;
                out.push('"');
            }
            _ if quoted => {}
            _ => out.push(c),
        }
    }
    out
}
