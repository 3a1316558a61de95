use proptest::prelude::*;

use super::*;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_774_706_700 + second).expect("in range")
}

fn claim<'a>(command: &'a str, stay: &'a str, now: i64) -> Claim<'a> {
    Claim {
        command,
        stay: Some(stay),
        until: at(172_800),
        now: at(now),
        ordered: at(now),
        mode: Mode::Auto,
        sharers: Sharers::New,
    }
}

fn made(ledger: RoomLedger, claim: &Claim<'_>) -> RoomLedger {
    ledger.begin_new(claim, at(75)).made_new(claim)
}

fn decided(ledger: &RoomLedger, claim: &Claim<'_>) -> (Issue, Why) {
    let decision = decide(&[("101", ledger)], claim).expect("nobody else is at it");
    (decision.issue, decision.why)
}

#[test]
fn the_first_card_of_a_stay_is_new_and_a_later_command_copies() {
    let first = claim("a", "anna", 0);
    let empty = RoomLedger::default();
    assert_eq!(decided(&empty, &first), (Issue::New, Why::FirstOfStay));
    let ledger = made(empty, &first);
    assert_eq!(
        decided(&ledger, &claim("b", "anna", 60)),
        (Issue::Copy, Why::StayHasKeys)
    );
}

#[test]
fn the_next_stay_is_new() {
    let ledger = made(RoomLedger::default(), &claim("a", "anna", 0));
    let after = claim("b", "ben", 172_801);
    assert_eq!(decided(&ledger, &after), (Issue::New, Why::FirstOfStay));
}

#[test]
fn a_sharer_gets_what_the_site_says() {
    let ledger = made(RoomLedger::default(), &claim("a", "anna", 0));
    let mut ben = claim("b", "ben", 60);
    assert_eq!(decided(&ledger, &ben), (Issue::New, Why::OtherStayVoided));
    ben.sharers = Sharers::Copy;
    assert_eq!(decided(&ledger, &ben), (Issue::Copy, Why::Sharer));
    let ledger = ledger.copied(&ben);
    assert_eq!(
        decided(&ledger, &claim("c", "ben", 90)),
        (Issue::Copy, Why::StayHasKeys)
    );
    assert_eq!(
        decided(&ledger, &claim("d", "anna", 90)),
        (Issue::Copy, Why::StayHasKeys)
    );
}

#[test]
fn a_new_key_voids_the_other_stays() {
    let ledger = made(RoomLedger::default(), &claim("a", "anna", 0));
    let ledger = made(ledger, &claim("b", "ben", 60));
    assert_eq!(
        decided(&ledger, &claim("c", "anna", 90)),
        (Issue::New, Why::OtherStayVoided)
    );
}

#[test]
fn after_a_doubtful_new_key_comes_a_new_one() {
    let first = claim("a", "anna", 0);
    let ledger = RoomLedger::default()
        .begin_new(&first, at(75))
        .doubtful_new(&first);
    assert_eq!(
        decided(&ledger, &claim("b", "anna", 60)),
        (Issue::New, Why::EarlierInDoubt)
    );
}

#[test]
fn a_doubtful_new_key_puts_the_sharers_in_doubt_too() {
    let ledger = made(RoomLedger::default(), &claim("a", "anna", 0));
    let ben = claim("b", "ben", 60);
    let ledger = ledger.begin_new(&ben, at(135)).doubtful_new(&ben);
    let mut anna = claim("c", "anna", 90);
    anna.sharers = Sharers::Copy;
    assert_eq!(decided(&ledger, &anna), (Issue::New, Why::EarlierInDoubt));
    let mut carl = claim("d", "carl", 90);
    carl.sharers = Sharers::Copy;
    assert_eq!(decided(&ledger, &carl), (Issue::New, Why::OtherStayVoided));
}

#[test]
fn a_key_under_way_makes_others_wait_and_is_doubtful_in_the_end() {
    let ledger = RoomLedger::default().begin_new(&claim("a", "anna", 0), at(75));
    let other = claim("b", "anna", 74);
    assert_eq!(
        decide(&[("101", &ledger)], &other),
        Err(Busy { room: "101".into() })
    );
    let later = claim("b", "anna", 75);
    assert_eq!(decided(&ledger, &later), (Issue::New, Why::EarlierInDoubt));
    let again = claim("a", "anna", 10);
    assert_eq!(decided(&ledger, &again), (Issue::New, Why::FirstOfStay));
}

#[test]
fn a_refusal_brings_back_what_was_true() {
    let first = claim("a", "anna", 0);
    let ledger = RoomLedger::default()
        .begin_new(&first, at(75))
        .refused_new(&first);
    assert!(ledger.is_empty());
    let ledger = made(ledger, &first);
    let ben = claim("b", "ben", 60);
    let ledger = ledger.begin_new(&ben, at(135)).refused_new(&ben);
    assert_eq!(
        decided(&ledger, &claim("c", "anna", 90)),
        (Issue::Copy, Why::StayHasKeys)
    );
    let doubt = claim("d", "anna", 95);
    let ledger = ledger.begin_new(&doubt, at(170)).doubtful_new(&doubt);
    let retry = claim("e", "anna", 100);
    let ledger = ledger.begin_new(&retry, at(175)).refused_new(&retry);
    assert_eq!(
        decided(&ledger, &claim("f", "anna", 110)),
        (Issue::New, Why::EarlierInDoubt)
    );
}

#[test]
fn late_news_of_an_older_command_changes_nothing() {
    let anna = claim("a", "anna", 0);
    let ledger = RoomLedger::default()
        .begin_new(&anna, at(75))
        .doubtful_new(&anna);
    let ben = claim("b", "ben", 60);
    let both = ledger.clone().begin_new(&ben, at(135)).doubtful_new(&ben);
    let late = both.made_new(&anna);
    assert_eq!(
        decided(&late, &claim("c", "anna", 90)),
        (Issue::New, Why::EarlierInDoubt)
    );
    let alone = ledger.made_new(&anna);
    assert_eq!(
        decided(&alone, &claim("c", "anna", 90)),
        (Issue::Copy, Why::StayHasKeys)
    );
}

#[test]
fn several_rooms_are_copied_only_together() {
    let anna = claim("a", "anna", 0);
    let good = made(RoomLedger::default(), &anna);
    let empty = RoomLedger::default();
    let next = claim("b", "anna", 60);
    let decision = decide(&[("101", &good), ("102", &empty)], &next).expect("free");
    assert_eq!(
        decision,
        Decision {
            issue: Issue::New,
            why: Why::FirstOfStay
        }
    );
    let decision = decide(&[("101", &good), ("102", &good)], &next).expect("free");
    assert_eq!(decision.issue, Issue::Copy);
}

#[test]
fn a_setting_may_force_it() {
    let good = made(RoomLedger::default(), &claim("a", "anna", 0));
    let mut next = claim("b", "anna", 60);
    next.mode = Mode::New;
    assert_eq!(decided(&good, &next), (Issue::New, Why::Forced));
    next.mode = Mode::Copy;
    assert_eq!(
        decided(&RoomLedger::default(), &next),
        (Issue::Copy, Why::Forced)
    );
}

#[test]
fn an_order_without_a_stay_never_copies() {
    let mut first = claim("a", "", 0);
    first.stay = None;
    let ledger = made(RoomLedger::default(), &first);
    let mut second = claim("b", "", 60);
    second.stay = None;
    assert_eq!(
        decided(&ledger, &second),
        (Issue::New, Why::OtherStayVoided)
    );
}

#[test]
fn an_extension_copies_and_lasts_longer() {
    let ledger = made(RoomLedger::default(), &claim("a", "anna", 0));
    let mut longer = claim("b", "anna", 60);
    longer.until = at(500_000);
    let ledger = ledger.copied(&longer);
    assert_eq!(
        decided(&ledger, &claim("c", "anna", 400_000)),
        (Issue::Copy, Why::StayHasKeys)
    );
}

#[test]
fn further_copies_stop_when_another_stay_takes_the_room() {
    let anna = claim("a", "anna", 0);
    let ledger = made(RoomLedger::default(), &anna);
    assert!(ledger.allows_another_copy(&anna));
    let ben = claim("b", "ben", 10);
    let taking = ledger.begin_new(&ben, at(85));
    assert!(!taking.allows_another_copy(&anna));
    assert!(!taking.made_new(&ben).allows_another_copy(&anna));
}

#[test]
fn a_record_of_another_shape_is_unreadable_and_not_empty() {
    for text in [
        r#"{"version":"2","stays":[]}"#,
        r#"{"stays":[]}"#,
        "[]",
        r#"{"version":"1"}"#,
    ] {
        assert!(serde_json::from_str::<RoomLedger>(text).is_err(), "{text}");
    }
    let kept = made(RoomLedger::default(), &claim("a", "anna", 0));
    let text = serde_json::to_string(&kept).expect("plain data");
    assert_eq!(
        serde_json::from_str::<RoomLedger>(&text).expect("its own shape"),
        kept
    );
}

#[test]
fn the_past_is_forgotten_after_a_day() {
    let ledger = made(RoomLedger::default(), &claim("a", "anna", 0));
    let next = Claim {
        until: at(400_000),
        ..claim("b", "ben", 172_800 + 86_401)
    };
    let ledger = ledger.begin_new(&next, at(300_000)).refused_new(&next);
    assert!(ledger.is_empty());
}

/// What a lock would think: whose cards open the door.
#[derive(Debug, Clone, Default)]
struct Door {
    opens_for: Vec<String>,
}

proptest! {
    /// However commands end, a copy is made only of keys of the same stay: the door's own truth
    /// says that the stay holds the room then.
    #[test]
    fn a_copy_never_doubles_another_guests_key(
        steps in proptest::collection::vec((0usize..3, 0u8..4, any::<bool>()), 1..25),
    ) {
        let names = ["anna", "ben", "carl"];
        let mut ledger = RoomLedger::default();
        let mut door = Door::default();
        for (n, (who, end, happened)) in steps.into_iter().enumerate() {
            let command = format!("c{n}");
            let now = i64::try_from(n).expect("small") * 10;
            let claim = claim(&command, names[who], now);
            let Ok(decision) = decide(&[("101", &ledger)], &claim) else { continue };
            match decision.issue {
                Issue::Copy => {
                    prop_assert_eq!(&door.opens_for, &vec![names[who].to_owned()]);
                    ledger = ledger.copied(&claim);
                }
                Issue::New => {
                    ledger = ledger.begin_new(&claim, at(now + 15));
                    let made = match end { 0 => true, 1 => false, _ => happened };
                    if made {
                        door.opens_for = vec![names[who].to_owned()];
                    }
                    ledger = match end {
                        0 => ledger.made_new(&claim),
                        1 => ledger.refused_new(&claim),
                        2 => ledger.doubtful_new(&claim),
                        _ => ledger,
                    };
                }
            }
        }
    }
}

#[test]
fn two_commands_of_a_stay_within_a_minute_are_told_if_the_first_made_a_key() {
    let first = claim("a", "anna", 0);
    let under_way = RoomLedger::default().begin_new(&first, at(75));
    let again = claim("b", "anna", 59);
    assert_eq!(under_way.ordered_just_before(&again), None);
    assert_eq!(
        under_way
            .clone()
            .refused_new(&first)
            .ordered_just_before(&again),
        None,
        "nothing was made: sent again on purpose"
    );
    let made = under_way.made_new(&first);
    let apart = |ledger: &RoomLedger, claim: &Claim<'_>| {
        let apart = ledger.ordered_just_before(claim);
        apart.map(|apart| apart.as_secs())
    };
    assert_eq!(apart(&made, &again), Some(59));
    assert_eq!(apart(&made, &claim("b", "anna", 60)), None);
    assert_eq!(apart(&made, &claim("b", "ben", 1)), None);
    let copied = made.copied(&claim("b", "anna", 100));
    assert_eq!(apart(&copied, &claim("c", "anna", 120)), None);
    let copied = copied.made_copy(&claim("b", "anna", 100));
    assert_eq!(apart(&copied, &claim("c", "anna", 120)), Some(20));
}

#[test]
fn a_record_of_before_the_time_of_order_was_kept_is_read() {
    let ledger = made(RoomLedger::default(), &claim("a", "anna", 0));
    let mut old = serde_json::to_value(&ledger).expect("plain data");
    let stay = old["stays"][0].as_object_mut().expect("a stay");
    assert!(stay.remove("ordered").is_some());
    let read: RoomLedger = serde_json::from_value(old).expect("it was good");
    assert_eq!(
        decided(&read, &claim("b", "anna", 60)),
        (Issue::Copy, Why::StayHasKeys)
    );
    assert_eq!(read.ordered_just_before(&claim("b", "anna", 1)), None);
}
