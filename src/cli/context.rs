//! What every verb is given, and how it comes to its config.

use std::io;
use std::path::{Path, PathBuf};

use super::exit::Exit;
use super::out::Out;
use crate::config::{self, Build, LoadError, Loaded, StoredSecret, ThisPc, Vault, places};
use crate::journal::{JournalError, Reader};
use crate::telemetry::Redactor;

/// What every verb is given.
#[derive(Debug)]
pub struct Context {
    /// The drivers of this build.
    pub build: Build,
    /// `--config`.
    pub config: Option<PathBuf>,
    /// Where it prints.
    pub out: Out,
    /// What must never be printed or logged.
    pub redactor: Redactor,
}

impl Context {
    /// The config, with its warnings said and its secrets known to the log; or what is wrong,
    /// said, and the exit that follows.
    ///
    /// # Errors
    /// [`Exit::Config`], or [`Exit::NotPermitted`] where the system forbids reading it.
    pub fn load(&self) -> Result<Loaded, Exit> {
        let path = self.config_file()?;
        let loaded = config::load(&path, &self.build, &ThisPc).map_err(|e| self.refused(&e))?;
        self.redactor.learn(loaded.config.secrets());
        for warning in &loaded.warnings {
            self.out.remark(warning);
        }
        Ok(loaded)
    }

    /// The config for what does not speak with Mews: its tokens are neither needed nor read.
    ///
    /// # Errors
    /// As [`Self::load`].
    pub fn load_without_tokens(&self) -> Result<Loaded, Exit> {
        let path = self.config_file()?;
        let loaded = config::load(&path, &self.build, &Tokenless).map_err(|e| self.refused(&e))?;
        for warning in &loaded.warnings {
            self.out.remark(warning);
        }
        Ok(loaded)
    }

    /// The journal that the config names, to look into; it needs no tokens.
    ///
    /// # Errors
    /// As [`Self::load`], and as [`Self::journal_failed`].
    pub fn journal(&self) -> Result<Reader, Exit> {
        let journal = self.journal_path()?;
        match std::fs::metadata(&journal) {
            Ok(_) => Reader::open(&journal).map_err(|error| self.journal_failed(&error)),
            Err(cause) => {
                let place = journal.display();
                self.out.remark(format_args!(
                    "{place}: there is no journal to read (`nightporter run` makes it): {cause}"
                ));
                Err(Exit::unreadable(&cause, Exit::Unavailable))
            }
        }
    }

    /// Where the config says the journal is; it needs no tokens.
    ///
    /// # Errors
    /// As [`Self::load`].
    pub fn journal_path(&self) -> Result<PathBuf, Exit> {
        let path = self.config_file()?;
        let journal = config::load_journal(&path, &self.build, &ThisPc);
        Ok(journal.map_err(|error| self.refused(&error))?.path)
    }

    /// Says that the journal cannot be read, and which exit follows.
    pub fn journal_failed(&self, error: &JournalError) -> Exit {
        let cause = std::error::Error::source(error);
        let cause = cause.map(|cause| format!(": {cause}")).unwrap_or_default();
        self.out.remark(format_args!("{error}{cause}"));
        Exit::Unavailable
    }

    fn config_file(&self) -> Result<PathBuf, Exit> {
        places::config_file(self.config.as_deref(), &ThisPc).map_err(|error| {
            self.out.remark(error);
            Exit::Config
        })
    }

    fn refused(&self, error: &LoadError) -> Exit {
        self.out.remark(error);
        match error {
            LoadError::Unreadable { cause, .. } => Exit::unreadable(cause, Exit::Config),
            LoadError::Rejected(_) => Exit::Config,
        }
    }
}

/// Says of every secret that it is there: no two are the same, none is true.
struct Tokenless;

impl Vault for Tokenless {
    fn variable(&self, name: &str) -> Option<String> {
        Some(format!("not-read-from-{name}"))
    }

    fn secret_file(&self, path: &Path) -> io::Result<StoredSecret> {
        Ok(StoredSecret {
            text: format!("not-read-from-{}", path.display()).into(),
            readable_by_others: false,
        })
    }

    fn plain_file(&self, path: &Path) -> io::Result<Vec<u8>> {
        ThisPc.plain_file(path)
    }
}
