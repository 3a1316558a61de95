//! `nightporter version`: what this binary is.

use clap::Args;

use super::context::Context;
use super::exit::Exit;

/// Shows version, licence and the drivers of this build, and its commit where the builder named it
#[derive(Debug, Args)]
pub(super) struct Version {}

/// Set by whoever builds a release; a build from a bare folder does not know it.
const COMMIT: Option<&str> = option_env!("NIGHTPORTER_COMMIT");

impl Version {
    pub(super) fn run(self, context: &Context) -> Exit {
        let commit = COMMIT
            .map(|commit| format!(" (commit {commit})"))
            .unwrap_or_default();
        let drivers: Vec<&str> = context.build.names().collect();
        let out = &context.out;
        out.line(format_args!(
            "nightporter {}{commit}",
            env!("CARGO_PKG_VERSION")
        ));
        out.line(format_args!("licence: {}", env!("CARGO_PKG_LICENSE")));
        out.line(format_args!("drivers: {}", drivers.join(", ")));
        Exit::Done
    }
}
