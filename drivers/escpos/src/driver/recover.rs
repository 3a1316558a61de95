//! An attempt whose end nobody saw: ask what can be asked, clear the rest, never guess.

use std::time::Duration;

use driver_sdk::{Attempt, Fault, Grade, Proof, Run, Say, Verdict, clock};

use super::errand::RESERVE;
use super::{Bookmark, ReceiptPrinter, proof};
use crate::printer::PATIENCE;
use crate::settings::Status;
use crate::trouble::Cause;

/// What is added to the time printing takes before an answer counts as missing.
const GRACE: Duration = Duration::from_secs(3);
/// How long a printer may take to print what it has taken out of its receive buffer: a few lines.
/// At 50 mm/s this is 50 mm of paper.
const AHEAD: Duration = Duration::from_secs(1);
/// What is added to it.
const MARGIN: Duration = Duration::from_millis(250);
/// How often the printer is asked how it is meanwhile.
const ASK_EVERY: Duration = Duration::from_secs(1);

impl ReceiptPrinter {
    /// Only a process id of this very attempt proves anything; everything else is for a person to
    /// look at. What the printer still holds is thrown away, so that it cannot print later.
    pub(super) async fn recover(&mut self, attempt: &Attempt, run: &Run) -> Result<Verdict, Fault> {
        let address = self.printer.address().to_owned();
        // What is told if it never answers: a fault of the line would say that nothing was sent.
        let unasked = |why| {
            let fault = Fault::transient("ESCPOS-UNASKED").with("address", address);
            fault.caused_by(why)
        };
        self.judge(attempt, run).await.map_err(unasked)
    }

    async fn judge(&mut self, attempt: &Attempt, run: &Run) -> Result<Verdict, Fault> {
        let bookmark: Bookmark = attempt.bookmark()?;
        self.recall(run);
        self.printer.open().await?;
        let mut confirmed = self.confirmed(&bookmark, 0);
        if confirmed >= bookmark.last && bookmark.marks.is_some() {
            return Ok(happened(&bookmark));
        }
        if self.config.status == Status::None {
            return Ok(look_at_the_paper("ESCPOS-CHECK"));
        }
        let answers = self.printer.ask(PATIENCE).await?.is_some();
        if !answers {
            if self.printer.known.answers == Some(true) {
                let address = self.printer.address();
                return Err(Fault::transient("ESCPOS-SILENT").with("address", address));
            }
            self.printer.may_owe(bookmark.longest);
            self.printer.complete_picture().await?;
            return Ok(look_at_the_paper("ESCPOS-CHECK"));
        }
        let mut drained = false;
        if bookmark.marks.is_some() {
            (confirmed, drained) = self.await_marks(&bookmark, confirmed, run).await?;
            if confirmed >= bookmark.last {
                return Ok(happened(&bookmark));
            }
        }
        let leave = run.committed().expect("a reconcile is committed");
        run.progress(99);
        // What it has taken it is printing or has printed: to clear it would spoil a receipt that
        // is still coming out. A printer that stopped may hold some of it.
        let cleared =
            drained && self.printer.trouble().is_none() || self.printer.purge(leave).await?;
        confirmed = self.confirmed(&bookmark, confirmed);
        if confirmed >= bookmark.last && bookmark.marks.is_some() {
            return Ok(happened(&bookmark));
        }
        if !cleared {
            // At the next job's start, when it takes bytes again.
            self.printer.may_owe(bookmark.longest);
        }
        if cleared && confirmed > 0 {
            let say = Say::new("ESCPOS-PART")
                .with("part", (confirmed * bookmark.every).min(bookmark.parts))
                .with("parts", bookmark.parts);
            return Ok(Verdict::Partly(Proof::new(Grade::Done, say)));
        }
        Ok(look_at_the_paper(
            if cleared || self.printer.trouble().is_none() {
                "ESCPOS-CHECK"
            } else {
                "ESCPOS-CHECK-HELD"
            },
        ))
    }

    fn confirmed(&mut self, bookmark: &Bookmark, so_far: u32) -> u32 {
        let Some(marks) = bookmark.marks else {
            return so_far;
        };
        let heard = self.printer.take_marks(marks).unwrap_or(0);
        so_far.max(heard.min(bookmark.last))
    }

    /// The printer may be printing still, or wait for paper and print on: both end in a mark. A
    /// fence behind the job shortens the wait: once it is back the last mark is due too, unless
    /// it went into the lost connection or was never sent. A job that broke off within a command
    /// swallows the fence; then the time printing takes is waited for.
    ///
    /// Returns the highest count heard, and whether the fence came back.
    async fn await_marks(
        &mut self,
        bookmark: &Bookmark,
        mut confirmed: u32,
        run: &Run,
    ) -> Result<(u32, bool), Fault> {
        let leave = run.committed().expect("a reconcile is committed");
        let whole = Duration::from_millis(bookmark.print_ms);
        let rest = |drained| match drained {
            true => whole.min(AHEAD) + MARGIN,
            false => whole + GRACE,
        };
        let mut fenced = !self.has_process_ids();
        let mut drained = false;
        let mut until = clock::now() + rest(drained);
        let mut told: Option<Cause> = None;
        while confirmed < bookmark.last {
            let latest = (run.deadline() - RESERVE).max(clock::now());
            if clock::now() >= until.min(latest) || run.is_stopping() {
                break;
            }
            if !fenced && self.printer.trouble().is_none() {
                fenced = true;
                self.printer.send_fence(leave).await?;
            }
            let next = until.min(latest).min(clock::now() + ASK_EVERY);
            if !self.printer.listen_until(next).await? {
                self.printer.ask(PATIENCE).await?;
            }
            let before = confirmed;
            confirmed = self.confirmed(bookmark, confirmed);
            if confirmed > before {
                run.progress(99);
                until = clock::now() + rest(drained);
            }
            if fenced && !drained && self.printer.is_drained() {
                drained = true;
                until = until.min(clock::now() + rest(drained));
            }
            let cause = self.printer.trouble().map(Cause::Says);
            if cause != told {
                match cause {
                    Some(cause) => {
                        if told.is_none() {
                            until = clock::now() + run.operator_wait();
                        }
                        let waits = Fault::operator("ESCPOS-ASKED").with("why", cause.words());
                        run.waiting(waits);
                    }
                    None => {
                        run.progress(99);
                        until = clock::now() + rest(drained);
                    }
                }
                told = cause;
            }
        }
        Ok((confirmed, drained))
    }
}

fn happened(bookmark: &Bookmark) -> Verdict {
    Verdict::Happened(proof(Grade::Done, bookmark.copies, false))
}

fn look_at_the_paper(code: &str) -> Verdict {
    Verdict::CannotTell {
        check: Say::new(code),
    }
}
