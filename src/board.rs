//! What the worker shows of itself right now, and the bells that wake its tasks. Nothing here is
//! remembered: what must survive is in the journal.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use driver_sdk::{Class, CommandId, DeviceName, Say};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::sync::{Notify, broadcast};

/// What a device is doing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum DeviceState {
    /// Ready for work.
    Ready,
    /// It works on a command.
    Busy {
        /// The command.
        command: CommandId,
        /// Percent, where the driver tells it.
        percent: Option<u8>,
    },
    /// It is not well: a person, or time, is needed. Its commands wait.
    Waiting {
        /// What is the matter and what to do.
        say: Say,
    },
    /// It is being asked what became of an attempt.
    Asking {
        /// The command in doubt.
        command: CommandId,
    },
    /// An open doubt blocks it until the device or a person settles it.
    Blocked {
        /// The command in doubt.
        command: CommandId,
    },
}

/// A device on the board.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceOnBoard {
    /// Its name in the hotel system.
    pub title: String,
    /// Its class.
    pub class: Class,
    /// The kind of its driver.
    pub driver: String,
    /// The property whose commands it takes.
    pub property: String,
    /// What it is doing.
    pub state: DeviceState,
    /// Since when.
    pub since: Timestamp,
    /// Something to tell that stops nothing, such as paper nearly out.
    pub warning: Option<Say>,
    /// Found in the hotel system's list of devices; `None`: not asked yet.
    pub in_hotel: Option<bool>,
}

/// A property's link on the board.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkOnBoard {
    /// The socket stands, since when.
    pub up_since: Option<Timestamp>,
    /// Why it does not.
    pub down_because: Option<String>,
    /// When a request was last answered well.
    pub last_answer: Option<Timestamp>,
    /// The hotel system refuses the tokens.
    pub unauthorized: bool,
    /// When the last complete sweep ended.
    pub last_sweep: Option<Timestamp>,
    /// The hotel's name, once it is known.
    pub hotel: Option<String>,
    /// The zone in force, once it is known.
    pub zone: Option<String>,
}

/// Something a person should know that no device shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alarm {
    /// When.
    pub at: Timestamp,
    /// What happened and what to do.
    pub text: String,
    /// The command it is about.
    pub command: Option<CommandId>,
}

/// Something that happened, for whoever follows along: the demo, tests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum News {
    /// A step of a command's life.
    Command {
        /// The command.
        id: CommandId,
        /// The device.
        device: DeviceName,
        /// What, in plain words.
        what: String,
    },
    /// A device's state changed.
    Device {
        /// The device.
        device: DeviceName,
        /// Its new state.
        state: DeviceState,
    },
}

#[derive(Debug, Default)]
struct Content {
    devices: BTreeMap<DeviceName, DeviceOnBoard>,
    links: BTreeMap<String, LinkOnBoard>,
    alarms: VecDeque<Alarm>,
    journal_fault: Option<(Timestamp, String)>,
}

#[derive(Debug, Default)]
struct Bells {
    lanes: BTreeMap<DeviceName, Arc<Notify>>,
    tellers: BTreeMap<String, Arc<Notify>>,
}

/// The board. Clones share it.
#[derive(Clone, Debug)]
pub struct Board {
    content: Arc<Mutex<Content>>,
    bells: Arc<Mutex<Bells>>,
    news: broadcast::Sender<News>,
}

/// Alarms kept; older ones are in the log.
const ALARMS_MAX: usize = 50;

impl Default for Board {
    fn default() -> Self {
        Self {
            content: Arc::default(),
            bells: Arc::default(),
            news: broadcast::Sender::new(1024),
        }
    }
}

impl Board {
    fn content(&self) -> MutexGuard<'_, Content> {
        self.content.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The bell of a device's lane.
    #[must_use]
    pub fn lane_bell(&self, device: &DeviceName) -> Arc<Notify> {
        let mut bells = self.bells.lock().unwrap_or_else(PoisonError::into_inner);
        bells.lanes.entry(device.clone()).or_default().clone()
    }

    /// Lets several devices hear one bell: those that share a wire.
    pub fn share_bell(&self, devices: &[DeviceName]) -> Arc<Notify> {
        let bell = Arc::new(Notify::new());
        let mut bells = self.bells.lock().unwrap_or_else(PoisonError::into_inner);
        for device in devices {
            bells.lanes.insert(device.clone(), bell.clone());
        }
        bell
    }

    /// The bell of a property's reports.
    #[must_use]
    pub fn teller_bell(&self, property: &str) -> Arc<Notify> {
        let mut bells = self.bells.lock().unwrap_or_else(PoisonError::into_inner);
        bells
            .tellers
            .entry(property.to_owned())
            .or_default()
            .clone()
    }

    /// Something in a device's line changed.
    pub fn ring(&self, device: &DeviceName) {
        self.lane_bell(device).notify_one();
    }

    /// Puts a device on the board.
    pub fn put_device(&self, name: &DeviceName, device: DeviceOnBoard) {
        self.content().devices.insert(name.clone(), device);
    }

    /// A device's state changed; saying the same again changes nothing, not even `since`.
    pub fn device_is(&self, name: &DeviceName, state: DeviceState, now: Timestamp) {
        let mut content = self.content();
        let Some(device) = content.devices.get_mut(name) else {
            return;
        };
        if device.state == state {
            return;
        }
        device.state = state.clone();
        device.since = now;
        drop(content);
        let _ = self.news.send(News::Device {
            device: name.clone(),
            state,
        });
    }

    /// Changes what a device shows beside its state.
    pub fn edit_device(&self, name: &DeviceName, edit: impl FnOnce(&mut DeviceOnBoard)) {
        if let Some(device) = self.content().devices.get_mut(name) {
            edit(device);
        }
    }

    /// Every device.
    #[must_use]
    pub fn devices(&self) -> BTreeMap<DeviceName, DeviceOnBoard> {
        self.content().devices.clone()
    }

    /// A device.
    #[must_use]
    pub fn device(&self, name: &DeviceName) -> Option<DeviceOnBoard> {
        self.content().devices.get(name).cloned()
    }

    /// Changes what a property's link shows.
    pub fn edit_link(&self, property: &str, edit: impl FnOnce(&mut LinkOnBoard)) {
        edit(self.content().links.entry(property.to_owned()).or_default());
    }

    /// Every property's link.
    #[must_use]
    pub fn links(&self) -> BTreeMap<String, LinkOnBoard> {
        self.content().links.clone()
    }

    /// A person should know this. Also a log line.
    pub fn alarm(&self, at: Timestamp, text: impl Into<String>, command: Option<CommandId>) {
        let text = text.into();
        tracing::error!(%text, command = ?command.map(|id| id.to_string()), "Alarm");
        let mut content = self.content();
        if content
            .alarms
            .iter()
            .any(|old| old.text == text && old.command == command)
        {
            return;
        }
        content.alarms.push_back(Alarm { at, text, command });
        if content.alarms.len() > ALARMS_MAX {
            content.alarms.pop_front();
        }
    }

    /// The alarms since the start, oldest first.
    #[must_use]
    pub fn alarms(&self) -> Vec<Alarm> {
        self.content().alarms.iter().cloned().collect()
    }

    /// The journal works (`None`), or why it does not.
    pub fn journal_is(&self, fault: Option<(Timestamp, String)>) {
        let mut content = self.content();
        match (&content.journal_fault, &fault) {
            (None, Some((_, why))) => {
                tracing::error!(error = %why, "Journal cannot be written; no device is touched");
            }
            (Some(_), None) => tracing::info!("Journal can be written again"),
            (None, None) | (Some(_), Some(_)) => {}
        }
        if content.journal_fault.is_none() || fault.is_none() {
            content.journal_fault = fault;
        }
    }

    /// Why the journal cannot be written, and since when.
    #[must_use]
    pub fn journal_fault(&self) -> Option<(Timestamp, String)> {
        self.content().journal_fault.clone()
    }

    /// Tells whoever follows along.
    pub fn tell(&self, id: CommandId, device: &DeviceName, what: impl Into<String>) {
        let _ = self.news.send(News::Command {
            id,
            device: device.clone(),
            what: what.into(),
        });
    }

    /// Follows along from now on.
    #[must_use]
    pub fn follow(&self) -> broadcast::Receiver<News> {
        self.news.subscribe()
    }
}
