//! One final state: sent from its row, and settled by reading back where it is refused.

use std::sync::Arc;
use std::time::Duration;

use driver_sdk::{Catalogue, Class, CommandId};

use super::note::note;
use crate::hotel::Hotel;
use crate::journal::{PmsState, Row};
use crate::life::{FinalState, Outcome, OutcomeKind};
use crate::mews::budget::{Priority, Rank};
use crate::mews::cloud::CallError;
use crate::mews::wire::Update;

/// What became of one final report.
pub(super) enum Told {
    /// Mews has it (or another final state, or we owe nothing): the row is closed.
    Closed,
    /// Not yet; try again soon.
    Again,
    /// More haste does not help; try again after a long rest.
    Later,
}

fn priority(row: &Row, outcome: &Outcome) -> Rank {
    let priority = match (outcome.final_state(), row.entry.class) {
        (FinalState::Error, _) => Priority::Error,
        (_, Class::FiscalMachine | Class::PaymentTerminal | Class::KeyCutter) => {
            Priority::FinalOfMoneyOrKey
        }
        (_, Class::Printer | Class::PassportScanner) => Priority::Final,
    };
    Rank {
        priority,
        created: Some(row.created),
    }
}

/// Tells how a command ended, as its row says it now.
pub(super) async fn tell_final(
    hotel: Arc<Hotel>,
    catalogue: Arc<Catalogue>,
    row: Row,
) -> (CommandId, Told) {
    let id = row.entry.id;
    if let (Some(PmsState(state)), Some(outcome)) = (&row.pms_state, &row.outcome)
        && is_final(state)
    {
        let text = note(outcome, &row.device_title, &catalogue);
        return (id, close(&hotel, &row, outcome, state, &text).await);
    }
    // As it stands now: a person may have had it tried again since it was read.
    let standing = hotel.journal.with(move |core| core.about_to_report(id));
    let (row, outcome) = match standing.await {
        Ok(Some(row)) => match row.outcome.clone() {
            Some(outcome) => (row, outcome),
            None => return (id, Told::Later),
        },
        Ok(None) => return (id, Told::Closed),
        Err(_) => return (id, Told::Again),
    };
    let text = note(&outcome, &row.device_title, &catalogue);
    let update = match outcome.final_state() {
        FinalState::Processed => Update::Processed {
            notes: text.clone(),
        },
        FinalState::Error => Update::Error {
            notes: text.clone(),
        },
        FinalState::Cancelled => Update::Cancelled {
            notes: text.clone(),
        },
    };
    let told = match hotel
        .cloud
        .update(id, &update, priority(&row, &outcome))
        .await
    {
        Ok(()) => close(&hotel, &row, &outcome, wire_word(&outcome), &text).await,
        Err(refused) => settle_refusal(&hotel, &row, &outcome, &text, refused).await,
    };
    (id, told)
}

/// A refused repeat is settled by reading the command back, not by retrying for ever.
async fn settle_refusal(
    hotel: &Hotel,
    row: &Row,
    outcome: &Outcome,
    text: &str,
    refused: CallError,
) -> Told {
    let id = row.entry.id;
    match &refused {
        CallError::Refused { .. }
        | CallError::Unreadable(_)
        | CallError::NoAnswer
        | CallError::TooMuch(_) => {}
        CallError::Unauthorized | CallError::NotFound => {
            tracing::error!(command = %id, error = %refused, "Report refused; it is kept");
            hotel.board.edit_link(&hotel.name, |link| {
                link.unauthorized = matches!(refused, CallError::Unauthorized);
            });
            return Told::Later;
        }
    }
    match hotel.cloud.read_now(id, Duration::from_secs(30)).await {
        Ok(Some(command)) if command.state.is_final() => {
            close(hotel, row, outcome, command.state.as_str(), text).await
        }
        Ok(Some(_)) => {
            tracing::warn!(command = %id, error = %refused, "Report refused for now");
            Told::Again
        }
        Ok(None) => {
            let text = "Mews no longer knows a command whose result is not reported; it is kept";
            hotel.board.alarm(hotel.now(), text, Some(id));
            Told::Later
        }
        Err(error) => {
            tracing::warn!(command = %id, error = %error, "Report refused and not read back");
            Told::Again
        }
    }
}

/// Mews has a final state: ours, or a foreign one, which is an alarm.
async fn close(hotel: &Hotel, row: &Row, outcome: &Outcome, state: &str, text: &str) -> Told {
    let id = row.entry.id;
    let ours = state == wire_word(outcome);
    let nothing_happened = matches!(
        outcome.kind,
        OutcomeKind::Cancelled | OutcomeKind::Expired | OutcomeKind::Failed
    );
    // Cancelled by two, or an error for two reasons, is no news; done, where nothing happened, is.
    if !ours && (!nothing_happened || state == "Processed") {
        let alarm = format!(
            "Mews has {state} for a command of {}, but here it ended otherwise: {text}",
            row.device_title
        );
        hotel.board.alarm(hotel.now(), alarm, Some(id));
    }
    let (state, text) = (PmsState(state.to_owned()), text.to_owned());
    let now = hotel.now();
    let shown = format!("told Mews {}: {text}", state.0);
    crate::crash::point("before-reported");
    match hotel
        .journal
        .with(move |core| core.reported(id, &state, &text, now))
        .await
    {
        Ok(()) => {
            hotel.board.tell(id, &row.device, shown);
            if outcome.kind == OutcomeKind::Unconfirmed {
                hotel.board.ring(&row.device);
            }
            Told::Closed
        }
        Err(_) => Told::Again,
    }
}

fn wire_word(outcome: &Outcome) -> &'static str {
    match outcome.final_state() {
        FinalState::Processed => "Processed",
        FinalState::Error => "Error",
        FinalState::Cancelled => "Cancelled",
    }
}

fn is_final(state: &str) -> bool {
    matches!(state, "Processed" | "Error" | "Cancelled")
}
