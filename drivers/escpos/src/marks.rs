//! Process ids (GS ( H): four printable bytes that come back when everything before them is on
//! paper.

use serde::{Deserialize, Serialize};

/// Bytes a process id may hold: 20 to 7E.
const BASE: u32 = 95;
/// Marks of one attempt.
pub const MARKS_MAX: u32 = BASE * BASE - 1;

/// The ids of one attempt: two bytes tell the attempt, two count up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Marks {
    attempt: u32,
}

impl Marks {
    /// For an attempt by its number at this printer. The same number comes again after 9 025.
    #[must_use]
    pub fn of_attempt(number: u32) -> Self {
        Self {
            attempt: number % (BASE * BASE),
        }
    }

    /// The id of a count, 1 to [`MARKS_MAX`].
    #[must_use]
    pub fn id(self, count: u32) -> [u8; 4] {
        let pair = |n: u32| [digit(n / BASE % BASE), digit(n % BASE)];
        let [a, b] = pair(self.attempt);
        let [c, d] = pair(count);
        [a, b, c, d]
    }

    /// An id that no job bears, count 0 of any attempt: it confirms nothing. Its answer says that
    /// the printer has taken everything sent before it.
    #[must_use]
    pub fn fence() -> [u8; 4] {
        Self::of_attempt(fastrand::u32(..BASE * BASE)).id(0)
    }

    /// True for an id made by [`Marks::fence`], of whatever process.
    #[must_use]
    pub fn is_fence(id: [u8; 4]) -> bool {
        let [_, _, c, d] = id;
        c == digit(0) && d == digit(0)
    }

    /// The count of an id, if it is one of this attempt. A later count confirms the earlier ones;
    /// an id of another attempt confirms nothing.
    #[must_use]
    pub fn count(self, id: [u8; 4]) -> Option<u32> {
        let [a, b, c, d] = id;
        let value = |high: u8, low: u8| {
            let digit = |byte: u8| u32::from(byte).checked_sub(0x20).filter(|n| *n < BASE);
            Some(digit(high)? * BASE + digit(low)?)
        };
        (value(a, b)? == self.attempt).then(|| value(c, d))?
    }
}

fn digit(n: u32) -> u8 {
    u8::try_from(0x20 + n).expect("a digit is below 95")
}

#[cfg(test)]
mod tests;
