//! Opening: schema, migration, the trace of an older journal, the lock.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags, OptionalExtension};

use super::core::Core;
use super::lock::Lock;
use super::payload::Payloads;

/// The schema this build writes.
const SCHEMA: i64 = 1;

/// How long a write waits for another process that holds the file.
pub(super) const BUSY: Duration = Duration::from_secs(5);

/// How to open a journal.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    /// `--new-journal`: go on although the journal is lost.
    pub new_journal: bool,
}

/// What is known of the journal's birth. Commands older than it may have been known to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Found {
    /// When it was made.
    pub made: Timestamp,
    /// That is by the cloud's clock, as commands are dated. Else by this PC's, which may be wrong.
    pub sure: bool,
    /// It stands in place of a lost one (`--new-journal`).
    pub replaced: bool,
    /// It was made just now.
    pub fresh: bool,
}

impl Found {
    /// True for a command this journal does not know and an older one may have begun: created
    /// before this journal, and either that one is lost or somebody said `Received`.
    #[must_use]
    pub fn may_have_been_begun(&self, created: Timestamp, received: bool) -> bool {
        created < self.made && (self.replaced || received)
    }
}

/// Why the journal cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Exit code 75.
    #[error("another worker already runs on {path}; stop it first")]
    SecondWorker {
        /// The journal.
        path: PathBuf,
    },
    /// Exit code 78.
    #[error(
        "{path} is missing or empty, but {id} shows that it was there: is its disk mounted, was it \
         deleted? Bring it back; or go on without it by --new-journal (keys asked for before are \
         not cut, paper is marked REPEAT)"
    )]
    Lost {
        /// The journal.
        path: PathBuf,
        /// The file that remembers it.
        id: PathBuf,
    },
    /// Written by a newer build.
    #[error("{path} was written by a newer Nightporter (schema {found}, this build knows {known})")]
    TooNew {
        /// The journal.
        path: PathBuf,
        /// Its schema.
        found: i64,
        /// Ours.
        known: i64,
    },
    /// A folder or file beside the journal.
    #[error("{path} cannot be written; check the folder and its rights")]
    Folder {
        /// What cannot be written.
        path: PathBuf,
        /// Why.
        #[source]
        cause: io::Error,
    },
    /// SQLite's.
    #[error("{path} cannot be opened as a journal")]
    Sql {
        /// The journal.
        path: PathBuf,
        /// Why.
        #[source]
        cause: rusqlite::Error,
    },
}

impl Core {
    /// Opens or makes the journal of a worker and takes its lock. `now` is the PC's time, used
    /// only as the birth of a new journal.
    ///
    /// # Errors
    /// See [`OpenError`]; nothing was changed then.
    pub fn open(path: &Path, options: Options, now: Timestamp) -> Result<(Self, Found), OpenError> {
        let folder_error = |path: &Path| {
            let path = path.to_owned();
            move |cause| OpenError::Folder { path, cause }
        };
        if let Some(folder) = path
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty())
        {
            std::fs::create_dir_all(folder).map_err(folder_error(folder))?;
        }
        let lock = Lock::take(path)
            .map_err(folder_error(path))?
            .ok_or_else(|| OpenError::SecondWorker {
                path: path.to_owned(),
            })?;
        let id_path = beside(path, ".id");
        let sql = |cause| OpenError::Sql {
            path: path.to_owned(),
            cause,
        };
        // A file without a table is one whose making broke off, or which lost its content.
        let there = path.exists() && has_content(path).map_err(sql)?;
        let trace = id_path.exists();
        if !there && trace && !options.new_journal {
            return Err(OpenError::Lost {
                path: path.to_owned(),
                id: id_path,
            });
        }
        if !path.exists() {
            // A log without its database would be replayed into the new one.
            for leftover in ["-wal", "-shm"] {
                let leftover = beside(path, leftover);
                if leftover.exists() {
                    std::fs::remove_file(&leftover).map_err(folder_error(&leftover))?;
                }
            }
        }
        let connection = Connection::open(path).map_err(sql)?;
        let (found, id) = prepare(&connection, there, trace, now).map_err(|cause| match cause {
            Prepare::Sql(cause) => OpenError::Sql {
                path: path.to_owned(),
                cause,
            },
            Prepare::TooNew(found) => OpenError::TooNew {
                path: path.to_owned(),
                found,
                known: SCHEMA,
            },
        })?;
        if std::fs::read_to_string(&id_path).ok().as_deref() != Some(id.as_str()) {
            std::fs::write(&id_path, &id).map_err(folder_error(&id_path))?;
        }
        let payloads = Payloads::beside(path);
        payloads.create().map_err(folder_error(path))?;
        Ok((Self::new(connection, path, payloads, Some(lock)), found))
    }

    /// Over a connection that is open already (another file system, memory), without a lock.
    ///
    /// # Errors
    /// SQLite's, or a schema of a newer build.
    pub fn over(connection: Connection, path: &Path, now: Timestamp) -> Result<Self, OpenError> {
        let sql = |cause| OpenError::Sql {
            path: path.to_owned(),
            cause,
        };
        let there = schema_of(&connection).map_err(sql)? > 0;
        prepare(&connection, there, there, now).map_err(|cause| match cause {
            Prepare::Sql(cause) => OpenError::Sql {
                path: path.to_owned(),
                cause,
            },
            Prepare::TooNew(found) => OpenError::TooNew {
                path: path.to_owned(),
                found,
                known: SCHEMA,
            },
        })?;
        let payloads = Payloads::beside(path);
        payloads.create().map_err(|cause| OpenError::Folder {
            path: path.to_owned(),
            cause,
        })?;
        Ok(Self::new(connection, path, payloads, None))
    }
}

impl Core {
    /// The same journal once more, for looking only.
    pub(super) fn window(&self) -> rusqlite::Result<Self> {
        let connection = open_reader(self.path())?;
        connection.pragma_update(None, "cache_size", -256)?;
        remember_statements(&connection)?;
        Ok(Self::new(
            connection,
            self.path(),
            self.payloads().clone(),
            None,
        ))
    }
}

/// All that the worker says, each prepared once: without the second line `SQLite` prepares every
/// statement anew whose parameters might suit another index this time.
fn remember_statements(connection: &Connection) -> rusqlite::Result<()> {
    connection.set_prepared_statement_cache_capacity(64);
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    Ok(())
}

/// A second, read-only connection: beside a running worker too.
pub(super) fn open_reader(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(Duration::from_secs(2))?;
    Ok(connection)
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

enum Prepare {
    Sql(rusqlite::Error),
    TooNew(i64),
}

impl From<rusqlite::Error> for Prepare {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sql(error)
    }
}

fn has_content(path: &Path) -> rusqlite::Result<bool> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(BUSY)?;
    Ok(schema_of(&connection)? > 0)
}

fn schema_of(connection: &Connection) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}

fn prepare(
    connection: &Connection,
    there: bool,
    trace: bool,
    now: Timestamp,
) -> Result<(Found, String), Prepare> {
    connection.busy_timeout(BUSY)?;
    remember_statements(connection)?;
    let schema = schema_of(connection)?;
    if schema > SCHEMA {
        return Err(Prepare::TooNew(schema));
    }
    if schema == 0 {
        // Only before the first table can the file be told to shrink again.
        connection.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
    }
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "secure_delete", "ON")?;
    connection.pragma_update(None, "foreign_keys", "ON")?;
    connection.pragma_update(None, "cache_size", -1024)?;
    connection.pragma_update(None, "journal_size_limit", 4 << 20)?;
    // In pages. It is moved home earlier, while nobody asks; this is for a rush that never pauses.
    connection.pragma_update(None, "wal_autocheckpoint", 4000)?;
    if schema == 0 {
        let id = uuid::Uuid::new_v4();
        connection.execute_batch(&format!("BEGIN IMMEDIATE;{SCHEMA_1}"))?;
        connection.execute(
            "INSERT INTO meta (key, value) VALUES ('id', ?1), ('made_us', ?2), ('replaced', ?3), \
             ('made_by', 'pc')",
            (
                id.to_string(),
                now.as_microsecond().to_string(),
                (trace && !there).to_string(),
            ),
        )?;
        connection.pragma_update(None, "user_version", SCHEMA)?;
        connection.execute_batch("COMMIT")?;
    }
    let value = |key: &str| -> rusqlite::Result<Option<String>> {
        connection
            .query_row("SELECT value FROM meta WHERE key = ?1", [key], |row| {
                row.get(0)
            })
            .optional()
    };
    let id = value("id")?.unwrap_or_default();
    let made = value("made_us")?
        .and_then(|us| us.parse().ok())
        .and_then(|us| Timestamp::from_microsecond(us).ok())
        .unwrap_or(now);
    let replaced = value("replaced")?.as_deref() == Some("true");
    let found = Found {
        made,
        // Journals of builds that did not ask the cloud say nothing here, and are believed.
        sure: value("made_by")?.as_deref() != Some("pc"),
        replaced,
        fresh: schema == 0,
    };
    Ok((found, id))
}

const SCHEMA_1: &str = "
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE commands (
    seen INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    property TEXT NOT NULL,
    device TEXT NOT NULL,
    device_title TEXT NOT NULL,
    class TEXT NOT NULL,
    created_us INTEGER NOT NULL,
    expires_us INTEGER,
    cancel INTEGER NOT NULL DEFAULT 0,
    said TEXT NOT NULL DEFAULT 'nothing',
    local INTEGER NOT NULL DEFAULT 0,
    stage TEXT NOT NULL,
    attempt INTEGER NOT NULL DEFAULT 0,
    bookmark TEXT,
    outcome TEXT,
    outcome_kind TEXT,
    grade TEXT,
    accepted_us INTEGER NOT NULL,
    committed_us INTEGER,
    settled_us INTEGER,
    reported_us INTEGER,
    repeat INTEGER NOT NULL DEFAULT 0,
    pms_state TEXT,
    note TEXT,
    resolved TEXT,
    doubt INTEGER NOT NULL DEFAULT 0,
    report_tried INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX commands_open ON commands (device, created_us, seen) WHERE stage = 'accepted';
CREATE INDEX commands_expiry ON commands (device, expires_us) WHERE stage = 'accepted';
CREATE INDEX commands_wait ON commands (device, accepted_us) WHERE stage = 'accepted';
CREATE INDEX commands_cancelled ON commands (device) WHERE stage = 'accepted' AND cancel = 1;
CREATE INDEX commands_committed ON commands (device) WHERE stage = 'committed';
CREATE INDEX commands_settled ON commands (property) WHERE stage = 'settled';
CREATE INDEX commands_doubt ON commands (device) WHERE doubt = 1;
CREATE INDEX commands_reported ON commands (reported_us) WHERE stage = 'reported';
CREATE TABLE steps (
    command TEXT NOT NULL,
    at_us INTEGER NOT NULL,
    what TEXT NOT NULL,
    detail TEXT NOT NULL DEFAULT ''
);
CREATE INDEX steps_command ON steps (command);
CREATE TABLE shelf (
    scope TEXT NOT NULL,
    key TEXT NOT NULL,
    value TEXT NOT NULL,
    version INTEGER NOT NULL,
    PRIMARY KEY (scope, key)
) WITHOUT ROWID;
CREATE TABLE audit (
    number INTEGER PRIMARY KEY,
    at_us INTEGER NOT NULL,
    scope TEXT NOT NULL,
    command TEXT NOT NULL,
    what TEXT NOT NULL,
    record TEXT NOT NULL,
    hash TEXT NOT NULL
);
";
