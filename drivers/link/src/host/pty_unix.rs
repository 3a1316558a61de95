//! A pseudo-terminal: to the worker it looks like a serial port, without modem lines.
//!
//! The host keeps the port's own end open all the time. So it stays usable when the worker closes
//! and opens it again, it stays in raw mode, and the device never notices: like a printer on a
//! cable, which has no idea whether a program listens. What the device said meanwhile waits in the
//! port, as it does in a real one.

use std::ffi::OsStr;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use driver_sdk::VirtualDevice;
use rustix::fs::{Mode, OFlags, open};
use rustix::io::{FdFlags, fcntl_setfd, ioctl_fionbio, read, write};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{OptionalActions, ioctl_tiocnxcl, tcgetattr, tcsetattr};
use tokio::io::unix::AsyncFd;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tracing::debug;

/// Pause before the next conversation, so that a device that ends each at once does no harm.
const PAUSE: Duration = Duration::from_millis(20);
/// How soon the lock of a killed process is lifted.
const UNLOCK_EVERY: Duration = Duration::from_millis(200);

/// A device on a pseudo-terminal, until its cancellation.
#[derive(Debug)]
pub struct PseudoTerminal {
    path: PathBuf,
    task: JoinHandle<()>,
}

impl PseudoTerminal {
    /// What to open as a serial port.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Waits until the hosting has ended, after its cancellation.
    pub async fn ended(self) {
        // A panic of the device ends the hosting too.
        let _ = self.task.await;
    }
}

/// Hosts a device on a new pseudo-terminal until `cancel`. Must be called inside a runtime.
///
/// # Errors
/// The system has no free pseudo-terminal, or does not let us set it up.
pub fn serve_pty(
    device: Arc<dyn VirtualDevice>,
    cancel: CancellationToken,
) -> io::Result<PseudoTerminal> {
    let host = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY)?;
    fcntl_setfd(&host, FdFlags::CLOEXEC)?;
    grantpt(&host)?;
    unlockpt(&host)?;
    let name = ptsname(&host, Vec::new())?;
    let port = open(
        &*name,
        OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC,
        Mode::empty(),
    )?;
    let mut modes = tcgetattr(&port)?;
    modes.make_raw();
    tcsetattr(&port, OptionalActions::Now, &modes)?;
    ioctl_fionbio(&host, true)?;

    #[expect(
        deprecated,
        reason = "its successor is unsafe, for handles that could be closed under it; this one is \
                  owned, never replaced, and closed after it was deregistered"
    )]
    let host = Arc::new(AsyncFd::new(host)?);
    let path = PathBuf::from(OsStr::from_bytes(name.as_bytes()));
    let task = tokio::spawn(async move {
        tokio::select! {
            () = cancel.cancelled() => {}
            () = converse(device, host) => {}
            () = unlock(port) => {}
        }
    });
    Ok(PseudoTerminal { path, task })
}

async fn converse(device: Arc<dyn VirtualDevice>, host: Arc<AsyncFd<OwnedFd>>) {
    loop {
        let end = HostEnd(Arc::clone(&host));
        match Arc::clone(&device).serve(Box::new(end)).await {
            Ok(()) => debug!("A conversation with a virtual device ended"),
            Err(error) => debug!(%error, "A conversation with a virtual device broke off"),
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// A program that opened the port for itself alone and was killed leaves its lock behind, because
/// we hold the port open; on a real port the last close lifts it.
async fn unlock(port: OwnedFd) {
    loop {
        tokio::time::sleep(UNLOCK_EVERY).await;
        let _ = ioctl_tiocnxcl(&port);
    }
}

/// The device's end of the wire, for one conversation.
#[derive(Debug)]
struct HostEnd(Arc<AsyncFd<OwnedFd>>);

impl AsyncRead for HostEnd {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        loop {
            let mut ready = ready!(self.0.poll_read_ready(context))?;
            let room = into.initialize_unfilled();
            match ready.try_io(|fd| Ok(read(fd.get_ref(), &mut *room)?)) {
                Ok(Ok(n)) => {
                    into.advance(n);
                    return Poll::Ready(Ok(()));
                }
                Ok(Err(error)) => return Poll::Ready(Err(error)),
                Err(_not_yet) => {}
            }
        }
    }
}

impl AsyncWrite for HostEnd {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        loop {
            let mut ready = ready!(self.0.poll_write_ready(context))?;
            match ready.try_io(|fd| Ok(write(fd.get_ref(), bytes)?)) {
                Ok(written) => return Poll::Ready(written),
                Err(_not_yet) => {}
            }
        }
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
