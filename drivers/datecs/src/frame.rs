//! Frames of both dialects (Datecs protocol descriptions: X manuals 2.02 and 2.08, older FP and DP
//! manuals): preamble, length, sequence, command, data, status, sum, terminator.

use bytes::{Buf, BytesMut};

/// Which of the two families a printer belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Dialect {
    /// Four-digit lengths and commands, TAB after every field, an error code in every answer.
    X,
    /// Printers: the UNP stands after the till in command 48.
    OldP,
    /// Cash registers (DP-05, DP-25, DP-35, DP-150, WP-50): the UNP stands before the till.
    OldC,
}

impl Dialect {
    /// True for the dialect with error codes.
    #[must_use]
    pub fn is_x(self) -> bool {
        self == Self::X
    }
}

const PREAMBLE: u8 = 0x01;
const SEPARATOR: u8 = 0x04;
const POSTAMBLE: u8 = 0x05;
const TERMINATOR: u8 = 0x03;
const SYN: u8 = 0x16;
const NAK: u8 = 0x15;
/// Lowest sequence number.
pub const SEQ_FIRST: u8 = 0x20;
/// Highest sequence number that both dialects allow.
pub const SEQ_LAST: u8 = 0x7F;
/// Data bytes of one request.
pub const DATA_MAX: usize = 213;
/// Data bytes of one answer, with room for models that send more than the manual says.
const ANSWER_MAX: usize = 600;

/// The sequence number after this one.
#[must_use]
pub fn next_seq(seq: u8) -> u8 {
    if (SEQ_FIRST..SEQ_LAST).contains(&seq) {
        seq + 1
    } else {
        SEQ_FIRST
    }
}

/// A request's bytes. Data is cut at [`DATA_MAX`]: no request of ours is longer.
#[must_use]
pub fn request(dialect: Dialect, seq: u8, command: u8, data: &[u8]) -> Vec<u8> {
    let data = &data[..data.len().min(DATA_MAX)];
    let mut body = Vec::with_capacity(data.len() + 16);
    if dialect.is_x() {
        body.extend(digits(u16::try_from(data.len() + 0x2A).unwrap_or(u16::MAX)));
        body.push(seq);
        body.extend(digits(u16::from(command)));
    } else {
        body.extend([
            u8::try_from(data.len() + 0x24).unwrap_or(u8::MAX),
            seq,
            command,
        ]);
    }
    body.extend_from_slice(data);
    body.push(POSTAMBLE);
    let sum = sum(&body);
    let mut out = Vec::with_capacity(body.len() + 6);
    out.push(PREAMBLE);
    out.extend(body);
    out.extend(digits(sum));
    out.push(TERMINATOR);
    out
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Must be the request's.
    pub seq: u8,
    /// Must be the request's.
    pub command: u8,
    /// Fields.
    pub data: Vec<u8>,
    /// 8 bytes (X) or 6.
    pub status: Vec<u8>,
}

/// What the printer says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// An answer whose length and sum are right.
    Answer(Answer),
    /// Still working.
    Working,
    /// Our frame was damaged.
    Damaged,
}

/// Takes the next thing the printer said out of the bytes; `None` while it is incomplete. Garbage
/// before a preamble and frames that fail their checks are dropped, as silence.
pub fn take(dialect: Dialect, input: &mut BytesMut) -> Option<Heard> {
    loop {
        match *input.first()? {
            SYN => {
                input.advance(1);
                return Some(Heard::Working);
            }
            NAK => {
                input.advance(1);
                return Some(Heard::Damaged);
            }
            PREAMBLE => {}
            _ => {
                input.advance(1);
                continue;
            }
        }
        let head = if dialect.is_x() { 5 } else { 2 };
        if input.len() < head {
            return None;
        }
        let length = if dialect.is_x() {
            number(&input[1..5]).map(usize::from)
        } else {
            Some(usize::from(input[1]))
        };
        let Some(length) = length.and_then(|value| value.checked_sub(0x20)) else {
            input.advance(1);
            continue;
        };
        if length > ANSWER_MAX {
            input.advance(1);
            continue;
        }
        // Preamble, counted bytes, four digits of the sum, terminator.
        let whole = 1 + length + 5;
        if input.len() < whole {
            return None;
        }
        match checked(dialect, &input[1..=length], &input[1 + length..whole]) {
            Some(answer) => {
                input.advance(whole);
                return Some(Heard::Answer(answer));
            }
            None => input.advance(1),
        }
    }
}

fn checked(dialect: Dialect, body: &[u8], tail: &[u8]) -> Option<Answer> {
    let (body_end, terminator) = (body.last()?, tail.last()?);
    if *body_end != POSTAMBLE || *terminator != TERMINATOR || number(&tail[..4])? != sum(body) {
        return None;
    }
    let (head, status) = if dialect.is_x() { (9, 8) } else { (3, 6) };
    let rest = body.get(head..body.len() - 1)?;
    let split = rest.len().checked_sub(status + 1)?;
    if rest[split] != SEPARATOR {
        return None;
    }
    let command = if dialect.is_x() {
        u8::try_from(number(&body[5..9])?).ok()?
    } else {
        body[2]
    };
    Some(Answer {
        seq: body[head - if dialect.is_x() { 5 } else { 2 }],
        command,
        data: rest[..split].to_vec(),
        status: rest[split + 1..].to_vec(),
    })
}

fn sum(bytes: &[u8]) -> u16 {
    bytes
        .iter()
        .fold(0, |sum: u16, byte| sum.wrapping_add(u16::from(*byte)))
}

fn digits(value: u16) -> [u8; 4] {
    [12, 8, 4, 0].map(|shift| u8::try_from(value >> shift & 0xF).unwrap_or(0) + 0x30)
}

fn number(digits: &[u8]) -> Option<u16> {
    digits.iter().try_fold(0u16, |value, digit| {
        let nibble = digit.checked_sub(0x30).filter(|nibble| *nibble < 16)?;
        Some(value << 4 | u16::from(nibble))
    })
}

#[cfg(test)]
pub(crate) use self::tests::golden_frame as golden;

#[cfg(test)]
mod tests;
