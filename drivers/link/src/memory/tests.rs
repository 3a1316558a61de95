//! Virtual devices in memory.

use std::time::Duration;

use driver_sdk::{Effect, Link, Resync};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::broadcast;

use super::*;
use crate::tcp::tests::Ping;

/// Answers each question mark with an exclamation mark.
struct Polite;

impl VirtualDevice for Polite {
    fn serve(self: Arc<Self>, mut port: Box<dyn Port>) -> BoxFuture<'static, io::Result<()>> {
        Box::pin(async move {
            let mut byte = [0];
            while port.read(&mut byte).await? == 1 {
                port.write_all(b"!").await?;
            }
            Ok(())
        })
    }

    fn switch(&self, name: &str, _: &str) -> Result<(), String> {
        Err(format!("no switch {name}"))
    }

    fn effects(&self) -> Vec<Effect> {
        Vec::new()
    }

    fn story(&self) -> broadcast::Receiver<String> {
        broadcast::channel(1).1
    }
}

fn bar() -> (Memory, Link) {
    let memory = Memory::new().device("mem:bar", Arc::new(Polite));
    let dialer = memory.dialer("mem:bar?x=1").expect("any address is right");
    assert_eq!(dialer.address(), "mem:bar");
    (memory, Link::new(dialer, Resync::Reopen))
}

#[tokio::test(start_paused = true)]
async fn a_cut_cable_is_noticed_by_a_waiting_reader_and_the_next_dial_works() {
    let (memory, mut link) = bar();
    assert_eq!(link.ask(Ping).await.expect("an answer"), b'!');
    let (heard, ()) = tokio::join!(link.hear(Duration::from_secs(60)), async {
        tokio::task::yield_now().await;
        memory.cut("mem:bar");
    });
    assert_eq!(heard.expect_err("cut").code(), "LINK-LOST");
    assert_eq!(link.ask(Ping).await.expect("an answer"), b'!');
    assert_eq!(memory.dialed("mem:bar"), 2);
}

#[tokio::test(start_paused = true)]
async fn a_device_that_is_off_refuses() {
    let (memory, mut link) = bar();
    memory.refuse("mem:bar", true);
    let fault = link.ask(Ping).await.expect_err("off");
    assert_eq!(fault.code(), "LINK-UNREACHABLE");
    memory.refuse("mem:bar", false);
    assert_eq!(link.ask(Ping).await.expect("on"), b'!');
}
