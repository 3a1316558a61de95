//! A printer that prints nothing and notes when the first byte of a job came: status questions
//! are answered at once, so that the worker's own time is measured.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::time::Instant;

/// Jobs as they arrived: when the first byte came, and the text so far.
#[derive(Default)]
pub struct Arrived {
    jobs: Mutex<Vec<(Instant, Vec<u8>)>>,
    bell: Notify,
}

impl Arrived {
    /// When the job holding a text began, once it is there.
    pub async fn start_of(&self, text: &str) -> Instant {
        loop {
            let bell = self.bell.notified();
            if let Some(at) = self.find(text) {
                return at;
            }
            bell.await;
        }
    }

    fn find(&self, text: &str) -> Option<Instant> {
        let jobs = self.jobs.lock().expect("no panic under this lock");
        let holds = |bytes: &[u8]| {
            bytes
                .windows(text.len())
                .any(|part| part == text.as_bytes())
        };
        jobs.iter()
            .find(|(_, bytes)| holds(bytes))
            .map(|(at, _)| *at)
    }
}

/// Starts a printer on a free port.
pub async fn start() -> (SocketAddr, Arc<Arrived>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback");
    let address = listener.local_addr().expect("bound");
    let arrived = Arc::new(Arrived::default());
    let seen = arrived.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let _ = stream.set_nodelay(true);
            tokio::spawn(serve(stream, seen.clone()));
        }
    });
    (address, arrived)
}

/// One conversation, until the other side hangs up.
pub async fn serve(mut stream: impl AsyncRead + AsyncWrite + Unpin, arrived: Arc<Arrived>) {
    let mut buffer = vec![0; 64 * 1024];
    let mut rest = Vec::new();
    let mut in_job = false;
    loop {
        let Ok(n @ 1..) = stream.read(&mut buffer).await else {
            return;
        };
        let now = driver_sdk::clock::now();
        rest.extend_from_slice(&buffer[..n]);
        let mut answers = Vec::new();
        let mut job = Vec::new();
        let mut at = 0;
        while at < rest.len() {
            match &rest[at..] {
                [0x10, 0x04, _, ..] => {
                    answers.push(0x12);
                    at += 3;
                }
                [0x10] | [0x10, 0x04] => break,
                [0x1D, 0x72, _, ..] => {
                    answers.push(0x00);
                    at += 3;
                }
                [0x1D] | [0x1D, 0x72] => break,
                [0x1D, 0x61, _, ..] => {
                    answers.extend_from_slice(&[0x10, 0, 0, 0]);
                    job.extend_from_slice(&rest[at..at + 3]);
                    at += 3;
                }
                [byte, ..] => {
                    job.push(*byte);
                    at += 1;
                }
                [] => break,
            }
        }
        rest.drain(..at);
        if !job.is_empty() {
            // ESC @ starts a job.
            let begins = !in_job || job.starts_with(&[0x1B, 0x40]);
            let mut jobs = arrived.jobs.lock().expect("no panic under this lock");
            match jobs.last_mut() {
                Some((_, bytes)) if !begins => bytes.extend_from_slice(&job),
                Some(_) | None => jobs.push((now, job)),
            }
            drop(jobs);
            in_job = true;
            arrived.bell.notify_waiters();
        }
        if !answers.is_empty() {
            if answers.contains(&0x00) {
                in_job = false;
            }
            if stream.write_all(&answers).await.is_err() {
                return;
            }
        }
    }
}
