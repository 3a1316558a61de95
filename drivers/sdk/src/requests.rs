//! Devices behind HTTP: one POST each, hosts from the config only, no redirects.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::future::BoxFuture;
use tokio::time::timeout;

use crate::fault::Fault;
use crate::link::{Exchange, Harmless};
use crate::run::Committed;

/// Sends one POST to the configured address. Implemented by the link crate.
pub trait Poster: Send + Sync + 'static {
    /// The body of a 2xx answer.
    ///
    /// # Errors
    /// `LINK-UNREACHABLE` with [`Fault::never_sent`] when no connection could be made;
    /// `LINK-LOST`, `LINK-SILENT` or `LINK-GARBLED` (another status) otherwise.
    fn post(&self, body: Bytes, patience: Duration) -> BoxFuture<'_, Result<Bytes, Fault>>;
    /// The address without its options.
    fn address(&self) -> &str;
}

/// A device behind HTTP: the same `ask` and `effect` as a [`crate::Link`].
#[derive(Clone)]
pub struct Requests {
    poster: Arc<dyn Poster>,
}

impl std::fmt::Debug for Requests {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Requests")
            .field("address", &self.poster.address())
            .finish_non_exhaustive()
    }
}

impl Requests {
    /// Requests through a poster.
    #[must_use]
    pub fn new(poster: Arc<dyn Poster>) -> Self {
        Self { poster }
    }

    /// The address without its options.
    #[must_use]
    pub fn address(&self) -> &str {
        self.poster.address()
    }

    /// Asks something harmless.
    ///
    /// # Errors
    /// See [`Poster::post`], never with the proof that nothing was sent: a question after an
    /// effect proves nothing of the effect. `LINK-GARBLED` for a body that is no answer.
    pub async fn ask<E: Harmless>(&self, exchange: E) -> Result<E::Answer, Fault> {
        self.exchange(exchange).await.map_err(Fault::without_proof)
    }

    /// Sends what changes the world.
    ///
    /// # Errors
    /// See [`Poster::post`], with a proof of this effect alone ([`Fault::never_sent`]);
    /// `LINK-GARBLED` for a body that is no answer.
    pub async fn effect<E: Exchange>(
        &self,
        leave: Committed<'_>,
        exchange: E,
    ) -> Result<E::Answer, Fault> {
        leave.counted(self.exchange(exchange)).await
    }

    async fn exchange<E: Exchange>(&self, mut exchange: E) -> Result<E::Answer, Fault> {
        let mut out = BytesMut::new();
        exchange.encode(&mut out);
        let patience = exchange.patience();
        let posted = timeout(patience, self.poster.post(out.freeze(), patience)).await;
        let body = posted.map_err(|late| {
            Fault::transient("LINK-SILENT")
                .with("address", self.address())
                .caused_by(late)
        })??;
        let mut input = BytesMut::from(body.as_ref());
        exchange
            .decode(&mut input)?
            .ok_or_else(|| Fault::transient("LINK-GARBLED").with("address", self.address()))
    }
}

#[cfg(test)]
mod tests;
