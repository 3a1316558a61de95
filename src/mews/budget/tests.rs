//! The pace, in paused time.

use std::sync::Arc;

use jiff::SignedDuration;
use proptest::prelude::*;

use super::*;

fn wall() -> WallClock {
    let begin = now();
    Arc::new(move || {
        let passed = SignedDuration::try_from(now() - begin).expect("a short test");
        "2026-08-10T09:15:02Z"
            .parse::<Timestamp>()
            .expect("an instant")
            + passed
    })
}

fn budget() -> Budget {
    Budget::new(Box::new(Forget), wall(), 7)
}

async fn spend(budget: &Budget, count: usize, priority: Priority) {
    for _ in 0..count {
        budget.acquire(priority.into()).await.answered();
    }
}

fn rank(priority: Priority, created: &str) -> Rank {
    Rank {
        priority,
        created: Some(created.parse().expect("an instant")),
    }
}

#[tokio::test(start_paused = true)]
async fn the_last_ten_are_for_what_cannot_wait() {
    let budget = budget();
    let begin = now();
    spend(&budget, LIMIT - RESERVED, Priority::Final).await;
    assert_eq!((budget.free(), now()), (RESERVED, begin));
    let mut waits = Box::pin(budget.acquire(Priority::Final.into()));
    assert!(futures_util::poll!(&mut waits).is_pending());
    spend(&budget, RESERVED, Priority::Error).await;
    assert_eq!((budget.free(), now()), (0, begin));
    waits.await.answered();
    assert_eq!(now(), begin + WINDOW);
}

#[tokio::test(start_paused = true)]
async fn the_line_is_by_importance_then_by_age() {
    let budget = budget();
    let mut holders = Vec::new();
    for _ in 0..BURST {
        holders.push(budget.acquire(Priority::Fetch.into()).await);
    }
    let (out, mut order) = tokio::sync::mpsc::unbounded_channel();
    let ranks = [
        ("list", Priority::DeviceList.into()),
        ("sweep", Priority::Sweep.into()),
        ("young", rank(Priority::Final, "2026-08-10T09:15:03Z")),
        ("old", rank(Priority::Final, "2026-08-10T09:15:02Z")),
        (
            "key",
            rank(Priority::FinalOfMoneyOrKey, "2026-08-10T09:15:09Z"),
        ),
        ("error", Priority::Error.into()),
        ("fiscal", Priority::ProcessingOfMoney.into()),
        ("state", Priority::Intermediate.into()),
        ("fetch", Priority::Fetch.into()),
    ];
    for (name, rank) in ranks {
        let (budget, out) = (budget.clone(), out.clone());
        tokio::spawn(async move {
            let permit = budget.acquire(rank).await;
            out.send(name).expect("the test listens");
            permit.answered();
        });
    }
    while budget.pace().waiting < 9 {
        tokio::task::yield_now().await;
    }
    // One place only, so that the order can be seen.
    holders.pop().expect("a holder").answered();
    let mut seen = Vec::new();
    for _ in 0..9 {
        seen.push(order.recv().await.expect("nine names"));
    }
    let wanted = [
        "fetch", "fiscal", "error", "key", "old", "young", "sweep", "state", "list",
    ];
    assert_eq!(seen, wanted);
}

#[tokio::test(start_paused = true)]
async fn four_are_in_flight_and_one_that_gives_up_makes_room() {
    let budget = budget();
    let mut holders = Vec::new();
    for _ in 0..BURST {
        holders.push(budget.acquire(Priority::Final.into()).await);
    }
    let mut first = Box::pin(budget.acquire(Priority::Fetch.into()));
    let mut second = Box::pin(budget.acquire(Priority::Final.into()));
    assert!(futures_util::poll!(&mut first).is_pending());
    assert!(futures_util::poll!(&mut second).is_pending());
    drop(holders.pop());
    drop(first);
    drop(second.await);
    assert_eq!(budget.pace().in_flight, BURST - 1);
}

#[tokio::test(start_paused = true)]
async fn a_429_stops_everybody_and_then_one_is_in_flight_until_30_s_without_another() {
    let budget = budget();
    let other = budget.acquire(Priority::Final.into()).await;
    let begin = now();
    budget
        .acquire(Priority::Fetch.into())
        .await
        .limited(Some(Duration::from_secs(7)));
    other.answered();
    let held = budget.acquire(Priority::Fetch.into()).await;
    assert_eq!(now() - begin, Duration::from_secs(7));
    let mut second = Box::pin(budget.acquire(Priority::Fetch.into()));
    assert!(futures_util::poll!(&mut second).is_pending());
    held.answered();
    second.await.answered();
    tokio::time::sleep(Duration::from_secs(31)).await;
    let _first = budget.acquire(Priority::Fetch.into()).await;
    let _second = budget.acquire(Priority::Fetch.into()).await;
}

#[tokio::test(start_paused = true)]
async fn consecutive_429s_wait_longer_and_those_sent_together_are_one() {
    let budget = budget();
    let mut pauses = Vec::new();
    for _ in 0..6 {
        let begin = now();
        budget.acquire(Priority::Fetch.into()).await.limited(None);
        drop(budget.acquire(Priority::Fetch.into()).await);
        pauses.push((now() - begin).as_secs_f64());
    }
    for (row, pause) in pauses.iter().enumerate() {
        let whole = f64::from(1 << row);
        assert!(
            *pause >= whole / 2.0 && *pause <= whole + 0.01,
            "{pauses:?}"
        );
    }
    let budget = super::tests::budget();
    let together = [
        budget.acquire(Priority::Fetch.into()).await,
        budget.acquire(Priority::Fetch.into()).await,
        budget.acquire(Priority::Fetch.into()).await,
    ];
    let begin = now();
    for permit in together {
        permit.limited(Some(Duration::from_secs(1)));
    }
    drop(budget.acquire(Priority::Fetch.into()).await);
    assert_eq!(now() - begin, Duration::from_secs(1));
}

#[tokio::test(start_paused = true)]
async fn a_pause_of_an_hour_is_obeyed_for_ten_minutes() {
    let budget = budget();
    let begin = now();
    budget
        .acquire(Priority::Fetch.into())
        .await
        .limited(Some(Duration::from_secs(3600)));
    drop(budget.acquire(Priority::Fetch.into()).await);
    assert_eq!(now() - begin, Duration::from_secs(600));
}

#[tokio::test(start_paused = true)]
async fn in_an_outage_one_at_a_time_tries_and_the_first_success_frees_all() {
    for seed in 0..50 {
        let budget = Budget::new(Box::new(Forget), wall(), seed);
        let begin = now();
        let mut together = Vec::new();
        for _ in 0..BURST {
            together.push(budget.acquire(Priority::Final.into()).await);
        }
        together.into_iter().for_each(Permit::failed);
        let mut tries = BURST;
        loop {
            let held = budget.acquire(Priority::Final.into()).await;
            if now() - begin > Duration::from_secs(7) {
                let mut second = Box::pin(budget.acquire(Priority::Final.into()));
                assert!(futures_util::poll!(&mut second).is_pending());
                held.answered();
                let (freed, _third) = (second.await, budget.acquire(Priority::Final.into()).await);
                assert!(now() - begin < Duration::from_secs(13));
                drop(freed);
                break;
            }
            held.failed();
            tries += 1;
        }
        assert!(tries <= 30, "{tries} tries with seed {seed}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_streamed_list_does_not_hold_up_the_rest() {
    let budget = budget();
    budget
        .acquire(Priority::Fetch.into())
        .await
        .limited(Some(Duration::ZERO));
    let mut list = budget.acquire(Priority::Sweep.into()).await;
    list.streaming();
    drop(budget.acquire(Priority::Fetch.into()).await);
    assert_eq!(budget.pace().in_flight, 1);
    drop(list);
    assert_eq!((budget.pace().in_flight, budget.free()), (0, LIMIT - 3));
}

#[tokio::test(start_paused = true)]
async fn a_list_that_begins_and_breaks_does_not_end_an_outage() {
    let budget = budget();
    budget.acquire(Priority::Fetch.into()).await.failed();
    let mut list = budget.acquire(Priority::Sweep.into()).await;
    list.streaming();
    assert!(budget.pace().outage_for.is_some());
    list.failed();
    assert!(budget.pace().outage_for.is_some());
    let mut whole = budget.acquire(Priority::Sweep.into()).await;
    whole.streaming();
    whole.answered();
    assert!(budget.pace().outage_for.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_restart_begins_with_the_budget_it_left() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("requests");
    let wall = wall();
    let open = || Budget::new(Box::new(RingFile::open(&path)), Arc::clone(&wall), 7);
    spend(&open(), 100, Priority::Final).await;
    tokio::time::sleep(Duration::from_secs(10)).await;
    let second = open();
    assert_eq!(second.free(), LIMIT - 100);
    spend(&second, 60, Priority::Final).await;
    tokio::time::sleep(Duration::from_secs(15)).await;
    let third = open();
    assert_eq!(third.free(), LIMIT - 160);
    tokio::time::sleep(Duration::from_secs(6)).await;
    assert_eq!((third.free(), open().free()), (LIMIT - 60, LIMIT - 60));
    drop(third);
    std::fs::write(&path, b"not a list of times").expect("a writable folder");
    assert!(open().free() <= LIMIT);
}

#[tokio::test(start_paused = true)]
async fn a_restart_waits_the_rest_of_a_pause_and_then_asks_one_at_a_time() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("requests");
    let wall = wall();
    let open = || Budget::new(Box::new(RingFile::open(&path)), Arc::clone(&wall), 7);
    let begin = now();
    let told = open().acquire(Priority::Fetch.into()).await;
    told.limited(Some(Duration::from_secs(40)));
    tokio::time::sleep(Duration::from_secs(10)).await;

    let second = open();
    assert!(
        second
            .pace()
            .paused_for
            .is_some_and(|rest| rest >= Duration::from_secs(30))
    );
    let held = second.acquire(Priority::Fetch.into()).await;
    let waited = now() - begin;
    assert!(
        waited >= Duration::from_secs(40) && waited < Duration::from_millis(40_010),
        "{waited:?}"
    );
    let mut other = Box::pin(second.acquire(Priority::Fetch.into()));
    assert!(futures_util::poll!(&mut other).is_pending());
    drop(other);
    held.answered();

    // The pause is over; the quiet after it is not.
    tokio::time::sleep(Duration::from_secs(20)).await;
    let third = open();
    let held = third.acquire(Priority::Fetch.into()).await;
    assert_eq!(now() - begin, waited + Duration::from_secs(20));
    let mut other = Box::pin(third.acquire(Priority::Fetch.into()));
    assert!(futures_util::poll!(&mut other).is_pending());
    drop((other, held));

    tokio::time::sleep(Duration::from_secs(11)).await;
    let fourth = open();
    let _first = fourth.acquire(Priority::Fetch.into()).await;
    let _second = fourth.acquire(Priority::Fetch.into()).await;
}

#[tokio::test(start_paused = true)]
async fn a_pause_by_a_clock_that_was_set_is_never_longer_than_it_was() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("requests");
    let wall = wall();
    let open = |wall: WallClock| Budget::new(Box::new(RingFile::open(&path)), wall, 7);
    let told = open(Arc::clone(&wall))
        .acquire(Priority::Fetch.into())
        .await;
    told.limited(Some(Duration::from_secs(7)));
    let years_ago: WallClock = Arc::new(|| Timestamp::UNIX_EPOCH);
    let rest = open(years_ago).pace().paused_for.expect("a pause");
    assert!(
        rest >= Duration::from_secs(7) && rest < Duration::from_secs(8),
        "{rest:?}"
    );
    let ages_on: WallClock = Arc::new(|| "2100-01-01T00:00:00Z".parse().expect("an instant"));
    assert!(open(ages_on).pace().paused_for.is_none());

    // A file of an older version, and one that no version wrote.
    let whole = std::fs::read(&path).expect("the file");
    std::fs::write(&path, &whole[..whole.len() - 24]).expect("a writable folder");
    assert!(open(Arc::clone(&wall)).pace().paused_for.is_none());
    std::fs::write(&path, vec![0x7f; whole.len()]).expect("a writable folder");
    assert!(open(wall).pace().paused_for.is_none());
}

#[test]
fn no_file_is_no_obstacle() {
    let mut nowhere = RingFile::open(std::path::Path::new("/nowhere/at/all"));
    assert!(nowhere.load().is_empty());
    nowhere.note(0, 1);
    assert!(nowhere.load_pause().is_none());
}

/// The promise, checked from outside: however long answers take, Mews can count no more than our
/// limit in any window, at whatever moment between sending and answering it counts.
fn most_in_any_window(spans: &[(Instant, Instant)]) -> usize {
    let in_window = |from: Instant| {
        spans
            .iter()
            .filter(|(sent, end)| *sent < from + WINDOW && *end >= from)
            .count()
    };
    spans
        .iter()
        .map(|(_, end)| in_window(*end))
        .max()
        .unwrap_or(0)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn never_more_than_the_limit_in_any_30_s(
        latencies in proptest::collection::vec(0_u64..3000, 8),
        reserve in any::<bool>(),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time().start_paused(true).build().expect("a runtime");
        let spans = runtime.block_on(async {
            let budget = budget();
            let (out, mut seen) = tokio::sync::mpsc::unbounded_channel();
            for task in 0..BURST {
                let (budget, latencies, out) = (budget.clone(), latencies.clone(), out.clone());
                tokio::spawn(async move {
                    for turn in 0..120 {
                        let use_it = reserve && turn % 3 == 0;
                        let priority = if use_it { Priority::Fetch } else { Priority::Final };
                        let permit = budget.acquire(priority.into()).await;
                        let sent = now();
                        let pause = latencies[(turn + task) % latencies.len()];
                        tokio::time::sleep(Duration::from_millis(pause / 10)).await;
                        permit.answered();
                        out.send((sent, now())).expect("the test listens");
                    }
                });
            }
            drop(out);
            let mut spans = Vec::new();
            while let Some(span) = seen.recv().await {
                spans.push(span);
            }
            spans
        });
        prop_assert_eq!(spans.len(), BURST * 120);
        prop_assert!(most_in_any_window(&spans) <= LIMIT);
    }
}
