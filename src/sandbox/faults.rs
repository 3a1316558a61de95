//! Faults that can be switched on while the sandbox runs: which request meets which.

use super::{clock::Clock, limit::RetryAfter};
use std::time::Duration;
use tokio::time::Instant;

/// The name of the socket's upgrade where a fault names an operation.
pub(super) const SOCKET: &str = "ws/connector";

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultKind {
    /// The request is handled, but only after this time.
    Delay(Duration),
    /// Nothing is done, the connection is reset.
    Reset,
    /// Nothing is done, and nothing is ever answered.
    NoAnswer,
    /// It is done, but the answer stops in the middle and the connection is closed.
    HalfBody,
    /// It is done, the connection is reset instead of an answer.
    LostAnswer,
    /// Nothing is done; this status with the API's error body.
    Status(u16),
    /// Nothing is done; 429.
    TooMany(RetryAfter),
    /// Nothing is done; a web page with this status, as from a proxy.
    Html(u16),
    /// The socket is accepted, then nothing is read, said or answered, pings included. Sockets
    /// that are open when it is switched on fall silent too, and stay so when it is over.
    BlackHole,
    /// No events are sent.
    DropEvents,
    /// Every event is sent this many times.
    DuplicateEvents(u32),
    /// Events of types nobody knows surround every event.
    UnknownEvents,
    /// A text that is no JSON goes before every event.
    GarbageText,
    /// A binary frame goes before every event.
    BinaryFrames,
}

impl FaultKind {
    /// Whether it concerns events rather than requests.
    fn is_of_events(self) -> bool {
        match self {
            Self::DropEvents
            | Self::DuplicateEvents(_)
            | Self::UnknownEvents
            | Self::GarbageText
            | Self::BinaryFrames => true,
            Self::Delay(_)
            | Self::Reset
            | Self::NoAnswer
            | Self::HalfBody
            | Self::LostAnswer
            | Self::Status(_)
            | Self::TooMany(_)
            | Self::Html(_)
            | Self::BlackHole => false,
        }
    }
}

/// Names a fault that is switched on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct FaultId(pub u64);

/// A fault, and which requests meet it.
#[derive(Debug, Clone)]
pub struct Fault {
    /// What goes wrong.
    pub kind: FaultKind,
    /// Only this operation, such as `commands/update`, or `ws/connector` for the upgrade of the
    /// socket. Without it: every operation of the API, not the socket.
    pub operation: Option<String>,
    /// How many requests (upgrades, events) meet it; then it is over. `None`: no limit.
    pub times: Option<u32>,
    /// How long it lasts. `None`: until it is switched off.
    pub lasting: Option<Duration>,
    /// Only every n-th matching request meets it; 1 is all of them.
    pub every: u32,
}

impl Fault {
    /// On every request, until switched off.
    pub fn new(kind: FaultKind) -> Self {
        Self {
            kind,
            operation: None,
            times: None,
            lasting: None,
            every: 1,
        }
    }

    /// Only on this operation.
    pub fn on(self, operation: &str) -> Self {
        Self {
            operation: Some(operation.to_owned()),
            ..self
        }
    }

    /// On the upgrade of the socket.
    pub fn on_socket(self) -> Self {
        self.on(SOCKET)
    }

    /// Only this many times.
    pub fn times(self, times: u32) -> Self {
        Self {
            times: Some(times),
            ..self
        }
    }

    /// Only so long.
    pub fn lasting(self, lasting: Duration) -> Self {
        Self {
            lasting: Some(lasting),
            ..self
        }
    }

    /// Only on every n-th matching request.
    pub fn every(self, every: u32) -> Self {
        Self {
            every: every.max(1),
            ..self
        }
    }

    fn concerns(&self, operation: &str) -> bool {
        match (self.kind, &self.operation) {
            (FaultKind::BlackHole, _) => operation == SOCKET,
            (kind, _) if kind.is_of_events() => false,
            (_, Some(wanted)) => wanted == operation,
            (_, None) => operation != SOCKET,
        }
    }
}

/// A fault that is on.
#[derive(Debug, Clone)]
pub(super) struct Active {
    pub(super) id: FaultId,
    pub(super) fault: Fault,
    pub(super) until: Option<Instant>,
    pub(super) left: Option<u32>,
    /// How many requests met it.
    pub(super) met: u64,
    seen: u64,
}

impl Active {
    fn is_over(&self, now: Instant) -> bool {
        self.left == Some(0) || self.until.is_some_and(|until| now >= until)
    }

    fn meets(&mut self) -> bool {
        self.seen += 1;
        let met = self.seen.is_multiple_of(u64::from(self.fault.every));
        if met {
            self.met += 1;
            self.left = self.left.map(|left| left.saturating_sub(1));
        }
        met
    }
}

/// What a request meets.
#[derive(Debug, Default)]
pub(super) struct Met {
    /// The sum of all delays.
    pub(super) delay: Duration,
    /// The first other fault.
    pub(super) kind: Option<FaultKind>,
}

/// How an event is spoiled.
#[derive(Debug, Default)]
pub(super) struct Spoiled {
    pub(super) dropped: bool,
    pub(super) copies: u32,
    pub(super) unknown: bool,
    pub(super) garbage: bool,
    pub(super) binary: bool,
}

/// All faults that are on.
#[derive(Debug, Default)]
pub(super) struct Faults {
    next: u64,
    active: Vec<Active>,
}

impl Faults {
    pub(super) fn switch_on(&mut self, fault: Fault) -> FaultId {
        let id = FaultId(self.next);
        self.next += 1;
        let until = fault.lasting.map(|lasting| Clock::instant() + lasting);
        let left = fault.times;
        self.active.push(Active {
            id,
            fault,
            until,
            left,
            met: 0,
            seen: 0,
        });
        id
    }

    pub(super) fn switch_off(&mut self, id: FaultId) -> bool {
        let before = self.active.len();
        self.active.retain(|active| active.id != id);
        self.active.len() != before
    }

    pub(super) fn clear(&mut self) {
        self.active.clear();
    }

    /// Those that are on now.
    pub(super) fn active(&mut self) -> &[Active] {
        let now = Clock::instant();
        self.active.retain(|active| !active.is_over(now));
        &self.active
    }

    /// What a request to this operation meets.
    pub(super) fn meet(&mut self, operation: &str) -> Met {
        let now = Clock::instant();
        let mut met = Met::default();
        for active in &mut self.active {
            if active.is_over(now) || !active.fault.concerns(operation) {
                continue;
            }
            if let FaultKind::Delay(delay) = active.fault.kind {
                if active.meets() {
                    met.delay += delay;
                }
            } else if met.kind.is_none() && active.meets() {
                met.kind = Some(active.fault.kind);
            }
        }
        met
    }

    /// How the next event is spoiled.
    pub(super) fn spoil(&mut self) -> Spoiled {
        let now = Clock::instant();
        let mut spoiled = Spoiled {
            copies: 1,
            ..Spoiled::default()
        };
        for active in &mut self.active {
            if active.is_over(now) || !active.fault.kind.is_of_events() || !active.meets() {
                continue;
            }
            match active.fault.kind {
                FaultKind::DropEvents => spoiled.dropped = true,
                FaultKind::DuplicateEvents(copies) => spoiled.copies = copies.max(1),
                FaultKind::UnknownEvents => spoiled.unknown = true,
                FaultKind::GarbageText => spoiled.garbage = true,
                FaultKind::BinaryFrames => spoiled.binary = true,
                FaultKind::Delay(_)
                | FaultKind::Reset
                | FaultKind::NoAnswer
                | FaultKind::HalfBody
                | FaultKind::LostAnswer
                | FaultKind::Status(_)
                | FaultKind::TooMany(_)
                | FaultKind::Html(_)
                | FaultKind::BlackHole => {}
            }
        }
        spoiled
    }
}
