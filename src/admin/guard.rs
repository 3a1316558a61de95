//! Who may call: this PC's own programs that hold the token, and pages that came from here.

use std::net::SocketAddr;

use http::header::{AUTHORIZATION, HOST, ORIGIN};
use http::{HeaderMap, StatusCode};
use secrecy::{ExposeSecret, SecretString};

/// Why a call is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refusal {
    /// A name that leads here but is not ours: a page of somebody else, by a trick with names.
    #[error("this address is called by another name; use 127.0.0.1")]
    Host,
    /// A page of somebody else.
    #[error("this page comes from elsewhere")]
    Origin,
    /// No token, or a wrong one.
    #[error("the token is missing or wrong; it is in the file beside the journal")]
    Token,
}

impl Refusal {
    pub(super) fn status(self) -> StatusCode {
        match self {
            Self::Host | Self::Origin => StatusCode::FORBIDDEN,
            Self::Token => StatusCode::UNAUTHORIZED,
        }
    }
}

/// What callers are measured by.
#[derive(Debug, Clone)]
pub(super) struct Guard {
    hosts: [String; 3],
    token: SecretString,
}

impl Guard {
    pub(super) fn new(address: SocketAddr, token: SecretString) -> Self {
        let port = address.port();
        Self {
            hosts: [
                address.to_string(),
                format!("127.0.0.1:{port}"),
                format!("localhost:{port}"),
            ],
            token,
        }
    }

    /// Every call: the name it used, and where its page came from.
    pub(super) fn place(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        let host = text(headers, &HOST).unwrap_or_default();
        if !self.hosts.iter().any(|known| known == host) {
            return Err(Refusal::Host);
        }
        if !headers.contains_key(ORIGIN) {
            return Ok(());
        }
        let origin = text(headers, &ORIGIN).and_then(|origin| origin.strip_prefix("http://"));
        match origin {
            Some(origin) if self.hosts.iter().any(|known| known == origin) => Ok(()),
            Some(_) | None => Err(Refusal::Origin),
        }
    }

    /// Calls that change something, or show guests' context.
    pub(super) fn token(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        let given = text(headers, &AUTHORIZATION).and_then(|value| value.strip_prefix("Bearer "));
        match given {
            Some(given) if same(given.as_bytes(), self.token.expose_secret().as_bytes()) => Ok(()),
            Some(_) | None => Err(Refusal::Token),
        }
    }
}

fn text<'h>(headers: &'h HeaderMap, name: &http::HeaderName) -> Option<&'h str> {
    headers.get(name)?.to_str().ok()
}

/// Compares in a time that does not tell how much was right.
fn same(given: &[u8], wanted: &[u8]) -> bool {
    let length = given.len() == wanted.len();
    let differs = given
        .iter()
        .zip(wanted)
        .fold(0, |differs, (one, other)| differs | (one ^ other));
    length && differs == 0
}
