//! The fiscal day, `nightporter test`, and what is watched while nothing runs.

use std::time::Duration;

use driver_fiscal::audit::{self, Row};
use driver_fiscal::class::ErrorClass;
use driver_fiscal::day;
use driver_fiscal::verdict::LastDocument;
use driver_sdk::{Fault, Grade, Health, Proof, Run, Say, Verdict, Watch};
use jiff::SignedDuration;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, sleep};

use super::ask::Effect;
use super::clock::{self, Drift, SHELF_CLOCK};
use super::verdict::PAUSE;
use super::{Bookmark, EpsonDriver, Watchglass};
use crate::answer::Answer;
use crate::codes::meaning;
use crate::settings::ClockOff;
use crate::status;

/// Between two looks at a printer that has nothing to do.
const LOOK_EVERY: Duration = Duration::from_secs(60);
/// The shelf's key of the open day.
const SHELF_DAY: &str = "open-day";
/// An automatic day end waits until nobody has sold anything for so long.
const QUIET: SignedDuration = SignedDuration::from_mins(10);
/// Between two wishes for a day end: a printer that refuses one is not asked every minute.
const WISH_EVERY: Duration = Duration::from_secs(30 * 60);

/// What this process has seen; for warnings and wishes only, never for a verdict.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// The property's time, from the last attempt on.
    time: Option<Watchglass>,
    day: Option<OpenDay>,
    drift: Option<Drift>,
    closed_z: Option<u32>,
    wished: Option<Instant>,
}

impl Seen {
    /// An attempt starts: its clock is the cloud's.
    pub fn starts(&mut self, time: Watchglass) {
        self.time = Some(time);
    }

    /// The property's time; before the first attempt, what this PC thinks it is in Italy.
    fn now(&self) -> DateTime {
        let of_this_pc = || {
            let italy = TimeZone::get("Europe/Rome").unwrap_or(TimeZone::UTC);
            italy.to_datetime(driver_sdk::clock::wall())
        };
        self.time.map_or_else(of_this_pc, |time| time.now())
    }
}

/// A day with sales that no Z has closed yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct OpenDay {
    /// The number its Z will have.
    z: u32,
    /// The printer's time of the first document we know of.
    since: DateTime,
}

/// The last Z that was printed, as far as the last document tells: a document belongs to the day
/// whose Z is still to come.
fn closed_z(last: &LastDocument, open: Option<bool>) -> u32 {
    match open {
        Some(false) => last.day,
        Some(true) | None => last.day.saturating_sub(1),
    }
}

impl EpsonDriver {
    /// Keeps the Z on the shelf, and a Z of somebody else in the audit trail.
    pub(super) fn notice_day(&mut self, last: &LastDocument, open: Option<bool>, run: &Run) {
        let now = closed_z(last, open);
        let (z, how) = match day::turn(run.shelf(day::SHELF_Z), now) {
            day::Turn::Same => (None, ""),
            day::Turn::ClosedOutside { from, to } => {
                tracing::warn!(from, to, "The fiscal day was closed outside of this worker");
                (Some(to), "closed outside")
            }
            day::Turn::WentBack { from, to } => {
                tracing::warn!(from, to, "The printer's Z number went back");
                (Some(to), "the number went back")
            }
        };
        if let Some(z) = z {
            let row = Row {
                z: Some(z.to_string()),
                serial: Some(last.serial.clone()),
                how: Some(how),
                ..Row::default()
            };
            run.audit(audit::DAY_END, &row);
        }
        run.put(day::SHELF_Z, &now);
        self.seen.closed_z = Some(now);
        let known: Option<OpenDay> = run.shelf(SHELF_DAY);
        self.seen.day = known.filter(|day| day.z == last.day && open != Some(false));
    }

    /// A document of ours was issued: its day is open, and its time shows the printer's clock.
    /// `between` is when it was sent and when the answer came, by our clock.
    pub(super) fn notice_document(
        &mut self,
        document: &LastDocument,
        between: (DateTime, DateTime),
        run: &Run,
    ) {
        self.notice_day(document, Some(true), run);
        let Some(at) = document.at else { return };
        if self.seen.day.is_none() {
            let day = OpenDay {
                z: document.day,
                since: at,
            };
            run.put(SHELF_DAY, &day);
            self.seen.day = Some(day);
        }
        if let Some(drift) = Drift::shown(document, between) {
            run.put(SHELF_CLOCK, &drift);
            self.seen.drift = Some(drift);
        }
    }

    /// What the printer's clock has against the next document, as far as it is known.
    pub(super) fn clock_blocker(
        &self,
        last: &LastDocument,
        open: Option<bool>,
        now: DateTime,
        known: Option<Drift>,
    ) -> Option<Fault> {
        let minutes = clock::wrong_by(last, open, now, known)?;
        (self.settings.clock_off == ClockOff::Stop)
            .then(|| Fault::operator("EPSON-CLOCK-WRONG").with("minutes", minutes))
    }

    /// Reads what the printer can tell. Changes nothing, prints nothing.
    pub(super) async fn test(&mut self, now: DateTime, run: &Run) -> Result<Proof, Fault> {
        let status = self.status().await?;
        let state = status::blocker(&status)?
            .or(status::certificate_over(&status, now.date()))
            .or(status::registration_warning(&status, now.date()))
            .or(status::printer(&status)?.warning())
            .map_or_else(|| "ready".to_owned(), |fault| fault.code().to_owned());
        let (serial, last) = match self.last().await {
            Ok(last) if last.number > 0 => {
                let at = last.at.map_or_else(String::new, |at| format!(" at {at}"));
                (last.serial.clone(), format!("{last}{at}"))
            }
            Ok(last) => (last.serial, "none yet".to_owned()),
            Err(fault) if fault.code() == "EPSON-NO-RECORD" => {
                let cannot = "cannot be read (EPSON-NO-RECORD)";
                (cannot.to_owned(), cannot.to_owned())
            }
            Err(fault) => return Err(fault),
        };
        let clock = match run.shelf::<Drift>(SHELF_CLOCK) {
            Some(drift) => format!("{} s off at our document of {}", drift.seconds, drift.at),
            None => "cannot be read before our first document".to_owned(),
        };
        let day = match status::day_open(&status) {
            Some(true) => "open",
            Some(false) => "closed",
            None => "cannot be read",
        };
        let fact = |name: &str| {
            let told = status.info(name).unwrap_or("not told");
            told.chars().take(16).collect::<String>()
        };
        let mut valid: Vec<_> = status::certificates(&status)
            .into_iter()
            .map(|(name, end)| format!("{name} until {end}"))
            .collect();
        if valid.is_empty() {
            valid.push("cannot be read".to_owned());
        }
        let result = format!(
            "serial {serial} type {}, firmware {} and {}, {state}, RT status {}/{}, upgrade {}, \
             fiscal day {day}, last document {last}, clock {clock}, certificates {}, \
             files waiting {} old {} rejected {}; VAT rates and memory left cannot be read",
            fact("rtType"),
            fact("cpuRel"),
            fact("mfRel"),
            fact("rtMainStatus"),
            fact("rtSubStatus"),
            fact("rtUpgradeResult"),
            valid.join(" and "),
            fact("rtFileToSend"),
            fact("rtOldFileToSend"),
            fact("rtFileRejected"),
        );
        run.commit(&Bookmark::Test).await?;
        Ok(Proof::new(
            Grade::Done,
            Say::new("FISCAL-TEST").with("result", result),
        ))
    }

    /// Prints a Z: once, proved by the day being closed.
    pub(super) async fn close_day(&mut self, run: &Run) -> Result<Proof, Fault> {
        let status = self.status().await?;
        if let Some(fault) = status::blocker(&status)? {
            return Err(fault);
        }
        if status::printer(&status)?.open() {
            return Err(Fault::operator("FISCAL-OPEN-ELSEWHERE"));
        }
        let open = status::day_open(&status);
        if open != Some(true) {
            return Err(Fault::permanent("EPSON-DAY-CLOSED"));
        }
        let before = self.last().await?;
        self.notice_day(&before, open, run);
        let leave = run.commit(&Bookmark::Z(before.clone())).await?;
        let z = Effect::z(self.settings.operator, self.settings.z_report);
        self.unanswered = Some(driver_sdk::clock::now());
        let answer = self.requests.effect(leave, z).await?;
        let answered = meaning(&answer.code, answer.status).0 != ErrorClass::Doubt;
        if answer.success || answered {
            self.unanswered = None;
        }
        match self.closed(&before, self.unanswered.is_none(), run).await? {
            Verdict::Happened(proof) => Ok(proof),
            Verdict::DidNotHappen => Err(refused_z(&answer)),
            Verdict::Partly(_) | Verdict::CannotTell { .. } => {
                Err(Fault::in_doubt("EPSON-NO-NUMBER"))
            }
        }
    }

    /// What the printer's day says of a Z whose end nobody saw.
    pub(super) async fn judge_day(
        &mut self,
        before: &LastDocument,
        run: &Run,
    ) -> Result<Verdict, Fault> {
        self.asks();
        self.closed(before, false, run).await
    }

    /// What the printer's day says of a Z that was sent, and answered or not.
    async fn closed(
        &mut self,
        before: &LastDocument,
        answered: bool,
        run: &Run,
    ) -> Result<Verdict, Fault> {
        let (open, now) = self.day().await?;
        if now.serial != before.serial {
            let check = Say::new("FISCAL-SERIAL")
                .with("device", now.serial)
                .with("expected", &before.serial);
            return Ok(Verdict::CannotTell { check });
        }
        let closed = match open {
            // Closed, or closed and opened again by a later sale.
            Some(false) if now.day == before.day => true,
            Some(true) if now.day > before.day => true,
            Some(true) if now.day == before.day => {
                if !answered && !self.is_quiet() {
                    return Err(Fault::transient("EPSON-UNSTEADY"));
                }
                sleep(PAUSE).await;
                if self.day().await? != (open, now.clone()) {
                    return Err(Fault::transient("EPSON-UNSTEADY"));
                }
                false
            }
            Some(_) | None => {
                let check = Say::new("FISCAL-Z-DOUBT")
                    .with("before", closed_z(before, Some(true)))
                    .with("now", closed_z(&now, open));
                return Ok(Verdict::CannotTell { check });
            }
        };
        if !closed {
            return Ok(Verdict::DidNotHappen);
        }
        run.put(day::SHELF_Z, &before.day);
        self.seen.day = None;
        let row = Row {
            z: Some(before.day.to_string()),
            serial: Some(before.serial.clone()),
            how: Some("by this worker"),
            ..Row::default()
        };
        run.audit(audit::DAY_END, &row);
        let say = Say::new("FISCAL-Z-OK").with("z", format!("{:04}", before.day));
        Ok(Verdict::Happened(Proof::new(Grade::Done, say)))
    }

    async fn day(&self) -> Result<(Option<bool>, LastDocument), Fault> {
        let status = self.status().await?;
        if status::printer(&status)?.open() {
            return Err(Fault::transient("EPSON-UNSTEADY"));
        }
        Ok((status::day_open(&status), self.last().await?))
    }

    pub(super) async fn watch(&mut self, watch: &Watch) -> Result<(), Fault> {
        loop {
            let status = self.status().await?;
            if let Some(fault) = status::blocker(&status)? {
                return Err(fault);
            }
            let now = self.seen.now();
            let over = status::certificate_over(&status, now.date());
            let last = self.watched_last().await?;
            let day = last
                .as_ref()
                .and_then(|last| self.day_warning(last, &status, now, watch));
            let clock = last.as_ref().and_then(|last| {
                self.clock_blocker(last, status::day_open(&status), now, self.seen.drift)
            });
            if let Some(fault) = over.or(clock) {
                return Err(fault);
            }
            let no_record = || Fault::permanent("EPSON-NO-RECORD");
            let warning = status::registration_warning(&status, now.date())
                .or(last.is_none().then(no_record))
                .or(day)
                .or(self.seen.drift.and_then(Drift::warning))
                .or(status::printer(&status)?.warning());
            watch.health(warning.map_or(Health::Well, Health::Warned));
            sleep(LOOK_EVERY).await;
        }
    }

    /// The last document; `None` where the firmware does not tell it.
    async fn watched_last(&self) -> Result<Option<LastDocument>, Fault> {
        match self.last().await {
            Ok(last) => Ok(Some(last)),
            Err(fault) if fault.code() == "EPSON-NO-RECORD" => Ok(None),
            Err(fault) => Err(fault),
        }
    }

    /// A Z of somebody else is logged, a late one warned about, an automatic one wished for.
    fn day_warning(
        &mut self,
        last: &LastDocument,
        status: &Answer,
        now: DateTime,
        watch: &Watch,
    ) -> Option<Fault> {
        let open = status::day_open(status);
        let closed = closed_z(last, open);
        if let day::Turn::ClosedOutside { from, to } = day::turn(self.seen.closed_z, closed) {
            tracing::info!(from, to, "The fiscal day was closed");
        }
        self.seen.closed_z = Some(closed);
        let (Some(true), Some(at)) = (open, last.at) else {
            self.seen.day = None;
            return None;
        };
        let same = self.seen.day.filter(|day| day.z == last.day);
        // A day first seen now is at least as old as its last document.
        let day = same.unwrap_or(OpenDay {
            z: last.day,
            since: at,
        });
        self.seen.day = Some(day);
        let open_for = now.duration_since(day.since);
        let due = self
            .settings
            .automatic_z_after_h
            .is_some_and(|hours| open_for.as_hours() >= i64::from(hours));
        let nothing_open = status::printer(status).is_ok_and(|printer| !printer.open());
        let quiet = nothing_open && now.duration_since(at) >= QUIET;
        let asked = self
            .seen
            .wished
            .is_some_and(|wished| driver_sdk::clock::now() - wished < WISH_EVERY);
        if due && quiet && !asked {
            self.seen.wished = Some(driver_sdk::clock::now());
            watch.wish("z");
        }
        let hours = open_for.as_hours();
        (open_for > day::LATE).then(|| Fault::operator("FISCAL-Z-LATE").with("hours", hours))
    }
}

/// The printer's day did not close: with its own word why, where it gave one.
fn refused_z(answer: &Answer) -> Fault {
    if answer.success || meaning(&answer.code, answer.status).0 == ErrorClass::Doubt {
        return Fault::permanent("EPSON-DAY-OPEN").without_effect();
    }
    answer.fault().without_effect()
}
