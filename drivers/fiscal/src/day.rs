//! The fiscal day: the Z number as we saw it last, a Z closed by somebody else, a late one.

use jiff::SignedDuration;

/// An open day is worth a warning after this long; the law of Bulgaria blocks sales after 24 h.
pub const LATE: SignedDuration = SignedDuration::from_hours(20);

/// The shelf's key of the last Z number.
pub const SHELF_Z: &str = "last-z";

/// What a reading of the Z number means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// The first reading, or the same day.
    Same,
    /// The day was closed since the last reading, not by us.
    ClosedOutside {
        /// The Z number before.
        from: u32,
        /// The Z number now.
        to: u32,
    },
    /// The Z number went back: another printer, or a memory that was reset.
    WentBack {
        /// The Z number before.
        from: u32,
        /// The Z number now.
        to: u32,
    },
}

/// Compares a Z number with the one seen last, and logs what somebody else did.
#[must_use]
pub fn turn(known: Option<u32>, now: u32) -> Turn {
    match known {
        Some(from) if now > from => Turn::ClosedOutside { from, to: now },
        Some(from) if now < from => Turn::WentBack { from, to: now },
        Some(_) | None => Turn::Same,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_z_that_moved_without_us_is_noticed() {
        assert_eq!(turn(None, 764), Turn::Same);
        assert_eq!(turn(Some(764), 764), Turn::Same);
        assert_eq!(
            turn(Some(764), 765),
            Turn::ClosedOutside { from: 764, to: 765 }
        );
        assert_eq!(turn(Some(764), 1), Turn::WentBack { from: 764, to: 1 });
    }
}
