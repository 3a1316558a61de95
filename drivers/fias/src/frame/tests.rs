use proptest::prelude::*;

use super::*;

/// A golden record: text, TCP frame (where the source prints it), serial check byte.
pub(crate) struct Golden {
    pub(crate) text: &'static str,
    pub(crate) frame: Option<Vec<u8>>,
    pub(crate) check: u8,
}

pub(crate) fn vectors() -> Vec<Golden> {
    let lines = include_str!("../../tests/vectors.txt").lines();
    lines
        .filter(|line| !line.starts_with('#'))
        .map(|line| {
            let (text, hex) = line.split_once(" = ").expect("text = hex");
            let (frame, check) = match hex.split_once(' ') {
                Some((frame, check)) => (Some(bytes(frame)), check),
                None => (None, hex),
            };
            Golden {
                text,
                frame,
                check: bytes(check)[0],
            }
        })
        .collect()
}

pub(crate) fn bytes(hex: &str) -> Vec<u8> {
    let digits = hex.as_bytes().chunks(2);
    digits
        .map(|pair| {
            let text = std::str::from_utf8(pair).expect("hex digits");
            u8::from_str_radix(text, 16).expect("hex digits")
        })
        .collect()
}

fn read(bytes: &[u8], framing: Framing) -> Vec<Piece> {
    let mut input = BytesMut::from(bytes);
    std::iter::from_fn(|| take(&mut input, framing)).collect()
}

fn record(text: &'static str) -> Piece {
    Piece::Record(Bytes::from_static(text.as_bytes()))
}

#[test]
fn golden_records_are_framed_and_unframed() {
    assert_eq!(vectors().len(), 18);
    for Golden { text, frame, check } in vectors() {
        let plain = encode(text.as_bytes(), Framing::Plain);
        if let Some(frame) = frame {
            assert_eq!(plain, frame, "{text}");
        }
        assert_eq!(read(&plain, Framing::Plain), [record(text)]);
        let checked = encode(text.as_bytes(), Framing::Checked);
        assert_eq!(checked.last(), Some(&check), "{text}");
        assert_eq!(read(&checked, Framing::Checked), [record(text)]);
    }
}

#[test]
fn twelve_three_four_five_gives_thirty_two() {
    assert_eq!(encode(b"12345", Framing::Checked).last(), Some(&0x32));
}

#[test]
fn two_answers_in_one_read_one_in_single_bytes_and_junk_before_are_all_the_same() {
    let text = "KA|ASOK|KC1|WS1|G#52421|DA260328|TI150507|";
    for framing in [Framing::Plain, Framing::Checked] {
        let frame = encode(text.as_bytes(), framing);
        assert_eq!(
            read(&[frame.clone(), frame.clone()].concat(), framing),
            [record(text), record(text)]
        );
        assert_eq!(
            read(&[b"\r\nxx".to_vec(), frame.clone()].concat(), framing),
            [record(text)]
        );
        let mut input = BytesMut::new();
        for byte in &frame {
            assert_eq!(take(&mut input, framing), None);
            input.extend_from_slice(&[*byte]);
        }
        assert_eq!(take(&mut input, framing), Some(record(text)));
    }
}

#[test]
fn a_check_byte_that_looks_like_a_link_answer_is_none() {
    let text = "LR|RIKR|FLKCKTRNWSG#GAGDDTGNDATI|";
    let mut frame = encode(text.as_bytes(), Framing::Checked);
    assert_eq!(frame.last(), Some(&ACK));
    frame.push(NAK);
    assert_eq!(read(&frame, Framing::Checked), [record(text), Piece::Nak]);
}

#[test]
fn link_answers_mean_nothing_over_tcp() {
    assert_eq!(read(&[ACK, NAK, ENQ], Framing::Plain), []);
    assert_eq!(
        read(&[ACK, NAK, ENQ], Framing::Checked),
        [Piece::Ack, Piece::Nak, Piece::Enq]
    );
}

#[test]
fn a_damaged_frame_is_told_and_the_next_is_read() {
    let mut frame = encode(b"KA|ASOK|", Framing::Checked);
    *frame.last_mut().expect("a check byte") ^= 1;
    frame.extend(encode(b"LA|", Framing::Checked));
    assert_eq!(
        read(&frame, Framing::Checked),
        [Piece::Damaged, record("LA|")]
    );
}

#[test]
fn a_record_without_end_is_dropped() {
    let mut endless = vec![STX];
    endless.extend(vec![b'A'; 3 * RECORD_MAX]);
    assert_eq!(read(&endless, Framing::Plain), [Piece::TooLong]);
}

proptest! {
    #[test]
    fn no_bytes_make_the_reader_panic_or_grow(
        bytes in proptest::collection::vec(any::<u8>(), 0..5000), serial in any::<bool>(),
    ) {
        let framing = if serial { Framing::Checked } else { Framing::Plain };
        let mut input = BytesMut::from(&bytes[..]);
        let mut before = input.len();
        while take(&mut input, framing).is_some() {
            prop_assert!(input.len() < before);
            before = input.len();
        }
        prop_assert!(input.len() <= RECORD_MAX + 2);
    }

    #[test]
    fn what_is_framed_is_unframed(text in "[ -~\u{80}-\u{ff}]{0,200}", serial in any::<bool>()) {
        let framing = if serial { Framing::Checked } else { Framing::Plain };
        let record: Vec<u8> = text.chars().map(|c| u32::from(c) as u8).collect();
        let frame = encode(&record, framing);
        prop_assert_eq!(read(&frame, framing), vec![Piece::Record(Bytes::from(record))]);
    }
}
