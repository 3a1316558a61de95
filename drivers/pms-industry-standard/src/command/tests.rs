use super::*;
use crate::frame;
use crate::frame::tests::{bytes, vectors};

fn cut() -> Cut {
    let stay = local_time::LocalStay::new(
        "2026-03-28T14:00:00Z".parse().expect("a time"),
        "2026-03-30T10:00:00Z".parse().expect("a time"),
        &jiff::tz::TimeZone::get("Europe/Prague").expect("bundled"),
    );
    Cut {
        issue: Issue::New,
        count: None,
        encoder: "1".into(),
        handling: Handling::Eject,
        rooms: vec!["101".into()],
        granted: String::new(),
        denied: String::new(),
        start: stay.start,
        end: stay.end,
        // The name in the golden frames.
        operator: String::from_utf8(bytes("4D455753")).expect("ASCII"),
        serials: false,
    }
}

/// The golden frame whose text starts like this.
fn golden(start: &str) -> Vec<u8> {
    let starts = |fields: &Vec<String>| fields.join("|").starts_with(start);
    let found = vectors().into_iter().find(|(fields, _)| starts(fields));
    found.expect("a golden frame").1
}

fn written(command: &Command, profile: Profile, trim: bool) -> Vec<u8> {
    frame::encode(&command.fields(profile, profile.digits(), trim)).expect("can be sent")
}

#[test]
fn onity_messages_are_the_golden_ones() {
    let onity = |cut: Cut| written(&Command::Cut(cut), Profile::Onity, false);
    assert_eq!(onity(cut()), golden("CN|1|E|101||||||1528"));
    assert_eq!(
        onity(Cut {
            issue: Issue::Copy,
            ..cut()
        }),
        golden("CC|1|E|101")
    );
    assert_eq!(
        onity(Cut {
            count: Some(2),
            ..cut()
        }),
        golden("CN2|1")
    );
    let rooms = vec!["101".into(), "102".into()];
    assert_eq!(onity(Cut { rooms, ..cut() }), golden("CN|1|E|101|102"));
}

#[test]
fn salto_messages_are_the_golden_ones() {
    let salto = || Cut {
        encoder: "Online Encoder".into(),
        handling: Handling::Retain,
        ..cut()
    };
    let full = Cut {
        count: Some(1),
        serials: true,
        ..salto()
    };
    assert_eq!(
        written(&Command::Cut(full), Profile::Salto, false),
        golden("CN1|Online")
    );
    let bare = |issue| Cut {
        issue,
        operator: String::new(),
        ..salto()
    };
    let trimmed = |issue| written(&Command::Cut(bare(issue)), Profile::Salto, true);
    assert_eq!(trimmed(Issue::New), golden("CN|Online"));
    assert_eq!(trimmed(Issue::Copy), golden("CC|Online"));
}

#[test]
fn the_other_commands_are_the_golden_ones() {
    let encoder = || "1".to_owned();
    let room = || "101".to_owned();
    let out = Command::CheckOut {
        encoder: encoder(),
        room: room(),
    };
    assert_eq!(written(&out, Profile::Onity, false), golden("CO|1|101"));
    let out = Command::CheckOut {
        encoder: "0".into(),
        room: room(),
    };
    assert_eq!(written(&out, Profile::Salto, false), golden("CO|0|101"));
    let read = Command::Read {
        encoder: encoder(),
        handling: Handling::Eject,
    };
    assert_eq!(written(&read, Profile::Onity, false), golden("LT|1|E"));
    let eject = Command::Eject { encoder: encoder() };
    assert_eq!(written(&eject, Profile::Onity, false), golden("EX|1"));
}

#[test]
fn onity_hours_are_those_it_is_given() {
    let stay = local_time::LocalStay::new(
        "2026-10-24T13:10:00Z".parse().expect("a time"),
        "2026-10-26T10:30:00Z".parse().expect("a time"),
        &jiff::tz::TimeZone::get("Europe/Prague").expect("bundled"),
    )
    .in_hours(local_time::Rounding::Outward);
    let cut = Command::Cut(Cut {
        start: stay.start,
        end: stay.end,
        ..cut()
    });
    let fields = cut.fields(Profile::Onity, DateDigits::Eight, false);
    assert_eq!(
        (fields[9].as_str(), fields[10].as_str()),
        ("15241026", "12261026")
    );
}
