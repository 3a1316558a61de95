//! `[device.NAME]`: which device of Mews is which device on this PC.

use std::collections::HashMap;
use std::ops::Range;
use std::time::Duration;

use driver_sdk::{DeviceName, Settings};
use serde_spanned::Spanned;
use uuid::Uuid;

use super::Surroundings;
use crate::config::file::{At, DeviceSection};
use crate::config::finding::{Findings, Source, suggestion};
use crate::config::settings::{Device, MewsDevice, PropertyName, RepeatInDoubt};

/// Longer than any document waits for anybody.
const EXPIRES_MAX_S: i64 = 31 * 24 * 3_600;
/// A silence or a wait of a day is a device nobody uses.
const WAIT_MAX_S: i64 = 24 * 3_600;

/// The devices; `properties` are all names in the file, also of those that cannot be used.
pub(in crate::config) fn devices(
    sections: Vec<DeviceSection>,
    properties: &[String],
    source: &Source,
    around: &Surroundings<'_>,
    findings: &mut Findings<'_>,
) -> Vec<Device> {
    if sections.is_empty() {
        let fix = "write [device.NAME] for each device on this PC";
        findings.none_of("no device", fix);
    }
    let mut taken = Taken::default();
    let mut devices = Vec::new();
    let mut judged = Vec::new();
    for section in sections {
        let mut reader = Reader {
            name: section.name.clone(),
            properties,
            around,
            findings,
        };
        let Some((device, whole)) = reader.device(&section, source) else {
            continue;
        };
        if !whole {
            // What is missing was told. Its driver may have more to say about link and settings.
            judged.push(device);
            continue;
        }
        let address = around.build.dials.address(&device.link);
        let address = address.unwrap_or_else(|_| device.link.clone());
        if taken.add(&device, address, section.keys.mews.as_ref(), findings) {
            judged.push(device.clone());
            devices.push(device);
        }
    }
    around.build.judge(&judged, findings);
    devices
}

struct Reader<'r, 'f> {
    name: String,
    properties: &'r [String],
    around: &'r Surroundings<'r>,
    findings: &'r mut Findings<'f>,
}

impl Reader<'_, '_> {
    /// Every key is looked at, and told, before the device is given up. Without driver or link
    /// there is nobody to judge the settings; false: something else that must be there is not.
    fn device(&mut self, section: &DeviceSection, source: &Source) -> Option<(Device, bool)> {
        let keys = &section.keys;
        let property = self.property(keys.property.as_ref(), &section.at);
        let mews = self.required("mews", keys.mews.as_ref(), &section.at, MEWS_FIX);
        let driver = self.driver(keys.driver.as_ref(), &section.at);
        let link = self.required("link", keys.link.as_ref(), &section.at, LINK_FIX);
        let expires = self.seconds("expires_s", keys.expires_s.as_ref(), 1..=EXPIRES_MAX_S);
        let deadline = self.seconds("deadline_s", keys.deadline_s.as_ref(), 1..=WAIT_MAX_S);
        let wait = keys.operator_wait_s.as_ref();
        let operator_wait = self.seconds("operator_wait_s", wait, 0..=WAIT_MAX_S);
        let repeat_in_doubt = self.repeat_in_doubt(keys.repeat_in_doubt.as_ref());
        let system = keys
            .system
            .as_ref()
            .and_then(|system| self.filled("system", system));
        let path = vec![
            "device".to_owned(),
            self.name.clone(),
            "settings".to_owned(),
        ];
        let settings_at = section
            .settings
            .clone()
            .unwrap_or_else(|| section.at.clone());
        let settings = Settings::new(source.text().clone(), path, settings_at);
        let whole = property.is_some() && mews.is_some();
        let device = Device {
            name: DeviceName::new(self.name.clone()),
            property: property.unwrap_or_else(|| PropertyName::new("")),
            mews: mews_device(&mews.unwrap_or_default()),
            driver: driver?,
            link: link?,
            expires,
            deadline,
            operator_wait,
            repeat_in_doubt,
            settings: settings.in_system(system.as_deref()),
            system,
            at: section.at.clone(),
            driver_at: place(keys.driver.as_ref(), &section.at),
            link_at: place(keys.link.as_ref(), &section.at),
            repeat_in_doubt_at: keys.repeat_in_doubt.as_ref().map(Spanned::span),
        };
        Some((device, whole))
    }

    fn property(&mut self, named: Option<&At<String>>, at: &Range<usize>) -> Option<PropertyName> {
        let properties = self.properties;
        let Some(named) = named else {
            return match properties {
                [] => None,
                [only] => Some(PropertyName::new(only.as_str())),
                several => {
                    let fix = format!("there are several: name one of {}", several.join(", "));
                    self.missing(at, "property", &fix);
                    None
                }
            };
        };
        if properties.contains(named.get_ref()) {
            return Some(PropertyName::new(named.get_ref().as_str()));
        }
        let suggestion = suggestion(named.get_ref(), properties.iter().map(String::as_str));
        self.error(
            &named.span(),
            &format!("unknown property `{}`; {suggestion}", named.get_ref()),
        );
        None
    }

    fn driver(&mut self, named: Option<&At<String>>, at: &Range<usize>) -> Option<String> {
        let drivers: Vec<&str> = self.around.build.names().collect();
        let fix = format!("this build has: {}", drivers.join(", "));
        let driver = self.required("driver", named, at, &fix)?;
        if drivers.contains(&driver.as_str()) {
            return Some(driver);
        }
        let suggestion = suggestion(&driver, drivers.iter().copied());
        self.error(
            &place(named, at),
            &format!("unknown driver `{driver}`; {suggestion}"),
        );
        None
    }

    fn repeat_in_doubt(&mut self, named: Option<&At<String>>) -> RepeatInDoubt {
        let Some(named) = named else {
            return RepeatInDoubt::default();
        };
        match named.get_ref().as_str() {
            "never" => RepeatInDoubt::Never,
            "marked" => RepeatInDoubt::Marked,
            other => {
                let suggestion = suggestion(other, ["never", "marked"]);
                let fact = format!("`repeat_in_doubt` cannot be `{other}`");
                self.error(&named.span(), &format!("{fact}; {suggestion}"));
                RepeatInDoubt::default()
            }
        }
    }

    fn seconds(
        &mut self,
        key: &str,
        value: Option<&At<i64>>,
        bounds: std::ops::RangeInclusive<i64>,
    ) -> Option<Duration> {
        let value = value?;
        let seconds = *value.get_ref();
        if !bounds.contains(&seconds) {
            let fix = format!("use {} to {} seconds", bounds.start(), bounds.end());
            self.error(&value.span(), &format!("`{key}` is {seconds}; {fix}"));
            return None;
        }
        u64::try_from(seconds).ok().map(Duration::from_secs)
    }

    fn required(
        &mut self,
        key: &str,
        value: Option<&At<String>>,
        at: &Range<usize>,
        fix: &str,
    ) -> Option<String> {
        let Some(value) = value else {
            self.missing(at, key, fix);
            return None;
        };
        self.filled(key, value)
    }

    fn filled(&mut self, key: &str, value: &At<String>) -> Option<String> {
        let text = value.get_ref().trim();
        if text.is_empty() {
            self.error(
                &value.span(),
                &format!("`{key}` is empty; fill it in or remove it"),
            );
            return None;
        }
        Some(text.to_owned())
    }

    fn missing(&mut self, at: &Range<usize>, key: &str, fix: &str) {
        self.findings
            .missing(at, &format!("device.{}.{key}", self.name), fix);
    }

    fn error(&mut self, at: &Range<usize>, message: &str) {
        self.findings
            .error(at, format!("device.{}: {message}", self.name));
    }
}

const MEWS_FIX: &str = "write the id or the name that the device has in Mews";
const LINK_FIX: &str =
    "say where the device is, such as \"tcp:192.168.7.30:9100\" or \"serial:COM3?baud=38400\"";

fn mews_device(text: &str) -> MewsDevice {
    match Uuid::parse_str(text) {
        Ok(id) => MewsDevice::Id(id),
        Err(_) => MewsDevice::Name(text.to_owned()),
    }
}

fn place(value: Option<&At<String>>, or: &Range<usize>) -> Range<usize> {
    value.map_or_else(|| or.clone(), Spanned::span)
}

/// What only one device may have.
#[derive(Default)]
struct Taken {
    mews: HashMap<(PropertyName, MewsDevice), (DeviceName, Range<usize>)>,
    links: HashMap<String, Device>,
}

impl Taken {
    /// Notes what a device takes; false if another one has its wire with other options.
    fn add(
        &mut self,
        device: &Device,
        address: String,
        mews: Option<&At<String>>,
        findings: &mut Findings<'_>,
    ) -> bool {
        let name = &device.name;
        let at = place(mews, &device.at);
        let key = (device.property.clone(), device.mews.clone());
        if let Some((first, first_at)) = self.mews.get(&key) {
            let fact = format!("device.{name}: `{}` in Mews is also {first}", device.mews);
            let line = findings.line_of(first_at);
            let fix = "each device of Mews is one device here";
            findings.error(&at, format!("{fact} (line {line}); {fix}"));
        } else {
            self.mews.insert(key, (name.clone(), at));
        }
        let Some(first) = self.links.get(&address) else {
            self.links.insert(address, device.clone());
            return true;
        };
        if first.link == device.link {
            return true;
        }
        let fact = format!(
            "device.{name}: {} has the same address with other options",
            first.name
        );
        let line = findings.line_of(&first.link_at);
        let fix = "they share one wire: write the same link in both";
        findings.error(&device.link_at, format!("{fact} (line {line}); {fix}"));
        false
    }
}
