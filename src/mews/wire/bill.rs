//! The bill of a fiscal command: the older shape, whole, and what is cheap of the newer one.

use std::collections::BTreeMap;

use driver_sdk::Personal;
use jiff::Timestamp;
use serde::Deserialize;
use uuid::Uuid;

use super::amount::Amount;
use super::open_enum::open_enum;
use super::or_default;
use super::when::{when, when_opt};

/// A bill. `Revenue` and `OrderItems` describe the same items twice: never add them up.
///
/// The newer shape (`fiscalMachineCommands/getAll`) parses as well: it has no items, `Owner`
/// instead of `OwnerData` and `AssociatedAccountsData` in the plural.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Bill {
    /// The bill.
    pub id: Uuid,
    /// The hotel.
    #[serde(default)]
    pub enterprise_id: Option<Uuid>,
    /// Who it is issued to.
    pub account_id: Uuid,
    /// What that is.
    #[serde(default)]
    pub account_type: AccountType,
    /// Typed by staff.
    #[serde(default)]
    pub name: Option<Personal<String>>,
    /// The number; text.
    #[serde(default)]
    pub number: Option<String>,
    /// Payment reference.
    #[serde(default)]
    pub variable_symbol: Option<String>,
    /// The buyer's order.
    #[serde(default)]
    pub purchase_order_number: Option<String>,
    /// Typed by staff.
    #[serde(default)]
    pub notes: Option<Personal<String>>,
    /// Further accounts.
    #[serde(default, deserialize_with = "or_default")]
    pub associated_account_ids: Vec<Uuid>,
    /// The counter the number is from.
    #[serde(default)]
    pub counter_id: Option<Uuid>,
    /// Expect `Closed`.
    #[serde(default)]
    pub state: BillState,
    /// Paid in full or to be paid.
    #[serde(rename = "Type", default)]
    pub kind: BillType,
    /// When it was opened.
    #[serde(deserialize_with = "when")]
    pub created_utc: Timestamp,
    /// When it last changed.
    #[serde(default, deserialize_with = "when_opt")]
    pub updated_utc: Option<Timestamp>,
    /// When it was closed.
    #[serde(default, deserialize_with = "when_opt")]
    pub issued_utc: Option<Timestamp>,
    /// Tax point.
    #[serde(default, deserialize_with = "when_opt")]
    pub taxed_utc: Option<Timestamp>,
    /// When it was paid.
    #[serde(default, deserialize_with = "when_opt")]
    pub paid_utc: Option<Timestamp>,
    /// When it is due.
    #[serde(default, deserialize_with = "when_opt")]
    pub due_utc: Option<Timestamp>,
    /// Last reminder.
    #[serde(default, deserialize_with = "when_opt")]
    pub last_reminder_date_utc: Option<Timestamp>,
    /// What to show.
    #[serde(default)]
    pub options: Option<BillOptions>,
    /// Deprecated, and still the one with item names.
    #[serde(default)]
    pub revenue: Option<Vec<AccountingItem>>,
    /// Deprecated, and still used.
    #[serde(default)]
    pub payments: Option<Vec<AccountingItem>>,
    /// Deprecated; no names.
    #[serde(default)]
    pub order_items: Option<Vec<OrderItem>>,
    /// Deprecated.
    #[serde(default)]
    pub payment_items: Option<Vec<PaymentItem>>,
    /// Who it is issued to, as of closing.
    #[serde(default)]
    pub owner_data: Option<OwnerData>,
    /// The same in the newer shape.
    #[serde(default)]
    pub owner: Option<AccountSnapshot>,
    /// Further accounts, as of closing; at most one today.
    #[serde(default, deserialize_with = "or_default")]
    pub associated_account_data: Vec<AccountSnapshot>,
    /// The same in the newer shape.
    #[serde(default, deserialize_with = "or_default")]
    pub associated_accounts_data: Vec<AccountSnapshot>,
    /// The seller.
    #[serde(default)]
    pub enterprise_data: Option<EnterpriseData>,
    /// Whether it corrects another one.
    #[serde(default)]
    pub correction_state: CorrectionState,
    /// How it corrects it.
    #[serde(default)]
    pub correction_type: Option<CorrectionType>,
    /// The corrected bill; `None` also when that was deleted.
    #[serde(default)]
    pub corrected_bill_id: Option<Uuid>,
}

open_enum! {
    /// Who a bill is issued to.
    AccountType {
        /// A person.
        Customer = "Customer",
        /// A company.
        Company = "Company",
    }
}

open_enum! {
    /// Whether a bill is closed.
    BillState {
        /// Still being changed.
        Open = "Open",
        /// Final.
        Closed = "Closed",
    }
}

open_enum! {
    /// Whether a bill is paid.
    BillType {
        /// Paid in full.
        Receipt = "Receipt",
        /// To be paid.
        Invoice = "Invoice",
    }
}

open_enum! {
    /// Whether a bill corrects another one.
    CorrectionState {
        /// An ordinary one.
        Bill = "Bill",
        /// A correction.
        CorrectiveBill = "CorrectiveBill",
    }
}

open_enum! {
    /// How a bill corrects another one.
    CorrectionType {
        /// It cancels it.
        Cancellation = "Cancellation",
        /// It changes it.
        Edit = "Edit",
        /// It gives money back.
        CreditNote = "CreditNote",
        /// It takes a cancellation back.
        Reinstatement = "Reinstatement",
        /// It balances payments of receivables.
        ReceivablePaymentsBalance = "ReceivablePaymentsBalance",
    }
}

/// What to show on paper. `None` counts as Mews' default, which is not published.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct BillOptions {
    /// False: no guest name on paper.
    pub display_customer: Option<bool>,
    /// Show taxes.
    pub display_taxation: Option<bool>,
    /// Follow the debt.
    pub track_receivable: Option<bool>,
    /// Show the customer id.
    pub display_cid: Option<bool>,
    /// A rebate was given.
    pub rebated: Option<bool>,
}

/// A line of `Revenue` or `Payments`.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct AccountingItem {
    /// The item.
    pub id: Uuid,
    /// Whose.
    pub account_id: Uuid,
    /// The order.
    #[serde(default)]
    pub order_id: Option<Uuid>,
    /// The service.
    #[serde(default)]
    pub service_id: Option<Uuid>,
    /// The product.
    #[serde(default)]
    pub product_id: Option<Uuid>,
    /// The bill.
    #[serde(default)]
    pub bill_id: Option<Uuid>,
    /// The invoice an `Invoice` payment balances.
    #[serde(default)]
    pub invoice_id: Option<Uuid>,
    /// Accounting category.
    #[serde(default)]
    pub accounting_category_id: Option<Uuid>,
    /// The card that paid.
    #[serde(default)]
    pub credit_card_id: Option<Uuid>,
    /// Revenue of a kind, or a payment.
    #[serde(rename = "Type", default)]
    pub kind: AccountingItemType,
    /// What exactly; grows, so it stays text.
    #[serde(default, deserialize_with = "or_default")]
    pub sub_type: String,
    /// The text for the receipt. Staff type it, so it may name a guest.
    #[serde(default)]
    pub name: Option<Personal<String>>,
    /// Typed by staff.
    #[serde(default)]
    pub notes: Option<Personal<String>>,
    /// When it was used.
    #[serde(default, deserialize_with = "when_opt")]
    pub consumption_utc: Option<Timestamp>,
    /// When it was closed.
    #[serde(default, deserialize_with = "when_opt")]
    pub closed_utc: Option<Timestamp>,
    /// Its state.
    #[serde(default)]
    pub state: AccountingState,
    /// Of a payment: whether the money is there.
    #[serde(default)]
    pub sub_state: Option<PaymentState>,
    /// The total of the line; there is no quantity.
    #[serde(default)]
    pub amount: Option<Amount>,
    /// Why it is not taxed.
    #[serde(default)]
    pub tax_exemption_reason_code: Option<String>,
}

open_enum! {
    /// What an accounting item is.
    AccountingItemType {
        /// A night or another service.
        ServiceRevenue = "ServiceRevenue",
        /// A product.
        ProductRevenue = "ProductRevenue",
        /// Anything else that was sold.
        AdditionalRevenue = "AdditionalRevenue",
        /// Money that came in.
        Payment = "Payment",
    }
}

open_enum! {
    /// The state of an accounting item.
    AccountingState {
        /// Not on a closed bill.
        Open = "Open",
        /// On a closed bill.
        Closed = "Closed",
        /// Not in use.
        Inactive = "Inactive",
        /// Taken back; one l here.
        Canceled = "Canceled",
    }
}

open_enum! {
    /// Whether the money of a payment is there.
    PaymentState {
        /// It is.
        Charged = "Charged",
        /// Not yet.
        Pending = "Pending",
        /// Being checked.
        Verifying = "Verifying",
        /// It is not.
        Failed = "Failed",
        /// It is not; one l here.
        Canceled = "Canceled",
    }
}

/// A line of `OrderItems`: the same as in `Revenue`, with a quantity and without a name.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct OrderItem {
    /// The item.
    pub id: Uuid,
    /// Whose.
    pub account_id: Uuid,
    /// The order.
    #[serde(default)]
    pub order_id: Option<Uuid>,
    /// The bill.
    #[serde(default)]
    pub bill_id: Option<Uuid>,
    /// Accounting category.
    #[serde(default)]
    pub accounting_category_id: Option<Uuid>,
    /// How many.
    pub unit_count: i64,
    /// One of them.
    #[serde(default)]
    pub unit_amount: Option<Amount>,
    /// All of them.
    pub amount: Amount,
    /// Before conversion.
    #[serde(default)]
    pub original_amount: Option<Amount>,
    /// `Service`, `Product` or `Additional`.
    #[serde(default, deserialize_with = "or_default")]
    pub revenue_type: String,
    /// When it was used.
    #[serde(default, deserialize_with = "when_opt")]
    pub consumed_utc: Option<Timestamp>,
    /// When it was taken back.
    #[serde(default, deserialize_with = "when_opt")]
    pub canceled_utc: Option<Timestamp>,
    /// When it was closed.
    #[serde(default, deserialize_with = "when_opt")]
    pub closed_utc: Option<Timestamp>,
    /// From when.
    #[serde(default, deserialize_with = "when_opt")]
    pub start_utc: Option<Timestamp>,
    /// Its state.
    #[serde(default)]
    pub accounting_state: AccountingState,
    /// What it is.
    #[serde(default)]
    pub data: Option<OrderItemData>,
}

/// What an order item is.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct OrderItemData {
    /// `SpaceOrder`, `ProductOrder`, `Rebate`, … ; grows, so it stays text.
    #[serde(default, deserialize_with = "or_default")]
    pub discriminator: String,
    /// Of a rebate or a product.
    #[serde(default)]
    pub value: Option<OrderItemValue>,
}

/// The members of the two order items that have any.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct OrderItemValue {
    /// Of a `Rebate`: what was rebated.
    pub rebated_item_id: Option<Uuid>,
    /// Of a `ProductOrder`: the product.
    pub product_id: Option<Uuid>,
    /// Of a `ProductOrder`: for whom.
    pub age_category_id: Option<Uuid>,
}

/// A line of `PaymentItems`. The amount is negative for money received.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct PaymentItem {
    /// The payment.
    pub id: Uuid,
    /// Whose.
    pub account_id: Uuid,
    /// The bill.
    #[serde(default)]
    pub bill_id: Option<Uuid>,
    /// Accounting category.
    #[serde(default)]
    pub accounting_category_id: Option<Uuid>,
    /// How much.
    pub amount: Amount,
    /// Before conversion.
    #[serde(default)]
    pub original_amount: Option<Amount>,
    /// Typed by staff.
    #[serde(default)]
    pub notes: Option<Personal<String>>,
    /// The settlement.
    #[serde(default)]
    pub settlement_id: Option<String>,
    /// A reference.
    #[serde(default)]
    pub identifier: Option<Personal<String>>,
    /// When it was made.
    #[serde(default, deserialize_with = "when_opt")]
    pub consumed_utc: Option<Timestamp>,
    /// When it was closed.
    #[serde(default, deserialize_with = "when_opt")]
    pub closed_utc: Option<Timestamp>,
    /// Its state.
    #[serde(default)]
    pub accounting_state: AccountingState,
    /// Whether the money is there.
    #[serde(default)]
    pub state: PaymentState,
    /// How it was paid.
    #[serde(default)]
    pub data: Option<PaymentItemData>,
}

/// How something was paid.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct PaymentItemData {
    /// How.
    #[serde(default)]
    pub discriminator: PaymentMeans,
    /// Of a card or an invoice.
    #[serde(default)]
    pub value: Option<PaymentItemValue>,
}

/// The members of the two payments that have any.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct PaymentItemValue {
    /// Of `CreditCard`.
    pub payment_card_id: Option<Uuid>,
    /// Of `Invoice`: what it balances.
    pub invoice_id: Option<Uuid>,
}

open_enum! {
    /// How something was paid. `Invoice` is not money received.
    PaymentMeans {
        /// By card.
        CreditCard = "CreditCard",
        /// Balances an invoice that is still to be paid.
        Invoice = "Invoice",
        /// In cash.
        Cash = "Cash",
        /// Not said.
        Unspecified = "Unspecified",
        /// Written off.
        BadDebts = "BadDebts",
        /// By bank.
        WireTransfer = "WireTransfer",
        /// Difference of exchange rates.
        ExchangeRateDifference = "ExchangeRateDifference",
        /// Rounding of an exchange.
        ExchangeRoundingDifference = "ExchangeRoundingDifference",
        /// The bank's charges.
        BankCharges = "BankCharges",
        /// By cheque.
        Cheque = "Cheque",
        /// Something else.
        Other = "Other",
    }
}

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

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct TaggedValue {
    #[serde(default, deserialize_with = "or_default")]
    discriminator: String,
    #[serde(default)]
    value: Option<Box<serde_json::value::RawValue>>,
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
