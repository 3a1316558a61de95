use super::*;

fn parsed(text: &str) -> Result<Config, String> {
    Config::parse(&Settings::from_toml(text)).map_err(|error| error.message)
}

#[test]
fn no_settings_are_settings() {
    let config = parsed("").expect("every key has a default");
    assert_eq!((config.columns(), config.dpi()), (48, 203));
    assert_eq!((config.band_rows(), config.rows_max()), (128, 39_960));
}

#[test]
fn a_180_dpi_head_has_42_columns() {
    let config = parsed("dots = 512\nprofile = \"epson\"").expect("good");
    assert_eq!((config.columns(), config.dpi()), (42, 180));
    assert_eq!(config.band_rows(), 256);
}

#[test]
fn the_example_says_every_key() {
    let example = include_str!("../../../../config/escpos.toml");
    let uncommented: String = example
        .lines()
        .filter_map(|line| line.strip_prefix("# set: ").or(Some(line)))
        .filter(|line| !line.starts_with('#'))
        .map(|line| format!("{line}\n"))
        .collect();
    let path = vec!["device".to_owned(), "bar".to_owned(), "settings".to_owned()];
    let settings = Settings::new(uncommented.as_str().into(), path, 0..0);
    Config::parse(&settings).expect("the example is good");
    let keys = include_str!("../settings.rs")
        .lines()
        .take_while(|line| !line.starts_with("/// What is known of the printer.\n"))
        .take_while(|line| !line.starts_with("pub enum"))
        .filter_map(|line| line.trim().strip_prefix("pub "))
        .filter_map(|line| line.split_once(':'))
        .map(|(key, _)| key.to_owned())
        .filter(|key| !key.contains(' '));
    let mut seen = 0;
    for key in keys {
        let named = match key.as_str() {
            "band_pause" | "hold" => format!("{key}_ms ="),
            "watch" => "watch_s =".to_owned(),
            _ => format!("{key} ="),
        };
        assert!(example.contains(&named), "config/escpos.toml lacks {key}");
        seen += 1;
    }
    assert!(seen > 20, "{seen} keys were found");
}

#[test]
fn wrong_values_are_said_with_what_is_possible() {
    for (text, said) in [
        ("dots = 577", "multiple of 8"),
        ("columns = 3", "8 to 100"),
        ("code_tables = []", "cp437"),
        ("code_tables = [\"cp1\"]", "known are cp437"),
        ("copies_max = 0", "1 to 100"),
        ("cut = \"diagonal\"", "old-partial"),
        ("density = 9", "-6 to 8"),
        ("drawer_on_ms = 0", "2 to 510"),
        ("band_rows = 5000", "8 to 1000"),
    ] {
        let error = parsed(text).expect_err(text);
        assert!(error.contains(said), "{text}: {error}");
    }
}
