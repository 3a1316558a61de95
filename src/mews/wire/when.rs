//! Instants as Mews writes them, and as it may write them.

use jiff::Timestamp;
use jiff::civil;
use jiff::tz::TimeZone;
use serde::de::Error;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

/// A text that is no instant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a date and time")]
pub struct NotATime;

/// Reads `2026-08-10T09:15:02Z`, with a fraction of up to nine digits, with an explicit offset,
/// without any (UTC), and a bare date (midnight UTC): all four are seen or announced.
///
/// # Errors
/// [`NotATime`] for everything else.
pub fn parse_when(text: &str) -> Result<Timestamp, NotATime> {
    let text = text.trim();
    if let Ok(instant) = text.parse::<Timestamp>() {
        return Ok(instant);
    }
    let local = match text.parse::<civil::DateTime>() {
        Ok(local) => local,
        Err(_) => text
            .parse::<civil::Date>()
            .map_err(|_| NotATime)?
            .at(0, 0, 0, 0),
    };
    TimeZone::UTC.to_timestamp(local).map_err(|_| NotATime)
}

/// A required instant.
pub(crate) fn when<'de, D: Deserializer<'de>>(input: D) -> Result<Timestamp, D::Error> {
    let text = String::deserialize(input)?;
    parse_when(&text).map_err(D::Error::custom)
}

/// An instant that may be absent or `null`.
pub(crate) fn when_opt<'de, D: Deserializer<'de>>(input: D) -> Result<Option<Timestamp>, D::Error> {
    match Option::<String>::deserialize(input)? {
        Some(text) => parse_when(&text).map(Some).map_err(D::Error::custom),
        None => Ok(None),
    }
}

/// An instant, or `None` for anything that is none: for envelopes that must survive.
pub(crate) fn when_lenient<'de, D: Deserializer<'de>>(
    input: D,
) -> Result<Option<Timestamp>, D::Error> {
    let raw = Box::<RawValue>::deserialize(input)?;
    let text = serde_json::from_str::<String>(raw.get()).ok();
    Ok(text.and_then(|text| parse_when(&text).ok()))
}
