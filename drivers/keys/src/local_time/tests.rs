use proptest::prelude::*;

use super::*;

fn prague() -> TimeZone {
    TimeZone::get("Europe/Prague").expect("the zone data is inside the binary")
}

fn at(text: &str) -> Timestamp {
    text.parse().expect("a time of this test")
}

fn stay(start: &str, end: &str) -> LocalStay {
    LocalStay::new(at(start), at(end), &prague())
}

#[test]
fn each_end_has_its_own_offset() {
    let stay = stay("2026-03-28T14:00:00Z", "2026-03-30T10:00:00Z");
    assert_eq!(hour_date(stay.start), "15280326");
    assert_eq!(hour_date(stay.end), "12300326");
    assert_eq!(hour_minute_date(stay.start), "1500280326");
    assert_eq!(hour_minute_date(stay.end), "1200300326");
    assert_eq!(fias_date(stay.start), "260328");
    assert_eq!(fias_date(stay.end), "260330");
    assert_eq!(fias_departure(stay.end), "12:00");
}

#[test]
fn hours_are_rounded_outward() {
    let stay = stay("2026-03-28T14:20:00Z", "2026-03-30T09:30:00Z");
    assert_eq!(hour_minute_date(stay.end), "1130300326");
    assert_eq!(fias_departure(stay.end), "11:30");
    assert_eq!(hour_date(stay.in_hours(Rounding::Outward).end), "12300326");
    assert_eq!(hour_date(stay.in_hours(Rounding::Truncate).end), "11300326");
    assert_eq!(
        hour_date(stay.in_hours(Rounding::Outward).start),
        "15280326"
    );
}

#[test]
fn rounding_up_goes_over_midnight() {
    let stay = stay("2026-03-28T14:00:00Z", "2026-03-30T21:30:00Z");
    assert_eq!(hour_date(stay.in_hours(Rounding::Outward).end), "00310326");
    assert_eq!(hour_minute_date(stay.end), "2330300326");
    assert_eq!(fias_date(stay.end), "260330");
    assert_eq!(fias_departure(stay.end), "23:30");
}

#[test]
fn the_hour_that_comes_twice_has_one_name() {
    for end in ["2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z"] {
        let stay = stay("2026-10-23T12:00:00Z", end);
        assert_eq!(hour_minute_date(stay.end), "0230251026");
        assert_eq!(hour_date(stay.in_hours(Rounding::Truncate).end), "02251026");
        assert_eq!(hour_date(stay.in_hours(Rounding::Outward).end), "03251026");
        assert_eq!(fias_date(stay.end), "261025");
        assert_eq!(fias_departure(stay.end), "02:30");
    }
}

#[test]
fn a_stay_across_the_last_sunday_of_october() {
    let stay = stay("2026-10-24T13:00:00Z", "2026-10-26T10:00:00Z");
    assert_eq!(hour_minute_date(stay.start), "1500241026");
    assert_eq!(hour_minute_date(stay.end), "1100261026");
    assert_eq!(hour_date(stay.in_hours(Rounding::Outward).end), "11261026");
}

#[test]
fn seconds_are_rounded_outward() {
    let stay = stay("2026-07-01T10:00:59Z", "2026-07-02T10:00:01Z");
    assert_eq!(hour_minute_date(stay.start), "1200010726");
    assert_eq!(hour_minute_date(stay.end), "1201020726");
}

proptest! {
    #[test]
    fn hours_never_shorten_a_stay(start in 0i64..4_000_000_000, length in 60i64..31_000_000) {
        let start = Timestamp::from_second(start).expect("in range");
        let end = start.checked_add(length.seconds()).expect("in range");
        let exact = LocalStay::new(start, end, &prague());
        let hours = exact.in_hours(Rounding::Outward);
        prop_assert!(hours.start <= exact.start);
        prop_assert!(hours.end >= exact.end);
        prop_assert!(hours.end.duration_since(exact.end).as_secs() < 3600);
    }
}
