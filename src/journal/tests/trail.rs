//! The audit trail is a chain.

use super::*;

/// A journal whose trail has so many lines, one each second.
fn with_trail(place: &Place, lines: u64) -> (Core, Reader) {
    let mut core = place.open();
    let new = command(1);
    core.accept(std::slice::from_ref(&new), at(1))
        .expect("disk");
    for n in 1..=lines {
        let mut gate = gate(n);
        gate.staged
            .audit
            .push(("document".to_owned(), json!({"number": n})));
        core.stage(new.id, &gate).expect("disk");
    }
    let reader = Reader::open(&place.path()).expect("readers may");
    (core, reader)
}

#[test]
fn the_audit_chain_notices_a_changed_and_a_cut_line() {
    use AuditBreak::{Changed, End, Missing};
    let whole = "SELECT 1";
    let cases: [(&str, &[AuditBreak]); 9] = [
        (whole, &[]),
        ("DELETE FROM audit WHERE number = 5", &[Missing(5, 5)]),
        ("DELETE FROM audit WHERE number IN (2, 3)", &[Missing(2, 3)]),
        ("DELETE FROM audit WHERE number = 1", &[Missing(1, 1)]),
        ("DELETE FROM audit", &[Missing(1, 5)]),
        (
            "UPDATE audit SET record = '{}' WHERE number IN (1, 4)",
            &[Changed(1), Changed(4)],
        ),
        (
            "UPDATE audit SET at_us = at_us + 1 WHERE number = 2",
            &[Changed(2)],
        ),
        (
            "UPDATE audit SET record = x'00ff' WHERE number = 2",
            &[Changed(2)],
        ),
        (
            "UPDATE meta SET value = '5 00' WHERE key = 'audit_head'",
            &[End(5)],
        ),
    ];
    for (sql, breaks) in cases {
        let place = Place::new();
        let (core, reader) = with_trail(&place, 5);
        core.connection.execute_batch(sql).expect("ours");
        assert_eq!(reader.verify_audit().expect("disk").breaks, breaks, "{sql}");
    }
}

#[test]
fn audit_lines_are_kept_for_their_own_time_and_the_rest_stays_a_chain() {
    let place = Place::new();
    let (mut core, reader) = with_trail(&place, 5);
    core.purge(at(1_000)).expect("disk");
    assert_eq!(reader.verify_audit().expect("disk").last, 5);
    assert_eq!(core.purge_audit(at(1)).expect("disk"), 0);
    assert_eq!(core.purge_audit(at(4)).expect("disk"), 3);
    let check = reader.verify_audit().expect("disk");
    assert_eq!((check.removed, check.last), (3, 5));
    assert_eq!(check.breaks, []);
    let mut numbers = Vec::new();
    let all = reader.audit(Timestamp::MIN, Timestamp::MAX, |line| {
        numbers.push(line.number);
    });
    all.expect("disk");
    assert_eq!(numbers, [4, 5]);

    // All of it grown old: the next line goes on where the chain was.
    assert_eq!(core.purge_audit(at(9)).expect("disk"), 2);
    assert_eq!(reader.verify_audit().expect("disk").breaks, []);
    let mut gate = gate(10);
    gate.staged.audit.push(("document".to_owned(), json!({})));
    core.stage(command(1).id, &gate).expect("disk");
    let check = reader.verify_audit().expect("disk");
    assert_eq!((check.removed, check.last), (5, 6));
    assert_eq!(check.breaks, []);
}
