//! What the buyer asks to have on the document: VAT number, fiscal code, lottery code. A code that
//! cannot be right is refused before the first byte, because the printer would refuse it in the
//! middle of the document.

use driver_sdk::{Fault, Party, Personal};

use crate::settings::EpsonSettings;

/// Codes in the printer's form.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Codes {
    /// Eleven digits (directIO 1060).
    pub vat: Option<Personal<String>>,
    /// Sixteen letters and digits (directIO 1061).
    pub fiscal: Option<Personal<String>>,
    /// Eight letters and digits.
    pub lottery: Option<Personal<String>>,
}

/// The codes of a buyer. The keys of the config decide which of the open identifiers are what; the
/// tax number of the profile is taken where it is Italian, and left out where it is foreign, since
/// the printer has no place for those.
///
/// # Errors
/// `EPSON-BUYER` names the field, never its value.
pub fn codes(buyer: &Party, settings: &EpsonSettings) -> Result<Codes, Fault> {
    let mut codes = Codes::default();
    let of_key = |key: &Option<String>| {
        let value = buyer.legal_identifiers.get(key.as_ref()?)?;
        Some(plain(value.reveal())).filter(|value| !value.is_empty())
    };
    match of_key(&settings.fiscal_code_key) {
        Some(code) if is_fiscal_code(&code) => codes.fiscal = Some(Personal::new(code)),
        Some(code) => match italian_vat(&code) {
            Some(vat) if is_vat(vat) => codes.vat = Some(Personal::new(vat.to_owned())),
            Some(_) | None => return Err(bad("fiscal code")),
        },
        None => from_profile(buyer, &mut codes)?,
    }
    if let Some(code) = of_key(&settings.lottery_key) {
        if code.len() != 8 || !code.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return Err(bad("lottery code"));
        }
        codes.lottery = Some(Personal::new(code));
    }
    Ok(codes)
}

fn from_profile(buyer: &Party, codes: &mut Codes) -> Result<(), Fault> {
    let italian = match buyer.country.as_deref() {
        Some(country) => country.eq_ignore_ascii_case("IT"),
        None => true,
    };
    let numbers = [&buyer.tax_identifier, &buyer.fiscal_identifier];
    for number in numbers.into_iter().flatten() {
        let number = plain(number.reveal());
        if is_fiscal_code(&number) {
            codes.fiscal = Some(Personal::new(number));
            return Ok(());
        }
        let named = number.starts_with("IT");
        let Some(vat) = italian_vat(&number).filter(|_| italian || named) else {
            continue;
        };
        if is_vat(vat) {
            codes.vat = Some(Personal::new(vat.to_owned()));
            return Ok(());
        }
        if named || buyer.country.is_some() {
            return Err(bad("VAT number"));
        }
    }
    Ok(())
}

fn bad(field: &str) -> Fault {
    Fault::permanent("EPSON-BUYER").with("field", field)
}

/// Capital letters and digits; what people put between them is dropped.
fn plain(text: &str) -> String {
    let kept = text
        .chars()
        .filter(|c| !c.is_whitespace() && !matches!(c, '.' | '-' | '/'));
    kept.map(|c| c.to_ascii_uppercase()).collect()
}

/// Eleven digits, with or without `IT` before them.
fn italian_vat(text: &str) -> Option<&str> {
    let digits = text.strip_prefix("IT").unwrap_or(text);
    let right = digits.len() == 11 && digits.bytes().all(|byte| byte.is_ascii_digit());
    right.then_some(digits)
}

/// The check digit of an Italian VAT number: every second digit doubled, nines cast out.
fn is_vat(digits: &str) -> bool {
    let sum: u32 = digits
        .bytes()
        .enumerate()
        .map(|(at, byte)| {
            let digit = u32::from(byte - b'0');
            match (at % 2, digit) {
                (0, digit) => digit,
                (_, digit @ 0..5) => digit * 2,
                (_, digit) => digit * 2 - 9,
            }
        })
        .sum();
    sum.is_multiple_of(10) && digits != "00000000000"
}

/// What a letter or digit counts at an odd place of a fiscal code (decree of 23 December 1976).
const ODD: [u32; 26] = [
    1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23,
];

/// Sixteen letters and digits whose last letter is the check of the others.
fn is_fiscal_code(code: &str) -> bool {
    let bytes = code.as_bytes();
    if bytes.len() != 16 || !bytes.iter().all(u8::is_ascii_alphanumeric) {
        return false;
    }
    let value = |byte: u8| match byte {
        b'0'..=b'9' => byte - b'0',
        letter => letter - b'A',
    };
    let sum: u32 = bytes[..15]
        .iter()
        .enumerate()
        .map(|(at, &byte)| match at % 2 {
            0 => ODD[usize::from(value(byte))],
            _ => u32::from(value(byte)),
        })
        .sum();
    u32::from(bytes[15]) == u32::from(b'A') + sum % 26
}

#[cfg(test)]
mod tests;
