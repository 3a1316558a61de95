//! The wire of the Mews Connector API as types (public contract, state of August 2026).
//!
//! Reading is tolerant: an absent member is `null`, unknown members are ignored, unknown values of
//! an enumeration are kept as `Unknown`, and arrays are read element by element, so that one odd
//! element never loses its neighbours. Money is decimal and never passes through binary floating
//! point. Sending is exact: PascalCase, and no member the request schemas do not know.
//!
//! Between versions: the contract grows new members and values several times a year; they are
//! ignored or kept as `Unknown`. Nothing of this module is stored in the journal.

mod amount;
mod bill;
mod command;
mod configuration;
mod data;
mod decimal;
mod device;
mod event;
mod fetched;
mod open_enum;
mod request;
mod tell;
mod when;

#[cfg(test)]
mod tests;

pub use amount::*;
pub use bill::*;
pub use command::*;
pub use configuration::*;
pub use data::*;
pub use decimal::{NotMoney, parse_decimal};
pub use device::*;
pub use event::*;
pub use fetched::*;
pub use request::*;
pub use when::{NotATime, parse_when};

/// `null` as the default value: absent and `null` both mean "none".
pub(crate) fn or_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: serde::Deserializer<'de>,
    T: serde::Deserialize<'de> + Default,
{
    <Option<T> as serde::Deserialize>::deserialize(deserializer).map(Option::unwrap_or_default)
}
