//! What a lock system's answer means for the command that was sent.
//!
//! Success repeats the command's letters; everything else is a refusal with a code of its own.
//! An answer for another encoder, or with letters of another command, is no answer to ours.

use crate::command::Command;

/// An answer to our command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// Done. With the serial numbers of the cards, where the lock system tells them.
    Done {
        /// As text; personal in the sense that they identify a card.
        serials: Vec<String>,
    },
    /// A card was read.
    Card(Box<ReadCard>),
    /// The lock system said no.
    Refused(Refused),
}

/// A refusal: nothing was done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// Two letters.
    pub code: String,
    /// The lock system's own words (`EG`).
    pub text: Option<String>,
}

/// What LT found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadCard {
    /// `Some` for cards that are no guest's: `LM` staff, `LR` spare, `LC` invalid, `LD` unknown.
    pub kind: Option<String>,
    /// Rooms a guest card opens.
    pub rooms: Vec<String>,
    /// `CI`: it opens them now.
    pub valid: bool,
}

/// Not an answer to the command that was sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotOurs {
    /// For another encoder.
    #[error("an answer for another encoder")]
    OtherEncoder,
    /// To another command, or to none.
    #[error("an answer to another command")]
    OtherCommand,
}

/// The refusals the protocol knows.
pub const REFUSALS: [&str; 15] = [
    "ES", "NC", "NF", "OV", "EP", "EF", "EN", "ET", "TD", "ED", "EA", "OS", "EO", "EV", "EG",
];

/// Reads the fields of a message as the answer to a command.
///
/// # Errors
/// [`NotOurs`]: proves nothing about our command.
pub fn judge(command: &Command, fields: &[String]) -> Result<Answer, NotOurs> {
    let code = fields.first().map(String::as_str).unwrap_or_default();
    let named = fields.get(1).map(String::as_str).unwrap_or_default();
    let letters: String = code.chars().take(2).collect();
    if !named.is_empty() && !same_encoder(named, command.encoder()) {
        return Err(NotOurs::OtherEncoder);
    }
    let count_may_follow = matches!(command, Command::Cut(_));
    let tail = code.get(2..).unwrap_or_default();
    let tail_fits = tail.is_empty()
        || (count_may_follow && tail.len() == 1 && tail.chars().all(|c| c.is_ascii_digit()));
    // A lock system may answer CN to CC: the card is a guest card either way.
    let same = letters == command.code() || (command.code() == "CC" && letters == "CN");
    if same && tail_fits {
        return Ok(match command {
            Command::Read { .. } => Answer::Card(Box::new(read_card(fields))),
            Command::Cut(_) | Command::CheckOut { .. } | Command::Eject { .. } => {
                let serials = fields.iter().skip(2).filter(|field| !field.is_empty());
                Answer::Done {
                    serials: serials.cloned().collect(),
                }
            }
        });
    }
    if is_refusal(code) {
        let text = fields.last().filter(|_| code == "EG" && fields.len() > 2);
        return Ok(Answer::Refused(Refused {
            code: code.to_owned(),
            text: text.map(|t| shown(t)),
        }));
    }
    Err(NotOurs::OtherCommand)
}

/// The code is a refusal: one the protocol knows, or two letters that start no answer.
fn is_refusal(code: &str) -> bool {
    const OF_COMMANDS: [&str; 12] = [
        "CN", "CC", "CO", "CA", "LT", "EX", "MC", "WF", "WN", "WR", "CI", "P1",
    ];
    REFUSALS.contains(&code)
        || (code.len() == 2
            && code.chars().all(|c| c.is_ascii_uppercase())
            && !OF_COMMANDS.contains(&code))
}

/// Numbers compare as numbers (`1` is `001`), names as they are.
#[must_use]
pub fn same_encoder(one: &str, other: &str) -> bool {
    let number = |text: &str| {
        let digits = !text.is_empty() && text.chars().all(|c| c.is_ascii_digit());
        digits.then(|| text.trim_start_matches('0').to_owned())
    };
    match (number(one), number(other)) {
        (Some(one), Some(other)) => one == other,
        (_, _) => one == other,
    }
}

fn read_card(fields: &[String]) -> ReadCard {
    let field = |index: usize| fields.get(index).map(String::as_str).unwrap_or_default();
    let kind = match field(2) {
        kind @ ("LM" | "LR" | "LC" | "LD" | "LS") => Some(kind.to_owned()),
        _ => None,
    };
    let rooms = (2..6)
        .map(field)
        .filter(|room| !room.is_empty() && kind.is_none());
    ReadCard {
        rooms: rooms.map(shown).collect(),
        kind,
        valid: field(6) == "CI",
    }
}

fn shown(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(80).collect()
}

#[cfg(test)]
mod tests;
