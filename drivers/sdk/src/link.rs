//! A line to one device: questions that know their answers, effects that need a commit.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use futures_util::future::BoxFuture;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::{Mutex, MutexGuard};
use tokio::time::{timeout, timeout_at};

use crate::clock_source;
use crate::fault::Fault;
use crate::run::Committed;

/// An open byte stream to a device.
pub trait Port: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Port for T {}

/// Opens the stream of one address, again after each loss.
pub trait Dialer: Send + Sync + 'static {
    /// Opens it. The link bounds the time.
    fn dial(&self) -> BoxFuture<'_, io::Result<Box<dyn Port>>>;
    /// The address without its options, for messages and for the shelf.
    fn address(&self) -> &str;
    /// How long opening may take.
    fn patience(&self) -> Duration {
        Duration::from_secs(5)
    }
}

/// A question that knows its answer.
pub trait Exchange: Send {
    /// What comes back.
    type Answer: Send;

    /// Appends the bytes to be sent.
    fn encode(&self, out: &mut BytesMut);

    /// Takes the answer out of `input`; `None` while it is incomplete. What is not its answer it
    /// hands on or drops.
    ///
    /// # Errors
    /// The answer is a refusal, or no answer of this protocol.
    fn decode(&mut self, input: &mut BytesMut) -> Result<Option<Self::Answer>, Fault>;

    /// How long the device may take.
    fn patience(&self) -> Duration {
        Duration::from_secs(3)
    }
}

/// This exchange changes nothing in the world: one line an author signs, and the only kind that
/// can be sent without a commit.
///
/// ```compile_fail
/// use driver_sdk::{Exchange, Fault, Link};
/// struct Print;
/// impl Exchange for Print {
///     type Answer = ();
///     fn encode(&self, _: &mut bytes::BytesMut) {}
///     fn decode(&mut self, _: &mut bytes::BytesMut) -> Result<Option<()>, Fault> { Ok(Some(())) }
/// }
/// async fn print(link: &mut Link) { let _ = link.ask(Print).await; }
/// ```
pub trait Harmless: Exchange {}

/// What to do before the next question when an earlier one got no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resync {
    /// Close the line and open it again.
    Reopen,
    /// Read and drop until the line was silent for this long.
    Silence(Duration),
    /// Answers carry an id; the driver drops what is not its own.
    ById,
}

/// The longest standstill of a write before the device counts as not taking bytes.
const WRITE_PATIENCE: Duration = Duration::from_secs(10);
/// The longest that [`Resync::Silence`] listens to a line that never falls silent.
const RESYNC_MAX: Duration = Duration::from_secs(10);
/// Unread input beyond this is a device that talks without end.
const INPUT_MAX: usize = 1 << 20;

/// A line to one device; clones share it and take turns.
#[derive(Clone)]
pub struct Link {
    line: Arc<Mutex<Line>>,
    resync: Resync,
    address: Arc<str>,
}

struct Line {
    dialer: Arc<dyn Dialer>,
    port: Option<Box<dyn Port>>,
    input: BytesMut,
    /// A question was sent and its answer was not read to the end.
    unanswered: bool,
}

impl std::fmt::Debug for Link {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Link")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

impl Link {
    /// A line that a dialer opens.
    #[must_use]
    pub fn new(dialer: Arc<dyn Dialer>, resync: Resync) -> Self {
        let address = Arc::from(dialer.address());
        let line = Line {
            dialer,
            port: None,
            input: BytesMut::new(),
            unanswered: false,
        };
        Self {
            line: Arc::new(Mutex::new(line)),
            resync,
            address,
        }
    }

    /// The same line with another way back into step.
    #[must_use]
    pub fn with_resync(&self, resync: Resync) -> Self {
        Self {
            resync,
            ..self.clone()
        }
    }

    /// The address without its options.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Opens the line if it is closed, and brings it into step if an answer is outstanding. Call
    /// it before the commit, so that "unreachable" is not a doubt.
    ///
    /// # Errors
    /// `LINK-UNREACHABLE`: nothing was sent.
    pub async fn open(&mut self) -> Result<(), Fault> {
        self.ready().await.map(drop)
    }

    /// Closes the line. The next call opens it again.
    pub async fn close(&mut self) {
        self.line.lock().await.close();
    }

    /// Closes the line from outside. False: somebody is using it.
    pub(crate) fn hang_up(&self) -> bool {
        self.line.try_lock().map(|mut line| line.close()).is_ok()
    }

    /// Asks something harmless.
    ///
    /// # Errors
    /// `LINK-UNREACHABLE`, `LINK-LOST`, `LINK-SILENT`, or the exchange's own refusal; never with
    /// the proof that nothing was sent: a question after an effect proves nothing of the effect.
    pub async fn ask<E: Harmless>(&mut self, exchange: E) -> Result<E::Answer, Fault> {
        self.exchange(exchange).await.map_err(Fault::without_proof)
    }

    /// Sends what changes the world.
    ///
    /// # Errors
    /// As [`Link::ask`]; a link that could not be opened carries the proof that nothing was sent,
    /// of this effect alone ([`Fault::never_sent`]).
    pub async fn effect<E: Exchange>(
        &mut self,
        leave: Committed<'_>,
        exchange: E,
    ) -> Result<E::Answer, Fault> {
        leave.counted(self.exchange(exchange)).await
    }

    /// Sends bytes of a job. Returns how many the line took: fewer than all when the device spoke
    /// (read it with [`Link::hear`]) or took nothing for the exchange's patience of 10 s.
    ///
    /// # Errors
    /// `LINK-LOST`; before the first of these bytes the fault carries the proof that none of them
    /// was sent ([`Fault::never_sent`]).
    pub async fn act(&mut self, leave: Committed<'_>, bytes: &[u8]) -> Result<usize, Fault> {
        let sent = leave.counted(self.stream(bytes)).await?;
        if sent == 0 {
            leave.was_none();
        }
        Ok(sent)
    }

    async fn stream(&self, bytes: &[u8]) -> Result<usize, Fault> {
        let mut line = self.ready().await.map_err(Fault::never_sent)?;
        let address = self.address.clone();
        let mut sent = 0;
        while sent < bytes.len() {
            match line.write_or_hear(&bytes[sent..]).await {
                Ok(Moved::Wrote(n)) => sent += n,
                Ok(Moved::Heard | Moved::Nothing) => break,
                Err(cause) => {
                    line.close();
                    let fault = lost(&address, cause);
                    return Err(if sent == 0 { fault.never_sent() } else { fault });
                }
            }
        }
        Ok(sent)
    }

    /// Sends harmless bytes whose answers, if any, come through [`Link::hear`]: acknowledgements,
    /// real-time status questions.
    ///
    /// # Errors
    /// `LINK-UNREACHABLE`, `LINK-LOST`, `LINK-SILENT` if the line does not take them.
    pub async fn say<E: Harmless>(&mut self, exchange: E) -> Result<(), Fault> {
        let mut out = BytesMut::new();
        exchange.encode(&mut out);
        let mut line = self.ready().await?;
        let said = line.write_all(&out, &self.address).await;
        said.map_err(Fault::without_proof)
    }

    /// What the device says within a time, all that is there; empty after silence. Cancel-safe:
    /// nothing that was read is lost.
    ///
    /// # Errors
    /// `LINK-UNREACHABLE`, `LINK-LOST`.
    pub async fn hear(&mut self, within: Duration) -> Result<BytesMut, Fault> {
        let mut line = self.ready().await?;
        if line.input.is_empty() {
            match timeout(within, line.fill()).await {
                Ok(Ok(())) | Err(_) => {}
                Ok(Err(cause)) => {
                    line.close();
                    return Err(lost(&self.address, cause));
                }
            }
        }
        Ok(line.input.split())
    }

    /// Puts bytes back that [`Link::hear`] gave and the caller did not use.
    pub async fn unhear(&mut self, bytes: &[u8]) {
        let mut line = self.line.lock().await;
        let rest = line.input.split();
        line.input.extend_from_slice(bytes);
        line.input.unsplit(rest);
    }

    async fn ready(&self) -> Result<MutexGuard<'_, Line>, Fault> {
        let mut line = self.line.lock().await;
        if line.unanswered {
            line.resync(self.resync).await;
        }
        line.open(&self.address).await?;
        Ok(line)
    }

    async fn exchange<E: Exchange>(&mut self, mut exchange: E) -> Result<E::Answer, Fault> {
        let mut out = BytesMut::new();
        exchange.encode(&mut out);
        let mut line = self.ready().await.map_err(Fault::never_sent)?;
        // Before the first byte: a caller that is dropped in the middle leaves a question behind.
        line.unanswered = true;
        line.write_all(&out, &self.address).await?;
        let until = clock_source::now() + exchange.patience();
        loop {
            if let Some(answer) = exchange.decode(&mut line.input)? {
                line.unanswered = false;
                return Ok(answer);
            }
            if line.input.len() > INPUT_MAX {
                line.close();
                return Err(Fault::transient("LINK-GARBLED").with("address", &self.address));
            }
            match timeout_at(until, line.fill()).await {
                Ok(Ok(())) => {}
                Ok(Err(cause)) => {
                    line.close();
                    return Err(lost(&self.address, cause));
                }
                Err(_) => {
                    return Err(Fault::transient("LINK-SILENT").with("address", &self.address));
                }
            }
        }
    }
}

enum Moved {
    Wrote(usize),
    Heard,
    Nothing,
}

impl Line {
    async fn open(&mut self, address: &str) -> Result<(), Fault> {
        if self.port.is_some() {
            return Ok(());
        }
        let dialed = timeout(self.dialer.patience(), self.dialer.dial()).await;
        let unreachable = || Fault::transient("LINK-UNREACHABLE").with("address", address);
        match dialed {
            Ok(Ok(port)) => {
                self.port = Some(port);
                self.input.clear();
                self.unanswered = false;
                Ok(())
            }
            Ok(Err(cause)) => Err(unreachable().caused_by(cause)),
            Err(late) => Err(unreachable().caused_by(late)),
        }
    }

    fn close(&mut self) {
        self.port = None;
        self.input.clear();
        self.unanswered = false;
    }

    async fn resync(&mut self, resync: Resync) {
        match resync {
            Resync::Reopen => self.close(),
            Resync::ById => {}
            Resync::Silence(quiet) => {
                let until = clock_source::now() + RESYNC_MAX;
                loop {
                    self.input.clear();
                    match timeout_at(until, timeout(quiet, self.fill())).await {
                        Ok(Ok(Ok(()))) => {}
                        Ok(Err(_silent)) => break,
                        Ok(Ok(Err(_))) | Err(_) => {
                            self.close();
                            break;
                        }
                    }
                }
            }
        }
        self.unanswered = false;
    }

    async fn fill(&mut self) -> io::Result<()> {
        let Some(port) = self.port.as_mut() else {
            return Err(io::ErrorKind::NotConnected.into());
        };
        if self.input.len() > INPUT_MAX {
            return Err(io::Error::other("the device talks without end"));
        }
        match port.read_buf(&mut self.input).await? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            _ => Ok(()),
        }
    }

    async fn write_all(&mut self, bytes: &[u8], address: &str) -> Result<(), Fault> {
        let mut sent = 0;
        while sent < bytes.len() {
            let Some(port) = self.port.as_mut() else {
                return Err(lost(address, io::ErrorKind::NotConnected.into()));
            };
            match timeout(WRITE_PATIENCE, port.write(&bytes[sent..])).await {
                Ok(Ok(0)) => {
                    self.close();
                    return Err(lost(address, io::ErrorKind::WriteZero.into()));
                }
                Ok(Ok(n)) => sent += n,
                Ok(Err(cause)) => {
                    self.close();
                    let fault = lost(address, cause);
                    return Err(if sent == 0 { fault.never_sent() } else { fault });
                }
                Err(late) => {
                    let fault = Fault::transient("LINK-SILENT").with("address", address);
                    let fault = fault.caused_by(late);
                    return Err(if sent == 0 { fault.never_sent() } else { fault });
                }
            }
        }
        self.flush(address).await
    }

    async fn flush(&mut self, address: &str) -> Result<(), Fault> {
        let Some(port) = self.port.as_mut() else {
            return Ok(());
        };
        match timeout(WRITE_PATIENCE, port.flush()).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(cause)) => {
                self.close();
                Err(lost(address, cause))
            }
            Err(late) => {
                let fault = Fault::transient("LINK-SILENT").with("address", address);
                Err(fault.caused_by(late))
            }
        }
    }

    /// One step of a stream: bytes go out, or the device speaks first.
    async fn write_or_hear(&mut self, bytes: &[u8]) -> io::Result<Moved> {
        if !self.input.is_empty() {
            return Ok(Moved::Heard);
        }
        let Some(port) = self.port.as_mut() else {
            return Err(io::ErrorKind::NotConnected.into());
        };
        let (mut read, mut write) = tokio::io::split(port);
        let input = &mut self.input;
        tokio::select! {
            biased;
            heard = read.read_buf(input) => match heard? {
                0 => Err(io::ErrorKind::UnexpectedEof.into()),
                _ => Ok(Moved::Heard),
            },
            wrote = timeout(WRITE_PATIENCE, write.write(bytes)) => match wrote {
                Ok(Ok(0)) => Err(io::ErrorKind::WriteZero.into()),
                Ok(Ok(n)) => Ok(Moved::Wrote(n)),
                Ok(Err(cause)) => Err(cause),
                Err(_) => Ok(Moved::Nothing),
            },
        }
    }
}

fn lost(address: &str, cause: io::Error) -> Fault {
    Fault::transient("LINK-LOST")
        .with("address", address)
        .caused_by(cause)
}

#[cfg(test)]
mod tests;
