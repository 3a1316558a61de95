//! The tables of the config that say what a VAT code and a way of paying are on this device.
//! None of them has a default: a wrong one declares a wrong tax.

use std::collections::BTreeMap;

use driver_sdk::{Fault, PaymentMeans, SettingsError};
use rust_decimal::Decimal;
use serde::Deserialize;

/// The name under which items without a VAT code stand in the table.
pub const UNTAXED: &str = "untaxed";

/// VAT codes of the hotel system, and what they are on the device.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct VatTable(pub BTreeMap<String, VatGroup>);

/// One VAT rate of the device.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VatGroup {
    /// The device's number for it: the department (Epson), or the VAT group 1 to 8 for A to H
    /// (Datecs).
    pub group: u8,
    /// The rate in percent, compared with the device's own where it can be read.
    #[serde(default)]
    pub percent: Option<Decimal>,
}

impl VatTable {
    /// The device's group of a code.
    ///
    /// # Errors
    /// `FISCAL-VAT-UNMAPPED` names the code.
    pub fn group(&self, code: Option<&str>) -> Result<u8, Fault> {
        let name = code.unwrap_or(UNTAXED);
        self.0
            .get(name)
            .map(|entry| entry.group)
            .ok_or_else(|| Fault::permanent("FISCAL-VAT-UNMAPPED").with("code", shortened(name)))
    }
}

/// Ways of paying, and what they are on the device.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct PaymentTable(pub BTreeMap<String, String>);

impl PaymentTable {
    /// The device's word for a way of paying.
    ///
    /// # Errors
    /// `FISCAL-PAYMENT-UNMAPPED` names the way of paying.
    pub fn device_type(&self, means: &PaymentMeans) -> Result<&str, Fault> {
        self.0
            .get(means.as_str())
            .map(String::as_str)
            .ok_or_else(|| {
                Fault::permanent("FISCAL-PAYMENT-UNMAPPED").with("means", shortened(means.as_str()))
            })
    }
}

/// What a technician should know of tables that are still empty: `test` works, no bill does.
#[must_use]
pub fn advise(vat: &VatTable, payments: &PaymentTable) -> Vec<SettingsError> {
    let tables = [
        (vat.0.is_empty(), "vat", "VAT codes"),
        (payments.0.is_empty(), "payments", "ways of paying"),
    ];
    let empty = tables.into_iter().filter(|(empty, ..)| *empty);
    let advice = empty.map(|(_, table, what)| {
        let fact = format!("`{table}` is empty, so every bill will be refused");
        SettingsError::new(format!("{fact}; fill it with the {what} of the hotel"))
    });
    advice.collect()
}

/// A word that came from outside, fit for a note.
pub(crate) fn shortened(word: &str) -> String {
    word.chars().filter(|c| !c.is_control()).take(40).collect()
}
