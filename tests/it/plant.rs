//! A hotel for the real binary: a sandbox cloud, every simulator of the bundle on a TCP port, a
//! config file, and the worker as a process that can be killed.

use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use driver_link::host::serve_tcp;
use driver_sdk::VirtualDevice;
use nightporter::crash::POINTS;
use nightporter::sandbox::{DeviceKind, Hotel, HotelOptions, KeyRequest, Sandbox, SandboxOptions};
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
    /// Its name here.
    kind: &'static str,
    driver: &'static str,
    class: DeviceKind,
    /// Around the address of the virtual device.
    link: [&'static str; 2],
    settings: &'static str,
    /// Short waits for answers, so that a doubt comes soon.
    brisk: &'static str,
    /// Between the order and the thing, so that there is a time to die in; and its zone.
    switches: &'static [(&'static str, &'static str)],
    /// The device keeps what it did, so that a broken attempt can be judged: no doubt is owed.
    remembers: bool,
    /// The crash points that only some classes come to.
    reaches: &'static [&'static str],
}

const WIRE: [&str; 2] = ["tcp:", ""];
const MONEY: &[&str] = &["before-processing", "after-processing", "after-checkpoint"];

const RECIPES: [Recipe; 6] = [
    Recipe {
        kind: "pms-industry-standard",
        driver: "pms-industry-standard",
        class: DeviceKind::KeyCutter,
        link: WIRE,
        settings: "profile = \"salto\"\nencoder = \"Online Encoder\"",
        brisk: "answer_timeout_ms = 3000",
        switches: &[("card_ms", "250"), ("copies", "any")],
        remembers: false,
        reaches: &["after-checkpoint"],
    },
    Recipe {
        kind: "fias",
        driver: "fias",
        class: DeviceKind::KeyCutter,
        link: WIRE,
        settings: "encoder = \"1\"",
        brisk: "answer_timeout_ms = 3000\nlate_answer_ms = 3000",
        switches: &[("card_ms", "250"), ("copies", "any")],
        remembers: false,
        reaches: &["after-checkpoint"],
    },
    Recipe {
        kind: "escpos",
        driver: "escpos",
        class: DeviceKind::Printer,
        link: WIRE,
        settings: "dots = 576",
        brisk: "",
        switches: &[],
        remembers: false,
        reaches: &[],
    },
    // A printer that confirms each receipt.
    Recipe {
        kind: "escpos-marks",
        driver: "escpos",
        class: DeviceKind::Printer,
        link: WIRE,
        settings: "dots = 576\nprofile = \"epson\"\nprocess_id = \"on\"",
        brisk: "",
        switches: &[],
        remembers: false,
        reaches: &[],
    },
    Recipe {
        kind: "datecs",
        driver: "datecs",
        class: DeviceKind::FiscalMachine,
        link: WIRE,
        settings: "vat = { NIGHT = { group = 2, percent = \"9\" }, \
                   untaxed = { group = 1, percent = \"0\" } }\npayments = { Cash = \"0\" }",
        brisk: "",
        switches: &[("zone", ZONE)],
        remembers: true,
        reaches: MONEY,
    },
    Recipe {
        kind: "epson-rt",
        driver: "epson-rt",
        class: DeviceKind::FiscalMachine,
        link: ["http://", "/cgi-bin/fpmate.cgi"],
        settings: "vat = { NIGHT = { group = 2 }, untaxed = { group = 11 } }\n\
                   payments = { Cash = \"0-0\" }",
        brisk: "",
        switches: &[("zone", ZONE)],
        remembers: true,
        reaches: &["before-processing", "after-processing"],
    },
];

/// The sandbox's hotel is there.
const ZONE: &str = "Europe/Lisbon";

fn recipe(kind: &str) -> &'static Recipe {
    RECIPES
        .iter()
        .find(|recipe| recipe.kind == kind)
        .expect("it has a recipe")
}

/// The crash points that a worker with these kinds of devices comes to.
pub fn points(kinds: &[&str]) -> Vec<&'static str> {
    let special = |point: &str| RECIPES.iter().any(|recipe| recipe.reaches.contains(&point));
    let reached = |point: &str| {
        kinds
            .iter()
            .any(|kind| recipe(kind).reaches.contains(&point))
    };
    POINTS
        .into_iter()
        .filter(|point| !special(point) || reached(point))
        .collect()
}

/// One device: its virtual self, what Mews calls it, what was ordered of it.
pub struct Station {
    pub name: String,
    kind: &'static str,
    pub device: Arc<dyn VirtualDevice>,
    id: Uuid,
    hotel: Hotel,
    class: DeviceKind,
    remembers: bool,
    pub orders: Vec<Order>,
}

impl Station {
    /// The recipe's name.
    pub fn kind(&self) -> &'static str {
        self.kind
    }
}

/// Two hotels where there are two devices of a kind, each with its own budget of requests.
pub struct Plant {
    pub folder: TempDir,
    pub cloud: Sandbox,
    second: Hotel,
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
    let shipped = |recipe: &&Recipe| {
        let mut all = driver_bundle::KINDS.iter();
        all.any(|has| has.name() == recipe.driver)
    };
    let ours = RECIPES.iter().filter(shipped);
    ours.map(|recipe| recipe.kind).collect()
}

impl Plant {
    /// `each` devices of every kind, with short waits for their answers.
    pub async fn new(kinds: &[&'static str], each: usize) -> Self {
        Self::made(kinds, each, true).await
    }

    /// With the waits that the drivers have by themselves.
    pub async fn patient(kinds: &[&'static str], each: usize) -> Self {
        Self::made(kinds, each, false).await
    }

    async fn made(kinds: &[&'static str], each: usize, brisk: bool) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let cloud = Sandbox::start(SandboxOptions::default())
            .await
            .expect("loopback");
        let second = cloud.add_hotel(HotelOptions::default());
        let mut plant = Self {
            folder,
            cloud,
            second,
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
        if each > 1 {
            text += "[property.second]\nclient_token = { env = \"CLIENT\" }\n\
                     access_token = { env = \"SECOND\" }\n";
        }
        for kind in kinds {
            for number in 1..=each {
                text += &plant.put(kind, number, brisk).await;
            }
        }
        std::fs::write(plant.config(), text).expect("the test may write");
        plant
    }

    async fn put(&mut self, kind: &'static str, number: usize, brisk: bool) -> String {
        let recipe = recipe(kind);
        let name = format!("{kind}-{number}");
        let switches: Vec<_> = recipe
            .switches
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        let device = kind_named(recipe.driver)
            .simulator()
            .expect("it has one")
            .build(self.folder.path().join(&name), &switches)
            .expect("the switches exist");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback");
        let wire = listener.local_addr().expect("bound");
        tokio::spawn(serve_tcp(listener, Arc::clone(&device), self.end.clone()));
        let (property, hotel) = if number.is_multiple_of(2) {
            ("second", self.second.clone())
        } else {
            ("main", self.cloud.hotel().clone())
        };
        let id = hotel.add_device(recipe.class.clone(), &name);
        self.stations.push(Station {
            name: name.clone(),
            kind,
            device,
            id,
            hotel,
            class: recipe.class.clone(),
            remembers: recipe.remembers,
            orders: Vec::new(),
        });
        let [before, after] = recipe.link;
        let driver = recipe.driver;
        let brisk = if brisk { recipe.brisk } else { "" };
        format!(
            "[device.{name}]\nproperty = \"{property}\"\nmews = \"{name}\"\ndriver = \"{driver}\"\n\
             link = \"{before}{wire}{after}\"\n\
             [device.{name}.settings]\n{}\n{brisk}\n",
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
            .env("ACCESS", self.cloud.access_token())
            .env("SECOND", self.second.access_token());
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
        let hotel = &station.hotel;
        self.ordered += 1;
        let fiscal = station.class == DeviceKind::FiscalMachine;
        let count = if fiscal { 1 } else { 1 + self.ordered % 2 };
        let copies = i64::try_from(count).expect("small");
        let mark = (1000 + self.ordered).to_string();
        let (id, mark) = if station.class == DeviceKind::KeyCutter {
            let key = KeyRequest {
                encoder: None,
                count: copies,
                ..KeyRequest::new(&mark, self.cloud.now())
            };
            (hotel.add_key(station.id, &key), mark)
        } else if fiscal {
            let mark = format!("MARK{mark}");
            let bill = crate::one_bill::bill(&mark);
            (hotel.add_fiscal(station.id, bill), mark)
        } else {
            let mark = format!("MARK{mark}");
            let text = format!("{mark}\n");
            let id = hotel.add_print(station.id, "text/plain", text.as_bytes(), copies);
            (id, mark)
        };
        station.orders.push(Order { id, mark, count });
        id
    }

    /// Until all commands ended; what did not is found by the judge.
    pub async fn all_ended(&self, patience: Duration) {
        let all = async {
            for station in &self.stations {
                for order in &station.orders {
                    station.hotel.wait_final(order.id).await;
                }
            }
        };
        // The judge names those that did not.
        let _ = tokio::time::timeout(patience, all).await;
    }

    /// How many commands there are.
    pub fn ordered(&self) -> usize {
        self.ordered
    }

    /// How many commands have not ended in Mews.
    pub fn open(&self) -> usize {
        let is_open = |station: &Station, id| {
            !station
                .hotel
                .state(id)
                .is_some_and(nightporter::sandbox::CommandState::is_final)
        };
        let open = |station: &Station| {
            let orders = station.orders.iter();
            orders.filter(|order| is_open(station, order.id)).count()
        };
        self.stations.iter().map(open).sum()
    }

    /// What one device's orders came to.
    pub fn ends(&self, station: &Station) -> Vec<(Order, End)> {
        let end = |order: &Order| End {
            state: station
                .hotel
                .state(order.id)
                .expect("the cloud knows it")
                .name()
                .to_owned(),
            notes: station.hotel.notes(order.id).unwrap_or_default(),
        };
        station
            .orders
            .iter()
            .map(|order| (order.clone(), end(order)))
            .collect()
    }

    /// All devices, judged. `may_doubt`: how many times evidence was destroyed, at a device that
    /// does not remember.
    pub fn judge(&self, may_doubt: usize) -> Result<Counts, Vec<String>> {
        let mut sum = Counts::default();
        let mut breaches = Vec::new();
        for station in &self.stations {
            let may_doubt = if station.remembers { 0 } else { may_doubt };
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
