//! Starts every task of the worker, and stops them in an order that loses nothing.

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use driver_sdk::{
    Catalogue, CommandId, DeviceName, DialFactory, DriverKind, Hub, LocalWork, Membership, Opened,
    SettingsError, Work,
};
use futures_util::FutureExt;
use tokio::sync::{Notify, broadcast, mpsc};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::board::{Board, DeviceOnBoard, DeviceState};
use crate::clock::Clock;
use crate::config::{self, Config, RepeatInDoubt};
use crate::hotel::{Hotel, Hotels, Member};
use crate::intake::{Intake, Outside};
use crate::journal::{Found, Journal, JournalError, NewCommand, Row};
use crate::lane::{Lane, Reopen, Slot, SlotParts, Stops};
use crate::life::{Outcome, OutcomeKind, Rules};
use crate::mews::budget::{Budget, Keep};
use crate::mews::clock::CloudClock;
use crate::mews::cloud::Cloud;
use crate::mews::post::Post;
use crate::mews::socket::{Dial, Follower, Reconnect};
use crate::mews::wire::Tokens;
use crate::orders::{self, OrderError};
use crate::report::{Interim, Teller, catalogue};
use crate::unattended::Unattended;

/// What lies outside the worker, one seam for each: a simulation gives its own.
pub trait World: Send + Sync {
    /// The way to the platform address of a property.
    fn post(&self, property: &config::Property) -> Arc<dyn Post>;
    /// The way to its socket.
    fn dial(&self, property: &config::Property) -> Arc<dyn Dial>;
    /// Where its request times are remembered.
    fn keep(&self, property: &config::Property) -> Box<dyn Keep>;
}

/// Everything a worker is made of.
pub struct Parts {
    /// The checked config.
    pub config: Config,
    /// The kinds of this build.
    pub kinds: &'static [&'static dyn DriverKind],
    /// Opens links.
    pub links: Arc<dyn DialFactory>,
    /// The journal.
    pub journal: Journal,
    /// What is known of its birth.
    pub found: Found,
    /// The clock.
    pub clock: Clock,
    /// The rest of the world.
    pub world: Arc<dyn World>,
    /// Decides every jitter.
    pub seed: u64,
}

/// Why a worker cannot start: a device of the config.
#[derive(Debug, thiserror::Error)]
#[error("device.{device}: {error}")]
pub struct StartError {
    /// The device.
    pub device: DeviceName,
    /// What is wrong with it.
    pub error: SettingsError,
}

/// A running worker.
pub struct Worker {
    board: Board,
    journal: Journal,
    hotels: Hotels,
    catalogue: Arc<Catalogue>,
    stops: Stops,
    stop_cloud: CancellationToken,
    broken: CancellationToken,
    lanes: TaskTracker,
    others: TaskTracker,
    outside: BTreeMap<String, broadcast::Sender<Outside>>,
    reconnects: Vec<Reconnect>,
    sweeps: Vec<Arc<Notify>>,
    devices: BTreeMap<DeviceName, (String, Rules)>,
    clock: Clock,
}

impl std::fmt::Debug for Worker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Worker")
    }
}

/// Running attempts have so long to end by themselves, then so long in all; what is left then is
/// reconciled at the next start.
const STOP_BY_ITSELF: Duration = Duration::from_secs(5);
const STOP_ALL: Duration = Duration::from_secs(8);
/// What is settled by then is still told, as far as the cloud takes it.
const STOP_REPORTS: Duration = Duration::from_millis(1_000);
/// Between two purges.
const PURGE_EVERY: Duration = Duration::from_secs(3_600);
/// Until the next look whether the cloud's time is known, by which a purge counts.
const PURGE_RETRY: Duration = Duration::from_secs(60);

/// The rules of a device: its class's, with its settings.
#[must_use]
pub fn rules(device: &config::Device, kind: &dyn DriverKind) -> Rules {
    let mut rules = Rules::of(kind.class());
    rules.expires = device.expires.or(rules.expires);
    rules.deadline = device.deadline.unwrap_or(rules.deadline);
    rules.operator_wait = device.operator_wait.unwrap_or(rules.operator_wait);
    rules.repeat_in_doubt = device.repeat_in_doubt == RepeatInDoubt::Marked;
    rules
}

fn kind_of(
    kinds: &'static [&'static dyn DriverKind],
    device: &config::Device,
) -> Result<&'static dyn DriverKind, StartError> {
    kinds
        .iter()
        .copied()
        .find(|kind| kind.name() == device.driver)
        .ok_or_else(|| StartError {
            device: device.name.clone(),
            error: SettingsError::new(format!("unknown driver `{}`", device.driver)),
        })
}

impl Worker {
    /// Opens every device (no wire is touched yet) and starts every task.
    ///
    /// # Errors
    /// A device that cannot be opened; nothing runs then.
    pub fn start(parts: Parts) -> Result<Self, StartError> {
        let board = Board::default();
        let catalogue = Arc::new(catalogue(parts.kinds));
        let stops = Stops::default();
        let stop_cloud = CancellationToken::new();
        let (lanes, others) = (TaskTracker::new(), TaskTracker::new());
        let mut worker = Self {
            board: board.clone(),
            journal: parts.journal.clone(),
            hotels: BTreeMap::new(),
            catalogue,
            stops,
            stop_cloud,
            broken: CancellationToken::new(),
            lanes,
            others,
            outside: BTreeMap::new(),
            reconnects: Vec::new(),
            sweeps: Vec::new(),
            devices: BTreeMap::new(),
            clock: parts.clock.clone(),
        };
        let mut hub = Hub::new(parts.links.clone());
        let mut opened = Vec::new();
        for device in &parts.config.devices {
            let kind = kind_of(parts.kinds, device)?;
            let open = open(&mut hub, kind, device)?;
            worker.devices.insert(
                device.name.clone(),
                (device.property.as_str().to_owned(), rules(device, kind)),
            );
            opened.push((device.clone(), kind, open));
        }
        let mut interims = BTreeMap::new();
        for (index, property) in parts.config.properties.iter().enumerate() {
            let interim = worker.start_property(&parts, property, index as u64);
            interims.insert(property.name.as_str().to_owned(), interim);
        }
        let sessions = hub.take_sessions();
        let hub = Arc::new(Mutex::new(hub));
        worker.start_lanes(opened, &interims, &hub);
        for session in sessions {
            // A conversation lives until nothing asks it any more.
            worker
                .others
                .spawn(session.run(worker.stops.drop_now.clone()));
        }
        worker.start_purge(&parts.config.journal);
        worker.end_unattended();
        worker.lanes.close();
        worker.others.close();
        Ok(worker)
    }

    /// Starts a task that the worker cannot be without. One that breaks off, by a bug of ours, ends
    /// the worker: its service starts it anew, and the journal knows where it was. A worker that
    /// goes on deaf or mute would not be noticed.
    fn essential(&self, task: &'static str, work: impl Future<Output = ()> + Send + 'static) {
        let broken = self.broken.clone();
        self.others.spawn(async move {
            // The panic hook has logged the place.
            if AssertUnwindSafe(work).catch_unwind().await.is_err() {
                tracing::error!(
                    task,
                    "A task of the worker broke off, which is a bug; the worker ends, to be started anew"
                );
                broken.cancel();
            }
        });
    }

    /// Resolves when the worker must end and be started anew: a task that it cannot be without
    /// broke off.
    pub async fn broken(&self) {
        self.broken.cancelled().await;
    }

    fn start_property(
        &mut self,
        parts: &Parts,
        property: &config::Property,
        index: u64,
    ) -> Interim {
        let name = property.name.as_str();
        let (monotonic, wall) = (parts.clock.clone(), parts.clock.clone());
        let clock = CloudClock::new(
            Arc::new(move || monotonic.monotonic()),
            Arc::new(move || wall.pc_time()),
        );
        let wall = parts.clock.clone();
        let seed = parts.seed.wrapping_add(index.wrapping_mul(0x9E37_79B9));
        let budget = Budget::new(
            parts.world.keep(property),
            Arc::new(move || wall.pc_time()),
            seed,
        );
        let tokens = Tokens {
            client: property.client_token.clone(),
            access: property.access_token.clone(),
        };
        let cloud = Cloud::new(parts.world.post(property), tokens, budget, clock);
        let members = parts
            .config
            .devices
            .iter()
            .filter(|device| device.property == property.name)
            .filter_map(|device| {
                let (_, rules) = self.devices.get(&device.name)?;
                let (name, mews) = (device.name.clone(), device.mews.clone());
                Some(Member {
                    name,
                    mews,
                    rules: *rules,
                })
            })
            .collect();
        let hotel = Arc::new(Hotel::new(
            name,
            cloud,
            parts.journal.clone(),
            parts.found,
            self.board.clone(),
            members,
            property.timezone.clone(),
        ));
        self.hotels.insert(name.to_owned(), hotel.clone());
        let bell = self.board.teller_bell(name);
        let interim = Interim::new(bell.clone());
        let teller = Teller::new(hotel.clone(), interim.clone(), self.catalogue.clone(), bell);
        self.essential("reports", teller.run(self.stop_cloud.clone()));
        // The socket's frames wait here while the intake is busy; beyond that the socket waits.
        let (heard, socket) = mpsc::channel(64);
        let follower = Follower::new(
            parts.world.dial(property),
            heard,
            self.stop_cloud.clone(),
            seed,
        );
        let reconnect = follower.reconnect();
        self.reconnects.push(reconnect.clone());
        self.essential("socket", follower.run());
        let outside = broadcast::Sender::new(1024);
        self.outside.insert(name.to_owned(), outside.clone());
        let sweep = Arc::new(Notify::new());
        self.sweeps.push(sweep.clone());
        let intake = Intake::new(hotel, interim.clone(), socket, reconnect, outside, sweep);
        self.essential("intake", intake.run(self.stops.nothing_new.clone()));
        interim
    }

    fn start_lanes(
        &mut self,
        opened: Vec<(config::Device, &'static dyn DriverKind, Opened)>,
        interims: &BTreeMap<String, Interim>,
        hub: &Arc<Mutex<Hub>>,
    ) {
        let mut wires: BTreeMap<String, Vec<Slot>> = BTreeMap::new();
        for (device, kind, opened) in opened {
            let property = device.property.as_str().to_owned();
            let (Some(hotel), Some(interim)) =
                (self.hotels.get(&property), interims.get(&property))
            else {
                continue;
            };
            self.board.put_device(
                &device.name,
                DeviceOnBoard {
                    title: device.mews.to_string(),
                    class: kind.class(),
                    driver: device.driver.clone(),
                    property: property.clone(),
                    state: DeviceState::Ready,
                    since: hotel.now(),
                    warning: None,
                    in_hotel: None,
                },
            );
            // Devices of one stream take turns in one lane; any other has its own.
            let wire = match &opened.membership {
                Membership::Stream(address) => format!("stream {address}"),
                Membership::Session(_) | Membership::Own => format!("device {}", device.name),
            };
            let slot = Slot::new(SlotParts {
                name: device.name.clone(),
                rules: rules(&device, kind),
                hotel: hotel.clone(),
                interim: interim.clone(),
                opened,
                reopen: reopen(hub.clone(), kind, device),
            });
            wires.entry(wire).or_default().push(slot);
        }
        for slots in wires.into_values() {
            let names: Vec<_> = slots.iter().map(|slot| slot.name().clone()).collect();
            let bell = self.board.share_bell(&names);
            self.lanes
                .spawn(Lane::new(slots, bell, self.stops.clone()).run());
        }
    }

    /// The config may have changed while commands were open.
    fn end_unattended(&self) {
        let unattended = Unattended {
            journal: self.journal.clone(),
            board: self.board.clone(),
            clock: self.clock.clone(),
            hotels: self.hotels.clone(),
            devices: self.devices.keys().cloned().collect(),
        };
        let ending = unattended.end_all(self.stops.nothing_new.clone());
        self.essential("commands of devices that are gone", ending);
    }

    fn start_purge(&self, journal: &config::Journal) {
        let (keep, keep_audit) = (journal.keep, journal.keep_audit);
        let (journal, stop) = (self.journal.clone(), self.stops.nothing_new.clone());
        let hotels: Vec<_> = self.hotels.values().cloned().collect();
        self.essential("purge", async move {
            loop {
                // Only by the cloud's word: a PC whose clock runs ahead must not end what is kept.
                let sure = hotels.iter().find_map(|hotel| hotel.cloud.clock().now());
                if let Some(Ok(before)) = sure.map(|now| now.checked_sub(keep)) {
                    match journal.alone(move |core| core.purge(before)).await {
                        Ok(0) => {}
                        Ok(gone) => tracing::info!(gone, "Old commands forgotten"),
                        Err(error) => tracing::warn!(error = %error, "Nothing purged"),
                    }
                }
                if let Some(Ok(before)) = sure.map(|now| now.checked_sub(keep_audit)) {
                    match journal.with(move |core| core.purge_audit(before)).await {
                        Ok(0) => {}
                        Ok(gone) => tracing::info!(gone, "Audit lines removed, their time is over"),
                        Err(error) => tracing::warn!(error = %error, "No audit line removed"),
                    }
                }
                let rest = sure.map_or(PURGE_RETRY, |_| PURGE_EVERY);
                tokio::select! {
                    biased;
                    () = stop.cancelled() => return,
                    () = sleep(rest) => {}
                }
            }
        });
    }

    /// Stops: nothing new starts, what runs ends at a safe point, the rest is left to be
    /// reconciled. At most 10 s.
    pub async fn stop(&self) {
        self.stops.nothing_new.cancel();
        if timeout(STOP_BY_ITSELF, self.lanes.wait()).await.is_err() {
            self.stops.safe_points.cancel();
            if timeout(STOP_ALL - STOP_BY_ITSELF, self.lanes.wait())
                .await
                .is_err()
            {
                tracing::warn!("Stopping with work under way; it is reconciled at the next start");
            }
        }
        self.stops.drop_now.cancel();
        let _ = timeout(Duration::from_millis(500), self.lanes.wait()).await;
        let _ = timeout(STOP_REPORTS, self.all_told()).await;
        self.stop_cloud.cancel();
        let _ = timeout(Duration::from_millis(500), self.others.wait()).await;
    }

    async fn all_told(&self) {
        let mut news = self.board.follow();
        loop {
            let mut owed = 0;
            for name in self.hotels.keys() {
                let name = name.clone();
                let counts = self.journal.look(move |core| core.counts(&name)).await;
                owed += counts.map_or(0, |counts| counts.unreported);
            }
            if owed == 0 || matches!(news.recv().await, Err(broadcast::error::RecvError::Closed)) {
                return;
            }
        }
    }

    /// What the worker shows of itself.
    #[must_use]
    pub fn board(&self) -> &Board {
        &self.board
    }

    /// The journal.
    #[must_use]
    pub fn journal(&self) -> &Journal {
        &self.journal
    }

    /// The properties.
    #[must_use]
    pub fn hotels(&self) -> &Hotels {
        &self.hotels
    }

    /// The sentences of this build.
    #[must_use]
    pub fn catalogue(&self) -> &Catalogue {
        &self.catalogue
    }

    /// Everything heard on a property's socket from now on.
    #[must_use]
    pub fn outside(&self, property: &str) -> Option<broadcast::Receiver<Outside>> {
        self.outside.get(property).map(broadcast::Sender::subscribe)
    }

    /// Reconnects every socket now: devices may have been linked in Mews.
    pub fn reconnect(&self) {
        for reconnect in &self.reconnects {
            reconnect.now();
        }
    }

    /// Sweeps now.
    pub fn sweep(&self) {
        for sweep in &self.sweeps {
            sweep.notify_one();
        }
    }

    fn now_of(&self, row: &Row) -> jiff::Timestamp {
        self.hotels
            .get(&row.property)
            .map_or_else(|| self.clock.pc_time(), |hotel| hotel.now())
    }

    /// A person cancels a command that is not begun, or wishes a running one to end.
    ///
    /// # Errors
    /// [`OrderError`]: nothing was changed.
    pub async fn cancel(&self, id: CommandId) -> Result<(), OrderError> {
        let row = orders::row(&self.journal, id).await?;
        orders::cancel(&self.journal, &row, self.now_of(&row)).await?;
        self.board.ring(&row.device);
        Ok(())
    }

    /// A person asks for a new attempt of a command that is proved to have done nothing.
    ///
    /// # Errors
    /// [`OrderError`]: nothing was changed.
    pub async fn retry(&self, id: CommandId) -> Result<(), OrderError> {
        let row = orders::row(&self.journal, id).await?;
        if !self.devices.contains_key(&row.device) {
            return Err(OrderError::NoDevice(row.device));
        }
        orders::retry(&self.journal, &row, self.now_of(&row)).await?;
        self.board.ring(&row.device);
        Ok(())
    }

    /// A person has looked: the doubt is settled, the device is free.
    ///
    /// # Errors
    /// [`OrderError`]: nothing was changed.
    pub async fn resolve(&self, id: CommandId, happened: bool) -> Result<(), OrderError> {
        self.resolve_by(id, happened, None).await
    }

    /// The same, with the name of who looked, for the fiscal audit trail.
    ///
    /// # Errors
    /// [`OrderError`]: nothing was changed.
    pub async fn resolve_by(
        &self,
        id: CommandId,
        happened: bool,
        by: Option<&str>,
    ) -> Result<(), OrderError> {
        let row = orders::row(&self.journal, id).await?;
        orders::resolve(&self.journal, &row, happened, by, self.now_of(&row)).await?;
        self.board.ring(&row.device);
        Ok(())
    }

    /// Runs a harmless test through a device's own line, and waits for its end.
    ///
    /// # Errors
    /// [`OrderError`]: no such device, or the journal.
    pub async fn test(&self, device: &DeviceName) -> Result<Outcome, OrderError> {
        let id = self.order_local(device, LocalWork::Test).await?;
        let mut news = self.board.follow();
        loop {
            let row = orders::row(&self.journal, id).await?;
            if let Some(outcome) = row.outcome {
                return Ok(outcome);
            }
            match news.recv().await {
                Ok(_) | Err(broadcast::error::RecvError::Lagged(_)) => {}
                Err(broadcast::error::RecvError::Closed) => {
                    return Err(OrderError::NotNow("the worker stops".to_owned()));
                }
            }
        }
    }

    async fn order_local(
        &self,
        device: &DeviceName,
        work: LocalWork,
    ) -> Result<CommandId, OrderError> {
        let Some((property, rules)) = self.devices.get(device) else {
            return Err(OrderError::NoDevice(device.clone()));
        };
        let now = self
            .hotels
            .get(property)
            .map_or_else(|| self.clock.pc_time(), |h| h.now());
        let title = self
            .board
            .device(device)
            .map_or_else(String::new, |board| board.title);
        let new = NewCommand::local(property, device, title, rules.class, now);
        let id = new.id;
        let data = serde_json::to_vec(&Work::Local(work)).expect("work is plain data");
        self.journal
            .payloads()
            .write(id, &data, None)
            .map_err(JournalError::Payload)?;
        self.journal
            .with(move |core| core.accept(&[new], now))
            .await?;
        self.board.ring(device);
        Ok(id)
    }
}

/// True for an outcome that proves a device to work.
#[must_use]
pub fn works(outcome: &Outcome) -> bool {
    outcome.kind == OutcomeKind::Done
}

/// Opens a device; no wire is touched yet.
///
/// # Errors
/// What its driver says of link or settings.
pub(crate) fn open(
    hub: &mut Hub,
    kind: &dyn DriverKind,
    device: &config::Device,
) -> Result<Opened, StartError> {
    let settings = device.settings.clone().in_system(device.system.as_deref());
    hub.open(kind, &device.name, Some(&device.link), &settings)
        .map_err(|error| StartError {
            device: device.name.clone(),
            error,
        })
}

/// After a crash of one device: its stream is hung up, for the other devices of the wire too,
/// since nobody knows where in a conversation it stopped.
fn reopen(hub: Arc<Mutex<Hub>>, kind: &'static dyn DriverKind, device: config::Device) -> Reopen {
    Arc::new(move || {
        // A driver that panicked while it was opened leaves nothing half done here.
        let mut hub = hub.lock().unwrap_or_else(PoisonError::into_inner);
        hub.hang_up(&device.link);
        open(&mut hub, kind, &device).map_err(|error| error.error)
    })
}
