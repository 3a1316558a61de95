//! Everything a virtual fiscal printer can do wrong, through the whole worker: fiscal memory,
//! journal, audit trail, state and note in Mews agree.

use nightporter::life::OutcomeKind::{self, Done, Failed, Unconfirmed};
use nightporter::sandbox::CommandState;

use super::bill::Bill;
use super::desk::{Desk, Kind, all};
use crate::house::within;

type Switches = &'static [(&'static str, &'static str)];

/// When the printer is looked after.
#[derive(Debug, Clone, Copy)]
enum Then {
    Nobody,
    /// As soon as the worker shows trouble.
    InTrouble(Switches),
    /// As soon as the document is in the memory.
    Issued(Switches),
    /// As soon as the close may have been sent.
    Closing(Switches),
}

struct Case {
    name: &'static str,
    settings: &'static str,
    set: Switches,
    then: Then,
    /// Documents of the command in the memory at the end.
    exist: usize,
    end: OutcomeKind,
    words: &'static str,
}

const fn case(
    name: &'static str,
    set: Switches,
    then: Then,
    exist: usize,
    end: OutcomeKind,
    words: &'static str,
) -> Case {
    Case {
        name,
        settings: "",
        set,
        then,
        exist,
        end,
        words,
    }
}

const OK: &str = "FISCAL OK doc=";
const NOTHING: &str = "Nothing was issued";
const BACK: Switches = &[("silent", "off")];
const BACK_ON_A_NEW_LINE: Switches = &[("silent", "off"), ("link", "cut")];

use Then::{Closing, InTrouble, Issued, Nobody};

const DATECS: &[Case] = &[
    case("well", &[], Nobody, 1, Done, OK),
    case(
        "answer lost",
        &[("silent", "after-close")],
        Issued(BACK_ON_A_NEW_LINE),
        1,
        Done,
        OK,
    ),
    case(
        "answer late",
        &[("silent", "after-close")],
        Issued(BACK),
        1,
        Done,
        OK,
    ),
    case(
        "close lost",
        &[("silent", "before-close")],
        Closing(BACK_ON_A_NEW_LINE),
        1,
        Done,
        OK,
    ),
    case(
        "another till sells the same",
        &[("silent", "after-close")],
        Issued(&[("silent", "off"), ("other-till", "125.60"), ("link", "cut")]),
        1,
        Done,
        OK,
    ),
    case(
        "the day ends in between",
        &[("silent", "after-close")],
        Issued(&[("silent", "off"), ("z", "now"), ("link", "cut")]),
        1,
        Done,
        OK,
    ),
    case(
        "power cut in an open receipt",
        &[("silent", "before-close")],
        Closing(&[("silent", "off"), ("power", "cut"), ("link", "cut")]),
        1,
        Done,
        OK,
    ),
    case(
        "silent from the start",
        &[("silent", "now")],
        InTrouble(BACK),
        1,
        Done,
        OK,
    ),
    case(
        "no paper",
        &[("paper", "out")],
        Nobody,
        0,
        Failed,
        "out of paper",
    ),
    case(
        "no paper, loaded",
        &[("paper", "out")],
        InTrouble(&[("paper", "in")]),
        1,
        Done,
        OK,
    ),
    case(
        "paper out in the middle, loaded",
        &[("paper", "2")],
        InTrouble(&[("paper", "in")]),
        1,
        Done,
        OK,
    ),
    case(
        "paper out in the middle",
        &[("paper", "2")],
        Nobody,
        0,
        Failed,
        "Nothing was issued",
    ),
    case(
        "broken off at the opening",
        &[("refuse", "48:-101007")],
        Nobody,
        1,
        Done,
        OK,
    ),
    case(
        "power cut, and another till sells",
        &[("silent", "before-close")],
        Closing(&[
            ("silent", "off"),
            ("power", "cut"),
            ("other-till", "9.99"),
            ("link", "cut"),
        ]),
        0,
        Unconfirmed,
        "may exist",
    ),
    case(
        "issued, and out of paper for good",
        &[("silent", "after-close")],
        Issued(&[("silent", "off"), ("paper", "out"), ("link", "cut")]),
        1,
        Unconfirmed,
        "whether bill 2026-117 over 125.60 EUR was issued: the printer was asked, and it is out of paper",
    ),
    case(
        "issued, and gone for good",
        &[("silent", "after-close")],
        Issued(&[("link", "off")]),
        1,
        Unconfirmed,
        "it cannot be reached",
    ),
    case(
        "VAT group forbidden",
        &[("refuse", "49:-111005")],
        Nobody,
        0,
        Failed,
        NOTHING,
    ),
    case(
        "password refused",
        &[("refuse", "48:-102002")],
        Nobody,
        0,
        Failed,
        NOTHING,
    ),
    case(
        "payment refused with a clean status",
        &[("refuse", "53:-111016")],
        Nobody,
        1,
        Done,
        OK,
    ),
    case(
        "close refused with a clean status",
        &[("refuse", "56:-101007")],
        Nobody,
        1,
        Done,
        OK,
    ),
    case("garbled", &[("noise", "garble")], Nobody, 1, Done, OK),
    case(
        "not understood once",
        &[("noise", "nak")],
        Nobody,
        1,
        Done,
        OK,
    ),
    case("busy for long", &[("busy", "12")], Nobody, 1, Done, OK),
    case(
        "memory full",
        &[("memory", "full")],
        Nobody,
        0,
        Failed,
        "memory is full",
    ),
    case(
        "a number that does not grow",
        &[("document", "lost")],
        Nobody,
        1,
        Done,
        OK,
    ),
    case(
        "clock an hour back",
        &[("drift", "-3600")],
        Nobody,
        0,
        Failed,
        "clock is -60 min off",
    ),
    case(
        "clock three minutes ahead",
        &[("drift", "180")],
        Nobody,
        1,
        Done,
        OK,
    ),
];

const EPSON: &[Case] = &[
    case("well", &[], Nobody, 1, Done, OK),
    case(
        "answer lost",
        &[("silent", "after")],
        InTrouble(BACK),
        1,
        Done,
        OK,
    ),
    case(
        "request lost",
        &[("silent", "before")],
        InTrouble(BACK),
        1,
        Done,
        OK,
    ),
    case(
        "hangs up from the start",
        &[("silent", "now")],
        InTrouble(BACK),
        1,
        Done,
        OK,
    ),
    case(
        "the day ends in between",
        &[("silent", "after")],
        Issued(&[("z", "now"), ("silent", "off")]),
        1,
        Done,
        OK,
    ),
    case(
        "lost, and another till sells the same",
        &[("silent", "before")],
        InTrouble(&[("other-till", "125.60"), ("silent", "off")]),
        0,
        Unconfirmed,
        "another bill",
    ),
    case(
        "issued, and another till sells",
        &[("silent", "after")],
        Issued(&[("other-till", "9.99"), ("silent", "off")]),
        1,
        Unconfirmed,
        "may exist",
    ),
    case(
        "the journal cannot be read",
        &[("silent", "after"), ("journal", "unreadable")],
        InTrouble(BACK),
        1,
        Unconfirmed,
        "cannot be read",
    ),
    case(
        "no paper",
        &[("paper", "out")],
        Nobody,
        0,
        Failed,
        "out of paper",
    ),
    case(
        "no paper, loaded",
        &[("paper", "out")],
        InTrouble(&[("paper", "in")]),
        1,
        Done,
        OK,
    ),
    case(
        "refused with HTTP 200",
        &[("refuse", "PRINTER ERROR:13")],
        Nobody,
        0,
        Failed,
        "refused a value",
    ),
    case(
        "journal full",
        &[("journal", "full")],
        Nobody,
        0,
        Failed,
        "journal cannot be used",
    ),
    case(
        "training mode",
        &[("training", "on")],
        Nobody,
        0,
        Failed,
        "training mode",
    ),
    case(
        "success that issued nothing",
        &[("document", "lost")],
        Nobody,
        1,
        Done,
        OK,
    ),
    case("busy for long", &[("busy", "5")], Nobody, 1, Done, OK),
    Case {
        settings: "only_till = true",
        ..case(
            "paper out in the middle, loaded",
            &[("paper", "2")],
            InTrouble(&[("paper", "in")]),
            1,
            Done,
            OK,
        )
    },
    Case {
        settings: "only_till = true",
        ..case(
            "the journal cannot be read, no other till",
            &[("silent", "after"), ("journal", "unreadable")],
            InTrouble(BACK),
            1,
            Done,
            OK,
        )
    },
];

#[tokio::test(flavor = "multi_thread")]
async fn every_fault_of_a_datecs_printer_is_told_as_it_is() {
    all(DATECS.iter().map(|case| told_as_it_is(Kind::Datecs, case))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_fault_of_an_epson_printer_is_told_as_it_is() {
    all(EPSON.iter().map(|case| told_as_it_is(Kind::Epson, case))).await;
}

async fn told_as_it_is(kind: Kind, case: &Case) {
    let name = format!("{}, {}", kind.name(), case.name);
    within(&name, play(kind, case, &name)).await;
}

async fn play(kind: Kind, case: &Case, name: &str) {
    // Where a person comes, he comes in time.
    let waits = match case.end {
        Done => "operator_wait_s = 40\ndeadline_s = 40",
        OutcomeKind::Partly
        | Failed
        | Unconfirmed
        | OutcomeKind::Expired
        | OutcomeKind::Cancelled => "operator_wait_s = 3\ndeadline_s = 20",
    };
    let mut desk = Desk::new(kind, waits, case.settings).await;
    for (switch, value) in case.set {
        desk.set(switch, value);
    }
    let bill = Bill::new("2026-117");
    let id = desk.order(&bill);
    let mend = match case.then {
        Nobody => &[],
        InTrouble(mend) => {
            desk.in_trouble(id).await;
            mend
        }
        Issued(mend) => {
            desk.issued(1).await;
            mend
        }
        Closing(mend) => {
            desk.closing(id).await;
            mend
        }
    };
    for (switch, value) in mend {
        desk.set(switch, value);
    }
    let (state, note) = desk.house.end(id).await;

    assert_eq!(desk.of(&bill).len(), case.exist, "{name}: {note}");
    assert_eq!(desk.kept(id), case.end, "{name}: {note}");
    let words = note.to_lowercase().contains(&case.words.to_lowercase());
    assert!(words, "{name}: {note}");
    let good = note.chars().count() <= 500 && !note.contains(['{', '\n']);
    assert!(good, "{name}: {note}");
    let unconfirmed = case.end == Unconfirmed;
    assert_eq!(
        note.starts_with("UNCONFIRMED: Fiscal: "),
        unconfirmed,
        "{name}: {note}"
    );
    let processed = state == CommandState::Processed;
    assert_eq!(processed, case.end == Done, "{name}: {note}");
    // The trail: one row for the one document, told as it is.
    assert_eq!(
        desk.rows(id, "fiscal-issued"),
        usize::from(case.end == Done),
        "{name}"
    );
    let sent = desk.rows(id, "fiscal-sending");
    assert!(
        (usize::from(case.exist > 0 || unconfirmed)..=2).contains(&sent),
        "{name}: {sent}"
    );
    assert_eq!(desk.check().breaks, [], "{name}");
    desk.house.stop().await;
}
