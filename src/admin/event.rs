//! What is heard on the sockets of the worker, one JSON line each.

use futures_util::stream::{self, BoxStream, StreamExt};
use serde::{Deserialize, Serialize};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

use crate::intake::Outside;
use crate::mews::wire::Event;
use crate::supervise::Worker;

/// One line of the stream. A reader skips a `kind` it does not know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Heard {
    /// An event of any type.
    Event {
        /// `[property.NAME]`.
        property: String,
        /// For people.
        line: String,
        /// In the wire's own names.
        event: serde_json::Value,
    },
    /// The socket stands.
    Up {
        /// `[property.NAME]`.
        property: String,
    },
    /// It does not.
    Down {
        /// `[property.NAME]`.
        property: String,
        /// Why, where it is known.
        why: Option<String>,
    },
    /// The reader was too slow.
    Missed {
        /// So many lines are lost.
        lines: u64,
    },
}

impl Heard {
    /// An event of a property.
    #[must_use]
    pub fn event(property: &str, event: &Event) -> Self {
        Self::Event {
            property: property.to_owned(),
            line: event.to_string(),
            event: event.to_json(),
        }
    }
}

/// Everything every property hears from now on; first how each socket stands.
pub(super) fn follow(worker: &Worker) -> BoxStream<'static, Heard> {
    let streams = worker.hotels().values().filter_map(|hotel| {
        let property = hotel.name.clone();
        // Subscribed before the look, so that no change falls between the two.
        let receiver = worker.outside(&property)?;
        let first = if hotel.is_up() {
            Heard::Up {
                property: property.clone(),
            }
        } else {
            let link = hotel.board.links().remove(&property);
            Heard::Down {
                property: property.clone(),
                why: link.and_then(|link| link.down_because),
            }
        };
        let rest = stream::unfold((property, receiver), next);
        Some(stream::iter([first]).chain(rest).boxed())
    });
    stream::select_all(streams).boxed()
}

type Ear = (String, Receiver<Outside>);

async fn next((property, mut receiver): Ear) -> Option<(Heard, Ear)> {
    let heard = match receiver.recv().await {
        Ok(Outside::Event(event)) => Heard::event(&property, &event),
        Ok(Outside::Up(true)) => Heard::Up {
            property: property.clone(),
        },
        Ok(Outside::Up(false)) => Heard::Down {
            property: property.clone(),
            why: None,
        },
        Err(RecvError::Lagged(lines)) => Heard::Missed { lines },
        Err(RecvError::Closed) => return None,
    };
    Some((heard, (property, receiver)))
}
