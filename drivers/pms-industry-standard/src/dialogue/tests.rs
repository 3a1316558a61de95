use proptest::prelude::*;

use super::*;

const PATIENCE: Patience = Patience {
    enquiries_max: 5,
    sendings_max: 3,
};

fn run(events: &[Event]) -> Vec<Step> {
    let (mut dialogue, first) = Dialogue::begin(PATIENCE);
    let mut steps = vec![first];
    steps.extend(events.iter().map(|event| dialogue.on(*event)));
    steps
}

const FIRST: Step = Step::Enquire { again: false };
const AGAIN: Step = Step::Enquire { again: true };

#[test]
fn a_good_day() {
    assert_eq!(
        run(&[Event::Ack, Event::Ack]),
        [FIRST, Step::Send, Step::Listen]
    );
}

#[test]
fn a_message_refused_once_is_sent_again() {
    let events = [Event::Ack, Event::Nak, Event::Ack, Event::Ack];
    assert_eq!(
        run(&events),
        [FIRST, Step::Send, AGAIN, Step::Send, Step::Listen]
    );
}

#[test]
fn a_message_refused_three_times_was_not_executed() {
    let events = [
        Event::Ack,
        Event::Nak,
        Event::Ack,
        Event::Nak,
        Event::Ack,
        Event::Nak,
    ];
    assert_eq!(run(&events).last(), Some(&Step::End(End::NotAccepted)));
}

#[test]
fn silence_after_the_message_is_a_doubt_and_never_a_second_message() {
    let steps = run(&[Event::Ack, Event::Silence]);
    assert_eq!(steps, [FIRST, Step::Send, Step::End(End::NoAcceptance)]);
}

#[test]
fn a_busy_lock_system_is_asked_five_times() {
    let steps = run(&[
        Event::Nak,
        Event::Silence,
        Event::Silence,
        Event::Nak,
        Event::Nak,
    ]);
    let end = Step::End(End::NotReady { heard: true });
    assert_eq!(steps, [FIRST, AGAIN, AGAIN, AGAIN, AGAIN, end]);
    let silent = run(&[Event::Silence; 5]);
    assert_eq!(
        silent.last(),
        Some(&Step::End(End::NotReady { heard: false }))
    );
}

proptest! {
    #[test]
    fn after_an_accepted_or_unanswered_message_none_is_sent(
        events in proptest::collection::vec(
            prop_oneof![Just(Event::Ack), Just(Event::Nak), Just(Event::Silence)], 0..40),
    ) {
        let (mut dialogue, mut step) = Dialogue::begin(PATIENCE);
        let mut sendings = 0;
        let mut closed = false;
        for event in events {
            if step == Step::Send && event != Event::Nak {
                closed = true;
            }
            step = dialogue.on(event);
            if step == Step::Send {
                prop_assert!(!closed);
                sendings += 1;
            }
        }
        prop_assert!(sendings <= PATIENCE.sendings_max);
    }
}
