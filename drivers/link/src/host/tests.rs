use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use driver_sdk::{Effect, Port, VirtualDevice};
use futures_util::future::BoxFuture;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::broadcast;
use tokio_util::sync::CancellationToken;

use super::serve_tcp;

/// Repeats what it hears; hangs up after the byte `04`.
#[derive(Debug)]
struct Parrot {
    conversations: AtomicU32,
    story: broadcast::Sender<String>,
}

impl Parrot {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            conversations: AtomicU32::new(0),
            story: broadcast::Sender::new(1),
        })
    }
}

impl VirtualDevice for Parrot {
    fn serve(self: Arc<Self>, mut port: Box<dyn Port>) -> BoxFuture<'static, io::Result<()>> {
        Box::pin(async move {
            self.conversations.fetch_add(1, Ordering::SeqCst);
            let mut bytes = [0; 1_000];
            loop {
                let n = port.read(&mut bytes).await?;
                port.write_all(&bytes[..n]).await?;
                if n == 0 || bytes[..n].ends_with(&[4]) {
                    return Ok(());
                }
            }
        })
    }

    fn switch(&self, name: &str, _: &str) -> Result<(), String> {
        Err(format!("no switch `{name}`"))
    }

    fn effects(&self) -> Vec<Effect> {
        Vec::new()
    }

    fn story(&self) -> broadcast::Receiver<String> {
        self.story.subscribe()
    }
}

async fn says_back(wire: &mut (impl Port + ?Sized), bytes: &[u8]) {
    wire.write_all(bytes).await.expect("taken");
    let mut heard = vec![0; bytes.len()];
    wire.read_exact(&mut heard).await.expect("answered");
    assert!(heard == bytes, "the same bytes come back");
}

#[tokio::test]
async fn a_tcp_port_has_several_conversations_and_an_end() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("bound");
    let (device, cancel) = (Parrot::new(), CancellationToken::new());
    let hosted = tokio::spawn(serve_tcp(
        listener,
        Arc::clone(&device) as _,
        cancel.clone(),
    ));
    let mut first = TcpStream::connect(address).await.expect("accepted");
    says_back(&mut first, b"first").await;
    let mut second = TcpStream::connect(address).await.expect("accepted");
    says_back(&mut second, b"second").await;
    says_back(&mut first, &[4]).await;
    assert_eq!(
        first.read(&mut [0]).await.expect("an end"),
        0,
        "the device hung up"
    );
    cancel.cancel();
    hosted.await.expect("no panic").expect("a clean end");
    assert_eq!(
        second.read(&mut [0]).await.unwrap_or(0),
        0,
        "closed with the host"
    );
    assert!(
        TcpStream::connect(address).await.is_err(),
        "nobody listens any more"
    );
    assert_eq!(device.conversations.load(Ordering::SeqCst), 2);
}

#[cfg(unix)]
mod pty {
    use std::path::Path;

    use tokio_serial::{SerialPortBuilderExt, SerialStream};

    use super::super::serve_pty;
    use super::*;

    fn open(path: &Path) -> SerialStream {
        let path = path.to_str().expect("an ASCII path");
        tokio_serial::new(path, 115_200)
            .open_native_async()
            .expect("a serial port")
    }

    #[tokio::test]
    async fn a_pseudo_terminal_is_a_clean_serial_port() {
        let (device, cancel) = (Parrot::new(), CancellationToken::new());
        let hosted = serve_pty(device, cancel.clone()).expect("a pseudo-terminal");
        let mut port = open(hosted.path());
        let every_byte: Vec<u8> = (0..=255).collect();
        says_back(&mut port, &every_byte).await;
        cancel.cancel();
        hosted.ended().await;
    }

    #[tokio::test]
    async fn it_survives_being_closed_and_opened_again() {
        let (device, cancel) = (Parrot::new(), CancellationToken::new());
        let hosted = serve_pty(Arc::clone(&device) as _, cancel.clone()).expect("a terminal");
        for round in 0..3_u8 {
            let mut port = open(hosted.path());
            says_back(&mut port, &[0x10, round]).await;
        }
        assert_eq!(
            device.conversations.load(Ordering::SeqCst),
            1,
            "the device never noticed"
        );
        cancel.cancel();
        hosted.ended().await;
    }

    #[tokio::test]
    async fn a_device_that_hangs_up_is_there_again() {
        let (device, cancel) = (Parrot::new(), CancellationToken::new());
        let hosted = serve_pty(Arc::clone(&device) as _, cancel.clone()).expect("a terminal");
        let mut port = open(hosted.path());
        says_back(&mut port, &[4]).await;
        says_back(&mut port, b"again").await;
        assert_eq!(device.conversations.load(Ordering::SeqCst), 2);
        cancel.cancel();
        hosted.ended().await;
    }

    #[tokio::test]
    async fn more_than_the_port_holds_passes_both_ways() {
        let (device, cancel) = (Parrot::new(), CancellationToken::new());
        let hosted = serve_pty(device, cancel.clone()).expect("a pseudo-terminal");
        let (mut reader, mut writer) = tokio::io::split(open(hosted.path()));
        let sent: Vec<u8> = (0..200_000_u32).map(|n| (n % 251) as u8 | 0x08).collect();
        let mut heard = vec![0; sent.len()];
        let (written, read) = tokio::join!(writer.write_all(&sent), reader.read_exact(&mut heard));
        written.expect("taken");
        read.expect("answered");
        assert!(heard == sent, "the same bytes come back");
        cancel.cancel();
        hosted.ended().await;
    }
}
