//! The fiscal audit trail: append-only, each line chained to the one before by its hash.

use driver_sdk::CommandId;
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Transaction, params};
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
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditBreak {
    /// The first line that does not fit.
    pub number: i64,
    /// Why: a line is missing, or its content was changed.
    pub why: &'static str,
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

pub(super) fn append(
    tx: &Transaction<'_>,
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
    let (number, previous) = last.unwrap_or_default();
    let mut line = AuditLine {
        number: number + 1,
        at,
        scope: scope.to_owned(),
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

fn read_line(row: &rusqlite::Row<'_>) -> rusqlite::Result<AuditLine> {
    Ok(AuditLine {
        number: row.get(0)?,
        at: Timestamp::from_microsecond(row.get(1)?).unwrap_or(Timestamp::UNIX_EPOCH),
        scope: row.get(2)?,
        command: row.get(3)?,
        what: row.get(4)?,
        record: row.get(5)?,
        hash: row.get(6)?,
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

/// Walks the whole chain. `Ok(n)`: all n lines hold.
pub(super) fn verify(connection: &Connection) -> rusqlite::Result<Result<i64, AuditBreak>> {
    let mut previous = (0, String::new());
    let mut broken = None;
    each(connection, Timestamp::MIN, Timestamp::MAX, |line| {
        let why = if line.number != previous.0 + 1 {
            Some("a line is missing before it")
        } else if line.hash != hash(&previous.1, &line) {
            Some("its content was changed")
        } else {
            None
        };
        if let (None, Some(why)) = (&broken, why) {
            broken = Some(AuditBreak {
                number: line.number,
                why,
            });
        }
        previous = (line.number, line.hash);
    })?;
    if let Some(broken) = broken {
        return Ok(Err(broken));
    }
    let head: Option<String> = connection
        .query_row("SELECT value FROM meta WHERE key = ?1", [HEAD], |row| {
            row.get(0)
        })
        .optional()?;
    let expected = head.unwrap_or_else(|| "0 ".to_owned());
    if expected != format!("{} {}", previous.0, previous.1) {
        let why = "lines after the last one are missing";
        return Ok(Err(AuditBreak {
            number: previous.0 + 1,
            why,
        }));
    }
    Ok(Ok(previous.0))
}
