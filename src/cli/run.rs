//! `nightporter run`: the worker, as a service runs it.

use std::sync::Arc;

use clap::Args;

use super::context::Context;
use super::exit::Exit;
use super::runtime::{block_on, stop_asked};
use crate::admin;
use crate::assemble::{AssembleError, assemble};
use crate::config::Loaded;
use crate::journal::Options;
use crate::supervise::{Parts, Worker};

/// Runs the worker until it is told to stop
#[derive(Debug, Args)]
pub(super) struct Run {
    /// Go on although the journal is lost: keys asked for before are not cut, paper is marked
    /// REPEAT
    #[arg(long)]
    new_journal: bool,
}

impl Run {
    pub(super) fn run(self, context: &Context) -> Exit {
        let Loaded { config, .. } = match context.load() {
            Ok(loaded) => loaded,
            Err(exit) => return exit,
        };
        let (kinds, links) = (context.build.kinds, context.build.dials.clone());
        let options = Options {
            new_journal: self.new_journal,
        };
        match assemble(config, kinds, links, options) {
            Ok(parts) => block_on(context, work(context, parts)),
            Err(error) => {
                context.out.remark(chain(&error));
                match &error {
                    AssembleError::Journal(cause) => Exit::without_journal(cause),
                    AssembleError::Network(_) => Exit::Config,
                    AssembleError::Thread(_) => Exit::Unavailable,
                }
            }
        }
    }
}

async fn work(context: &Context, parts: Parts) -> Exit {
    let stop = stop_asked();
    let devices = parts.config.devices.len();
    let (listen, journal) = (parts.config.admin.listen, parts.config.journal.path.clone());
    let worker = match Worker::start(parts) {
        Ok(worker) => Arc::new(worker),
        Err(error) => {
            context.out.remark(error);
            return Exit::Config;
        }
    };
    tracing::info!(devices, "Worker started");
    let admin = admin::open(worker.clone(), listen, &journal).await;
    if let Err(error) = &admin {
        tracing::error!(error = %chain(error), "No admin interface; the worker goes on without");
    }
    let exit = tokio::select! {
        biased;
        () = stop.cancelled() => Exit::Done,
        () = worker.broken() => Exit::Failed,
    };
    tracing::info!("Worker stops");
    worker.stop().await;
    if let Ok(admin) = admin {
        admin.close().await;
    }
    tracing::info!("Worker stopped");
    exit
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        text = format!("{text}: {next}");
        cause = next.source();
    }
    text
}
