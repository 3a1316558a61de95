//! Virtual devices: product features that follow the protocol sheets by their own parsers.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use serde::{Deserialize, Serialize};
use tokio::sync::broadcast;

use crate::link::Port;

/// Makes virtual devices of one kind.
pub trait Simulator: Sync {
    /// One line for `nightporter simulate --help`.
    fn summary(&self) -> &'static str;

    /// What can be switched, at the start (`--set name=value`) and while it runs.
    fn switches(&self) -> &'static [Switch];

    /// The link address of a device that listens there, as it stands in a config.
    fn link(&self, address: SocketAddr) -> String {
        format!("tcp:{address}")
    }

    /// Whether there are such devices on a serial line; HTTP has none.
    fn has_serial_line(&self) -> bool {
        true
    }

    /// A device that keeps what it makes (pictures, its memory) in a folder.
    ///
    /// # Errors
    /// A sentence: the folder cannot be written, or a switch is unknown.
    fn build(
        &self,
        folder: PathBuf,
        switches: &[(String, String)],
    ) -> Result<Arc<dyn VirtualDevice>, String>;
}

/// Something of a virtual device that can be set from outside: a property or a fault.
#[derive(Debug, Clone, Copy)]
pub struct Switch {
    /// Its name, such as `paper`.
    pub name: &'static str,
    /// Its values and what they do, such as `out | in: the roll is empty or full`.
    pub help: &'static str,
}

/// A device that exists only in memory. It outlives its connections: a new one sees the same
/// paper.
pub trait VirtualDevice: Send + Sync {
    /// One conversation, until the other side hangs up. Conversations of one device may overlap.
    ///
    /// # Errors
    /// The stream's own.
    fn serve(self: Arc<Self>, port: Box<dyn Port>) -> BoxFuture<'static, io::Result<()>>;

    /// Sets a property or a fault, at any time.
    ///
    /// # Errors
    /// A sentence that names what is possible.
    fn switch(&self, name: &str, value: &str) -> Result<(), String>;

    /// What physically exists, in order: what a checker counts.
    fn effects(&self) -> Vec<Effect>;

    /// What happens, as plain lines for people. Never guests' data.
    fn story(&self) -> broadcast::Receiver<String>;
}

/// One thing that physically exists: a cut receipt, a card, a fiscal document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Effect {
    /// What it is: `receipt`, `card`, `document`.
    pub kind: String,
    /// What is on it, for finding the command it belongs to.
    pub content: String,
    /// Further facts, such as rows, the room, the number in the fiscal memory.
    #[serde(default)]
    pub facts: std::collections::BTreeMap<String, String>,
}
