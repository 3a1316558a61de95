//! What a driver may know of a command: the work, the hotel's zone, the job's clock.

use std::fmt;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use crate::bill::FiscalWork;
use crate::fault::Fault;
use crate::personal::Personal;
use crate::vocabulary::{CommandId, DeviceName};

/// One command as its driver sees it. Names no hotel system.
#[derive(Debug, Clone)]
pub struct Job {
    /// The command.
    pub id: CommandId,
    /// The device it is for, as the config file names it.
    pub device: DeviceName,
    /// When it was ordered, by the cloud's clock.
    pub created: Timestamp,
    /// Now, by the cloud's clock: the only wall clock a driver has.
    pub now: Timestamp,
    /// The property's zone; never the PC's.
    pub zone: TimeZone,
    /// This is the one repeat that a setting allows after a doubt; paper must say REPEAT.
    pub repeat: bool,
    /// How many attempts have committed before this one: a fresh key for each.
    pub attempt: u32,
    /// What to do.
    pub work: Work,
}

/// What to do.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Work {
    /// Print a document.
    Print(PrintWork),
    /// Cut keys.
    Key(Box<KeyWork>),
    /// Issue a fiscal document.
    Fiscal(Box<FiscalWork>),
    /// Work of this PC, without a command of the hotel system; never reported to it.
    Local(LocalWork),
}

impl Work {
    /// What kind of work it is, for messages.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Print(_) => "print a document",
            Self::Key(_) => "cut a key",
            Self::Fiscal(_) => "issue a fiscal document",
            Self::Local(LocalWork::Test) => "run a test",
            Self::Local(LocalWork::Z) => "close the fiscal day",
        }
    }

    /// The fault of a driver that was given work of another class.
    #[must_use]
    pub fn wrong(&self) -> Fault {
        Fault::permanent("WRONG-WORK").with("what", self.kind())
    }
}

/// Work without a command of the hotel system.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LocalWork {
    /// A harmless proof that the device works.
    Test,
    /// The fiscal day end.
    Z,
}

/// Print a document.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PrintWork {
    /// Copies asked for, as the hotel system said it: may be zero, negative or absurd.
    pub copies: i64,
    /// The document's type, such as `application/pdf`.
    pub mime: String,
    /// The document.
    pub document: Document,
}

/// A document on this PC's disk, opened only when it is needed.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Document {
    path: PathBuf,
    bytes: u64,
}

impl Document {
    /// A document at a path, of a length in bytes.
    #[must_use]
    pub fn at(path: PathBuf, bytes: u64) -> Self {
        Self { path, bytes }
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its length in bytes.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.bytes
    }

    /// True if it holds nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bytes == 0
    }

    /// The whole document.
    ///
    /// # Errors
    /// `DOCUMENT-UNREADABLE` if the file is missing or cannot be read.
    pub async fn read(&self) -> Result<Vec<u8>, Fault> {
        tokio::fs::read(&self.path)
            .await
            .map_err(|cause| Fault::permanent("DOCUMENT-UNREADABLE").caused_by(cause))
    }
}

impl fmt::Debug for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Document({} bytes)", self.bytes)
    }
}

/// Cut keys for a stay.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct KeyWork {
    /// The encoder in the lock system's terms, typed by the hotel.
    pub encoder: Option<String>,
    /// The lock server's address as staff typed it.
    pub api_url: Option<String>,
    /// The hotel's "Data JSON": JSON inside a string, free form; may hold a password.
    pub data: Option<Personal<String>>,
    /// Cards asked for: may be zero, negative or absurd.
    pub count: i64,
    /// Locks or rooms the key opens, in the lock system's names.
    pub locks: Vec<String>,
    /// Start of the stay.
    pub start: Timestamp,
    /// End of the stay.
    pub end: Timestamp,
    /// The guest's first name.
    pub first_name: Option<Personal<String>>,
    /// The guest's last name.
    pub last_name: Personal<String>,
    /// First name without special characters.
    pub normalized_first_name: Option<Personal<String>>,
    /// Last name without special characters.
    pub normalized_last_name: Option<Personal<String>>,
    /// For mobile keys.
    pub telephone: Option<Personal<String>>,
    /// For mobile keys.
    pub email: Option<Personal<String>>,
    /// The reservation, if the key is for one.
    pub reservation: Option<uuid::Uuid>,
    /// The confirmation number.
    pub reservation_number: Option<String>,
}
