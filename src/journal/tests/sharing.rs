//! Steps that share a sync, and one of them that fails.

use super::super::core::LOG_LONG;
use super::*;

#[tokio::test]
async fn a_step_that_panics_harms_no_other() {
    let place = Place::new();
    let new = command(1);
    for inline in [false, true] {
        let core = place.open();
        let journal = if inline {
            Journal::inline(core)
        } else {
            Journal::on_a_thread(core).expect("a thread")
        };
        let accept = new.clone();
        journal
            .with(move |core| core.accept(&[accept], at(1)))
            .await
            .expect("disk");
        let (id, half) = (
            new.id,
            Outcome::partly(Proof::new(Grade::Done, Say::new("P"))),
        );
        // In part, without an attempt: no such step exists.
        let odd = journal
            .with(move |core| core.settle(id, &half, &gate(2)))
            .await;
        assert!(matches!(odd, Err(JournalError::BrokeOff)), "{odd:?}");
        let row = journal.with(move |core| core.row(id)).await.expect("disk");
        let stage = row.expect("it is there").entry.stage;
        assert_eq!(stage, Stage::Accepted { attempts: 0 });
        journal.with(Core::probe).await.expect("disk");
        let odd = journal.look::<()>(|_| panic!("a look that fails")).await;
        assert!(matches!(odd, Err(JournalError::BrokeOff)), "{odd:?}");
        let row = journal.look(move |core| core.row(id)).await.expect("disk");
        assert!(row.is_some());
        drop(journal);
        let gone = async {
            while let Err(OpenError::SecondWorker { .. }) =
                Core::open(&place.path(), Options::default(), at(0))
            {
                tokio::task::yield_now().await;
            }
        };
        gone.await;
    }
}

#[tokio::test]
async fn a_handle_does_the_same_on_a_thread_and_inline() {
    for inline in [true, false] {
        let place = Place::new();
        let core = place.open();
        let journal = if inline {
            Journal::inline(core)
        } else {
            Journal::on_a_thread(core).expect("a thread")
        };
        let new = command(1);
        let device = new.device.clone();
        journal
            .with(move |core| core.accept(&[new], at(1)))
            .await
            .expect("disk");
        let rows = journal
            .with(move |core| core.waiting(&device, 1))
            .await
            .expect("disk");
        assert_eq!(rows.len(), 1);
    }
}

/// Commits a command, accepted before.
fn commits(core: &mut Core, id: CommandId) -> Result<u32, JournalError> {
    let refused = |refusal| panic!("not refused: {refusal:?}");
    core.commit(id, &json!(1), &gate(2))
        .map(|done| done.unwrap_or_else(refused))
}

#[test]
fn steps_that_share_a_sync_are_written_together() {
    let place = Place::new();
    let mut core = place.open();
    let window = core.window().expect("a second look");
    let new = [command(1), command(2), command(3)];
    core.accept(&new, at(1)).expect("disk");
    let begun = || {
        let seen = window.at_one_moment(|core| core.committed(&new[0].device));
        seen.expect("disk").len()
    };
    core.share();
    core.tell(new[0].id, "a plain step", "is no reason to sync", at(1))
        .expect("disk");
    assert!(!core.is_shared());
    commits(&mut core, new[0].id).expect("disk");
    commits(&mut core, new[1].id).expect("disk");
    assert!(core.is_shared());
    // Nobody may be told of what is not on the disk.
    assert_eq!(begun(), 0);
    core.share_ends().expect("disk");
    assert_eq!(begun(), 2);
    commits(&mut core, new[2].id).expect("disk");
    assert_eq!(begun(), 3);
}

#[test]
fn a_refused_step_takes_no_other_with_it() {
    let place = Place::new();
    let mut core = place.open();
    let new = [command(1), command(2)];
    core.accept(&new, at(1)).expect("disk");
    core.share();
    commits(&mut core, new[0].id).expect("disk");
    let again = core.commit(new[0].id, &json!(2), &gate(3)).expect("disk");
    assert_eq!(again, Err(Refusal::NotAccepted));
    commits(&mut core, new[1].id).expect("disk");
    core.share_ends().expect("disk");
    assert_eq!(core.committed(&new[0].device).expect("disk").len(), 2);
}

#[test]
fn a_full_disk_refuses_all_that_share_a_sync() {
    let place = Place::new();
    let mut core = place.open();
    let new = [command(1), command(2), command(3)];
    core.accept(&new, at(1)).expect("disk");
    let pages = |core: &Core| -> i64 {
        core.connection
            .pragma_query_value(None, "page_count", |row| row.get(0))
            .expect("a number")
    };
    let limit = |core: &Core, pages: i64| {
        core.connection
            .pragma_update(None, "max_page_count", pages)
            .expect("a limit");
    };
    limit(&core, pages(&core));
    core.share();
    commits(&mut core, new[0].id).expect("it has room in its page");
    let long = json!("x".repeat(100_000));
    core.commit(new[1].id, &long, &gate(2))
        .expect_err("the disk is full");
    // SQLite may have given up the whole transaction, or the one step alone.
    let (after, end) = (commits(&mut core, new[2].id).is_ok(), core.share_ends());
    let written = core.committed(&new[0].device).expect("readable").len();
    let told = match end {
        Ok(()) => 1 + usize::from(after),
        Err(_) => 0,
    };
    assert_eq!(written, told, "what was told is what is written");
    limit(&core, 1_000_000);
    if written == 0 {
        commits(&mut core, new[0].id).expect("there is room again");
    }
}

#[test]
fn a_transaction_that_could_not_be_rolled_back_stops_no_later_step() {
    let place = Place::new();
    let mut core = place.open();
    let new = [command(1), command(2)];
    let left = |core: &Core| {
        let open = core.connection.execute_batch("BEGIN IMMEDIATE");
        open.expect("nothing else writes");
    };
    left(&core);
    core.accept(&new, at(1)).expect("it is rolled back first");
    left(&core);
    core.share();
    commits(&mut core, new[0].id).expect("and before a shared one");
    core.share_ends().expect("disk");
    assert_eq!(core.committed(&new[0].device).expect("disk").len(), 1);
}

#[tokio::test]
async fn everybody_who_shares_a_sync_is_answered() {
    let place = Place::new();
    let journal = Journal::on_a_thread(place.open()).expect("a thread");
    let new: Vec<_> = (0..200).map(command).collect();
    let ids: Vec<_> = new.iter().map(|new| new.id).collect();
    journal
        .with(move |core| core.accept(&new, at(1)))
        .await
        .expect("disk");
    let steps = ids.iter().map(|id| {
        (
            *id,
            journal.with({
                let id = *id;
                move |core| commits(core, id)
            }),
        )
    });
    let steps = steps.map(|(id, step)| async move { (id, step.await.expect("disk")) });
    for (id, attempt) in futures_util::future::join_all(steps.collect::<Vec<_>>()).await {
        assert_eq!(attempt, 1);
        let row = journal.look(move |core| core.row(id)).await.expect("disk");
        let stage = row.expect("known").entry.stage;
        assert!(matches!(stage, Stage::Committed { .. }), "{stage:?}");
    }
}

#[tokio::test]
async fn a_long_log_is_moved_home_while_nobody_asks() {
    let place = Place::new();
    let journal = Journal::on_a_thread(place.open()).expect("a thread");
    let size = || std::fs::metadata(place.path()).expect("a journal").len();
    let before = size();
    let new: Vec<_> = (0..LOG_LONG).map(|step| command(u64::from(step))).collect();
    let first = new[0].id;
    for new in new {
        let known = journal.with(move |core| core.accept(&[new], at(1))).await;
        known.expect("disk");
        assert_eq!(size(), before, "moved in the turn of a step");
    }
    // Ends only if it is moved without anybody asking.
    while size() == before {
        tokio::task::yield_now().await;
    }
    let row = journal.with(move |core| core.row(first)).await;
    row.expect("disk").expect("it is still known");
}
