//! The conversation with a lock system: start-up, supervision, several requests side by side.
//!
//! One request per encoder is under way at a time; encoders do not wait for each other. An answer
//! that comes too late is kept as evidence and never given to the next request.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use driver_sdk::{Call, Calls, Fault, Health, Link, Session, Watch, clock};
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use tokio::sync::Semaphore;
use tokio::time::Instant;

use crate::description::Description;
use crate::record::Record;
use crate::request::{self, KeyAnswer, KeyRequest, same_number};
use crate::settings::Conversation;
use crate::wire::Wire;

/// After this silence the peer is asked whether it is alive. Not more often, says the protocol.
const ALIVE_AFTER: Duration = Duration::from_secs(300);
/// How long it may take to say so.
const ALIVE_WITHIN: Duration = Duration::from_secs(30);
/// How long a start-up may be silent before LS is sent again.
const START_AGAIN: Duration = Duration::from_secs(10);
/// How often.
const STARTS_MAX: u32 = 3;
/// Late answers that are remembered.
const EVIDENCE_MAX: usize = 64;

/// The conversation with one lock system.
pub struct LockLink {
    conversation: Conversation,
    state: Mutex<State>,
    /// One permit for lock systems that take one request at a time.
    turn: Option<Arc<Semaphore>>,
}

#[derive(Default)]
struct State {
    description: Description,
    zone: Option<TimeZone>,
    owed: Vec<Owed>,
    evidence: VecDeque<(RequestId, KeyAnswer)>,
}

/// Which card of which command: how a late answer finds its attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestId {
    /// The command.
    pub command: String,
    /// The card, from 1.
    pub card: u32,
}

/// An answer that did not come in time.
#[derive(Debug, Clone)]
struct Owed {
    id: RequestId,
    encoder: String,
    reservation: Option<String>,
    until: Instant,
}

/// What a device asks.
#[derive(Debug)]
pub enum Ask {
    /// One card. Acts.
    Key(Box<KeyRequest>, RequestId),
    /// What the card on an encoder opens.
    Read {
        /// KC.
        encoder: String,
    },
    /// Whether the lock system is alive.
    Alive,
}

/// What comes back.
#[derive(Debug)]
pub enum Reply {
    /// KA, or KZ.
    Key(KeyAnswer),
    /// LA.
    Alive,
}

impl std::fmt::Debug for LockLink {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("LockLink")
    }
}

impl LockLink {
    /// A conversation that has not begun.
    #[must_use]
    pub fn new(conversation: Conversation) -> Self {
        let turn = conversation
            .one_request_per_link
            .then(|| Arc::new(Semaphore::new(1)));
        Self {
            conversation,
            state: Mutex::default(),
            turn,
        }
    }

    /// What its devices agreed on.
    #[must_use]
    pub fn conversation(&self) -> &Conversation {
        &self.conversation
    }

    /// The turn of a lock system that takes one request at a time.
    #[must_use]
    pub fn turn(&self) -> Option<Arc<Semaphore>> {
        self.turn.clone()
    }

    /// What the peer asked for.
    #[must_use]
    pub fn description(&self) -> Description {
        self.lock().description.clone()
    }

    /// The hotel's zone, for the times of records.
    pub fn set_zone(&self, zone: &TimeZone) {
        self.lock().zone = Some(zone.clone());
    }

    /// True while an answer of this encoder may still come that could be taken for the answer to
    /// a request for this reservation.
    #[must_use]
    pub fn owes(&self, encoder: &str, reservation: Option<&str>) -> bool {
        let mut state = self.lock();
        let now = clock::now();
        state.owed.retain(|owed| owed.until > now);
        let told_apart = state.description.wants("KA", "G#");
        state.owed.iter().any(|owed| {
            let apart = told_apart
                && match (owed.reservation.as_deref(), reservation) {
                    (Some(theirs), Some(ours)) => !same_number(theirs, ours),
                    (None, _) | (_, None) => false,
                };
            same_number(&owed.encoder, encoder) && !apart
        })
    }

    /// The answer that came late for a card.
    #[must_use]
    pub fn evidence(&self, id: &RequestId) -> Option<KeyAnswer> {
        let state = self.lock();
        state
            .evidence
            .iter()
            .find(|(known, _)| known == id)
            .map(|(_, answer)| answer.clone())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state
            .lock()
            .expect("no code panics while it holds this lock")
    }

    fn now(&self) -> DateTime {
        let zone = self.lock().zone.clone().unwrap_or_else(TimeZone::system);
        zone.to_datetime(clock::wall())
    }

    /// An answer may still come: remembered, so that it is never another's.
    fn owe(&self, pending: &Pending) {
        let PendingKind::Key(id) = &pending.kind else {
            return;
        };
        self.lock().owed.push(Owed {
            id: id.clone(),
            encoder: pending.encoder.clone(),
            reservation: pending.reservation.clone(),
            until: clock::now() + self.conversation.late_answer,
        });
    }

    /// An answer to nothing that is under way: late evidence, or nobody's.
    fn late(&self, answer: KeyAnswer, watch: &Watch) {
        let mut state = self.lock();
        let ws = &self.conversation.workstation;
        let found = state
            .owed
            .iter()
            .position(|owed| answer.belongs_to(&owed.encoder, ws, owed.reservation.as_deref()));
        let Some(at) = found else {
            tracing::warn!(status = %answer.status, "An answer to nothing dropped");
            return;
        };
        let owed = state.owed.remove(at);
        tracing::info!(command = %owed.id.command, card = owed.id.card, "A late answer kept");
        if state.evidence.len() == EVIDENCE_MAX {
            state.evidence.pop_front();
        }
        state.evidence.push_back((owed.id, answer));
        drop(state);
        watch.news();
    }
}

struct Pending {
    call: Call<LockLink>,
    encoder: String,
    reservation: Option<String>,
    kind: PendingKind,
    until: Instant,
}

enum PendingKind {
    Key(RequestId),
    Read,
    Alive,
}

/// One connection.
struct Talk<'a> {
    link: &'a LockLink,
    watch: &'a Watch,
    alive: bool,
    starts: u32,
    /// When LS was sent last, while it has no answer.
    asked: Option<Instant>,
    pending: Vec<Pending>,
}

impl Session for LockLink {
    type Ask = Ask;
    type Answer = Reply;

    async fn hold(
        &self,
        line: &mut Link,
        calls: &mut Calls<Self>,
        watch: &Watch,
    ) -> Result<(), Fault> {
        let address = line.address().to_owned();
        let mut wire = Wire::new(line, self.conversation.framing());
        let mut talk = Talk {
            link: self,
            watch,
            alive: false,
            starts: 0,
            asked: None,
            pending: Vec::new(),
        };
        let ended = talk.hold(&mut wire, calls, &address).await;
        // Requests that are under way are lost; their answers may still come on the next line.
        for pending in &talk.pending {
            self.owe(pending);
        }
        ended
    }
}

impl Talk<'_> {
    async fn hold(
        &mut self,
        wire: &mut Wire<'_>,
        calls: &mut Calls<LockLink>,
        address: &str,
    ) -> Result<(), Fault> {
        self.start(wire).await?;
        loop {
            while let Some(record) = wire.next().await? {
                if self.hear(&record, wire).await? {
                    calls.ready();
                }
            }
            let now = clock::now();
            let until = self.next_moment(wire);
            if until <= now {
                self.supervise(wire, address).await?;
                continue;
            }
            let call = tokio::select! {
                biased;
                heard = wire.listen(until - now) => {
                    heard?;
                    continue;
                }
                call = calls.next() => call,
            };
            match call {
                Some(call) => self.begin(call, wire).await?,
                None => {
                    let goodbye = Record::new("LE").stamped(self.link.now());
                    return wire.say(&goodbye).await;
                }
            }
        }
    }

    async fn start(&mut self, wire: &mut Wire<'_>) -> Result<(), Fault> {
        self.starts += 1;
        self.asked = Some(clock::now());
        wire.say(&Record::new("LS").stamped(self.link.now())).await
    }

    fn next_moment(&self, wire: &Wire<'_>) -> Instant {
        let supervision = match self.asked {
            Some(asked) if self.alive => asked + ALIVE_WITHIN,
            Some(asked) => asked + START_AGAIN,
            None => wire.heard() + ALIVE_AFTER,
        };
        self.pending
            .iter()
            .map(|pending| pending.until)
            .fold(supervision, Instant::min)
    }

    async fn supervise(&mut self, wire: &mut Wire<'_>, address: &str) -> Result<(), Fault> {
        let now = clock::now();
        for pending in self.pending.extract_if(.., |pending| pending.until <= now) {
            self.link.owe(&pending);
            let encoder = pending.encoder;
            pending
                .call
                .refuse(Fault::transient("FIAS-NO-ANSWER").with("encoder", encoder));
        }
        match self.asked {
            Some(asked) if self.alive && asked + ALIVE_WITHIN <= now => {
                return Err(Fault::transient("LINK-SILENT").with("address", address));
            }
            Some(asked) if !self.alive && asked + START_AGAIN <= now => {
                if self.starts >= STARTS_MAX {
                    return Err(Fault::transient("FIAS-NOT-STARTED").with("address", address));
                }
                self.start(wire).await?;
            }
            None if wire.heard() + ALIVE_AFTER <= now => self.start(wire).await?,
            Some(_) | None => {}
        }
        Ok(())
    }

    /// True when the conversation has just come alive.
    async fn hear(&mut self, record: &Record, wire: &mut Wire<'_>) -> Result<bool, Fault> {
        match record.id.as_str() {
            "LS" => {
                let described = self.link.lock().description.is_described();
                let just_asked = self
                    .asked
                    .is_some_and(|asked| clock::now() - asked < Duration::from_secs(1));
                if described && self.alive {
                    wire.say(&Record::new("LA").stamped(self.link.now()))
                        .await?;
                } else if !just_asked {
                    self.start(wire).await?;
                }
            }
            "LD" => {
                self.alive = false;
                self.asked.get_or_insert(clock::now());
                self.link.lock().description.begin(record);
                let requests = self.link.lock().description.requests;
                if requests != 0 {
                    let seconds = self.link.conversation.answer_timeout.as_secs();
                    let configuration = Record::new("LC")
                        .stamped(self.link.now())
                        .with("PH", "1")
                        .with("A0", format!("1;{seconds}"));
                    wire.say(&configuration).await?;
                }
            }
            "LR" => self.link.lock().description.add(record),
            "LA" => return self.alive(wire).await,
            "LE" => {
                wire.say(&Record::new("LE").stamped(self.link.now()))
                    .await?;
                return Err(Fault::transient("FIAS-ENDED"));
            }
            "KA" | "KZ" if self.alive => self.answered(record),
            other => tracing::debug!(record = %other, "A record ignored"),
        }
        Ok(false)
    }

    async fn alive(&mut self, wire: &mut Wire<'_>) -> Result<bool, Fault> {
        if !self.link.lock().description.is_described() {
            // It believes that it has described itself to us.
            tracing::warn!("Alive without a description; it is asked for one");
            return Ok(false);
        }
        self.asked = None;
        self.starts = 0;
        for pending in self
            .pending
            .extract_if(.., |p| matches!(p.kind, PendingKind::Alive))
        {
            pending.call.answer(Reply::Alive);
        }
        if self.alive {
            return Ok(false);
        }
        wire.say(&Record::new("LA").stamped(self.link.now()))
            .await?;
        self.alive = true;
        self.watch.health(Health::Well);
        Ok(true)
    }

    fn answered(&mut self, record: &Record) {
        let answer = KeyAnswer::of(record);
        let ws = &self.link.conversation.workstation;
        let found = self.pending.iter().position(|pending| {
            !matches!(pending.kind, PendingKind::Alive)
                && answer.belongs_to(&pending.encoder, ws, pending.reservation.as_deref())
        });
        match found {
            Some(at) => self.pending.remove(at).call.answer(Reply::Key(answer)),
            None => self.link.late(answer, self.watch),
        }
    }

    async fn begin(&mut self, call: Call<LockLink>, wire: &mut Wire<'_>) -> Result<(), Fault> {
        if !self.alive {
            call.refuse(Fault::transient("SESSION-DOWN").without_effect());
            return Ok(());
        }
        let now = clock::now();
        let (encoder, reservation, kind, record) = match call.ask() {
            Ask::Alive => {
                let until = now + Duration::from_secs(10);
                let kind = PendingKind::Alive;
                self.pending.push(Pending {
                    call,
                    encoder: String::new(),
                    reservation: None,
                    kind,
                    until,
                });
                return self.start(wire).await;
            }
            Ask::Read { encoder } => {
                let ws = &self.link.conversation.workstation;
                let record = request::read(encoder, ws, self.link.now());
                (encoder.clone(), None, PendingKind::Read, record)
            }
            Ask::Key(key, id) => {
                let record = key.record(self.link.now());
                let kind = PendingKind::Key(id.clone());
                (key.encoder.clone(), key.reservation.clone(), kind, record)
            }
        };
        let busy = self
            .pending
            .iter()
            .any(|pending| same_number(&pending.encoder, &encoder));
        if busy || self.link.owes(&encoder, reservation.as_deref()) {
            let fault = Fault::transient("FIAS-ANSWER-OWED").with("encoder", encoder);
            call.refuse(fault.without_effect());
            return Ok(());
        }
        let record = self.link.lock().description.only_wanted(record);
        let Ok(bytes) = record.to_bytes() else {
            call.refuse(
                Fault::permanent("KEY-BAD-NAME")
                    .with("name", "?")
                    .without_effect(),
            );
            return Ok(());
        };
        let until = now + self.link.conversation.answer_timeout;
        match (&kind, call.committed()) {
            (PendingKind::Key(_), Some(leave)) => {
                if let Err(fault) = wire.act(leave, &bytes).await {
                    let proved = fault.has_no_effect();
                    let broken = fault.code() == "LINK-LOST";
                    if !proved {
                        let pending = Pending {
                            encoder,
                            reservation,
                            kind,
                            until,
                            call,
                        };
                        self.link.owe(&pending);
                        pending.call.refuse(fault.clone());
                    } else {
                        call.refuse(fault.clone());
                    }
                    return if broken { Err(fault) } else { Ok(()) };
                }
            }
            (PendingKind::Key(_), None) => {
                call.refuse(Fault::permanent("FIAS-NOT-TAKEN").without_effect());
                return Ok(());
            }
            (PendingKind::Read | PendingKind::Alive, _) => wire.say(&record).await?,
        }
        self.pending.push(Pending {
            call,
            encoder,
            reservation,
            kind,
            until,
        });
        Ok(())
    }
}

#[cfg(test)]
mod tests;
