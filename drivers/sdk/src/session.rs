//! A conversation that goes on, shared by several devices.
//!
//! A stream gives turns; a session gives concurrency. A driver chooses in `open`, and that is
//! all.

use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;

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

/// The conversation's end: what the devices ask.
pub struct Calls<S: Session> {
    inbox: mpsc::Receiver<Envelope<S>>,
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
                    Some(envelope) => drop(envelope.reply.send(Err(not_sent()))),
                    None => return false,
                },
            }
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
    up: watch::Receiver<bool>,
}

impl<S: Session> Clone for Shared<S> {
    fn clone(&self) -> Self {
        Self {
            session: self.session.clone(),
            calls: self.calls.clone(),
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
        let shared = Self {
            session: Arc::new(session),
            calls,
            up: up.subscribe(),
        };
        (
            shared,
            Calls {
                inbox,
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
        if self.calls.send(envelope).await.is_err() {
            return Err(not_sent());
        }
        match answer.await {
            Ok(result) => result,
            Err(_) if !taken.load(Ordering::Acquire) => Err(not_sent()),
            Err(_) => Err(Fault::transient("SESSION-LOST")),
        }
    }
}

#[cfg(test)]
mod tests;
