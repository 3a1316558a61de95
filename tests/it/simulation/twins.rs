//! The judge finds what it is there to find: a guard is removed or a fault injected, and the
//! promise that this breaks is named.

use std::time::Duration;

use super::lives::{Twin, play};
use super::scenario::{Death, Deed, Kind, Lost, Scenario};

/// Seeds that a twin has to be found in.
const SEEDS: u64 = 150;

/// Makes a scenario in which the twin's guard is needed.
fn prepare(plan: &mut Scenario, twin: Twin) {
    match twin {
        Twin::DiskLies | Twin::DiskLiesAtALock => {
            for machine in &mut plan.machines {
                if twin == Twin::DiskLiesAtALock {
                    machine.kind = Kind::LockPc;
                    (machine.lies, machine.marked_repeat) = (false, false);
                }
            }
            for death in &mut plan.deaths {
                (death.power, death.lost) = (true, None);
            }
        }
        Twin::PaceIsForgotten => {
            // A rush, and a death in the middle of it.
            while plan.orders.len() < 300 {
                let order = plan.orders[0].clone();
                let number = plan.orders.len();
                plan.deeds.insert(0, (order.at, Deed::Order(number)));
                plan.orders.push(order);
            }
            plan.windows.clear();
            plan.deaths.truncate(0);
            plan.deaths.push(Death {
                place: Some("Mews has acted"),
                nth: 150,
                power: false,
                down: Duration::from_millis(100),
                lost: None,
            });
        }
        Twin::CloudClockStands => plan.windows.clear(),
        Twin::TraceIsLost => {
            for death in &mut plan.deaths {
                death.power = false;
                death.lost = death.lost.map(|_| Lost::Replaced);
            }
        }
        Twin::CloudHidesBegun => {
            // A journal is lost while a document is made, and Mews answers.
            plan.windows.clear();
            for machine in &mut plan.machines {
                (machine.kind, machine.lies) = (Kind::Fiscal, false);
                (machine.marked_repeat, machine.expires_s) = (false, None);
            }
            for order in &mut plan.orders {
                order.count = 1;
            }
            plan.deaths.truncate(0);
            plan.deaths.push(Death {
                place: Some("a device has acted"),
                nth: 2,
                power: false,
                down: Duration::from_secs(5),
                lost: Some(Lost::Replaced),
            });
        }
        Twin::None
        | Twin::Driver(_)
        | Twin::CloudForgets
        | Twin::CloudListsNothing
        | Twin::BoxRepeats
        | Twin::BoxDawdles
        | Twin::OneWayForAll
        | Twin::WiresApart => {}
    }
}

fn is_found(twin: Twin, rule: &str) {
    for seed in 1..=SEEDS {
        let mut plan = Scenario::of(seed);
        prepare(&mut plan, twin);
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

#[test]
fn paper_that_comes_twice_is_found() {
    is_found(Twin::Driver("sim-repeats"), "I3: ");
}

#[test]
fn a_command_that_is_never_heard_of_is_found() {
    is_found(Twin::CloudListsNothing, "I1: never ended");
}

#[test]
fn what_is_done_after_its_time_is_found() {
    is_found(Twin::CloudClockStands, "I6: begun after its time");
}

#[test]
fn devices_that_do_not_take_turns_are_found() {
    is_found(Twin::WiresApart, "I7: ");
}

#[test]
fn a_request_within_a_pause_is_found() {
    is_found(Twin::BoxRepeats, "I8: a request within a pause");
}

#[test]
fn a_budget_that_a_restart_forgets_is_found() {
    is_found(Twin::PaceIsForgotten, "requests in 30 s");
}

#[test]
fn a_report_that_comes_late_is_found() {
    is_found(Twin::BoxDawdles, "I9: told");
}

#[test]
fn a_key_that_a_lost_journal_may_have_cut_is_found_when_it_is_cut() {
    is_found(Twin::TraceIsLost, "I2: a key of a lost journal is cut");
}

#[test]
fn paper_of_a_lost_journal_that_is_not_marked_is_found() {
    is_found(Twin::TraceIsLost, "I3: paper of a lost journal, not marked");
}

#[test]
fn a_lost_journal_that_is_not_noticed_is_found() {
    is_found(
        Twin::TraceIsLost,
        "a lost journal: the worker starts without",
    );
}

#[test]
fn a_document_that_a_lost_journal_had_begun_is_found_when_nobody_shows_it() {
    is_found(
        Twin::CloudHidesBegun,
        "begun by a lost journal, and not shown",
    );
}

#[test]
fn hotels_that_are_mixed_up_are_found() {
    is_found(
        Twin::OneWayForAll,
        "mixed up: a request with another access token",
    );
}

#[test]
fn a_card_that_a_shipped_driver_makes_twice_is_found() {
    is_found(Twin::DiskLiesAtALock, "I2: ");
}
