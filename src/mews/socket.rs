//! Follows Mews' event socket: dials, pings, notices death, dials again.
//!
//! The socket only gives hints. What follows from an event, and the sweep after each connect, is
//! decided by whoever reads the channel. The seam to the world is [`Dial`]: the real one is
//! [`WebSocketDial`], a simulation has its own.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::sync::{Notify, mpsc};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::{debug, info, warn};

use super::wire::{Event, Frame, Skipped};
use driver_sdk::clock::now;

mod dial;
#[cfg(test)]
mod tests;

pub use self::dial::WebSocketDial;

/// The longest message that is read. A longer one ends the connection.
pub const MESSAGE_MAX: usize = 4 * 1024 * 1024;

/// How often we ping.
const PING_EVERY: Duration = Duration::from_secs(20);
/// So long without any sign of life, and the link is dead.
const SILENCE_MAX: Duration = Duration::from_secs(45);
/// How long a connect may take, from the name to the upgrade.
const DIAL_MAX: Duration = Duration::from_secs(20);
/// How long a goodbye may take.
const CLOSE_MAX: Duration = Duration::from_secs(2);
/// The cap of the first pause between two tries; doubles up to the next.
const PAUSE_FIRST: Duration = Duration::from_secs(1);
/// The cap of every later pause.
const PAUSE_MAX: Duration = Duration::from_secs(60);
/// The shortest pause after a refusal (401, 403); the longest is twice that.
const PAUSE_REFUSED: Duration = Duration::from_secs(120);
/// A link that held so long was good: pauses begin anew.
const STABLE: Duration = Duration::from_secs(180);

/// Opens the socket.
pub trait Dial: Send + Sync {
    /// One try, up to the finished upgrade. May be dropped at any time.
    fn dial(&self) -> BoxFuture<'_, Result<Box<dyn Socket>, DialError>>;
}

/// An open socket.
pub trait Socket: Send {
    /// What is heard next. May be dropped at any time without losing anything.
    fn hear(&mut self) -> BoxFuture<'_, Heard>;
    /// Sends a ping.
    fn ping(&mut self) -> BoxFuture<'_, Result<(), Closed>>;
    /// Says goodbye with the close code 1000.
    fn close(&mut self) -> BoxFuture<'_, ()>;
}

/// What is heard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// A text message.
    Text(String),
    /// A pong, a ping (already answered), or a message that is not text.
    Life,
    /// The end.
    Closed(Closed),
}

/// Why a link ended, for the log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Closed(pub String);

/// Why a try failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DialError {
    /// 401 or 403: the tokens or the set-up in Mews. Tried again in minutes.
    #[error("Mews refused the socket with status {0}")]
    Refused(u16),
    /// Anything else.
    #[error("{0}")]
    Failed(String),
}

/// What the follower tells.
#[derive(Debug, Clone)]
pub enum SocketEvent {
    /// Connected: sweep now.
    Up,
    /// Not connected any more, or not yet; tries go on by themselves.
    Down {
        /// Why, for status page and log.
        why: Why,
    },
    /// Events of one frame, in its order.
    Events(Vec<Event>),
    /// What of a frame could not be read.
    Skipped(Vec<Skipped>),
}

/// Why there is no link.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Why {
    /// The tokens or the set-up in Mews.
    #[error("Mews refused the socket with status {0}; check the tokens")]
    Refused(u16),
    /// The connection could not be made.
    #[error("the socket cannot be opened: {0}")]
    Unreachable(String),
    /// It was closed, or broke.
    #[error("the socket closed: {0}")]
    Lost(String),
    /// Nothing was heard for 45 s.
    #[error("nothing was heard on the socket for 45 s")]
    Silent,
    /// We wanted a new one.
    #[error("reconnecting as asked")]
    Asked,
    /// The worker stops.
    #[error("the worker stops")]
    Stopped,
}

/// Asks a [`Follower`] for a new connection at once.
#[derive(Debug, Clone, Default)]
pub struct Reconnect(Arc<Notify>);

impl Reconnect {
    /// Closes the link, or ends the pause between two tries.
    pub fn now(&self) {
        self.0.notify_one();
    }
}

/// The task that holds the link.
pub struct Follower {
    dial: Arc<dyn Dial>,
    out: mpsc::Sender<SocketEvent>,
    reconnect: Reconnect,
    stop: CancellationToken,
    jitter: fastrand::Rng,
    tries: u32,
}

impl Follower {
    /// A follower that tells `out` what it hears until `stop`. `seed` decides the jitter.
    #[must_use]
    pub fn new(
        dial: Arc<dyn Dial>,
        out: mpsc::Sender<SocketEvent>,
        stop: CancellationToken,
        seed: u64,
    ) -> Self {
        let jitter = fastrand::Rng::with_seed(seed);
        Self {
            dial,
            out,
            reconnect: Reconnect::default(),
            stop,
            jitter,
            tries: 0,
        }
    }

    /// The handle that asks for a new connection.
    #[must_use]
    pub fn reconnect(&self) -> Reconnect {
        self.reconnect.clone()
    }

    /// Follows the socket until stopped, or until nobody reads the channel any more.
    pub async fn run(mut self) {
        loop {
            let why = match self.connect().await {
                Some(Ok(socket)) => {
                    let since = now();
                    let why = self.hold(socket).await;
                    if now() - since >= STABLE {
                        self.tries = 0;
                    }
                    why
                }
                Some(Err(DialError::Refused(status))) => Why::Refused(status),
                Some(Err(DialError::Failed(cause))) => Why::Unreachable(cause),
                None => Why::Stopped,
            };
            let stopped = why == Why::Stopped;
            match &why {
                Why::Stopped | Why::Asked => info!(reason = %why, "Socket closed"),
                Why::Refused(_) => warn!(reason = %why, "Socket refused"),
                Why::Unreachable(_) | Why::Lost(_) | Why::Silent => {
                    info!(reason = %why, "Socket down");
                }
            }
            let pause = self.pause(&why);
            let told = self.out.send(SocketEvent::Down { why }).await;
            if stopped || told.is_err() || !self.rest(pause).await {
                return;
            }
        }
    }

    /// `None`: stopped.
    async fn connect(&self) -> Option<Result<Box<dyn Socket>, DialError>> {
        tokio::select! {
            biased;
            () = self.stop.cancelled() => None,
            tried = tokio::time::timeout(DIAL_MAX, self.dial.dial()) => {
                Some(tried.unwrap_or_else(|_| Err(DialError::Failed("no answer in 20 s".into()))))
            }
        }
    }

    async fn hold(&mut self, mut socket: Box<dyn Socket>) -> Why {
        info!("Socket connected");
        if self.out.send(SocketEvent::Up).await.is_err() {
            return Why::Stopped;
        }
        let (mut life, mut ping_at) = (now(), now() + PING_EVERY);
        loop {
            // Reading begins when there is room for what is read; until then it is we who are
            // silent, not the other side.
            let room = tokio::select! {
                biased;
                why = self.disturbed() => return goodbye(socket, why).await,
                () = tokio::time::sleep_until(ping_at) => None,
                room = self.out.reserve() => match room {
                    Ok(room) => Some(room),
                    Err(_) => return goodbye(socket, Why::Stopped).await,
                },
            };
            let Some(room) = room else {
                life = now();
                if let Err(why) = ping(socket.as_mut(), &mut ping_at).await {
                    return why;
                }
                continue;
            };
            let heard = tokio::select! {
                biased;
                why = self.disturbed() => return goodbye(socket, why).await,
                heard = socket.hear() => Some(heard),
                () = tokio::time::sleep_until(life + SILENCE_MAX) => return Why::Silent,
                () = tokio::time::sleep_until(ping_at) => None,
            };
            match heard {
                None => {
                    drop(room);
                    if let Err(why) = ping(socket.as_mut(), &mut ping_at).await {
                        return why;
                    }
                }
                Some(Heard::Closed(Closed(cause))) => return Why::Lost(cause),
                Some(Heard::Life) => life = now(),
                Some(Heard::Text(text)) => {
                    life = now();
                    let frame = Frame::parse(&text);
                    debug!(
                        events = frame.events.len(),
                        skipped = frame.skipped.len(),
                        "Frame received"
                    );
                    if frame.skipped.is_empty() {
                        room.send(SocketEvent::Events(frame.events));
                    } else {
                        room.send(SocketEvent::Skipped(frame.skipped));
                        if self
                            .out
                            .send(SocketEvent::Events(frame.events))
                            .await
                            .is_err()
                        {
                            return Why::Stopped;
                        }
                    }
                }
            }
        }
    }

    async fn disturbed(&self) -> Why {
        tokio::select! {
            biased;
            () = self.stop.cancelled() => Why::Stopped,
            () = self.reconnect.0.notified() => Why::Asked,
        }
    }

    /// Full jitter, and none where we asked for the new connection ourselves.
    fn pause(&mut self, why: &Why) -> Duration {
        match why {
            Why::Asked | Why::Stopped => Duration::ZERO,
            Why::Refused(_) => PAUSE_REFUSED.mul_f64(1.0 + self.jitter.f64()),
            Why::Unreachable(_) | Why::Lost(_) | Why::Silent => {
                let doubled = PAUSE_FIRST.saturating_mul(1 << self.tries.min(6));
                self.tries = self.tries.saturating_add(1);
                doubled.min(PAUSE_MAX).mul_f64(self.jitter.f64())
            }
        }
    }

    /// False: stopped.
    async fn rest(&mut self, pause: Duration) -> bool {
        tokio::select! {
            biased;
            () = self.stop.cancelled() => return false,
            () = self.reconnect.0.notified() => self.tries = 0,
            () = tokio::time::sleep(pause) => {}
        }
        true
    }
}

async fn ping(socket: &mut dyn Socket, ping_at: &mut Instant) -> Result<(), Why> {
    *ping_at = now() + PING_EVERY;
    match tokio::time::timeout(SILENCE_MAX, socket.ping()).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(Closed(cause))) => Err(Why::Lost(cause)),
        Err(_) => Err(Why::Silent),
    }
}

async fn goodbye(mut socket: Box<dyn Socket>, why: Why) -> Why {
    if tokio::time::timeout(CLOSE_MAX, socket.close())
        .await
        .is_err()
    {
        debug!("The other side did not say goodbye");
    }
    why
}
