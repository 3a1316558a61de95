//! The judge: its own book of what was ordered, made and told, and the journal by plain SQL. It
//! knows no code of the worker. A breach names the promise of PRODUCT that it breaks.

use std::collections::{BTreeMap, VecDeque};
use std::path::Path;
use std::time::Duration;

use driver_sdk::{Class, CommandId};
use jiff::Timestamp;
use rusqlite::{Connection, OpenFlags, OptionalExtension};
use uuid::Uuid;

use super::cloud::{is_final, title};
use super::scenario::{Kind, Lost, OF_THE_CLOUD, OF_THE_DISK, OF_THE_SOCKET, Scenario, Trouble};
use super::world::{State, beginning};

/// The last state of a command, and who gave it.
#[derive(Debug, Clone)]
struct End {
    state: &'static str,
    notes: String,
    at: Duration,
    by_worker: bool,
    /// So many requests were on the way that it had to wait.
    rush: bool,
}

#[derive(Debug)]
struct Order {
    machine: usize,
    asked: usize,
    /// True time from which on no attempt may begin.
    expires: Option<Duration>,
    made: usize,
    marked: usize,
    /// What the device itself has said to exist.
    claimed: usize,
    processing: bool,
    /// Since when the worker knows that it is over in Mews.
    over_known: Option<Duration>,
    end: Option<End>,
    /// The attempt whose effects were seen last.
    attempt: i64,
    /// When the device was last told to make one.
    last_made: Option<Duration>,
    sent: Duration,
    /// Made for a journal that is lost.
    before: usize,
    fate: Fate,
}

/// What a lost journal means for a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// Nothing: it is younger than the new one, or none was lost.
    Usual,
    /// An older journal may have begun it.
    MayHaveBeen,
    /// It is that old or not: clocks are not so exact.
    Either,
    /// Mews calls it `Processing`: the lost journal was its only memory.
    Forgotten,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    pub orders: usize,
    pub things: usize,
    pub requests: usize,
    pub processed: usize,
    pub failed: usize,
    pub cancelled: usize,
    pub unconfirmed: usize,
    pub lives: usize,
    pub deaths: usize,
    pub power_cuts: usize,
    pub lost_journals: usize,
    /// Commands that a lost journal may have begun.
    pub may_have_been: usize,
    pub forgotten: usize,
    pub second_hotels: usize,
    /// Cards of shipped drivers' own devices.
    pub shipped_cards: usize,
}

pub struct Judge {
    plan: Scenario,
    orders: BTreeMap<Uuid, Order>,
    pub counts: Counts,
    pub breaches: Vec<String>,
    /// By property: each has an access token of its own.
    doors: Vec<Door>,
    /// Journals so far.
    pub journals: usize,
    lost: Option<(Duration, Lost)>,
    unsure_until: Duration,
    /// Alarms at the end: of which command, and what they say.
    shown: Vec<(Option<Uuid>, String)>,
    eye: Option<Connection>,
    /// When a life began or a nap ended.
    disturbances: Vec<Duration>,
    /// When the PC fell asleep and when it woke up.
    naps: Vec<(Duration, Duration)>,
}

#[derive(Debug, Default, Clone)]
struct Door {
    requests: VecDeque<Duration>,
    pause_until: Duration,
    pause_from: Duration,
}

/// How long the worker may take to act on what it has heard, at most.
const A_MOMENT: Duration = Duration::from_secs(2);
/// Requests in any 30 s that the worker allows itself, restarts included, and those that were on the
/// way when it died; Mews allows 200.
const OWN_LIMIT: usize = 180 + 4;
/// The clocks of both sides have whole seconds, and a round trip between them.
const CLOCK_ERROR: Duration = Duration::from_secs(3);
/// So long after a new journal was made a command may still count as older: an answer that was
/// long under way tells the time no better.
const BIRTH_ERROR: Duration = Duration::from_secs(60);

impl Judge {
    pub fn new(plan: &Scenario) -> Self {
        Self {
            plan: plan.clone(),
            orders: BTreeMap::new(),
            counts: Counts {
                second_hotels: plan.properties - 1,
                ..Counts::default()
            },
            breaches: Vec::new(),
            doors: vec![Door::default(); plan.properties],
            journals: 1,
            lost: None,
            unsure_until: Duration::ZERO,
            shown: Vec::new(),
            eye: None,
            disturbances: Vec::new(),
            naps: Vec::new(),
        }
    }

    /// Looks at the journal's file from now on.
    pub fn opens_an_eye(&mut self, journal: &Path) {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        self.eye = Some(Connection::open_with_flags(journal, flags).expect("the journal is there"));
    }

    /// A process begins. Where none before it learned the time of Mews, the new journal counts as
    /// made just now: what is older may be met as what a lost one had begun.
    pub fn begins(&mut self, now: Duration) {
        let unborn = self.eye.as_ref().is_some_and(|eye| {
            eye.query_row("SELECT value FROM meta WHERE key = 'made_by'", [], |row| {
                row.get::<_, String>(0)
            })
            .is_ok_and(|by| by == "pc")
        });
        if !unborn {
            return;
        }
        if self.lost.is_some() {
            self.unsure_until = now + BIRTH_ERROR;
        }
        for order in self.orders.values_mut() {
            if order.end.is_none() && order.fate == Fate::Usual {
                order.fate = Fate::Either;
            }
        }
    }

    pub fn closes_its_eye(&mut self) {
        self.eye = None;
    }

    fn breach(&mut self, at: Duration, what: impl std::fmt::Display) {
        let at = at.as_secs_f64() - 3600.0;
        self.breaches.push(format!("{at:.3}: {what}"));
    }

    /// A life begins, or the PC wakes up. `told`: until when the worker remembers a pause of each
    /// hotel; one that died before it heard of it is not bound.
    pub fn disturbed(&mut self, at: Duration, told: &[Option<Duration>]) {
        self.disturbances.push(at);
        let told = told.iter().copied().chain(std::iter::repeat(None));
        for (door, told) in self.doors.iter_mut().zip(told) {
            door.pause_until = door.pause_until.min(told.unwrap_or_default());
        }
    }

    pub fn slept(&mut self, from: Duration, to: Duration) {
        self.naps.push((from, to));
        self.disturbed(to, &[]);
    }

    /// The PC slept between the commit, which was in time, and the effect: nobody could help it.
    fn slept_over(&self, row: &Row, expires: Duration) -> bool {
        let committed = row.committed - beginning().as_microsecond();
        let committed = Duration::from_micros(u64::try_from(committed).unwrap_or_default());
        let between = |nap: &(Duration, Duration)| committed <= nap.0 + CLOCK_ERROR;
        committed <= expires + CLOCK_ERROR && self.naps.iter().any(between)
    }

    /// Nothing was the matter with a hotel's way to Mews, nor with the disk, nor shortly before,
    /// and the worker ran. What ails another hotel's way is no excuse.
    fn all_was_well(&self, property: usize, from: Duration, to: Duration) -> bool {
        let begin = from.saturating_sub(Duration::from_secs(15));
        let life = self.disturbances.iter().any(|at| begin < *at && *at <= to);
        // A pause that Mews asked for, and the rest after a refusal, go on afterwards.
        let before = from.saturating_sub(Duration::from_secs(3600 + 200));
        let after = to.saturating_sub(Duration::from_secs(3600));
        let trouble = self.plan.windows.iter().any(|window| {
            let theirs = OF_THE_CLOUD.contains(&window.what) && window.property == property
                || OF_THE_DISK.contains(&window.what);
            theirs && window.from < after && before < window.to
        });
        !life && !trouble
    }

    /// With a slow disk everything takes longer.
    fn a_moment(&self) -> Duration {
        if self.plan.is_free_of(&[Trouble::DiskSlow]) {
            A_MOMENT
        } else {
            A_MOMENT * 30
        }
    }

    pub fn ordered(&mut self, id: Uuid, number: usize, created: Timestamp) {
        let order = &self.plan.orders[number];
        let machine = &self.plan.machines[order.machine];
        let created = Duration::try_from(created.duration_since(beginning())).unwrap_or_default();
        let by_age = machine
            .expires_s
            .map(|age| created + Duration::from_secs(age));
        let end = created + order.stay;
        let expires = if machine.kind.class() == Class::KeyCutter {
            Some(by_age.map_or(end, |age| age.min(end)))
        } else {
            by_age
        };
        self.counts.orders += 1;
        let fate = match self.lost {
            Some((at, lost)) if created <= self.unsure_until => match lost {
                // Nobody has called it `Received` before.
                Lost::WithoutTrace | Lost::BroughtBack => Fate::Usual,
                Lost::Replaced if created <= at => Fate::MayHaveBeen,
                Lost::Replaced => Fate::Either,
            },
            Some(_) | None => Fate::Usual,
        };
        let order = Order {
            machine: order.machine,
            asked: order.count,
            expires,
            made: 0,
            marked: 0,
            claimed: 0,
            processing: false,
            over_known: None,
            end: None,
            attempt: 0,
            last_made: None,
            sent: order.at + Duration::from_secs(3600),
            before: 0,
            fate,
        };
        self.orders.insert(id, order);
    }

    /// A request leaves.
    pub fn sent(&mut self, now: Duration, property: usize, in_flight: usize) {
        if in_flight > 4 {
            self.breach(now, format!("I8: {in_flight} requests in flight"));
        }
        let door = &self.doors[property];
        if door.pause_from < now && now < door.pause_until {
            let until = door.pause_until.as_secs_f64() - 3600.0;
            self.breach(
                now,
                format!("I8: a request within a pause until {until:.3}"),
            );
        }
    }

    /// A request has arrived.
    pub fn asked(&mut self, now: Duration, property: usize, operation: &str) {
        self.counts.requests += 1;
        let requests = &mut self.doors[property].requests;
        requests.push_back(now);
        while requests
            .front()
            .is_some_and(|at| *at + Duration::from_secs(30) < now)
        {
            requests.pop_front();
        }
        let many = requests.len();
        if many > OWN_LIMIT {
            self.breach(now, format!("I8: {many} requests in 30 s, now {operation}"));
        }
    }

    /// The worker has just been told to be silent.
    pub fn must_pause(&mut self, until: Duration, property: usize) {
        let door = &mut self.doors[property];
        door.pause_until = door.pause_until.max(until);
    }

    pub fn pause_begins(&mut self, now: Duration, property: usize) {
        self.doors[property].pause_from = now;
    }

    /// What is of one hotel reached the other's.
    pub fn mixes_hotels(&mut self, now: Duration, property: usize, what: &str) {
        self.breach(now, format!("hotel {property} is mixed up: {what}"));
    }

    /// A journal that is lost is met with silence.
    pub fn starts_without_a_word(&mut self, now: Duration) {
        self.breach(now, "a lost journal: the worker starts without a word");
    }

    /// The journal is another from now on; `open`: what Mews calls those that are not over.
    fn loses_its_journal(&mut self, now: Duration, lost: Lost, open: &BTreeMap<Uuid, &str>) {
        self.counts.lost_journals += 1;
        self.journals += 1;
        self.lost = Some((now, lost));
        self.unsure_until = now + BIRTH_ERROR;
        for (id, order) in &mut self.orders {
            let Some(state) = open.get(id) else { continue };
            order.before += order.made + order.marked;
            (order.made, order.marked, order.claimed, order.attempt) = (0, 0, 0, 0);
            order.fate = match (*state, lost) {
                ("Processing", _) => Fate::Forgotten,
                ("Received", _) | (_, Lost::Replaced | Lost::BroughtBack) => Fate::MayHaveBeen,
                (_, Lost::WithoutTrace) => Fate::Usual,
            };
            if order.fate == Fate::Usual {
                // Without any trace nobody can know what was made.
                order.before = 0;
            }
            match order.fate {
                Fate::Forgotten => self.counts.forgotten += 1,
                Fate::MayHaveBeen => self.counts.may_have_been += 1,
                Fate::Usual | Fate::Either => {}
            }
        }
    }

    /// What the status page shows at the end.
    pub fn is_shown(&mut self, alarms: impl Iterator<Item = (Option<CommandId>, String)>) {
        self.shown = alarms.map(|(id, text)| (id.map(|id| id.0), text)).collect();
    }

    /// A person can see that nobody knows what became of a command.
    fn shows(&self, id: Uuid) -> bool {
        self.shown.iter().any(|(of, text)| {
            *of == Some(id) || text.starts_with("This PC lost its journal, and Mews does not show")
        })
    }

    pub fn ended_by_another(&mut self, id: Uuid, state: &'static str, at: Duration) {
        if let Some(order) = self.orders.get_mut(&id) {
            order.end = Some(End {
                state,
                notes: String::new(),
                at,
                by_worker: false,
                rush: false,
            });
        }
    }

    pub fn worker_knows_it_is_over(&mut self, id: Uuid, now: Duration) {
        if let Some(order) = self.orders.get_mut(&id) {
            order.over_known.get_or_insert(now);
        }
    }

    /// A card lies there: evidence enough, whatever was said.
    pub fn has_seen(&mut self, id: Uuid) {
        if let Some(order) = self.orders.get_mut(&id) {
            order.claimed += 1;
            self.counts.shipped_cards += 1;
        }
    }

    /// The device has said something that reached the wire.
    pub fn answered(&mut self, asked: &str, says: &str) {
        let mut words = asked.split_whitespace();
        let (what, id) = (words.next(), words.nth(1));
        let id = id.and_then(|id| id.parse::<Uuid>().ok());
        let Some(order) = id.and_then(|id| self.orders.get_mut(&id)) else {
            return;
        };
        let mut says = says.split_whitespace().skip(1);
        match (what, says.next(), says.next()) {
            (Some("MAKE"), Some("DONE"), _) => order.claimed += 1,
            (Some("ASK"), Some("HAS"), Some(n)) => {
                order.claimed = order.claimed.max(n.parse().unwrap_or_default());
            }
            (Some("ASK"), Some("LAST"), _) => order.claimed = order.claimed.max(order.made),
            _ => {}
        }
    }

    /// The worker tells a state; whether Mews takes it or not.
    pub fn told(&mut self, id: Uuid, state: &str, notes: Option<&str>, now: Duration) {
        let row = self.row(id);
        let Some(order) = self.orders.get(&id) else {
            return self.breach(now, format!("a report of no order: {id}"));
        };
        let machine = order.machine;
        let Some(Row { stage, .. }) = row else {
            return self.breach(
                now,
                format!("I1: {state} is told, and there is no row: {id}"),
            );
        };
        if is_final(state) && stage != "settled" && stage != "reported" {
            self.breach(
                now,
                format!("I1: {state} is told, the journal says {stage}: {id}"),
            );
        }
        if let Some(notes) = notes {
            let name = title(machine);
            let begins = notes.starts_with(&format!("{name}: "))
                || notes.starts_with(&format!("UNCONFIRMED: {name}: "));
            if !begins || notes.chars().count() > 500 || notes.contains('\n') {
                self.breach(now, format!("I9: an odd note: {notes}"));
            }
        } else if is_final(state) {
            self.breach(now, format!("I9: {state} without a note: {id}"));
        }
    }

    /// Mews has taken a state from the worker.
    pub fn took(&mut self, id: Uuid, state: &'static str, notes: Option<&str>, now: Duration) {
        let Some(of) = self.orders.get(&id) else {
            return;
        };
        let property = self.plan.machines[of.machine].property;
        let rush = self.doors[property].requests.len() > 140;
        let Some(order) = self.orders.get_mut(&id) else {
            return;
        };
        order.processing |= state == "Processing";
        if is_final(state) {
            order.end = Some(End {
                state,
                notes: notes.unwrap_or_default().to_owned(),
                at: now,
                by_worker: true,
                rush,
            });
            if let Err(what) = Self::truth(order, &self.plan) {
                self.breach(now, format!("{what}: {id}"));
            }
        }
    }

    /// What a final state of the worker claims, against what exists.
    fn truth(order: &Order, plan: &Scenario) -> Result<(), String> {
        let Some(end) = order.end.as_ref().filter(|end| end.by_worker) else {
            return Ok(());
        };
        let (all, asked) = (order.made + order.marked, order.asked);
        let machine = &plan.machines[order.machine];
        // Without any trace nobody can know of an older journal.
        let ever = match order.fate {
            Fate::Usual => all,
            Fate::MayHaveBeen | Fate::Either | Fate::Forgotten => all + order.before,
        };
        let exist = format!("{all} of {asked} exist, {} claimed", order.claimed);
        let told = format!("{}: {}", end.state, end.notes);
        let vague = machine.lies || machine.kind == Kind::Plain;
        match end.state {
            "Processed" if order.claimed < asked => Err(format!(
                "I4: without the device's evidence ({exist}): {told}"
            )),
            "Processed" if all < asked && !vague => Err(format!("I4: {exist}: {told}")),
            "Processed" => Ok(()),
            "Error" if end.notes.starts_with("UNCONFIRMED: ") => Ok(()),
            "Error"
                if end.notes.contains(" were made") || end.notes.contains(" keys made for ") =>
            {
                let words = end.notes.split_whitespace();
                // "2 of 3 were made", after the device's name with its number.
                let words = words.filter(|word| !word.ends_with(':'));
                let said = words.filter_map(|word| word.parse::<usize>().ok()).next();
                match said {
                    Some(n) if n == order.made || n == order.marked || vague => Ok(()),
                    _ => Err(format!("I5: {exist}: {told}")),
                }
            }
            "Error" if end.notes.contains("lost its memory: look for a card") => {
                match (order.fate, machine.kind.class()) {
                    (Fate::MayHaveBeen | Fate::Either, Class::KeyCutter) => Ok(()),
                    _ => Err(format!("I5: no journal was lost: {told}")),
                }
            }
            _ if ever == 0 => Ok(()),
            _ => Err(format!("I5: {exist}: {told}")),
        }
    }

    fn row(&self, id: Uuid) -> Option<Row> {
        let eye = self.eye.as_ref()?;
        eye.prepare_cached(&format!("{ROW} WHERE id = ?1"))
            .and_then(|mut query| query.query_row([id.to_string()], read).optional())
            .expect("the journal can be read")
    }

    fn begun(&self, wire: usize) -> Vec<Row> {
        let Some(eye) = &self.eye else {
            return Vec::new();
        };
        let read_all = || -> rusqlite::Result<Vec<Row>> {
            eye.prepare_cached(&format!("{ROW} WHERE stage = 'committed'"))?
                .query_map([], read)?
                .collect()
        };
        let mut rows = read_all().expect("the journal can be read");
        rows.retain(|row| {
            let machine: usize = row.device[1..].parse().unwrap_or_default();
            self.plan.machines[machine].wire == wire
        });
        rows
    }

    /// A document of the device is in doubt, reported or not.
    fn is_blocked(&self, device: &str) -> bool {
        let Some(eye) = &self.eye else { return false };
        eye.prepare_cached(
            "SELECT 1 FROM commands WHERE device = ?1 AND outcome_kind = 'unconfirmed' \
             AND resolved IS NULL",
        )
        .and_then(|mut query| query.exists([device]))
        .expect("the journal can be read")
    }

    /// Rows of the same device that stand before one in line and are old enough to have been seen.
    fn overtaken(&self, row: &Row) -> Vec<String> {
        let Some(eye) = &self.eye else {
            return Vec::new();
        };
        let read_all = || -> rusqlite::Result<Vec<String>> {
            eye.prepare_cached(
                "SELECT id FROM commands WHERE device = ?1 AND stage = 'accepted' \
                 AND (created_us, seen, id) < (?2, ?3, ?4) AND accepted_us < ?5",
            )?
            .query_map(
                (
                    &row.device,
                    row.created,
                    row.seen,
                    &row.id,
                    row.committed - 15_000_000,
                ),
                |row| row.get(0),
            )?
            .collect()
        };
        read_all().expect("the journal can be read")
    }

    /// A device is about to act on a command (`makes`), or has been told to.
    fn acts(&mut self, now: Duration, machine: usize, id: Uuid, repeat: bool, makes: bool) {
        let plan = self.plan.machines[machine].clone();
        let begun = self.begun(plan.wire);
        let Some(row) = begun.iter().find(|row| row.id == id.to_string()) else {
            let stage = self.row(id).map_or("no row".to_owned(), |row| row.stage);
            self.breach(
                now,
                format!("I2: an effect without a commit ({stage}): {id}"),
            );
            self.count(now, machine, id, repeat, makes);
            return;
        };
        // Those of one conversation work side by side.
        let beside = |other: &&Row| plan.kind != Kind::Session || other.device == row.device;
        let many = begun.iter().filter(beside).count();
        if many > 1 {
            self.breach(now, format!("I7: {many} are begun on one wire: {id}"));
        }
        if plan.kind == Kind::Fiscal && self.is_blocked(&row.device) {
            self.breach(
                now,
                format!("I2: begun while a doubt blocks the device: {id}"),
            );
        }
        let Some(order) = self.orders.get_mut(&id) else {
            return self.breach(now, format!("an effect without an order: {id}"));
        };
        order.last_made = Some(now);
        let (fate, before) = (order.fate, order.before);
        let first = order.attempt != row.attempt;
        order.attempt = row.attempt;
        let (expires, over_known) = (order.expires, order.over_known);
        let (processing, end) = (order.processing, order.end.clone());
        if first {
            let moment = self.a_moment();
            let late = |expires: &Duration| *expires + CLOCK_ERROR + moment < now;
            if expires
                .filter(late)
                .is_some_and(|expires| !self.slept_over(row, expires))
            {
                self.breach(now, format!("I6: begun after its time: {id}"));
            }
            if over_known.is_some_and(|known| known + moment < now) {
                self.breach(
                    now,
                    format!("I6: begun, and known to be over in Mews: {id}"),
                );
            }
            if end.is_some_and(|end| end.by_worker) {
                self.breach(now, format!("I6: begun after its own final report: {id}"));
            }
            if plan.kind == Kind::Fiscal && !processing {
                self.breach(
                    now,
                    format!("I6: fiscal, and Mews was not told Processing: {id}"),
                );
            }
            if self.plan.skew_s == 0 {
                for other in self.overtaken(row) {
                    self.breach(now, format!("I7: {id} overtakes {other}"));
                }
            }
        }
        match (fate, plan.kind.class()) {
            (Fate::MayHaveBeen, Class::KeyCutter) => {
                self.breach(now, format!("I2: a key of a lost journal is cut: {id}"));
            }
            (Fate::MayHaveBeen, Class::Printer) if !repeat => {
                self.breach(
                    now,
                    format!("I3: paper of a lost journal, not marked: {id}"),
                );
            }
            (_, Class::FiscalMachine) if before > 0 => {
                self.breach(now, format!("I2: a document of a lost journal again: {id}"));
            }
            (Fate::Forgotten, _) => {
                self.breach(now, format!("I2: begun by a lost journal, and again: {id}"));
            }
            _ => {}
        }
        self.count(now, machine, id, repeat, makes);
    }

    fn count(&mut self, now: Duration, machine: usize, id: Uuid, repeat: bool, makes: bool) {
        let plan = &self.plan.machines[machine];
        let class = plan.kind.class();
        let marks = plan.marked_repeat;
        let Some(order) = self.orders.get_mut(&id) else {
            return;
        };
        let may_repeat = marks || class == Class::Printer && order.fate != Fate::Usual;
        if makes {
            if repeat {
                order.marked += 1;
            } else {
                order.made += 1;
            }
            self.counts.things += 1;
        }
        let rule = if class == Class::Printer { "I3" } else { "I2" };
        let (made, marked, asked) = (order.made, order.marked, order.asked);
        if made > asked || marked > asked || marked > 0 && !may_repeat {
            self.breach(
                now,
                format!("{rule}: {made} and {marked} marked of {asked}: {id}"),
            );
        }
    }

    /// True when nothing is owed any more.
    pub fn all_is_over(&self) -> bool {
        let open = |order: &Order| order.end.is_none() && order.fate != Fate::Forgotten;
        let owed = self.eye.as_ref().map(|eye| {
            eye.query_row(
                "SELECT COUNT(*) FROM commands WHERE stage != 'reported'",
                [],
                |row| row.get::<_, i64>(0),
            )
            .expect("the journal can be read")
        });
        !self.orders.values().any(open) && owed == Some(0)
    }

    /// The end of a seed.
    pub fn sums_up(&mut self, now: Duration) {
        let rows = self.rows();
        let mut found = Vec::new();
        for (id, order) in &self.orders {
            let row = rows.iter().find(|row| row.id == id.to_string());
            match &order.end {
                None if order.fate == Fate::Forgotten => {
                    let fiscal = self.plan.machines[order.machine].kind == Kind::Fiscal;
                    let listed = matches!(self.lost, Some((_, Lost::Replaced)));
                    if fiscal && listed && !self.shows(*id) {
                        found.push(format!("I1: begun by a lost journal, and not shown: {id}"));
                    }
                }
                None => {
                    let stage = row.map_or("no row", |row| row.stage.as_str());
                    found.push(format!("I1: never ended (the journal says {stage}): {id}"));
                }
                Some(end) => {
                    match end.state {
                        "Processed" => self.counts.processed += 1,
                        "Cancelled" => self.counts.cancelled += 1,
                        _ if end.notes.starts_with("UNCONFIRMED") => self.counts.unconfirmed += 1,
                        _ => self.counts.failed += 1,
                    }
                    found.extend(
                        self.is_late(order, end, row)
                            .map(|what| format!("{what}: {id}")),
                    );
                }
            }
            if let Err(what) = Self::truth(order, &self.plan) {
                found.push(format!("{what}: {id}"));
            }
            let Some(row) = row else { continue };
            let all = order.made + order.marked;
            let by_a_person = row
                .resolved
                .as_deref()
                .is_some_and(|how| how.contains("person"));
            match row.outcome.as_deref() {
                Some("failed" | "expired" | "cancelled") if all > 0 && !by_a_person => {
                    found.push(format!("I5: the journal says nothing of {all} made: {id}"));
                }
                Some("done") if order.claimed < order.asked && !by_a_person => {
                    found.push(format!("I4: the journal says done without evidence: {id}"));
                }
                _ => {}
            }
            if row.stage != "reported" {
                found.push(format!("I1: the journal still says {}: {id}", row.stage));
            }
        }
        for what in found {
            self.breach(now, what);
        }
    }

    /// What was told later than PRODUCT allows, while Mews answered and the worker ran.
    fn is_late(&self, order: &Order, end: &End, row: Option<&Row>) -> Option<String> {
        if !end.by_worker || end.rush {
            return None;
        }
        let known = row.and_then(|row| row.settled)? - beginning().as_microsecond();
        let known = Duration::from_micros(u64::try_from(known).ok()?);
        let machine = &self.plan.machines[order.machine];
        let late = end.at.saturating_sub(known);
        if late > Duration::from_secs(5) + CLOCK_ERROR
            && self.all_was_well(machine.property, known, end.at)
        {
            return Some(format!("I9: told {late:?} after it was known"));
        }
        if let Some(made) = order.last_made {
            // The step hangs, the question hangs; between them the doubt is asked about.
            let deadline = Duration::from_secs(machine.deadline_s);
            let wait = Duration::from_secs(machine.operator_wait_s);
            let most = 3 * deadline + wait + Duration::from_secs(60);
            if end.at > made + most && self.all_was_well(machine.property, made, end.at) {
                let doubt = end.at.saturating_sub(made);
                return Some(format!("I9: in doubt for {doubt:?}, longer than {most:?}"));
            }
        }
        let wire = |n: usize| self.plan.machines[n].wire == machine.wire;
        let troubled = self.plan.windows.iter().any(|window| wire(window.machine))
            || !self.plan.is_free_of(&OF_THE_CLOUD)
            || !self.plan.is_free_of(&OF_THE_SOCKET)
            || !self.plan.is_free_of(&OF_THE_DISK);
        let before = self
            .plan
            .orders
            .iter()
            .filter(|order| wire(order.machine))
            .count();
        let most = Duration::from_secs(20 + 4 * before as u64);
        let took = end.at.saturating_sub(order.sent);
        if !troubled && took > most && self.all_was_well(machine.property, order.sent, end.at) {
            return Some(format!(
                "I7: nothing was the matter with it, and it took {took:?}"
            ));
        }
        None
    }

    fn rows(&self) -> Vec<Row> {
        let Some(eye) = &self.eye else {
            return Vec::new();
        };
        let read_all =
            || -> rusqlite::Result<Vec<Row>> { eye.prepare(ROW)?.query_map([], read)?.collect() };
        read_all().expect("the journal can be read")
    }
}

impl State {
    /// The worker has a new journal, and no other.
    pub fn loses_its_journal(&mut self, lost: Lost) {
        let now = self.now();
        self.disk.is_another();
        let open = self.cloud.commands.iter();
        let open = open.map(|(id, command)| (*id, command.state));
        let open = open.filter(|(_, state)| !is_final(state)).collect();
        self.judge.loses_its_journal(now, lost, &open);
    }

    /// The judge looks before a device acts.
    pub fn judge_look(&mut self, machine: usize, id: Uuid, repeat: bool, makes: bool) {
        let now = self.now();
        self.judge.acts(now, machine, id, repeat, makes);
    }
}

struct Row {
    id: String,
    device: String,
    stage: String,
    attempt: i64,
    created: i64,
    seen: i64,
    committed: i64,
    settled: Option<i64>,
    outcome: Option<String>,
    resolved: Option<String>,
}

const ROW: &str = "SELECT id, device, stage, attempt, created_us, seen, \
                   COALESCE(committed_us, 0), settled_us, outcome_kind, resolved FROM commands";

fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<Row> {
    Ok(Row {
        id: row.get(0)?,
        device: row.get(1)?,
        stage: row.get(2)?,
        attempt: row.get(3)?,
        created: row.get(4)?,
        seen: row.get(5)?,
        committed: row.get(6)?,
        settled: row.get(7)?,
        outcome: row.get(8)?,
        resolved: row.get(9)?,
    })
}
