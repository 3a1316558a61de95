//! `nightporter cancel`, `retry` and `resolve`: a person's orders about one command. Through the
//! running worker; on the journal itself where none runs.

use clap::{Args, ValueEnum};
use driver_sdk::CommandId;
use serde_json::{Value, json};

use super::context::Context;
use super::exit::Exit;
use super::runtime::block_on;
use crate::clock::Clock;
use crate::journal::{Core, Journal, Options};
use crate::orders;

/// Cancels a command that is not begun, or asks a running one to end
#[derive(Debug, Args)]
pub(super) struct Cancel {
    /// The command's id, or its first digits as `queue` shows them
    id: String,
}

/// Tries a command again that did nothing and of which Mews was told nothing
#[derive(Debug, Args)]
pub(super) struct Retry {
    /// The command's id, or its first digits as `queue` shows them
    id: String,
}

/// Settles a doubt: somebody has looked, the device is free again
#[derive(Debug, Args)]
pub(super) struct Resolve {
    /// The command's id, or its first digits as `queue` shows them
    id: String,
    /// What was found
    #[arg(value_enum)]
    what: What,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum What {
    /// The paper, the card, the document or the payment exists
    Happened,
    /// It does not exist
    DidNotHappen,
}

#[derive(Debug, Clone, Copy)]
enum Order {
    Cancel,
    Retry,
    Resolve(bool),
}

impl Cancel {
    pub(super) fn run(self, context: &Context) -> Exit {
        carry_out(context, &self.id, Order::Cancel)
    }
}

impl Retry {
    pub(super) fn run(self, context: &Context) -> Exit {
        carry_out(context, &self.id, Order::Retry)
    }
}

impl Resolve {
    pub(super) fn run(self, context: &Context) -> Exit {
        let happened = self.what == What::Happened;
        carry_out(context, &self.id, Order::Resolve(happened))
    }
}

fn carry_out(context: &Context, start: &str, order: Order) -> Exit {
    block_on(context, async {
        match give(context, start, order).await {
            Ok(exit) | Err(exit) => exit,
        }
    })
}

async fn give(context: &Context, start: &str, order: Order) -> Result<Exit, Exit> {
    let (journal, id) = context.command(start)?;
    if let Some(worker) = context.worker(&journal).await? {
        let (path, body) = match order {
            Order::Cancel => ("/api/cancel", json!({ "id": id })),
            Order::Retry => ("/api/retry", json!({ "id": id })),
            Order::Resolve(happened) => (
                "/api/resolve",
                json!({ "id": id, "happened": happened, "by": person() }),
            ),
        };
        let done = worker.post::<Value>(path, &body).await;
        done.map_err(|error| context.call_failed(&error))?;
        context.out.line(said(id, order));
        return Ok(Exit::Done);
    }
    let now = Clock::system().pc_time();
    let (core, _) = Core::open(&journal, Options::default(), now).map_err(|error| {
        context.out.remark(&error);
        Exit::without_journal(&error)
    })?;
    let journal = Journal::inline(core);
    let done = async {
        let row = orders::row(&journal, id).await?;
        match order {
            Order::Cancel => orders::cancel(&journal, &row, now).await,
            Order::Retry => orders::retry(&journal, &row, now).await,
            Order::Resolve(happened) => {
                let by = person();
                orders::resolve(&journal, &row, happened, by.as_deref(), now).await
            }
        }
    };
    done.await.map_err(|error| {
        context.out.remark(error);
        Exit::Failed
    })?;
    context.out.line(said(id, order));
    context
        .out
        .line("No worker runs; it goes on from there when it is started.");
    Ok(Exit::Done)
}

/// Who is logged in on this PC.
fn person() -> Option<String> {
    let name = ["USER", "USERNAME"]
        .into_iter()
        .find_map(|name| std::env::var(name).ok());
    let name: String = name?.chars().filter(|c| !c.is_control()).take(60).collect();
    (!name.is_empty()).then_some(name)
}

fn said(id: CommandId, order: Order) -> String {
    match order {
        Order::Cancel => format!("{id}: it is being cancelled; `show` tells how it ended"),
        Order::Retry => format!("{id}: it is tried again"),
        Order::Resolve(true) => format!("{id}: settled, it happened; the device is free"),
        Order::Resolve(false) => format!("{id}: settled, it did not happen; the device is free"),
    }
}
