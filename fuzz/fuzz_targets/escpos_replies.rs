//! Whatever a receipt printer says on its one reply stream: the reader neither panics nor grows,
//! and how the bytes were cut into reads changes nothing.
#![no_main]

// The codec alone: the crate around it brings the rendering of PDF, which takes long to build.
#[path = "../../drivers/escpos/src/codec/mod.rs"]
#[allow(
    dead_code,
    unused_imports,
    reason = "a part of the codec is for what is sent"
)]
mod codec;

use codec::{RealTime, RealTimeStatus, Replies, Reply};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let Some((first, data)) = data.split_first() else {
        return;
    };
    let whole = replies(data, data.len().max(1));
    assert_eq!(whole, replies(data, usize::from(*first) + 1));
    let mut status = RealTimeStatus::default();
    for reply in whole {
        match reply {
            Reply::RealTime(question, byte) => status.note(question, byte),
            Reply::Automatic(block) => status = RealTimeStatus::from_automatic(block),
            Reply::Identity(bytes) => assert!(bytes.len() <= 80),
            _ => {}
        }
        let _ = (status.trouble(), status.is_recoverable());
    }
});

fn replies(data: &[u8], chunk: usize) -> Vec<Reply> {
    let mut reader = Replies::default();
    reader.asked();
    reader.asked();
    let out = data
        .chunks(chunk)
        .flat_map(|chunk| reader.take(chunk))
        .collect();
    assert!(reader.outstanding() <= 4 * RealTime::BURST.len());
    out
}
