//! Reservation numbers for stays that have none the protocol can carry.
//!
//! G# takes one to ten digits. A confirmation number that is one goes out as it is. Every other
//! stay gets a number of its own, which stays the same for all its keys.

use std::collections::BTreeMap;

use jiff::{Timestamp, ToSpan};
use serde::{Deserialize, Serialize};

/// The key of the shelf.
pub const KEY: &str = "reservation-numbers";

/// Numbers above those of ordinary confirmations.
const FIRST: u64 = 9_000_000_001;
const LAST: u64 = 9_999_999_999;

/// Numbers given out, by stay.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Numbers {
    last: u64,
    stays: BTreeMap<String, Given>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Given {
    number: u64,
    until: Timestamp,
}

/// A confirmation number that goes out as it is.
#[must_use]
pub fn plain(number: Option<&str>) -> Option<String> {
    let number = number?.trim();
    let good = (1..=10).contains(&number.len()) && number.bytes().all(|b| b.is_ascii_digit());
    good.then(|| number.to_owned())
}

impl Numbers {
    /// The stay's number, given out now if it has none. Stays that ended a month ago are
    /// forgotten.
    #[must_use]
    pub fn of(mut self, stay: &str, until: Timestamp, now: Timestamp) -> (Self, String) {
        self.stays.retain(|known, given| {
            known == stay
                || given
                    .until
                    .checked_add(720.hours())
                    .is_ok_and(|end| end > now)
        });
        if let Some(given) = self.stays.get_mut(stay) {
            given.until = given.until.max(until);
            let number = given.number.to_string();
            return (self, number);
        }
        let number = if (FIRST..LAST).contains(&self.last) {
            self.last + 1
        } else {
            FIRST
        };
        self.last = number;
        self.stays.insert(stay.to_owned(), Given { number, until });
        (self, number.to_string())
    }
}

#[cfg(test)]
mod tests;
