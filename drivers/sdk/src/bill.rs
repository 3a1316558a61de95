//! A bill as fiscal drivers see it: decimals, open lists of words, and a guest's data that no
//! `Debug` prints.
//!
//! It decides nothing. Which of the two lists of items counts, which payments count and what a
//! rebate means is the fiscal drivers' common core; here is only what it can need.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::personal::Personal;

/// Issue a fiscal document.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub struct FiscalWork {
    /// The machine in the hotel's terms.
    pub machine_id: Option<String>,
    /// The machine's address as staff typed it. Compared with the configured one, never dialled.
    pub api_url: Option<String>,
    /// The hotel's "Data JSON": JSON inside a string, free form.
    pub data: Option<Personal<String>>,
    /// The seller's tax number, to be used for this document.
    pub tax_identifier: Option<String>,
    /// The closed bill.
    pub bill: Bill,
    /// Italy: what a refund refers to, and the printer's serial number.
    pub italian: Option<Extra<ItalianData>>,
    /// A document that is ready for the machine: base64 of a file.
    pub payload: Option<Extra<Personal<String>>>,
}

impl FiscalWork {
    /// True if the bill came without items or without payments and no ready document replaces
    /// them: whoever takes the command in should fetch them (`orderItems`, `payments` by bill) and
    /// put them into [`Bill::order_items`] and [`Bill::payment_items`].
    #[must_use]
    pub fn lacks_items(&self) -> bool {
        self.payload.is_none()
            && ((self.bill.revenue.is_none() && self.bill.order_items.is_none())
                || (self.bill.payments.is_none() && self.bill.payment_items.is_none()))
    }
}

/// Data with a discriminator that may be newer than this version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Extra<T> {
    /// Of a kind this version knows.
    Known(T),
    /// The discriminator of one it does not know: nothing may be issued.
    Unknown(String),
}

/// Italy: the receipt being refunded, and the printer.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub struct ItalianData {
    /// This document is a refund.
    pub is_refund: bool,
    /// Number of the refunded receipt.
    pub receipt_number: Option<String>,
    /// Its daily closure.
    pub receipt_sequence: Option<String>,
    /// Its time.
    pub receipt_time: Option<Timestamp>,
    /// The printer that has to print; in a refund the printer of the original.
    pub printer_serial: Option<String>,
}

/// A bill. Charges are positive; payments and rebates are negative.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub struct Bill {
    /// The bill.
    pub id: Uuid,
    /// The hotel.
    pub enterprise_id: Option<Uuid>,
    /// The number people know; text.
    pub number: Option<String>,
    /// Payment reference.
    pub variable_symbol: Option<String>,
    /// The buyer's order.
    pub purchase_order_number: Option<String>,
    /// The bill is final.
    pub closed: bool,
    /// Paid in full or to be paid.
    pub kind: BillKind,
    /// When it was closed.
    pub issued: Option<Timestamp>,
    /// Tax point.
    pub taxed: Option<Timestamp>,
    /// When it is due.
    pub due: Option<Timestamp>,
    /// Whether the buyer may stand on paper; `None` counts as no.
    pub display_customer: Option<bool>,
    /// The items with names, if they came. They have no quantities.
    pub revenue: Option<Vec<BillItem>>,
    /// The same items with quantities and without names, or those that were fetched. Never add
    /// both lists up.
    pub order_items: Option<Vec<BillItem>>,
    /// The payments, if they came.
    pub payments: Option<Vec<BillPayment>>,
    /// The same payments in the newer shape, or those that were fetched.
    pub payment_items: Option<Vec<BillPayment>>,
    /// Who it is issued to, as of closing.
    pub owner: Option<Party>,
    /// Another account it concerns, as of closing.
    pub associated: Option<Party>,
    /// The seller.
    pub seller: Option<Seller>,
    /// It corrects another bill.
    pub correction: Option<Correction>,
}

/// What a corrective bill corrects.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub struct Correction {
    /// How, if it is said.
    pub kind: Option<CorrectionKind>,
    /// The corrected bill; `None` also when that was deleted.
    pub corrected: Option<Uuid>,
}

/// One thing that was sold, or taken back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub struct BillItem {
    /// The item.
    pub id: Uuid,
    /// The text for the receipt. Staff type it, so it may name a guest.
    pub name: Option<Personal<String>>,
    /// What it is.
    pub kind: ItemKind,
    /// Of a rebate: the item that was rebated.
    pub rebates: Option<Uuid>,
    /// How many; `None` where the list has no quantities.
    pub count: Option<i64>,
    /// The gross price of one, where it is known.
    pub unit_gross: Option<Decimal>,
    /// All of them.
    pub amount: Option<Amount>,
    /// It was taken back before closing and does not count.
    pub canceled: bool,
    /// Why it is not taxed.
    pub tax_exemption_reason: Option<String>,
}

/// One payment. The amount is negative for money received.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub struct BillPayment {
    /// The payment.
    pub id: Uuid,
    /// How.
    pub means: PaymentMeans,
    /// Whether the money is there; `None` where the list does not say.
    pub state: Option<PaymentState>,
    /// How much.
    pub amount: Option<Amount>,
    /// It was taken back before closing and does not count.
    pub canceled: bool,
}

/// Money with its taxes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub struct Amount {
    /// ISO 4217.
    pub currency: String,
    /// Without taxes.
    pub net: Decimal,
    /// With taxes.
    pub gross: Decimal,
    /// By tax rate; empty counts as one untaxed part.
    pub parts: Vec<TaxPart>,
}

/// The part of an amount under one rate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub struct TaxPart {
    /// The hotel country's name of the rate; `None`: untaxed.
    pub code: Option<String>,
    /// Without tax.
    pub net: Decimal,
    /// The tax.
    pub tax: Decimal,
}

/// A buyer, as of closing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub struct Party {
    /// A company, not a person.
    pub company: bool,
    /// The whole name in reading order.
    pub name: Personal<String>,
    /// Tax number (VAT number of a company).
    pub tax_identifier: Option<Personal<String>>,
    /// Fiscal number of a company.
    pub fiscal_identifier: Option<Personal<String>>,
    /// Further tax number of a company.
    pub additional_tax_identifier: Option<Personal<String>>,
    /// Billing code.
    pub billing_code: Option<Personal<String>>,
    /// The address, one line each, as it would stand on an envelope.
    pub address: Vec<Personal<String>>,
    /// ISO 3166-1.
    pub country: Option<String>,
    /// Open keys: Italian fiscal and lottery codes among them.
    pub legal_identifiers: BTreeMap<String, Personal<String>>,
}

/// The seller.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub struct Seller {
    /// Name.
    pub company: Option<String>,
    /// Further tax number.
    pub additional_tax_identifier: Option<String>,
}

/// A list of words that may grow: known ones have a name, the rest is kept as text.
macro_rules! open_words {
    ($(#[$doc:meta])* $name:ident { $($(#[$word_doc:meta])* $word:ident,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(from = "String", into = "String")]
        pub enum $name {
            $($(#[$word_doc])* $word,)+
            /// A word of a newer contract.
            Unknown(String),
        }

        impl $name {
            /// The word as the hotel system spells it.
            #[must_use]
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$word => stringify!($word),)+
                    Self::Unknown(word) => word,
                }
            }
        }

        impl From<&str> for $name {
            fn from(word: &str) -> Self {
                match word {
                    $(stringify!($word) => Self::$word,)+
                    other => Self::Unknown(other.to_owned()),
                }
            }
        }

        impl From<String> for $name {
            fn from(word: String) -> Self {
                Self::from(word.as_str())
            }
        }

        impl From<$name> for String {
            fn from(word: $name) -> Self {
                word.as_str().to_owned()
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

open_words! {
    /// Whether a bill is paid.
    BillKind {
        /// Paid in full.
        Receipt,
        /// To be paid.
        Invoice,
    }
}

open_words! {
    /// How a bill corrects another one.
    CorrectionKind {
        /// It cancels it.
        Cancellation,
        /// It changes it.
        Edit,
        /// It gives money back.
        CreditNote,
        /// It takes a cancellation back.
        Reinstatement,
        /// It balances payments of receivables.
        ReceivablePaymentsBalance,
    }
}

open_words! {
    /// What was sold.
    ItemKind {
        /// A night.
        SpaceOrder,
        /// A product.
        ProductOrder,
        /// Typed by staff.
        CustomItem,
        /// Anything else.
        Other,
        /// Fee of a cancellation.
        CancellationFee,
        /// Fee of an invoice.
        InvoiceFee,
        /// A better room.
        ResourceUpgradeFee,
        /// Added to the price.
        Surcharge,
        /// Taken off the price.
        SurchargeDiscount,
        /// Taken off one item.
        Rebate,
        /// Paid in advance.
        Deposit,
        /// Not a sale.
        TaxCorrection,
        /// Not a sale.
        ExchangeRateDifference,
    }
}

open_words! {
    /// How something was paid.
    PaymentMeans {
        /// In cash.
        Cash,
        /// By card.
        CreditCard,
        /// By cheque.
        Cheque,
        /// By bank.
        WireTransfer,
        /// Not money received: balances an invoice that is still to be paid.
        Invoice,
        /// Something else.
        Other,
        /// Not said.
        Unspecified,
        /// Written off.
        BadDebts,
        /// The bank's charges.
        BankCharges,
        /// Difference of exchange rates.
        ExchangeRateDifference,
        /// Rounding of an exchange.
        ExchangeRoundingDifference,
    }
}

impl PaymentMeans {
    /// The means by its name in the list of payments that is fetched when a bill came without
    /// (`CashPayment`, `CreditCardPayment`, …). What has no twin stays as it is spelled, and needs
    /// its own entry in the driver's payment table.
    #[must_use]
    pub fn of_payment_type(kind: &str) -> Self {
        match kind {
            "CashPayment" => Self::Cash,
            "CreditCardPayment" => Self::CreditCard,
            "InvoicePayment" => Self::Invoice,
            other => Self::Unknown(other.to_owned()),
        }
    }
}

open_words! {
    /// Whether the money of a payment is there.
    PaymentState {
        /// It is.
        Charged,
        /// Not yet.
        Pending,
        /// Being checked.
        Verifying,
        /// It is not.
        Failed,
        /// It is not.
        Canceled,
    }
}

#[cfg(test)]
mod tests;
