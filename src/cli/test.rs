//! `nightporter test DEVICE`: a harmless proof that a device works, through the worker's queue.

use clap::Args;
use serde_json::json;

use super::context::Context;
use super::exit::Exit;
use super::runtime::block_on;
use crate::admin::TestAnswer;

/// Proves without harm that a device works, through the running worker's queue
#[derive(Debug, Args)]
pub(super) struct Test {
    /// The device, as the config names it
    device: String,
}

impl Test {
    pub(super) fn run(self, context: &Context) -> Exit {
        block_on(context, async {
            match self.ask(context).await {
                Ok(exit) | Err(exit) => exit,
            }
        })
    }

    async fn ask(self, context: &Context) -> Result<Exit, Exit> {
        let worker = context.need_worker().await?;
        let body = json!({ "device": self.device });
        let answer: TestAnswer = worker
            .post("/api/test", &body)
            .await
            .map_err(|error| context.call_failed(&error))?;
        context.out.line(answer.note);
        Ok(if answer.works {
            Exit::Done
        } else {
            Exit::Failed
        })
    }
}
