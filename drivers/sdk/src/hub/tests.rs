use std::io;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::BytesMut;
use tokio::io::{AsyncReadExt as _, DuplexStream};

use super::*;
use crate::driver::{Abilities, Attempt, Driver};
use crate::fault::{Proof, Verdict};
use crate::job::Job;
use crate::link::{Exchange, Harmless, Port};
use crate::run::Run;
use crate::vocabulary::Class;

/// Counts its dials and keeps the far ends.
#[derive(Clone, Default)]
struct Wire {
    dials: Arc<AtomicUsize>,
    ends: Arc<Mutex<Vec<DuplexStream>>>,
}

impl Dialer for Wire {
    fn dial(&self) -> BoxFuture<'_, io::Result<Box<dyn Port>>> {
        let (ours, theirs) = tokio::io::duplex(64);
        self.dials.fetch_add(1, Ordering::Relaxed);
        let mut ends = self.ends.lock().expect("no panic under this lock");
        ends.push(theirs);
        Box::pin(async { Ok(Box::new(ours) as Box<dyn Port>) })
    }
    fn address(&self) -> &'static str {
        "wire"
    }
}

impl DialFactory for Wire {
    fn dialer(&self, _: &str) -> Result<Arc<dyn Dialer>, LinkError> {
        Ok(Arc::new(self.clone()))
    }
    fn poster(&self, _: &str) -> Result<Arc<dyn Poster>, LinkError> {
        Err(LinkError("no HTTP here".to_owned()))
    }
    fn address(&self, url: &str) -> Result<String, LinkError> {
        Ok(url.to_owned())
    }
}

/// Says something whenever it idles.
struct Talker(Link);

struct Word;
impl Exchange for Word {
    type Answer = ();
    fn encode(&self, out: &mut BytesMut) {
        out.extend_from_slice(b"word");
    }
    fn decode(&mut self, _: &mut BytesMut) -> Result<Option<()>, Fault> {
        Ok(Some(()))
    }
}
impl Harmless for Word {}

impl Driver for Talker {
    type Plan = ();
    fn abilities(&self) -> Abilities {
        Abilities::default()
    }
    fn prepare(&self, job: &Job) -> Result<(), Fault> {
        Err(job.work.wrong())
    }
    async fn execute(&mut self, (): (), _: &Run) -> Result<Proof, Fault> {
        Err(Fault::permanent("WRONG-WORK").with("what", "anything"))
    }
    async fn reconcile(&mut self, _: &Attempt, _: &Run) -> Result<Verdict, Fault> {
        Ok(Verdict::DidNotHappen)
    }
    async fn idle(&mut self, _: &Watch) -> Result<(), Fault> {
        self.0.say(Word).await
    }
}

struct Kind;
impl DriverKind for Kind {
    fn name(&self) -> &'static str {
        "talker"
    }
    fn class(&self) -> Class {
        Class::Printer
    }
    fn open(&self, _: &Settings, links: &mut Links<'_>) -> Result<Device, SettingsError> {
        Ok(Device::new(Talker(links.stream(Resync::ById)?)))
    }
}

#[tokio::test(start_paused = true)]
async fn after_a_crash_every_device_of_a_wire_has_a_fresh_line() {
    let wire = Wire::default();
    let mut hub = Hub::new(Arc::new(wire.clone()));
    let open = |hub: &mut Hub, name: &str| {
        let (name, settings) = (DeviceName::new(name), Settings::none());
        hub.open(&Kind, &name, Some("tcp:a:1"), &settings)
            .expect("it opens")
    };
    let (mut one, mut two) = (open(&mut hub, "one"), open(&mut hub, "two"));
    one.device.idle(&one.watch).await.expect("said");
    two.device.idle(&two.watch).await.expect("said");
    assert_eq!(wire.dials.load(Ordering::Relaxed), 1, "one wire for both");

    hub.hang_up("tcp:a:1");
    let mut anew = open(&mut hub, "one");
    two.device.idle(&two.watch).await.expect("said");
    anew.device.idle(&anew.watch).await.expect("said");
    assert_eq!(wire.dials.load(Ordering::Relaxed), 2, "one new wire");
    let mut ends = std::mem::take(&mut *wire.ends.lock().expect("no panic"));
    let mut old = Vec::new();
    let ended = ends[0].read_to_end(&mut old).await;
    ended.expect("the old line was closed");
    assert_eq!(old, b"wordword");
}

struct Fragile;
impl Session for Fragile {
    type Ask = u32;
    type Answer = u32;
    async fn hold(&self, _: &mut Link, calls: &mut Calls<Self>, _: &Watch) -> Result<(), Fault> {
        calls.ready();
        while let Some(call) = calls.next().await {
            assert_ne!(*call.ask(), 13, "a number it cannot bear");
            let number = *call.ask();
            call.answer(number);
        }
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn a_conversation_that_panics_is_held_anew() {
    let (shared, calls) = Shared::pair(Fragile);
    let (watch, mut events) = Watch::pair();
    let (wire, stop) = (Wire::default(), CancellationToken::new());
    let held = hold(
        shared.clone(),
        calls,
        Arc::new(wire.clone()),
        watch,
        stop.clone(),
    );
    let held = tokio::spawn(held);
    shared.up().await;
    assert_eq!(shared.ask(1).await.expect("answered"), 1);
    let lost = shared.ask(13).await.expect_err("it panicked");
    assert_eq!(lost.code(), "SESSION-LOST");
    shared.fallen().await;
    shared.up().await;
    assert_eq!(shared.ask(2).await.expect("answered again"), 2);
    assert_eq!(wire.dials.load(Ordering::Relaxed), 2);
    let told = events.recv().await.expect("told");
    assert!(format!("{told:?}").contains("DEVICE-CRASHED"), "{told:?}");
    stop.cancel();
    held.await.expect("it ends well");
}

/// Takes calls; 13 makes it hang, 7 takes ten minutes, beside which it goes on.
struct Sticky;
impl Session for Sticky {
    type Ask = u32;
    type Answer = u32;
    async fn hold(&self, _: &mut Link, calls: &mut Calls<Self>, _: &Watch) -> Result<(), Fault> {
        calls.ready();
        while let Some(call) = calls.next().await {
            match *call.ask() {
                13 => std::future::pending().await,
                7 => drop(tokio::spawn(async {
                    sleep(Duration::from_secs(600)).await;
                    call.answer(7);
                })),
                number => call.answer(number),
            }
        }
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn a_conversation_that_hangs_is_held_anew_and_what_waited_was_not_sent() {
    let (shared, calls) = Shared::pair(Sticky);
    let (watch, mut events) = Watch::pair();
    let (wire, stop) = (Wire::default(), CancellationToken::new());
    let dialer: Arc<dyn Dialer> = Arc::new(wire.clone());
    let held = tokio::spawn(hold(shared.clone(), calls, dialer, watch, stop.clone()));
    shared.up().await;
    let begun = clock_source::now();
    let (lost, unsent) = tokio::join!(shared.ask(13), async {
        sleep(Duration::from_secs(5)).await;
        shared.ask(1).await
    });
    let (lost, unsent) = (lost.expect_err("it hangs"), unsent.expect_err("behind it"));
    assert_eq!(lost.code(), "SESSION-LOST");
    assert!(!lost.has_no_effect(), "nobody knows");
    assert_eq!(unsent.code(), "SESSION-DOWN");
    assert!(unsent.has_no_effect());
    let took = clock_source::now() - begun;
    assert_eq!(took, Duration::from_secs(5) + TAKEN_WITHIN);
    let told = events.recv().await.expect("told");
    assert!(format!("{told:?}").contains("DEVICE-CRASHED"), "{told:?}");
    shared.up().await;
    assert_eq!(shared.ask(2).await.expect("answered again"), 2);
    assert_eq!(wire.dials.load(Ordering::Relaxed), 2);
    stop.cancel();
    held.await.expect("it ends well");
}

/// The twin: a slow answer, and an hour without any call, are no hang.
#[tokio::test(start_paused = true)]
async fn a_slow_answer_is_no_hang() {
    let (shared, calls) = Shared::pair(Sticky);
    let (watch, _events) = Watch::pair();
    let (wire, stop) = (Wire::default(), CancellationToken::new());
    let dialer: Arc<dyn Dialer> = Arc::new(wire.clone());
    let held = tokio::spawn(hold(shared.clone(), calls, dialer, watch, stop.clone()));
    shared.up().await;
    let (slow, quick) = tokio::join!(shared.ask(7), async {
        sleep(Duration::from_secs(5)).await;
        shared.ask(1).await
    });
    assert_eq!((slow.expect("answered"), quick.expect("answered")), (7, 1));
    sleep(Duration::from_secs(3600)).await;
    assert_eq!(shared.ask(2).await.expect("answered"), 2);
    assert_eq!(wire.dials.load(Ordering::Relaxed), 1, "the same line");
    stop.cancel();
    held.await.expect("it ends well");
}

/// Hangs before it stands, on its first line only.
#[derive(Default)]
struct Shy(AtomicUsize);
impl Session for Shy {
    type Ask = u32;
    type Answer = u32;
    async fn hold(&self, _: &mut Link, calls: &mut Calls<Self>, _: &Watch) -> Result<(), Fault> {
        if self.0.fetch_add(1, Ordering::Relaxed) == 0 {
            std::future::pending::<()>().await;
        }
        calls.ready();
        while let Some(call) = calls.next().await {
            call.answer(1);
        }
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn a_conversation_that_never_stands_is_held_anew() {
    let (shared, calls) = Shared::pair(Shy::default());
    let (watch, _events) = Watch::pair();
    let (wire, stop) = (Wire::default(), CancellationToken::new());
    let dialer: Arc<dyn Dialer> = Arc::new(wire.clone());
    let held = tokio::spawn(hold(shared.clone(), calls, dialer, watch, stop.clone()));
    let begun = clock_source::now();
    shared.up().await;
    assert!(clock_source::now() - begun < STANDS_WITHIN + REST_FIRST * 2);
    assert_eq!(shared.ask(2).await.expect("answered"), 1);
    stop.cancel();
    held.await.expect("it ends well");
}
