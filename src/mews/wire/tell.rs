//! An event as a line for people, and as JSON for programs.

use std::fmt;

use serde_json::{Map, Value, json};

use super::event::{Event, PriceUpdateEvent, ReservationEvent};

impl Event {
    /// The event in the wire's own names; `null` where it said nothing.
    #[must_use]
    pub fn to_json(&self) -> Value {
        match self {
            Self::DeviceCommand { id, state } => {
                json!({ "Type": "DeviceCommand", "Id": id, "State": state })
            }
            Self::Reservation(event) => json!({
                "Type": "Reservation", "Id": event.id, "State": event.state,
                "StartUtc": event.start_utc, "EndUtc": event.end_utc,
                "AssignedResourceId": event.assigned_resource_id,
            }),
            Self::Resource { id, state } => json!({ "Type": "Resource", "Id": id, "State": state }),
            Self::PriceUpdate(event) => json!({
                "Type": "PriceUpdate", "Id": event.id, "StartUtc": event.start_utc,
                "EndUtc": event.end_utc, "RateId": event.rate_id,
                "ResourceCategoryId": event.resource_category_id,
            }),
            Self::Unknown { kind, raw } => serde_json::from_str(raw.get()).unwrap_or_else(|_| {
                Value::Object(Map::from_iter([("Type".to_owned(), json!(kind))]))
            }),
        }
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DeviceCommand { id, state } => {
                write!(f, "DeviceCommand {id} {}", plain(state.as_str()))
            }
            Self::Reservation(event) => event.fmt(f),
            Self::Resource { id, state } => write!(f, "Resource {id} {}", plain(state.as_str())),
            Self::PriceUpdate(event) => event.fmt(f),
            // JSON is one line here, and what would move a cursor is escaped in it.
            Self::Unknown { .. } => write!(f, "Unknown {}", self.to_json()),
        }
    }
}

impl fmt::Display for ReservationEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Reservation {} {}", self.id, plain(self.state.as_str()))?;
        part(f, "from", self.start_utc)?;
        part(f, "to", self.end_utc)?;
        part(f, "in", self.assigned_resource_id)
    }
}

impl fmt::Display for PriceUpdateEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PriceUpdate {}", self.id)?;
        part(f, "from", self.start_utc)?;
        part(f, "to", self.end_utc)?;
        part(f, "rate", self.rate_id)?;
        part(f, "category", self.resource_category_id)
    }
}

/// An unknown state without what would move a terminal's cursor.
fn plain(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).collect()
}

fn part(f: &mut fmt::Formatter<'_>, name: &str, value: Option<impl fmt::Display>) -> fmt::Result {
    match value {
        Some(value) => write!(f, " {name} {value}"),
        None => Ok(()),
    }
}
