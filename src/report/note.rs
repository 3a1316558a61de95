//! The note staff read in Mews: one line, at most 500 characters, the device's name first.

use std::time::Duration;

use driver_sdk::{Catalogue, Say};
use jiff::Timestamp;

use crate::life::{Outcome, OutcomeKind};

/// The longest note Mews is sent (the contract's assumption: nobody says how long it may be).
const NOTE_MAX: usize = 500;

/// The note of an outcome.
#[must_use]
pub fn note(outcome: &Outcome, device_title: &str, catalogue: &Catalogue) -> String {
    let sentence = catalogue.sentence(&outcome.say);
    let title = one_line(device_title);
    let text = match outcome.kind {
        OutcomeKind::Unconfirmed => format!("UNCONFIRMED: {title}: {sentence}"),
        OutcomeKind::Done
        | OutcomeKind::Partly
        | OutcomeKind::Failed
        | OutcomeKind::Expired
        | OutcomeKind::Cancelled => {
            if outcome.fixed_form {
                sentence
            } else {
                format!("{title}: {sentence}")
            }
        }
    };
    shorten(&text)
}

fn one_line(text: &str) -> String {
    text.trim()
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}

fn shorten(text: &str) -> String {
    if text.chars().count() <= NOTE_MAX {
        return text.to_owned();
    }
    let kept: String = text.chars().take(NOTE_MAX - 1).collect();
    format!("{}…", kept.trim_end())
}

/// The outcome of a command whose time was over: it is too old by the age limit of its device, or
/// the stay it was for has ended before that (only a key's time ends sooner than its age).
#[must_use]
pub fn expired(
    created: Timestamp,
    expires: Timestamp,
    now: Timestamp,
    age_limit: Option<Duration>,
) -> Outcome {
    let too_old = age_limit.and_then(|limit| created.checked_add(limit).ok());
    if too_old.is_none_or(|too_old| expires < too_old) {
        return Outcome::expired(Say::new("STAY-ENDED"));
    }
    let old = Duration::try_from(now.duration_since(created)).unwrap_or_default();
    Outcome::expired(Say::new("EXPIRED").with("age", age(old)))
}

/// A time as staff say it: "40 s", "12 min", "3 h", "2 days". Rounded down.
#[must_use]
pub fn age(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds / 60),
        7_200..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} days", seconds / 86_400),
    }
}
