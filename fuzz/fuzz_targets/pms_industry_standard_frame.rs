//! Whatever a lock PC sends: the reader neither panics nor keeps more than one message, and what
//! it reads as a message can be judged.
#![no_main]

use bytes::BytesMut;
use driver_pms_industry_standard::answer;
use driver_pms_industry_standard::command::{Command, Handling};
use driver_pms_industry_standard::frame::{self, Piece};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let command = Command::Read { encoder: "1".to_owned(), handling: Handling::Eject };
    let mut input = BytesMut::from(data);
    loop {
        let before = input.len();
        match frame::take(&mut input) {
            Ok(None) => break,
            Ok(Some(Piece::Message(fields))) => drop(answer::judge(&command, &fields)),
            Ok(Some(Piece::Ack | Piece::Nak)) | Err(_) => {}
        }
        assert!(input.len() < before);
    }
    assert!(input.len() <= frame::MESSAGE_MAX);
});
