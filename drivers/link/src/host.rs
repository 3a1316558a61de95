//! Puts virtual devices on a wire: a TCP port, or a pseudo-terminal where there are any.
//!
//! What the device does is its own; here is only who may talk to it, and when that ends.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use driver_sdk::VirtualDevice;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

#[cfg(unix)]
#[path = "host/pty_unix.rs"]
mod pty;
#[cfg(not(unix))]
#[path = "host/pty_none.rs"]
mod pty;
#[cfg(test)]
mod tests;

pub use pty::{PseudoTerminal, serve_pty};

/// Pause after an accept that failed: out of file handles, most likely.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Hosts a device on a TCP port until `cancel`; then all its connections are closed. Connections
/// may overlap: what a second one meets is the device's own affair.
///
/// # Errors
/// The listener's, if it cannot say where it listens.
pub async fn serve_tcp(
    listener: TcpListener,
    device: Arc<dyn VirtualDevice>,
    cancel: CancellationToken,
) -> io::Result<()> {
    let address = listener.local_addr()?;
    let mut conversations = JoinSet::new();
    loop {
        tokio::select! {
            biased;
            () = cancel.cancelled() => break,
            Some(ended) = conversations.join_next() => match ended {
                Ok(Ok(())) => debug!(%address, "A conversation with a virtual device ended"),
                Ok(Err(error)) => {
                    let error: io::Error = error;
                    debug!(%address, %error, "A conversation with a virtual device broke off");
                }
                Err(error) => warn!(%address, %error, "A virtual device failed"),
            },
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    // Status bytes are single bytes: they must not wait for more.
                    let _ = stream.set_nodelay(true);
                    conversations.spawn(Arc::clone(&device).serve(Box::new(stream)));
                }
                Err(error) => {
                    warn!(%address, %error, "A connection could not be accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            },
        }
    }
    conversations.shutdown().await;
    Ok(())
}
