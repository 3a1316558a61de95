//! Reads the receive buffer one byte at a time. Pure: bytes in, [`Op`]s out, never more memory than
//! one picture row, or one stored graphic of the largest size a printer keeps.

use super::realtime;

/// Parameter blocks are kept up to here, the rest is counted and thrown away: 2 047 × 1 662 dots
/// is the largest graphic a printer stores.
const BLOCK_MAX: usize = 512 * 1024;
/// No head is wider: bytes of a raster row beyond are counted and thrown away.
const ROW_MAX: usize = 256;
/// Longest column strip kept, in bytes.
const STRIP_MAX: usize = ROW_MAX * 8 * 3;

/// What the printer is told to do, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Op {
    /// A printable byte; which character it is depends on the code page.
    Text(u8),
    Tab,
    LineFeed,
    Initialise,
    CodePage(u8),
    Justify(u8),
    /// ESC !: font, emphasis, double height and width, underline in one byte.
    Mode(u8),
    /// GS !: enlargement, width in the high half.
    Size(u8),
    /// White on black.
    Inverse(bool),
    Font(u8),
    Bold(bool),
    Underline(bool),
    /// ESC 3 n, or ESC 2 for the default.
    LineSpacing(Option<u8>),
    FeedLines(u8),
    FeedDots(u8),
    /// One row of a picture, leftmost dot in bit 7 of the first byte.
    Row {
        bits: Vec<u8>,
        wide: u8,
        tall: u8,
    },
    /// A stored graphic, to be printed by [`Op::PrintStored`].
    Store(Graphic),
    PrintStored,
    /// A strip of columns: `bytes` a column, top bit first.
    Strip {
        bytes: u8,
        wide: u8,
        tall: u8,
        data: Vec<u8>,
    },
    Cut {
        feed: bool,
        extra: u8,
        partial: bool,
    },
    Drawer {
        pin: u8,
        on_2_ms: u8,
    },
    AutoStatus(u8),
    Buffered(u8),
    ProcessId([u8; 4]),
    /// GS ( D: may real-time pulse (1) and power-off (2) act?
    Permit(Vec<(u8, bool)>),
    Density(u8),
    Identity(u8),
    MultiByte(bool),
    /// Understood well enough to be stepped over, not well enough to be drawn.
    Skipped(&'static str),
}

/// A picture sent by GS ( L or GS 8 L. `width` and `height` in dots.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Graphic {
    pub(super) wide: u8,
    pub(super) tall: u8,
    pub(super) width: u16,
    pub(super) height: u16,
    pub(super) data: Vec<u8>,
}

/// The parser and the command it is in the middle of.
#[derive(Debug)]
pub(super) struct Parser {
    has_blocks: bool,
    state: State,
}

#[derive(Debug)]
enum State {
    /// Text, or the start of a command.
    Head(Vec<u8>),
    Raster {
        row: Vec<u8>,
        at: usize,
        bytes: usize,
        rows: u16,
        wide: u8,
        tall: u8,
    },
    Strip {
        mode: u8,
        left: usize,
        data: Vec<u8>,
    },
    Block {
        set: u8,
        letter: u8,
        left: u64,
        data: Vec<u8>,
    },
    Skip {
        left: usize,
        what: &'static str,
    },
    UntilNul {
        left: usize,
        what: &'static str,
    },
}

impl Parser {
    /// `has_blocks`: this printer understands `GS (` and `GS 8`.
    pub(super) fn new(has_blocks: bool) -> Self {
        Self {
            has_blocks,
            state: State::Head(Vec::new()),
        }
    }

    /// Forgets a half command, as after a power cycle or a cleared buffer.
    pub(super) fn reset(&mut self) {
        self.state = State::Head(Vec::new());
    }

    /// Takes one byte; gives what it completed.
    pub(super) fn push(&mut self, byte: u8) -> Option<Op> {
        let state = std::mem::replace(&mut self.state, State::Head(Vec::new()));
        let (state, op) = match state {
            State::Head(mut head) => {
                head.push(byte);
                self.head(head)
            }
            State::Raster {
                row,
                at,
                bytes,
                rows,
                wide,
                tall,
            } => raster(row, at, bytes, rows, (wide, tall), byte),
            State::Strip {
                mode,
                left,
                mut data,
            } => {
                keep(&mut data, byte, STRIP_MAX);
                match left {
                    ..=1 => (None, Some(strip(mode, data))),
                    _ => (
                        Some(State::Strip {
                            mode,
                            left: left - 1,
                            data,
                        }),
                        None,
                    ),
                }
            }
            State::Block {
                set,
                letter,
                left,
                mut data,
            } => {
                keep(&mut data, byte, BLOCK_MAX);
                match left {
                    ..=1 => (None, block(set, letter, data)),
                    _ => (
                        Some(State::Block {
                            set,
                            letter,
                            left: left - 1,
                            data,
                        }),
                        None,
                    ),
                }
            }
            State::Skip { left, what } => match left {
                ..=1 => (None, Some(Op::Skipped(what))),
                _ => (
                    Some(State::Skip {
                        left: left - 1,
                        what,
                    }),
                    None,
                ),
            },
            State::UntilNul { left, what } => match (byte, left) {
                (0, _) | (_, ..=1) => (None, Some(Op::Skipped(what))),
                _ => (
                    Some(State::UntilNul {
                        left: left - 1,
                        what,
                    }),
                    None,
                ),
            },
        };
        if let Some(state) = state {
            self.state = state;
        }
        op
    }

    fn head(&self, head: Vec<u8>) -> (Option<State>, Option<Op>) {
        match head[0] {
            0x10 => match realtime::length(&head) {
                Some(n) if head.len() >= n => (None, None),
                Some(_) | None => (Some(State::Head(head)), None),
            },
            0x1b => escape(head),
            0x1c => kanji(head),
            0x1d => self.group(head),
            0x0a => (None, Some(Op::LineFeed)),
            0x09 => (None, Some(Op::Tab)),
            ..0x20 => (None, None),
            text => (None, Some(Op::Text(text))),
        }
    }

    fn group(&self, head: Vec<u8>) -> (Option<State>, Option<Op>) {
        let op = match head[1..] {
            // A clone without this parser sees the rest as text.
            [b'(' | b'8'] if !self.has_blocks => return (None, None),
            [b'(', letter, lo, hi] => {
                return begin_block(b'(', letter, u64::from(u16::from_le_bytes([lo, hi])));
            }
            [b'8', letter, a, b, c, d] => {
                return begin_block(b'8', letter, u64::from(u32::from_le_bytes([a, b, c, d])));
            }
            [b'v', b'0', m, xl, xh, yl, yh] => {
                let bytes = usize::from(u16::from_le_bytes([xl, xh]));
                let rows = u16::from_le_bytes([yl, yh]);
                let (wide, tall) = (1 + (m & 1), 1 + (m >> 1 & 1));
                return match bytes == 0 || rows == 0 {
                    true => (None, Some(Op::Skipped("a picture of no size"))),
                    false => {
                        let row = Vec::new();
                        (
                            Some(State::Raster {
                                row,
                                at: 0,
                                bytes,
                                rows,
                                wide,
                                tall,
                            }),
                            None,
                        )
                    }
                };
            }
            [b'v', b'0', ..] => return (Some(State::Head(head)), None),
            [b'v', _] => None,
            [b'V', m @ (0 | 1 | 48 | 49)] => Some(cut(false, 0, m)),
            [b'V', m @ (65 | 66), extra] => Some(cut(true, extra, m + 1)),
            [b'V', 65 | 66] => return (Some(State::Head(head)), None),
            [b'V', _] => Some(Op::Skipped("an unknown cut")),
            [b'a', n] => Some(Op::AutoStatus(n)),
            [b'r', n] => Some(Op::Buffered(n)),
            [b'I', n] => Some(Op::Identity(n)),
            [b'!', n] => Some(Op::Size(n)),
            [b'B', n] => Some(Op::Inverse(n & 1 == 1)),
            [b'H' | b'b' | b'f' | b'h' | b'w' | b'/' | b'T', _] => None,
            [b'L' | b'P' | b'W' | b'$' | b'\\', _, _] => None,
            [b':'] => None,
            [b'k', 0..=6] => {
                return (
                    Some(State::UntilNul {
                        left: 255,
                        what: "a bar code",
                    }),
                    None,
                );
            }
            [b'k', 65..=79, 0] => None,
            [b'k', 65..=79, n] => {
                return (
                    Some(State::Skip {
                        left: n.into(),
                        what: "a bar code",
                    }),
                    None,
                );
            }
            [b'*', x, y] => {
                let left = usize::from(x) * usize::from(y) * 8;
                let what = "a downloaded picture";
                return match left {
                    0 => (None, None),
                    _ => (Some(State::Skip { left, what }), None),
                };
            }
            _ if head.len() < group_length(&head) => return (Some(State::Head(head)), None),
            _ => Some(Op::Skipped("an unknown GS command")),
        };
        (None, op)
    }
}

fn group_length(head: &[u8]) -> usize {
    match *head {
        [_] => 2,
        [_, b'(', ..] => 5,
        [_, b'8', ..] => 7,
        [_, b'k', 65..=79, ..] => 4,
        [_, b'L' | b'P' | b'W' | b'$' | b'\\' | b'*', ..] => 4,
        [
            _,
            b'v' | b'V' | b'a' | b'r' | b'I' | b'!' | b'B' | b'H' | b'b' | b'f' | b'h' | b'w'
            | b'/' | b'T' | b'k',
            ..,
        ] => 3,
        _ => 2,
    }
}

fn escape(head: Vec<u8>) -> (Option<State>, Option<Op>) {
    let op = match head[1..] {
        [b'@'] => Some(Op::Initialise),
        [b'2'] => Some(Op::LineSpacing(None)),
        [b'i'] => Some(cut(false, 0, 0)),
        [b'm'] => Some(cut(false, 0, 1)),
        [b'L' | b'S' | 0x0c] => None,
        [b't', n] => Some(Op::CodePage(n)),
        [b'a', n] => Some(Op::Justify(n)),
        [b'!', n] => Some(Op::Mode(n)),
        [b'M', n] => Some(Op::Font(n)),
        [b'E' | b'G', n] => Some(Op::Bold(n & 1 == 1)),
        [b'-', n] => Some(Op::Underline(matches!(n, 1 | 2 | 49 | 50))),
        [b'3', n] => Some(Op::LineSpacing(Some(n))),
        [b'd', n] => Some(Op::FeedLines(n)),
        [b'J', n] => Some(Op::FeedDots(n)),
        [
            b' ' | b'R' | b'V' | b'{' | b'=' | b'T' | b'r' | b'U' | b'K' | b'e' | b'%' | b'?',
            _,
        ] => None,
        [b'c', _, _] | [b'$' | b'\\', _, _] => None,
        [b'W', _, _, _, _, _, _, _, _] => None,
        [b'D'] => {
            return (
                Some(State::UntilNul {
                    left: 33,
                    what: "tab stops",
                }),
                None,
            );
        }
        [b'p', pin, on_2_ms, _] => Some(Op::Drawer {
            pin: pin & 1,
            on_2_ms,
        }),
        [b'(', letter, lo, hi] => {
            let left = u64::from(u16::from_le_bytes([lo, hi]));
            return begin_block(b'E', letter, left);
        }
        [b'*', mode, lo, hi] => {
            let columns = usize::from(u16::from_le_bytes([lo, hi]));
            let left = columns * if mode >= 32 { 3 } else { 1 };
            return match left {
                0 => (None, None),
                _ => (
                    Some(State::Strip {
                        mode,
                        left,
                        data: Vec::new(),
                    }),
                    None,
                ),
            };
        }
        _ if head.len() < escape_length(&head) => return (Some(State::Head(head)), None),
        _ => Some(Op::Skipped("an unknown ESC command")),
    };
    (None, op)
}

fn escape_length(head: &[u8]) -> usize {
    match *head {
        [_] => 2,
        [_, b'W', ..] => 10,
        [_, b'(' | b'*' | b'p', ..] => 5,
        [_, b'c' | b'$' | b'\\', ..] => 4,
        [
            _,
            b't' | b'a' | b'!' | b'M' | b'E' | b'G' | b'-' | b'3' | b'd' | b'J' | b' ' | b'R'
            | b'V' | b'{' | b'=' | b'T' | b'r' | b'U' | b'K' | b'e' | b'%' | b'?',
            ..,
        ] => 3,
        _ => 2,
    }
}

fn kanji(head: Vec<u8>) -> (Option<State>, Option<Op>) {
    let op = match head[1..] {
        [] => return (Some(State::Head(head)), None),
        [b'.'] => Some(Op::MultiByte(false)),
        [b'&'] => Some(Op::MultiByte(true)),
        [b'!' | b'-' | b'C' | b'W', _] | [b'S' | b'p', _, _] => None,
        [b'!' | b'-' | b'C' | b'W'] | [b'S' | b'p'] | [b'S' | b'p', _] | [b'('] | [b'(', ..] => {
            match head[1..] {
                [b'(', letter, lo, hi] => {
                    return begin_block(b'F', letter, u64::from(u16::from_le_bytes([lo, hi])));
                }
                _ => return (Some(State::Head(head)), None),
            }
        }
        _ => Some(Op::Skipped("an unknown FS command")),
    };
    (None, op)
}

fn begin_block(set: u8, letter: u8, left: u64) -> (Option<State>, Option<Op>) {
    match left {
        0 => (None, None),
        _ => (
            Some(State::Block {
                set,
                letter,
                left,
                data: Vec::new(),
            }),
            None,
        ),
    }
}

fn block(set: u8, letter: u8, data: Vec<u8>) -> Option<Op> {
    Some(match (set, letter, data.as_slice()) {
        (b'(' | b'8', b'L', [0x30, 0x70, 0x30, wide, tall, _, xl, xh, yl, yh, dots @ ..]) => {
            Op::Store(Graphic {
                wide: (*wide).clamp(1, 2),
                tall: (*tall).clamp(1, 2),
                width: u16::from_le_bytes([*xl, *xh]),
                height: u16::from_le_bytes([*yl, *yh]),
                data: dots.to_vec(),
            })
        }
        (b'(' | b'8', b'L', [0x30, 2 | 50]) => Op::PrintStored,
        (b'(', b'H', [0x30, 0x30, a, b, c, d]) => Op::ProcessId([*a, *b, *c, *d]),
        (b'(', b'D', [0x14, pairs @ ..]) => Op::Permit(
            pairs
                .chunks_exact(2)
                .map(|pair| (pair[0], matches!(pair[1], 1 | 49)))
                .collect(),
        ),
        (b'(', b'K', [0x31, n]) => Op::Density(*n),
        (b'(', b'K', _) => return None,
        (b'(', b'k', _) => Op::Skipped("a two-dimensional code"),
        _ => Op::Skipped("an unknown command with a parameter block"),
    })
}

fn raster(
    mut row: Vec<u8>,
    at: usize,
    bytes: usize,
    rows: u16,
    (wide, tall): (u8, u8),
    byte: u8,
) -> (Option<State>, Option<Op>) {
    keep(&mut row, byte, ROW_MAX);
    if at + 1 < bytes {
        return (
            Some(State::Raster {
                row,
                at: at + 1,
                bytes,
                rows,
                wide,
                tall,
            }),
            None,
        );
    }
    let op = Op::Row {
        bits: row,
        wide,
        tall,
    };
    let next = (rows > 1).then(|| State::Raster {
        row: Vec::new(),
        at: 0,
        bytes,
        rows: rows - 1,
        wide,
        tall,
    });
    (next, Some(op))
}

fn strip(mode: u8, data: Vec<u8>) -> Op {
    // 8-dot strips are printed three times as tall; single density twice as wide.
    let (bytes, tall) = if mode >= 32 { (3, 1) } else { (1, 3) };
    Op::Strip {
        bytes,
        wide: 2 - (mode & 1),
        tall,
        data,
    }
}

fn cut(feed: bool, extra: u8, m: u8) -> Op {
    Op::Cut {
        feed,
        extra,
        partial: m & 1 == 1,
    }
}

fn keep(data: &mut Vec<u8>, byte: u8, max: usize) {
    if data.len() < max {
        data.push(byte);
    }
}
