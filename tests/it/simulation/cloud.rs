//! Mews as the worker meets it: the rules of a command's states, lists, limits, and everything
//! that can go wrong between two ends of a request.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::{FutureExt, StreamExt, stream};
use nightporter::mews::post::{Answer, NoAnswer, Post};
use serde_json::{Value, json};
use tokio::time::sleep;
use uuid::Uuid;

use super::lives::Twin;
use super::scenario::{Kind, OF_THE_CLOUD, OrderPlan, Trouble};
use super::world::{State, World, beginning};

/// A command as Mews knows it.
#[derive(Debug, Clone)]
pub struct Command {
    pub state: &'static str,
    property: usize,
    json: Value,
}

#[derive(Default)]
pub struct CloudState {
    pub commands: BTreeMap<Uuid, Command>,
    sockets: BTreeMap<u64, Socket>,
    next_socket: u64,
    /// Of each property, by its access token.
    doors: Vec<Door>,
    /// What no real Mews does.
    pub twin: Twin,
}

/// What Mews counts of one access token.
#[derive(Default, Clone)]
struct Door {
    requests: VecDeque<Duration>,
    in_flight: usize,
}

#[derive(Default)]
struct Socket {
    property: usize,
    deaf: bool,
    frames: VecDeque<(Duration, Option<String>)>,
}

pub const STATES: [&str; 6] = [
    "Pending",
    "Received",
    "Processing",
    "Processed",
    "Error",
    "Cancelled",
];

pub fn is_final(state: &str) -> bool {
    rank(state) == 3
}

fn rank(state: &str) -> usize {
    let place = STATES.iter().position(|known| *known == state);
    place.unwrap_or_default().min(3)
}

/// The id of an order, and of a device: made from the seed.
pub fn order_id(seed: u64, order: usize) -> Uuid {
    let mixed = fastrand::Rng::with_seed(seed.wrapping_mul(1009) + order as u64).u128(..);
    uuid::Builder::from_random_bytes(mixed.to_be_bytes()).into_uuid()
}

pub fn device_id(machine: usize) -> Uuid {
    Uuid::from_u128(0xdead_0000_0000_4000_8000_0000_0000_0000 + machine as u128)
}

impl CloudState {
    pub fn new(properties: usize) -> Self {
        Self {
            doors: vec![Door::default(); properties],
            ..Self::default()
        }
    }

    pub fn pick_up(&mut self, property: usize) -> u64 {
        self.next_socket += 1;
        let socket = Socket {
            property,
            ..Socket::default()
        };
        self.sockets.insert(self.next_socket, socket);
        self.next_socket
    }

    pub fn hang_up(&mut self) {
        self.sockets.clear();
        for door in &mut self.doors {
            door.in_flight = 0;
        }
    }

    pub fn close(&mut self, socket: u64) {
        self.sockets.remove(&socket);
    }

    pub fn goes_deaf(&mut self, socket: u64) {
        if let Some(socket) = self.sockets.get_mut(&socket) {
            socket.deaf = true;
        }
    }

    pub fn next_frame(&self, socket: u64) -> Option<Duration> {
        let socket = self.sockets.get(&socket).filter(|socket| !socket.deaf)?;
        socket.frames.front().map(|(due, _)| *due)
    }

    pub fn take_frame(&mut self, socket: u64) -> Option<Option<String>> {
        let frame = self.sockets.get_mut(&socket)?.frames.pop_front()?;
        Some(frame.1)
    }

    pub fn pong(&mut self, socket: u64, due: Duration) {
        self.frame(socket, due, None);
    }

    fn frame(&mut self, socket: u64, due: Duration, text: Option<String>) {
        if let Some(socket) = self.sockets.get_mut(&socket) {
            let due = socket.frames.back().map_or(due, |(last, _)| due.max(*last));
            socket.frames.push_back((due, text));
        }
    }
}

impl State {
    /// Staff send an order.
    pub fn send_order(&mut self, number: usize, order: &OrderPlan) {
        let id = order_id(self.plan.seed, number);
        let created = self.now().saturating_sub(order.old);
        let created = beginning() + Duration::from_secs(created.as_secs());
        let kind = self.plan.machines[order.machine].kind;
        let data = if order.broken {
            json!({ "Unexpected": 1 })
        } else {
            data(kind, number, order, created)
        };
        let json = json!({
            "Id": id,
            "State": "Pending",
            "CreatedUtc": created.to_string(),
            "Device": device(kind, order.machine),
            "Data": data,
        });
        let command = Command {
            state: "Pending",
            property: self.plan.machines[order.machine].property,
            json,
        };
        self.cloud.commands.insert(id, command);
        self.judge.ordered(id, number, created);
        self.say(|| format!("order {number} of machine {}: {id}", order.machine));
        self.announce(id, "Pending");
    }

    /// Somebody who is not the worker gives a command a final state.
    pub fn ends_in_mews(&mut self, number: usize, state: &'static str) {
        let id = order_id(self.plan.seed, number);
        let now = self.now();
        if let Some(command) = self.cloud.commands.get_mut(&id)
            && !is_final(command.state)
        {
            command.state = state;
            self.judge.ended_by_another(id, state, now);
            self.say(|| format!("staff: {id} is {state}"));
            self.announce(id, state);
        }
    }

    fn announce(&mut self, id: Uuid, state: &str) {
        let Some(property) = self.cloud.commands.get(&id).map(|command| command.property) else {
            return;
        };
        let sockets = self.cloud.sockets.iter();
        let sockets: Vec<u64> = sockets
            .filter(|(_, socket)| socket.property == property)
            .map(|(number, _)| *number)
            .collect();
        for socket in sockets {
            let events = [Trouble::EventLost, Trouble::EventTwice];
            let times = match self.strikes_the_way(&events, property) {
                Some(Trouble::EventLost) => 0,
                Some(_) => 2,
                None => 1,
            };
            for _ in 0..times {
                let due = self.now() + self.millis(5..150);
                let text = json!({ "Events": [
                    { "Type": "DeviceCommand", "Id": id, "State": state }
                ] });
                self.cloud.frame(socket, due, Some(text.to_string()));
            }
        }
    }

    /// The worker has heard a frame.
    pub fn hears_events(&mut self, text: &Option<String>) {
        let Some(text) = text else { return };
        let frame: Value = serde_json::from_str(text).unwrap_or_default();
        let event = &frame["Events"][0];
        let state = event["State"].as_str().unwrap_or_default();
        if let Some(id) = uuid_of(&event["Id"])
            && is_final(state)
        {
            let now = self.now();
            self.judge.worker_knows_it_is_over(id, now);
        }
    }

    /// A request has arrived: what Mews does and says.
    fn arrives(&mut self, property: usize, operation: &str, body: &Value) -> (u16, Value) {
        let now = self.now();
        let requests = &mut self.cloud.doors[property].requests;
        while let Some(first) = requests.front()
            && *first + Duration::from_secs(30) < now
        {
            requests.pop_front();
        }
        requests.push_back(now);
        let many = requests.len();
        self.judge.asked(now, property, operation);
        if many > self.plan.limit {
            return (429, json!({}));
        }
        let ours = |command: &&Command| command.property == property;
        match operation {
            "configuration/get" => (200, self.configuration()),
            "devices/getAll" => {
                let machines = self.plan.machines.iter().enumerate();
                let machines = machines.filter(|(_, plan)| plan.property == property);
                let devices: Vec<Value> = machines.map(|(n, plan)| device(plan.kind, n)).collect();
                (200, json!({ "Devices": devices }))
            }
            "commands/getAllActive" => {
                let hides = self.cloud.twin == Twin::CloudListsNothing;
                let open = |command: &&Command| rank(command.state) < 2 && !hides;
                let commands = self.cloud.commands.values().filter(ours).filter(open);
                let commands: Vec<Value> = commands.map(Command::wire).collect();
                (200, json!({ "Commands": commands }))
            }
            "commands/getAllByIds" => {
                let ids: Vec<Uuid> = body["CommandIds"]
                    .as_array()
                    .map(|ids| ids.iter().filter_map(uuid_of).collect())
                    .unwrap_or_default();
                let commands = ids.iter().filter_map(|id| self.cloud.commands.get(id));
                let found: Vec<&Command> = commands.filter(ours).collect();
                let other = found.len() < ids.len();
                let commands: Vec<Value> = found.into_iter().map(Command::wire).collect();
                if other {
                    let what = "asked for, and not of its hotel";
                    self.judge.mixes_hotels(now, property, what);
                }
                (200, json!({ "Commands": commands }))
            }
            "fiscalMachineCommands/getAll" => {
                let hides = self.cloud.twin == Twin::CloudHidesBegun;
                let begun = |command: &&Command| {
                    let is = |kind: &str| command.json["Device"]["Type"] == kind;
                    command.state == "Processing" && is("FiscalMachine") && !hides
                };
                let commands = self.cloud.commands.values().filter(ours).filter(begun);
                let commands: Vec<Value> = commands.map(Command::wire).collect();
                (200, json!({ "Commands": commands, "Cursor": null }))
            }
            "commands/update" => self.update(property, body),
            _ => (404, json!({ "Message": "no such operation" })),
        }
    }

    /// The time as Mews shows it.
    fn shown(&self) -> jiff::Timestamp {
        if self.cloud.twin == Twin::CloudClockStands {
            return beginning() + Duration::from_secs(3600);
        }
        self.utc()
    }

    fn configuration(&self) -> Value {
        json!({
            "NowUtc": self.shown().to_string(),
            "Enterprise": {
                "Id": Uuid::from_u128(7),
                "Name": "Hotel",
                "TimeZoneIdentifier": "Europe/Prague",
            },
        })
    }

    fn update(&mut self, property: usize, body: &Value) -> (u16, Value) {
        let Some(id) = uuid_of(&body["CommandId"]) else {
            return (400, json!({ "Message": "no id" }));
        };
        let wanted = body["State"].as_str().unwrap_or_default();
        let notes = body["Notes"].as_str();
        let now = self.now();
        let Some(state) = STATES.iter().copied().find(|state| *state == wanted) else {
            return (400, json!({ "Message": "no such state" }));
        };
        self.judge.told(id, state, notes, now);
        let command = self.cloud.commands.get_mut(&id);
        let Some(command) = command.filter(|command| command.property == property) else {
            self.judge
                .mixes_hotels(now, property, "told of another's command");
            return (400, json!({ "Message": "no such command" }));
        };
        if command.state == state {
            return match is_final(state) {
                true if self.plan.repeat_status != 200 => {
                    (self.plan.repeat_status, json!({ "Message": "repeated" }))
                }
                _ => (200, json!({})),
            };
        }
        if state == "Processing" && self.cloud.twin == Twin::CloudForgets {
            return (200, json!({}));
        }
        if rank(state) <= rank(command.state) {
            return (
                403,
                json!({ "Message": "the command is elsewhere already" }),
            );
        }
        command.state = state;
        self.judge.took(id, state, notes, now);
        self.say(|| format!("Mews has {state} for {id}: {}", notes.unwrap_or("-")));
        self.announce(id, state);
        (200, json!({}))
    }
}

impl Command {
    fn wire(&self) -> Value {
        let mut json = self.json.clone();
        json["State"] = self.state.into();
        json
    }
}

fn uuid_of(value: &Value) -> Option<Uuid> {
    value.as_str()?.parse().ok()
}

fn device(kind: Kind, machine: usize) -> Value {
    let kind = match kind {
        Kind::Plain | Kind::Printer => "Printer",
        Kind::Encoder | Kind::Forgetful | Kind::Session | Kind::LockPc => "KeyCutter",
        Kind::Fiscal => "FiscalMachine",
    };
    json!({ "Id": device_id(machine), "Type": kind, "Name": title(machine) })
}

/// The device's name in Mews.
pub fn title(machine: usize) -> String {
    format!("Device {machine}")
}

/// The room of an order: what its cards bear.
pub fn room(number: usize) -> String {
    (1001 + number).to_string()
}

fn data(kind: Kind, number: usize, order: &OrderPlan, created: jiff::Timestamp) -> Value {
    match kind {
        Kind::Plain | Kind::Printer => json!({
            "CopyCount": order.count,
            "FileType": "application/pdf",
            "FileData": "JVBERi0=",
        }),
        Kind::Encoder | Kind::Forgetful | Kind::Session | Kind::LockPc => json!({
            "KeyCount": order.count,
            "LockIds": [room(number)],
            "StartUtc": created.to_string(),
            "EndUtc": (created + order.stay).to_string(),
            "LastName": "Guest",
        }),
        Kind::Fiscal => json!({
            "Bill": {
                "Id": Uuid::from_u128(1),
                "AccountId": Uuid::from_u128(2),
                "CreatedUtc": created.to_string(),
                "Revenue": [],
                "Payments": [],
            },
        }),
    }
}

/// The way to it, of one property.
pub struct SimulatedPost {
    pub world: Arc<World>,
    pub property: usize,
}

struct InFlight(Arc<World>, usize);

impl Drop for InFlight {
    fn drop(&mut self) {
        let mut state = self.0.state();
        let in_flight = &mut state.cloud.doors[self.1].in_flight;
        *in_flight = in_flight.saturating_sub(1);
    }
}

impl Post for SimulatedPost {
    fn post(
        &self,
        operation: &'static str,
        body: Vec<u8>,
    ) -> BoxFuture<'_, Result<Answer, NoAnswer>> {
        let (world, property) = (self.world.clone(), self.property);
        async move {
            let twin = world.state().cloud.twin;
            let text = String::from_utf8_lossy(&body);
            if twin == Twin::BoxDawdles && text.contains("Notes") {
                sleep(Duration::from_secs(9)).await;
            }
            let answer = travel(world.clone(), property, operation, body.clone()).await;
            let refused = answer.as_ref().is_ok_and(|answer| answer.status == 429);
            if refused && twin == Twin::BoxRepeats {
                drop(answer);
                sleep(Duration::from_millis(100)).await;
                return travel(world, property, operation, body).await;
            }
            answer
        }
        .boxed()
    }
}

async fn travel(
    world: Arc<World>,
    property: usize,
    operation: &'static str,
    body: Vec<u8>,
) -> Result<Answer, NoAnswer> {
    world.pass(operation).await;
    let _in_flight = InFlight(world.clone(), property);
    let request: Value = serde_json::from_slice(&body).unwrap_or_default();
    let (trouble, wait, arrives_first) = {
        let mut state = world.state();
        state.cloud.doors[property].in_flight += 1;
        let (now, in_flight) = (state.now(), state.cloud.doors[property].in_flight);
        state.judge.sent(now, property, in_flight);
        if request["AccessToken"] != format!("token-of-ACCESS{property}") {
            let what = "a request with another access token";
            state.judge.mixes_hotels(now, property, what);
        }
        let trouble = state.strikes_the_way(&OF_THE_CLOUD, property);
        let wait = match trouble {
            Some(Trouble::SlowCloud) => state.millis(1_000..40_000),
            _ => state.millis(15..250),
        };
        (trouble, wait, state.rng.bool())
    };
    if trouble == Some(Trouble::NoRoute) {
        sleep(wait).await;
        return Err(NoAnswer("no route".to_owned()));
    }
    if !arrives_first {
        sleep(wait).await;
        world.pass("on the way to Mews").await;
    }
    let (status, answer, date) = {
        let mut state = world.state();
        let acts = match trouble {
            Some(Trouble::ServerError) => state.rng.bool(),
            Some(Trouble::ForeignPage | Trouble::TooMany | Trouble::Unauthorized) => false,
            Some(Trouble::Conflict) => operation != "commands/update",
            _ => true,
        };
        let (mut status, answer) = if acts {
            state.arrives(property, operation, &request)
        } else {
            let now = state.now();
            state.cloud.doors[property].requests.push_back(now);
            state.judge.asked(now, property, operation);
            (409, json!({ "Message": "conflict" }))
        };
        match trouble {
            Some(Trouble::ServerError) => status = 503,
            Some(Trouble::ForeignPage) => status = 200,
            Some(Trouble::TooMany) => status = 429,
            Some(Trouble::Unauthorized) => status = 401,
            _ => {}
        }
        state.say(|| format!("{operation}: {status} {trouble:?}"));
        let date = state.dates().then(|| http_date(state.shown()));
        (status, answer, date)
    };
    world.pass("Mews has acted").await;
    if arrives_first {
        sleep(wait).await;
        world.pass("on the way back from Mews").await;
    }
    let page = matches!(trouble, Some(Trouble::ServerError | Trouble::ForeignPage));
    let mut bytes = if page {
        b"<html>Sign in to the hotel's network</html>".to_vec()
    } else {
        answer.to_string().into_bytes()
    };
    let mut state = world.state();
    let retry_after = (status == 429).then(|| state.pause(property)).flatten();
    if retry_after.is_some() {
        let now = state.now();
        state.judge.pause_begins(now, property);
    }
    let mut broken = false;
    match trouble {
        Some(Trouble::LostAnswer) => return Err(NoAnswer("reset".to_owned())),
        Some(Trouble::HalfBody) => {
            let kept = state.rng.usize(..=bytes.len());
            broken = kept < bytes.len();
            bytes.truncate(kept);
        }
        _ => {}
    }
    let pieces = state.pieces(bytes, broken);
    drop(state);
    Ok(Answer {
        status,
        retry_after,
        date,
        request_id: None,
        body: stream::iter(pieces)
            .then(|(wait, piece)| async move {
                sleep(wait).await;
                piece
            })
            .boxed(),
    })
}

type Piece = (Duration, Result<Bytes, NoAnswer>);

impl State {
    /// Answers bear their date.
    fn dates(&self) -> bool {
        !self.plan.seed.is_multiple_of(5)
    }

    /// The Retry-After of a 429 that the worker gets now.
    fn pause(&mut self, property: usize) -> Option<String> {
        let seconds = self.rng.u64(1..20);
        let until = self.now() + Duration::from_secs(seconds);
        // A date means nothing without the date of the answer.
        let forms = if self.dates() { 3 } else { 2 };
        match self.rng.u8(..forms) {
            0 => None,
            1 => {
                self.judge.must_pause(until, property);
                Some(seconds.to_string())
            }
            _ => {
                // Whole seconds, and from the Date of the same answer on.
                self.judge
                    .must_pause(until.saturating_sub(Duration::from_secs(2)), property);
                Some(http_date(self.utc() + Duration::from_secs(seconds)))
            }
        }
    }

    fn pieces(&mut self, bytes: Vec<u8>, broken: bool) -> Vec<Piece> {
        let mut pieces: Vec<Piece> = Vec::new();
        let mut rest = Bytes::from(bytes);
        while !rest.is_empty() {
            let size = self.rng.usize(1..=4000).min(rest.len());
            let wait = self.millis(0..20);
            pieces.push((wait, Ok(rest.split_to(size))));
        }
        if broken && self.rng.bool() {
            pieces.push((Duration::ZERO, Err(NoAnswer("reset".to_owned()))));
        }
        pieces
    }
}

fn http_date(at: jiff::Timestamp) -> String {
    let seconds = u64::try_from(at.as_second()).unwrap_or_default();
    httpdate::fmt_http_date(std::time::UNIX_EPOCH + Duration::from_secs(seconds))
}
