//! Items and payments of a bill that came without any.

use driver_sdk::Personal;
use serde::Deserialize;
use uuid::Uuid;

use super::amount::Amount;
use super::bill::{AccountingState, PaymentState};
use super::or_default;

/// The answer of `orderItems/getAll`.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct OrderItemPage {
    /// One page of items.
    #[serde(default, deserialize_with = "or_default")]
    pub order_items: Vec<FetchedOrderItem>,
    /// Where the next page begins.
    #[serde(default)]
    pub cursor: Option<Uuid>,
}

/// The answer of `payments/getAll`.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct PaymentPage {
    /// One page of payments.
    #[serde(default, deserialize_with = "or_default")]
    pub payments: Vec<FetchedPayment>,
    /// Where the next page begins.
    #[serde(default)]
    pub cursor: Option<Uuid>,
}

/// An item, with a name and a quantity.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct FetchedOrderItem {
    /// The item.
    pub id: Uuid,
    /// The text for the receipt. Staff type it, so it may name a guest.
    #[serde(default)]
    pub billing_name: Option<Personal<String>>,
    /// How many.
    #[serde(default)]
    pub unit_count: Option<i64>,
    /// One of them.
    #[serde(default)]
    pub unit_amount: Option<Amount>,
    /// All of them.
    pub amount: Amount,
    /// What it is; some twenty values, growing.
    #[serde(rename = "Type", default, deserialize_with = "or_default")]
    pub kind: String,
    /// Its state.
    #[serde(default)]
    pub accounting_state: AccountingState,
    /// Why it is not taxed.
    #[serde(default)]
    pub tax_exemption_reason: Option<String>,
    /// What it is, in the newer style.
    #[serde(default)]
    pub data: Option<FetchedItemData>,
}

/// What a fetched item is; the named members of the newer style that are used.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct FetchedItemData {
    /// Which member is set.
    #[serde(default, deserialize_with = "or_default")]
    pub discriminator: String,
    /// Of a rebate.
    #[serde(default)]
    pub rebate: Option<FetchedRebate>,
}

/// What was rebated.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct FetchedRebate {
    /// The item.
    pub rebated_item_id: Option<Uuid>,
}

/// A payment. The amount is negative for money received.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct FetchedPayment {
    /// The payment.
    pub id: Uuid,
    /// How much.
    pub amount: Amount,
    /// Whether the money is there.
    #[serde(default)]
    pub state: PaymentState,
    /// How: `CashPayment`, `CreditCardPayment`, …
    #[serde(rename = "Type", default, deserialize_with = "or_default")]
    pub kind: String,
    /// Its state in the books.
    #[serde(default)]
    pub accounting_state: Option<AccountingState>,
}
