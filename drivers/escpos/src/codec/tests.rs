use proptest::prelude::*;

use super::command::*;
use super::*;

fn hex(text: &str) -> Vec<u8> {
    text.split_whitespace()
        .map(|byte| u8::from_str_radix(byte, 16).expect("two hex digits"))
        .collect()
}

fn heard(bytes: &str, bursts: usize) -> Vec<Reply> {
    let mut replies = Replies::default();
    (0..bursts).for_each(|_| replies.asked());
    replies.take(&hex(bytes))
}

#[test]
fn commands_are_the_bytes_independent_encoders_send() {
    let golden: &[(&[u8], &str)] = &[
        (&INITIALISE, "1B 40"),
        (&cut(Cut::Partial), "1D 56 42 00"),
        (&cut(Cut::Full), "1D 56 41 00"),
        (&drawer(false, 100, 500), "1B 70 00 32 FA"),
        (&drawer(true, 100, 500), "1B 70 01 32 FA"),
        (&process_id(*b"0001"), "1D 28 48 06 00 30 30 30 30 30 31"),
        (&AUTOMATIC_STATUS_ON, "1D 61 0E"),
        (&density(4), "1D 28 4B 02 00 31 04"),
        (&density(-6), "1D 28 4B 02 00 31 FA"),
        (&REFUSE_REAL_TIME, "1D 28 44 05 00 14 01 00 02 00"),
        (&ALLOW_REAL_TIME, "1D 28 44 05 00 14 01 01 02 01"),
        (&CLEAR_BUFFERS, "10 14 08 01 03 14 01 06 02 08"),
        (&code_table(0x13), "1B 74 13"),
        (&STATUS_BURST, "10 04 01 10 04 02 10 04 03 10 04 04"),
        (&BUFFERED_STATUS, "1D 72 01"),
    ];
    for (bytes, expected) in golden {
        assert_eq!(bytes.to_vec(), hex(expected), "{expected}");
    }
}

#[test]
fn status_bytes_decode_as_the_vectors_say() {
    let said = |replies: &[(RealTime, u8)]| {
        let mut status = RealTimeStatus::default();
        for (question, byte) in replies {
            status.note(*question, *byte);
        }
        status
    };
    use RealTime::{ErrorCause, OfflineCause, Paper, Printer};
    assert_eq!(said(&[(Printer, 0x12)]).trouble(), None);
    assert_eq!(said(&[(Printer, 0x1A)]).trouble(), Some(Condition::Offline));
    assert_eq!(
        said(&[(OfflineCause, 0x16)]).trouble(),
        Some(Condition::CoverOpen)
    );
    assert_eq!(
        said(&[(OfflineCause, 0x32)]).trouble(),
        Some(Condition::PaperOut)
    );
    assert_eq!(
        said(&[(OfflineCause, 0x52), (ErrorCause, 0x1A)]).trouble(),
        Some(Condition::Cutter)
    );
    assert_eq!(
        said(&[(ErrorCause, 0x32)]).trouble(),
        Some(Condition::Unrecoverable)
    );
    let near = said(&[(Paper, 0x1E)]);
    assert!(near.near_end && near.trouble().is_none());
    let out = said(&[(Paper, 0x7E)]);
    assert!(out.near_end && out.trouble() == Some(Condition::PaperOut));
}

#[test]
fn automatic_blocks_decode_as_the_vectors_say() {
    let trouble = |block: [u8; 4]| AutomaticStatus::from_automatic(block).trouble();
    assert_eq!(trouble([0x10, 0, 0, 0]), None);
    assert_eq!(trouble([0x18, 0, 0x0F, 0]), Some(Condition::PaperOut));
    assert_eq!(trouble([0x38, 0, 0, 0]), Some(Condition::CoverOpen));
    assert_eq!(trouble([0x18, 0x08, 0, 0]), Some(Condition::Cutter));
    let near = AutomaticStatus::from_automatic([0x10, 0, 0x03, 0]);
    assert!(near.near_end && near.trouble().is_none() && !near.offline);
}

#[test]
fn one_stream_is_taken_apart() {
    assert_eq!(
        heard("12 10 00 00 00 37 22 30 30 30 31 00 12", 1),
        vec![
            Reply::RealTime(RealTime::Printer, 0x12),
            Reply::Automatic([0x10, 0, 0, 0]),
            Reply::ProcessId(*b"0001"),
            Reply::RealTime(RealTime::OfflineCause, 0x12),
        ]
    );
}

#[test]
fn flow_control_inside_a_block_is_taken_out() {
    assert_eq!(
        heard("37 22 30 13 30 30 31 00", 0),
        vec![Reply::Xoff, Reply::ProcessId(*b"0001")]
    );
}

#[test]
fn blocks_have_names() {
    assert_eq!(heard("37 25 00", 0), vec![Reply::Cleared]);
    assert_eq!(heard("3B 30 00", 0), vec![Reply::PowerOff]);
    assert_eq!(
        heard("5F 54 4D 2D 54 38 38 56 00", 0),
        vec![Reply::Identity(b"TM-T88V".to_vec())]
    );
    assert_eq!(heard("37 23 40 00", 0), vec![Reply::OtherBlock(0x37)]);
}

#[test]
fn an_answer_to_no_question_is_stray() {
    assert_eq!(heard("12", 0), vec![Reply::Stray(0x12)]);
}

#[test]
fn a_block_cut_short_does_not_swallow_the_next_answer() {
    assert_eq!(
        heard("18 00 12 00", 1),
        vec![Reply::RealTime(RealTime::Printer, 0x12), Reply::Buffered(0)]
    );
}

proptest! {
    #[test]
    fn any_bytes_are_read_in_bounded_memory(bytes in proptest::collection::vec(any::<u8>(), 0..4096)) {
        let mut replies = Replies::default();
        for chunk in bytes.chunks(7) {
            replies.asked();
            let said = replies.take(chunk);
            prop_assert!(said.len() <= chunk.len());
            prop_assert!(replies.outstanding() <= 16);
        }
    }

    #[test]
    fn what_was_said_is_heard_however_it_is_cut(
        id in proptest::array::uniform4(0x20_u8..=0x7E),
        cut in 1_usize..12,
    ) {
        let mut stream = hex("16 10 00 03 00 37 22");
        stream.extend(id);
        stream.extend(hex("00 12 12 12"));
        let mut replies = Replies::default();
        replies.asked();
        let said: Vec<_> = stream.chunks(cut).flat_map(|part| replies.take(part)).collect();
        prop_assert_eq!(said.len(), 6);
        prop_assert_eq!(&said[2], &Reply::ProcessId(id));
        prop_assert_eq!(replies.outstanding(), 0);
    }

    #[test]
    fn drawer_times_never_make_a_real_time_command(on in any::<u16>(), off in any::<u16>()) {
        let bytes = drawer(true, on, off);
        prop_assert!(!bytes.windows(2).any(|w| w[0] == 0x10 && matches!(w[1], 4 | 5 | 0x14)));
    }
}
