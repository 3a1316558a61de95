//! Opens devices and joins those that share one wire or one conversation.

use std::any::Any;
use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use serde::Serialize;
use serde_json::Value;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::clock_source;
use crate::driver::Device;
use crate::fault::Fault;
use crate::kind::DriverKind;
use crate::link::{Dialer, Link, Resync};
use crate::requests::{Poster, Requests};
use crate::session::{Calls, Session, Shared, Waiting};
use crate::settings::{Settings, SettingsError};
use crate::vocabulary::DeviceName;
use crate::watch::{Health, Watch, WatchEvents};

/// Turns link addresses of the config into things that can be opened. Touches nothing itself.
pub trait DialFactory: Send + Sync {
    /// A byte stream: `serial:`, `tcp:`, `listen:`, `exec:`.
    ///
    /// # Errors
    /// The address is not one of a stream, or malformed.
    fn dialer(&self, url: &str) -> Result<Arc<dyn Dialer>, LinkError>;
    /// A device behind HTTP: `http:`, `https:`.
    ///
    /// # Errors
    /// The address is not one of HTTP, or malformed.
    fn poster(&self, url: &str) -> Result<Arc<dyn Poster>, LinkError>;
    /// The address without its options: what two devices share.
    ///
    /// # Errors
    /// The address is malformed.
    fn address(&self, url: &str) -> Result<String, LinkError>;
}

/// What is wrong with a link address, and the fix.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct LinkError(pub String);

/// Which wire a device lives on.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Membership {
    /// A stream by its address: its devices take turns, and a doubt holds all of them.
    Stream(String),
    /// A conversation by its address: its devices work side by side.
    Session(String),
    /// HTTP, or nothing: its own.
    Own,
}

/// A device ready to work, and its ear.
#[derive(Debug)]
pub struct Opened {
    /// The driver.
    pub device: Device,
    /// Given to [`Device::idle`].
    pub watch: Watch,
    /// What driver and conversation say unasked.
    pub events: WatchEvents,
    /// Which wire it lives on.
    pub membership: Membership,
    /// The address without its options: the shelf belongs to (driver, this). The device's own
    /// name where there is no link.
    pub scope: String,
}

/// Holds one conversation and opens its line again after each loss. Run it as one task.
pub struct SessionRunner {
    /// The address, for logs.
    pub address: String,
    run: Box<dyn FnOnce(Vec<Watch>, CancellationToken) -> BoxFuture<'static, ()> + Send>,
    watches: Vec<Watch>,
}

impl std::fmt::Debug for SessionRunner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SessionRunner")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

impl SessionRunner {
    /// Runs until it is told to stop and has said goodbye.
    pub async fn run(self, stop: CancellationToken) {
        (self.run)(self.watches, stop).await;
    }
}

struct StreamSlot {
    url: String,
    link: Link,
}

struct SessionSlot {
    url: String,
    config: Value,
    shared: Box<dyn Any + Send + Sync>,
}

/// Every wire of this process.
pub struct Hub {
    factory: Arc<dyn DialFactory>,
    streams: HashMap<String, StreamSlot>,
    sessions: HashMap<String, SessionSlot>,
    runners: Vec<SessionRunner>,
}

impl std::fmt::Debug for Hub {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Hub")
    }
}

impl Hub {
    /// No wire yet.
    #[must_use]
    pub fn new(factory: Arc<dyn DialFactory>) -> Self {
        Self {
            factory,
            streams: HashMap::new(),
            sessions: HashMap::new(),
            runners: Vec::new(),
        }
    }

    /// Opens a device: validates everything, touches no wire. Also after a crash of the device:
    /// then its stream is a new one and a conversation is joined again.
    ///
    /// # Errors
    /// What is wrong in the settings or the link.
    pub fn open(
        &mut self,
        kind: &dyn DriverKind,
        name: &DeviceName,
        link: Option<&str>,
        settings: &Settings,
    ) -> Result<Opened, SettingsError> {
        let (watch, events) = Watch::pair();
        let mut links = Links {
            hub: self,
            url: link,
            watch: watch.clone(),
            membership: Membership::Own,
            scope: name.as_str().to_owned(),
        };
        if let Some(url) = link {
            links.scope = links
                .hub
                .factory
                .address(url)
                .map_err(|e| SettingsError::new(e.to_string()))?;
        }
        if let Some(system) = settings.system() {
            links.scope = format!("system:{system}");
        }
        let device = kind.open(settings, &mut links)?;
        let Links {
            membership, scope, ..
        } = links;
        Ok(Opened {
            device,
            watch,
            events,
            membership,
            scope,
        })
    }

    /// The conversations that were begun since the last call; run each as one task.
    pub fn take_sessions(&mut self) -> Vec<SessionRunner> {
        std::mem::take(&mut self.runners)
    }

    /// Closes the stream of a device that crashed, for all that share it: each opens it again
    /// before its next byte. Call it before [`Hub::open`]. A conversation goes on.
    pub fn hang_up(&mut self, url: &str) {
        let Ok(address) = self.factory.address(url) else {
            return;
        };
        let free = self.streams.get(&address).map(|slot| slot.link.hang_up());
        if free == Some(false) {
            // A task of the old driver holds it and may never let go.
            self.streams.remove(&address);
        }
    }
}

/// What a driver may open for one device.
pub struct Links<'hub> {
    hub: &'hub mut Hub,
    url: Option<&'hub str>,
    watch: Watch,
    membership: Membership,
    scope: String,
}

impl std::fmt::Debug for Links<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Links")
            .field("scope", &self.scope)
            .finish_non_exhaustive()
    }
}

impl Links<'_> {
    /// A stream of one's own, or in turns with the other devices of this link.
    ///
    /// # Errors
    /// The device has no `link`, it is no stream, or another device gives it other options.
    pub fn stream(&mut self, resync: Resync) -> Result<Link, SettingsError> {
        let url = self.url()?.to_owned();
        let address = self.address(&url)?;
        if let Some(slot) = self.hub.streams.get(&address) {
            same_options(&slot.url, &url)?;
            self.membership = Membership::Stream(address);
            return Ok(slot.link.with_resync(resync));
        }
        let dialer = self.dialer(&url)?;
        let link = Link::new(dialer, resync);
        self.hub.streams.insert(
            address.clone(),
            StreamSlot {
                url,
                link: link.clone(),
            },
        );
        self.membership = Membership::Stream(address);
        Ok(link)
    }

    /// A conversation; later devices of this link join it, and their configs must be equal.
    ///
    /// # Errors
    /// The device has no `link`, it is no stream, or another device of this link has other
    /// options, another config or another kind of conversation.
    pub fn session<S: Session>(
        &mut self,
        config: &impl Serialize,
        make: impl FnOnce() -> S,
    ) -> Result<Shared<S>, SettingsError> {
        let url = self.url()?.to_owned();
        let address = self.address(&url)?;
        let config = serde_json::to_value(config).expect("settings are plain data");
        self.membership = Membership::Session(address.clone());
        if let Some(slot) = self.hub.sessions.get(&address) {
            same_options(&slot.url, &url)?;
            if slot.config != config {
                return Err(SettingsError::new(
                    "another device of this link has other settings for the conversation; \
                     make them equal",
                ));
            }
            let shared = slot
                .shared
                .downcast_ref::<Shared<S>>()
                .cloned()
                .ok_or_else(|| {
                    SettingsError::new("another driver holds this link; give each its own")
                })?;
            for runner in &mut self.hub.runners {
                if runner.address == address {
                    runner.watches.push(self.watch.clone());
                }
            }
            return Ok(shared);
        }
        let dialer = self.dialer(&url)?;
        let (shared, calls) = Shared::pair(make());
        let session = shared.clone();
        self.hub.runners.push(SessionRunner {
            address: address.clone(),
            watches: vec![self.watch.clone()],
            run: Box::new(move |watches, stop| {
                Box::pin(hold(session, calls, dialer, Watch::all_of(&watches), stop))
            }),
        });
        self.hub.sessions.insert(
            address,
            SessionSlot {
                url,
                config,
                shared: Box::new(shared.clone()),
            },
        );
        Ok(shared)
    }

    /// A device behind HTTP, at the configured address only.
    ///
    /// # Errors
    /// The device has no `link`, or it is not `http:` or `https:`.
    pub fn requests(&mut self) -> Result<Requests, SettingsError> {
        let url = self.url()?.to_owned();
        let poster = self
            .hub
            .factory
            .poster(&url)
            .map_err(|error| SettingsError::new(error.to_string()))?;
        Ok(Requests::new(poster))
    }

    /// The configured link as it stands in the file.
    ///
    /// # Errors
    /// The device has no `link`.
    pub fn url(&self) -> Result<&str, SettingsError> {
        self.url.ok_or_else(|| {
            SettingsError::new(
                "`link` is missing; say where the device is, such as \
                                \"tcp:192.168.7.30:9100\"",
            )
        })
    }

    fn address(&self, url: &str) -> Result<String, SettingsError> {
        self.hub
            .factory
            .address(url)
            .map_err(|error| SettingsError::new(error.to_string()))
    }

    fn dialer(&self, url: &str) -> Result<Arc<dyn Dialer>, SettingsError> {
        self.hub
            .factory
            .dialer(url)
            .map_err(|error| SettingsError::new(error.to_string()))
    }
}

fn same_options(one: &str, other: &str) -> Result<(), SettingsError> {
    if one == other {
        return Ok(());
    }
    Err(SettingsError::new(format!(
        "another device has the same address with other options (`{one}`); make them equal"
    )))
}

/// Rest between two tries to hold a conversation: doubled after each failure.
const REST_FIRST: Duration = Duration::from_millis(500);
const REST_MAX: Duration = Duration::from_secs(15);
/// A conversation that stood this long starts the rest anew.
const STABLE: Duration = Duration::from_secs(60);

async fn hold<S: Session>(
    session: Shared<S>,
    mut calls: Calls<S>,
    dialer: Arc<dyn Dialer>,
    watch: Watch,
    stop: CancellationToken,
) {
    calls.stop_at(&stop);
    let mut rest = REST_FIRST;
    let address = dialer.address().to_owned();
    while !stop.is_cancelled() {
        let mut line = Link::new(dialer.clone(), Resync::ById);
        let begun = clock_source::now();
        let opened = tokio::select! {
            biased;
            () = stop.cancelled() => break,
            opened = line.open() => opened,
        };
        let ended = match opened {
            Ok(()) => {
                // Its panic is a crash of this one conversation: what it left goes with the line.
                let hangs = hang(calls.stands(), calls.waiting());
                let talk = AssertUnwindSafe(session.hold(&mut line, &mut calls, &watch));
                // The calls end when the worker stops, so that the conversation says goodbye.
                tokio::select! {
                    biased;
                    ended = talk.catch_unwind() => {
                        ended.unwrap_or_else(|_| Err(Fault::transient("DEVICE-CRASHED")))
                    }
                    () = goodbye(&stop, GOODBYE_MAX) => break,
                    // What no device got through to was not sent; what was taken is lost.
                    () = hangs => {
                        tracing::error!(%address, "Conversation hung; held anew");
                        Err(Fault::transient("DEVICE-CRASHED"))
                    }
                }
            }
            Err(fault) => Err(fault),
        };
        line.close().await;
        calls.down();
        if stop.is_cancelled() {
            break;
        }
        let fault = match ended {
            Ok(()) => Fault::transient("LINK-LOST").with("address", &address),
            Err(fault) => fault,
        };
        tracing::warn!(%address, error = %fault, "Conversation down");
        watch.health(Health::Unwell(fault));
        if clock_source::now() - begun > STABLE {
            rest = REST_FIRST;
        }
        let jitter = rest.mul_f64(0.5 + fastrand::f64() / 2.0);
        let again = calls.refuse_until(async {
            tokio::select! {
                biased;
                () = stop.cancelled() => {}
                () = sleep(jitter) => {}
            }
        });
        if !again.await {
            break;
        }
        rest = (rest * 2).min(REST_MAX);
    }
    calls.down();
}

/// How long a conversation may take to say goodbye.
const GOODBYE_MAX: Duration = Duration::from_secs(2);

/// A conversation that stands takes a call within this, whatever it does beside: the slowest link
/// level that a driver has needs 30 s for a record that nobody answers.
const TAKEN_WITHIN: Duration = Duration::from_secs(60);
/// A conversation on an open line stands after this, or is opened anew.
const STANDS_WITHIN: Duration = Duration::from_secs(300);

/// Resolves when a conversation hangs.
async fn hang(stands: impl Future<Output = ()>, waiting: Arc<Waiting>) {
    if timeout(STANDS_WITHIN, stands).await.is_ok() {
        waiting.untaken_for(TAKEN_WITHIN).await;
    }
}

async fn goodbye(stop: &CancellationToken, grace: Duration) {
    stop.cancelled().await;
    sleep(grace).await;
}

#[cfg(test)]
mod tests;
