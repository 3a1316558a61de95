//! Intermediate states: which command is worth one, and when. They are dropped, never queued: what
//! is due is computed from what is open at the moment there is budget for it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use driver_sdk::CommandId;
use jiff::Timestamp;
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::hotel::Hotel;
use crate::life::Said;
use crate::mews::budget::Priority;
use crate::mews::wire::Update;

/// A command that waits, or is worked on, longer than this is worth an intermediate state.
pub(super) const WORTH_TELLING: Duration = Duration::from_millis(300);
/// Between two reports of progress.
const PROGRESS_EVERY: Duration = Duration::from_secs(2);

/// What is worth an intermediate report, by command. Lanes and intake write, the teller reads.
#[derive(Clone, Debug)]
pub struct Interim {
    open: Arc<Mutex<BTreeMap<CommandId, Standing>>>,
    bell: Arc<Notify>,
}

#[derive(Debug, Clone)]
struct Standing {
    waiting_since: Instant,
    working_since: Option<Instant>,
    percent: Option<u8>,
    told_percent: Option<u8>,
    said: Said,
    last: Option<Instant>,
}

impl Interim {
    /// Nothing yet; `bell` wakes the teller.
    #[must_use]
    pub fn new(bell: Arc<Notify>) -> Self {
        Self {
            open: Arc::default(),
            bell,
        }
    }

    fn open(&self) -> MutexGuard<'_, BTreeMap<CommandId, Standing>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A command waits for its device from now on.
    pub fn waits(&self, id: CommandId, said: Said) {
        let standing = Standing {
            waiting_since: driver_sdk::clock::now(),
            working_since: None,
            percent: None,
            told_percent: None,
            said,
            last: None,
        };
        self.open().entry(id).or_insert(standing);
        self.bell.notify_one();
    }

    /// Its device works on it from now on.
    pub fn works(&self, id: CommandId, said: Said) {
        self.waits(id, said);
        if let Some(standing) = self.open().get_mut(&id) {
            standing.said = standing.said.max(said);
            standing
                .working_since
                .get_or_insert_with(driver_sdk::clock::now);
        }
        self.bell.notify_one();
    }

    /// It waits again: its device is not well.
    pub fn rests(&self, id: CommandId) {
        if let Some(standing) = self.open().get_mut(&id) {
            standing.working_since = None;
        }
    }

    /// How far it is; the latest wins.
    pub fn progress(&self, id: CommandId, percent: u8) {
        if let Some(standing) = self.open().get_mut(&id) {
            standing.percent = Some(percent);
        }
        self.bell.notify_one();
    }

    /// It is over: only its final state matters now.
    pub fn ended(&self, id: CommandId) {
        self.open().remove(&id);
        self.bell.notify_one();
    }

    /// Commands that wait or are worked on.
    pub(super) fn count(&self) -> usize {
        self.open().len()
    }

    /// What is due now, most urgent first, and when the next one will be.
    pub(super) fn due(&self, now: Instant) -> (Option<Due>, Option<Instant>) {
        let mut first = None;
        let mut next: Option<Instant> = None;
        for (id, standing) in self.open().iter() {
            let Some((at, said)) = standing.owed() else {
                continue;
            };
            if at > now {
                next = Some(next.map_or(at, |known| known.min(at)));
            } else if first.is_none() {
                first = Some((*id, said, standing.percent));
            }
        }
        (first, next)
    }

    fn told(&self, id: CommandId, said: Said, percent: Option<u8>, now: Instant) {
        if let Some(standing) = self.open().get_mut(&id) {
            standing.said = standing.said.max(said);
            standing.last = Some(now);
            if said == Said::Processing {
                standing.told_percent = percent;
            }
        }
    }
}

impl Standing {
    /// What is owed for this command and from when on.
    fn owed(&self) -> Option<(Instant, Said)> {
        match (self.working_since, self.said) {
            (Some(since), Said::Nothing | Said::Received) => {
                Some((since + WORTH_TELLING, Said::Processing))
            }
            (Some(_), Said::Processing) if self.percent > self.told_percent => {
                let last = self.last.unwrap_or(self.waiting_since);
                Some((last + PROGRESS_EVERY, Said::Processing))
            }
            (None, Said::Nothing) => Some((self.waiting_since + WORTH_TELLING, Said::Received)),
            (Some(_) | None, _) => None,
        }
    }
}

/// An intermediate state that is due: the command, what to say, how far it is.
pub(super) type Due = (CommandId, Said, Option<u8>);

/// Tells one intermediate state, once; a refusal is no loss.
pub(super) async fn tell_interim(
    hotel: Arc<Hotel>,
    interim: Interim,
    id: CommandId,
    said: Said,
    percent: Option<u8>,
) {
    let now: Timestamp = hotel.now();
    let update = match said {
        Said::Processing => {
            // From here on the journal is the command's only memory.
            let synced = hotel
                .journal
                .with(move |core| core.about_to_say_processing(id, now));
            if synced.await.is_err() {
                // As with a refusal below: owed any longer, it would be tried again without a rest.
                interim.told(id, said, percent, driver_sdk::clock::now());
                return;
            }
            Update::Processing { percent }
        }
        Said::Received | Said::Nothing => Update::Received,
    };
    let sent = driver_sdk::clock::now();
    match hotel
        .cloud
        .update(id, &update, Priority::Intermediate.into())
        .await
    {
        Ok(()) => {
            let _ = hotel
                .journal
                .with(move |core| core.said(id, said, now))
                .await;
        }
        Err(error) => {
            // A courtesy that was refused is not owed any more: the final state is.
            tracing::debug!(command = %id, error = %error, "Intermediate state refused");
        }
    }
    interim.told(id, said, percent, sent);
}

#[cfg(test)]
mod tests;
