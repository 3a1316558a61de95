//! Drivers and links that exist only in these tests.

use std::io;
use std::sync::Arc;

use driver_sdk::{
    Abilities, Attempt, Class, Device, DialFactory, Dialer, Driver, DriverKind, Fault, Job,
    LinkError, Links, Port, Poster, Proof, Resync, Run, Settings, SettingsError, Verdict,
};
use futures_util::future::BoxFuture;

use crate::config::Build;

pub(super) fn build(kinds: &'static [&'static dyn DriverKind]) -> Build {
    Build {
        kinds,
        dials: Arc::new(Dials),
    }
}

pub(super) const KINDS: &[&dyn DriverKind] = &[
    &Toy {
        name: "escpos",
        class: Class::Printer,
        lenient: false,
    },
    &Toy {
        name: "fias",
        class: Class::KeyCutter,
        lenient: false,
    },
];

/// Opens a stream and reads two settings, or takes any setting.
pub(super) struct Toy {
    pub name: &'static str,
    pub class: Class,
    pub lenient: bool,
}

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct ToySettings {
    columns: Option<u8>,
    encoder: Option<u8>,
}

impl DriverKind for Toy {
    fn name(&self) -> &'static str {
        self.name
    }

    fn class(&self) -> Class {
        self.class
    }

    fn open(&self, settings: &Settings, links: &mut Links<'_>) -> Result<Device, SettingsError> {
        if self.lenient {
            return Ok(Device::new(Nothing));
        }
        let read: ToySettings = settings.parse()?;
        links.stream(Resync::Reopen)?;
        if read.columns == Some(0) {
            let fact = "`columns` is 0; use 32 to 64";
            return Err(SettingsError::new(fact).at(settings.place_of("columns")));
        }
        if read.encoder == Some(0) {
            return Err(SettingsError::new("no encoder; give each device one"));
        }
        Ok(Device::new(Nothing))
    }

    fn advise(&self, settings: &Settings) -> Vec<SettingsError> {
        match settings.parse::<ToySettings>() {
            Ok(read) if read.columns == Some(1) => {
                let fact = SettingsError::new("`columns` is 1; hardly meant so");
                vec![fact.at(settings.place_of("columns"))]
            }
            Ok(_) | Err(_) => Vec::new(),
        }
    }
}

struct Nothing;

impl Driver for Nothing {
    type Plan = ();

    fn abilities(&self) -> Abilities {
        Abilities::default()
    }

    fn prepare(&self, _job: &Job) -> Result<(), Fault> {
        Ok(())
    }

    async fn execute(&mut self, _plan: (), _run: &Run) -> Result<Proof, Fault> {
        unreachable!("reading a config executes nothing")
    }

    async fn reconcile(&mut self, _attempt: &Attempt, _run: &Run) -> Result<Verdict, Fault> {
        unreachable!("reading a config asks nothing")
    }
}

struct Dials;

impl DialFactory for Dials {
    fn dialer(&self, url: &str) -> Result<Arc<dyn Dialer>, LinkError> {
        match url.contains("baud=fast") {
            true => Err(LinkError(
                "`baud=fast` is no number; write baud=9600".to_owned(),
            )),
            false => Ok(Arc::new(NeverDialled(self.address(url)?))),
        }
    }

    fn poster(&self, _url: &str) -> Result<Arc<dyn Poster>, LinkError> {
        Err(LinkError("is not http".to_owned()))
    }

    fn address(&self, url: &str) -> Result<String, LinkError> {
        if !["tcp:", "serial:", "listen:", "https:", "http:"]
            .iter()
            .any(|scheme| url.starts_with(scheme))
        {
            return Err(LinkError(
                "unknown scheme; use tcp:, serial: or listen:".to_owned(),
            ));
        }
        Ok(url.split('?').next().unwrap_or(url).to_owned())
    }
}

struct NeverDialled(String);

impl Dialer for NeverDialled {
    fn dial(&self) -> BoxFuture<'_, io::Result<Box<dyn Port>>> {
        unreachable!("reading a config dials nothing")
    }

    fn address(&self) -> &str {
        &self.0
    }
}
