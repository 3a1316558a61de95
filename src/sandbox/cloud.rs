//! The cloud: what all hotels share, and how it starts and stops.

use super::{
    accept::{Door, Host, Link},
    clock::Clock,
    control,
    direct::Direct,
    faults::{Active, Fault, FaultId, Faults},
    hotel::Hotel,
    ledger::{Ledger, RequestSeen, UpgradeSeen},
    limit::RetryAfter,
    property::{HotelOptions, HotelState},
    sockets, wire,
};
use axum::Router;
use jiff::{SignedDuration, Timestamp};
use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    ops::Deref,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};
use tokio::{net::TcpListener, sync::watch};
use tokio_util::sync::{CancellationToken, DropGuard};
use uuid::Uuid;

/// How a sandbox starts. The defaults are the API as documented.
#[derive(Debug)]
pub struct SandboxOptions {
    /// Where the API and the page listen; a free port of the loopback interface if `None`.
    pub listener: Option<TcpListener>,
    /// Where the event socket listens. `None`: a free port of its own, as Mews has a host of its
    /// own for it.
    pub socket_listener: Option<TcpListener>,
    /// Serve the event socket on `listener` too, and open no second port.
    pub one_port: bool,
    /// The token of the application; invented if `None`.
    pub client_token: Option<String>,
    /// The first hotel.
    pub hotel: HotelOptions,
    /// How far the cloud's clock is ahead of this PC's.
    pub clock_offset: SignedDuration,
    /// Requests admitted per access token in `rate_span`.
    pub rate_limit: usize,
    /// The window of the rate limit.
    pub rate_span: Duration,
    /// What a 429 of the rate limit says.
    pub retry_after: RetryAfter,
    /// The status of an update that the state of the command forbids: 403, or 400, or 409.
    pub refused_update: u16,
    /// The largest request body in bytes; a longer one is 413.
    pub body_limit: usize,
    /// Whether an unknown id makes `getAllByIds` fail with 400; else it is left out.
    pub unknown_ids_fail: bool,
    /// Whether a device added while a socket is open is announced only after a reconnect.
    pub link_needs_reconnect: bool,
}

impl Default for SandboxOptions {
    fn default() -> Self {
        Self {
            listener: None,
            socket_listener: None,
            one_port: false,
            client_token: None,
            hotel: HotelOptions::default(),
            clock_offset: SignedDuration::ZERO,
            rate_limit: 200,
            rate_span: Duration::from_secs(30),
            retry_after: RetryAfter::Seconds(None),
            refused_update: 403,
            body_limit: 64 << 20,
            unknown_ids_fail: false,
            link_needs_reconnect: true,
        }
    }
}

/// What requests are judged by; fixed while the sandbox runs.
#[derive(Debug)]
pub(super) struct Rules {
    pub(super) rate_limit: usize,
    pub(super) rate_span: Duration,
    pub(super) retry_after: RetryAfter,
    pub(super) refused_update: u16,
    pub(super) body_limit: usize,
    pub(super) unknown_ids_fail: bool,
}

/// Everything that changes.
#[derive(Debug)]
pub(super) struct CloudState {
    pub(super) clock: Clock,
    pub(super) hotels: Vec<HotelState>,
    pub(super) faults: Faults,
    pub(super) ledger: Ledger,
    pub(super) next_socket: u64,
    pub(super) link_needs_reconnect: bool,
}

/// The shared heart of sandbox, hotels and handlers.
pub(super) struct Cloud {
    pub(super) client_token: String,
    pub(super) rules: Rules,
    pub(super) host: Host,
    pub(super) addresses: [SocketAddr; 2],
    state: Mutex<CloudState>,
    changed: watch::Sender<u64>,
}

impl Cloud {
    /// Reads or changes the state; whoever waits for a change looks again.
    pub(super) fn change<T>(&self, change: impl FnOnce(&mut CloudState) -> T) -> T {
        let result = change(&mut self.lock());
        self.changed.send_modify(|version| *version += 1);
        result
    }

    /// Reads the state.
    pub(super) fn look<T>(&self, look: impl FnOnce(&mut CloudState) -> T) -> T {
        look(&mut self.lock())
    }

    /// Counts the changes.
    pub(super) fn versions(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    fn lock(&self) -> MutexGuard<'_, CloudState> {
        self.state
            .lock()
            .expect("nothing panics while it holds the cloud")
    }
}

impl std::fmt::Debug for Cloud {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cloud")
            .field("addresses", &self.addresses)
            .finish_non_exhaustive()
    }
}

/// A running cloud. It is also the handle of its first hotel. Dropping it stops it.
#[derive(Debug)]
pub struct Sandbox {
    hotel: Hotel,
    cloud: Arc<Cloud>,
    stop: CancellationToken,
    _stop_on_drop: DropGuard,
}

impl Sandbox {
    /// Starts a cloud on the loopback interface.
    ///
    /// # Errors
    /// A port cannot be opened, or a given listener is not on the loopback interface.
    pub async fn start(options: SandboxOptions) -> io::Result<Self> {
        let listener = or_free_port(options.listener).await?;
        let socket_listener = match (options.socket_listener, options.one_port) {
            (None, true) => None,
            (given, _) => Some(or_free_port(given).await?),
        };
        let platform = listener.local_addr()?;
        let socket = socket_listener
            .as_ref()
            .map_or(Ok(platform), TcpListener::local_addr)?;
        for address in [platform, socket] {
            if !address.ip().is_loopback() {
                let text = format!("the sandbox listens on the loopback interface only: {address}");
                return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
            }
        }
        let rules = Rules {
            rate_limit: options.rate_limit,
            rate_span: options.rate_span,
            retry_after: options.retry_after,
            refused_update: options.refused_update,
            body_limit: options.body_limit,
            unknown_ids_fail: options.unknown_ids_fail,
        };
        let hotel = HotelState::new(options.hotel, &rules);
        let cloud = Arc::new(Cloud {
            client_token: options.client_token.unwrap_or_else(invented_token),
            rules,
            host: Host::default(),
            addresses: [platform, socket],
            state: Mutex::new(CloudState {
                clock: Clock::start(options.clock_offset),
                hotels: vec![hotel],
                faults: Faults::default(),
                ledger: Ledger::default(),
                next_socket: 0,
                link_needs_reconnect: options.link_needs_reconnect,
            }),
            changed: watch::Sender::new(0),
        });

        let stop = CancellationToken::new();
        let api = control::router().fallback(wire::handle);
        match socket_listener {
            None => open(&cloud, listener, api.merge(sockets::router()), &stop),
            Some(socket_listener) => {
                open(&cloud, listener, api, &stop);
                let events = sockets::router().fallback(wire::nothing_here);
                open(&cloud, socket_listener, events, &stop);
            }
        }
        let hotel = Hotel::new(Arc::clone(&cloud), 0);
        Ok(Self {
            hotel,
            cloud,
            _stop_on_drop: stop.clone().drop_guard(),
            stop,
        })
    }

    /// The base address of the API, without a slash at the end.
    pub fn platform_address(&self) -> String {
        format!("http://{}", self.cloud.addresses[0])
    }

    /// The base address of the event socket.
    pub fn websocket_address(&self) -> String {
        format!("ws://{}", self.cloud.addresses[1])
    }

    /// The token of the application.
    pub fn client_token(&self) -> &str {
        &self.cloud.client_token
    }

    /// The way in without a network.
    pub fn direct(&self) -> Direct {
        Direct::new(Arc::clone(&self.cloud))
    }

    /// Adds a hotel with an access token of its own.
    pub fn add_hotel(&self, options: HotelOptions) -> Hotel {
        let hotel = HotelState::new(options, &self.cloud.rules);
        let index = self.cloud.change(|state| {
            state.hotels.push(hotel);
            state.hotels.len() - 1
        });
        Hotel::new(Arc::clone(&self.cloud), index)
    }

    /// The first hotel.
    pub fn hotel(&self) -> &Hotel {
        &self.hotel
    }

    /// The cloud's time.
    pub fn now(&self) -> Timestamp {
        self.cloud.look(|state| state.clock.utc())
    }

    /// Sets how far the cloud's clock is ahead of this PC's.
    pub fn set_clock_offset(&self, offset: SignedDuration) {
        self.cloud.change(|state| state.clock.set_offset(offset));
    }

    /// Switches a fault on.
    pub fn switch_on(&self, fault: Fault) -> FaultId {
        control::switch_on(&self.cloud, fault)
    }

    /// Switches one fault off; false if it was over already.
    pub fn switch_off(&self, fault: FaultId) -> bool {
        self.cloud.change(|state| state.faults.switch_off(fault))
    }

    /// Switches all faults off, and is up again.
    pub fn clear_faults(&self) {
        self.cloud.change(|state| state.faults.clear());
        self.cloud.host.come_back();
    }

    /// The faults that are on, each with how many requests it has met.
    pub fn faults(&self) -> Vec<(FaultId, Fault, u64)> {
        let tell = |active: &Active| (active.id, active.fault.clone(), active.met);
        self.cloud
            .look(|state| state.faults.active().iter().map(tell).collect())
    }

    /// Resets all connections, sockets included, and every new one until [`Self::come_back`].
    pub fn go_down(&self) {
        self.cloud.host.go_down();
    }

    /// Ends [`Self::go_down`].
    pub fn come_back(&self) {
        self.cloud.host.come_back();
    }

    /// Every request to the API so far, of all hotels and of none, in order of arrival.
    pub fn all_requests(&self) -> Vec<RequestSeen> {
        self.cloud
            .look(|state| state.ledger.requests().cloned().collect())
    }

    /// Every attempt to open the event socket so far.
    pub fn upgrades(&self) -> Vec<UpgradeSeen> {
        self.cloud
            .look(|state| state.ledger.upgrades().cloned().collect())
    }

    /// Returns when the sandbox was told to stop.
    pub async fn stopped(&self) {
        self.stop.cancelled().await;
    }

    /// Stops it: the ports are closed, all connections reset.
    pub fn stop(&self) {
        self.stop.cancel();
    }
}

/// A sandbox is its first hotel too: most rehearsals need no second one.
impl Deref for Sandbox {
    type Target = Hotel;

    fn deref(&self) -> &Hotel {
        &self.hotel
    }
}

/// A token in the form Mews uses.
pub(super) fn invented_token() -> String {
    let hex = |id: Uuid| id.simple().to_string().to_uppercase();
    format!("{}-{}", hex(Uuid::new_v4()), &hex(Uuid::new_v4())[..31])
}

async fn or_free_port(given: Option<TcpListener>) -> io::Result<TcpListener> {
    match given {
        Some(listener) => Ok(listener),
        None => TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await,
    }
}

fn open(
    cloud: &Arc<Cloud>,
    listener: TcpListener,
    router: Router<Arc<Cloud>>,
    stop: &CancellationToken,
) {
    let host = cloud.host.clone();
    let door = Door {
        listener,
        host: host.clone(),
    };
    let service = router
        .with_state(Arc::clone(cloud))
        .into_make_service_with_connect_info::<Link>();
    let stop = stop.clone();
    tokio::spawn(async move {
        tokio::select! {
            biased;
            () = stop.cancelled() => host.break_all(),
            _ = axum::serve(door, service).into_future() => {}
        }
    });
}
