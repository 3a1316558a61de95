//! Who may open a journal, and what a lost one means.

use super::*;

#[test]
fn a_second_worker_is_refused_and_a_reader_is_not() {
    let place = Place::new();
    let mut core = place.open();
    core.accept(&[command(1)], at(1)).expect("disk");
    let second = Core::open(&place.path(), Options::default(), at(0));
    assert!(matches!(second, Err(OpenError::SecondWorker { .. })));
    let reader = Reader::open(&place.path()).expect("readers may");
    assert_eq!(reader.queue(5).expect("disk").len(), 1);
}

/// Somebody asks for the status in the moment in which the service starts.
#[test]
fn who_only_looks_whether_a_worker_runs_keeps_none_from_starting() {
    let place = Place::new();
    drop(place.open());
    let ends = std::sync::atomic::AtomicBool::new(false);
    let order = std::sync::atomic::Ordering::Relaxed;
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !ends.load(order) {
                    let _ = worker_runs(&place.path());
                }
            });
        }
        let refused = (0..50)
            .filter(|_| Core::open(&place.path(), Options::default(), at(0)).is_err())
            .count();
        ends.store(true, order);
        assert_eq!(refused, 0);
    });
}

#[test]
fn a_lost_journal_is_refused_and_replaced_only_on_demand() {
    let place = Place::new();
    drop(place.open());
    std::fs::remove_file(place.path()).expect("removed");
    let refused = Core::open(&place.path(), Options::default(), at(50));
    assert!(matches!(refused, Err(OpenError::Lost { .. })));
    let options = Options { new_journal: true };
    let (core, found) = Core::open(&place.path(), options, at(50)).expect("on demand");
    drop(core);
    assert!(found.replaced && found.fresh && found.made == at(50) && !found.sure);
    let (_core, found) = Core::open(&place.path(), Options::default(), at(60)).expect("again");
    assert!(found.replaced && !found.fresh && found.made == at(50));
    assert!(found.may_have_been_begun(at(49), false));
    assert!(!found.may_have_been_begun(at(50), true));
}

/// A journal whose making broke off, or a file that lost its content, remembers nothing: it is as lost
/// as one that is gone.
#[test]
fn a_journal_without_content_is_a_lost_one() {
    let place = Place::new();
    drop(place.open());
    for ending in ["-wal", "-shm"] {
        let _ = std::fs::remove_file(format!("{}{ending}", place.path().display()));
    }
    std::fs::write(place.path(), b"").expect("ours");
    let refused = Core::open(&place.path(), Options::default(), at(9));
    assert!(
        matches!(refused, Err(OpenError::Lost { .. })),
        "{refused:?}"
    );
    let refused = Core::open(&place.path(), Options::default(), at(9));
    assert!(
        matches!(refused, Err(OpenError::Lost { .. })),
        "a refusal changes nothing: {refused:?}"
    );
    let (_, found) =
        Core::open(&place.path(), Options { new_journal: true }, at(9)).expect("a person said so");
    assert!(found.replaced && found.fresh, "{found:?}");
}

#[test]
fn the_birth_of_a_journal_is_the_clouds_word_and_the_first_one_stands() {
    let place = Place::new();
    let mut core = place.open();
    assert_eq!(core.born(at(3_000)).expect("disk"), at(3_000));
    assert_eq!(core.born(at(9_000)).expect("disk"), at(3_000));
    drop(core);
    let (_core, found) = Core::open(&place.path(), Options::default(), at(0)).expect("again");
    assert!(found.sure && found.made == at(3_000));
    assert!(found.may_have_been_begun(at(2_999), true));
}
