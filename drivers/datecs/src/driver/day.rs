//! The day end, `nightporter test`, and what is watched while nothing runs.

use std::time::Duration;

use driver_fiscal::audit::{self, Row};
use driver_fiscal::{class::ErrorClass, day};
use driver_sdk::{Fault, Grade, Health, Proof, Run, Say, Verdict, Watch};
use tokio::time::sleep;

use super::issue::drift_s;
use super::{Bookmark, DatecsDriver, Plan};
use crate::reading::Open;
use crate::sale::Command;
use crate::{text, x};

/// Between two looks at a printer that has nothing to do.
const LOOK_EVERY: Duration = Duration::from_secs(30);
/// Fewer day ends left than this are an alarm: a memory is exchanged by a technician, in weeks.
const Z_LEFT_LOW: u32 = 60;

impl DatecsDriver {
    /// Reads what the printer can tell. Changes nothing, prints nothing.
    pub(super) async fn test(&mut self, plan: &Plan, run: &Run) -> Result<Proof, Fault> {
        let status = self.talk.status().await?;
        let identity = self.talk.identity().await?;
        let reading = self.talk.reading(&identity.memory).await?;
        let drift = drift_s(self.talk.time().await?, plan.local());
        let rates = self.talk.rates().await?;
        let rates: Vec<_> = rates
            .iter()
            .zip('A'..='H')
            .filter_map(|(rate, name)| rate.map(|rate| format!("{name} {}", rate.normalize())))
            .collect();
        let left = self.talk.z_left().await;
        let state = status
            .blocker()
            .or(status.warning())
            .map_or_else(|| "ready".to_owned(), |fault| fault.code().to_owned());
        let last = match reading.last.at {
            Some(at) => format!("{} at {at}", reading.last),
            None => format!("{} (its time cannot be read)", reading.last),
        };
        let tax = identity.tax_number.as_deref().unwrap_or("cannot be read");
        let z = reading
            .z
            .map_or_else(|| "cannot be read".to_owned(), |z| z.to_string());
        let left = left.map_or_else(|_| "cannot be read".to_owned(), |left| left.to_string());
        let result = format!(
            "{}, serial {}, fiscal memory {}, tax number {tax}, {state}, clock {drift} s off, \
             VAT {}, last document {last}, last Z {z}, room for day ends {left}",
            identity.model,
            identity.serial,
            identity.memory,
            rates.join(" "),
        );
        run.commit(&Bookmark::Test).await?;
        Ok(Proof::new(
            Grade::Done,
            Say::new("FISCAL-TEST").with("result", result),
        ))
    }

    /// Prints a Z: once, proved by its number.
    pub(super) async fn close_day(&mut self, run: &Run) -> Result<Proof, Fault> {
        if let Some(fault) = self.talk.status().await?.blocker() {
            return Err(fault);
        }
        let identity = self.talk.identity().await?;
        let reading = self.talk.reading(&identity.memory).await?;
        if reading.receipt.open != Open::No {
            return Err(Fault::operator("FISCAL-OPEN-ELSEWHERE"));
        }
        let before = reading.z.ok_or_else(|| Fault::permanent("DATECS-NO-Z"))?;
        run.put("seq", &self.talk.seq());
        let memory = identity.memory.clone();
        let leave = run.commit(&Bookmark::Z { before, memory }).await?;
        let answer = self
            .talk
            .act(leave, &Command::new(69, text::fields(&["Z"])))
            .await?;
        x::fields(&answer).map_err(|fault| match crate::codes::meaning(code(&fault)).0 {
            ErrorClass::Doubt => fault,
            ErrorClass::Wait | ErrorClass::Operator | ErrorClass::Stop | ErrorClass::Service => {
                fault.without_effect()
            }
        })?;
        match self.judge_day(before, &identity.memory, run).await? {
            Verdict::Happened(proof) => Ok(proof),
            Verdict::Partly(_) | Verdict::DidNotHappen | Verdict::CannotTell { .. } => {
                Err(Fault::in_doubt("DATECS-NO-NUMBER"))
            }
        }
    }

    pub(super) async fn judge_day(
        &mut self,
        before: u32,
        memory: &str,
        run: &Run,
    ) -> Result<Verdict, Fault> {
        let now = self.talk.reading(memory).await?.z;
        let identity = self.talk.identity().await?;
        if identity.memory != memory {
            let check = Say::new("FISCAL-SERIAL")
                .with("device", identity.memory)
                .with("expected", memory);
            return Ok(Verdict::CannotTell { check });
        }
        match now {
            Some(now) if now == before => {
                sleep(Duration::from_secs(3)).await;
                let again = self.talk.reading(memory).await?.z;
                if again == Some(before) {
                    Ok(Verdict::DidNotHappen)
                } else {
                    Err(Fault::transient("DATECS-UNSTEADY"))
                }
            }
            Some(now) if now == before + 1 => {
                run.put(day::SHELF_Z, &now);
                let row = Row {
                    z: Some(now.to_string()),
                    serial: Some(identity.serial),
                    how: Some("by this worker"),
                    ..Row::default()
                };
                run.audit(audit::DAY_END, &row);
                let say = Say::new("FISCAL-Z-OK").with("z", now);
                Ok(Verdict::Happened(Proof::new(Grade::Done, say)))
            }
            Some(_) | None => {
                let now = now.map_or_else(|| "unknown".to_owned(), |now| now.to_string());
                let check = Say::new("FISCAL-Z-DOUBT")
                    .with("before", before)
                    .with("now", now);
                Ok(Verdict::CannotTell { check })
            }
        }
    }

    pub(super) async fn watch(&mut self, watch: &Watch) -> Result<(), Fault> {
        loop {
            let status = self.talk.status().await?;
            if let Some(fault) = status.blocker() {
                return Err(fault);
            }
            let health = match (status.warning(), self.day_warning(watch).await?) {
                (_, Some(late)) => Health::Warned(late),
                (Some(near), None) => Health::Warned(near),
                (None, None) => Health::Well,
            };
            watch.health(health);
            sleep(LOOK_EVERY).await;
        }
    }

    /// A Z closed outside is logged, a late one warned about, an automatic one wished for.
    async fn day_warning(&mut self, watch: &Watch) -> Result<Option<Fault>, Fault> {
        if !self.talk.is_x() {
            return Ok(None);
        }
        let reading = self.talk.reading("").await?;
        let now = reading.z.unwrap_or_default();
        if let day::Turn::ClosedOutside { from, to } = day::turn(self.seen_z, now) {
            tracing::info!(from, to, "The fiscal day was closed");
        }
        self.seen_z = Some(now);
        if self.talk.z_left().await.is_ok_and(|left| left < Z_LEFT_LOW) {
            return Ok(Some(Fault::operator("DATECS-MEMORY-NEAR")));
        }
        let Some(closed_at) = reading.z_at else {
            return Ok(None);
        };
        if self.talk.receipts_today().await? == 0 {
            return Ok(None);
        }
        let open_for = self.talk.time().await?.duration_since(closed_at);
        let automatic = self.settings.automatic_z_after_h.map(i64::from);
        if automatic.is_some_and(|hours| open_for.as_hours() >= hours)
            && reading.receipt.open == Open::No
        {
            watch.wish("z");
        }
        let late = open_for > day::LATE;
        let hours = open_for.as_hours();
        Ok(late.then(|| Fault::operator("FISCAL-Z-LATE").with("hours", hours)))
    }
}

fn code(fault: &Fault) -> i32 {
    fault
        .say()
        .args
        .get("code")
        .and_then(|code| code.parse().ok())
        .unwrap_or(0)
}
