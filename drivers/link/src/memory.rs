//! Virtual devices without a wire: for tests, the simulation and the demo.

use std::collections::HashMap;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use driver_sdk::{DialFactory, Dialer, LinkError, Port, Poster, VirtualDevice};
use futures_util::future::BoxFuture;
use tokio::io::DuplexStream;

use crate::severable::{Knife, Severable};

/// As much as a small device's buffer: a device that reads nothing stops its writer soon.
const BUFFER: usize = 4096;

/// Addresses that lead to virtual devices of this process. Clones share them.
///
/// An address is any text, such as `mem:bar`; what follows a `?` are its options.
#[derive(Clone, Default)]
pub struct Memory {
    places: Arc<Mutex<HashMap<String, Arc<Place>>>>,
    posters: Arc<Mutex<HashMap<String, Arc<dyn Poster>>>>,
}

impl std::fmt::Debug for Memory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Memory")
    }
}

struct Place {
    address: String,
    device: Mutex<Option<Arc<dyn VirtualDevice>>>,
    refused: AtomicBool,
    dialed: AtomicUsize,
    knives: Mutex<Vec<Knife<DuplexStream>>>,
}

impl Memory {
    /// No device yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// With a virtual device at an address.
    #[must_use]
    pub fn device(self, address: &str, device: Arc<dyn VirtualDevice>) -> Self {
        self.put(address, device);
        self
    }

    /// With a device behind HTTP at an address.
    #[must_use]
    pub fn poster(self, address: &str, poster: Arc<dyn Poster>) -> Self {
        held(&self.posters).insert(plain(address).to_owned(), poster);
        self
    }

    /// Puts a virtual device at an address while everything runs; one that stood there is
    /// replaced, its connections stay until they are cut.
    pub fn put(&self, address: &str, device: Arc<dyn VirtualDevice>) {
        *held(&self.place(address).device) = Some(device);
    }

    /// Pulls the cable: every open connection of the address breaks. The next dial works.
    pub fn cut(&self, address: &str) {
        let knives = std::mem::take(&mut *held(&self.place(address).knives));
        for knife in knives {
            knife.cut();
        }
    }

    /// Switches the device off (`true`) or on: dials are refused while it is off.
    pub fn refuse(&self, address: &str, off: bool) {
        self.place(address).refused.store(off, Ordering::Release);
    }

    /// How often the address was opened.
    #[must_use]
    pub fn dialed(&self, address: &str) -> usize {
        self.place(address).dialed.load(Ordering::Acquire)
    }

    fn place(&self, address: &str) -> Arc<Place> {
        let address = plain(address);
        held(&self.places)
            .entry(address.to_owned())
            .or_insert_with(|| {
                Arc::new(Place {
                    address: address.to_owned(),
                    device: Mutex::default(),
                    refused: AtomicBool::new(false),
                    dialed: AtomicUsize::new(0),
                    knives: Mutex::default(),
                })
            })
            .clone()
    }
}

impl DialFactory for Memory {
    fn dialer(&self, url: &str) -> Result<Arc<dyn Dialer>, LinkError> {
        Ok(Arc::new(MemoryDialer(self.place(url))))
    }

    fn poster(&self, url: &str) -> Result<Arc<dyn Poster>, LinkError> {
        held(&self.posters)
            .get(plain(url))
            .cloned()
            .ok_or_else(|| LinkError(format!("no device behind HTTP at `{url}`")))
    }

    fn address(&self, url: &str) -> Result<String, LinkError> {
        Ok(plain(url).to_owned())
    }
}

struct MemoryDialer(Arc<Place>);

impl Dialer for MemoryDialer {
    fn dial(&self) -> BoxFuture<'_, io::Result<Box<dyn Port>>> {
        Box::pin(async move { self.0.connect() })
    }

    fn address(&self) -> &str {
        &self.0.address
    }
}

impl Place {
    fn connect(&self) -> io::Result<Box<dyn Port>> {
        let device = held(&self.device).clone();
        let Some(device) = device.filter(|_| !self.refused.load(Ordering::Acquire)) else {
            return Err(io::ErrorKind::ConnectionRefused.into());
        };
        self.dialed.fetch_add(1, Ordering::AcqRel);
        let (ours, theirs) = tokio::io::duplex(BUFFER);
        let (port, knife) = Severable::pair(ours);
        let mut knives = held(&self.knives);
        knives.retain(|knife| !knife.is_cut());
        knives.push(knife);
        tokio::spawn(async move {
            if let Err(cause) = device.serve(Box::new(theirs)).await {
                tracing::debug!(error = %cause, "Conversation of a virtual device ended");
            }
        });
        Ok(Box::new(port))
    }
}

fn plain(url: &str) -> &str {
    url.split_once('?').map_or(url, |(address, _)| address)
}

fn held<T: ?Sized>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock()
        .expect("no code panics while it holds this lock")
}

#[cfg(test)]
mod tests;
