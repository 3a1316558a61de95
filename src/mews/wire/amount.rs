//! Money with its taxes.

use rust_decimal::Decimal;
use serde::Deserialize;

use super::decimal::{money, money_opt};
use super::or_default;

/// An amount, plain or extended: the extended one only adds deprecated leftovers, of which none is
/// read (`TaxRate` is a percentage in one place and a fraction in another).
///
/// Charges are positive; payments and rebates are negative.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Amount {
    /// ISO 4217.
    pub currency: String,
    /// Without taxes.
    #[serde(deserialize_with = "money")]
    pub net_value: Decimal,
    /// With taxes.
    #[serde(deserialize_with = "money")]
    pub gross_value: Decimal,
    /// Each tax by its code.
    #[serde(default, deserialize_with = "or_default")]
    pub tax_values: Vec<TaxValue>,
    /// The same by rate.
    #[serde(default, deserialize_with = "or_default")]
    pub breakdown: Breakdown,
}

/// A tax by its code.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct TaxValue {
    /// The hotel country's name of the tax.
    #[serde(default)]
    pub code: Option<String>,
    /// How much.
    #[serde(deserialize_with = "money")]
    pub value: Decimal,
}

/// An amount by tax rate.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Breakdown {
    /// One item per rate.
    #[serde(default, deserialize_with = "or_default")]
    pub items: Vec<BreakdownItem>,
}

/// The part of an amount under one rate.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct BreakdownItem {
    /// The hotel country's name of the rate; `None`: untaxed.
    #[serde(default)]
    pub tax_rate_code: Option<String>,
    /// Without tax.
    #[serde(deserialize_with = "money")]
    pub net_value: Decimal,
    /// The tax; absent counts as none.
    #[serde(default, deserialize_with = "money_opt")]
    pub tax_value: Option<Decimal>,
}
