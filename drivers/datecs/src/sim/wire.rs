//! The printer's side of the wire, written from the manual and not from the driver.

use crate::frame::Dialect;

pub(crate) const SYN: u8 = 0x16;
pub(crate) const NAK: u8 = 0x15;

/// A request as the printer understands it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Request {
    pub seq: u8,
    pub command: u8,
    pub data: Vec<u8>,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Parsed {
    Incomplete,
    Damaged,
    Request(Request),
}

/// Takes one request out of what was received.
pub(crate) fn parse(dialect: Dialect, input: &mut Vec<u8>) -> Parsed {
    let Some(start) = input.iter().position(|byte| *byte == 1) else {
        input.clear();
        return Parsed::Incomplete;
    };
    input.drain(..start);
    // A request ends with its terminator: 05, four digits of the sum, 03.
    let Some(end) = (5..input.len()).find(|at| input[*at] == 3 && input[*at - 5] == 5) else {
        if input.len() > 512 {
            input.clear();
            return Parsed::Damaged;
        }
        return Parsed::Incomplete;
    };
    let frame: Vec<u8> = input.drain(..=end).collect();
    understood(dialect, &frame).map_or(Parsed::Damaged, Parsed::Request)
}

fn understood(dialect: Dialect, frame: &[u8]) -> Option<Request> {
    let counted = &frame[1..frame.len() - 5];
    let mut sum = 0u32;
    for byte in counted {
        sum += u32::from(*byte);
    }
    if from_nibbles(&frame[frame.len() - 5..frame.len() - 1])? != sum & 0xFFFF {
        return None;
    }
    let inner = &counted[..counted.len() - 1];
    let (length, seq, command, data) = match dialect {
        Dialect::X => (
            from_nibbles(inner.get(..4)?)?,
            *inner.get(4)?,
            from_nibbles(inner.get(5..9)?)?,
            inner.get(9..)?,
        ),
        Dialect::OldP | Dialect::OldC => (
            u32::from(*inner.first()?),
            *inner.get(1)?,
            u32::from(*inner.get(2)?),
            inner.get(3..)?,
        ),
    };
    let right = length == u32::try_from(counted.len()).ok()? + 0x20;
    (right && (0x20..=0x7F).contains(&seq)).then_some(Request {
        seq,
        command: u8::try_from(command).ok()?,
        data: data.to_vec(),
    })
}

/// An answer's bytes.
pub(crate) fn answer(dialect: Dialect, request: &Request, data: &[u8], status: &[u8]) -> Vec<u8> {
    let mut counted = Vec::new();
    let fixed = if dialect.is_x() { 0x33 } else { 0x2B };
    let length = u32::try_from(data.len()).unwrap_or(0) + fixed;
    if dialect.is_x() {
        counted.extend(to_nibbles(length));
        counted.push(request.seq);
        counted.extend(to_nibbles(u32::from(request.command)));
    } else {
        counted.push(u8::try_from(length).unwrap_or(0xFF));
        counted.push(request.seq);
        counted.push(request.command);
    }
    counted.extend_from_slice(data);
    counted.push(4);
    counted.extend_from_slice(status);
    counted.push(5);
    let sum: u32 = counted.iter().map(|byte| u32::from(*byte)).sum();
    let mut bytes = vec![1];
    bytes.append(&mut counted);
    bytes.extend(to_nibbles(sum));
    bytes.push(3);
    bytes
}

fn from_nibbles(text: &[u8]) -> Option<u32> {
    let mut value = 0;
    for byte in text {
        if !(0x30..=0x3F).contains(byte) {
            return None;
        }
        value = value * 16 + u32::from(byte - 0x30);
    }
    Some(value)
}

fn to_nibbles(value: u32) -> Vec<u8> {
    format!("{:04x}", value & 0xFFFF)
        .chars()
        .map(|c| 0x30 + u8::try_from(c.to_digit(16).unwrap_or(0)).unwrap_or(0))
        .collect()
}
