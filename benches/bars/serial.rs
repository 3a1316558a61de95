//! A serial line: a pseudo-terminal has no rate, so its far end takes bytes only as fast as a wire
//! would carry them and notes how far it was when. What is measured is whether the worker ever
//! leaves the wire without a byte inside a job.

use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use driver_sdk::clock;
use driver_sdk::{Effect, Port, VirtualDevice};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use nightporter::sandbox::{DeviceKind, Sandbox, SandboxOptions};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::broadcast;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use crate::printer::{self, Arrived};
use crate::process::{self, Process};
use crate::{PATIENCE, judged, say};

/// The questions before a job are fewer bytes than this, and those after it than that.
const BEFORE: usize = 256;
const AFTER: usize = 64;
/// Dots of the picture that is printed: 51 kB as the printer takes them.
const WIDTH: u32 = 512;
const HEIGHT: u32 = 800;

/// The far end of a wire, with a printer behind it.
struct Wire {
    /// How long a byte takes: a start bit, eight bits, a stop bit.
    byte: Duration,
    /// When so many bytes in all had passed.
    passed: Mutex<Vec<(Instant, usize)>>,
    arrived: Arc<Arrived>,
    story: broadcast::Sender<String>,
}

impl Wire {
    fn new(baud: u32) -> Arc<Self> {
        Arc::new(Self {
            byte: Duration::from_secs(10) / baud,
            passed: Mutex::default(),
            arrived: Arc::default(),
            story: broadcast::Sender::new(1),
        })
    }

    fn note(&self, at: Instant, bytes: usize) {
        let mut passed = self.passed.lock().expect("no panic under this lock");
        let all = passed.last().map_or(0, |(_, all)| *all);
        passed.push((at, all + bytes));
    }

    /// The share of the line rate from the first bytes of the job to its last, and how many there
    /// were.
    fn share(&self) -> Option<(f64, usize)> {
        let passed = self.passed.lock().expect("no panic under this lock");
        let all = passed.last()?.1;
        let (begun, first) = passed.iter().find(|(_, so_far)| *so_far >= BEFORE)?;
        let (ended, last) = passed
            .iter()
            .find(|(_, so_far)| *so_far + AFTER >= all && so_far > first)?;
        let bytes = last - first;
        let wire = self.byte.as_secs_f64() * bytes as f64;
        Some((wire / (*ended - *begun).as_secs_f64(), bytes))
    }

    async fn carry(self: Arc<Self>, port: Box<dyn Port>) -> io::Result<()> {
        let (mut read, mut write) = tokio::io::split(port);
        let (near, far) = tokio::io::duplex(4096);
        let (mut answers, mut taken) = tokio::io::split(near);
        let printer = printer::serve(far, self.arrived.clone());
        let back = tokio::io::copy(&mut answers, &mut write);
        let there = async {
            let mut buffer = vec![0; 4096];
            // When the wire has carried all that it took.
            let mut free = clock::now();
            loop {
                sleep_until(free).await;
                // A timer is late by a millisecond or so: what the wire would have carried
                // meanwhile is carried now, if it was there.
                let late = clock::now().saturating_duration_since(free);
                let due = (late.as_nanos() / self.byte.as_nanos()).max(1);
                let due = usize::try_from(due).unwrap_or(usize::MAX).min(buffer.len());
                let now = read.read(&mut buffer[..due]).now_or_never();
                let n = match now {
                    Some(n) => n?,
                    // Not a byte was there: the wire stood still.
                    None => {
                        let n = read.read(&mut buffer[..1]).await?;
                        free = clock::now();
                        n
                    }
                };
                if n == 0 {
                    return Ok(());
                }
                let took = u32::try_from(n).expect("a small buffer");
                free = if n < due {
                    clock::now()
                } else {
                    free + self.byte * took
                };
                self.note(free, n);
                taken.write_all(&buffer[..n]).await?;
            }
        };
        tokio::select! {
            () = printer => Ok(()),
            done = back => done.map(drop),
            done = there => done,
        }
    }
}

impl VirtualDevice for Wire {
    fn serve(self: Arc<Self>, port: Box<dyn Port>) -> BoxFuture<'static, io::Result<()>> {
        Box::pin(self.carry(port))
    }

    fn switch(&self, _: &str, _: &str) -> Result<(), String> {
        Err("nothing can be switched".to_owned())
    }

    fn effects(&self) -> Vec<Effect> {
        Vec::new()
    }

    fn story(&self) -> broadcast::Receiver<String> {
        self.story.subscribe()
    }
}

/// The part of the bench.
pub async fn serial() {
    for baud in [38_400, 115_200] {
        rate(baud).await;
    }
}

async fn rate(baud: u32) {
    let what = format!("serial line at {baud} baud, share of the line rate inside a job");
    let wire = Wire::new(baud);
    let unplug = CancellationToken::new();
    let Ok(terminal) = driver_link::host::serve_pty(wire.clone(), unplug.clone()) else {
        return say(&format!("{what}: this system has no pseudo-terminals"));
    };
    let cloud = Sandbox::start(SandboxOptions::default())
        .await
        .expect("loopback");
    let folder = process::folder_on_disk();
    let device = cloud.add_device(DeviceKind::Printer, "Serial printer");
    let worker = Process::start(
        &cloud,
        folder.path(),
        &format!(
            "[device.serial]\nmews = \"Serial printer\"\ndriver = \"escpos\"\n\
             link = \"serial:{}?baud={baud}\"\n",
            terminal.path().display()
        ),
    );
    let id = cloud.add_print(device, "image/png", &picture(), 1);
    timeout(PATIENCE, cloud.wait_final(id)).await.expect("told");
    drop(worker);
    unplug.cancel();
    terminal.ended().await;
    let (share, bytes) = wire.share().unwrap_or((0.0, 0));
    let note = cloud.notes(id).unwrap_or_default();
    judged(
        &what,
        &format!("{:.2} % of {bytes} bytes ({note})", share * 100.0),
        "≥ 98 %",
        share >= 0.98,
    );
}

/// Dots without order, so that no row can be left out.
fn picture() -> Vec<u8> {
    let mut dots = fastrand::Rng::with_seed(7);
    let picture = image::GrayImage::from_fn(WIDTH, HEIGHT, |_, _| image::Luma([dots.u8(..)]));
    let mut png = io::Cursor::new(Vec::new());
    picture
        .write_to(&mut png, image::ImageFormat::Png)
        .expect("into memory");
    png.into_inner()
}
