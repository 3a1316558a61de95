//! What is taken off: a rebate from its line, any other discount from its VAT group.

use driver_sdk::{Fault, Personal};
use uuid::Uuid;

use super::items::Entry;
use super::{LooseDiscounts, Rules};
use crate::document::Line;
use crate::money;
use crate::text::{self, TextRules};

/// The lines of the document, with every discount on a line of its own VAT group. `sign` is -1 for
/// a refund, whose amounts are negative on the bill and positive on the document.
pub(super) fn lines(entries: Vec<Entry>, sign: i64, rules: &Rules<'_>) -> Result<Vec<Line>, Fault> {
    let (sold, off): (Vec<_>, Vec<_>) = entries
        .into_iter()
        .partition(|entry| entry.gross * sign > 0);
    let mut lines: Vec<(Uuid, Line)> = sold
        .into_iter()
        .map(|entry| (entry.item, line(entry, sign, rules)))
        .collect();
    let (own, loose): (Vec<_>, Vec<_>) = off.into_iter().partition(|entry| {
        let target = entry.rebates;
        lines.iter().any(|(item, _)| Some(*item) == target)
    });
    for entry in own {
        off_its_line(&mut lines, &entry, sign)?;
    }
    for entry in loose {
        off_its_group(&mut lines, &entry, sign, rules)?;
    }
    Ok(lines.into_iter().map(|(_, line)| line).collect())
}

fn line(entry: Entry, sign: i64, rules: &Rules<'_>) -> Line {
    let before = entry
        .count
        .map_or_else(String::new, |count| format!("{count} x "));
    let after = entry
        .share
        .map_or_else(String::new, |(index, of)| format!(" ({index}/{of})"));
    let TextRules { item_max, has, .. } = rules.text;
    let text = text::clean_between(&before, &entry.name, &after, has, item_max);
    let gross = entry.gross * sign;
    let (count, price) = entry
        .units
        .map_or((1, gross), |(count, price)| (count, price * sign));
    Line {
        text: Personal::new(text),
        group: entry.group,
        price,
        thousandths: count * 1000,
        gross,
        discount: 0,
    }
}

fn off_its_line(lines: &mut [(Uuid, Line)], entry: &Entry, sign: i64) -> Result<(), Fault> {
    let amount = -entry.gross * sign;
    let too_much = |line: i64| {
        Fault::permanent("FISCAL-DISCOUNT")
            .with("discount", money::show(amount))
            .with("line", money::show(line))
    };
    let line = lines
        .iter_mut()
        .filter(|(item, line)| Some(*item) == entry.rebates && line.group == entry.group)
        .map(|(_, line)| line)
        .max_by_key(|line| line.gross - line.discount)
        .ok_or_else(|| too_much(0))?;
    let left = line.gross - line.discount;
    if amount > left {
        return Err(too_much(left));
    }
    line.discount += amount;
    Ok(())
}

fn off_its_group(
    lines: &mut [(Uuid, Line)],
    entry: &Entry,
    sign: i64,
    rules: &Rules<'_>,
) -> Result<(), Fault> {
    let mut amount = -entry.gross * sign;
    if rules.loose_discounts == LooseDiscounts::Refuse {
        return Err(Fault::permanent("FISCAL-LOOSE-DISCOUNT").with("discount", money::show(amount)));
    }
    let mut group: Vec<_> = lines
        .iter_mut()
        .map(|(_, line)| line)
        .filter(|line| line.group == entry.group)
        .collect();
    group.sort_by_key(|line| std::cmp::Reverse(line.gross - line.discount));
    for line in group {
        let taken = amount.min(line.gross - line.discount);
        line.discount += taken;
        amount -= taken;
    }
    if amount > 0 {
        return Err(Fault::permanent("FISCAL-NEGATIVE-GROUP")
            .with("group", entry.group)
            .with("amount", money::show(-amount)));
    }
    Ok(())
}
