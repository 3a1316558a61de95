//! One POST each, against a server that speaks just enough HTTP.

use std::time::Duration;

use bytes::Bytes;
use driver_sdk::{DialFactory as _, Fault, Poster};
use std::sync::Arc;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::Dialers;

const PATIENCE: Duration = Duration::from_secs(5);

/// Answers one request with these bytes and gives what it was sent.
async fn serve_once(server: TcpListener, answer: Vec<u8>) -> String {
    let (mut stream, _) = server.accept().await.expect("a caller");
    let request = read_request(&mut stream).await;
    stream.write_all(&answer).await.expect("an answer");
    request
}

async fn read_request(stream: &mut TcpStream) -> String {
    let mut all = Vec::new();
    loop {
        stream.read_buf(&mut all).await.expect("a request");
        let text = String::from_utf8_lossy(&all).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let length = head
            .lines()
            .find_map(|line| {
                line.to_ascii_lowercase()
                    .strip_prefix("content-length: ")?
                    .parse()
                    .ok()
            })
            .unwrap_or(0);
        if body.len() >= length {
            return text;
        }
    }
}

async fn post(answer: &[u8], body: &'static str) -> (Result<Bytes, Fault>, String) {
    let server = TcpListener::bind("127.0.0.1:0").await.expect("loopback");
    let at = server.local_addr().expect("an address");
    let poster = poster(&format!("http://{at}/cgi?devid=1"));
    tokio::join!(
        poster.post(Bytes::from_static(body.as_bytes()), PATIENCE),
        serve_once(server, answer.to_vec())
    )
}

fn poster(url: &str) -> Arc<dyn Poster> {
    Dialers::new().poster(url).expect("a right address")
}

#[tokio::test]
async fn the_answer_is_the_body_and_the_query_belongs_to_the_address() {
    let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    let (answer, request) = post(answer, "{\"a\":1}").await;
    assert_eq!(answer.expect("an answer"), Bytes::from_static(b"ok"));
    assert!(
        request.starts_with("POST /cgi?devid=1 HTTP/1.1\r\n"),
        "{request}"
    );
    assert!(request.ends_with("\r\n\r\n{\"a\":1}"), "{request}");
    let lower = request.to_ascii_lowercase();
    assert!(lower.contains("content-type: application/json; charset=utf-8\r\n"));
}

#[tokio::test]
async fn an_envelope_is_sent_as_soap() {
    let answer = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    let body = "<?xml version=\"1.0\"?><s:Envelope xmlns:s=\"x\"></s:Envelope>";
    let (answer, request) = post(answer, body).await;
    assert_eq!(answer.expect("an answer"), Bytes::new());
    let lower = request.to_ascii_lowercase();
    assert!(
        lower.contains("content-type: text/xml; charset=utf-8\r\n"),
        "{lower}"
    );
    assert!(lower.contains("soapaction: \"\"\r\n"), "{lower}");
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let answer = b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\n\
                   Content-Length: 0\r\n\r\n";
    let (answer, _) = post(answer, "x").await;
    let fault = answer.expect_err("no answer of the device");
    assert_eq!(fault.code(), "LINK-GARBLED");
    assert!(!fault.has_no_effect());
}

#[tokio::test]
async fn an_answer_without_end_is_cut_off() {
    let mut answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2000000\r\n\r\n".to_vec();
    answer.resize(answer.len() + 1_100_000, b'x');
    let server = TcpListener::bind("127.0.0.1:0").await.expect("loopback");
    let at = server.local_addr().expect("an address");
    let device = tokio::spawn(async move {
        let (mut stream, _) = server.accept().await.expect("a caller");
        read_request(&mut stream).await;
        // The other side hangs up in the middle.
        let _ = stream.write_all(&answer).await;
        let mut rest = Vec::new();
        let _ = stream.read_to_end(&mut rest).await;
    });
    let answer = poster(&format!("http://{at}/"))
        .post(Bytes::new(), PATIENCE)
        .await;
    assert_eq!(answer.expect_err("too long").code(), "LINK-GARBLED");
    device.await.expect("no panic");
}

#[tokio::test]
async fn a_device_that_is_off_is_unreachable_and_nothing_was_sent() {
    let server = TcpListener::bind("127.0.0.1:0").await.expect("loopback");
    let at = server.local_addr().expect("an address");
    drop(server);
    let answer = poster(&format!("http://{at}/"))
        .post(Bytes::new(), PATIENCE)
        .await;
    let fault = answer.expect_err("nobody listens");
    assert_eq!(fault.code(), "LINK-UNREACHABLE");
    assert!(fault.has_no_effect());
}

#[tokio::test]
async fn a_device_that_hangs_up_on_a_question_leaves_a_doubt() {
    let (answer, _) = post(b"", "x").await;
    let fault = answer.expect_err("no answer");
    assert_eq!(fault.code(), "LINK-LOST");
    assert!(!fault.has_no_effect());
}

#[tokio::test]
async fn a_device_without_tls_was_sent_nothing() {
    let server = TcpListener::bind("127.0.0.1:0").await.expect("loopback");
    let at = server.local_addr().expect("an address");
    let device = tokio::spawn(async move {
        let (mut stream, _) = server.accept().await.expect("a caller");
        stream
            .write_all(b"I speak no TLS\r\n")
            .await
            .expect("taken");
        let mut rest = Vec::new();
        let _ = stream.read_to_end(&mut rest).await;
        rest
    });
    let body = Bytes::from_static(b"the document");
    let answer = poster(&format!("https://{at}/")).post(body, PATIENCE).await;
    let fault = answer.expect_err("no TLS");
    assert_eq!(fault.code(), "LINK-UNREACHABLE");
    assert!(fault.has_no_effect());
    let sent = device.await.expect("no panic");
    assert!(!sent.windows(12).any(|window| window == b"the document"));
}
