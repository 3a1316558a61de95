//! What may be written: each function is one transaction and one step of a command's life. An
//! attempt's are in `attempt`, those of what Mews is told in `outbox`.

use driver_sdk::{CommandId, DeviceName};
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use super::core::{Core, Durability, JournalError};
use super::rows::{COLUMNS, NewCommand, Row, kind_word, read_row, said_word};

/// What became of an acceptance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Accepted {
    /// It is remembered from now on.
    New,
    /// It was known already: nothing changed.
    Known,
}

pub(super) fn micros(time: Timestamp) -> i64 {
    time.as_microsecond()
}

pub(super) fn text(value: &impl serde::Serialize) -> String {
    serde_json::to_string(value).expect("outcomes and bookmarks are plain data")
}

pub(super) fn row_of(tx: &Connection, id: CommandId) -> rusqlite::Result<Option<Row>> {
    tx.prepare_cached(&format!("SELECT {COLUMNS} FROM commands WHERE id = ?1"))?
        .query_row([id.to_string()], read_row)
        .optional()
}

/// A line of the command's story.
pub(super) fn step(
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
