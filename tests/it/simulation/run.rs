//! Many seeds, on two threads.
//!
//! `NIGHTPORTER_SEEDS=N` plays the seeds 1 to N (0: until one fails or somebody stops it), from
//! `NIGHTPORTER_FIRST_SEED` on where that is set; `NIGHTPORTER_SEED=S` plays one, and says everything that happens; with `NIGHTPORTER_ALL=1` a
//! failure does not end the others.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use super::judge::Counts;
use super::lives::{Played, Twin, play};
use super::scenario::Scenario;
use crate::house::say;

const THREADS: usize = 2;
/// Seeds of a plain `cargo test`.
const FEW: u64 = 150;
/// Lines of a failing seed's story that are shown.
const LAST_LINES: usize = 60;

fn asked(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// What to do with a seed that broke a promise.
fn told(seed: u64, played: &Played) -> String {
    let story = &played.trace[played.trace.len().saturating_sub(LAST_LINES)..];
    format!(
        "seed {seed} breaks a promise:\n  {}\nthe end of its story:\n{}\nrepeat it with\n  \
         NIGHTPORTER_SEED={seed} cargo test --test it simulation::run::promises -- --nocapture",
        played.breaches.join("\n  "),
        story.join("\n"),
    )
}

fn add(sum: &mut Counts, one: &Counts) {
    sum.orders += one.orders;
    sum.things += one.things;
    sum.requests += one.requests;
    sum.processed += one.processed;
    sum.failed += one.failed;
    sum.cancelled += one.cancelled;
    sum.unconfirmed += one.unconfirmed;
    sum.lives += one.lives;
    sum.deaths += one.deaths;
    sum.power_cuts += one.power_cuts;
    sum.lost_journals += one.lost_journals;
    sum.may_have_been += one.may_have_been;
    sum.forgotten += one.forgotten;
    sum.second_hotels += one.second_hotels;
    sum.shipped_cards += one.shipped_cards;
}

#[test]
fn promises_hold_whatever_the_world_does() {
    if let Some(seed) = asked("NIGHTPORTER_SEED") {
        let plan = Scenario::of(seed);
        say(format_args!("{plan:#?}"));
        let played = play(plan, Twin::None, true);
        say(format_args!("{:?}", played.counts));
        assert!(played.breaches.is_empty(), "{}", told(seed, &played));
        return;
    }
    let seeds = match asked("NIGHTPORTER_SEEDS") {
        Some(0) => u64::MAX,
        Some(seeds) => seeds,
        None => FEW,
    };
    let begun = driver_sdk::clock::now();
    let first = asked("NIGHTPORTER_FIRST_SEED").unwrap_or(1);
    let next = AtomicU64::new(first);
    let failed = AtomicBool::new(false);
    let (sum, failures) = (Mutex::new(Counts::default()), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed > seeds || failed.load(Ordering::Relaxed) {
                        return;
                    }
                    let played = play(Scenario::of(seed), Twin::None, false);
                    add(&mut sum.lock().expect("not poisoned"), &played.counts);
                    if !played.breaches.is_empty() {
                        failed.store(asked("NIGHTPORTER_ALL").is_none(), Ordering::Relaxed);
                        let text = told(seed, &played);
                        say(format_args!("{text}"));
                        failures.lock().expect("not poisoned").push(text);
                    }
                }
            });
        }
    });
    let failures = failures.into_inner().expect("not poisoned");
    let sum = sum.into_inner().expect("not poisoned");
    let took = begun.elapsed().as_secs_f64();
    say(format_args!(
        "seeds {first} to {seeds} on {THREADS} threads in {took:.1} s: {sum:?}"
    ));
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
    // A run in which next to nothing happened proves nothing.
    let played = sum.orders.min(sum.things).min(sum.requests) as u64;
    let seeds = (seeds + 1).saturating_sub(first);
    assert!(seeds < 20 || played > seeds && sum.deaths as u64 > seeds / 4);
}

#[test]
fn a_seed_repeats_itself() {
    for seed in 1..=12 {
        let story = || play(Scenario::of(seed), Twin::None, false).trace;
        let (first, second) = (story(), story());
        let other = first.iter().zip(&second).find(|(one, two)| one != two);
        assert_eq!(other, None, "seed {seed} does not repeat itself");
        assert_eq!(first.len(), second.len(), "seed {seed}: one story goes on");
        assert!(first.len() > 20, "seed {seed}: next to nothing happened");
    }
}
