//! A hotel for one test: a sandbox cloud, virtual devices in memory, a worker on a journal of its
//! own.

use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use driver_link::{Dialers, Memory};
use driver_sdk::{DialFactory, DriverKind, VirtualDevice};
use nightporter::assemble::{AssembleError, assemble};
use nightporter::clock::Clock;
use nightporter::config::{self, Build, Source, StoredSecret, Vault};
use nightporter::journal::{Core, Disk, Journal, OpenError, Options, Reader, Row};
use nightporter::sandbox::{CommandState, Sandbox, SandboxOptions};
use nightporter::supervise::{Parts, Worker};
use tempfile::TempDir;

use crate::air::{Air, Edit};

/// How long anything may take that a test waits for: far more than it needs, since machines are
/// shared.
pub const PATIENCE: Duration = Duration::from_secs(60);

pub struct House {
    pub cloud: Sandbox,
    pub links: Memory,
    pub folder: TempDir,
    /// This PC's clock, where it is another than the real one.
    pub clock: Option<Clock>,
    /// Other addresses of the cloud than its own: of the API, of the socket.
    pub through: Option<[String; 2]>,
    /// Who changes answers on the way to a hurried worker.
    pub edit: Option<Edit>,
    /// `keep_days` of the journal, where it is another than usual.
    pub keep_days: Option<u32>,
    /// Decides every jitter of a hurried worker.
    pub seed: u64,
    /// What stands before the journal of a hurried worker.
    pub disk: Option<Arc<dyn Disk>>,
    /// The worker needs no network and follows the runtime's clock, which a test may pause.
    hurries: bool,
    devices: String,
    wires: Option<Arc<Dialers>>,
    worker: Option<Worker>,
}

struct Tokens {
    client: String,
    access: String,
}

impl Vault for Tokens {
    fn variable(&self, name: &str) -> Option<String> {
        match name {
            "CLIENT" => Some(self.client.clone()),
            "ACCESS" => Some(self.access.clone()),
            _ => None,
        }
    }
    fn secret_file(&self, _: &Path) -> std::io::Result<StoredSecret> {
        Err(std::io::ErrorKind::NotFound.into())
    }
    fn plain_file(&self, _: &Path) -> std::io::Result<Vec<u8>> {
        Err(std::io::ErrorKind::NotFound.into())
    }
}

impl House {
    /// A cloud and no worker yet. `devices` are `[device.…]` sections.
    pub async fn new(devices: &str) -> Self {
        Self::with(devices, SandboxOptions::default()).await
    }

    /// The same, with a cloud of its own kind.
    pub async fn with(devices: &str, options: SandboxOptions) -> Self {
        let cloud = Sandbox::start(options).await.expect("loopback");
        Self {
            cloud,
            links: Memory::new(),
            folder: tempfile::tempdir().expect("a folder"),
            clock: None,
            through: None,
            edit: None,
            disk: None,
            seed: 7,
            keep_days: None,
            hurries: false,
            devices: devices.to_owned(),
            wires: None,
            worker: None,
        }
    }

    /// From now on the links of the config are real ones: TCP, listeners, serial ports.
    pub fn on_wires(&mut self) -> Arc<Dialers> {
        self.wires.get_or_insert_default().clone()
    }

    /// Other `[device.…]` sections for the next start.
    pub fn configure(&mut self, devices: &str) {
        devices.clone_into(&mut self.devices);
    }

    fn dials(&self) -> Arc<dyn DialFactory> {
        match &self.wires {
            Some(wires) => wires.clone(),
            None => Arc::new(self.links.clone()),
        }
    }

    /// The same for a paused runtime: the worker's clock is the runtime's, its journal works
    /// inline, and between it and the cloud there is no network.
    pub async fn hurried(devices: &str, options: SandboxOptions) -> Self {
        let mut house = Self::with(devices, options).await;
        house.hurries = true;
        // The disk's own time is real, so it is spared where the system has memory for files.
        if let Ok(folder) = tempfile::tempdir_in("/dev/shm") {
            house.folder = folder;
        }
        house
    }

    /// Builds the virtual device of a driver of this build and puts it at an address.
    pub fn simulate(
        &self,
        kind: &str,
        address: &str,
        set: &[(&str, &str)],
    ) -> Arc<dyn VirtualDevice> {
        let kind = kind_named(kind);
        let simulator = kind.simulator().expect("the kind has a simulator");
        let set: Vec<_> = set
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        let folder = self.folder.path().join(address.replace([':', '/'], "-"));
        let device = simulator.build(folder, &set).expect("the switches exist");
        self.links.put(address, device.clone());
        device
    }

    pub fn journal(&self) -> std::path::PathBuf {
        self.folder.path().join("journal.db")
    }

    fn config(&self) -> config::Config {
        let own = || {
            [
                self.cloud.platform_address(),
                self.cloud.websocket_address(),
            ]
        };
        let [platform, socket] = self.through.clone().unwrap_or_else(own);
        let text = format!(
            "[mews]\nplatform_address = \"{}\"\nwebsocket_address = \"{}\"\n\
             [property.main]\nclient_token = {{ env = \"CLIENT\" }}\n\
             access_token = {{ env = \"ACCESS\" }}\n\
             [journal]\npath = '{}'\n{}[admin]\nlisten = \"127.0.0.1:0\"\n{}",
            platform,
            socket,
            self.journal().display(),
            self.keep_days
                .map(|days| format!("keep_days = {days}\n"))
                .unwrap_or_default(),
            self.devices,
        );
        let vault = Tokens {
            client: self.cloud.client_token().to_owned(),
            access: self.cloud.access_token().to_owned(),
        };
        let build = Build {
            kinds: kinds(),
            dials: self.dials(),
        };
        let source = Source::new(Path::new("test.toml"), &text);
        match config::parse(&source, self.folder.path(), &build, &vault) {
            Ok(loaded) => loaded.config,
            Err(error) => panic!("{error}"),
        }
    }

    /// Starts the worker; after [`House::stop`] or [`House::crash`] again, on the same journal.
    pub fn start(&mut self) -> &Worker {
        self.try_start(Options::default())
            .expect("the journal opens");
        self.worker()
    }

    /// The same, with what a person says of a lost journal.
    pub fn try_start(&mut self, options: Options) -> Result<(), AssembleError> {
        let mut parts = if self.hurries {
            self.hurried_parts(options)?
        } else {
            assemble(self.config(), kinds(), self.dials(), options)?
        };
        if let Some(clock) = &self.clock {
            parts.clock = clock.clone();
        }
        self.worker = Some(Worker::start(parts).expect("the devices open"));
        Ok(())
    }

    fn hurried_parts(&self, options: Options) -> Result<Parts, AssembleError> {
        let clock = Clock::following_tokio(self.cloud.now());
        let (core, found) = Core::open(&self.journal(), options, clock.pc_time())?;
        Ok(Parts {
            config: self.config(),
            kinds: kinds(),
            links: Arc::new(self.links.clone()),
            journal: Journal::inline(match &self.disk {
                Some(disk) => core.behind(disk.clone()),
                None => core,
            }),
            found,
            clock,
            world: Arc::new(Air {
                direct: self.cloud.direct(),
                edit: self.edit.clone(),
            }),
            seed: self.seed,
        })
    }

    /// Starts the worker and waits until its socket stands.
    pub async fn start_and_wait(&mut self) -> &Worker {
        self.start();
        self.is_up().await;
        self.worker()
    }

    /// Waits until a socket stands.
    pub async fn is_up(&self) {
        let up = |hotel: &nightporter::sandbox::Hotel| hotel.sockets() == 1;
        within("the socket", self.cloud.wait_until(up)).await;
    }

    /// Waits until the list that follows the socket was read: what is ordered from here on is
    /// heard by event alone.
    pub async fn is_swept(&self) {
        let swept = |worker: &Worker| {
            let links = worker.board().links();
            !links.is_empty() && links.values().all(|link| link.last_sweep.is_some())
        };
        self.until("the first list", swept).await;
    }

    /// The row of a command, read beside the worker.
    pub fn row(&self, id: uuid::Uuid) -> Option<Row> {
        let reader = Reader::open(&self.journal()).expect("it is there");
        reader.find(&id.to_string()).expect("it can be read").pop()
    }

    /// Waits until the board shows something.
    pub async fn until(&self, what: &str, holds: impl Fn(&Worker) -> bool) {
        let worker = self.worker();
        let look = async {
            let mut news = worker.board().follow();
            while !holds(worker) {
                // Alarms and links are on the board without news of them.
                let _ = tokio::time::timeout(Duration::from_millis(100), news.recv()).await;
            }
        };
        within(what, look).await;
    }

    /// Waits until the journal knows a command.
    pub async fn queued(&self, id: uuid::Uuid) {
        self.until("it is in the queue", |_| self.row(id).is_some())
            .await;
    }

    /// Waits until nothing of a command is left to report.
    pub async fn closed(&self, id: uuid::Uuid) {
        let reported = |row: Row| row.reported_at.is_some();
        self.until("it is closed", |_| self.row(id).is_some_and(reported))
            .await;
    }

    /// Waits for the end of a command: its state and its note.
    pub async fn end(&self, id: uuid::Uuid) -> (CommandState, String) {
        let state = within("the end of a command", self.cloud.wait_final(id)).await;
        (state, self.cloud.notes(id).unwrap_or_default())
    }

    pub fn worker(&self) -> &Worker {
        self.worker.as_ref().expect("started")
    }

    /// Stops the worker, and waits until its journal is free for the next one.
    pub async fn stop(&mut self) {
        self.worker().stop().await;
        self.worker = None;
        let options = Options { new_journal: true };
        let free = async {
            let now = self.cloud.now();
            while let Err(OpenError::SecondWorker { .. }) =
                Core::open(&self.journal(), options, now)
            {
                tokio::task::yield_now().await;
            }
        };
        within("the journal's end", free).await;
    }
}

/// The kinds of this build, the puppets and the choir.
pub fn kinds() -> &'static [&'static dyn DriverKind] {
    static ALL: OnceLock<Vec<&'static dyn DriverKind>> = OnceLock::new();
    ALL.get_or_init(|| {
        let bundle = driver_bundle::KINDS.iter();
        let toys = crate::puppet::KINDS.iter().chain(&crate::choir::KINDS);
        bundle.chain(toys).copied().collect()
    })
}

pub fn kind_named(name: &str) -> &'static dyn DriverKind {
    driver_bundle::KINDS
        .iter()
        .copied()
        .find(|kind| kind.name() == name)
        .expect("the bundle has it")
}

/// Waits for something, and fails with a name instead of hanging.
pub async fn within<T>(what: &str, future: impl Future<Output = T>) -> T {
    match tokio::time::timeout(PATIENCE, future).await {
        Ok(value) => value,
        Err(_) => panic!("{what} did not happen within {PATIENCE:?}"),
    }
}

/// Prints what a test did and counted.
pub fn say(line: std::fmt::Arguments<'_>) {
    use std::io::Write;
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}
