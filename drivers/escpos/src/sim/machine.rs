//! The printer's state, and what each command does to it. No I/O but the receipts' files, no clock:
//! the time comes in with every call.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

use super::codepage::CodePage;
use super::font::{Cell, Glyphs};
use super::modes::{Justify, Line, Modes};
use super::motor::Work;
use super::options::Options;
use super::paper::{Happened, Sheet, next_file};
use super::parser::{Graphic, Op, Parser};
use super::realtime::{RealTime, Scanner};
use super::switches::Faults;

/// Receipts and drawer openings remembered; older ones are forgotten, files stay.
const HAPPENED_MAX: usize = 10_000;
/// Lines of one step of the story.
const STORY_MAX: usize = 1_000;

/// One printer.
#[derive(Debug)]
pub(super) struct Machine {
    pub(super) options: Options,
    pub(super) faults: Faults,
    pub(super) received: VecDeque<u8>,
    scanner: Scanner,
    parser: Parser,
    glyphs: Glyphs,
    pub(super) modes: Modes,
    line: Line,
    stored: Option<Graphic>,
    pub(super) work: VecDeque<Work>,
    pub(super) motor: Option<Instant>,
    pub(super) sheet: Sheet,
    pub(super) happened: VecDeque<Happened>,
    pub(super) printed: u32,
    pub(super) next_file: u32,
    pub(super) drawer: u32,
    pub(super) auto_status: u8,
    pub(super) told_status: [u8; 4],
    pub(super) pulse_allowed: bool,
    pub(super) power_off_allowed: bool,
    pub(super) out: VecDeque<Vec<u8>>,
    /// An answer is on its way to the line.
    pub(super) speaking: bool,
    pub(super) hang_ups: u64,
    pub(super) xoff: bool,
    story: Vec<String>,
}

impl Machine {
    pub(super) fn new(options: Options) -> Self {
        Self {
            parser: Parser::new(options.blocks),
            modes: Modes::new(options.multi_byte),
            sheet: Sheet::new(options.width),
            next_file: next_file(options.folder.as_deref()),
            faults: Faults::default(),
            received: VecDeque::new(),
            scanner: Scanner::default(),
            glyphs: Glyphs::default(),
            line: Line::default(),
            stored: None,
            work: VecDeque::new(),
            motor: None,
            happened: VecDeque::new(),
            printed: 0,
            drawer: 0,
            auto_status: 0,
            told_status: [0; 4],
            pulse_allowed: true,
            power_off_allowed: true,
            out: VecDeque::new(),
            speaking: false,
            hang_ups: 0,
            xoff: false,
            story: Vec::new(),
            options,
        }
    }

    /// How many bytes the printer would take from the line now.
    pub(super) fn room(&self) -> usize {
        if self.faults.power_off {
            return usize::MAX;
        }
        if self.options.busy_offline && self.is_offline() {
            return 0;
        }
        self.options.buffer.saturating_sub(self.received.len())
    }

    /// Bytes arrive. Real-time commands act now, the rest waits its turn.
    pub(super) fn feed(&mut self, bytes: &[u8], now: Instant) {
        self.advance(now);
        if self.faults.power_off {
            return;
        }
        for byte in bytes {
            self.received.push_back(*byte);
            if let Some(command) = self.scanner.push(*byte) {
                // What came before has been taken out of the buffer by now, if it could be.
                self.advance(now);
                self.real_time(command, now);
            }
        }
        self.advance(now);
    }

    fn real_time(&mut self, command: RealTime, now: Instant) {
        match command {
            RealTime::Status(n) => {
                let byte = self.status(n);
                self.answer(vec![byte], now);
            }
            RealTime::Recover(n) => self.recover(n == 2, now),
            RealTime::Pulse { pin, times_100_ms } if self.pulse_allowed => {
                self.open_drawer(pin, u64::from(times_100_ms) * 100);
            }
            RealTime::PowerOff if self.power_off_allowed => {
                self.answer(vec![0x3b, 0x30, 0x00], now);
                self.say("switched off by the host".to_owned());
                self.lose_power();
                self.faults.power_off = true;
            }
            RealTime::Pulse { .. } | RealTime::PowerOff => {}
            RealTime::Clear if self.purges() => {
                self.clear_buffers();
                self.answer(vec![0x37, 0x25, 0x00], now);
            }
            RealTime::Clear => self.say("asked to clear its buffers: ignored".to_owned()),
        }
    }

    fn recover(&mut self, clear: bool, now: Instant) {
        if !self.faults.cutter_error || self.faults.jammed {
            return;
        }
        self.faults.cutter_error = false;
        self.motor = Some(now);
        if clear {
            self.clear_buffers();
        }
        self.say("recovered from the cutter error".to_owned());
    }

    /// Forgets everything received and not yet printed.
    pub(super) fn clear_buffers(&mut self) {
        let lost = self.received.len();
        let rows = self.work.len();
        self.received.clear();
        self.work.clear();
        self.parser.reset();
        self.line = Line::default();
        self.say(format!(
            "buffers cleared: {lost} bytes and {rows} rows thrown away"
        ));
    }

    /// Power is gone: buffers, modes and unread answers with it. Paper stays where it is.
    pub(super) fn lose_power(&mut self) {
        self.clear_buffers();
        self.scanner = Scanner::default();
        self.modes = Modes::new(self.options.multi_byte);
        self.stored = None;
        self.auto_status = 0;
        (self.pulse_allowed, self.power_off_allowed) = (true, true);
        self.out.clear();
        self.xoff = false;
        self.motor = None;
        self.faults.power_lost();
        self.hang_ups += 1;
    }

    /// Takes the next bytes out of the receive buffer, as far as the parser may run ahead.
    pub(super) fn parse(&mut self, now: Instant) {
        while self.work.len() < self.options.ahead && !self.is_offline() {
            let Some(byte) = self.received.pop_front() else {
                break;
            };
            if let Some(op) = self.parser.push(byte) {
                self.execute(op, now);
            }
        }
    }

    fn execute(&mut self, op: Op, now: Instant) {
        match op {
            Op::Text(byte) => self.text(byte),
            Op::Tab => {
                let stop = (self.line.column() / 8 + 1) * 8;
                (self.line.column()..stop).for_each(|_| self.character(' '));
            }
            Op::LineFeed => self.end_line(),
            Op::Initialise => {
                self.line = Line::default();
                self.modes = Modes::new(self.options.multi_byte);
                self.auto_status = 0;
            }
            Op::CodePage(n) => self.code_page(n),
            Op::Justify(n) if self.line.is_empty() => {
                self.modes.justify = Justify::of(n).unwrap_or(self.modes.justify);
            }
            Op::Justify(_) => {}
            Op::Mode(n) => self.modes.mode(n),
            Op::Size(n) => self.modes.size(n),
            Op::Inverse(on) => self.modes.style.inverse = on,
            Op::Font(n) => {
                self.modes.style.cell = if matches!(n, 1 | 49) {
                    Cell::B
                } else {
                    Cell::A
                };
            }
            Op::Bold(on) => self.modes.style.bold = on,
            Op::Underline(on) => self.modes.style.underline = on,
            Op::LineSpacing(Some(n)) => self.modes.spacing = self.options.rows_of_units(n),
            Op::LineSpacing(None) => self.modes.default_spacing(),
            Op::FeedLines(n) => {
                self.finish_line();
                self.feed_rows(usize::from(n) * self.modes.spacing);
            }
            Op::FeedDots(n) => {
                self.finish_line();
                self.feed_rows(self.options.rows_of_units(n));
            }
            Op::Row { bits, wide, tall } => self.row(&bits, bits.len() * 8, wide, tall),
            Op::Store(graphic) => self.stored = Some(graphic),
            Op::PrintStored => self.print_stored(),
            Op::Strip {
                bytes,
                wide,
                tall,
                data,
            } => self.line.add_strip(bytes, wide, tall, data),
            Op::Cut {
                feed,
                extra,
                partial,
            } => {
                self.finish_line();
                if feed {
                    self.feed_rows(self.options.blade + self.options.rows_of_units(extra));
                }
                self.work.push_back(Work::Cut { partial });
            }
            Op::Drawer { pin, on_2_ms } => {
                self.work.push_back(Work::Drawer {
                    pin,
                    on_ms: u64::from(on_2_ms) * 2,
                });
            }
            Op::AutoStatus(n) => {
                self.auto_status = n;
                if n != 0 {
                    self.told_status = self.automatic_status();
                    self.answer(self.told_status.to_vec(), now);
                }
            }
            Op::Buffered(n) => self.answer_buffered(n, now),
            Op::ProcessId(id) if self.options.process_id => {
                let behind_data = !matches!(self.work.back(), None | Some(Work::Mark(_)));
                if self.faults.early_ids && !behind_data {
                    self.answer_process_id(id, now);
                } else {
                    self.work.push_back(Work::Mark(id));
                }
            }
            Op::ProcessId(_) => {}
            Op::Permit(pairs) => {
                for (what, allowed) in pairs {
                    match what {
                        1 => self.pulse_allowed = allowed,
                        2 => self.power_off_allowed = allowed,
                        _ => {}
                    }
                }
            }
            Op::Density(_) => {}
            Op::Identity(n) => self.answer_identity(n, now),
            Op::MultiByte(on) => (self.modes.multi_byte, self.modes.lead) = (on, None),
            Op::Skipped(what) => self.say(format!("not drawn: {what}")),
        }
    }

    fn code_page(&mut self, n: u8) {
        let listed = &self.options.code_pages;
        match CodePage::number(n).filter(|_| listed.is_empty() || listed.contains(&n)) {
            Some(page) => self.modes.page = page,
            None => self.say(format!("does not know code page {n}")),
        }
    }

    fn text(&mut self, byte: u8) {
        if let Some(lead) = self.modes.lead.take() {
            let _ = lead;
            self.character('\u{25a0}');
            self.character('\u{25a0}');
        } else if self.modes.multi_byte && byte >= 0x80 {
            self.modes.lead = Some(byte);
        } else {
            self.character(self.modes.page.show(byte));
        }
    }

    fn character(&mut self, ch: char) {
        let limit = self.options.columns() * 12;
        if !self.line.has_room(self.modes.style, limit) {
            self.end_line();
        }
        self.line.add(ch, self.modes.style, &mut self.glyphs);
    }

    fn finish_line(&mut self) {
        if !self.line.is_empty() {
            self.end_line();
        }
    }

    fn end_line(&mut self) {
        let (rows, text) = self.line.take(self.modes.justify, self.options.width);
        let rest = self.modes.spacing.saturating_sub(rows.len());
        let mut text = Some(text);
        for bits in rows {
            self.work.push_back(Work::Row {
                bits,
                text: text.take(),
            });
        }
        if let Some(text) = text {
            self.work.push_back(Work::Row {
                bits: Vec::new(),
                text: Some(text),
            });
            self.feed_rows(rest.saturating_sub(1));
        } else {
            self.feed_rows(rest);
        }
    }

    fn feed_rows(&mut self, rows: usize) {
        if rows > 0 {
            self.work.push_back(Work::Feed(rows));
        }
    }

    fn print_stored(&mut self) {
        let Some(graphic) = self.stored.take() else {
            return;
        };
        let bytes = usize::from(graphic.width).div_ceil(8);
        if bytes == 0 {
            return;
        }
        let rows = graphic.data.chunks(bytes).take(graphic.height.into());
        for bits in rows {
            self.row(bits, graphic.width.into(), graphic.wide, graphic.tall);
        }
    }

    fn row(&mut self, bits: &[u8], dots: usize, wide: u8, tall: u8) {
        self.finish_line();
        let wide = usize::from(wide);
        let width = self.options.width;
        let left = self.modes.justify.start(dots * wide, width);
        let bits = if left == 0 && wide == 1 {
            bits[..bits.len().min(width / 8)].to_vec()
        } else {
            let mut row = vec![0_u8; width / 8];
            let black = |x: usize| bits[x / 8] & (0x80 >> (x % 8)) != 0;
            for x in (0..dots * wide).filter(|x| left + x < width && black(x / wide)) {
                row[(left + x) / 8] |= 0x80 >> ((left + x) % 8);
            }
            row
        };
        for _ in 0..tall {
            self.work.push_back(Work::Row {
                bits: bits.clone(),
                text: None,
            });
        }
    }

    pub(super) fn open_drawer(&mut self, pin: u8, on_ms: u64) {
        self.drawer += 1;
        self.keep(Happened::Drawer { pin });
        self.say(format!("drawer {} opened ({on_ms} ms)", pin + 1));
    }

    pub(super) fn keep(&mut self, happened: Happened) {
        if self.happened.len() >= HAPPENED_MAX {
            self.happened.pop_front();
        }
        self.happened.push_back(happened);
    }

    /// The next answer for the line.
    pub(super) fn take_answer(&mut self) -> Option<Vec<u8>> {
        let bytes = self.out.pop_front();
        self.speaking = bytes.is_some();
        bytes
    }

    /// Everything somebody may wait for; different after a change.
    pub(super) fn mark(&self) -> impl PartialEq + use<> {
        let lengths = (
            self.out.len(),
            self.received.len(),
            self.work.len(),
            self.happened.len(),
        );
        (
            lengths,
            self.speaking,
            self.hang_ups,
            self.due(),
            self.is_offline(),
            self.faults.power_off,
        )
    }

    /// One line for people.
    pub(super) fn say(&mut self, line: String) {
        if self.story.len() < STORY_MAX {
            self.story.push(line);
        }
    }

    pub(super) fn take_story(&mut self) -> Vec<String> {
        std::mem::take(&mut self.story)
    }

    /// The time one row of paper takes.
    pub(super) fn row_time(&self) -> Duration {
        match self.faults.slow.unwrap_or(self.options.speed) {
            0 => Duration::ZERO,
            speed => Duration::from_secs_f64(25.4 / f64::from(self.options.dpi) / f64::from(speed)),
        }
    }
}
