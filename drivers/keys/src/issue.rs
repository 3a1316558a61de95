//! Carries out a key order, card by card, whatever the protocol.
//!
//! One card is one request. Before each, what exists is on disk; after a failure nothing is
//! repeated. Cancel and stop are heard between two cards, never within one.

use driver_sdk::{Attempt, Committed, Fault, FaultPage, Grade, Proof, Run, Say, Verdict};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::dialect::Mode;
use crate::faults;
use crate::ledger::{self, Claim, Decision, Issue, RoomLedger, Sharers};
use crate::order::Order;
use crate::plan::KeyPlan;

/// How a driver makes cards in its protocol.
pub trait CardMaker: Send {
    /// The pages of its codes, for reasons in notes.
    fn pages(&self) -> &'static [FaultPage];

    /// Looks whether the encoder can work. Nothing with an effect is sent.
    ///
    /// # Errors
    /// It cannot, now.
    fn ready(&mut self, run: &Run) -> impl Future<Output = Result<(), Fault>> + Send;

    /// What the protocol needs to know durably before the first card, put on the shelf with the
    /// commit.
    ///
    /// # Errors
    /// Nothing may be sent.
    fn prepare(&mut self, run: &Run) -> Result<(), Fault> {
        let _ = run;
        Ok(())
    }

    /// Makes one card.
    ///
    /// # Errors
    /// With the proof [`Fault::without_effect`] this card was not made; without it, nobody knows.
    fn cut(
        &mut self,
        leave: Committed<'_>,
        run: &Run,
        card: Card<'_>,
    ) -> impl Future<Output = Result<Made, Fault>> + Send;
}

/// One card to be made.
#[derive(Debug, Clone, Copy)]
pub struct Card<'a> {
    /// The order it belongs to.
    pub order: &'a Order,
    /// New or copy.
    pub issue: Issue,
    /// From 1.
    pub number: u32,
}

/// A card that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    /// How well that is proved.
    pub grade: Grade,
    /// The card's serial number, where the lock system tells it. Kept in memory only.
    pub serial: Option<String>,
}

/// What is on disk while cards are being made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bookmark {
    /// The encoder.
    pub encoder: String,
    /// The rooms.
    pub rooms: Vec<String>,
    /// Cards asked for.
    pub keys: u32,
    /// Cards the lock system has answered for.
    pub made: u32,
    /// What the first card is, and why.
    pub decision: Decision,
    /// Validity in hotel time, for notes.
    pub validity: (String, String),
    command: String,
    stay: Option<String>,
    until: Timestamp,
    begun: Timestamp,
    mode: Mode,
    sharers: Sharers,
    /// When the command was ordered. A bookmark of before this was kept says when it was begun.
    #[serde(default)]
    ordered: Option<Timestamp>,
    /// What else the desk must know, as whole clauses.
    #[serde(default)]
    remarks: Vec<String>,
}

impl Bookmark {
    /// The card under way: its number, from 1.
    #[must_use]
    pub fn card(&self) -> u32 {
        self.made + 1
    }

    /// The command's id.
    #[must_use]
    pub fn command(&self) -> &str {
        &self.command
    }

    fn claim(&self) -> Claim<'_> {
        Claim {
            command: &self.command,
            stay: self.stay.as_deref(),
            until: self.until,
            now: self.begun,
            ordered: self.ordered.unwrap_or(self.begun),
            mode: self.mode,
            sharers: self.sharers,
        }
    }

    fn issue(&self) -> Issue {
        if self.made == 0 {
            self.decision.issue
        } else {
            Issue::Copy
        }
    }

    fn begin(plan: &KeyPlan, decision: Decision, remarks: Vec<String>) -> Self {
        Self {
            encoder: plan.order.encoder.clone(),
            rooms: plan.order.rooms.clone(),
            keys: plan.order.keys,
            made: 0,
            decision,
            validity: plan.validity(),
            command: plan.command.clone(),
            stay: plan.order.stay.clone(),
            until: plan.order.end,
            begun: plan.now,
            mode: plan.mode,
            sharers: plan.sharers,
            ordered: Some(plan.ordered),
            remarks,
        }
    }
}

/// Makes the cards of a plan.
///
/// # Errors
/// Before the commit: nothing happened. After it: with proof, what exists; without, a doubt.
pub async fn carry_out(
    plan: &KeyPlan,
    maker: &mut impl CardMaker,
    run: &Run,
) -> Result<Proof, Fault> {
    decide(plan, run)?;
    maker.ready(run).await?;
    maker.prepare(run)?;
    // Once more, because time has passed. The record is read once and written from that one
    // reading, so the commit refuses whatever another encoder has changed since.
    let (decision, ledgers) = decide(plan, run)?;
    let remarks = remarks(plan, &ledgers);
    begin_on_shelf(plan, decision, ledgers, run);
    let mut state = Bookmark::begin(plan, decision, remarks);
    tracing::info!(issue = ?decision.issue, why = ?decision.why, "Key decided");
    let leave = run.commit(&state).await?;
    let mut grade = Grade::Done;
    let mut last_serial = None;
    while state.made < state.keys {
        if let Some(reason) = stop_here(&state, run)? {
            return Err(stopped(&state, &reason, grade, run));
        }
        if state.made > 0 {
            match run.checkpoint(&state).await {
                Ok(()) => {}
                Err(fault) if fault.code() == "SHELF-CONFLICT" => {
                    // Another encoder changed the record after it was read here: what this one
                    // has made is noted in the new record, which may end the order.
                    note_last_made(&state, run)?;
                    continue;
                }
                Err(fault) => {
                    tracing::warn!(error = %fault, "Not written down; no further card");
                    note_last_made(&state, run)?;
                    let reason = "this PC could not write down the card before";
                    return Err(stopped(&state, reason, grade, run));
                }
            }
        }
        let card = Card {
            order: &plan.order,
            issue: state.issue(),
            number: state.card(),
        };
        match maker.cut(leave, run, card).await {
            Ok(made) if made.serial.is_some() && made.serial == last_serial => {
                let fault = Fault::permanent("KEY-SAME-CARD").with("card", card.number);
                let reason = faults::reason(&fault, maker.pages());
                return Err(stopped(&state, &reason, grade, run));
            }
            Ok(made) => {
                grade = grade.min(made.grade);
                last_serial = made.serial;
                note_made(&state, run)?;
                state.made += 1;
                run.progress(percent(state.made, state.keys));
            }
            Err(fault) if fault.has_no_effect() => {
                note_refused(&state, run)?;
                let reason = faults::reason(&fault, maker.pages());
                return Err(if state.made == 0 {
                    fault
                } else {
                    stopped(&state, &reason, grade, run)
                });
            }
            Err(fault) => {
                note_doubt(&state, run)?;
                return Err(fault);
            }
        }
    }
    Ok(done(&state, grade))
}

/// What a driver says of an attempt it cannot ask about: a person must look. The record of the
/// rooms remembers the doubt.
///
/// # Errors
/// The bookmark or the record cannot be read.
pub fn cannot_tell(attempt: &Attempt, run: &Run) -> Result<Verdict, Fault> {
    let state: Bookmark = attempt.bookmark()?;
    note_doubt(&state, run)?;
    Ok(Verdict::CannotTell {
        check: doubt(&state),
    })
}

/// The verdict when evidence for the card under way has come late: it was made, or refused.
///
/// # Errors
/// The record of the rooms cannot be read.
pub fn late(
    mut state: Bookmark,
    made: Result<Made, Fault>,
    pages: &'static [FaultPage],
    run: &Run,
) -> Result<Verdict, Fault> {
    let reason = match made {
        Ok(made) => {
            note_made(&state, run)?;
            state.made += 1;
            if state.made == state.keys {
                return Ok(Verdict::Happened(done(&state, made.grade)));
            }
            "its answer came too late to go on".to_owned()
        }
        Err(fault) => {
            note_refused(&state, run)?;
            if state.made == 0 {
                return Ok(Verdict::DidNotHappen);
            }
            faults::reason(&fault, pages)
        }
    };
    Ok(Verdict::Partly(partly(&state, &reason, Grade::Done)))
}

fn decide(plan: &KeyPlan, run: &Run) -> Result<(Decision, Vec<RoomLedger>), Fault> {
    let ledgers = read_all(&plan.order.rooms, run)?;
    let names = plan.order.rooms.iter().map(String::as_str);
    let rooms: Vec<(&str, &RoomLedger)> = names.zip(&ledgers).collect();
    let decision = ledger::decide(&rooms, &plan.claim())
        .map_err(|busy| Fault::transient("KEY-UNDER-WAY").with("room", busy.room))?;
    Ok((decision, ledgers))
}

/// What the desk must know beside what was made.
fn remarks(plan: &KeyPlan, ledgers: &[RoomLedger]) -> Vec<String> {
    let mut remarks = Vec::new();
    let claim = plan.claim();
    let before = ledgers
        .iter()
        .filter_map(|ledger| ledger.ordered_just_before(&claim))
        .min();
    if let Some(before) = before {
        remarks.push(format!(
            "keys of this stay were ordered {} s before already, look whether it was sent twice",
            before.as_secs()
        ));
    }
    if plan.dialect.mobile_keys {
        remarks.push("no mobile key was sent".to_owned());
    }
    remarks
}

fn read_all(rooms: &[String], run: &Run) -> Result<Vec<RoomLedger>, Fault> {
    rooms.iter().map(|room| read(room, run)).collect()
}

fn read(room: &str, run: &Run) -> Result<RoomLedger, Fault> {
    match run.shelf_strict(&RoomLedger::key(room)) {
        Ok(ledger) => Ok(ledger.unwrap_or_default()),
        Err(cause) => Err(unreadable(room, cause)),
    }
}

/// Changes the record of each room. Where another encoder changes one of them before this is
/// written, the change is made in what that one wrote.
fn change(
    state: &Bookmark,
    run: &Run,
    change: impl Fn(RoomLedger, &Claim<'_>) -> RoomLedger + Clone + Send + Sync + 'static,
) -> Result<(), Fault> {
    for room in &state.rooms {
        let (state, change) = (state.clone(), change.clone());
        let rule = move |ledger| {
            let changed: RoomLedger = change(ledger, &state.claim());
            (!changed.is_empty()).then_some(changed)
        };
        run.amend(&RoomLedger::key(room), rule)
            .map_err(|cause| unreadable(room, cause))?;
    }
    Ok(())
}

fn unreadable(room: &str, cause: serde_json::Error) -> Fault {
    Fault::permanent("KEY-LEDGER-UNREADABLE")
        .with("room", room)
        .caused_by(cause)
}

fn put(room: &str, ledger: &RoomLedger, run: &Run) {
    let key = RoomLedger::key(room);
    if ledger.is_empty() {
        run.put(&key, &());
    } else {
        run.put(&key, ledger);
    }
}

fn begin_on_shelf(plan: &KeyPlan, decision: Decision, ledgers: Vec<RoomLedger>, run: &Run) {
    let claim = plan.claim();
    for (room, ledger) in plan.order.rooms.iter().zip(ledgers) {
        let ledger = match decision.issue {
            Issue::New => ledger.begin_new(&claim, plan.doubtful_after),
            Issue::Copy => ledger.copied(&claim),
        };
        put(room, &ledger, run);
    }
}

fn note_made(state: &Bookmark, run: &Run) -> Result<(), Fault> {
    match (state.issue(), state.made) {
        (Issue::New, _) => change(state, run, |ledger, claim| ledger.made_new(claim)),
        // The first copy was noted with the commit.
        (Issue::Copy, 0) => change(state, run, |ledger, claim| ledger.made_copy(claim)),
        (Issue::Copy, _) => change(state, run, |ledger, claim| ledger.copied(claim)),
    }
}

/// Notes the last made card once more, in what the record says now.
fn note_last_made(state: &Bookmark, run: &Run) -> Result<(), Fault> {
    let mut before = state.clone();
    before.made -= 1;
    note_made(&before, run)
}

fn note_refused(state: &Bookmark, run: &Run) -> Result<(), Fault> {
    match state.issue() {
        Issue::New => change(state, run, |ledger, claim| ledger.refused_new(claim)),
        Issue::Copy => Ok(()),
    }
}

fn note_doubt(state: &Bookmark, run: &Run) -> Result<(), Fault> {
    match state.issue() {
        Issue::New => change(state, run, |ledger, claim| ledger.doubtful_new(claim)),
        Issue::Copy => Ok(()),
    }
}

/// Why no further card may be made, at this point between two cards.
fn stop_here(state: &Bookmark, run: &Run) -> Result<Option<String>, Fault> {
    if run.is_cancelled() {
        return Ok(Some("the command was cancelled".to_owned()));
    }
    if run.is_stopping() {
        return Ok(Some("the worker is being stopped".to_owned()));
    }
    if state.made > 0 {
        let claim = state.claim();
        let ours = read_all(&state.rooms, run)?
            .iter()
            .all(|ledger| ledger.allows_another_copy(&claim));
        if !ours {
            return Ok(Some(
                "another command made keys for the room meanwhile".to_owned(),
            ));
        }
    }
    Ok(None)
}

fn stopped(state: &Bookmark, reason: &str, grade: Grade, run: &Run) -> Fault {
    if state.made > 0 {
        return Fault::permanent("KEYS-PARTLY").with_effect(partly(state, reason, grade));
    }
    // Nothing was sent: what was true of the room before is true again. A record that cannot be
    // read now was readable a moment ago; it then stays as it is, which is the careful side.
    let _ = note_refused(state, run);
    let mut why = reason.to_owned();
    if let Some(first) = why.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    Fault::permanent("KEY-STOPPED")
        .with("why", why)
        .without_effect()
}

fn done(state: &Bookmark, grade: Grade) -> Proof {
    let say = about(Say::new("KEYS-MADE"), state)
        .with("keys", count(state.keys))
        .with("start", &state.validity.0)
        .with("end", &state.validity.1)
        .with("how", how(state))
        .with("more", more(state));
    Proof::new(grade, say)
}

fn partly(state: &Bookmark, reason: &str, grade: Grade) -> Proof {
    let say = about(Say::new("KEYS-PARTLY"), state)
        .with("made", state.made)
        .with("keys", state.keys)
        .with("reason", reason)
        .with("how", how(state))
        .with("more", more(state));
    Proof::new(grade, say)
}

/// What a person must look at.
#[must_use]
pub fn doubt(state: &Bookmark) -> Say {
    about(Say::new("KEY-DOUBT"), state)
        .with("card", state.card())
        .with("keys", state.keys)
        .with("made", state.made)
        .with("how", if state.made == 0 { how(state) } else { "copy" })
}

/// What the first card was to be, and why.
fn how(state: &Bookmark) -> &'static str {
    let Decision { issue, why } = state.decision;
    why.for_people(issue)
}

/// The remarks, to stand after a clause.
fn more(state: &Bookmark) -> String {
    let clauses = state.remarks.iter().map(|remark| format!("; {remark}"));
    clauses.collect()
}

fn about(say: Say, state: &Bookmark) -> Say {
    say.with("rooms", state.rooms.join(", "))
        .with("encoder", &state.encoder)
}

fn count(keys: u32) -> String {
    if keys == 1 {
        "1 key".to_owned()
    } else {
        format!("{keys} keys")
    }
}

/// How far an order is.
#[must_use]
pub fn percent(made: u32, keys: u32) -> u8 {
    u8::try_from(u64::from(made) * 100 / u64::from(keys.max(1))).unwrap_or(100)
}

#[cfg(test)]
mod tests;
