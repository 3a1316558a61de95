//! The Mews client against the sandbox, over real sockets on loopback.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use driver_sdk::CommandId;
use nightporter::clock::Clock;
use nightporter::mews::budget::{Budget, Forget, Priority};
use nightporter::mews::clock::CloudClock;
use nightporter::mews::cloud::{CallError, Cloud};
use nightporter::mews::connector::{Connector, Network};
use nightporter::mews::post::HttpPost;
use nightporter::mews::socket::{Follower, SocketEvent, WebSocketDial, Why};
use nightporter::mews::translate::{Payload, payload};
use nightporter::mews::wire::{Event, State, Tokens, Update};
use nightporter::sandbox::{
    Backlog, CommandState, DeviceKind, Fault, FaultKind, RetryAfter, Sandbox, SandboxOptions,
};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use url::Url;

struct Bench {
    sandbox: Sandbox,
    connector: Connector,
    tokens: Tokens,
    cloud: Cloud,
}

async fn bench() -> Bench {
    let sandbox = Sandbox::start(SandboxOptions::default())
        .await
        .expect("a sandbox");
    let connector = Connector::new(&Network::default()).expect("a connector");
    let tokens = Tokens {
        client: sandbox.client_token().into(),
        access: sandbox.access_token().into(),
    };
    let platform: Url = sandbox.platform_address().parse().expect("an address");
    let http = connector.http(&platform).expect("loopback is allowed");
    let clock = Clock::system();
    let (mono, pc) = (clock.clone(), clock.clone());
    let budget = Budget::new(Box::new(Forget), Arc::new(move || clock.pc_time()), 7);
    let clock = CloudClock::new(
        Arc::new(move || mono.monotonic()),
        Arc::new(move || pc.pc_time()),
    );
    let cloud = Cloud::new(
        Arc::new(HttpPost::new(http, &platform)),
        tokens.clone(),
        budget,
        clock,
    );
    Bench {
        sandbox,
        connector,
        tokens,
        cloud,
    }
}

impl Bench {
    fn follow(&self) -> (mpsc::Receiver<SocketEvent>, CancellationToken) {
        let address: Url = self
            .sandbox
            .websocket_address()
            .parse()
            .expect("an address");
        let dial = WebSocketDial::new(self.connector.clone(), &address, self.tokens.clone());
        let (out, events) = mpsc::channel(64);
        let stop = CancellationToken::new();
        tokio::spawn(Follower::new(Arc::new(dial), out, stop.clone(), 7).run());
        (events, stop)
    }

    async fn say(&self, id: CommandId, update: Update) -> Result<(), CallError> {
        self.cloud.update(id, &update, Priority::Final.into()).await
    }
}

/// The next command that is announced in this state.
async fn announced(events: &mut mpsc::Receiver<SocketEvent>, wanted: State) -> CommandId {
    loop {
        let Some(event) = events.recv().await else {
            panic!("the follower runs")
        };
        let SocketEvent::Events(list) = event else {
            continue;
        };
        for event in list {
            if let Event::DeviceCommand { id, state } = event
                && state == wanted
            {
                return id;
            }
        }
    }
}

#[tokio::test]
async fn a_command_is_announced_fetched_and_reported() {
    let bench = bench().await;
    let printer = bench.sandbox.add_device(DeviceKind::Printer, "Bar");
    let hotel = bench
        .cloud
        .configuration()
        .await
        .expect("a configuration")
        .enterprise;
    assert_eq!(hotel.time_zone_identifier, "Europe/Lisbon");
    let skew = bench.cloud.clock().skew().expect("a known time");
    assert!(skew.as_secs().abs() <= 1, "{skew}");
    let (devices, skipped) = bench.cloud.devices().await.expect("a list");
    assert!(devices.iter().any(|device| device.id == printer) && skipped.is_empty());

    let (mut events, stop) = bench.follow();
    assert!(matches!(events.recv().await, Some(SocketEvent::Up)));
    let added = bench.sandbox.add_print(printer, "text/plain", b"Ahoj", 2);
    let id = announced(&mut events, State::Pending).await;
    assert_eq!(id.0, added);
    let within = Duration::from_secs(3);
    let command = bench
        .cloud
        .read_now(id, within)
        .await
        .expect("an answer")
        .expect("a command");
    let Ok(Payload::Print {
        copies: 2, bytes, ..
    }) = payload(&command)
    else {
        panic!("a print")
    };
    assert_eq!(bytes.reveal(), b"Ahoj");

    bench
        .say(id, Update::Processing { percent: Some(50) })
        .await
        .expect("accepted");
    let notes = "Bar: printed, 2 copies.".to_owned();
    bench
        .say(
            id,
            Update::Processed {
                notes: notes.clone(),
            },
        )
        .await
        .expect("accepted");
    assert_eq!(announced(&mut events, State::Processed).await, id);
    assert_eq!(bench.sandbox.state(added), Some(CommandState::Processed));
    assert_eq!(bench.sandbox.notes(added), Some(notes));
    let refused = bench
        .say(
            id,
            Update::Error {
                notes: String::new(),
            },
        )
        .await;
    assert!(
        matches!(refused, Err(CallError::Refused { status: 403, .. })),
        "{refused:?}"
    );
    let upgrades = format!("{:?}", bench.sandbox.upgrades());
    assert_eq!(bench.sandbox.upgrades().len(), 1, "{upgrades}");

    stop.cancel();
    let last = loop {
        match events.recv().await {
            Some(SocketEvent::Down { why }) => break why,
            Some(_) => {}
            None => panic!("a goodbye is told"),
        }
    };
    assert_eq!(last, Why::Stopped);
}

#[tokio::test]
async fn every_fault_of_the_cloud_is_outlived_by_an_update() {
    let bench = bench().await;
    let printer = bench.sandbox.add_device(DeviceKind::Printer, "Bar");
    for kind in [
        FaultKind::Reset,
        FaultKind::HalfBody,
        FaultKind::LostAnswer,
        FaultKind::Status(500),
        FaultKind::Status(503),
        FaultKind::Html(200),
        FaultKind::Html(502),
        FaultKind::TooMany(RetryAfter::Seconds(Some(0))),
        FaultKind::Delay(Duration::from_millis(50)),
    ] {
        let added = bench.sandbox.add_print(printer, "text/plain", b"Ahoj", 1);
        bench
            .sandbox
            .switch_on(Fault::new(kind).on("commands/update").times(1));
        let done = bench
            .say(
                CommandId(added),
                Update::Processed {
                    notes: String::new(),
                },
            )
            .await;
        // Of a lost answer the repeat may be refused; a read settles it.
        assert!(
            matches!(done, Ok(()) | Err(CallError::Refused { .. })),
            "{kind:?}: {done:?}"
        );
        assert_eq!(
            bench.sandbox.state(added),
            Some(CommandState::Processed),
            "{kind:?}"
        );
    }
}

#[tokio::test]
async fn a_backlog_is_read_as_a_stream() {
    let bench = bench().await;
    let printer = bench.sandbox.add_device(DeviceKind::Printer, "Bar");
    let backlog = Backlog {
        count: 300,
        size: 100_000,
        ..Backlog::default()
    };
    bench.sandbox.add_backlog(printer, &backlog);
    let seen = Mutex::new((0, 0_usize));
    let swept = bench.cloud.get_all_active(|commands, _| {
        let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
        for command in commands {
            *seen = (seen.0 + 1, seen.1 + command.data.get().len());
        }
        std::future::ready(())
    });
    let swept = swept.await.expect("a whole list");
    let (count, bytes) = *seen.lock().unwrap_or_else(PoisonError::into_inner);
    assert_eq!((swept.listed, count), (300, 300));
    assert!(bytes > 300 * 133_000 && swept.skipped.is_empty(), "{bytes}");
    assert_eq!(bench.sandbox.request_count("commands/getAllActive"), 1);
}

#[tokio::test]
async fn wrong_tokens_are_told_apart_from_everything_else() {
    let bench = bench().await;
    bench.sandbox.set_token_works(false);
    assert_eq!(
        bench.cloud.configuration().await.err(),
        Some(CallError::Unauthorized)
    );
    let (mut events, _stop) = bench.follow();
    let Some(SocketEvent::Down { why }) = events.recv().await else {
        panic!("a refusal")
    };
    assert!(matches!(why, Why::Refused(401 | 403)), "{why}");
}

#[tokio::test]
async fn a_cut_socket_comes_back_by_itself() {
    let bench = bench().await;
    let (mut events, _stop) = bench.follow();
    assert!(matches!(events.recv().await, Some(SocketEvent::Up)));
    bench.sandbox.cut_sockets();
    assert!(matches!(
        events.recv().await,
        Some(SocketEvent::Down { why: Why::Lost(_) })
    ));
    assert!(matches!(events.recv().await, Some(SocketEvent::Up)));
}
