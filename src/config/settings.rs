//! What the config file says, decided: nothing left to validate.

use std::fmt;
use std::net::SocketAddr;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use driver_sdk::{DeviceName, Settings};
use jiff::tz::TimeZone;
use secrecy::SecretString;
use url::Url;
use uuid::Uuid;

use super::finding::Source;

/// The whole file.
#[derive(Debug, Clone)]
pub struct Config {
    /// The cloud and the way to it.
    pub mews: Mews,
    /// In the order of the file; at least one.
    pub properties: Vec<Property>,
    /// In the order of the file.
    pub devices: Vec<Device>,
    /// The worker's memory.
    pub journal: Journal,
    /// The loopback interface.
    pub admin: Admin,
    /// The text, so that what is found later can point into it.
    pub source: Source,
}

impl Config {
    /// Every secret the file leads to, so that logs can be kept clean of them.
    pub fn secrets(&self) -> impl Iterator<Item = &SecretString> {
        self.properties
            .iter()
            .flat_map(|property| [&property.client_token, &property.access_token])
    }

    /// A property by its name in the file.
    #[must_use]
    pub fn property(&self, name: &PropertyName) -> Option<&Property> {
        self.properties
            .iter()
            .find(|property| property.name == *name)
    }

    /// A device by its name in the file.
    #[must_use]
    pub fn device(&self, name: &DeviceName) -> Option<&Device> {
        self.devices.iter().find(|device| device.name == *name)
    }
}

/// `[mews]`: both hosts and what stands between them and this PC.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mews {
    /// Requests go here: `https`, or `http` on loopback.
    pub platform: Url,
    /// The socket connects here: `wss`, or `ws` on loopback.
    pub websocket: Url,
    /// An HTTP proxy for both.
    pub proxy: Option<Url>,
    /// Certificates (PEM) to trust besides the system's.
    pub ca_file: Option<PathBuf>,
}

/// The name of a property in the config file: `[property.NAME]`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PropertyName(Arc<str>);

impl PropertyName {
    /// A name as the config file spells it.
    pub fn new(name: impl Into<Arc<str>>) -> Self {
        Self(name.into())
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PropertyName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// `[property.NAME]`: one hotel, one access token.
#[derive(Debug, Clone)]
pub struct Property {
    /// The name.
    pub name: PropertyName,
    /// Identifies the application.
    pub client_token: SecretString,
    /// Identifies the connection with one hotel.
    pub access_token: SecretString,
    /// `None`: what Mews says.
    pub timezone: Option<TimeZone>,
}

/// `[device.NAME]`: one device on this PC.
#[derive(Debug, Clone)]
pub struct Device {
    /// The name.
    pub name: DeviceName,
    /// The property whose commands it takes.
    pub property: PropertyName,
    /// The device in Mews.
    pub mews: MewsDevice,
    /// The kind of its driver; one of the kinds of this build.
    pub driver: String,
    /// Where it is, with options.
    pub link: String,
    /// How old a command may get; `None`: the class's default.
    pub expires: Option<Duration>,
    /// How long one step may be silent; `None`: the class's default.
    pub deadline: Option<Duration>,
    /// How long a command waits for a person; `None`: the class's default.
    pub operator_wait: Option<Duration>,
    /// What to do with paper nobody can vouch for.
    pub repeat_in_doubt: RepeatInDoubt,
    /// Devices of one system share one shelf.
    pub system: Option<String>,
    /// The driver's own settings, with their place in the file.
    pub settings: Settings,
    /// The place of `[device.NAME]` in the file.
    pub at: Range<usize>,
    /// The place of the value of `driver`.
    pub driver_at: Range<usize>,
    /// The place of the value of `link`.
    pub link_at: Range<usize>,
    /// The place of the value of `repeat_in_doubt`, where it is set.
    pub repeat_in_doubt_at: Option<Range<usize>>,
}

/// How the file names a device of Mews.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum MewsDevice {
    /// Its id: survives a change of its name.
    Id(Uuid),
    /// Its name, which must be unique in the property.
    Name(String),
}

impl fmt::Display for MewsDevice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => id.fmt(f),
            Self::Name(name) => name.fmt(f),
        }
    }
}

/// Whether a print job whose end nobody knows may be printed once more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum RepeatInDoubt {
    /// It is told as unconfirmed and a person looks.
    #[default]
    Never,
    /// It is printed once more, headed REPEAT.
    Marked,
}

/// `[journal]`: the worker's memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Journal {
    /// The database file; payloads are in a folder beside it.
    pub path: PathBuf,
    /// How long a reported command is remembered; at least 7 days.
    pub keep: Duration,
    /// How long a line of the fiscal audit trail is kept, whatever `keep` says.
    pub keep_audit: Duration,
}

/// `[admin]`: the loopback interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Admin {
    /// A loopback address; port 0 takes a free one.
    pub listen: SocketAddr,
}
