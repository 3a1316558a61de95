//! A document that came ready for the machine: its bytes, before a driver reads them.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use driver_sdk::{Extra, Fault, FiscalWork};

use crate::money;
use crate::tables::shortened;

/// Base64 as it is seen: with or without padding.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// No document of a hotel bill is longer.
const PAYLOAD_MAX: usize = 512 * 1024;

/// The ready document, if there is one. The bytes are passed on unchanged.
///
/// # Errors
/// `FISCAL-NEWER` for a discriminator this version does not know, `FISCAL-PAYLOAD` for what is no
/// base64 or too long.
pub fn ready(work: &FiscalWork) -> Result<Option<Vec<u8>>, Fault> {
    let text = match &work.payload {
        None => return Ok(None),
        Some(Extra::Unknown(word)) => {
            return Err(Fault::permanent("FISCAL-NEWER").with("word", shortened(word)));
        }
        Some(Extra::Known(text)) => text.reveal(),
    };
    if text.len() > PAYLOAD_MAX * 2 {
        return Err(refused("it is longer than 512 KiB"));
    }
    let packed: Vec<u8> = text
        .bytes()
        .filter(|byte| !byte.is_ascii_whitespace())
        .collect();
    let bytes = BASE64
        .decode(packed)
        .map_err(|_| refused("it is no base64"))?;
    if bytes.is_empty() || bytes.len() > PAYLOAD_MAX {
        return Err(refused("it is empty or longer than 512 KiB"));
    }
    Ok(Some(bytes))
}

/// The fault of a ready document that must not be sent.
#[must_use]
pub fn refused(what: &str) -> Fault {
    Fault::permanent("FISCAL-PAYLOAD").with("what", shortened(what))
}

/// Refuses a ready document whose total is not the bill's.
///
/// # Errors
/// `FISCAL-PAYLOAD-TOTAL` with both numbers.
pub fn same_total(payload: i64, bill: i64) -> Result<(), Fault> {
    if payload == bill.abs() {
        return Ok(());
    }
    Err(Fault::permanent("FISCAL-PAYLOAD-TOTAL")
        .with("payload", money::show(payload))
        .with("bill", money::show(bill.abs())))
}

#[cfg(test)]
mod tests;
