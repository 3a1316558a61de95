//! The independent judge: what physically exists, against what was told. It knows no code of the
//! worker, only orders, effects, states and notes.

use driver_sdk::Effect;

/// One command, as the test ordered it.
#[derive(Debug, Clone)]
pub struct Order {
    pub id: uuid::Uuid,
    /// What only this command's effects bear: a room, a word on the paper.
    pub mark: String,
    /// Cards or copies.
    pub count: usize,
}

/// What Mews shows in the end.
#[derive(Debug, Clone)]
pub struct End {
    pub state: String,
    pub notes: String,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    pub orders: usize,
    pub effects: usize,
    pub processed: usize,
    pub failed: usize,
    pub cancelled: usize,
    pub unconfirmed: usize,
    /// Told as unconfirmed although the whole of it exists, or nothing: honest, and worth counting.
    pub unconfirmed_but_complete: usize,
}

const THINGS: [&str; 4] = ["card", "receipt", "uncut", "document"];

fn bears(effect: &Effect, mark: &str) -> bool {
    if effect.kind == "card" {
        return effect.content.split(',').any(|room| room == mark);
    }
    effect.content.contains(mark)
}

/// Judges the orders of one device by everything the device made. `may_doubt`: how many times
/// evidence was destroyed, each time for at most one command of this device.
///
/// # Errors
/// Every breach, one line each.
pub fn judge(
    orders: &[(Order, End)],
    effects: &[Effect],
    may_doubt: usize,
) -> Result<Counts, Vec<String>> {
    let mut counts = Counts::default();
    let mut breaches = Vec::new();
    let things: Vec<&Effect> = effects
        .iter()
        .filter(|effect| THINGS.contains(&effect.kind.as_str()))
        .collect();
    for (order, end) in orders {
        counts.orders += 1;
        let made = things
            .iter()
            .filter(|thing| bears(thing, &order.mark))
            .count();
        counts.effects += made;
        let mut breach = |rule: &str| {
            let (id, count) = (order.id, order.count);
            let (state, notes) = (&end.state, &end.notes);
            breaches.push(format!(
                "{rule}: {id}: {made} of {count} exist; {state}: {notes}"
            ));
        };
        if made > order.count {
            breach("I1, more than asked");
        }
        match end.state.as_str() {
            "Processed" => {
                counts.processed += 1;
                if made < order.count {
                    breach("I4, told as done and it is not");
                }
            }
            "Error" if end.notes.starts_with("UNCONFIRMED:") => {
                counts.unconfirmed += 1;
                counts.unconfirmed_but_complete += usize::from(made == order.count || made == 0);
            }
            "Error" => {
                counts.failed += 1;
                let told = made > 0 && made < order.count && end.notes.contains(&made.to_string());
                if made > 0 && !told {
                    breach("I5, told as not done and it is");
                }
                if end.notes.trim().is_empty() {
                    breach("I7, an error without a word");
                }
            }
            "Cancelled" => {
                counts.cancelled += 1;
                if made > 0 {
                    breach("I5, told as cancelled and it is done");
                }
            }
            _ => breach("I3, lost: never ended"),
        }
    }
    for thing in &things {
        if !orders.iter().any(|(order, _)| bears(thing, &order.mark)) {
            breaches.push(format!("I2, nobody ordered it: {thing:?}"));
        }
    }
    if counts.unconfirmed > may_doubt {
        let told = counts.unconfirmed;
        breaches.push(format!(
            "I5, {told} unconfirmed, evidence was lost {may_doubt} times"
        ));
    }
    if breaches.is_empty() {
        Ok(counts)
    } else {
        Err(breaches)
    }
}

#[test]
fn the_judge_finds_every_breach_and_lets_the_good_pass() {
    let order = |mark: &str, count| Order {
        id: uuid::Uuid::new_v4(),
        mark: mark.to_owned(),
        count,
    };
    let end = |state: &str, notes: &str| End {
        state: state.to_owned(),
        notes: notes.to_owned(),
    };
    let card = |room: &str| Effect {
        kind: "card".to_owned(),
        content: room.to_owned(),
        facts: std::collections::BTreeMap::new(),
    };
    let good = judge(
        &[
            (order("101", 2), end("Processed", "Encoder: 2 keys.")),
            (
                order("102", 3),
                end("Error", "Encoder: only 1 of 3 keys was made."),
            ),
            (order("103", 1), end("Error", "UNCONFIRMED: Encoder: look.")),
            (order("104", 1), end("Cancelled", "")),
        ],
        &[card("101"), card("101"), card("102"), card("103")],
        1,
    );
    let counts = good.expect("nothing is wrong here");
    assert_eq!((counts.effects, counts.unconfirmed), (4, 1));
    let bad: [(&str, &str, &str, usize, usize); 8] = [
        ("I1", "Processed", "", 2, 0),
        ("I4", "Processed", "", 0, 0),
        ("I5", "Error", "Encoder: nothing was made.", 1, 0),
        ("I5", "Cancelled", "", 1, 0),
        ("I7", "Error", " ", 0, 0),
        ("I3", "Received", "", 0, 0),
        ("I3", "Processing", "", 1, 0),
        ("I5", "Error", "UNCONFIRMED: look.", 1, 0),
    ];
    for (rule, state, notes, cards, may_doubt) in bad {
        let cards = vec![card("101"); cards];
        let breaches = judge(&[(order("101", 1), end(state, notes))], &cards, may_doubt)
            .expect_err("this is a breach");
        assert!(breaches[0].starts_with(rule), "{rule}: {breaches:?}");
    }
    let breaches = judge(&[], &[card("999")], 0).expect_err("nobody ordered it");
    assert!(breaches[0].starts_with("I2"), "{breaches:?}");
}
