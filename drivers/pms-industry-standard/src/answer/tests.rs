use jiff::civil::date;
use proptest::prelude::*;

use driver_keys::ledger::Issue;

use super::*;
use crate::command::{Cut, Handling};

fn cut(issue: Issue, encoder: &str) -> Command {
    Command::Cut(Cut {
        issue,
        count: None,
        encoder: encoder.into(),
        handling: Handling::Eject,
        rooms: vec!["101".into()],
        granted: String::new(),
        denied: String::new(),
        start: date(2026, 3, 28).at(15, 0, 0, 0),
        end: date(2026, 3, 30).at(12, 0, 0, 0),
        operator: String::new(),
        serials: false,
    })
}

fn answer(command: &Command, text: &str) -> Result<Answer, NotOurs> {
    let fields: Vec<String> = text.split('|').map(str::to_owned).collect();
    judge(command, &fields)
}

fn done(serials: &[&str]) -> Result<Answer, NotOurs> {
    Ok(Answer::Done {
        serials: serials.iter().map(|text| (*text).to_owned()).collect(),
    })
}

#[test]
fn success_repeats_the_letters() {
    let new = cut(Issue::New, "1");
    assert_eq!(answer(&new, "CN|1|04A1B2C3"), done(&["04A1B2C3"]));
    assert_eq!(answer(&new, "CN|1"), done(&[]));
    assert_eq!(answer(&new, "CN1|001"), done(&[]));
    assert_eq!(answer(&new, "CN"), done(&[]));
    let copy = cut(Issue::Copy, "Online Encoder");
    assert_eq!(answer(&copy, "CC|Online Encoder"), done(&[]));
    assert_eq!(answer(&copy, "CN|Online Encoder"), done(&[]));
}

#[test]
fn an_answer_for_someone_else_is_none_of_ours() {
    let new = cut(Issue::New, "1");
    assert_eq!(answer(&new, "CN|2"), Err(NotOurs::OtherEncoder));
    assert_eq!(answer(&new, "TD|2"), Err(NotOurs::OtherEncoder));
    assert_eq!(answer(&new, "CC|1"), Err(NotOurs::OtherCommand));
    assert_eq!(answer(&new, "CO|1|101"), Err(NotOurs::OtherCommand));
    assert_eq!(answer(&new, "CNM|1"), Err(NotOurs::OtherCommand));
    assert_eq!(answer(&new, ""), Err(NotOurs::OtherCommand));
    let named = cut(Issue::New, "Desk 1");
    assert_eq!(answer(&named, "CN|desk 1"), Err(NotOurs::OtherEncoder));
}

#[test]
fn every_refusal_is_a_refusal() {
    let new = cut(Issue::New, "1");
    for code in REFUSALS.into_iter().chain(["EK", "XY"]) {
        let refused = answer(&new, &format!("{code}|1"));
        let expected = Refused {
            code: code.into(),
            text: None,
        };
        assert_eq!(refused, Ok(Answer::Refused(expected)), "{code}");
    }
    let text = answer(
        &cut(Issue::New, "Online Encoder"),
        "EG|Online Encoder|Unknown error",
    );
    let expected = Refused {
        code: "EG".into(),
        text: Some("Unknown error".into()),
    };
    assert_eq!(text, Ok(Answer::Refused(expected)));
}

#[test]
fn a_read_card_tells_its_rooms() {
    let read = Command::Read {
        encoder: "1".into(),
        handling: Handling::Eject,
    };
    let card = answer(&read, "LT|1|101||||CI|0||15280326|12300326|X|04A1B2C3");
    let expected = ReadCard {
        kind: None,
        rooms: vec!["101".into()],
        valid: true,
    };
    assert_eq!(card, Ok(Answer::Card(Box::new(expected))));
    let staff = answer(&read, "LT|1|LM");
    let expected = ReadCard {
        kind: Some("LM".into()),
        rooms: vec![],
        valid: false,
    };
    assert_eq!(staff, Ok(Answer::Card(Box::new(expected))));
}

proptest! {
    #[test]
    fn no_answer_makes_it_panic(fields in proptest::collection::vec("\\PC{0,12}", 0..16)) {
        let _ = judge(&cut(Issue::New, "1"), &fields);
        let read = Command::Read { encoder: "1".into(), handling: Handling::Eject };
        let _ = judge(&read, &fields);
    }
}
