//! Paper, its pictures, and where the blade sits.

use super::{Bench, CUT, ROW};

#[test]
fn a_receipt_becomes_a_picture_a_person_can_read() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut bench = Bench::with(|options| options.folder = Some(folder.path().to_owned()));
    bench.feed("1B 61 01 48 6F 74 65 6C 0A").feed(ROW).feed(CUT);
    let [receipt] = &bench.receipts()[..] else {
        panic!("one receipt")
    };
    let path = receipt.png.clone().expect("a picture");
    assert_eq!(
        path.file_name().and_then(|name| name.to_str()),
        Some("001.png")
    );
    let picture = image::open(&path).expect("a sound PNG").into_luma8();
    assert_eq!(picture.dimensions(), (576 + 64, receipt.rows as u32));
    let black = picture.pixels().filter(|pixel| pixel.0[0] < 128).count() as u64;
    assert_eq!(black, receipt.black);
    assert!(black > 200, "letters and a row: {black}");
    assert!(
        bench
            .story()
            .contains("receipt 1 printed and cut: 31 rows, ")
    );
}

#[test]
fn numbers_go_on_after_a_restart() {
    let folder = tempfile::tempdir().expect("a folder");
    for expected in ["001.png", "002.png"] {
        let mut bench = Bench::with(|options| options.folder = Some(folder.path().to_owned()));
        bench.feed(&format!("{ROW} {CUT}"));
        let path = bench.receipts()[0].png.clone().expect("a picture");
        assert!(path.ends_with(expected), "{}", path.display());
    }
}

#[test]
fn copies_have_the_same_digest_and_others_do_not() {
    let mut bench = Bench::new();
    bench.feed(&format!("{ROW} {CUT} 0A {ROW} 0A {CUT} {ROW} {ROW} {CUT}"));
    let receipts = bench.receipts();
    assert_eq!(
        receipts[0].sha256, receipts[1].sha256,
        "blank paper does not count"
    );
    assert_ne!(receipts[0].sha256, receipts[2].sha256);
}

#[test]
fn a_cut_without_feed_leaves_the_last_rows_in_the_printer() {
    let mut bench = Bench::with(|options| options.blade = 96);
    bench.feed(&ROW.repeat(100)).feed("1D 56 00");
    assert_eq!(bench.receipts()[0].rows, 4);
    bench.feed(CUT);
    assert_eq!(bench.receipts()[1].rows, 96);
    assert_eq!(bench.receipts()[1].black, 96 * 16);
}

#[test]
fn rows_wider_than_the_head_lose_their_right_edge() {
    let mut bench = Bench::with(|options| options.width = 512);
    bench.feed(&format!("1D 76 30 00 48 00 01 00 {}", "FF".repeat(72)));
    assert_eq!(bench.dots(), ["FF".repeat(64)]);
}

#[test]
fn lines_wrap_at_the_columns() {
    let mut bench = Bench::with(|options| options.columns = 42);
    bench.feed(&"41".repeat(50)).feed("0A");
    assert_eq!(
        bench.text(),
        format!("{}\n{}", "A".repeat(42), "A".repeat(8))
    );
}

#[test]
fn justification_moves_pictures_and_text() {
    let mut bench = Bench::with(|options| options.width = 32);
    bench.feed(&format!("1B 61 02 {ROW} 1B 61 01 {ROW}"));
    assert_eq!(bench.dots(), ["0000FFFF", "00FFFF00"]);
}

#[test]
fn enlarged_pictures_and_letters_are_larger() {
    let mut bench = Bench::with(|options| options.width = 32);
    bench.feed("1D 76 30 03 01 00 01 00 A0");
    assert_eq!(bench.dots(), ["CC000000", "CC000000"]);
    let mut plain = Bench::new();
    plain.feed("1B 33 00 41 0A");
    let mut large = Bench::new();
    large.feed("1B 33 00 1B 21 30 41 0A");
    assert_eq!((plain.dots().len(), large.dots().len()), (24, 48));
    let black = |bench: &Bench| {
        bench
            .machine
            .sheet
            .dots()
            .iter()
            .map(|b| b.count_ones())
            .sum::<u32>()
    };
    assert_eq!(black(&large), 4 * black(&plain));
}

#[test]
fn feeds_are_exact() {
    let mut bench = Bench::new();
    bench.feed("1B 64 02 1B 4A 0A");
    assert_eq!(bench.dots().len(), 70);
    let mut bench = Bench::with(|options| options.vertical_unit = 406);
    bench.feed("1B 4A 0A");
    assert_eq!(bench.dots().len(), 5, "half dots, as on other models");
}

#[test]
fn unfinished_text_is_printed_before_the_cut() {
    let mut bench = Bench::new();
    bench.feed(&format!("41 {CUT}"));
    assert_eq!(bench.receipts()[0].text, "A");
}
