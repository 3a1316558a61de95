//! What a person may order of a command: cancel, retry, resolve. The journal decides; whether a
//! worker runs beside it makes no difference, so the same rules serve a stopped one.

use driver_sdk::{Class, CommandId, DeviceName, Grade, Proof, Say, Staged};
use jiff::Timestamp;
use serde_json::json;

use crate::journal::{Gate, Journal, JournalError, Row};
use crate::life::{Outcome, Stage};

/// What the audit trail calls a person's word about a document in doubt.
pub const DECIDED: &str = "fiscal-decided";

/// Why a person's order was not carried out.
#[derive(Debug, thiserror::Error)]
pub enum OrderError {
    /// No such command.
    #[error("the journal knows no command {0}")]
    Unknown(CommandId),
    /// No such device.
    #[error("the config has no device {0}; `nightporter check` lists those it has")]
    NoDevice(DeviceName),
    /// It does not apply to the command as it stands.
    #[error("{0}")]
    NotNow(String),
    /// The journal.
    #[error("the journal cannot be written; nothing was changed")]
    Journal(#[from] JournalError),
}

/// The row of a command that somebody named.
///
/// # Errors
/// There is none, or the journal.
pub async fn row(journal: &Journal, id: CommandId) -> Result<Row, OrderError> {
    let row = journal.look(move |core| core.row(id)).await?;
    row.ok_or(OrderError::Unknown(id))
}

/// A person cancels a command that is not begun, or wishes a running one to end.
///
/// # Errors
/// [`OrderError`]: nothing was changed.
pub async fn cancel(journal: &Journal, row: &Row, now: Timestamp) -> Result<(), OrderError> {
    let id = row.entry.id;
    let asked = journal
        .with(move |core| core.request_cancel(id, "a person here", now))
        .await?;
    if asked {
        return Ok(());
    }
    let why = match row.entry.stage {
        Stage::Accepted { .. } => "it is being cancelled already",
        Stage::Committed { .. } => {
            "it is begun, and the device knows the wish; wait for how it ends"
        }
        Stage::Settled(_) | Stage::Reported { .. } => {
            "it has ended already; nothing is left to cancel"
        }
    };
    Err(OrderError::NotNow(why.to_owned()))
}

/// A person asks for a new attempt of a command that is proved to have done nothing.
///
/// # Errors
/// [`OrderError`]: nothing was changed.
pub async fn retry(journal: &Journal, row: &Row, now: Timestamp) -> Result<(), OrderError> {
    let id = row.entry.id;
    match &row.entry.stage {
        Stage::Accepted { .. } => return Ok(()),
        Stage::Settled(_) => {
            if journal.with(move |core| core.retry(id, now)).await? {
                return Ok(());
            }
        }
        Stage::Committed { .. } | Stage::Reported { .. } => {}
    }
    Err(OrderError::NotNow(
        "a final state was told to Mews, or something may have happened: look at the device, \
         then send it again from Mews"
            .to_owned(),
    ))
}

/// A person (`by`, as far as it is known) has looked: the doubt is settled, the device is free. Of
/// a fiscal document, that is a line of the audit trail.
///
/// # Errors
/// [`OrderError`]: nothing was changed.
pub async fn resolve(
    journal: &Journal,
    row: &Row,
    happened: bool,
    by: Option<&str>,
    now: Timestamp,
) -> Result<(), OrderError> {
    let id = row.entry.id;
    let what = if happened {
        "happened"
    } else {
        "did not happen"
    };
    let say = Say::new("PERSON-SAYS").with("what", what);
    let outcome = if happened {
        Outcome::done(Proof::new(Grade::Sent, say))
    } else {
        Outcome::failed(say)
    };
    let mut staged = Staged::default();
    if row.entry.class == Class::FiscalMachine {
        let record = json!({
            "device": row.device.as_str(),
            "happened": happened,
            "by": by.unwrap_or("unknown"),
        });
        staged.audit.push((DECIDED.to_owned(), record));
    }
    let gate = Gate {
        scope: String::new(),
        now,
        staged,
    };
    let how = match by {
        Some(by) => format!("{by} says: it {what}"),
        None => format!("a person says: it {what}"),
    };
    let done = journal
        .with(move |core| core.resolve(id, Some(&outcome), &how, &gate))
        .await?;
    if done {
        return Ok(());
    }
    Err(OrderError::NotNow(match row.entry.stage {
        Stage::Committed { .. } => {
            "the device is still being asked; wait for its answer".to_owned()
        }
        Stage::Accepted { .. } | Stage::Settled(_) | Stage::Reported { .. } => {
            "it is not in doubt".to_owned()
        }
    }))
}
