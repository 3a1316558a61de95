//! Bytes of PMS Industry Standard: control characters, messages, their check byte.
//!
//! `STX SEP field SEP field … SEP ETX LRC`. The check byte is the XOR of everything after STX up
//! to and including ETX, and it may be any byte, also one of the control characters: exactly one
//! byte is read after ETX, whatever its value.

use bytes::{Buf, BytesMut};

/// Start of a message.
pub const STX: u8 = 0x02;
/// End of a message.
pub const ETX: u8 = 0x03;
/// "Are you ready?"
pub const ENQ: u8 = 0x05;
/// Yes.
pub const ACK: u8 = 0x06;
/// No.
pub const NAK: u8 = 0x15;
/// Before the first field, between fields, after the last.
pub const SEPARATOR: u8 = 0xB3;
/// The separator as a character of ISO 8859-1, the text encoding of the protocol.
pub const SEPARATOR_CHAR: char = '\u{B3}';
/// In place of the check byte: "do not check".
pub const UNCHECKED: u8 = 0x0D;
/// The longest message we take.
pub const MESSAGE_MAX: usize = 1024;

/// Something the peer said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// Yes.
    Ack,
    /// No.
    Nak,
    /// A whole message with a good check byte, by fields.
    Message(Vec<String>),
}

/// A message that cannot be trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// The check byte does not fit.
    #[error("wrong check byte")]
    BadCheck,
    /// No end within [`MESSAGE_MAX`] bytes.
    #[error("a message without end")]
    TooLong,
}

/// A field that would break the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("field {index} holds a byte that cannot be sent")]
pub struct BadField {
    /// Counted from 0, which is the command.
    pub index: usize,
}

/// Writes one message.
///
/// # Errors
/// [`BadField`] for a separator, a control character, or a character outside ISO 8859-1. The
/// callers fold their texts first; this is the last gate.
pub fn encode(fields: &[String]) -> Result<Vec<u8>, BadField> {
    let mut out = vec![STX, SEPARATOR];
    for (index, field) in fields.iter().enumerate() {
        for c in field.chars() {
            match u8::try_from(u32::from(c)) {
                Ok(byte) if byte != SEPARATOR && !c.is_control() => out.push(byte),
                Ok(_) | Err(_) => return Err(BadField { index }),
            }
        }
        out.push(SEPARATOR);
    }
    out.push(ETX);
    out.push(check_byte(&out[1..]));
    Ok(out)
}

/// Takes the next thing the peer said out of `input`; `None` while it is incomplete. What lies
/// between messages is dropped.
///
/// # Errors
/// [`FrameError`]: the message is taken out of the input and cannot be trusted.
pub fn take(input: &mut BytesMut) -> Result<Option<Piece>, FrameError> {
    loop {
        match input.first() {
            None => return Ok(None),
            Some(&ACK) => {
                input.advance(1);
                return Ok(Some(Piece::Ack));
            }
            Some(&NAK) => {
                input.advance(1);
                return Ok(Some(Piece::Nak));
            }
            Some(&STX) => return take_message(input),
            Some(_) => input.advance(1),
        }
    }
}

fn take_message(input: &mut BytesMut) -> Result<Option<Piece>, FrameError> {
    let Some(end) = input.iter().take(MESSAGE_MAX).position(|&byte| byte == ETX) else {
        if input.len() < MESSAGE_MAX {
            return Ok(None);
        }
        input.advance(MESSAGE_MAX);
        return Err(FrameError::TooLong);
    };
    // A start inside a message: the first one broke off, and its rest is lost.
    if let Some(again) = input[1..end].iter().position(|&byte| byte == STX) {
        input.advance(1 + again);
        return take_message(input);
    }
    let Some(&check) = input.get(end + 1) else {
        return Ok(None);
    };
    let message = input.split_to(end + 2);
    // 0D is the mark "unchecked" or a genuine check byte; nothing tells which, so it is taken.
    if check != UNCHECKED && check != check_byte(&message[1..=end]) {
        return Err(FrameError::BadCheck);
    }
    Ok(Some(Piece::Message(fields(&message[1..end]))))
}

fn fields(body: &[u8]) -> Vec<String> {
    let body = body.strip_prefix(&[SEPARATOR]).unwrap_or(body);
    let body = body.strip_suffix(&[SEPARATOR]).unwrap_or(body);
    body.split(|&byte| byte == SEPARATOR)
        .map(|field| field.iter().map(|&byte| char::from(byte)).collect())
        .collect()
}

/// XOR of all bytes.
#[must_use]
pub fn check_byte(bytes: &[u8]) -> u8 {
    bytes.iter().fold(0, |sum, byte| sum ^ byte)
}

#[cfg(test)]
pub(crate) mod tests;
