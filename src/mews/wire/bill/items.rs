//! What was sold and how it was paid, in both of the shapes that describe it.

use driver_sdk::Personal;
use jiff::Timestamp;
use serde::Deserialize;
use uuid::Uuid;

use crate::mews::wire::amount::Amount;
use crate::mews::wire::open_enum::open_enum;
use crate::mews::wire::or_default;
use crate::mews::wire::when::when_opt;

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
