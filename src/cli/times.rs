//! Times as a person at this PC reads them.

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// Day and second.
pub(super) fn second(at: Timestamp) -> String {
    at.to_zoned_datetime(TimeZone::system())
        .strftime("%Y-%m-%d %H:%M:%S")
        .to_string()
}

/// Day and thousandth, for a story whose steps are close together.
pub(super) fn millisecond(at: Timestamp) -> String {
    at.to_zoned_datetime(TimeZone::system())
        .strftime("%Y-%m-%d %H:%M:%S%.3f")
        .to_string()
}
