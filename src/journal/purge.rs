//! What is forgotten when its time of keeping is over.

use jiff::Timestamp;
use rusqlite::OptionalExtension;

use super::audit;
use super::core::{Core, Durability, JournalError};
use super::write::micros;

impl Core {
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
