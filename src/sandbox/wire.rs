//! HTTP of the API: path, body, tokens, budget, faults, in this order of authority. What an
//! operation means is decided in [`super::operations`].

use super::{
    accept::Link,
    clock::{self, Clock},
    cloud::Cloud,
    envelope::{self, Answer, Extent, Refusal},
    faults::{FaultKind, Met},
    ledger::RequestSeen,
    operations::{self, Call},
};
use axum::{
    body,
    extract::{ConnectInfo, Request, State},
    http::{HeaderValue, Method, StatusCode, header},
    response::Response,
};
use serde_json::{Map, Value};
use std::{future, sync::Arc};
use uuid::Uuid;

/// Where the operations are.
const PREFIX: &str = "/api/connector/v1/";

/// Members that are not written down: tokens, and documents for their size and content.
const NOT_KEPT: [&str; 4] = ["ClientToken", "AccessToken", "Data", "IdentityDocuments"];

/// Answers every request that is not the page's, the controls' or the socket's.
pub(super) async fn handle(
    State(cloud): State<Arc<Cloud>>,
    ConnectInfo(link): ConnectInfo<Link>,
    request: Request,
) -> Response {
    let mut arrival = Arrival::of(&cloud, request).await;
    let met = match &arrival.operation {
        Some(operation) => cloud.look(|state| state.faults.meet(operation)),
        None => Met::default(),
    };
    if let Some(kind) = met.kind {
        arrival.note_fault(kind);
    }
    if !met.delay.is_zero() {
        tokio::time::sleep(met.delay).await;
    }
    let response = match met.kind {
        Some(FaultKind::NoAnswer) => future::pending().await,
        Some(FaultKind::Reset) => None,
        Some(FaultKind::LostAnswer) => {
            // Refused or not, the client never learns it.
            let _ = arrival.run(false);
            None
        }
        Some(FaultKind::HalfBody) => Some(arrival.answer(Extent::Half)),
        Some(FaultKind::Status(status)) => {
            let refusal = Refusal::new(status, "The sandbox was told to fail.");
            Some(refusal.respond(arrival.id))
        }
        Some(FaultKind::TooMany(retry_after)) => {
            let now = cloud.look(|state| state.clock.utc());
            let mut refusal = Refusal::new(429, "Too many requests.");
            refusal.retry_after = retry_after.header(cloud.rules.rate_span, now);
            Some(refusal.respond(arrival.id))
        }
        Some(FaultKind::Html(status)) => Some(envelope::web_page(status)),
        Some(
            FaultKind::Delay(_)
            | FaultKind::BlackHole
            | FaultKind::DropEvents
            | FaultKind::DuplicateEvents(_)
            | FaultKind::UnknownEvents
            | FaultKind::GarbageText
            | FaultKind::BinaryFrames,
        )
        | None => Some(arrival.answer(Extent::Whole)),
    };
    let Some(response) = response else {
        link.reset();
        return Response::new(body::Body::empty());
    };
    arrival.note_status(response.status());
    stamp(&cloud, response, arrival.id)
}

/// 404 in the API's form: for the socket's own port.
pub(super) async fn nothing_here(State(cloud): State<Arc<Cloud>>) -> Response {
    let id = Uuid::new_v4();
    stamp(&cloud, Refusal::new(404, "Not found.").respond(id), id)
}

/// Adds what every answer has: the request's id and the cloud's time.
pub(super) fn stamp(cloud: &Cloud, mut response: Response, request: Uuid) -> Response {
    let now = clock::http(cloud.look(|state| state.clock.utc()));
    let headers = response.headers_mut();
    for (name, value) in [
        (header::DATE, now),
        (
            header::HeaderName::from_static("request-id"),
            request.to_string(),
        ),
    ] {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(name, value);
        }
    }
    response
}

/// A request that has arrived whole, as far as it can be read.
struct Arrival<'a> {
    cloud: &'a Cloud,
    id: Uuid,
    number: u64,
    operation: Option<String>,
    hotel: Option<usize>,
    body: Result<Map<String, Value>, Refusal>,
}

impl<'a> Arrival<'a> {
    async fn of(cloud: &'a Cloud, request: Request) -> Self {
        let id = Uuid::new_v4();
        let path = request.uri().path().to_owned();
        let operation = path
            .strip_prefix(PREFIX)
            .filter(|name| *request.method() == Method::POST && operations::find(name).is_some())
            .map(str::to_owned);
        let body = read(request, cloud.rules.body_limit).await;
        let text = |name: &str| body.as_ref().ok()?.get(name)?.as_str();
        let token = text("AccessToken");
        let kept: Value = match &body {
            Ok(members) => {
                let kept = members
                    .iter()
                    .filter(|(name, _)| !NOT_KEPT.contains(&name.as_str()));
                Value::Object(
                    kept.map(|(name, value)| (name.clone(), value.clone()))
                        .collect(),
                )
            }
            Err(_) => Value::Null,
        };
        let (number, hotel) = cloud.change(|state| {
            let is_of = |token: &str| {
                state
                    .hotels
                    .iter()
                    .position(|hotel| hotel.access_token == token)
            };
            let hotel = token.and_then(is_of);
            let in_flight = hotel.map_or(0, |hotel| {
                let hotel = &mut state.hotels[hotel];
                hotel.in_flight += 1;
                hotel.most_in_flight = hotel.most_in_flight.max(hotel.in_flight);
                hotel.in_flight
            });
            let seen = RequestSeen {
                number: 0,
                at: Clock::instant(),
                utc: state.clock.utc(),
                path,
                operation: operation.clone(),
                hotel: hotel.map(|hotel| state.hotels[hotel].id),
                status: None,
                fault: None,
                in_flight,
                body: kept,
                request_id: id,
            };
            (state.ledger.request(seen), hotel)
        });
        Self {
            cloud,
            id,
            number,
            operation,
            hotel,
            body,
        }
    }

    fn answer(&mut self, extent: Extent) -> Response {
        match self.run(true) {
            Ok(answer) => answer.respond(extent),
            Err(refusal) => refusal.respond(self.id),
        }
    }

    /// Checks the request and does what it asks for.
    fn run(&mut self, is_answered: bool) -> Result<Answer, Refusal> {
        let operation = self.operation.as_deref();
        let found = operation.and_then(|name| Some((name, operations::find(name)?)));
        let (name, handler) = found.ok_or_else(|| Refusal::new(404, "Not found."))?;
        let body = match &mut self.body {
            Ok(body) => &*body,
            Err(refusal) => {
                return Err(Refusal::new(
                    refusal.status,
                    std::mem::take(&mut refusal.message),
                ));
            }
        };
        for member in ["ClientToken", "AccessToken", "Client"] {
            let text = body.get(member).and_then(Value::as_str);
            if text.is_none_or(|text| text.trim().is_empty()) {
                return Err(Refusal::invalid(member));
            }
        }
        let is_ours = body.get("ClientToken").and_then(Value::as_str)
            == Some(self.cloud.client_token.as_str());
        let hotel = self.hotel.filter(|_| is_ours);
        let hotel = hotel.ok_or_else(|| Refusal::new(401, "Invalid token."))?;
        self.cloud.change(|state| {
            let now = state.clock.utc();
            let hotel = &mut state.hotels[hotel];
            if !hotel.token_works {
                return Err(Refusal::new(401, "The integration is disabled."));
            }
            if hotel.options.denied.contains(name) {
                return Err(Refusal::new(
                    401,
                    "The integration may not use this operation.",
                ));
            }
            hotel.window.admit(Clock::instant()).map_err(|left| {
                let mut refusal = Refusal::new(429, "Too many requests.");
                refusal.retry_after = self.cloud.rules.retry_after.header(left, now);
                refusal
            })
        })?;
        handler(&Call {
            cloud: self.cloud,
            hotel,
            body,
            is_answered,
        })
    }

    fn note_fault(&self, kind: FaultKind) {
        let text = format!("{kind:?}");
        self.cloud.change(|state| {
            state
                .ledger
                .edit(self.number, |seen| seen.fault = Some(text))
        });
    }

    fn note_status(&self, status: StatusCode) {
        let status = Some(status.as_u16());
        self.cloud
            .change(|state| state.ledger.edit(self.number, |seen| seen.status = status));
    }
}

impl Drop for Arrival<'_> {
    fn drop(&mut self) {
        if let Some(hotel) = self.hotel {
            self.cloud
                .change(|state| state.hotels[hotel].in_flight -= 1);
        }
    }
}

/// The body of a request, a JSON object.
async fn read(request: Request, limit: usize) -> Result<Map<String, Value>, Refusal> {
    let mime = request.headers().get(header::CONTENT_TYPE);
    let mime = mime.and_then(|mime| mime.to_str().ok()).unwrap_or_default();
    let mime = mime.split(';').next().unwrap_or_default().trim();
    let is_json = mime.eq_ignore_ascii_case("application/json");
    let Ok(bytes) = body::to_bytes(request.into_body(), limit).await else {
        return Err(Refusal::new(413, "The request is too large."));
    };
    if !is_json {
        return Err(Refusal::new(
            400,
            "The content type must be application/json.",
        ));
    }
    match serde_json::from_slice(&bytes) {
        Ok(Value::Object(members)) => Ok(members),
        Ok(_) => Err(Refusal::new(400, "The body must be a JSON object.")),
        Err(error) => Err(Refusal::new(400, format!("Invalid JSON: {error}."))),
    }
}
