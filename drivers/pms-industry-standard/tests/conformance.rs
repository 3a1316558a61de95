//! The driver keeps every promise of the contract, against its own virtual lock system.

use std::path::PathBuf;

use driver_keys::rehearsal::{key_job, test_job};
use driver_pms_industry_standard::PmsIndustryStandard;
use driver_sdk::conformance::{Suite, World};
use driver_sdk::{DriverKind as _, Job};

fn world(switches: &[(&str, &str)]) -> World {
    let simulator = PmsIndustryStandard.simulator().expect("it has one");
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

fn suite(settings: &str) -> Suite {
    Suite::new(&PmsIndustryStandard, || world(&[]), keys("101", 2))
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
        .scenario("one card for two", |lock| {
            lock.switch("fault", "same-card@2")
        })
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
    for profile in ["salto", "onity"] {
        let settings = format!("profile = \"{profile}\"\n");
        suite(&settings).steps_max(60).run().await.assert();
    }
}

#[tokio::test(start_paused = true)]
async fn the_driver_keeps_its_promises_over_a_serial_line() {
    suite("profile = \"salto\"\n")
        .link("serial:/dev/ttyUSB0")
        .run()
        .await
        .assert();
}

#[tokio::test(start_paused = true)]
async fn a_test_of_the_encoder_keeps_the_promises_too() {
    Suite::new(&PmsIndustryStandard, || world(&[]), test_job())
        .settings("encoder = \"1\"\nprofile = \"salto\"")
        .asks(0)
        .run()
        .await
        .assert();
}
