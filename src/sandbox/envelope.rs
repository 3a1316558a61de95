//! Answers: the success, the error body, and how they become HTTP.

use super::command::CommandView;
use axum::{
    body::{Body, Bytes},
    http::{HeaderValue, StatusCode, header},
    response::Response,
};
use futures_util::{Stream, StreamExt, stream};
use serde_json::{Value, json};
use std::{convert::Infallible, io, iter, task::Poll};
use uuid::Uuid;

/// A request that is refused.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) status: u16,
    pub(super) message: String,
    pub(super) retry_after: Option<String>,
}

impl Refusal {
    pub(super) fn new(status: u16, message: impl Into<String>) -> Self {
        Self {
            status,
            message: message.into(),
            retry_after: None,
        }
    }

    /// 400, in the API's words.
    pub(super) fn invalid(member: &str) -> Self {
        Self::new(400, format!("Invalid {member}."))
    }
}

/// A request that is granted.
#[derive(Debug)]
pub(super) enum Answer {
    /// A small answer.
    Json(Value),
    /// Commands, written one after the other: a long list never exists as one text.
    Commands {
        commands: Vec<CommandView>,
        cursor: Option<Uuid>,
    },
}

/// How much of an answer is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Extent {
    Whole,
    Half,
}

impl Answer {
    /// The answer as HTTP.
    pub(super) fn respond(self, extent: Extent) -> Response {
        let (length, body) = match self {
            Self::Json(value) => {
                let text = Bytes::from(value.to_string());
                let length = text.len();
                match extent {
                    Extent::Whole => (None, Body::from(text)),
                    Extent::Half => {
                        let half = text.slice(..length / 2);
                        (Some(length), Body::from_stream(cut(stream::iter([half]))))
                    }
                }
            }
            Self::Commands { commands, cursor } => {
                let half = commands.len() / 2;
                let pieces = list(commands, cursor);
                match extent {
                    Extent::Whole => (None, Body::from_stream(pieces.map(Ok::<_, Infallible>))),
                    Extent::Half => (None, Body::from_stream(cut(pieces.take(half + 1)))),
                }
            }
        };
        let mut response = respond(200, "application/json; charset=utf-8", body);
        if let Some(length) = length {
            response
                .headers_mut()
                .insert(header::CONTENT_LENGTH, HeaderValue::from(length));
        }
        response
    }
}

impl Refusal {
    /// The refusal as HTTP.
    pub(super) fn respond(self, request: Uuid) -> Response {
        let body = json!({ "Message": self.message, "RequestId": request, "Details": null });
        let text = Body::from(body.to_string());
        let mut response = respond(self.status, "application/json; charset=utf-8", text);
        if let Some(value) = self
            .retry_after
            .and_then(|text| HeaderValue::from_str(&text).ok())
        {
            response.headers_mut().insert(header::RETRY_AFTER, value);
        }
        response
    }
}

/// A web page, as a proxy puts in the place of an answer.
pub(super) fn web_page(status: u16) -> Response {
    let page = "<!DOCTYPE html><html><head><title>Gateway</title></head>\
                <body><h1>The page cannot be shown</h1></body></html>";
    respond(status, "text/html; charset=utf-8", Body::from(page))
}

pub(super) fn respond(status: u16, mime: &'static str, body: Body) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() =
        StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static(mime));
    response
}

fn list(
    commands: Vec<CommandView>,
    cursor: Option<Uuid>,
) -> impl Stream<Item = Bytes> + Send + 'static {
    let tail = format!("],\"Cursor\":{}}}", json!(cursor));
    let items = commands.into_iter().enumerate().map(|(place, command)| {
        let comma = if place == 0 { "" } else { "," };
        Bytes::from(format!("{comma}{}", command.wire()))
    });
    let head = iter::once(Bytes::from_static(b"{\"Commands\":["));
    stream::iter(head.chain(items).chain(iter::once(Bytes::from(tail))))
}

/// The pieces, then a broken body. One turn passes in between, so that the pieces are sent first.
fn cut(
    pieces: impl Stream<Item = Bytes> + Send + 'static,
) -> impl Stream<Item = io::Result<Bytes>> + Send + 'static {
    let mut waited = false;
    let end = stream::poll_fn(move |cx| {
        if waited {
            return Poll::Ready(Some(Err(io::ErrorKind::ConnectionReset.into())));
        }
        waited = true;
        cx.waker().wake_by_ref();
        Poll::Pending
    });
    pieces.map(Ok).chain(end)
}
