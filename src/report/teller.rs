//! Tells Mews how commands stand: final states from journal rows until they are confirmed,
//! intermediate ones only when they are worth a request.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use driver_sdk::{Catalogue, CommandId};
use futures_util::future::BoxFuture;
use futures_util::stream::{FuturesUnordered, StreamExt};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use super::finals::{Told, tell_final};
use super::interim::{Interim, WORTH_TELLING, tell_interim};
use crate::hotel::Hotel;
use crate::journal::Row;

/// Intermediate states are sent only while this many requests more are free than final states are
/// still to come: each command that is not reported will need one.
const SPARE: usize = 20;
/// How long a final state lets an intermediate one of its command go first.
const INTERIM_FIRST: Duration = Duration::from_millis(500);
/// Final states handed to the budget at once. It sends 4 at a time and puts them in order; more
/// are handed over so that an error overtakes the successes before it.
const AT_ONCE: usize = 512;
/// Below so many handed over, more are looked for.
const FEW: usize = 64;
/// Rest after an answer that more haste does not change (401, 404, an odd refusal).
const REST: Duration = Duration::from_secs(60);
/// First rest after a refusal that passes (a conflict, a time-out, a disk that is full), doubled
/// each time up to the longest.
const CONFLICT_REST: Duration = Duration::from_secs(2);
const CONFLICT_REST_MAX: Duration = Duration::from_secs(30);

/// True where an intermediate state may have one of the free requests.
fn is_spare(free: usize, unreported: usize) -> bool {
    free > unreported.saturating_add(SPARE)
}

/// Reports of one property.
pub struct Teller {
    hotel: Arc<Hotel>,
    interim: Interim,
    catalogue: Arc<Catalogue>,
    bell: Arc<Notify>,
    not_before: BTreeMap<CommandId, Rest>,
}

/// A report that rests: until when, and for how long this time.
#[derive(Debug, Clone, Copy)]
struct Rest {
    until: Instant,
    length: Duration,
}

impl std::fmt::Debug for Teller {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Teller")
            .field("hotel", &self.hotel.name)
            .finish_non_exhaustive()
    }
}

impl Teller {
    /// The teller of a property; `interim` must ring `bell`.
    #[must_use]
    pub fn new(
        hotel: Arc<Hotel>,
        interim: Interim,
        catalogue: Arc<Catalogue>,
        bell: Arc<Notify>,
    ) -> Self {
        Self {
            hotel,
            interim,
            catalogue,
            bell,
            not_before: BTreeMap::new(),
        }
    }

    /// Reports until stopped. What is owed then stays in the journal.
    pub async fn run(mut self, stop: CancellationToken) {
        let mut finals: FuturesUnordered<BoxFuture<'static, (CommandId, Told)>> =
            FuturesUnordered::new();
        let mut under_way: BTreeSet<CommandId> = BTreeSet::new();
        let mut interim: Option<(CommandId, BoxFuture<'static, ()>)> = None;
        let mut owed = 0;
        let mut look = true;
        loop {
            let mut wake: Option<Instant> = None;
            let rows = if look || under_way.len() < FEW && owed > under_way.len() {
                let (rows, count) = self.owed(&under_way).await;
                owed = count;
                rows
            } else {
                Vec::new()
            };
            look = false;
            let now = driver_sdk::clock::now();
            // Whoever rests is looked at again, whether this look has seen it or not.
            for rest in self.not_before.values().filter(|rest| rest.until > now) {
                let at = rest.until;
                wake = Some(wake.map_or(at, |known: Instant| known.min(at)));
            }
            for row in rows {
                let id = row.entry.id;
                if self
                    .not_before
                    .get(&id)
                    .is_some_and(|rest| rest.until > now)
                {
                    continue;
                }
                // Order per command: an intermediate state under way goes first, unless it has to
                // wait itself.
                let before = interim.take_if(|(busy, _)| *busy == id);
                under_way.insert(id);
                let telling = tell_final(self.hotel.clone(), self.catalogue.clone(), row);
                finals.push(Box::pin(async move {
                    if let Some((_, before)) = before {
                        let _ = timeout(INTERIM_FIRST, before).await;
                    }
                    telling.await
                }));
            }
            if interim.is_none() {
                let (due, next) = self.interim.due(now);
                let spare = self.hotel.cloud.budget().free();
                let unreported = owed.saturating_add(self.interim.count());
                match due {
                    Some((id, said, percent)) if is_spare(spare, unreported) => {
                        let tell = tell_interim(
                            self.hotel.clone(),
                            self.interim.clone(),
                            id,
                            said,
                            percent,
                        );
                        interim = Some((id, Box::pin(tell)));
                    }
                    Some(_) => {
                        let soon = now + WORTH_TELLING;
                        wake = Some(wake.map_or(soon, |known| known.min(soon)));
                    }
                    None => {}
                }
                if let Some(next) = next {
                    wake = Some(wake.map_or(next, |known| known.min(next)));
                }
            }
            let interim_done = async {
                match &mut interim {
                    Some((_, telling)) => telling.await,
                    None => std::future::pending().await,
                }
            };
            let alarm_clock = async {
                match wake {
                    Some(at) => sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                () = stop.cancelled() => return,
                Some((id, told)) = finals.next(), if !finals.is_empty() => {
                    under_way.remove(&id);
                    // `owed` was counted before or after this one was written: not to be trusted
                    // for the last.
                    look |= under_way.is_empty();
                    match told {
                        Told::Closed => {
                            owed = owed.saturating_sub(1);
                            self.not_before.remove(&id);
                            self.hotel.forget(id);
                        }
                        Told::Again => {
                            let last = self.not_before.get(&id).map(|rest| rest.length * 2);
                            let length = last.unwrap_or(CONFLICT_REST).min(CONFLICT_REST_MAX);
                            self.rests(id, length);
                        }
                        Told::Later => self.rests(id, REST),
                    }
                }
                () = interim_done => interim = None,
                () = self.bell.notified() => look = true,
                () = alarm_clock => look = true,
            }
        }
    }

    fn rests(&mut self, id: CommandId, length: Duration) {
        let until = driver_sdk::clock::now() + length;
        self.not_before.insert(id, Rest { until, length });
    }

    /// What is owed beyond what is being told already, and how much is owed in all.
    async fn owed(&self, under_way: &BTreeSet<CommandId>) -> (Vec<Row>, usize) {
        let property = self.hotel.name.clone();
        let room = AT_ONCE.saturating_sub(under_way.len());
        let now = driver_sdk::clock::now();
        // Those that rest keep no place from the others, whatever their number.
        let resting = self.not_before.iter().filter(|(_, rest)| rest.until > now);
        let resting = resting.map(|(id, _)| *id);
        let but: BTreeSet<_> = under_way.iter().copied().chain(resting).collect();
        let read = self.hotel.journal.look(move |core| {
            let rows = match room {
                0 => Vec::new(),
                _ => core.unreported(&property, &but, room)?,
            };
            Ok((rows, core.owed(&property)?))
        });
        match read.await {
            Ok(owed) => owed,
            Err(error) => {
                tracing::error!(error = %error, "Reports cannot be read from the journal");
                (Vec::new(), 0)
            }
        }
    }
}

#[cfg(test)]
mod tests;
