//! The loop of a lane.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use driver_sdk::{CommandId, Fault, Say, Staged, WatchEvent, Work};
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, select_all};
use jiff::Timestamp;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;

use super::attempt::{Finished, NoJob, PANICKED, is_doubt_before_begin};
use super::slot::{CLOCK_STEP, CLOUD_TIME_UNKNOWN, Line, Slot, crash};
use crate::board::DeviceState;
use crate::intake;
use crate::journal::{JournalError, Row};
use crate::life::{Ended, Outcome, OutcomeKind, Step, after, next};
use crate::report::{confirm_processing, expired};

/// The stages of a stop, in their order.
#[derive(Debug, Clone, Default)]
pub struct Stops {
    /// Nothing new starts.
    pub nothing_new: CancellationToken,
    /// Running attempts end at their next safe point.
    pub safe_points: CancellationToken,
    /// What still runs is left as it is.
    pub drop_now: CancellationToken,
}

/// One wire and its devices.
#[derive(Debug)]
pub struct Lane {
    slots: Vec<Slot>,
    bell: Arc<Notify>,
    stops: Stops,
}

/// What the journal shows of one device.
struct Look {
    committed: Vec<Row>,
    doubts: Vec<Row>,
    ended: Vec<Row>,
    head: Option<Row>,
    next_expiry: Option<Timestamp>,
    waiting_since: Option<Timestamp>,
    /// When one that was set aside is tried again.
    aside_until: Option<Instant>,
}

/// What to do on the wire now.
enum Turn {
    Ask {
        slot: usize,
        row: Box<Row>,
        open: bool,
    },
    Run {
        slot: usize,
        row: Box<Row>,
    },
    Idle {
        until: Instant,
    },
}

/// Rest after a turn that failed: the journal cannot be written, or our code broke off.
const REST: Duration = Duration::from_millis(500);
/// The longest idle without a look, so that no missed bell can stall a lane.
const LOOK_AGAIN: Duration = Duration::from_secs(30);
/// Rows handled in one look.
const BATCH: u32 = 64;

impl Lane {
    /// A lane of one device, or of all that share a wire. `bell` must be rung for each of them.
    #[must_use]
    pub fn new(slots: Vec<Slot>, bell: Arc<Notify>, stops: Stops) -> Self {
        Self { slots, bell, stops }
    }

    /// Works until stopped.
    pub async fn run(mut self) {
        while !self.stops.nothing_new.is_cancelled() {
            match AssertUnwindSafe(self.turn()).catch_unwind().await {
                Ok(Ok(())) => continue,
                Ok(Err(error)) => self.journal_failed(&error),
                // The panic hook has logged the place. What is next is read from the rows again.
                Err(_) => self.broke_off(),
            }
            tokio::select! {
                biased;
                () = self.stops.nothing_new.cancelled() => {}
                () = sleep(REST) => {}
            }
        }
    }

    fn journal_failed(&self, error: &JournalError) {
        let slot = &self.slots[0];
        let why = super::host::chain(error);
        slot.hotel.board.journal_is(Some((slot.now(), why)));
    }

    /// A bug of ours, in this lane alone: the others and the rest of the worker go on.
    fn broke_off(&self) {
        let slot = &self.slots[0];
        let device = &slot.name;
        let text = format!(
            "A step of the worker for {device} broke off, which is a bug; it goes on. Send the log \
             to support"
        );
        slot.hotel.board.alarm(slot.now(), text, None);
    }

    async fn turn(&mut self) -> Result<(), JournalError> {
        let now = driver_sdk::clock::now();
        let mut looks = Vec::with_capacity(self.slots.len());
        for slot in &mut self.slots {
            slot.opens_again(now);
            while let Ok(event) = slot.events.try_recv() {
                slot.told(event).await?;
            }
            looks.push(look(slot, now).await?);
        }
        for (slot, look) in self.slots.iter_mut().zip(&mut looks) {
            settle_ended(slot, std::mem::take(&mut look.ended)).await?;
            if look.committed.is_empty() {
                give_up_waiting(slot, &look.doubts).await?;
            }
        }
        match self.choose(looks, now) {
            Turn::Ask { slot, row, open } => self.ask(slot, *row, open).await,
            Turn::Run { slot, row } => self.run_one(slot, *row).await,
            Turn::Idle { until } => self.idle(until).await,
        }
    }

    /// A doubt first, then the oldest command whose device is ready.
    fn choose(&mut self, looks: Vec<Look>, now: Instant) -> Turn {
        let mut until = now + LOOK_AGAIN;
        let mut asked = None;
        let mut oldest: Option<(usize, Row)> = None;
        let mut wire_in_doubt = false;
        for (index, look) in looks.into_iter().enumerate() {
            let slot = &self.slots[index];
            let money = slot.rules.class.is_money();
            let mut blocked = false;
            // While an attempt is in doubt, nobody gives up waiting.
            let held = if look.committed.is_empty() {
                held(slot, &look.doubts)
            } else {
                None
            };
            let doubts = look.doubts.into_iter().map(|row| (row, true));
            for (row, open) in look
                .committed
                .into_iter()
                .map(|row| (row, false))
                .chain(doubts)
            {
                let id = row.entry.id;
                // An open doubt of paper or keys is asked about only when there is news of it.
                let due = slot.ask_at(id).or((!open || money).then_some(now));
                if open && money {
                    blocked = true;
                    slot.shows(DeviceState::Blocked { command: id });
                }
                wire_in_doubt |= !open;
                match due {
                    Some(at) if at <= now => {
                        asked.get_or_insert(Turn::Ask {
                            slot: index,
                            row: Box::new(row),
                            open,
                        });
                    }
                    Some(at) => until = until.min(at),
                    None => {}
                }
            }
            // Before the cloud's time is known nothing is too old; who learns it rings.
            if let (Some(expiry), Some(time)) = (look.next_expiry, slot.hotel.cloud.clock().now()) {
                let left = Duration::try_from(expiry.duration_since(time));
                until = until.min(now + left.unwrap_or(Duration::ZERO));
            }
            if let (Some((held_for, _)), Some(oldest)) = (held, look.waiting_since) {
                until = until.min(now + slot.patience_left(held_for, oldest));
            }
            until = until.min(look.aside_until.unwrap_or(until));
            let Some(row) = look.head else {
                self.slots[index].held = None;
                continue;
            };
            if let Some(held_until) = slot.held_until(now) {
                until = until.min(held_until);
                continue;
            }
            let older = oldest
                .as_ref()
                .is_none_or(|(_, old)| in_line(&row) < in_line(old));
            if blocked {
                continue;
            }
            if slot.device.is_some() && slot.may_try(now) {
                if older {
                    oldest = Some((index, row));
                }
            } else if let Some(unwell) = &slot.unwell {
                until = until.min(unwell.retry_at);
            }
        }
        if let Some(turn) = asked {
            return turn;
        }
        match oldest {
            Some((slot, row)) if !wire_in_doubt => Turn::Run {
                slot,
                row: Box::new(row),
            },
            Some(_) | None => Turn::Idle { until },
        }
    }

    /// Listens to the devices until something is to be done.
    async fn idle(&mut self, until: Instant) -> Result<(), JournalError> {
        let now = driver_sdk::clock::now();
        let opens_at = self.slots.iter().filter_map(Slot::opens_at);
        let until = opens_at.fold(until, Instant::min);
        let bell = self.bell.clone();
        let stop = self.stops.nothing_new.clone();
        let asking: Vec<bool> = self
            .slots
            .iter()
            .map(|slot| !slot.asking.is_empty())
            .collect();
        let idling =
            self.slots
                .iter_mut()
                .zip(asking)
                .enumerate()
                .map(|(index, (slot, asking))| {
                    let Slot {
                        device,
                        watch,
                        events,
                        idle_from,
                        unwell,
                        held,
                        ..
                    } = slot;
                    if unwell.is_none() && held.is_none() && !asking {
                        slot.hotel.board.device_is(
                            &slot.name,
                            DeviceState::Ready,
                            slot.hotel.now(),
                        );
                    }
                    let rests_until = idle_from.filter(|from| *from > now);
                    let listening: BoxFuture<'_, Heard> = Box::pin(async move {
                        let idle = async {
                            if let Some(from) = rests_until {
                                sleep_until(from).await;
                            }
                            let Some(device) = device else {
                                return std::future::pending().await;
                            };
                            let idle = AssertUnwindSafe(device.idle(watch)).catch_unwind();
                            match idle.await {
                                // Nothing to watch: only what a session says is heard.
                                Ok(Ok(())) => std::future::pending().await,
                                Ok(Err(fault)) => Heard::Unwell(index, fault),
                                Err(_) => Heard::Crashed(index),
                            }
                        };
                        tokio::select! {
                            biased;
                            Some(event) = events.recv() => Heard::Said(index, event),
                            heard = idle => heard,
                        }
                    });
                    listening
                });
        let listening = select_all(idling.collect::<Vec<_>>());
        let heard = tokio::select! {
            biased;
            () = stop.cancelled() => None,
            () = bell.notified() => None,
            (heard, _, _) = listening => Some(heard),
            () = sleep_until(until) => None,
        };
        match heard {
            Some(Heard::Said(index, event)) => {
                let slot = &mut self.slots[index];
                slot.idle_from = None;
                slot.told(event).await?;
            }
            Some(Heard::Unwell(index, fault)) => {
                let slot = &mut self.slots[index];
                slot.is_seen_unwell(fault);
                slot.idle_from = slot.unwell.as_ref().map(|unwell| unwell.retry_at);
            }
            Some(Heard::Crashed(index)) => {
                let slot = &mut self.slots[index];
                slot.crashed(PANICKED);
                slot.idle_from = slot.unwell.as_ref().map(|unwell| unwell.retry_at);
            }
            None => {}
        }
        Ok(())
    }

    /// Runs the first command in line.
    async fn run_one(&mut self, index: usize, mut row: Row) -> Result<(), JournalError> {
        let lines: Vec<_> = self.slots.iter().map(Slot::line).collect();
        let slot = &mut self.slots[index];
        let id = row.entry.id;
        row.entry.has_the_device = true;
        if row.entry.expires.is_some() && !slot.hotel.cloud.clock().known() {
            slot.is_held(Some(CLOUD_TIME_UNKNOWN));
            return Ok(());
        }
        let step = next(&row.entry, slot.now());
        match step {
            Step::Run | Step::SayProcessing => {}
            Step::Settle(_) => {
                return settle_ended(slot, vec![row]).await;
            }
            Step::Wait | Step::Reconcile | Step::Report(_) | Step::AskAgain | Step::Rest => {
                return Ok(());
            }
        }
        let job = match slot.job(&row) {
            Ok(job) => job,
            Err(NoJob::NotYet(code)) => {
                slot.is_unwell(Fault::transient(code));
                return Ok(());
            }
            Err(NoJob::Lost) => return slot.payload_lost(&row).await,
        };
        let stop = self.stops.nothing_new.clone();
        if let Work::Fiscal(bill) = &job.work
            && bill.lacks_items()
        {
            let fetched = tokio::select! {
                biased;
                () = stop.cancelled() => return Ok(()),
                // Those who wait behind it are told, however long Mews is silent here.
                () = one_ends(&lines, &self.bell) => return Ok(()),
                fetched = intake::complete_bill(&slot.hotel, id, bill) => fetched,
            };
            return slot.complete(&row, fetched).await;
        }
        if step == Step::SayProcessing {
            let confirmed = tokio::select! {
                biased;
                () = stop.cancelled() => return Ok(()),
                () = one_ends(&lines, &self.bell) => return Ok(()),
                confirmed = confirm_processing(&slot.hotel, &row) => confirmed,
            };
            return slot.processing(&row, confirmed).await;
        }
        let fresh = row.entry.local || slot.confirmed == Some(id) || slot.hotel.is_fresh(id);
        if !fresh && !slot.still_open(&row).await? {
            return Ok(());
        }
        (slot.confirmed, slot.held) = (None, None);
        slot.takes_back(id);
        if !row.entry.local {
            slot.interim.works(id, row.entry.said);
        }
        slot.hotel.board.tell(id, &slot.name, "starts");
        let cancel = CancellationToken::new();
        let bell = self.bell.clone();
        let journal = slot.hotel.journal.clone();
        let wish = cancel.clone();
        let attempt = slot.execute(&row, &job, &self.stops, &cancel);
        // A cancel that comes while it runs is passed on as a wish.
        let (finished, committed, staged) = tokio::select! {
            biased;
            ended = attempt => ended,
            never = pass_on_cancel(journal, id, bell.clone(), wish) => match never {},
        };
        // What rang for somebody else while this ran is not lost.
        bell.notify_one();
        let attempt = row.attempt + u32::from(committed);
        match finished {
            Finished::Returned(result) => {
                if let Err(fault) = &result {
                    log_fault(slot, id, attempt, fault);
                    if let (false, Some(say)) = (committed, is_doubt_before_begin(fault)) {
                        return slot.settle(&row, Outcome::unconfirmed(say), staged).await;
                    }
                }
                let judged = if committed { attempt } else { 0 };
                let ended = Ended::Executed(result);
                let decided = after(ended, judged, row.repeat, &slot.rules);
                slot.follow(&row, decided, staged).await
            }
            Finished::Crashed(why) => {
                if !committed {
                    slot.interim.rests(id);
                }
                slot.crashed(why);
                Ok(())
            }
            Finished::Stopped => Ok(()),
        }
    }

    /// Asks a device what became of an attempt.
    async fn ask(&mut self, index: usize, row: Row, open: bool) -> Result<(), JournalError> {
        let slot = &mut self.slots[index];
        let id = row.entry.id;
        slot.asks(id);
        let cancel = CancellationToken::new();
        let (finished, staged) = slot.reconcile(&row, &self.stops, &cancel).await;
        match finished {
            Finished::Returned(Ok(verdict)) if open => {
                slot.late_verdict(&row, verdict, staged).await
            }
            Finished::Returned(Ok(verdict)) => {
                tracing::info!(device = %slot.name, command = %id, ?verdict, "Doubt judged");
                slot.asking.remove(&id);
                let decided = after(Ended::Judged(verdict), row.attempt, row.repeat, &slot.rules);
                slot.follow(&row, decided, staged).await
            }
            Finished::Returned(Err(fault)) => {
                slot.shows(DeviceState::Waiting {
                    say: fault.say().clone(),
                });
                tracing::warn!(device = %slot.name, command = %id, error = %fault, "No verdict yet");
                if !open && slot.gave_up_asking(id, &fault) {
                    slot.asking.remove(&id);
                    let decided = after(Ended::GaveUp(fault), row.attempt, row.repeat, &slot.rules);
                    return slot.follow(&row, decided, staged).await;
                }
                Ok(())
            }
            Finished::Crashed(why) => {
                slot.crashed(why);
                if !open && slot.gave_up_asking(id, &crash()) {
                    slot.asking.remove(&id);
                    let gave_up = Ended::GaveUp(crash());
                    let decided = after(gave_up, row.attempt, row.repeat, &slot.rules);
                    return slot.follow(&row, decided, staged).await;
                }
                Ok(())
            }
            Finished::Stopped => Ok(()),
        }
    }
}

enum Heard {
    Said(usize, WatchEvent),
    Unwell(usize, Fault),
    Crashed(usize),
}

/// The order on one wire: creation, then first sight, then id.
fn in_line(row: &Row) -> (Timestamp, i64, CommandId) {
    (row.created, row.seen, row.entry.id)
}

async fn look(slot: &mut Slot, at: Instant) -> Result<Look, JournalError> {
    let device = slot.name.clone();
    let now = slot.hotel.cloud.clock().now().unwrap_or(Timestamp::MIN);
    let (resting, aside_until) = slot.aside_now(at);
    let aside = slot.all_aside();
    slot.hotel
        .journal
        .look(move |core| {
            Ok(Look {
                committed: core.committed(&device)?,
                doubts: core.doubts(&device)?,
                ended: core.ended_in_line(&device, now, BATCH)?,
                head: core.first_but(&device, &resting)?,
                next_expiry: core.next_expiry(&device)?,
                waiting_since: core.longest_wait(&device, &aside)?,
                aside_until,
            })
        })
        .await
}

/// Ends what was cancelled or became too old in line.
async fn settle_ended(slot: &mut Slot, ended: Vec<Row>) -> Result<(), JournalError> {
    for row in ended {
        let outcome = match next(&row.entry, slot.now()) {
            Step::Settle(outcome) if outcome.kind == OutcomeKind::Expired => {
                let now = slot.now();
                let expires = row.entry.expires.unwrap_or(now);
                expired(row.created, expires, now, slot.rules.expires)
            }
            Step::Settle(outcome) => outcome,
            Step::Wait
            | Step::SayProcessing
            | Step::Run
            | Step::Reconcile
            | Step::Report(_)
            | Step::AskAgain
            | Step::Rest => continue,
        };
        slot.settle(&row, outcome, Staged::default()).await?;
    }
    Ok(())
}

/// For how long a person, or the end of a doubt, has been waited for, and what is told to those
/// who have waited as long as they may.
fn held(slot: &Slot, doubts: &[Row]) -> Option<(Duration, Say)> {
    let blocker = doubts.iter().find(|_| slot.rules.class.is_money());
    if let Some(doubt) = blocker {
        let now = slot.now();
        let since = doubt.settled_at.unwrap_or(now);
        let shown = since.strftime("%Y-%m-%d %H:%M UTC");
        let say = Say::new("BLOCKED-BY-DOUBT")
            .with("command", doubt.entry.id)
            .with("since", shown);
        let waited = Duration::try_from(now.duration_since(since)).unwrap_or_default();
        return Some((waited, say));
    }
    let unwell = slot.unwell.as_ref()?;
    Some((slot.unwell_for()?, unwell.fault.say().clone()))
}

/// Ends what has waited for a person, or for a doubt to be settled, as long as it may.
async fn give_up_waiting(slot: &mut Slot, doubts: &[Row]) -> Result<(), JournalError> {
    let Some((waited, say)) = held(slot, doubts) else {
        return Ok(());
    };
    let wait = slot.rules.operator_wait;
    if waited < wait {
        return Ok(());
    }
    let (device, now, aside) = (slot.name.clone(), slot.now(), slot.all_aside());
    let (until, beyond) = (now - wait, now + CLOCK_STEP);
    let rows = slot
        .hotel
        .journal
        .look(move |core| core.waiting_since(&device, until, beyond, &aside, BATCH))
        .await?;
    for row in rows {
        slot.settle(&row, Outcome::failed(say.clone()), Staged::default())
            .await?;
    }
    Ok(())
}

/// Resolves when a command in one of these lines was cancelled or became too old.
async fn one_ends(lines: &[Line], bell: &Notify) {
    loop {
        tokio::select! {
            biased;
            () = bell.notified() => {}
            () = sleep(LOOK_AGAIN) => {}
        }
        for (device, hotel) in lines {
            let (device, now) = (device.clone(), hotel.cloud.clock().now());
            let ended = hotel
                .journal
                .look(move |core| core.ended_in_line(&device, now.unwrap_or(Timestamp::MIN), 1));
            if ended.await.is_ok_and(|ended| !ended.is_empty()) {
                return;
            }
        }
    }
}

/// Passes a cancel on to a running attempt; never ends by itself.
async fn pass_on_cancel(
    journal: crate::journal::Journal,
    id: CommandId,
    bell: Arc<Notify>,
    wish: CancellationToken,
) -> std::convert::Infallible {
    loop {
        bell.notified().await;
        let row = journal.look(move |core| core.row(id)).await.ok().flatten();
        if row.is_some_and(|row| row.entry.cancel_requested) {
            wish.cancel();
        }
    }
}

fn log_fault(slot: &Slot, id: CommandId, attempt: u32, fault: &Fault) {
    tracing::warn!(
        device = %slot.name,
        command = %id,
        attempt,
        code = fault.code(),
        error = %super::host::chain(fault),
        "Attempt ended with a fault"
    );
}
