//! Lock systems that make no card and note when each request came and when it was answered: what
//! is measured is the worker's own time and whom it lets wait.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep};

/// What the lock system speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    /// One conversation, a request per encoder at a time.
    Fias,
    /// One request at a time, whatever the encoder.
    PmsIndustryStandard,
}

/// One card as the lock system saw it.
#[derive(Debug, Clone)]
pub struct Card {
    pub encoder: String,
    pub room: String,
    /// The request (FIAS), or the question before it (PMS Industry Standard).
    pub asked: Instant,
    pub answered: Instant,
}

/// Everything that was asked, in order of the answers.
#[derive(Debug)]
pub struct LockSystem {
    protocol: Protocol,
    card_time: Duration,
    /// One encoder takes so many times as long.
    slow: (String, u32),
    cards: Mutex<Vec<Card>>,
}

impl LockSystem {
    /// On a free port. `card_time`: how long a guest takes at an encoder; `slow`: at which one so
    /// many times as long.
    pub async fn start(
        protocol: Protocol,
        card_time: Duration,
        slow: (String, u32),
    ) -> (SocketAddr, Arc<Self>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback");
        let address = listener.local_addr().expect("bound");
        let system = Arc::new(Self {
            protocol,
            card_time,
            slow,
            cards: Mutex::default(),
        });
        let serving = system.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let _ = stream.set_nodelay(true);
                let system = serving.clone();
                tokio::spawn(async move {
                    // A line that ends is the worker's affair.
                    let _ = match system.protocol {
                        Protocol::Fias => system.fias(stream).await,
                        Protocol::PmsIndustryStandard => system.pms(stream).await,
                    };
                });
            }
        });
        (address, system)
    }

    /// What was asked since the last time, in order of the answers.
    pub fn take(&self) -> Vec<Card> {
        std::mem::take(&mut *self.cards.lock().expect("no panic under this lock"))
    }

    async fn make(&self, encoder: String, room: String, asked: Instant) {
        let times = if encoder == self.slow.0 {
            self.slow.1
        } else {
            1
        };
        sleep(self.card_time * times).await;
        let card = Card {
            encoder,
            room,
            asked,
            answered: driver_sdk::clock::now(),
        };
        let mut cards = self.cards.lock().expect("no panic under this lock");
        cards.push(card);
    }

    async fn fias(self: Arc<Self>, stream: TcpStream) -> std::io::Result<()> {
        let (mut read, mut write) = stream.into_split();
        let (say, mut said) = mpsc::channel::<String>(64);
        tokio::spawn(async move {
            while let Some(record) = said.recv().await {
                let frame = format!("\u{2}{record}\u{3}");
                if write.write_all(frame.as_bytes()).await.is_err() {
                    return;
                }
            }
        });
        let mut record = Vec::new();
        loop {
            match read.read_u8().await? {
                0x02 => record.clear(),
                0x03 => {
                    let text = String::from_utf8_lossy(&record).into_owned();
                    self.clone().record(&text, &say).await;
                }
                byte => record.push(byte),
            }
        }
    }

    async fn record(self: Arc<Self>, text: &str, say: &mpsc::Sender<String>) {
        let field = |id: &str| {
            let found = text.split('|').find_map(|field| field.strip_prefix(id));
            found.unwrap_or_default().to_owned()
        };
        match text.get(..2) {
            Some("LS") => {
                for record in [
                    "LD|DA260328|TI150001|V#1.0|IFDL|",
                    "LR|RIKR|FLKCKTRNWSG#GAGDDTDATI|",
                    "LR|RIKA|FLASKCWSG#DATI|",
                    "LA|DA260328|TI150001|",
                ] {
                    let _ = say.send(record.to_owned()).await;
                }
            }
            Some("KR") => {
                let (encoder, room) = (field("KC"), field("RN"));
                let answer = format!("KA|ASOK|KC{encoder}|WS{}|G#{}|", field("WS"), field("G#"));
                let asked = driver_sdk::clock::now();
                let say = say.clone();
                // Each encoder works by itself.
                tokio::spawn(async move {
                    self.make(encoder, room, asked).await;
                    let _ = say.send(answer).await;
                });
            }
            Some(_) | None => {}
        }
    }

    async fn pms(&self, mut stream: TcpStream) -> std::io::Result<()> {
        let mut asked = driver_sdk::clock::now();
        loop {
            match stream.read_u8().await? {
                0x05 => {
                    asked = driver_sdk::clock::now();
                    stream.write_all(&[0x06]).await?;
                }
                0x02 => {
                    let mut body = Vec::new();
                    loop {
                        match stream.read_u8().await? {
                            0x03 => break,
                            byte => body.push(byte),
                        }
                    }
                    let _check = stream.read_u8().await?;
                    stream.write_all(&[0x06]).await?;
                    let fields: Vec<String> = body
                        .split(|byte| *byte == 0xB3)
                        .skip(1)
                        .map(|field| String::from_utf8_lossy(field).into_owned())
                        .collect();
                    let field = |n: usize| fields.get(n).cloned().unwrap_or_default();
                    self.make(field(1), field(3), asked).await;
                    let mut answer = vec![0x02, 0xB3];
                    for text in [&field(0), &field(1)] {
                        answer.extend_from_slice(text.as_bytes());
                        answer.push(0xB3);
                    }
                    answer.push(0x03);
                    answer.push(answer[1..].iter().fold(0, |sum, byte| sum ^ byte));
                    stream.write_all(&answer).await?;
                }
                _ => {}
            }
        }
    }
}
