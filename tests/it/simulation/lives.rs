//! One seed, from the first start of its worker to the end: every life in a runtime of its own, so
//! that a death leaves nothing behind but the disk.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use driver_sdk::CommandId;
use nightporter::clock::Clock;
use nightporter::config::{self, Build, Config, Source, StoredSecret, Vault};
use nightporter::journal::{Core, Journal, OpenError, Options};
use nightporter::mews::budget::Keep;
use nightporter::mews::post::Post;
use nightporter::mews::socket::Dial;
use nightporter::supervise::{self, Parts, Worker};
use tokio::time::sleep;

use super::cloud::{SimulatedPost, device_id, order_id};
use super::disk::{Remains, SimulatedDisk};
use super::drivers::KINDS;
use super::judge::Counts;
use super::machine::Wires;
use super::scenario::{Death, Deed, Kind, Scenario};
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
        state.disk.lies = twin == Twin::DiskLies;
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

async fn life(
    world: &Arc<World>,
    config: &Config,
    journal: &Path,
    next: &mut usize,
    death: Option<Death>,
) -> End {
    let died = world.begins(death);
    let clock = Clock::from_source(PcClock(world.clone()));
    let open = |new_journal| Core::open(journal, Options { new_journal }, clock.pc_time());
    let (core, found) = match open(false) {
        // Only a disk that lies about its syncs leaves an empty file; a person goes on without.
        Err(OpenError::Lost { .. }) if world.state().disk.lies => open(true),
        opened => opened,
    }
    .expect("a journal always opens");
    let disk = SimulatedDisk {
        world: world.clone(),
        journal: journal.to_owned(),
    };
    let parts = Parts {
        config: config.clone(),
        kinds: KINDS,
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
        state.judge.disturbed(now);
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
        if since > plan.heal + TO_THE_END {
            state.say(|| "not over in time".to_owned());
            break;
        }
    }
    sleep(AFTERWARDS).await;
    End::Over
}

/// Does a deed; true if the worker was stopped by it.
async fn stops(world: &Arc<World>, worker: &Worker, deed: Deed) -> bool {
    let plan = &world.plan;
    let id = |order: usize| CommandId(order_id(plan.seed, order));
    match deed {
        Deed::Order(n) => {
            world.state().send_order(n, &plan.orders[n]);
            world.socket_bell.notify_one();
        }
        Deed::Cancel(n) => {
            world.state().ends_in_mews(n, "Cancelled");
            world.socket_bell.notify_one();
        }
        Deed::Foreign(n) => {
            world.state().ends_in_mews(n, "Error");
            world.socket_bell.notify_one();
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
    fn post(&self, _: &config::Property) -> Arc<dyn Post> {
        Arc::new(SimulatedPost(self.0.clone()))
    }

    fn dial(&self, _: &config::Property) -> Arc<dyn Dial> {
        Arc::new(SimulatedDial(self.0.clone()))
    }

    fn keep(&self, _: &config::Property) -> Box<dyn Keep> {
        let mut state = self.0.state();
        if state.cloud.twin == Twin::PaceIsForgotten {
            state.kept.clear();
        }
        let first = state.kept.len();
        drop(state);
        Box::new(Kept {
            world: self.0.clone(),
            first,
        })
    }
}

/// The small file of request times: a killed worker has written it all.
struct Kept {
    world: Arc<World>,
    first: usize,
}

impl Keep for Kept {
    fn load(&mut self) -> Vec<i64> {
        self.world.state().kept.clone()
    }

    fn note(&mut self, slot: usize, unix_millis: i64) {
        let mut state = self.world.state();
        let place = self.first + slot;
        if state.kept.len() <= place {
            state.kept.resize(place + 1, unix_millis);
        }
        state.kept[place] = unix_millis;
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
         [property.main]\nclient_token = {{ env = \"CLIENT\" }}\n\
         access_token = {{ env = \"ACCESS\" }}\n\
         [journal]\npath = '{}'\n[admin]\nlisten = \"127.0.0.1:0\"\n",
        journal.display()
    );
    for (n, machine) in plan.machines.iter().enumerate() {
        let driver = match (machine.kind, twin) {
            (Kind::Encoder | Kind::Forgetful, Twin::Driver(driver)) => driver,
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
            "[device.d{n}]\nmews = \"{}\"\ndriver = \"{driver}\"\nlink = \"sim:{}\"\n\
             deadline_s = {}\noperator_wait_s = {}\n{}{}\
             [device.d{n}.settings]\nmachine = {n}\n",
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
        );
    }
    let build = Build {
        kinds: KINDS,
        dials: Arc::new(Wires(world.clone())),
    };
    let source = Source::new(Path::new("simulation.toml"), &text);
    match config::parse(&source, Path::new("."), &build, &Tokens) {
        Ok(loaded) => loaded.config,
        Err(error) => panic!("{error}"),
    }
}
