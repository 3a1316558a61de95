//! For the drivers' own tests: a journal in memory that survives the "process", and a wire to a
//! virtual device that breaks after a given number of bytes.

use std::collections::BTreeMap;
use std::io;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use driver_sdk::{
    DialFactory, Dialer, Fault, Host, LinkError, Port, Poster, Run, ShelfRead, Staged,
    VirtualDevice,
};
use futures_util::future::BoxFuture;
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio_util::sync::CancellationToken;

pub mod desk;

/// A xorshift: the same storm every time.
#[derive(Debug)]
pub struct Dice(pub u64);

impl Dice {
    /// A number below `sides`.
    pub fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }
}

/// What a worker would have on disk.
#[derive(Debug, Default)]
pub struct Journal {
    inner: Mutex<Inner>,
    /// Refuse the next commits: the disk is full.
    full: Mutex<bool>,
}

#[derive(Debug, Default)]
struct Inner {
    bookmark: Option<Value>,
    shelf: BTreeMap<String, (Value, u64)>,
    audit: Vec<(String, Value)>,
    waiting: Vec<String>,
    commits: u32,
}

impl Journal {
    /// An empty one.
    #[must_use]
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    fn inner(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.inner.lock().expect("no test panics under this lock")
    }

    /// A fresh attempt.
    #[must_use]
    pub fn run(self: &Arc<Self>) -> Run {
        let (stop, cancel) = (CancellationToken::new(), CancellationToken::new());
        self.run_with(stop, cancel)
    }

    /// A fresh attempt that can be stopped and cancelled.
    #[must_use]
    pub fn run_with(self: &Arc<Self>, stop: CancellationToken, cancel: CancellationToken) -> Run {
        let silence = Duration::from_secs(180);
        Run::new(
            self.clone(),
            silence,
            Duration::from_secs(900),
            stop,
            cancel,
        )
    }

    /// The bookmark, if an attempt has committed.
    #[must_use]
    pub fn bookmark(&self) -> Option<Value> {
        self.inner().bookmark.clone()
    }

    /// Forgets the bookmark: the command is settled.
    pub fn settle(&self, staged: Staged) {
        self.keep(staged);
        self.inner().bookmark = None;
    }

    /// Refuses commits from now on, or no longer.
    pub fn disk_full(&self, full: bool) {
        *self.full.lock().expect("no test panics under this lock") = full;
    }

    /// The audit rows so far.
    #[must_use]
    pub fn audit(&self) -> Vec<(String, Value)> {
        self.inner().audit.clone()
    }

    /// The codes shown while a person was needed.
    #[must_use]
    pub fn waiting(&self) -> Vec<String> {
        self.inner().waiting.clone()
    }

    /// How many attempts have committed.
    #[must_use]
    pub fn commits(&self) -> u32 {
        self.inner().commits
    }

    fn keep(&self, staged: Staged) {
        let mut inner = self.inner();
        for (key, value) in staged.put {
            let version = inner.shelf.get(&key).map_or(0, |(_, version)| *version) + 1;
            inner.shelf.insert(key, (value, version));
        }
        inner.audit.extend(staged.audit);
    }

    fn write(&self, bookmark: Value, staged: Staged) -> Result<(), Fault> {
        if *self.full.lock().expect("no test panics under this lock") {
            return Err(Fault::transient("NOT-STARTED").with("reason", "the disk is full"));
        }
        self.keep(staged);
        self.inner().bookmark = Some(bookmark);
        Ok(())
    }
}

impl Host for Journal {
    fn commit(&self, bookmark: Value, staged: Staged) -> BoxFuture<'_, Result<(), Fault>> {
        Box::pin(async move {
            self.write(bookmark, staged)?;
            self.inner().commits += 1;
            Ok(())
        })
    }

    fn checkpoint(&self, bookmark: Value, staged: Staged) -> BoxFuture<'_, Result<(), Fault>> {
        Box::pin(async move { self.write(bookmark, staged) })
    }

    fn progress(&self, _: u8) {}

    fn waiting(&self, fault: Fault) {
        self.inner().waiting.push(fault.code().to_owned());
    }

    fn shelf(&self, key: &str) -> Option<ShelfRead> {
        self.inner()
            .shelf
            .get(key)
            .map(|(value, version)| ShelfRead {
                value: value.clone(),
                version: *version,
            })
    }
}

const HTTP_ADDRESS: &str = "http://192.168.7.31/cgi-bin/fpmate.cgi";

/// The cable between driver and virtual device.
#[derive(Clone)]
pub struct Cable {
    device: Arc<Mutex<Arc<dyn VirtualDevice>>>,
    budget: Arc<AtomicU64>,
    refusals: Arc<AtomicUsize>,
    dials: Arc<AtomicUsize>,
}

impl std::fmt::Debug for Cable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Cable")
    }
}

impl Cable {
    /// A cable to a device.
    pub fn to(device: Arc<dyn VirtualDevice>) -> Self {
        Self {
            device: Arc::new(Mutex::new(device)),
            budget: Arc::new(AtomicU64::new(u64::MAX)),
            refusals: Arc::default(),
            dials: Arc::default(),
        }
    }

    /// Plugs it into another device.
    pub fn plug(&self, device: Arc<dyn VirtualDevice>) {
        *self.device.lock().expect("no test panics under this lock") = device;
    }

    /// Breaks after so many bytes, of both directions together.
    pub fn break_after(&self, bytes: u64) {
        self.budget.store(bytes, Ordering::SeqCst);
    }

    /// Whole again.
    pub fn mend(&self) {
        self.budget.store(u64::MAX, Ordering::SeqCst);
        self.refusals.store(0, Ordering::SeqCst);
    }

    /// True once the cable has broken.
    #[must_use]
    pub fn is_broken(&self) -> bool {
        self.budget.load(Ordering::SeqCst) == 0
    }

    /// How many bytes it will still carry.
    #[must_use]
    pub fn left(&self) -> u64 {
        self.budget.load(Ordering::SeqCst)
    }

    /// Refuses so many connections.
    pub fn refuse(&self, connections: usize) {
        self.refusals.store(connections, Ordering::SeqCst);
    }

    /// How often somebody connected.
    #[must_use]
    pub fn dials(&self) -> usize {
        self.dials.load(Ordering::SeqCst)
    }

    /// A connection to the device.
    ///
    /// # Errors
    /// Refused while the cable is broken or told to refuse.
    pub fn connect(&self) -> io::Result<Box<dyn Port>> {
        self.dials.fetch_add(1, Ordering::SeqCst);
        let refuse = self
            .refusals
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| {
                left.checked_sub(1)
            });
        if refuse.is_ok() || self.is_broken() {
            return Err(io::ErrorKind::ConnectionRefused.into());
        }
        let (ours, middle) = tokio::io::duplex(64 * 1024);
        let (other, theirs) = tokio::io::duplex(64 * 1024);
        let device = self
            .device
            .lock()
            .expect("no test panics under this lock")
            .clone();
        tokio::spawn(device.serve(Box::new(theirs)));
        let budget = self.budget.clone();
        tokio::spawn(carry(middle, other, budget));
        Ok(Box::new(ours))
    }
}

async fn carry(
    ours: tokio::io::DuplexStream,
    theirs: tokio::io::DuplexStream,
    budget: Arc<AtomicU64>,
) {
    let (mut from_us, mut to_us) = tokio::io::split(ours);
    let (mut from_them, mut to_them) = tokio::io::split(theirs);
    let (mut up, mut down) = ([0; 1024], [0; 1024]);
    loop {
        let moved = tokio::select! {
            biased;
            read = from_us.read(&mut up) => match read {
                Ok(n) if n > 0 => pass(&up[..n], &mut to_them, &budget).await,
                Ok(_) | Err(_) => false,
            },
            read = from_them.read(&mut down) => match read {
                Ok(n) if n > 0 => pass(&down[..n], &mut to_us, &budget).await,
                Ok(_) | Err(_) => false,
            },
        };
        if !moved {
            return;
        }
    }
}

async fn pass(
    bytes: &[u8],
    to: &mut (impl tokio::io::AsyncWrite + Unpin),
    budget: &AtomicU64,
) -> bool {
    let left = budget.load(Ordering::SeqCst);
    let take = bytes.len().min(usize::try_from(left).unwrap_or(usize::MAX));
    if left != u64::MAX {
        budget.store(left - take as u64, Ordering::SeqCst);
    }
    to.write_all(&bytes[..take]).await.is_ok() && take == bytes.len()
}

impl Dialer for Cable {
    fn dial(&self) -> BoxFuture<'_, io::Result<Box<dyn Port>>> {
        Box::pin(async { self.connect() })
    }

    fn address(&self) -> &'static str {
        "tcp:192.168.7.31:80"
    }
}

impl Poster for Cable {
    fn post(&self, body: Bytes, patience: Duration) -> BoxFuture<'_, Result<Bytes, Fault>> {
        let _ = patience;
        Box::pin(async move {
            let mut port = self.connect().map_err(|cause| {
                Fault::transient("LINK-UNREACHABLE")
                    .with("address", HTTP_ADDRESS)
                    .caused_by(cause)
                    .never_sent()
            })?;
            let lost = |cause: io::Error| {
                Fault::transient("LINK-LOST")
                    .with("address", HTTP_ADDRESS)
                    .caused_by(cause)
            };
            let head = format!(
                "POST /cgi-bin/fpmate.cgi?devid=local_printer HTTP/1.1\r\nHost: printer\r\n\
                 Content-Length: {}\r\n\r\n",
                body.len()
            );
            port.write_all(head.as_bytes()).await.map_err(lost)?;
            port.write_all(&body).await.map_err(lost)?;
            let mut answer = BytesMut::new();
            loop {
                if let Some(body) = http_body(&answer)? {
                    return Ok(body);
                }
                if port.read_buf(&mut answer).await.map_err(lost)? == 0 {
                    return Err(lost(io::ErrorKind::UnexpectedEof.into()));
                }
            }
        })
    }

    fn address(&self) -> &'static str {
        HTTP_ADDRESS
    }
}

fn http_body(answer: &[u8]) -> Result<Option<Bytes>, Fault> {
    let Some(end) = answer.windows(4).position(|window| window == b"\r\n\r\n") else {
        return Ok(None);
    };
    let head = String::from_utf8_lossy(&answer[..end]).to_ascii_lowercase();
    if !head.starts_with("http/1.1 200") {
        return Err(Fault::transient("LINK-GARBLED").with("address", HTTP_ADDRESS));
    }
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length:"))
        .and_then(|length| length.trim().parse::<usize>().ok());
    let Some(length) = length else {
        return Err(Fault::transient("LINK-GARBLED").with("address", HTTP_ADDRESS));
    };
    let body = &answer[end + 4..];
    Ok((body.len() >= length).then(|| Bytes::copy_from_slice(&body[..length])))
}

impl DialFactory for Cable {
    fn dialer(&self, _: &str) -> Result<Arc<dyn Dialer>, LinkError> {
        Ok(Arc::new(self.clone()))
    }

    fn poster(&self, _: &str) -> Result<Arc<dyn Poster>, LinkError> {
        Ok(Arc::new(self.clone()))
    }

    fn address(&self, url: &str) -> Result<String, LinkError> {
        Ok(url.split('?').next().unwrap_or_default().to_owned())
    }
}
