//! The journal beside a running worker: what `queue`, `show`, `audit` ask of it.

use std::path::Path;

use driver_sdk::{CommandId, ShelfRead};
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension};

use super::audit::{self, AuditCheck, AuditLine};
use super::core::JournalError;
use super::open::open_reader;
use super::read::{IN_ORDER, rows};
use super::rows::Row;
use super::shelf;

/// One line of a command's story.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoryStep {
    /// When, by the worker's clock.
    pub at: Timestamp,
    /// What, such as `committed`.
    pub what: String,
    /// More, such as `attempt 1`.
    pub detail: String,
}

/// The journal from outside the worker: read-only, beside a running one too.
#[derive(Debug)]
pub struct Reader {
    connection: Connection,
}

impl Reader {
    /// Opens an existing journal for reading.
    ///
    /// # Errors
    /// It is not there or not readable.
    pub fn open(path: &Path) -> Result<Self, JournalError> {
        Ok(Self {
            connection: open_reader(path)?,
        })
    }

    /// Open commands first, then the `recent` last ended ones, newest last.
    ///
    /// # Errors
    /// The disk's.
    pub fn queue(&self, recent: u32) -> Result<Vec<Row>, JournalError> {
        let mut found = rows(
            &self.connection,
            "stage = 'reported' AND doubt = 0 ORDER BY reported_us DESC, seen DESC LIMIT ?1",
            [recent],
        )?;
        found.reverse();
        let condition = format!("stage != 'reported' OR doubt = 1 {IN_ORDER}");
        found.extend(rows(&self.connection, &condition, [])?);
        Ok(found)
    }

    /// Commands whose id starts so: a person types the first digits.
    ///
    /// # Errors
    /// The disk's.
    pub fn find(&self, start: &str) -> Result<Vec<Row>, JournalError> {
        let like = format!("{}%", start.to_lowercase().replace(['%', '_'], ""));
        Ok(rows(
            &self.connection,
            "id LIKE ?1 ORDER BY seen LIMIT 20",
            [like],
        )?)
    }

    /// The story of a command, oldest first.
    ///
    /// # Errors
    /// The disk's.
    pub fn story(&self, id: CommandId) -> Result<Vec<StoryStep>, JournalError> {
        let steps: rusqlite::Result<Vec<_>> = self
            .connection
            .prepare("SELECT at_us, what, detail FROM steps WHERE command = ?1 ORDER BY rowid")?
            .query_map([id.to_string()], |row| {
                Ok(StoryStep {
                    at: Timestamp::from_microsecond(row.get(0)?).unwrap_or(Timestamp::UNIX_EPOCH),
                    what: row.get(1)?,
                    detail: row.get(2)?,
                })
            })?
            .collect();
        Ok(steps?)
    }

    /// Every audit line of a time: `from` included, `to` excluded.
    ///
    /// # Errors
    /// The disk's.
    pub fn audit(
        &self,
        from: Timestamp,
        to: Timestamp,
        take: impl FnMut(AuditLine),
    ) -> Result<(), JournalError> {
        Ok(audit::each(&self.connection, from, to, take)?)
    }

    /// Walks the audit chain: how far it goes, and where it is broken.
    ///
    /// # Errors
    /// The disk's.
    pub fn verify_audit(&self) -> Result<AuditCheck, JournalError> {
        Ok(audit::verify(&self.connection)?)
    }

    /// A value of a shelf.
    ///
    /// # Errors
    /// The disk's.
    pub fn shelf(&self, scope: &str, key: &str) -> Result<Option<ShelfRead>, JournalError> {
        Ok(shelf::get(&self.connection, scope, key)?)
    }

    /// When the journal was made.
    ///
    /// # Errors
    /// The disk's.
    pub fn made(&self) -> Result<Option<Timestamp>, JournalError> {
        let us: Option<String> = self
            .connection
            .query_row("SELECT value FROM meta WHERE key = 'made_us'", [], |row| {
                row.get(0)
            })
            .optional()?;
        Ok(us
            .and_then(|us| us.parse().ok())
            .and_then(|us| Timestamp::from_microsecond(us).ok()))
    }
}
