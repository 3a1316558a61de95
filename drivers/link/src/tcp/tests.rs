//! A connection over loopback.

use std::time::Duration;

use bytes::BytesMut;
use driver_sdk::{DialFactory as _, Exchange, Fault, Harmless, Link, Resync};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use crate::Dialers;

/// Sends a question mark, takes one byte.
pub(crate) struct Ping;

impl Exchange for Ping {
    type Answer = u8;
    fn encode(&self, out: &mut BytesMut) {
        out.extend_from_slice(b"?");
    }
    fn decode(&mut self, input: &mut BytesMut) -> Result<Option<u8>, Fault> {
        Ok((!input.is_empty()).then(|| input.split_to(1)[0]))
    }
}
impl Harmless for Ping {}

pub(crate) fn link(dialers: &Dialers, url: &str) -> Link {
    Link::new(
        dialers.dialer(url).expect("a right address"),
        Resync::Reopen,
    )
}

#[tokio::test]
async fn a_lost_connection_is_made_anew_by_the_next_question() {
    let server = TcpListener::bind("127.0.0.1:0").await.expect("loopback");
    let at = server.local_addr().expect("an address");
    let mut link = link(&Dialers::new(), &format!("tcp:{at}"));
    let device = tokio::spawn(async move {
        for answer in *b"ab" {
            let (mut stream, _) = server.accept().await.expect("a caller");
            let mut question = [0];
            stream.read_exact(&mut question).await.expect("a question");
            stream.write_all(&[answer]).await.expect("an answer");
        }
    });
    assert_eq!(link.ask(Ping).await.expect("an answer"), b'a');
    let lost = link.hear(Duration::from_secs(5)).await;
    assert_eq!(lost.expect_err("the device hung up").code(), "LINK-LOST");
    assert_eq!(link.ask(Ping).await.expect("an answer"), b'b');
    device.await.expect("no panic");
}

#[tokio::test]
async fn a_device_that_is_off_is_unreachable_and_that_proves_nothing_of_an_effect() {
    let server = TcpListener::bind("127.0.0.1:0").await.expect("loopback");
    let at = server.local_addr().expect("an address");
    drop(server);
    let mut link = link(&Dialers::new(), &format!("tcp:{at}"));
    let closed = link.open().await.expect_err("nobody listens");
    assert_eq!(closed.code(), "LINK-UNREACHABLE");
    // That a question was never sent says nothing of an effect before it.
    let unasked = link.ask(Ping).await.expect_err("nobody listens");
    assert_eq!(unasked.code(), "LINK-UNREACHABLE");
    assert!(!unasked.has_no_effect());
}

#[tokio::test]
async fn a_closed_line_delivers_what_was_sent_and_then_ends_cleanly() {
    let server = TcpListener::bind("127.0.0.1:0").await.expect("loopback");
    let at = server.local_addr().expect("an address");
    let dialer = Dialers::new()
        .dialer(&format!("tcp:{at}"))
        .expect("a right address");
    let (port, accepted) = tokio::join!(dialer.dial(), server.accept());
    let (mut port, (mut stream, _)) = (port.expect("a line"), accepted.expect("a caller"));
    port.write_all(b"whole job").await.expect("taken");
    drop(port);
    let mut all = Vec::new();
    stream.read_to_end(&mut all).await.expect("no reset");
    assert_eq!(all, b"whole job");
}
