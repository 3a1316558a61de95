//! Whatever a Datecs printer sends, in either dialect: the reader neither panics nor keeps more
//! than one answer, how the bytes were cut into reads changes nothing, and what an answer says is
//! read without a panic. Whatever a request holds, it is one frame.
#![no_main]

use bytes::BytesMut;
use driver_datecs::frame::{self, Dialect, Heard};
use driver_datecs::status::Status;
use driver_datecs::{reading, text};
use libfuzzer_sys::fuzz_target;

/// The longest answer a reader waits for: head, counted bytes, sum, terminator.
const KEPT_MAX: usize = 620;

fuzz_target!(|data: &[u8]| {
    let Some((first, data)) = data.split_first() else {
        return;
    };
    let dialect = match first % 3 {
        0 => Dialect::X,
        1 => Dialect::OldP,
        _ => Dialect::OldC,
    };
    let whole = heard(dialect, data, data.len().max(1));
    assert_eq!(whole, heard(dialect, data, usize::from(first >> 2) + 1));
    for heard in whole {
        let Heard::Answer(answer) = heard else {
            continue;
        };
        let status = Status::new(dialect, &answer.status);
        let _ = (status.blocker(), status.warning());
        for field in text::split(&answer.data) {
            if let Some(at) = reading::time(&field) {
                let written = reading::write_time(at);
                assert_eq!(written.len(), 17, "{written}");
            }
        }
    }

    let request = frame::request(dialect, frame::next_seq(*first), *first, data);
    assert_eq!((request.first(), request.last()), (Some(&1), Some(&3)));
    assert!(request.len() <= frame::DATA_MAX + 20);
});

fn heard(dialect: Dialect, data: &[u8], chunk: usize) -> Vec<Heard> {
    let mut input = BytesMut::new();
    let mut out = Vec::new();
    for chunk in data.chunks(chunk) {
        input.extend_from_slice(chunk);
        while let Some(heard) = frame::take(dialect, &mut input) {
            out.push(heard);
        }
        assert!(input.len() <= KEPT_MAX);
    }
    out
}
