//! Key encoders on real wires: TCP both ways, listeners, serial lines; the settings of a session;
//! and the harmless test through the worker's own line.

use std::sync::Arc;
use std::time::Duration;

use driver_link::host::{serve_pty, serve_tcp};
use driver_sdk::{DeviceName, VirtualDevice};
use nightporter::life::OutcomeKind;
use nightporter::sandbox::{CommandState, DeviceKind, KeyRequest};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::house::{House, within};

fn section(kind: &str, link: &str, settings: &str) -> String {
    format!(
        "[device.encoder]\nmews = \"Encoder\"\ndriver = \"{kind}\"\nlink = '{link}'\n\
         operator_wait_s = 20\n[device.encoder.settings]\n{settings}"
    )
}

fn settings(kind: &str) -> &'static str {
    if kind == "fias" {
        "encoder = \"1\"\n"
    } else {
        "encoder = \"1\"\nprofile = \"salto\"\nenquiry_timeout_ms = 500\n"
    }
}

/// A worker with one encoder on a wire.
struct Desk {
    house: House,
    lock: Arc<dyn VirtualDevice>,
    device: Uuid,
    wires: CancellationToken,
}

impl Desk {
    async fn open(kind: &str, set: &[(&str, &str)]) -> Self {
        let mut house = House::new("").await;
        house.on_wires();
        // The address in memory is not used: the wire is real.
        let lock = house.simulate(kind, "mem:unused", set);
        let device = house.cloud.add_device(DeviceKind::KeyCutter, "Encoder");
        Self {
            house,
            lock,
            device,
            wires: CancellationToken::new(),
        }
    }

    async fn start(&mut self, section: &str) {
        self.house.configure(section);
        self.house.start();
        self.house.is_up().await;
    }

    async fn keys(&self, room: &str, count: i64) -> (CommandState, String) {
        let key = KeyRequest {
            count,
            ..KeyRequest::new(room, self.house.cloud.now())
        };
        self.house
            .end(self.house.cloud.add_key(self.device, &key))
            .await
    }

    async fn works(&self, room: &str) {
        let before = self.lock.effects().len();
        let (state, note) = self.keys(room, 2).await;
        assert_eq!(state, CommandState::Processed, "{note}");
        assert!(note.starts_with("Encoder: 2 keys for"), "{note}");
        assert_eq!(self.lock.effects().len(), before + 2);
    }

    /// `nightporter test`: it works, and nothing is cut.
    async fn test(&self) -> String {
        let before = self.lock.effects().len();
        let worker = self.house.worker();
        let name = DeviceName::new("encoder");
        let test = worker.test(&name);
        let outcome = within("the test", test)
            .await
            .expect("there is such a device");
        assert_eq!(outcome.kind, OutcomeKind::Done, "{:?}", outcome.say);
        assert_eq!(self.lock.effects().len(), before, "a test has cut a card");
        outcome.say.args.get("what").cloned().unwrap_or_default()
    }
}

const KINDS: [&str; 2] = ["pms-industry-standard", "fias"];

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_cut_and_tested_over_tcp() {
    for kind in KINDS {
        let mut desk = Desk::open(kind, &[]).await;
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback");
        let address = listener.local_addr().expect("bound");
        tokio::spawn(serve_tcp(listener, desk.lock.clone(), desk.wires.clone()));
        desk.start(&section(kind, &format!("tcp:{address}"), settings(kind)))
            .await;
        assert_eq!(desk.test().await, "", "{kind}");
        desk.works("101").await;
        desk.house.stop().await;
        desk.wires.cancel();
    }
}

/// The lock system calls us, again after it has hung up, and nobody else may.
#[tokio::test(flavor = "multi_thread")]
async fn keys_are_cut_where_the_lock_system_calls_us() {
    for kind in KINDS {
        let mut desk = Desk::open(kind, &[]).await;
        let link = "listen:127.0.0.1:0?allow=127.0.0.1";
        let kept = format!(
            "{}{}",
            settings(kind),
            match kind {
                "fias" => "",
                _ => "session = \"kept-open\"\n",
            }
        );
        let wires = desk.house.on_wires();
        let lock = desk.lock.clone();
        let end = desk.wires.clone();
        // A lock system that calls, and calls again whenever the line is gone.
        tokio::spawn(async move {
            let calls = async {
                loop {
                    if let Some(at) = wires.listening(link)
                        && let Ok(stream) = TcpStream::connect(at).await
                    {
                        let _ = lock.clone().serve(Box::new(stream)).await;
                    }
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            };
            tokio::select! {
                () = end.cancelled() => {}
                () = calls => {}
            }
        });
        desk.start(&section(kind, link, &kept)).await;
        desk.works("101").await;
        desk.test().await;
        if kind == "fias" {
            desk.lock.switch("link", "end").expect("it can hang up");
        }
        desk.works("102").await;
        desk.house.stop().await;
        desk.wires.cancel();
    }
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn keys_are_cut_and_tested_over_a_serial_line() {
    for kind in KINDS {
        let set: &[_] = if kind == "fias" {
            &[("framing", "checked")]
        } else {
            &[]
        };
        let mut desk = Desk::open(kind, set).await;
        let terminal = serve_pty(desk.lock.clone(), desk.wires.clone()).expect("a terminal");
        let link = format!("serial:{}?baud=9600", terminal.path().display());
        desk.start(&section(kind, &link, settings(kind))).await;
        desk.test().await;
        desk.works("101").await;
        desk.house.stop().await;
        desk.wires.cancel();
        terminal.ended().await;
    }
}

/// What only a serial line has: check bytes and link answers.
#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn damage_on_a_serial_line_is_mended_or_told_as_it_is() {
    // A fault, cards of one asked for, the state, words of the note; the driver.
    let cases = [
        // Our request is refused four times: it is not there.
        ("fias", "nak", 0, CommandState::Error, "No key was made"),
        // Its answer is asked for again.
        (
            "fias",
            "wrong-check",
            1,
            CommandState::Processed,
            "1 key for",
        ),
        (
            "pms-industry-standard",
            "nak",
            0,
            CommandState::Error,
            "No key was made",
        ),
        (
            "pms-industry-standard",
            "wrong-check",
            1,
            CommandState::Error,
            "UNCONFIRMED",
        ),
        // The answer comes while the next command is waited for, and is nobody's.
        (
            "pms-industry-standard",
            "late",
            1,
            CommandState::Error,
            "UNCONFIRMED",
        ),
    ];
    for kind in KINDS {
        let set: &[_] = if kind == "fias" {
            &[("framing", "checked")]
        } else {
            &[("late_ms", "2500")]
        };
        let mut desk = Desk::open(kind, set).await;
        let terminal = serve_pty(desk.lock.clone(), desk.wires.clone()).expect("a terminal");
        let link = format!("serial:{}", terminal.path().display());
        let settings = format!("{}answer_timeout_ms = 1500\n", settings(kind));
        desk.start(&section(kind, &link, &settings)).await;
        let own = cases.iter().filter(|case| case.0 == kind);
        for (n, (_, fault, cards, state, words)) in own.enumerate() {
            desk.lock.switch("fault", fault).expect("a known fault");
            let before = desk.lock.effects().len();
            let (told, note) = desk.keys(&(101 + n).to_string(), 1).await;
            assert_eq!(told, *state, "{kind}, {fault}: {note}");
            assert!(note.contains(words), "{kind}, {fault}: {note}");
            assert_eq!(
                desk.lock.effects().len() - before,
                *cards,
                "{kind}, {fault}"
            );
            desk.lock.switch("fault", "none").expect("a known fault");
            desk.works(&(201 + n).to_string()).await;
        }
        desk.house.stop().await;
        desk.wires.cancel();
        terminal.ended().await;
    }
}

/// A connection for each command, or one for all.
#[tokio::test(flavor = "multi_thread")]
async fn a_session_lives_for_a_command_or_stays_as_the_site_says() {
    for (session, dials) in [("per-command", 3), ("kept-open", 1)] {
        let devices = section(
            "pms-industry-standard",
            "mem:lock",
            &format!("profile = \"salto\"\nsession = \"{session}\"\n"),
        );
        let mut house = House::new(&devices).await;
        let lock = house.simulate("pms-industry-standard", "mem:lock", &[]);
        let device = house.cloud.add_device(DeviceKind::KeyCutter, "Encoder");
        house.start();
        house.is_up().await;
        let begun = house.links.dialed("mem:lock");
        for room in ["101", "102", "103"] {
            let key = KeyRequest::new(room, house.cloud.now());
            let (state, note) = house.end(house.cloud.add_key(device, &key)).await;
            assert_eq!(state, CommandState::Processed, "{note}");
        }
        assert_eq!(house.links.dialed("mem:lock") - begun, dials, "{session}");
        // A line that the lock PC has closed meanwhile costs nothing but a new one.
        house.links.cut("mem:lock");
        let key = KeyRequest::new("104", house.cloud.now());
        let (state, note) = house.end(house.cloud.add_key(device, &key)).await;
        assert_eq!(state, CommandState::Processed, "{session}: {note}");
        assert_eq!(lock.effects().len(), 4);
        house.stop().await;
    }
}

/// A card is read where the site wants it, and it is said what it opens.
#[tokio::test(flavor = "multi_thread")]
async fn a_test_reads_a_card_where_the_site_wants_it() {
    for kind in KINDS {
        let mut desk = Desk::open(kind, &[]).await;
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback");
        let address = listener.local_addr().expect("bound");
        tokio::spawn(serve_tcp(listener, desk.lock.clone(), desk.wires.clone()));
        let settings = format!("{}test = \"read-card\"\n", settings(kind));
        desk.start(&section(kind, &format!("tcp:{address}"), &settings))
            .await;
        desk.works("204").await;
        assert_eq!(desk.test().await, "; the card opens 204", "{kind}");
        desk.house.stop().await;
        desk.wires.cancel();
    }
}
