use proptest::prelude::*;

use super::*;

fn decimal(text: &str) -> Decimal {
    text.parse().expect("a decimal")
}

#[test]
fn half_a_cent_rounds_away_from_zero() {
    assert_eq!(rounded(decimal("1.005")), Some(101));
    assert_eq!(rounded(decimal("-1.005")), Some(-101));
    assert_eq!(rounded(decimal("1.00499")), Some(100));
    assert_eq!(times(1, 500), Some(1), "0.005 is one cent");
    assert_eq!(times(-1, 500), Some(-1));
    assert_eq!(times(333, 1500), Some(500));
}

#[test]
fn a_fraction_of_a_cent_is_no_exact_amount() {
    assert_eq!(exact(decimal("75.50")), Some(7550));
    assert_eq!(exact(decimal("75.5000")), Some(7550));
    assert_eq!(exact(decimal("75.501")), None);
}

#[test]
fn amounts_are_read_with_a_comma_or_a_point() {
    for (text, cents) in [
        ("153,20", 15320),
        ("153.2", 15320),
        ("-0.05", -5),
        ("+7", 700),
    ] {
        assert_eq!(read(text), Some(cents), "{text}");
    }
    for text in [
        "",
        "-",
        "1.234",
        "1,2,3",
        "abc",
        "1e5",
        "99999999999999999999",
    ] {
        assert_eq!(read(text), None, "{text}");
    }
}

proptest! {
    #[test]
    fn what_is_shown_is_read_back(cents in -9_999_999_999i64..9_999_999_999) {
        prop_assert_eq!(read(&show(cents)), Some(cents));
    }

    #[test]
    fn reading_never_panics(text in ".*") {
        let _ = read(&text);
    }
}
