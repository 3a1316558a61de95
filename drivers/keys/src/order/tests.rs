use proptest::prelude::*;

use super::*;

fn at(text: &str) -> Timestamp {
    text.parse().expect("a time of this test")
}

fn now() -> Timestamp {
    at("2026-03-28T14:05:00Z")
}

fn limits() -> Limits {
    Limits {
        keys_max: 9,
        days_max: 366,
        rooms_max: 4,
        room_chars_max: 24,
        encoder_chars_max: 40,
        separators: &['³'],
        encoder: None,
        encoders: Vec::new(),
    }
}

fn work() -> KeyWork {
    KeyWork {
        encoder: Some("1".into()),
        api_url: None,
        data: None,
        count: 2,
        locks: vec!["101".into()],
        start: at("2026-03-28T14:00:00Z"),
        end: at("2026-03-30T10:00:00Z"),
        first_name: None,
        last_name: "Novák".to_owned().into(),
        normalized_first_name: None,
        normalized_last_name: None,
        telephone: None,
        email: None,
        reservation: None,
        reservation_number: Some("52421".into()),
    }
}

fn refusal(change: impl FnOnce(&mut KeyWork)) -> Refusal {
    let mut work = work();
    change(&mut work);
    check(&work, now(), &limits()).expect_err("this order must be refused")
}

#[test]
fn a_good_order_is_taken_verbatim() {
    let mut work = work();
    work.locks = vec!["0101".into(), " 102".into(), "0101".into()];
    let order = check(&work, now(), &limits()).expect("a good order");
    assert_eq!(order.rooms, ["0101", " 102"]);
    assert_eq!((order.encoder.as_str(), order.keys), ("1", 2));
    assert_eq!(order.stay.as_deref(), Some("number 52421"));
}

#[test]
fn rooms_that_cannot_be_sent_are_refused() {
    assert_eq!(refusal(|work| work.locks.clear()), Refusal::NoRoom);
    assert_eq!(
        refusal(|work| work.locks = vec!["101".into(), "  ".into()]),
        Refusal::NoRoom
    );
    let five = || (1..=5).map(|n| n.to_string()).collect();
    assert_eq!(
        refusal(|work| work.locks = five()),
        Refusal::TooManyRooms { asked: 5, max: 4 }
    );
    for bad in ["1³1", "1\u{2}1", "1\r", "１０１"] {
        let refusal = refusal(|work| work.locks = vec![bad.into()]);
        assert!(matches!(refusal, Refusal::BadName { .. }), "{bad:?}");
    }
    let long = refusal(|work| work.locks = vec!["x".repeat(25)]);
    assert!(matches!(long, Refusal::BadName { .. }));
}

#[test]
fn odd_counts_are_refused() {
    for asked in [0, -1, 10, 1000, i64::MAX, i64::MIN] {
        assert_eq!(
            refusal(|work| work.count = asked),
            Refusal::BadCount { asked, max: 9 }
        );
    }
}

#[test]
fn stays_that_cannot_be_are_refused() {
    assert_eq!(
        refusal(|work| work.end = work.start),
        Refusal::EndsBeforeStart
    );
    let over = refusal(|work| {
        work.start = at("2026-03-20T14:00:00Z");
        work.end = at("2026-03-28T14:05:00Z");
    });
    assert_eq!(over, Refusal::Over);
    let long = refusal(|work| work.end = at("2027-03-30T10:00:00Z"));
    assert_eq!(long, Refusal::TooLong { max: 366 });
    let mut year = work();
    year.end = at("2027-03-29T10:00:00Z");
    assert!(
        check(&year, now(), &limits()).is_ok(),
        "a year's stay is a stay"
    );
}

#[test]
fn only_encoders_of_the_list_are_used() {
    let mut limits = limits();
    limits.encoders = vec!["1".into(), "2".into()];
    assert!(check(&work(), now(), &limits).is_ok());
    let mut other = work();
    other.encoder = Some("3".into());
    let unknown = check(&other, now(), &limits);
    assert_eq!(unknown, Err(Refusal::UnknownEncoder { name: "3".into() }));
    other.encoder = None;
    assert_eq!(check(&other, now(), &limits), Err(Refusal::NoEncoder));
}

#[test]
fn the_configured_encoder_is_the_only_one_where_no_list_is() {
    let mut limits = limits();
    limits.encoder = Some("1".into());
    let mut order = work();
    order.encoder = None;
    assert_eq!(
        check(&order, now(), &limits)
            .expect("its own encoder")
            .encoder,
        "1"
    );
    order.encoder = Some("2".into());
    let unknown = check(&order, now(), &limits);
    assert_eq!(unknown, Err(Refusal::UnknownEncoder { name: "2".into() }));
}

proptest! {
    #[test]
    fn no_order_makes_it_panic(
        count in any::<i64>(),
        locks in proptest::collection::vec(".{0,30}", 0..6),
        encoder in proptest::option::of(".{0,50}"),
        end in 0i64..250_000_000_000,
    ) {
        let mut work = work();
        work.count = count;
        work.locks = locks;
        work.encoder = encoder;
        work.end = Timestamp::from_second(end).expect("in range");
        if let Ok(order) = check(&work, now(), &limits()) {
            prop_assert!(order.rooms.len() <= 4 && order.keys <= 9);
            prop_assert!(order.rooms.iter().all(|room| !names::breaks_a_message(room, &['³'])));
        }
    }
}
