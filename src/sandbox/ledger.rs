//! What the sandbox saw: one entry per request and per socket upgrade. Written for checkers.

use super::limit::most_in_window;
use jiff::Timestamp;
use serde_json::Value;
use std::{collections::VecDeque, fmt, time::Duration};
use tokio::time::Instant;
use uuid::Uuid;

/// Entries kept; a sandbox left running for weeks forgets its oldest.
const KEPT: usize = 200_000;

/// A request to the API.
#[derive(Debug, Clone)]
pub struct RequestSeen {
    /// A running number.
    pub number: u64,
    /// When it had arrived whole, on the runtime's timer.
    pub at: Instant,
    /// When, by the cloud's clock.
    pub utc: Timestamp,
    /// The path as sent.
    pub path: String,
    /// The operation, such as `commands/update`, where the path is one.
    pub operation: Option<String>,
    /// The hotel of the access token, where it is one.
    pub hotel: Option<Uuid>,
    /// The answer's status; `None` while it is worked on, or if no answer was sent.
    pub status: Option<u16>,
    /// The fault that met it.
    pub fault: Option<String>,
    /// Requests of this hotel under way when it had arrived, itself included.
    pub in_flight: usize,
    /// The body without tokens and documents; null where it was no JSON object.
    pub body: Value,
    /// `Request-Id` of the answer.
    pub request_id: Uuid,
}

/// An attempt to open the event socket.
#[derive(Clone)]
pub struct UpgradeSeen {
    /// When, on the runtime's timer.
    pub at: Instant,
    /// The target as sent, with a query if there was one.
    pub target: String,
    /// The headers, names in lower case, values untouched: tokens included.
    pub headers: Vec<(String, String)>,
    /// 101, or the status of the refusal.
    pub status: u16,
}

impl fmt::Debug for UpgradeSeen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UpgradeSeen")
            .field("at", &self.at)
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}

/// All entries.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    next: u64,
    requests: VecDeque<RequestSeen>,
    upgrades: VecDeque<UpgradeSeen>,
}

impl Ledger {
    /// Writes a request down; gives its number.
    pub(super) fn request(&mut self, mut seen: RequestSeen) -> u64 {
        let number = self.next;
        self.next += 1;
        seen.number = number;
        if self.requests.len() == KEPT {
            self.requests.pop_front();
        }
        self.requests.push_back(seen);
        number
    }

    /// Completes an entry.
    pub(super) fn edit(&mut self, number: u64, change: impl FnOnce(&mut RequestSeen)) {
        let first = self.requests.front().map_or(0, |seen| seen.number);
        let place = number
            .checked_sub(first)
            .and_then(|place| usize::try_from(place).ok());
        if let Some(seen) = place.and_then(|place| self.requests.get_mut(place)) {
            change(seen);
        }
    }

    pub(super) fn upgrade(&mut self, seen: UpgradeSeen) {
        if self.upgrades.len() == KEPT {
            self.upgrades.pop_front();
        }
        self.upgrades.push_back(seen);
    }

    pub(super) fn requests(&self) -> impl Iterator<Item = &RequestSeen> {
        self.requests.iter()
    }

    pub(super) fn upgrades(&self) -> impl Iterator<Item = &UpgradeSeen> {
        self.upgrades.iter()
    }

    /// The most requests of a hotel in any window of `span`, refused ones included.
    pub(super) fn most_in_window(&self, hotel: Uuid, span: Duration) -> usize {
        let of_hotel = self
            .requests
            .iter()
            .filter(|seen| seen.hotel == Some(hotel));
        let times: Vec<Instant> = of_hotel.map(|seen| seen.at).collect();
        most_in_window(&times, span)
    }
}
