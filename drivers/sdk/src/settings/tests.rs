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
