//! Bytes of FIAS: `STX record ETX`, and on a serial line a check byte and link answers.
//!
//! The check byte is the XOR of everything after STX up to and including ETX; it may be any byte.

use bytes::{Buf, Bytes, BytesMut};

/// Start of a record.
pub const STX: u8 = 0x02;
/// End of a record.
pub const ETX: u8 = 0x03;
/// Serial: "repeat your last link answer".
pub const ENQ: u8 = 0x05;
/// Serial: the record has arrived.
pub const ACK: u8 = 0x06;
/// Serial: send the record again.
pub const NAK: u8 = 0x15;
/// The longest record.
pub const RECORD_MAX: usize = 2000;

/// How records travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// TCP: no check byte, no link answers.
    Plain,
    /// Serial: a check byte, ACK or NAK to each record.
    Checked,
}

/// Something the peer sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// The inside of a frame.
    Record(Bytes),
    /// Serial: a frame with a wrong check byte.
    Damaged,
    /// A frame without end; what was there is dropped.
    TooLong,
    /// Serial link answer.
    Ack,
    /// Serial link answer.
    Nak,
    /// Serial link question.
    Enq,
}

/// Puts a record into its frame.
#[must_use]
pub fn encode(record: &[u8], framing: Framing) -> Vec<u8> {
    let mut out = Vec::with_capacity(record.len() + 3);
    out.push(STX);
    out.extend_from_slice(record);
    out.push(ETX);
    if framing == Framing::Checked {
        out.push(check_byte(&out[1..]));
    }
    out
}

/// Takes the next thing the peer sent out of `input`; `None` while it is incomplete. What lies
/// between frames is dropped.
pub fn take(input: &mut BytesMut, framing: Framing) -> Option<Piece> {
    loop {
        let piece = match *input.first()? {
            STX => return take_record(input, framing),
            ACK if framing == Framing::Checked => Piece::Ack,
            NAK if framing == Framing::Checked => Piece::Nak,
            ENQ if framing == Framing::Checked => Piece::Enq,
            _ => {
                input.advance(1);
                continue;
            }
        };
        input.advance(1);
        return Some(piece);
    }
}

fn take_record(input: &mut BytesMut, framing: Framing) -> Option<Piece> {
    let limit = RECORD_MAX + 2;
    let Some(end) = input.iter().take(limit).position(|&byte| byte == ETX) else {
        if input.len() < limit {
            return None;
        }
        input.advance(limit);
        return Some(Piece::TooLong);
    };
    // A start inside a record: the first one broke off, and its rest is lost.
    if let Some(again) = input[1..end].iter().position(|&byte| byte == STX) {
        input.advance(1 + again);
        return take_record(input, framing);
    }
    match framing {
        Framing::Plain => {
            let frame = input.split_to(end + 1).freeze();
            Some(Piece::Record(frame.slice(1..end)))
        }
        Framing::Checked => {
            let check = *input.get(end + 1)?;
            let frame = input.split_to(end + 2).freeze();
            if check == check_byte(&frame[1..=end]) {
                Some(Piece::Record(frame.slice(1..end)))
            } else {
                Some(Piece::Damaged)
            }
        }
    }
}

/// XOR of all bytes.
#[must_use]
pub fn check_byte(bytes: &[u8]) -> u8 {
    bytes.iter().fold(0, |sum, byte| sum ^ byte)
}

#[cfg(test)]
pub(crate) mod tests;
