//! A line with something wrong: cut, deaf, mute, late or babbling after so many bytes.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

use crate::clock_source;
use crate::fault::Fault;
use crate::link::{Dialer, Port};
use crate::requests::Poster;

/// What is wrong with a line. Bytes are counted over the line's whole life, across reconnects; for
/// HTTP each request counts as one byte out and one in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// Nothing.
    None,
    /// The connection breaks when so many bytes went out; the next dial works.
    CutOut(usize),
    /// The connection breaks when so many bytes came in; the next dial works.
    CutIn(usize),
    /// The connection breaks when so many bytes went out, and dials are refused.
    Unplugged(usize),
    /// What goes out after so many bytes is swallowed. A network line loses nothing in the middle:
    /// where it did, it breaks when the trouble is over.
    DeafOut(usize),
    /// What comes in after so many bytes is swallowed; see [`Trouble::DeafOut`].
    MuteIn(usize),
    /// What comes in after so many bytes comes late by this long, in its order.
    LateIn(usize, Duration),
    /// After so many bytes the device talks without end.
    Babbling(usize),
}

/// How a babbling device talks: a piece, a pause.
const BABBLE: usize = 64 << 10;
const BABBLE_PAUSE: Duration = Duration::from_millis(10);
/// The line breaks after so much of it, so that a test of it ends.
const BABBLE_MAX: usize = 48 << 20;

/// The state of one faulty line; clones share it.
#[derive(Clone, Default)]
pub struct Troubles(Arc<Mutex<State>>);

impl std::fmt::Debug for Troubles {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let state = self.state();
        f.debug_struct("Troubles")
            .field("trouble", &state.trouble)
            .field("sent", &state.sent)
            .field("heard", &state.heard)
            .finish_non_exhaustive()
    }
}

struct State {
    trouble: Trouble,
    sent: usize,
    heard: usize,
    babbled: usize,
    /// The most memory this process has had meanwhile, in bytes.
    memory: usize,
    dials: usize,
    /// It is a network, and this many connections have lost something of what they carried.
    network: bool,
    torn: usize,
    /// When what is held back comes; the delay happens once.
    late_until: Option<Instant>,
    wakers: Vec<Waker>,
}

impl Default for State {
    fn default() -> Self {
        Self {
            trouble: Trouble::None,
            sent: 0,
            heard: 0,
            babbled: 0,
            memory: 0,
            dials: 0,
            network: false,
            torn: 0,
            late_until: None,
            wakers: Vec::new(),
        }
    }
}

impl Troubles {
    /// A line with this wrong.
    #[must_use]
    pub fn with(trouble: Trouble) -> Self {
        let all = Self::default();
        all.set(trouble);
        all
    }

    /// The line is a network: TCP carries all, in order, or breaks.
    #[must_use]
    pub fn on_a_network(self) -> Self {
        self.state().network = true;
        self
    }

    /// Something else is wrong from now on.
    pub fn set(&self, trouble: Trouble) {
        let wakers = {
            let mut state = self.state();
            state.trouble = trouble;
            std::mem::take(&mut state.wakers)
        };
        for waker in wakers {
            waker.wake();
        }
    }

    /// Nothing is wrong any more. What was swallowed stays lost, and a network connection that
    /// lost something breaks.
    pub fn heal(&self) {
        let torn = {
            let state = self.state();
            state.network && state.torn > 0
        };
        self.set(if torn {
            Trouble::CutOut(0)
        } else {
            Trouble::None
        });
    }

    /// Bytes that went out so far.
    #[must_use]
    pub fn sent(&self) -> usize {
        self.state().sent
    }

    /// Bytes of the device that came in so far.
    #[must_use]
    pub fn heard(&self) -> usize {
        self.state().heard
    }

    /// Bytes of endless talk that were read.
    #[must_use]
    pub fn babbled(&self) -> usize {
        self.state().babbled
    }

    /// The most memory this process has had while it heard endless talk, in bytes.
    pub(super) fn memory(&self) -> usize {
        self.state().memory
    }

    /// How often the line was opened.
    #[must_use]
    pub fn dials(&self) -> usize {
        self.state().dials
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0
            .lock()
            .expect("no code panics while it holds this lock")
    }

    fn cut_now(&self) -> bool {
        let state = self.state();
        match state.trouble {
            Trouble::CutOut(at) | Trouble::Unplugged(at) => state.sent >= at,
            Trouble::CutIn(at) => state.heard >= at,
            Trouble::None
            | Trouble::DeafOut(_)
            | Trouble::MuteIn(_)
            | Trouble::LateIn(..)
            | Trouble::Babbling(_) => false,
        }
    }

    /// A connection broke: one that breaks once is whole after that.
    fn broke(&self) {
        let mut state = self.state();
        if matches!(state.trouble, Trouble::CutOut(_) | Trouble::CutIn(_)) {
            state.trouble = Trouble::None;
        }
    }
}

/// A dialer whose line has something wrong.
pub struct Faulty {
    inner: Arc<dyn Dialer>,
    troubles: Troubles,
}

impl std::fmt::Debug for Faulty {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.troubles.fmt(f)
    }
}

impl Faulty {
    /// Stands before a dialer.
    #[must_use]
    pub fn new(inner: Arc<dyn Dialer>, troubles: Troubles) -> Self {
        Self { inner, troubles }
    }
}

impl Dialer for Faulty {
    fn dial(&self) -> BoxFuture<'_, io::Result<Box<dyn Port>>> {
        Box::pin(async move {
            let refused = matches!(self.troubles.state().trouble, Trouble::Unplugged(_));
            if refused && self.troubles.cut_now() {
                return Err(io::ErrorKind::ConnectionRefused.into());
            }
            let port = self.inner.dial().await?;
            self.troubles.state().dials += 1;
            Ok(Box::new(FaultyPort {
                inner: Some(port),
                troubles: self.troubles.clone(),
                held: Vec::new(),
                alarm: None,
                next_babble: None,
                piece: 0,
                torn: false,
            }) as Box<dyn Port>)
        })
    }

    fn address(&self) -> &str {
        self.inner.address()
    }

    fn patience(&self) -> Duration {
        self.inner.patience()
    }
}

struct FaultyPort {
    /// `None` once it is cut.
    inner: Option<Box<dyn Port>>,
    troubles: Troubles,
    /// Came in and was not yet given out.
    held: Vec<u8>,
    alarm: Option<Pin<Box<Sleep>>>,
    next_babble: Option<Instant>,
    /// What is left of the present piece.
    piece: usize,
    /// Something of what it carried was swallowed.
    torn: bool,
}

impl Drop for FaultyPort {
    fn drop(&mut self) {
        self.mend();
    }
}

/// The memory of this process in bytes, where the system tells it; else 0.
pub(super) fn resident() -> usize {
    let pages = std::fs::read_to_string("/proc/self/statm").ok();
    let pages = pages.and_then(|all| all.split(' ').nth(1)?.parse::<usize>().ok());
    pages.map_or(0, |pages| pages * 4096)
}

fn reset() -> io::Error {
    io::ErrorKind::ConnectionReset.into()
}

impl FaultyPort {
    fn tear(&mut self) {
        if !self.torn {
            self.torn = true;
            self.troubles.state().torn += 1;
        }
    }

    fn mend(&mut self) {
        if self.torn {
            self.torn = false;
            self.troubles.state().torn -= 1;
        }
    }

    fn cut(&mut self) -> io::Error {
        self.mend();
        self.inner = None;
        self.held.clear();
        self.troubles.broke();
        reset()
    }

    /// Ready at the time.
    fn wait(&mut self, until: Instant, cx: &mut Context<'_>) -> Poll<()> {
        let mut alarm = Box::pin(sleep_until(until));
        let polled = alarm.as_mut().poll(cx);
        self.alarm = Some(alarm);
        polled
    }

    fn babble(&mut self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.piece == 0 {
            let next = *self.next_babble.get_or_insert_with(clock_source::now);
            ready!(self.wait(next, cx));
            self.piece = BABBLE;
        }
        if self.troubles.babbled() >= BABBLE_MAX {
            return Poll::Ready(Err(self.cut()));
        }
        let piece = buf.remaining().min(self.piece);
        buf.put_slice(&vec![b'?'; piece]);
        self.troubles.state().babbled += piece;
        self.piece -= piece;
        if self.piece == 0 {
            let memory = resident();
            let mut state = self.troubles.state();
            state.memory = state.memory.max(memory);
        }
        self.next_babble = Some(clock_source::now() + BABBLE_PAUSE);
        Poll::Ready(Ok(()))
    }

    /// Takes what the device says; what the trouble swallows is gone.
    fn take_in(&mut self, cx: &mut Context<'_>, room: usize) -> Poll<io::Result<usize>> {
        let Some(inner) = self.inner.as_mut() else {
            return Poll::Ready(Err(reset()));
        };
        let trouble = self.troubles.state().trouble;
        let heard = self.troubles.heard();
        let room = match trouble {
            Trouble::CutIn(at) => room.min(at.saturating_sub(heard)).max(1),
            Trouble::MuteIn(at) | Trouble::LateIn(at, _) if heard < at => room.min(at - heard),
            Trouble::None
            | Trouble::CutOut(_)
            | Trouble::Unplugged(_)
            | Trouble::DeafOut(_)
            | Trouble::MuteIn(_)
            | Trouble::LateIn(..)
            | Trouble::Babbling(_) => room,
        };
        let mut space = vec![0; room.max(1)];
        let mut read = ReadBuf::new(&mut space);
        ready!(Pin::new(inner).poll_read(cx, &mut read))?;
        let bytes = read.filled();
        let count = bytes.len();
        if matches!(trouble, Trouble::MuteIn(at) if heard >= at) && count > 0 {
            self.tear();
        }
        let mut state = self.troubles.state();
        state.heard += count;
        match trouble {
            Trouble::MuteIn(at) if heard >= at => {}
            Trouble::LateIn(at, by) if heard >= at => {
                self.held.extend_from_slice(bytes);
                let until = clock_source::now() + by;
                state.late_until.get_or_insert(until);
            }
            Trouble::None
            | Trouble::CutOut(_)
            | Trouble::CutIn(_)
            | Trouble::Unplugged(_)
            | Trouble::DeafOut(_)
            | Trouble::MuteIn(_)
            | Trouble::LateIn(..)
            | Trouble::Babbling(_) => self.held.extend_from_slice(bytes),
        }
        Poll::Ready(Ok(count))
    }
}

impl AsyncRead for FaultyPort {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        {
            let mut state = self.troubles.state();
            state.wakers.retain(|waker| !waker.will_wake(cx.waker()));
            state.wakers.push(cx.waker().clone());
        }
        loop {
            if self.troubles.cut_now() {
                return Poll::Ready(Err(self.cut()));
            }
            let (trouble, heard, late_until) = {
                let state = self.troubles.state();
                (state.trouble, state.heard, state.late_until)
            };
            if matches!(trouble, Trouble::Babbling(at) if heard >= at) {
                return self.babble(cx, buf);
            }
            let late = late_until.filter(|until| *until > clock_source::now());
            if !self.held.is_empty() && late.is_none() {
                let count = buf.remaining().min(self.held.len());
                let given: Vec<u8> = self.held.drain(..count).collect();
                buf.put_slice(&given);
                return Poll::Ready(Ok(()));
            }
            match self.take_in(cx, buf.remaining()) {
                Poll::Ready(Ok(0)) => return Poll::Ready(Ok(())),
                Poll::Ready(Ok(_)) => {}
                Poll::Ready(Err(cause)) => return Poll::Ready(Err(cause)),
                Poll::Pending => {
                    let Some(until) = late.filter(|_| !self.held.is_empty()) else {
                        return Poll::Pending;
                    };
                    ready!(self.wait(until, cx));
                }
            }
        }
    }
}

impl AsyncWrite for FaultyPort {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.troubles.cut_now() {
            return Poll::Ready(Err(self.cut()));
        }
        let (trouble, sent) = {
            let state = self.troubles.state();
            (state.trouble, state.sent)
        };
        let room = match trouble {
            Trouble::DeafOut(at) if sent >= at => {
                self.tear();
                self.troubles.state().sent += buf.len();
                return Poll::Ready(Ok(buf.len()));
            }
            Trouble::CutOut(at) | Trouble::Unplugged(at) | Trouble::DeafOut(at) => {
                buf.len().min(at.saturating_sub(sent))
            }
            Trouble::None
            | Trouble::CutIn(_)
            | Trouble::MuteIn(_)
            | Trouble::LateIn(..)
            | Trouble::Babbling(_) => buf.len(),
        };
        let Some(inner) = self.inner.as_mut() else {
            return Poll::Ready(Err(reset()));
        };
        let wrote = ready!(Pin::new(inner).poll_write(cx, &buf[..room]))?;
        self.troubles.state().sent += wrote;
        Poll::Ready(Ok(wrote))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.inner.as_mut() {
            Some(inner) => Pin::new(inner).poll_flush(cx),
            None => Poll::Ready(Err(reset())),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.inner.as_mut() {
            Some(inner) => Pin::new(inner).poll_shutdown(cx),
            None => Poll::Ready(Err(reset())),
        }
    }
}

/// A device behind HTTP with something wrong.
pub struct FaultyPoster {
    inner: Arc<dyn Poster>,
    troubles: Troubles,
}

impl std::fmt::Debug for FaultyPoster {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.troubles.fmt(f)
    }
}

impl FaultyPoster {
    /// Stands before a poster.
    #[must_use]
    pub fn new(inner: Arc<dyn Poster>, troubles: Troubles) -> Self {
        Self { inner, troubles }
    }

    fn fault(&self, code: &str) -> Fault {
        Fault::transient(code).with("address", self.inner.address())
    }
}

impl Poster for FaultyPoster {
    fn post(&self, body: Bytes, patience: Duration) -> BoxFuture<'_, Result<Bytes, Fault>> {
        Box::pin(async move {
            if self.troubles.cut_now() {
                self.troubles.broke();
                return Err(self.fault("LINK-UNREACHABLE").without_effect());
            }
            let (trouble, sent, heard) = {
                let mut state = self.troubles.state();
                state.dials += 1;
                state.sent += 1;
                (state.trouble, state.sent, state.heard)
            };
            if matches!(trouble, Trouble::DeafOut(at) if sent > at) {
                std::future::pending::<()>().await;
            }
            let answer = self.inner.post(body, patience).await?;
            self.troubles.state().heard += 1;
            match trouble {
                Trouble::CutIn(at) if heard + 1 >= at => {
                    self.troubles.broke();
                    return Err(self.fault("LINK-LOST"));
                }
                Trouble::MuteIn(at) if heard >= at => std::future::pending::<()>().await,
                Trouble::LateIn(at, by) if heard >= at => tokio::time::sleep(by).await,
                Trouble::Babbling(at) if heard >= at => {
                    self.troubles.state().babbled += BABBLE;
                    return Ok(Bytes::from(vec![b'?'; BABBLE]));
                }
                Trouble::None
                | Trouble::CutOut(_)
                | Trouble::CutIn(_)
                | Trouble::Unplugged(_)
                | Trouble::DeafOut(_)
                | Trouble::MuteIn(_)
                | Trouble::LateIn(..)
                | Trouble::Babbling(_) => {}
            }
            Ok(answer)
        })
    }

    fn address(&self) -> &str {
        self.inner.address()
    }
}
