//! A virtual Epson RT printer: HTTP and FPMate XML by its own parser, VAT arithmetic, a fiscal
//! memory on disk, paper as text and pictures, and what goes wrong, to be switched on.

mod answers;
mod machine;
mod receipt;
mod scan;
mod switches;

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard};

use driver_sdk::{Effect, Port, Simulator, Switch, VirtualDevice};
use futures_util::future::BoxFuture;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::broadcast;

use self::machine::{Machine, Reply};
use self::switches::SWITCHES;

/// `nightporter simulate epson-rt`.
#[derive(Debug, Clone, Copy)]
pub struct EpsonSimulator;

impl Simulator for EpsonSimulator {
    fn summary(&self) -> &'static str {
        "an Epson RT fiscal printer (FPMate over HTTP) with a fiscal memory and a paper roll"
    }

    fn switches(&self) -> &'static [Switch] {
        SWITCHES
    }

    fn link(&self, address: SocketAddr) -> String {
        format!("http://{address}/cgi-bin/fpmate.cgi")
    }

    fn has_serial_line(&self) -> bool {
        false
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
    turn: tokio::sync::Mutex<()>,
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
            turn: tokio::sync::Mutex::default(),
            story: broadcast::Sender::new(64),
        };
        for (name, value) in switches.iter().filter(|(name, _)| name != "serial") {
            device.switch(name, value)?;
        }
        Ok(device)
    }

    /// The last receipt that arrived, as it arrived.
    #[cfg(test)]
    pub fn last_request(&self) -> String {
        self.machine().last_request.clone()
    }

    /// The answer to a body, without the wire.
    #[cfg(test)]
    pub fn answer(&self, body: &str) -> String {
        match self.machine().answer(body) {
            Reply::Body(answer) => answer,
            Reply::HangUp | Reply::ServerError => String::new(),
        }
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
                // One request at a time: the next waits until the board is free.
                let _turn = self.turn.lock().await;
                let busy = self.machine().busy();
                tokio::time::sleep(busy).await;
                let answered = self.machine().answer(&body);
                if let Some(line) = self.machine().story.take() {
                    // Nobody may be listening.
                    let _ = self.story.send(line);
                }
                let answer = match answered {
                    Reply::HangUp => return Ok(()),
                    Reply::ServerError => {
                        let error = b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n";
                        return port.write_all(error).await;
                    }
                    Reply::Body(answer) => answer,
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
