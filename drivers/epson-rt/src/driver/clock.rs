//! The printer's clock. No command known to us reads it, so it is known by what the printer stamps
//! on documents: the time of the last one, and how far off it was when a document of ours was
//! issued. Both say something only while that fiscal day is open, because the clock is set with the
//! day closed.

use driver_fiscal::verdict::LastDocument;
use driver_sdk::Fault;
use jiff::civil::DateTime;
use serde::{Deserialize, Serialize};

/// A document would carry a wrong time.
const DRIFT_MAX_S: i64 = 15 * 60;
/// A clock that is further off is worth a warning.
const DRIFT_WARN_S: i64 = 2 * 60;

/// The shelf's key of the printer's clock, as our last document showed it.
pub(super) const SHELF_CLOCK: &str = "clock";

/// How far the printer's clock was off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Drift {
    /// Printer minus property.
    pub seconds: i64,
    /// The printer's time of that document.
    pub at: DateTime,
    /// The fiscal day of that document; 0 in what older versions wrote.
    #[serde(default)]
    pub day: u32,
}

impl Drift {
    /// What a document of ours shows, that was sent and answered between two of our own times.
    pub fn shown(document: &LastDocument, between: (DateTime, DateTime)) -> Option<Self> {
        let (sent, answered) = between;
        let at = document.at?;
        let seconds = match at {
            at if at < sent => at.duration_since(sent).as_secs(),
            at if at > answered => at.duration_since(answered).as_secs(),
            _ => 0,
        };
        // A minute's precision, where the answer alone tells the time.
        let seconds = if seconds.abs() < 60 { 0 } else { seconds };
        let day = document.day;
        Some(Self { seconds, at, day })
    }

    /// Worth a warning.
    pub fn warning(self) -> Option<Fault> {
        (self.seconds.abs() > DRIFT_WARN_S)
            .then(|| Fault::operator("EPSON-CLOCK").with("minutes", self.seconds / 60))
    }
}

/// By how many minutes the clock is known to be wrong, where that is more than a document may be
/// off: the last document of the open day is from the future, or ours of that day was too far off.
pub(super) fn wrong_by(
    last: &LastDocument,
    open: Option<bool>,
    now: DateTime,
    known: Option<Drift>,
) -> Option<i64> {
    if open != Some(true) || last.number == 0 {
        return None;
    }
    let ahead = last
        .at
        .map_or(0, |at| at.duration_since(now).as_secs().max(0));
    let known = known.filter(|drift| drift.day == last.day);
    let seconds = known.map_or(0, |drift| drift.seconds);
    [ahead, seconds]
        .into_iter()
        .find(|seconds| seconds.abs() > DRIFT_MAX_S)
        .map(|seconds| seconds / 60)
}
