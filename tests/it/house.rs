//! A hotel for one test: a sandbox cloud, virtual devices in memory, a worker on a journal of its
//! own.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use driver_link::Memory;
use driver_sdk::{DriverKind, VirtualDevice};
use nightporter::assemble::assemble;
use nightporter::config::{self, Build, Source, StoredSecret, Vault};
use nightporter::journal::Options;
use nightporter::sandbox::{Sandbox, SandboxOptions};
use nightporter::supervise::Worker;
use tempfile::TempDir;

/// How long anything may take that a test waits for: far more than it needs, since machines are
/// shared.
pub const PATIENCE: Duration = Duration::from_secs(60);

pub struct House {
    pub cloud: Sandbox,
    pub links: Memory,
    pub folder: TempDir,
    devices: String,
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
        let cloud = Sandbox::start(SandboxOptions::default())
            .await
            .expect("loopback");
        Self {
            cloud,
            links: Memory::new(),
            folder: tempfile::tempdir().expect("a folder"),
            devices: devices.to_owned(),
            worker: None,
        }
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
        let text = format!(
            "[mews]\nplatform_address = \"{}\"\nwebsocket_address = \"{}\"\n\
             [property.main]\nclient_token = {{ env = \"CLIENT\" }}\n\
             access_token = {{ env = \"ACCESS\" }}\n\
             [journal]\npath = '{}'\n[admin]\nlisten = \"127.0.0.1:0\"\n{}",
            self.cloud.platform_address(),
            self.cloud.websocket_address(),
            self.journal().display(),
            self.devices,
        );
        let vault = Tokens {
            client: self.cloud.client_token().to_owned(),
            access: self.cloud.access_token().to_owned(),
        };
        let build = Build {
            kinds: driver_bundle::KINDS,
            dials: Arc::new(self.links.clone()),
        };
        let source = Source::new(Path::new("test.toml"), &text);
        match config::parse(&source, self.folder.path(), &build, &vault) {
            Ok(loaded) => loaded.config,
            Err(error) => panic!("{error}"),
        }
    }

    /// Starts the worker; after [`House::stop`] or [`House::crash`] again, on the same journal.
    pub fn start(&mut self) -> &Worker {
        let links = Arc::new(self.links.clone());
        let parts = assemble(
            self.config(),
            driver_bundle::KINDS,
            links,
            Options::default(),
        )
        .expect("the journal opens");
        self.worker
            .insert(Worker::start(parts).expect("the devices open"))
    }

    pub fn worker(&self) -> &Worker {
        self.worker.as_ref().expect("started")
    }

    pub async fn stop(&mut self) {
        self.worker().stop().await;
        self.worker = None;
    }
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
