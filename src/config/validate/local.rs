//! `[journal]` and `[admin]`: what belongs to this PC.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use super::Surroundings;
use crate::config::file::{AdminKeys, JournalKeys};
use crate::config::finding::Findings;
use crate::config::places;
use crate::config::settings::{Admin, Journal};

/// Mews may announce a command again for days; the id must still be known then.
const KEEP_DAYS_MIN: i64 = 7;
/// More than this is not a memory any more but an archive, and the file grows without a use.
const KEEP_DAYS_MAX: i64 = 3_650;
const DAY: Duration = Duration::from_hours(24);
/// No country asks for more.
const AUDIT_YEARS_MAX: i64 = 100;

pub(in crate::config) fn journal(
    keys: JournalKeys,
    around: &Surroundings<'_>,
    findings: &mut Findings<'_>,
) -> Journal {
    let path = match &keys.path {
        Some(path) if path.get_ref().trim().is_empty() => {
            let fix = "name a file on a disk of this PC, or leave the key out";
            findings.error(&path.span(), format!("journal: `path` is empty; {fix}"));
            places::data_folder(around.vault)
        }
        Some(path) => around.path(path.get_ref()),
        None => places::data_folder(around.vault).join("journal.db"),
    };
    let days = keys.keep_days.map_or(keep_days_default(), |days| {
        if (KEEP_DAYS_MIN..=KEEP_DAYS_MAX).contains(days.get_ref()) {
            return *days.get_ref();
        }
        let fact = format!("journal: `keep_days` is {}", days.get_ref());
        let fix = format!("use {KEEP_DAYS_MIN} to {KEEP_DAYS_MAX}");
        findings.error(&days.span(), format!("{fact}; {fix}"));
        keep_days_default()
    });
    let years = keys
        .audit_keep_years
        .map_or(audit_keep_years_default(), |years| {
            if (1..=AUDIT_YEARS_MAX).contains(years.get_ref()) {
                return *years.get_ref();
            }
            let fact = format!("journal: `audit_keep_years` is {}", years.get_ref());
            let fix = format!("use 1 to {AUDIT_YEARS_MAX}, as the law of your country says");
            findings.error(&years.span(), format!("{fact}; {fix}"));
            audit_keep_years_default()
        });
    // A leap year's day too many is kept rather than one too few.
    Journal {
        path,
        keep: DAY * u32::try_from(days).expect("days are within their bounds"),
        keep_audit: DAY * 366 * u32::try_from(years).expect("years are within their bounds"),
    }
}

/// The longest time that tax laws of the countries of our drivers ask for.
fn audit_keep_years_default() -> i64 {
    10
}

/// A quarter: a guest's complaint about a bill comes within it.
fn keep_days_default() -> i64 {
    90
}

pub(in crate::config) fn admin(keys: AdminKeys, findings: &mut Findings<'_>) -> Admin {
    let Some(listen) = keys.listen else {
        return Admin {
            listen: listen_default(),
        };
    };
    let fact = match listen.get_ref().parse::<SocketAddr>() {
        Ok(address) if address.ip().is_loopback() => return Admin { listen: address },
        Ok(_) => "is open to the network; it must stay on this PC: use \"127.0.0.1:8719\"",
        Err(_) => "is no address with a port; write it as \"127.0.0.1:8719\"",
    };
    findings.error(&listen.span(), format!("admin: `listen` {fact}"));
    Admin {
        listen: listen_default(),
    }
}

/// One known port, so that the status page has one address; nothing else is registered there.
fn listen_default() -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, 8719))
}
