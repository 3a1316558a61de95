//! `nightporter test DEVICE`: a harmless proof that a device works. Through the worker's queue
//! where one runs; else by itself, with the journal locked meanwhile.

use std::sync::Arc;

use clap::Args;
use driver_sdk::DeviceName;
use serde_json::json;

use super::context::Context;
use super::exit::Exit;
use super::runtime::{block_on, stop_asked};
use crate::admin::{Client, TestAnswer};
use crate::alone::{Tell, test_alone};
use crate::clock::Clock;
use crate::journal::{Core, Journal, Options};
use crate::report::{catalogue, note};
use crate::supervise::works;

/// Proves without harm that a device works; through the running worker's queue where one runs
#[derive(Debug, Args)]
pub(super) struct Test {
    /// The device, as the config names it
    device: String,
}

impl Test {
    pub(super) fn run(self, context: &Context) -> Exit {
        block_on(context, async {
            let journal = match context.journal_path() {
                Ok(journal) => journal,
                Err(exit) => return exit,
            };
            let tested = match context.worker(&journal).await {
                Ok(Some(worker)) => self.through(context, &worker).await,
                Ok(None) => self.alone(context).await,
                Err(exit) => Err(exit),
            };
            match tested {
                Ok(answer) => {
                    context.out.line(answer.note);
                    if answer.works {
                        Exit::Done
                    } else {
                        Exit::Failed
                    }
                }
                Err(exit) => exit,
            }
        })
    }

    async fn through(&self, context: &Context, worker: &Client) -> Result<TestAnswer, Exit> {
        let body = json!({ "device": self.device });
        let answer = worker.post("/api/test", &body).await;
        answer.map_err(|error| context.call_failed(&error))
    }

    async fn alone(&self, context: &Context) -> Result<TestAnswer, Exit> {
        let config = context.load_without_tokens()?.config;
        let (place, now) = (&config.journal.path, Clock::system().pc_time());
        let (core, _) = Core::open(place, Options::default(), now).map_err(|error| {
            context.out.remark(&error);
            Exit::without_journal(&error)
        })?;
        let journal = Journal::inline(core);
        let name = DeviceName::new(&self.device);
        let catalogue = Arc::new(catalogue(context.build.kinds));
        let (out, pages) = (context.out.clone(), catalogue.clone());
        let tell: Tell = Arc::new(move |fault| out.remark(pages.sentence(fault.say())));
        let stop = stop_asked();
        let tested = test_alone(&config, &context.build, &journal, &name, tell, &stop).await;
        let outcome = tested.map_err(|error| {
            context.out.remark(error);
            Exit::Failed
        })?;
        let device = config.devices.iter().find(|device| device.name == name);
        let title = device.map_or_else(|| self.device.clone(), |device| device.mews.to_string());
        Ok(TestAnswer {
            works: works(&outcome),
            note: note(&outcome, &title, &catalogue),
        })
    }
}
