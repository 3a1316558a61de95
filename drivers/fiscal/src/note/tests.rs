use driver_sdk::Catalogue;
use jiff::civil::date;

use super::*;

#[test]
fn the_note_has_the_fixed_form() {
    let at = date(2026, 11, 24).at(14, 5, 10, 0);
    let proof = issued("0764-0013", "99MEY000001", at, 15320, "EUR");
    let catalogue = Catalogue::new(crate::pages::PAGES.iter().copied());
    assert!(proof.fixed_form);
    assert_eq!(
        catalogue.sentence(&proof.say),
        "FISCAL OK doc=0764-0013 serial=99MEY000001 at=2026-11-24T14:05:10 total=153.20 EUR"
    );
}
