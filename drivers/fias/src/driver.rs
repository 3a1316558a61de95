//! The driver: an order into key requests, answers into words.

use std::time::Duration;

use driver_sdk::{
    Abilities, Attempt, Committed, Driver, Fault, FaultPage, Grade, Health, Job, LocalWork,
    Personal, Proof, Run, Say, Shared, Verdict, Watch, Work, clock,
};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{sleep, timeout};

use driver_keys::burst::Burst;
use driver_keys::dialect::Protocol;
use driver_keys::issue::{self, Card, CardMaker, Made};
use driver_keys::names;
use driver_keys::plan::KeyPlan;

use crate::kind::PAGES;
use crate::numbers::{self, Numbers};
use crate::request::{KeyAnswer, KeyRequest, same_number};
use crate::session::{Ask, LockLink, Reply, RequestId};
use crate::settings::{Config, Confirm, OkMeans, TestDepth};

/// How long an attempt waits for the conversation to come alive, or for its turn.
const UP_WITHIN: Duration = Duration::from_secs(5);
const TURN_WITHIN: Duration = Duration::from_secs(30);
/// Rest between two readings of a card that is not there yet.
const READ_AGAIN: Duration = Duration::from_secs(1);
/// Characters of SI.
const FURTHER_ROOMS_MAX: usize = 30;
/// Characters of GN.
const GUEST_MAX: usize = 200;

/// A key encoder of a lock system that speaks FIAS.
#[derive(Debug)]
pub struct KeyEncoder {
    config: Config,
    link: Shared<LockLink>,
    burst: Burst,
}

/// What a job becomes.
#[derive(Debug)]
pub enum Plan {
    /// Cards.
    Keys(Box<Keys>),
    /// A harmless proof that the device works.
    Test {
        /// The hotel's zone.
        zone: TimeZone,
    },
}

/// An order with everything that FIAS adds.
#[derive(Debug)]
pub struct Keys {
    plan: KeyPlan,
    command: String,
    reservation: Option<String>,
    guest: Personal<String>,
    zone: TimeZone,
    now: Timestamp,
}

#[derive(Serialize, Deserialize)]
struct TestBookmark {
    test: bool,
}

impl KeyEncoder {
    /// A device with its settings and its end of the conversation.
    #[must_use]
    pub fn new(config: Config, link: Shared<LockLink>) -> Self {
        Self {
            burst: Burst::new(config.keys_per_hour),
            config,
            link,
        }
    }

    async fn up(&self) -> Result<(), Fault> {
        match timeout(UP_WITHIN, self.link.up()).await {
            Ok(()) => Ok(()),
            Err(_) => Err(Fault::transient("FIAS-LINK-DOWN")),
        }
    }

    fn grade(&self) -> Grade {
        match self.config.ok_means {
            OkMeans::Made => Grade::Done,
            OkMeans::Queued => Grade::Accepted,
        }
    }

    fn made(&self, answer: &KeyAnswer, encoder: &str, rooms: &str) -> Result<Made, Fault> {
        if answer.is_ok() {
            return Ok(Made {
                grade: self.grade(),
                serial: None,
            });
        }
        Err(refusal(answer, encoder, rooms).without_effect())
    }

    async fn test(&mut self, zone: &TimeZone, run: &Run) -> Result<Proof, Fault> {
        self.link.set_zone(zone);
        self.up().await?;
        self.link.ask(Ask::Alive).await?;
        let mut what = String::new();
        let encoder = self
            .config
            .encoder
            .clone()
            .or(self.config.encoders.first().cloned());
        if let (TestDepth::ReadCard, Some(encoder)) = (self.config.test, encoder) {
            if !self.link.description().takes("KZ") {
                return Err(Fault::permanent("FIAS-NO-READ"));
            }
            run.waiting(Fault::operator("KEY-PRESENT-ANY-CARD").with("encoder", &encoder));
            let asked = Ask::Read {
                encoder: encoder.clone(),
            };
            if let Reply::Key(answer) = self.link.ask(asked).await? {
                if !answer.is_ok() && !answer.status.is_empty() {
                    return Err(refusal(&answer, &encoder, ""));
                }
                let room = answer.room.as_deref().unwrap_or("no room");
                what = format!("; the card opens {room}");
            }
        }
        run.commit(&TestBookmark { test: true }).await?;
        Ok(Proof::new(
            Grade::Done,
            Say::new("KEY-TEST-OK").with("what", what),
        ))
    }
}

impl Driver for KeyEncoder {
    type Plan = Plan;

    fn abilities(&self) -> Abilities {
        Abilities {
            reconcile: true,
            abort: false,
            harmless_repeat: false,
        }
    }

    fn prepare(&self, job: &Job) -> Result<Plan, Fault> {
        match &job.work {
            Work::Key(work) => {
                let ours = |protocol: &Protocol| *protocol == Protocol::Fias;
                let plan = KeyPlan::new(job, work, &self.config.site(), "FIAS", ours)?;
                let further = plan.order.rooms.iter().skip(1);
                let length: usize = further.map(|room| room.chars().count() + 1).sum();
                if length > FURTHER_ROOMS_MAX + 1 {
                    return Err(Fault::permanent("FIAS-SUITE-TOO-LONG"));
                }
                let text = |name: &Option<Personal<String>>| {
                    name.as_ref().map(|name| name.reveal().clone())
                };
                let last = text(&work.normalized_last_name);
                let first = text(&work.normalized_first_name);
                let plain_first = text(&work.first_name);
                let guest = format!(
                    "{} {}",
                    names::prefer(last.as_deref(), Some(work.last_name.reveal())),
                    names::prefer(first.as_deref(), plain_first.as_deref()),
                );
                let repertoire = self.config.characters.repertoire();
                let guest = names::fold(&guest, repertoire, &['|'], GUEST_MAX);
                Ok(Plan::Keys(Box::new(Keys {
                    plan,
                    command: job.id.to_string(),
                    reservation: numbers::plain(work.reservation_number.as_deref()),
                    guest: if self.config.guest_names {
                        guest
                    } else {
                        String::new()
                    }
                    .into(),
                    zone: job.zone.clone(),
                    now: job.now,
                })))
            }
            Work::Local(LocalWork::Test) => Ok(Plan::Test {
                zone: job.zone.clone(),
            }),
            Work::Print(_) | Work::Fiscal(_) | Work::Local(LocalWork::Z) => Err(job.work.wrong()),
        }
    }

    async fn execute(&mut self, plan: Plan, run: &Run) -> Result<Proof, Fault> {
        match plan {
            Plan::Test { zone } => self.test(&zone, run).await,
            Plan::Keys(keys) => {
                self.link.set_zone(&keys.zone);
                let reservation = keys.reservation.clone();
                let rooms = keys.plan.rooms();
                let mut maker = Maker {
                    encoder: self,
                    keys: &keys,
                    reservation,
                    rooms,
                    turn: None,
                };
                issue::carry_out(&keys.plan, &mut maker, run).await
            }
        }
    }

    async fn reconcile(&mut self, attempt: &Attempt, run: &Run) -> Result<Verdict, Fault> {
        if attempt.bookmark::<TestBookmark>().is_ok() {
            return Ok(Verdict::DidNotHappen);
        }
        let state: issue::Bookmark = attempt.bookmark()?;
        let id = RequestId {
            command: state.command().to_owned(),
            card: state.card(),
        };
        match self.link.evidence(&id) {
            Some(answer) => {
                let rooms = state.rooms.join(", ");
                let made = self.made(&answer, &state.encoder, &rooms);
                issue::late(state, made, &PAGES, run)
            }
            None => issue::cannot_tell(attempt, run),
        }
    }

    async fn idle(&mut self, watch: &Watch) -> Result<(), Fault> {
        if self.burst.warn(watch).await {
            // The conversation's own health is told by the conversation.
            self.link.up().await;
            watch.health(Health::Well);
        }
        Ok(())
    }
}

/// One order's way of making cards.
struct Maker<'a> {
    encoder: &'a mut KeyEncoder,
    keys: &'a Keys,
    reservation: Option<String>,
    rooms: String,
    turn: Option<OwnedSemaphorePermit>,
}

impl CardMaker for Maker<'_> {
    fn pages(&self) -> &'static [FaultPage] {
        &PAGES
    }

    async fn ready(&mut self, _: &Run) -> Result<(), Fault> {
        self.encoder.up().await?;
        let order = &self.keys.plan.order;
        let description = self.encoder.link.description();
        if !description.takes("KR") {
            return Err(Fault::permanent("FIAS-NO-KEYS"));
        }
        let end = if description.wants("KR", "GD") {
            "GD"
        } else {
            "G#"
        };
        let mut needed = vec!["KC", "KT", "RN", end];
        if order.rooms.len() > 1 {
            needed.push("SI");
        }
        if let Some(field) = needed
            .into_iter()
            .find(|field| !description.wants("KR", field))
        {
            return Err(Fault::permanent("FIAS-FIELD-MISSING").with("field", field));
        }
        if self.encoder.config.confirm == Confirm::ReadCard && !description.takes("KZ") {
            return Err(Fault::permanent("FIAS-NO-READ"));
        }
        if let Some(turn) = self.encoder.link.turn() {
            match timeout(TURN_WITHIN, turn.acquire_owned()).await {
                Ok(Ok(permit)) => self.turn = Some(permit),
                Ok(Err(_)) | Err(_) => {
                    return Err(
                        Fault::transient("FIAS-BUSY").with("encoder", order.encoder.as_str())
                    );
                }
            }
        }
        Ok(())
    }

    fn prepare(&mut self, run: &Run) -> Result<(), Fault> {
        let order = &self.keys.plan.order;
        if let (None, Some(stay)) = (&self.reservation, &order.stay) {
            let numbers: Option<Numbers> = run.shelf_strict(numbers::KEY).map_err(|cause| {
                Fault::permanent("KEY-LEDGER-UNREADABLE")
                    .with("room", &self.rooms)
                    .caused_by(cause)
            })?;
            let (numbers, number) = numbers
                .unwrap_or_default()
                .of(stay, order.end, self.keys.now);
            run.put(numbers::KEY, &numbers);
            self.reservation = Some(number);
        }
        if self
            .encoder
            .link
            .owes(&order.encoder, self.reservation.as_deref())
        {
            let fault = Fault::transient("FIAS-ANSWER-OWED");
            return Err(fault.with("encoder", order.encoder.as_str()));
        }
        Ok(())
    }

    async fn cut(
        &mut self,
        leave: Committed<'_>,
        run: &Run,
        card: Card<'_>,
    ) -> Result<Made, Fault> {
        let encoder = card.order.encoder.as_str();
        run.waiting(
            Fault::operator("KEY-PRESENT-CARD")
                .with("card", card.number)
                .with("keys", card.order.keys)
                .with("rooms", &self.rooms)
                .with("encoder", encoder),
        );
        let request = KeyRequest {
            encoder: encoder.to_owned(),
            issue: card.issue,
            rooms: card.order.rooms.clone(),
            workstation: self.encoder.link.conversation().workstation.clone(),
            reservation: self.reservation.clone(),
            start: self.keys.plan.stay.start,
            end: self.keys.plan.stay.end,
            guest: self.keys.guest.clone(),
        };
        let id = RequestId {
            command: self.keys.command.clone(),
            card: card.number,
        };
        match self
            .encoder
            .link
            .effect(leave, Ask::Key(Box::new(request), id))
            .await?
        {
            Reply::Key(answer) => {
                let made = self.encoder.made(&answer, encoder, &self.rooms)?;
                if self.encoder.config.confirm == Confirm::ReadCard {
                    // The lock system spoke: its silence begins anew.
                    run.progress(issue::percent(card.number - 1, card.order.keys));
                    self.confirm(encoder).await?;
                }
                self.encoder.burst.made();
                Ok(made)
            }
            Reply::Alive => Err(Fault::transient("FIAS-NO-ANSWER").with("encoder", encoder)),
        }
    }
}

impl Maker<'_> {
    /// Reads the card on the encoder until it is a key for the room.
    async fn confirm(&self, encoder: &str) -> Result<(), Fault> {
        let link = &self.encoder.link;
        let until = clock::now() + link.conversation().answer_timeout;
        let room = self.keys.plan.order.rooms.first();
        loop {
            let asked = Ask::Read {
                encoder: encoder.to_owned(),
            };
            let why = match link.ask(asked).await {
                Ok(Reply::Key(answer)) if self.is_ours(&answer, room) => return Ok(()),
                Ok(Reply::Key(_) | Reply::Alive) => None,
                Err(fault) => Some(fault),
            };
            let down = why
                .as_ref()
                .is_some_and(|fault| fault.code() != "FIAS-NO-ANSWER");
            if down || clock::now() + READ_AGAIN >= until {
                let fault = Fault::transient("FIAS-NOT-CONFIRMED")
                    .with("encoder", encoder)
                    .with("rooms", &self.rooms);
                return Err(match why {
                    Some(cause) => fault.caused_by(cause),
                    None => fault,
                });
            }
            sleep(READ_AGAIN).await;
        }
    }

    fn is_ours(&self, card: &KeyAnswer, room: Option<&String>) -> bool {
        let opens = card.room.as_deref().unwrap_or_default();
        let same_stay = match (card.reservation.as_deref(), self.reservation.as_deref()) {
            (Some(theirs), Some(ours)) => same_number(theirs, ours),
            (None, _) | (_, None) => true,
        };
        let known = card.is_ok() || card.status.is_empty();
        known && same_stay && room.is_some_and(|room| opens.split(';').any(|one| one == room))
    }
}

/// What the lock system's refusal means for people.
fn refusal(answer: &KeyAnswer, encoder: &str, rooms: &str) -> Fault {
    let code = if answer.status.is_empty() {
        "?"
    } else {
        answer.status.as_str()
    };
    let text = answer.text.as_deref().unwrap_or_default();
    let with_text = |page| Fault::permanent(page).with("code", code).with("text", text);
    match code {
        "BY" => Fault::permanent("KEY-ENCODER-BUSY")
            .with("encoder", encoder)
            .with("code", code),
        "UR" => with_text("FIAS-CANNOT").with("rooms", rooms),
        "DN" => with_text("FIAS-DENIED"),
        "NR" => with_text("FIAS-NO-RESPONSE").with("encoder", encoder),
        "RY" => with_text("FIAS-TRY-AGAIN"),
        _ => with_text("KEY-REFUSED"),
    }
}

#[cfg(test)]
mod tests;
