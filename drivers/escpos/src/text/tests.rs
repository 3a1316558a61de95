use proptest::prelude::*;

use super::*;

fn hex(text: &str) -> Vec<u8> {
    text.split_whitespace()
        .map(|byte| u8::from_str_radix(byte, 16).expect("two hex digits"))
        .collect()
}

fn tables(names: &[&str]) -> Vec<CodeTable> {
    names
        .iter()
        .map(|name| CodeTable::named(name).expect("a known table"))
        .collect()
}

fn encoded(names: &[&str], line: &str) -> Vec<u8> {
    let tables = tables(names);
    let mut out = Vec::new();
    assert!(Encoder::new(&tables).line(line, Unmappable::Raster, &mut out));
    out
}

/// What a reader sees, by the tables themselves.
fn decoded(names: &[&str], bytes: &[u8]) -> String {
    let tables = tables(names);
    let mut on = &tables[0];
    let mut text = String::new();
    let mut rest = bytes;
    while let [first, tail @ ..] = rest {
        rest = match (first, tail) {
            (0x1B, [0x74, n, tail @ ..]) => {
                on = tables
                    .iter()
                    .find(|t| t.number() == *n)
                    .expect("configured");
                tail
            }
            (0x0A, []) => tail,
            (byte @ 0x80.., tail) => {
                let at = usize::from(byte - 0x80);
                text.push(on.upper().nth(at).flatten().expect("no hole"));
                tail
            }
            (byte, tail) => {
                text.push(char::from(*byte));
                tail
            }
        };
    }
    text
}

/// The vectors set the table first; ours does so just before the first byte that needs it.
#[test]
fn text_is_the_bytes_independent_encoders_send() {
    for (table, line, expected) in [
        ("cp437", "Grüße", "1B 74 00 47 72 81 E1 65 0A"),
        (
            "cp858",
            "Total 12,50 €",
            "1B 74 13 54 6F 74 61 6C 20 31 32 2C 35 30 20 D5 0A",
        ),
        (
            "windows-1252",
            "Grüße 5 €",
            "1B 74 10 47 72 FC DF 65 20 35 20 80 0A",
        ),
        (
            "cp852",
            "Žluťoučký kůň",
            "1B 74 12 A6 6C 75 9C 6F 75 9F 6B EC 20 6B 85 E5 0A",
        ),
        (
            "windows-1250",
            "Žluťoučký kůň 5 €",
            "1B 74 2D 8E 6C 75 9D 6F 75 E8 6B FD 20 6B F9 F2 20 35 20 80 0A",
        ),
        ("cp866", "Чек", "1B 74 11 97 A5 AA 0A"),
        ("cp737", "Αθήνα", "1B 74 0E 80 9F E3 A4 98 0A"),
        (
            "cp857",
            "İstanbul ğş",
            "1B 74 0D 98 73 74 61 6E 62 75 6C 20 A7 9F 0A",
        ),
    ] {
        assert_eq!(encoded(&[table], line), hex(expected), "{line}");
    }
}

#[test]
fn tables_are_switched_only_where_needed() {
    let names = ["windows-1252", "cp852"];
    let line = "Žluťoučký kůň €";
    let bytes = encoded(&names, line);
    let switches = bytes.windows(2).filter(|w| w == &[0x1B, 0x74]).count();
    assert!(switches <= 3, "{switches}");
    assert_eq!(decoded(&names, &bytes), line);
}

#[test]
fn ascii_needs_no_table() {
    assert_eq!(encoded(&["cp437"], "Total"), b"Total\n");
}

#[test]
fn a_character_in_no_table_is_drawn_or_shown_but_never_dropped() {
    let tables = tables(&["cp437"]);
    let mut out = Vec::new();
    let mut encoder = Encoder::new(&tables);
    assert!(!encoder.line("5 €", Unmappable::Raster, &mut out));
    assert!(out.is_empty());
    assert!(encoder.line("5 €", Unmappable::Replace, &mut out));
    assert_eq!(out, hex("35 20 1D 42 01 3F 1D 42 00 0A"));
}

#[test]
fn drawn_lines_show_every_character() {
    for line in ["€", "漢", "Ж", "\u{fffd}"] {
        assert!(draw_line(line, 384, 32, 1).inked_rows() > 0, "{line}");
    }
    let whole = draw_line(&"€".repeat(48), 576, 48, 1);
    let (left, right) = whole.inked_columns().expect("drawn");
    assert!(left < 12 && right >= 576 - 12, "{left}..{right}");
}

#[test]
fn a_printer_may_count_its_tables_differently() {
    let table = CodeTable::named("CP858=99").expect("known");
    assert_eq!((table.name(), table.number()), ("cp858", 99));
    assert!(CodeTable::named("cp999").is_err());
}

#[test]
fn lines_end_and_wrap_and_tabs_go_to_eight() {
    let laid = |text: &str| lines(text.as_bytes(), 10, 100).expect("fits");
    assert_eq!(laid("a\r\nb\rc\nd"), ["a", "b", "c", "d"]);
    assert_eq!(laid("a\tb"), ["a       b"]);
    assert_eq!(laid("one two three"), ["one two", "three"]);
    assert_eq!(laid("abcdefghijklm"), ["abcdefghij", "klm"]);
    assert_eq!(laid("abcdefghij klm"), ["abcdefghij", "klm"]);
    assert_eq!(laid("a\u{7}b\u{1b}@c"), ["ab@c"]);
    assert_eq!(laid("\u{feff}x\n\n\n"), ["x"]);
    assert_eq!(laid("\n\nx"), ["", "", "x"]);
}

#[test]
fn what_cannot_be_printed_is_said() {
    assert_eq!(lines(b"\xff\xfe", 10, 9), Err(TextError::NotUtf8));
    assert_eq!(lines(b" \n\t\n", 10, 9), Err(TextError::Blank));
    assert_eq!(lines(b"", 10, 9), Err(TextError::Blank));
    assert_eq!(lines(&b"x\n".repeat(10), 10, 9), Err(TextError::TooLong));
}

proptest! {
    #[test]
    fn no_line_is_wider_and_no_letter_is_lost(text in "[a-zé€ \\n\\t]{0,300}", columns in 1_usize..50) {
        if let Ok(laid) = lines(text.as_bytes(), columns, 10_000) {
            prop_assert!(laid.iter().all(|line| line.chars().count() <= columns));
            let letters = |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
            prop_assert_eq!(letters(&laid.concat()), letters(&text));
        }
    }

    #[test]
    fn what_is_encoded_reads_the_same(line in "[ -~äöüßéĐžĽЖЯ€]{0,60}") {
        let names = ["cp437", "windows-1252", "windows-1250", "cp866"];
        prop_assert_eq!(decoded(&names, &encoded(&names, &line)), line);
    }

    #[test]
    fn no_text_holds_a_control_byte_but_ours(text in any::<String>()) {
        if let Ok(laid) = lines(text.as_bytes(), 42, 100_000) {
            let tables = tables(&["cp437"]);
            let mut encoder = Encoder::new(&tables);
            for line in laid {
                let mut out = Vec::new();
                encoder.line(&line, Unmappable::Replace, &mut out);
                prop_assert!(!crate::raster::holds_real_time(&out));
            }
        }
    }
}
