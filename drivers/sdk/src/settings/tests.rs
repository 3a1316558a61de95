use serde::Deserialize;

use super::*;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Printer {
    #[serde(default)]
    columns: u8,
}

fn of(text: &str) -> Settings {
    let path = ["device", "bar", "settings"].map(str::to_owned).to_vec();
    Settings::new(text.into(), path, 0..12)
}

#[test]
fn a_missing_table_means_defaults() {
    assert_eq!(
        of("[device.bar]\n")
            .parse::<Printer>()
            .expect("no table")
            .columns,
        0
    );
    assert_eq!(
        Settings::none()
            .parse::<Printer>()
            .expect("no text")
            .columns,
        0
    );
}

#[test]
fn a_misspelt_key_is_placed_and_suggested() {
    let text = "[device.bar]\n[device.bar.settings]\ncolums = 42\n";
    let error = of(text).parse::<Printer>().expect_err("the key is wrong");
    assert_eq!(
        error.message,
        "unknown key `colums`; did you mean `columns`?"
    );
    assert_eq!(&text[error.span.expect("a place")], "colums");
}

#[test]
fn a_value_of_the_wrong_kind_is_placed() {
    let text = "[device.bar.settings]\ncolumns = \"many\"\n";
    let error = of(text)
        .parse::<Printer>()
        .expect_err("a text is no number");
    assert_eq!(&text[error.span.expect("a place")], "\"many\"");
    assert_eq!(&text[of(text).place_of("columns")], "\"many\"");
}

#[test]
fn every_wrong_key_is_told_and_no_value_is_repeated() {
    let text = "[device.bar.settings]\ncolumns = \"hunter2\"\ncolour = 5\ncolums = 1\n";
    let error = of(text)
        .parse::<Printer>()
        .expect_err("three keys are wrong");
    let mut all = vec![error.clone()];
    all.extend(error.also);
    all.sort_by_key(|error| error.span.as_ref().map(|span| span.start));
    let told: Vec<&str> = all.iter().map(|error| error.message.as_str()).collect();
    assert_eq!(
        told,
        [
            "`columns` must be a whole number, 0 to 255",
            "unknown key `colour`; remove it",
            "unknown key `colums`; did you mean `columns`?",
        ]
    );
}

#[test]
fn a_misspelt_key_hides_no_number_out_of_range_and_one_number_not_another() {
    let text = "[device.bar.settings]\ncolumns = 7\ncolour = 5\n";
    let error = of(text)
        .parse_and_check::<Printer>(|_, complaints| {
            complaints.about("columns", "`columns` must be 8 to 100");
            complaints.unless(true, "columns", "is never told");
            complaints.unless(false, "dots", "`dots` must be more");
        })
        .expect_err("three things are wrong");
    let mut told = vec![error.message.as_str()];
    told.extend(error.also.iter().map(|also| also.message.as_str()));
    assert_eq!(
        told,
        [
            "unknown key `colour`; remove it",
            "`columns` must be 8 to 100",
            "`dots` must be more"
        ]
    );
    assert_eq!(&text[error.also[0].span.clone().expect("a place")], "7");
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Encoder {
    #[serde(rename = "number")]
    _number: u8,
}

#[test]
fn a_missing_key_is_told_at_the_table_after_the_wrong_ones() {
    let error = of("[device.bar]\n")
        .parse::<Encoder>()
        .expect_err("no table");
    assert_eq!(error.message, "`number` is missing; add it");
    assert_eq!(error.span, Some(0..12));
    let text = "[device.bar.settings]\nnumbr = 1\n";
    let error = of(text)
        .parse::<Encoder>()
        .expect_err("two things are wrong");
    assert_eq!(error.also.len(), 1, "{error:?}");
}

#[test]
fn a_number_out_of_bounds_is_told_by_its_bounds() {
    let text = "[device.bar.settings]\ncolumns = 300\n";
    let error = of(text).parse::<Printer>().expect_err("too large");
    assert!(error.message.contains("`columns` must be"), "{error}");
    assert!(!error.message.contains("300"), "{error}");
}
