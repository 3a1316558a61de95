//! The handle by which a test or the page works with a hotel: fill it, wait, look what was seen.

use super::{
    clock::{self, Clock},
    cloud::Cloud,
    command::{By, CommandState, HistoryEntry, NewCommand},
    device::{Device, DeviceKind},
    documents::{Backlog, Payload},
    ledger::RequestSeen,
    property::{HotelOptions, HotelState},
    samples::{self, Amount, KeyRequest},
    sockets::Outgoing,
};
use jiff::Timestamp;
use serde_json::{Value, json};
use std::{sync::Arc, time::Duration};
use tokio::time::Instant;
use uuid::Uuid;

/// A hotel in the sandbox. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Hotel {
    cloud: Arc<Cloud>,
    index: usize,
}

impl Hotel {
    pub(super) fn new(cloud: Arc<Cloud>, index: usize) -> Self {
        Self { cloud, index }
    }

    fn look<T>(&self, look: impl FnOnce(&HotelState) -> T) -> T {
        self.cloud.look(|state| look(&state.hotels[self.index]))
    }

    fn change<T>(&self, change: impl FnOnce(&mut HotelState) -> T) -> T {
        self.cloud
            .change(|state| change(&mut state.hotels[self.index]))
    }

    /// `Enterprise.Id`.
    pub fn id(&self) -> Uuid {
        self.look(|hotel| hotel.id)
    }

    /// The token of the connection with this hotel.
    pub fn access_token(&self) -> String {
        self.look(|hotel| hotel.access_token.clone())
    }

    /// Whether the access token works; one that does not is 401, on the socket too.
    pub fn set_token_works(&self, works: bool) {
        self.change(|hotel| hotel.token_works = works);
    }

    /// Changes what Mews knows of the hotel. The access token stays.
    pub fn set_options(&self, change: impl FnOnce(&mut HotelOptions)) {
        self.change(|hotel| change(&mut hotel.options));
    }

    // Devices.

    /// Adds a device that is connected to the integration. A socket that is open does not announce
    /// its commands before it is opened again, as in Mews.
    pub fn add_device(&self, kind: DeviceKind, name: &str) -> Uuid {
        let id = Uuid::new_v4();
        let name = name.to_owned();
        self.put_device(Device {
            id,
            kind,
            name,
            identifier: None,
            connected: true,
        });
        id
    }

    /// Adds a device, or changes the one with this id.
    pub fn put_device(&self, device: Device) {
        let device = Arc::new(device);
        self.change(|hotel| {
            hotel.devices.retain(|old| old.id != device.id);
            hotel.devices.push(device);
        });
    }

    /// Removes a device; its commands stay.
    pub fn remove_device(&self, id: Uuid) {
        self.change(|hotel| hotel.devices.retain(|device| device.id != id));
    }

    /// All devices.
    pub fn devices(&self) -> Vec<Device> {
        self.look(|hotel| {
            hotel
                .devices
                .iter()
                .map(|device| Device::clone(device))
                .collect()
        })
    }

    // Commands.

    /// Creates a command.
    ///
    /// # Panics
    /// The hotel has no such device.
    pub fn add(&self, new: NewCommand) -> Uuid {
        let announce = new.announce;
        self.cloud.change(|state| {
            let now = state.clock.utc();
            let id = state.hotels[self.index].insert(new, now);
            let id = id.expect("the device was added to this hotel before");
            if announce {
                state.announce(self.index, id);
            }
            id
        })
    }

    /// Creates a command with this `Data`.
    pub fn add_raw(&self, device: Uuid, data: Value) -> Uuid {
        self.add(NewCommand::new(device, data))
    }

    /// Creates a command with this `Data` at an earlier (or later) time, announced now.
    pub fn add_at(&self, device: Uuid, data: Value, created: Timestamp) -> Uuid {
        self.add(NewCommand::new(device, data).created(created))
    }

    /// A print job, not yet added.
    pub fn print(&self, device: Uuid, mime: &str, document: &[u8], copies: i64) -> NewCommand {
        let printer = self.device_name(device);
        NewCommand::with(device, Payload::print(mime, document, copies, &printer))
    }

    /// Creates a print job.
    pub fn add_print(&self, device: Uuid, mime: &str, document: &[u8], copies: i64) -> Uuid {
        self.add(self.print(device, mime, document, copies))
    }

    /// Creates a command to cut keys.
    pub fn add_key(&self, device: Uuid, key: &KeyRequest) -> Uuid {
        self.add_raw(device, key.data())
    }

    /// Creates a command to issue a fiscal document for this bill (older shape).
    pub fn add_fiscal(&self, device: Uuid, bill: Value) -> Uuid {
        self.add_raw(device, samples::fiscal_data(bill))
    }

    /// Creates a command to take a payment.
    pub fn add_payment(&self, device: Uuid, amount: &Amount) -> Uuid {
        self.add_raw(device, samples::payment_data(amount))
    }

    /// Creates a command to scan documents, for this guest or for the guests of this reservation.
    pub fn add_scan(&self, device: Uuid, guest: Option<Uuid>, reservation: Option<Uuid>) -> Uuid {
        let data = json!({
            "PassportScannerId": null, "CustomerId": guest, "ReservationId": reservation,
        });
        self.add_raw(device, data)
    }

    /// Creates many waiting print jobs without a word. Their documents are made when they are
    /// read: the first line of each is `Job <number> <command id>`.
    pub fn add_backlog(&self, device: Uuid, backlog: &Backlog) -> Vec<Uuid> {
        let printer = self.device_name(device);
        let Backlog {
            count,
            size,
            copies,
            age_s,
        } = *backlog;
        self.cloud.change(|state| {
            let now = state.clock.utc();
            let hotel = &mut state.hotels[self.index];
            let add = |index: usize| {
                let printer = printer.clone();
                let payload = Payload::Made {
                    index,
                    size,
                    copies,
                    printer,
                };
                let left = (count - 1 - index) as u64 * u64::from(age_s) / count as u64;
                let created = now.checked_sub(Duration::from_secs(left)).unwrap_or(now);
                hotel.insert(NewCommand::with(device, payload).created(created), now)
            };
            let ids: Option<Vec<Uuid>> = (0..count).map(add).collect();
            ids.expect("the device was added to this hotel before")
        })
    }

    /// Staff cancel a command. False if it is unknown or has a final state.
    pub fn cancel(&self, id: Uuid) -> bool {
        self.set_state(id, CommandState::Cancelled)
    }

    /// Moves a command from outside, as staff, Mews or another worker would. False if it is
    /// unknown or its state forbids it.
    pub fn set_state(&self, id: Uuid, next: CommandState) -> bool {
        self.cloud.change(|state| {
            let now = state.clock.utc();
            let Some(command) = state.hotels[self.index].command_mut(id) else {
                return false;
            };
            let was = command.view.state;
            if was == next || !was.accepts(next) {
                return false;
            }
            command.view.state = next;
            command.updated = now;
            command.history.push(HistoryEntry {
                at: Clock::instant(),
                utc: now,
                by: By::Mews,
                state: next,
                progress: None,
                notes: None,
                answered: None,
                applied: true,
            });
            state.announce(self.index, id);
            true
        })
    }

    /// Makes the cloud forget a command: no list and no answer shows it any more.
    pub fn forget(&self, id: Uuid) {
        self.change(|hotel| hotel.forget(id));
    }

    /// Ids of all commands, in order of arrival.
    pub fn commands(&self) -> Vec<Uuid> {
        self.look(|hotel| hotel.commands().map(|command| command.view.id).collect())
    }

    /// The state of a command.
    pub fn state(&self, id: Uuid) -> Option<CommandState> {
        self.look(|hotel| Some(hotel.command(id)?.view.state))
    }

    /// The notes staff see.
    pub fn notes(&self, id: Uuid) -> Option<String> {
        self.look(|hotel| hotel.command(id)?.notes.clone())
    }

    /// The progress staff see.
    pub fn progress(&self, id: Uuid) -> Option<f64> {
        self.look(|hotel| hotel.command(id)?.progress)
    }

    /// Everything that happened to a command, its creation first.
    pub fn history(&self, id: Uuid) -> Vec<HistoryEntry> {
        let look = |hotel: &HotelState| Some(hotel.command(id)?.history.clone());
        self.look(look).unwrap_or_default()
    }

    /// Announces a command once more.
    pub fn announce(&self, id: Uuid) {
        self.cloud.change(|state| state.announce(self.index, id));
    }

    // Waiting. Nothing here ends by itself: the caller puts a time limit around it.

    /// Waits until the condition holds. It is looked at after every change.
    pub async fn wait_until(&self, mut holds: impl FnMut(&Self) -> bool) {
        let mut versions = self.cloud.versions();
        loop {
            versions.borrow_and_update();
            if holds(self) || versions.changed().await.is_err() {
                return;
            }
        }
    }

    /// Waits until a command has a final state.
    pub async fn wait_final(&self, id: Uuid) -> CommandState {
        let is_final = |hotel: &Self| hotel.state(id).is_some_and(CommandState::is_final);
        self.wait_until(is_final).await;
        self.state(id).unwrap_or(CommandState::Error)
    }

    /// Waits until all these commands have final states.
    pub async fn wait_all_final(&self, ids: &[Uuid]) {
        let mut rest = ids.to_vec();
        self.wait_until(|hotel| {
            let is_final = |id: &Uuid| hotel.state(*id).is_some_and(CommandState::is_final);
            while rest.pop_if(|id| is_final(id)).is_some() {}
            rest.is_empty()
        })
        .await;
    }

    // What was seen.

    /// This hotel's requests, in order of arrival.
    pub fn requests(&self) -> Vec<RequestSeen> {
        let hotel = Some(self.id());
        let of_hotel = |seen: &&RequestSeen| seen.hotel == hotel;
        self.cloud
            .look(|state| state.ledger.requests().filter(of_hotel).cloned().collect())
    }

    /// How many requests of this hotel went to an operation.
    pub fn request_count(&self, operation: &str) -> usize {
        let hotel = Some(self.id());
        let matches = |seen: &&RequestSeen| {
            seen.hotel == hotel && seen.operation.as_deref() == Some(operation)
        };
        self.cloud
            .look(|state| state.ledger.requests().filter(matches).count())
    }

    /// The most requests in any window of the rate limit, refused ones included.
    pub fn max_in_window(&self) -> usize {
        let hotel = self.id();
        let span = self.cloud.rules.rate_span;
        self.cloud
            .look(|state| state.ledger.most_in_window(hotel, span))
    }

    /// Requests per window since the start, one window after the other.
    pub fn counts_per_window(&self) -> Vec<usize> {
        let hotel = Some(self.id());
        let span = self.cloud.rules.rate_span.as_nanos().max(1);
        self.cloud.look(|state| {
            let mut counts = Vec::new();
            for seen in state.ledger.requests().filter(|seen| seen.hotel == hotel) {
                let place = state.clock.since_start(seen.at).as_nanos() / span;
                let place = usize::try_from(place).unwrap_or(usize::MAX - 1);
                if counts.len() <= place {
                    counts.resize(place + 1, 0);
                }
                counts[place] += 1;
            }
            counts
        })
    }

    /// The most requests that were under way at once.
    pub fn max_in_flight(&self) -> usize {
        self.look(|hotel| hotel.most_in_flight)
    }

    /// When a command was created, and when its final state arrived, on the runtime's timer.
    pub fn life_span(&self, id: Uuid) -> Option<(Instant, Option<Instant>)> {
        let history = self.history(id);
        let ended = history
            .iter()
            .find(|entry| entry.applied && entry.state.is_final());
        Some((history.first()?.at, ended.map(|entry| entry.at)))
    }

    // The socket.

    /// Sockets that are open and not a black hole.
    pub fn sockets(&self) -> usize {
        self.look(|hotel| hotel.sockets.iter().filter(|socket| !socket.black).count())
    }

    /// Pings received.
    pub fn pings(&self) -> u64 {
        self.look(|hotel| hotel.pings)
    }

    /// Sends these events (an array) in one message, as they are. Faults do not touch it.
    pub fn push_events(&self, events: Value) {
        self.push_text(&json!({ "Events": events }).to_string());
    }

    /// Sends a text message.
    pub fn push_text(&self, text: &str) {
        self.change(|hotel| hotel.send(|| Outgoing::Text(text.to_owned())));
    }

    /// Sends a binary message.
    pub fn push_binary(&self, bytes: &[u8]) {
        self.change(|hotel| hotel.send(|| Outgoing::Binary(bytes.to_vec())));
    }

    /// Breaks all sockets without a farewell.
    pub fn cut_sockets(&self) {
        self.change(|hotel| hotel.sockets.iter().for_each(|socket| socket.link.reset()));
    }

    /// Closes all sockets with this close code.
    pub fn close_sockets(&self, code: u16) {
        self.change(|hotel| hotel.send(|| Outgoing::Close(code)));
    }

    /// Lets all open sockets fall silent for good; new ones are not touched.
    pub fn silence_sockets(&self) {
        self.change(HotelState::silence);
    }
}

impl Hotel {
    fn device_name(&self, id: Uuid) -> String {
        self.look(|hotel| hotel.device(id).map(|device| device.name.clone()))
            .unwrap_or_default()
    }

    /// Puts customers, companionships, order items and the like into the hotel; `list` is the
    /// name of the list in the API's answers, such as `Customers` or `OrderItems`.
    pub fn put(&self, list: &str, item: Value) {
        self.change(|hotel| hotel.store.put(list, item));
    }

    /// What such a list holds now.
    pub fn stored(&self, list: &str) -> Vec<Value> {
        self.look(|hotel| hotel.store.list(list).to_vec())
    }

    /// The `configuration/get` a client would see now.
    pub fn configuration(&self) -> Value {
        self.cloud.look(|state| {
            let now = clock::wire(state.clock.utc());
            super::operations::configuration(&state.hotels[self.index], &now)
        })
    }
}
