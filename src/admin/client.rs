//! The other end: how a verb of the command line calls the running worker.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use reqwest::{Method, Response, StatusCode};
use rustls::{ClientConfig, RootCertStore};
use secrecy::ExposeSecret;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::door::{Door, door_file};
use crate::journal::worker_runs;

/// Why no worker can be called.
#[derive(Debug, thiserror::Error)]
pub enum NoWorker {
    /// None runs.
    #[error("no worker runs on the journal {}; start it with `nightporter run`", .0.display())]
    NotRunning(PathBuf),
    /// One runs, and its address is not to be had.
    #[error("a worker runs, but {} cannot be read; be the user the worker runs as", file.display())]
    File {
        /// The file beside the journal.
        file: PathBuf,
        /// Why.
        #[source]
        cause: io::Error,
    },
    /// One runs and does not answer.
    #[error("a worker runs, but its admin interface cannot be reached; its log says why")]
    Unreachable,
}

/// Why a call had no result.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// The worker says no, and why.
    #[error("{0}")]
    Refused(String),
    /// It went away, or is of a version that speaks otherwise.
    #[error("the worker did not answer as expected; it may just have stopped")]
    Odd(#[source] reqwest::Error),
}

/// A way to the running worker.
#[derive(Debug)]
pub struct Client {
    http: reqwest::Client,
    door: Door,
}

impl Client {
    /// Finds the worker of a journal and knocks.
    ///
    /// # Errors
    /// [`NoWorker`].
    pub async fn knock(journal: &Path) -> Result<Self, NoWorker> {
        let runs = worker_runs(journal);
        let gone = || NoWorker::NotRunning(journal.to_owned());
        let door = match Door::read(journal) {
            Ok(door) => door,
            Err(cause) if cause.kind() == io::ErrorKind::NotFound && !runs => return Err(gone()),
            Err(cause) => {
                let file = door_file(journal);
                return Err(NoWorker::File { file, cause });
            }
        };
        let http = http().map_err(|_| NoWorker::Unreachable)?;
        let client = Self { http, door };
        match client.send(Method::GET, "/health", None).await {
            Ok(_) => Ok(client),
            Err(_) if runs => Err(NoWorker::Unreachable),
            // What a killed worker left behind.
            Err(_) => Err(gone()),
        }
    }

    /// Asks.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, CallError> {
        let answer = self.send(Method::GET, path, None).await?;
        answer.json().await.map_err(CallError::Odd)
    }

    /// Orders.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &Value,
    ) -> Result<T, CallError> {
        let answer = self.send(Method::POST, path, Some(body)).await?;
        answer.json().await.map_err(CallError::Odd)
    }

    /// What every socket of the worker hears from now on, one JSON line each.
    ///
    /// # Errors
    /// [`CallError`].
    pub async fn events(&self) -> Result<Response, CallError> {
        self.send(Method::GET, "/api/events", None).await
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Response, CallError> {
        let url = format!("http://{}{path}", self.door.address);
        let token = self.door.token.expose_secret();
        let mut request = self.http.request(method, url).bearer_auth(token);
        if let Some(body) = body {
            request = request.json(body);
        }
        let answer = request.send().await.map_err(CallError::Odd)?;
        if answer.status() == StatusCode::OK {
            return Ok(answer);
        }
        let said: Value = answer.json().await.map_err(CallError::Odd)?;
        let why = said["error"].as_str().unwrap_or("the worker refuses it");
        Err(CallError::Refused(why.to_owned()))
    }
}

/// Loopback only: no proxy, no roots, no redirects.
fn http() -> Result<reqwest::Client, Box<dyn std::error::Error>> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth();
    let client = reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .build()?;
    Ok(client)
}
