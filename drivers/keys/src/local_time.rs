//! Instants as the naive wall time of the hotel, which is all these protocols carry.
//!
//! Each instant is converted by itself: across a change of the clocks the offset of the start is
//! not that of the end. Formats without minutes are rounded outward, so that nobody is locked out
//! at the end of a stay.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan, Unit};
use serde::{Deserialize, Serialize};

/// What to do with minutes that a format cannot carry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rounding {
    /// The start down, the end up: the key works a little longer.
    #[default]
    Outward,
    /// Both down, as older interfaces did: the key may end early.
    Truncate,
}

/// Which moment a key's validity begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum StartFrom {
    /// Now, or the start of the stay if that is past: the card works from the moment it is cut.
    #[default]
    Now,
    /// The start of the stay.
    Reservation,
}

/// A stay as the hotel's wall clocks show it, with minutes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LocalStay {
    /// When the key begins to work.
    pub start: DateTime,
    /// When it stops.
    pub end: DateTime,
}

impl LocalStay {
    /// Converts both ends in the hotel's zone; seconds are rounded outward to the minute.
    #[must_use]
    pub fn new(start: Timestamp, end: Timestamp, zone: &TimeZone) -> Self {
        let start = zone.to_datetime(start);
        let end = zone.to_datetime(end);
        Self {
            start: floor(start, Unit::Minute),
            end: ceil(end, Unit::Minute),
        }
    }

    /// The same in whole hours.
    #[must_use]
    pub fn in_hours(self, rounding: Rounding) -> Self {
        let start = floor(self.start, Unit::Hour);
        match rounding {
            Rounding::Outward => Self {
                start,
                end: ceil(self.end, Unit::Hour),
            },
            Rounding::Truncate => Self {
                start,
                end: floor(self.end, Unit::Hour),
            },
        }
    }
}

/// `HHddMMyy`, the eight digits of Onity (PMS Industry Standard).
#[must_use]
pub fn hour_date(at: DateTime) -> String {
    at.strftime("%H%d%m%y").to_string()
}

/// `HHmmddMMyy`, the ten digits of SALTO (PMS Industry Standard).
#[must_use]
pub fn hour_minute_date(at: DateTime) -> String {
    at.strftime("%H%M%d%m%y").to_string()
}

/// `YYMMDD`, the date of FIAS.
#[must_use]
pub fn fias_date(at: DateTime) -> String {
    at.strftime("%y%m%d").to_string()
}

/// `HHMMSS`, the time of FIAS.
#[must_use]
pub fn fias_time(at: DateTime) -> String {
    at.strftime("%H%M%S").to_string()
}

/// `HH:MM`, the departure time of FIAS.
#[must_use]
pub fn fias_departure(at: DateTime) -> String {
    at.strftime("%H:%M").to_string()
}

/// For people: `30 Mar 2026 12:00`.
#[must_use]
pub fn for_people(at: DateTime) -> String {
    at.strftime("%-d %b %Y %H:%M").to_string()
}

fn floor(at: DateTime, unit: Unit) -> DateTime {
    let minute = if unit == Unit::Hour { 0 } else { at.minute() };
    at.with()
        .minute(minute)
        .second(0)
        .subsec_nanosecond(0)
        .build()
        .expect("the start of a minute or an hour exists on every day")
}

fn ceil(at: DateTime, unit: Unit) -> DateTime {
    let down = floor(at, unit);
    if down == at {
        return at;
    }
    let step = if unit == Unit::Hour {
        1.hour()
    } else {
        1.minute()
    };
    // Only the last hour of the year 9999 has no next one.
    down.checked_add(step).unwrap_or(down)
}

#[cfg(test)]
mod tests;
