//! Items and payments that had to be fetched, put into a bill that came without.

use driver_sdk as sdk;
use driver_sdk::FiscalWork;

use super::fiscal::{amount, canceled};
use crate::mews::wire::{FetchedOrderItem, FetchedPayment};

/// Puts what was fetched into the lists that are missing; lists that came stay as they are.
pub fn fill_bill(
    work: &mut FiscalWork,
    items: Vec<FetchedOrderItem>,
    payments: Vec<FetchedPayment>,
) {
    let bill = &mut work.bill;
    if bill.revenue.is_none() && bill.order_items.is_none() {
        bill.order_items = Some(items.into_iter().map(item).collect());
    }
    if bill.payments.is_none() && bill.payment_items.is_none() {
        bill.payment_items = Some(payments.into_iter().map(payment).collect());
    }
}

fn item(item: FetchedOrderItem) -> sdk::BillItem {
    let (kind, rebate) = match item.data {
        Some(data) if !data.discriminator.is_empty() => (data.discriminator, data.rebate),
        _ => (item.kind, None),
    };
    sdk::BillItem {
        id: item.id,
        name: item.billing_name,
        kind: sdk::ItemKind::from(kind.as_str()),
        rebates: rebate.and_then(|rebate| rebate.rebated_item_id),
        count: item.unit_count,
        unit_gross: item.unit_amount.map(|amount| amount.gross_value),
        canceled: canceled(&item.accounting_state),
        amount: Some(amount(item.amount)),
        tax_exemption_reason: item.tax_exemption_reason,
    }
}

fn payment(payment: FetchedPayment) -> sdk::BillPayment {
    sdk::BillPayment {
        id: payment.id,
        means: sdk::PaymentMeans::of_payment_type(&payment.kind),
        state: Some(sdk::PaymentState::from(payment.state.as_str())),
        canceled: payment.accounting_state.as_ref().is_some_and(canceled),
        amount: Some(amount(payment.amount)),
    }
}
