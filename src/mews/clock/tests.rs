//! What the clock believes.

use std::sync::Mutex;

use super::*;

struct Bench {
    clock: CloudClock,
    passed: Arc<Mutex<Duration>>,
}

/// The PC is an hour ahead; the cloud's time is 09:00 when the monotonic clock says zero.
fn bench() -> Bench {
    let passed = Arc::new(Mutex::new(Duration::ZERO));
    let (mono, pc) = (Arc::clone(&passed), Arc::clone(&passed));
    let read = |passed: &Mutex<Duration>| *passed.lock().expect("one thread");
    let clock = CloudClock::new(
        Arc::new(move || read(&mono)),
        Arc::new(move || at("2026-08-10T10:00:00Z") + signed(read(&pc))),
    );
    Bench { clock, passed }
}

impl Bench {
    fn pass(&self, seconds: f64) -> RoundTrip {
        let mut passed = self.passed.lock().expect("one thread");
        let sent = *passed;
        *passed += Duration::from_secs_f64(seconds);
        RoundTrip {
            sent,
            answered: *passed,
        }
    }

    fn off(&self, truth: &str) -> f64 {
        self.clock
            .now()
            .expect("a known time")
            .duration_since(at(truth))
            .as_secs_f64()
            .abs()
    }
}

fn at(text: &str) -> Timestamp {
    text.parse().expect("an instant")
}

#[test]
fn the_time_is_unknown_until_an_answer_tells_it() {
    let bench = bench();
    assert!(!bench.clock.known() && bench.clock.now().is_none() && bench.clock.skew().is_none());
    let trip = bench.pass(0.2);
    bench.clock.learn_now_utc(at("2026-08-10T09:00:00Z"), trip);
    assert!(bench.clock.known() && bench.off("2026-08-10T09:00:00.2Z") <= 0.61);
    let skew = bench.clock.skew().expect("known").as_secs_f64();
    assert!((skew - 3600.0).abs() < 0.61, "{skew}");
}

#[test]
fn time_goes_on_through_sleep_and_many_answers_make_it_sharper() {
    let bench = bench();
    for _ in 0..40 {
        let trip = bench.pass(0.07);
        let whole = trip.answered.as_secs();
        bench.clock.learn_now_utc(
            at("2026-08-10T09:00:00Z") + SignedDuration::new(whole as i64, 0),
            trip,
        );
    }
    bench.pass(7200.0);
    assert!(
        bench.off("2026-08-10T11:00:02.8Z") <= 0.1,
        "{:?}",
        bench.clock
    );
}

#[test]
fn one_odd_date_is_not_believed_and_three_are() {
    let bench = bench();
    let trip = bench.pass(0.1);
    bench
        .clock
        .learn_date("Mon, 10 Aug 2026 09:00:00 GMT", trip);
    let trip = bench.pass(0.1);
    bench
        .clock
        .learn_date("Thu, 01 Jan 1970 00:00:00 GMT", trip);
    bench.clock.learn_date("nonsense", trip);
    assert!(bench.off("2026-08-10T09:00:00Z") <= 1.1);
    for _ in 0..3 {
        let trip = bench.pass(0.1);
        bench
            .clock
            .learn_date("Mon, 10 Aug 2026 12:00:00 GMT", trip);
    }
    assert!(bench.off("2026-08-10T12:00:00Z") <= 1.1);
    let trip = bench.pass(0.1);
    bench.clock.learn_now_utc(at("2026-08-10T09:00:00Z"), trip);
    assert!(bench.off("2026-08-10T09:00:00Z") <= 1.1);
}
