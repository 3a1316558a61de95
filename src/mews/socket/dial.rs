//! The real socket: our own upgrade request, then `tokio-tungstenite` for the frames.

use std::io;

use futures_util::future::BoxFuture;
use futures_util::{FutureExt, SinkExt, StreamExt};
use secrecy::{ExposeSecret, SecretString};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::client::generate_key;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};
use url::{Position, Url};

use super::{Closed, Dial, DialError, Heard, MESSAGE_MAX, Socket};
use crate::mews::connector::{Connector, Stream, head};
use crate::mews::wire::Tokens;

/// Dials `{socket}/ws/connector` with the tokens in one `Cookie` header.
#[derive(Debug, Clone)]
pub struct WebSocketDial {
    connector: Connector,
    address: Url,
    tokens: Tokens,
}

impl WebSocketDial {
    /// A dialler for a socket address such as `wss://ws.mews.com`.
    #[must_use]
    pub fn new(connector: Connector, socket: &Url, tokens: Tokens) -> Self {
        let mut address = socket.clone();
        let path = format!("{}/ws/connector", socket.path().trim_end_matches('/'));
        address.set_path(&path);
        Self {
            connector,
            address,
            tokens,
        }
    }

    async fn open(&self) -> Result<Box<dyn Socket>, DialError> {
        if [&self.tokens.client, &self.tokens.access]
            .into_iter()
            .any(|token| !fits(token))
        {
            let why = "a token holds characters that cannot be sent; check the token files";
            return Err(DialError::Failed(why.to_owned()));
        }
        let mut stream = self.connector.stream(&self.address).await.map_err(failed)?;
        let key = generate_key();
        stream
            .write_all(self.upgrade(&key).as_bytes())
            .await
            .map_err(failed)?;
        stream.flush().await.map_err(failed)?;
        let answer = head::read(&mut stream).await.map_err(failed)?;
        match answer.status {
            101 => {}
            status @ (401 | 403) => return Err(DialError::Refused(status)),
            status => return Err(DialError::Failed(format!("answered with status {status}"))),
        }
        if answer.header("sec-websocket-accept") != Some(&derive_accept_key(key.as_bytes())) {
            return Err(DialError::Failed("the answer is no WebSocket's".to_owned()));
        }
        Ok(Box::new(WebSocket::over(stream, answer.rest).await))
    }

    /// The upgrade request. The Cookie is exactly what Mews wants: no space beside `=`, no quotes,
    /// nothing encoded.
    fn upgrade(&self, key: &str) -> String {
        let path = &self.address[Position::BeforePath..];
        let host = &self.address[Position::BeforeHost..Position::AfterPort];
        format!(
            "GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\n\
             Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\
             Cookie: ClientToken={}; AccessToken={}\r\n\r\n",
            self.tokens.client.expose_secret(),
            self.tokens.access.expose_secret(),
        )
    }
}

impl Dial for WebSocketDial {
    fn dial(&self) -> BoxFuture<'_, Result<Box<dyn Socket>, DialError>> {
        self.open().boxed()
    }
}

/// True for a token that can stand in a Cookie as it is: nothing is quoted or encoded.
fn fits(token: &SecretString) -> bool {
    let token = token.expose_secret();
    !token.is_empty()
        && token
            .bytes()
            .all(|b| b.is_ascii_graphic() && !b";,\"\\".contains(&b))
}

fn failed(cause: io::Error) -> DialError {
    DialError::Failed(cause.to_string())
}

struct WebSocket<S>(WebSocketStream<S>);

impl WebSocket<Box<dyn Stream>> {
    async fn over(stream: Box<dyn Stream>, read: Vec<u8>) -> Self {
        let config = WebSocketConfig::default()
            .read_buffer_size(16 * 1024)
            .write_buffer_size(0)
            .max_write_buffer_size(64 * 1024)
            .max_message_size(Some(MESSAGE_MAX))
            .max_frame_size(Some(MESSAGE_MAX));
        Self(WebSocketStream::from_partially_read(stream, read, Role::Client, Some(config)).await)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Socket for WebSocket<S> {
    fn hear(&mut self) -> BoxFuture<'_, Heard> {
        async {
            match self.0.next().await {
                Some(Ok(Message::Text(text))) => Heard::Text(text.as_str().to_owned()),
                Some(Ok(Message::Close(frame))) => Heard::Closed(Closed(match frame {
                    Some(frame) => format!("closed by Mews with code {}", u16::from(frame.code)),
                    None => "closed by Mews".to_owned(),
                })),
                Some(Ok(
                    Message::Binary(_) | Message::Ping(_) | Message::Pong(_) | Message::Frame(_),
                )) => Heard::Life,
                Some(Err(cause)) => Heard::Closed(Closed(cause.to_string())),
                None => Heard::Closed(Closed("the connection ended".to_owned())),
            }
        }
        .boxed()
    }

    fn ping(&mut self) -> BoxFuture<'_, Result<(), Closed>> {
        async {
            let sent = self.0.send(Message::Ping("np".into())).await;
            sent.map_err(|cause| Closed(cause.to_string()))
        }
        .boxed()
    }

    fn close(&mut self) -> BoxFuture<'_, ()> {
        async {
            let frame = CloseFrame {
                code: CloseCode::Normal,
                reason: "".into(),
            };
            // Whether it arrives or not: the connection ends here.
            drop(self.0.close(Some(frame)).await);
        }
        .boxed()
    }
}
