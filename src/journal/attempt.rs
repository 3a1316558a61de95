//! What an attempt writes, from its intent to its outcome.

use driver_sdk::{CommandId, Staged};
use jiff::Timestamp;
use rusqlite::{Connection, params};
use serde_json::Value;

use super::audit;
use super::core::{Core, Durability, JournalError};
use super::rows::{Row, kind_word};
use super::shelf;
use super::write::{micros, row_of, step, text};
use crate::life::{Bookmark, Outcome, OutcomeKind, Stage};

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
