use super::*;

fn wanted(room: &str, issue: Issue) -> CardWanted {
    CardWanted {
        encoder: "1".into(),
        rooms: vec![room.into()],
        issue,
        validity: ("a".into(), "b".into()),
        stay: None,
    }
}

#[test]
fn a_new_key_voids_earlier_cards_of_its_room_only() {
    let system = LockSystem::default();
    system.make(wanted("101", Issue::New), Trouble::None);
    system.make(wanted("101", Issue::Copy), Trouble::None);
    system.make(wanted("102", Issue::New), Trouble::None);
    system.make(wanted("101", Issue::New), Trouble::None);
    let states: Vec<_> = system
        .effects()
        .iter()
        .map(|card| card.facts["state"].clone())
        .collect();
    assert_eq!(states, ["voided", "voided", "valid", "valid"]);
}

#[test]
fn a_trouble_can_wait_for_its_card() {
    let system = LockSystem::default();
    system.switch("fault", "answer-lost@2").expect("known");
    assert_eq!(system.trouble(), Trouble::None);
    assert_eq!(system.trouble_of_next_card(), Trouble::None);
    assert_eq!(system.trouble_of_next_card(), Trouble::AnswerLost);
    assert_eq!(system.trouble_of_next_card(), Trouble::None);
}

#[test]
fn what_it_does_not_know_it_refuses() {
    let system = LockSystem::with(&[
        ("rooms".into(), "101,102".into()),
        ("encoders".into(), "1".into()),
    ])
    .expect("known switches");
    let check = |wanted| system.check(&wanted, Trouble::None);
    assert_eq!(check(wanted("103", Issue::New)), Err(NoCard::UnknownRoom));
    assert_eq!(
        check(wanted("101", Issue::Copy)),
        Err(NoCard::NothingToCopy)
    );
    assert_eq!(check(wanted("101", Issue::New)), Ok(()));
    let other = CardWanted {
        encoder: "2".into(),
        ..wanted("101", Issue::New)
    };
    assert_eq!(check(other), Err(NoCard::UnknownEncoder));
}

#[test]
fn an_unknown_switch_is_told_with_the_known_ones() {
    let system = LockSystem::default();
    assert!(
        system
            .switch("falt", "busy")
            .expect_err("unknown")
            .contains("fault")
    );
    assert!(
        system
            .switch("fault", "bussy")
            .expect_err("unknown")
            .contains("busy")
    );
}
