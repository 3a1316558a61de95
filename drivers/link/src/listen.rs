//! A device that connects to us.
//!
//! The socket is bound by the first dial and kept for the process, so a device that calls between
//! two attempts is not turned away. A device has one line: its newest connection wins, because
//! the old one is usually a half-open rest of a power cut.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use driver_sdk::{Dialer, Port};
use futures_util::future::BoxFuture;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, OnceCell};
use tokio::task::JoinHandle;

use crate::severable::{Knife, Severable};
use crate::target::ListenTarget;

/// The pause after an accept that failed.
const REST: Duration = Duration::from_secs(1);

/// The listeners of this process by their address; a device that is opened anew finds its own.
#[derive(Default)]
pub(crate) struct Listeners(Mutex<HashMap<String, Arc<Listener>>>);

impl Listeners {
    pub fn join(&self, address: &str, target: &ListenTarget) -> Arc<Listener> {
        let mut all = self
            .0
            .lock()
            .expect("no code panics while it holds this lock");
        all.entry(address.to_owned())
            .or_insert_with(|| Arc::new(Listener::new(address, target.clone())))
            .clone()
    }

    pub fn bound(&self, address: &str) -> Option<SocketAddr> {
        let all = self
            .0
            .lock()
            .expect("no code panics while it holds this lock");
        all.get(address)?.bound.get().map(|bound| bound.at)
    }
}

/// One address that devices call.
pub(crate) struct Listener {
    address: String,
    target: ListenTarget,
    bound: OnceCell<Bound>,
}

struct Bound {
    at: SocketAddr,
    desk: Arc<Desk>,
    task: JoinHandle<()>,
}

/// Where callers are handed over.
#[derive(Default)]
struct Desk {
    lines: Mutex<Lines>,
    called: Notify,
}

#[derive(Default)]
struct Lines {
    /// The newest connection, while nobody has taken it.
    waiting: Option<TcpStream>,
    /// The line in use, to be cut when the device calls again.
    in_use: Option<Knife<TcpStream>>,
}

impl Drop for Bound {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Listener {
    fn new(address: &str, target: ListenTarget) -> Self {
        Self {
            address: address.to_owned(),
            target,
            bound: OnceCell::new(),
        }
    }

    async fn bind(&self) -> io::Result<Bound> {
        let socket = TcpListener::bind(self.target.at).await?;
        let at = socket.local_addr()?;
        let desk = Arc::new(Desk::default());
        let task = tokio::spawn(accept(socket, self.target.allow.clone(), desk.clone()));
        tracing::info!(address = %self.address, %at, "Listening for the device");
        Ok(Bound { at, desk, task })
    }

    async fn next(&self) -> io::Result<Box<dyn Port>> {
        let bound = self.bound.get_or_try_init(|| self.bind()).await?;
        loop {
            if let Some(port) = bound.desk.take() {
                return Ok(Box::new(port));
            }
            bound.desk.called.notified().await;
        }
    }
}

impl Desk {
    fn call(&self, stream: TcpStream) {
        let old = {
            let mut lines = self.lines();
            lines.waiting = Some(stream);
            lines.in_use.take()
        };
        if let Some(old) = old {
            old.cut();
        }
        self.called.notify_one();
    }

    fn take(&self) -> Option<Severable<TcpStream>> {
        let mut lines = self.lines();
        let (port, knife) = Severable::pair(lines.waiting.take()?);
        lines.in_use = Some(knife);
        Some(port)
    }

    fn lines(&self) -> MutexGuard<'_, Lines> {
        self.lines
            .lock()
            .expect("no code panics while it holds this lock")
    }
}

async fn accept(socket: TcpListener, allow: Vec<IpAddr>, desk: Arc<Desk>) {
    loop {
        match socket.accept().await {
            Ok((stream, peer)) if allowed(&allow, peer.ip()) => {
                if let Err(cause) = stream.set_nodelay(true) {
                    tracing::debug!(%peer, error = %cause, "Connection was gone at once");
                    continue;
                }
                tracing::info!(%peer, "Device connected");
                desk.call(stream);
            }
            Ok((_, peer)) => {
                tracing::warn!(%peer, "Connection refused: not in `allow=` of the link");
            }
            Err(cause) => {
                // Usually too many open files; a loop without a rest would burn the processor.
                tracing::warn!(error = %cause, "Cannot accept a connection");
                tokio::time::sleep(REST).await;
            }
        }
    }
}

fn allowed(allow: &[IpAddr], peer: IpAddr) -> bool {
    let peer = peer.to_canonical();
    if allow.is_empty() {
        return peer.is_loopback();
    }
    allow.iter().any(|one| one.to_canonical() == peer)
}

/// Takes the next connection of a listener.
pub(crate) struct ListenDialer(pub Arc<Listener>);

impl Dialer for ListenDialer {
    fn dial(&self) -> BoxFuture<'_, io::Result<Box<dyn Port>>> {
        Box::pin(self.0.next())
    }

    fn address(&self) -> &str {
        &self.0.address
    }
}

#[cfg(test)]
mod tests;
