//! The line and the host of a replay: both move the same script on.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use driver_sdk::{DialFactory, Dialer, Fault, Host, LinkError, Port, Poster, ShelfRead, Staged};
use futures_util::future::BoxFuture;
use serde_json::{Map, Value};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep_until};

use super::script::{Board, Heard};

/// Leads every address to the script.
pub(super) struct Factory(pub Arc<Board>);

struct Scripted {
    board: Arc<Board>,
    address: String,
}

impl DialFactory for Factory {
    fn dialer(&self, url: &str) -> Result<Arc<dyn Dialer>, LinkError> {
        Ok(Arc::new(self.scripted(url)))
    }

    fn poster(&self, url: &str) -> Result<Arc<dyn Poster>, LinkError> {
        Ok(Arc::new(self.scripted(url)))
    }

    fn address(&self, url: &str) -> Result<String, LinkError> {
        Ok(url.to_owned())
    }
}

impl Factory {
    fn scripted(&self, url: &str) -> Scripted {
        Scripted {
            board: self.0.clone(),
            address: url.to_owned(),
        }
    }

    fn port(board: &Arc<Board>) -> ScriptedPort {
        board.dial();
        ScriptedPort {
            board: board.clone(),
            alarm: None,
        }
    }
}

impl Dialer for Scripted {
    fn dial(&self) -> BoxFuture<'_, io::Result<Box<dyn Port>>> {
        Box::pin(async { Ok(Box::new(Factory::port(&self.board)) as Box<dyn Port>) })
    }

    fn address(&self) -> &str {
        &self.address
    }
}

impl Poster for Scripted {
    fn post(&self, body: Bytes, _: Duration) -> BoxFuture<'_, Result<Bytes, Fault>> {
        Box::pin(async move {
            let lost = || Fault::transient("LINK-LOST").with("address", &self.address);
            let mut port = Factory::port(&self.board);
            if !self.board.send(&body) {
                return Err(lost());
            }
            let mut answer = Vec::new();
            // The answer is one piece: the script's lines up to our next question.
            let read = tokio::io::AsyncReadExt::read_buf(&mut port, &mut answer).await;
            match read {
                Ok(0) | Err(_) => Err(lost()),
                Ok(_) => Ok(answer.into()),
            }
        })
    }

    fn address(&self) -> &str {
        &self.address
    }
}

struct ScriptedPort {
    board: Arc<Board>,
    alarm: Option<Pin<Box<Sleep>>>,
}

impl AsyncRead for ScriptedPort {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        loop {
            let mut heard = Vec::new();
            match ready!(self.board.read(cx, buf.remaining(), &mut heard)) {
                Heard::Bytes => {
                    buf.put_slice(&heard);
                    return Poll::Ready(Ok(()));
                }
                Heard::Closed | Heard::Nothing(None) => return Poll::Ready(Ok(())),
                Heard::Nothing(Some(until)) => {
                    let alarm = self.alarm.insert(Box::pin(sleep_until(until)));
                    ready!(alarm.as_mut().poll(cx));
                }
            }
        }
    }
}

impl AsyncWrite for ScriptedPort {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Poll::Ready(if self.board.send(buf) {
            Ok(buf.len())
        } else {
            Err(io::Error::other("not in the script"))
        })
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// The worker's part, as far as a conversation needs one.
pub(super) struct ReplayHost {
    board: Arc<Board>,
    kept: Mutex<Kept>,
}

struct Kept {
    bookmark: Value,
    shelf: Map<String, Value>,
}

impl ReplayHost {
    pub fn new(board: Arc<Board>, shelf: Map<String, Value>) -> Self {
        Self {
            board,
            kept: Mutex::new(Kept {
                bookmark: Value::Null,
                shelf,
            }),
        }
    }

    pub fn bookmark(&self) -> Value {
        self.kept
            .lock()
            .expect("no code panics while it holds this lock")
            .bookmark
            .clone()
    }

    fn durable(&self, what: &'static str, bookmark: Value, staged: Staged) -> Result<(), Fault> {
        if !self.board.durable(what, &bookmark) {
            return Err(Fault::transient("NOT-STARTED"));
        }
        let mut kept = self
            .kept
            .lock()
            .expect("no code panics while it holds this lock");
        kept.bookmark = bookmark;
        kept.shelf.extend(staged.put);
        Ok(())
    }
}

impl Host for ReplayHost {
    fn commit(&self, bookmark: Value, staged: Staged) -> BoxFuture<'_, Result<(), Fault>> {
        Box::pin(async { self.durable("commit", bookmark, staged) })
    }

    fn checkpoint(&self, bookmark: Value, staged: Staged) -> BoxFuture<'_, Result<(), Fault>> {
        Box::pin(async { self.durable("checkpoint", bookmark, staged) })
    }

    fn progress(&self, _: u8) {}

    fn waiting(&self, _: Fault) {}

    fn shelf(&self, key: &str) -> Option<ShelfRead> {
        let kept = self
            .kept
            .lock()
            .expect("no code panics while it holds this lock");
        let value = kept.shelf.get(key)?.clone();
        Some(ShelfRead { value, version: 1 })
    }
}
