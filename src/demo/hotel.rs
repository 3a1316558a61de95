//! Builds the hotel: cloud, devices on their wires, worker; and takes it down again.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use driver_sdk::VirtualDevice;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::assemble::{AssembleError, assemble};
use crate::config::{self, Build, LoadError, Source, StoredSecret, Vault};
use crate::journal::Options;
use crate::sandbox::{DeviceKind, Sandbox, ServeError, ServeOptions, serve};
use crate::supervise::{StartError, Worker};

/// How long a printer's commands wait for paper here. A hotel's default is 60 s.
pub(super) const OPERATOR_WAIT_S: u64 = 3;

/// Why there is no demo.
#[derive(Debug, thiserror::Error)]
pub enum DemoError {
    /// A folder or a wire.
    #[error("this PC does not give the demo a folder, a port or a pseudo-terminal: {0}")]
    Pc(#[from] io::Error),
    /// The cloud.
    #[error("the sandbox cannot be opened")]
    Cloud(#[from] ServeError),
    /// Our own config, or a driver's.
    #[error("{0}")]
    Config(#[from] LoadError),
    /// The worker.
    #[error("{0}")]
    Worker(#[from] AssembleError),
    /// A device.
    #[error("{0}")]
    Device(#[from] StartError),
    /// A simulator.
    #[error("{0}")]
    Simulator(String),
}

/// A device of the demo.
pub(super) struct Desk {
    /// Its name in Mews.
    pub title: &'static str,
    /// Its id there.
    pub id: Uuid,
    /// The virtual device.
    pub device: Arc<dyn VirtualDevice>,
    link: String,
    section: Part,
}

/// What the demo knows how to show, if this build has the driver.
#[derive(Debug, Clone)]
struct Part {
    name: &'static str,
    title: &'static str,
    kind: &'static str,
    class: DeviceKind,
    wire: Wire,
    switches: &'static [(&'static str, &'static str)],
    settings: &'static str,
}

/// How a device is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wire {
    /// A pseudo-terminal, where there are any; else as [`Wire::Tcp`].
    Serial,
    /// A port on loopback.
    Tcp,
    /// The same, spoken to in HTTP.
    Http(&'static str),
}

pub(super) const RECEPTION: &str = "Reception printer";
pub(super) const BAR: &str = "Bar printer";
pub(super) const ENCODER: &str = "Reception encoder";
pub(super) const FISCAL: &str = "Fiscal printer";

const PARTS: [Part; 4] = [
    Part {
        name: "reception",
        title: RECEPTION,
        kind: "escpos",
        class: DeviceKind::Printer,
        wire: Wire::Serial,
        switches: &[],
        settings: "",
    },
    Part {
        name: "bar",
        title: BAR,
        kind: "escpos",
        class: DeviceKind::Printer,
        wire: Wire::Tcp,
        switches: &[("paper", "out")],
        settings: "",
    },
    Part {
        name: "encoder",
        title: ENCODER,
        kind: "pms-industry-standard",
        class: DeviceKind::KeyCutter,
        wire: Wire::Tcp,
        switches: &[],
        settings: "profile = \"salto\"\nencoder = \"Online Encoder\"\n",
    },
    Part {
        name: "fiscal",
        title: FISCAL,
        kind: "epson-rt",
        class: DeviceKind::FiscalMachine,
        wire: Wire::Http("cgi-bin/fpmate.cgi"),
        switches: &[],
        settings: "vat = { \"SANDBOX-10\" = { group = 2 }, \"SANDBOX-22\" = { group = 1 }, \
                   untaxed = { group = 11 } }\n\
                   payments = { Cash = \"0-0\", CreditCard = \"2-1\" }\n",
    },
];

/// The running hotel.
pub struct DemoHotel {
    pub(super) cloud: Sandbox,
    pub(super) desks: Vec<Desk>,
    pub(super) worker: Worker,
    page: String,
    receipts: PathBuf,
    memory: PathBuf,
    wires: CancellationToken,
}

impl std::fmt::Debug for DemoHotel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("DemoHotel")
    }
}

impl DemoHotel {
    /// Opens everything on loopback and in a folder of its own.
    ///
    /// # Errors
    /// [`DemoError`].
    pub async fn open(build: &Build) -> Result<Self, DemoError> {
        let number = Uuid::new_v4().simple().to_string();
        let folder = std::env::temp_dir().join(format!("nightporter-demo-{}", &number[..8]));
        let (receipts, memory) = (folder.join("receipts"), folder.join("worker"));
        std::fs::create_dir_all(&memory)?;
        std::fs::create_dir_all(&receipts)?;
        let parts = PARTS.iter().filter(|part| {
            let kind = build.kind(part.kind);
            kind.is_some_and(|kind| kind.simulator().is_some())
        });
        let parts: Vec<Part> = parts.cloned().collect();
        let serving = serve(ServeOptions {
            listen: ([127, 0, 0, 1], 0).into(),
            devices: parts
                .iter()
                .map(|part| (part.class.clone(), part.title.to_owned()))
                .collect(),
            ..ServeOptions::default()
        })
        .await?;
        let cloud = serving.sandbox;
        let wires = CancellationToken::new();
        let mut desks = Vec::new();
        for part in parts {
            desks.push(desk(build, part, &cloud, &receipts, &wires).await?);
        }
        let source = Source::new(
            Path::new("the demo's config"),
            &text(&cloud, &desks, &memory),
        );
        let tokens = Tokens {
            client: cloud.client_token().to_owned(),
            access: cloud.access_token(),
        };
        let config = config::parse(&source, &memory, build, &tokens)?.config;
        let parts = assemble(config, build.kinds, build.dials.clone(), Options::default())?;
        let worker = Worker::start(parts)?;
        Ok(Self {
            cloud,
            desks,
            worker,
            page: serving.page,
            receipts,
            memory,
            wires,
        })
    }

    /// Where a person sends more commands.
    #[must_use]
    pub fn page(&self) -> &str {
        &self.page
    }

    /// Where the receipts are, as pictures.
    #[must_use]
    pub fn receipts(&self) -> &Path {
        &self.receipts
    }

    /// What there is, and on which wire.
    pub fn devices(&self) -> impl Iterator<Item = String> {
        self.desks.iter().map(|desk| {
            let Part { kind, title, .. } = &desk.section;
            format!("{title}: driver {kind} at {}", desk.link)
        })
    }

    pub(super) fn desk(&self, title: &str) -> Option<&Desk> {
        self.desks.iter().find(|desk| desk.title == title)
    }

    /// Stops the worker as a service would be stopped; only the pictures stay.
    pub async fn close(self) {
        self.worker.stop().await;
        self.wires.cancel();
        self.cloud.stop();
        drop(self.worker);
        // A journal that stays behind in the temporary folder harms nobody.
        let _ = std::fs::remove_dir_all(&self.memory);
    }
}

async fn desk(
    build: &Build,
    part: Part,
    cloud: &Sandbox,
    receipts: &Path,
    wires: &CancellationToken,
) -> Result<Desk, DemoError> {
    let simulator = build.kind(part.kind).and_then(|kind| kind.simulator());
    let simulator = simulator.ok_or_else(|| DemoError::Simulator(part.kind.to_owned()))?;
    let switches: Vec<_> = part
        .switches
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    let device = simulator
        .build(receipts.join(part.name), &switches)
        .map_err(DemoError::Simulator)?;
    let link = if part.wire == Wire::Serial && cfg!(unix) {
        let terminal = driver_link::host::serve_pty(device.clone(), wires.clone())?;
        format!("serial:{}", terminal.path().display())
    } else {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let hosted = driver_link::host::serve_tcp(listener, device.clone(), wires.clone());
        tokio::spawn(hosted);
        match part.wire {
            Wire::Serial | Wire::Tcp => format!("tcp:{address}"),
            Wire::Http(path) => format!("http://{address}/{path}"),
        }
    };
    let id = cloud
        .devices()
        .into_iter()
        .find(|device| device.name == part.title)
        .map(|device| device.id);
    Ok(Desk {
        title: part.title,
        id: id.ok_or_else(|| DemoError::Simulator(format!("{} is missing", part.title)))?,
        device,
        link,
        section: part,
    })
}

fn text(cloud: &Sandbox, desks: &[Desk], memory: &Path) -> String {
    let mut text = format!(
        "[mews]\nplatform_address = \"{}\"\nwebsocket_address = \"{}\"\n\
         [property.demo]\nclient_token = {{ env = \"CLIENT\" }}\n\
         access_token = {{ env = \"ACCESS\" }}\n\
         [journal]\npath = '{}'\n[admin]\nlisten = \"127.0.0.1:0\"\n",
        cloud.platform_address(),
        cloud.websocket_address(),
        memory.join("journal.db").display(),
    );
    for desk in desks {
        let Part {
            name,
            title,
            kind,
            class,
            settings,
            ..
        } = &desk.section;
        text.push_str(&format!(
            "[device.{name}]\nmews = \"{title}\"\ndriver = \"{kind}\"\nlink = '{}'\n",
            desk.link
        ));
        if *class == DeviceKind::Printer {
            text.push_str(&format!("operator_wait_s = {OPERATOR_WAIT_S}\n"));
        }
        text.push_str(&format!("[device.{name}.settings]\n{settings}"));
    }
    text
}

/// The demo's tokens: they open nothing but its own cloud.
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

    fn secret_file(&self, _: &Path) -> io::Result<StoredSecret> {
        Err(io::ErrorKind::NotFound.into())
    }

    fn plain_file(&self, _: &Path) -> io::Result<Vec<u8>> {
        Err(io::ErrorKind::NotFound.into())
    }
}
