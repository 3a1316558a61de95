//! Connections that can be broken: a listener whose streams the sandbox may reset at any moment,
//! and which can refuse everybody, as a host that is down.

use std::{
    io,
    net::SocketAddr,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

/// Whether the host is up, and the means to break all its connections.
#[derive(Debug, Clone, Default)]
pub(super) struct Host {
    down: Arc<AtomicBool>,
    links: Arc<std::sync::Mutex<CancellationToken>>,
}

impl Host {
    /// Resets every connection and, from now on, every new one.
    pub(super) fn go_down(&self) {
        self.down.store(true, Ordering::SeqCst);
        self.break_all();
    }

    /// Accepts connections again.
    pub(super) fn come_back(&self) {
        self.down.store(false, Ordering::SeqCst);
    }

    /// Resets every open connection.
    pub(super) fn break_all(&self) {
        let mut links = self
            .links
            .lock()
            .expect("nothing panics while it holds the links");
        std::mem::take(&mut *links).cancel();
    }

    /// A connection that needs no network; `None` while the host is down.
    pub(super) fn connect(&self) -> Option<Link> {
        (!self.down.load(Ordering::SeqCst)).then(|| self.new_link())
    }

    fn new_link(&self) -> Link {
        let links = self
            .links
            .lock()
            .expect("nothing panics while it holds the links");
        Link(links.child_token())
    }
}

/// The means to break one connection.
#[derive(Debug, Clone)]
pub(super) struct Link(CancellationToken);

impl Link {
    /// Resets the connection; nothing more is read or written.
    pub(super) fn reset(&self) {
        self.0.cancel();
    }

    /// Whether it is broken.
    pub(super) fn is_broken(&self) -> bool {
        self.0.is_cancelled()
    }

    /// Returns when the connection is broken.
    pub(super) async fn broken(&self) {
        self.0.cancelled().await;
    }
}

/// The listener behind axum's.
#[derive(Debug)]
pub(super) struct Door {
    pub(super) listener: TcpListener,
    pub(super) host: Host,
}

impl axum::serve::Listener for Door {
    type Io = Stream;
    type Addr = Link;

    async fn accept(&mut self) -> (Stream, Link) {
        loop {
            let Ok((stream, peer)) = self.listener.accept().await else {
                // Out of descriptors, most likely: others must end first.
                tokio::time::sleep(Duration::from_millis(20)).await;
                continue;
            };
            if !is_local(peer) || self.host.down.load(Ordering::SeqCst) {
                // A host that is down resets; the result is only about how quickly.
                let _ = stream.set_zero_linger();
                continue;
            }
            let _ = stream.set_nodelay(true);
            let link = self.host.new_link();
            let broken = Box::pin(link.0.clone().cancelled_owned());
            return (
                Stream {
                    stream,
                    broken,
                    is_broken: false,
                },
                link,
            );
        }
    }

    fn local_addr(&self) -> io::Result<Link> {
        Ok(self.host.new_link())
    }
}

fn is_local(peer: SocketAddr) -> bool {
    peer.ip().to_canonical().is_loopback()
}

impl axum::extract::connect_info::Connected<axum::serve::IncomingStream<'_, Door>> for Link {
    fn connect_info(stream: axum::serve::IncomingStream<'_, Door>) -> Self {
        stream.remote_addr().clone()
    }
}

/// A TCP stream that fails, and resets its peer, as soon as its link is broken.
#[derive(Debug)]
pub(super) struct Stream {
    stream: TcpStream,
    broken: Pin<Box<WaitForCancellationFutureOwned>>,
    is_broken: bool,
}

impl Stream {
    fn check(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        if !self.is_broken && self.broken.as_mut().poll(cx).is_ready() {
            self.is_broken = true;
            let _ = self.stream.set_zero_linger();
        }
        if self.is_broken {
            Err(io::ErrorKind::ConnectionReset.into())
        } else {
            Ok(())
        }
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.check(cx)?;
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.check(cx)?;
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.check(cx)?;
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.check(cx)?;
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
