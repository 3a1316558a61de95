//! A device as Mews lists it.

use serde::Deserialize;
use uuid::Uuid;

use super::open_enum::open_enum;
use super::or_default;

open_enum! {
    /// What a device is; decides how `Data` is read.
    DeviceType {
        /// Paper.
        Printer = "Printer",
        /// Payment cards.
        PaymentTerminal = "PaymentTerminal",
        /// Keys.
        KeyCutter = "KeyCutter",
        /// Fiscal documents.
        FiscalMachine = "FiscalMachine",
        /// Identity documents.
        PassportScanner = "PassportScanner",
    }
}

/// A device of the hotel.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Device {
    /// The key for routing: names change, this does not.
    pub id: Uuid,
    /// What it is.
    #[serde(rename = "Type", default)]
    pub kind: DeviceType,
    /// Typed by staff; can change, is not unique.
    #[serde(default, deserialize_with = "or_default")]
    pub name: String,
    /// Mews' own use.
    #[serde(default)]
    pub identifier: Option<String>,
}
