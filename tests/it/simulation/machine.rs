//! A device: what it makes stays made. It speaks a line protocol and misbehaves at every point.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use driver_sdk::{DialFactory, Dialer, LinkError, Port, Poster, VirtualDevice};
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, StreamExt};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, DuplexStream};
use tokio::time::sleep;
use uuid::Uuid;

use super::scenario::{Kind, MachinePlan, Trouble};
use super::shipped;
use super::world::{State, World};

/// A thing that exists.
#[derive(Debug, Clone)]
pub struct Thing {
    pub id: Uuid,
    pub repeat: bool,
    /// For which journal's attempt: what an earlier one asked for is another job to the device.
    journal: usize,
}

pub struct Machine {
    pub plan: MachinePlan,
    pub things: Vec<Thing>,
    /// The shipped driver's own virtual device, of the first machine of a wire.
    pub real: Option<Arc<dyn VirtualDevice>>,
}

impl std::fmt::Debug for Machine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Machine")
            .field("plan", &self.plan)
            .finish_non_exhaustive()
    }
}

impl Machine {
    pub fn new(plan: MachinePlan) -> Self {
        Self {
            real: (plan.kind == Kind::LockPc).then(shipped::lock_pc),
            plan,
            things: Vec::new(),
        }
    }

    fn made(&self, id: Uuid, repeat: bool, journal: usize) -> usize {
        let same =
            |thing: &&Thing| thing.id == id && thing.repeat == repeat && thing.journal == journal;
        self.things.iter().filter(same).count()
    }
}

/// What the device does with a line it has heard.
struct Reaction {
    says: Option<String>,
    after: Duration,
    /// The cable breaks then.
    cuts: bool,
}

const AT_LOOK: [Trouble; 5] = [
    Trouble::Deaf,
    Trouble::Paper,
    Trouble::CutsBefore,
    Trouble::Panics,
    Trouble::Hangs,
];
const AT_MAKE: [Trouble; 9] = [
    Trouble::Deaf,
    Trouble::ActsSilently,
    Trouble::ActsLate,
    Trouble::ActsAndCuts,
    Trouble::CutsBefore,
    Trouble::Ignores,
    Trouble::Refuses,
    Trouble::Panics,
    Trouble::Hangs,
];
const AT_ASK: [Trouble; 5] = [
    Trouble::Deaf,
    Trouble::CutsBefore,
    Trouble::ActsLate,
    Trouble::Panics,
    Trouble::Hangs,
];

impl State {
    /// `LOOK n` (how are you), `MAKE n id repeat` (make one), `ASK n id repeat` (what became of
    /// it). The answer repeats `n`.
    fn hears_line(&mut self, machine: usize, line: &str) -> Reaction {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [what, number, rest @ ..] = words.as_slice() else {
            return Reaction::silence();
        };
        let at = match *what {
            "LOOK" => &AT_LOOK[..],
            "MAKE" => &AT_MAKE[..],
            _ => &AT_ASK[..],
        };
        let trouble = self.strikes(at, Some(machine));
        let order = match rest {
            [id, repeat] => id.parse::<Uuid>().ok().map(|id| (id, *repeat == "true")),
            _ => None,
        };
        let answer = match (*what, order) {
            ("MAKE", Some((id, repeat))) => self.makes(machine, id, repeat, trouble),
            ("ASK", Some((id, repeat))) => self.tells(machine, id, repeat),
            _ => {
                let paper = trouble == Some(Trouble::Paper);
                let count = self.machines[machine].things.len();
                let word = if paper { "PAPER" } else { "OK" };
                format!("{word} {count}")
            }
        };
        self.say(|| format!("machine {machine}: {line} -> {answer} {trouble:?}"));
        let quick = self.millis(1..400);
        match trouble {
            Some(Trouble::Deaf | Trouble::Ignores | Trouble::ActsSilently) => Reaction::silence(),
            Some(Trouble::CutsBefore | Trouble::ActsAndCuts) => Reaction {
                cuts: true,
                ..Reaction::silence()
            },
            Some(Trouble::ActsLate) => Reaction {
                says: Some(format!("{number} {answer}\n")),
                after: self.millis(3_000..30_000),
                cuts: false,
            },
            Some(Trouble::Panics) => Reaction::says(format!("{number} PANIC\n"), quick),
            Some(Trouble::Hangs) => Reaction::says(format!("{number} HANG\n"), quick),
            _ => Reaction::says(format!("{number} {answer}\n"), quick),
        }
    }

    fn makes(
        &mut self,
        machine: usize,
        id: Uuid,
        repeat: bool,
        trouble: Option<Trouble>,
    ) -> String {
        let makes = match trouble {
            Some(Trouble::Deaf | Trouble::CutsBefore | Trouble::Ignores | Trouble::Refuses) => {
                false
            }
            Some(Trouble::Panics | Trouble::Hangs) => self.rng.bool(),
            _ => true,
        };
        if trouble == Some(Trouble::Refuses) {
            return "NO".to_owned();
        }
        let lies = self.machines[machine].plan.lies;
        self.judge_look(machine, id, repeat, makes && !lies);
        if makes && !lies {
            let journal = self.judge.journals;
            let thing = Thing {
                id,
                repeat,
                journal,
            };
            self.machines[machine].things.push(thing);
        }
        format!("DONE {}", self.machines[machine].things.len())
    }

    /// A shipped device has made one, as its own virtual self says.
    pub fn has_made(&mut self, id: Uuid, machine: usize) {
        self.judge_look(machine, id, false, true);
        let journal = self.judge.journals;
        let thing = Thing {
            id,
            repeat: false,
            journal,
        };
        self.machines[machine].things.push(thing);
        self.judge.has_seen(id);
        self.say(|| format!("machine {machine}: a card of {id}"));
    }

    fn tells(&mut self, machine: usize, id: Uuid, repeat: bool) -> String {
        let of = &self.machines[machine];
        match of.plan.kind {
            Kind::Plain | Kind::Forgetful | Kind::LockPc => "CANNOT".to_owned(),
            Kind::Fiscal => format!("LAST {}", of.things.len()),
            // Who lies about what it does, lies when it is asked.
            Kind::Printer | Kind::Encoder | Kind::Session if of.plan.lies => "HAS 9".to_owned(),
            Kind::Printer | Kind::Encoder | Kind::Session => {
                format!("HAS {}", of.made(id, repeat, self.judge.journals))
            }
        }
    }
}

impl Reaction {
    fn silence() -> Self {
        Self {
            says: None,
            after: Duration::ZERO,
            cuts: false,
        }
    }

    fn says(text: String, after: Duration) -> Self {
        Self {
            says: Some(text),
            after,
            cuts: false,
        }
    }
}

/// Every wire of the hotel: `sim:N` leads to machine N.
pub struct Wires(pub Arc<World>);

struct Wire {
    world: Arc<World>,
    address: String,
    number: usize,
}

impl DialFactory for Wires {
    fn dialer(&self, url: &str) -> Result<Arc<dyn Dialer>, LinkError> {
        let number = url.trim_start_matches("sim:").parse().unwrap_or_default();
        Ok(Arc::new(Wire {
            world: self.0.clone(),
            address: url.to_owned(),
            number,
        }))
    }

    fn poster(&self, url: &str) -> Result<Arc<dyn Poster>, LinkError> {
        Err(LinkError(format!("`{url}` is no HTTP device")))
    }

    /// Also the moment in which a device is opened: it may be impossible just now.
    fn address(&self, url: &str) -> Result<String, LinkError> {
        let number = url.trim_start_matches("sim:").parse().ok();
        let mut state = self.0.state();
        if !state.opening && state.strikes(&[Trouble::NotReopened], number).is_some() {
            state.say(|| format!("{url} cannot be opened anew"));
            return Err(LinkError("its port is taken just now".to_owned()));
        }
        Ok(url.to_owned())
    }
}

impl Dialer for Wire {
    fn dial(&self) -> BoxFuture<'_, io::Result<Box<dyn Port>>> {
        async {
            self.world.pass("dialling a device").await;
            let (off, side_by_side, lock_pc) = {
                let mut state = self.world.state();
                let machines = state.plan.machines.len();
                let on_wire = |n: &usize| state.plan.machines[*n].wire == self.number;
                let first = (0..machines).find(on_wire);
                let kind = first.map(|n| state.plan.machines[n].kind);
                let off = state.strikes(&[Trouble::Off], first).is_some();
                let lock_pc = first.filter(|_| kind == Some(Kind::LockPc));
                (off, kind == Some(Kind::Session), lock_pc)
            };
            if off {
                return Err(io::ErrorKind::ConnectionRefused.into());
            }
            let (ours, theirs) = tokio::io::duplex(4096);
            match lock_pc {
                Some(first) => drop(tokio::spawn(shipped::serve(
                    self.world.clone(),
                    theirs,
                    first,
                ))),
                None => drop(tokio::spawn(serve(
                    self.world.clone(),
                    theirs,
                    side_by_side,
                ))),
            }
            Ok(Box::new(ours) as Box<dyn Port>)
        }
        .boxed()
    }

    fn address(&self) -> &str {
        &self.address
    }
}

/// One conversation. A line begins with the machine's number, since machines share wires. Those in
/// a session answer side by side, the others one after the other.
async fn serve(world: Arc<World>, port: DuplexStream, side_by_side: bool) {
    let (hears, mut speaks) = tokio::io::split(port);
    let mut lines = BufReader::new(hears).lines();
    let mut answers = FuturesUnordered::new();
    loop {
        let line = tokio::select! {
            biased;
            Some((asked, says)) = answers.next(), if !answers.is_empty() => {
                let (asked, says): (String, String) = (asked, says);
                world.state().judge.answered(&asked, &says);
                if speaks.write_all(says.as_bytes()).await.is_err() {
                    return;
                }
                continue;
            }
            line = lines.next_line(), if answers.is_empty() || side_by_side => line,
        };
        let Ok(Some(line)) = line else { return };
        let Some((machine, rest)) = line.split_once(' ') else {
            continue;
        };
        let machine: usize = machine.parse().unwrap_or_default();
        world.pass("a device hears").await;
        let reaction = world.state().hears_line(machine, rest);
        world.pass("a device has acted").await;
        if let Some(says) = reaction.says {
            let (asked, after) = (rest.to_owned(), reaction.after);
            answers.push(async move {
                sleep(after).await;
                (asked, says)
            });
        }
        if reaction.cuts {
            return;
        }
    }
}
