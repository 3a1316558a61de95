//! `[device.NAME.settings]` of an Epson RT printer.

use std::collections::BTreeMap;

use driver_fiscal::mapping::{LooseDiscounts, Rules};
use driver_fiscal::tables::{PaymentTable, VatTable};
use driver_fiscal::text::{TextRules, clean, latin1};
use driver_sdk::Complaints;
use serde::Deserialize;

/// How the printer writes decimals.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Decimals {
    /// `75,50`: taken by every firmware that was seen.
    #[default]
    Comma,
    /// `75.50`: only after a test on the device.
    Point,
}

/// How the lottery code is sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LotteryBy {
    /// `printRecLotteryID`.
    #[default]
    Element,
    /// directIO 1135, for older firmware.
    DirectIo,
}

/// Which report closes the day.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ZReport {
    /// `printZReport`.
    #[default]
    Z,
    /// `printXZReport`: some printers forbid a Z alone.
    Xz,
}

/// What a clock that is more than 15 minutes off means.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClockOff {
    /// No document until the day was closed and the clock could be set.
    #[default]
    Stop,
    /// A warning.
    Warn,
}

/// What a refund is whose original nobody can name.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum UnknownOriginal {
    /// Refused, with the list of what is missing.
    #[default]
    Refuse,
    /// Issued as `REFUND 0000 0000 … ND`: legal in special cases only.
    Nd,
}

/// The settings as the file has them.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EpsonSettings {
    /// Operator number.
    #[serde(default = "one")]
    pub operator: u8,
    /// `comma` or `point`.
    #[serde(default)]
    pub decimals: Decimals,
    /// The printer's currency.
    #[serde(default = "euro")]
    pub currency: String,
    /// VAT codes of Mews and the printer's departments, 1 to 99. No default.
    #[serde(default)]
    pub vat: VatTable,
    /// Ways of paying in Mews and the printer's `paymentType-index`. No default.
    #[serde(default)]
    pub payments: PaymentTable,
    /// What is printed for a payment type; default: its numbers.
    #[serde(default)]
    pub payment_texts: BTreeMap<String, String>,
    /// Department of a deposit. No default: a deposit is refused.
    #[serde(default)]
    pub deposit_group: Option<u8>,
    /// What to do with a discount that belongs to no line.
    #[serde(default)]
    pub loose_discounts: LooseDiscounts,
    /// Compared with the machine the command names.
    #[serde(default)]
    pub machine_id: Option<String>,
    /// No other till uses this printer: an open document is ours, and a new one with our total too.
    #[serde(default)]
    pub only_till: bool,
    /// The key of the buyer's legal identifiers that holds the fiscal code.
    #[serde(default)]
    pub fiscal_code_key: Option<String>,
    /// The key of the buyer's legal identifiers that holds the lottery code.
    #[serde(default)]
    pub lottery_key: Option<String>,
    /// How the lottery code is sent.
    #[serde(default)]
    pub lottery_by: LotteryBy,
    /// Close the day by itself when it has been open for so many hours. Off by default.
    #[serde(default)]
    pub automatic_z_after_h: Option<u8>,
    /// What a clock that is more than 15 minutes off means: `stop` or `warn`.
    #[serde(default)]
    pub clock_off: ClockOff,
    /// What a refund is whose original nobody can name: `refuse` or `nd`.
    #[serde(default)]
    pub unknown_original: UnknownOriginal,
    /// `z` or `xz`.
    #[serde(default)]
    pub z_report: ZReport,
}

impl EpsonSettings {
    /// What serde cannot see.
    pub fn check(&self, complaints: &mut Complaints<'_>) {
        let no_group = |group: &u8| !(1..=99).contains(group);
        let in_words = |group: u8| format!("department {group} does not exist; use 1 to 99");
        let groups = self.vat.0.values().map(|entry| entry.group);
        for group in groups.filter(no_group) {
            complaints.about("vat", in_words(group));
        }
        if let Some(group) = self.deposit_group.filter(no_group) {
            complaints.about("deposit_group", in_words(group));
        }
        let kinds = self.payments.0.values();
        for kind in kinds.filter(|kind| !is_payment_type(kind)) {
            let fix = "write type-index, such as \"2-1\"";
            complaints.about("payments", format!("`{kind}` is no payment type; {fix}"));
        }
        complaints.unless(
            self.automatic_z_after_h
                .is_none_or(|hours| (1..=23).contains(&hours)),
            "automatic_z_after_h",
            "`automatic_z_after_h` must be 1 to 23",
        );
    }

    /// The mapping's rules.
    #[must_use]
    pub fn rules(&self) -> Rules<'_> {
        Rules {
            vat: &self.vat,
            payments: &self.payments,
            currency: &self.currency,
            deposit_group: self.deposit_group,
            loose_discounts: self.loose_discounts,
            text: TextRules {
                item_max: 38,
                message_max: 46,
                has: latin1,
            },
        }
    }

    /// What is printed for a payment type.
    #[must_use]
    pub fn payment_text(&self, kind: &str) -> String {
        match self.payment_texts.get(kind) {
            Some(text) => clean(text, latin1, 38),
            None => format!("PAGAMENTO {kind}"),
        }
    }
}

fn is_payment_type(text: &str) -> bool {
    let Some((kind, index)) = text.split_once('-') else {
        return false;
    };
    kind.parse::<u8>().is_ok_and(|kind| kind <= 6) && index.parse::<u8>().is_ok_and(|it| it <= 99)
}

fn one() -> u8 {
    1
}

fn euro() -> String {
    "EUR".to_owned()
}
