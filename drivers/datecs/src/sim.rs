//! A virtual Datecs printer: its own parser, real VAT arithmetic, a fiscal memory on disk, paper
//! as text and pictures, and everything that goes wrong, to be switched on.

mod commands;
mod faults;
mod machine;
mod older;
mod wire;

use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use driver_sdk::{Effect, Port, Simulator, Switch, VirtualDevice};
use futures_util::future::BoxFuture;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::broadcast;
use tokio::time::sleep;

use self::faults::Reaction;
use self::machine::Machine;

#[cfg(test)]
pub(crate) use self::wire::{Parsed, Request, answer, parse};

/// `nightporter simulate datecs`.
#[derive(Debug, Clone, Copy)]
pub struct DatecsSimulator;

const SWITCHES: &[Switch] = &[
    Switch {
        name: "dialect",
        help: "x | old-p | old-c: which manual it follows",
    },
    Switch {
        name: "serial",
        help: "two letters and six digits: its serial number (at the start)",
    },
    Switch {
        name: "password",
        help: "the operator's password, 0000 if not set",
    },
    Switch {
        name: "clock",
        help: "2026-11-24T14:05:00: sets its clock",
    },
    Switch {
        name: "zone",
        help: "Europe/Sofia: the zone its clock shows",
    },
    Switch {
        name: "dst",
        help: "on | off: marks its times as summer time",
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
        help: "off | now | before-close | after-close: when it stops answering; not executed, or \
               executed and the answer lost",
    },
    Switch {
        name: "busy",
        help: "seconds: works so long on the next command, with a SYN every 60 ms",
    },
    Switch {
        name: "refuse",
        help: "COMMAND:CODE | off: refuses a command once with a negative code and a clean status",
    },
    Switch {
        name: "noise",
        help: "garble | nak | off: spoils the next answer, or says the next frame was damaged",
    },
    Switch {
        name: "other-till",
        help: "AMOUNT: another program sells something now",
    },
    Switch {
        name: "z",
        help: "now: closes the day, as some models do at midnight",
    },
    Switch {
        name: "memory",
        help: "ok | full: the fiscal memory",
    },
    Switch {
        name: "power",
        help: "cut: loses what is not in the fiscal memory, and the line",
    },
    Switch {
        name: "last",
        help: "told | untold: an older model may not know its last document (48 with `*`)",
    },
    Switch {
        name: "document",
        help: "ok | lost: takes everything of the next receipt and issues nothing",
    },
];

impl Simulator for DatecsSimulator {
    fn summary(&self) -> &'static str {
        "a Datecs fiscal printer (X or older dialect) with a fiscal memory and a paper roll"
    }

    fn switches(&self) -> &'static [Switch] {
        SWITCHES
    }

    fn build(
        &self,
        folder: PathBuf,
        switches: &[(String, String)],
    ) -> Result<Arc<dyn VirtualDevice>, String> {
        Ok(Arc::new(VirtualDatecs::build(folder, switches)?))
    }
}

/// The printer.
#[derive(Debug)]
pub(crate) struct VirtualDatecs {
    machine: Mutex<Machine>,
    story: broadcast::Sender<String>,
}

impl VirtualDatecs {
    pub fn build(folder: PathBuf, switches: &[(String, String)]) -> Result<Self, String> {
        let serial = switches
            .iter()
            .find(|(name, _)| name == "serial")
            .map_or("DT000001", |(_, serial)| serial.as_str());
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

    fn tell(&self, line: &str) {
        // Nobody may be listening.
        let _ = self.story.send(line.to_owned());
    }

    async fn answer(&self, request: wire::Request, port: &mut dyn Port) -> io::Result<bool> {
        let reaction = self.machine().react(&request);
        match reaction {
            Reaction::Nothing => Ok(true),
            Reaction::HangUp => Ok(false),
            Reaction::Nak => {
                port.write_all(&[wire::NAK]).await?;
                Ok(true)
            }
            Reaction::Say { busy, bytes, story } => {
                let until = driver_sdk::clock::now() + busy;
                while driver_sdk::clock::now() < until {
                    port.write_all(&[wire::SYN]).await?;
                    sleep(Duration::from_millis(60)).await;
                }
                if let Some(line) = story {
                    self.tell(&line);
                }
                port.write_all(&bytes).await?;
                Ok(true)
            }
        }
    }
}

impl VirtualDevice for VirtualDatecs {
    fn serve(self: Arc<Self>, mut port: Box<dyn Port>) -> BoxFuture<'static, io::Result<()>> {
        Box::pin(async move {
            let mut input = Vec::new();
            let mut chunk = [0; 512];
            loop {
                match port.read(&mut chunk).await? {
                    0 => return Ok(()),
                    n => input.extend_from_slice(&chunk[..n]),
                }
                loop {
                    let dialect = self.machine().dialect;
                    match wire::parse(dialect, &mut input) {
                        wire::Parsed::Incomplete => break,
                        wire::Parsed::Damaged => port.write_all(&[wire::NAK]).await?,
                        wire::Parsed::Request(request) => {
                            if !self.answer(request, &mut *port).await? {
                                return Ok(());
                            }
                        }
                    }
                }
            }
        })
    }

    fn switch(&self, name: &str, value: &str) -> Result<(), String> {
        let line = self.machine().switch(name, value)?;
        if let Some(line) = line {
            self.tell(&line);
        }
        Ok(())
    }

    fn effects(&self) -> Vec<Effect> {
        self.machine().memory.effects()
    }

    fn story(&self) -> broadcast::Receiver<String> {
        self.story.subscribe()
    }
}
