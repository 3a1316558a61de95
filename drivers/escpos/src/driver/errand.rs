//! One committed attempt: bytes go out part by part, and the printer is watched meanwhile.

use std::time::Duration;

use driver_sdk::{Committed, Fault, FaultKind, Grade, Proof, Run, Say, clock};
use tokio::time::{Instant, sleep};

use super::evidence::unproved;
use super::{Bookmark, Composed};
use crate::codec::command;
use crate::printer::{Met, PATIENCE, Printer};
use crate::settings::Config;
use crate::trouble::Cause;

/// How often a printer that waits for a person is asked.
const ASK_EVERY: Duration = Duration::from_secs(1);
/// How often the recovery from a stuck cutter is tried.
const RECOVER_EVERY: Duration = Duration::from_secs(5);
/// What is kept of a step's time for clearing the printer's buffers.
pub(super) const RESERVE: Duration = Duration::from_secs(10);

pub(super) struct Errand<'a> {
    pub(super) printer: &'a mut Printer,
    pub(super) config: &'a Config,
    pub(super) run: &'a Run,
    pub(super) leave: Committed<'a>,
    pub(super) bookmark: &'a Bookmark,
    /// When the first byte of what is not yet printed was sent.
    pub(super) begun: Instant,
    /// Parts sent whole.
    pub(super) sent: u32,
    /// The highest count of a mark that came back.
    pub(super) confirmed: u32,
    /// Something that is on paper, or may be, was sent.
    on_paper: bool,
    stalled_since: Option<Instant>,
}

impl<'a> Errand<'a> {
    pub(super) fn new(
        printer: &'a mut Printer,
        config: &'a Config,
        run: &'a Run,
        leave: Committed<'a>,
        bookmark: &'a Bookmark,
    ) -> Self {
        Self {
            printer,
            config,
            run,
            leave,
            bookmark,
            begun: clock::now(),
            sent: 0,
            confirmed: 0,
            on_paper: false,
            stalled_since: None,
        }
    }

    /// Sends every part of every copy, each followed by its mark.
    pub(super) async fn send(&mut self, composed: &Composed, copies: u32) -> Result<(), Fault> {
        let mut bytes = composed.start.clone();
        let mut harmless = composed.harmless;
        for _ in 0..copies {
            for part in &composed.copy {
                if self.sent > 0 {
                    self.border().await?;
                }
                bytes.extend_from_slice(&part.bytes);
                let number = self.sent + 1;
                let last = number == self.bookmark.parts;
                if last {
                    bytes.extend_from_slice(&composed.end);
                }
                if let Some(marks) = self.bookmark.marks
                    && (last || number.is_multiple_of(self.bookmark.every))
                {
                    let count = number.div_ceil(self.bookmark.every);
                    bytes.extend(command::process_id(marks.id(count)));
                }
                self.stream(&bytes, harmless).await?;
                bytes.clear();
                harmless = 0;
                self.sent = number;
                self.run.progress(self.percent());
            }
        }
        Ok(())
    }

    pub(super) fn percent(&self) -> u8 {
        let whole = u64::from(self.bookmark.parts.max(1));
        // The last hundredth is the evidence.
        u8::try_from(u64::from(self.sent) * 99 / whole).unwrap_or(99)
    }

    /// Between two parts: the safe point for a stop, a cancel, and a pause.
    async fn border(&mut self) -> Result<(), Fault> {
        if !self.config.band_pause.is_zero() {
            sleep(self.config.band_pause).await;
        }
        if self.run.is_cancelled() {
            let cleared = self.printer.purge(self.leave).await;
            return Err(self.ended("the command was cancelled", cleared.unwrap_or(false)));
        }
        if self.run.is_stopping() {
            let cut = command::cut(self.config.cut);
            // The paper is what it is; that the cut is taken changes nothing in what is told.
            let _ = self.printer.push(self.leave, &cut).await;
            return Err(self.ended("the worker was stopped", true));
        }
        Ok(())
    }

    fn ended(&self, why: &str, known: bool) -> Fault {
        let say = Say::new("ESCPOS-ENDED")
            .with("why", why)
            .with("part", self.sent)
            .with("parts", self.bookmark.parts);
        let fault = Fault::from_parts(FaultKind::Permanent, say.clone());
        if known {
            fault.with_effect(Proof::new(self.grade_of_a_part(), say))
        } else {
            fault
        }
    }

    /// How well it is proved that something of it is on paper.
    fn grade_of_a_part(&self) -> Grade {
        if self.confirmed > 0 {
            Grade::Done
        } else {
            Grade::Sent
        }
    }

    /// Where the paper stopped, as far as it is known: the printer's marks tell it, and without
    /// them only what was sent, which may be far ahead of the paper.
    fn stopped_at(&self) -> String {
        let parts = self.bookmark.parts;
        if self.bookmark.marks.is_some() {
            let confirmed = self.confirmed.saturating_mul(self.bookmark.every);
            format!("in part {} of {parts}", (confirmed + 1).min(parts))
        } else {
            format!("by part {} of {parts}", (self.sent + 1).min(parts))
        }
    }

    /// Sends bytes to their end, however often the printer stops on the way. The first `harmless`
    /// ones put nothing on paper.
    async fn stream(&mut self, bytes: &[u8], harmless: usize) -> Result<(), Fault> {
        let mut at = 0;
        loop {
            let before = at;
            let (taken, met) = self.printer.send(self.leave, bytes, at).await;
            at = taken;
            self.on_paper |= at > harmless;
            self.note_marks();
            let met = match met {
                Ok(met) => met,
                Err(fault) if !self.on_paper => return Err(fault.without_effect()),
                Err(fault) => return Err(self.lost(fault)),
            };
            if at > before {
                self.stalled_since = None;
            }
            if self.printer.is_gone() {
                return Err(self.lost(Cause::Stalled.fault()));
            }
            let cause = match met {
                Met::Taken => return Ok(()),
                Met::Trouble(condition) => Cause::Says(condition),
                Met::Stalled => Cause::Stalled,
            };
            if !self.on_paper {
                return Err(cause.fault().without_effect());
            }
            self.wait(cause).await?;
        }
    }

    /// The link broke in the middle: the paper must be looked at, or the printer asked.
    pub(super) fn lost(&self, fault: Fault) -> Fault {
        Fault::in_doubt("ESCPOS-LOST")
            .with("address", self.printer.address())
            .caused_by(fault)
    }

    pub(super) fn note_marks(&mut self) {
        let Some(marks) = self.bookmark.marks else {
            return;
        };
        if let Some(count) = self.printer.take_marks(marks) {
            self.confirmed = self.confirmed.max(count.min(self.bookmark.last));
            self.printer.known.process_ids = Some(true);
        }
    }

    /// What is shown while a person is needed in the middle of a job. It never says that nothing
    /// was printed, and never to send it again: it goes on by itself.
    fn waits(&self, cause: Cause) -> Fault {
        Fault::operator("ESCPOS-WAITS")
            .with("where", self.stopped_at())
            .with("why", cause.words())
    }

    /// Waits for a person, up to `operator_wait`; then clears the printer and tells what exists.
    pub(super) async fn wait(&mut self, first: Cause) -> Result<(), Fault> {
        let since = match first {
            Cause::Stalled => *self.stalled_since.get_or_insert_with(clock::now),
            Cause::Says(_) => clock::now(),
        };
        let until = since + self.run.operator_wait();
        let mut cause = first;
        let mut recover_at = clock::now();
        self.run.waiting(self.waits(cause));
        loop {
            if clock::now() >= until || self.run.is_stopping() || self.run.is_cancelled() {
                return Err(self.give_up(cause).await);
            }
            let next = until.min(clock::now() + ASK_EVERY);
            let listened = self.printer.listen_until(next).await;
            listened.map_err(|fault| self.lost(fault))?;
            self.note_marks();
            if first == Cause::Stalled {
                // It says nothing: the only way to learn more is to try.
                return Ok(());
            }
            if self.printer.trouble().is_some() && clock::now() >= next {
                let asked = self.printer.ask(PATIENCE).await;
                asked.map_err(|fault| self.lost(fault))?;
            }
            match self.printer.trouble() {
                None => {
                    self.begun = clock::now();
                    self.run.progress(self.percent());
                    return Ok(());
                }
                Some(condition) if Cause::Says(condition) != cause => {
                    cause = Cause::Says(condition);
                    self.run.waiting(self.waits(cause));
                }
                Some(_) => {}
            }
            let recoverable = self.printer.status.is_some_and(|s| s.is_recoverable());
            if recoverable && clock::now() >= recover_at {
                recover_at = clock::now() + RECOVER_EVERY;
                let pushed = self.printer.push(self.leave, &command::RECOVER).await;
                pushed.map_err(|fault| self.lost(fault))?;
            }
        }
    }

    /// Nobody came. The printer must not print the rest when the paper is changed tomorrow.
    async fn give_up(&mut self, cause: Cause) -> Fault {
        // The clearing is a step of its own.
        self.run.progress(self.percent());
        let cleared = self.printer.purge(self.leave).await;
        self.note_marks();
        let told = |code: &str| {
            let say = Say::new(code).with("where", self.stopped_at());
            say.with("why", cause.words())
        };
        let held = || Fault::from_parts(FaultKind::InDoubt, told("ESCPOS-HELD"));
        match cleared {
            // Marks say that all of it is on paper, and the printer says that it stopped: one of
            // the two is not so.
            Ok(true) if self.is_confirmed() => unproved(Grade::Sent),
            Ok(true) => {
                let say = told("ESCPOS-STOPPED");
                let proof = Proof::new(self.grade_of_a_part(), say.clone());
                Fault::from_parts(FaultKind::Partly, say).with_effect(proof)
            }
            Ok(false) => held(),
            Err(fault) => held().caused_by(fault),
        }
    }

    /// The mark behind the last part came back.
    pub(super) fn is_confirmed(&self) -> bool {
        self.bookmark.marks.is_some() && self.confirmed >= self.bookmark.last
    }
}
