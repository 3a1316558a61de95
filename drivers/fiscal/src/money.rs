//! Money in whole cents, rounded as fiscal devices round: half away from zero.

use rust_decimal::prelude::ToPrimitive;
use rust_decimal::{Decimal, RoundingStrategy};

/// A decimal amount in cents; `None` if it is not whole cents or out of range.
#[must_use]
pub fn exact(amount: Decimal) -> Option<i64> {
    let cents = amount.checked_mul(Decimal::ONE_HUNDRED)?;
    cents.is_integer().then(|| cents.to_i64())?
}

/// A decimal amount rounded to cents; `None` if it is out of range.
#[must_use]
pub fn rounded(amount: Decimal) -> Option<i64> {
    amount
        .checked_mul(Decimal::ONE_HUNDRED)?
        .round_dp_with_strategy(0, RoundingStrategy::MidpointAwayFromZero)
        .to_i64()
}

/// Cents as people write them: `153.20`.
#[must_use]
pub fn show(cents: i64) -> String {
    let sign = if cents < 0 { "-" } else { "" };
    let cents = cents.unsigned_abs();
    format!("{sign}{}.{:02}", cents / 100, cents % 100)
}

/// Cents from `153.20`, `153,20`, `153.2` or `153`; `None` for anything else.
#[must_use]
pub fn read(text: &str) -> Option<i64> {
    let text = text.trim();
    let (sign, digits) = match text.as_bytes().first()? {
        b'-' => (-1, &text[1..]),
        b'+' => (1, &text[1..]),
        _ => (1, text),
    };
    let (whole, fraction) = digits.split_once(['.', ',']).unwrap_or((digits, ""));
    let all_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || fraction.len() > 2 || !all_digits(whole) || !all_digits(fraction) {
        return None;
    }
    let fraction: i64 = format!("{fraction:0<2}").parse().ok()?;
    let whole: i64 = whole.parse().ok()?;
    whole
        .checked_mul(100)?
        .checked_add(fraction)?
        .checked_mul(sign)
}

/// `round(quantity × price)` as the devices compute it: half away from zero. The quantity is in
/// thousandths.
#[must_use]
pub fn times(price: i64, thousandths: i64) -> Option<i64> {
    let exact = i128::from(price) * i128::from(thousandths);
    let half = if exact < 0 { -500 } else { 500 };
    i64::try_from((exact + half) / 1000).ok()
}

#[cfg(test)]
mod tests;
