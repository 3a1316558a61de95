//! Which payments count, and what they are on the device.

use driver_sdk::{Bill, BillPayment, Fault, PaymentMeans, PaymentState};

use super::Rules;
use super::items::{amount, bad_amount};
use crate::document::Payment;
use crate::money;
use crate::tables::shortened;

/// Payments whose money is there. A failed or cancelled one is none.
pub(super) fn counted(bill: &Bill) -> Result<Vec<&BillPayment>, Fault> {
    let list = bill.payments.as_ref().or(bill.payment_items.as_ref());
    let mut counted = Vec::new();
    for payment in list
        .into_iter()
        .flatten()
        .filter(|payment| !payment.canceled)
    {
        match &payment.state {
            None | Some(PaymentState::Charged) => counted.push(payment),
            Some(PaymentState::Failed | PaymentState::Canceled) => {}
            Some(
                state
                @ (PaymentState::Pending | PaymentState::Verifying | PaymentState::Unknown(_)),
            ) => {
                return Err(Fault::permanent("FISCAL-PAYMENT-OPEN")
                    .with("state", shortened(state.as_str())));
            }
        }
    }
    if counted.is_empty() {
        return Err(Fault::permanent("FISCAL-NO-PAYMENTS"));
    }
    Ok(counted)
}

/// One payment per type of the device, cash last.
pub(super) fn payments(bill: &Bill, sign: i64, rules: &Rules<'_>) -> Result<Vec<Payment>, Fault> {
    let mut payments: Vec<Payment> = Vec::new();
    for payment in counted(bill)? {
        let device_type = rules.payments.device_type(&payment.means)?;
        let gross = amount(payment.amount.as_ref(), "payment", rules.currency)?.gross;
        let cents = money::exact(gross).ok_or_else(|| bad_amount("payment", gross))? * -sign;
        match payments
            .iter_mut()
            .find(|known| known.device_type == device_type)
        {
            Some(known) => known.amount += cents,
            None => payments.push(Payment {
                device_type: device_type.to_owned(),
                amount: cents,
                cash: payment.means == PaymentMeans::Cash,
            }),
        }
    }
    payments.retain(|payment| payment.amount != 0);
    if let Some(back) = payments.iter().find(|payment| payment.amount < 0) {
        return Err(Fault::permanent("FISCAL-PAYMENT-NEGATIVE")
            .with("kind", &back.device_type)
            .with("amount", money::show(back.amount)));
    }
    payments.sort_by_key(|payment| payment.cash);
    Ok(payments)
}
