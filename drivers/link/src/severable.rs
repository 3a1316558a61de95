//! A stream that can be cut from outside, as when somebody pulls its cable.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Waker};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

struct Wire<T> {
    io: Option<T>,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

/// The stream's own end.
pub(crate) struct Severable<T>(Arc<Mutex<Wire<T>>>);

/// Cuts it.
pub(crate) struct Knife<T>(Arc<Mutex<Wire<T>>>);

impl<T> Severable<T> {
    pub fn pair(io: T) -> (Self, Knife<T>) {
        let wire = Arc::new(Mutex::new(Wire {
            io: Some(io),
            reader: None,
            writer: None,
        }));
        (Self(wire.clone()), Knife(wire))
    }
}

impl<T> Knife<T> {
    /// True if there is nothing left to cut.
    pub fn is_cut(&self) -> bool {
        locked(&self.0).io.is_none()
    }

    /// Drops the stream, so that the other side sees its end; our side reads and writes errors.
    pub fn cut(&self) {
        let (io, wakers) = {
            let mut wire = locked(&self.0);
            let wakers = [wire.reader.take(), wire.writer.take()];
            (wire.io.take(), wakers)
        };
        drop(io);
        for waker in wakers.into_iter().flatten() {
            waker.wake();
        }
    }
}

impl<T> Drop for Severable<T> {
    /// The knife may live longer: the stream ends with its own end all the same.
    fn drop(&mut self) {
        locked(&self.0).io = None;
    }
}

fn locked<T>(wire: &Mutex<Wire<T>>) -> MutexGuard<'_, Wire<T>> {
    wire.lock()
        .expect("no code panics while it holds this lock")
}

fn severed() -> io::Error {
    io::ErrorKind::ConnectionReset.into()
}

impl<T: AsyncRead + Unpin> AsyncRead for Severable<T> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let mut wire = locked(&self.0);
        let Some(io) = wire.io.as_mut() else {
            return Poll::Ready(Err(severed()));
        };
        let polled = Pin::new(io).poll_read(cx, buf);
        if polled.is_pending() {
            wire.reader = Some(cx.waker().clone());
        }
        polled
    }
}

impl<T: AsyncWrite + Unpin> Severable<T> {
    fn writing<R>(
        &self,
        cx: &mut Context<'_>,
        poll: impl FnOnce(Pin<&mut T>, &mut Context<'_>) -> Poll<io::Result<R>>,
    ) -> Poll<io::Result<R>> {
        let mut wire = locked(&self.0);
        let Some(io) = wire.io.as_mut() else {
            return Poll::Ready(Err(severed()));
        };
        let polled = poll(Pin::new(io), cx);
        if polled.is_pending() {
            wire.writer = Some(cx.waker().clone());
        }
        polled
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Severable<T> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.writing(cx, |io, cx| io.poll_write(cx, buf))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.writing(cx, |io, cx| io.poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.writing(cx, |io, cx| io.poll_shutdown(cx))
    }
}
