//! What came from outside about the device itself: its address, its data JSON, its name. None of
//! it is ever used; it may only agree with the config.

use driver_sdk::{Fault, FiscalWork};

use crate::tables::shortened;

/// Keys the hotel system's own examples show. They describe a wiring that the config decides.
const KNOWN_KEYS: &[&str] = &["printerPort", "baudRate", "certificatePath"];

/// Refuses a command that is meant for another machine than the configured one.
///
/// # Errors
/// `FISCAL-HOST`, `FISCAL-DATA`, `FISCAL-MACHINE`.
pub fn check(work: &FiscalWork, link: &str, machine_id: Option<&str>) -> Result<(), Fault> {
    if let Some(address) = filled(work.api_url.as_deref())
        && !same_host(address, link)
    {
        return Err(Fault::permanent("FISCAL-HOST").with("address", shown(address)));
    }
    if let (Some(ours), Some(theirs)) = (machine_id, filled(work.machine_id.as_deref()))
        && ours != theirs
    {
        return Err(Fault::permanent("FISCAL-MACHINE").with("machine", shortened(theirs)));
    }
    match &work.data {
        Some(data) => check_data(data.reveal()),
        None => Ok(()),
    }
}

/// Host and port, and nothing of what may be a password: user, path and question are left out.
fn shown(address: &str) -> String {
    let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
    let end = rest.find(['/', '?', '#', '\\']).unwrap_or(rest.len());
    let (authority, after) = rest.split_at(end);
    match authority.rsplit_once('@') {
        Some((_, host)) => shortened(host),
        // An odd password may hold a slash.
        None if after.contains('@') => "(with a user in it)".to_owned(),
        None => shortened(authority),
    }
}

fn filled(text: Option<&str>) -> Option<&str> {
    text.map(str::trim).filter(|text| !text.is_empty())
}

fn check_data(text: &str) -> Result<(), Fault> {
    if text.trim().is_empty() {
        return Ok(());
    }
    let bad = |key: &str| Fault::permanent("FISCAL-DATA").with("key", shortened(key));
    let parsed: Result<serde_json::Map<String, serde_json::Value>, _> = serde_json::from_str(text);
    let map = parsed.map_err(|_| bad("(no JSON object)"))?;
    match map.keys().find(|key| !KNOWN_KEYS.contains(&key.as_str())) {
        Some(key) => Err(bad(key)),
        None => Ok(()),
    }
}

/// True if an address typed by staff names the host of the configured link, whatever its path.
#[must_use]
pub fn same_host(typed: &str, link: &str) -> bool {
    match (host(typed), host(link)) {
        (Some(typed), Some(ours)) => typed.eq_ignore_ascii_case(ours),
        (None, None) => typed == link,
        (Some(_), None) | (None, Some(_)) => false,
    }
}

/// The host of an `http:`, `https:` or `tcp:` address. `None` for anything else, and for an
/// address with a user in it, which a reader takes for another host.
fn host(address: &str) -> Option<&str> {
    let rest = ["http://", "https://", "tcp://", "tcp:"]
        .iter()
        .find_map(|scheme| address.strip_prefix(scheme))?;
    let authority = rest.split(['/', '?', '#', '\\']).next()?;
    if authority.is_empty() || authority.contains('@') {
        return None;
    }
    if authority.starts_with('[') {
        return authority.split_once(']').map(|(host, _)| host);
    }
    authority.split(':').next()
}

#[cfg(test)]
mod tests;
