//! Rows as values.

use std::str::FromStr;

use driver_sdk::{Class, CommandId, DeviceName};
use jiff::Timestamp;
use rusqlite::types::Type;

use crate::life::{Bookmark, Entry, Outcome, OutcomeKind, Said, Stage};

/// The state a command has in the hotel system, as last seen or confirmed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PmsState(pub String);

/// A command to be remembered from now on.
#[derive(Debug, Clone)]
pub struct NewCommand {
    /// The command.
    pub id: CommandId,
    /// `[property.NAME]`; empty for local work.
    pub property: String,
    /// `[device.NAME]`.
    pub device: DeviceName,
    /// The device's name in the hotel system, for notes.
    pub device_title: String,
    /// The device's class.
    pub class: Class,
    /// When it was ordered.
    pub created: Timestamp,
    /// From when on it is too old.
    pub expires: Option<Timestamp>,
    /// What the hotel system calls it now.
    pub said: Said,
    /// Work of this PC.
    pub local: bool,
    /// Paper must be marked REPEAT: the journal it was known to is lost.
    pub repeat: bool,
    /// It ends here, before any attempt: unreadable data, too old, a lost journal.
    pub outcome: Option<Outcome>,
}

impl NewCommand {
    /// Work of this PC for a device, ordered now.
    #[must_use]
    pub fn local(
        property: &str,
        device: &DeviceName,
        device_title: String,
        class: Class,
        now: Timestamp,
    ) -> Self {
        Self {
            id: CommandId::local(),
            property: property.to_owned(),
            device: device.clone(),
            device_title,
            class,
            created: now,
            expires: None,
            said: Said::Nothing,
            local: true,
            repeat: false,
            outcome: None,
        }
    }
}

/// A command of the journal.
#[derive(Debug, Clone)]
pub struct Row {
    /// What [`crate::life::next`] looks at; `has_the_device` is the lane's to set.
    pub entry: Entry,
    /// `[property.NAME]`; empty for local work.
    pub property: String,
    /// `[device.NAME]`.
    pub device: DeviceName,
    /// The device's name in the hotel system.
    pub device_title: String,
    /// When it was ordered.
    pub created: Timestamp,
    /// Order of first sight.
    pub seen: i64,
    /// When it was accepted, by the worker's clock.
    pub accepted_at: Timestamp,
    /// When the last attempt committed.
    pub committed_at: Option<Timestamp>,
    /// When the outcome was known.
    pub settled_at: Option<Timestamp>,
    /// When the hotel system confirmed it.
    pub reported_at: Option<Timestamp>,
    /// How it ended, also after the report; a resolved doubt tells the truth here.
    pub outcome: Option<Outcome>,
    /// What the driver noted in the last attempt, while it may still be asked for.
    pub bookmark: Option<Bookmark>,
    /// The last attempt's number, 0 before the first.
    pub attempt: u32,
    /// This is (or its next attempt will be) the one marked repeat.
    pub repeat: bool,
    /// The last state seen in the hotel system.
    pub pms_state: Option<PmsState>,
    /// The note as it was told.
    pub note: Option<String>,
    /// How a person resolved a doubt.
    pub resolved: Option<String>,
}

pub(super) const COLUMNS: &str = "id, property, device, device_title, class, created_us, \
     expires_us, cancel, said, local, stage, attempt, bookmark, outcome, accepted_us, \
     committed_us, settled_us, reported_us, repeat, pms_state, note, resolved, doubt, seen";

fn bad(column: usize, what: &str) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, Type::Text, what.to_owned().into())
}

fn time(row: &rusqlite::Row<'_>, column: usize) -> rusqlite::Result<Option<Timestamp>> {
    row.get::<_, Option<i64>>(column)?
        .map(|us| Timestamp::from_microsecond(us).map_err(|_| bad(column, "a time out of range")))
        .transpose()
}

fn word<T: FromStr>(row: &rusqlite::Row<'_>, column: usize) -> rusqlite::Result<T> {
    row.get_ref(column)?
        .as_str()
        .ok()
        .and_then(|text| text.parse().ok())
        .ok_or_else(|| bad(column, "an unknown word"))
}

fn json<T: serde::de::DeserializeOwned>(
    row: &rusqlite::Row<'_>,
    column: usize,
) -> rusqlite::Result<Option<T>> {
    row.get::<_, Option<String>>(column)?
        .map(|text| serde_json::from_str(&text).map_err(|_| bad(column, "unreadable JSON")))
        .transpose()
}

/// The word of a [`Said`].
pub(super) fn said_word(said: Said) -> &'static str {
    match said {
        Said::Nothing => "nothing",
        Said::Received => "received",
        Said::Processing => "processing",
    }
}

pub(super) fn read_row(row: &rusqlite::Row<'_>) -> rusqlite::Result<Row> {
    let attempt: u32 = row.get(11)?;
    let bookmark: Option<Bookmark> = json(row, 12)?;
    let outcome: Option<Outcome> = json(row, 13)?;
    let doubt: bool = row.get(22)?;
    let stage = match row.get_ref(10)?.as_str().unwrap_or_default() {
        "accepted" => Stage::Accepted { attempts: attempt },
        "committed" => Stage::Committed {
            attempt,
            bookmark: bookmark
                .clone()
                .ok_or_else(|| bad(12, "a committed row without a bookmark"))?,
        },
        "settled" => Stage::Settled(
            outcome
                .clone()
                .ok_or_else(|| bad(13, "a settled row without an outcome"))?,
        ),
        "reported" => {
            let doubt = doubt.then(|| {
                bookmark
                    .clone()
                    .unwrap_or(Bookmark(serde_json::Value::Null))
            });
            Stage::Reported { doubt }
        }
        _ => return Err(bad(10, "an unknown stage")),
    };
    let said = match row.get_ref(8)?.as_str().unwrap_or_default() {
        "received" => Said::Received,
        "processing" => Said::Processing,
        _ => Said::Nothing,
    };
    let created = time(row, 5)?.ok_or_else(|| bad(5, "no time"))?;
    Ok(Row {
        entry: Entry {
            id: word::<CommandId>(row, 0)?,
            class: word::<Class>(row, 4)?,
            stage,
            expires: time(row, 6)?,
            cancel_requested: row.get(7)?,
            said,
            local: row.get(9)?,
            has_the_device: false,
        },
        property: row.get(1)?,
        device: DeviceName::new(row.get::<_, String>(2)?),
        device_title: row.get(3)?,
        created,
        seen: row.get(23)?,
        accepted_at: time(row, 14)?.ok_or_else(|| bad(14, "no time"))?,
        committed_at: time(row, 15)?,
        settled_at: time(row, 16)?,
        reported_at: time(row, 17)?,
        outcome,
        bookmark,
        attempt,
        repeat: row.get(18)?,
        pms_state: row.get::<_, Option<String>>(19)?.map(PmsState),
        note: row.get(20)?,
        resolved: row.get(21)?,
    })
}

/// The word of an outcome's kind, for its column.
pub(super) fn kind_word(outcome: &Outcome) -> &'static str {
    let word = outcome.kind.as_str();
    debug_assert_eq!(OutcomeKind::parse(word), Some(outcome.kind));
    word
}
