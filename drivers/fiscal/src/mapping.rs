//! From a hotel bill to a fiscal document: which items and payments count, three sums that agree
//! to the cent, one line per VAT rate, rebates on their lines, refunds as refunds.

mod items;
mod negatives;
mod payments;

use driver_sdk::{Bill, CorrectionKind, Extra, Fault, FiscalWork, ItalianData};
use rust_decimal::Decimal;
use serde::Deserialize;

use crate::document::{BillRef, Document, Kind, Original, Reason, Refund};
use crate::money;
use crate::tables::{PaymentTable, VatTable};
use crate::text::TextRules;

/// What the mapping may not decide by itself.
#[derive(Debug, Clone, Copy)]
pub struct Rules<'config> {
    /// VAT codes.
    pub vat: &'config VatTable,
    /// Ways of paying.
    pub payments: &'config PaymentTable,
    /// The device's currency.
    pub currency: &'config str,
    /// The VAT group of a deposit; `None`: a deposit is refused.
    pub deposit_group: Option<u8>,
    /// What to do with a discount that belongs to no line.
    pub loose_discounts: LooseDiscounts,
    /// What the device can print.
    pub text: TextRules,
}

/// What to do with a negative item that names no line of the bill.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LooseDiscounts {
    /// Take it off the largest lines of the same VAT group, so that every group's total is right.
    #[default]
    SameGroup,
    /// Refuse the bill.
    Refuse,
}

/// The document of a bill.
///
/// # Errors
/// A permanent fault that names the field and the amounts; nothing may be sent.
pub fn document(work: &FiscalWork, rules: &Rules<'_>) -> Result<Document, Fault> {
    let total = checked_total(work, rules.currency)?;
    let bill = &work.bill;
    let entries = items::entries(bill, rules)?;
    let kind = kind(bill, italian(work)?, total)?;
    let sign = if kind == Kind::Sale { 1 } else { -1 };
    let lines = negatives::lines(entries, sign, rules)?;
    let payments = payments::payments(bill, sign, rules)?;
    Ok(Document {
        kind,
        lines,
        payments,
        total: total * sign,
        currency: rules.currency.to_owned(),
        bill: BillRef {
            id: bill.id,
            number: bill.number.clone(),
        },
        buyer: bill
            .owner
            .clone()
            .filter(|_| bill.display_customer == Some(true)),
    })
}

/// The bill's total in cents, with its sign, after the bill was found closed, in one currency and
/// with three sums that agree. Also what a ready document must come to.
///
/// # Errors
/// `FISCAL-NOT-CLOSED`, `FISCAL-NO-ITEMS`, `FISCAL-CURRENCY`, `FISCAL-AMOUNT`, `FISCAL-SUMS`,
/// `FISCAL-ZERO`.
pub fn checked_total(work: &FiscalWork, currency: &str) -> Result<i64, Fault> {
    let bill = &work.bill;
    if !bill.closed {
        return Err(Fault::permanent("FISCAL-NOT-CLOSED"));
    }
    let mut lines = Decimal::ZERO;
    let mut parts = Decimal::ZERO;
    for item in items::chosen(bill)? {
        let amount = items::amount(item.amount.as_ref(), "item", currency)?;
        lines += amount.gross;
        parts += items::parts(amount)
            .iter()
            .map(|part| part.net + part.tax)
            .sum::<Decimal>();
    }
    let mut paid = Decimal::ZERO;
    for payment in payments::counted(bill)? {
        paid -= items::amount(payment.amount.as_ref(), "payment", currency)?.gross;
    }
    let cents = |amount: Decimal, field: &str| {
        money::rounded(amount).ok_or_else(|| items::bad_amount(field, amount))
    };
    let (lines, parts, paid) = (
        cents(lines, "items")?,
        cents(parts, "breakdown")?,
        cents(paid, "payments")?,
    );
    if lines != parts || lines != paid {
        return Err(Fault::permanent("FISCAL-SUMS")
            .with("lines", money::show(lines))
            .with("breakdown", money::show(parts))
            .with("payments", money::show(paid)));
    }
    if lines == 0 {
        return Err(Fault::permanent("FISCAL-ZERO"));
    }
    Ok(lines)
}

/// The Italian data, if there is any.
///
/// # Errors
/// `FISCAL-NEWER` for a discriminator this version does not know.
pub fn italian(work: &FiscalWork) -> Result<Option<&ItalianData>, Fault> {
    match &work.italian {
        None => Ok(None),
        Some(Extra::Known(data)) => Ok(Some(data)),
        Some(Extra::Unknown(word)) => {
            Err(Fault::permanent("FISCAL-NEWER").with("word", crate::tables::shortened(word)))
        }
    }
}

fn kind(bill: &Bill, italian: Option<&ItalianData>, total: i64) -> Result<Kind, Fault> {
    let says_refund = italian.is_some_and(|data| data.is_refund);
    let by_hand = |word: &str| Fault::permanent("FISCAL-BY-HAND").with("correction", word);
    let reason = match bill.correction.as_ref().map(|it| it.kind.as_ref()) {
        None if says_refund || total < 0 => Reason::Refund,
        None => return Ok(Kind::Sale),
        Some(None | Some(CorrectionKind::CreditNote)) => Reason::Refund,
        Some(Some(CorrectionKind::Cancellation)) => Reason::OperatorError,
        Some(Some(
            other @ (CorrectionKind::Edit
            | CorrectionKind::Reinstatement
            | CorrectionKind::ReceivablePaymentsBalance
            | CorrectionKind::Unknown(_)),
        )) => return Err(by_hand(&crate::tables::shortened(other.as_str()))),
    };
    if total > 0 {
        return Err(by_hand("refund with a positive total"));
    }
    let original = italian.map_or_else(Original::default, |data| Original {
        day: data.receipt_sequence.clone(),
        number: data.receipt_number.clone(),
        at: None,
        serial: data.printer_serial.clone(),
        key: None,
    });
    Ok(Kind::Refund(Refund {
        reason,
        original,
        corrected: bill.correction.as_ref().and_then(|it| it.corrected),
    }))
}

#[cfg(test)]
mod tests;
