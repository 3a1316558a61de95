//! A conversation that goes on, shared by several devices.
//!
//! A stream gives turns; a session gives concurrency. A driver chooses in `open`, and that is
//! all.

use std::ops::Deref;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use tokio::sync::{Notify, mpsc, oneshot, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::clock_source;
use crate::fault::Fault;
use crate::link::Link;
use crate::run::Committed;
use crate::watch::Watch;

/// The protocol of a conversation.
pub trait Session: Send + Sync + Sized + 'static {
    /// What a device asks of the conversation.
    type Ask: Send + 'static;
    /// What comes back.
    type Answer: Send + 'static;

    /// Holds the conversation on a freshly opened line; again, with backoff, after each `Err`.
    /// Owns both directions. Returns `Ok` after [`Calls::next`] gave `None`.
    ///
    /// It asks [`Calls::next`] while it does anything else: a conversation that stands and takes
    /// no call for a minute while one waits, or that does not stand after five, counts as hung.
    /// It is dropped with its line and held anew: a crash of the devices that share it.
    ///
    /// # Errors
    /// The conversation broke: calls under way are lost, new ones are "not sent".
    fn hold(
        &self,
        line: &mut Link,
        calls: &mut Calls<Self>,
        watch: &Watch,
    ) -> impl Future<Output = Result<(), Fault>> + Send;
}

struct Envelope<S: Session> {
    ask: S::Ask,
    committed: bool,
    /// What this call may have sent.
    effects: AtomicU32,
    reply: oneshot::Sender<Result<S::Answer, Fault>>,
    taken: Arc<AtomicBool>,
}

/// How many calls wait to be taken, and since when none was: what is known from outside of a
/// conversation that no longer runs.
#[derive(Debug, Default)]
pub(crate) struct Waiting {
    state: Mutex<Untaken>,
    first: Notify,
}

#[derive(Debug, Default)]
struct Untaken {
    calls: usize,
    since: Option<Instant>,
}

impl Waiting {
    fn lock(&self) -> MutexGuard<'_, Untaken> {
        self.state
            .lock()
            .expect("no code panics while it holds this lock")
    }

    fn one_more(&self) {
        let mut untaken = self.lock();
        untaken.calls += 1;
        if untaken.calls == 1 {
            untaken.since = Some(clock_source::now());
            self.first.notify_one();
        }
    }

    fn one_taken(&self) {
        let mut untaken = self.lock();
        untaken.calls = untaken.calls.saturating_sub(1);
        untaken.since = (untaken.calls > 0).then(clock_source::now);
    }

    /// Resolves when a call has waited so long, and no other was taken meanwhile.
    pub(crate) async fn untaken_for(&self, limit: Duration) {
        loop {
            let since = self.lock().since;
            match since {
                Some(since) if clock_source::now() >= since + limit => return,
                Some(since) => tokio::time::sleep_until(since + limit).await,
                None => self.first.notified().await,
            }
        }
    }
}

/// The conversation's end: what the devices ask.
pub struct Calls<S: Session> {
    inbox: mpsc::Receiver<Envelope<S>>,
    waiting: Arc<Waiting>,
    up: watch::Sender<bool>,
    stop: CancellationToken,
}

impl<S: Session> std::fmt::Debug for Calls<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Calls")
    }
}

impl<S: Session> Calls<S> {
    /// The conversation stands: calls are taken from now on.
    pub fn ready(&mut self) {
        self.up.send_replace(true);
    }

    /// The next call that is still wanted; `None`: say goodbye and stop. Cancel-safe.
    pub async fn next(&mut self) -> Option<Call<S>> {
        loop {
            let envelope = tokio::select! {
                biased;
                () = self.stop.cancelled() => None,
                envelope = self.inbox.recv() => envelope,
            }?;
            self.waiting.one_taken();
            let call = Call { envelope };
            if !call.abandoned() {
                call.envelope.taken.store(true, Ordering::Release);
                return Some(call);
            }
        }
    }

    /// The conversation is down: what waits fails at once as "not sent".
    pub(crate) fn down(&mut self) {
        self.up.send_replace(false);
        while let Ok(envelope) = self.inbox.try_recv() {
            self.waiting.one_taken();
            let _ = envelope.reply.send(Err(not_sent()));
        }
    }

    /// Fails calls while the conversation is down, until `wake` resolves. False: stop.
    pub(crate) async fn refuse_until(&mut self, wake: impl Future<Output = ()>) -> bool {
        tokio::pin!(wake);
        loop {
            tokio::select! {
                biased;
                () = &mut wake => return true,
                envelope = self.inbox.recv() => match envelope {
                    Some(envelope) => {
                        self.waiting.one_taken();
                        drop(envelope.reply.send(Err(not_sent())));
                    }
                    None => return false,
                },
            }
        }
    }

    /// What waits to be taken, for the one who watches over the conversation.
    pub(crate) fn waiting(&self) -> Arc<Waiting> {
        self.waiting.clone()
    }

    /// Resolves when the conversation stands.
    pub(crate) fn stands(&self) -> impl Future<Output = ()> + Send + use<S> {
        let mut up = self.up.subscribe();
        async move {
            // Whoever waits holds the calls' own end, so it does not go before it stands.
            let _ = up.wait_for(|up| *up).await;
        }
    }

    /// From when on [`Calls::next`] gives `None`.
    pub(crate) fn stop_at(&mut self, stop: &CancellationToken) {
        self.stop = stop.clone();
    }
}

fn not_sent() -> Fault {
    Fault::transient("SESSION-DOWN").never_sent()
}

/// One question of a device to the conversation. Dropped unanswered it means "lost": after
/// commit that is a doubt.
pub struct Call<S: Session> {
    envelope: Envelope<S>,
}

impl<S: Session> std::fmt::Debug for Call<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Call")
    }
}

impl<S: Session> Call<S> {
    /// What is asked.
    #[must_use]
    pub fn ask(&self) -> &S::Ask {
        &self.envelope.ask
    }

    /// Leave to act, if the device gave it.
    #[must_use]
    pub fn committed(&self) -> Option<Committed<'_>> {
        self.envelope
            .committed
            .then(|| Committed::lend(&self.envelope.effects))
    }

    /// True if nobody waits for the answer any more. Never send an abandoned call.
    #[must_use]
    pub fn abandoned(&self) -> bool {
        self.envelope.reply.is_closed()
    }

    /// Answers it.
    pub fn answer(self, answer: S::Answer) {
        let _ = self.envelope.reply.send(Ok(answer));
    }

    /// Refuses it. A refusal before anything was sent is marked `never_sent`.
    pub fn refuse(self, fault: Fault) {
        let _ = self.envelope.reply.send(Err(fault));
    }
}

/// A device's end of a conversation.
pub struct Shared<S: Session> {
    session: Arc<S>,
    calls: mpsc::Sender<Envelope<S>>,
    waiting: Arc<Waiting>,
    up: watch::Receiver<bool>,
}

impl<S: Session> Clone for Shared<S> {
    fn clone(&self) -> Self {
        Self {
            session: self.session.clone(),
            calls: self.calls.clone(),
            waiting: self.waiting.clone(),
            up: self.up.clone(),
        }
    }
}

impl<S: Session> std::fmt::Debug for Shared<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared")
            .field("up", &self.is_up())
            .finish_non_exhaustive()
    }
}

impl<S: Session> Deref for Shared<S> {
    type Target = S;
    fn deref(&self) -> &S {
        &self.session
    }
}

impl<S: Session> Shared<S> {
    /// Both ends of a conversation: what devices hold, and what its runner holds.
    #[must_use]
    pub fn pair(session: S) -> (Self, Calls<S>) {
        let (calls, inbox) = mpsc::channel(64);
        let up = watch::Sender::new(false);
        let waiting = Arc::<Waiting>::default();
        let shared = Self {
            session: Arc::new(session),
            calls,
            waiting: waiting.clone(),
            up: up.subscribe(),
        };
        (
            shared,
            Calls {
                inbox,
                waiting,
                up,
                stop: CancellationToken::new(),
            },
        )
    }

    /// Resolves when the conversation stands.
    pub async fn up(&self) {
        let mut up = self.up.clone();
        if up.wait_for(|up| *up).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// True while the conversation stands.
    #[must_use]
    pub fn is_up(&self) -> bool {
        *self.up.borrow()
    }

    /// Resolves when the conversation falls.
    pub async fn fallen(&self) {
        let mut up = self.up.clone();
        // A conversation whose runner is gone has fallen too.
        let _ = up.wait_for(|up| !*up).await;
    }

    /// Asks something harmless. The driver's author vouches for that: an ask that acts must go
    /// through [`Shared::effect`], and the session checks [`Call::committed`] before it sends it.
    ///
    /// # Errors
    /// `SESSION-DOWN` (not sent), `SESSION-LOST` (sent, no answer), or the session's refusal.
    pub async fn ask(&self, ask: S::Ask) -> Result<S::Answer, Fault> {
        self.call(ask, false).await
    }

    /// Sends what changes the world.
    ///
    /// # Errors
    /// As [`Shared::ask`]; "not sent" carries its proof, of this call alone
    /// ([`Fault::never_sent`]).
    pub async fn effect(&self, leave: Committed<'_>, ask: S::Ask) -> Result<S::Answer, Fault> {
        leave.counted(self.call(ask, true)).await
    }

    async fn call(&self, ask: S::Ask, committed: bool) -> Result<S::Answer, Fault> {
        if !self.is_up() {
            return Err(not_sent());
        }
        let (reply, answer) = oneshot::channel();
        let taken = Arc::new(AtomicBool::new(false));
        let envelope = Envelope {
            ask,
            committed,
            effects: AtomicU32::new(0),
            reply,
            taken: taken.clone(),
        };
        let Ok(room) = self.calls.reserve().await else {
            return Err(not_sent());
        };
        self.waiting.one_more();
        room.send(envelope);
        match answer.await {
            Ok(result) => result,
            Err(_) if !taken.load(Ordering::Acquire) => Err(not_sent()),
            Err(_) => Err(Fault::transient("SESSION-LOST")),
        }
    }
}

#[cfg(test)]
mod tests;
