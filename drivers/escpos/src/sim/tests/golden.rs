//! The table of bytes that encoders and decoders agree on.

use super::{BURST, Bench, ID, ID_ANSWER};

/// The first bytes of each row; the rest must be white.
fn left(bench: &mut Bench, digits: usize) -> Vec<String> {
    let rows = bench.dots();
    for row in &rows {
        assert!(
            row[digits..].bytes().all(|digit| digit == b'0'),
            "white to the right: {row}"
        );
    }
    rows.into_iter()
        .map(|row| row[..digits].to_owned())
        .collect()
}

#[test]
fn a_raster_is_printed_dot_for_dot() {
    let mut bench = Bench::new();
    bench.feed("1D 76 30 00 02 00 02 00 80 01 FF FF");
    assert_eq!(left(&mut bench, 4), ["8001", "FFFF"]);
}

#[test]
fn padding_is_part_of_the_row() {
    let mut bench = Bench::new();
    bench.feed("1D 76 30 00 02 00 01 00 FF F0");
    assert_eq!(left(&mut bench, 4), ["FFF0"]);
}

#[test]
fn a_full_row_fills_the_head() {
    let mut bench = Bench::new();
    bench.feed(&format!("1D 76 30 00 48 00 01 00 {}", "FF".repeat(72)));
    assert_eq!(bench.dots(), ["FF".repeat(72)]);
}

#[test]
fn headers_announce_exactly_their_bytes() {
    for (header, width, bytes, rows) in [
        ("1D 76 30 00 48 00 00 01", 576, 18_432, 256),
        ("1D 76 30 00 48 00 80 00", 576, 9_216, 128),
        ("1D 76 30 00 40 00 80 00", 512, 8_192, 128),
        ("1D 76 30 00 30 00 80 00", 384, 6_144, 128),
        (
            "1D 28 4C 0A 48 30 70 30 01 01 31 40 02 00 01",
            576,
            18_432,
            256,
        ),
    ] {
        let mut bench = Bench::with(|options| options.width = width);
        bench
            .feed(header)
            .feed(&"55".repeat(bytes))
            .feed("1D 28 4C 02 00 30 32");
        bench.feed("41 0A");
        assert_eq!(bench.text(), "A", "{header}: text follows at once");
        assert_eq!(
            bench.dots()[..rows],
            vec!["55".repeat(width / 8); rows],
            "{header}"
        );
    }
}

#[test]
fn a_stored_graphic_counts_dots_and_prints_when_told() {
    for store in [
        "1D 28 4C 0E 00 30 70 30 01 01 31 10 00 02 00 80 01 FF FF",
        "1D 38 4C 0E 00 00 00 30 70 30 01 01 31 10 00 02 00 80 01 FF FF",
    ] {
        let mut bench = Bench::new();
        bench.feed(store);
        assert!(bench.dots().is_empty(), "stored, not printed");
        bench.feed("1D 28 4C 02 00 30 32");
        assert_eq!(left(&mut bench, 4), ["8001", "FFFF"]);
    }
}

#[test]
fn a_column_strip_is_24_dots_high() {
    let mut bench = Bench::new();
    bench
        .feed("1B 33 18 1B 2A 21 10 00")
        .feed(&"FF 00 00".repeat(16))
        .feed("0A 1B 32");
    let rows = left(&mut bench, 4);
    assert_eq!(rows.len(), 24);
    assert_eq!(rows[..8], ["FFFF"; 8]);
    assert_eq!(rows[8..], ["0000"; 16]);
}

#[test]
fn text_is_read_by_its_code_page() {
    for (bytes, text) in [
        ("1B 74 00 47 72 81 E1 65 0A", "Grüße"),
        (
            "1B 74 13 54 6F 74 61 6C 20 31 32 2C 35 30 20 D5 0A",
            "Total 12,50 €",
        ),
        ("1B 74 10 47 72 FC DF 65 20 35 20 80 0A", "Grüße 5 €"),
        (
            "1B 74 12 A6 6C 75 9C 6F 75 9F 6B EC 20 6B 85 E5 0A",
            "Žluťoučký kůň",
        ),
        (
            "1B 74 2D 8E 6C 75 9D 6F 75 E8 6B FD 20 6B F9 F2 20 35 20 80 0A",
            "Žluťoučký kůň 5 €",
        ),
        ("1B 74 11 97 A5 AA 0A", "Чек"),
        ("1B 74 0E 80 9F E3 A4 98 0A", "Αθήνα"),
        (
            "1B 74 0D 98 73 74 61 6E 62 75 6C 20 A7 9F 0A",
            "İstanbul ğş",
        ),
        (
            "1B 74 10 8E 6C 75 1B 74 12 9C 6F 75 9F 6B EC 20 6B 85 E5 20 1B 74 10 80 0A",
            "Žluťoučký kůň €",
        ),
    ] {
        let mut bench = Bench::new();
        bench.feed("1B 40").feed(bytes);
        assert_eq!(bench.text(), text);
        assert!(bench.machine.sheet.is_printed());
    }
}

#[test]
fn cuts_and_drawers_happen() {
    let mut bench = Bench::new();
    bench.feed("41 0A 1D 56 42 00 42 0A 1D 56 41 00 43 0A 1B 69 1B 70 00 32 FA");
    let endings: Vec<_> = bench.receipts().iter().map(|r| r.ending.name()).collect();
    assert_eq!(endings, ["partial-cut", "cut", "cut"]);
    assert_eq!(bench.machine.drawer, 1);
    assert!(bench.story().contains("drawer 1 opened (100 ms)"));
}

#[test]
fn the_drawer_command_takes_five_bytes_even_from_the_next_job() {
    let mut bench = Bench::new();
    bench.feed("1B 70 00").feed("41 42 43 0A");
    assert_eq!(bench.text(), "C");
    assert_eq!(bench.machine.drawer, 1);
}

#[test]
fn a_process_id_comes_back() {
    assert_eq!(Bench::new().ask(ID), ID_ANSWER);
}

#[test]
fn the_whole_small_job_is_printed_cut_and_confirmed() {
    let mut bench = Bench::new();
    let said = bench.ask(
        "1B 40 1D 61 0E 1D 76 30 00 02 00 02 00 80 01 FF FF 1D 56 42 00 \
         1D 28 48 06 00 30 30 30 30 30 31",
    );
    assert_eq!(said, format!("10 00 00 00 {ID_ANSWER}"));
    let [receipt] = &bench.receipts()[..] else {
        panic!("one receipt")
    };
    assert_eq!(
        (receipt.rows, receipt.black, receipt.text.as_str()),
        (2, 18, "")
    );
}

#[test]
fn automatic_status_answers_at_once_and_initialise_ends_it() {
    let mut bench = Bench::new();
    assert_eq!(bench.ask("1D 61 0E"), "10 00 00 00");
    bench.switch("near-end", "on");
    assert_eq!(bench.said(), "10 00 03 00");
    bench.feed("1B 40").switch("cover", "open");
    assert_eq!(bench.said(), "");
}

#[test]
fn density_prints_nothing() {
    let mut bench = Bench::new();
    assert_eq!(bench.ask("1D 28 4B 02 00 31 04"), "");
    assert!(bench.dots().is_empty());
}

#[test]
fn the_real_time_drawer_can_be_refused_and_allowed() {
    let mut bench = Bench::new();
    bench.feed("1D 28 44 05 00 14 01 00 02 00 10 14 01 00 01 10 14 02 01 08");
    assert_eq!(bench.machine.drawer, 0);
    assert!(!bench.machine.faults.power_off);
    bench.feed("1D 28 44 05 00 14 01 01 02 01 10 14 01 00 01");
    assert_eq!(bench.machine.drawer, 1);
    assert_eq!(bench.ask("10 14 02 01 08"), "");
    assert!(bench.machine.faults.power_off);
}

#[test]
fn clearing_the_buffers_is_answered() {
    assert_eq!(Bench::new().ask(super::PURGE), "37 25 00");
}

#[test]
fn it_tells_who_it_is() {
    let mut bench = Bench::new();
    assert_eq!(bench.ask("1D 49 43"), "5F 54 4D 2D 54 38 38 56 00");
    assert_eq!(bench.ask("1D 49 42"), "5F 45 50 53 4F 4E 00");
    assert_eq!(bench.ask("1D 49 01 1D 49 02"), "20 02");
}

#[test]
fn each_state_has_its_status_bytes() {
    for (switches, burst) in [
        (&[][..], "12 12 12 12"),
        (&[("cover", "open")], "1A 16 12 12"),
        (&[("paper", "out")], "1A 32 12 7E"),
        (&[("near-end", "on")], "12 12 12 1E"),
        (&[("offline", "on")], "1A 12 12 12"),
        (&[("defect", "on")], "1A 52 32 12"),
        (&[("hot", "on")], "1A 52 52 12"),
        (&[("feed-button", "held")], "5A 1A 12 12"),
    ] {
        let mut bench = Bench::new();
        for (name, value) in switches {
            bench.switch(name, value);
        }
        assert_eq!(bench.ask(BURST), burst, "{switches:?}");
    }
    let mut bench = Bench::new();
    bench.switch("cutter", "jam").feed("41 0A 1D 56 42 00");
    assert_eq!(bench.ask(BURST), "1A 52 1A 12");
}

#[test]
fn each_change_is_pushed() {
    for (name, value, pushed) in [
        ("paper", "out", "18 00 0F 00"),
        ("cover", "open", "38 00 00 00"),
        ("near-end", "on", "10 00 03 00"),
        ("defect", "on", "18 20 00 00"),
        ("hot", "on", "18 40 00 00"),
        ("feed-button", "held", "58 00 00 00"),
    ] {
        let mut bench = Bench::new();
        bench.ask("1D 61 0E");
        bench.switch(name, value);
        assert_eq!(bench.said(), pushed);
    }
    let mut bench = Bench::new();
    bench.ask("1D 61 0E");
    assert_eq!(
        bench.switch("cutter", "jam").ask("41 0A 1D 56 42 00"),
        "18 08 00 00"
    );
}

#[test]
fn answers_follow_the_order_of_questions() {
    let said = Bench::new().ask(&format!("10 04 01 1D 61 0E {ID} 10 04 02"));
    assert_eq!(said, format!("12 10 00 00 00 {ID_ANSWER} 12"));
}

#[test]
fn a_sensor_that_is_not_fitted_never_speaks() {
    let mut bench = Bench::with(|options| options.near_end_sensor = false);
    assert_eq!(bench.switch("near-end", "on").ask("10 04 04"), "12");
    assert_eq!(bench.switch("paper", "out").ask("10 04 04"), "72");
}
