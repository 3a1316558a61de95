//! The fiscal audit trail: append-only, each line chained to the one before by its hash.

use driver_sdk::CommandId;
use jiff::Timestamp;
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension, params};
use serde_json::Value;
use sha2::{Digest, Sha256};

/// One line of the trail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditLine {
    /// 1 for the first; no number is ever left out.
    pub number: i64,
    /// When, by the cloud's clock.
    pub at: Timestamp,
    /// The device's shelf: driver and address.
    pub scope: String,
    /// The command.
    pub command: String,
    /// What happened, such as `document`.
    pub what: String,
    /// The facts as JSON.
    pub record: String,
    /// Of this line and all before it, as hex.
    pub hash: String,
}

/// Where the chain does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuditBreak {
    /// This line does not follow from the one before: it was changed, or the hash of that one.
    Changed(i64),
    /// These lines are gone, the first and the last of them.
    Missing(i64, i64),
    /// The noted end of the chain is not the last line's.
    End(i64),
}

/// What a walk over the whole chain found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditCheck {
    /// Lines up to this one were removed because their time of keeping was over; 0 for none.
    pub removed: i64,
    /// The last line; 0 for none.
    pub last: i64,
    /// Its hash: whoever noted it down can tell later that nothing before it was changed.
    pub hash: String,
    /// Every place where the chain does not hold.
    pub breaks: Vec<AuditBreak>,
}

fn hash(previous: &str, line: &AuditLine) -> String {
    let mut digest = Sha256::new();
    for part in [
        previous,
        &line.number.to_string(),
        &line.at.as_microsecond().to_string(),
        &line.scope,
        &line.command,
        &line.what,
        &line.record,
    ] {
        // The length first, so that no two lines read alike.
        digest.update((part.len() as u64).to_be_bytes());
        digest.update(part.as_bytes());
    }
    hex::encode(digest.finalize())
}

/// The end of the chain is kept a second time, so that a cut at the end is noticed too.
const HEAD: &str = "audit_head";
/// Number and hash of the last line that was removed by its age: where the chain begins now.
const START: &str = "audit_start";

pub(super) fn append(
    tx: &Connection,
    scope: &str,
    command: CommandId,
    at: Timestamp,
    what: &str,
    record: &Value,
) -> rusqlite::Result<()> {
    let last: Option<(i64, String)> = tx
        .query_row(
            "SELECT number, hash FROM audit ORDER BY number DESC LIMIT 1",
            [],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .optional()?;
    let (number, previous) = match last {
        Some(last) => last,
        None => place(tx, START)?,
    };
    // A person's word comes without a device's shelf: it belongs to what the device said before.
    let scope = match scope {
        "" => tx
            .query_row(
                "SELECT scope FROM audit WHERE command = ?1 ORDER BY number DESC LIMIT 1",
                [command.to_string()],
                |row| row.get(0),
            )
            .optional()?
            .unwrap_or_default(),
        known => known.to_owned(),
    };
    let mut line = AuditLine {
        number: number + 1,
        at,
        scope,
        command: command.to_string(),
        what: what.to_owned(),
        record: record.to_string(),
        hash: String::new(),
    };
    line.hash = hash(&previous, &line);
    tx.execute(
        "INSERT INTO audit (number, at_us, scope, command, what, record, hash) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        params![
            line.number,
            line.at.as_microsecond(),
            line.scope,
            line.command,
            line.what,
            line.record,
            line.hash
        ],
    )?;
    tx.execute(
        "INSERT INTO meta (key, value) VALUES (?1, ?2) \
         ON CONFLICT (key) DO UPDATE SET value = ?2",
        (HEAD, format!("{} {}", line.number, line.hash)),
    )?;
    Ok(())
}

/// A line as it stands there; what somebody made unreadable is read as something else, so that its
/// hash tells it.
fn read_line(row: &rusqlite::Row<'_>) -> rusqlite::Result<AuditLine> {
    let text = |column: usize| -> rusqlite::Result<String> {
        Ok(match row.get_ref(column)? {
            ValueRef::Text(bytes) => String::from_utf8_lossy(bytes).into_owned(),
            other @ (ValueRef::Null
            | ValueRef::Integer(_)
            | ValueRef::Real(_)
            | ValueRef::Blob(_)) => format!("{other:?}"),
        })
    };
    let at = row.get_ref(1)?.as_i64().unwrap_or_default();
    Ok(AuditLine {
        number: row.get(0)?,
        at: Timestamp::from_microsecond(at).unwrap_or(Timestamp::UNIX_EPOCH),
        scope: text(2)?,
        command: text(3)?,
        what: text(4)?,
        record: text(5)?,
        hash: text(6)?,
    })
}

/// Gives every line of a time to `take`, in order: `from` included, `to` excluded.
pub(super) fn each(
    connection: &Connection,
    from: Timestamp,
    to: Timestamp,
    mut take: impl FnMut(AuditLine),
) -> rusqlite::Result<()> {
    let mut query = connection.prepare(
        "SELECT number, at_us, scope, command, what, record, hash FROM audit \
         WHERE at_us >= ?1 AND at_us < ?2 ORDER BY number",
    )?;
    let mut rows = query.query(params![from.as_microsecond(), to.as_microsecond()])?;
    while let Some(row) = rows.next()? {
        take(read_line(row)?);
    }
    Ok(())
}

/// A noted number and hash; 0 and nothing if none was noted.
fn place(connection: &Connection, key: &str) -> rusqlite::Result<(i64, String)> {
    let noted: Option<String> = connection
        .query_row("SELECT value FROM meta WHERE key = ?1", [key], |row| {
            row.get(0)
        })
        .optional()?;
    let noted = noted.as_deref().and_then(|noted| noted.split_once(' '));
    Ok(noted.map_or_else(Default::default, |(number, hash)| {
        (number.parse().unwrap_or_default(), hash.to_owned())
    }))
}

/// Walks the whole chain, in one snapshot: a worker may write beside it.
pub(super) fn verify(connection: &Connection) -> rusqlite::Result<AuditCheck> {
    let snapshot = connection.unchecked_transaction()?;
    let mut previous = place(&snapshot, START)?;
    let removed = previous.0;
    let mut breaks = Vec::new();
    each(&snapshot, Timestamp::MIN, Timestamp::MAX, |line| {
        if line.number > previous.0 + 1 {
            // What it follows from is gone, so it cannot be judged itself.
            breaks.push(AuditBreak::Missing(previous.0 + 1, line.number - 1));
        } else if line.hash != hash(&previous.1, &line) {
            breaks.push(AuditBreak::Changed(line.number));
        }
        previous = (line.number, line.hash);
    })?;
    let end = match place(&snapshot, HEAD)? {
        (0, _) => (removed, previous.1.clone()),
        head => head,
    };
    match end.0 - previous.0 {
        0 if end.1 == previous.1 => {}
        1.. => breaks.push(AuditBreak::Missing(previous.0 + 1, end.0)),
        ..=0 => breaks.push(AuditBreak::End(previous.0)),
    }
    Ok(AuditCheck {
        removed,
        last: previous.0,
        hash: previous.1,
        breaks,
    })
}

/// Removes the lines at the beginning that are older than `before`, and notes where the chain
/// begins now. Returns how many.
pub(super) fn purge(tx: &Connection, before: Timestamp) -> rusqlite::Result<usize> {
    let young = "SELECT MIN(number) FROM audit WHERE at_us >= ?1";
    let old: Option<(i64, String)> = tx
        .query_row(
            &format!(
                "SELECT number, hash FROM audit \
                 WHERE number < IFNULL(({young}), 1 + (SELECT MAX(number) FROM audit)) \
                 ORDER BY number DESC LIMIT 1"
            ),
            [before.as_microsecond()],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .optional()?;
    let Some((number, hash)) = old else {
        return Ok(0);
    };
    tx.execute(
        "INSERT INTO meta (key, value) VALUES (?1, ?2) \
         ON CONFLICT (key) DO UPDATE SET value = ?2",
        (START, format!("{number} {hash}")),
    )?;
    tx.execute("DELETE FROM audit WHERE number <= ?1", [number])
}
