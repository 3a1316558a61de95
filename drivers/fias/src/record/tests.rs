use proptest::prelude::*;

use super::*;
use crate::frame::tests::vectors;

#[test]
fn golden_records_are_read_and_written() {
    for golden in vectors() {
        let record = Record::parse(golden.text.as_bytes()).expect("a golden record");
        assert_eq!(
            record.to_bytes().expect("can be sent"),
            golden.text.as_bytes()
        );
    }
}

#[test]
fn fields_are_found_in_any_order() {
    let record = Record::parse(b"KA|TI150507|KC1|AS|CTa b|G#52421").expect("a record");
    assert_eq!(record.get("KC"), Some("1"));
    assert_eq!(record.get("AS"), Some(""));
    assert_eq!(record.get("G#"), Some("52421"));
    assert_eq!(record.get("WS"), None);
}

#[test]
fn a_value_that_would_break_the_record_is_refused() {
    for bad in ["a|b", "a\u{2}", "a\u{3}", "a\r", "\u{7F}", "Ž"] {
        let record = Record::new("KR").with("GN", bad);
        assert_eq!(
            record.to_bytes(),
            Err(RecordError::BadValue("GN".into())),
            "{bad:?}"
        );
    }
}

#[test]
fn what_has_no_id_is_no_record() {
    for bad in [&b""[..], b"|", b"K|", b"KAS|", b"\x05\x06|"] {
        assert_eq!(Record::parse(bad), Err(RecordError::NoId), "{bad:?}");
    }
}

proptest! {
    #[test]
    fn what_is_written_is_read(
        fields in proptest::collection::vec(("[A-Z][A-Z#0-9]", "[ -{}~\u{a0}-\u{ff}]{0,30}"), 0..12),
    ) {
        let record = Record { id: "KR".into(), fields };
        let bytes = record.to_bytes().expect("harmless characters");
        prop_assert_eq!(Record::parse(&bytes), Ok(record));
    }

    #[test]
    fn no_bytes_make_the_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = Record::parse(&bytes);
    }
}

/// Found by fuzzing: an id beyond ASCII was read as one byte and written as two.
#[test]
fn an_id_that_is_no_plain_text_is_dropped() {
    let record = Record::parse(b"KR|D\xBDx|\x01\x02y|KC1|").expect("it has an id");
    assert_eq!(record, Record::new("KR").with("KC", "1"));
    let written = record.to_bytes().expect("plain");
    assert_eq!(Record::parse(&written), Ok(record));
}
