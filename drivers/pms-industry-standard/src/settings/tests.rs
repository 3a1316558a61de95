use super::*;

fn read(text: &str) -> Result<Config, SettingsError> {
    Config::read(&Settings::from_toml(text))
}

#[test]
fn every_setting_has_a_default() {
    let config = Config::read(&Settings::none()).expect("no table is a good table");
    assert_eq!(config.profile, None);
    assert_eq!(config.answer_timeout, Duration::from_secs(60));
    assert_eq!(
        config.resync(true),
        Resync::Silence(Duration::from_millis(500))
    );
    assert_eq!(config.resync(false), Resync::Reopen);
}

#[test]
fn settings_are_read() {
    let config = read(
        "profile = \"salto\"\ndates = \"8\"\nencoder = \"Desk 1\"\nissue = \"copy\"\n\
         sharers = \"copy\"\nsession = \"kept-open\"\nanswer_timeout_ms = 30000\n",
    )
    .expect("good settings");
    assert_eq!(config.profile, Some(Profile::Salto));
    assert_eq!(config.dates, Some(DateDigits::Eight));
    assert_eq!(config.session, SessionHabit::KeptOpen);
    assert_eq!(config.answer_timeout, Duration::from_secs(30));
}

#[test]
fn a_bad_setting_is_told_with_its_place() {
    let error = read("profil = \"salto\"\n").expect_err("misspelt");
    assert_eq!(
        error.message,
        "unknown key `profil`; did you mean `profile`?"
    );
    let error = read("trim = true\nkeys_max = 100\n").expect_err("too many");
    assert_eq!(error.span.map(|span| span.start), Some(23));
    for bad in [
        "operator = \"³\"",
        "enquiries = 0",
        "answer_timeout_ms = 5",
        "dates = \"9\"",
    ] {
        assert!(read(bad).is_err(), "{bad}");
    }
}
