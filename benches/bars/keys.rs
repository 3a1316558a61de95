//! Key commands for four encoders on one link: in order at each encoder, and no encoder waits for
//! another beyond what the protocol forces.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use nightporter::sandbox::{CommandState, DeviceKind, KeyRequest, Sandbox, SandboxOptions};
use tokio::time::timeout;
use uuid::Uuid;

use crate::lock::{Card, LockSystem, Protocol};
use crate::process::{self, Process};
use crate::{PATIENCE, judged};

const ENCODERS: usize = 4;
const EACH: usize = 50;
/// What a guest takes at an encoder; at the last one, twice as long. Much less than it really is,
/// so that the worker's own time is seen.
const CARD_SIDE_BY_SIDE: Duration = Duration::from_millis(300);
const CARD_IN_TURNS: Duration = Duration::from_millis(100);
const SLOW: u32 = 2;

struct Desk {
    cloud: Sandbox,
    encoders: Vec<Uuid>,
    system: Arc<LockSystem>,
    rooms: usize,
    _worker: Process,
    _folder: tempfile::TempDir,
}

impl Desk {
    async fn open(protocol: Protocol) -> Self {
        let cloud = Sandbox::start(SandboxOptions::default())
            .await
            .expect("loopback");
        let folder = process::folder_on_disk();
        let (driver, card, more) = match protocol {
            Protocol::Fias => ("fias", CARD_SIDE_BY_SIDE, ""),
            Protocol::PmsIndustryStandard => (
                "pms-industry-standard",
                CARD_IN_TURNS,
                "profile = \"salto\"\n",
            ),
        };
        let slow = (ENCODERS.to_string(), SLOW);
        let (address, system) = LockSystem::start(protocol, card, slow).await;
        let mut encoders = Vec::new();
        let mut sections = String::new();
        for n in 1..=ENCODERS {
            let title = format!("Encoder {n}");
            encoders.push(cloud.add_device(DeviceKind::KeyCutter, &title));
            sections.push_str(&format!(
                "[device.encoder-{n}]\nmews = \"{title}\"\ndriver = \"{driver}\"\n\
                 link = \"tcp:{address}\"\n\
                 [device.encoder-{n}.settings]\nencoder = \"{n}\"\n{more}"
            ));
        }
        let worker = Process::start(&cloud, folder.path(), &sections);
        let stands = |hotel: &nightporter::sandbox::Hotel| {
            hotel.sockets() == 1 && hotel.request_count("commands/getAllActive") > 0
        };
        timeout(PATIENCE, cloud.wait_until(stands))
            .await
            .expect("the worker connects");
        Self {
            cloud,
            encoders,
            system,
            rooms: 1000,
            _worker: worker,
            _folder: folder,
        }
    }

    /// Sends commands for the first `encoders` in turn, waits for their ends, and gives the cards.
    async fn cut(&mut self, encoders: usize) -> Cut {
        let _ = self.system.take();
        let mut ordered: BTreeMap<String, Vec<String>> = BTreeMap::new();
        let mut ids = Vec::new();
        for n in 0..encoders * EACH {
            self.rooms += 1;
            let room = self.rooms.to_string();
            let key = KeyRequest {
                encoder: None,
                ..KeyRequest::new(&room, self.cloud.now())
            };
            let at = n % encoders;
            ordered.entry((at + 1).to_string()).or_default().push(room);
            ids.push(self.cloud.add_key(self.encoders[at], &key));
        }
        timeout(PATIENCE, self.cloud.wait_all_final(&ids))
            .await
            .expect("told");
        let failed = ids
            .iter()
            .filter(|id| self.cloud.state(**id) != Some(CommandState::Processed))
            .count();
        Cut {
            ordered,
            cards: self.system.take(),
            failed,
        }
    }
}

struct Cut {
    ordered: BTreeMap<String, Vec<String>>,
    cards: Vec<Card>,
    failed: usize,
}

impl Cut {
    fn of(&self, encoder: &str) -> Vec<&Card> {
        let cards = self.cards.iter();
        cards.filter(|card| card.encoder == encoder).collect()
    }

    /// Encoders whose cards did not come in the order of their commands, one for each command.
    fn out_of_order(&self) -> usize {
        let other = |(encoder, rooms): &(&String, &Vec<String>)| {
            let made: Vec<&String> = self.of(encoder).iter().map(|card| &card.room).collect();
            made != rooms.iter().collect::<Vec<_>>()
        };
        self.ordered.iter().filter(other).count()
    }

    /// From an encoder's first request to its last answer.
    fn span(&self, encoder: &str) -> Duration {
        let cards = self.of(encoder);
        match (cards.first(), cards.last()) {
            (Some(first), Some(last)) => last.answered - first.asked,
            (None, _) | (_, None) => Duration::MAX,
        }
    }

    /// The most cards of others between two of one encoder, while its next command waited.
    fn passed_over(&self) -> usize {
        let mut most = 0;
        for encoder in self.ordered.keys() {
            let at: Vec<usize> = (0..self.cards.len())
                .filter(|n| self.cards[*n].encoder == *encoder)
                .collect();
            let between = at.windows(2).map(|pair| pair[1] - pair[0] - 1);
            most = most.max(between.max().unwrap_or(0));
        }
        most
    }
}

/// The part of the bench.
pub async fn keys() {
    session().await;
    stream().await;
}

fn name(of: &str, what: &str) -> String {
    format!(
        "{} keys, {ENCODERS} encoders, one {of}: {what}",
        ENCODERS * EACH
    )
}

fn common(of: &str, cut: &Cut) {
    judged(
        &name(of, "encoders out of order"),
        &cut.out_of_order().to_string(),
        "0",
        cut.out_of_order() == 0,
    );
    let made = cut.cards.len();
    judged(
        &name(of, "cards, commands that failed"),
        &format!("{made}, {}", cut.failed),
        &format!("{}, 0", ENCODERS * EACH),
        made == ENCODERS * EACH && cut.failed == 0,
    );
}

/// A session lets encoders work side by side: an encoder needs no longer than alone, though one
/// of the others is slow.
async fn session() {
    const OF: &str = "FIAS link";
    let mut desk = Desk::open(Protocol::Fias).await;
    let alone = desk.cut(1).await.span("1");
    let cut = desk.cut(ENCODERS).await;
    common(OF, &cut);
    let fast = (1..ENCODERS).map(|n| cut.span(&n.to_string())).max();
    let ratio = fast.unwrap_or(Duration::MAX).as_secs_f64() / alone.as_secs_f64();
    judged(
        &name(OF, "an encoder's time, beside three, to alone"),
        &format!("{ratio:.3} of {:.2} s", alone.as_secs_f64()),
        "≤ 1.25 (in turns it is 5)",
        ratio <= 1.25,
    );
}

/// A stream gives turns: the line stands still for a small part of the time, and nobody is passed
/// over.
async fn stream() {
    const OF: &str = "PMS-IS line";
    let mut desk = Desk::open(Protocol::PmsIndustryStandard).await;
    let cut = desk.cut(ENCODERS).await;
    common(OF, &cut);
    judged(
        &name(OF, "most cards of others in between"),
        &cut.passed_over().to_string(),
        &format!("≤ {}", ENCODERS - 1),
        cut.passed_over() < ENCODERS,
    );
    let busy: Duration = cut
        .cards
        .iter()
        .map(|card| card.answered - card.asked)
        .sum();
    let (first, last) = (cut.cards.first(), cut.cards.last());
    let whole = match (first, last) {
        (Some(first), Some(last)) => last.answered - first.asked,
        (None, _) | (_, None) => Duration::MAX,
    };
    let ratio = whole.as_secs_f64() / busy.as_secs_f64();
    judged(
        &name(OF, "the whole time to the lock system's own"),
        &format!("{ratio:.3} of {:.2} s", busy.as_secs_f64()),
        "≤ 1.25",
        ratio <= 1.25,
    );
}
