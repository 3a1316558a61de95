//! What Mews is about to be told, has been told and has said itself.

use driver_sdk::CommandId;
use jiff::Timestamp;
use rusqlite::params;

use super::core::{Core, Durability, JournalError};
use super::rows::{PmsState, Row, said_word};
use super::write::{micros, row_of, step};
use crate::life::{OutcomeKind, Said, Stage};

/// The step before `Processing` is said, synced: from here on Mews may show it.
pub(super) const SAYING_PROCESSING: &str = "saying Processing";

impl Core {
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
}
