use jiff::civil::date;

use super::*;
use crate::frame::tests::vectors;

fn golden(start: &str) -> Record {
    let found = vectors()
        .into_iter()
        .find(|golden| golden.text.starts_with(start));
    Record::parse(found.expect("a golden record").text.as_bytes()).expect("a record")
}

/// The workstation of the golden records.
fn workstation() -> String {
    golden("KD|").get("WS").expect("it has one").to_owned()
}

fn request() -> KeyRequest {
    let stay = local_time::LocalStay::new(
        "2026-03-28T14:00:00Z".parse().expect("a time"),
        "2026-03-30T10:00:00Z".parse().expect("a time"),
        &jiff::tz::TimeZone::get("Europe/Prague").expect("bundled"),
    );
    KeyRequest {
        encoder: "1".into(),
        issue: Issue::New,
        rooms: vec!["101".into()],
        workstation: workstation(),
        reservation: Some("52421".into()),
        start: stay.start,
        end: stay.end,
        guest: "Novak Jana".to_owned().into(),
    }
}

#[test]
fn requests_are_the_golden_ones() {
    let now = date(2026, 3, 28).at(15, 5, 0, 0);
    assert_eq!(
        request().record(now),
        golden("KR|KC1|KTN|RN101|WSMEWS-1|G#")
    );
    let later = date(2026, 3, 28).at(15, 5, 12, 0);
    let copy = KeyRequest {
        issue: Issue::Copy,
        ..request()
    };
    assert_eq!(copy.record(later), golden("KR|KC1|KTD"));
    let rooms = ["101", "102", "103"].map(str::to_owned).to_vec();
    let suite = KeyRequest { rooms, ..request() };
    assert_eq!(suite.record(now), golden("KR|KC1|KTN|RN101|WSMEWS-1|SI"));
}

#[test]
fn the_delete_record_is_the_golden_one() {
    let now = date(2026, 3, 30).at(12, 1, 0, 0);
    assert_eq!(
        delete("1", "101", &workstation(), Some("52421"), now),
        golden("KD|")
    );
}

#[test]
fn change_and_read_have_the_fields_of_the_table() {
    let now = date(2026, 3, 28).at(15, 5, 0, 0);
    let text = |record: Record| String::from_utf8(record.to_bytes().expect("ok")).expect("ASCII");
    let mut request = request();
    request.workstation = "W".into();
    assert_eq!(
        text(change(&request, Some("100"), now)),
        "KM|KC1|RN101|WSW|RO100|G#52421|GA260328|GD260330|DT12:00|GNNovak Jana|DA260328|TI150500|"
    );
    assert_eq!(text(read("1", "W", now)), "KZ|KC1|WSW|DA260328|TI150500|");
}

#[test]
fn an_answer_belongs_to_its_request_only() {
    let ok = KeyAnswer::of(&golden("KA|ASOK"));
    assert!(ok.is_ok());
    let at = workstation();
    assert!(ok.belongs_to("1", &at, Some("52421")));
    assert!(ok.belongs_to("01", &at, Some("52421")));
    assert!(ok.belongs_to("1", &at, None));
    assert!(!ok.belongs_to("2", &at, Some("52421")));
    assert!(!ok.belongs_to("1", "OTHER", Some("52421")));
    assert!(!ok.belongs_to("1", &at, Some("52422")));
    let nobody = KeyAnswer::of(&Record::parse(b"KA|ASOK|").expect("a record"));
    assert!(!nobody.belongs_to("1", &at, None));
}

#[test]
fn refusals_carry_their_words() {
    let busy = KeyAnswer::of(&golden("KA|ASBY"));
    assert!(!busy.is_ok());
    assert_eq!(
        (busy.status.as_str(), busy.text.as_deref()),
        ("BY", Some("Encoder busy"))
    );
    let unknown = KeyAnswer::of(&golden("KA|ASUR"));
    assert_eq!(unknown.text.as_deref(), Some("Unknown room"));
}

#[test]
fn a_name_is_never_in_debug() {
    assert!(!format!("{:?}", request()).contains("Novak"));
}
