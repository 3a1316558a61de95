//! Any bytes, endless bytes.

use proptest::collection::vec;
use proptest::prelude::*;

use super::Bench;

/// Bytes that start commands come often.
fn byte() -> impl Strategy<Value = u8> {
    prop_oneof![
        3 => any::<u8>(),
        1 => proptest::sample::select(&b"\x10\x1b\x1c\x1d\x00\x04\x05\x14\x28\x38*vVLHkp0a"[..]),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_upset_it(chunks in vec(vec(byte(), 0..60), 0..12), blocks in any::<bool>()) {
        let mut bench = Bench::with(|options| options.blocks = blocks);
        for chunk in chunks {
            bench.machine.feed(&chunk, bench.now);
        }
        bench.machine.out.clear();
        // Whatever it was in the middle of, power brings it back.
        bench.switch("power", "cycle").switch("power", "on");
        bench.feed("1B 40 41 0A");
        prop_assert!(bench.text().ends_with('A'));
    }

    #[test]
    fn how_the_bytes_are_cut_up_makes_no_difference(bytes in vec(byte(), 0..200), at in 0..200_usize) {
        let mut whole = Bench::new();
        whole.machine.feed(&bytes, whole.now);
        let mut parts = Bench::new();
        let (left, right) = bytes.split_at(at.min(bytes.len()));
        parts.machine.feed(left, parts.now);
        parts.machine.feed(right, parts.now);
        prop_assert_eq!(whole.machine.sheet.dots(), parts.machine.sheet.dots());
        prop_assert_eq!(whole.said(), parts.said());
    }
}

#[test]
fn endless_input_needs_no_endless_memory() {
    let mut bench = Bench::with(|options| options.width = 384);
    // Text without an end of line, a picture of 4 GB, a stored graphic of 4 GB.
    let starts = [
        "41",
        "1D 76 30 00 FF FF FF FF",
        "1D 38 4C FF FF FF FF 30 70 30",
    ];
    for start in starts {
        bench.switch("power", "cycle").feed(start);
        for _ in 0..100 {
            bench.machine.feed(&[0x55; 4_096], bench.now);
            bench.machine.happened.clear();
        }
        assert!(bench.machine.sheet.len() <= 48_000);
        assert!(bench.machine.work.len() <= 1_024);
        assert_eq!(bench.machine.received.len(), 0);
    }
}

#[test]
fn unread_answers_are_bounded_and_keep_the_newest_id() {
    let mut bench = Bench::new();
    for n in 0..1_000 {
        let id: Vec<_> = format!("{n:04}")
            .bytes()
            .map(|byte| format!("{byte:02X}"))
            .collect();
        bench
            .feed("10 04 01 1D 28 48 06 00 30 30")
            .feed(&id.join(" "));
    }
    assert!(bench.machine.out.len() <= 256);
    assert!(bench.said().ends_with("37 22 30 39 39 39 00"));
}
