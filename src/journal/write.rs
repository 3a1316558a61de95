//! What may be written: each function is one transaction and one step of a command's life.

use driver_sdk::{CommandId, DeviceName, Staged};
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};
use serde_json::Value;

use super::audit;
use super::core::{Core, Durability, JournalError};
use super::rows::{COLUMNS, NewCommand, PmsState, Row, kind_word, read_row, said_word};
use super::shelf;
use crate::life::{Bookmark, Outcome, OutcomeKind, Said, Stage};

/// What became of an acceptance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Accepted {
    /// It is remembered from now on.
    New,
    /// It was known already: nothing changed.
    Known,
}

/// What the last gate before an effect checks, beside the row.
#[derive(Debug, Clone)]
pub struct Gate {
    /// The shelf's scope.
    pub scope: String,
    /// Now, by the cloud's clock.
    pub now: Timestamp,
    /// What is to be written along.
    pub staged: Staged,
}

/// Why the last gate refused. Nothing was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The command was cancelled.
    Cancelled,
    /// It is too old.
    Expired,
    /// Another device changed a shelf value that this attempt has read.
    ShelfConflict,
    /// The row is not where an attempt can start.
    NotAccepted,
}

/// The step before `Processing` is said, synced: from here on Mews may show it.
pub(super) const SAYING_PROCESSING: &str = "saying Processing";

fn micros(time: Timestamp) -> i64 {
    time.as_microsecond()
}

fn text(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).expect("outcomes and bookmarks are plain data")
}

pub(super) fn row_of(tx: &Connection, id: CommandId) -> rusqlite::Result<Option<Row>> {
    tx.prepare_cached(&format!("SELECT {COLUMNS} FROM commands WHERE id = ?1"))?
        .query_row([id.to_string()], read_row)
        .optional()
}

fn step(
    tx: &Connection,
    id: CommandId,
    at: Timestamp,
    what: &str,
    detail: &str,
) -> rusqlite::Result<()> {
    tx.prepare_cached("INSERT INTO steps (command, at_us, what, detail) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![id.to_string(), micros(at), what, detail])?;
    Ok(())
}

/// The invariant, said where a row is written.
fn must_become(row: &Row, new: &Stage) {
    let (id, old) = (row.entry.id, &row.entry.stage);
    assert!(
        old.may_become(new),
        "{id}: {} cannot become {}",
        old.as_str(),
        new.as_str()
    );
}

fn write_staged(
    tx: &Connection,
    scope: &str,
    id: CommandId,
    now: Timestamp,
    staged: &Staged,
) -> rusqlite::Result<()> {
    for (key, what) in shelf::put_all(tx, scope, staged)? {
        step(tx, id, now, "shelf", &format!("{key}: {what}"))?;
    }
    for (what, record) in &staged.audit {
        audit::append(tx, scope, id, now, what, record)?;
    }
    Ok(())
}

impl Core {
    /// Remembers commands. A known id is nothing new. Not synced: the hotel system announces a
    /// lost one again.
    ///
    /// # Errors
    /// The disk's; then none of them is remembered.
    pub fn accept(
        &mut self,
        commands: &[NewCommand],
        now: Timestamp,
    ) -> Result<Vec<Accepted>, JournalError> {
        self.transact(Durability::Relaxed, |tx| {
            commands
                .iter()
                .map(|command| accept_one(tx, command, now))
                .collect()
        })
    }

    /// Notes when the journal was made, by the cloud's clock; what was noted first stands. Gives
    /// what stands.
    ///
    /// # Errors
    /// The disk's.
    pub fn born(&mut self, at: Timestamp) -> Result<Timestamp, JournalError> {
        let stands = self.transact(Durability::Synced, |tx| {
            tx.execute(
                "UPDATE meta SET value = ?1 WHERE key = 'made_us' AND EXISTS \
                 (SELECT 1 FROM meta WHERE key = 'made_by' AND value = 'pc')",
                [micros(at).to_string()],
            )?;
            tx.execute("UPDATE meta SET value = 'cloud' WHERE key = 'made_by'", [])?;
            tx.query_row("SELECT value FROM meta WHERE key = 'made_us'", [], |row| {
                row.get::<_, String>(0)
            })
        })?;
        let stands = stands.parse().ok();
        Ok(stands
            .and_then(|us| Timestamp::from_microsecond(us).ok())
            .unwrap_or(at))
    }

    /// Writes a trifle and has it synced, as a commit is: a disk that takes notes and cannot sync
    /// lets no device be touched.
    ///
    /// # Errors
    /// The disk's: it cannot.
    pub fn probe(&mut self) -> Result<(), JournalError> {
        self.transact(Durability::Synced, |tx| {
            tx.execute(
                "INSERT INTO meta (key, value) VALUES ('probe', '1') \
                 ON CONFLICT (key) DO UPDATE SET value = CAST(value AS INTEGER) + 1",
                [],
            )
        })?;
        Ok(())
    }

    /// Notes the wish to cancel. True if the command was not begun and the wish is new.
    ///
    /// # Errors
    /// The disk's.
    pub fn request_cancel(
        &mut self,
        id: CommandId,
        by: &str,
        now: Timestamp,
    ) -> Result<bool, JournalError> {
        self.transact(Durability::Relaxed, |tx| {
            let changed = tx.execute(
                "UPDATE commands SET cancel = 1 WHERE id = ?1 AND cancel = 0 \
                 AND stage IN ('accepted', 'committed')",
                [id.to_string()],
            )?;
            if changed > 0 {
                step(tx, id, now, "cancel asked", by)?;
            }
            Ok(changed > 0)
        })
    }

    /// Makes sure that the row is on the disk before `Processing` is said: from then on it is the
    /// command's only memory.
    ///
    /// # Errors
    /// The disk's: then `Processing` must not be said.
    pub fn about_to_say_processing(
        &mut self,
        id: CommandId,
        now: Timestamp,
    ) -> Result<(), JournalError> {
        self.transact(Durability::Synced, |tx| {
            step(tx, id, now, SAYING_PROCESSING, "")
        })
    }

    /// Notes what the hotel system has confirmed. Never goes back.
    ///
    /// # Errors
    /// The disk's.
    pub fn said(&mut self, id: CommandId, said: Said, now: Timestamp) -> Result<(), JournalError> {
        self.transact(Durability::Relaxed, |tx| {
            let Some(row) = row_of(tx, id)? else {
                return Ok(());
            };
            if row.entry.said >= said {
                return Ok(());
            }
            tx.execute(
                "UPDATE commands SET said = ?2 WHERE id = ?1",
                params![id.to_string(), said_word(said)],
            )?;
            step(tx, id, now, "told Mews", said_word(said))
        })
    }

    /// Notes the state last seen in the hotel system.
    ///
    /// # Errors
    /// The disk's.
    pub fn seen_in_pms(&mut self, id: CommandId, state: &PmsState) -> Result<(), JournalError> {
        self.transact(Durability::Relaxed, |tx| {
            tx.execute(
                "UPDATE commands SET pms_state = ?2 WHERE id = ?1",
                params![id.to_string(), state.0],
            )?;
            Ok(())
        })
    }

    /// The last gate and the intent, durable when it returns.
    ///
    /// # Errors
    /// The disk's: then no device may be touched.
    pub fn commit(
        &mut self,
        id: CommandId,
        bookmark: &Value,
        gate: &Gate,
    ) -> Result<Result<u32, Refusal>, JournalError> {
        self.transact(Durability::Synced, |tx| {
            let Some(row) = row_of(tx, id)? else {
                return Ok(Err(Refusal::NotAccepted));
            };
            let Stage::Accepted { attempts } = row.entry.stage else {
                return Ok(Err(Refusal::NotAccepted));
            };
            if row.entry.cancel_requested {
                return Ok(Err(Refusal::Cancelled));
            }
            if row.entry.expires.is_some_and(|expires| expires <= gate.now) {
                return Ok(Err(Refusal::Expired));
            }
            if !shelf::unchanged(tx, &gate.scope, &gate.staged.read)? {
                return Ok(Err(Refusal::ShelfConflict));
            }
            let attempt = attempts + 1;
            must_become(
                &row,
                &Stage::Committed {
                    attempt,
                    bookmark: Bookmark(bookmark.clone()),
                },
            );
            tx.prepare_cached(
                "UPDATE commands SET stage = 'committed', attempt = ?2, bookmark = ?3, \
                 committed_us = ?4 WHERE id = ?1",
            )?
            .execute(params![
                id.to_string(),
                attempt,
                text(bookmark),
                micros(gate.now)
            ])?;
            write_staged(tx, &gate.scope, id, gate.now, &gate.staged)?;
            step(tx, id, gate.now, "committed", &format!("attempt {attempt}"))?;
            Ok(Ok(attempt))
        })
    }

    /// Replaces the bookmark of a running attempt, durable when it returns. A shelf value that
    /// this attempt has read since its last write must still be the same, as at the commit: what
    /// is staged was made from that reading.
    ///
    /// # Errors
    /// The disk's: then the next point of no return must not be passed.
    pub fn checkpoint(
        &mut self,
        id: CommandId,
        bookmark: &Value,
        gate: &Gate,
    ) -> Result<Result<(), Refusal>, JournalError> {
        self.transact(Durability::Synced, |tx| {
            if !shelf::unchanged(tx, &gate.scope, &gate.staged.read)? {
                return Ok(Err(Refusal::ShelfConflict));
            }
            tx.prepare_cached(
                "UPDATE commands SET bookmark = ?2 WHERE id = ?1 AND stage = 'committed'",
            )?
            .execute(params![id.to_string(), text(bookmark)])?;
            write_staged(tx, &gate.scope, id, gate.now, &gate.staged)?;
            step(tx, id, gate.now, "checkpoint", "")?;
            Ok(Ok(()))
        })
    }

    /// Writes what an attempt staged without ending it.
    ///
    /// # Errors
    /// The disk's.
    pub fn stage(&mut self, id: CommandId, gate: &Gate) -> Result<(), JournalError> {
        self.transact(Durability::Relaxed, |tx| {
            write_staged(tx, &gate.scope, id, gate.now, &gate.staged)
        })
    }

    /// The outcome, durable when it returns. False if the row was settled before. What happened
    /// is a fact, so a shelf value that another device has changed since this attempt read it
    /// refuses nothing here: [`Staged::write`] says how the two records go together.
    ///
    /// # Errors
    /// The disk's: the outcome is known but not remembered; try again before anything else.
    pub fn settle(
        &mut self,
        id: CommandId,
        outcome: &Outcome,
        gate: &Gate,
    ) -> Result<bool, JournalError> {
        self.transact(Durability::Synced, |tx| {
            let Some(row) = row_of(tx, id)? else {
                return Ok(false);
            };
            if matches!(row.entry.stage, Stage::Settled(_) | Stage::Reported { .. }) {
                return Ok(false);
            }
            settle_row(tx, &row, outcome, gate.now)?;
            write_staged(tx, &gate.scope, id, gate.now, &gate.staged)?;
            Ok(true)
        })
    }

    /// Proved not to have happened, and another attempt is allowed; or the one marked repeat.
    ///
    /// # Errors
    /// The disk's.
    pub fn back_to_accepted(
        &mut self,
        id: CommandId,
        repeat: bool,
        gate: &Gate,
    ) -> Result<(), JournalError> {
        self.transact(Durability::Synced, |tx| {
            let Some(row) = row_of(tx, id)? else {
                return Ok(());
            };
            must_become(
                &row,
                &Stage::Accepted {
                    attempts: row.attempt,
                },
            );
            tx.execute(
                "UPDATE commands SET stage = 'accepted', bookmark = NULL, \
                 repeat = MAX(repeat, ?2) WHERE id = ?1",
                params![id.to_string(), repeat],
            )?;
            write_staged(tx, &gate.scope, id, gate.now, &gate.staged)?;
            let why = if repeat {
                "in doubt: once more, marked REPEAT"
            } else {
                "did not happen"
            };
            step(tx, id, gate.now, "again", why)
        })
    }

    /// A final state is about to be sent: from here on Mews may know it, and nothing runs again. Gives
    /// the row as it stands; `None`: nothing is to be told of it any more, since a person had it tried
    /// again.
    ///
    /// # Errors
    /// The disk's.
    pub fn about_to_report(&mut self, id: CommandId) -> Result<Option<Row>, JournalError> {
        self.transact(Durability::Relaxed, |tx| {
            let row = row_of(tx, id)?;
            let Some(row) = row.filter(|row| matches!(row.entry.stage, Stage::Settled(_))) else {
                return Ok(None);
            };
            tx.prepare_cached(
                "UPDATE commands SET report_tried = 1 WHERE id = ?1 AND report_tried = 0",
            )?
            .execute([id.to_string()])?;
            Ok(Some(row))
        })
    }

    /// A person asks for a new attempt of a command that ended with nothing done and of which
    /// nothing final was sent or seen in the hotel system. False: one of these is not so.
    ///
    /// # Errors
    /// The disk's.
    pub fn retry(&mut self, id: CommandId, now: Timestamp) -> Result<bool, JournalError> {
        self.transact(Durability::Synced, |tx| {
            let changed = tx.execute(
                "UPDATE commands SET stage = 'accepted', outcome = NULL, outcome_kind = NULL, \
                 settled_us = NULL, bookmark = NULL WHERE id = ?1 AND stage = 'settled' \
                 AND outcome_kind = 'failed' AND report_tried = 0 AND cancel = 0 \
                 AND IFNULL(pms_state, '') NOT IN ('Processed', 'Error', 'Cancelled')",
                [id.to_string()],
            )?;
            if changed > 0 {
                step(tx, id, now, "again", "asked by a person")?;
            }
            Ok(changed > 0)
        })
    }

    /// The hotel system knows: the payload goes now. An unconfirmed one keeps its bookmark.
    ///
    /// # Errors
    /// The disk's: it will be reported again.
    pub fn reported(
        &mut self,
        id: CommandId,
        state: &PmsState,
        note: &str,
        now: Timestamp,
    ) -> Result<(), JournalError> {
        self.transact(Durability::Relaxed, |tx| {
            let Some(row) = row_of(tx, id)? else {
                return Ok(());
            };
            let Stage::Settled(outcome) = &row.entry.stage else {
                return Ok(());
            };
            let doubt = outcome.kind == OutcomeKind::Unconfirmed && row.resolved.is_none();
            tx.execute(
                "UPDATE commands SET stage = 'reported', reported_us = ?2, pms_state = ?3, \
                 note = ?4, doubt = ?5, bookmark = CASE WHEN ?5 THEN bookmark ELSE NULL END \
                 WHERE id = ?1",
                params![id.to_string(), micros(now), state.0, note, doubt],
            )?;
            step(
                tx,
                id,
                now,
                "Mews confirmed",
                &format!("{}: {note}", state.0),
            )
        })?;
        self.payloads.remove(id);
        Ok(())
    }

    /// The device's late evidence, or a person's word, about an unconfirmed command: closes the
    /// doubt and frees the device. What Mews was told stays. False if there is no doubt.
    ///
    /// # Errors
    /// The disk's.
    pub fn resolve(
        &mut self,
        id: CommandId,
        outcome: Option<&Outcome>,
        how: &str,
        gate: &Gate,
    ) -> Result<bool, JournalError> {
        self.transact(Durability::Synced, |tx| {
            let Some(row) = row_of(tx, id)? else {
                return Ok(false);
            };
            let open = match &row.entry.stage {
                Stage::Reported { doubt } => doubt.is_some(),
                Stage::Settled(outcome) => {
                    outcome.kind == OutcomeKind::Unconfirmed && row.resolved.is_none()
                }
                Stage::Accepted { .. } | Stage::Committed { .. } => false,
            };
            if !open {
                return Ok(false);
            }
            // A settled row keeps its outcome until it is reported: that is what Mews is told.
            let reported = matches!(row.entry.stage, Stage::Reported { .. });
            tx.execute(
                "UPDATE commands SET resolved = ?2, doubt = 0, \
                 bookmark = CASE WHEN ?3 THEN NULL ELSE bookmark END WHERE id = ?1",
                params![id.to_string(), how, reported],
            )?;
            if let (true, Some(outcome)) = (reported, outcome) {
                write_outcome(tx, id, outcome)?;
            }
            write_staged(tx, &gate.scope, id, gate.now, &gate.staged)?;
            step(tx, id, gate.now, "resolved", how)?;
            Ok(true)
        })
    }

    /// A plain line of the command's story.
    ///
    /// # Errors
    /// The disk's.
    pub fn tell(
        &mut self,
        id: CommandId,
        what: &str,
        detail: &str,
        now: Timestamp,
    ) -> Result<(), JournalError> {
        self.transact(Durability::Relaxed, |tx| step(tx, id, now, what, detail))
    }

    /// Follows a device that was renamed in the hotel system.
    ///
    /// # Errors
    /// The disk's.
    pub fn retitle(&mut self, device: &DeviceName, title: &str) -> Result<(), JournalError> {
        self.transact(Durability::Relaxed, |tx| {
            tx.execute(
                "UPDATE commands SET device_title = ?2 \
                 WHERE device = ?1 AND stage IN ('accepted', 'committed', 'settled')",
                params![device.as_str(), title],
            )?;
            Ok(())
        })
    }

    /// Forgets reported rows without an open doubt that are older than `before`, and gives their
    /// pages back to the disk. Shelf and audit trail are not touched. Returns how many.
    ///
    /// # Errors
    /// The disk's.
    pub fn purge(&mut self, before: Timestamp) -> Result<usize, JournalError> {
        let gone = self.transact(Durability::Relaxed, |tx| {
            tx.execute(
                "DELETE FROM steps WHERE command IN (SELECT id FROM commands \
                 WHERE stage = 'reported' AND doubt = 0 AND reported_us < ?1)",
                [micros(before)],
            )?;
            tx.execute(
                "DELETE FROM commands \
                 WHERE stage = 'reported' AND doubt = 0 AND reported_us < ?1",
                [micros(before)],
            )
        })?;
        if gone > 0 {
            self.connection.execute_batch("PRAGMA incremental_vacuum")?;
            // Somebody who reads for long keeps the log as it is until the next time: a commit must
            // not wait for that reader.
            self.connection.busy_timeout(std::time::Duration::ZERO)?;
            let emptied = self
                .connection
                .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
            self.connection.busy_timeout(super::open::BUSY)?;
            emptied.optional()?;
        }
        Ok(gone)
    }

    /// Removes the audit lines whose time of keeping is over; the rest stays a chain. Returns how
    /// many.
    ///
    /// # Errors
    /// The disk's.
    pub fn purge_audit(&mut self, before: Timestamp) -> Result<usize, JournalError> {
        self.transact(Durability::Synced, |tx| audit::purge(tx, before))
    }
}

fn accept_one(tx: &Connection, command: &NewCommand, now: Timestamp) -> rusqlite::Result<Accepted> {
    let stage = if command.outcome.is_some() {
        "settled"
    } else {
        "accepted"
    };
    let inserted = tx
        .prepare_cached(
            "INSERT INTO commands (id, property, device, device_title, class, created_us, \
             expires_us, said, local, stage, accepted_us, repeat, outcome, outcome_kind, \
             settled_us) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15) \
             ON CONFLICT (id) DO NOTHING",
        )?
        .execute(params![
            command.id.to_string(),
            command.property,
            command.device.as_str(),
            command.device_title,
            command.class.as_str(),
            micros(command.created),
            command.expires.map(micros),
            said_word(command.said),
            command.local,
            stage,
            micros(now),
            command.repeat,
            command.outcome.as_ref().map(text),
            command.outcome.as_ref().map(kind_word),
            command.outcome.as_ref().map(|_| micros(now)),
        ])?;
    if inserted == 0 {
        return Ok(Accepted::Known);
    }
    step(tx, command.id, now, "accepted", "")?;
    if let Some(outcome) = &command.outcome {
        step(tx, command.id, now, "settled", kind_word(outcome))?;
    }
    Ok(Accepted::New)
}

fn write_outcome(tx: &Connection, id: CommandId, outcome: &Outcome) -> rusqlite::Result<()> {
    tx.prepare_cached(
        "UPDATE commands SET outcome = ?2, outcome_kind = ?3, grade = ?4 WHERE id = ?1",
    )?
    .execute(params![
        id.to_string(),
        text(outcome),
        kind_word(outcome),
        outcome.grade.map(|grade| grade.as_str()),
    ])?;
    Ok(())
}

fn settle_row(
    tx: &Connection,
    row: &Row,
    outcome: &Outcome,
    now: Timestamp,
) -> rusqlite::Result<()> {
    let id = row.entry.id;
    must_become(row, &Stage::Settled(outcome.clone()));
    write_outcome(tx, id, outcome)?;
    // Local work has nobody to be reported to: it rests at once, and a doubt of it stays open.
    let stage = if row.entry.local {
        "reported"
    } else {
        "settled"
    };
    let doubt = row.entry.local && outcome.kind == OutcomeKind::Unconfirmed;
    tx.prepare_cached(
        "UPDATE commands SET stage = ?2, settled_us = ?3, doubt = ?4, \
         reported_us = CASE WHEN local THEN ?3 ELSE NULL END WHERE id = ?1",
    )?
    .execute(params![id.to_string(), stage, micros(now), doubt])?;
    step(tx, id, now, "settled", kind_word(outcome))
}
