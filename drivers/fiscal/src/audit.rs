//! What a fiscal driver writes into the audit trail: one row before a document, one after it.

use serde::Serialize;
use uuid::Uuid;

/// `what` of the row written with the commit: what is about to be sent, and the baseline.
pub const SENDING: &str = "fiscal-sending";
/// `what` of the row of an issued document.
pub const ISSUED: &str = "fiscal-issued";
/// `what` of the row of an attempt that issued nothing.
pub const NOT_ISSUED: &str = "fiscal-not-issued";
/// `what` of the row of a document in doubt.
pub const DOUBT: &str = "fiscal-doubt";
/// `what` of the row of a day end, ours or noticed.
pub const DAY_END: &str = "fiscal-day-end";

/// One row. Personal data only as far as it is printed on the document; passwords are masked.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Row {
    /// The hotel's bill.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bill_id: Option<Uuid>,
    /// The number people know.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bill_number: Option<String>,
    /// The fiscal number, as in the note.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub document: Option<String>,
    /// `sale`, `refund` or `void`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<&'static str>,
    /// The day number (Z) it belongs to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub z: Option<String>,
    /// Serial or fiscal memory number of the device.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub serial: Option<String>,
    /// The device's own time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device_time: Option<String>,
    /// The total, `153.20`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total: Option<String>,
    /// ISO 4217.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub currency: Option<String>,
    /// The key the document carries (UNP).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// How the verdict was reached.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub how: Option<&'static str>,
    /// What the device said before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub baseline: Option<String>,
    /// What it says now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reading: Option<String>,
    /// The bytes sent, as text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request: Option<String>,
    /// The bytes received, as text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answer: Option<String>,
}
