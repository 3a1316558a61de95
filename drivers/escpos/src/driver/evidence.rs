//! What proves that it printed: a process id, a buffered answer, a clean status, or nothing.

use std::time::Duration;

use driver_sdk::{Fault, Grade, clock};
use tokio::time::Instant;

use super::Composed;
use super::errand::{Errand, RESERVE};
use crate::codec::command;
use crate::printer::PATIENCE;
use crate::trouble::Cause;

/// What is added to the time printing takes where an answer is due.
const GRACE: Duration = Duration::from_secs(10);
/// How long an answer is waited for that this printer has never given.
const GRACE_UNPROVEN: Duration = Duration::from_millis(250);
/// A printer that says nothing for this long is asked how it is.
const ASK_AFTER: Duration = Duration::from_secs(2);

/// What a wait for an answer ended with.
enum Waited {
    Answered,
    /// Time is up, and the printer says that it is well.
    Silent,
    /// Time is up, and the printer does not answer at all.
    Dead,
}

impl Errand<'_> {
    /// Waits for the best evidence this printer has.
    pub(super) async fn evidence(
        &mut self,
        composed: &Composed,
        listens: bool,
        print_time: Duration,
    ) -> Result<Grade, Fault> {
        if !listens {
            return Ok(Grade::Sent);
        }
        if self.bookmark.marks.is_some() {
            let proven = !composed.probe;
            let grace = if proven { GRACE } else { GRACE_UNPROVEN };
            match self.answer(print_time, grace, Self::all_confirmed).await? {
                Waited::Answered => return self.post_flight().await,
                // The test page finds out; only then may a printer not have them.
                Waited::Silent if composed.probe => {
                    self.printer.known.process_ids = Some(false);
                }
                Waited::Silent | Waited::Dead => return Err(unproved(Grade::Sent)),
            }
        }
        let may_answer = self.printer.known.buffered != Some(false) || composed.raw;
        if may_answer && self.buffered(composed, print_time).await? {
            return Ok(Grade::Accepted);
        }
        self.clean(composed, print_time).await
    }

    fn all_confirmed(&mut self) -> bool {
        self.note_marks();
        self.is_confirmed()
    }

    /// The last mark is back. A printer that says at the same time that it cannot print has
    /// answered too early, or its paper ended with the receipt: a person looks, and when it is
    /// well again what it still held is on paper, so the mark holds. Silence is no objection.
    async fn post_flight(&mut self) -> Result<Grade, Fault> {
        let asked = self.printer.ask(PATIENCE).await;
        match asked.ok().flatten().and_then(|status| status.trouble()) {
            None => Ok(Grade::Done),
            Some(condition) => {
                self.wait(Cause::Says(condition)).await?;
                Ok(Grade::Done)
            }
        }
    }

    /// GS r is answered when everything before it was taken out of the buffer.
    async fn buffered(&mut self, composed: &Composed, time: Duration) -> Result<bool, Fault> {
        let proven = self.printer.known.buffered == Some(true) && !composed.raw;
        let grace = if proven { GRACE } else { GRACE_UNPROVEN };
        self.question().await?;
        loop {
            let answered = |errand: &mut Self| errand.printer.is_buffered_answered();
            match self.answer(time, grace, answered).await? {
                Waited::Answered => {}
                Waited::Silent if !proven => {
                    if !composed.raw {
                        self.printer.known.buffered = Some(false);
                    }
                    return Ok(false);
                }
                Waited::Silent | Waited::Dead => return Err(unproved(Grade::Sent)),
            }
            self.printer.known.buffered = Some(true);
            let asked = self.printer.ask(PATIENCE).await;
            asked.map_err(|fault| self.lost(fault))?;
            match self.printer.trouble() {
                None => return Ok(true),
                Some(condition) => {
                    // It took everything and stopped: what it holds is not on paper yet.
                    self.wait(Cause::Says(condition)).await?;
                    self.question().await?;
                }
            }
        }
    }

    async fn question(&mut self) -> Result<(), Fault> {
        self.printer.forget_buffered();
        let pushed = self
            .printer
            .push(self.leave, &command::BUFFERED_STATUS)
            .await;
        match pushed {
            Ok(true) => Ok(()),
            Ok(false) => self.wait(Cause::Stalled).await,
            Err(fault) => Err(self.lost(fault)),
        }
    }

    /// No answer of either kind: a printer that is well after the time printing takes.
    async fn clean(&mut self, composed: &Composed, time: Duration) -> Result<Grade, Fault> {
        let time = if composed.raw { Duration::ZERO } else { time };
        match self.answer(time, Duration::ZERO, |_| false).await? {
            Waited::Answered | Waited::Silent => Ok(Grade::Sent),
            Waited::Dead => Err(unproved(Grade::Sent)),
        }
    }

    /// Waits until `is` holds, over stops for a person, at most as long as printing takes and
    /// `grace` more.
    async fn answer(
        &mut self,
        time: Duration,
        grace: Duration,
        mut is: impl FnMut(&mut Self) -> bool,
    ) -> Result<Waited, Fault> {
        let mut until = self.due(time, grace);
        let mut heard_at = clock::now();
        let mut confirmed = self.confirmed;
        loop {
            if is(self) {
                return Ok(Waited::Answered);
            }
            if self.confirmed > confirmed {
                // It prints, however slowly: what is left has all its time again.
                confirmed = self.confirmed;
                self.begun = clock::now();
                self.run.progress(self.percent());
                until = self.due(time, grace);
            }
            if self.printer.is_gone() {
                return Err(self.lost(Cause::Stalled.fault()));
            }
            if let Some(condition) = self.printer.trouble() {
                self.wait(Cause::Says(condition)).await?;
                until = self.due(time, grace);
                continue;
            }
            let over = clock::now() >= until;
            if over || clock::now() >= heard_at + ASK_AFTER {
                let asked = self.printer.ask(PATIENCE).await;
                let status = asked.map_err(|fault| self.lost(fault))?;
                heard_at = clock::now();
                if is(self) {
                    return Ok(Waited::Answered);
                }
                match status {
                    Some(status) if status.trouble().is_some() => continue,
                    Some(_) if over => return Ok(Waited::Silent),
                    None if over => return Ok(Waited::Dead),
                    Some(_) | None => {}
                }
            }
            let next = until.min(heard_at + ASK_AFTER);
            let listened = self.printer.listen_until(next).await;
            if listened.map_err(|fault| self.lost(fault))? {
                heard_at = clock::now();
            }
        }
    }

    /// When an answer is due: not before the paper can have moved, not so late that the attempt
    /// would count as hung.
    fn due(&self, time: Duration, grace: Duration) -> Instant {
        let due = (self.begun + time).max(clock::now()) + grace;
        due.min((self.run.deadline() - RESERVE).max(clock::now()))
    }
}

pub(super) fn unproved(grade: Grade) -> Fault {
    Fault::in_doubt("ESCPOS-UNPROVED").with("grade", grade)
}
