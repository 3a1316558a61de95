//! Short lists, read element by element.

use serde::Deserialize;
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::mews::wire::{Command, Device, Skipped, or_default};

/// The answer of `devices/getAll`.
#[derive(Deserialize)]
pub(super) struct DeviceList {
    #[serde(rename = "Devices", default, deserialize_with = "or_default")]
    devices: Vec<Box<RawValue>>,
}

impl DeviceList {
    pub(super) fn read(&self) -> (Vec<Device>, Vec<Skipped>) {
        let (mut devices, mut skipped) = (Vec::new(), Vec::new());
        for raw in &self.devices {
            match serde_json::from_str(raw.get()) {
                Ok(device) => devices.push(device),
                Err(cause) => skipped.push(Skipped::new(raw.get().as_bytes(), &cause)),
            }
        }
        (devices, skipped)
    }
}

/// A page of `fiscalMachineCommands/getAll`.
#[derive(Deserialize)]
pub(super) struct CommandPage {
    #[serde(rename = "Commands", default, deserialize_with = "or_default")]
    commands: Vec<Box<RawValue>>,
    #[serde(rename = "Cursor", default)]
    pub(super) cursor: Option<Uuid>,
}

impl CommandPage {
    pub(super) fn len(&self) -> usize {
        self.commands.len()
    }

    pub(super) fn read(&self) -> impl Iterator<Item = Command> {
        self.commands.iter().filter_map(|raw| {
            Command::parse(raw.get().as_bytes())
                .inspect_err(|skipped| tracing::warn!(why = skipped.why, "Command skipped"))
                .ok()
        })
    }
}
