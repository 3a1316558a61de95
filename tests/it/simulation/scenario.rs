//! What a seed means: which hotel, which orders, and what goes wrong when.

use std::time::Duration;

use driver_sdk::Class;
use fastrand::Rng;

/// One kind of misbehaviour. Where a place is named, it is the point of a conversation at which it
/// strikes; the others strike at every point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// The request never arrives.
    NoRoute,
    /// Mews acts, the answer is lost.
    LostAnswer,
    /// 500 with a page instead of JSON.
    ServerError,
    /// 200 with a page instead of JSON.
    ForeignPage,
    /// The answer breaks off.
    HalfBody,
    /// 429; with or without a Retry-After, in both its forms.
    TooMany,
    /// Answers take seconds.
    SlowCloud,
    /// 409 to a change, which is not made.
    Conflict,
    /// 401, as when somebody switches the integration off for a while.
    Unauthorized,
    /// An event is not sent.
    EventLost,
    /// An event is sent twice.
    EventTwice,
    /// The socket stands and nothing comes.
    BlackHole,
    /// The socket breaks.
    SocketCut,
    /// The socket cannot be opened.
    SocketRefused,
    /// A frame that nobody can read.
    SocketGarbage,
    /// The journal's disk is full.
    DiskFull,
    /// The journal's disk cannot be written.
    DiskReadOnly,
    /// The journal answers late.
    DiskSlow,
    /// The device cannot be reached.
    Off,
    /// The device hears nothing.
    Deaf,
    /// A person is needed before anything is made.
    Paper,
    /// The device acts and says nothing.
    ActsSilently,
    /// The device acts and answers when nobody waits any more.
    ActsLate,
    /// The device acts and the cable breaks.
    ActsAndCuts,
    /// The cable breaks, and nothing is made.
    CutsBefore,
    /// Nothing is made and nothing is said.
    Ignores,
    /// The device says no.
    Refuses,
    /// The driver panics when it has read the answer.
    Panics,
    /// The driver hangs when it has read the answer.
    Hangs,
    /// The device cannot be opened anew after a crash of its driver.
    NotReopened,
}

pub const OF_THE_CLOUD: [Trouble; 9] = [
    Trouble::NoRoute,
    Trouble::LostAnswer,
    Trouble::ServerError,
    Trouble::ForeignPage,
    Trouble::HalfBody,
    Trouble::TooMany,
    Trouble::SlowCloud,
    Trouble::Conflict,
    Trouble::Unauthorized,
];
pub const OF_THE_SOCKET: [Trouble; 6] = [
    Trouble::EventLost,
    Trouble::EventTwice,
    Trouble::BlackHole,
    Trouble::SocketCut,
    Trouble::SocketRefused,
    Trouble::SocketGarbage,
];
pub const OF_THE_DISK: [Trouble; 3] = [Trouble::DiskFull, Trouble::DiskReadOnly, Trouble::DiskSlow];
pub const OF_A_MACHINE: [Trouble; 12] = [
    Trouble::Off,
    Trouble::Deaf,
    Trouble::Paper,
    Trouble::ActsSilently,
    Trouble::ActsLate,
    Trouble::ActsAndCuts,
    Trouble::CutsBefore,
    Trouble::Ignores,
    Trouble::Refuses,
    Trouble::Panics,
    Trouble::Hangs,
    Trouble::NotReopened,
];

/// A time in which something misbehaves.
#[derive(Debug, Clone)]
pub struct Window {
    pub what: Trouble,
    pub from: Duration,
    pub to: Duration,
    /// Of every time it could strike.
    pub chance: f64,
    /// The machine it is about.
    pub machine: usize,
    /// The property whose cloud and socket it is about; of the disk there is one.
    pub property: usize,
}

/// How a machine's driver is sold to the worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A receipt printer that says nothing of what it prints.
    Plain,
    /// A printer that can be asked what became of a job.
    Printer,
    /// A key encoder that remembers its cards.
    Encoder,
    /// A key encoder that cannot be asked.
    Forgetful,
    /// A fiscal device: its last number is the evidence.
    Fiscal,
    /// A key encoder in a conversation that it shares with others.
    Session,
    /// A lock PC with the shipped driver of PMS Industry Standard, before its own virtual device.
    LockPc,
}

impl Kind {
    pub fn class(self) -> Class {
        match self {
            Self::Plain | Self::Printer => Class::Printer,
            Self::Encoder | Self::Forgetful | Self::Session | Self::LockPc => Class::KeyCutter,
            Self::Fiscal => Class::FiscalMachine,
        }
    }
}

/// A device of the hotel.
#[derive(Debug, Clone)]
pub struct MachinePlan {
    pub kind: Kind,
    /// The hotel it belongs to.
    pub property: usize,
    /// The wire; devices of one wire take turns, whichever hotel they belong to.
    pub wire: usize,
    pub deadline_s: u64,
    pub operator_wait_s: u64,
    pub expires_s: Option<u64>,
    pub marked_repeat: bool,
    /// Says that it is done and makes nothing.
    pub lies: bool,
}

/// A command that somebody sends.
#[derive(Debug, Clone)]
pub struct OrderPlan {
    pub at: Duration,
    pub machine: usize,
    pub count: usize,
    /// Created so long before it is first seen.
    pub old: Duration,
    /// For keys: the stay ends so long after the order.
    pub stay: Duration,
    /// The payload cannot be read.
    pub broken: bool,
}

/// What somebody does at a time.
#[derive(Debug, Clone, Copy)]
pub enum Deed {
    /// Staff send the order of this number.
    Order(usize),
    /// Staff cancel in Mews.
    Cancel(usize),
    /// Another hand gives the command a final state.
    Foreign(usize),
    /// A person at this PC: cancel, retry, resolve (truly).
    CancelHere(usize),
    RetryHere(usize),
    ResolveHere(usize),
    /// The service is stopped and started again.
    Stop,
    /// The PC sleeps.
    Nap(Duration),
}

/// How a life of the worker ends.
#[derive(Debug, Clone, Copy)]
pub struct Death {
    /// At contacts of this kind; `None`: of any.
    pub place: Option<&'static str>,
    /// At the so many-th of them.
    pub nth: u64,
    /// What was not synced is lost.
    pub power: bool,
    /// Until it is started again.
    pub down: Duration,
    /// Its journal is gone then.
    pub lost: Option<Lost>,
}

/// What becomes of a journal that is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lost {
    /// Its disk was not mounted; it is brought back.
    BroughtBack,
    /// It was deleted; a person goes on with `--new-journal`.
    Replaced,
    /// So was every trace of it: as at a first start.
    WithoutTrace,
}

/// Everything a seed decides beforehand.
#[derive(Debug, Clone)]
pub struct Scenario {
    pub seed: u64,
    /// Hotels, each with its own access token.
    pub properties: usize,
    pub machines: Vec<MachinePlan>,
    pub orders: Vec<OrderPlan>,
    pub deeds: Vec<(Duration, Deed)>,
    pub windows: Vec<Window>,
    pub deaths: Vec<Death>,
    /// From here on everything works.
    pub heal: Duration,
    /// The PC's clock is wrong by so much.
    pub skew_s: i64,
    /// Mews takes a repeated final state, or refuses it with this status.
    pub repeat_status: u16,
    /// Mews refuses more than this in 30 s.
    pub limit: usize,
}

fn secs(s: f64) -> Duration {
    Duration::from_secs_f64(s)
}

impl Scenario {
    /// The scenario of a seed.
    pub fn of(seed: u64) -> Self {
        let mut rng = Rng::with_seed(seed ^ 0x5eed_0000_0000);
        let span = rng.choice([20.0, 120.0, 600.0, 1500.0]).expect("four");
        let properties = rng.usize(1..=2);
        let machines = machines(&mut rng, properties);
        let orders = orders(&mut rng, &machines, span);
        let mut plan = Self {
            seed,
            properties,
            deeds: deeds(&mut rng, &orders, span),
            windows: Vec::new(),
            deaths: deaths(&mut rng),
            heal: secs(span * 1.2 + 5.0),
            skew_s: if rng.bool() {
                0
            } else {
                rng.i64(-90_000..90_000)
            },
            repeat_status: *rng.choice(&[200, 403, 409, 400]).expect("four"),
            limit: 200,
            machines,
            orders,
        };
        for (chance, kinds, most) in [
            (0.6, &OF_THE_CLOUD[..], 3),
            (0.5, &OF_THE_SOCKET[..], 3),
            (0.3, &OF_THE_DISK[..], 2),
            (0.8, &OF_A_MACHINE[..], 8),
        ] {
            if rng.f64() < chance {
                for _ in 0..rng.usize(1..=most) {
                    plan.window(&mut rng, kinds, span);
                }
            }
        }
        plan
    }

    fn window(&mut self, rng: &mut Rng, kinds: &[Trouble], span: f64) {
        // Most of the work is at the beginning.
        let from = rng.f64() * if rng.bool() { 2.0 } else { span };
        let length = match rng.u8(..3) {
            0 => rng.f64() * 3.0,
            1 => rng.f64() * span / 4.0,
            _ => span,
        };
        self.windows.push(Window {
            what: *rng.choice(kinds).expect("some"),
            from: secs(from),
            to: secs(from + length).min(self.heal),
            chance: rng.choice([0.1, 0.3, 0.6, 1.0]).expect("four"),
            machine: rng.usize(..self.machines.len()),
            property: rng.usize(..self.properties),
        });
    }

    /// Every kind of trouble of a group is absent.
    pub fn is_free_of(&self, group: &[Trouble]) -> bool {
        !self
            .windows
            .iter()
            .any(|window| group.contains(&window.what))
    }
}

fn machines(rng: &mut Rng, properties: usize) -> Vec<MachinePlan> {
    let kinds = [
        Kind::Plain,
        Kind::Printer,
        Kind::Encoder,
        Kind::Forgetful,
        Kind::Fiscal,
        Kind::Fiscal,
        Kind::Session,
        Kind::LockPc,
    ];
    let count = rng.usize(1..=4);
    let mut machines: Vec<MachinePlan> = Vec::new();
    for wire in 0..count {
        let kind = rng.choice(kinds).expect("some");
        let plan = MachinePlan {
            kind,
            property: rng.usize(..properties),
            wire,
            deadline_s: rng.u64(5..60),
            operator_wait_s: rng.u64(5..60),
            expires_s: (kind != Kind::Fiscal)
                .then(|| *rng.choice(&[30, 300, 900, 28_800]).expect("four")),
            marked_repeat: kind.class() == Class::Printer && rng.u8(..3) == 0,
            lies: !matches!(kind, Kind::Fiscal | Kind::LockPc) && rng.u8(..12) == 0,
        };
        // Two on one wire: they take turns, or share a conversation.
        let twin = rng.u8(..6) == 0 || kind == Kind::Session;
        machines.push(plan.clone());
        if twin {
            machines.push(MachinePlan {
                operator_wait_s: rng.u64(5..60),
                property: rng.usize(..properties),
                ..plan
            });
        }
    }
    machines
}

fn orders(rng: &mut Rng, machines: &[MachinePlan], span: f64) -> Vec<OrderPlan> {
    let count = match rng.u8(..60) {
        // A rush that meets the limit of requests.
        0 => 260,
        _ => rng.choice([3, 8, 15, 30]).expect("four"),
    };
    let burst = count > 100 || rng.bool();
    let mut orders: Vec<OrderPlan> = (0..count)
        .map(|_| {
            let machine = rng.usize(..machines.len());
            let fiscal = machines[machine].kind == Kind::Fiscal;
            OrderPlan {
                at: secs(if burst && rng.u8(..4) > 0 {
                    rng.f64() * 2.0
                } else {
                    rng.f64() * span
                }),
                machine,
                count: if fiscal { 1 } else { rng.usize(1..=3) },
                old: secs(if rng.u8(..8) == 0 {
                    rng.f64() * 1000.0
                } else {
                    0.0
                }),
                stay: secs(if rng.u8(..8) == 0 { 60.0 } else { 200_000.0 }),
                broken: rng.u8(..25) == 0,
            }
        })
        .collect();
    orders.sort_by_key(|order| order.at);
    orders
}

fn deeds(rng: &mut Rng, orders: &[OrderPlan], span: f64) -> Vec<(Duration, Deed)> {
    let mut deeds: Vec<(Duration, Deed)> = Vec::new();
    for (n, order) in orders.iter().enumerate() {
        deeds.push((order.at, Deed::Order(n)));
        let mut maybe = |one_in: u8, deed: Deed| {
            if rng.u8(..one_in) == 0 {
                let after = match rng.u8(..3) {
                    0 => rng.f64() * 0.5,
                    1 => rng.f64() * 5.0,
                    _ => rng.f64() * span / 2.0,
                };
                deeds.push((order.at + secs(after), deed));
            }
        };
        maybe(10, Deed::Cancel(n));
        maybe(40, Deed::Foreign(n));
        maybe(25, Deed::CancelHere(n));
        maybe(15, Deed::RetryHere(n));
        maybe(15, Deed::ResolveHere(n));
    }
    if rng.u8(..4) == 0 {
        deeds.push((secs(rng.f64() * span), Deed::Stop));
    }
    if rng.u8(..6) == 0 {
        let nap = secs(rng.f64() * 2000.0);
        deeds.push((secs(rng.f64() * span), Deed::Nap(nap)));
    }
    deeds.sort_by_key(|(at, _)| *at);
    deeds
}

fn deaths(rng: &mut Rng) -> Vec<Death> {
    let count = rng.choice([0, 0, 1, 2, 4, 8]).expect("six");
    let mut deaths: Vec<Death> = (0..count)
        .map(|_| Death {
            place: rng
                .choice([
                    None,
                    Some("before the journal"),
                    Some("after the journal"),
                    Some("a device hears"),
                    Some("a device has acted"),
                    Some("Mews has acted"),
                    Some("on the way back from Mews"),
                ])
                .expect("seven"),
            nth: match rng.u8(..3) {
                0 => rng.u64(1..10),
                1 => rng.u64(1..60),
                _ => rng.u64(1..600),
            },
            power: rng.u8(..4) == 0,
            down: secs(*rng.choice(&[0.5, 5.0, 90.0, 700.0]).expect("four")),
            lost: None,
        })
        .collect();
    // Once in a while, and then in one of the first lives: there is something to forget.
    if rng.u8(..4) == 0 && !deaths.is_empty() {
        let death = &mut deaths[rng.usize(..count.min(2))];
        death.power = false;
        death.nth = death.nth.min(200);
        death.lost = rng.choice([
            Lost::BroughtBack,
            Lost::Replaced,
            Lost::Replaced,
            Lost::WithoutTrace,
        ]);
    }
    deaths
}
