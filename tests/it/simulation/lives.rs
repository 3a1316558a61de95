//! One seed, from the first start of its worker to the end: every life in a runtime of its own, so
//! that a death leaves nothing behind but the disk.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use driver_sdk::CommandId;
use nightporter::clock::Clock;
use nightporter::config::{self, Build, Config, Source, StoredSecret, Vault};
use nightporter::journal::{Core, Found, Journal, OpenError, Options};
use nightporter::mews::budget::{Keep, Paused};
use nightporter::mews::post::Post;
use nightporter::mews::socket::Dial;
use nightporter::supervise::{self, Parts, Worker};
use tokio::time::sleep;

use super::cloud::{SimulatedPost, device_id, order_id};
use super::disk::{Remains, SimulatedDisk};
use super::drivers::KINDS;
use super::judge::Counts;
use super::machine::Wires;
use super::scenario::{Death, Deed, Kind, Lost, Scenario};
use super::shipped;
use super::socket::SimulatedDial;
use super::world::{PcClock, World};

/// What came of one seed.
pub struct Played {
    pub breaches: Vec<String>,
    pub trace: Vec<String>,
    pub counts: Counts,
}

/// A guard that is removed, or a fault no disk, cloud or driver may have.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub enum Twin {
    #[default]
    None,
    /// Every key encoder has this driver.
    Driver(&'static str),
    /// The disk says that it syncs, and does not.
    DiskLies,
    /// The same, where every device is a lock PC with its shipped driver.
    DiskLiesAtALock,
    /// Mews confirms `Processing` and forgets it.
    CloudForgets,
    /// Mews lists nothing.
    CloudListsNothing,
    /// The cloud's clock stands still.
    CloudClockStands,
    /// A box on the way repeats what was answered by a 429.
    BoxRepeats,
    /// A box on the way keeps final states for half a minute.
    BoxDawdles,
    /// Request times are not remembered across a restart.
    PaceIsForgotten,
    /// One wire has two addresses in the config.
    WiresApart,
    /// With a journal its trace is gone too, and the next one is taken for the first.
    TraceIsLost,
    /// Mews does not show which fiscal commands were begun.
    CloudHidesBegun,
    /// Requests of every property go the way of the first.
    OneWayForAll,
}

/// After everything works again, every command must end within this.
const TO_THE_END: Duration = Duration::from_secs(900);
/// So long is watched for what happens too much.
const AFTERWARDS: Duration = Duration::from_secs(90);

enum End {
    Died,
    Stopped,
    Over,
}

/// Plays a scenario.
pub fn play(plan: Scenario, twin: Twin, loud: bool) -> Played {
    let memory = Path::new("/dev/shm");
    let folder = if memory.is_dir() {
        tempfile::tempdir_in(memory)
    } else {
        tempfile::tempdir()
    };
    let folder = folder.expect("a folder for the journal");
    let journal = folder.path().join("journal.db");
    let world = World::new(plan.clone(), loud);
    {
        let mut state = world.state();
        state.disk.lies = matches!(twin, Twin::DiskLies | Twin::DiskLiesAtALock);
        state.cloud.twin = twin;
    }
    let config = config_of(&plan, twin, &world, &journal);
    let mut deaths = plan.deaths.iter();
    let mut next = 0;
    loop {
        let death = deaths.next();
        fastrand::seed(plan.seed);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .expect("a runtime");
        let end = runtime.block_on(life(&world, &config, &journal, &mut next, death.copied()));
        // The clock of the runtime can be asked only inside it.
        let inside = runtime.enter();
        let mut down = Duration::from_secs(1);
        let mut remains = None;
        if let (End::Died, Some(death)) = (&end, death) {
            down = death.down;
            let mut state = world.state();
            state.judge.counts.deaths += 1;
            if death.power {
                state.judge.counts.power_cuts += 1;
                drop(state);
                remains = Some(Remains::take(&world, &journal));
            }
        }
        let now = {
            let mut state = world.state();
            if matches!(end, End::Over) {
                let now = state.now();
                state.judge.sums_up(now);
            }
            state.now()
        };
        world.state().judge.closes_its_eye();
        drop(inside);
        drop(runtime);
        if let Some(remains) = remains {
            remains.put_back();
        }
        world.ends(now + down);
        if let (End::Died, Some(lost)) = (&end, death.and_then(|death| death.lost)) {
            loses(&world, &journal, lost, twin);
        }
        if matches!(end, End::Over) || world.state().spun {
            break;
        }
    }
    let mut state = world.state();
    Played {
        breaches: std::mem::take(&mut state.judge.breaches),
        trace: std::mem::take(&mut state.trace),
        counts: state.judge.counts,
    }
}

fn beside(journal: &Path, ending: &str) -> PathBuf {
    let mut name = journal.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

/// The files of a journal, and what is kept of one that is brought back later.
const FILES: [&str; 3] = ["", "-wal", "-shm"];
const AWAY: &str = ".away";

/// The journal is gone.
fn loses(world: &World, journal: &Path, lost: Lost, twin: Twin) {
    let mut state = world.state();
    state.say(|| format!("the journal is lost: {lost:?}"));
    state.lost = Some(lost);
    let leaves_its_log = lost == Lost::Replaced && state.rng.bool();
    for ending in FILES {
        let file = beside(journal, ending);
        let done = match lost {
            Lost::BroughtBack => std::fs::rename(&file, beside(&file, AWAY)),
            Lost::Replaced if leaves_its_log && !ending.is_empty() => Ok(()),
            Lost::Replaced | Lost::WithoutTrace => std::fs::remove_file(&file),
        };
        assert!(done.is_ok() || !file.exists(), "the test's own folder");
    }
    if lost == Lost::WithoutTrace || twin == Twin::TraceIsLost {
        std::fs::remove_file(beside(journal, ".id")).expect("a trace is beside the journal");
    }
}

/// Opens the journal as a person would who is told that it is lost.
fn open(world: &World, journal: &Path, clock: &Clock) -> (Core, Found) {
    let opens = |new_journal| Core::open(journal, Options { new_journal }, clock.pc_time());
    let Some(lost) = world.state().lost.take() else {
        let opened = match opens(false) {
            // Only a disk that lies about its syncs leaves an empty file; a person goes on without.
            Err(OpenError::Lost { .. }) if world.state().disk.lies => opens(true),
            opened => opened,
        };
        return opened.expect("a journal always opens");
    };
    if lost != Lost::WithoutTrace {
        match opens(false) {
            Err(OpenError::Lost { .. }) => {}
            Err(error) => panic!("{error}"),
            Ok(opened) => {
                let mut state = world.state();
                let now = state.now();
                state.judge.starts_without_a_word(now);
                state.loses_its_journal(lost);
                return opened;
            }
        }
    }
    if lost == Lost::BroughtBack {
        for ending in FILES {
            let file = beside(journal, ending);
            let away = beside(&file, AWAY);
            if away.exists() {
                std::fs::rename(away, file).expect("the test's own folder");
            }
        }
        return opens(false).expect("it is there again");
    }
    let opened = opens(lost == Lost::Replaced).expect("a new journal");
    world.state().loses_its_journal(lost);
    opened
}

async fn life(
    world: &Arc<World>,
    config: &Config,
    journal: &Path,
    next: &mut usize,
    death: Option<Death>,
) -> End {
    let died = world.begins(death);
    let clock = Clock::from_source(PcClock(world.clone()));
    let (core, found) = open(world, journal, &clock);
    let disk = SimulatedDisk {
        world: world.clone(),
        journal: journal.to_owned(),
    };
    let parts = Parts {
        config: config.clone(),
        kinds: *KINDS,
        links: Arc::new(Wires(world.clone())),
        journal: Journal::inline(core.behind(Arc::new(disk))),
        found,
        clock,
        world: Arc::new(Outside(world.clone())),
        seed: world.plan.seed,
    };
    {
        let mut state = world.state();
        state.judge.opens_an_eye(journal);
        let now = state.now();
        let pc = state.utc() + jiff::SignedDuration::from_secs(world.plan.skew_s);
        let ends = |pause: Paused| {
            let left = pause.until.saturating_sub(pc.as_millisecond());
            now + Duration::from_millis(u64::try_from(left).unwrap_or(0))
        };
        let told: Vec<_> = state.kept_pause.iter().map(|of| of.map(ends)).collect();
        state.judge.disturbed(now, &told);
        state.judge.begins(now);
        state.judge.counts.lives += 1;
        state.opening = true;
    }
    let worker = Worker::start(parts).expect("the devices open");
    world.state().opening = false;
    tokio::select! {
        biased;
        () = died.notified() => End::Died,
        end = script(world, &worker, next) => end,
    }
}

/// What people and time do.
async fn script(world: &Arc<World>, worker: &Worker, next: &mut usize) -> End {
    let plan = &world.plan;
    // A worker that was down for long begins with all that waits.
    let whole = plan.heal.max(world.state().since_start());
    while let Some((at, deed)) = plan.deeds.get(*next) {
        let left = at.saturating_sub(world.state().since_start());
        if !left.is_zero() {
            sleep(left).await;
            continue;
        }
        *next += 1;
        if stops(world, worker, *deed).await {
            return End::Stopped;
        }
    }
    loop {
        sleep(Duration::from_secs(1)).await;
        let mut state = world.state();
        let since = state.since_start();
        if since > plan.heal && state.judge.all_is_over() {
            break;
        }

        if since > whole + TO_THE_END {
            state.say(|| "not over in time".to_owned());
            break;
        }
    }
    sleep(AFTERWARDS).await;
    let shown = worker.board().alarms();
    let shown = shown.into_iter().map(|alarm| (alarm.command, alarm.text));
    world.state().judge.is_shown(shown);
    End::Over
}

/// Does a deed; true if the worker was stopped by it.
async fn stops(world: &Arc<World>, worker: &Worker, deed: Deed) -> bool {
    let plan = &world.plan;
    let id = |order: usize| CommandId(order_id(plan.seed, order));
    match deed {
        Deed::Order(n) => {
            world.state().send_order(n, &plan.orders[n]);
            world.ring_sockets();
        }
        Deed::Cancel(n) => {
            world.state().ends_in_mews(n, "Cancelled");
            world.ring_sockets();
        }
        Deed::Foreign(n) => {
            world.state().ends_in_mews(n, "Error");
            world.ring_sockets();
        }
        // What is refused is refused.
        Deed::CancelHere(n) => drop(worker.cancel(id(n)).await),
        Deed::RetryHere(n) => drop(worker.retry(id(n)).await),
        Deed::ResolveHere(n) => {
            let happened = {
                let state = world.state();
                let machine = &state.machines[plan.orders[n].machine];
                machine.things.iter().any(|thing| thing.id == id(n).0)
            };
            drop(worker.resolve(id(n), happened).await);
        }
        Deed::Nap(length) => world.state().nap(length),
        Deed::Stop => {
            let begun = driver_sdk::clock::now();
            world.state().say(|| "the service is stopped".to_owned());
            worker.stop().await;
            let took = begun.elapsed();
            if took > Duration::from_secs(10) {
                let what = format!("a stop took {took:?}");
                world.state().judge.breaches.push(what);
            }
            return true;
        }
    }
    false
}

/// The seams of the worker.
struct Outside(Arc<World>);

impl supervise::World for Outside {
    fn post(&self, of: &config::Property) -> Arc<dyn Post> {
        let mixed = self.0.state().cloud.twin == Twin::OneWayForAll;
        Arc::new(SimulatedPost {
            world: self.0.clone(),
            property: if mixed { 0 } else { number(of) },
        })
    }

    fn dial(&self, of: &config::Property) -> Arc<dyn Dial> {
        Arc::new(SimulatedDial {
            world: self.0.clone(),
            property: number(of),
        })
    }

    fn keep(&self, of: &config::Property) -> Box<dyn Keep> {
        let property = number(of);
        let mut state = self.0.state();
        if state.cloud.twin == Twin::PaceIsForgotten {
            state.kept[property].clear();
            state.kept_pause[property] = None;
        }
        let first = state.kept[property].len();
        drop(state);
        Box::new(Kept {
            world: self.0.clone(),
            property,
            first,
        })
    }
}

/// `p0`, `p1`.
fn number(property: &config::Property) -> usize {
    let name = property.name.as_str();
    name[1..].parse().expect("as the config names them")
}

/// The small file of request times: a killed worker has written it all.
struct Kept {
    world: Arc<World>,
    property: usize,
    first: usize,
}

impl Keep for Kept {
    fn load(&mut self) -> Vec<i64> {
        self.world.state().kept[self.property].clone()
    }

    fn note(&mut self, slot: usize, unix_millis: i64) {
        let mut state = self.world.state();
        let place = self.first + slot;
        let kept = &mut state.kept[self.property];
        if kept.len() <= place {
            kept.resize(place + 1, unix_millis);
        }
        kept[place] = unix_millis;
    }

    fn load_pause(&mut self) -> Option<Paused> {
        self.world.state().kept_pause[self.property]
    }

    fn note_pause(&mut self, pause: Paused) {
        self.world.state().kept_pause[self.property] = Some(pause);
    }
}

struct Tokens;

impl Vault for Tokens {
    fn variable(&self, name: &str) -> Option<String> {
        Some(format!("token-of-{name}"))
    }
    fn secret_file(&self, _: &Path) -> std::io::Result<StoredSecret> {
        Err(std::io::ErrorKind::NotFound.into())
    }
    fn plain_file(&self, _: &Path) -> std::io::Result<Vec<u8>> {
        Err(std::io::ErrorKind::NotFound.into())
    }
}

fn config_of(plan: &Scenario, twin: Twin, world: &Arc<World>, journal: &Path) -> Config {
    use std::fmt::Write;
    let mut text = format!(
        "[mews]\nplatform_address = \"http://127.0.0.1:9\"\n\
         websocket_address = \"ws://127.0.0.1:9\"\n\
         [journal]\npath = '{}'\n[admin]\nlisten = \"127.0.0.1:0\"\n",
        journal.display()
    );
    for n in 0..plan.properties {
        let _ = write!(
            text,
            "[property.p{n}]\nclient_token = {{ env = \"CLIENT\" }}\n\
             access_token = {{ env = \"ACCESS{n}\" }}\n",
        );
    }
    for (n, machine) in plan.machines.iter().enumerate() {
        let driver = match (machine.kind, twin) {
            (Kind::Encoder | Kind::Forgetful, Twin::Driver(driver)) => driver,
            (Kind::LockPc, _) => "pms-industry-standard",
            (Kind::Plain | Kind::Printer, Twin::Driver("sim-repeats")) => "sim-prints-twice",
            (Kind::Plain, _) => "sim-plain",
            (Kind::Printer, _) => "sim-printer",
            (Kind::Encoder, _) => "sim-encoder",
            (Kind::Forgetful, _) => "sim-forgetful",
            (Kind::Fiscal, _) => "sim-fiscal",
            (Kind::Session, _) => "sim-session",
        };
        let _ = write!(
            text,
            "[device.d{n}]\nproperty = \"p{}\"\nmews = \"{}\"\ndriver = \"{driver}\"\n\
             link = \"sim:{}\"\n\
             deadline_s = {}\noperator_wait_s = {}\n{}{}\
             [device.d{n}.settings]\n{}\n",
            machine.property,
            device_id(n),
            // Two addresses of one wire: nobody takes turns.
            if twin == Twin::WiresApart {
                n
            } else {
                machine.wire
            },
            machine.deadline_s,
            machine.operator_wait_s,
            machine
                .expires_s
                .map(|age| format!("expires_s = {age}\n"))
                .unwrap_or_default(),
            if machine.marked_repeat {
                "repeat_in_doubt = \"marked\"\n"
            } else {
                ""
            },
            if machine.kind == Kind::LockPc {
                format!("{}\nencoder = \"{n}\"", shipped::SETTINGS)
            } else {
                format!("machine = {n}")
            },
        );
    }
    let build = Build {
        kinds: *KINDS,
        dials: Arc::new(Wires(world.clone())),
    };
    let source = Source::new(Path::new("simulation.toml"), &text);
    match config::parse(&source, Path::new("."), &build, &Tokens) {
        Ok(loaded) => loaded.config,
        Err(error) => panic!("{error}"),
    }
}
