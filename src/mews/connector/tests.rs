//! Over TLS with a private CA, directly and through a proxy: HTTP and socket by one connector.

use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};

use futures_util::{SinkExt, StreamExt};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::ServerConfig;
use rustls_pki_types::PrivateKeyDer;
use tokio::io::{AsyncReadExt, copy_bidirectional};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::Role;

use super::*;
use crate::mews::post::{HttpPost, Post};
use crate::mews::socket::{Dial, DialError, Heard, MESSAGE_MAX, WebSocketDial};
use crate::mews::wire::Tokens;

/// A private authority's certificate for a folder, and a server that it vouches for.
struct Authority {
    folder: tempfile::TempDir,
    acceptor: TlsAcceptor,
}

fn authority() -> Authority {
    let mut params = CertificateParams::new(Vec::new()).expect("no names");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().expect("a key");
    let root = params.self_signed(&key).expect("a root");
    let issuer = Issuer::new(params, key);
    let leaf_key = KeyPair::generate().expect("a key");
    let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
    let leaf = CertificateParams::new(names)
        .and_then(|params| params.signed_by(&leaf_key, &issuer))
        .expect("a leaf");
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("ca.pem"), root.pem()).expect("a writable folder");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let key = PrivateKeyDer::try_from(leaf_key.serialize_der()).expect("a key");
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("protocols")
        .with_no_client_auth()
        .with_single_cert(vec![leaf.der().clone()], key)
        .expect("a server");
    Authority {
        folder,
        acceptor: TlsAcceptor::from(Arc::new(config)),
    }
}

impl Authority {
    fn network(&self, proxy: Option<Url>) -> Network {
        Network {
            proxy,
            ca_file: Some(self.folder.path().join("ca.pem")),
        }
    }
}

/// What a server saw: heads of requests, as they came.
type Heads = Arc<Mutex<Vec<String>>>;

fn note(heads: &Heads, head: String) {
    heads
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push(head);
}

fn noted(heads: &Heads) -> Vec<String> {
    heads.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

async fn read_head(stream: &mut (impl AsyncRead + Unpin)) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.expect("a whole head"));
    }
    String::from_utf8(head).expect("text")
}

/// A tiny Mews: echoes what it is posted, and talks on the socket.
async fn mews(tls: Option<TlsAcceptor>) -> (SocketAddr, Heads) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let heads = Heads::default();
    let seen = Arc::clone(&heads);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (tls, seen) = (tls.clone(), Arc::clone(&seen));
            tokio::spawn(async move {
                match tls {
                    Some(tls) => {
                        if let Ok(stream) = tls.accept(stream).await {
                            serve(stream, &seen).await;
                        }
                    }
                    None => serve(stream, &seen).await,
                }
            });
        }
    });
    (address, heads)
}

async fn serve(mut stream: impl AsyncRead + AsyncWrite + Unpin, heads: &Heads) {
    let head = read_head(&mut stream).await;
    note(heads, head.clone());
    let lower = head.to_ascii_lowercase();
    let value = |name: &str| {
        let line = lower
            .lines()
            .position(|line| line.starts_with(name))
            .expect("the header");
        head.lines().nth(line).expect("a line")[name.len()..]
            .trim()
            .to_owned()
    };
    if head.starts_with("POST") {
        let mut body = vec![0; value("content-length:").parse().expect("a length")];
        stream.read_exact(&mut body).await.expect("a whole body");
        let answer = format!(
            "HTTP/1.1 200 OK\r\nRequest-Id: r-1\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all(answer.as_bytes()).await.expect("a reader");
        stream.write_all(&body).await.expect("a reader");
        stream.shutdown().await.expect("a reader");
        return;
    }
    if head.contains("refused") {
        let answer = b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n";
        return stream.write_all(answer).await.expect("a reader");
    }
    let accept = derive_accept_key(value("sec-websocket-key:").as_bytes());
    let answer = format!(
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Accept: {accept}\r\n\r\n"
    );
    stream.write_all(answer.as_bytes()).await.expect("a reader");
    talk(stream, heads, head.contains("flood")).await;
}

async fn talk(stream: impl AsyncRead + AsyncWrite + Unpin, heads: &Heads, flood: bool) {
    let mut socket = WebSocketStream::from_raw_socket(stream, Role::Server, None).await;
    let long = " ".repeat(if flood { MESSAGE_MAX + 1 } else { 1024 * 1024 });
    for message in [
        Message::text("{\"Events\":[]}"),
        Message::binary(vec![0, 1, 2]),
        Message::Ping("?".into()),
        Message::text(long),
    ] {
        if socket.send(message).await.is_err() {
            return;
        }
    }
    while let Some(Ok(message)) = socket.next().await {
        note(heads, format!("{message:?}"));
    }
}

fn url(text: String) -> Url {
    text.parse().expect("an address")
}

fn tokens() -> Tokens {
    Tokens {
        client: "0A1B-77F0".into(),
        access: "9C8D-11E2".into(),
    }
}

async fn post(connector: &Connector, platform: &Url) -> Result<String, String> {
    let http = connector.http(platform).expect("an allowed address");
    let poster = HttpPost::new(http, platform);
    let sent = poster.post("commands/update", b"{\"a\":1}".to_vec()).await;
    let mut answer = sent.map_err(|cause| cause.0)?;
    assert_eq!(
        (answer.status, answer.request_id.as_deref()),
        (200, Some("r-1"))
    );
    let mut body = Vec::new();
    while let Some(chunk) = answer.body.next().await {
        body.extend_from_slice(&chunk.map_err(|cause| cause.0)?);
    }
    Ok(String::from_utf8(body).expect("text"))
}

/// HTTP and socket, whatever is in between.
async fn both_work(connector: &Connector, platform: &Url, socket: &Url, heads: &Heads) {
    assert_eq!(post(connector, platform).await.as_deref(), Ok("{\"a\":1}"));
    let dial = WebSocketDial::new(connector.clone(), socket, tokens());
    let mut socket = dial.dial().await.expect("a socket");
    assert_eq!(
        socket.hear().await,
        Heard::Text("{\"Events\":[]}".to_owned())
    );
    assert_eq!(
        socket.hear().await,
        Heard::Life,
        "binary frames are ignored"
    );
    assert_eq!(socket.hear().await, Heard::Life, "a ping is life");
    let Heard::Text(long) = socket.hear().await else {
        panic!("a frame of 1 MiB is survived")
    };
    assert_eq!(long.len(), 1024 * 1024);
    socket.ping().await.expect("a link");
    assert_eq!(socket.hear().await, Heard::Life, "a pong is life");
    socket.close().await;
    assert!(matches!(socket.hear().await, Heard::Closed(_)));
    let heads = noted(heads);
    assert!(heads[0].starts_with("POST /api/connector/v1/commands/update HTTP/1.1\r\n"));
    assert!(heads[1].starts_with("GET /ws/connector HTTP/1.1\r\n"));
    let cookie = heads[1].lines().find(|line| line.starts_with("Cookie"));
    assert_eq!(
        cookie,
        Some("Cookie: ClientToken=0A1B-77F0; AccessToken=9C8D-11E2")
    );
    assert!(
        heads.iter().any(|seen| seen.contains("Pong")),
        "pings are answered: {heads:?}"
    );
    assert!(
        heads.iter().any(|seen| seen.contains("Normal")),
        "closed with 1000: {heads:?}"
    );
}

#[tokio::test]
async fn https_and_wss_with_a_private_ca() {
    let authority = authority();
    let (address, heads) = mews(Some(authority.acceptor.clone())).await;
    let connector = Connector::new(&authority.network(None)).expect("a connector");
    let port = address.port();
    let platform = url(format!("https://localhost:{port}"));
    both_work(
        &connector,
        &platform,
        &url(format!("wss://127.0.0.1:{port}")),
        &heads,
    )
    .await;
}

#[tokio::test]
async fn without_the_ca_file_the_server_is_not_trusted() {
    let (ours, other) = (authority(), authority());
    let (address, heads) = mews(Some(ours.acceptor)).await;
    let connector = Connector::new(&other.network(None)).expect("a connector");
    let platform = url(format!("https://localhost:{}", address.port()));
    let refused = post(&connector, &platform)
        .await
        .expect_err("an unknown authority");
    assert!(refused.contains("certificate"), "{refused}");
    let socket = url(format!("wss://localhost:{}", address.port()));
    let dial = WebSocketDial::new(connector, &socket, tokens());
    assert!(matches!(dial.dial().await, Err(DialError::Failed(_))));
    assert!(noted(&heads).is_empty(), "not a byte of a request was sent");
}

/// A proxy that wants a password and knows only CONNECT.
async fn proxy() -> (SocketAddr, Heads) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let heads = Heads::default();
    let seen = Arc::clone(&heads);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let seen = Arc::clone(&seen);
            tokio::spawn(async move {
                let head = read_head(&mut stream).await;
                note(&seen, head.clone());
                // "porter:p@ss" in base64.
                let known = head
                    .to_ascii_lowercase()
                    .contains(&"proxy-authorization: basic cG9ydGVyOnBAc3M=".to_ascii_lowercase());
                if !known {
                    let answer = b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n";
                    return stream.write_all(answer).await.expect("a reader");
                }
                let target = head.split(' ').nth(1).expect("a target").to_owned();
                let mut far = TcpStream::connect(target).await.expect("the far side");
                stream
                    .write_all(b"HTTP/1.1 200 OK\r\n\r\n")
                    .await
                    .expect("a reader");
                drop(copy_bidirectional(&mut stream, &mut far).await);
            });
        }
    });
    (address, heads)
}

#[tokio::test]
async fn both_go_through_the_proxy() {
    let authority = authority();
    let (address, heads) = mews(Some(authority.acceptor.clone())).await;
    let (by, passed) = proxy().await;
    let network = authority.network(Some(url(format!("http://porter:p%40ss@{by}"))));
    let connector = Connector::new(&network).expect("a connector");
    let port = address.port();
    let platform = url(format!("https://localhost:{port}"));
    both_work(
        &connector,
        &platform,
        &url(format!("wss://localhost:{port}")),
        &heads,
    )
    .await;
    let passed = noted(&passed);
    assert_eq!(passed.len(), 2, "nothing went around the proxy");
    let target = format!("CONNECT localhost:{port} HTTP/1.1\r\n");
    assert!(
        passed.iter().all(|head| head.starts_with(&target)),
        "{passed:?}"
    );
}

#[tokio::test]
async fn a_proxy_that_refuses_is_told_without_its_password() {
    let (by, _) = proxy().await;
    let network = Network {
        proxy: Some(url(format!("http://porter:wrong@{by}"))),
        ca_file: None,
    };
    let connector = Connector::new(&network).expect("a connector");
    assert!(!format!("{connector:?}").contains("wrong"));
    let dial = WebSocketDial::new(connector, &url("wss://localhost:1".to_owned()), tokens());
    let Err(DialError::Failed(why)) = dial.dial().await else {
        panic!("a refusal")
    };
    assert!(why.contains("407") && !why.contains("wrong"), "{why}");
}

#[tokio::test]
async fn a_refused_upgrade_and_a_message_that_is_too_long_are_told() {
    let (address, _) = mews(None).await;
    let connector = Connector::new(&Network::default()).expect("a connector");
    let dial = |path: &str| {
        let socket = url(format!("ws://{address}{path}"));
        WebSocketDial::new(connector.clone(), &socket, tokens())
    };
    assert_eq!(
        dial("/refused").dial().await.err(),
        Some(DialError::Refused(401))
    );
    let mut socket = dial("/flood").dial().await.expect("a socket");
    let closed = loop {
        match socket.hear().await {
            Heard::Closed(cause) => break cause,
            Heard::Text(text) => assert!(text.len() < 100),
            Heard::Life => {}
        }
    };
    assert!(!closed.0.is_empty());
    let mut odd = tokens();
    odd.access = "a b".into();
    let socket = url(format!("ws://{address}"));
    let refused = WebSocketDial::new(connector.clone(), &socket, odd)
        .dial()
        .await
        .err();
    assert!(matches!(refused, Some(DialError::Failed(why)) if !why.contains("a b")));
}

#[test]
fn only_this_pc_may_be_spoken_to_without_tls() {
    let connector = Connector::new(&Network::default()).expect("a connector");
    for good in [
        "https://api.mews.com",
        "http://127.0.0.1:80",
        "http://[::1]:1",
        "http://localhost",
    ] {
        assert!(connector.http(&url(good.to_owned())).is_ok(), "{good}");
    }
    for bad in [
        "http://api.mews.com",
        "http://10.0.0.1",
        "ftp://api.mews.com",
        "wss://ws.mews.com",
    ] {
        assert!(connector.http(&url(bad.to_owned())).is_err(), "{bad}");
    }
    for (address, good) in [
        ("wss://ws.mews.com", true),
        ("ws://127.0.0.1:9", true),
        ("ws://ws.mews.com", false),
        ("https://ws.mews.com", false),
    ] {
        assert_eq!(
            connector.check_socket(&url(address.to_owned())).is_ok(),
            good,
            "{address}"
        );
    }
}

#[test]
fn a_useless_ca_file_or_proxy_is_an_error() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("ca.pem");
    let with = |ca_file: &Path| Network {
        ca_file: Some(ca_file.to_owned()),
        proxy: None,
    };
    assert!(matches!(
        Connector::new(&with(&path)),
        Err(ConnectorError::CaFile { .. })
    ));
    std::fs::write(&path, "no certificate").expect("a writable folder");
    assert!(matches!(
        Connector::new(&with(&path)),
        Err(ConnectorError::NoCertificate { .. })
    ));
    let proxy = Some(url("socks5://proxy.hotel.lan:1080".to_owned()));
    let network = Network {
        proxy,
        ca_file: None,
    };
    assert!(matches!(
        Connector::new(&network),
        Err(ConnectorError::Proxy(_))
    ));
}

#[test]
fn a_head_is_read_in_pieces_and_what_follows_is_kept() {
    let text = b"HTTP/1.1 101 Switching\r\nA: b \r\nSEC-X:y\r\n\r\nrest";
    for end in 0..text.len() - 4 {
        assert_eq!(head::parse(&text[..end]).expect("so far so good"), None);
    }
    let head = head::parse(text).expect("HTTP").expect("whole");
    assert_eq!(
        (head.status, head.header("sec-x"), head.rest.as_slice()),
        (101, Some("y"), &b"rest"[..])
    );
    for bad in ["SSH-2.0\r\n\r\n", "HTTP/1.1 ok\r\n\r\n", "\r\n\r\n"] {
        assert!(head::parse(bad.as_bytes()).is_err(), "{bad:?}");
    }
}
