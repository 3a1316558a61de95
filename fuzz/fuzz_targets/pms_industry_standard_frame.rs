//! Whatever a lock PC sends: the reader neither panics nor keeps more than one message, how the
//! bytes were cut into reads changes nothing, and what is written is read again.
#![no_main]

use bytes::BytesMut;
use driver_pms_industry_standard::frame::{self, FrameError, Piece};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((first, data)) = data.split_first() else {
        return;
    };
    let whole = pieces(data, data.len().max(1));
    assert_eq!(whole, pieces(data, usize::from(*first) + 1));

    let fields: Vec<String> = data
        .split(|byte| *byte == b',')
        .map(|field| field.iter().map(|&byte| char::from(byte)).collect())
        .collect();
    if let Ok(message) = frame::encode(&fields)
        && message.len() < frame::MESSAGE_MAX
    {
        assert_eq!(pieces(&message, 3), [Ok(Piece::Message(fields))]);
    }
});

fn pieces(data: &[u8], chunk: usize) -> Vec<Result<Piece, FrameError>> {
    let mut input = BytesMut::new();
    let mut out = Vec::new();
    for chunk in data.chunks(chunk) {
        input.extend_from_slice(chunk);
        loop {
            let before = input.len();
            match frame::take(&mut input) {
                Ok(None) => break,
                piece => out.extend(piece.transpose()),
            }
            assert!(input.len() < before);
        }
        assert!(input.len() <= frame::MESSAGE_MAX);
    }
    out
}
