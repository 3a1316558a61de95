//! A device behind HTTP: one POST per question, a connection each.
//!
//! A connection is never used twice: a device that closes an idle one while we write makes "was it
//! sent?" unanswerable, and that is a doubt a fiscal document must not have. Nothing is repeated
//! by itself and no redirect is followed, so the address of the config is the only one.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use driver_sdk::{Fault, Poster};
use futures_util::future::BoxFuture;
use reqwest::header::{CONTENT_TYPE, HeaderValue};
use reqwest::{Client, redirect, retry};
use rustls::{ClientConfig, RootCertStore};
use tokio::sync::OnceCell;
use url::Url;

/// How long a connection may take to stand, TLS included. Shorter than any exchange's patience,
/// so that "unreachable" keeps its proof that nothing was sent.
const CONNECT_MAX: Duration = Duration::from_millis(2_500);
/// No answer of a device is longer.
const ANSWER_MAX: usize = 1 << 20;

pub(crate) struct HttpPoster {
    url: Url,
    address: String,
    tls: Option<Arc<ClientConfig>>,
    client: OnceCell<Client>,
}

#[derive(Debug, thiserror::Error)]
enum NoAnswer {
    #[error("the device answered with HTTP status {0}")]
    Status(u16),
    #[error("the answer is longer than {ANSWER_MAX} bytes")]
    TooLong,
    #[error("no TLS configuration")]
    Tls(#[source] rustls::Error),
}

impl HttpPoster {
    pub fn new(url: Url, tls: Option<Arc<ClientConfig>>) -> Self {
        Self {
            address: url.to_string(),
            url,
            tls,
            client: OnceCell::new(),
        }
    }

    async fn client(&self) -> Result<&Client, Fault> {
        self.client
            .get_or_try_init(|| async {
                let tls = match &self.tls {
                    Some(tls) => ClientConfig::clone(tls),
                    None => system_tls()
                        .await
                        .map_err(|cause| self.unreachable(NoAnswer::Tls(cause)))?,
                };
                Client::builder()
                    .tls_backend_preconfigured(tls)
                    .http1_only()
                    .no_proxy()
                    .redirect(redirect::Policy::none())
                    .retry(retry::never())
                    .pool_max_idle_per_host(0)
                    .connect_timeout(CONNECT_MAX)
                    .tcp_nodelay(true)
                    .build()
                    .map_err(|cause| self.unreachable(cause))
            })
            .await
    }

    async fn send(&self, body: Bytes, patience: Duration) -> Result<Bytes, Fault> {
        let client = self.client().await?;
        let mut request = client.post(self.url.clone()).timeout(patience);
        if is_soap(&body) {
            // SOAP 1.1, section 6.1.1: the header must be there, and may be empty.
            request = request.header("SOAPAction", HeaderValue::from_static("\"\""));
        }
        let request = request.header(CONTENT_TYPE, content_type(&body)).body(body);
        let mut answer = request.send().await.map_err(|cause| self.fault(cause))?;
        if !answer.status().is_success() {
            let status = NoAnswer::Status(answer.status().as_u16());
            return Err(self.garbled(status));
        }
        let mut whole = BytesMut::new();
        while let Some(chunk) = answer.chunk().await.map_err(|cause| self.fault(cause))? {
            if whole.len() + chunk.len() > ANSWER_MAX {
                return Err(self.garbled(NoAnswer::TooLong));
            }
            whole.extend_from_slice(&chunk);
        }
        Ok(whole.freeze())
    }

    fn fault(&self, cause: reqwest::Error) -> Fault {
        // The address is said once, by the fault itself.
        let cause = cause.without_url();
        if cause.is_connect() {
            return self.unreachable(cause);
        }
        let code = if cause.is_timeout() {
            "LINK-SILENT"
        } else {
            "LINK-LOST"
        };
        Fault::transient(code)
            .with("address", &self.address)
            .caused_by(cause)
    }

    fn unreachable(&self, cause: impl std::error::Error + Send + Sync + 'static) -> Fault {
        Fault::transient("LINK-UNREACHABLE")
            .with("address", &self.address)
            .caused_by(cause)
            .never_sent()
    }

    fn garbled(&self, cause: NoAnswer) -> Fault {
        Fault::transient("LINK-GARBLED")
            .with("address", &self.address)
            .caused_by(cause)
    }
}

impl Poster for HttpPoster {
    fn post(&self, body: Bytes, patience: Duration) -> BoxFuture<'_, Result<Bytes, Fault>> {
        Box::pin(self.send(body, patience))
    }

    fn address(&self) -> &str {
        &self.address
    }
}

/// The contract sends bytes; what they are is read off them: JSON, a SOAP envelope, or text.
fn content_type(body: &[u8]) -> HeaderValue {
    HeaderValue::from_static(match body.trim_ascii_start().first() {
        Some(b'{' | b'[') => "application/json; charset=utf-8",
        Some(_) if is_soap(body) => "text/xml; charset=UTF-8",
        Some(_) | None => "text/plain; charset=utf-8",
    })
}

fn is_soap(body: &[u8]) -> bool {
    let head = &body[..body.len().min(400)];
    head.trim_ascii_start().starts_with(b"<")
        && head.windows(9).any(|window| window == b"Envelope ")
}

/// What the system trusts, read once per device and not on the runtime's threads.
async fn system_tls() -> Result<ClientConfig, rustls::Error> {
    let found = tokio::task::spawn_blocking(rustls_native_certs::load_native_certs).await;
    let mut roots = RootCertStore::empty();
    if let Ok(found) = found {
        for error in &found.errors {
            tracing::warn!(%error, "Cannot read all of the system's certificates");
        }
        roots.add_parsable_certificates(found.certs);
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    Ok(ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth())
}

#[cfg(test)]
mod tests;
