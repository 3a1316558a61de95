//! What this build can drive, and what its drivers say to the devices of a file.

use std::fmt;
use std::sync::Arc;

use driver_sdk::{Class, DialFactory, DriverKind, Hub, SettingsError};

use super::finding::Findings;
use super::settings::{Device, RepeatInDoubt};

/// The kinds of driver of this build, and what opens their links.
#[derive(Clone)]
pub struct Build {
    /// The kinds; a name is there once.
    pub kinds: &'static [&'static dyn DriverKind],
    /// Turns link addresses into links.
    pub dials: Arc<dyn DialFactory>,
}

impl fmt::Debug for Build {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.names()).finish()
    }
}

impl Build {
    /// The names for `driver = "…"`.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.kinds.iter().map(|kind| kind.name())
    }

    /// A kind by its name.
    #[must_use]
    pub fn kind(&self, name: &str) -> Option<&'static dyn DriverKind> {
        self.kinds.iter().copied().find(|kind| kind.name() == name)
    }

    /// Opens every device as the worker would, on wires of its own that are never dialled, and
    /// tells what its driver finds in link and settings.
    pub(super) fn judge(&self, devices: &[Device], findings: &mut Findings<'_>) {
        let mut hub = Hub::new(self.dials.clone());
        for device in devices {
            let Some(kind) = self.kind(&device.driver) else {
                continue;
            };
            self.judge_one(&mut hub, kind, device, findings);
        }
    }

    fn judge_one(
        &self,
        hub: &mut Hub,
        kind: &dyn DriverKind,
        device: &Device,
        findings: &mut Findings<'_>,
    ) {
        let name = &device.name;
        if let Some(at) = &device.repeat_in_doubt_at
            && device.repeat_in_doubt == RepeatInDoubt::Marked
            && kind.class() != Class::Printer
        {
            let fact = format!("device.{name}: `repeat_in_doubt` is for printers only");
            findings.error(
                at,
                format!("{fact}; remove it, nothing else is ever repeated"),
            );
        }
        let link = match self.dials.address(&device.link) {
            Ok(_) => Some(device.link.as_str()),
            Err(error) => {
                findings.error(&device.link_at, format!("device.{name}: `link`: {error}"));
                None
            }
        };
        let Err(error) = hub.open(kind, name, link, &device.settings) else {
            for SettingsError { message, span, .. } in kind.advise(&device.settings) {
                let at = span.as_ref().unwrap_or(&device.at);
                findings.warning(at, format!("device.{name}.settings: {message}"));
            }
            return;
        };
        for SettingsError { message, span, .. } in std::iter::once(&error).chain(&error.also) {
            match span {
                Some(at) if findings.said_at(at) => {}
                Some(at) => findings.error(at, format!("device.{name}.settings: {message}")),
                // Without its link, what a driver says besides its settings is about that.
                None if link.is_none() => {}
                None => {
                    let at = self.place(device, message);
                    findings.error(at, format!("device.{name}: {message}"));
                }
            }
        }
    }

    /// Where an error belongs that its driver gave no place: the link, if the link says the same.
    fn place<'d>(&self, device: &'d Device, message: &str) -> &'d std::ops::Range<usize> {
        let stream = self
            .dials
            .dialer(&device.link)
            .err()
            .map(|error| error.to_string());
        let poster = self
            .dials
            .poster(&device.link)
            .err()
            .map(|error| error.to_string());
        let of_the_link = [stream, poster]
            .iter()
            .flatten()
            .any(|error| error == message);
        if of_the_link {
            &device.link_at
        } else {
            &device.at
        }
    }
}
