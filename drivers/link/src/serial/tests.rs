//! A serial port over a pseudo-terminal.

use std::io::{Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::time::Duration;

use driver_sdk::{DialFactory as _, Link, Resync};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use tokio::io::unix::AsyncFd;

use crate::Dialers;
use crate::tcp::tests::Ping;

/// The device's end of a pseudo-terminal, and the path of ours.
struct Device {
    end: AsyncFd<std::fs::File>,
    path: String,
}

impl Device {
    fn new() -> Self {
        let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY;
        let end: OwnedFd = openpt(flags).expect("a pseudo-terminal");
        grantpt(&end).expect("ours");
        unlockpt(&end).expect("ours");
        let path = ptsname(&end, Vec::new()).expect("a path");
        let path = path.into_string().expect("plain text");
        let mut flags = rustix::fs::fcntl_getfl(&end).expect("flags");
        flags |= rustix::fs::OFlags::NONBLOCK;
        rustix::fs::fcntl_setfl(&end, flags).expect("flags");
        #[expect(
            deprecated,
            reason = "its replacement is unsafe, which our code is not"
        )]
        let end = AsyncFd::new(std::fs::File::from(end)).expect("a runtime");
        Self { end, path }
    }

    fn hold(&self) -> OwnedFd {
        use rustix::fs::{Mode, OFlags, open};
        open(&*self.path, OFlags::RDWR | OFlags::NOCTTY, Mode::empty()).expect("a terminal")
    }

    fn link(&self) -> Link {
        let url = format!("serial:{}?baud=38400", self.path);
        let dialer = Dialers::new().dialer(&url).expect("a right address");
        Link::new(dialer, Resync::Reopen)
    }

    async fn read(&self) -> Vec<u8> {
        let mut buffer = [0; 1024];
        loop {
            let mut ready = self.end.readable().await.expect("a runtime");
            match ready.try_io(|end| end.get_ref().read(&mut buffer)) {
                Ok(read) => return buffer[..read.expect("an open line")].to_vec(),
                Err(_would_block) => {}
            }
        }
    }

    fn say(&self, bytes: &[u8]) {
        let mut end = self.end.get_ref();
        end.write_all(bytes).expect("an open line");
    }

    async fn answer(&self, bytes: &[u8]) {
        assert_eq!(self.read().await, b"?");
        self.say(bytes);
    }
}

#[tokio::test]
async fn a_question_is_answered_over_the_line() {
    let device = Device::new();
    let mut link = device.link();
    let (asked, ()) = tokio::join!(link.ask(Ping), device.answer(b"a"));
    assert_eq!(asked.expect("an answer"), b'a');
}

#[tokio::test]
async fn bytes_pass_unchanged_in_both_directions() {
    let device = Device::new();
    let dialer = Dialers::new()
        .dialer(&format!("serial:{}", device.path))
        .expect("a right address");
    let mut port = dialer.dial().await.expect("a line");
    let all: Vec<u8> = (0..=255).collect();
    tokio::io::AsyncWriteExt::write_all(&mut port, &all)
        .await
        .expect("taken");
    tokio::io::AsyncWriteExt::flush(&mut port)
        .await
        .expect("sent");
    let mut got = Vec::new();
    while got.len() < all.len() {
        got.extend(device.read().await);
    }
    assert_eq!(got, all);
    device.say(&all);
    let mut got = vec![0; all.len()];
    tokio::io::AsyncReadExt::read_exact(&mut port, &mut got)
        .await
        .expect("all of it");
    assert_eq!(got, all);
}

#[tokio::test]
async fn what_was_said_before_we_opened_is_no_answer() {
    let device = Device::new();
    let mut link = device.link();
    link.open().await.expect("a line");
    // A pseudo-terminal that nobody holds is gone; a real port stays and collects.
    let _held = device.hold();
    link.close().await;
    device.say(b"old");
    let (asked, ()) = tokio::join!(link.ask(Ping), device.answer(b"new"));
    assert_eq!(asked.expect("an answer"), b'n');
}

#[tokio::test]
async fn an_unplugged_adapter_is_lost() {
    let device = Device::new();
    let mut link = device.link();
    link.open().await.expect("a line");
    drop(device);
    let lost = link.hear(Duration::from_secs(5)).await;
    assert_eq!(lost.expect_err("unplugged").code(), "LINK-LOST");
}

#[tokio::test]
async fn a_port_that_is_not_there_is_unreachable_until_it_is() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("usb-adapter");
    let url = format!("serial:{}", path.display());
    let mut link = crate::tcp::tests::link(&Dialers::new(), &url);
    let fault = link.open().await.expect_err("not there");
    assert_eq!(fault.code(), "LINK-UNREACHABLE");
    let device = Device::new();
    std::os::unix::fs::symlink(&device.path, &path).expect("plugged in");
    let (asked, ()) = tokio::join!(link.ask(Ping), device.answer(b"a"));
    assert_eq!(asked.expect("an answer"), b'a');
}

#[tokio::test]
async fn a_port_has_one_holder() {
    let device = Device::new();
    let mut link = device.link();
    link.open().await.expect("a line");
    let mut other = device.link();
    let fault = other.open().await.expect_err("held");
    assert_eq!(fault.code(), "LINK-UNREACHABLE");
    link.close().await;
    other.open().await.expect("free again");
}
