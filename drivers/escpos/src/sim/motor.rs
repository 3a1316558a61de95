//! What moves: paper, blade and drawer, at the paper's speed. The parser runs ahead of it.

use std::time::Duration;

use tokio::time::Instant;

use super::machine::Machine;
use super::paper::{Ending, Happened, Sheet};
use super::switches::Mute;

/// A cut takes this long on a printer whose paper takes time at all.
const CUT_TIME: Duration = Duration::from_millis(200);

/// What the parser has handed to the motor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Work {
    /// A row of dots; the first one of a text line carries its text.
    Row {
        bits: Vec<u8>,
        text: Option<String>,
    },
    /// Blank rows.
    Feed(usize),
    Cut {
        partial: bool,
    },
    Drawer {
        pin: u8,
        on_ms: u64,
    },
    /// A process id: everything before it is on paper when its turn comes.
    Mark([u8; 4]),
}

impl Machine {
    /// Does everything that was due until `now`.
    pub(super) fn advance(&mut self, now: Instant) {
        if self.faults.power_off {
            return;
        }
        loop {
            self.parse(now);
            if self.work.is_empty() {
                self.motor = None;
            }
            let due = *self.motor.get_or_insert(now);
            if self.work.is_empty() || self.is_offline() || due > now {
                break;
            }
            let took = self.step(now);
            // Not yet moving again after a stop: the time of the stop does not count as printing.
            self.motor = Some(if self.is_offline() { now } else { due + took });
        }
        self.tell_changes(now);
    }

    /// When there is something to do next, if nothing else happens.
    pub(super) fn due(&self) -> Option<Instant> {
        let moving = !self.work.is_empty() && !self.is_offline() && !self.faults.power_off;
        self.motor.filter(|_| moving)
    }

    fn step(&mut self, now: Instant) -> Duration {
        let Some(work) = self.work.pop_front() else {
            return Duration::ZERO;
        };
        match work {
            Work::Row { bits, text } => self.move_paper(&bits, text),
            Work::Feed(rows) => {
                if rows > 1 {
                    self.work.push_front(Work::Feed(rows - 1));
                }
                self.move_paper(&[], None)
            }
            Work::Cut { partial } => self.cut(partial),
            Work::Drawer { pin, on_ms } => {
                self.open_drawer(pin, on_ms);
                Duration::ZERO
            }
            Work::Mark(id) => {
                self.answer_process_id(id, now);
                Duration::ZERO
            }
        }
    }

    fn move_paper(&mut self, bits: &[u8], text: Option<String>) -> Duration {
        if self.faults.mute == Mute::BeforePrint && bits.iter().any(|byte| *byte != 0) {
            self.faults.mute = Mute::Hung;
            self.say("hangs: prints nothing more and answers nothing".to_owned());
        }
        if self.faults.mute == Mute::Hung {
            return Duration::ZERO;
        }
        if self.sheet.is_full() {
            self.tear_off();
        }
        self.sheet.print(bits, text);
        if self.faults.use_paper() {
            let rows = self.sheet.len();
            self.say(format!("out of paper: stopped after {rows} rows"));
        }
        self.row_time()
    }

    fn cut(&mut self, partial: bool) -> Duration {
        if self.faults.mute == Mute::Hung {
            return Duration::ZERO;
        }
        if self.faults.jammed {
            self.faults.cutter_error = true;
            self.work.push_front(Work::Cut { partial });
            self.say("cutter jammed: not cut".to_owned());
            return Duration::ZERO;
        }
        let off = self.sheet.split(self.options.blade);
        self.finish(
            off,
            if partial {
                Ending::PartialCut
            } else {
                Ending::Cut
            },
        );
        if self.faults.mute == Mute::AfterPrint {
            self.faults.mute = Mute::Silent;
            self.say("says nothing from now on".to_owned());
        }
        if self.faults.drop_after_print {
            self.faults.drop_after_print = false;
            self.hang_ups += 1;
            self.say("connection dropped after printing".to_owned());
        }
        if self.row_time().is_zero() {
            Duration::ZERO
        } else {
            CUT_TIME
        }
    }

    /// The printed part goes off by hand: a new roll, or too long a piece.
    pub(super) fn tear_off(&mut self) {
        let off = self.sheet.split(0);
        if off.is_printed() {
            self.finish(off, Ending::TornOff);
        }
    }

    fn finish(&mut self, off: Sheet, ending: Ending) {
        self.printed += 1;
        let folder = self.options.folder.clone();
        let (receipt, written) =
            off.finish(self.printed, ending, folder.as_deref(), self.next_file);
        self.next_file += 1;
        let done = match ending {
            Ending::Cut | Ending::PartialCut => "printed and cut",
            Ending::TornOff => "torn off, not cut",
        };
        let (number, rows) = (receipt.number, receipt.rows);
        let place = match (&receipt.png, written) {
            (Some(path), Ok(())) => format!(", {}", path.display()),
            (Some(path), Err(error)) => format!(", not kept as {}: {error}", path.display()),
            (None, _) => String::new(),
        };
        self.say(format!("receipt {number} {done}: {rows} rows{place}"));
        self.keep(Happened::Receipt(receipt));
    }
}
