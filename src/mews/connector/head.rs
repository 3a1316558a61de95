//! Reads the head of an HTTP/1.1 answer off a stream: for CONNECT and for the socket's upgrade.
//!
//! The upgrade is done here and not by the WebSocket crate, because that one logs the request, and
//! the request holds the tokens.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt};

/// The longest head that is read, in bytes.
const HEAD_MAX: usize = 16 * 1024;

/// A head, and what was read beyond it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Head {
    /// The status.
    pub(crate) status: u16,
    /// Names in lower case, values trimmed.
    pub(crate) headers: Vec<(String, String)>,
    /// Bytes that belong to what follows.
    pub(crate) rest: Vec<u8>,
}

impl Head {
    /// The first value of a header, by its name in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }
}

/// Reads until the empty line.
pub(crate) async fn read(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<Head> {
    let mut bytes = Vec::with_capacity(1024);
    loop {
        if let Some(head) = parse(&bytes)? {
            return Ok(head);
        }
        if bytes.len() >= HEAD_MAX {
            return Err(odd("the head of the answer is too long"));
        }
        if stream.read_buf(&mut bytes).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
}

/// `None` while it is incomplete.
pub(crate) fn parse(bytes: &[u8]) -> io::Result<Option<Head>> {
    let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else {
        return Ok(None);
    };
    let text = std::str::from_utf8(&bytes[..end]).map_err(|_| odd("the answer is no HTTP"))?;
    let mut lines = text.split("\r\n");
    let mut words = lines.next().unwrap_or_default().split(' ');
    let version = words.next().unwrap_or_default();
    let status = words.next().and_then(|word| word.parse().ok());
    let (true, Some(status)) = (version.starts_with("HTTP/1."), status) else {
        return Err(odd("the answer is no HTTP"));
    };
    let headers = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.trim().to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    Ok(Some(Head {
        status,
        headers,
        rest: bytes[end + 4..].to_vec(),
    }))
}

fn odd(why: &'static str) -> io::Error {
    io::Error::other(why)
}
