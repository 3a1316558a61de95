//! What the virtual fiscal printers share: a clock, a fiscal memory on disk whose numbers survive
//! a restart, VAT arithmetic, and a roll of paper as text and as a picture. Their parsers are
//! their own.

mod memory;
mod roll;

pub use memory::{Document, Memory, MemoryLine, vat_inside};
pub use roll::Roll;

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

/// The clock of a virtual printer: the PC's, or one that was set.
#[derive(Debug, Clone)]
pub struct DeviceClock {
    set: Option<(DateTime, Instant)>,
    zone: TimeZone,
    offset: SignedDuration,
}

impl Default for DeviceClock {
    fn default() -> Self {
        Self {
            set: None,
            zone: TimeZone::system(),
            offset: SignedDuration::ZERO,
        }
    }
}

impl DeviceClock {
    /// The local time it shows.
    #[must_use]
    pub fn now(&self) -> DateTime {
        let shown = match self.set {
            Some((at, since)) => {
                let passed = driver_sdk::clock::now() - since;
                at + SignedDuration::try_from(passed).unwrap_or(SignedDuration::ZERO)
            }
            None => {
                #[expect(
                    clippy::disallowed_methods,
                    reason = "a virtual printer has a clock of its own, as a real one has"
                )]
                let now = Timestamp::now();
                self.zone.to_datetime(now)
            }
        };
        shown + self.offset
    }

    /// Sets it to a local time; it goes on from there.
    ///
    /// # Errors
    /// A sentence, if the text is no time.
    pub fn set(&mut self, text: &str) -> Result<(), String> {
        let at: DateTime = text
            .parse()
            .map_err(|_| "a time such as 2026-11-24T14:05:00")?;
        self.set = Some((at, driver_sdk::clock::now()));
        Ok(())
    }

    /// Shows the time of a zone.
    ///
    /// # Errors
    /// A sentence, if there is no such zone.
    pub fn zone(&mut self, name: &str) -> Result<(), String> {
        self.zone = TimeZone::get(name).map_err(|_| "a zone such as Europe/Rome")?;
        Ok(())
    }

    /// Lets it drift by so many seconds.
    ///
    /// # Errors
    /// A sentence, if the text is no number.
    pub fn drift(&mut self, seconds: &str) -> Result<(), String> {
        let seconds: i32 = seconds.parse().map_err(|_| "seconds, such as -3600")?;
        self.offset = SignedDuration::from_secs(i64::from(seconds));
        Ok(())
    }
}
