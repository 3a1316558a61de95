//! One life of the worker's process, as far as a driver sees it: opened, run, dropped.

use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Either, select};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;

use super::faulty::{Faulty, FaultyPoster, Troubles};
use super::host::TestHost;
use super::seen::Seen;
use super::suite::{Seat, World};
use super::truth::Claim;
use crate::driver::Attempt;
use crate::fault::{Fault, FaultKind};
use crate::hub::{DialFactory, Hub, LinkError, Opened};
use crate::job::Job;
use crate::kind::DriverKind;
use crate::link::{Dialer, Port};
use crate::requests::Poster;
use crate::run::Run;
use crate::vocabulary::{Class, DeviceName};

/// The longest silence of one step, and the time a person has, as the worker sets them.
fn patience(class: Class) -> (Duration, Duration) {
    let (silence, person) = match class {
        Class::Printer => (300, 60),
        Class::KeyCutter => (90, 90),
        Class::FiscalMachine => (180, 900),
        Class::PaymentTerminal => (180, 180),
        Class::PassportScanner => (60, 60),
    };
    (Duration::from_secs(silence), Duration::from_secs(person))
}

/// What the worker gives a step beyond its deadline before it drops the driver.
const GRACE: Duration = Duration::from_secs(10);
/// How often a doubt is asked about before it counts as unconfirmed.
const ASKED_MAX: usize = 6;
const ASKED_PAUSE: Duration = Duration::from_secs(10);
/// How often an attempt is run again: at once because another device changed the shelf, and after
/// a rest because nothing happened and later may work.
const AGAIN_MAX: usize = 5;
const AGAIN_PAUSE: Duration = Duration::from_secs(1);

/// How an attempt ended.
pub(super) enum Ended {
    Claims(Claim),
    /// To be reconciled.
    Doubt,
    /// Dropped after its commit: to be reconciled by a new process.
    Gone,
    /// It was silent beyond its deadline and dropped; whether it had committed.
    Overdue(bool),
    Panicked(String),
}

/// What a driver does that it may never do, while a doubt of it is asked about.
pub(super) enum Fell {
    Overdue,
    Panicked(String),
}

/// What happens to a process while it works.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Event {
    None,
    /// Dropped at the nth poll.
    Crash(usize),
    /// Cancelled in Mews before the nth poll; a commit after that is refused.
    Cancel(usize),
    /// The worker is told to stop before the nth poll.
    Stop(usize),
    /// Nothing, and what may work later is tried again, as the worker does.
    Patience,
}

/// The world's wire, with its troubles.
struct Wire {
    world: World,
    troubles: Troubles,
}

impl DialFactory for Wire {
    fn dialer(&self, url: &str) -> Result<Arc<dyn Dialer>, LinkError> {
        let inner = Arc::new(Direct {
            world: self.world.clone(),
            address: url.to_owned(),
        });
        Ok(Arc::new(Faulty::new(inner, self.troubles.clone())))
    }

    fn poster(&self, url: &str) -> Result<Arc<dyn Poster>, LinkError> {
        let poster = self.world.poster.clone();
        let poster = poster.ok_or_else(|| LinkError(format!("no HTTP at `{url}`")))?;
        Ok(Arc::new(FaultyPoster::new(poster, self.troubles.clone())))
    }

    fn address(&self, url: &str) -> Result<String, LinkError> {
        let end = if url.starts_with("http") {
            url.len()
        } else {
            url.find('?').unwrap_or(url.len())
        };
        Ok(url[..end].to_owned())
    }
}

struct Direct {
    world: World,
    address: String,
}

impl Dialer for Direct {
    fn dial(&self) -> BoxFuture<'_, std::io::Result<Box<dyn Port>>> {
        Box::pin(async {
            let (ours, theirs) = tokio::io::duplex(4096);
            tokio::spawn(self.world.device.clone().serve(Box::new(theirs)));
            Ok(Box::new(ours) as Box<dyn Port>)
        })
    }

    fn address(&self) -> &str {
        &self.address
    }
}

/// The devices of a process and its conversations.
pub(super) struct Process {
    pub devices: Vec<Opened>,
    patience: (Duration, Duration),
    _sessions: JoinSet<()>,
}

impl Process {
    pub fn start(
        kind: &dyn DriverKind,
        link: &str,
        seats: &[Seat],
        world: &World,
        troubles: &Troubles,
    ) -> Result<Self, String> {
        let mut hub = Hub::new(Arc::new(Wire {
            world: world.clone(),
            troubles: troubles.clone(),
        }));
        let mut devices = Vec::new();
        for (number, seat) in seats.iter().enumerate() {
            let name = DeviceName::new(format!("device-{}", number + 1));
            let opened = hub.open(kind, &name, Some(link), &seat.settings);
            devices.push(opened.map_err(|error| error.to_string())?);
        }
        let mut sessions = JoinSet::new();
        for session in hub.take_sessions() {
            sessions.spawn(session.run(CancellationToken::new()));
        }
        Ok(Self {
            devices,
            patience: patience(kind.class()),
            _sessions: sessions,
        })
    }

    /// All devices work at once. `None` for each that was dropped.
    pub async fn attempts(
        &mut self,
        jobs: &[Job],
        seats: &[Seat],
        hosts: &[Arc<TestHost>],
        event: Event,
        seen: &Seen,
    ) -> (Vec<Ended>, usize) {
        let stopping = CancellationToken::new();
        let cancelled = CancellationToken::new();
        let mut slots: Vec<Option<Ended>> = seats.iter().map(|_| None).collect();
        let patience = self.patience;
        let (stop, cancel) = (&stopping, &cancelled);
        let all = self
            .devices
            .iter_mut()
            .zip(seats.iter().zip(jobs))
            .zip(hosts)
            .zip(&mut slots)
            .map(|(((opened, (seat, job)), host), slot)| async move {
                let run = || new_run(host, patience, stop.clone(), cancel.clone());
                let patient = event == Event::Patience;
                let end = attempt(opened, (job, seat.asked, patient), host, &run, seen);
                *slot = Some(end.await);
            });
        let work = futures_util::future::join_all(all).map(drop);
        let mut stepped = Stepped {
            work: Some(Box::pin(work)),
            polls: 0,
            event,
            act: Box::new(|event| match event {
                Event::Cancel(_) => {
                    for host in hosts {
                        let why = Fault::transient("NOT-STARTED").with("why", "cancelled");
                        host.refuse_commit(why);
                    }
                    cancelled.cancel();
                }
                Event::Stop(_) => stopping.cancel(),
                Event::None | Event::Patience | Event::Crash(_) => {}
            }),
        };
        (&mut stepped).await;
        let polls = stepped.polls;
        drop(stepped);
        for opened in &mut self.devices {
            while let Ok(said) = opened.events.try_recv() {
                seen.event(&said);
            }
        }
        let ended = slots.into_iter().zip(hosts).map(|(slot, host)| {
            slot.unwrap_or_else(|| match host.is_committed() {
                true => Ended::Gone,
                false => Ended::Claims(Claim::nothing("dropped before its commit")),
            })
        });
        (ended.collect(), polls)
    }

    /// Asks one device about a doubt until it knows. `None`: it never does.
    pub async fn reconcile(
        &mut self,
        number: usize,
        (job, asked): (&Job, usize),
        host: &Arc<TestHost>,
        troubles: &Troubles,
        seen: &Seen,
    ) -> Result<Claim, Fell> {
        let patience = self.patience;
        let device = &mut self.devices[number].device;
        let attempt = Attempt {
            id: job.id,
            number: 1,
            committed_at: Some(job.now),
            job: Some(job.clone()),
            bookmark: host.recorded().bookmark.unwrap_or_default(),
        };
        for _ in 0..ASKED_MAX {
            let (stopping, cancelled) = (CancellationToken::new(), CancellationToken::new());
            let run = new_run(host, patience, stopping, cancelled);
            let run = run.already_committed();
            let answer = bounded(device.reconcile(&attempt, &run), &run, host).await;
            match answer {
                Bounded::Done(Ok(verdict)) => {
                    seen.verdict(&verdict);
                    host.settle(run.take_staged());
                    return Ok(Claim::verdict(&verdict, asked));
                }
                Bounded::Done(Err(later)) => seen.fault(&later),
                Bounded::NoPower => {}
                Bounded::Overdue => return Err(Fell::Overdue),
                Bounded::Panicked(words) => return Err(Fell::Panicked(words)),
            }
            // The first time it was asked with the trouble still there.
            troubles.heal();
            sleep(ASKED_PAUSE).await;
        }
        Ok(Claim::unknown(asked, "never answered"))
    }
}

fn new_run(
    host: &Arc<TestHost>,
    (silence, person): (Duration, Duration),
    stopping: CancellationToken,
    cancelled: CancellationToken,
) -> Run {
    Run::new(host.clone(), silence, person, stopping, cancelled)
}

async fn attempt(
    opened: &mut Opened,
    (job, asked, patient): (&Job, usize, bool),
    host: &Arc<TestHost>,
    new_run: &dyn Fn() -> Run,
    seen: &Seen,
) -> Ended {
    let mut again = 0;
    let (result, run) = loop {
        let plan = match opened.device.prepare(job) {
            Ok(plan) => plan,
            Err(fault) => {
                seen.fault(&fault);
                return Ended::Claims(Claim::nothing(format!("prepare refused: {fault}")));
            }
        };
        let run = new_run();
        let result = bounded(opened.device.execute(plan, &run), &run, host).await;
        let fault = match &result {
            Bounded::Done(Err(fault)) if !run.is_committed() => Some(fault),
            Bounded::Done(_) | Bounded::NoPower | Bounded::Overdue | Bounded::Panicked(_) => None,
        };
        match fault {
            Some(_) if again == AGAIN_MAX => break (result, run),
            // Another device was faster.
            Some(fault) if fault.code() == "SHELF-CONFLICT" => {}
            Some(fault) if patient && fault.kind() == FaultKind::Transient => {
                sleep(AGAIN_PAUSE).await;
            }
            Some(_) | None => break (result, run),
        }
        again += 1;
    };
    for fault in host.recorded().waiting {
        seen.fault(&fault);
    }
    match result {
        Bounded::Done(Ok(proof)) => {
            seen.say(&proof.say);
            if !run.is_committed() {
                return Ended::Claims(Claim::nothing("success without a commit"));
            }
            host.settle(run.take_staged());
            Ended::Claims(Claim::proof(&proof, asked))
        }
        Bounded::Done(Err(fault)) => {
            let fault = run.judged(fault);
            seen.fault(&fault);
            match Claim::fault(&fault, asked) {
                Some(claim) => {
                    host.settle(run.take_staged());
                    Ended::Claims(claim)
                }
                None => Ended::Doubt,
            }
        }
        Bounded::NoPower if host.is_committed() => Ended::Gone,
        Bounded::NoPower => Ended::Claims(Claim::nothing("dropped before its commit")),
        Bounded::Overdue => Ended::Overdue(host.is_committed()),
        Bounded::Panicked(words) => Ended::Panicked(words),
    }
}

pub(super) enum Bounded<T> {
    Done(T),
    /// The disk hangs: dropped.
    NoPower,
    /// Beyond its deadline and grace: dropped.
    Overdue,
    Panicked(String),
}

async fn bounded<T>(
    work: impl Future<Output = Result<T, Fault>>,
    run: &Run,
    host: &TestHost,
) -> Bounded<Result<T, Fault>> {
    let work = std::pin::pin!(AssertUnwindSafe(work).catch_unwind());
    let end = std::pin::pin!(async {
        tokio::select! {
            biased;
            () = host.hung() => Bounded::NoPower,
            () = overdue(run.deadlines()) => Bounded::Overdue,
        }
    });
    match select(work, end).await {
        Either::Left((Ok(result), _)) => Bounded::Done(result),
        Either::Left((Err(panic), _)) => Bounded::Panicked(words_of(&*panic)),
        Either::Right((end, _)) => end,
    }
}

async fn overdue(mut deadlines: watch::Receiver<Instant>) {
    loop {
        let until = *deadlines.borrow_and_update() + GRACE;
        tokio::select! {
            biased;
            moved = deadlines.changed() => if moved.is_err() {
                std::future::pending::<()>().await;
            },
            () = sleep_until(until) => return,
        }
    }
}

pub(super) fn words_of(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    let owned = panic.downcast_ref::<String>().map(String::as_str);
    format!("panicked: {}", text.or(owned).unwrap_or("no message"))
}

/// Counts the polls of some work, and lets something happen before one of them.
struct Stepped<'a> {
    work: Option<Pin<Box<dyn Future<Output = ()> + 'a>>>,
    polls: usize,
    event: Event,
    act: Box<dyn Fn(Event) + 'a>,
}

impl Future for Stepped<'_> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        match self.event {
            Event::Crash(at) if self.polls >= at => {
                self.work = None;
                return Poll::Ready(());
            }
            Event::Cancel(at) | Event::Stop(at) if self.polls == at => (self.act)(self.event),
            Event::None | Event::Patience | Event::Crash(_) | Event::Cancel(_) | Event::Stop(_) => {
            }
        }
        self.polls += 1;
        match self.work.as_mut() {
            Some(work) => work.as_mut().poll(cx),
            None => Poll::Ready(()),
        }
    }
}

/// Polls a future a few times and drops it. True if it ended by itself.
pub(super) async fn dropped_after(
    polls: usize,
    work: impl Future<Output = Result<(), Fault>>,
    within: Duration,
) -> Bounded<bool> {
    let mut ended = false;
    let counted = async { ended = work.await.is_ok() };
    let stepped = Stepped {
        work: Some(Box::pin(counted)),
        polls: 0,
        event: Event::Crash(polls),
        act: Box::new(|_| {}),
    };
    let caught = AssertUnwindSafe(tokio::time::timeout(within, stepped)).catch_unwind();
    match caught.await {
        Ok(_) => Bounded::Done(ended),
        Err(panic) => Bounded::Panicked(words_of(&*panic)),
    }
}

/// The job of a seat, for messages.
pub(super) fn named(job: &Job) -> String {
    job.work.kind().to_owned()
}
