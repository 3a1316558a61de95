//! A serial port: a USB adapter that comes and goes, a port on the board, a pseudo-terminal.
//!
//! Two things of a serial port would block a runtime thread for as long as the device holds back
//! the line, and with it every other device: waiting until everything is sent, and closing with
//! bytes still unsent. Here the first asks the system how much is left, and the second happens on
//! a thread of its own.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use driver_sdk::{Dialer, Port};
use futures_util::future::BoxFuture;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Sleep, sleep};
use tokio_serial::{ClearBuffer, SerialPort as _, SerialPortBuilder, SerialStream};

use crate::target::{Data, Flow, Parity, SerialTarget, Stop};

/// How often the system is asked what is still unsent.
const DRAIN_STEP: Duration = Duration::from_millis(2);
/// How long a closed port may still send what it holds, before that is thrown away.
const CLOSE_MAX: Duration = Duration::from_secs(2);

/// Opens the port anew after each loss.
pub(crate) struct SerialDialer {
    target: SerialTarget,
    address: String,
    /// One opening at a time: an old one may still be sending its rest.
    turn: Arc<Semaphore>,
}

impl SerialDialer {
    pub fn new(target: SerialTarget, address: String) -> Self {
        Self {
            target,
            address,
            turn: Arc::new(Semaphore::new(1)),
        }
    }

    fn builder(&self) -> SerialPortBuilder {
        let builder = tokio_serial::new(&self.target.path, self.target.baud)
            .data_bits(match self.target.data {
                Data::Seven => tokio_serial::DataBits::Seven,
                Data::Eight => tokio_serial::DataBits::Eight,
            })
            .parity(match self.target.parity {
                Parity::None => tokio_serial::Parity::None,
                Parity::Even => tokio_serial::Parity::Even,
                Parity::Odd => tokio_serial::Parity::Odd,
            })
            .stop_bits(match self.target.stop {
                Stop::One => tokio_serial::StopBits::One,
                Stop::Two => tokio_serial::StopBits::Two,
            })
            .flow_control(match self.target.flow {
                Flow::None => tokio_serial::FlowControl::None,
                Flow::RtsCts => tokio_serial::FlowControl::Hardware,
                Flow::XonXoff => tokio_serial::FlowControl::Software,
            })
            .dtr_on_open(true);
        // On Windows a port is never shared.
        #[cfg(unix)]
        let builder = builder.exclusive(true);
        builder
    }

    async fn open(&self) -> io::Result<Box<dyn Port>> {
        let turn = self
            .turn
            .clone()
            .acquire_owned()
            .await
            .map_err(io::Error::other)?;
        let builder = self.builder();
        let raises_rts = self.target.flow != Flow::RtsCts;
        // Some USB adapters take seconds to open; the runtime's threads do not wait for them.
        let opened = tokio::task::spawn_blocking(move || open_now(&builder, raises_rts, turn));
        let port = opened.await.map_err(io::Error::other)??;
        Ok(Box::new(port))
    }
}

fn open_now(
    builder: &SerialPortBuilder,
    raises_rts: bool,
    turn: OwnedSemaphorePermit,
) -> io::Result<SerialLine> {
    let mut stream = SerialStream::open(builder)?;
    if raises_rts {
        // A device that watches our line sees us ready. A pseudo-terminal has no such wire.
        if let Err(cause) = stream.write_request_to_send(true) {
            tracing::debug!(error = %cause, "The port has no RTS line");
        }
    }
    // What the device said to whoever held the port before us is no answer to us.
    if let Err(cause) = stream.clear(ClearBuffer::Input) {
        tracing::debug!(error = %cause, "The port cannot be emptied");
    }
    Ok(SerialLine {
        stream: Some(stream),
        turn: Some(turn),
        again: None,
    })
}

impl Dialer for SerialDialer {
    fn dial(&self) -> BoxFuture<'_, io::Result<Box<dyn Port>>> {
        Box::pin(self.open())
    }

    fn address(&self) -> &str {
        &self.address
    }
}

/// An open port. A read of nothing is its end: an adapter was pulled.
struct SerialLine {
    stream: Option<SerialStream>,
    turn: Option<OwnedSemaphorePermit>,
    again: Option<Pin<Box<Sleep>>>,
}

impl SerialLine {
    fn stream(&mut self) -> io::Result<Pin<&mut SerialStream>> {
        match self.stream.as_mut() {
            Some(stream) => Ok(Pin::new(stream)),
            None => Err(io::ErrorKind::NotConnected.into()),
        }
    }
}

impl AsyncRead for SerialLine {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.stream()?.poll_read(cx, buf)
    }
}

impl AsyncWrite for SerialLine {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.stream()?.poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        loop {
            if self.stream()?.bytes_to_write().map_err(io::Error::from)? == 0 {
                self.again = None;
                return Poll::Ready(Ok(()));
            }
            let again = self
                .again
                .get_or_insert_with(|| Box::pin(sleep(DRAIN_STEP)));
            ready!(again.as_mut().poll(cx));
            self.again = None;
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_flush(cx)
    }
}

impl Drop for SerialLine {
    fn drop(&mut self) {
        let (Some(stream), turn) = (self.stream.take(), self.turn.take()) else {
            return;
        };
        let busy = stream.bytes_to_write().is_ok_and(|left| left > 0);
        match tokio::runtime::Handle::try_current() {
            // The system would hold this thread until the device takes the rest.
            Ok(runtime) if busy => {
                runtime.spawn_blocking(move || {
                    close_slowly(&stream);
                    drop(stream);
                    drop(turn);
                });
            }
            Ok(_) | Err(_) => {
                drop(stream);
                drop(turn);
            }
        }
    }
}

fn close_slowly(stream: &SerialStream) {
    let mut waited = Duration::ZERO;
    while waited < CLOSE_MAX && stream.bytes_to_write().is_ok_and(|left| left > 0) {
        std::thread::sleep(DRAIN_STEP);
        waited += DRAIN_STEP;
    }
    // Without this the close itself waits, up to 30 s on Linux.
    if let Err(cause) = stream.clear(ClearBuffer::Output) {
        tracing::debug!(error = %cause, "The port was gone before it was closed");
    }
}

#[cfg(all(test, unix))]
mod tests;
