use proptest::prelude::*;

use super::*;

fn hex(text: &str) -> Vec<u8> {
    text.split_whitespace()
        .map(|byte| u8::from_str_radix(byte, 16).expect("two hex digits"))
        .collect()
}

fn band(dots: usize, bytes: &str, with: PictureCommand) -> Vec<u8> {
    let mut out = Vec::new();
    encode_band(&Bitmap::from_packed(dots, hex(bytes)), with, &mut out);
    out
}

#[test]
fn pictures_are_the_bytes_independent_encoders_send() {
    use PictureCommand::{EscStar, GsL, GsV0};
    assert_eq!(
        band(16, "80 01 FF FF", GsV0),
        hex("1D 76 30 00 02 00 02 00 80 01 FF FF")
    );
    assert_eq!(
        band(12, "FF F0", GsV0),
        hex("1D 76 30 00 02 00 01 00 FF F0")
    );
    assert_eq!(
        band(16, "80 01 FF FF", GsL),
        hex("1D 28 4C 0E 00 30 70 30 01 01 31 10 00 02 00 80 01 FF FF 1D 28 4C 02 00 30 32")
    );
    let black = "FF FF ".repeat(8);
    let mut expected = hex("1B 33 18 1B 2A 21 10 00");
    expected.extend(hex("FF 00 00").repeat(16));
    expected.extend(hex("0A 1B 32"));
    assert_eq!(band(16, &black, EscStar), expected);
}

#[test]
fn headers_of_real_bands_match() {
    let header = |dots: usize, rows: usize, with| {
        let mut out = Vec::new();
        let map = Bitmap::from_packed(dots, vec![0xFF; dots / 8 * rows]);
        encode_band(&map, with, &mut out);
        out
    };
    use PictureCommand::{GsL, GsV0};
    for (dots, rows, expected) in [
        (576, 1, "1D 76 30 00 48 00 01 00"),
        (576, 256, "1D 76 30 00 48 00 00 01"),
        (576, 128, "1D 76 30 00 48 00 80 00"),
        (512, 128, "1D 76 30 00 40 00 80 00"),
        (384, 128, "1D 76 30 00 30 00 80 00"),
    ] {
        let bytes = header(dots, rows, GsV0);
        assert_eq!(bytes[..8], hex(expected), "{dots}x{rows}");
        assert_eq!(bytes.len(), 8 + dots / 8 * rows);
    }
    let bytes = header(576, 256, GsL);
    assert_eq!(
        bytes[..15],
        hex("1D 28 4C 0A 48 30 70 30 01 01 31 40 02 00 01")
    );
    let long = header(576, 1_000, GsL);
    assert_eq!(long[..3], hex("1D 38 4C"));
}

#[test]
fn a_pair_across_two_rows_is_scrubbed() {
    let bytes = band(16, "00 10 04 00", PictureCommand::GsV0);
    assert_eq!(bytes[8..], hex("00 18 04 00"));
}

#[test]
fn luminance_below_the_threshold_is_black() {
    let map = to_dots(&[0, 179, 180, 255], 4, 180, Shade::Threshold);
    assert_eq!(map.packed(), [0b1100_0000]);
}

#[test]
fn dithered_grey_has_about_half_of_its_dots() {
    let map = to_dots(&vec![128; 64 * 64], 64, 180, Shade::Dither);
    let black: u32 = map.packed().iter().map(|byte| byte.count_ones()).sum();
    assert!((1_800..2_300).contains(&black), "{black}");
}

proptest! {
    #[test]
    fn no_picture_holds_a_real_time_command(
        dots in 1_usize..900,
        rows in 1_usize..40,
        seed in any::<u64>(),
        command in prop_oneof![
            Just(PictureCommand::GsV0), Just(PictureCommand::GsL), Just(PictureCommand::EscStar)
        ],
    ) {
        // Bytes that are likely to collide.
        let mut random = fastrand::Rng::with_seed(seed);
        let nasty = [0x10, 0x04, 0x05, 0x14, 0x00, 0x18];
        let bytes = (0..dots.div_ceil(8) * rows).map(|_| nasty[random.usize(..6)]).collect();
        let map = Bitmap::from_packed(dots, bytes);
        let mut out = Vec::new();
        encode_band(&map, command, &mut out);
        prop_assert!(!holds_real_time(&out));
    }

    #[test]
    fn no_header_holds_one_either(
        dots in prop_oneof![Just(576_usize), Just(512), Just(384), Just(128), Just(832)],
        rows in 1_usize..2_304,
        command in prop_oneof![Just(PictureCommand::GsV0), Just(PictureCommand::GsL)],
    ) {
        let mut out = Vec::new();
        encode_band(&Bitmap::blank(dots, rows), command, &mut out);
        prop_assert!(!holds_real_time(&out), "{dots} {rows}");
    }
}
