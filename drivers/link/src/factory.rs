//! From the link addresses of the config file to things that can be opened.

use std::net::SocketAddr;
use std::sync::Arc;

use driver_sdk::{DialFactory, Dialer, LinkError, Poster};
use rustls::ClientConfig;

use crate::http::HttpPoster;
use crate::listen::{ListenDialer, Listeners};
use crate::serial::SerialDialer;
use crate::target::Target;
use crate::tcp::TcpDialer;

/// Every kind of link of this build. Touches nothing until something is opened.
#[derive(Default)]
pub struct Dialers {
    listeners: Listeners,
    tls: Option<Arc<ClientConfig>>,
}

impl std::fmt::Debug for Dialers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Dialers")
    }
}

impl Dialers {
    /// Links of this PC; `https:` trusts what the system trusts.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// `https:` trusts what this configuration trusts.
    #[must_use]
    pub fn with_tls(mut self, tls: Arc<ClientConfig>) -> Self {
        self.tls = Some(tls);
        self
    }

    /// Where a `listen:` link really listens, once its first dial has bound it: for port 0.
    #[must_use]
    pub fn listening(&self, url: &str) -> Option<SocketAddr> {
        self.listeners.bound(&self.address(url).ok()?)
    }
}

impl DialFactory for Dialers {
    fn dialer(&self, url: &str) -> Result<Arc<dyn Dialer>, LinkError> {
        let target = Target::parse(url)?;
        let address = target.address();
        Ok(match target {
            Target::Serial(target) => Arc::new(SerialDialer::new(target, address)),
            Target::Tcp(target) => Arc::new(TcpDialer { target, address }),
            Target::Listen(target) => {
                Arc::new(ListenDialer(self.listeners.join(&address, &target)))
            }
            Target::Http(_) => {
                return Err(LinkError(format!(
                    "this driver speaks over a line and not over HTTP; \
                     use serial:, tcp: or listen: instead of `{url}`"
                )));
            }
        })
    }

    fn poster(&self, url: &str) -> Result<Arc<dyn Poster>, LinkError> {
        match Target::parse(url)? {
            Target::Http(url) => Ok(Arc::new(HttpPoster::new(url, self.tls.clone()))),
            Target::Serial(_) | Target::Tcp(_) | Target::Listen(_) => Err(LinkError(format!(
                "this driver speaks HTTP; write http:// or https:// instead of `{url}`"
            ))),
        }
    }

    fn address(&self, url: &str) -> Result<String, LinkError> {
        Target::parse(url).map(|target| target.address())
    }
}

#[cfg(test)]
mod tests;
