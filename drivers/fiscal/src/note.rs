//! The one note that staff, accountants and programs search for.

use driver_sdk::{Grade, Proof, Say};
use jiff::civil::DateTime;

use crate::money;

/// `FISCAL OK doc=0764-0013 serial=99MEY000001 at=2026-11-24T14:05:10 total=153.20 EUR`: the
/// document's number read back from the device.
#[must_use]
pub fn issued(doc: &str, serial: &str, at: DateTime, total: i64, currency: &str) -> Proof {
    let say = Say::new("FISCAL-OK")
        .with("doc", doc)
        .with("serial", serial)
        .with("at", at.strftime("%Y-%m-%dT%H:%M:%S"))
        .with("total", money::show(total))
        .with("currency", currency);
    Proof::new(Grade::Done, say).in_fixed_form()
}

#[cfg(test)]
mod tests;
