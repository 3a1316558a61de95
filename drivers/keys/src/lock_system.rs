//! A lock system that exists only in memory: rooms, encoders, and every card ever made.
//!
//! The virtual devices of the protocols put their own parsers in front of it. It keeps the truth
//! that a test compares with what the worker told: which cards exist, and which open a door.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use driver_sdk::{Effect, Switch};
use tokio::sync::broadcast;

use crate::ledger::Issue;

/// What goes wrong, while it is switched on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Trouble {
    /// Nothing.
    #[default]
    None,
    /// It does not take requests: NAK to ENQ, or the status "busy".
    Busy,
    /// The encoder still has the task before.
    Occupied,
    /// It answers nothing at all.
    Silent,
    /// It refuses the message as damaged.
    Nak,
    /// The card is made; its answer has a wrong check byte.
    WrongCheck,
    /// The room is not known.
    RoomUnknown,
    /// Nobody presents a card.
    NoCard,
    /// The card is made; the answer is lost.
    AnswerLost,
    /// The card is made; the answer comes after `late_ms`.
    Late,
    /// The card is made; the answer names another encoder.
    OtherEncoder,
    /// The answer is a success, given before a card is there; and none is made.
    Queued,
    /// The answer never ends.
    Endless,
    /// The card is made; its answer has an end, after more bytes than an answer can have.
    TooLong,
    /// The link is cut while the card is being made: it is not.
    CutBefore,
    /// The link is cut when the card is made, before the answer.
    CutAfter,
    /// A card takes `slow_ms` more.
    Slow,
    /// The finished card stays on the encoder, and the next request writes it again.
    SameCard,
}

/// The words of the switch `fault`.
const TROUBLES: [(&str, Trouble); 18] = [
    ("none", Trouble::None),
    ("busy", Trouble::Busy),
    ("occupied", Trouble::Occupied),
    ("silent", Trouble::Silent),
    ("nak", Trouble::Nak),
    ("wrong-check", Trouble::WrongCheck),
    ("room-unknown", Trouble::RoomUnknown),
    ("no-card", Trouble::NoCard),
    ("answer-lost", Trouble::AnswerLost),
    ("late", Trouble::Late),
    ("other-encoder", Trouble::OtherEncoder),
    ("queued", Trouble::Queued),
    ("endless", Trouble::Endless),
    ("too-long", Trouble::TooLong),
    ("cut-before", Trouble::CutBefore),
    ("cut-after", Trouble::CutAfter),
    ("slow", Trouble::Slow),
    ("same-card", Trouble::SameCard),
];

/// What can be set from outside.
pub const SWITCHES: [Switch; 7] = [
    Switch {
        name: "fault",
        help: "none | busy | occupied | silent | nak | wrong-check | room-unknown | no-card | \
               answer-lost | late | other-encoder | queued | endless | too-long | cut-before | \
               cut-after | slow | same-card; with @N only at the Nth card from now, such as answer-lost@2",
    },
    Switch {
        name: "card_ms",
        help: "milliseconds until somebody presents a card",
    },
    Switch {
        name: "late_ms",
        help: "how late a late answer is, in milliseconds; a minute and a half if not set",
    },
    Switch {
        name: "slow_ms",
        help: "how much longer a slow card takes, in milliseconds; 20 s if not set",
    },
    Switch {
        name: "rooms",
        help: "any, or the rooms it knows, such as 101,102,204",
    },
    Switch {
        name: "encoders",
        help: "any, or the encoders it has, such as 1,2",
    },
    Switch {
        name: "copies",
        help: "strict | any: a copy needs a valid card of the room, or not",
    },
];

/// A card that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CardMade {
    /// Its serial number.
    pub serial: String,
    /// The encoder that wrote it.
    pub encoder: String,
    /// What it opens.
    pub rooms: Vec<String>,
    /// New or copy.
    pub issue: Issue,
    /// Validity as the protocol wrote it: start and end.
    pub validity: (String, String),
    /// The reservation's number, where the protocol tells it.
    pub stay: Option<String>,
    /// It opens its doors: no later new key has voided it.
    pub valid: bool,
}

/// A card somebody asks for.
#[derive(Debug, Clone)]
pub struct CardWanted {
    /// On which encoder.
    pub encoder: String,
    /// For which rooms; the first is the main one.
    pub rooms: Vec<String>,
    /// New or copy.
    pub issue: Issue,
    /// Validity as the protocol wrote it: start and end.
    pub validity: (String, String),
    /// The reservation's number.
    pub stay: Option<String>,
}

/// Why no card is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoCard {
    /// The encoder is not one of this system, or off.
    UnknownEncoder,
    /// The room is not one of this system.
    UnknownRoom,
    /// A copy for a room where nobody is checked in.
    NothingToCopy,
    /// Nobody presented a card in time.
    NotPresented,
    /// The encoder has another task.
    Occupied,
}

/// The lock system. It outlives its connections.
#[derive(Debug)]
pub struct LockSystem {
    inside: Mutex<Inside>,
    story: broadcast::Sender<String>,
}

#[derive(Debug)]
struct Inside {
    cards: Vec<CardMade>,
    trouble: Trouble,
    /// The trouble comes only at this card, counted down.
    at_card: Option<u32>,
    card_time: Duration,
    late: Duration,
    slow: Duration,
    rooms: Option<Vec<String>>,
    encoders: Option<Vec<String>>,
    copies_any: bool,
}

impl Default for Inside {
    fn default() -> Self {
        Self {
            cards: Vec::new(),
            trouble: Trouble::None,
            at_card: None,
            card_time: Duration::ZERO,
            late: Duration::from_secs(90),
            slow: Duration::from_secs(20),
            rooms: None,
            encoders: None,
            copies_any: false,
        }
    }
}

impl Default for LockSystem {
    fn default() -> Self {
        Self {
            inside: Mutex::default(),
            story: broadcast::Sender::new(256),
        }
    }
}

impl LockSystem {
    /// A lock system with its switches set.
    ///
    /// # Errors
    /// A sentence that names what is possible.
    pub fn with(switches: &[(String, String)]) -> Result<Self, String> {
        let system = Self::default();
        for (name, value) in switches {
            system.switch(name, value)?;
        }
        Ok(system)
    }

    /// Sets a property or a fault.
    ///
    /// # Errors
    /// A sentence that names what is possible.
    pub fn switch(&self, name: &str, value: &str) -> Result<(), String> {
        let mut inside = self.lock();
        match name {
            "fault" => {
                let (word, at) = match value.split_once('@') {
                    Some((word, at)) => {
                        let at = at.parse().ok().filter(|at| *at > 0);
                        (
                            word,
                            Some(at.ok_or("after @ stands the number of a card, from 1")?),
                        )
                    }
                    None => (value, None),
                };
                let known = TROUBLES.iter().find(|(known, _)| *known == word);
                let (_, trouble) = known.ok_or_else(|| {
                    let words: Vec<&str> = TROUBLES.iter().map(|(word, _)| *word).collect();
                    format!("unknown fault `{word}`; possible: {}", words.join(", "))
                })?;
                inside.trouble = *trouble;
                inside.at_card = at;
            }
            "card_ms" => inside.card_time = millis(name, value)?,
            "late_ms" => inside.late = millis(name, value)?,
            "slow_ms" => inside.slow = millis(name, value)?,
            "rooms" => inside.rooms = list(value),
            "encoders" => inside.encoders = list(value),
            "copies" => {
                inside.copies_any = match value {
                    "any" => true,
                    "strict" => false,
                    _ => return Err("copies is strict or any".to_owned()),
                }
            }
            _ => {
                let names: Vec<&str> = SWITCHES.iter().map(|switch| switch.name).collect();
                return Err(format!(
                    "unknown switch `{name}`; possible: {}",
                    names.join(", ")
                ));
            }
        }
        drop(inside);
        self.tell(format!("switched: {name} = {value}"));
        Ok(())
    }

    /// The trouble of a request that is not (yet) a card: an ENQ, a record of the link.
    #[must_use]
    pub fn trouble(&self) -> Trouble {
        let inside = self.lock();
        if inside.at_card.is_some_and(|at| at > 1) {
            Trouble::None
        } else {
            inside.trouble
        }
    }

    /// The trouble of the next card. Counts the card.
    #[must_use]
    pub fn trouble_of_next_card(&self) -> Trouble {
        let mut inside = self.lock();
        match inside.at_card {
            None => inside.trouble,
            Some(1) => {
                let trouble = inside.trouble;
                inside.trouble = Trouble::None;
                inside.at_card = None;
                trouble
            }
            Some(at) => {
                inside.at_card = Some(at - 1);
                Trouble::None
            }
        }
    }

    /// Whether a card could be made, before somebody presents one.
    ///
    /// # Errors
    /// Why not.
    pub fn check(&self, wanted: &CardWanted, trouble: Trouble) -> Result<(), NoCard> {
        let inside = self.lock();
        let known = |list: &Option<Vec<String>>, name: &String| {
            list.as_ref().is_none_or(|list| list.contains(name))
        };
        if !known(&inside.encoders, &wanted.encoder) {
            return Err(NoCard::UnknownEncoder);
        }
        let rooms_known = wanted.rooms.iter().all(|room| known(&inside.rooms, room));
        if trouble == Trouble::RoomUnknown || !rooms_known || wanted.rooms.is_empty() {
            return Err(NoCard::UnknownRoom);
        }
        if trouble == Trouble::Occupied {
            return Err(NoCard::Occupied);
        }
        let somebody = inside
            .cards
            .iter()
            .any(|card| card.valid && wanted.rooms.iter().all(|room| card.rooms.contains(room)));
        if wanted.issue == Issue::Copy && !inside.copies_any && !somebody {
            return Err(NoCard::NothingToCopy);
        }
        if trouble == Trouble::NoCard {
            return Err(NoCard::NotPresented);
        }
        Ok(())
    }

    /// How long somebody takes to present a card.
    #[must_use]
    pub fn card_time(&self, trouble: Trouble) -> Duration {
        let inside = self.lock();
        if trouble == Trouble::Slow {
            inside.card_time + inside.slow
        } else {
            inside.card_time
        }
    }

    /// How late a late answer is.
    #[must_use]
    pub fn late(&self) -> Duration {
        self.lock().late
    }

    /// Makes a card: from now on it exists. A new key voids the room's earlier cards.
    pub fn make(&self, wanted: CardWanted, trouble: Trouble) -> CardMade {
        let mut inside = self.lock();
        if wanted.issue == Issue::New {
            for card in &mut inside.cards {
                if card.rooms.iter().any(|room| wanted.rooms.contains(room)) {
                    card.valid = false;
                }
            }
        }
        let number = inside.cards.len() + 1;
        let same = trouble == Trouble::SameCard;
        let last = inside
            .cards
            .last()
            .filter(|_| same)
            .map(|card| card.serial.clone());
        let card = CardMade {
            serial: last
                .clone()
                .unwrap_or_else(|| format!("04A1B2{number:02X}")),
            encoder: wanted.encoder,
            rooms: wanted.rooms,
            issue: wanted.issue,
            validity: wanted.validity,
            stay: wanted.stay,
            valid: true,
        };
        if last.is_some() {
            inside.cards.pop();
        }
        inside.cards.push(card.clone());
        drop(inside);
        let kind = match card.issue {
            Issue::New => "new key",
            Issue::Copy => "copy",
        };
        self.tell(format!(
            "card {number}: {kind} for {} on encoder {}, valid {} to {}",
            card.rooms.join(", "),
            card.encoder,
            card.validity.0,
            card.validity.1
        ));
        card
    }

    /// A room's guest has left: nothing stops working, the list of guests changes.
    pub fn check_out(&self, room: &str) {
        self.tell(format!(
            "room {room} checked out; its cards work until they expire"
        ));
    }

    /// The newest card that an encoder wrote: what a read finds there.
    #[must_use]
    pub fn on_encoder(&self, encoder: &str) -> Option<CardMade> {
        self.lock()
            .cards
            .iter()
            .rev()
            .find(|card| card.encoder == encoder)
            .cloned()
    }

    /// Every card, in order of making.
    #[must_use]
    pub fn cards(&self) -> Vec<CardMade> {
        self.lock().cards.clone()
    }

    /// The same as a checker counts it.
    #[must_use]
    pub fn effects(&self) -> Vec<Effect> {
        self.cards().into_iter().map(effect).collect()
    }

    /// What happens, as plain lines.
    #[must_use]
    pub fn story(&self) -> broadcast::Receiver<String> {
        self.story.subscribe()
    }

    /// Adds a line to the story.
    pub fn tell(&self, line: impl Into<String>) {
        // Nobody may be listening.
        let _ = self.story.send(line.into());
    }

    fn lock(&self) -> MutexGuard<'_, Inside> {
        self.inside
            .lock()
            .expect("no code panics while it holds this lock")
    }
}

fn effect(card: CardMade) -> Effect {
    let issue = match card.issue {
        Issue::New => "new",
        Issue::Copy => "copy",
    };
    let mut facts = BTreeMap::from([
        ("encoder".to_owned(), card.encoder),
        ("issue".to_owned(), issue.to_owned()),
        (
            "state".to_owned(),
            if card.valid { "valid" } else { "voided" }.to_owned(),
        ),
        ("start".to_owned(), card.validity.0),
        ("end".to_owned(), card.validity.1),
    ]);
    if let Some(stay) = card.stay {
        facts.insert("stay".to_owned(), stay);
    }
    Effect {
        kind: "card".to_owned(),
        content: card.rooms.join(","),
        facts,
    }
}

fn millis(name: &str, value: &str) -> Result<Duration, String> {
    let time = value.parse();
    time.map(Duration::from_millis)
        .map_err(|_| format!("{name} is a number of milliseconds"))
}

fn list(value: &str) -> Option<Vec<String>> {
    (value != "any").then(|| {
        value
            .split(',')
            .map(|item| item.trim().to_owned())
            .collect()
    })
}

#[cfg(test)]
mod tests;
