//! The pages of the codes that every fiscal driver can give.

use driver_sdk::{FaultPage, page};

/// Every page of this crate; a driver adds its own with [`with`].
pub const PAGES: &[FaultPage] = &[
    page!("FISCAL-AMOUNT"),
    page!("FISCAL-BROKEN-OFF"),
    page!("FISCAL-BY-HAND"),
    page!("FISCAL-CURRENCY"),
    page!("FISCAL-DATA"),
    page!("FISCAL-DEPOSIT"),
    page!("FISCAL-DISCOUNT"),
    page!("FISCAL-DOUBT"),
    page!("FISCAL-HOST"),
    page!("FISCAL-ITEM-SUMS"),
    page!("FISCAL-LOOSE-DISCOUNT"),
    page!("FISCAL-MACHINE"),
    page!("FISCAL-NEGATIVE-GROUP"),
    page!("FISCAL-NEWER"),
    page!("FISCAL-NO-ITEMS"),
    page!("FISCAL-NO-PAYMENTS"),
    page!("FISCAL-NOT-A-SALE"),
    page!("FISCAL-NOT-CLOSED"),
    page!("FISCAL-OK"),
    page!("FISCAL-OPEN-ELSEWHERE"),
    page!("FISCAL-ORIGINAL-MISSING"),
    page!("FISCAL-PAYLOAD"),
    page!("FISCAL-PAYLOAD-TOTAL"),
    page!("FISCAL-PAYMENT-NEGATIVE"),
    page!("FISCAL-PAYMENT-OPEN"),
    page!("FISCAL-PAYMENT-UNMAPPED"),
    page!("FISCAL-PENDING"),
    page!("FISCAL-SERIAL"),
    page!("FISCAL-SUMS"),
    page!("FISCAL-TAX-NUMBER"),
    page!("FISCAL-TEST"),
    page!("FISCAL-VAT-RATE"),
    page!("FISCAL-VAT-UNMAPPED"),
    page!("FISCAL-WRONG-PRINTER"),
    page!("FISCAL-Z-DOUBT"),
    page!("FISCAL-Z-LATE"),
    page!("FISCAL-Z-OK"),
    page!("FISCAL-Z-PENDING"),
    page!("FISCAL-ZERO"),
];

/// This crate's pages and a driver's own, as one list.
///
/// # Panics
/// At compile time, if `N` is not the sum of both lengths.
#[must_use]
pub const fn with<const N: usize>(own: &[FaultPage]) -> [FaultPage; N] {
    assert!(N == PAGES.len() + own.len(), "N is the number of all pages");
    let mut all = [PAGES[0]; N];
    let mut at = 0;
    while at < N {
        all[at] = if at < PAGES.len() {
            PAGES[at]
        } else {
            own[at - PAGES.len()]
        };
        at += 1;
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_page_has_a_sentence_and_an_explanation() {
        for page in PAGES {
            assert!(page.sentence().ends_with(['.', '}']), "{}", page.code);
            assert!(!page.explanation().is_empty(), "{}", page.code);
        }
    }
}
