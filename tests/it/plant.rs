//! A hotel for the real binary: a sandbox cloud, every simulator of the bundle on a TCP port, a
//! config file, and the worker as a process that can be killed.

use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use driver_link::host::serve_tcp;
use driver_sdk::VirtualDevice;
use nightporter::sandbox::{DeviceKind, KeyRequest, Sandbox, SandboxOptions};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::process::{Child, Command};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::checker::{Counts, End, Order, judge};
use crate::house::kind_named;
pub use crate::house::say;

/// How a kind is set up: its settings, its switches. Those the bundle has take part.
struct Recipe {
    kind: &'static str,
    class: DeviceKind,
    settings: &'static str,
    /// Between the order and the thing, so that there is a time to die in.
    slow: &'static [(&'static str, &'static str)],
}

const RECIPES: [Recipe; 3] = [
    Recipe {
        kind: "pms-industry-standard",
        class: DeviceKind::KeyCutter,
        settings: "profile = \"salto\"\nencoder = \"Online Encoder\"\nanswer_timeout_ms = 3000",
        slow: &[("card_ms", "250"), ("copies", "any")],
    },
    Recipe {
        kind: "fias",
        class: DeviceKind::KeyCutter,
        settings: "encoder = \"1\"\nanswer_timeout_ms = 3000\nlate_answer_ms = 3000",
        slow: &[("card_ms", "250"), ("copies", "any")],
    },
    Recipe {
        kind: "escpos",
        class: DeviceKind::Printer,
        settings: "dots = 576",
        slow: &[],
    },
];

/// One device: its virtual self, what Mews calls it, what was ordered of it.
pub struct Station {
    pub name: String,
    pub device: Arc<dyn VirtualDevice>,
    id: Uuid,
    class: DeviceKind,
    pub orders: Vec<Order>,
}

pub struct Plant {
    pub folder: TempDir,
    pub cloud: Sandbox,
    pub stations: Vec<Station>,
    end: CancellationToken,
    ordered: usize,
}

impl Drop for Plant {
    fn drop(&mut self) {
        self.end.cancel();
    }
}

/// The kinds of this build that have a recipe.
pub fn kinds() -> Vec<&'static str> {
    let shipped = |kind: &&'static str| driver_bundle::KINDS.iter().any(|has| has.name() == *kind);
    RECIPES
        .iter()
        .map(|recipe| recipe.kind)
        .filter(shipped)
        .collect()
}

impl Plant {
    /// `each` devices of every kind.
    pub async fn new(kinds: &[&'static str], each: usize) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let cloud = Sandbox::start(SandboxOptions::default())
            .await
            .expect("loopback");
        let mut plant = Self {
            folder,
            cloud,
            stations: Vec::new(),
            end: CancellationToken::new(),
            ordered: 0,
        };
        let mut text = format!(
            "[mews]\nplatform_address = \"{}\"\nwebsocket_address = \"{}\"\n\
             [property.main]\nclient_token = {{ env = \"CLIENT\" }}\n\
             access_token = {{ env = \"ACCESS\" }}\n\
             [journal]\npath = \"journal.db\"\n[admin]\nlisten = \"127.0.0.1:0\"\n",
            plant.cloud.platform_address(),
            plant.cloud.websocket_address(),
        );
        for kind in kinds {
            for number in 1..=each {
                text += &plant.put(kind, number).await;
            }
        }
        std::fs::write(plant.config(), text).expect("the test may write");
        plant
    }

    async fn put(&mut self, kind: &'static str, number: usize) -> String {
        let recipe = RECIPES
            .iter()
            .find(|recipe| recipe.kind == kind)
            .expect("it has a recipe");
        let name = format!("{kind}-{number}");
        let switches: Vec<_> = recipe
            .slow
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        let device = kind_named(kind)
            .simulator()
            .expect("it has one")
            .build(self.folder.path().join(&name), &switches)
            .expect("the switches exist");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback");
        let wire = listener.local_addr().expect("bound");
        tokio::spawn(serve_tcp(listener, Arc::clone(&device), self.end.clone()));
        let id = self.cloud.add_device(recipe.class.clone(), &name);
        self.stations.push(Station {
            name: name.clone(),
            device,
            id,
            class: recipe.class.clone(),
            orders: Vec::new(),
        });
        format!(
            "[device.{name}]\nmews = \"{name}\"\ndriver = \"{kind}\"\nlink = \"tcp:{wire}\"\n\
             [device.{name}.settings]\n{}\n",
            recipe.settings
        )
    }

    fn config(&self) -> PathBuf {
        self.folder.path().join("nightporter.toml")
    }

    pub fn journal(&self) -> PathBuf {
        self.folder.path().join("journal.db")
    }

    /// The real worker.
    pub fn worker(&self, crash_at: Option<&str>) -> Child {
        let log = std::fs::File::options()
            .create(true)
            .append(true)
            .open(self.folder.path().join("worker.log"))
            .expect("the test may write");
        let mut command = Command::new(env!("CARGO_BIN_EXE_nightporter"));
        command.arg("--config").arg(self.config()).arg("run");
        command.env("RUST_LOG", "info").kill_on_drop(true);
        command
            .env("CLIENT", self.cloud.client_token())
            .env("ACCESS", self.cloud.access_token());
        if let Some(point) = crash_at {
            command.env("NIGHTPORTER_CRASH_AT", point);
        }
        command
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("the binary starts")
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("worker.log")).unwrap_or_default()
    }

    /// So many commands, spread over all devices, each with a mark of its own.
    pub fn order(&mut self, commands: usize) {
        for _ in 0..commands {
            let at = self.ordered % self.stations.len();
            self.order_of(at);
        }
    }

    /// One command of one device.
    pub fn order_of(&mut self, at: usize) -> Uuid {
        let station = &mut self.stations[at];
        self.ordered += 1;
        let count = 1 + self.ordered % 2;
        let copies = i64::try_from(count).expect("small");
        let mark = (1000 + self.ordered).to_string();
        let (id, mark) = if station.class == DeviceKind::KeyCutter {
            let key = KeyRequest {
                encoder: None,
                count: copies,
                ..KeyRequest::new(&mark, self.cloud.now())
            };
            (self.cloud.add_key(station.id, &key), mark)
        } else {
            let mark = format!("MARK{mark}");
            let text = format!("{mark}\n");
            let id = self
                .cloud
                .add_print(station.id, "text/plain", text.as_bytes(), copies);
            (id, mark)
        };
        station.orders.push(Order { id, mark, count });
        id
    }

    /// Until all commands ended; what did not is found by the judge.
    pub async fn all_ended(&self, patience: Duration) {
        let all = async {
            for order in self.stations.iter().flat_map(|station| &station.orders) {
                self.cloud.wait_final(order.id).await;
            }
        };
        // The judge names those that did not.
        let _ = tokio::time::timeout(patience, all).await;
    }

    /// How many commands have not ended in Mews.
    pub fn open(&self) -> usize {
        let orders = self.stations.iter().flat_map(|station| &station.orders);
        let is_open = |id| {
            !self
                .cloud
                .state(id)
                .is_some_and(nightporter::sandbox::CommandState::is_final)
        };
        orders.filter(|order| is_open(order.id)).count()
    }

    /// What one device's orders came to.
    pub fn ends(&self, station: &Station) -> Vec<(Order, End)> {
        let end = |order: &Order| End {
            state: self
                .cloud
                .state(order.id)
                .expect("the cloud knows it")
                .name()
                .to_owned(),
            notes: self.cloud.notes(order.id).unwrap_or_default(),
        };
        station
            .orders
            .iter()
            .map(|order| (order.clone(), end(order)))
            .collect()
    }

    /// All devices, judged.
    pub fn judge(&self, may_doubt: usize) -> Result<Counts, Vec<String>> {
        let mut sum = Counts::default();
        let mut breaches = Vec::new();
        for station in &self.stations {
            match judge(&self.ends(station), &station.device.effects(), may_doubt) {
                Ok(counts) => {
                    sum.orders += counts.orders;
                    sum.effects += counts.effects;
                    sum.processed += counts.processed;
                    sum.failed += counts.failed;
                    sum.cancelled += counts.cancelled;
                    sum.unconfirmed += counts.unconfirmed;
                    sum.unconfirmed_but_complete += counts.unconfirmed_but_complete;
                }
                Err(found) => breaches.extend(
                    found
                        .into_iter()
                        .map(|breach| format!("{}: {breach}", station.name)),
                ),
            }
        }
        if breaches.is_empty() {
            Ok(sum)
        } else {
            Err(breaches)
        }
    }
}

/// A number from the environment.
pub fn load(name: &str, otherwise: usize) -> usize {
    match std::env::var(name) {
        Ok(text) => text.parse().expect("a number of the environment"),
        Err(_) => otherwise,
    }
}
