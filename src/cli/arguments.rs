//! From the words on the command line to a verb.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Parser, Subcommand};
use tracing_subscriber::filter::LevelFilter;

use super::context::Context;
use super::exit::Exit;
use super::out::Out;
use super::{
    audit, check, demo, doctor, events, explain, helper, order, queue, run, sandbox, show,
    simulate, status, test, version,
};
use crate::config::Build;
use crate::telemetry;

/// Takes device commands of a hotel from Mews, drives the devices on this PC, each command once,
/// and reports what really happened.
#[derive(Debug, Parser)]
#[command(
    name = "nightporter",
    version,
    propagate_version = false,
    max_term_width = 100
)]
#[command(after_help = "The log goes to standard error; RUST_LOG sets its level (default: info).")]
pub(super) struct Arguments {
    /// The config file [default: ./nightporter.toml, then the system's]
    #[arg(long, global = true, value_name = "PATH")]
    config: Option<PathBuf>,

    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Demo(demo::Demo),
    Run(run::Run),
    Check(check::Check),
    Doctor(doctor::Doctor),
    Queue(queue::Queue),
    Show(show::Show),
    Status(status::Status),
    Resolve(order::Resolve),
    Cancel(order::Cancel),
    Retry(order::Retry),
    Test(test::Test),
    Events(events::Events),
    Sandbox(sandbox::Sandbox),
    Simulate(simulate::Simulate),
    Audit(audit::Audit),
    Explain(explain::Explain),
    Version(version::Version),
    #[command(hide = true)]
    Helper(helper::Helper),
}

/// The whole program, from its arguments (the first is its name) to its exit.
#[must_use]
pub fn main(words: impl IntoIterator<Item = OsString>, build: &Build) -> Exit {
    let arguments = match Arguments::try_parse_from(words) {
        Ok(arguments) => arguments,
        Err(told) => return tell(&told),
    };
    if let Verb::Helper(helper) = arguments.verb {
        // A helper's streams belong to the driver that started it: no log, no prints.
        return helper.run(build);
    }
    // The demo tells its story itself; a log between its lines is for who asks for one.
    let level = if matches!(arguments.verb, Verb::Demo(_)) {
        LevelFilter::ERROR
    } else {
        LevelFilter::INFO
    };
    let redactor = telemetry::start(level);
    let out = Out::terminal(redactor.clone());
    let context = Context {
        build: build.clone(),
        config: arguments.config,
        out,
        redactor,
    };
    arguments.verb.run(&context)
}

impl Verb {
    fn run(self, context: &Context) -> Exit {
        match self {
            Self::Demo(verb) => verb.run(context),
            Self::Run(verb) => verb.run(context),
            Self::Check(verb) => verb.run(context),
            Self::Queue(verb) => verb.run(context),
            Self::Show(verb) => verb.run(context),
            Self::Sandbox(verb) => verb.run(context),
            Self::Simulate(verb) => verb.run(context),
            Self::Status(verb) => verb.run(context),
            Self::Resolve(verb) => verb.run(context),
            Self::Cancel(verb) => verb.run(context),
            Self::Retry(verb) => verb.run(context),
            Self::Test(verb) => verb.run(context),
            Self::Events(verb) => verb.run(context),
            Self::Doctor(verb) => verb.run(context),
            Self::Audit(verb) => verb.run(context),
            Self::Explain(verb) => verb.run(context),
            Self::Version(verb) => verb.run(context),
            Self::Helper(verb) => verb.run(&context.build),
        }
    }
}

/// Help and version were asked for and are answers; the rest is a mistake in the words.
fn tell(told: &clap::Error) -> Exit {
    // A terminal that has gone away has nobody to tell.
    let _ = told.print();
    if told.use_stderr() {
        Exit::Usage
    } else {
        Exit::Done
    }
}
