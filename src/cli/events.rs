//! `nightporter events`: follows the socket, through the worker where one runs.

use clap::Args;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::context::Context;
use super::exit::Exit;
use super::out::Out;
use super::runtime::{block_on, stop_asked};
use crate::admin::{Client, Heard};
use crate::assemble;
use crate::config::Loaded;
use crate::mews::socket::{Follower, SocketEvent};

/// Follows what Mews announces: DeviceCommand, Reservation, Resource, PriceUpdate
///
/// Through the running worker where there is one, since Mews gives one socket to a token.
#[derive(Debug, Args)]
pub(super) struct Events {
    /// One JSON object a line, for programs
    #[arg(long)]
    json: bool,
}

impl Events {
    pub(super) fn run(self, context: &Context) -> Exit {
        block_on(context, async {
            let stop = stop_asked();
            match self.follow(context, &stop).await {
                Ok(exit) | Err(exit) => exit,
            }
        })
    }

    async fn follow(&self, context: &Context, stop: &CancellationToken) -> Result<Exit, Exit> {
        let journal = context.journal_path()?;
        match context.worker(&journal).await? {
            Some(worker) => self.through(context, &worker, stop).await,
            None => self.alone(context, stop).await,
        }
    }

    async fn through(
        &self,
        context: &Context,
        worker: &Client,
        stop: &CancellationToken,
    ) -> Result<Exit, Exit> {
        let answer = worker.events().await;
        let mut answer = answer.map_err(|error| context.call_failed(&error))?;
        let mut rest = Vec::new();
        loop {
            let piece = tokio::select! {
                biased;
                () = stop.cancelled() => return Ok(Exit::Done),
                piece = answer.chunk() => piece,
            };
            let Ok(Some(piece)) = piece else {
                context.out.remark("the worker has stopped");
                return Ok(Exit::Unavailable);
            };
            rest.extend_from_slice(&piece);
            while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = rest.drain(..=end).collect();
                if let Ok(heard) = serde_json::from_slice::<Heard>(&line) {
                    self.tell(&context.out, &heard);
                }
            }
        }
    }

    async fn alone(&self, context: &Context, stop: &CancellationToken) -> Result<Exit, Exit> {
        let Loaded { config, .. } = context.load()?;
        let dials = assemble::dials(&config).map_err(|error| {
            context.out.remark(error);
            Exit::Config
        })?;
        let (heard, mut all) = mpsc::channel(64);
        for (property, dial) in dials {
            let (tell, mut socket) = mpsc::channel(64);
            let follower = Follower::new(dial, tell, stop.clone(), fastrand::u64(..));
            tokio::spawn(follower.run());
            let heard = heard.clone();
            tokio::spawn(async move {
                while let Some(event) = socket.recv().await {
                    let named = property.clone();
                    let lines = match event {
                        SocketEvent::Up => vec![Heard::Up { property: named }],
                        SocketEvent::Down { why } => vec![Heard::Down {
                            property: named,
                            why: Some(why.to_string()),
                        }],
                        SocketEvent::Events(events) => events
                            .iter()
                            .map(|event| Heard::event(&property, event))
                            .collect(),
                        SocketEvent::Skipped(skipped) => vec![Heard::Missed {
                            lines: skipped.len() as u64,
                        }],
                    };
                    for line in lines {
                        if heard.send(line).await.is_err() {
                            return;
                        }
                    }
                }
            });
        }
        drop(heard);
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => return Ok(Exit::Done),
                heard = all.recv() => match heard {
                    Some(heard) => self.tell(&context.out, &heard),
                    None => return Ok(Exit::Done),
                },
            }
        }
    }

    fn tell(&self, out: &Out, heard: &Heard) {
        match heard {
            Heard::Event { event, .. } if self.json => out.line(event),
            Heard::Event { line, .. } => out.line(line),
            Heard::Up { property } => out.remark(format_args!("{property}: connected")),
            Heard::Down { property, why } => {
                let why = why.as_ref().map(|why| format!(": {why}"));
                let why = why.unwrap_or_default();
                out.remark(format_args!("{property}: not connected{why}"));
            }
            Heard::Missed { lines } => out.remark(format_args!("{lines} events missed")),
        }
    }
}
