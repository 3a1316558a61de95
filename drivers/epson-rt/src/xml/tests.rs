use proptest::prelude::*;

use super::*;

#[test]
fn an_entity_bomb_and_a_document_type_are_refused() {
    let bomb = br#"<!DOCTYPE a [<!ENTITY b "bbb"><!ENTITY c "&b;&b;">]><a>&c;</a>"#;
    assert_eq!(read(bomb), Err(Unreadable::Doctype));
    assert_eq!(read(b"<a>&file;</a>"), Err(Unreadable::Entity));
    assert_eq!(read(b"<a b=\"&file;\"/>"), Err(Unreadable::Entity));
    let deep = "<a>".repeat(40);
    assert_eq!(read(deep.as_bytes()), Err(Unreadable::TooLarge));
    for bad in ["", "<a>", "<a></b>", "<a/><b/>", "text", "<a b=1/>"] {
        assert!(read(bad.as_bytes()).is_err(), "{bad}");
    }
}

#[test]
fn prefixes_a_bom_and_blank_lines_do_not_matter() {
    let text = "\u{FEFF}\n\n<?xml version=\"1.0\"?><x:Envelope xmlns:x=\"y\"><x:Body><r s=\"&lt;1\">\
                caff&#232; &amp; t&#xE8;</r></x:Body></x:Envelope>";
    let root = read(text.as_bytes()).expect("well-formed");
    let inside = inside_envelope(&root).expect("one command");
    assert_eq!(
        (inside.name.as_str(), inside.text.as_str()),
        ("r", "caffè & tè")
    );
    assert_eq!(inside.attribute("s"), Some("<1"));
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(name in "[a-z]{1,8}", value in "[ -~à-ü]{0,40}") {
        let root = Element::new("a").with(&name, &value);
        let bytes = envelope(&root);
        let read = read(&bytes).expect("our own");
        prop_assert_eq!(inside_envelope(&read), Some(&root));
    }

    #[test]
    fn reading_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = read(&bytes);
    }
}
