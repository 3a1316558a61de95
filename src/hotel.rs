//! One property: its cloud, its clock and zone, its devices, and how fresh our knowledge is.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use driver_sdk::{Class, CommandId, DeviceName};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use uuid::Uuid;

use crate::board::Board;
use crate::config::MewsDevice;
use crate::journal::{Found, Journal, JournalError};
use crate::life::Rules;
use crate::mews::cloud::Cloud;
use crate::mews::wire::State;

/// A device as the intake sees it.
#[derive(Debug, Clone)]
pub struct Member {
    /// `[device.NAME]`.
    pub name: DeviceName,
    /// How the config names it in the hotel system.
    pub mews: MewsDevice,
    /// Its rules.
    pub rules: Rules,
}

/// One property. Shared by its intake, its reports and the lanes of its devices.
#[derive(Debug)]
pub struct Hotel {
    /// `[property.NAME]`.
    pub name: String,
    /// Its operations.
    pub cloud: Cloud,
    /// The journal.
    pub journal: Journal,
    /// What the journal itself says of its birth; by the cloud's clock: [`Hotel::birth`].
    pub found: Found,
    /// The board.
    pub board: Board,
    /// Its devices on this PC.
    pub members: Vec<Member>,
    /// When this process began, by the monotonic clock.
    started: Duration,
    knowledge: Mutex<Knowledge>,
}

#[derive(Debug)]
struct Knowledge {
    zone: Option<TimeZone>,
    /// The zone is the config's: what Mews says does not matter.
    zone_is_set: bool,
    /// Ids by the names the hotel system gives.
    ids_by_name: BTreeMap<String, Vec<Uuid>>,
    /// By the monotonic clock: when the socket came up, while it is up.
    up_since: Option<Duration>,
    /// When we last knew a command to be open there.
    seen_open: BTreeMap<CommandId, Duration>,
    /// When the request of the last complete sweep was sent.
    swept: Option<Duration>,
    /// Commands that the socket called over and that no row could note it of, the last few, each
    /// with its final state.
    over: VecDeque<(CommandId, State)>,
    /// The journal's birth by the cloud's clock, and whether the journal has it.
    born: Option<(Timestamp, bool)>,
}

/// So many commands that are over are remembered: more than a request is under way with.
const OVER_MAX: usize = 2_048;

impl Hotel {
    /// A property that knows nothing yet. `zone`: the config's, which wins over Mews'.
    #[must_use]
    pub fn new(
        name: &str,
        cloud: Cloud,
        journal: Journal,
        found: Found,
        board: Board,
        members: Vec<Member>,
        zone: Option<TimeZone>,
    ) -> Self {
        let knowledge = Knowledge {
            zone_is_set: zone.is_some(),
            zone,
            ids_by_name: BTreeMap::new(),
            up_since: None,
            seen_open: BTreeMap::new(),
            swept: None,
            over: VecDeque::new(),
            born: None,
        };
        Self {
            started: cloud.clock().monotonic(),
            name: name.to_owned(),
            cloud,
            journal,
            found,
            board,
            members,
            knowledge: Mutex::new(knowledge),
        }
    }

    fn knowledge(&self) -> MutexGuard<'_, Knowledge> {
        self.knowledge
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// The cloud's time, or the best guess at it.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.cloud.clock().best_guess()
    }

    /// What is known of the journal's birth, by the cloud's clock; `None` until that is known. A
    /// wrong clock of this PC must not make a lost journal's command young, or a new one old.
    #[must_use]
    pub fn birth(&self) -> Option<Found> {
        if self.found.sure {
            return Some(self.found);
        }
        let clock = self.cloud.clock();
        let mut knowledge = self.knowledge();
        let made = match knowledge.born {
            Some((made, _)) => made,
            None => {
                // A journal that came through a process without the cloud's time has taken nothing
                // in that an older one may have begun, so it may count as made just now.
                let age = clock.monotonic().saturating_sub(self.started);
                let made = clock.latest()?.checked_sub(age).ok()?;
                knowledge.born = Some((made, false));
                made
            }
        };
        Some(Found {
            made,
            sure: true,
            ..self.found
        })
    }

    /// The same, and the journal has it from now on.
    ///
    /// # Errors
    /// The disk's: then it counts for nothing.
    pub async fn keep_birth(&self) -> Result<Option<Found>, JournalError> {
        let Some(found) = self.birth() else {
            return Ok(None);
        };
        let kept = self.knowledge().born.is_none_or(|(_, kept)| kept);
        if kept {
            return Ok(Some(found));
        }
        let made = found.made;
        let made = self.journal.with(move |core| core.born(made)).await?;
        self.knowledge().born = Some((made, true));
        Ok(Some(Found { made, ..found }))
    }

    /// The member a command is for, by its device's id or unique name.
    #[must_use]
    pub fn member_of(&self, id: Uuid, name: &str) -> Option<&Member> {
        self.members.iter().find(|member| match &member.mews {
            MewsDevice::Id(configured) => *configured == id,
            MewsDevice::Name(configured) => {
                let same = configured.trim() == name.trim();
                // Two devices of one name: nobody can tell which one is meant.
                same && self
                    .knowledge()
                    .ids_by_name
                    .get(configured.trim())
                    .is_none_or(|ids| ids.len() == 1)
            }
        })
    }

    /// The ids of this PC's devices of a class, as far as they are known.
    #[must_use]
    pub fn ids_of(&self, class: Class) -> Vec<Uuid> {
        let knowledge = self.knowledge();
        let of_class = self.members.iter().filter(|on| on.rules.class == class);
        of_class
            .filter_map(|member| match &member.mews {
                MewsDevice::Id(id) => Some(*id),
                MewsDevice::Name(name) => {
                    match knowledge.ids_by_name.get(name.trim())?.as_slice() {
                        [one] => Some(*one),
                        [] | [_, _, ..] => None,
                    }
                }
            })
            .collect()
    }

    /// The property's zone, once it is known.
    #[must_use]
    pub fn zone(&self) -> Option<TimeZone> {
        self.knowledge().zone.clone()
    }

    /// The zone as the hotel system says it; the config's wins.
    pub fn zone_is(&self, zone: TimeZone) {
        let mut knowledge = self.knowledge();
        if !knowledge.zone_is_set {
            knowledge.zone = Some(zone);
        }
    }

    /// The hotel's devices, by name.
    pub fn devices_are(&self, ids_by_name: BTreeMap<String, Vec<Uuid>>) {
        self.knowledge().ids_by_name = ids_by_name;
    }

    /// The socket came up, or went down.
    pub fn link_is(&self, up: bool) {
        let now = self.cloud.clock().monotonic();
        self.knowledge().up_since = up.then_some(now);
    }

    /// True while the socket stands.
    #[must_use]
    pub fn is_up(&self) -> bool {
        self.knowledge().up_since.is_some()
    }

    /// A command was seen open in the hotel system, by a request sent then (monotonic clock): an
    /// answer may be old when it is read.
    pub fn saw_open(&self, id: CommandId, sent: Duration) {
        let mut knowledge = self.knowledge();
        let seen = knowledge.seen_open.entry(id).or_insert(sent);
        *seen = sent.max(*seen);
    }

    /// A complete sweep has ended whose request was sent then.
    pub fn swept(&self, sent: Duration) {
        self.knowledge().swept = Some(sent);
    }

    /// The socket said that a command is over, and no row could note it. An answer under way may
    /// still show it open.
    pub fn heard_over(&self, id: CommandId, state: &State) {
        let mut knowledge = self.knowledge();
        knowledge.seen_open.remove(&id);
        if knowledge.over.len() >= OVER_MAX {
            knowledge.over.pop_front();
        }
        knowledge.over.push_back((id, state.clone()));
    }

    /// The final state that the socket told of a command not long ago, where no row could note it.
    #[must_use]
    pub fn end_heard(&self, id: CommandId) -> Option<State> {
        let knowledge = self.knowledge();
        let mut over = knowledge.over.iter();
        over.find(|(of, _)| *of == id)
            .map(|(_, state)| state.clone())
    }

    /// A command is over: nothing needs to be known of it.
    pub fn forget(&self, id: CommandId) {
        self.knowledge().seen_open.remove(&id);
    }

    /// True if a cancel would have reached us: the socket has stood since we last saw the
    /// command open, and no later sweep left it out. Else it is read once more before commit.
    #[must_use]
    pub fn is_fresh(&self, id: CommandId) -> bool {
        let knowledge = self.knowledge();
        let Some(seen) = knowledge.seen_open.get(&id) else {
            return false;
        };
        if knowledge.over.iter().any(|(of, _)| *of == id) {
            return false;
        }
        let stood = knowledge.up_since.is_some_and(|since| since <= *seen);
        let left_out = knowledge.swept.is_some_and(|began| began > *seen);
        stood && !left_out
    }
}

/// Every property of this process, by name.
pub type Hotels = BTreeMap<String, Arc<Hotel>>;
