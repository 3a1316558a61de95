use std::collections::BTreeMap;

use driver_sdk::Settings;
use proptest::prelude::*;

use super::*;

const FISCAL: &str = "RSSMRA85T10A562S";
const VAT: &str = "01234567897";

fn buyer(tax: Option<&str>, country: Option<&str>, more: &[(&str, &str)]) -> Party {
    let personal = |text: &str| Personal::new(text.to_owned());
    Party {
        company: false,
        name: personal("Mario Rossi"),
        tax_identifier: tax.map(personal),
        fiscal_identifier: None,
        additional_tax_identifier: None,
        billing_code: None,
        address: Vec::new(),
        country: country.map(str::to_owned),
        legal_identifiers: more
            .iter()
            .map(|(key, value)| ((*key).to_owned(), personal(value)))
            .collect::<BTreeMap<_, _>>(),
    }
}

fn settings() -> EpsonSettings {
    let text = "fiscal_code_key = \"CF\"\nlottery_key = \"Lotteria\"";
    Settings::from_toml(text).parse().expect("good settings")
}

fn found(buyer: &Party) -> Result<[Option<String>; 3], String> {
    let plain = |code: Option<Personal<String>>| code.map(|code| code.reveal().clone());
    codes(buyer, &settings())
        .map(|codes| [codes.vat, codes.fiscal, codes.lottery].map(plain))
        .map_err(|fault| fault.to_string())
}

#[test]
fn each_code_goes_to_its_place() {
    let text = |text: &str| Some(text.to_owned());
    let keys = buyer(
        None,
        None,
        &[("CF", "rssmra85t10a562s "), ("Lotteria", "abcd1234")],
    );
    assert_eq!(found(&keys), Ok([None, text(FISCAL), text("ABCD1234")]));
    for number in [VAT, "IT01234567897", "it 0123 4567 897"] {
        let company = buyer(Some(number), Some("IT"), &[]);
        assert_eq!(found(&company), Ok([text(VAT), None, None]), "{number}");
    }
    assert_eq!(
        found(&buyer(None, None, &[("CF", VAT)])),
        Ok([text(VAT), None, None])
    );
    assert_eq!(
        found(&buyer(Some(FISCAL), None, &[])),
        Ok([None, text(FISCAL), None])
    );
}

#[test]
fn a_foreign_number_is_left_out() {
    for (number, country) in [
        ("DE123456789", Some("DE")),
        ("HR01234567897", Some("HR")),
        ("01234567897", Some("HR")),
        ("12345678901", None),
        ("FR12345678901", None),
        ("", None),
    ] {
        let found = found(&buyer(Some(number), country, &[]));
        assert_eq!(found, Ok([None, None, None]), "{number}");
    }
}

#[test]
fn a_code_that_cannot_be_right_is_refused_by_name_and_never_shown() {
    let key = |key, value| buyer(None, None, &[(key, value)]);
    for (buyer, field) in [
        (key("CF", "RSSMRA85T10A562T"), "fiscal code"),
        (key("CF", "RSSMRA85T10A56"), "fiscal code"),
        (key("CF", "01234567890"), "fiscal code"),
        (key("Lotteria", "ABC"), "lottery code"),
        (key("Lotteria", "ABCD123\u{e8}"), "lottery code"),
        (buyer(Some("IT01234567890"), None, &[]), "VAT number"),
        (buyer(Some("01234567890"), Some("IT"), &[]), "VAT number"),
    ] {
        assert_eq!(found(&buyer), Err(format!("EPSON-BUYER field={field}")));
    }
    let codes = codes(&key("CF", FISCAL), &settings()).expect("good");
    assert!(!format!("{codes:?}").contains(FISCAL));
}

proptest! {
    #[test]
    fn whatever_a_profile_holds_there_is_an_answer(
        tax in ".{0,20}", code in "[A-Z0-9 \u{e0}-\u{ff}]{0,18}", lottery in ".{0,10}",
    ) {
        let buyer = buyer(Some(&tax), None, &[("CF", &code), ("Lotteria", &lottery)]);
        if let Ok([vat, fiscal, lottery]) = found(&buyer) {
            prop_assert!(vat.is_none_or(|it| it.len() == 11));
            prop_assert!(fiscal.is_none_or(|it| it.len() == 16));
            prop_assert!(lottery.is_none_or(|it| it.len() == 8));
        }
    }

    #[test]
    fn one_wrong_digit_of_a_vat_number_is_found(at in 0_usize..11, by in 1_u8..10) {
        let mut digits = VAT.as_bytes().to_vec();
        digits[at] = b'0' + (digits[at] - b'0' + by) % 10;
        prop_assert!(!is_vat(std::str::from_utf8(&digits).expect("digits")));
    }
}
