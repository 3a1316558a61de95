//! The one place that makes connections to Mews: TLS, proxy, and which addresses are allowed.
//!
//! HTTP and socket share one `rustls` configuration (ring, the system's roots, and the config's
//! `ca_file`) and one proxy. A proxy named by the environment is not used: what is not in the
//! config file does not happen.

use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tracing::warn;
use url::{Host, Url};

pub(super) mod head;
#[cfg(test)]
mod tests;

/// How long a TCP connection may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// What the config file says about the way to Mews.
#[derive(Debug, Clone, Default)]
pub struct Network {
    /// An `http://` proxy for both, with user and password if it wants them.
    pub proxy: Option<Url>,
    /// Further roots in PEM, where the hotel's network opens TLS.
    pub ca_file: Option<PathBuf>,
}

/// Why no connection can be made with this configuration.
#[derive(Debug, thiserror::Error)]
pub enum ConnectorError {
    /// The `ca_file` cannot be used.
    #[error("cannot read certificates from {}", path.display())]
    CaFile {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        cause: rustls_pki_types::pem::Error,
    },
    /// The `ca_file` holds no certificate.
    #[error("{} holds no certificate in PEM form", path.display())]
    NoCertificate {
        /// The file.
        path: PathBuf,
    },
    /// A certificate in the `ca_file` is no root.
    #[error("a certificate in {} cannot be a root", path.display())]
    NotARoot {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        cause: rustls::Error,
    },
    /// Neither the system nor the config has a root.
    #[error("this PC has no trusted root certificates; name some with `ca_file`")]
    NoRoots,
    /// The proxy's address cannot be used.
    #[error("the proxy must be `http://host:port`, not a `{0}` address")]
    Proxy(String),
    /// An address without TLS that is not on this PC.
    #[error("{0} would send the tokens unencrypted; only addresses on this PC may do without TLS")]
    Unencrypted(String),
    /// An address of another kind than is needed.
    #[error("an address that begins with {wanted} is needed, not with `{found}:`")]
    Scheme {
        /// What would do.
        wanted: &'static str,
        /// What is there.
        found: String,
    },
    /// TLS or HTTP cannot be set up.
    #[error("cannot set up TLS")]
    Tls(#[source] rustls::Error),
    /// The HTTP client cannot be made.
    #[error("cannot set up HTTP")]
    Http(#[source] reqwest::Error),
}

/// A byte stream to Mews, whatever is in between.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// Makes connections.
#[derive(Clone)]
pub struct Connector {
    tls: Arc<ClientConfig>,
    proxy: Option<Url>,
    /// Without any root the sandbox on this PC still works, and nothing else.
    has_roots: bool,
}

impl Connector {
    /// Reads the system's roots and the config's.
    ///
    /// # Errors
    /// [`ConnectorError`] if the `ca_file` or the proxy cannot be used.
    pub fn new(network: &Network) -> Result<Self, ConnectorError> {
        if let Some(proxy) = &network.proxy
            && (proxy.scheme() != "http" || proxy.host().is_none())
        {
            return Err(ConnectorError::Proxy(proxy.scheme().to_owned()));
        }
        let roots = roots(network.ca_file.as_deref())?;
        let has_roots = !roots.is_empty();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(ConnectorError::Tls)?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self {
            tls: Arc::new(tls),
            proxy: network.proxy.clone(),
            has_roots,
        })
    }

    /// The HTTP client for a platform address: no redirects, because the tokens are in the body.
    ///
    /// # Errors
    /// [`ConnectorError`] for an address that must not be used.
    pub fn http(&self, platform: &Url) -> Result<reqwest::Client, ConnectorError> {
        self.allowed(platform, "https", "http", "https://")?;
        let mut builder = reqwest::Client::builder()
            .tls_backend_preconfigured(ClientConfig::clone(&self.tls))
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .no_proxy()
            .connect_timeout(CONNECT_TIMEOUT)
            .tcp_nodelay(true);
        if let Some(proxy) = &self.proxy {
            builder =
                builder.proxy(reqwest::Proxy::all(proxy.clone()).map_err(ConnectorError::Http)?);
        }
        builder.build().map_err(ConnectorError::Http)
    }

    /// Checks a socket address without opening anything.
    ///
    /// # Errors
    /// [`ConnectorError`] for an address that must not be used.
    pub fn check_socket(&self, address: &Url) -> Result<(), ConnectorError> {
        self.allowed(address, "wss", "ws", "wss://")
    }

    /// With TLS anywhere; without it only on this PC.
    fn allowed(
        &self,
        address: &Url,
        tls: &str,
        plain: &str,
        wanted: &'static str,
    ) -> Result<(), ConnectorError> {
        let scheme = address.scheme();
        if scheme == tls && address.host().is_some() {
            return if self.has_roots {
                Ok(())
            } else {
                Err(ConnectorError::NoRoots)
            };
        }
        if scheme != plain {
            return Err(ConnectorError::Scheme {
                wanted,
                found: scheme.to_owned(),
            });
        }
        let here = match address.host() {
            Some(Host::Domain(name)) => name == "localhost",
            Some(Host::Ipv4(ip)) => ip.is_loopback(),
            Some(Host::Ipv6(ip)) => ip.is_loopback(),
            None => false,
        };
        if here {
            Ok(())
        } else {
            Err(ConnectorError::Unencrypted(address.to_string()))
        }
    }

    /// A byte stream for the socket: TCP, by CONNECT through the proxy, TLS.
    pub(super) async fn stream(&self, address: &Url) -> io::Result<Box<dyn Stream>> {
        let host = address
            .host()
            .ok_or_else(|| odd("the address names no host"))?
            .to_owned();
        let port = address
            .port_or_known_default()
            .ok_or_else(|| odd("the address has no port"))?;
        let tcp = match &self.proxy {
            Some(proxy) => through(proxy, &host, port).await?,
            None => tcp(&host, port).await?,
        };
        if address.scheme() == "ws" {
            return Ok(Box::new(tcp));
        }
        let name = match &host {
            Host::Domain(name) => ServerName::try_from(name.clone()).map_err(odd)?,
            Host::Ipv4(ip) => ServerName::from(IpAddr::V4(*ip)),
            Host::Ipv6(ip) => ServerName::from(IpAddr::V6(*ip)),
        };
        let tls = TlsConnector::from(Arc::clone(&self.tls))
            .connect(name, tcp)
            .await?;
        Ok(Box::new(tls))
    }
}

impl std::fmt::Debug for Connector {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connector")
            .field("proxy", &self.proxy.is_some())
            .finish_non_exhaustive()
    }
}

fn roots(ca_file: Option<&Path>) -> Result<RootCertStore, ConnectorError> {
    let mut roots = RootCertStore::empty();
    let system = rustls_native_certs::load_native_certs();
    for error in &system.errors {
        warn!(%error, "Some of the system's root certificates cannot be read");
    }
    roots.add_parsable_certificates(system.certs);
    if let Some(path) = ca_file {
        let path = path.to_owned();
        let unreadable = |cause| ConnectorError::CaFile {
            path: path.clone(),
            cause,
        };
        let mut found = false;
        for certificate in CertificateDer::pem_file_iter(&path).map_err(unreadable)? {
            let certificate = certificate.map_err(unreadable)?;
            let not_a_root = |cause| ConnectorError::NotARoot {
                path: path.clone(),
                cause,
            };
            roots.add(certificate).map_err(not_a_root)?;
            found = true;
        }
        if !found {
            return Err(ConnectorError::NoCertificate { path });
        }
    }
    Ok(roots)
}

async fn tcp(host: &Host, port: u16) -> io::Result<TcpStream> {
    let connecting = async {
        match host {
            Host::Domain(name) => TcpStream::connect((name.as_str(), port)).await,
            Host::Ipv4(ip) => TcpStream::connect((*ip, port)).await,
            Host::Ipv6(ip) => TcpStream::connect((*ip, port)).await,
        }
    };
    let stream = tokio::time::timeout(CONNECT_TIMEOUT, connecting)
        .await
        .map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// A tunnel through the proxy.
async fn through(proxy: &Url, host: &Host, port: u16) -> io::Result<TcpStream> {
    let proxy_host = proxy
        .host()
        .ok_or_else(|| odd("the proxy's address names no host"))?;
    let proxy_port = proxy.port().unwrap_or(80);
    let mut stream = tcp(&proxy_host.to_owned(), proxy_port).await?;
    let mut request = format!("CONNECT {host}:{port} HTTP/1.1\r\nHost: {host}:{port}\r\n");
    if let Some(credentials) = credentials(proxy) {
        request.push_str(&format!("Proxy-Authorization: Basic {credentials}\r\n"));
    }
    request.push_str("\r\n");
    stream.write_all(request.as_bytes()).await?;
    let answer = head::read(&mut stream).await?;
    if answer.status / 100 != 2 || !answer.rest.is_empty() {
        return Err(odd(format!(
            "the proxy refused with status {}",
            answer.status
        )));
    }
    Ok(stream)
}

/// User and password of the proxy's address, which has them percent-encoded.
fn credentials(proxy: &Url) -> Option<String> {
    if proxy.username().is_empty() && proxy.password().is_none() {
        return None;
    }
    let mut plain = decoded(proxy.username());
    plain.push(b':');
    plain.extend(decoded(proxy.password().unwrap_or_default()));
    Some(STANDARD.encode(plain))
}

fn decoded(text: &str) -> Vec<u8> {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let hex = (bytes[at] == b'%')
            .then(|| text.get(at + 1..at + 3))
            .flatten();
        match hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) => {
                out.push(byte);
                at += 3;
            }
            None => {
                out.push(bytes[at]);
                at += 1;
            }
        }
    }
    out
}

fn odd(why: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> io::Error {
    io::Error::other(why)
}
