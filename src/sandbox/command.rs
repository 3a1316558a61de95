//! Commands and the rules of their states.

use super::{clock, device::Device, documents::Payload};
use jiff::Timestamp;
use serde_json::{Value, json};
use std::sync::Arc;
use tokio::time::Instant;
use uuid::Uuid;

/// The state of a command, in the API's spelling.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CommandState {
    /// Created, not fetched.
    Pending,
    /// The worker has it.
    Received,
    /// The device works on it.
    Processing,
    /// Success.
    Processed,
    /// Stopped.
    Cancelled,
    /// Failed.
    Error,
}

impl CommandState {
    /// All states.
    pub const ALL: [Self; 6] = [
        Self::Pending,
        Self::Received,
        Self::Processing,
        Self::Processed,
        Self::Cancelled,
        Self::Error,
    ];

    /// The exact spelling on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::Pending => "Pending",
            Self::Received => "Received",
            Self::Processing => "Processing",
            Self::Processed => "Processed",
            Self::Cancelled => "Cancelled",
            Self::Error => "Error",
        }
    }

    /// Reads the exact spelling.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }

    /// Whether nothing may follow.
    pub fn is_final(self) -> bool {
        matches!(self, Self::Processed | Self::Cancelled | Self::Error)
    }

    /// Whether `getAllActive` lists it.
    pub fn is_active(self) -> bool {
        matches!(self, Self::Pending | Self::Received)
    }

    fn rank(self) -> u8 {
        match self {
            Self::Pending => 0,
            Self::Received => 1,
            Self::Processing => 2,
            Self::Processed | Self::Cancelled | Self::Error => 3,
        }
    }

    /// Whether a command in this state may be told `next`: forward only, steps may be skipped, a
    /// final state is never left; the same state again is harmless.
    pub fn accepts(self, next: Self) -> bool {
        self == next || (!self.is_final() && next.rank() > self.rank())
    }
}

/// Who moved a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// Staff or Mews itself.
    Mews,
    /// The worker, by `commands/update`.
    Worker,
}

/// One thing that happened to a command, refused and unanswered updates included.
#[derive(Debug, Clone)]
pub struct HistoryEntry {
    /// When, on the runtime's timer.
    pub at: Instant,
    /// When, by the cloud's clock.
    pub utc: Timestamp,
    /// Who.
    pub by: By,
    /// The state asked for.
    pub state: CommandState,
    /// `Progress` as sent, also where the API ignores it.
    pub progress: Option<f64>,
    /// `Notes` as sent, also where the API ignores them, and however long they are.
    pub notes: Option<String>,
    /// The status the worker got; `None` where no answer was sent, or nobody waits for one.
    pub answered: Option<u16>,
    /// Whether it changed the command.
    pub applied: bool,
}

/// A command to be created.
#[derive(Debug, Clone)]
pub struct NewCommand {
    pub(super) id: Uuid,
    pub(super) device: Uuid,
    pub(super) payload: Payload,
    pub(super) created: Option<Timestamp>,
    pub(super) state: CommandState,
    pub(super) creator: Value,
    pub(super) announce: bool,
}

impl NewCommand {
    /// A `Pending` command with this `Data`, created now, announced at once.
    pub fn new(device: Uuid, data: Value) -> Self {
        Self::with(device, Payload::Whole(data))
    }

    pub(super) fn with(device: Uuid, payload: Payload) -> Self {
        Self {
            id: Uuid::new_v4(),
            device,
            payload,
            created: None,
            state: CommandState::Pending,
            creator: Value::Null,
            announce: true,
        }
    }

    /// With this id instead of a random one.
    pub fn id(self, id: Uuid) -> Self {
        Self { id, ..self }
    }

    /// Created at this time, such as hours ago.
    pub fn created(self, created: Timestamp) -> Self {
        Self {
            created: Some(created),
            ..self
        }
    }

    /// In this state from the start.
    pub fn state(self, state: CommandState) -> Self {
        Self { state, ..self }
    }

    /// With this value as its `Creator`.
    pub fn creator(self, creator: Value) -> Self {
        Self { creator, ..self }
    }

    /// Without an event: as if it was lost, or the command is older than the socket.
    pub fn quiet(self) -> Self {
        Self {
            announce: false,
            ..self
        }
    }
}

/// A command in the cloud.
#[derive(Debug)]
pub(super) struct Command {
    pub(super) view: CommandView,
    pub(super) progress: Option<f64>,
    pub(super) notes: Option<String>,
    pub(super) updated: Timestamp,
    pub(super) history: Vec<HistoryEntry>,
}

/// What an answer shows of a command; cheap to copy, so that a long list can be written without
/// holding the hotel.
#[derive(Debug, Clone)]
pub(super) struct CommandView {
    pub(super) id: Uuid,
    pub(super) state: CommandState,
    pub(super) created: Timestamp,
    pub(super) creator: Value,
    pub(super) device: Arc<Device>,
    pub(super) payload: Arc<Payload>,
}

impl CommandView {
    /// The wire form, documents inline.
    pub(super) fn wire(&self) -> Value {
        json!({
            "Id": self.id,
            "State": self.state.name(),
            "CreatedUtc": clock::wire(self.created),
            "Creator": self.creator,
            "Device": self.device.wire(),
            "Data": self.payload.data(self.id),
        })
    }
}
