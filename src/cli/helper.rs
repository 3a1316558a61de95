//! `nightporter helper NAME`: the child side of a driver's own work, with limits of its own.

use clap::Args;

use super::exit::Exit;
use crate::config::Build;

/// Does a piece of work for a driver; started by the worker, not by people
#[derive(Debug, Args)]
pub(super) struct Helper {
    /// The work
    name: String,
}

impl Helper {
    pub(super) fn run(self, build: &Build) -> Exit {
        let mut verbs = build.kinds.iter().flat_map(|kind| kind.helpers());
        match verbs.find(|verb| verb.name == self.name) {
            Some(verb) => Exit::Helper((verb.run)()),
            None => Exit::Usage,
        }
    }
}
