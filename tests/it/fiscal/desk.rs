//! One fiscal printer on a desk: a sandbox cloud, the worker, the virtual printer in memory.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use driver_link::Memory;
use driver_sdk::{DeviceName, DialFactory, Effect, Fault, Poster, VirtualDevice};
use futures_util::future::BoxFuture;
use jiff::Timestamp;
use nightporter::board::DeviceState;
use nightporter::journal::{AuditCheck, Reader};
use nightporter::life::OutcomeKind;
use nightporter::sandbox::{CommandState, DeviceKind};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use uuid::Uuid;

use super::bill::Bill;
use crate::house::House;

/// Which printer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Datecs,
    /// The same in its older dialect.
    OlderDatecs,
    Epson,
}

const DATECS: &str = "vat = { LOW = { group = 2, percent = \"9\" }, \
    HIGH = { group = 3, percent = \"20\" }, untaxed = { group = 1, percent = \"0\" } }\n\
    payments = { Cash = \"0\", CreditCard = \"1\", Invoice = \"3\" }\n";
const OLDER: &str = "dialect = \"old-p\"\n\
    vat = { LOW = { group = 2, percent = \"9\" }, \
    HIGH = { group = 3, percent = \"20\" }, untaxed = { group = 1, percent = \"0\" } }\n\
    payments = { Cash = \"P\", CreditCard = \"D\" }\n";
const EPSON: &str = "vat = { LOW = { group = 2 }, HIGH = { group = 1 }, \
    untaxed = { group = 11 } }\n\
    payments = { Cash = \"0-0\", CreditCard = \"2-1\", Invoice = \"5-0\" }\n";
/// Where the printer stands in memory, and what the config calls it.
const WIRE: &str = "mem:fiscal";
const HTTP: &str = "http://192.168.7.31/cgi-bin/fpmate.cgi";

impl Kind {
    pub const BOTH: [Self; 2] = [Self::Datecs, Self::Epson];
    pub const ALL: [Self; 3] = [Self::Datecs, Self::OlderDatecs, Self::Epson];

    pub fn name(self) -> &'static str {
        match self {
            Self::Datecs | Self::OlderDatecs => "datecs",
            Self::Epson => "epson-rt",
        }
    }

    /// Executes the next document and loses the answer.
    pub fn silent_after(self) -> &'static str {
        match self {
            Self::Datecs | Self::OlderDatecs => "after-close",
            Self::Epson => "after",
        }
    }

    /// The VAT inside of [`Bill::new`], as this printer's rates make it.
    pub fn tax(self) -> &'static str {
        match self {
            // 109.50 at 9 % and 12.10 at 20 %.
            Self::Datecs | Self::OlderDatecs => "11.06",
            // 109.50 at 10 % and 12.10 at 22 %.
            Self::Epson => "12.13",
        }
    }

    pub fn section(self, device: &str, settings: &str) -> String {
        let (link, tables) = match self {
            Self::Datecs => (WIRE, DATECS),
            Self::OlderDatecs => (WIRE, OLDER),
            Self::Epson => (HTTP, EPSON),
        };
        format!(
            "[device.fiscal]\nmews = \"Fiscal\"\ndriver = \"{}\"\nlink = \"{link}\"\n{device}\n\
             [device.fiscal.settings]\n{settings}\n{tables}",
            self.name()
        )
    }
}

pub struct Desk {
    pub house: House,
    pub printer: Arc<dyn VirtualDevice>,
    pub device: Uuid,
}

impl Desk {
    /// With a worker whose socket stands. Its settings are of the device, and of the driver.
    pub async fn new(kind: Kind, device: &str, settings: &str) -> Self {
        let mut desk = Self::stopped(kind, device, settings).await;
        desk.house.start_and_wait().await;
        desk
    }

    /// Without a worker yet.
    pub async fn stopped(kind: Kind, device: &str, settings: &str) -> Self {
        let house = House::new(&kind.section(device, settings)).await;
        // The clock of the wall is the sandbox's: its hotel is in Lisbon.
        let zone = ("zone", "Europe/Lisbon");
        let printer = house.simulate(kind.name(), WIRE, &[zone]);
        if kind == Kind::OlderDatecs {
            printer.switch("dialect", "old-p").expect("a switch");
        }
        let http = OverHttp(house.links.clone());
        // Clones share what they hold.
        drop(house.links.clone().poster(HTTP, Arc::new(http)));
        let device = house.cloud.add_device(DeviceKind::FiscalMachine, "Fiscal");
        Self {
            house,
            printer,
            device,
        }
    }

    pub fn set(&self, name: &str, value: &str) {
        match name {
            "link" => {
                self.house.links.refuse(WIRE, value == "off");
                self.house.links.cut(WIRE);
            }
            _ => self.printer.switch(name, value).expect("a switch"),
        }
    }

    pub fn order(&self, bill: &Bill) -> Uuid {
        self.house.cloud.add_raw(self.device, bill.data())
    }

    pub async fn ended(&self, bill: &Bill) -> (CommandState, String) {
        let id = self.order(bill);
        self.house.end(id).await
    }

    /// What the fiscal memory holds, without what another till sold.
    pub fn documents(&self) -> Vec<Effect> {
        let all = self.printer.effects().into_iter();
        all.filter(|it| !it.content.contains("Other till"))
            .collect()
    }

    /// Of one bill: its number stands on the paper.
    pub fn of(&self, bill: &Bill) -> Vec<Effect> {
        let all = self.documents().into_iter();
        all.filter(|it| it.content.contains(&bill.number)).collect()
    }

    pub fn kept(&self, id: Uuid) -> OutcomeKind {
        let row = self.house.row(id).expect("known");
        row.outcome.expect("it has ended").kind
    }

    /// The audit rows of a command: what, and the facts.
    pub fn audit(&self, id: Uuid) -> Vec<(String, Value)> {
        let mut rows = Vec::new();
        let read = self.reader().audit(Timestamp::MIN, Timestamp::MAX, |line| {
            if line.command == id.to_string() {
                let record = serde_json::from_str(&line.record).expect("written as JSON");
                rows.push((line.what, record));
            }
        });
        read.expect("readable beside the worker");
        rows
    }

    pub fn rows(&self, id: Uuid, what: &str) -> usize {
        let rows = self.audit(id);
        rows.iter().filter(|(is, _)| is == what).count()
    }

    /// The chain as a whole.
    pub fn check(&self) -> AuditCheck {
        self.reader().verify_audit().expect("readable")
    }

    fn reader(&self) -> Reader {
        Reader::open(&self.house.journal()).expect("readable beside the worker")
    }

    fn state(&self) -> Option<DeviceState> {
        let board = self.house.worker().board();
        Some(board.device(&DeviceName::new("fiscal"))?.state)
    }

    /// Waits until the printer is in trouble: not well, or asked about a doubt.
    pub async fn in_trouble(&self, id: Uuid) {
        let trouble = |_: &_| {
            self.ended_already(id)
                || matches!(
                    self.state(),
                    Some(
                        DeviceState::Waiting { .. }
                            | DeviceState::Asking { .. }
                            | DeviceState::Blocked { .. }
                    )
                )
        };
        self.house.until("trouble", trouble).await;
    }

    /// Waits until a command's document is in the memory.
    pub async fn issued(&self, documents: usize) {
        let issued = |_: &_| self.documents().len() >= documents;
        self.house.until("a document", issued).await;
    }

    /// Waits until the close may have been sent: the last point of no return.
    pub async fn closing(&self, id: Uuid) {
        let closing = |_: &_| {
            let row = self.house.row(id);
            let kept = row.and_then(|row| row.bookmark).map(|kept| kept.0);
            kept.is_some_and(|kept| kept["document"]["stage"] == "closing")
        };
        self.house.until("the close", closing).await;
    }

    pub fn ended_already(&self, id: Uuid) -> bool {
        let state = self.house.cloud.state(id);
        state.is_some_and(CommandState::is_final)
    }
}

/// HTTP to a virtual printer in memory, a connection for each request.
struct OverHttp(Memory);

impl OverHttp {
    async fn ask(&self, body: &[u8]) -> Result<Bytes, Fault> {
        let lost = |cause: std::io::Error| Fault::transient("LINK-LOST").caused_by(cause);
        let dialer = self.0.dialer(WIRE).expect("a place in memory");
        let mut port = dialer.dial().await.map_err(|cause| {
            let fault = Fault::transient("LINK-UNREACHABLE").with("address", HTTP);
            fault.caused_by(cause).without_effect()
        })?;
        let head = format!(
            "POST /cgi-bin/fpmate.cgi HTTP/1.1\r\nHost: printer\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        port.write_all(head.as_bytes()).await.map_err(lost)?;
        port.write_all(body).await.map_err(lost)?;
        let mut answer = BytesMut::new();
        loop {
            if let Some(whole) = whole(&answer) {
                return Ok(whole);
            }
            if port.read_buf(&mut answer).await.map_err(lost)? == 0 {
                return Err(lost(std::io::ErrorKind::UnexpectedEof.into()));
            }
        }
    }
}

/// The body, once it is there.
fn whole(answer: &[u8]) -> Option<Bytes> {
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n")?;
    let head = String::from_utf8_lossy(&answer[..end]).to_ascii_lowercase();
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length:"));
    let length: usize = length?.trim().parse().ok()?;
    let body = answer.get(end + 4..end + 4 + length)?;
    Some(Bytes::copy_from_slice(body))
}

impl Poster for OverHttp {
    fn post(&self, body: Bytes, patience: Duration) -> BoxFuture<'_, Result<Bytes, Fault>> {
        Box::pin(async move {
            match tokio::time::timeout(patience, self.ask(&body)).await {
                Ok(answer) => answer,
                Err(_) => Err(Fault::transient("LINK-SILENT").with("address", HTTP)),
            }
        })
    }

    fn address(&self) -> &str {
        HTTP
    }
}

/// Runs all of them at once: most of their time is waiting.
pub async fn all<T>(scenarios: impl IntoIterator<Item = T>)
where
    T: Future<Output = ()>,
{
    futures_util::future::join_all(scenarios).await;
}
