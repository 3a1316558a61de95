use bytes::BytesMut;
use driver_fiscal::document::{Line, Payment, Reason};
use driver_sdk::Personal;
use jiff::civil::date;
use proptest::prelude::*;

use super::*;
use crate::sale::{self, Operator, Stornoed};
use crate::sim;

const GOLDEN: &str = include_str!("golden.txt");

fn golden() -> impl Iterator<Item = (&'static str, char, Vec<u8>)> {
    GOLDEN
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| {
            let (name, rest) = line.split_once(' ').expect("a name");
            let (side, bytes) = rest.split_once(' ').expect("a side");
            let bytes = bytes
                .split(' ')
                .map(|byte| u8::from_str_radix(byte, 16).expect("hex"))
                .collect();
            (name, side.chars().next().expect("one"), bytes)
        })
}

fn dialect(name: &str) -> Dialect {
    // V5 is an older frame that was sent to an X printer.
    if name.starts_with('O') || name == "V5" {
        Dialect::OldP
    } else {
        Dialect::X
    }
}

/// A golden frame, for the tests of what is in it.
pub(crate) fn golden_frame(name: &str, side: char) -> Vec<u8> {
    let found = golden().find(|(known, of, _)| *known == name && *of == side);
    found.expect("a golden frame").2
}

fn frame_of(name: &str) -> Vec<u8> {
    let found = golden().find(|(known, side, _)| *known == name && *side == '>');
    found.expect("a golden request").2
}

#[test]
fn every_golden_request_is_what_we_send_and_what_the_printer_understands() {
    let mut count = 0;
    for (name, _, bytes) in golden().filter(|(_, side, _)| *side == '>') {
        let mut input = bytes.clone();
        let understood = sim::parse(dialect(name), &mut input);
        let sim::Parsed::Request(asked) = understood else {
            panic!("{name}: the printer does not understand it");
        };
        let ours = request(dialect(name), asked.seq, asked.command, &asked.data);
        assert_eq!(ours, bytes, "{name}");
        count += 1;
    }
    assert_eq!(count, 30, "18 of X, 5 from outside, 7 of the older dialect");
}

#[test]
fn every_golden_answer_is_what_we_understand_and_what_the_printer_says() {
    let mut count = 0;
    for (name, _, bytes) in golden().filter(|(_, side, _)| *side == '<') {
        let mut input = BytesMut::from(&bytes[..]);
        let Some(Heard::Answer(heard)) = take(dialect(name), &mut input) else {
            panic!("{name}: not understood");
        };
        assert!(input.is_empty(), "{name}");
        let request = sim::Request {
            seq: heard.seq,
            command: heard.command,
            data: Vec::new(),
        };
        let said = sim::answer(dialect(name), &request, &heard.data, &heard.status);
        assert_eq!(said, bytes, "{name}");
        count += 1;
    }
    assert!(count >= 26, "{count}");
}

fn operator() -> Operator {
    Operator {
        number: 1,
        password: Personal::new("0000".to_owned()),
        till: 1,
    }
}

fn line(text: &str, group: u8, price: i64, thousandths: i64) -> Line {
    Line {
        text: Personal::new(text.to_owned()),
        group,
        price,
        thousandths,
        gross: price * thousandths / 1000,
        discount: 0,
    }
}

fn card(kind: &str, amount: i64) -> Payment {
    Payment {
        device_type: kind.to_owned(),
        amount,
        cash: false,
    }
}

#[test]
fn our_commands_are_the_golden_ones() {
    let unp = "DT000001-0001-0000042";
    let stornoed = Stornoed {
        number: 101,
        summer: false,
        at: date(2026, 11, 24).at(14, 5, 10, 0),
        memory: "02000001".to_owned(),
        unp: unp.to_owned(),
    };
    let (x, old) = (Dialect::X, Dialect::OldP);
    let storno = sale::open_storno(x, &operator(), Reason::Refund, unp, &stornoed);
    for (name, seq, command) in [
        ("X2", 0x22, sale::open(x, &operator(), unp)),
        (
            "X3",
            0x23,
            sale::line(x, &line("Room 101 night", 2, 7550, 2000), 0),
        ),
        (
            "X4",
            0x24,
            sale::line(x, &line("City tax", 1, 110, 2000), 0),
        ),
        ("X5", 0x25, sale::subtotal()),
        ("X6", 0x26, sale::pay(x, &card("1", 15320))),
        ("X7", 0x27, sale::close()),
        ("X13", 0x2D, sale::cancel()),
        ("X14", 0x2E, storno),
        (
            "X17",
            0x31,
            sale::line(x, &line("Нощувка", 2, 7550, 1000), 0),
        ),
        ("O2", 0x21, sale::open(old, &operator(), unp)),
        (
            "O3",
            0x22,
            sale::line(old, &line("Room 101 night", 2, 7550, 2000), 0),
        ),
        ("O4", 0x23, sale::pay(old, &card("D", 15100))),
        ("O5", 0x24, sale::close()),
    ] {
        let bytes = request(dialect(name), seq, command.number, &command.data);
        assert_eq!(bytes, frame_of(name), "{name}");
    }
}

#[test]
fn garbage_working_and_damaged_are_told_apart() {
    let answer = golden()
        .find(|(name, side, _)| *name == "X7" && *side == '<')
        .expect("X7")
        .2;
    let mut input = BytesMut::from(&[0x41, 0x16, 0x16, 0x15][..]);
    input.extend_from_slice(&answer);
    assert_eq!(take(Dialect::X, &mut input), Some(Heard::Working));
    assert_eq!(take(Dialect::X, &mut input), Some(Heard::Working));
    assert_eq!(take(Dialect::X, &mut input), Some(Heard::Damaged));
    assert!(matches!(
        take(Dialect::X, &mut input),
        Some(Heard::Answer(_))
    ));
}

#[test]
fn sequence_numbers_stay_where_both_dialects_allow_them() {
    assert_eq!(next_seq(0x20), 0x21);
    assert_eq!(next_seq(0x7F), 0x20);
    assert_eq!(next_seq(0xFF), 0x20);
}

proptest! {
    #[test]
    fn whatever_comes_is_taken_without_a_panic_and_with_an_end(
        bytes in proptest::collection::vec(any::<u8>(), 0..400), x in any::<bool>(),
    ) {
        let dialect = if x { Dialect::X } else { Dialect::OldC };
        let mut input = BytesMut::from(&bytes[..]);
        while take(dialect, &mut input).is_some() {}
        prop_assert!(input.len() <= 700);
    }

    #[test]
    fn one_wrong_byte_is_silence_and_never_another_answer(at in 1usize..30, flip in 1u8..=255) {
        let answer = golden().find(|(name, side, _)| *name == "X7" && *side == '<').expect("X7").2;
        let at = at % answer.len();
        let mut spoiled = answer.clone();
        spoiled[at] ^= flip;
        let mut input = BytesMut::from(&spoiled[..]);
        while let Some(heard) = take(Dialect::X, &mut input) {
            prop_assert!(!matches!(heard, Heard::Answer(_)));
        }
    }

    #[test]
    fn the_printer_understands_every_request(
        command in any::<u8>(), seq in 0x20u8..0x80, data in proptest::collection::vec(0x20u8.., 0..200),
    ) {
        let mut bytes = request(Dialect::X, seq, command, &data);
        let asked = sim::Request { seq, command, data };
        prop_assert_eq!(sim::parse(Dialect::X, &mut bytes), sim::Parsed::Request(asked));
    }
}
