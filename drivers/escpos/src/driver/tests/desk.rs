//! A desk with a virtual printer, a cable that can break, a journal in memory, and a lane's rules
//! for what becomes of a command. Every sentence is held against the paper at the moment it is
//! said.

use std::collections::BTreeMap;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use driver_sdk::{
    Attempt, Catalogue, CommandId, Device, DeviceName, DialFactory, Dialer, Document, DriverKind,
    Fault, FaultKind, Grade, Host, Hub, Job, LinkError, LocalWork, Opened, Port, Poster, PrintWork,
    Proof, Run, Say, Settings, ShelfRead, Staged, Verdict, VirtualDevice, WatchEvents, Work, clock,
};
use futures_util::future::BoxFuture;
use jiff::tz::TimeZone;
use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream};
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;

use crate::EscPos;
use crate::sim::{Ending, Options, VirtualPrinter};

/// How long a person has, in these tests as by default.
pub(super) const OPERATOR_WAIT: Duration = Duration::from_secs(60);
/// The class's longest silence.
const SILENCE_MAX: Duration = Duration::from_secs(300);

/// Printers of four abilities.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Process ids, a parser for `GS (`.
    Epson,
    /// No process ids; answers real-time questions and GS r.
    Plain,
    /// A 58 mm clone without a parser for `GS (`.
    Clone,
    /// Answers nothing.
    Blind,
}

impl Kind {
    pub(super) const ALL: [Self; 4] = [Self::Epson, Self::Plain, Self::Clone, Self::Blind];
    pub(super) const ANSWERING: [Self; 3] = [Self::Epson, Self::Plain, Self::Clone];

    /// A printer of 50 mm/s: a line takes 75 ms.
    fn options(self) -> Options {
        let mut options = Options {
            speed: 50,
            ..Options::default()
        };
        match self {
            Self::Epson => {}
            Self::Plain => options.process_id = false,
            Self::Clone => {
                options.set("profile", "clone").expect("it exists");
                options.speed = 50;
            }
            Self::Blind => options.answers = false,
        }
        options
    }

    fn settings(self) -> &'static str {
        match self {
            Self::Epson => "profile = \"epson\"\n",
            Self::Plain | Self::Blind => "",
            Self::Clone => "dots = 384\n",
        }
    }
}

/// How a command ended, as the lane would report it, with the sentence.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum End {
    Done(Grade, String),
    Partly(Grade, String),
    Nothing(String),
    Doubt(String),
}

impl End {
    pub(super) fn sentence(&self) -> &str {
        match self {
            Self::Done(_, told) | Self::Partly(_, told) => told,
            Self::Nothing(told) | Self::Doubt(told) => told,
        }
    }
}

/// What the lane keeps, and what it shows.
#[derive(Default)]
struct Inner {
    bookmark: Option<Value>,
    shelf: BTreeMap<String, (Value, u64)>,
    commits: u32,
    shown: Vec<String>,
    /// What was black before the command.
    before: usize,
}

/// A journal in memory; it survives the "process".
pub(super) struct Journal {
    inner: Mutex<Inner>,
    printer: Arc<VirtualPrinter>,
}

impl Journal {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().expect("no test panics under this lock")
    }

    /// Something black came out since the command began.
    fn has_ink(&self) -> bool {
        ink(&self.printer) != self.inner().before
    }

    fn is_true(&self, told: &str) {
        let claims = told.contains("Nothing was printed") || told.contains("Nothing was sent");
        assert!(!(claims && self.has_ink()), "there is ink: {told}");
    }

    fn keep(&self, staged: Staged) {
        let mut inner = self.inner();
        for (key, value) in staged.put {
            let version = inner.shelf.get(&key).map_or(0, |(_, version)| *version) + 1;
            inner.shelf.insert(key, (value, version));
        }
    }
}

impl Host for Journal {
    fn commit(&self, bookmark: Value, staged: Staged) -> BoxFuture<'_, Result<(), Fault>> {
        Box::pin(async move {
            self.keep(staged);
            let mut inner = self.inner();
            inner.bookmark = Some(bookmark);
            inner.commits += 1;
            Ok(())
        })
    }

    fn checkpoint(&self, bookmark: Value, staged: Staged) -> BoxFuture<'_, Result<(), Fault>> {
        Box::pin(async move {
            self.keep(staged);
            self.inner().bookmark = Some(bookmark);
            Ok(())
        })
    }

    fn progress(&self, percent: u8) {
        assert!(percent < 100, "the last hundredth is the evidence");
    }

    fn waiting(&self, fault: Fault) {
        let told = sentence(fault.say());
        assert_eq!(fault.kind(), FaultKind::OperatorNeeded, "{told}");
        self.is_true(&told);
        self.inner().shown.push(told);
    }

    fn shelf(&self, key: &str) -> Option<ShelfRead> {
        let inner = self.inner();
        let (value, version) = inner.shelf.get(key)?;
        Some(ShelfRead {
            value: value.clone(),
            version: *version,
        })
    }
}

/// The sentence of a code as it is shown; none may have a hole left.
pub(super) fn sentence(say: &Say) -> String {
    let told = Catalogue::new(EscPos.faults().iter().copied()).sentence(say);
    assert!(!told.contains('{'), "an argument is missing: {told}");
    told
}

/// Black dots on paper that was cut or torn off, and whether there are any on what hangs out.
fn ink(printer: &VirtualPrinter) -> usize {
    let cut_off: u64 = printer.receipts().iter().map(|receipt| receipt.black).sum();
    let hangs = printer
        .effects()
        .iter()
        .any(|effect| effect.kind == "uncut");
    usize::try_from(cut_off).expect("paper is finite") + usize::from(hangs)
}

pub(super) struct Desk {
    pub(super) printer: Arc<VirtualPrinter>,
    pub(super) cable: Cable,
    journal: Arc<Journal>,
    device: Device,
    pub(super) events: WatchEvents,
    watch: driver_sdk::Watch,
    link: &'static str,
    settings: String,
    pub(super) stop: CancellationToken,
    pub(super) cancel: CancellationToken,
}

impl Desk {
    pub(super) fn new(kind: Kind) -> Self {
        Self::with(kind, "", |_| {})
    }

    pub(super) fn with(kind: Kind, settings: &str, change: impl FnOnce(&mut Options)) -> Self {
        Self::on("tcp:192.168.7.30:9100", kind, settings, change)
    }

    /// On a link as the config writes it.
    pub(super) fn on(
        link: &'static str,
        kind: Kind,
        settings: &str,
        change: impl FnOnce(&mut Options),
    ) -> Self {
        let mut options = kind.options();
        change(&mut options);
        let printer = Arc::new(VirtualPrinter::new(options));
        let cable = Cable::to(Arc::clone(&printer));
        let settings = format!("{}{settings}", kind.settings());
        let opened = open(link, &cable, &settings);
        Self {
            journal: Arc::new(Journal {
                inner: Mutex::default(),
                printer: Arc::clone(&printer),
            }),
            printer,
            cable,
            device: opened.device,
            events: opened.events,
            watch: opened.watch,
            link,
            settings,
            stop: CancellationToken::new(),
            cancel: CancellationToken::new(),
        }
    }

    /// The worker starts anew: only the journal is left.
    pub(super) fn restart(&mut self) {
        let opened = open(self.link, &self.cable, &self.settings);
        self.device = opened.device;
        self.events = opened.events;
        self.watch = opened.watch;
    }

    pub(super) fn set(&self, name: &str, value: &str) {
        self.printer.switch(name, value).expect("a switch");
    }

    pub(super) fn shown(&self) -> Vec<String> {
        self.journal.inner().shown.clone()
    }

    pub(super) fn commits(&self) -> u32 {
        self.journal.inner().commits
    }

    fn run(&self) -> Run {
        let (stop, cancel) = (self.stop.clone(), self.cancel.clone());
        Run::new(
            Arc::clone(&self.journal) as Arc<dyn Host>,
            SILENCE_MAX,
            OPERATOR_WAIT,
            stop,
            cancel,
        )
    }

    /// One attempt; true: it had committed.
    pub(super) async fn execute(&mut self, job: &Job) -> (Result<Proof, Fault>, bool) {
        let plan = match self.device.prepare(job) {
            Ok(plan) => plan,
            Err(fault) => return (Err(fault), false),
        };
        let run = self.run();
        let ended = self.device.execute(plan, &run).await;
        let committed = run.is_committed();
        self.journal.keep(run.take_staged());
        (ended.map_err(|fault| run.judged(fault)), committed)
    }

    pub(super) async fn reconcile(&mut self) -> Result<Verdict, Fault> {
        let attempt = Attempt {
            id: CommandId(uuid::Uuid::nil()),
            number: 1,
            committed_at: None,
            job: None,
            bookmark: self.journal.inner().bookmark.clone().expect("committed"),
        };
        let run = self.run().already_committed();
        let verdict = self.device.reconcile(&attempt, &run).await;
        self.journal.keep(run.take_staged());
        verdict
    }

    /// Listens as a device without work does.
    pub(super) async fn idle(&mut self, time: Duration) {
        // A fault of idling is shown, and it is called again; here the time is what counts.
        let _ = tokio::time::timeout(time, self.device.idle(&self.watch)).await;
    }

    /// What the lane does with a command, up to what it reports.
    pub(super) async fn finish(&mut self, job: &Job) -> End {
        let before = ink(&self.printer);
        self.journal.inner().before = before;
        let end = self.decide(job).await;
        self.journal.is_true(end.sentence());
        end
    }

    async fn decide(&mut self, job: &Job) -> End {
        let (mut attempts, begun) = (0, clock::now());
        loop {
            let (ended, committed) = self.execute(job).await;
            let fault = match ended {
                Ok(proof) => return End::Done(proof.grade, sentence(&proof.say)),
                Err(fault) => fault,
            };
            attempts += u32::from(committed);
            let told = sentence(fault.say());
            match fault.kind() {
                FaultKind::Permanent => return End::Nothing(told),
                FaultKind::Transient | FaultKind::OperatorNeeded => {
                    let waited = clock::now() - begun >= OPERATOR_WAIT;
                    if attempts >= 3 || (!committed && waited) {
                        return End::Nothing(told);
                    }
                    self.journal.is_true(&told);
                    sleep(Duration::from_millis(500)).await;
                }
                FaultKind::Partly => {
                    let proof = fault.effect().expect("a partial effect is proved");
                    return End::Partly(proof.grade, sentence(&proof.say));
                }
                FaultKind::InDoubt => return self.settle().await,
            }
        }
    }

    /// Asks until there is a verdict, or the class's deadline has passed.
    pub(super) async fn settle(&mut self) -> End {
        let first = clock::now();
        loop {
            let told = match self.reconcile().await {
                Ok(Verdict::Happened(proof)) => {
                    return End::Done(proof.grade, sentence(&proof.say));
                }
                Ok(Verdict::Partly(proof)) => {
                    return End::Partly(proof.grade, sentence(&proof.say));
                }
                Ok(Verdict::DidNotHappen) => panic!("a receipt printer cannot prove that"),
                Ok(Verdict::CannotTell { check }) => return End::Doubt(sentence(&check)),
                Err(fault) => sentence(fault.say()),
            };
            if clock::now() - first >= SILENCE_MAX {
                return End::Doubt(told);
            }
            sleep(Duration::from_secs(2)).await;
        }
    }

    /// Everything that can still come out has come out.
    pub(super) async fn at_rest(&self) {
        // What is under way on the cable arrives first.
        sleep(Duration::from_secs(30)).await;
        let _ = tokio::time::timeout(Duration::from_secs(600), self.printer.at_rest()).await;
    }

    pub(super) fn has_ink(&self) -> bool {
        self.journal.has_ink()
    }

    /// How many whole receipts there are: every line, in order, cut off. A receipt that was
    /// stopped for a new roll is two pieces.
    pub(super) fn whole(&self, lines: &[String]) -> usize {
        let mut pieces = String::new();
        let mut whole = 0;
        for receipt in self.printer.receipts() {
            pieces.push('\n');
            pieces += &receipt.text;
            match receipt.ending {
                Ending::TornOff => {}
                Ending::Cut | Ending::PartialCut => {
                    whole += usize::from(pieces.contains(&lines.join("\n")));
                    pieces.clear();
                }
            }
        }
        whole
    }

    /// How often a line is on paper, whole or not, cut or not.
    pub(super) fn lines_like(&self, line: &str) -> usize {
        let mut all: Vec<String> = self
            .printer
            .receipts()
            .into_iter()
            .map(|r| r.text)
            .collect();
        all.push(self.printer.hanging().1);
        all.iter()
            .flat_map(|text| text.lines())
            .filter(|found| *found == line)
            .count()
    }

    /// After all of it the printer prints the next receipt whole, and once.
    pub(super) async fn next_is_whole(&mut self) {
        let next = lines("next", 4);
        let end = self.finish(&job(&next.join("\n"), 1)).await;
        self.at_rest().await;
        assert!(matches!(end, End::Done(..)), "the next one: {end:?}");
        assert_eq!(self.lines_like("next 4 of 4"), 1, "{:?}", self.texts());
        for line in &next {
            assert_eq!(self.lines_like(line), 1, "{line}: {:?}", self.texts());
        }
    }

    pub(super) fn texts(&self) -> Vec<String> {
        let receipts = self.printer.receipts().into_iter();
        let mut all: Vec<_> = receipts
            .map(|receipt| format!("{} ({})", receipt.text, receipt.ending.name()))
            .collect();
        all.push(format!("{} (hanging)", self.printer.hanging().1));
        all
    }
}

fn open(link: &str, cable: &Cable, settings: &str) -> Opened {
    let mut hub = Hub::new(Arc::new(cable.clone()));
    let opened = hub.open(
        &EscPos,
        &DeviceName::new("bar"),
        Some(link),
        &Settings::from_toml(settings),
    );
    opened.expect("good settings")
}

/// Lines that name themselves.
pub(super) fn lines(name: &str, count: usize) -> Vec<String> {
    (1..=count)
        .map(|n| format!("{name} {n} of {count}"))
        .collect()
}

/// A text in a file of its own; the folder of the test run is cleaned by the system.
pub(super) fn job(text: &str, copies: i64) -> Job {
    of("text/plain", text.as_bytes(), copies)
}

/// The printer's own commands.
pub(super) fn raw(bytes: &[u8], copies: i64) -> Job {
    of("application/octet-stream", bytes, copies)
}

/// The test page.
pub(super) fn test_page() -> Job {
    Job {
        work: Work::Local(LocalWork::Test),
        ..job("", 1)
    }
}

fn of(mime: &str, bytes: &[u8], copies: i64) -> Job {
    let file = tempfile::NamedTempFile::new().expect("a file");
    let (_, path) = file.keep().expect("a file");
    std::fs::write(&path, bytes).expect("the test may write");
    let document = Document::at(path, bytes.len() as u64);
    Job {
        id: CommandId(uuid::Uuid::nil()),
        device: DeviceName::new("bar"),
        created: "2026-11-24T12:05:00Z".parse().expect("a time"),
        now: "2026-11-24T12:05:00Z".parse().expect("a time"),
        zone: TimeZone::UTC,
        repeat: false,
        attempt: 0,
        work: Work::Print(PrintWork {
            copies,
            mime: mime.to_owned(),
            document,
        }),
    }
}

/// The cable between driver and printer: it can break after a number of bytes of both directions,
/// and it writes down what the driver sends.
#[derive(Clone)]
pub(super) struct Cable {
    printer: Arc<VirtualPrinter>,
    budget: Arc<AtomicU64>,
    sent: Arc<Mutex<Vec<u8>>>,
}

impl Cable {
    fn to(printer: Arc<VirtualPrinter>) -> Self {
        Self {
            printer,
            budget: Arc::new(AtomicU64::new(u64::MAX)),
            sent: Arc::default(),
        }
    }

    pub(super) fn break_after(&self, bytes: u64) {
        self.budget.store(bytes, Ordering::SeqCst);
    }

    pub(super) fn mend(&self) {
        self.budget.store(u64::MAX, Ordering::SeqCst);
    }

    pub(super) fn is_broken(&self) -> bool {
        self.budget.load(Ordering::SeqCst) == 0
    }

    /// Mended by somebody a while after it broke.
    pub(super) async fn mended_after(self, time: Duration) {
        while !self.is_broken() {
            sleep(Duration::from_millis(100)).await;
        }
        sleep(time).await;
        self.mend();
    }

    /// What the driver has sent since the last call.
    pub(super) fn take_sent(&self) -> Vec<u8> {
        std::mem::take(&mut *self.sent.lock().expect("no test panics under this lock"))
    }

    fn connect(&self) -> io::Result<Box<dyn Port>> {
        if self.is_broken() {
            return Err(io::ErrorKind::ConnectionRefused.into());
        }
        // So small that a write is taken in pieces, and can break in its middle.
        let (ours, middle) = tokio::io::duplex(16);
        let (other, theirs) = tokio::io::duplex(1024);
        tokio::spawn(Arc::clone(&self.printer).serve(Box::new(theirs)));
        tokio::spawn(carry(middle, other, self.clone()));
        Ok(Box::new(ours))
    }

    fn note(&self, bytes: &[u8]) {
        let mut sent = self.sent.lock().expect("no test panics under this lock");
        sent.extend_from_slice(bytes);
    }

    async fn pass(&self, bytes: &[u8], to: &mut (impl tokio::io::AsyncWrite + Unpin)) -> bool {
        let left = self.budget.load(Ordering::SeqCst);
        let take = bytes.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        if left != u64::MAX {
            self.budget.store(left - take as u64, Ordering::SeqCst);
        }
        to.write_all(&bytes[..take]).await.is_ok() && take == bytes.len() && !self.is_broken()
    }
}

async fn carry(ours: DuplexStream, theirs: DuplexStream, cable: Cable) {
    let (mut from_us, mut to_us) = tokio::io::split(ours);
    let (mut from_them, mut to_them) = tokio::io::split(theirs);
    let (mut up, mut down) = ([0; 1024], [0; 1024]);
    loop {
        let moved = tokio::select! {
            biased;
            read = from_them.read(&mut down) => match read {
                Ok(n) if n > 0 => cable.pass(&down[..n], &mut to_us).await,
                Ok(_) | Err(_) => false,
            },
            read = from_us.read(&mut up) => match read {
                Ok(n) if n > 0 => {
                    cable.note(&up[..n]);
                    cable.pass(&up[..n], &mut to_them).await
                }
                Ok(_) | Err(_) => false,
            },
        };
        if !moved {
            return;
        }
    }
}

impl Dialer for Cable {
    fn dial(&self) -> BoxFuture<'_, io::Result<Box<dyn Port>>> {
        Box::pin(async { self.connect() })
    }

    fn address(&self) -> &'static str {
        "tcp:192.168.7.30:9100"
    }
}

impl DialFactory for Cable {
    fn dialer(&self, _: &str) -> Result<Arc<dyn Dialer>, LinkError> {
        Ok(Arc::new(self.clone()))
    }

    fn poster(&self, url: &str) -> Result<Arc<dyn Poster>, LinkError> {
        Err(LinkError(format!("{url} is no HTTP")))
    }

    fn address(&self, url: &str) -> Result<String, LinkError> {
        Ok(url.to_owned())
    }
}

/// Something done at a moment, beside a command.
pub(super) async fn at(seconds: f64, begun: Instant) {
    tokio::time::sleep_until(begun + Duration::from_secs_f64(seconds)).await;
}
