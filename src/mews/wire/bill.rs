//! The bill of a fiscal command: the older shape, whole, and what is cheap of the newer one.

use driver_sdk::Personal;
use jiff::Timestamp;
use serde::Deserialize;
use uuid::Uuid;

use super::open_enum::open_enum;
use super::or_default;
use super::when::{when, when_opt};

mod italy;
mod items;
mod parties;

pub use italy::*;
pub use items::*;
pub use parties::*;

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

/// The older style of a choice: `Discriminator` tells what `Value` is.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct TaggedValue {
    #[serde(default, deserialize_with = "or_default")]
    discriminator: String,
    #[serde(default)]
    value: Option<Box<serde_json::value::RawValue>>,
}
