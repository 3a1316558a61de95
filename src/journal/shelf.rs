//! Small durable facts of drivers, versioned so that two devices of one system notice each other.

use std::collections::BTreeMap;

use driver_sdk::{ShelfRead, ShelfWrite, Staged};
use rusqlite::{Connection, OptionalExtension, params};
use serde_json::Value;

/// Writes what an attempt has staged. Returns the keys that another device had changed since the
/// attempt read them, each with what became of it.
pub(super) fn put_all(
    tx: &Connection,
    scope: &str,
    staged: &Staged,
) -> rusqlite::Result<Vec<(String, &'static str)>> {
    let mut met = Vec::new();
    for key in staged.put.keys() {
        let now = get(tx, scope, key)?;
        let value = match staged.write(key, now.as_ref()) {
            Some(ShelfWrite::AsStaged(value)) => value,
            Some(ShelfWrite::Both(value)) => {
                met.push((key.clone(), "both records were kept"));
                value
            }
            Some(ShelfWrite::Theirs) => {
                met.push((key.clone(), "the other device's record was kept"));
                continue;
            }
            None => continue,
        };
        // A value taken off the shelf leaves its version behind, so that a reader notices.
        tx.prepare_cached(
            "INSERT INTO shelf (scope, key, value, version) VALUES (?1, ?2, ?3, 1) \
             ON CONFLICT (scope, key) DO UPDATE SET value = ?3, version = version + 1",
        )?
        .execute(params![scope, key, value.to_string()])?;
    }
    Ok(met)
}

pub(super) fn get(
    connection: &Connection,
    scope: &str,
    key: &str,
) -> rusqlite::Result<Option<ShelfRead>> {
    connection
        .prepare_cached("SELECT value, version FROM shelf WHERE scope = ?1 AND key = ?2")?
        .query_row(params![scope, key], |row| {
            let text: String = row.get(0)?;
            // An unreadable value stays unreadable for its reader: a string is no ledger.
            let value = serde_json::from_str(&text).unwrap_or(Value::String(text));
            Ok(ShelfRead {
                value,
                version: row.get::<_, i64>(1)?.unsigned_abs(),
            })
        })
        .optional()
}

pub(super) fn unchanged(
    tx: &Connection,
    scope: &str,
    read: &BTreeMap<String, u64>,
) -> rusqlite::Result<bool> {
    for (key, version) in read {
        let now = get(tx, scope, key)?.map_or(0, |found| found.version);
        if now != *version {
            return Ok(false);
        }
    }
    Ok(true)
}
