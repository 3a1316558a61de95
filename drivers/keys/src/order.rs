//! An order checked before anything is sent: every reason to refuse it that needs no hardware.

use driver_sdk::KeyWork;
use jiff::{Timestamp, ToSpan};

use crate::names;

/// What a protocol and a site accept.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Cards for one order.
    pub keys_max: u32,
    /// How many days ahead the end of a key may lie.
    pub days_max: u32,
    /// Rooms one card can open in this protocol.
    pub rooms_max: usize,
    /// Characters of one room's name in this protocol.
    pub room_chars_max: usize,
    /// Characters of an encoder's name in this protocol.
    pub encoder_chars_max: usize,
    /// Characters that would break a message, beside control characters.
    pub separators: &'static [char],
    /// The encoder of this device, for orders that name none.
    pub encoder: Option<String>,
    /// Encoders that may be named; empty: any.
    pub encoders: Vec<String>,
}

/// An order that can be carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// The encoder, verbatim.
    pub encoder: String,
    /// Rooms, verbatim: leading zeroes and spaces are part of a lock's name.
    pub rooms: Vec<String>,
    /// Cards, at least one.
    pub keys: u32,
    /// Start of the stay.
    pub start: Timestamp,
    /// End of the stay.
    pub end: Timestamp,
    /// Whose stay it is, for the ledger.
    pub stay: Option<String>,
}

/// Why an order is refused. Nothing was sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No room, or a blank name.
    #[error("a room is missing")]
    NoRoom,
    /// More rooms than a card of this protocol can open. None is dropped silently.
    #[error("{asked} rooms, {max} fit on a card")]
    TooManyRooms {
        /// Asked for.
        asked: usize,
        /// Possible.
        max: usize,
    },
    /// A room or encoder name that would break a message or does not fit into it.
    #[error("a name cannot be sent: {name:?}")]
    BadName {
        /// With every odd character replaced.
        name: String,
    },
    /// Fewer than one card, or more than the site allows.
    #[error("{asked} keys, 1 to {max} are possible")]
    BadCount {
        /// Asked for.
        asked: i64,
        /// Allowed.
        max: u32,
    },
    /// The stay ends before it starts.
    #[error("the stay ends before it starts")]
    EndsBeforeStart,
    /// The stay is over.
    #[error("the stay is over")]
    Over,
    /// The stay ends too far ahead.
    #[error("the stay ends more than {max} days ahead")]
    TooLong {
        /// Days.
        max: u32,
    },
    /// Neither the order nor the config names an encoder.
    #[error("no encoder is named")]
    NoEncoder,
    /// An encoder that this site does not have.
    #[error("encoder {name:?} is not configured")]
    UnknownEncoder {
        /// As ordered.
        name: String,
    },
}

/// Checks an order.
///
/// # Errors
/// [`Refusal`]: nothing may be sent.
pub fn check(work: &KeyWork, now: Timestamp, limits: &Limits) -> Result<Order, Refusal> {
    let rooms = rooms(&work.locks, limits)?;
    let keys = match u32::try_from(work.count) {
        Ok(keys) if (1..=limits.keys_max).contains(&keys) => keys,
        Ok(_) | Err(_) => {
            return Err(Refusal::BadCount {
                asked: work.count,
                max: limits.keys_max,
            });
        }
    };
    if work.end <= work.start {
        return Err(Refusal::EndsBeforeStart);
    }
    if work.end <= now {
        return Err(Refusal::Over);
    }
    let horizon = now.checked_add((i64::from(limits.days_max) * 24).hours());
    if horizon.is_ok_and(|horizon| work.end > horizon) {
        return Err(Refusal::TooLong {
            max: limits.days_max,
        });
    }
    Ok(Order {
        encoder: encoder(work.encoder.as_deref(), limits)?,
        rooms,
        keys,
        start: work.start,
        end: work.end,
        stay: stay(work),
    })
}

fn rooms(locks: &[String], limits: &Limits) -> Result<Vec<String>, Refusal> {
    if locks.is_empty() || locks.iter().any(|room| room.trim().is_empty()) {
        return Err(Refusal::NoRoom);
    }
    for room in locks {
        usable(room, limits.room_chars_max, limits.separators)?;
    }
    let mut rooms: Vec<String> = Vec::new();
    for room in locks {
        if !rooms.contains(room) {
            rooms.push(room.clone());
        }
    }
    if rooms.len() > limits.rooms_max {
        return Err(Refusal::TooManyRooms {
            asked: rooms.len(),
            max: limits.rooms_max,
        });
    }
    Ok(rooms)
}

fn encoder(named: Option<&str>, limits: &Limits) -> Result<String, Refusal> {
    let named = named.filter(|name| !name.trim().is_empty());
    let own = limits.encoder.as_deref();
    let encoder = named.or(own).ok_or(Refusal::NoEncoder)?;
    usable(encoder, limits.encoder_chars_max, limits.separators)?;
    let allowed = match own {
        Some(own) if limits.encoders.is_empty() => encoder == own,
        Some(_) | None => {
            limits.encoders.is_empty()
                || own == Some(encoder)
                || limits.encoders.iter().any(|known| known == encoder)
        }
    };
    if allowed {
        Ok(encoder.to_owned())
    } else {
        Err(Refusal::UnknownEncoder {
            name: shown(encoder),
        })
    }
}

fn usable(name: &str, chars_max: usize, separators: &[char]) -> Result<(), Refusal> {
    let fits = name.chars().count() <= chars_max && name.chars().all(|c| u32::from(c) < 256);
    if fits && !names::breaks_a_message(name, separators) {
        Ok(())
    } else {
        Err(Refusal::BadName { name: shown(name) })
    }
}

fn shown(name: &str) -> String {
    name.chars()
        .take(40)
        .map(|c| if c.is_control() { '?' } else { c })
        .collect()
}

/// The stay, by the best name the order has for it.
fn stay(work: &KeyWork) -> Option<String> {
    let number = work
        .reservation_number
        .as_deref()
        .map(str::trim)
        .filter(|text| !text.is_empty());
    match (work.reservation, number) {
        (Some(id), _) => Some(format!("reservation {id}")),
        (None, Some(number)) => Some(format!("number {number}")),
        (None, None) => None,
    }
}

#[cfg(test)]
mod tests;
