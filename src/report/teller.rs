//! Tells Mews how commands stand: final states from journal rows until they are confirmed,
//! intermediate ones only when they are worth a request.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use driver_sdk::{Catalogue, Class, CommandId};
use futures_util::future::BoxFuture;
use futures_util::stream::{FuturesUnordered, StreamExt};
use jiff::Timestamp;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::note::note;
use crate::hotel::Hotel;
use crate::journal::{PmsState, Row};
use crate::life::{FinalState, Outcome, OutcomeKind, Said};
use crate::mews::budget::{Priority, Rank};
use crate::mews::cloud::CallError;
use crate::mews::wire::{State, Update};

/// A command that waits, or is worked on, longer than this is worth an intermediate state.
const WORTH_TELLING: Duration = Duration::from_millis(300);
/// Between two reports of progress.
const PROGRESS_EVERY: Duration = Duration::from_secs(2);
/// Intermediate states are sent only while this many requests more are free than final states are
/// still to come: each command that is not reported will need one.
const SPARE: usize = 20;
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
    fn count(&self) -> usize {
        self.open().len()
    }

    /// What is due now, most urgent first, and when the next one will be.
    fn due(&self, now: Instant) -> (Option<Due>, Option<Instant>) {
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
type Due = (CommandId, Said, Option<u8>);

/// True where an intermediate state may have one of the free requests.
fn is_spare(free: usize, unreported: usize) -> bool {
    free > unreported.saturating_add(SPARE)
}

/// Why `Processing` was not confirmed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotConfirmed {
    /// It has this final state already: nothing may run.
    Final(String),
    /// Mews answers, and does not know it.
    Unknown,
    /// Mews answers, knows it, and does not take it.
    Refused,
    /// Mews, or this PC's disk, does not answer as it should, for any command; ask again later.
    Later,
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

/// What became of one final report.
enum Told {
    /// Mews has it (or another final state, or we owe nothing): the row is closed.
    Closed,
    /// Not yet; try again soon.
    Again,
    /// More haste does not help; try again after a long rest.
    Later,
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
                // Order per command: an intermediate state under way is waited for, but one that
                // has not left yet is dropped for the final one.
                if interim.as_ref().is_some_and(|(busy, _)| *busy == id) {
                    interim = None;
                }
                under_way.insert(id);
                finals.push(Box::pin(tell_final(
                    self.hotel.clone(),
                    self.catalogue.clone(),
                    row,
                )));
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

fn priority(row: &Row, outcome: &Outcome) -> Rank {
    let priority = match (outcome.final_state(), row.entry.class) {
        (FinalState::Error, _) => Priority::Error,
        (_, Class::FiscalMachine | Class::PaymentTerminal | Class::KeyCutter) => {
            Priority::FinalOfMoneyOrKey
        }
        (_, Class::Printer | Class::PassportScanner) => Priority::Final,
    };
    Rank {
        priority,
        created: Some(row.created),
    }
}

async fn tell_final(hotel: Arc<Hotel>, catalogue: Arc<Catalogue>, row: Row) -> (CommandId, Told) {
    let id = row.entry.id;
    if let (Some(PmsState(state)), Some(outcome)) = (&row.pms_state, &row.outcome)
        && is_final(state)
    {
        let text = note(outcome, &row.device_title, &catalogue);
        return (id, close(&hotel, &row, outcome, state, &text).await);
    }
    // As it stands now: a person may have had it tried again since it was read.
    let standing = hotel.journal.with(move |core| core.about_to_report(id));
    let (row, outcome) = match standing.await {
        Ok(Some(row)) => match row.outcome.clone() {
            Some(outcome) => (row, outcome),
            None => return (id, Told::Later),
        },
        Ok(None) => return (id, Told::Closed),
        Err(_) => return (id, Told::Again),
    };
    let text = note(&outcome, &row.device_title, &catalogue);
    let update = match outcome.final_state() {
        FinalState::Processed => Update::Processed {
            notes: text.clone(),
        },
        FinalState::Error => Update::Error {
            notes: text.clone(),
        },
        FinalState::Cancelled => Update::Cancelled {
            notes: text.clone(),
        },
    };
    let told = match hotel
        .cloud
        .update(id, &update, priority(&row, &outcome))
        .await
    {
        Ok(()) => close(&hotel, &row, &outcome, wire_word(&outcome), &text).await,
        Err(refused) => settle_refusal(&hotel, &row, &outcome, &text, refused).await,
    };
    (id, told)
}

/// A refused repeat is settled by reading the command back, not by retrying for ever.
async fn settle_refusal(
    hotel: &Hotel,
    row: &Row,
    outcome: &Outcome,
    text: &str,
    refused: CallError,
) -> Told {
    let id = row.entry.id;
    match &refused {
        CallError::Refused { .. }
        | CallError::Unreadable(_)
        | CallError::NoAnswer
        | CallError::TooMuch(_) => {}
        CallError::Unauthorized | CallError::NotFound => {
            tracing::error!(command = %id, error = %refused, "Report refused; it is kept");
            hotel.board.edit_link(&hotel.name, |link| {
                link.unauthorized = matches!(refused, CallError::Unauthorized);
            });
            return Told::Later;
        }
    }
    match hotel.cloud.read_now(id, Duration::from_secs(30)).await {
        Ok(Some(command)) if command.state.is_final() => {
            close(hotel, row, outcome, command.state.as_str(), text).await
        }
        Ok(Some(_)) => {
            tracing::warn!(command = %id, error = %refused, "Report refused for now");
            Told::Again
        }
        Ok(None) => {
            let text = "Mews no longer knows a command whose result is not reported; it is kept";
            hotel.board.alarm(hotel.now(), text, Some(id));
            Told::Later
        }
        Err(error) => {
            tracing::warn!(command = %id, error = %error, "Report refused and not read back");
            Told::Again
        }
    }
}

/// Mews has a final state: ours, or a foreign one, which is an alarm.
async fn close(hotel: &Hotel, row: &Row, outcome: &Outcome, state: &str, text: &str) -> Told {
    let id = row.entry.id;
    let ours = state == wire_word(outcome);
    let nothing_happened = matches!(
        outcome.kind,
        OutcomeKind::Cancelled | OutcomeKind::Expired | OutcomeKind::Failed
    );
    // Cancelled by two, or an error for two reasons, is no news; done, where nothing happened, is.
    if !ours && (!nothing_happened || state == "Processed") {
        let alarm = format!(
            "Mews has {state} for a command of {}, but here it ended otherwise: {text}",
            row.device_title
        );
        hotel.board.alarm(hotel.now(), alarm, Some(id));
    }
    let (state, text) = (PmsState(state.to_owned()), text.to_owned());
    let now = hotel.now();
    let shown = format!("told Mews {}: {text}", state.0);
    crate::crash::point("before-reported");
    match hotel
        .journal
        .with(move |core| core.reported(id, &state, &text, now))
        .await
    {
        Ok(()) => {
            hotel.board.tell(id, &row.device, shown);
            if outcome.kind == OutcomeKind::Unconfirmed {
                hotel.board.ring(&row.device);
            }
            Told::Closed
        }
        Err(_) => Told::Again,
    }
}

fn wire_word(outcome: &Outcome) -> &'static str {
    match outcome.final_state() {
        FinalState::Processed => "Processed",
        FinalState::Error => "Error",
        FinalState::Cancelled => "Cancelled",
    }
}

fn is_final(state: &str) -> bool {
    matches!(state, "Processed" | "Error" | "Cancelled")
}

async fn tell_interim(
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

/// Has `Processing` confirmed before a fiscal device or a terminal is touched.
///
/// # Errors
/// [`NotConfirmed`]: nothing may run.
pub async fn confirm_processing(hotel: &Hotel, row: &Row) -> Result<(), NotConfirmed> {
    let id = row.entry.id;
    let now = hotel.now();
    if hotel
        .journal
        .with(move |core| core.about_to_say_processing(id, now))
        .await
        .is_err()
    {
        return Err(NotConfirmed::Later);
    }
    crate::crash::point("before-processing");
    let rank = Rank {
        priority: Priority::ProcessingOfMoney,
        created: Some(row.created),
    };
    let confirmed = match hotel
        .cloud
        .update(id, &Update::Processing { percent: None }, rank)
        .await
    {
        Ok(()) => Ok(()),
        Err(
            error @ (CallError::Refused { .. } | CallError::Unreadable(_) | CallError::NoAnswer),
        ) => match hotel.cloud.read_now(id, Duration::from_secs(30)).await {
            Ok(Some(command)) if command.state.is_final() => {
                Err(NotConfirmed::Final(command.state.as_str().to_owned()))
            }
            Ok(Some(command)) if command.state == State::Processing => Ok(()),
            Ok(None) => Err(NotConfirmed::Unknown),
            Ok(Some(_)) if error != CallError::NoAnswer => Err(NotConfirmed::Refused),
            Ok(Some(_)) | Err(_) => Err(NotConfirmed::Later),
        },
        Err(CallError::Unauthorized | CallError::NotFound | CallError::TooMuch(_)) => {
            Err(NotConfirmed::Later)
        }
    };
    if confirmed.is_ok() {
        crate::crash::point("after-processing");
        let said = hotel
            .journal
            .with(move |core| core.said(id, Said::Processing, now))
            .await;
        return said.map_err(|_| NotConfirmed::Later);
    }
    confirmed
}

#[cfg(test)]
mod tests;
