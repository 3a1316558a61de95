//! The lock server's address as staff typed it into the hotel system.
//!
//! Drivers dial only what the config file says. An address that comes from the cloud is at most
//! compared with the hosts the config allows: a stolen account of the hotel system must not point
//! the worker elsewhere.

use std::fmt;

/// Host and port of a lock server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeerAddress {
    /// Name or number of the host, lower case, without brackets.
    pub host: String,
    /// TCP port.
    pub port: u16,
}

/// Why an address cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// No port: every lock system listens on its own.
    #[error("the address has no port")]
    NoPort,
    /// No address at all.
    #[error("the address is no host and port")]
    Unreadable,
    /// Readable, but not allowed by the config.
    #[error("{0} is not allowed by the config")]
    NotAllowed(PeerAddress),
}

impl fmt::Display for PeerAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

impl PeerAddress {
    /// Reads `host:port`, with or without a scheme and a path, which mean nothing on a socket.
    ///
    /// # Errors
    /// [`AddressError::NoPort`], [`AddressError::Unreadable`].
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        let text = text.trim();
        let rest = text.split_once("://").map_or(text, |(_, rest)| rest);
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        if authority.contains('@') {
            return Err(AddressError::Unreadable);
        }
        let (host, port) = match authority.strip_prefix('[') {
            Some(inside) => {
                let (host, after) = inside.split_once(']').ok_or(AddressError::Unreadable)?;
                (host, after.strip_prefix(':').ok_or(AddressError::NoPort)?)
            }
            None => authority.rsplit_once(':').ok_or(AddressError::NoPort)?,
        };
        let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':' | '%');
        if host.is_empty() || host.len() > 253 || !host.chars().all(good) {
            return Err(AddressError::Unreadable);
        }
        if port.is_empty() {
            return Err(AddressError::NoPort);
        }
        match port.parse() {
            Ok(port) if port != 0 => Ok(Self {
                host: host.to_ascii_lowercase(),
                port,
            }),
            Ok(_) | Err(_) => Err(AddressError::Unreadable),
        }
    }

    /// True if the list names this host, alone or with this port.
    #[must_use]
    pub fn is_in(&self, allowed: &[String]) -> bool {
        allowed.iter().any(|entry| {
            let entry = entry.trim().to_ascii_lowercase();
            entry == self.host || entry == self.to_string()
        })
    }
}

/// Checks the address of an order against the hosts the config allows. An order without an
/// address, or a config without a list, has nothing to check.
///
/// # Errors
/// [`AddressError`]: nothing may be sent.
pub fn check(address: Option<&str>, allowed: &[String]) -> Result<(), AddressError> {
    let Some(text) = address.filter(|text| !text.trim().is_empty()) else {
        return Ok(());
    };
    if allowed.is_empty() {
        return Ok(());
    }
    let peer = PeerAddress::parse(text)?;
    if peer.is_in(allowed) {
        Ok(())
    } else {
        Err(AddressError::NotAllowed(peer))
    }
}

#[cfg(test)]
mod tests;
