//! `nightporter simulate KIND`: one virtual device on a TCP port or a pseudo-terminal.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use driver_link::host::{serve_pty, serve_tcp};
use driver_sdk::{Simulator, VirtualDevice};
use tokio::net::TcpListener;
use tokio::sync::broadcast::error::RecvError;
use tokio_util::sync::CancellationToken;

use super::context::Context;
use super::exit::Exit;
use super::out::Out;
use super::runtime::{block_on, stop_asked};
use crate::config::{Build, nearest};

/// Puts one virtual device on a TCP port or a pseudo-terminal
///
/// It tells what happens to it line by line, and keeps what it makes in a folder. A line
/// NAME=VALUE on standard input switches a property or a fault while it runs.
#[derive(Debug, Args)]
pub(super) struct Simulate {
    /// What to simulate; without it, the list
    kind: Option<String>,

    /// Where it listens; port 0 takes a free one
    #[arg(
        long,
        value_name = "ADDRESS",
        default_value = "127.0.0.1:0",
        conflicts_with = "pty"
    )]
    listen: SocketAddr,

    /// A pseudo-terminal instead, for a serial: link
    #[arg(long)]
    pty: bool,

    /// Where it keeps what it makes
    #[arg(long, value_name = "FOLDER", default_value = "nightporter-simulate")]
    folder: PathBuf,

    /// A property or a fault from the start; may be repeated
    #[arg(long, value_name = "NAME=VALUE", value_parser = switch)]
    set: Vec<(String, String)>,

    /// Shows what can be switched, and ends
    #[arg(long)]
    switches: bool,
}

fn switch(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write it as NAME=VALUE")?;
    Ok((name.trim().to_owned(), value.trim().to_owned()))
}

impl Simulate {
    pub(super) fn run(self, context: &Context) -> Exit {
        let out = &context.out;
        let Some(kind) = &self.kind else {
            for (name, simulator) in simulators(&context.build) {
                out.line(format_args!("{name:24}{}", simulator.summary()));
            }
            return Exit::Done;
        };
        let Some(simulator) = find(&context.build, kind) else {
            let near = nearest(kind, simulators(&context.build).map(|(name, _)| name));
            let fix = near
                .map(|near| format!("; did you mean `{near}`?"))
                .unwrap_or_default();
            out.remark(format_args!(
                "nothing of the kind `{kind}` can be simulated{fix}"
            ));
            return Exit::Usage;
        };
        if self.switches {
            for switch in simulator.switches() {
                out.line(format_args!("{:24}{}", switch.name, switch.help));
            }
            return Exit::Done;
        }
        if self.pty && !simulator.has_serial_line() {
            out.remark(format_args!(
                "`{kind}` has no serial line; leave out --pty, it listens on a TCP port"
            ));
            return Exit::Usage;
        }
        let device = match simulator.build(self.folder.clone(), &self.set) {
            Ok(device) => device,
            Err(fact) => {
                out.remark(fact);
                return Exit::Usage;
            }
        };
        block_on(context, self.serve(simulator, device, out.clone()))
    }

    async fn serve(
        self,
        simulator: &'static dyn Simulator,
        device: Arc<dyn VirtualDevice>,
        out: Out,
    ) -> Exit {
        let stop = stop_asked();
        tokio::spawn(tell(device.clone(), out.clone()));
        let (switched, remarks) = (device.clone(), out.clone());
        std::thread::spawn(move || listen_to_switches(&*switched, &remarks));
        let place = self.folder.display().to_string();
        let ended = if self.pty {
            on_pseudo_terminal(device, &out, stop).await
        } else {
            on_port(self.listen, simulator, device, &out, stop).await
        };
        match ended {
            Ok(()) => {
                out.line(format_args!("what it made is in {place}"));
                Exit::Done
            }
            Err(cause) => {
                out.remark(format_args!("the device cannot be reached: {cause}"));
                Exit::Unavailable
            }
        }
    }
}

fn simulators(build: &Build) -> impl Iterator<Item = (&'static str, &'static dyn Simulator)> {
    build
        .kinds
        .iter()
        .filter_map(|kind| Some((kind.name(), kind.simulator()?)))
}

fn find(build: &Build, name: &str) -> Option<&'static dyn Simulator> {
    simulators(build)
        .find(|(kind, _)| *kind == name)
        .map(|(_, simulator)| simulator)
}

async fn on_port(
    address: SocketAddr,
    simulator: &'static dyn Simulator,
    device: Arc<dyn VirtualDevice>,
    out: &Out,
    stop: CancellationToken,
) -> std::io::Result<()> {
    let listener = TcpListener::bind(address).await?;
    let link = simulator.link(listener.local_addr()?);
    out.line(format_args!("link = \"{link}\""));
    serve_tcp(listener, device, stop).await
}

async fn on_pseudo_terminal(
    device: Arc<dyn VirtualDevice>,
    out: &Out,
    stop: CancellationToken,
) -> std::io::Result<()> {
    let terminal = serve_pty(device, stop)?;
    out.line(format_args!(
        "link = \"serial:{}\"",
        terminal.path().display()
    ));
    terminal.ended().await;
    Ok(())
}

async fn tell(device: Arc<dyn VirtualDevice>, out: Out) {
    let mut story = device.story();
    loop {
        match story.recv().await {
            Ok(line) => out.line(line),
            Err(RecvError::Lagged(lines)) => out.line(format_args!("({lines} lines missed)")),
            Err(RecvError::Closed) => return,
        }
    }
}

/// On a thread of its own: a read of standard input cannot be given up, and the runtime would wait
/// for it at the end.
fn listen_to_switches(device: &dyn VirtualDevice, out: &Out) {
    let lines = std::io::stdin().lines().map_while(Result::ok);
    for line in lines.filter(|line| !line.trim().is_empty()) {
        let switched = switch(&line).and_then(|(name, value)| device.switch(&name, &value));
        if let Err(fact) = switched {
            out.remark(fact);
        }
    }
}
