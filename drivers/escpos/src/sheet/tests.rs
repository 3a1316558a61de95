use driver_sdk::Settings;

use super::*;
use crate::raster::holds_real_time;

fn config(text: &str) -> Config {
    Config::parse(&Settings::from_toml(text)).expect("good settings")
}

#[test]
fn a_small_job_is_the_golden_one() {
    // Without the mode for printers from China and Japan, which independent encoders send too.
    let config = config("dots = 128\ncolumns = 8");
    let map = Bitmap::from_packed(16, vec![0x80, 0x01, 0xFF, 0xFF]);
    let mut copy = picture(&map, &config);
    finish(&mut copy, &config);
    let mut bytes = start(&config, false, true);
    bytes.extend(&copy[0].bytes);
    let golden = [
        0x1B, 0x40, 0x1C, 0x2E, 0x1D, 0x61, 0x0E, 0x1D, 0x76, 0x30, 0x00, 0x02, 0x00, 0x02, 0x00,
        0x80, 0x01, 0xFF, 0xFF, 0x1D, 0x56, 0x42, 0x00,
    ];
    assert_eq!(bytes, golden);
}

#[test]
fn text_is_one_part_for_every_24_lines() {
    let config = config("");
    let parts = text("line\n".repeat(50).as_bytes(), &config).expect("short");
    let rows: Vec<_> = parts.iter().map(|part| part.rows).collect();
    assert_eq!(rows, [24 * LINE_HEIGHT, 24 * LINE_HEIGHT, 2 * LINE_HEIGHT]);
}

#[test]
fn a_line_no_table_has_is_a_picture_of_the_same_height() {
    let config = config("");
    let parts = text("Gr\u{fc}\u{df}e\n5 \u{20ac}\n".as_bytes(), &config).expect("short");
    assert_eq!(parts[0].rows, 2 * LINE_HEIGHT);
    let header = [0x1D, 0x76, 0x30, 0x00, 72, 0, 30, 0];
    assert!(parts[0].bytes.windows(8).any(|window| window == header));
    let replaced = text(
        "5 \u{20ac}\n".as_bytes(),
        &self::config("unmappable = \"replace\""),
    );
    let bytes = &replaced.expect("short")[0].bytes;
    assert_eq!(bytes, b"5 \x1DB\x01?\x1DB\x00\n");
}

#[test]
fn the_longest_text_is_bounded() {
    let long = "x\n".repeat(1_333);
    assert_eq!(text(long.as_bytes(), &config("")), Err(TextError::TooLong));
}

#[test]
fn drawer_and_cut_go_where_the_settings_say() {
    let pulse = [0x1B, 0x70, 0x01, 0x32, 0xFA];
    let before = config("drawer = \"pin5\"\ndrawer_when = \"before\"");
    assert!(start(&before, false, false).ends_with(&pulse));
    assert!(end(&before).is_empty());
    let after = config("drawer = \"pin5\"\ncut = \"old-full\"\nfeed_lines = 2");
    assert_eq!(end(&after), pulse);
    let mut copy = vec![Part::default()];
    finish(&mut copy, &after);
    assert_eq!(copy[0].bytes, [0x1B, 0x64, 2, 0x1B, 0x64, 4, 0x1B, 0x69]);
}

#[test]
fn nothing_of_the_test_page_is_a_real_time_command() {
    let config = config("code_tables = [\"cp437\", \"cp858\", \"windows-1250\"]");
    for part in test_page("bar", "2026-11-25 10:00", &config) {
        assert!(!holds_real_time(&part.bytes));
    }
}
