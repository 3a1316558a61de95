//! The device acts, its answer is lost, and then it is deaf: what is told is never more than what
//! can be known, and nothing is repeated while it is not known.

use std::time::Duration;

use tokio::time::sleep;

use crate::house::within;
use crate::plant::{Plant, kinds, say};

/// How the answer of one kind gets lost, how the device falls silent and wakes, and what the
/// verdict must be.
struct Trick {
    kind: &'static str,
    lose: (&'static str, &'static str),
    deaf: (&'static str, &'static str),
    hears: (&'static str, &'static str),
    /// State and begin of the note of the one whose answer was lost: one of these.
    first: &'static [(&'static str, &'static str)],
    /// Of the one behind it.
    second: &'static [(&'static str, &'static str)],
}

const UNCONFIRMED: (&str, &str) = ("Error", "UNCONFIRMED: ");
const DOUBT: &[(&str, &str)] = &[UNCONFIRMED];
const DOCUMENT: &[(&str, &str)] = &[("Processed", "FISCAL OK ")];

/// A lock system cannot be asked which cards it made, and a printer says what it printed once and
/// to whom is there: both are told as unconfirmed, unless it answers again while the driver still
/// waits for its word. A fiscal machine is asked for its last number.
const TRICKS: [Trick; 6] = [
    Trick {
        kind: "pms-industry-standard",
        lose: ("fault", "answer-lost@1"),
        deaf: ("fault", "silent"),
        hears: ("fault", "none"),
        first: DOUBT,
        second: &[("Processed", "pms-industry-standard-1: ")],
    },
    // One conversation for all: the next key is sent to a system that is deaf already.
    Trick {
        kind: "fias",
        lose: ("fault", "answer-lost@1"),
        deaf: ("fault", "silent"),
        hears: ("fault", "none"),
        first: DOUBT,
        second: DOUBT,
    },
    Trick {
        kind: "escpos",
        lose: ("mute", "after-print"),
        deaf: ("deaf", "on"),
        hears: ("deaf", "off"),
        first: &[UNCONFIRMED, ("Processed", "escpos-1: accepted, 2 copies")],
        second: &[
            ("Processed", "escpos-1: "),
            // Where the first is not in doubt, it waits for a printer only as long as for a person.
            ("Error", "escpos-1: The printer at"),
        ],
    },
    Trick {
        kind: "escpos-marks",
        lose: ("mute", "after-print"),
        deaf: ("deaf", "on"),
        hears: ("deaf", "off"),
        first: DOUBT,
        second: &[("Processed", "escpos-marks-1: ")],
    },
    Trick {
        kind: "datecs",
        lose: ("silent", "after-close"),
        deaf: ("silent", "now"),
        hears: ("silent", "off"),
        first: DOCUMENT,
        second: DOCUMENT,
    },
    Trick {
        kind: "epson-rt",
        lose: ("silent", "after"),
        deaf: ("silent", "now"),
        hears: ("silent", "off"),
        first: DOCUMENT,
        second: DOCUMENT,
    },
];

/// One command whose answer is lost, another that waits behind it; what was made while deaf.
async fn one(trick: &Trick, deaf: Duration) -> (Plant, usize) {
    let mut plant = Plant::new(&[trick.kind], 1).await;
    let device = plant.stations[0].device.clone();
    let set = |(name, value)| device.switch(name, value).expect("it exists");
    set(trick.lose);
    let first = plant.order_of(0);
    let mut child = plant.worker(None);
    let made = async {
        while device.effects().is_empty() {
            sleep(Duration::from_millis(10)).await;
        }
    };
    within("the first effect", made).await;
    set(trick.deaf);
    // What was on the way is made: until nothing more comes.
    let mut at_silence = device.effects().len();
    let calm = async {
        loop {
            sleep(Duration::from_millis(500)).await;
            let more = device.effects().len();
            if std::mem::replace(&mut at_silence, more) == more {
                break;
            }
        }
    };
    within("the calm", calm).await;
    plant.order_of(0);
    sleep(deaf).await;
    let while_deaf = device.effects().len() - at_silence;
    if trick.lose.0 != trick.deaf.0 {
        device.switch(trick.lose.0, "off").expect("it exists");
    }
    set(trick.hears);
    within("the verdict", plant.cloud.wait_final(first)).await;
    plant.all_ended(Duration::from_secs(120)).await;
    child.kill().await.expect("ours");
    (plant, while_deaf)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_was_lost_is_never_taken_for_a_no() {
    let deaf = Duration::from_secs(crate::plant::load("NIGHTPORTER_DEAF", 8) as u64);
    let mut runs = tokio::task::JoinSet::new();
    for trick in &TRICKS {
        runs.spawn(async move { (trick, one(trick, deaf).await) });
    }
    let mut seen = 0;
    while let Some(run) = runs.join_next().await {
        let (trick, (plant, while_deaf)) = run.expect("no panic");
        let kind = trick.kind;
        assert_eq!(
            while_deaf, 0,
            "{kind}: it acted while it could not be asked"
        );
        // The one whose answer was lost, and the one that was sent to a deaf device.
        let counts = match plant.judge(2) {
            Ok(counts) => counts,
            Err(breaches) => panic!("{kind}: {}\n{}", breaches.join("\n"), plant.log()),
        };
        say(format_args!(
            "verdict from silence: {kind}, deaf for {deaf:?}: {counts:?}"
        ));
        let ends = plant.ends(&plant.stations[0]);
        for ((order, end), may) in ends.iter().zip([trick.first, trick.second]) {
            let is = |told: &(&str, &str)| end.state == told.0 && end.notes.starts_with(told.1);
            let right = may.iter().any(is);
            assert!(right, "{kind}: {} must be {may:?}: {end:?}", order.mark);
        }
        assert_eq!((ends.len(), counts.orders), (2, 2));
        assert!(counts.effects > 0, "{kind}: nothing was made");
        seen += 1;
    }
    assert_eq!(seen, TRICKS.len());
    // No kind of this build is left out.
    assert!(
        kinds()
            .iter()
            .all(|kind| TRICKS.iter().any(|trick| trick.kind == *kind))
    );
}

/// The twin: an answer that is a lie, a card that was made and not told, is found out.
#[tokio::test(flavor = "multi_thread")]
async fn a_no_where_a_card_exists_is_found_out() {
    let mut plant = Plant::new(&["pms-industry-standard"], 1).await;
    let id = plant.order_of(0);
    let mut child = plant.worker(None);
    within("the end", plant.cloud.wait_final(id)).await;
    child.kill().await.expect("ours");
    let mut told = plant.ends(&plant.stations[0]);
    told[0].1.state = "Error".to_owned();
    told[0].1.notes = "Encoder: nothing was made.".to_owned();
    let made = plant.stations[0].device.effects();
    let breaches = crate::checker::judge(&told, &made, 2).expect_err("a card exists");
    say(format_args!("verdict from silence, twin: {breaches:?}"));
    assert!(breaches[0].starts_with("I5"), "{breaches:?}");
}
