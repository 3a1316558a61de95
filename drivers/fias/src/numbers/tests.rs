use super::*;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).expect("in range")
}

#[test]
fn one_to_ten_digits_go_out_as_they_are() {
    assert_eq!(plain(Some("52421")).as_deref(), Some("52421"));
    assert_eq!(plain(Some("0000000001")).as_deref(), Some("0000000001"));
    for other in [
        None,
        Some(""),
        Some("A-17"),
        Some("12345678901"),
        Some("１２"),
    ] {
        assert_eq!(plain(other), None, "{other:?}");
    }
}

#[test]
fn a_stay_keeps_its_number_and_no_two_share_one() {
    let (numbers, one) = Numbers::default().of("a", at(1000), at(0));
    let (numbers, two) = numbers.of("b", at(1000), at(0));
    let (_, again) = numbers.of("a", at(2000), at(10));
    assert_eq!(one, "9000000001");
    assert_eq!(two, "9000000002");
    assert_eq!(again, one);
}

#[test]
fn old_stays_are_forgotten_and_their_numbers_not_given_again() {
    let (numbers, _) = Numbers::default().of("a", at(1000), at(0));
    let (numbers, number) = numbers.of("b", at(9_000_000), at(8_000_000));
    assert_eq!(number, "9000000002");
    assert_eq!(numbers.stays.len(), 1);
}
