//! Puts the real worker together: this PC's clock, disk and network.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use driver_sdk::{DialFactory, DriverKind};

use crate::clock::Clock;
use crate::config::{Config, Property};
use crate::journal::{Core, Journal, OpenError, Options};
use crate::mews::budget::{Keep, RingFile};
use crate::mews::connector::{Connector, ConnectorError, Network};
use crate::mews::post::{HttpPost, Post};
use crate::mews::socket::{Dial, WebSocketDial};
use crate::mews::wire::Tokens;
use crate::supervise::{Parts, World};

/// Why the worker cannot be put together.
#[derive(Debug, thiserror::Error)]
pub enum AssembleError {
    /// The journal.
    #[error(transparent)]
    Journal(#[from] OpenError),
    /// The network.
    #[error(transparent)]
    Network(#[from] ConnectorError),
    /// No thread for the journal.
    #[error("the system has no thread for the journal")]
    Thread(#[source] std::io::Error),
}

/// The network and the disk of this PC.
struct ThisWorld {
    connector: Connector,
    client: reqwest::Client,
    platform: url::Url,
    websocket: url::Url,
    journal: PathBuf,
}

impl World for ThisWorld {
    fn post(&self, _: &Property) -> Arc<dyn Post> {
        Arc::new(HttpPost::new(self.client.clone(), &self.platform))
    }

    fn dial(&self, property: &Property) -> Arc<dyn Dial> {
        let tokens = Tokens {
            client: property.client_token.clone(),
            access: property.access_token.clone(),
        };
        Arc::new(WebSocketDial::new(
            self.connector.clone(),
            &self.websocket,
            tokens,
        ))
    }

    fn keep(&self, property: &Property) -> Box<dyn Keep> {
        Box::new(RingFile::open(&pace_file(
            &self.journal,
            property.name.as_str(),
        )))
    }
}

/// Where a property's request times are remembered: beside the journal, so that a restart starts
/// with the budget it left.
#[must_use]
pub fn pace_file(journal: &Path, property: &str) -> PathBuf {
    let mut name = journal.as_os_str().to_owned();
    name.push(format!(".{property}.pace"));
    name.into()
}

/// Opens the journal and prepares the network. No device is touched, nothing is asked.
///
/// # Errors
/// See [`AssembleError`].
pub fn assemble(
    config: Config,
    kinds: &'static [&'static dyn DriverKind],
    links: Arc<dyn DialFactory>,
    options: Options,
) -> Result<Parts, AssembleError> {
    let clock = Clock::system();
    let (core, found) = Core::open(&config.journal.path, options, clock.pc_time())?;
    let world = world(&config)?;
    Ok(Parts {
        config,
        kinds,
        links,
        journal: Journal::on_a_thread(core).map_err(AssembleError::Thread)?,
        found,
        clock,
        world: Arc::new(world),
        seed: fastrand::u64(..),
    })
}

fn world(config: &Config) -> Result<ThisWorld, ConnectorError> {
    let connector = Connector::new(&Network {
        proxy: config.mews.proxy.clone(),
        ca_file: config.mews.ca_file.clone(),
    })?;
    connector.check_socket(&config.mews.websocket)?;
    Ok(ThisWorld {
        client: connector.http(&config.mews.platform)?,
        connector,
        platform: config.mews.platform.clone(),
        websocket: config.mews.websocket.clone(),
        journal: config.journal.path.clone(),
    })
}

/// The real world alone, for who looks whether Mews can be reached.
///
/// # Errors
/// The network's.
pub fn real_world(config: &Config) -> Result<impl World + use<>, ConnectorError> {
    world(config)
}

/// A property and the way to its socket.
pub type NamedDial = (String, Arc<dyn Dial>);

/// The way to the socket of each property, for who only listens.
///
/// # Errors
/// The network's.
pub fn dials(config: &Config) -> Result<Vec<NamedDial>, ConnectorError> {
    let world = world(config)?;
    let properties = config.properties.iter();
    Ok(properties
        .map(|property| (property.name.as_str().to_owned(), world.dial(property)))
        .collect())
}
