//! Takes the printer's one reply stream apart.
//!
//! Everything a printer says comes on one line: flow control, pushed status, answers to real-time
//! questions, answers that waited behind a picture, completion marks. The first byte says which it
//! is (ESC/POS command reference, "status transmission"); real-time answers carry no question, so
//! they are matched with the oldest one outstanding.

use std::collections::VecDeque;

use super::status::RealTime;

/// One thing the printer said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// Software flow control: go on.
    Xon,
    /// Software flow control: stop.
    Xoff,
    /// Pushed status (GS a).
    Automatic([u8; 4]),
    /// The answer to a real-time question of ours.
    RealTime(RealTime, u8),
    /// The answer to GS r.
    Buffered(u8),
    /// Everything before this mark is printed (GS ( H).
    ProcessId([u8; 4]),
    /// The buffers are cleared (DLE DC4 8).
    Cleared,
    /// The printer is being switched off.
    PowerOff,
    /// The answer to GS I: maker, model, serial number, firmware.
    Identity(Vec<u8>),
    /// A block of a kind we did not ask for.
    OtherBlock(u8),
    /// A byte that is no reply, or a reply to no question of ours.
    Stray(u8),
}

/// Longer blocks are no blocks: what was read of them is thrown away.
const BLOCK_MAX: usize = 80;
/// Questions without an answer that are remembered; the printer allows a burst of four to eight.
const OUTSTANDING_MAX: usize = 16;

/// The incremental parser and the questions that are out. Its memory is bounded.
#[derive(Debug, Default)]
pub struct Replies {
    state: State,
    outstanding: VecDeque<RealTime>,
}

#[derive(Debug, Default)]
enum State {
    #[default]
    Between,
    /// The bytes of an automatic status block so far.
    Automatic(Vec<u8>),
    /// `37`, `3B` or `5F` and what followed.
    Block(u8, Vec<u8>),
}

impl Replies {
    /// Notes that the four real-time questions were sent in one burst.
    pub fn asked(&mut self) {
        self.outstanding.extend(RealTime::BURST);
        while self.outstanding.len() > OUTSTANDING_MAX {
            self.outstanding.pop_front();
        }
    }

    /// How many questions have no answer yet.
    #[must_use]
    pub fn outstanding(&self) -> usize {
        self.outstanding.len()
    }

    /// Forgets what was asked and what was half read: a new connection.
    pub fn reset(&mut self) {
        *self = Self::default();
    }

    /// Takes bytes in, gives what they complete.
    pub fn take(&mut self, bytes: &[u8]) -> Vec<Reply> {
        bytes.iter().filter_map(|byte| self.push(*byte)).collect()
    }

    fn push(&mut self, byte: u8) -> Option<Reply> {
        // XOFF may stand in the middle of a block. Status bytes are built never to equal it, and
        // process ids are 20 to 7E.
        match byte {
            0x11 => return Some(Reply::Xon),
            0x13 => return Some(Reply::Xoff),
            _ => {}
        }
        match std::mem::take(&mut self.state) {
            State::Between => self.first(byte),
            State::Automatic(mut bytes) => {
                if byte & 0x90 != 0 {
                    // The tail of a block has bits 4 and 7 clear: the block was cut short.
                    return self.first(byte);
                }
                bytes.push(byte);
                match <[u8; 4]>::try_from(bytes.as_slice()) {
                    Ok(block) => Some(Reply::Automatic(block)),
                    Err(_) => {
                        self.state = State::Automatic(bytes);
                        None
                    }
                }
            }
            State::Block(kind, bytes) if byte == 0 => Some(block(kind, &bytes)),
            State::Block(_, _) if byte >= 0x80 => Some(Reply::Stray(byte)),
            State::Block(kind, bytes) if bytes.len() >= BLOCK_MAX => Some(Reply::OtherBlock(kind)),
            State::Block(kind, mut bytes) => {
                bytes.push(byte);
                self.state = State::Block(kind, bytes);
                None
            }
        }
    }

    fn first(&mut self, byte: u8) -> Option<Reply> {
        match byte {
            0x37 | 0x3B | 0x5F => {
                self.state = State::Block(byte, Vec::new());
                None
            }
            _ if byte & 0x93 == 0x10 => {
                self.state = State::Automatic(vec![byte]);
                None
            }
            _ if byte & 0x93 == 0x12 => Some(match self.outstanding.pop_front() {
                Some(question) => Reply::RealTime(question, byte),
                None => Reply::Stray(byte),
            }),
            _ if byte & 0x90 == 0x00 => Some(Reply::Buffered(byte)),
            _ => Some(Reply::Stray(byte)),
        }
    }
}

fn block(kind: u8, bytes: &[u8]) -> Reply {
    match (kind, bytes) {
        (0x37, [0x22, a, b, c, d]) => Reply::ProcessId([*a, *b, *c, *d]),
        (0x37, [0x25]) => Reply::Cleared,
        (0x3B, [0x30]) => Reply::PowerOff,
        (0x5F, text) => Reply::Identity(text.to_vec()),
        _ => Reply::OtherBlock(kind),
    }
}
