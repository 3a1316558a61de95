//! What a verb says to the shell, the service manager and the script that called it.

use std::io;
use std::process::ExitCode;

use crate::journal::OpenError;

/// How a verb ended. The numbers are those of `sysexits.h`, which service managers know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// It did what was asked.
    Done,
    /// It did not, and the reason was said.
    Failed,
    /// The command line cannot be understood.
    Usage,
    /// Something it needs is not there: Mews, a port, a running worker.
    Unavailable,
    /// Something is in the way that goes away: a second worker on one journal.
    TryLater,
    /// This user may not do that.
    NotPermitted,
    /// The config, or the journal it names, must be put right by a person first.
    Config,
    /// A helper's own code, for the driver that started it.
    Helper(u8),
}

impl Exit {
    /// The number.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Unavailable => 69,
            Self::TryLater => 75,
            Self::NotPermitted => 77,
            Self::Config => 78,
            Self::Helper(code) => code,
        }
    }
}

impl Exit {
    /// Why the worker cannot have its journal.
    #[must_use]
    pub fn without_journal(error: &OpenError) -> Self {
        match error {
            OpenError::SecondWorker { .. } => Self::TryLater,
            OpenError::Lost { .. } | OpenError::TooNew { .. } => Self::Config,
            OpenError::Folder { cause, .. } => Self::unreadable(cause, Self::Unavailable),
            OpenError::Sql { .. } => Self::Unavailable,
        }
    }

    /// A file that cannot be had: forbidden to this user, or something else.
    pub(super) fn unreadable(cause: &io::Error, or: Self) -> Self {
        if cause.kind() == io::ErrorKind::PermissionDenied {
            Self::NotPermitted
        } else {
            or
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}
