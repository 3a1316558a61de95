use driver_sdk::{Class, CommandId, Fault, Grade, Proof, Say, Verdict};
use jiff::Timestamp;
use std::time::Duration;

use super::*;

fn entry(class: Class, stage: Stage) -> Entry {
    Entry {
        id: CommandId::local(),
        class,
        stage,
        expires: None,
        cancel_requested: false,
        said: Said::Nothing,
        local: false,
        has_the_device: true,
    }
}

fn now() -> Timestamp {
    Timestamp::UNIX_EPOCH + Duration::from_secs(1_000)
}

#[test]
fn cancel_and_age_win_before_commit_and_not_after() {
    let mut waiting = entry(Class::Printer, Stage::Accepted { attempts: 0 });
    waiting.expires = Some(now());
    assert_eq!(
        next(&waiting, now()),
        Step::Settle(Outcome::expired(Say::new("EXPIRED")))
    );
    waiting.cancel_requested = true;
    assert_eq!(next(&waiting, now()), Step::Settle(Outcome::cancelled()));
    let bookmark = Bookmark(serde_json::Value::Null);
    waiting.stage = Stage::Committed {
        attempt: 1,
        bookmark,
    };
    assert_eq!(next(&waiting, now()), Step::Reconcile);
}

#[test]
fn a_repeat_that_is_not_printed_never_claims_that_nothing_was() {
    let mut rules = Rules::of(Class::Printer);
    rules.repeat_in_doubt = true;
    let not_done = Ended::Executed(Err(Fault::permanent("NO-FONT")));
    let Next::Settle(outcome) = after(not_done, 2, true, &rules) else {
        panic!("a repeat ends")
    };
    assert_eq!(outcome.kind, OutcomeKind::Unconfirmed);
    for nothing in [Outcome::cancelled(), Outcome::expired(Say::new("EXPIRED"))] {
        assert_eq!(nothing.of_a_repeat().kind, OutcomeKind::Unconfirmed);
    }
}

#[test]
fn money_says_processing_before_it_runs_and_paper_does_not() {
    let accepted = Stage::Accepted { attempts: 0 };
    assert_eq!(
        next(&entry(Class::Printer, accepted.clone()), now()),
        Step::Run
    );
    let mut fiscal = entry(Class::FiscalMachine, accepted);
    assert_eq!(next(&fiscal, now()), Step::SayProcessing);
    fiscal.said = Said::Processing;
    assert_eq!(next(&fiscal, now()), Step::Run);
    fiscal.has_the_device = false;
    assert_eq!(next(&fiscal, now()), Step::Wait);
}

#[test]
fn nothing_happened_is_repeated_only_where_the_class_allows_it() {
    let verdict = || Ended::Judged(Verdict::DidNotHappen);
    let of = |class, attempt| after(verdict(), attempt, false, &Rules::of(class));
    assert!(matches!(of(Class::Printer, 2), Next::Again));
    assert!(matches!(of(Class::Printer, 3), Next::Settle(_)));
    assert!(matches!(of(Class::FiscalMachine, 1), Next::Again));
    assert!(matches!(of(Class::FiscalMachine, 2), Next::Settle(_)));
    assert!(matches!(of(Class::KeyCutter, 1), Next::Settle(_)));
    assert!(matches!(of(Class::PaymentTerminal, 1), Next::Settle(_)));
}

#[test]
fn a_doubt_is_repeated_once_and_only_on_paper_by_setting() {
    let verdict = || {
        Ended::Judged(Verdict::CannotTell {
            check: Say::new("LOOK"),
        })
    };
    let mut rules = Rules::of(Class::Printer);
    assert!(matches!(
        after(verdict(), 1, false, &rules),
        Next::Settle(_)
    ));
    rules.repeat_in_doubt = true;
    assert!(matches!(
        after(verdict(), 1, false, &rules),
        Next::RepeatMarked
    ));
    assert!(matches!(after(verdict(), 2, true, &rules), Next::Settle(_)));
    let mut key = Rules::of(Class::KeyCutter);
    key.repeat_in_doubt = true;
    assert!(matches!(after(verdict(), 1, false, &key), Next::Settle(_)));
}

#[test]
fn a_fault_before_commit_waits_and_after_it_asks() {
    let rules = Rules::of(Class::Printer);
    let before = Fault::operator("PAPER").judged(false);
    assert!(matches!(
        after(Ended::Executed(Err(before)), 0, false, &rules),
        Next::Wait(_)
    ));
    let later = Fault::operator("PAPER").judged(true);
    assert!(matches!(
        after(Ended::Executed(Err(later)), 1, false, &rules),
        Next::Ask(_)
    ));
    let proof = Proof::new(Grade::Done, Say::new("HALF"));
    let partly = Fault::permanent("JAM")
        .with_effect(proof.clone())
        .judged(true);
    assert!(matches!(
        after(Ended::Executed(Err(partly)), 1, false, &rules),
        Next::Settle(outcome) if outcome == Outcome::partly(proof)
    ));
}

#[test]
fn a_life_has_one_direction() {
    let bookmark = || Bookmark(serde_json::Value::Null);
    let accepted = Stage::Accepted { attempts: 0 };
    let committed = Stage::Committed {
        attempt: 1,
        bookmark: bookmark(),
    };
    let settled = Stage::Settled(Outcome::failed(Say::new("X")));
    let reported = Stage::Reported { doubt: None };
    assert!(accepted.may_become(&committed));
    assert!(!accepted.may_become(&Stage::Committed {
        attempt: 2,
        bookmark: bookmark()
    }));
    assert!(committed.may_become(&Stage::Accepted { attempts: 1 }));
    assert!(
        !committed.may_become(&accepted),
        "an attempt is never forgotten"
    );
    assert!(settled.may_become(&reported));
    assert!(!settled.may_become(&accepted));
    assert!(!reported.may_become(&accepted));
    assert!(!reported.may_become(&settled));
    assert!(
        Stage::Reported {
            doubt: Some(bookmark())
        }
        .may_become(&reported)
    );
}

#[test]
fn a_doubt_about_a_device_that_is_gone_never_says_that_nothing_was_sent() {
    for (code, told) in [
        ("LINK-UNREACHABLE", "NOT-ASKED"),
        ("SESSION-DOWN", "NOT-ASKED"),
        ("LINK-SILENT", "LINK-SILENT"),
    ] {
        let gave_up = Ended::GaveUp(Fault::transient(code));
        let Next::Settle(outcome) = after(gave_up, 1, false, &Rules::of(Class::KeyCutter)) else {
            panic!("{code} is settled");
        };
        assert_eq!(
            (outcome.kind, outcome.say.code.as_str()),
            (OutcomeKind::Unconfirmed, told)
        );
    }
}

#[test]
fn the_rules_of_each_class_are_those_of_the_product() {
    const HOUR: u64 = 3_600;
    for (class, expires, deadline, operator_wait, attempts) in [
        (Class::Printer, Some(8 * HOUR), 300, 60, 3),
        (Class::KeyCutter, Some(900), 90, 90, 1),
        (Class::FiscalMachine, None, 180, 900, 2),
        (Class::PaymentTerminal, Some(120), 180, 180, 1),
        (Class::PassportScanner, Some(600), 60, 60, 1),
    ] {
        let rules = Rules::of(class);
        let seconds = (
            rules.expires.map(|age| age.as_secs()),
            rules.deadline.as_secs(),
            rules.operator_wait.as_secs(),
        );
        assert_eq!(seconds, (expires, deadline, operator_wait), "{class:?}");
        assert_eq!(rules.attempts_max, attempts, "{class:?}");
        assert!(!rules.repeat_in_doubt, "{class:?}: only by setting");
    }
}

#[test]
fn a_command_is_too_old_from_the_moment_of_its_age_on() {
    let mut waiting = entry(Class::KeyCutter, Stage::Accepted { attempts: 0 });
    waiting.expires = Some(now() + Duration::from_secs(1));
    assert_eq!(next(&waiting, now()), Step::Run);
    waiting.expires = Some(now());
    assert!(matches!(next(&waiting, now()), Step::Settle(_)));
}
