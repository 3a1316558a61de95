//! Really working, or not and why. Pure: what the worker shows in, an answer out.

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::status::{JournalStatus, PropertyStatus, Tokens};
use crate::disk;

/// A clock of this PC that is off by more is told; ages are right all the same.
pub const WRONG_CLOCK: SignedDuration = SignedDuration::from_secs(30);
/// A report that Mews has not taken for so long is a fault of its own.
const OLD_REPORT: SignedDuration = SignedDuration::from_secs(60);

/// Whether commands get through from end to end right now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Readiness {
    /// Link up, tokens accepted, journal writable, time and zone known, reports fresh.
    pub ready: bool,
    /// What is missing, in plain words.
    pub why_not: Vec<String>,
    /// What stops nothing and should be put right.
    pub warnings: Vec<String>,
}

impl Readiness {
    /// Judges what the worker shows at a time.
    #[must_use]
    pub fn of(properties: &[PropertyStatus], journal: &JournalStatus, now: Timestamp) -> Self {
        let mut why_not = Vec::new();
        let mut warnings = Vec::new();
        if let Some(fault) = &journal.fault {
            why_not.push(format!(
                "the journal cannot be written, so no device is touched: {fault}"
            ));
        }
        for property in properties {
            let facts = missing(property, now);
            let named = facts
                .into_iter()
                .map(|fact| format!("{}: {fact}", property.name));
            why_not.extend(named);
            if let Some(ahead) = property.clock_ahead_s.filter(|ahead| is_wrong(*ahead)) {
                let (by, way) = (
                    ahead.unsigned_abs(),
                    if ahead > 0 { "ahead" } else { "behind" },
                );
                warnings.push(format!(
                    "the clock of this PC is {by} s {way}; set it (ages of commands are right \
                     all the same)"
                ));
            }
        }
        if let Some(free) = journal.free_bytes.filter(|free| *free < disk::LITTLE) {
            warnings.push(format!(
                "the journal's disk has only {} left; make room: when it is full no device is \
                 touched any more",
                disk::amount(free)
            ));
        }
        warnings.dedup();
        Self {
            ready: why_not.is_empty(),
            why_not,
            warnings,
        }
    }
}

/// True for a clock that a person should set.
fn is_wrong(ahead_s: i64) -> bool {
    SignedDuration::from_secs(ahead_s).abs() > WRONG_CLOCK
}

fn missing(property: &PropertyStatus, now: Timestamp) -> Vec<String> {
    let mut facts = Vec::new();
    if property.socket_up_since.is_none() {
        facts.push(match &property.socket_down_because {
            Some(why) => format!("no socket to Mews: {why}"),
            None => "the socket to Mews is not open yet".to_owned(),
        });
    }
    match property.tokens {
        Tokens::Accepted => {}
        Tokens::Refused => facts.push("Mews refuses the tokens; check both".to_owned()),
        Tokens::Unknown => facts.push("Mews has not answered yet".to_owned()),
    }
    if let Some(seconds) = property.budget.outage_s {
        facts.push(format!("Mews has not answered for {seconds} s"));
    }
    if !property.time_known {
        facts.push("the time of Mews is not known yet".to_owned());
    }
    if property.zone.is_none() {
        facts.push("the hotel's time zone is not known; set `timezone`".to_owned());
    }
    let old = property
        .oldest_unreported
        .map(|since| now.duration_since(since))
        .filter(|age| *age > OLD_REPORT);
    if let Some(age) = old {
        let age = age.as_secs();
        facts.push(format!(
            "a report has been waiting for {age} s to be taken by Mews"
        ));
    }
    facts
}
