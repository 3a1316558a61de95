//! After a break: what the printer's memory proves of a document that was sent.

use std::time::Duration;

use driver_fiscal::verdict::{Judgement, LastDocument, Why};
use driver_sdk::{Committed, Fault, Run, Verdict};
use jiff::civil::Date;
use tokio::time::sleep;

use super::ask::Effect;
use super::record::{cannot_tell, issued, judged, not_issued};
use super::{EpsonDriver, Mark};
use crate::ready;
use crate::status::{self, PrinterStatus};

/// The printer's web server may still hold a document it has not answered: "nothing was issued" is
/// no verdict before the board has had this long (the link's `timeout` is 30 s), counted from the
/// sending, or from the first question of a process that did not send it: when the one before it
/// died is not known here, and what it sent did not die with it.
const QUIET: Duration = Duration::from_secs(30);
/// Two readings this far apart must agree before "nothing was issued" is a verdict.
pub(super) const PAUSE: Duration = Duration::from_secs(3);

impl EpsonDriver {
    pub(super) async fn judge(&mut self, mark: &Mark, run: &Run) -> Result<Verdict, Fault> {
        let leave = run
            .committed()
            .ok_or_else(|| Fault::in_doubt("EPSON-NO-NUMBER"))?;
        self.asks();
        let printer = status::printer(&self.status().await?)?;
        if printer.open() {
            return Err(self.open_document(printer, leave, run).await?);
        }
        let now = self.last().await?;
        match judged(mark, &now) {
            Judgement::Unchanged => {
                if !self.is_quiet() {
                    return Err(Fault::transient("EPSON-UNSTEADY"));
                }
                self.unchanged(&now).await?;
                not_issued(mark, "last document unchanged", None, Some(&now), run);
                Ok(Verdict::DidNotHappen)
            }
            Judgement::OneStep { .. } => Ok(self.evidence(mark, now, None, run).await),
            // A clock that went back contradicts nothing the journal says.
            Judgement::Unclear(why @ Why::TooOld) => {
                Ok(self.evidence(mark, now, Some(why), run).await)
            }
            Judgement::Unclear(why) => Ok(cannot_tell(mark, &now, why.as_str(), run)),
        }
    }

    /// A question about what was sent and not answered begins the wait, where nothing has.
    pub(super) fn asks(&mut self) {
        self.unanswered.get_or_insert_with(driver_sdk::clock::now);
    }

    /// The board has had its time: what it has not printed by now it does not hold.
    pub(super) fn is_quiet(&self) -> bool {
        self.unanswered
            .is_some_and(|since| driver_sdk::clock::now() - since >= QUIET)
    }

    /// A document is open: nothing can be decided before it is finished or voided. Ours to void
    /// only where no other till uses the printer; never while it is out of paper, because then it
    /// may still be finished.
    async fn open_document(
        &self,
        printer: PrinterStatus,
        leave: Committed<'_>,
        run: &Run,
    ) -> Result<Fault, Fault> {
        let code = if printer.off_line() {
            "EPSON-PAPER-OPEN"
        } else if printer.fiscal_open() && self.settings.only_till {
            self.requests
                .effect(leave, Effect::reset(self.settings.operator))
                .await?;
            return Ok(Fault::transient("EPSON-UNSTEADY"));
        } else {
            "EPSON-DOCUMENT-OPEN"
        };
        let fault = Fault::operator(code);
        run.waiting(fault.clone());
        Ok(fault)
    }

    /// Two readings 3 s apart agree, and the printer is idle.
    async fn unchanged(&self, now: &LastDocument) -> Result<(), Fault> {
        sleep(PAUSE).await;
        let again = self.last().await?;
        if again != *now || status::printer(&self.status().await?)?.open() {
            return Err(Fault::transient("EPSON-UNSTEADY"));
        }
        Ok(())
    }

    /// One new document with our total: ours if the journal shows our bill's number in it, or if
    /// nobody else can have made it. `against` is what speaks against the latter.
    async fn evidence(
        &self,
        mark: &Mark,
        now: LastDocument,
        against: Option<Why>,
        run: &Run,
    ) -> Verdict {
        let named = match now.at {
            Some(at) => self.journal_names(mark, now.number, at.date()).await,
            None => None,
        };
        match (named, against) {
            (Some(true), _) => {
                Verdict::Happened(issued(mark, &now, "electronic journal", None, run))
            }
            (Some(false), _) => cannot_tell(mark, &now, "its text has another bill", run),
            (None, Some(why)) => cannot_tell(mark, &now, why.as_str(), run),
            (None, None) if self.settings.only_till => {
                Verdict::Happened(issued(mark, &now, "last document, only till", None, run))
            }
            (None, None) => cannot_tell(mark, &now, "its text cannot be read", run),
        }
    }

    /// True if the journal's text of the new document carries our bill's number; `None` if it
    /// cannot be read or proves nothing.
    pub(super) async fn journal_names(&self, mark: &Mark, number: u32, day: Date) -> Option<bool> {
        let wanted = mark.on_paper.as_deref()?;
        let text = self.journal(number, day).await.ok()?;
        (!text.is_empty()).then(|| ready::names(&text, wanted))
    }
}
