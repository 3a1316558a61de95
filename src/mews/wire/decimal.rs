//! JSON numbers of any length as decimals, without binary floating point.

use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer, de::Error};

/// A number that is no amount of money.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotMoney {
    /// Not a JSON number.
    #[error("not a number")]
    NotANumber,
    /// Beyond about 79 thousand quadrillion quadrillion (2^96).
    #[error("the number is too large for an amount")]
    TooLarge,
}

/// Decimal places a [`Decimal`] can hold.
const SCALE_MAX: i64 = 28;
/// Digits of the largest mantissa a [`Decimal`] can hold (2^96 - 1).
const DIGITS_MAX: usize = 29;

/// Reads a JSON number. Exact up to 28 significant digits and 28 decimal places; what is longer
/// (a third of a tax with forty digits) is rounded half to even in its last representable place.
///
/// # Errors
/// [`NotMoney`] for what is no JSON number and for numbers above 2^96.
pub fn parse_decimal(text: &str) -> Result<Decimal, NotMoney> {
    let (negative, mut digits, mut scale) = split(text)?;
    while scale > 0 && digits.last() == Some(&b'0') {
        digits.pop();
        scale -= 1;
    }
    if digits.is_empty() {
        return Ok(Decimal::ZERO);
    }
    if scale < 0 {
        let zeros = usize::try_from(-scale).map_err(|_| NotMoney::TooLarge)?;
        if digits.len().saturating_add(zeros) > DIGITS_MAX {
            return Err(NotMoney::TooLarge);
        }
        digits.resize(digits.len() + zeros, b'0');
        scale = 0;
    }
    let mut drop = (scale - SCALE_MAX)
        .max(i64::try_from(digits.len().saturating_sub(DIGITS_MAX)).unwrap_or(i64::MAX));
    loop {
        if drop > scale {
            return Err(NotMoney::TooLarge);
        }
        if let Some(value) = rounded(&digits, scale, drop.max(0)) {
            return Ok(if negative { -value } else { value });
        }
        drop = drop.max(0) + 1;
    }
}

/// Sign, significant digits without leading zeros, and decimal places (negative: zeros to add).
fn split(text: &str) -> Result<(bool, Vec<u8>, i64), NotMoney> {
    let (negative, rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (mantissa, exponent) = match rest.find(['e', 'E']) {
        Some(at) => (&rest[..at], exponent(&rest[at + 1..])?),
        None => (rest, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, "0"));
    let all_digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    if !all_digits(whole) || !all_digits(fraction) {
        return Err(NotMoney::NotANumber);
    }
    let digits: Vec<u8> = whole
        .bytes()
        .chain(fraction.bytes())
        .skip_while(|&digit| digit == b'0')
        .collect();
    let places = i64::try_from(fraction.len()).map_err(|_| NotMoney::TooLarge)?;
    Ok((negative, digits, places.saturating_sub(exponent)))
}

/// An exponent of any length; absurd ones are as good as ten to the 18th.
fn exponent(text: &str) -> Result<i64, NotMoney> {
    let (sign, digits) = match text.as_bytes().first() {
        Some(b'-') => (-1, &text[1..]),
        Some(b'+') => (1, &text[1..]),
        _ => (1, text),
    };
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(NotMoney::NotANumber);
    }
    let size = digits.bytes().fold(0_i64, |sum, digit| {
        sum.saturating_mul(10)
            .saturating_add(i64::from(digit - b'0'))
            .min(1_000_000_000_000_000_000)
    });
    Ok(sign * size)
}

/// The digits without the last `drop` ones, rounded half to even; `None` if that is too large.
fn rounded(digits: &[u8], scale: i64, drop: i64) -> Option<Decimal> {
    let drop_len = usize::try_from(drop).unwrap_or(usize::MAX);
    if drop_len > digits.len() {
        return Some(Decimal::ZERO);
    }
    let (kept, dropped) = digits.split_at(digits.len() - drop_len);
    let mut value: i128 = 0;
    for digit in kept {
        value = value
            .checked_mul(10)?
            .checked_add(i128::from(digit - b'0'))?;
    }
    let up = match dropped.split_first() {
        None => false,
        Some((first, rest)) => {
            let above = *first > b'5' || (*first == b'5' && rest.iter().any(|&d| d != b'0'));
            above || (*first == b'5' && value % 2 == 1)
        }
    };
    let places = u32::try_from(scale - drop).ok()?;
    Decimal::try_from_i128_with_scale(value + i128::from(up), places).ok()
}

/// A required amount.
pub(crate) fn money<'de, D: Deserializer<'de>>(input: D) -> Result<Decimal, D::Error> {
    let number = serde_json::Number::deserialize(input)?;
    parse_decimal(&number.to_string()).map_err(D::Error::custom)
}

/// An amount that may be absent or `null`.
pub(crate) fn money_opt<'de, D: Deserializer<'de>>(input: D) -> Result<Option<Decimal>, D::Error> {
    match Option::<serde_json::Number>::deserialize(input)? {
        Some(number) => parse_decimal(&number.to_string())
            .map(Some)
            .map_err(D::Error::custom),
        None => Ok(None),
    }
}
