//! The server: opens, answers, closes.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use driver_sdk::{CommandId, DeviceName};
use futures_util::StreamExt;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::door::{Door, door_file};
use super::event::follow;
use super::guard::{Guard, Refusal};
use super::status::Status;
use crate::orders::OrderError;
use crate::report::note;
use crate::supervise::{Worker, works};

/// How long calls under way have at the end.
const CLOSE_MAX: Duration = Duration::from_millis(500);

/// Why the interface cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// No port of the loopback interface.
    #[error("no port on {0} can be opened")]
    Port(SocketAddr, #[source] io::Error),
    /// The file that tells the address and the token.
    #[error("{} cannot be written", .0.display())]
    File(PathBuf, #[source] io::Error),
}

/// The open interface.
#[derive(Debug)]
pub struct Open {
    door: Door,
    journal: PathBuf,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Open {
    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.door.address
    }

    /// Ends every call and takes the file away.
    pub async fn close(self) {
        self.door.remove(&self.journal);
        self.stop.cancel();
        let abort = self.task.abort_handle();
        if timeout(CLOSE_MAX, self.task).await.is_err() {
            abort.abort();
        }
    }
}

/// The answer of a device's test.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TestAnswer {
    /// It proved to work.
    pub works: bool,
    /// What was seen, or what is the matter and what to do.
    pub note: String,
}

#[derive(Clone)]
struct Shared {
    worker: Arc<Worker>,
    guard: Guard,
    journal: PathBuf,
    stop: CancellationToken,
}

/// Opens the interface of a worker and tells its own user where. A port that is taken is no
/// reason to stop: a free one is used then.
///
/// # Errors
/// [`OpenError`]; the worker goes on without.
pub async fn open(
    worker: Arc<Worker>,
    listen: SocketAddr,
    journal: &Path,
) -> Result<Open, OpenError> {
    let listener = match TcpListener::bind(listen).await {
        Ok(listener) => listener,
        Err(cause) => {
            tracing::warn!(%listen, error = %cause, "Admin port is taken; a free one is used");
            let free = SocketAddr::new(listen.ip(), 0);
            let bound = TcpListener::bind(free).await;
            bound.map_err(|cause| OpenError::Port(free, cause))?
        }
    };
    let address = listener
        .local_addr()
        .map_err(|cause| OpenError::Port(listen, cause))?;
    let door = Door::new(address);
    door.write(journal)
        .map_err(|cause| OpenError::File(door_file(journal), cause))?;
    let stop = CancellationToken::new();
    let shared = Shared {
        worker,
        guard: Guard::new(address, door.token.clone()),
        journal: journal.to_owned(),
        stop: stop.clone(),
    };
    let served = axum::serve(listener, router(shared))
        .with_graceful_shutdown(stop.clone().cancelled_owned());
    let task = tokio::spawn(async move {
        if let Err(error) = served.await {
            tracing::error!(%error, "Admin interface ended");
        }
    });
    tracing::info!(%address, "Admin interface open");
    Ok(Open {
        door,
        journal: journal.to_owned(),
        stop,
        task,
    })
}

fn router(shared: Shared) -> Router {
    let api = Router::new()
        .route("/api/status", get(status))
        .route("/api/events", get(events))
        .route("/api/cancel", post(cancel))
        .route("/api/retry", post(retry))
        .route("/api/resolve", post(resolve))
        .route("/api/test", post(test))
        .route("/api/reconnect", post(reconnect))
        .route_layer(from_fn_with_state(shared.clone(), with_token));
    Router::new()
        .route("/health", get(health))
        .route("/ready", get(ready))
        .merge(api)
        .layer(from_fn_with_state(shared.clone(), from_here))
        .with_state(shared)
}

async fn from_here(State(shared): State<Shared>, request: Request, next: Next) -> Response {
    match shared.guard.place(request.headers()) {
        Ok(()) => next.run(request).await,
        Err(refusal) => refused(refusal),
    }
}

async fn with_token(State(shared): State<Shared>, request: Request, next: Next) -> Response {
    match shared.guard.token(request.headers()) {
        Ok(()) => next.run(request).await,
        Err(refusal) => refused(refusal),
    }
}

fn refused(refusal: Refusal) -> Response {
    said(refusal.status(), &refusal.to_string())
}

fn said(status: StatusCode, error: &str) -> Response {
    (status, Json(json!({ "error": error }))).into_response()
}

async fn health() -> Json<serde_json::Value> {
    Json(json!({ "alive": true, "version": env!("CARGO_PKG_VERSION") }))
}

async fn ready(State(shared): State<Shared>) -> Response {
    let readiness = Status::look(&shared.worker, &shared.journal)
        .await
        .readiness;
    let status = if readiness.ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (status, Json(readiness)).into_response()
}

async fn status(State(shared): State<Shared>) -> Json<Status> {
    Json(Status::look(&shared.worker, &shared.journal).await)
}

async fn events(State(shared): State<Shared>) -> Response {
    let lines = follow(&shared.worker)
        .take_until(shared.stop.cancelled_owned())
        .map(|heard| {
            let mut line = serde_json::to_vec(&heard)?;
            line.push(b'\n');
            Ok::<_, serde_json::Error>(line)
        });
    let kind = [(http::header::CONTENT_TYPE, "application/x-ndjson")];
    (kind, Body::from_stream(lines)).into_response()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Command {
    id: CommandId,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Judged {
    id: CommandId,
    happened: bool,
    /// Who looked, for the fiscal audit trail.
    #[serde(default)]
    by: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Tested {
    device: DeviceName,
}

async fn cancel(State(shared): State<Shared>, Json(order): Json<Command>) -> Response {
    done(shared.worker.cancel(order.id).await)
}

async fn retry(State(shared): State<Shared>, Json(order): Json<Command>) -> Response {
    done(shared.worker.retry(order.id).await)
}

async fn resolve(State(shared): State<Shared>, Json(order): Json<Judged>) -> Response {
    let Judged { id, happened, by } = order;
    done(shared.worker.resolve_by(id, happened, by.as_deref()).await)
}

async fn reconnect(State(shared): State<Shared>) -> Response {
    shared.worker.reconnect();
    done(Ok(()))
}

async fn test(State(shared): State<Shared>, Json(order): Json<Tested>) -> Response {
    let outcome = match shared.worker.test(&order.device).await {
        Ok(outcome) => outcome,
        Err(error) => return done(Err(error)),
    };
    let title = shared.worker.board().device(&order.device);
    let title = title.map_or_else(|| order.device.to_string(), |device| device.title);
    Json(TestAnswer {
        works: works(&outcome),
        note: note(&outcome, &title, shared.worker.catalogue()),
    })
    .into_response()
}

fn done(result: Result<(), OrderError>) -> Response {
    let error = match result {
        Ok(()) => return Json(json!({ "done": true })).into_response(),
        Err(error) => error,
    };
    let status = match &error {
        OrderError::Unknown(_) | OrderError::NoDevice(_) => StatusCode::NOT_FOUND,
        OrderError::NotNow(_) => StatusCode::CONFLICT,
        OrderError::Journal(_) => StatusCode::SERVICE_UNAVAILABLE,
    };
    said(status, &error.to_string())
}
