//! What the worker shows of itself, gathered from board, journal and hotels.

use std::path::{Path, PathBuf};

use driver_sdk::{Catalogue, Class, CommandId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::ready::Readiness;
use crate::board::{Alarm, DeviceOnBoard, DeviceState};
use crate::disk;
use crate::hotel::Hotel;
use crate::journal::{JournalError, Row};
use crate::mews::budget::LIMIT;
use crate::supervise::Worker;

/// Everything `nightporter status` tells. A reader takes what it knows; members may be added.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Status {
    /// The worker's version.
    pub version: String,
    /// Now, by the cloud's clock as far as it is known.
    pub now: Timestamp,
    /// Whether commands get through.
    pub readiness: Readiness,
    /// In the order of their names.
    pub properties: Vec<PropertyStatus>,
    /// In the order of their names.
    pub devices: Vec<DeviceStatus>,
    /// Open doubts, the oldest first.
    pub in_doubt: Vec<DoubtStatus>,
    /// Since the start, the oldest first.
    pub alarms: Vec<Alarm>,
    /// The worker's memory.
    pub journal: JournalStatus,
}

/// Whether Mews takes the tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tokens {
    /// It has answered with them.
    Accepted,
    /// It answered 401.
    Refused,
    /// It has not answered yet.
    Unknown,
}

/// A property: its link, its pace, its commands.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PropertyStatus {
    /// `[property.NAME]`.
    pub name: String,
    /// The hotel's name in Mews.
    pub hotel: Option<String>,
    /// The zone in force.
    pub zone: Option<String>,
    /// The socket stands, since when.
    pub socket_up_since: Option<Timestamp>,
    /// Why it does not.
    pub socket_down_because: Option<String>,
    /// Whether the tokens are taken.
    pub tokens: Tokens,
    /// When Mews last answered well.
    pub last_answer: Option<Timestamp>,
    /// When the last complete sweep ended.
    pub last_sweep: Option<Timestamp>,
    /// The cloud has told the time.
    pub time_known: bool,
    /// By so many seconds this PC's clock is ahead of the cloud's; negative: behind.
    pub clock_ahead_s: Option<i64>,
    /// The pace.
    pub budget: BudgetStatus,
    /// Commands accepted and not begun.
    pub waiting: u64,
    /// Begun, without a known end.
    pub under_way: u64,
    /// Ended, and Mews has not confirmed it.
    pub unreported: u64,
    /// When the oldest of these ended.
    pub oldest_unreported: Option<Timestamp>,
}

/// How fast we may ask Mews.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct BudgetStatus {
    /// Requests that could be sent at once.
    pub free: usize,
    /// Of so many in any 30 s.
    pub limit: usize,
    /// Under way.
    pub in_flight: usize,
    /// Waiting for their turn.
    pub waiting: usize,
    /// Mews asked for a pause, which lasts so long yet.
    pub paused_s: Option<u64>,
    /// Mews has not answered for so long.
    pub outage_s: Option<u64>,
}

/// A device.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct DeviceStatus {
    /// `[device.NAME]`.
    pub name: String,
    /// Its name in Mews.
    pub title: String,
    /// Its class.
    pub class: Class,
    /// The kind of its driver.
    pub driver: String,
    /// The property whose commands it takes.
    pub property: String,
    /// `ready`, `busy`, `waiting`, `asking` or `blocked`.
    pub state: String,
    /// Since when.
    pub since: Timestamp,
    /// The command it is about.
    pub command: Option<CommandId>,
    /// How far the work is.
    pub percent: Option<u8>,
    /// What is the matter and what to do.
    pub say: Option<String>,
    /// Something to tell that stops nothing.
    pub warnings: Vec<String>,
    /// Commands in its line.
    pub waiting: u64,
}

/// A command nobody knows the end of.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct DoubtStatus {
    /// The command.
    pub id: CommandId,
    /// `[device.NAME]`.
    pub device: String,
    /// When it was ordered.
    pub created: Timestamp,
    /// Since when it is in doubt.
    pub since: Timestamp,
    /// The device takes nothing until it is settled.
    pub blocks: bool,
    /// What to look at.
    pub check: String,
    /// What to do then.
    pub todo: String,
}

/// The worker's memory.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct JournalStatus {
    /// Where it is.
    pub path: PathBuf,
    /// Why it cannot be written.
    pub fault: Option<String>,
    /// Since when.
    pub since: Option<Timestamp>,
    /// Bytes free on its disk, where the system says so.
    #[serde(default)]
    pub free_bytes: Option<u64>,
}

impl Status {
    /// Looks at everything once. The journal is tried: a worker that cannot write is not well.
    pub async fn look(worker: &Worker, journal: &Path) -> Self {
        let now = worker
            .hotels()
            .values()
            .next()
            .map_or(Timestamp::UNIX_EPOCH, |hotel| hotel.now());
        let journal = journal_status(worker, journal, now).await;
        let mut properties = Vec::new();
        for hotel in worker.hotels().values() {
            properties.push(property(hotel).await);
        }
        let mut devices = Vec::new();
        let doubts = worker.journal().look(|core| core.every_doubt()).await;
        let doubts = doubts.unwrap_or_default();
        let doubts = doubts.iter().map(|row| doubt(row, worker.catalogue()));
        let mut in_doubt: Vec<_> = doubts.collect();
        for (name, on_board) in worker.board().devices() {
            let asked = name.clone();
            let waiting = worker.journal().look(move |core| core.in_line(&asked));
            let waiting = waiting.await.unwrap_or_default();
            let name = name.as_str();
            devices.push(device(name, on_board, waiting, worker.catalogue()));
        }
        in_doubt.sort_by_key(|doubt: &DoubtStatus| doubt.since);
        Self {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            now,
            readiness: Readiness::of(&properties, &journal, now),
            properties,
            devices,
            in_doubt,
            alarms: worker.board().alarms(),
            journal,
        }
    }
}

async fn journal_status(worker: &Worker, path: &Path, now: Timestamp) -> JournalStatus {
    // Read, too: a fault that is over is over for the board as well.
    match worker.journal().with(crate::journal::Core::probe).await {
        Ok(()) => worker.board().journal_is(None),
        Err(error) => worker.board().journal_is(Some((now, chain(&error)))),
    }
    let fault = worker.board().journal_fault();
    JournalStatus {
        path: path.to_owned(),
        since: fault.as_ref().map(|(since, _)| *since),
        free_bytes: disk::free_beside(path),
        fault: fault.map(|(_, why)| why),
    }
}

fn chain(error: &JournalError) -> String {
    let cause = std::error::Error::source(error);
    let cause = cause.map(|cause| format!(": {cause}")).unwrap_or_default();
    format!("{error}{cause}")
}

async fn property(hotel: &Hotel) -> PropertyStatus {
    let link = hotel.board.links().remove(&hotel.name).unwrap_or_default();
    let name = hotel.name.clone();
    let (counts, oldest_unreported) = hotel
        .journal
        .look(move |core| Ok((core.counts(&name)?, core.oldest_unreported(&name)?)))
        .await
        .unwrap_or_default();
    let pace = hotel.cloud.budget().pace();
    let clock = hotel.cloud.clock();
    let seconds = |time: std::time::Duration| time.as_secs();
    PropertyStatus {
        name: hotel.name.clone(),
        hotel: link.hotel,
        zone: hotel
            .zone()
            .and_then(|zone| zone.iana_name().map(str::to_owned)),
        socket_up_since: link.up_since,
        socket_down_because: link.down_because,
        tokens: match (link.unauthorized, link.last_answer) {
            (true, _) => Tokens::Refused,
            (false, Some(_)) => Tokens::Accepted,
            (false, None) => Tokens::Unknown,
        },
        last_answer: link.last_answer,
        last_sweep: link.last_sweep,
        time_known: clock.known(),
        clock_ahead_s: clock.skew().map(|skew| skew.as_secs()),
        budget: BudgetStatus {
            free: pace.free,
            limit: LIMIT,
            in_flight: pace.in_flight,
            waiting: pace.waiting,
            paused_s: pace.paused_for.map(seconds),
            outage_s: pace.outage_for.map(seconds),
        },
        waiting: counts.waiting,
        under_way: counts.committed,
        unreported: counts.unreported,
        oldest_unreported,
    }
}

fn device(
    name: &str,
    on_board: DeviceOnBoard,
    waiting: u64,
    catalogue: &Catalogue,
) -> DeviceStatus {
    let (state, command, percent, say) = match &on_board.state {
        DeviceState::Ready => ("ready", None, None, None),
        DeviceState::Busy { command, percent } => ("busy", Some(*command), *percent, None),
        DeviceState::Waiting { say } => ("waiting", None, None, Some(catalogue.sentence(say))),
        DeviceState::Asking { command } => {
            let say = "the device is being asked what became of the command";
            ("asking", Some(*command), None, Some(say.to_owned()))
        }
        DeviceState::Blocked { command } => {
            let say = format!(
                "takes nothing new before the doubt is settled: look at the device, then \
                 nightporter resolve {} happened|did-not-happen",
                short(*command)
            );
            ("blocked", Some(*command), None, Some(say))
        }
    };
    let mut warnings: Vec<String> = on_board
        .warning
        .iter()
        .map(|say| catalogue.sentence(say))
        .collect();
    if on_board.in_hotel == Some(false) {
        warnings.push("Mews has no such device: link it in Mews, or correct `mews`".to_owned());
    }
    DeviceStatus {
        name: name.to_owned(),
        title: on_board.title,
        class: on_board.class,
        driver: on_board.driver,
        property: on_board.property,
        state: state.to_owned(),
        since: on_board.since,
        command,
        percent,
        say,
        warnings,
        waiting,
    }
}

fn doubt(row: &Row, catalogue: &Catalogue) -> DoubtStatus {
    let check = row
        .outcome
        .as_ref()
        .map(|outcome| catalogue.sentence(&outcome.say));
    DoubtStatus {
        id: row.entry.id,
        device: row.device.to_string(),
        created: row.created,
        since: row
            .settled_at
            .or(row.committed_at)
            .unwrap_or(row.accepted_at),
        blocks: row.entry.class.is_money(),
        check: check.unwrap_or_default(),
        todo: format!(
            "nightporter resolve {} happened|did-not-happen",
            short(row.entry.id)
        ),
    }
}

/// The beginning of an id: what a person types.
fn short(id: CommandId) -> String {
    id.to_string()[..8].to_owned()
}
