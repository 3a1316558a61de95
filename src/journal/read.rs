//! What the worker asks its journal.

use std::collections::BTreeSet;

use driver_sdk::{CommandId, DeviceName, ShelfRead};
use jiff::Timestamp;
use rusqlite::{Connection, params};

use super::core::{Core, JournalError};
use super::outbox::SAYING_PROCESSING;
use super::rows::{COLUMNS, Row, read_row};
use super::shelf;

/// How many commands stand where.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Accepted and not begun.
    pub waiting: u64,
    /// Begun, without a known end.
    pub committed: u64,
    /// Ended, and the hotel system does not know.
    pub unreported: u64,
    /// Reported as unconfirmed, not resolved.
    pub doubts: u64,
}

pub(super) fn rows(
    connection: &Connection,
    condition: &str,
    values: impl rusqlite::Params,
) -> rusqlite::Result<Vec<Row>> {
    connection
        .prepare_cached(&format!("SELECT {COLUMNS} FROM commands WHERE {condition}"))?
        .query_map(values, read_row)?
        .collect()
}

/// True if a row, whose first column is its id, is one of these.
fn is_among(row: &rusqlite::Row<'_>, ids: &BTreeSet<CommandId>) -> rusqlite::Result<bool> {
    if ids.is_empty() {
        return Ok(false);
    }
    let id = row.get_ref(0)?.as_str().ok().and_then(|id| id.parse().ok());
    Ok(id.is_some_and(|id| ids.contains(&id)))
}

/// In order of creation: `CreatedUtc`, then first sight, then id.
pub(super) const IN_ORDER: &str = "ORDER BY created_us, seen, id";

impl Core {
    /// The row of a command.
    ///
    /// # Errors
    /// The disk's.
    pub fn row(&self, id: CommandId) -> Result<Option<Row>, JournalError> {
        Ok(rows(&self.connection, "id = ?1", [id.to_string()])?.pop())
    }

    /// True for ids the journal does not know.
    ///
    /// # Errors
    /// The disk's.
    pub fn unknown(&self, ids: &[CommandId]) -> Result<Vec<CommandId>, JournalError> {
        let mut query = self
            .connection
            .prepare_cached("SELECT 1 FROM commands WHERE id = ?1")?;
        let mut unknown = Vec::new();
        for id in ids {
            if !query.exists([id.to_string()])? {
                unknown.push(*id);
            }
        }
        Ok(unknown)
    }

    /// The first commands in line for a device.
    ///
    /// # Errors
    /// The disk's.
    pub fn waiting(&self, device: &DeviceName, limit: u32) -> Result<Vec<Row>, JournalError> {
        Ok(rows(
            &self.connection,
            &format!("device = ?1 AND stage = 'accepted' {IN_ORDER} LIMIT ?2"),
            params![device.as_str(), limit],
        )?)
    }

    /// The first command in line for a device that is not among these.
    ///
    /// # Errors
    /// The disk's.
    pub fn first_but(
        &self,
        device: &DeviceName,
        but: &BTreeSet<CommandId>,
    ) -> Result<Option<Row>, JournalError> {
        let mut query = self.connection.prepare_cached(&format!(
            "SELECT {COLUMNS} FROM commands WHERE device = ?1 AND stage = 'accepted' {IN_ORDER}"
        ))?;
        let mut waiting = query.query([device.as_str()])?;
        while let Some(row) = waiting.next()? {
            if !is_among(row, but)? {
                return Ok(Some(read_row(row)?));
            }
        }
        Ok(None)
    }

    /// True if Mews was told, or was about to be told, that this PC works on a command.
    ///
    /// # Errors
    /// The disk's.
    pub fn meant_processing(&self, id: CommandId) -> Result<bool, JournalError> {
        Ok(self
            .connection
            .prepare_cached("SELECT 1 FROM steps WHERE command = ?1 AND what = ?2")?
            .exists([id.to_string().as_str(), SAYING_PROCESSING])?)
    }

    /// True while work of this PC itself is in line for a device, or begun.
    ///
    /// # Errors
    /// The disk's.
    pub fn has_local(&self, device: &DeviceName) -> Result<bool, JournalError> {
        // Once for each index of open commands.
        let in_stage = |stage: &str| {
            self.connection
                .prepare_cached(&format!(
                    "SELECT 1 FROM commands WHERE device = ?1 AND stage = '{stage}' AND local = 1"
                ))?
                .exists([device.as_str()])
        };
        Ok(in_stage("accepted")? || in_stage("committed")?)
    }

    /// Commands in line for a device that end without being begun: cancelled or too old.
    ///
    /// # Errors
    /// The disk's.
    pub fn ended_in_line(
        &self,
        device: &DeviceName,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<Row>, JournalError> {
        let in_line = "device = ?1 AND stage = 'accepted'";
        let mut ended = rows(
            &self.connection,
            &format!("{in_line} AND cancel = 1 {IN_ORDER} LIMIT ?2"),
            params![device.as_str(), limit],
        )?;
        ended.extend(rows(
            &self.connection,
            &format!("{in_line} AND cancel = 0 AND expires_us <= ?2 ORDER BY expires_us LIMIT ?3"),
            params![device.as_str(), now.as_microsecond(), limit],
        )?);
        Ok(ended)
    }

    /// Commands in line for a device that were accepted at `until` or before, oldest first; those
    /// accepted after `beyond` too, since only a wrong clock of this PC could have done that. Not
    /// those in `but`: it is not their device that they wait for.
    ///
    /// # Errors
    /// The disk's.
    pub fn waiting_since(
        &self,
        device: &DeviceName,
        until: Timestamp,
        beyond: Timestamp,
        but: &BTreeSet<CommandId>,
        limit: u32,
    ) -> Result<Vec<Row>, JournalError> {
        let mut query = self.connection.prepare_cached(&format!(
            "SELECT {COLUMNS} FROM commands WHERE device = ?1 AND stage = 'accepted' \
             AND (accepted_us <= ?2 OR accepted_us > ?3) ORDER BY accepted_us, seen"
        ))?;
        let mut found = Vec::new();
        let mut waiting = query.query(params![
            device.as_str(),
            until.as_microsecond(),
            beyond.as_microsecond(),
        ])?;
        while let Some(row) = waiting.next()?
            && found.len() < limit as usize
        {
            if !is_among(row, but)? {
                found.push(read_row(row)?);
            }
        }
        Ok(found)
    }

    /// The next moment at which something in a device's line ends by its age.
    ///
    /// # Errors
    /// The disk's.
    pub fn next_expiry(&self, device: &DeviceName) -> Result<Option<Timestamp>, JournalError> {
        let us: Option<i64> = self
            .connection
            .prepare_cached(
                "SELECT MIN(expires_us) FROM commands WHERE device = ?1 AND stage = 'accepted'",
            )?
            .query_row([device.as_str()], |row| row.get(0))?;
        Ok(us.and_then(|us| Timestamp::from_microsecond(us).ok()))
    }

    /// When the command was accepted that waits longest in a device's line; those in `but` do not
    /// wait for their device.
    ///
    /// # Errors
    /// The disk's.
    pub fn longest_wait(
        &self,
        device: &DeviceName,
        but: &BTreeSet<CommandId>,
    ) -> Result<Option<Timestamp>, JournalError> {
        let mut query = self.connection.prepare_cached(
            "SELECT id, accepted_us FROM commands WHERE device = ?1 AND stage = 'accepted' \
             ORDER BY accepted_us",
        )?;
        let mut waiting = query.query([device.as_str()])?;
        while let Some(row) = waiting.next()? {
            if !is_among(row, but)? {
                return Ok(Timestamp::from_microsecond(row.get(1)?).ok());
            }
        }
        Ok(None)
    }

    /// The attempt of a device whose end is not known.
    ///
    /// # Errors
    /// The disk's.
    pub fn committed(&self, device: &DeviceName) -> Result<Vec<Row>, JournalError> {
        let condition = format!("device = ?1 AND stage = 'committed' {IN_ORDER}");
        Ok(rows(&self.connection, &condition, [device.as_str()])?)
    }

    /// Open doubts of a device, reported already or not yet.
    ///
    /// # Errors
    /// The disk's.
    pub fn doubts(&self, device: &DeviceName) -> Result<Vec<Row>, JournalError> {
        let condition = format!(
            "device = ?1 AND (doubt = 1 OR (stage = 'settled' AND \
             outcome_kind = 'unconfirmed' AND resolved IS NULL)) {IN_ORDER}"
        );
        Ok(rows(&self.connection, &condition, [device.as_str()])?)
    }

    /// Commands of a property that ended and that the hotel system does not know of, in the
    /// order they are to be told: errors, then fiscal, payment and key, then the rest by age.
    /// Those in `but` are left out, whatever their number: they are being told already.
    ///
    /// # Errors
    /// The disk's.
    pub fn unreported(
        &self,
        property: &str,
        but: &BTreeSet<CommandId>,
        limit: usize,
    ) -> Result<Vec<Row>, JournalError> {
        let mut query = self.connection.prepare_cached(&format!(
            "SELECT {COLUMNS} FROM commands WHERE property = ?1 AND stage = 'settled' ORDER BY \
             CASE WHEN outcome_kind != 'done' THEN 0 \
             WHEN class IN ('fiscal_machine', 'payment_terminal', 'key_cutter') THEN 1 \
             ELSE 2 END, created_us, seen, id"
        ))?;
        let mut found = Vec::new();
        let mut settled = query.query([property])?;
        while let Some(row) = settled.next()?
            && found.len() < limit
        {
            if !is_among(row, but)? {
                found.push(read_row(row)?);
            }
        }
        Ok(found)
    }

    /// How many results of a property the hotel system does not know of.
    ///
    /// # Errors
    /// The disk's.
    pub fn owed(&self, property: &str) -> Result<usize, JournalError> {
        let count: i64 = self
            .connection
            .prepare_cached(
                "SELECT COUNT(*) FROM commands WHERE property = ?1 AND stage = 'settled'",
            )?
            .query_row([property], |row| row.get(0))?;
        Ok(usize::try_from(count).unwrap_or_default())
    }

    /// Commands of a property without a known end, for the first look after a start.
    ///
    /// # Errors
    /// The disk's.
    pub fn unfinished(&self, property: &str) -> Result<Vec<CommandId>, JournalError> {
        let ids: Result<Vec<String>, rusqlite::Error> = self
            .connection
            .prepare_cached(
                "SELECT id FROM commands WHERE property = ?1 AND local = 0 \
                 AND stage IN ('accepted', 'committed')",
            )?
            .query_map([property], |row| row.get(0))?
            .collect();
        Ok(ids?.iter().filter_map(|id| id.parse().ok()).collect())
    }

    /// Devices that have commands without a known end, each with the property these are of; and those
    /// whose results the hotel system does not know.
    ///
    /// # Errors
    /// The disk's.
    pub fn open_lines(&self) -> Result<Vec<(String, DeviceName)>, JournalError> {
        let mut lines = BTreeSet::new();
        // Once for each index of open commands.
        for stage in ["accepted", "committed", "settled"] {
            let mut query = self.connection.prepare_cached(&format!(
                "SELECT DISTINCT property, device FROM commands WHERE stage = '{stage}'"
            ))?;
            let mut found = query.query([])?;
            while let Some(row) = found.next()? {
                lines.insert((row.get(0)?, DeviceName::new(row.get::<_, String>(1)?)));
            }
        }
        Ok(lines.into_iter().collect())
    }

    /// Every open doubt, of devices that are gone too, the oldest first.
    ///
    /// # Errors
    /// The disk's.
    pub fn every_doubt(&self) -> Result<Vec<Row>, JournalError> {
        let mut found = rows(&self.connection, "doubt = 1", [])?;
        let unreported = "stage = 'settled' AND outcome_kind = 'unconfirmed' AND resolved IS NULL \
                          AND doubt = 0";
        found.extend(rows(&self.connection, unreported, [])?);
        found.sort_by_key(|row| (row.settled_at, row.seen));
        Ok(found)
    }

    /// How many commands of a property stand where.
    ///
    /// # Errors
    /// The disk's.
    pub fn counts(&self, property: &str) -> Result<Counts, JournalError> {
        let count = |condition: &str| -> rusqlite::Result<u64> {
            let count: i64 = self
                .connection
                .prepare_cached(&format!(
                    "SELECT COUNT(*) FROM commands WHERE property = ?1 AND {condition}"
                ))?
                .query_row([property], |row| row.get(0))?;
            Ok(count.unsigned_abs())
        };
        Ok(Counts {
            waiting: count("stage = 'accepted'")?,
            committed: count("stage = 'committed'")?,
            unreported: count("stage = 'settled'")?,
            doubts: count("doubt = 1")?,
        })
    }

    /// How many commands wait in a device's line.
    ///
    /// # Errors
    /// The disk's.
    pub fn in_line(&self, device: &DeviceName) -> Result<u64, JournalError> {
        let count: i64 = self
            .connection
            .prepare_cached(
                "SELECT COUNT(*) FROM commands WHERE device = ?1 AND stage = 'accepted'",
            )?
            .query_row([device.as_str()], |row| row.get(0))?;
        Ok(count.unsigned_abs())
    }

    /// When the oldest outcome was known that the hotel system does not know of.
    ///
    /// # Errors
    /// The disk's.
    pub fn oldest_unreported(&self, property: &str) -> Result<Option<Timestamp>, JournalError> {
        let us: Option<i64> = self
            .connection
            .prepare_cached(
                "SELECT MIN(settled_us) FROM commands WHERE property = ?1 AND stage = 'settled'",
            )?
            .query_row([property], |row| row.get(0))?;
        Ok(us.and_then(|us| Timestamp::from_microsecond(us).ok()))
    }

    /// A value of a shelf.
    ///
    /// # Errors
    /// The disk's.
    pub fn shelf(&self, scope: &str, key: &str) -> Result<Option<ShelfRead>, JournalError> {
        Ok(shelf::get(&self.connection, scope, key)?)
    }
}
