//! What only Italy's fiscal machines need: the receipt that is refunded, and ready documents.

use driver_sdk::Personal;
use jiff::Timestamp;
use serde::Deserialize;

use super::TaggedValue;
use crate::mews::wire::when::when_opt;

/// Italy: what the fiscal machine must know of a refund.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "TaggedValue")]
pub enum BillFiscalMachineData {
    /// Known.
    Italian(ItalianFiscalMachineData),
    /// A discriminator this version does not know, or no value: do not print.
    Unknown(String),
}

impl TryFrom<TaggedValue> for BillFiscalMachineData {
    type Error = serde_json::Error;
    fn try_from(tagged: TaggedValue) -> Result<Self, serde_json::Error> {
        Ok(match (tagged.discriminator.as_str(), &tagged.value) {
            ("ItalianFiscalMachineData", Some(value)) => {
                Self::Italian(serde_json::from_str(value.get())?)
            }
            _ => Self::Unknown(tagged.discriminator),
        })
    }
}

/// Italy: the receipt being refunded.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ItalianFiscalMachineData {
    /// This document is a refund.
    pub is_refund: bool,
    /// Number of the refunded receipt.
    #[serde(default)]
    pub rebated_receipt_number: Option<String>,
    /// Its daily closure.
    #[serde(default)]
    pub rebated_receipt_sequence: Option<String>,
    /// Its time.
    #[serde(default, deserialize_with = "when_opt")]
    pub rebated_receipt_date_time_utc: Option<Timestamp>,
    /// Its machine.
    #[serde(default)]
    pub printer_serial_number: Option<String>,
}

/// Italy: a ready document for the machine, in base64.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "TaggedValue")]
pub enum PayloadData {
    /// Known; pass the bytes on unchanged.
    Italian(Personal<String>),
    /// A discriminator this version does not know, or no value: do not print.
    Unknown(String),
}

impl TryFrom<TaggedValue> for PayloadData {
    type Error = serde_json::Error;
    fn try_from(tagged: TaggedValue) -> Result<Self, serde_json::Error> {
        // The prose once calls the discriminator `ItalianFiscalMachinePayloadData`.
        Ok(match (tagged.discriminator.as_str(), &tagged.value) {
            ("ItalianFiscalMachine" | "ItalianFiscalMachinePayloadData", Some(value)) => {
                Self::Italian(serde_json::from_str(value.get())?)
            }
            _ => Self::Unknown(tagged.discriminator),
        })
    }
}
