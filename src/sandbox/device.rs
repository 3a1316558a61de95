//! Devices of a hotel, as Mews lists them.

use serde_json::{Value, json};
use uuid::Uuid;

/// What a device is: `Type` on the wire decides how a command's `Data` is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeviceKind {
    /// A printer.
    Printer,
    /// A terminal that takes payments.
    PaymentTerminal,
    /// An encoder of key cards.
    KeyCutter,
    /// A fiscal printer.
    FiscalMachine,
    /// A scanner of identity documents.
    PassportScanner,
    /// A type this edition does not know; the contract says such may come.
    Other(String),
}

impl DeviceKind {
    /// The name on the wire.
    pub fn name(&self) -> &str {
        match self {
            Self::Printer => "Printer",
            Self::PaymentTerminal => "PaymentTerminal",
            Self::KeyCutter => "KeyCutter",
            Self::FiscalMachine => "FiscalMachine",
            Self::PassportScanner => "PassportScanner",
            Self::Other(name) => name,
        }
    }

    /// Reads the name on the wire.
    pub fn from_name(name: &str) -> Self {
        match name {
            "Printer" => Self::Printer,
            "PaymentTerminal" => Self::PaymentTerminal,
            "KeyCutter" => Self::KeyCutter,
            "FiscalMachine" => Self::FiscalMachine,
            "PassportScanner" => Self::PassportScanner,
            other => Self::Other(other.to_owned()),
        }
    }
}

/// A device as staff added it in Mews.
#[derive(Debug, Clone)]
pub struct Device {
    /// The key for routing.
    pub id: Uuid,
    /// What it is.
    pub kind: DeviceKind,
    /// The name staff typed; it can change and need not be unique.
    pub name: String,
    /// Mews' own use; absent on the wire when `None`.
    pub identifier: Option<String>,
    /// Whether it is listed under "Connected devices" of this integration. Commands of other
    /// devices are neither announced nor listed.
    pub connected: bool,
}

impl Device {
    /// The wire form.
    pub(super) fn wire(&self) -> Value {
        let mut device = json!({ "Id": self.id, "Type": self.kind.name(), "Name": self.name });
        if let Some(identifier) = &self.identifier {
            device["Identifier"] = json!(identifier);
        }
        device
    }
}
