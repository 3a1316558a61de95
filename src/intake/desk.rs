//! The task that takes commands in: events, fetches without a waiting window, sweeps.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use driver_sdk::CommandId;
use futures_util::future::BoxFuture;
use jiff::tz::TimeZone;
use tokio::sync::{Notify, broadcast, mpsc};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::admit::{Admitted, admit, over};
use super::in_order::{InOrder, Wanted};
use super::lost::list_begun;
use super::pace::{self, SWEEP_DOWN, SWEEP_UP};
use crate::hotel::Hotel;
use crate::journal::JournalError;
use crate::mews::cloud::CallError;
use crate::mews::socket::{Reconnect, SocketEvent};
use crate::mews::wire::{Command, Event, State};
use crate::report::Interim;

/// Ids fetched at a time: print jobs come inline.
const FETCH_MAX: usize = 100;
/// Between two looks at the device list, and at the hotel.
const DEVICES_EVERY: Duration = Duration::from_secs(300);
const HOTEL_EVERY: Duration = Duration::from_secs(3600);
/// Rest after a call that failed for good.
const RETRY: Duration = Duration::from_secs(30);

/// Everything heard from outside, for whoever follows the socket.
#[derive(Debug, Clone)]
pub enum Outside {
    /// An event, of any type.
    Event(Event),
    /// The socket came up or went down.
    Up(bool),
}

/// The intake of one property.
pub struct Intake {
    hotel: Arc<Hotel>,
    interim: Interim,
    socket: mpsc::Receiver<SocketEvent>,
    reconnect: Reconnect,
    outside: broadcast::Sender<Outside>,
    sweep_now: Arc<Notify>,
    wanted: Wanted,
    not_ours: BTreeSet<uuid::Uuid>,
    in_hotel: Option<BTreeSet<String>>,
}

impl std::fmt::Debug for Intake {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Intake")
            .field("hotel", &self.hotel.name)
            .finish_non_exhaustive()
    }
}

type Call<T> = Option<BoxFuture<'static, T>>;

/// Waits for a call under way; never, if there is none.
async fn under_way<T>(call: &mut Call<T>) -> T {
    match call {
        Some(future) => {
            let done = future.await;
            *call = None;
            done
        }
        None => std::future::pending().await,
    }
}

struct Sweep {
    sent: Duration,
    ended: pace::Ended,
}

impl Intake {
    /// An intake that hears a socket.
    #[must_use]
    pub fn new(
        hotel: Arc<Hotel>,
        interim: Interim,
        socket: mpsc::Receiver<SocketEvent>,
        reconnect: Reconnect,
        outside: broadcast::Sender<Outside>,
        sweep_now: Arc<Notify>,
    ) -> Self {
        Self {
            hotel,
            interim,
            socket,
            reconnect,
            outside,
            sweep_now,
            wanted: Wanted::default(),
            not_ours: BTreeSet::new(),
            in_hotel: None,
        }
    }

    /// Takes commands in until stopped.
    pub async fn run(mut self, stop: CancellationToken) {
        self.want_unfinished().await;
        let start = driver_sdk::clock::now();
        let mut fetch: Call<Fetched> = None;
        let mut sweep: Call<Sweep> = None;
        let mut hotel_call: Call<Duration> = None;
        let mut device_call: Call<(Duration, Option<BTreeSet<String>>)> = None;
        let mut lost_call: Call<Option<Duration>> = None;
        // Once, after the devices are known by their ids.
        let mut lost_at: Option<Instant> = None;
        let mut sweep_at = start + SWEEP_DOWN;
        let mut sweep_took = Duration::ZERO;
        let (mut hotel_at, mut devices_at) = (start, start);
        loop {
            let now = driver_sdk::clock::now();
            if fetch.is_none() && !self.wanted.is_empty() {
                fetch = Some(Box::pin(self.fetch()));
            }
            if hotel_call.is_none() && hotel_at <= now {
                hotel_call = Some(Box::pin(learn_hotel(self.hotel.clone())));
            }
            // The clock and the first commands come before the list of devices.
            if device_call.is_none() && devices_at <= now && self.hotel.cloud.clock().known() {
                device_call = Some(Box::pin(learn_devices(self.hotel.clone())));
            }
            if sweep.is_none() && sweep_at <= now {
                sweep = Some(Box::pin(sweep_once(
                    self.hotel.clone(),
                    self.interim.clone(),
                )));
            }
            if lost_call.is_none() && lost_at.is_some_and(|at| at <= now) {
                lost_at = None;
                let hotel = self.hotel.clone();
                lost_call = Some(Box::pin(async move { list_begun(&hotel).await }));
            }
            let mut wake = lost_at.map_or(now + SWEEP_UP, |at| at.min(now + SWEEP_UP));
            if sweep.is_none() {
                wake = wake.min(sweep_at);
            }
            if hotel_call.is_none() {
                wake = wake.min(hotel_at);
            }
            if device_call.is_none() && self.hotel.cloud.clock().known() {
                wake = wake.min(devices_at.max(now + Duration::from_millis(1)));
            }
            tokio::select! {
                biased;
                () = stop.cancelled() => return,
                heard = self.socket.recv() => match heard {
                    Some(SocketEvent::Up) => {
                        self.socket_is(true);
                        self.hotel.board.edit_link(&self.hotel.name, |link| {
                            link.down_because = None;
                        });
                        // Socket first, then the list: no gap is left between the two.
                        sweep = None;
                        sweep_at = driver_sdk::clock::now();
                    }
                    Some(SocketEvent::Down { why }) => {
                        self.socket_is(false);
                        self.hotel.board.edit_link(&self.hotel.name, |link| {
                            link.down_because = Some(why.to_string());
                        });
                        let soon = pace::soon(sweep_took);
                        sweep_at = sweep_at.min(driver_sdk::clock::now() + soon);
                    }
                    Some(SocketEvent::Events(events)) => self.hear(events).await,
                    Some(SocketEvent::Skipped(skipped)) => {
                        tracing::warn!(count = skipped.len(), "Events that cannot be read");
                    }
                    None => return,
                },
                fetched = under_way(&mut fetch) => {
                    if matches!(fetched, Fetched::Failed | Fetched::Read { unkept: true, .. }) {
                        // A sweep finds what is still open, and does not wait for its minute.
                        let soon = pace::soon(sweep_took);
                        sweep_at = sweep_at.min(driver_sdk::clock::now() + soon);
                    }
                    self.fetched(fetched);
                }
                done = under_way(&mut sweep) => {
                    let rest = pace::rest(done.ended, self.hotel.is_up());
                    sweep_took = done.ended.took;
                    if done.ended.complete {
                        self.hotel.swept(done.sent);
                        let now = self.hotel.now();
                        self.hotel.board.edit_link(&self.hotel.name, |link| {
                            link.last_sweep = Some(now);
                            link.last_answer = Some(now);
                            link.unauthorized = false;
                        });
                    }
                    sweep_at = driver_sdk::clock::now() + rest;
                }
                rest = under_way(&mut hotel_call) => {
                    hotel_at = driver_sdk::clock::now() + rest;
                    // Whatever waited for the time or the zone may go on.
                    for member in &self.hotel.members {
                        self.hotel.board.ring(&member.name);
                    }
                }
                (rest, names) = under_way(&mut device_call) => {
                    devices_at = driver_sdk::clock::now() + rest;
                    if names.is_some() && self.in_hotel.is_none() && self.hotel.found.replaced {
                        lost_at = Some(driver_sdk::clock::now());
                    }
                    self.devices_listed(names);
                }
                again = under_way(&mut lost_call) => {
                    lost_at = again.map(|rest| driver_sdk::clock::now() + rest);
                }
                () = self.sweep_now.notified() => sweep_at = driver_sdk::clock::now(),
                () = sleep_until(wake) => {}
            }
        }
    }

    fn socket_is(&self, up: bool) {
        self.hotel.link_is(up);
        let now = self.hotel.now();
        self.hotel.board.edit_link(&self.hotel.name, |link| {
            link.up_since = up.then_some(now);
        });
        let _ = self.outside.send(Outside::Up(up));
    }

    /// At the start: what the journal has open is asked for at once.
    async fn want_unfinished(&mut self) {
        let name = self.hotel.name.clone();
        match self
            .hotel
            .journal
            .with(move |core| core.unfinished(&name))
            .await
        {
            Ok(ids) => self.wanted.extend(ids),
            Err(error) => tracing::error!(error = %error, "Journal cannot be read"),
        }
    }

    async fn hear(&mut self, events: Vec<Event>) {
        let mut ids = Vec::new();
        for event in events {
            if let Event::DeviceCommand { id, state } = &event {
                match state {
                    State::Pending => ids.push(*id),
                    State::Cancelled | State::Processed | State::Error => {
                        self.is_over(*id, state).await;
                    }
                    // Of a lost journal: nothing lists it, so it is read and shown.
                    State::Processing if self.hotel.found.replaced => ids.push(*id),
                    State::Received | State::Processing | State::Unknown(_) => {}
                }
            }
            let _ = self.outside.send(Outside::Event(event));
        }
        if ids.is_empty() {
            return;
        }
        let asked = ids.clone();
        // A known id is nothing new; one the journal cannot answer for is fetched.
        let unknown = self
            .hotel
            .journal
            .look(move |core| core.unknown(&asked))
            .await;
        self.wanted.extend(unknown.unwrap_or(ids));
    }

    async fn is_over(&mut self, id: CommandId, state: &State) {
        self.wanted.remove(id);
        // No mere look: the row may be among what is just being written.
        let Ok(Some(row)) = self.hotel.journal.row(id).await else {
            // Perhaps an answer that shows it open is under way.
            self.hotel.heard_over(id, state);
            return;
        };
        let member = self
            .hotel
            .members
            .iter()
            .find(|member| member.name == row.device);
        if let Some(member) = member
            && let Err(error) = over(&self.hotel, member, &row, state).await
        {
            // It is read once more before it runs.
            self.hotel.heard_over(id, state);
            tracing::error!(command = %id, error = %error, "Cancel not noted");
        }
    }

    fn fetch(&mut self) -> impl Future<Output = Fetched> + Send + 'static {
        let ids = self.wanted.take(FETCH_MAX);
        fetch_once(self.hotel.clone(), self.interim.clone(), ids)
    }

    fn fetched(&mut self, fetched: Fetched) {
        match fetched {
            Fetched::Read { not_ours, .. } => {
                for device in not_ours {
                    if self.not_ours.insert(device) {
                        tracing::info!(%device, "Commands of a device not configured here");
                    }
                }
            }
            // Asking again at once would not help.
            Fetched::Failed => {}
        }
    }

    fn devices_listed(&mut self, names: Option<BTreeSet<String>>) {
        let Some(names) = names else { return };
        let changed = self.in_hotel.as_ref().is_some_and(|old| *old != names);
        self.in_hotel = Some(names);
        if changed {
            // Mews announces nothing of a device that was linked while the socket stood.
            tracing::info!("Configured devices changed in Mews; reconnecting once");
            self.reconnect.now();
        }
    }
}

enum Fetched {
    Read {
        not_ours: BTreeSet<uuid::Uuid>,
        /// Something of it could not be written down.
        unkept: bool,
    },
    Failed,
}

async fn fetch_once(hotel: Arc<Hotel>, interim: Interim, ids: Vec<CommandId>) -> Fetched {
    let seen = Seen::default();
    // The first sight of a command is its announcement, whatever the order of the list.
    let order = Mutex::new(InOrder::of(&ids));
    let result = hotel
        .cloud
        .get_all_by_ids(&ids, |commands, sent| {
            let mut turn = Vec::new();
            for command in commands {
                let bytes = command.data.get().len();
                turn.extend(held(&order).came(command.id, (command, sent), bytes));
            }
            take_in(&hotel, &interim, turn, &seen)
        })
        .await;
    let rest = held(&order).rest();
    take_in(&hotel, &interim, rest, &seen).await;
    match result {
        Ok(fetched) => {
            for (id, reason) in &fetched.refused {
                tracing::warn!(command = %id, %reason, "Mews does not give a command");
            }
            for id in &fetched.missing {
                gone(&hotel, *id).await;
            }
            for skipped in &fetched.skipped {
                tracing::warn!(command = ?skipped.id, why = %skipped.why, "Unreadable command");
            }
            answered(&hotel);
            let not_ours = std::mem::take(&mut *held(&seen.not_ours));
            let unkept = seen.unkept.into_inner();
            Fetched::Read { not_ours, unkept }
        }
        Err(error) => {
            failed(&hotel, &error);
            Fetched::Failed
        }
    }
}

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Mews does not know a command that the journal has open: keep, alarm, do not act.
async fn gone(hotel: &Hotel, id: CommandId) {
    let row = hotel
        .journal
        .look(move |core| core.row(id))
        .await
        .ok()
        .flatten();
    if row.is_some_and(|row| row.reported_at.is_none()) {
        let text = "Mews no longer knows a command that is open here; it is kept and not run";
        hotel.board.alarm(hotel.now(), text, Some(id));
    }
}

async fn sweep_once(hotel: Arc<Hotel>, interim: Interim) -> Sweep {
    let seen = Seen::default();
    let swept = hotel
        .cloud
        .get_all_active(|commands, sent| {
            let commands = commands.into_iter().map(|command| (command, sent));
            take_in(&hotel, &interim, commands.collect(), &seen)
        })
        .await;
    match swept {
        Ok(swept) => {
            let sent = swept.sent;
            // How long Mews worked on it, not how long it could not be reached before.
            let took = hotel.cloud.clock().monotonic().saturating_sub(sent);
            for skipped in &swept.skipped {
                tracing::warn!(command = ?skipped.id, why = %skipped.why, "Unreadable command");
            }
            Sweep {
                sent,
                ended: pace::Ended {
                    took,
                    complete: true,
                    cut: swept.looks_cut(),
                    unkept: seen.unkept.into_inner(),
                },
            }
        }
        Err(error) => {
            failed(&hotel, &error);
            Sweep {
                sent: Duration::ZERO,
                ended: pace::Ended {
                    took: Duration::ZERO,
                    complete: false,
                    cut: false,
                    unkept: false,
                },
            }
        }
    }
}

/// What was met in a list.
#[derive(Default)]
struct Seen {
    /// Devices that are not ours.
    not_ours: Mutex<BTreeSet<uuid::Uuid>>,
    /// Something was not accepted: it is asked for again soon.
    unkept: AtomicBool,
}

/// Admits commands.
async fn take_in(
    hotel: &Hotel,
    interim: &Interim,
    commands: Vec<(Command, Duration)>,
    seen: &Seen,
) {
    admit(
        hotel,
        interim,
        commands,
        |device, admitted| match admitted {
            Ok(Admitted::NotOurs) => {
                held(&seen.not_ours).insert(device);
            }
            Ok(Admitted::New | Admitted::Nothing) => {}
            Ok(Admitted::NotYet) => seen.unkept.store(true, Ordering::Relaxed),
            Err(error) => {
                journal_failed(hotel, &error);
                seen.unkept.store(true, Ordering::Relaxed);
            }
        },
    )
    .await;
}

fn journal_failed(hotel: &Hotel, error: &JournalError) {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(next) = cause {
        text = format!("{text}: {next}");
        cause = next.source();
    }
    hotel.board.journal_is(Some((hotel.now(), text)));
}

fn answered(hotel: &Hotel) {
    let now = hotel.now();
    hotel.board.edit_link(&hotel.name, |link| {
        link.last_answer = Some(now);
        link.unauthorized = false;
    });
}

fn failed(hotel: &Hotel, error: &CallError) {
    tracing::warn!(property = %hotel.name, error = %error, "Mews call failed");
    if matches!(error, CallError::Unauthorized) {
        hotel
            .board
            .edit_link(&hotel.name, |link| link.unauthorized = true);
    }
}

/// Learns the cloud's time and the hotel's zone; gives the rest until the next look.
async fn learn_hotel(hotel: Arc<Hotel>) -> Duration {
    let configuration = match hotel.cloud.configuration().await {
        Ok(configuration) => configuration,
        Err(error) => {
            failed(&hotel, &error);
            return RETRY;
        }
    };
    let enterprise = &configuration.enterprise;
    if enterprise.is_portfolio {
        let text = "The access token is a portfolio token: it covers several hotels, and commands \
                    need the token of one. Ask Mews for the hotel's own access token.";
        hotel.board.alarm(hotel.now(), text, None);
    }
    match TimeZone::get(&enterprise.time_zone_identifier) {
        Ok(zone) => hotel.zone_is(zone),
        Err(error) => {
            let zone = &enterprise.time_zone_identifier;
            tracing::error!(%zone, error = %error, "Unknown zone; set `timezone` in the config");
        }
    }
    if let Some(skew) = hotel.cloud.clock().skew()
        && skew.abs() > jiff::SignedDuration::from_secs(30)
    {
        tracing::warn!(
            seconds = skew.as_secs(),
            "The clock of this PC is wrong; ages are right"
        );
    }
    let zone = hotel
        .zone()
        .and_then(|zone| zone.iana_name().map(str::to_owned));
    let name = enterprise.name.clone();
    hotel.board.edit_link(&hotel.name, |link| {
        link.zone = zone;
        link.hotel = Some(name);
    });
    answered(&hotel);
    if let Err(error) = hotel.keep_birth().await {
        journal_failed(&hotel, &error);
        return RETRY;
    }
    HOTEL_EVERY
}

/// Learns which configured devices the hotel has.
async fn learn_devices(hotel: Arc<Hotel>) -> (Duration, Option<BTreeSet<String>>) {
    let (devices, skipped) = match hotel.cloud.devices().await {
        Ok(listed) => listed,
        Err(error) => {
            failed(&hotel, &error);
            return (RETRY, None);
        }
    };
    if !skipped.is_empty() {
        tracing::warn!(count = skipped.len(), "Devices that cannot be read");
    }
    let mut by_name = std::collections::BTreeMap::<String, Vec<uuid::Uuid>>::new();
    for device in &devices {
        by_name
            .entry(device.name.trim().to_owned())
            .or_default()
            .push(device.id);
    }
    let mut found = BTreeSet::new();
    for member in &hotel.members {
        let named: Vec<_> = devices
            .iter()
            .filter(|device| match &member.mews {
                crate::config::MewsDevice::Id(id) => device.id == *id,
                crate::config::MewsDevice::Name(name) => device.name.trim() == name.trim(),
            })
            .collect();
        let title = match named.as_slice() {
            [one] => Some(one.name.clone()),
            [] => {
                tracing::warn!(device = %member.name, mews = %member.mews, "Device not in Mews");
                None
            }
            [_, _, ..] => {
                let text = format!(
                    "Mews has several devices named {}: write the id of the right one into the \
                     config; until then none of their commands is taken",
                    member.mews
                );
                hotel.board.alarm(hotel.now(), text, None);
                None
            }
        };
        let there = title.is_some();
        hotel.board.edit_device(&member.name, |device| {
            device.in_hotel = Some(there);
            if let Some(title) = &title {
                device.title.clone_from(title);
            }
        });
        if let Some(title) = title {
            found.insert(member.name.as_str().to_owned());
            let device = member.name.clone();
            let _ = hotel
                .journal
                .with(move |core| core.retitle(&device, &title))
                .await;
        }
    }
    hotel.devices_are(by_name);
    answered(&hotel);
    (DEVICES_EVERY, Some(found))
}
