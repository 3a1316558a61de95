//! Whatever a lock system answers to a key request: only OK is a success, and an answer belongs to
//! a request only if encoder, workstation and reservation do not contradict it.
#![no_main]

use driver_fias::record::Record;
use driver_fias::request::{KeyAnswer, KeyRequest, same_number};
use driver_keys::ledger::Issue;
use driver_keys::names::{self, Repertoire};
use jiff::civil::date;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: (&str, &[u8])| {
    let (text, bytes) = data;
    if let Ok(record) = Record::parse(bytes) {
        let answer = KeyAnswer::of(&record);
        assert_eq!(
            answer.is_ok(),
            record.get("AS").unwrap_or_default().trim() == "OK"
        );
        let ours = answer.belongs_to("1", "NIGHTPORTER", Some("52421"));
        let named = |id| {
            record
                .get(id)
                .map(str::trim)
                .filter(|value| !value.is_empty())
        };
        if ours {
            assert!(named("KC").is_some_and(|named| same_number(named, "1")));
            assert!(named("WS").is_none_or(|named| named == "NIGHTPORTER"));
            assert!(named("G#").is_none_or(|named| same_number(named, "52421")));
            assert!(!answer.belongs_to("2", "NIGHTPORTER", Some("52421")));
        }
        let shown = format!("{:?}{:?}", answer.text, answer.room);
        assert!(!shown.chars().any(char::is_control));
    }

    // A request of the same text: what is written is what is read, or it is not written.
    let at = date(2026, 3, 30).at(12, 0, 0, 0);
    let request = KeyRequest {
        encoder: "1".to_owned(),
        issue: Issue::New,
        rooms: text.split('/').map(str::to_owned).collect(),
        workstation: "NIGHTPORTER".to_owned(),
        reservation: Some("52421".to_owned()),
        start: at,
        end: at,
        guest: names::fold(text, Repertoire::Latin1, &['|'], 200).into(),
    };
    let record = request.record(at);
    if let Ok(written) = record.to_bytes() {
        assert_eq!(Record::parse(&written).as_ref(), Ok(&record));
        assert!(written.iter().all(|byte| *byte >= 0x20 && *byte != 0x7F));
        assert_eq!(
            written.iter().filter(|byte| **byte == b'|').count(),
            record.fields.len() + 1
        );
    }
});
