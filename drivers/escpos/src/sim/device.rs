//! The printer as a device on a wire: conversations, the motor's task, and what can be asked of it
//! from outside the protocol.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use driver_sdk::{Effect, Port, VirtualDevice};
use futures_util::future::BoxFuture;
use tokio::io::{AsyncReadExt, AsyncWriteExt, ReadHalf, WriteHalf};
use tokio::sync::{broadcast, watch};
use tokio::task::JoinHandle;

use super::machine::Machine;
use super::options::{OPTIONS, Options, Second};
use super::paper::{Happened, Receipt};

/// Bytes read at once; small enough that real-time commands are met soon.
const READ_MAX: usize = 1_024;
/// Bytes read at once from a line with a rate, so that they arrive one after the other.
const READ_SLOW_MAX: usize = 64;
/// Lines of the story a slow listener may miss.
const STORY_KEPT: usize = 1_024;
/// Answers still on their way when the other side has closed its direction.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// A receipt printer that stays itself between conversations: same paper, same buffers, same
/// faults.
#[derive(Debug)]
pub struct VirtualPrinter {
    shared: Arc<Shared>,
    motor: Mutex<Option<JoinHandle<()>>>,
    door: tokio::sync::Mutex<()>,
    second: Second,
    baud: u32,
}

#[derive(Debug)]
struct Shared {
    machine: Mutex<Machine>,
    /// More room, something to say, a hang-up, work for the motor.
    changed: watch::Sender<()>,
    story: broadcast::Sender<String>,
}

impl VirtualPrinter {
    /// A printer with paper, closed, switched on.
    #[must_use]
    pub fn new(options: Options) -> Self {
        let (second, baud) = (options.second, options.baud);
        let shared = Shared {
            machine: Mutex::new(Machine::new(options)),
            changed: watch::Sender::new(()),
            story: broadcast::Sender::new(STORY_KEPT),
        };
        Self {
            shared: Arc::new(shared),
            motor: Mutex::new(None),
            door: tokio::sync::Mutex::new(()),
            second,
            baud,
        }
    }

    /// Every piece of paper that left the printer, in order; the oldest of many are forgotten.
    #[must_use]
    pub fn receipts(&self) -> Vec<Receipt> {
        let of = |happened: &Happened| match happened {
            Happened::Receipt(receipt) => Some(receipt.clone()),
            Happened::Drawer { .. } => None,
        };
        self.shared
            .with(|machine| machine.happened.iter().filter_map(of).collect())
    }

    /// Printed on the paper that hangs out now, not cut: rows, and the text on them.
    #[must_use]
    pub fn hanging(&self) -> (usize, String) {
        self.shared
            .with(|machine| (machine.sheet.len(), machine.sheet.text()))
    }

    /// Bytes received and not yet printed: what a purge would throw away.
    #[must_use]
    pub fn waiting_bytes(&self) -> usize {
        self.shared.with(|machine| machine.received.len())
    }

    /// How often the drawer was opened.
    #[must_use]
    pub fn drawer_openings(&self) -> u32 {
        self.shared.with(|machine| machine.drawer)
    }

    /// Waits until everything received is on paper, or the printer has stopped.
    pub async fn at_rest(&self) {
        self.start_motor();
        let mut changed = self.shared.changed.subscribe();
        while self.shared.with(|machine| machine.due().is_some()) {
            // The sender lives in `shared`, which `self` holds.
            let _ = changed.changed().await;
        }
    }

    fn start_motor(&self) {
        let mut motor = self.motor.lock().unwrap_or_else(PoisonError::into_inner);
        if motor.as_ref().is_none_or(JoinHandle::is_finished) {
            let changed = self.shared.changed.subscribe();
            *motor = Some(tokio::spawn(run_motor(
                Arc::downgrade(&self.shared),
                changed,
            )));
        }
    }

    async fn converse(&self, port: Box<dyn Port>) -> io::Result<()> {
        self.start_motor();
        let _turn = match self.second {
            Second::Waits => self.door.lock().await,
            Second::Refused => match self.door.try_lock() {
                Ok(turn) => turn,
                Err(_) => return Ok(()),
            },
            Second::Replaces => {
                self.shared.with(|machine| machine.hang_ups += 1);
                self.door.lock().await
            }
        };
        let hang_ups = self.shared.with(|machine| {
            if !machine.options.keep_replies {
                machine.out.clear();
            }
            machine.speaking = false;
            machine.hang_ups
        });
        let (reader, writer) = tokio::io::split(port);
        tokio::select! {
            biased;
            () = self.shared.until(|machine| machine.hang_ups != hang_ups) => Ok(()),
            spoken = self.speak(writer) => spoken,
            heard = self.hear(reader) => heard,
        }
    }

    async fn hear(&self, mut reader: ReadHalf<Box<dyn Port>>) -> io::Result<()> {
        let most = if self.baud == 0 {
            READ_MAX
        } else {
            READ_SLOW_MAX
        };
        let mut bytes = vec![0; most];
        loop {
            self.shared.until(|machine| machine.room() > 0).await;
            let room = self.shared.with(|machine| machine.room()).clamp(1, most);
            let n = reader.read(&mut bytes[..room]).await?;
            if n == 0 {
                let said = self
                    .shared
                    .until(|machine| machine.out.is_empty() && !machine.speaking);
                let _ = tokio::time::timeout(LAST_WORDS, said).await;
                return Ok(());
            }
            self.line_time(n).await;
            self.shared
                .with(|machine| machine.feed(&bytes[..n], driver_sdk::clock::now()));
        }
    }

    async fn speak(&self, mut writer: WriteHalf<Box<dyn Port>>) -> io::Result<()> {
        loop {
            self.shared.until(|machine| !machine.out.is_empty()).await;
            let late = self.shared.with(|machine| machine.faults.late);
            if !late.is_zero() {
                tokio::time::sleep(late).await;
            }
            while let Some(bytes) = self.shared.with(Machine::take_answer) {
                self.line_time(bytes.len()).await;
                writer.write_all(&bytes).await?;
            }
            writer.flush().await?;
        }
    }

    async fn line_time(&self, bytes: usize) {
        if self.baud > 0 {
            let seconds = bytes as f64 * 10.0 / f64::from(self.baud);
            tokio::time::sleep(Duration::from_secs_f64(seconds)).await;
        }
    }
}

impl VirtualDevice for VirtualPrinter {
    fn serve(self: Arc<Self>, port: Box<dyn Port>) -> BoxFuture<'static, io::Result<()>> {
        Box::pin(async move { self.converse(port).await })
    }

    fn switch(&self, name: &str, value: &str) -> Result<(), String> {
        if OPTIONS.iter().any(|option| option.name == name) {
            return Err(format!(
                "{name} is a property of the printer: set it at the start"
            ));
        }
        self.shared
            .with(|machine| machine.switch(name, value, driver_sdk::clock::now()))
    }

    fn effects(&self) -> Vec<Effect> {
        self.shared.with(|machine| {
            let mut effects: Vec<_> = machine.happened.iter().map(effect).collect();
            if machine.sheet.is_printed() {
                let rows = machine.sheet.len().to_string();
                let facts = BTreeMap::from([("rows".to_owned(), rows)]);
                let content = machine.sheet.text();
                effects.push(Effect {
                    kind: "uncut".to_owned(),
                    content,
                    facts,
                });
            }
            effects
        })
    }

    fn story(&self) -> broadcast::Receiver<String> {
        self.shared.story.subscribe()
    }
}

fn effect(happened: &Happened) -> Effect {
    match happened {
        Happened::Drawer { pin } => Effect {
            kind: "drawer".to_owned(),
            content: String::new(),
            facts: BTreeMap::from([("drawer".to_owned(), (pin + 1).to_string())]),
        },
        Happened::Receipt(receipt) => {
            let mut facts = BTreeMap::from([
                ("number".to_owned(), receipt.number.to_string()),
                ("rows".to_owned(), receipt.rows.to_string()),
                ("black".to_owned(), receipt.black.to_string()),
                ("sha256".to_owned(), receipt.sha256.clone()),
                ("ending".to_owned(), receipt.ending.name().to_owned()),
            ]);
            if let Some(png) = &receipt.png {
                facts.insert("png".to_owned(), png.display().to_string());
            }
            Effect {
                kind: "receipt".to_owned(),
                content: receipt.text.clone(),
                facts,
            }
        }
    }
}

impl Shared {
    /// Brings the printer up to now, does something with it, tells who waits.
    fn with<T>(&self, f: impl FnOnce(&mut Machine) -> T) -> T {
        let mut machine = self.machine.lock().unwrap_or_else(PoisonError::into_inner);
        let before = machine.mark();
        machine.advance(driver_sdk::clock::now());
        let result = f(&mut machine);
        machine.flow();
        let after = machine.mark();
        let story = machine.take_story();
        drop(machine);
        for line in story {
            // No listener is no error.
            let _ = self.story.send(line);
        }
        if before != after {
            self.changed.send_replace(());
        }
        result
    }

    async fn until(&self, is: impl Fn(&Machine) -> bool) {
        let mut changed = self.changed.subscribe();
        while !self.with(|machine| is(machine)) {
            // The sender lives as long as `self`.
            let _ = changed.changed().await;
        }
    }
}

/// Wakes when paper is due to move, also while nobody is connected. Ends with the printer.
async fn run_motor(printer: Weak<Shared>, mut changed: watch::Receiver<()>) {
    loop {
        let Some(shared) = printer.upgrade() else {
            return;
        };
        let due = shared.with(|machine| machine.due());
        drop(shared);
        let moved = async {
            match due {
                Some(due) => tokio::time::sleep_until(due).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = moved => {}
            change = changed.changed() => if change.is_err() { return },
        }
    }
}
