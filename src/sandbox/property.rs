//! What Mews holds of a hotel: its options, devices, commands, sockets and budget.

use super::{
    clock::Clock,
    cloud::{Rules, invented_token},
    command::{By, Command, CommandView, HistoryEntry, NewCommand},
    device::Device,
    limit::Window,
    operations::Store,
    sockets::Socket,
};
use jiff::Timestamp;
use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};
use uuid::Uuid;

/// In which order a list of commands comes; the API promises none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ListOrder {
    /// As pages are cut.
    NewestFirst,
    /// By creation.
    OldestFirst,
    /// Neither.
    Mixed,
}

/// What Mews knows of a hotel.
#[derive(Debug, Clone)]
pub struct HotelOptions {
    /// Its name.
    pub name: String,
    /// Its access token; invented if `None`.
    pub access_token: Option<String>,
    /// IANA name of its time zone.
    pub time_zone: String,
    /// `LegalEnvironmentCode`, which fiscal rules apply.
    pub legal_environment: String,
    /// ISO code of its default currency.
    pub currency: String,
    /// Whether prices are gross.
    pub gross_prices: bool,
    /// Whether the token is a portfolio token.
    pub portfolio: bool,
    /// Whether document numbers may be stored.
    pub document_numbers: bool,
    /// Whether `fiscalMachineCommands/getAll` is granted; else it is 401.
    pub fiscal_list: bool,
    /// Operations that answer 401 although the token is good.
    pub denied: BTreeSet<String>,
    /// The order of command lists.
    pub order: ListOrder,
    /// Most commands in one `getAllActive`; all if `None`.
    pub active_limit: Option<usize>,
}

impl Default for HotelOptions {
    fn default() -> Self {
        Self {
            name: "Sandbox Hotel".to_owned(),
            access_token: None,
            time_zone: "Europe/Lisbon".to_owned(),
            legal_environment: "PT".to_owned(),
            currency: "EUR".to_owned(),
            gross_prices: true,
            portfolio: false,
            document_numbers: true,
            fiscal_list: true,
            denied: BTreeSet::new(),
            order: ListOrder::NewestFirst,
            active_limit: None,
        }
    }
}

/// A hotel's part of the cloud's state.
#[derive(Debug)]
pub(super) struct HotelState {
    pub(super) id: Uuid,
    pub(super) chain: Uuid,
    pub(super) access_token: String,
    pub(super) token_works: bool,
    pub(super) options: HotelOptions,
    pub(super) devices: Vec<Arc<Device>>,
    pub(super) window: Window,
    pub(super) in_flight: usize,
    pub(super) most_in_flight: usize,
    pub(super) sockets: Vec<Socket>,
    pub(super) pings: u64,
    pub(super) store: Store,
    commands: Vec<Command>,
    places: HashMap<Uuid, usize>,
}

impl HotelState {
    pub(super) fn new(options: HotelOptions, rules: &Rules) -> Self {
        Self {
            id: Uuid::new_v4(),
            chain: Uuid::new_v4(),
            access_token: options.access_token.clone().unwrap_or_else(invented_token),
            token_works: true,
            options,
            devices: Vec::new(),
            window: Window::new(rules.rate_limit, rules.rate_span),
            in_flight: 0,
            most_in_flight: 0,
            sockets: Vec::new(),
            pings: 0,
            store: Store::default(),
            commands: Vec::new(),
            places: HashMap::new(),
        }
    }

    pub(super) fn device(&self, id: Uuid) -> Option<&Arc<Device>> {
        self.devices.iter().find(|device| device.id == id)
    }

    pub(super) fn command(&self, id: Uuid) -> Option<&Command> {
        self.commands.get(*self.places.get(&id)?)
    }

    pub(super) fn command_mut(&mut self, id: Uuid) -> Option<&mut Command> {
        self.commands.get_mut(*self.places.get(&id)?)
    }

    /// In order of arrival.
    pub(super) fn commands(&self) -> impl DoubleEndedIterator<Item = &Command> {
        let places = &self.places;
        self.commands
            .iter()
            .filter(|command| places.contains_key(&command.view.id))
    }

    /// Puts a list into this hotel's order: by creation, equal times by arrival.
    pub(super) fn ordered(&self, mut views: Vec<CommandView>) -> Vec<CommandView> {
        views.sort_by_key(|view| (view.created, self.places.get(&view.id).copied()));
        match self.options.order {
            ListOrder::OldestFirst => {}
            ListOrder::NewestFirst => views.reverse(),
            ListOrder::Mixed => fastrand::shuffle(&mut views),
        }
        views
    }

    /// Takes a command off every list.
    pub(super) fn forget(&mut self, id: Uuid) {
        self.places.remove(&id);
    }

    /// Creates a command; the caller announces it.
    pub(super) fn insert(&mut self, new: NewCommand, now: Timestamp) -> Option<Uuid> {
        let device = Arc::clone(self.device(new.device)?);
        let created = whole_seconds(new.created.unwrap_or(now));
        let view = CommandView {
            id: new.id,
            state: new.state,
            created,
            creator: new.creator,
            device,
            payload: Arc::new(new.payload),
        };
        let birth = HistoryEntry {
            at: Clock::instant(),
            utc: now,
            by: By::Mews,
            state: new.state,
            progress: None,
            notes: None,
            answered: None,
            applied: true,
        };
        self.places.insert(new.id, self.commands.len());
        let command = Command {
            view,
            progress: None,
            notes: None,
            updated: now,
            history: vec![birth],
        };
        self.commands.push(command);
        Some(new.id)
    }
}

fn whole_seconds(at: Timestamp) -> Timestamp {
    Timestamp::from_second(at.as_second()).unwrap_or(at)
}
