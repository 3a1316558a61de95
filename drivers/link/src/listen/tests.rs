//! A device that connects to us, over loopback.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::Dialers;
use crate::tcp::tests::{Ping, link};
use driver_sdk::DialFactory as _;

const HERE: &str = "listen:127.0.0.1:0";

/// Binds the listener, as the first dial does, and tells where it is.
async fn bound(dialers: &Dialers, url: &str) -> std::net::SocketAddr {
    let dialer = dialers.dialer(url).expect("a right address");
    let mut dial = dialer.dial();
    loop {
        tokio::select! {
            biased;
            _ = &mut dial => panic!("nobody has called"),
            () = tokio::task::yield_now() => {}
        }
        if let Some(at) = dialers.listening(url) {
            return at;
        }
    }
}

async fn answer(stream: &mut TcpStream, answer: u8) {
    let mut question = [0];
    stream.read_exact(&mut question).await.expect("a question");
    stream.write_all(&[answer]).await.expect("an answer");
}

#[tokio::test]
async fn a_device_that_calls_between_two_attempts_is_not_turned_away() {
    let dialers = Dialers::new();
    let at = bound(&dialers, HERE).await;
    let mut device = TcpStream::connect(at).await.expect("we listen");
    let mut link = link(&dialers, HERE);
    let (asked, ()) = tokio::join!(link.ask(Ping), answer(&mut device, b'a'));
    assert_eq!(asked.expect("an answer"), b'a');
}

#[tokio::test]
async fn the_newest_connection_wins() {
    let dialers = Dialers::new();
    let at = bound(&dialers, HERE).await;
    let mut link = link(&dialers, HERE);
    let mut old = TcpStream::connect(at).await.expect("we listen");
    let (asked, ()) = tokio::join!(link.ask(Ping), answer(&mut old, b'a'));
    assert_eq!(asked.expect("an answer"), b'a');

    let mut new = TcpStream::connect(at).await.expect("we listen");
    let lost = link.hear(std::time::Duration::from_secs(5)).await;
    assert_eq!(lost.expect_err("the old line ends").code(), "LINK-LOST");
    let mut rest = Vec::new();
    old.read_to_end(&mut rest).await.expect("a clean end");
    let (asked, ()) = tokio::join!(link.ask(Ping), answer(&mut new, b'b'));
    assert_eq!(asked.expect("an answer"), b'b');
}

#[tokio::test]
async fn a_stranger_is_refused() {
    let dialers = Dialers::new();
    let url = "listen:127.0.0.1:0?allow=192.0.2.7";
    let at = bound(&dialers, url).await;
    let mut stranger = TcpStream::connect(at).await.expect("we listen");
    let mut rest = Vec::new();
    // Closed without a byte; the system may say so as a reset.
    let _ = stranger.read_to_end(&mut rest).await;
    assert!(rest.is_empty());
    let dialer = dialers.dialer(url).expect("a right address");
    let taken = tokio::time::timeout(std::time::Duration::ZERO, dialer.dial()).await;
    assert!(taken.is_err(), "the stranger's line was handed out");
}

#[tokio::test]
async fn a_device_that_is_opened_anew_finds_its_listener() {
    let dialers = Dialers::new();
    let first = bound(&dialers, HERE).await;
    let again = bound(&dialers, HERE).await;
    assert_eq!(first, again);
}
