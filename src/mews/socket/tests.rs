//! The follower against a scripted socket, in paused time.

use std::sync::Mutex;

use futures_util::FutureExt;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::*;

/// What the world saw of a link.
#[derive(Debug, PartialEq, Eq)]
enum Seen {
    Dialled,
    Pinged,
    ClosedByUs,
}

type Script = Box<dyn FnMut(usize) -> Result<UnboundedReceiver<Heard>, DialError> + Send>;

struct World {
    script: Mutex<(usize, Script)>,
    seen: UnboundedSender<(Instant, Seen)>,
}

struct Link {
    heard: UnboundedReceiver<Heard>,
    seen: UnboundedSender<(Instant, Seen)>,
}

impl Dial for World {
    fn dial(&self) -> BoxFuture<'_, Result<Box<dyn Socket>, DialError>> {
        let mut script = self.script.lock().expect("one thread");
        script.0 += 1;
        self.seen
            .send((now(), Seen::Dialled))
            .expect("the test listens");
        let turn = script.0;
        let seen = self.seen.clone();
        let opened =
            (script.1)(turn).map(|heard| Box::new(Link { heard, seen }) as Box<dyn Socket>);
        async move { opened }.boxed()
    }
}

impl Socket for Link {
    fn hear(&mut self) -> BoxFuture<'_, Heard> {
        async {
            match self.heard.recv().await {
                Some(heard) => heard,
                None => std::future::pending().await,
            }
        }
        .boxed()
    }
    fn ping(&mut self) -> BoxFuture<'_, Result<(), Closed>> {
        self.seen
            .send((now(), Seen::Pinged))
            .expect("the test listens");
        async { Ok(()) }.boxed()
    }
    fn close(&mut self) -> BoxFuture<'_, ()> {
        self.seen
            .send((now(), Seen::ClosedByUs))
            .expect("the test listens");
        async {}.boxed()
    }
}

struct Bench {
    events: mpsc::Receiver<SocketEvent>,
    seen: UnboundedReceiver<(Instant, Seen)>,
    stop: CancellationToken,
    reconnect: Reconnect,
    task: tokio::task::JoinHandle<()>,
}

fn follow(
    room: usize,
    script: impl FnMut(usize) -> Result<UnboundedReceiver<Heard>, DialError> + Send + 'static,
) -> Bench {
    let (out, events) = mpsc::channel(room);
    let (tell, seen) = unbounded_channel();
    let world = World {
        script: Mutex::new((0, Box::new(script))),
        seen: tell,
    };
    let stop = CancellationToken::new();
    let follower = Follower::new(Arc::new(world), out, stop.clone(), 3);
    let reconnect = follower.reconnect();
    Bench {
        events,
        seen,
        stop,
        reconnect,
        task: tokio::spawn(follower.run()),
    }
}

impl Bench {
    async fn event(&mut self) -> SocketEvent {
        self.events.recv().await.expect("the follower runs")
    }

    async fn down(&mut self) -> Why {
        let event = self.event().await;
        let SocketEvent::Down { why } = event else {
            panic!("{event:?}")
        };
        why
    }

    async fn up(&mut self) {
        assert!(matches!(self.event().await, SocketEvent::Up));
    }
}

fn silent() -> Result<UnboundedReceiver<Heard>, DialError> {
    Ok(unbounded_channel().1)
}

#[tokio::test(start_paused = true)]
async fn silence_for_45_s_is_death_and_pings_are_sent_every_20_s() {
    let mut bench = follow(8, |_| silent());
    let begin = now();
    bench.up().await;
    assert_eq!(bench.down().await, Why::Silent);
    assert_eq!(now() - begin, SILENCE_MAX);
    bench.up().await;
    assert!(now() - begin <= Duration::from_secs(60), "replaced in time");
    let mut pings = Vec::new();
    while let Ok((at, what)) = bench.seen.try_recv() {
        if what == Seen::Pinged {
            pings.push((at - begin).as_secs());
        }
    }
    assert_eq!(pings, [20, 40]);
}

#[tokio::test(start_paused = true)]
async fn any_sign_of_life_keeps_the_link() {
    let (tell, heard) = unbounded_channel();
    let mut heard = Some(heard);
    let mut bench = follow(8, move |_| Ok(heard.take().expect("one dial")));
    bench.up().await;
    for _ in 0..10 {
        tokio::time::sleep(Duration::from_secs(40)).await;
        tell.send(Heard::Life).expect("the link lives");
    }
    tell.send(Heard::Text("{\"Events\":[null]}".to_owned()))
        .expect("the link lives");
    assert!(matches!(bench.event().await, SocketEvent::Skipped(skipped) if skipped.len() == 1));
    assert!(matches!(bench.event().await, SocketEvent::Events(events) if events.is_empty()));
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_is_slow_does_not_kill_the_link() {
    let (tell, heard) = unbounded_channel();
    let mut heard = Some(heard);
    let mut bench = follow(1, move |_| Ok(heard.take().expect("one dial")));
    for _ in 0..20 {
        tell.send(Heard::Text("{\"Events\":[]}".to_owned()))
            .expect("the link lives");
    }
    tokio::time::sleep(Duration::from_secs(300)).await;
    bench.up().await;
    for _ in 0..20 {
        assert!(matches!(bench.event().await, SocketEvent::Events(_)));
    }
    let pings = std::iter::from_fn(|| bench.seen.try_recv().ok());
    assert!(pings.filter(|(_, what)| *what == Seen::Pinged).count() >= 14);
}

#[tokio::test(start_paused = true)]
async fn pauses_grow_to_a_minute_and_begin_anew_after_a_stable_link() {
    let mut bench = follow(8, |turn| match turn {
        ..=40 => Err(DialError::Failed("refused".to_owned())),
        _ => silent(),
    });
    let (mut last, mut pauses) = (now(), Vec::new());
    for _ in 0..40 {
        assert!(matches!(bench.down().await, Why::Unreachable(_)));
        pauses.push((now() - last).as_secs_f64());
        last = now();
    }
    assert!(
        pauses[1] <= 1.01 && pauses[2] <= 2.01 && pauses[3] <= 4.01,
        "{pauses:?}"
    );
    assert!(pauses.iter().all(|pause| *pause <= 60.01), "{pauses:?}");
    assert!(pauses.iter().any(|pause| *pause > 20.0), "{pauses:?}");
    bench.up().await;
}

#[tokio::test(start_paused = true)]
async fn a_refusal_waits_minutes_unless_a_person_asks() {
    let mut bench = follow(8, |turn| {
        if turn < 3 {
            Err(DialError::Refused(401))
        } else {
            silent()
        }
    });
    let begin = now();
    assert_eq!(bench.down().await, Why::Refused(401));
    assert_eq!(bench.down().await, Why::Refused(401));
    let waited = now() - begin;
    assert!(
        waited >= PAUSE_REFUSED && waited <= 2 * PAUSE_REFUSED,
        "{waited:?}"
    );
    bench.reconnect.now();
    bench.up().await;
    assert_eq!(now() - begin, waited);
}

#[tokio::test(start_paused = true)]
async fn reconnecting_as_asked_is_immediate_and_polite() {
    let mut bench = follow(8, |_| silent());
    bench.up().await;
    bench.reconnect.now();
    assert_eq!(bench.down().await, Why::Asked);
    bench.up().await;
    let seen: Vec<_> = std::iter::from_fn(|| bench.seen.try_recv().ok())
        .map(|(_, s)| s)
        .collect();
    assert_eq!(seen, [Seen::Dialled, Seen::ClosedByUs, Seen::Dialled]);
}

#[tokio::test(start_paused = true)]
async fn stopping_says_goodbye_and_ends() {
    let mut bench = follow(8, |_| silent());
    bench.up().await;
    bench.stop.cancel();
    assert_eq!(bench.down().await, Why::Stopped);
    bench.task.await.expect("an orderly end");
    let last = std::iter::from_fn(|| bench.seen.try_recv().ok()).last();
    assert_eq!(last.map(|(_, seen)| seen), Some(Seen::ClosedByUs));
}

#[tokio::test(start_paused = true)]
async fn stopping_while_down_ends_at_once() {
    let mut bench = follow(8, |_| Err(DialError::Refused(403)));
    bench.down().await;
    let begin = now();
    bench.stop.cancel();
    bench.task.await.expect("an orderly end");
    assert_eq!(now(), begin);
}
