//! The device acts, its answer is lost, and then it is deaf: what is told is never more than what
//! can be known, and nothing is repeated while it is not known.

use std::time::Duration;

use tokio::time::sleep;

use crate::house::within;
use crate::plant::{Plant, say};

/// How the answer of one kind gets lost, and how the device falls silent and wakes.
struct Trick {
    kind: &'static str,
    lose: (&'static str, &'static str),
    deaf: (&'static str, &'static str),
    hears: (&'static str, &'static str),
}

const TRICKS: [Trick; 2] = [
    Trick {
        kind: "pms-industry-standard",
        lose: ("fault", "answer-lost@1"),
        deaf: ("fault", "silent"),
        hears: ("fault", "none"),
    },
    Trick {
        kind: "fias",
        lose: ("fault", "answer-lost@1"),
        deaf: ("fault", "silent"),
        hears: ("fault", "none"),
    },
];

/// One command whose answer is lost, another that waits behind it; what was made while deaf.
async fn one(trick: &Trick, deaf: Duration) -> (Plant, usize) {
    let mut plant = Plant::new(&[trick.kind], 1).await;
    let lock = plant.stations[0].device.clone();
    lock.switch(trick.lose.0, trick.lose.1).expect("it exists");
    let first = plant.order_of(0);
    let mut child = plant.worker(None);
    let made = async {
        while lock.effects().is_empty() {
            sleep(Duration::from_millis(10)).await;
        }
    };
    within("the first card", made).await;
    lock.switch(trick.deaf.0, trick.deaf.1).expect("it exists");
    let at_silence = lock.effects().len();
    plant.order_of(0);
    sleep(deaf).await;
    let while_deaf = lock.effects().len() - at_silence;
    lock.switch(trick.hears.0, trick.hears.1)
        .expect("it exists");
    within("the verdict", plant.cloud.wait_final(first)).await;
    plant.all_ended(Duration::from_secs(90)).await;
    child.kill().await.expect("ours");
    (plant, while_deaf)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_was_lost_is_never_taken_for_a_no() {
    let deaf = Duration::from_secs(crate::plant::load("NIGHTPORTER_DEAF", 8) as u64);
    let mut runs = tokio::task::JoinSet::new();
    for trick in &TRICKS {
        runs.spawn(async move { (trick.kind, one(trick, deaf).await) });
    }
    let mut seen = 0;
    while let Some(run) = runs.join_next().await {
        let (kind, (plant, while_deaf)) = run.expect("no panic");
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
        assert_eq!(counts.orders, 2);
        assert!(counts.effects > 0, "{kind}: nothing was made");
        seen += 1;
    }
    assert_eq!(seen, TRICKS.len());
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
