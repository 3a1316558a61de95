use super::*;

fn read(text: &str) -> Result<Config, SettingsError> {
    Config::read(&Settings::from_toml(text))
}

#[test]
fn every_setting_has_a_default() {
    let config = Config::read(&Settings::none()).expect("no table is a good table");
    assert!(!config.conversation(false).checked && config.conversation(true).checked);
    assert_eq!(config.answer_timeout, Duration::from_secs(60));
}

#[test]
fn settings_are_read() {
    let config = read(
        "encoder = \"1\"\ncharacters = \"latin1\"\nok_means = \"queued\"\nframing = \"checked\"\n\
         sharers = \"copy\"\none_request_per_link = true\nlate_answer_ms = 0\n",
    )
    .expect("good settings");
    assert_eq!(config.ok_means, OkMeans::Queued);
    assert!(config.conversation(false).checked);
}

#[test]
fn a_bad_setting_is_told_with_its_place() {
    let error = read("encodr = \"1\"\n").expect_err("misspelt");
    assert!(
        error.message.contains("did you mean `encoder`"),
        "{}",
        error.message
    );
    for bad in [
        "workstation = \"a|b\"",
        "workstation = \"\"",
        "keys_max = 0",
        "room_chars = 0",
    ] {
        assert!(read(bad).is_err(), "{bad}");
    }
}
