//! How verbs come to the running worker, and to the command a person means.

use driver_sdk::CommandId;
use std::path::{Path, PathBuf};

use super::context::Context;
use super::exit::Exit;
use super::queue;
use crate::admin::{CallError, Client, NoWorker};
use crate::journal::{Reader, Row};

impl Context {
    /// The worker that runs on the journal of the config; `None`: there is none.
    pub(super) async fn worker(&self, journal: &Path) -> Result<Option<Client>, Exit> {
        match Client::knock(journal).await {
            Ok(client) => Ok(Some(client)),
            Err(NoWorker::NotRunning(_)) => Ok(None),
            Err(error) => {
                self.out.remark(&error);
                Err(match &error {
                    NoWorker::File { cause, .. } => Exit::unreadable(cause, Exit::Unavailable),
                    NoWorker::NotRunning(_) | NoWorker::Unreachable => Exit::Unavailable,
                })
            }
        }
    }

    /// The same, where nothing can be done without.
    pub(super) async fn need_worker(&self) -> Result<Client, Exit> {
        let journal = self.journal_path()?;
        match self.worker(&journal).await? {
            Some(client) => Ok(client),
            None => {
                self.out.remark(NoWorker::NotRunning(journal));
                Err(Exit::Unavailable)
            }
        }
    }

    /// Says why a call had no result.
    pub(super) fn call_failed(&self, error: &CallError) -> Exit {
        self.out.remark(error);
        match error {
            CallError::Refused(_) => Exit::Failed,
            CallError::Odd(_) => Exit::Unavailable,
        }
    }

    /// The one command whose id begins so, and the journal it is in.
    pub(super) fn command(&self, start: &str) -> Result<(PathBuf, CommandId), Exit> {
        let journal = self.journal()?;
        let row = self.one(&journal, start)?;
        Ok((self.journal_path()?, row.entry.id))
    }

    /// The one row whose id begins so.
    pub(super) fn one(&self, journal: &Reader, start: &str) -> Result<Row, Exit> {
        let start = start.trim();
        let found = journal.find(start);
        let mut found = found.map_err(|error| self.journal_failed(&error))?;
        match found.len() {
            0 => {
                let text = format!("no command begins with {start}");
                self.out.remark(text);
                Err(Exit::Failed)
            }
            1 => Ok(found.remove(0)),
            count => {
                self.out
                    .remark(format_args!("{count} commands begin with {start}:"));
                for row in &found {
                    let (id, state) = (row.entry.id, queue::state(row));
                    self.out.remark(format_args!("  {id} {state}"));
                }
                Err(Exit::Failed)
            }
        }
    }
}
