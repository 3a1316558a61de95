//! New key or copy: what is known of the cards of one room, and what follows from it.
//!
//! "New" voids the earlier guest cards of a room, "copy" leaves them valid, and an order does not
//! say which is wanted. So every room has a small durable record of the stays cards were made
//! for. Pure: a record, an order and a time in; a decision or a changed record out. Where it is
//! kept is the driver's shelf, which all encoders of one lock system share.

use jiff::{SignedDuration, Timestamp, ToSpan};
use serde::{Deserialize, Serialize};

use crate::dialect::Mode;

/// The cards of one room. Kept on the shelf under [`RoomLedger::key`].
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RoomLedger {
    /// The version of this shape.
    version: Version,
    stays: Vec<Held>,
    /// The command that was the last to begin a new key: only its outcome changes the record.
    last_new: Option<String>,
}

/// A shape this program does not know is unreadable, never empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
enum Version {
    #[default]
    #[serde(rename = "1")]
    One,
}

/// What is known of the cards of one stay in one room.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Held {
    stay: String,
    /// The end of the stay its cards were made for.
    until: Timestamp,
    /// Cards known to have been made since the last new key.
    cards: u32,
    known: Known,
    /// A new key that is being made.
    under_way: Option<UnderWay>,
    /// When the last command that made a card of this stay was ordered. Records of before this
    /// was kept do not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ordered: Option<Timestamp>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Known {
    /// No card of this stay was made yet.
    Nothing,
    /// A new key was made: its cards are good.
    Good,
    /// A new key may have been made.
    Doubtful,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct UnderWay {
    since: Timestamp,
    /// When it counts as doubtful without further news.
    doubtful_after: Timestamp,
    command: String,
    until: Timestamp,
}

/// New or copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Issue {
    /// Voids the earlier guest cards of the room.
    New,
    /// Leaves them valid.
    Copy,
}

/// Why it is a new key or a copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// No card is known for this stay and room.
    FirstOfStay,
    /// A good new key of this stay is known.
    StayHasKeys,
    /// An earlier new key of this stay is in doubt: a new one voids it, whatever it was.
    EarlierInDoubt,
    /// Another stay holds the room now and the site wants new keys then: its cards stop.
    OtherStayVoided,
    /// Another stay holds the room now and the site wants additional keys then.
    Sharer,
    /// The site or the order's data says so.
    Forced,
}

impl Why {
    /// What the desk reads in the note.
    #[must_use]
    pub fn for_people(self, issue: Issue) -> &'static str {
        match (self, issue) {
            (Self::FirstOfStay, _) => "new key, earlier cards stop working",
            (Self::StayHasKeys, _) => "copy, earlier cards of this stay keep working",
            (Self::EarlierInDoubt, _) => {
                "new key because an earlier one was in doubt, earlier cards stop working"
            }
            (Self::OtherStayVoided, _) => {
                "new key, and the cards of ANOTHER guest who shares the room stop working"
            }
            (Self::Sharer, _) => "additional key for a guest who shares the room",
            (Self::Forced, Issue::New) => "new key by setting, earlier cards stop working",
            (Self::Forced, Issue::Copy) => "copy by setting, earlier cards keep working",
        }
    }
}

/// What the first card of an order is; further cards of it are copies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// New or copy.
    pub issue: Issue,
    /// Why.
    pub why: Why,
}

/// What to do for a stay while another one holds the room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sharers {
    /// A new key: the other stay's cards stop working.
    #[default]
    New,
    /// An additional key: the other stay's cards keep working.
    Copy,
}

/// A new key for the room is being made on another encoder: decide again in a moment.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a new key for room {room} is being made on another encoder")]
pub struct Busy {
    /// The room.
    pub room: String,
}

/// One order as the ledger sees it.
#[derive(Debug, Clone)]
pub struct Claim<'a> {
    /// The command.
    pub command: &'a str,
    /// The stay; `None` if the order names none: then no earlier card can be its own.
    pub stay: Option<&'a str>,
    /// End of the stay.
    pub until: Timestamp,
    /// Now, by the cloud's clock.
    pub now: Timestamp,
    /// When the command was ordered.
    pub ordered: Timestamp,
    /// Forced by a setting, or not.
    pub mode: Mode,
    /// What to do for sharers.
    pub sharers: Sharers,
}

impl Claim<'_> {
    fn holder(&self) -> String {
        self.stay
            .map_or_else(|| format!("command {}", self.command), str::to_owned)
    }
}

/// Decides for all rooms of an order: a copy only where every room allows one, because a copy in
/// a room without a good key of this stay could double another guest's.
///
/// # Errors
/// [`Busy`] while another encoder makes a new key for one of the rooms.
pub fn decide(rooms: &[(&str, &RoomLedger)], claim: &Claim<'_>) -> Result<Decision, Busy> {
    let mut decision = None;
    for (room, ledger) in rooms {
        if ledger.is_under_way(claim) {
            return Err(Busy {
                room: (*room).to_owned(),
            });
        }
        let of_room = ledger.decide(claim);
        decision = match (decision, of_room) {
            (
                Some(Decision {
                    issue: Issue::New, ..
                }),
                _,
            ) => decision,
            (_, of_room) => Some(of_room),
        };
    }
    let decision = decision.unwrap_or(Decision {
        issue: Issue::New,
        why: Why::FirstOfStay,
    });
    Ok(match claim.mode {
        Mode::Auto => decision,
        Mode::New if decision.issue == Issue::New => decision,
        Mode::New => Decision {
            issue: Issue::New,
            why: Why::Forced,
        },
        Mode::Copy if decision.issue == Issue::Copy => decision,
        Mode::Copy => Decision {
            issue: Issue::Copy,
            why: Why::Forced,
        },
    })
}

/// Two commands of one stay ordered closer together than this were perhaps meant as one.
const TWICE_WITHIN: SignedDuration = SignedDuration::from_secs(60);

impl RoomLedger {
    /// How long before this command the last one was ordered that made keys for the same stay,
    /// where it is so short that staff may have pressed twice. Both are carried out; it is told.
    #[must_use]
    pub fn ordered_just_before(&self, claim: &Claim<'_>) -> Option<SignedDuration> {
        let holder = claim.holder();
        let held = self.stays.iter().find(|held| held.stay == holder)?;
        let apart = claim.ordered.duration_since(held.ordered?).abs();
        (apart < TWICE_WITHIN).then_some(apart)
    }

    /// The shelf key of a room, by the lock system's own name for it.
    #[must_use]
    pub fn key(room: &str) -> String {
        format!("room/{room}")
    }

    /// True if nothing is known any more: the key can go.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.stays.is_empty()
    }

    /// True while a further copy would still be this stay's own: its new key is good, or the site
    /// wants copies whatever is known, and nobody else is making or has made a new key.
    #[must_use]
    pub fn allows_another_copy(&self, claim: &Claim<'_>) -> bool {
        let holder = claim.holder();
        let own = |held: &&Held| held.stay == holder;
        !self.is_under_way(claim)
            && self
                .stays
                .iter()
                .find(own)
                .is_some_and(|held| held.known == Known::Good || claim.mode == Mode::Copy)
    }

    /// A new key is about to be made. Other stays stay on record until it is.
    #[must_use]
    pub fn begin_new(mut self, claim: &Claim<'_>, doubtful_after: Timestamp) -> Self {
        self.forget_the_past(claim.now);
        self.age(claim.now);
        self.last_new = Some(claim.command.to_owned());
        let under_way = UnderWay {
            since: claim.now,
            doubtful_after,
            command: claim.command.to_owned(),
            until: claim.until,
        };
        let holder = claim.holder();
        match self.stays.iter_mut().find(|held| held.stay == holder) {
            Some(held) => held.under_way = Some(under_way),
            None => self.stays.push(Held {
                stay: holder,
                until: claim.until,
                cards: 0,
                known: Known::Nothing,
                under_way: Some(under_way),
                ordered: None,
            }),
        }
        self
    }

    /// The new key was made: it is the only good one of the room.
    #[must_use]
    pub fn made_new(mut self, claim: &Claim<'_>) -> Self {
        if !self.is_last_word_of(claim) {
            return self;
        }
        let holder = claim.holder();
        self.stays.retain(|held| held.stay == holder);
        for held in &mut self.stays {
            held.known = Known::Good;
            held.cards = 1;
            held.until = claim.until;
            held.under_way = None;
            held.ordered = Some(claim.ordered);
        }
        self
    }

    /// The lock system refused the new key: what was true before is true again.
    #[must_use]
    pub fn refused_new(mut self, claim: &Claim<'_>) -> Self {
        for held in &mut self.stays {
            if held
                .under_way
                .as_ref()
                .is_some_and(|new| new.command == claim.command)
            {
                held.under_way = None;
            }
        }
        self.stays
            .retain(|held| held.known != Known::Nothing || held.under_way.is_some());
        self
    }

    /// Nobody knows whether the new key was made: every card of the room is in doubt.
    #[must_use]
    pub fn doubtful_new(mut self, claim: &Claim<'_>) -> Self {
        if self.is_last_word_of(claim) {
            self.all_doubtful();
        }
        self
    }

    /// A copy was, or may have been, made: the stay's cards are good until its (new) end.
    #[must_use]
    pub fn copied(mut self, claim: &Claim<'_>) -> Self {
        self.forget_the_past(claim.now);
        let holder = claim.holder();
        match self.stays.iter_mut().find(|held| held.stay == holder) {
            Some(held) => {
                held.until = held.until.max(claim.until);
                held.cards = held.cards.saturating_add(1);
            }
            None => self.stays.push(Held {
                stay: holder,
                until: claim.until,
                cards: 1,
                known: Known::Good,
                under_way: None,
                ordered: None,
            }),
        }
        self
    }

    /// A copy that was noted before it was made has been made.
    #[must_use]
    pub fn made_copy(mut self, claim: &Claim<'_>) -> Self {
        let holder = claim.holder();
        if let Some(held) = self.stays.iter_mut().find(|held| held.stay == holder) {
            held.ordered = Some(claim.ordered);
        }
        self
    }

    fn decide(&self, claim: &Claim<'_>) -> Decision {
        let new = |why| Decision {
            issue: Issue::New,
            why,
        };
        let copy = |why| Decision {
            issue: Issue::Copy,
            why,
        };
        let holder = claim.holder();
        // A key under way whose time has passed puts the whole room in doubt.
        let mut aged = self.clone();
        aged.age(claim.now);
        let valid = |held: &&Held| held.until > claim.now;
        match aged
            .stays
            .iter()
            .filter(valid)
            .find(|held| held.stay == holder)
        {
            Some(Held {
                known: Known::Good, ..
            }) => return copy(Why::StayHasKeys),
            Some(Held {
                known: Known::Doubtful,
                ..
            }) => return new(Why::EarlierInDoubt),
            Some(Held {
                known: Known::Nothing,
                ..
            })
            | None => {}
        }
        let mut others = aged
            .stays
            .iter()
            .filter(valid)
            .filter(|held| held.stay != holder);
        match others.next() {
            None => new(Why::FirstOfStay),
            Some(first) => {
                let all_good =
                    first.known == Known::Good && others.all(|held| held.known == Known::Good);
                match claim.sharers {
                    Sharers::Copy if all_good => copy(Why::Sharer),
                    Sharers::Copy | Sharers::New => new(Why::OtherStayVoided),
                }
            }
        }
    }

    fn is_under_way(&self, claim: &Claim<'_>) -> bool {
        self.stays
            .iter()
            .filter_map(|held| held.under_way.as_ref())
            .any(|new| new.command != claim.command && claim.now < new.doubtful_after)
    }

    /// True if no later command has begun a new key since this one began its own.
    fn is_last_word_of(&self, claim: &Claim<'_>) -> bool {
        self.last_new.as_deref() == Some(claim.command)
    }

    fn age(&mut self, now: Timestamp) {
        let over = |held: &Held| {
            held.under_way
                .as_ref()
                .is_some_and(|new| new.doubtful_after <= now)
        };
        if self.stays.iter().any(over) {
            self.all_doubtful();
        }
    }

    fn all_doubtful(&mut self) {
        for held in &mut self.stays {
            held.known = Known::Doubtful;
            if let Some(new) = held.under_way.take() {
                held.until = held.until.max(new.until);
            }
        }
    }

    fn forget_the_past(&mut self, now: Timestamp) {
        self.stays.retain(|held| {
            // A day longer than the stay, so that its story can still be read.
            held.under_way.is_some()
                || held
                    .until
                    .checked_add(24.hours())
                    .is_ok_and(|until| until > now)
        });
    }
}

#[cfg(test)]
mod tests;
