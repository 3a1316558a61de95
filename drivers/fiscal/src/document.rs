//! A fiscal document before any device's dialect: lines, payments, one total.

use driver_sdk::{Party, Personal};
use jiff::civil::DateTime;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// What is to be issued. All amounts are cents with VAT, and positive: a refund says so in its
/// kind and not in its signs.
#[derive(Debug, Clone)]
pub struct Document {
    /// A sale, or money given back.
    pub kind: Kind,
    /// At least one.
    pub lines: Vec<Line>,
    /// At least one; their sum is the total.
    pub payments: Vec<Payment>,
    /// Sum of the lines without their discounts.
    pub total: i64,
    /// ISO 4217.
    pub currency: String,
    /// The hotel's bill.
    pub bill: BillRef,
    /// The buyer, if the bill says that he may stand on paper.
    pub buyer: Option<Party>,
}

/// Which way the money goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// A sale.
    Sale,
    /// A refund or void of an earlier document.
    Refund(Refund),
}

/// A refund and what it refers to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refund {
    /// Why.
    pub reason: Reason,
    /// What the hotel system says of the original; may be incomplete.
    pub original: Original,
    /// The corrected bill, under which our own memory may know the original.
    pub corrected: Option<Uuid>,
}

/// Why a document is taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// It should never have been issued.
    OperatorError,
    /// Money is given back.
    Refund,
}

/// An issued document, as far as it is known. Also what the shelf keeps of each of ours, so that
/// a later refund finds it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Original {
    /// Day number (Z), where the device counts per day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub day: Option<String>,
    /// Document number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<String>,
    /// Local time of the device.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<DateTime>,
    /// Serial or fiscal memory number of the device.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub serial: Option<String>,
    /// The key the document carries (UNP).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
}

impl Original {
    /// What is known from either, this one first.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self {
            day: self.day.or(other.day),
            number: self.number.or(other.number),
            at: self.at.or(other.at),
            serial: self.serial.or(other.serial),
            key: self.key.or(other.key),
        }
    }

    /// The shelf's key of the document issued for a bill.
    #[must_use]
    pub fn shelf_key(bill: Uuid) -> String {
        format!("bill/{bill}")
    }
}

/// The hotel's bill.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BillRef {
    /// Its identity.
    pub id: Uuid,
    /// The number people know.
    pub number: Option<String>,
}

/// One line: one VAT group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Cleaned and cut for the device.
    pub text: Personal<String>,
    /// The device's VAT group or department.
    pub group: u8,
    /// Cents for one, with VAT.
    pub price: i64,
    /// Quantity in thousandths.
    pub thousandths: i64,
    /// `round(quantity × price)`, as the device will compute it.
    pub gross: i64,
    /// Taken off this line, at most its gross.
    pub discount: i64,
}

/// One payment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payment {
    /// The device's word for it, from the config's table.
    pub device_type: String,
    /// Cents.
    pub amount: i64,
    /// Coins and notes: paid last, because only cash may give change.
    pub cash: bool,
}
