//! Which items count, and their amounts by VAT rate in whole cents.

use std::collections::HashMap;

use driver_sdk::{Amount, Bill, BillItem, Fault, ItemKind, TaxPart};
use rust_decimal::Decimal;
use uuid::Uuid;

use super::Rules;
use crate::money;
use crate::tables::shortened;

/// A part of an item under one VAT group, signed as on the bill.
#[derive(Debug)]
pub(super) struct Entry {
    pub item: Uuid,
    pub rebates: Option<Uuid>,
    pub name: String,
    /// `(1, 2)`: the first of two rates of one item.
    pub share: Option<(usize, usize)>,
    pub group: u8,
    pub gross: i64,
    /// Count and price of one, where their product is the gross amount.
    pub units: Option<(i64, i64)>,
    /// The count, where it had to go into the text.
    pub count: Option<i64>,
}

/// The items with names where they came, else those without; never both.
pub(super) fn chosen(bill: &Bill) -> Result<Vec<&BillItem>, Fault> {
    let list = bill.revenue.as_ref().or(bill.order_items.as_ref());
    let items: Vec<_> = list
        .into_iter()
        .flatten()
        .filter(|item| !item.canceled)
        .collect();
    if items.is_empty() {
        return Err(Fault::permanent("FISCAL-NO-ITEMS"));
    }
    Ok(items)
}

pub(super) fn amount<'bill>(
    amount: Option<&'bill Amount>,
    field: &str,
    currency: &str,
) -> Result<&'bill Amount, Fault> {
    let amount = amount.ok_or_else(|| {
        Fault::permanent("FISCAL-AMOUNT")
            .with("field", field)
            .with("amount", "nothing")
    })?;
    if amount.currency != currency {
        return Err(Fault::permanent("FISCAL-CURRENCY")
            .with("currency", shortened(&amount.currency))
            .with("expected", currency));
    }
    // Far beyond any device's price, and far below where sums of decimals overflow.
    let limit = Decimal::from(1_000_000_000);
    let all = amount.parts.iter().flat_map(|part| [part.net, part.tax]);
    let numbers = all.chain([amount.net, amount.gross]);
    for number in numbers {
        if number.abs() > limit {
            return Err(bad_amount(field, number));
        }
    }
    Ok(amount)
}

pub(super) fn bad_amount(field: &str, amount: Decimal) -> Fault {
    Fault::permanent("FISCAL-AMOUNT")
        .with("field", field)
        .with("amount", amount)
}

/// An amount without a breakdown is one untaxed part.
pub(super) fn parts(amount: &Amount) -> Vec<TaxPart> {
    if !amount.parts.is_empty() {
        return amount.parts.clone();
    }
    vec![TaxPart {
        code: None,
        net: amount.net,
        tax: Decimal::ZERO,
    }]
}

pub(super) fn entries(bill: &Bill, rules: &Rules<'_>) -> Result<Vec<Entry>, Fault> {
    let twins: HashMap<Uuid, &BillItem> = bill
        .order_items
        .iter()
        .flatten()
        .map(|item| (item.id, item))
        .collect();
    let mut entries = Vec::new();
    for item in chosen(bill)? {
        let twin = twins.get(&item.id).copied();
        item_entries(item, twin, rules, &mut entries)?;
    }
    Ok(entries)
}

fn item_entries(
    item: &BillItem,
    twin: Option<&BillItem>,
    rules: &Rules<'_>,
    out: &mut Vec<Entry>,
) -> Result<(), Fault> {
    let amount = amount(item.amount.as_ref(), "item", rules.currency)?;
    let gross = money::exact(amount.gross).ok_or_else(|| bad_amount("gross", amount.gross))?;
    let grouped = by_group(item, &parts(amount), gross, rules)?;
    let shares: Vec<_> = grouped
        .into_iter()
        .filter(|(_, cents)| *cents != 0)
        .collect();
    let name = item
        .name
        .as_ref()
        .or_else(|| twin.and_then(|twin| twin.name.as_ref()))
        .map(|name| name.reveal().trim())
        .filter(|name| !name.is_empty())
        .map_or_else(|| spelled(&item.kind), str::to_owned);
    let (units, count) = units(item, twin, gross, shares.len());
    let of = shares.len();
    for (index, (group, cents)) in shares.into_iter().enumerate() {
        out.push(Entry {
            item: item.id,
            rebates: item.rebates.or_else(|| twin.and_then(|twin| twin.rebates)),
            name: name.clone(),
            share: (of > 1).then_some((index + 1, of)),
            group,
            gross: cents,
            units,
            count,
        });
    }
    Ok(())
}

/// The item's cents by VAT group. Parts are rounded so that they come to the item's gross amount:
/// the cents left over go to the parts that lost most by rounding.
fn by_group(
    item: &BillItem,
    parts: &[TaxPart],
    gross: i64,
    rules: &Rules<'_>,
) -> Result<Vec<(u8, i64)>, Fault> {
    let mut exact: Vec<(u8, Decimal)> = Vec::new();
    for part in parts {
        let group = group(item, part, rules)?;
        match exact.iter_mut().find(|(known, _)| *known == group) {
            Some((_, sum)) => *sum += part.net + part.tax,
            None => exact.push((group, part.net + part.tax)),
        }
    }
    let sum: Decimal = exact.iter().map(|(_, amount)| *amount).sum();
    if money::rounded(sum) != Some(gross) {
        return Err(Fault::permanent("FISCAL-ITEM-SUMS")
            .with("gross", money::show(gross))
            .with("breakdown", sum.round_dp(4)));
    }
    let hundred = Decimal::ONE_HUNDRED;
    let mut shares = Vec::new();
    for (group, amount) in exact {
        let cents = money::rounded(amount).ok_or_else(|| bad_amount("breakdown", amount))?;
        shares.push((group, cents, amount * hundred - Decimal::from(cents)));
    }
    let mut left = gross - shares.iter().map(|(_, cents, _)| cents).sum::<i64>();
    while left != 0 {
        let step = left.signum();
        let most = shares
            .iter_mut()
            .max_by_key(|(_, _, lost)| *lost * Decimal::from(step))
            .ok_or_else(|| bad_amount("breakdown", sum))?;
        most.1 += step;
        most.2 -= Decimal::from(step);
        left -= step;
    }
    Ok(shares
        .into_iter()
        .map(|(group, cents, _)| (group, cents))
        .collect())
}

fn group(item: &BillItem, part: &TaxPart, rules: &Rules<'_>) -> Result<u8, Fault> {
    let not_a_sale =
        || Fault::permanent("FISCAL-NOT-A-SALE").with("kind", shortened(item.kind.as_str()));
    match item.kind {
        ItemKind::Deposit => rules
            .deposit_group
            .ok_or_else(|| Fault::permanent("FISCAL-DEPOSIT")),
        ItemKind::TaxCorrection | ItemKind::ExchangeRateDifference | ItemKind::Unknown(_) => {
            Err(not_a_sale())
        }
        ItemKind::SpaceOrder
        | ItemKind::ProductOrder
        | ItemKind::CustomItem
        | ItemKind::Other
        | ItemKind::CancellationFee
        | ItemKind::InvoiceFee
        | ItemKind::ResourceUpgradeFee
        | ItemKind::Surcharge
        | ItemKind::SurchargeDiscount
        | ItemKind::Rebate => rules.vat.group(part.code.as_deref()),
    }
}

/// Count and price where the device's own product is the gross amount; else the count for the
/// text.
fn units(
    item: &BillItem,
    twin: Option<&BillItem>,
    gross: i64,
    shares: usize,
) -> (Option<(i64, i64)>, Option<i64>) {
    let from = if item.count.is_some() {
        Some(item)
    } else {
        twin
    };
    let Some(count) = from.and_then(|it| it.count).filter(|count| *count > 1) else {
        return (None, None);
    };
    let price = from.and_then(|it| it.unit_gross).and_then(money::rounded);
    // Devices take at most 9,999.999 pieces; nothing of a hotel comes near.
    match price {
        Some(price) if shares == 1 && count < 1_000 && price.checked_mul(count) == Some(gross) => {
            (Some((count, price)), None)
        }
        Some(_) | None => (None, Some(count)),
    }
}

/// `SpaceOrder` becomes `Space order`, for items that came without a name.
fn spelled(kind: &ItemKind) -> String {
    let mut out = String::new();
    for c in kind.as_str().chars() {
        if c.is_uppercase() && !out.is_empty() {
            out.push(' ');
            out.extend(c.to_lowercase());
        } else {
            out.push(c);
        }
    }
    out
}
