use proptest::prelude::*;

use super::*;

#[test]
fn the_known_dialects_are_read() {
    for (text, protocol) in [
        (
            r#"{"Type":"IndustryStandardProtocol"}"#,
            Protocol::IndustryStandard,
        ),
        (r#"{"Type":"OnityKeyCutter"}"#, Protocol::Onity),
        (r#"{"Type":"FiasProtocol"}"#, Protocol::Fias),
        (r#"{"Type":"Fias"}"#, Protocol::Fias),
        (
            r#"{"Type":"HotekKeyCutter"}"#,
            Protocol::Other("HotekKeyCutter".into()),
        ),
    ] {
        let dialect = Dialect::parse(text).expect("a published example");
        assert_eq!(dialect.protocol, Some(protocol), "{text}");
    }
}

#[test]
fn blank_data_says_nothing() {
    for text in ["", "  \r\n", "{}", r#"{"Type":""}"#, r#"{"Type":null}"#] {
        assert_eq!(Dialect::parse(text), Ok(Dialect::default()), "{text:?}");
    }
}

#[test]
fn truth_comes_as_a_bool_or_as_text() {
    let text = r#"{"Type":"IndustryStandardProtocol","MobileKeys":"true","EncoderKeys":"True"}"#;
    let dialect = Dialect::parse(text).expect("valid");
    assert!(dialect.mobile_keys && dialect.encoder_keys);
    let dialect = Dialect::parse(r#"{"MobileKeys":true,"EncoderKeys":"false"}"#).expect("valid");
    assert!(dialect.mobile_keys && !dialect.encoder_keys);
    let bad = Dialect::parse(r#"{"MobileKeys":"perhaps"}"#);
    assert_eq!(
        bad,
        Err(DialectError::BadValue {
            key: "MobileKeys",
            wanted: "true or false"
        })
    );
}

#[test]
fn unknown_keys_are_kept_and_never_shown() {
    let dialect = Dialect::parse(r#"{"Type":"Fias","Password":"hunter2"}"#).expect("valid");
    assert!(dialect.others.contains_key("Password"));
    assert!(!format!("{dialect:?}").contains("hunter2"));
}

#[test]
fn text_that_is_not_json_is_refused_with_its_place() {
    // The misplaced quote and comma of a published example.
    let text = r#"{"Type":"IndustryStandardProtocol,"MobileKeys":"true"}"#;
    assert_eq!(
        Dialect::parse(text),
        Err(DialectError::NotJson {
            line: 1,
            column: 36
        })
    );
    assert_eq!(
        Dialect::parse("{\n\"Type\": x}"),
        Err(DialectError::NotJson { line: 2, column: 9 })
    );
    assert_eq!(Dialect::parse("[1]"), Err(DialectError::NotAnObject));
}

#[test]
fn a_forced_mode_is_read() {
    let mode = |text| Dialect::parse(text).map(|dialect| dialect.mode);
    assert_eq!(mode(r#"{"KeyMode":"New"}"#), Ok(Some(Mode::New)));
    assert_eq!(mode(r#"{"KeyMode":"copy"}"#), Ok(Some(Mode::Copy)));
    assert!(mode(r#"{"KeyMode":"both"}"#).is_err());
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in ".{0,200}") {
        let _ = Dialect::parse(&text);
    }

    #[test]
    fn any_json_object_is_read_or_refused(key in "[A-Za-z]{1,12}", value in ".{0,40}") {
        let text = serde_json::json!({ key: value }).to_string();
        let _ = Dialect::parse(&text);
    }
}
