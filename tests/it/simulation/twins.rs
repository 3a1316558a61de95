//! The judge finds what it is there to find: a guard is removed or a fault injected, and the
//! promise that this breaks is named.

use super::lives::{Twin, play};
use super::scenario::Scenario;

/// Seeds that a twin has to be found in.
const SEEDS: u64 = 60;

fn is_found(twin: Twin, rule: &str) {
    for seed in 1..=SEEDS {
        let mut plan = Scenario::of(seed);
        if twin == Twin::DiskLies {
            for death in &mut plan.deaths {
                death.power = true;
            }
        }
        let played = play(plan, twin, false);
        if played.breaches.iter().any(|breach| breach.contains(rule)) {
            return;
        }
    }
    panic!("{twin:?} is not found to break {rule} in {SEEDS} seeds");
}

#[test]
fn a_driver_that_repeats_in_doubt_is_found() {
    is_found(Twin::Driver("sim-repeats"), "I2: ");
}

#[test]
fn a_driver_that_claims_success_without_evidence_is_found() {
    is_found(Twin::Driver("sim-boasts"), "I4: ");
}

#[test]
fn a_driver_that_denies_what_may_exist_is_found() {
    is_found(Twin::Driver("sim-denies"), "I5: ");
}

#[test]
fn an_effect_before_the_commit_is_found() {
    is_found(
        Twin::Driver("sim-acts-first"),
        "I2: an effect without a commit",
    );
}

#[test]
fn a_disk_that_only_says_that_it_syncs_is_found() {
    is_found(Twin::DiskLies, "I2: ");
}

#[test]
fn a_document_that_mews_was_not_told_of_is_found() {
    is_found(Twin::CloudForgets, "I6: fiscal");
}
