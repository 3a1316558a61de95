//! A virtual Epson RT printer: HTTP and FPMate XML by its own parser, VAT arithmetic, a fiscal
//! memory on disk, paper as text and pictures, and what goes wrong, to be switched on.

mod machine;
mod scan;

use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard};

use driver_sdk::{Effect, Port, Simulator, Switch, VirtualDevice};
use futures_util::future::BoxFuture;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::broadcast;

use self::machine::Machine;

/// `nightporter simulate epson-rt`.
#[derive(Debug, Clone, Copy)]
pub struct EpsonSimulator;

const SWITCHES: &[Switch] = &[
    Switch {
        name: "serial",
        help: "99MEY000001: its serial number (at the start)",
    },
    Switch {
        name: "clock",
        help: "2026-11-24T14:05:00: sets its clock",
    },
    Switch {
        name: "zone",
        help: "Europe/Rome: the zone its clock shows",
    },
    Switch {
        name: "drift",
        help: "seconds: how far its clock is off",
    },
    Switch {
        name: "paper",
        help: "in | out | N: out after so many lines",
    },
    Switch {
        name: "silent",
        help: "off | now | before | after: hangs up instead of answering; not executed, or the \
               document issued and the answer lost",
    },
    Switch {
        name: "busy",
        help: "seconds: works so long on the next document",
    },
    Switch {
        name: "refuse",
        help: "CODE:STATUS: refuses the next document with HTTP 200",
    },
    Switch {
        name: "other-till",
        help: "AMOUNT: another program sells something now",
    },
    Switch {
        name: "z",
        help: "now: closes the day",
    },
    Switch {
        name: "journal",
        help: "ok | full | unreadable: the electronic journal",
    },
    Switch {
        name: "training",
        help: "on | off: receipts are not fiscal",
    },
    Switch {
        name: "document",
        help: "ok | lost: answers success and issues nothing",
    },
];

impl Simulator for EpsonSimulator {
    fn summary(&self) -> &'static str {
        "an Epson RT fiscal printer (FPMate over HTTP) with a fiscal memory and a paper roll"
    }

    fn switches(&self) -> &'static [Switch] {
        SWITCHES
    }

    fn build(
        &self,
        folder: PathBuf,
        switches: &[(String, String)],
    ) -> Result<Arc<dyn VirtualDevice>, String> {
        Ok(Arc::new(VirtualEpson::build(folder, switches)?))
    }
}

/// The printer.
#[derive(Debug)]
pub(crate) struct VirtualEpson {
    machine: Mutex<Machine>,
    story: broadcast::Sender<String>,
}

impl VirtualEpson {
    pub fn build(folder: PathBuf, switches: &[(String, String)]) -> Result<Self, String> {
        let serial = switches
            .iter()
            .find(|(name, _)| name == "serial")
            .map_or("99MEY000001", |(_, serial)| serial.as_str());
        let machine = Machine::open(&folder, serial).map_err(|error| error.to_string())?;
        let device = Self {
            machine: Mutex::new(machine),
            story: broadcast::Sender::new(64),
        };
        for (name, value) in switches.iter().filter(|(name, _)| name != "serial") {
            device.switch(name, value)?;
        }
        Ok(device)
    }

    fn machine(&self) -> MutexGuard<'_, Machine> {
        self.machine
            .lock()
            .expect("the machine never panics while it is locked")
    }
}

impl VirtualDevice for VirtualEpson {
    fn serve(self: Arc<Self>, mut port: Box<dyn Port>) -> BoxFuture<'static, io::Result<()>> {
        Box::pin(async move {
            let mut input = Vec::new();
            let mut chunk = [0; 4096];
            loop {
                let body = loop {
                    match scan::request(&mut input) {
                        scan::Http::Body(body) => break body,
                        scan::Http::Incomplete => {}
                        scan::Http::Bad => {
                            let bad = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n";
                            return port.write_all(bad).await;
                        }
                    }
                    match port.read(&mut chunk).await? {
                        0 => return Ok(()),
                        n => input.extend_from_slice(&chunk[..n]),
                    }
                };
                let busy = self.machine().busy();
                tokio::time::sleep(busy).await;
                let answered = self.machine().answer(&body);
                if let Some(line) = self.machine().story.take() {
                    // Nobody may be listening.
                    let _ = self.story.send(line);
                }
                let Some(answer) = answered else {
                    return Ok(());
                };
                let head = format!(
                    "HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: {}\r\n\r\n",
                    answer.len()
                );
                port.write_all(head.as_bytes()).await?;
                port.write_all(answer.as_bytes()).await?;
            }
        })
    }

    fn switch(&self, name: &str, value: &str) -> Result<(), String> {
        self.machine().switch(name, value)
    }

    fn effects(&self) -> Vec<Effect> {
        self.machine().memory.effects()
    }

    fn story(&self) -> broadcast::Receiver<String> {
        self.story.subscribe()
    }
}
