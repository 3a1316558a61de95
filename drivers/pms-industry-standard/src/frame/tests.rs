use proptest::prelude::*;

use super::*;

/// Every golden frame: its fields and its bytes.
pub(crate) fn vectors() -> Vec<(Vec<String>, Vec<u8>)> {
    include_str!("../../tests/vectors.txt")
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| {
            let (fields, hex) = line.split_once(" = ").expect("fields = hex");
            (fields.split('|').map(str::to_owned).collect(), bytes(hex))
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

fn read(bytes: &[u8]) -> Vec<Result<Piece, FrameError>> {
    let mut input = BytesMut::from(bytes);
    let mut pieces = Vec::new();
    loop {
        match take(&mut input) {
            Ok(None) => return pieces,
            Ok(Some(piece)) => pieces.push(Ok(piece)),
            Err(error) => pieces.push(Err(error)),
        }
    }
}

#[test]
fn golden_frames_are_written() {
    assert_eq!(vectors().len(), 26);
    for (fields, bytes) in vectors() {
        assert_eq!(encode(&fields), Ok(bytes), "{fields:?}");
    }
}

#[test]
fn golden_frames_are_read_in_one_piece_and_byte_by_byte() {
    for (fields, bytes) in vectors() {
        assert_eq!(
            read(&bytes),
            [Ok(Piece::Message(fields.clone()))],
            "{fields:?}"
        );
        let mut input = BytesMut::new();
        for (n, byte) in bytes.iter().enumerate() {
            assert_eq!(
                take(&mut input),
                Ok(None),
                "{fields:?} is not whole after {n} bytes"
            );
            input.extend_from_slice(&[*byte]);
        }
        assert_eq!(take(&mut input), Ok(Some(Piece::Message(fields))));
    }
}

#[test]
fn what_follows_a_check_byte_that_looks_like_control_is_read() {
    for (fields, mut bytes) in vectors() {
        bytes.push(ACK);
        let expected = [Ok(Piece::Message(fields)), Ok(Piece::Ack)];
        assert_eq!(read(&bytes), expected);
    }
}

#[test]
fn the_mark_for_unchecked_is_taken() {
    let frame = bytes("02B3434FB330B3313031B3030D");
    let fields = ["CO", "0", "101"].map(str::to_owned).to_vec();
    assert_eq!(read(&frame), [Ok(Piece::Message(fields))]);
}

#[test]
fn a_wrong_check_byte_is_an_error_and_what_follows_is_read() {
    let mut frame = bytes("02B3434EB331B3038D");
    frame.push(NAK);
    assert_eq!(read(&frame), [Err(FrameError::BadCheck), Ok(Piece::Nak)]);
}

#[test]
fn junk_between_messages_is_dropped() {
    let mut frame = b"\r\nhello".to_vec();
    frame.extend(bytes("02B3434EB331B3038C"));
    frame.extend(b"\0\0");
    let fields = ["CN", "1"].map(str::to_owned).to_vec();
    assert_eq!(read(&frame), [Ok(Piece::Message(fields))]);
}

#[test]
fn a_message_that_broke_off_does_not_swallow_the_next() {
    let mut frame = bytes("02B3434EB331");
    frame.extend(bytes("02B3434EB331B3038C"));
    let fields = ["CN", "1"].map(str::to_owned).to_vec();
    assert_eq!(read(&frame), [Ok(Piece::Message(fields))]);
}

#[test]
fn a_message_without_end_is_an_error_and_not_a_memory_leak() {
    let mut input = BytesMut::from(&vec![STX; 1][..]);
    input.extend_from_slice(&vec![b'A'; 2 * MESSAGE_MAX]);
    assert_eq!(take(&mut input), Err(FrameError::TooLong));
    assert_eq!(take(&mut input), Ok(None));
    assert!(input.is_empty());
}

#[test]
fn a_field_that_would_break_the_message_is_refused() {
    for bad in ["A\u{B3}B", "A\u{2}", "A\u{3}", "A\r", "Ž"] {
        let fields = ["CN".to_owned(), bad.to_owned()];
        assert_eq!(encode(&fields), Err(BadField { index: 1 }), "{bad:?}");
    }
}

proptest! {
    #[test]
    fn what_is_written_is_read(fields in proptest::collection::vec("[ -~À-ÿ]{0,20}", 1..16)) {
        prop_assume!(fields.iter().any(|field| !field.is_empty()) || fields.len() == 1);
        let bytes = encode(&fields).expect("harmless characters");
        prop_assert_eq!(read(&bytes), vec![Ok(Piece::Message(fields))]);
    }

    #[test]
    fn no_bytes_make_the_reader_panic_or_keep_more_than_a_message(
        bytes in proptest::collection::vec(any::<u8>(), 0..3000),
    ) {
        let mut input = BytesMut::from(&bytes[..]);
        loop {
            let before = input.len();
            match take(&mut input) {
                Ok(None) => break,
                Ok(Some(_)) | Err(_) => prop_assert!(input.len() < before),
            }
        }
        prop_assert!(input.len() < MESSAGE_MAX + 1);
    }

    #[test]
    fn one_wrong_bit_is_never_taken_for_the_same_message(
        at in 1usize..20, bit in 0u8..8,
    ) {
        let whole = bytes("02B3434EB331B33034413142324333B3034B");
        let mut broken = whole.clone();
        let at = at.min(whole.len() - 1);
        broken[at] ^= 1 << bit;
        prop_assert_ne!(read(&broken), read(&whole));
    }
}
