use super::*;

#[test]
fn a_cell_is_neither_torn_nor_taken_for_a_formula() {
    for (text, written) in [
        ("117", "117"),
        ("-", "-"),
        ("a,b", "\"a,b\""),
        ("say \"x\"", "\"say \"\"x\"\"\""),
        ("two\nlines", "\"two\nlines\""),
        ("=1+1", "\"'=1+1\""),
        ("@SUM", "\"'@SUM\""),
    ] {
        assert_eq!(cell(text), written);
    }
}

#[test]
fn a_day_is_one_and_nonsense_is_not() {
    assert!(moment("2026-01-01").is_ok());
    let utc = moment("2026-01-01T00:00:00Z").expect("a time");
    assert_eq!(utc.as_second(), 1_767_225_600);
    for wrong in ["yesterday", "2026-13-01", "01.01.2026", ""] {
        assert!(moment(wrong).is_err(), "{wrong}");
    }
}
