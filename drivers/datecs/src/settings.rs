//! `[device.NAME.settings]` of a Datecs printer.

use driver_fiscal::mapping::{LooseDiscounts, Rules};
use driver_fiscal::tables::{PaymentTable, VatTable};
use driver_fiscal::text::TextRules;
use driver_sdk::{Complaints, Personal};
use serde::Deserialize;

use crate::frame::Dialect;
use crate::sale::{Operator, is_payment_type};
use crate::text;

/// The settings as the file has them.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DatecsSettings {
    /// `x`, `old-p` or `old-c`: which manual the printer follows.
    #[serde(default = "dialect_default")]
    pub dialect: Dialect,
    /// Operator number in the printer, 1 to 30.
    #[serde(default = "one")]
    pub operator: u8,
    /// The operator's password in the printer. Three wrong ones lock an older model.
    #[serde(default = "password_default")]
    pub operator_password: Personal<String>,
    /// Till number, 1 to 99999.
    #[serde(default = "till_default")]
    pub till: u32,
    /// Workplace in the UNP: four letters or digits. Give each worker of the hotel its own.
    #[serde(default = "workplace_default")]
    pub workplace: String,
    /// Department of every line, 0 to 99.
    #[serde(default)]
    pub department: u8,
    /// Characters of one text line of this model.
    #[serde(default = "columns_default")]
    pub columns: usize,
    /// The printer's currency.
    #[serde(default = "currency_default")]
    pub currency: String,
    /// VAT codes of Mews and the printer's groups, 1 for A to 8 for H. No default.
    #[serde(default)]
    pub vat: VatTable,
    /// Ways of paying in Mews and the printer's payment types. No default.
    #[serde(default)]
    pub payments: PaymentTable,
    /// VAT group of a deposit. No default: a deposit is refused.
    #[serde(default)]
    pub deposit_group: Option<u8>,
    /// What to do with a discount that belongs to no line.
    #[serde(default)]
    pub loose_discounts: LooseDiscounts,
    /// Compared with the machine the command names.
    #[serde(default)]
    pub machine_id: Option<String>,
    /// No other till uses this printer: a document one step on with our total is ours even where
    /// its UNP cannot be read.
    #[serde(default)]
    pub only_till: bool,
    /// Close the day by itself when it has been open for so many hours. Off by default.
    #[serde(default)]
    pub automatic_z_after_h: Option<u8>,
}

impl DatecsSettings {
    /// What serde cannot see.
    pub fn check(&self, complaints: &mut Complaints<'_>) {
        let operator = (1..=30).contains(&self.operator);
        complaints.unless(operator, "operator", "`operator` must be 1 to 30");
        let till = (1..=99_999).contains(&self.till);
        complaints.unless(till, "till", "`till` must be 1 to 99999");
        let four = self.workplace.len() == 4;
        complaints.unless(
            four && self.workplace.bytes().all(|b| b.is_ascii_alphanumeric()),
            "workplace",
            "`workplace` must be four letters or digits",
        );
        let department = self.department <= 99;
        complaints.unless(department, "department", "`department` must be 0 to 99");
        let columns = (16..=64).contains(&self.columns);
        complaints.unless(columns, "columns", "`columns` must be 16 to 64");
        let no_group = |group: &u8| !(1..=8).contains(group);
        let in_words =
            |group: u8| format!("VAT group {group} does not exist; use 1 for A to 8 for H");
        let groups = self.vat.0.values().map(|entry| entry.group);
        for group in groups.filter(no_group) {
            complaints.about("vat", in_words(group));
        }
        if let Some(group) = self.deposit_group.filter(no_group) {
            complaints.about("deposit_group", in_words(group));
        }
        let unknown = |kind: &&String| !is_payment_type(self.dialect, kind);
        for kind in self.payments.0.values().filter(unknown) {
            let known = if self.dialect.is_x() {
                "\"0\" cash, \"1\" credit card, \"2\" debit card, \"3\" to \"5\" programmed, \
                 \"6\" foreign"
            } else {
                "\"P\" cash, \"N\" credit, \"C\" cheque, \"D\" debit card, \"I\" to \"L\" \
                 programmed, \"m\" to \"s\""
            };
            complaints.about(
                "payments",
                format!("`{kind}` is no payment type here: {known}"),
            );
        }
        if let Some(hours) = self.automatic_z_after_h {
            complaints.unless(
                (1..=23).contains(&hours),
                "automatic_z_after_h",
                "`automatic_z_after_h` must be 1 to 23: after 24 h sales are blocked",
            );
            complaints.unless(
                self.dialect.is_x(),
                "automatic_z_after_h",
                "`automatic_z_after_h` needs the X dialect: older printers cannot say when their \
                 day began",
            );
        }
    }

    /// The mapping's rules.
    #[must_use]
    pub fn rules(&self) -> Rules<'_> {
        // The older dialect has one line of text per item, as wide as the paper.
        let item_max = if self.dialect.is_x() {
            72
        } else {
            self.columns - 6
        };
        Rules {
            vat: &self.vat,
            payments: &self.payments,
            currency: &self.currency,
            deposit_group: self.deposit_group,
            loose_discounts: self.loose_discounts,
            text: TextRules {
                item_max,
                message_max: self.columns - 2,
                has: text::has,
            },
        }
    }

    /// Who operates the printer.
    #[must_use]
    pub fn operator(&self) -> Operator {
        Operator {
            number: self.operator,
            password: self.operator_password.clone(),
            till: self.till,
        }
    }
}

/// New models follow it.
fn dialect_default() -> Dialect {
    Dialect::X
}

/// The first operator exists in every printer.
fn one() -> u8 {
    1
}

/// What printers leave the factory with.
fn password_default() -> Personal<String> {
    Personal::new("0000".to_owned())
}

fn till_default() -> u32 {
    1
}

fn workplace_default() -> String {
    "0001".to_owned()
}

/// The narrowest model.
fn columns_default() -> usize {
    32
}

/// Bulgaria's since 2026-01-01.
fn currency_default() -> String {
    "EUR".to_owned()
}
