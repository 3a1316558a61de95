//! The verdict after a break: what is open, what was issued, whose it is. May cancel or finish
//! our own open document, and touches no other.

use std::time::Duration;

use driver_fiscal::audit::{self, Row};
use driver_fiscal::money;
use driver_fiscal::pending::pending;
use driver_fiscal::verdict::{Judgement, Why};
use driver_sdk::{Committed, Fault, Run, Say, Verdict};
use tokio::time::sleep;

use super::issue::{judged, row};
use super::{Bookmark, DatecsDriver, Mark, Stage};
use crate::reading::{Open, Printed, Reading, Receipt};
use crate::sale;

/// Two readings this far apart must agree before "nothing was issued" is a verdict.
const PAUSE: Duration = Duration::from_secs(3);

impl DatecsDriver {
    pub(super) async fn judge(&mut self, mut mark: Mark, run: &Run) -> Result<Verdict, Fault> {
        let leave = run
            .committed()
            .ok_or_else(|| Fault::in_doubt("DATECS-NO-NUMBER"))?;
        if let Some(seq) = run.shelf::<u8>("seq") {
            self.talk.resume(seq);
        }
        if let Some(fault) = self.talk.status().await?.blocker() {
            let shown = pending(fault.clone(), &mark.bill, mark.total, &mark.currency);
            run.waiting(shown);
            return Err(fault);
        }
        let identity = self.talk.identity().await?;
        if identity.memory != mark.baseline.last.serial {
            let check = Say::new("FISCAL-SERIAL")
                .with("device", &identity.memory)
                .with("expected", &mark.baseline.last.serial);
            return Ok(Verdict::CannotTell { check });
        }
        let state = self.talk.receipt().await?;
        if state.open != Open::No {
            self.end_our_document(leave, &mut mark, &state, run).await?;
        }
        let now = self.talk.reading(&identity.memory).await?;
        if now.receipt.open != Open::No {
            return Err(Fault::operator("FISCAL-OPEN-ELSEWHERE"));
        }
        match judged(&mark, &now) {
            Judgement::Unchanged => self.nothing_twice(&mark, &now, run).await,
            Judgement::OneStep { by_key } if by_key || self.settings.only_till => {
                // Where the document's time is not told, the clock is that of the question now.
                let printed = now.last.at.map(|at| Printed {
                    at,
                    summer: now.summer,
                });
                let number = now.last.number;
                let how = "last document";
                let proof = self.record(&mark, number, printed, &now, how, run);
                Ok(Verdict::Happened(proof))
            }
            Judgement::OneStep { .. } => {
                Ok(cannot_tell(&mark, &now, "its UNP cannot be read", run))
            }
            Judgement::Unclear(why) => self.look_up(&mark, &now, why, run).await,
        }
    }

    /// Ours and unpaid: cancelled. Ours and paid in part or whole: finished as planned, because
    /// the printer can do nothing else. Not ours: untouched, asked again later.
    async fn end_our_document(
        &mut self,
        leave: Committed<'_>,
        mark: &mut Mark,
        state: &Receipt,
        run: &Run,
    ) -> Result<(), Fault> {
        if !self.is_ours(mark, state).await? {
            return Err(Fault::operator("FISCAL-OPEN-ELSEWHERE"));
        }
        if state.paid == 0 {
            self.talk.act(leave, &sale::cancel()).await?;
            return Ok(());
        }
        if state.amount != mark.total || state.paid > mark.total || mark.stage == Stage::Open {
            return Err(Fault::operator("FISCAL-OPEN-ELSEWHERE"));
        }
        run.checkpoint(&Bookmark::Document(Box::new(mark.clone())))
            .await?;
        self.pay_and_close(leave, mark, state.paid, run).await
    }

    /// True if the open receipt is the one of this attempt.
    pub(super) async fn is_ours(&mut self, mark: &Mark, state: &Receipt) -> Result<bool, Fault> {
        let kind = if mark.refund {
            Open::Storno
        } else {
            Open::Sale
        };
        if state.open != kind {
            return Ok(false);
        }
        if self.talk.is_x() {
            if let Some(slip) = mark.slip {
                return Ok(state.number == Some(slip));
            }
            let next = mark
                .baseline
                .receipt
                .number
                .map(|last| last.wrapping_add(1));
            let ours = self.talk.unp().await?.as_deref() == Some(mark.unp.as_str());
            return Ok(state.number == next && state.items == 0 && ours);
        }
        let running = self.talk.running().await?;
        Ok(running == Some(format!("{:07}", mark.running)))
    }

    async fn nothing_twice(
        &mut self,
        mark: &Mark,
        first: &Reading,
        run: &Run,
    ) -> Result<Verdict, Fault> {
        sleep(PAUSE).await;
        let second = self.talk.reading(&mark.baseline.last.serial).await?;
        if second.last != first.last || second.receipt.open != Open::No {
            return Err(Fault::transient("DATECS-UNSTEADY"));
        }
        run.put("seq", &self.talk.seq());
        run.audit(
            audit::NOT_ISSUED,
            &Row {
                how: Some("last document unchanged"),
                reading: Some(second.last.to_string()),
                ..row(mark)
            },
        );
        Ok(Verdict::DidNotHappen)
    }

    /// Numbers that moved by more than one, or another sale's document on top: the electronic
    /// journal knows ours by its UNP.
    async fn look_up(
        &mut self,
        mark: &Mark,
        now: &Reading,
        why: Why,
        run: &Run,
    ) -> Result<Verdict, Fault> {
        let worth_it = matches!(why, Why::OtherStep | Why::OtherKey | Why::OtherTotal);
        let moved = now.last.number > mark.baseline.last.number;
        if worth_it && moved {
            let from = mark.sent_at.saturating_sub(jiff::Span::new().hours(2));
            let to = self
                .talk
                .time()
                .await?
                .saturating_add(jiff::Span::new().hours(1));
            if let Some(found) = self
                .talk
                .find(&mark.unp, mark.baseline.last.number, from, to)
                .await?
                && found.total == mark.total
            {
                let printed = match now.last.at {
                    Some(at) if found.number == now.last.number => Some(Printed {
                        at,
                        summer: now.summer,
                    }),
                    Some(_) | None => self.talk.printed(found.number).await,
                };
                let how = "electronic journal";
                let proof = self.record(mark, found.number, printed, now, how, run);
                return Ok(Verdict::Happened(proof));
            }
        }
        Ok(cannot_tell(mark, now, why.as_str(), run))
    }
}

fn cannot_tell(mark: &Mark, now: &Reading, why: &'static str, run: &Run) -> Verdict {
    run.audit(
        audit::DOUBT,
        &Row {
            baseline: Some(mark.baseline.last.to_string()),
            reading: Some(now.last.to_string()),
            how: Some(why),
            ..row(mark)
        },
    );
    let check = Say::new("FISCAL-DOUBT")
        .with(
            "total",
            format!("{} {}", money::show(mark.total), mark.currency),
        )
        .with("before", &mark.baseline.last)
        .with("now", &now.last)
        .with("why", why);
    Verdict::CannotTell { check }
}
