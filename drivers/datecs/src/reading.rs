//! What the printer says of itself, in either dialect.

use driver_fiscal::verdict::LastDocument;
use jiff::civil::DateTime;
use serde::{Deserialize, Serialize};

/// Whether a document is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Open {
    /// None.
    No,
    /// A sale.
    Sale,
    /// A storno.
    Storno,
    /// A service receipt.
    NonFiscal,
}

/// The state of the current or last receipt (command 76).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// Whether it is open.
    pub open: Open,
    /// Its slip number; `None` in the older dialect.
    pub number: Option<u32>,
    /// Lines.
    pub items: u32,
    /// Cents.
    pub amount: i64,
    /// Cents.
    pub paid: i64,
}

/// Who the printer is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// Model and firmware.
    pub model: String,
    /// Serial number, two letters and six digits.
    pub serial: String,
    /// Number of the fiscal memory, eight digits.
    pub memory: String,
    /// The registered tax number, where it can be read.
    pub tax_number: Option<String>,
}

/// Everything a verdict is made of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reading {
    /// The last fiscal document. Its key is the UNP read with it.
    pub last: LastDocument,
    /// The current or last receipt.
    pub receipt: Receipt,
    /// The last Z, where it can be read.
    pub z: Option<u32>,
    /// Its time.
    pub z_at: Option<DateTime>,
    /// The time of the last document was marked as summer time: on the day the clocks go back, an
    /// hour comes twice, and a storno names its original by what is printed on it.
    #[serde(default)]
    pub summer: bool,
}

/// When a document was issued, as it stands on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Printed {
    /// The time.
    pub at: DateTime,
    /// It is marked as summer time.
    pub summer: bool,
}

impl Printed {
    /// Reads it; `None` for a text that is no time.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        Some(Self {
            at: time(text)?,
            summer: is_summer(text),
        })
    }
}

/// A time as the printers write it: `24-11-26 14:05:10` or `24-11-2026 14:05:10`, and `DST` after
/// it in summer on some.
#[must_use]
pub fn time(text: &str) -> Option<DateTime> {
    let text = text.trim().trim_end_matches("DST").trim_end();
    let (date, clock) = text.split_once(' ')?;
    let mut date = date.split('-').map(|part| part.parse::<i16>().ok());
    let (day, month, year) = (date.next()??, date.next()??, date.next()??);
    let year = if year < 100 { year + 2000 } else { year };
    let mut clock = clock.split(':').map(|part| part.parse::<i8>().ok());
    let (hour, minute) = (clock.next()??, clock.next()??);
    let second = clock.next().unwrap_or(Some(0))?;
    let (day, month) = (i8::try_from(day).ok()?, i8::try_from(month).ok()?);
    DateTime::new(year, month, day, hour, minute, second, 0).ok()
}

/// True for a time that the printer marked as summer time.
#[must_use]
pub fn is_summer(text: &str) -> bool {
    text.trim_end().ends_with("DST")
}

/// A time as storno and search commands take it: `24-11-26 14:05:10`.
#[must_use]
pub fn write_time(at: DateTime) -> String {
    at.strftime("%d-%m-%y %H:%M:%S").to_string()
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn times_of_both_lengths_and_with_dst_are_read() {
        let at = date(2026, 11, 24).at(14, 5, 10, 0);
        for text in [
            "24-11-26 14:05:10",
            "24-11-2026 14:05:10",
            "24-11-26 14:05:10 DST",
        ] {
            assert_eq!(time(text), Some(at), "{text}");
        }
        for text in [
            "",
            "24-11-26",
            "32-11-26 14:05:10",
            "24-11-26 25:00:00",
            "a-b-c d:e",
        ] {
            assert_eq!(time(text), None, "{text}");
        }
        assert_eq!(write_time(at), "24-11-26 14:05:10");
        assert!(is_summer("25-10-26 03:30:00 DST") && !is_summer("25-10-26 03:30:00"));
    }
}
