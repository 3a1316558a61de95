//! The sandbox's own calls under `/sandbox/…`: add commands of any kind, cancel, switch faults,
//! and what the page shows. They are no part of the API, need no token, and cost no budget.
//!
//! A web page from elsewhere must not use them: the request has to name the loopback host it came
//! to, and if a browser says where its page is from, it must be from here.

use super::{
    cloud::Cloud,
    command::{CommandState, NewCommand},
    device::{Device, DeviceKind},
    documents::{Backlog, Payload},
    envelope::respond,
    faults::{Active, Fault, FaultId, FaultKind},
    hotel::Hotel,
    limit::RetryAfter,
    operations, page,
    samples::{self, Amount, KeyRequest},
};
use axum::{
    Json, Router,
    body::Body,
    extract::{Query, Request, State},
    http::{HeaderMap, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::{Value, json};
use std::{sync::Arc, time::Duration};
use uuid::Uuid;

/// How long a request for news waits for some.
const NEWS_WAIT: Duration = Duration::from_secs(20);

/// Commands the page shows.
const SHOWN: usize = 200;

/// The calls and the page.
pub(super) fn router() -> Router<Arc<Cloud>> {
    Router::new()
        .route("/", get(page::show))
        .route("/sandbox/state", get(news))
        .route("/sandbox/devices", post(add_device))
        .route("/sandbox/commands", post(add_command))
        .route("/sandbox/cancel", post(cancel))
        .route(
            "/sandbox/faults",
            post(add_fault).get(list_faults).delete(clear_faults),
        )
        .route("/sandbox/faults/off", post(end_fault))
        .route("/sandbox/socket", post(socket))
        .layer(middleware::from_fn(only_from_here))
}

/// Switches a fault on; a black hole silences the sockets that are open.
pub(super) fn switch_on(cloud: &Cloud, fault: Fault) -> FaultId {
    cloud.change(|state| {
        if fault.kind == FaultKind::BlackHole {
            for hotel in &mut state.hotels {
                hotel.silence();
            }
        }
        state.faults.switch_on(fault)
    })
}

async fn only_from_here(request: Request, next: Next) -> Response {
    if is_from_here(request.headers()) {
        next.run(request).await
    } else {
        (StatusCode::FORBIDDEN, "Only for pages of this sandbox.").into_response()
    }
}

fn is_from_here(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let Some(host) = text(header::HOST) else {
        return false;
    };
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    let is_loopback = ["127.0.0.1", "localhost", "[::1]"].contains(&name);
    let origin = text(header::ORIGIN);
    is_loopback && origin.is_none_or(|origin| origin == format!("http://{host}"))
}

type Said = Result<Json<Value>, Wrong>;

/// What is wrong with a call, for the person at the page.
struct Wrong(&'static str);

impl IntoResponse for Wrong {
    fn into_response(self) -> Response {
        let body = json!({ "Message": self.0 }).to_string();
        respond(400, "application/json; charset=utf-8", Body::from(body))
    }
}

#[derive(Deserialize)]
struct News {
    /// The version the page has; absent: answer at once.
    after: Option<u64>,
}

/// What the page shows, as soon as it differs from what it has.
async fn news(State(cloud): State<Arc<Cloud>>, Query(news): Query<News>) -> Json<Value> {
    let mut versions = cloud.versions();
    if let Some(after) = news.after {
        let differs = versions.wait_for(|version| *version != after);
        // Nothing new is an answer too.
        let _ = tokio::time::timeout(NEWS_WAIT, differs).await;
    }
    let version = *versions.borrow_and_update();
    let mut shown = state(&cloud);
    shown["Version"] = json!(version);
    Json(shown)
}

fn state(cloud: &Cloud) -> Value {
    cloud.look(|state| {
        let now = super::clock::wire(state.clock.utc());
        let faults: Vec<Value> = state.faults.active().iter().map(told).collect();
        let hotel = &state.hotels[0];
        let devices: Vec<Value> = hotel.devices.iter().map(|device| device.wire()).collect();
        let command = |command: &super::command::Command| {
            let view = &command.view;
            json!({
                "Id": view.id,
                "State": view.state.name(),
                "CreatedUtc": super::clock::wire(view.created),
                "Device": view.device.name,
                "Progress": command.progress,
                "Notes": command.notes,
                "Updates": command.history.len() - 1,
            })
        };
        let commands: Vec<Value> = hotel.commands().rev().take(SHOWN).map(command).collect();
        json!({
            "NowUtc": now,
            "Hotel": hotel.options.name,
            "Platform": format!("http://{}", cloud.addresses[0]),
            "Socket": format!("ws://{}", cloud.addresses[1]),
            "ClientToken": cloud.client_token,
            "AccessToken": hotel.access_token,
            "Sockets": hotel.sockets.iter().filter(|socket| !socket.black).count(),
            "Requests": state.ledger.requests().count(),
            "Operations": operations::names().collect::<Vec<_>>(),
            "Devices": devices,
            "Commands": commands,
            "Faults": faults,
        })
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct WantedDevice {
    r#type: String,
    name: String,
    identifier: Option<String>,
    connected: Option<bool>,
}

async fn add_device(State(cloud): State<Arc<Cloud>>, Json(wanted): Json<WantedDevice>) -> Said {
    let id = Uuid::new_v4();
    Hotel::new(cloud, 0).put_device(Device {
        id,
        kind: DeviceKind::from_name(&wanted.r#type),
        name: wanted.name,
        identifier: wanted.identifier,
        connected: wanted.connected.unwrap_or(true),
    });
    Ok(Json(json!({ "DeviceId": id })))
}

/// Either `Data` as it is to go over the wire, or a few words of which the sandbox makes some.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct WantedCommand {
    device_id: Uuid,
    data: Option<Value>,
    /// A text to print.
    text: Option<String>,
    /// A document to print, base64, with its type.
    document: Option<String>,
    file_type: Option<String>,
    /// Copies or cards.
    count: Option<i64>,
    /// The lock of a key.
    lock: Option<String>,
    /// The amount of a payment, as decimal text.
    amount: Option<String>,
    created_utc: Option<Timestamp>,
    age_seconds: Option<i64>,
    state: Option<String>,
    announce: Option<bool>,
    /// So many waiting print jobs of `Size` bytes, without a word.
    backlog: Option<usize>,
    size: Option<usize>,
}

async fn add_command(State(cloud): State<Arc<Cloud>>, Json(wanted): Json<WantedCommand>) -> Said {
    let hotel = Hotel::new(Arc::clone(&cloud), 0);
    let devices = hotel.devices();
    let device = devices.iter().find(|device| device.id == wanted.device_id);
    let device = device.ok_or(Wrong("There is no such device."))?;
    let count = wanted.count.unwrap_or(1);
    if let Some(jobs) = wanted.backlog {
        let size = wanted.size.unwrap_or(100_000);
        let backlog = Backlog {
            count: jobs,
            size,
            copies: count,
            ..Backlog::default()
        };
        let ids = hotel.add_backlog(device.id, &backlog);
        return Ok(Json(json!({ "CommandIds": ids })));
    }
    let now = cloud.look(|state| state.clock.utc());
    let mut new = NewCommand::with(device.id, payload(&hotel, device, &wanted, now)?);
    new.created = wanted.created_utc;
    if let Some(age) = wanted.age_seconds {
        new.created = now.checked_sub(SignedDuration::from_secs(age)).ok();
    }
    if let Some(name) = &wanted.state {
        let state = CommandState::from_name(name).ok_or(Wrong("There is no such state."))?;
        new = new.state(state);
    }
    new.announce = wanted.announce.unwrap_or(true);
    Ok(Json(json!({ "CommandId": hotel.add(new) })))
}

fn payload(
    hotel: &Hotel,
    device: &Device,
    wanted: &WantedCommand,
    now: Timestamp,
) -> Result<Payload, Wrong> {
    if let Some(data) = &wanted.data {
        return Ok(Payload::Whole(data.clone()));
    }
    let count = wanted.count.unwrap_or(1);
    Ok(match device.kind {
        DeviceKind::Printer => {
            let document = match &wanted.document {
                Some(base64) => BASE64
                    .decode(base64)
                    .map_err(|_| Wrong("Document is not base64."))?,
                None => wanted
                    .text
                    .clone()
                    .unwrap_or_else(|| "Hello.\n".to_owned())
                    .into_bytes(),
            };
            let mime = wanted.file_type.as_deref().unwrap_or("text/plain");
            Payload::print(mime, &document, count, &device.name)
        }
        DeviceKind::KeyCutter => {
            let mut key = KeyRequest {
                count,
                ..KeyRequest::invented(Uuid::new_v4(), now)
            };
            if let Some(lock) = &wanted.lock {
                key.locks = vec![lock.clone()];
            }
            Payload::Whole(key.data())
        }
        DeviceKind::FiscalMachine => {
            Payload::Whole(samples::fiscal_data(samples::bill(hotel.id(), "EUR", now)))
        }
        DeviceKind::PaymentTerminal => {
            let amount = wanted.amount.as_deref().unwrap_or("42.50");
            Payload::Whole(samples::payment_data(&Amount::new(amount, "EUR")))
        }
        DeviceKind::PassportScanner => Payload::Whole(json!({
            "PassportScannerId": null, "CustomerId": null, "ReservationId": null,
        })),
        DeviceKind::Other(_) => return Err(Wrong("A device of this type needs Data.")),
    })
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Named {
    command_id: Uuid,
}

async fn cancel(State(cloud): State<Arc<Cloud>>, Json(named): Json<Named>) -> Said {
    let cancelled = Hotel::new(cloud, 0).cancel(named.command_id);
    Ok(Json(json!({ "Cancelled": cancelled })))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct WantedFault {
    kind: String,
    operation: Option<String>,
    status: Option<u16>,
    /// Milliseconds of a delay.
    delay_ms: Option<u64>,
    /// Copies of duplicated events.
    copies: Option<u32>,
    /// `Absent`, `Seconds` or `Date`; for kind `TooMany`.
    retry_after: Option<String>,
    retry_after_s: Option<u64>,
    times: Option<u32>,
    seconds: Option<u64>,
    every: Option<u32>,
}

async fn add_fault(State(cloud): State<Arc<Cloud>>, Json(wanted): Json<WantedFault>) -> Said {
    let fault = fault(&wanted).ok_or(Wrong("There is no such fault."))?;
    let FaultId(id) = switch_on(&cloud, fault);
    Ok(Json(json!({ "FaultId": id })))
}

fn fault(wanted: &WantedFault) -> Option<Fault> {
    let is_status = |status: &u16| (200..=599).contains(status);
    let kind = match wanted.kind.as_str() {
        "Delay" => FaultKind::Delay(Duration::from_millis(wanted.delay_ms.unwrap_or(1000))),
        "Reset" => FaultKind::Reset,
        "NoAnswer" => FaultKind::NoAnswer,
        "HalfBody" => FaultKind::HalfBody,
        "LostAnswer" => FaultKind::LostAnswer,
        "Status" => FaultKind::Status(wanted.status.filter(is_status)?),
        "TooMany" => FaultKind::TooMany(match wanted.retry_after.as_deref() {
            Some("Absent") => RetryAfter::Absent,
            Some("Date") => RetryAfter::Date(wanted.retry_after_s),
            Some("Seconds") | None => RetryAfter::Seconds(wanted.retry_after_s),
            Some(_) => return None,
        }),
        "Html" => FaultKind::Html(wanted.status.unwrap_or(502)),
        "BlackHole" => FaultKind::BlackHole,
        "DropEvents" => FaultKind::DropEvents,
        "DuplicateEvents" => FaultKind::DuplicateEvents(wanted.copies.unwrap_or(2).min(1000)),
        "UnknownEvents" => FaultKind::UnknownEvents,
        "GarbageText" => FaultKind::GarbageText,
        "BinaryFrames" => FaultKind::BinaryFrames,
        _ => return None,
    };
    Some(Fault {
        kind,
        operation: wanted.operation.clone().filter(|name| !name.is_empty()),
        times: wanted.times,
        lasting: wanted.seconds.map(Duration::from_secs),
        every: wanted.every.unwrap_or(1).max(1),
    })
}

fn told(active: &Active) -> Value {
    json!({
        "FaultId": active.id.0,
        "Kind": format!("{:?}", active.fault.kind),
        "Operation": active.fault.operation,
        "Left": active.left,
        "Met": active.met,
    })
}

async fn list_faults(State(cloud): State<Arc<Cloud>>) -> Json<Value> {
    let faults = cloud.look(|state| state.faults.active().iter().map(told).collect::<Vec<_>>());
    Json(json!({ "Faults": faults }))
}

async fn clear_faults(State(cloud): State<Arc<Cloud>>) -> Json<Value> {
    cloud.change(|state| state.faults.clear());
    Json(json!({}))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct NamedFault {
    fault_id: u64,
}

async fn end_fault(State(cloud): State<Arc<Cloud>>, Json(named): Json<NamedFault>) -> Said {
    let ended = cloud.change(|state| state.faults.switch_off(FaultId(named.fault_id)));
    Ok(Json(json!({ "Ended": ended })))
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct SocketAction {
    /// `Cut`, `Close`, `Silence`, `Text`, `Binary` or `Events`.
    action: String,
    text: Option<String>,
    events: Option<Value>,
    code: Option<u16>,
}

async fn socket(State(cloud): State<Arc<Cloud>>, Json(wanted): Json<SocketAction>) -> Said {
    let hotel = Hotel::new(cloud, 0);
    let text = wanted.text.unwrap_or_default();
    match wanted.action.as_str() {
        "Cut" => hotel.cut_sockets(),
        "Close" => hotel.close_sockets(wanted.code.unwrap_or(1001)),
        "Silence" => hotel.silence_sockets(),
        "Text" => hotel.push_text(&text),
        "Binary" => hotel.push_binary(text.as_bytes()),
        "Events" => hotel.push_events(wanted.events.unwrap_or_else(|| json!([]))),
        _ => return Err(Wrong("There is no such action.")),
    }
    Ok(Json(json!({})))
}
