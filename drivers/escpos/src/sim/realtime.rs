//! Finds real-time commands in the stream as it arrives, also in the middle of a picture: a printer
//! acts on them before, and apart from, everything that waits in its receive buffer.

/// Clears both buffers; a fixed sequence so that it cannot happen by accident (DLE DC4, fn 8).
const CLEAR: [u8; 10] = [0x10, 0x14, 0x08, 0x01, 0x03, 0x14, 0x01, 0x06, 0x02, 0x08];

/// A real-time command, recognised.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RealTime {
    /// DLE EOT n: a status byte, at once.
    Status(u8),
    /// DLE ENQ n: 1 go on after an error, 2 clear the buffers and go on.
    Recover(u8),
    /// DLE DC4 1 m t: open the drawer on pin 2 or 5.
    Pulse { pin: u8, times_100_ms: u8 },
    /// DLE DC4 2 1 8: power off.
    PowerOff,
    /// DLE DC4 8 with its fixed tail: clear the buffers.
    Clear,
}

/// Holds the start of what may become a real-time command.
#[derive(Debug, Default)]
pub(super) struct Scanner {
    seen: Vec<u8>,
}

impl Scanner {
    /// Takes one byte; says which command it completed, if any.
    pub(super) fn push(&mut self, byte: u8) -> Option<RealTime> {
        self.seen.push(byte);
        match judge(&self.seen) {
            Judged::Maybe => None,
            Judged::Is(command) => {
                self.seen.clear();
                Some(command)
            }
            Judged::Not => {
                self.seen.clear();
                if byte == 0x10 {
                    self.seen.push(byte);
                }
                None
            }
        }
    }
}

enum Judged {
    Maybe,
    Is(RealTime),
    Not,
}

fn judge(seen: &[u8]) -> Judged {
    match *seen {
        [0x10] | [0x10, 0x04 | 0x05 | 0x14] => Judged::Maybe,
        [0x10, 0x04, n @ 1..=4] => Judged::Is(RealTime::Status(n)),
        [0x10, 0x05, n @ 1..=2] => Judged::Is(RealTime::Recover(n)),
        [0x10, 0x14, 0x01] | [0x10, 0x14, 0x01, 0 | 1] => Judged::Maybe,
        [0x10, 0x14, 0x01, pin @ (0 | 1), times_100_ms @ 1..=8] => {
            Judged::Is(RealTime::Pulse { pin, times_100_ms })
        }
        [0x10, 0x14, 0x02] | [0x10, 0x14, 0x02, 0x01] => Judged::Maybe,
        [0x10, 0x14, 0x02, 0x01, 0x08] => Judged::Is(RealTime::PowerOff),
        _ if seen == CLEAR => Judged::Is(RealTime::Clear),
        _ if CLEAR.starts_with(seen) => Judged::Maybe,
        _ => Judged::Not,
    }
}

/// How long a real-time command is for the parser, which only steps over it: it was executed on
/// arrival. `None` while that cannot be told yet.
pub(super) fn length(seen: &[u8]) -> Option<usize> {
    match *seen {
        [0x10] | [0x10, 0x14] => None,
        [0x10, 0x04 | 0x05, ..] => Some(3),
        [0x10, 0x14, 0x01 | 0x02, ..] => Some(5),
        [0x10, 0x14, 0x07, ..] => Some(4),
        [0x10, 0x14, 0x08, ..] => Some(CLEAR.len()),
        [0x10, 0x14, ..] => Some(3),
        _ => Some(1),
    }
}
