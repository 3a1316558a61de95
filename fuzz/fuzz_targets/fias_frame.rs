//! Whatever a lock system sends over TCP or a serial line: the reader neither panics nor keeps
//! more than one record, and a record that is read can be written again.
#![no_main]

use bytes::BytesMut;
use driver_fias::description::Description;
use driver_fias::frame::{self, Framing, Piece};
use driver_fias::record::Record;
use driver_fias::request::KeyAnswer;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((first, data)) = data.split_first() else { return };
    let framing = if first & 1 == 0 { Framing::Plain } else { Framing::Checked };
    let mut description = Description::default();
    let mut input = BytesMut::from(data);
    while let Some(piece) = frame::take(&mut input, framing) {
        let Piece::Record(bytes) = piece else { continue };
        let Ok(record) = Record::parse(&bytes) else { continue };
        let _ = KeyAnswer::of(&record).belongs_to("1", "W", None);
        description.begin(&record);
        description.add(&record);
        if let Ok(written) = record.to_bytes() {
            assert_eq!(Record::parse(&written).as_ref(), Ok(&record));
        }
    }
    assert!(input.len() <= frame::RECORD_MAX + 2);
});
