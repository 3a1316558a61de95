//! The driver keeps every promise of the contract, against its own virtual lock system.

use std::path::PathBuf;

use driver_fias::Fias;
use driver_keys::rehearsal::{key_job, test_job};
use driver_sdk::conformance::{Suite, World};
use driver_sdk::{DriverKind as _, Job};

fn world(switches: &[(&str, &str)]) -> World {
    let simulator = Fias.simulator().expect("it has one");
    let owned = switches
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect::<Vec<_>>();
    // It keeps everything in memory.
    let lock = simulator.build(PathBuf::new(), &owned);
    World::of(lock.expect("known switches"))
}

fn keys(room: &'static str, count: i64) -> Job {
    key_job(|work| {
        work.locks = vec![room.to_owned()];
        work.count = count;
        work.encoder = None;
    })
}

fn suite(switches: &'static [(&str, &str)], settings: &str) -> Suite {
    Suite::new(&Fias, move || world(switches), keys("101", 2))
        .settings(&format!("encoder = \"1\"\n{settings}"))
        .asks(2)
        .counting(|card| card.content == "101")
        .bad("no keys", keys("101", 0))
        .bad("far too many keys", keys("101", 1_000_000))
        .bad("no room", key_job(|work| work.locks = Vec::new()))
        .bad("a stay that is over", key_job(|work| work.end = work.start))
        .scenario("busy", |lock| lock.switch("fault", "busy"))
        .scenario("nobody presents a card", |lock| {
            lock.switch("fault", "no-card")
        })
        .scenario("one card", |lock| lock.switch("fault", "no-card@2"))
        .scenario("the second answer is lost", |lock| {
            lock.switch("fault", "answer-lost@2")
        })
        .scenario("another encoder answers", |lock| {
            lock.switch("fault", "other-encoder")
        })
        .scenario("an unknown room", |lock| lock.switch("rooms", "900"))
}

#[tokio::test(start_paused = true)]
async fn the_driver_keeps_its_promises_over_tcp() {
    suite(&[], "").run().await.assert();
}

#[tokio::test(start_paused = true)]
async fn the_driver_keeps_its_promises_over_a_line_with_check_bytes() {
    // A serial line has them unless told.
    suite(&[("framing", "checked")], "")
        .link("serial:/dev/ttyUSB0")
        .run()
        .await
        .assert();
}

#[tokio::test(start_paused = true)]
async fn two_encoders_of_one_conversation_keep_their_promises() {
    Suite::new(&Fias, || world(&[]), keys("101", 1))
        .settings("encoder = \"1\"")
        .counting(|card| card.content == "101")
        .beside("encoder = \"2\"", keys("102", 2))
        .asks(2)
        .counting(|card| card.content == "102")
        .steps_max(60)
        .run()
        .await
        .assert();
}

#[tokio::test(start_paused = true)]
async fn a_test_of_the_encoder_keeps_the_promises_too() {
    let report = Suite::new(&Fias, || world(&[]), test_job())
        .settings("encoder = \"1\"")
        .asks(0)
        .steps_max(40)
        .run()
        .await;
    report.assert();
}
