//! A client for the tests: it sends what it is told and judges nothing.

use super::super::{Sandbox, SandboxOptions};
use futures_util::StreamExt;
use serde_json::{Value, json};
use std::{sync::Arc, time::Duration};
use tokio::net::TcpStream;
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{self, Message, client::IntoClientRequest, http::HeaderValue},
};

/// How long a test waits for what must come.
pub(super) const PATIENCE: Duration = Duration::from_secs(20);

pub(super) type Events = WebSocketStream<MaybeTlsStream<TcpStream>>;

pub(super) struct Client {
    pub(super) http: reqwest::Client,
    platform: String,
    socket: String,
    pub(super) client_token: String,
    pub(super) access_token: String,
}

pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) headers: reqwest::header::HeaderMap,
    pub(super) body: Value,
}

impl Reply {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

pub(super) async fn start(options: SandboxOptions) -> (Sandbox, Client) {
    let sandbox = Sandbox::start(options)
        .await
        .expect("a free port of the loopback interface");
    let client = Client::of(&sandbox);
    (sandbox, client)
}

/// A client without certificates: everything here is plain.
pub(super) fn http() -> reqwest::Client {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("ring has the default versions")
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .no_proxy()
        .build()
        .expect("a client of defaults")
}

impl Client {
    pub(super) fn of(sandbox: &Sandbox) -> Self {
        Self {
            http: http(),
            platform: sandbox.platform_address(),
            socket: sandbox.websocket_address(),
            client_token: sandbox.client_token().to_owned(),
            access_token: sandbox.access_token(),
        }
    }

    pub(super) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.platform)
    }

    /// The body with tokens and client name.
    pub(super) fn signed(&self, mut body: Value) -> Value {
        body["ClientToken"] = json!(self.client_token);
        body["AccessToken"] = json!(self.access_token);
        body["Client"] = json!("Raw 1.0");
        body
    }

    /// A good request.
    pub(super) async fn call(&self, operation: &str, body: Value) -> Reply {
        self.try_call(operation, body).await.expect("an answer")
    }

    pub(super) async fn try_call(
        &self,
        operation: &str,
        body: Value,
    ) -> Result<Reply, reqwest::Error> {
        let path = format!("/api/connector/v1/{operation}");
        self.post(&path, &self.signed(body).to_string()).await
    }

    /// Any text to any path.
    pub(super) async fn post(&self, path: &str, body: &str) -> Result<Reply, reqwest::Error> {
        let request = self
            .http
            .post(self.url(path))
            .header("content-type", "application/json");
        let response = request.body(body.to_owned()).send().await?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let text = response.text().await?;
        let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
        Ok(Reply {
            status,
            headers,
            body,
        })
    }

    /// The status of a report.
    pub(super) async fn report(&self, id: uuid::Uuid, state: &str) -> u16 {
        let body = json!({ "CommandId": id, "State": state });
        self.call("commands/update", body).await.status
    }

    pub(super) fn cookie(&self) -> String {
        format!(
            "ClientToken={}; AccessToken={}",
            self.client_token, self.access_token
        )
    }

    /// Opens the event socket with the right cookie.
    pub(super) async fn events(&self) -> Events {
        self.knock("/ws/connector", Some(&self.cookie()))
            .await
            .expect("an open socket")
    }

    /// Tries to open a socket; the status of the refusal if there was one.
    pub(super) async fn knock(
        &self,
        path: &str,
        cookie: Option<&str>,
    ) -> Result<Events, Option<u16>> {
        let url = format!("{}{path}", self.socket);
        let mut request = url.into_client_request().expect("a good address");
        if let Some(cookie) = cookie {
            let value = HeaderValue::from_str(cookie).expect("plain text");
            request.headers_mut().insert("Cookie", value);
        }
        match connect_async(request).await {
            Ok((socket, _)) => Ok(socket),
            Err(tungstenite::Error::Http(response)) => Err(Some(response.status().as_u16())),
            Err(_) => Err(None),
        }
    }
}

/// The next message.
pub(super) async fn next(socket: &mut Events) -> Option<Message> {
    let next = tokio::time::timeout(PATIENCE, socket.next());
    next.await
        .expect("something within the patience of a test")?
        .ok()
}

/// The events of the next message, which must be text.
pub(super) async fn next_events(socket: &mut Events) -> Vec<Value> {
    match next(socket).await {
        Some(Message::Text(text)) => {
            let frame: Value = serde_json::from_str(&text).expect("a JSON text");
            frame["Events"]
                .as_array()
                .expect("an array of events")
                .clone()
        }
        other => panic!("expected events, got {other:?}"),
    }
}
