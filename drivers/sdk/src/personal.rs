//! A guest's data: carried, used, never shown.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A guest name, a card or document number, a lock password: its `Debug` prints `<personal>`, and
/// it has no `Display`, so it reaches a log only through a deliberate [`Personal::reveal`].
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Personal<T>(T);

impl<T> Personal<T> {
    /// Marks a value as personal.
    pub const fn new(value: T) -> Self {
        Self(value)
    }

    /// The value itself, for the wire of the device.
    pub const fn reveal(&self) -> &T {
        &self.0
    }

    /// The value itself, consumed.
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T> From<T> for Personal<T> {
    fn from(value: T) -> Self {
        Self(value)
    }
}

impl<T> fmt::Debug for Personal<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<personal>")
    }
}
