//! Whatever a lock system sends over TCP or a serial line: the reader neither panics nor keeps
//! more than one record, how the bytes were cut into reads changes nothing, and a record that is
//! read can be written again.
#![no_main]

use bytes::BytesMut;
use driver_fias::description::Description;
use driver_fias::frame::{self, Framing, Piece};
use driver_fias::record::Record;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((first, data)) = data.split_first() else {
        return;
    };
    let framing = if first & 1 == 0 {
        Framing::Plain
    } else {
        Framing::Checked
    };
    let whole = pieces(data, data.len().max(1), framing);
    assert_eq!(whole, pieces(data, usize::from(first >> 1) + 1, framing));

    let mut description = Description::default();
    for piece in whole {
        let Piece::Record(bytes) = piece else {
            continue;
        };
        let Ok(record) = Record::parse(&bytes) else {
            continue;
        };
        description.begin(&record);
        description.add(&record);
        if let Ok(written) = record.to_bytes() {
            assert_eq!(Record::parse(&written).as_ref(), Ok(&record));
        }
        assert!(description.only_wanted(record.clone()).fields.len() <= record.fields.len());
    }
});

fn pieces(data: &[u8], chunk: usize, framing: Framing) -> Vec<Piece> {
    let mut input = BytesMut::new();
    let mut out = Vec::new();
    for chunk in data.chunks(chunk) {
        input.extend_from_slice(chunk);
        while let Some(piece) = frame::take(&mut input, framing) {
            out.push(piece);
        }
        assert!(input.len() <= frame::RECORD_MAX + 2);
    }
    out
}
