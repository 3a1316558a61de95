use jiff::civil::date;

use super::*;

fn last(day: u32, number: u32, total: i64) -> LastDocument {
    LastDocument {
        serial: "99MEY000001".into(),
        day,
        number,
        total,
        at: Some(date(2026, 11, 24).at(14, 5, 10, 0)),
        key: None,
    }
}

fn expected() -> Expected {
    Expected {
        total: 15320,
        key: None,
        sent_at: date(2026, 11, 24).at(14, 5, 0, 0),
    }
}

#[test]
fn the_next_number_with_our_total_is_ours_as_far_as_numbers_tell() {
    let judged = judge(&last(764, 12, 100), &last(764, 13, 15320), &expected());
    assert_eq!(judged, Judgement::OneStep { by_key: false });
}

#[test]
fn document_one_of_the_next_day_follows_the_last_of_this_one() {
    let judged = judge(&last(764, 12, 100), &last(765, 1, 15320), &expected());
    assert_eq!(judged, Judgement::OneStep { by_key: false });
    let judged = judge(&last(764, 12, 100), &last(766, 1, 15320), &expected());
    assert_eq!(judged, Judgement::Unclear(Why::OtherStep));
}

#[test]
fn the_same_document_is_no_new_one() {
    let same = last(764, 12, 15320);
    assert_eq!(judge(&same, &same, &expected()), Judgement::Unchanged);
    let mut changed = same.clone();
    changed.total = 1;
    let judged = judge(&same, &changed, &expected());
    assert_eq!(judged, Judgement::Unclear(Why::OtherStep));
}

#[test]
fn two_steps_another_total_and_another_printer_prove_nothing() {
    let before = last(764, 12, 100);
    for (after, why) in [
        (last(764, 14, 15320), Why::OtherStep),
        (last(764, 11, 15320), Why::OtherStep),
        (last(764, 13, 15319), Why::OtherTotal),
    ] {
        assert_eq!(judge(&before, &after, &expected()), Judgement::Unclear(why));
    }
    let mut swapped = last(764, 13, 15320);
    swapped.serial = "99MEY000002".into();
    let judged = judge(&before, &swapped, &expected());
    assert_eq!(judged, Judgement::Unclear(Why::OtherDevice));
}

#[test]
fn the_key_decides_where_there_is_one() {
    let before = last(0, 100, 100);
    let mut ours = last(0, 101, 15320);
    ours.key = Some("A".into());
    let mut wanted = expected();
    wanted.key = Some("A".into());
    assert_eq!(
        judge(&before, &ours, &wanted),
        Judgement::OneStep { by_key: true }
    );
    wanted.key = Some("B".into());
    assert_eq!(
        judge(&before, &ours, &wanted),
        Judgement::Unclear(Why::OtherKey)
    );
}

#[test]
fn an_hour_back_contradicts_nothing_and_a_day_back_does() {
    let before = last(764, 12, 100);
    let mut hour_back = last(764, 13, 15320);
    hour_back.at = Some(date(2026, 11, 24).at(13, 5, 10, 0));
    assert_eq!(
        judge(&before, &hour_back, &expected()),
        Judgement::OneStep { by_key: false }
    );
    hour_back.at = Some(date(2026, 11, 23).at(13, 5, 10, 0));
    assert_eq!(
        judge(&before, &hour_back, &expected()),
        Judgement::Unclear(Why::TooOld)
    );
}
