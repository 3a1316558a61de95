//! What a lane writes at the end of a turn, and what it asks the cloud before one begins.

use std::time::Duration;

use driver_sdk::{CommandId, Fault, LocalWork, Say, Staged, Verdict, WatchEvent, Work};

use super::slot::Slot;
use crate::intake::{self, Incomplete};
use crate::journal::{Gate, JournalError, NewCommand, PmsState, Row};
use crate::life::{Next, Outcome, OutcomeKind, Said};
use crate::mews::cloud::CallError;
use crate::mews::wire::State;
use crate::report::NotConfirmed;

/// How long a read before commit may take; then paper and keys within their age go on.
const READ_AGAIN: Duration = Duration::from_secs(3);
/// Told of a command that Mews has forgotten.
const UNKNOWN: &str = "Mews no longer knows a command that waits here; it is not run";
/// Rest while a settled outcome cannot be written: it is known and must not be lost.
const WRITE_REST: Duration = Duration::from_millis(500);

impl Slot {
    fn gate(&self, staged: Staged) -> Gate {
        Gate {
            scope: self.scope.clone(),
            now: self.now(),
            staged,
        }
    }

    /// Writes an outcome and wakes the teller. A disk that refuses is asked again before
    /// anything else happens on this wire: the outcome is known and must not be lost.
    pub(super) async fn settle(
        &mut self,
        row: &Row,
        outcome: Outcome,
        staged: Staged,
    ) -> Result<(), JournalError> {
        let id = row.entry.id;
        // Before a repeat ends without paper, the first print may have come out.
        let outcome = if row.repeat {
            outcome.of_a_repeat()
        } else {
            outcome
        };
        let (kind, gate) = (outcome.kind, self.gate(staged));
        crate::crash::point("before-settle");
        loop {
            let (outcome, gate) = (outcome.clone(), gate.clone());
            match self
                .hotel
                .journal
                .with(move |core| core.settle(id, &outcome, &gate))
                .await
            {
                Ok(_) => break,
                // Trying again would not help: what the row says decides what is next.
                Err(error @ (JournalError::Closed | JournalError::BrokeOff)) => return Err(error),
                Err(error) => {
                    let why = super::host::chain(&error);
                    self.hotel.board.journal_is(Some((self.now(), why)));
                    tokio::time::sleep(WRITE_REST).await;
                }
            }
        }
        crate::crash::point("after-settle");
        self.hotel.board.journal_is(None);
        tracing::info!(device = %self.name, command = %id, outcome = kind.as_str(), "Settled");
        self.hotel
            .board
            .tell(id, &self.name, format!("ended: {}", kind.as_str()));
        self.takes_back(id);
        self.interim.ended(id);
        self.hotel.board.teller_bell(&self.hotel.name).notify_one();
        Ok(())
    }

    /// Does what the end of an attempt, or of a doubt, means.
    pub(super) async fn follow(
        &mut self,
        row: &Row,
        decided: Next,
        staged: Staged,
    ) -> Result<(), JournalError> {
        let id = row.entry.id;
        match decided {
            Next::Settle(outcome) => {
                let bad = outcome.kind == OutcomeKind::Unconfirmed;
                self.settle(row, outcome, staged).await?;
                self.waits_anew();
                if !bad {
                    self.is_well();
                }
            }
            Next::Again | Next::RepeatMarked => {
                let repeat = matches!(decided, Next::RepeatMarked);
                let gate = self.gate(staged);
                self.hotel
                    .journal
                    .with(move |core| core.back_to_accepted(id, repeat, &gate))
                    .await?;
                self.interim.rests(id);
            }
            Next::Wait(fault) => {
                let gate = self.gate(staged);
                self.hotel
                    .journal
                    .with(move |core| core.stage(id, &gate))
                    .await?;
                self.interim.rests(id);
                if fault.code() == "NOT-STARTED" {
                    // The last gate refused: the next look settles it as cancelled or too old.
                    return Ok(());
                }
                self.tell_once(row, &fault).await?;
                self.is_unwell(fault);
            }
            Next::Ask(fault) => {
                let gate = self.gate(staged);
                self.hotel
                    .journal
                    .with(move |core| core.stage(id, &gate))
                    .await?;
                let what = fault.to_string();
                let now = self.now();
                self.hotel
                    .journal
                    .with(move |core| core.tell(id, "in doubt", &what, now))
                    .await?;
            }
        }
        Ok(())
    }

    async fn tell_once(&mut self, row: &Row, fault: &Fault) -> Result<(), JournalError> {
        let known = self
            .unwell
            .as_ref()
            .is_some_and(|old| old.fault.code() == fault.code());
        if known {
            return Ok(());
        }
        let (id, what, now) = (row.entry.id, fault.to_string(), self.now());
        self.hotel
            .board
            .tell(id, &self.name, format!("waits: {what}"));
        self.hotel
            .journal
            .with(move |core| core.tell(id, "waits", &what, now))
            .await
    }

    /// The device's evidence about a command that was reported as unconfirmed.
    pub(super) async fn late_verdict(
        &mut self,
        row: &Row,
        verdict: Verdict,
        staged: Staged,
    ) -> Result<(), JournalError> {
        let id = row.entry.id;
        let (outcome, how) = match verdict {
            Verdict::Happened(proof) => (Outcome::done(proof), "the device says: it happened"),
            Verdict::Partly(proof) => (Outcome::partly(proof), "the device says: in part"),
            Verdict::DidNotHappen => (
                Outcome::failed(Say::new("DID-NOT-HAPPEN")),
                "the device says: it did not happen",
            ),
            // Asking again will not help: only a person settles it now.
            Verdict::CannotTell { .. } => {
                if !self.rules.class.is_money() {
                    self.asking.remove(&id);
                }
                return Ok(());
            }
        };
        let gate = self.gate(staged);
        let resolved = self
            .hotel
            .journal
            .with(move |core| core.resolve(id, Some(&outcome), how, &gate))
            .await?;
        self.asking.remove(&id);
        if resolved {
            tracing::info!(device = %self.name, command = %id, how, "Doubt settled by the device");
            self.hotel.board.tell(id, &self.name, how);
        }
        Ok(())
    }

    /// Does what the driver said unasked asks for.
    pub(super) async fn told(&mut self, event: WatchEvent) -> Result<(), JournalError> {
        if let WatchEvent::Wish(chore) = &event {
            return self.order(chore).await;
        }
        if self.hears(event) {
            self.news().await;
        }
        Ok(())
    }

    /// Local work that the driver wishes: one of a kind at a time.
    async fn order(&mut self, chore: &str) -> Result<(), JournalError> {
        let work = match chore {
            "z" => LocalWork::Z,
            "test" => LocalWork::Test,
            other => {
                tracing::warn!(device = %self.name, chore = other, "Unknown wish of a driver");
                return Ok(());
            }
        };
        let device = self.name.clone();
        let journal = &self.hotel.journal;
        if journal.look(move |core| core.has_local(&device)).await? {
            return Ok(());
        }
        tracing::info!(device = %self.name, chore, "Driver asks for local work");
        let title = self
            .hotel
            .board
            .device(&self.name)
            .map_or_else(String::new, |on| on.title);
        let new = NewCommand::local(
            &self.hotel.name,
            &self.name,
            title,
            self.rules.class,
            self.now(),
        );
        let (id, now) = (new.id, self.now());
        let data = serde_json::to_vec(&Work::Local(work)).expect("work is plain data");
        self.hotel
            .journal
            .payloads()
            .write(id, &data, None)
            .map_err(JournalError::Payload)?;
        self.hotel
            .journal
            .with(move |core| core.accept(&[new], now))
            .await?;
        Ok(())
    }

    /// Late evidence may have come: every doubt of this device is worth asking about again.
    pub(super) async fn news(&mut self) {
        let device = self.name.clone();
        let doubts = self
            .hotel
            .journal
            .look(move |core| core.doubts(&device))
            .await;
        for row in doubts.unwrap_or_default() {
            self.asks_at_once(row.entry.id);
        }
    }

    /// Mews confirmed `Processing`, or did not.
    pub(super) async fn processing(
        &mut self,
        row: &Row,
        confirmed: Result<(), NotConfirmed>,
    ) -> Result<(), JournalError> {
        match confirmed {
            Ok(()) => {
                let now = self.hotel.cloud.clock().monotonic();
                self.hotel.saw_open(row.entry.id, now);
                self.confirmed = Some(row.entry.id);
                Ok(())
            }
            Err(NotConfirmed::Final(state)) => self.foreign(row, &state).await,
            Err(NotConfirmed::Unknown) => {
                self.sets_aside(row.entry.id, UNKNOWN);
                Ok(())
            }
            Err(NotConfirmed::Refused) => {
                self.is_refused(row.entry.id);
                Ok(())
            }
            Err(NotConfirmed::Later) => {
                self.is_held(None);
                Ok(())
            }
        }
    }

    /// Mews has a final state already: nothing runs any more.
    async fn foreign(&mut self, row: &Row, state: &str) -> Result<(), JournalError> {
        let id = row.entry.id;
        let seen = PmsState(state.to_owned());
        self.hotel
            .journal
            .with(move |core| core.seen_in_pms(id, &seen))
            .await?;
        let outcome = if state == "Cancelled" {
            Outcome::cancelled()
        } else {
            Outcome::failed(Say::new("FOREIGN-STATE").with("state", state))
        };
        self.settle(row, outcome, Staged::default()).await
    }

    /// A command that waited while a cancel could have been missed is read once more. False: it
    /// does not run now.
    pub(super) async fn still_open(&mut self, row: &Row) -> Result<bool, JournalError> {
        let id = row.entry.id;
        let asked = self.hotel.cloud.clock().monotonic();
        match self.hotel.cloud.read_now(id, READ_AGAIN).await {
            Ok(Some(command)) if command.state.is_final() => {
                self.foreign(row, command.state.as_str()).await?;
                Ok(false)
            }
            Ok(Some(command)) => {
                if command.state == State::Processing && !self.is_ours(row).await? {
                    let text = "Another worker works on a command of this PC; it is not run here";
                    self.sets_aside(id, text);
                    return Ok(false);
                }
                self.hotel.saw_open(id, asked);
                Ok(true)
            }
            Ok(None) => {
                self.sets_aside(id, UNKNOWN);
                Ok(false)
            }
            Err(error) => {
                // What the socket has told counts, though no row could note it.
                if let Some(state) = self.hotel.end_heard(id) {
                    self.foreign(row, state.as_str()).await?;
                    return Ok(false);
                }
                // Paper and keys within their age go on; money never without Mews' word.
                tracing::warn!(command = %id, error = %error, "Not read again before it runs");
                if !row.entry.class.is_money() {
                    return Ok(true);
                }
                match error {
                    CallError::Refused { .. } | CallError::Unreadable(_) => {
                        let text = "Mews does not show a command that waits here; it is not run";
                        self.sets_aside(id, text);
                    }
                    CallError::Unauthorized
                    | CallError::NotFound
                    | CallError::TooMuch(_)
                    | CallError::NoAnswer => self.is_held(Some("CLOUD-SILENT")),
                }
                Ok(false)
            }
        }
    }

    /// True if it can have been this PC that told Mews `Processing` of a command that is not begun.
    async fn is_ours(&mut self, row: &Row) -> Result<bool, JournalError> {
        let id = row.entry.id;
        if row.entry.class.is_money() || row.entry.said == Said::Processing {
            return Ok(true);
        }
        // It may have been said and not noted, since only the intent is synced.
        let journal = &self.hotel.journal;
        journal.look(move |core| core.meant_processing(id)).await
    }

    /// The payload file is gone: it is fetched again, or the command ends.
    pub(super) async fn payload_lost(&mut self, row: &Row) -> Result<(), JournalError> {
        let id = row.entry.id;
        match self.hotel.cloud.read_now(id, READ_AGAIN * 5).await {
            Ok(Some(command)) if !command.state.is_final() => {
                let kept = intake::keep_payload(&self.hotel, &command);
                self.complete(row, kept.map(drop).map_err(Incomplete::from))
                    .await
            }
            Ok(Some(command)) => self.foreign(row, command.state.as_str()).await,
            Ok(None) => {
                let outcome = Outcome::failed(Say::new("PAYLOAD-LOST"));
                self.settle(row, outcome, Staged::default()).await
            }
            Err(error) => {
                self.not_yet(id, &error);
                Ok(())
            }
        }
    }

    /// A bill came without its items or payments: they were fetched before it is begun, or not.
    pub(super) async fn complete(
        &mut self,
        row: &Row,
        fetched: Result<(), Incomplete>,
    ) -> Result<(), JournalError> {
        match fetched {
            Ok(()) => Ok(()),
            Err(Incomplete::Say(say)) => {
                self.settle(row, Outcome::failed(say), Staged::default())
                    .await
            }
            Err(Incomplete::Disk(error)) => Err(JournalError::Payload(error)),
            Err(Incomplete::NotYet(error)) => {
                self.not_yet(row.entry.id, &error);
                Ok(())
            }
        }
    }

    /// Mews does not give a command's data now. Where it answers nothing else either, that is no
    /// fault of the command, and the order stays.
    fn not_yet(&mut self, id: CommandId, error: &CallError) {
        tracing::warn!(command = %id, error = %error, "Data of a command not fetched yet");
        if self.hotel.cloud.budget().pace().outage_for.is_some() {
            return self.is_held(Some("CLOUD-SILENT"));
        }
        let text = "Mews does not give the data of a command that waits here; it is not run yet";
        self.sets_aside(id, text);
    }
}
