//! Who sells and who buys, as of the closing of a bill, in the older style and in the newer.

use std::collections::BTreeMap;

use driver_sdk::Personal;
use serde::Deserialize;

use super::TaggedValue;
use crate::mews::wire::or_default;

/// Who a bill is issued to: the older style, where `Discriminator` tells what `Value` is.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "TaggedValue")]
pub enum OwnerData {
    /// A person.
    Customer(Box<CustomerSnapshot>),
    /// A company.
    Company(Box<CompanySnapshot>),
    /// A discriminator this version does not know, or no value.
    Unknown(String),
}

impl TryFrom<TaggedValue> for OwnerData {
    type Error = serde_json::Error;
    fn try_from(tagged: TaggedValue) -> Result<Self, serde_json::Error> {
        Ok(match (tagged.discriminator.as_str(), &tagged.value) {
            ("BillCustomerData", Some(value)) => Self::Customer(serde_json::from_str(value.get())?),
            ("BillCompanyData", Some(value)) => Self::Company(serde_json::from_str(value.get())?),
            _ => Self::Unknown(tagged.discriminator),
        })
    }
}

/// Who a bill is issued to: the newer style, with a named member.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct AccountSnapshot {
    /// Which of the two.
    #[serde(default, deserialize_with = "or_default")]
    pub discriminator: String,
    /// A person.
    #[serde(default)]
    pub bill_customer_data: Option<CustomerSnapshot>,
    /// A company.
    #[serde(default)]
    pub bill_company_data: Option<CompanySnapshot>,
}

/// A person, as of closing.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct CustomerSnapshot {
    /// The profile.
    #[serde(default)]
    pub id: Option<String>,
    /// Last name.
    #[serde(default)]
    pub last_name: Option<Personal<String>>,
    /// First name.
    #[serde(default)]
    pub first_name: Option<Personal<String>>,
    /// Second last name.
    #[serde(default)]
    pub second_last_name: Option<Personal<String>>,
    /// `Mister`, `Miss`, `Misses`: translate before printing.
    #[serde(default)]
    pub title_prefix: Option<String>,
    /// Tax number.
    #[serde(default)]
    pub tax_identifier: Option<Personal<String>>,
    /// Billing code.
    #[serde(default)]
    pub billing_code: Option<Personal<String>>,
    /// Address.
    #[serde(default)]
    pub address: Option<Address>,
    /// Open keys.
    #[serde(default, deserialize_with = "or_default")]
    pub legal_identifiers: BTreeMap<String, Option<Personal<String>>>,
}

/// A company, as of closing.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct CompanySnapshot {
    /// The profile.
    #[serde(default)]
    pub id: Option<String>,
    /// Name.
    #[serde(default)]
    pub name: Option<Personal<String>>,
    /// Fiscal number.
    #[serde(default)]
    pub fiscal_identifier: Option<Personal<String>>,
    /// Further tax number.
    #[serde(default)]
    pub additional_tax_identifier: Option<Personal<String>>,
    /// D-U-N-S number.
    #[serde(default, rename = "DUNS")]
    pub duns: Option<String>,
    /// Telephone.
    #[serde(default)]
    pub telephone: Option<Personal<String>>,
    /// Tax number.
    #[serde(default)]
    pub tax_identifier: Option<Personal<String>>,
    /// Where invoices go.
    #[serde(default)]
    pub invoicing_email: Option<Personal<String>>,
    /// Department.
    #[serde(default)]
    pub department: Option<Personal<String>>,
    /// Billing code.
    #[serde(default)]
    pub billing_code: Option<Personal<String>>,
    /// Address.
    #[serde(default)]
    pub address: Option<Address>,
    /// Open keys.
    #[serde(default, deserialize_with = "or_default")]
    pub legal_identifiers: BTreeMap<String, Option<Personal<String>>>,
}

/// An address, as of closing.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Address {
    /// First line.
    pub line1: Option<Personal<String>>,
    /// Second line.
    pub line2: Option<Personal<String>>,
    /// City.
    pub city: Option<Personal<String>>,
    /// Postal code.
    pub postal_code: Option<Personal<String>>,
    /// ISO 3166-2.
    pub subdivision_code: Option<String>,
    /// ISO 3166-1.
    pub country_code: Option<String>,
}

/// The seller.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct EnterpriseData {
    /// Further tax number.
    pub additional_tax_identifier: Option<String>,
    /// Name.
    pub company_name: Option<String>,
    /// Account.
    pub bank_account: Option<String>,
    /// Bank.
    pub bank_name: Option<String>,
    /// IBAN.
    pub iban: Option<String>,
    /// BIC.
    pub bic: Option<String>,
}
