//! What the socket tells.

use driver_sdk::CommandId;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::value::RawValue;
use uuid::Uuid;

use super::command::{Raw, Skipped, State};
use super::open_enum::open_enum;
use super::when::when_lenient;
use crate::mews::scan::{ArrayScanner, Element};

/// One event. A hint: the truth is what a read returns now.
#[derive(Debug, Clone)]
pub enum Event {
    /// A command was created or changed.
    DeviceCommand {
        /// The command.
        id: CommandId,
        /// The state it has now.
        state: State,
    },
    /// A reservation was created or changed.
    Reservation(ReservationEvent),
    /// A room or another resource changed.
    Resource {
        /// The resource.
        id: Uuid,
        /// The state it has now.
        state: ResourceState,
    },
    /// Prices changed.
    PriceUpdate(PriceUpdateEvent),
    /// A type this version does not know.
    Unknown {
        /// The value of `Type`.
        kind: String,
        /// The whole event.
        raw: Raw,
    },
}

/// A reservation was created or changed.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ReservationEvent {
    /// The reservation.
    pub id: Uuid,
    /// The state it has now.
    #[serde(default)]
    pub state: ReservationState,
    /// Start of the stay.
    #[serde(default, deserialize_with = "when_lenient")]
    pub start_utc: Option<Timestamp>,
    /// End of the stay.
    #[serde(default, deserialize_with = "when_lenient")]
    pub end_utc: Option<Timestamp>,
    /// The room.
    #[serde(default)]
    pub assigned_resource_id: Option<Uuid>,
}

/// Prices changed.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct PriceUpdateEvent {
    /// The update.
    pub id: Uuid,
    /// From when on.
    #[serde(default, deserialize_with = "when_lenient")]
    pub start_utc: Option<Timestamp>,
    /// Until when.
    #[serde(default, deserialize_with = "when_lenient")]
    pub end_utc: Option<Timestamp>,
    /// The rate.
    #[serde(default)]
    pub rate_id: Option<Uuid>,
    /// The category of rooms.
    #[serde(default)]
    pub resource_category_id: Option<Uuid>,
}

open_enum! {
    /// The state of a reservation.
    ReservationState {
        /// Asked for, not yet offered.
        Inquired = "Inquired" | "Enquired",
        /// Held until a date.
        Optional = "Optional",
        /// Requested by a channel.
        Requested = "Requested",
        /// Will come.
        Confirmed = "Confirmed",
        /// Checked in.
        Started = "Started",
        /// Checked out.
        Processed = "Processed",
        /// Cancelled; one l here.
        Canceled = "Canceled",
    }
}

open_enum! {
    /// The state of a room.
    ResourceState {
        /// To be cleaned.
        Dirty = "Dirty",
        /// Cleaned.
        Clean = "Clean",
        /// Cleaned and checked.
        Inspected = "Inspected",
        /// Cannot be sold for a while.
        OutOfService = "OutOfService",
        /// Cannot be used.
        OutOfOrder = "OutOfOrder",
    }
}

/// What one frame held.
#[derive(Debug, Clone, Default)]
pub struct Frame {
    /// What could be read, in the order of the frame.
    pub events: Vec<Event>,
    /// What could not, with the reason.
    pub skipped: Vec<Skipped>,
}

/// The longest event that is read, in bytes.
const EVENT_MAX: usize = 64 * 1024;

impl Frame {
    /// Reads a text frame event by event.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let mut frame = Self::default();
        let mut scanner = ArrayScanner::new("Events", EVENT_MAX);
        let mut input = text.as_bytes();
        while let Some(element) = scanner.next(&mut input) {
            let read = match &element {
                Element::Whole(json) => Event::parse(json),
                Element::TooLong { .. } => Err(element.skipped()),
            };
            match read {
                Ok(event) => frame.events.push(event),
                Err(skipped) => frame.skipped.push(skipped),
            }
        }
        if !scanner.complete() {
            let why = "the frame is no complete JSON object".to_owned();
            frame.skipped.push(Skipped { id: None, why });
        }
        frame
    }
}

impl Event {
    /// Reads one element of `Events`.
    ///
    /// # Errors
    /// A [`Skipped`] that says why, for one without a `Type` or, where it is needed, an `Id`.
    pub fn parse(json: &[u8]) -> Result<Self, Skipped> {
        Self::read(json).map_err(|cause| Skipped::new(json, &cause))
    }

    fn read(json: &[u8]) -> Result<Self, serde_json::Error> {
        #[derive(Deserialize)]
        struct Typed {
            #[serde(rename = "Type")]
            kind: String,
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "PascalCase")]
        struct Stated<I, S: Default> {
            id: I,
            #[serde(default)]
            state: S,
        }
        let Typed { kind } = serde_json::from_slice(json)?;
        Ok(match kind.as_str() {
            "DeviceCommand" => {
                let Stated { id, state } = serde_json::from_slice(json)?;
                Self::DeviceCommand { id, state }
            }
            "Reservation" => Self::Reservation(serde_json::from_slice(json)?),
            "Resource" | "Space" => {
                let Stated { id, state } = serde_json::from_slice(json)?;
                Self::Resource { id, state }
            }
            "PriceUpdate" => Self::PriceUpdate(serde_json::from_slice(json)?),
            _ => Self::Unknown {
                kind,
                raw: Raw(serde_json::from_slice::<Box<RawValue>>(json)?),
            },
        })
    }
}
