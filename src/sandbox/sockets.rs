//! The event socket: who may open it, what is said on it, and how it fails.

use super::{
    accept::Link,
    clock::Clock,
    cloud::{Cloud, CloudState},
    envelope::{self, Refusal},
    faults::{FaultKind, SOCKET},
    ledger::UpgradeSeen,
    limit::RetryAfter,
    property::HotelState,
    wire,
};
use axum::{
    Router,
    body::Body,
    extract::{
        ConnectInfo, FromRequestParts, Request, State, WebSocketUpgrade,
        ws::{CloseFrame, Message, WebSocket},
    },
    http::{HeaderMap, header},
    response::{IntoResponse, Response},
    routing::any,
};
use futures_util::StreamExt;
use serde_json::{Value, json};
use std::{collections::HashSet, future, sync::Arc};
use tokio::sync::mpsc;
use uuid::Uuid;

/// What a socket's task is to send.
#[derive(Debug)]
pub(super) enum Outgoing {
    Text(String),
    Binary(Vec<u8>),
    /// A close frame with this code.
    Close(u16),
    /// From here on nothing is read or sent.
    Silence,
}

/// An open socket.
#[derive(Debug)]
pub(super) struct Socket {
    pub(super) id: u64,
    pub(super) link: Link,
    pub(super) black: bool,
    /// Devices whose commands it announces: those connected when it was opened.
    linked: HashSet<Uuid>,
    out: mpsc::UnboundedSender<Outgoing>,
}

impl HotelState {
    /// Sends to all sockets.
    pub(super) fn send(&mut self, outgoing: impl Fn() -> Outgoing) {
        for socket in self.sockets.iter().filter(|socket| !socket.black) {
            // A socket whose task has ended is removed by that task.
            let _ = socket.out.send(outgoing());
        }
    }

    /// Lets all sockets fall silent for good.
    pub(super) fn silence(&mut self) {
        self.send(|| Outgoing::Silence);
        for socket in &mut self.sockets {
            socket.black = true;
        }
    }
}

impl CloudState {
    /// Announces a command's state to the sockets that are to know, spoiled by the faults.
    pub(super) fn announce(&mut self, hotel: usize, command: Uuid) {
        let hotel = &mut self.hotels[hotel];
        let Some(command) = hotel.command(command) else {
            return;
        };
        let device = command.view.device.id;
        if !hotel.device(device).is_some_and(|device| device.connected) {
            return;
        }
        let event = json!({
            "Type": "DeviceCommand", "Id": command.view.id, "State": command.view.state.name(),
        });
        let spoiled = self.faults.spoil();
        if spoiled.dropped {
            return;
        }
        let events = if spoiled.unknown {
            surrounded(event)
        } else {
            vec![event]
        };
        let text = json!({ "Events": events }).to_string();
        for socket in hotel.sockets.iter().filter(|socket| !socket.black) {
            if self.link_needs_reconnect && !socket.linked.contains(&device) {
                continue;
            }
            let mut frames = Vec::new();
            if spoiled.garbage {
                frames.push(Outgoing::Text("{\"Events\":[{\"Type\":\"Device".to_owned()));
            }
            if spoiled.binary {
                frames.push(Outgoing::Binary(vec![0, 159, 146, 150]));
            }
            frames.extend((0..spoiled.copies).map(|_| Outgoing::Text(text.clone())));
            for frame in frames {
                let _ = socket.out.send(frame);
            }
        }
    }
}

fn surrounded(event: Value) -> Vec<Value> {
    vec![
        json!({ "Type": "SomethingNew", "Id": 17, "Payload": { "x": [1, null] } }),
        json!({ "Type": "DeviceCommand", "Id": null, "State": "Pending" }),
        json!(null),
        event,
        json!({ "Type": "DeviceCommand", "Id": Uuid::new_v4(), "State": "Dreaming" }),
    ]
}

/// The one path of the socket.
pub(super) fn router() -> Router<Arc<Cloud>> {
    Router::new().route("/ws/connector", any(open))
}

async fn open(
    State(cloud): State<Arc<Cloud>>,
    ConnectInfo(link): ConnectInfo<Link>,
    request: Request,
) -> Response {
    let target = request
        .uri()
        .path_and_query()
        .map_or("/", |target| target.as_str())
        .to_owned();
    let headers = request.headers().clone();
    let (mut parts, _) = request.into_parts();
    let upgrade = WebSocketUpgrade::from_request_parts(&mut parts, &()).await;

    let met = cloud.look(|state| state.faults.meet(SOCKET));
    if !met.delay.is_zero() {
        tokio::time::sleep(met.delay).await;
    }
    let hotel = cloud.look(|state| hotel_of(&cloud, state, &headers));
    let id = Uuid::new_v4();
    let mut is_black = false;
    let mut refusal = None;
    match met.kind {
        Some(FaultKind::NoAnswer) => future::pending().await,
        Some(FaultKind::Reset | FaultKind::LostAnswer | FaultKind::HalfBody) => {
            note(&cloud, target, &headers, 0);
            link.reset();
            return Response::new(Body::empty());
        }
        Some(FaultKind::Status(status)) => {
            refusal = Some(Refusal::new(status, "The sandbox was told to fail.").respond(id));
        }
        Some(FaultKind::TooMany(retry_after)) => {
            refusal = Some(too_many(&cloud, retry_after).respond(id));
        }
        Some(FaultKind::Html(status)) => refusal = Some(envelope::web_page(status)),
        Some(FaultKind::BlackHole) => is_black = true,
        Some(
            FaultKind::Delay(_)
            | FaultKind::DropEvents
            | FaultKind::DuplicateEvents(_)
            | FaultKind::UnknownEvents
            | FaultKind::GarbageText
            | FaultKind::BinaryFrames,
        )
        | None => {}
    }
    let response = match (refusal, hotel, upgrade) {
        (Some(refusal), _, _) => refusal,
        (None, None, _) => Refusal::new(401, "Invalid token.").respond(id),
        (None, Some(_), Err(rejection)) => rejection.into_response(),
        (None, Some(hotel), Ok(upgrade)) => {
            let (cloud, link) = (Arc::clone(&cloud), link.clone());
            upgrade.on_upgrade(move |socket| talk(cloud, hotel, link, socket, is_black))
        }
    };
    note(&cloud, target, &headers, response.status().as_u16());
    wire::stamp(&cloud, response, id)
}

fn too_many(cloud: &Cloud, retry_after: RetryAfter) -> Refusal {
    let now = cloud.look(|state| state.clock.utc());
    let mut refusal = Refusal::new(429, "Too many requests.");
    refusal.retry_after = retry_after.header(cloud.rules.rate_span, now);
    refusal
}

pub(super) fn note(cloud: &Cloud, target: String, headers: &HeaderMap, status: u16) {
    let headers = headers
        .iter()
        .map(|(name, value)| {
            (
                name.to_string(),
                String::from_utf8_lossy(value.as_bytes()).into_owned(),
            )
        })
        .collect();
    let seen = UpgradeSeen {
        at: Clock::instant(),
        target,
        headers,
        status,
    };
    cloud.change(|state| state.ledger.upgrade(seen));
}

/// Whose tokens the `Cookie` header carries. The comparison is exact: one header, two pairs, no
/// space beside an equals sign, no quotes.
pub(super) fn hotel_of(cloud: &Cloud, state: &CloudState, headers: &HeaderMap) -> Option<usize> {
    let mut cookies = headers.get_all(header::COOKIE).iter();
    let (cookie, None) = (cookies.next()?.to_str().ok()?, cookies.next()) else {
        return None;
    };
    let client = format!("ClientToken={}", cloud.client_token);
    state.hotels.iter().position(|hotel| {
        let access = format!("AccessToken={}", hotel.access_token);
        let is_good =
            cookie == format!("{client}; {access}") || cookie == format!("{access}; {client}");
        is_good && hotel.token_works
    })
}

/// The life of one socket.
async fn talk(cloud: Arc<Cloud>, hotel: usize, link: Link, mut socket: WebSocket, black: bool) {
    let (_gone, mut inbox) = register(&cloud, hotel, link, black);
    if black {
        future::pending::<()>().await;
    }
    loop {
        tokio::select! {
            biased;
            outgoing = inbox.recv() => {
                let sent = match outgoing {
                    None => return,
                    Some(Outgoing::Text(text)) => socket.send(Message::Text(text.into())).await,
                    Some(Outgoing::Binary(bytes)) => {
                        socket.send(Message::Binary(bytes.into())).await
                    }
                    Some(Outgoing::Close(code)) => {
                        let frame = CloseFrame { code, reason: "".into() };
                        socket.send(Message::Close(Some(frame))).await
                    }
                    Some(Outgoing::Silence) => future::pending().await,
                };
                if sent.is_err() {
                    return;
                }
            }
            // Reading also answers the pings.
            incoming = socket.next() => match incoming {
                Some(Ok(Message::Ping(_))) => cloud.change(|state| state.hotels[hotel].pings += 1),
                Some(Ok(Message::Text(_) | Message::Binary(_) | Message::Pong(_))) => {}
                Some(Ok(Message::Close(_)) | Err(_)) | None => return,
            },
        }
    }
}

/// Puts a socket on the hotel's list; what it is to send comes by the channel.
pub(super) fn register(
    cloud: &Arc<Cloud>,
    hotel: usize,
    link: Link,
    black: bool,
) -> (Gone, mpsc::UnboundedReceiver<Outgoing>) {
    let (out, inbox) = mpsc::unbounded_channel();
    let id = cloud.change(|state| {
        let id = state.next_socket;
        state.next_socket += 1;
        let hotel = &mut state.hotels[hotel];
        let connected = hotel.devices.iter().filter(|device| device.connected);
        let linked = connected.map(|device| device.id).collect();
        hotel.sockets.push(Socket {
            id,
            link,
            black,
            linked,
            out,
        });
        id
    });
    let cloud = Arc::clone(cloud);
    (Gone { cloud, hotel, id }, inbox)
}

/// Takes the socket off the list however its task ends.
pub(super) struct Gone {
    cloud: Arc<Cloud>,
    hotel: usize,
    id: u64,
}

impl Drop for Gone {
    fn drop(&mut self) {
        self.cloud.change(|state| {
            state.hotels[self.hotel]
                .sockets
                .retain(|socket| socket.id != self.id);
        });
    }
}
