//! What the worker uses of `configuration/get`.

use jiff::Timestamp;
use serde::Deserialize;
use uuid::Uuid;

use super::open_enum::open_enum;
use super::or_default;
use super::when::when;

/// The hotel behind an access token.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Configuration {
    /// The cloud's time when it answered.
    #[serde(deserialize_with = "when")]
    pub now_utc: Timestamp,
    /// The hotel.
    pub enterprise: Enterprise,
    /// False where document numbers must not be stored; absent counts as false.
    #[serde(default, deserialize_with = "or_default")]
    pub is_identity_document_number_required: bool,
}

/// The hotel.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Enterprise {
    /// Its id.
    pub id: Uuid,
    /// Its name, for logs and pages.
    #[serde(default, deserialize_with = "or_default")]
    pub name: String,
    /// The chain, for portfolio writes.
    #[serde(default)]
    pub chain_id: Option<Uuid>,
    /// IANA name of its zone; empty if it came empty.
    #[serde(default, deserialize_with = "or_default")]
    pub time_zone_identifier: String,
    /// Which law.
    #[serde(default)]
    pub legal_environment_code: Option<String>,
    /// Which fiscal rules.
    #[serde(default)]
    pub tax_environment_code: Option<String>,
    /// Its currencies.
    #[serde(default, deserialize_with = "or_default")]
    pub currencies: Vec<EnterpriseCurrency>,
    /// Whether prices include tax.
    #[serde(default)]
    pub pricing: Pricing,
    /// Decimals of tax arithmetic; `None`: those of the currency.
    #[serde(default)]
    pub tax_precision: Option<i32>,
    /// True: a portfolio token, which the command loop refuses.
    #[serde(default, deserialize_with = "or_default")]
    pub is_portfolio: bool,
}

/// A currency of the hotel.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct EnterpriseCurrency {
    /// ISO 4217.
    #[serde(default, deserialize_with = "or_default")]
    pub currency: String,
    /// The hotel's own.
    #[serde(default, deserialize_with = "or_default")]
    pub is_default: bool,
    /// In use.
    #[serde(default, deserialize_with = "or_default")]
    pub is_enabled: bool,
}

open_enum! {
    /// Whether prices include tax.
    Pricing {
        /// They do.
        Gross = "Gross",
        /// They do not.
        Net = "Net",
    }
}
