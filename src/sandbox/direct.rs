//! The cloud without a network, for rehearsals in which time is the test's: a paused runtime jumps
//! to its next timer whenever all tasks wait, and a task that waits for a wire looks like that.
//!
//! Requests, faults, budget and events are those of the network; only the bytes in between are not
//! there.

use super::{
    accept::Link,
    cloud::Cloud,
    faults::{FaultKind, SOCKET},
    sockets::{self, Gone, Outgoing},
    wire,
};
use axum::{
    body::{Body, Bytes},
    extract::{ConnectInfo, Request, State},
    http::{HeaderMap, HeaderValue, Method, header},
};
use futures_util::{StreamExt, TryStreamExt, stream::BoxStream};
use std::{future, io, sync::Arc};
use tokio::sync::mpsc;

/// The connection was reset instead of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reset;

/// Why a socket was not opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// Answered with this status.
    Status(u16),
    /// The connection was reset.
    Reset,
}

/// What is heard on a socket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Said {
    /// A text message.
    Text(String),
    /// A binary one.
    Binary(Vec<u8>),
    /// The answer to a ping.
    Pong,
    /// A close frame with this code.
    Closed(u16),
    /// The connection broke.
    Reset,
}

/// An answer: its head, and a body that comes in pieces and may break.
pub type DirectAnswer = axum::http::Response<BoxStream<'static, io::Result<Bytes>>>;

/// The way in without a network. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Direct {
    cloud: Arc<Cloud>,
}

impl Direct {
    pub(super) fn new(cloud: Arc<Cloud>) -> Self {
        Self { cloud }
    }

    /// One request to an operation such as `commands/update`.
    ///
    /// # Errors
    /// The connection was reset.
    pub async fn post(&self, operation: &str, body: Vec<u8>) -> Result<DirectAnswer, Reset> {
        let link = self.cloud.host.connect().ok_or(Reset)?;
        let mut request = Request::new(Body::from(body));
        *request.method_mut() = Method::POST;
        let path = format!("/api/connector/v1/{operation}");
        *request.uri_mut() = path.parse().map_err(|_| Reset)?;
        let json = HeaderValue::from_static("application/json");
        request.headers_mut().insert(header::CONTENT_TYPE, json);
        let cloud = State(Arc::clone(&self.cloud));
        let handled = wire::handle(cloud, ConnectInfo(link.clone()), request);
        let response = tokio::select! {
            biased;
            () = link.broken() => return Err(Reset),
            response = handled => response,
        };
        // A handler that resets answers too, with nothing.
        if link.is_broken() {
            return Err(Reset);
        }
        let (head, body) = response.into_parts();
        let body = body.into_data_stream().map_err(io::Error::other).boxed();
        Ok(DirectAnswer::from_parts(head, body))
    }

    /// Opens the event socket with this `Cookie` header.
    ///
    /// # Errors
    /// It was refused.
    pub async fn dial(&self, cookie: &str) -> Result<DirectSocket, Refused> {
        let link = self.cloud.host.connect().ok_or(Refused::Reset)?;
        let mut headers = HeaderMap::new();
        let cookie = HeaderValue::from_str(cookie).map_err(|_| Refused::Status(400))?;
        headers.insert(header::COOKIE, cookie);
        let met = self.cloud.look(|state| state.faults.meet(SOCKET));
        if !met.delay.is_zero() {
            tokio::time::sleep(met.delay).await;
        }
        let hotel = self
            .cloud
            .look(|state| sockets::hotel_of(&self.cloud, state, &headers));
        let answer = match met.kind {
            Some(FaultKind::NoAnswer) => future::pending().await,
            Some(FaultKind::Reset | FaultKind::LostAnswer | FaultKind::HalfBody) => {
                Err(Refused::Reset)
            }
            Some(FaultKind::Status(status) | FaultKind::Html(status)) => {
                Err(Refused::Status(status))
            }
            Some(FaultKind::TooMany(_)) => Err(Refused::Status(429)),
            Some(FaultKind::BlackHole) => hotel.map(|hotel| (hotel, true)).ok_or(UNKNOWN),
            Some(
                FaultKind::Delay(_)
                | FaultKind::DropEvents
                | FaultKind::DuplicateEvents(_)
                | FaultKind::UnknownEvents
                | FaultKind::GarbageText
                | FaultKind::BinaryFrames,
            )
            | None => hotel.map(|hotel| (hotel, false)).ok_or(UNKNOWN),
        };
        let status = match answer {
            Ok(_) => 101,
            Err(Refused::Status(status)) => status,
            Err(Refused::Reset) => 0,
        };
        sockets::note(&self.cloud, "/ws/connector".to_owned(), &headers, status);
        let (hotel, black) = answer?;
        let (gone, inbox) = sockets::register(&self.cloud, hotel, link.clone(), black);
        Ok(DirectSocket {
            cloud: Arc::clone(&self.cloud),
            hotel,
            link,
            inbox,
            silent: black,
            pongs: 0,
            _gone: gone,
        })
    }
}

/// Tokens that belong to no hotel.
const UNKNOWN: Refused = Refused::Status(401);

/// An open event socket. Dropping it closes it.
pub struct DirectSocket {
    cloud: Arc<Cloud>,
    hotel: usize,
    link: Link,
    inbox: mpsc::UnboundedReceiver<Outgoing>,
    silent: bool,
    pongs: u32,
    _gone: Gone,
}

impl std::fmt::Debug for DirectSocket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("DirectSocket")
    }
}

impl DirectSocket {
    /// What is said next. May be dropped at any time without losing anything.
    pub async fn hear(&mut self) -> Said {
        loop {
            if self.silent {
                // A black hole does not even say that it is gone.
                return future::pending().await;
            }
            let outgoing = tokio::select! {
                biased;
                () = self.link.broken() => return Said::Reset,
                outgoing = self.inbox.recv() => outgoing,
                () = future::ready(()), if self.pongs > 0 => {
                    self.pongs -= 1;
                    return Said::Pong;
                }
            };
            match outgoing {
                Some(Outgoing::Text(text)) => return Said::Text(text),
                Some(Outgoing::Binary(bytes)) => return Said::Binary(bytes),
                Some(Outgoing::Close(code)) => return Said::Closed(code),
                Some(Outgoing::Silence) => self.silent = true,
                None => return Said::Reset,
            }
        }
    }

    /// Sends a ping.
    ///
    /// # Errors
    /// The connection is broken.
    pub fn ping(&mut self) -> Result<(), Reset> {
        if self.silent {
            return Ok(());
        }
        if self.link.is_broken() {
            return Err(Reset);
        }
        self.pongs += 1;
        let hotel = self.hotel;
        self.cloud.change(|state| state.hotels[hotel].pings += 1);
        Ok(())
    }
}
