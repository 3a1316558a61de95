//! A connection to a device that accepts them.

use std::io;

use driver_sdk::{Dialer, Port};
use futures_util::future::BoxFuture;
use tokio::net::TcpStream;

use crate::target::TcpTarget;

/// Connects anew after each loss.
pub(crate) struct TcpDialer {
    pub target: TcpTarget,
    pub address: String,
}

impl Dialer for TcpDialer {
    fn dial(&self) -> BoxFuture<'_, io::Result<Box<dyn Port>>> {
        Box::pin(async move {
            let stream = TcpStream::connect((self.target.host.as_str(), self.target.port)).await?;
            // Short questions must not wait for the answer to the last packet. Linger and
            // keep-alive stay as the system has them: a close is clean, and silence is noticed by
            // the exchange that gets no answer.
            stream.set_nodelay(true)?;
            Ok(Box::new(stream) as Box<dyn Port>)
        })
    }

    fn address(&self) -> &str {
        &self.address
    }
}

#[cfg(test)]
pub(crate) mod tests;
