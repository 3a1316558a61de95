//! What every verb is given, and how it comes to its config.

use std::io;
use std::path::PathBuf;

use super::exit::Exit;
use super::out::Out;
use crate::config::{self, Build, LoadError, Loaded, ThisPc, places};
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
        let path = places::config_file(self.config.as_deref(), &ThisPc).map_err(|error| {
            self.out.remark(error);
            Exit::Config
        })?;
        let loaded = config::load(&path, &self.build, &ThisPc).map_err(|error| {
            self.out.remark(&error);
            match error {
                LoadError::Unreadable { cause, .. }
                    if cause.kind() == io::ErrorKind::PermissionDenied =>
                {
                    Exit::NotPermitted
                }
                LoadError::Unreadable { .. } | LoadError::Rejected(_) => Exit::Config,
            }
        })?;
        self.redactor.learn(loaded.config.secrets());
        for warning in &loaded.warnings {
            self.out.remark(warning);
        }
        Ok(loaded)
    }
}
