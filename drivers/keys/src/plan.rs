//! From an order to a plan: everything decided that needs neither wire nor shelf.

use std::time::Duration;

use driver_sdk::{Fault, Job, KeyWork};
use jiff::Timestamp;

use crate::dialect::{Dialect, DialectError, Mode, Protocol};
use crate::ledger::{Claim, Sharers};
use crate::local_time::{self, LocalStay, StartFrom};
use crate::order::{self, Limits, Order, Refusal};
use crate::peer_address::{self, AddressError};

/// What a site has decided for one device.
#[derive(Debug, Clone)]
pub struct Site {
    /// What protocol and site accept.
    pub limits: Limits,
    /// Hosts an order may name; empty: its address is not looked at.
    pub api_hosts: Vec<String>,
    /// Forced by the config; the order's data is asked where it is `None`.
    pub mode: Option<Mode>,
    /// New keys or additional ones for guests who share a room.
    pub sharers: Sharers,
    /// Which moment validity begins with.
    pub start_from: StartFrom,
    /// How long the lock system may take for one card.
    pub answer_timeout: Duration,
}

/// A key order with everything decided but new or copy, which hangs on the shelf.
#[derive(Debug, Clone)]
pub struct KeyPlan {
    /// The checked order.
    pub order: Order,
    /// Validity in hotel time.
    pub stay: LocalStay,
    /// What the order's data says.
    pub dialect: Dialect,
    pub(crate) command: String,
    pub(crate) now: Timestamp,
    pub(crate) ordered: Timestamp,
    pub(crate) mode: Mode,
    pub(crate) sharers: Sharers,
    pub(crate) doubtful_after: Timestamp,
}

/// A new key under way counts as doubtful after this long without news.
const UNDER_WAY_MAX: Duration = Duration::from_secs(75);

impl KeyPlan {
    /// Decides an order. `speaks` says which protocols of the order's data this driver takes;
    /// data without a protocol is always taken.
    ///
    /// # Errors
    /// A permanent fault with its page: nothing may be sent.
    pub fn new(
        job: &Job,
        work: &KeyWork,
        site: &Site,
        ours: &str,
        speaks: impl Fn(&Protocol) -> bool,
    ) -> Result<Self, Fault> {
        let data = work
            .data
            .as_ref()
            .map(|data| data.reveal().as_str())
            .unwrap_or_default();
        let dialect = Dialect::parse(data).map_err(unreadable)?;
        if let Some(protocol) = dialect
            .protocol
            .as_ref()
            .filter(|protocol| !speaks(protocol))
        {
            return Err(Fault::permanent("KEY-OTHER-PROTOCOL")
                .with("named", protocol.name())
                .with("ours", ours));
        }
        if dialect.mobile_keys && !dialect.encoder_keys {
            return Err(Fault::permanent("KEY-MOBILE-ONLY"));
        }
        if !dialect.others.is_empty() {
            tracing::info!(keys = ?dialect.others.keys(), "Unknown keys in the Data JSON ignored");
        }
        peer_address::check(work.api_url.as_deref(), &site.api_hosts).map_err(not_allowed)?;
        let order = order::check(work, job.now, &site.limits).map_err(refused)?;
        let start = match site.start_from {
            StartFrom::Now => order.start.min(job.now),
            StartFrom::Reservation => order.start,
        };
        let patience = UNDER_WAY_MAX.max(site.answer_timeout + Duration::from_secs(15));
        Ok(Self {
            stay: LocalStay::new(start, order.end, &job.zone),
            command: job.id.to_string(),
            now: job.now,
            ordered: job.created,
            mode: site.mode.or(dialect.mode).unwrap_or_default(),
            sharers: site.sharers,
            doubtful_after: job.now.checked_add(patience).unwrap_or(Timestamp::MAX),
            dialect,
            order,
        })
    }

    /// The order as the ledger sees it.
    #[must_use]
    pub fn claim(&self) -> Claim<'_> {
        Claim {
            command: &self.command,
            stay: self.order.stay.as_deref(),
            until: self.order.end,
            now: self.now,
            ordered: self.ordered,
            mode: self.mode,
            sharers: self.sharers,
        }
    }

    /// Rooms for a note.
    #[must_use]
    pub fn rooms(&self) -> String {
        self.order.rooms.join(", ")
    }

    /// Validity for a note: start and end.
    #[must_use]
    pub fn validity(&self) -> (String, String) {
        (
            local_time::for_people(self.stay.start),
            local_time::for_people(self.stay.end),
        )
    }
}

fn unreadable(error: DialectError) -> Fault {
    match error {
        DialectError::NotJson { line, column } => Fault::permanent("KEY-DATA-UNREADABLE")
            .with("line", line)
            .with("column", column),
        DialectError::NotAnObject => Fault::permanent("KEY-DATA-UNREADABLE")
            .with("line", 1)
            .with("column", 1),
        DialectError::BadValue { key, wanted } => Fault::permanent("KEY-DATA-WRONG")
            .with("key", key)
            .with("wanted", wanted),
    }
}

fn not_allowed(error: AddressError) -> Fault {
    match error {
        AddressError::NoPort | AddressError::Unreadable => {
            Fault::permanent("KEY-ADDRESS-UNREADABLE")
        }
        AddressError::NotAllowed(peer) => {
            Fault::permanent("KEY-ADDRESS-REFUSED").with("address", peer)
        }
    }
}

fn refused(refusal: Refusal) -> Fault {
    match refusal {
        Refusal::NoRoom => Fault::permanent("KEY-NO-ROOM"),
        Refusal::TooManyRooms { asked, max } => Fault::permanent("KEY-TOO-MANY-ROOMS")
            .with("asked", asked)
            .with("max", max),
        Refusal::BadName { name } => Fault::permanent("KEY-BAD-NAME").with("name", name),
        Refusal::BadCount { asked, max } => Fault::permanent("KEY-BAD-COUNT")
            .with("asked", asked)
            .with("max", max),
        Refusal::EndsBeforeStart => Fault::permanent("KEY-STAY-INVALID"),
        Refusal::Over => Fault::permanent("KEY-STAY-OVER"),
        Refusal::TooLong { max } => Fault::permanent("KEY-STAY-TOO-LONG").with("max", max),
        Refusal::NoEncoder => Fault::permanent("KEY-NO-ENCODER"),
        Refusal::UnknownEncoder { name } => {
            Fault::permanent("KEY-UNKNOWN-ENCODER").with("name", name)
        }
    }
}

#[cfg(test)]
mod tests;
