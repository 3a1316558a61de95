//! `Processing` of a fiscal machine or a terminal: confirmed before the device is touched.

use std::time::Duration;

use crate::hotel::Hotel;
use crate::journal::Row;
use crate::life::Said;
use crate::mews::budget::{Priority, Rank};
use crate::mews::cloud::CallError;
use crate::mews::wire::{State, Update};

/// Why `Processing` was not confirmed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotConfirmed {
    /// It has this final state already: nothing may run.
    Final(String),
    /// Mews answers, and does not know it.
    Unknown,
    /// Mews answers, knows it, and does not take it.
    Refused,
    /// Mews, or this PC's disk, does not answer as it should, for any command; ask again later.
    Later,
}

/// Has `Processing` confirmed before a fiscal device or a terminal is touched.
///
/// # Errors
/// [`NotConfirmed`]: nothing may run.
pub async fn confirm_processing(hotel: &Hotel, row: &Row) -> Result<(), NotConfirmed> {
    let id = row.entry.id;
    let now = hotel.now();
    if hotel
        .journal
        .with(move |core| core.about_to_say_processing(id, now))
        .await
        .is_err()
    {
        return Err(NotConfirmed::Later);
    }
    crate::crash::point("before-processing");
    let rank = Rank {
        priority: Priority::ProcessingOfMoney,
        created: Some(row.created),
    };
    let confirmed = match hotel
        .cloud
        .update(id, &Update::Processing { percent: None }, rank)
        .await
    {
        Ok(()) => Ok(()),
        Err(
            error @ (CallError::Refused { .. } | CallError::Unreadable(_) | CallError::NoAnswer),
        ) => match hotel.cloud.read_now(id, Duration::from_secs(30)).await {
            Ok(Some(command)) if command.state.is_final() => {
                Err(NotConfirmed::Final(command.state.as_str().to_owned()))
            }
            Ok(Some(command)) if command.state == State::Processing => Ok(()),
            Ok(None) => Err(NotConfirmed::Unknown),
            Ok(Some(_)) if error != CallError::NoAnswer => Err(NotConfirmed::Refused),
            Ok(Some(_)) | Err(_) => Err(NotConfirmed::Later),
        },
        Err(CallError::Unauthorized | CallError::NotFound | CallError::TooMuch(_)) => {
            Err(NotConfirmed::Later)
        }
    };
    if confirmed.is_ok() {
        crate::crash::point("after-processing");
        let said = hotel
            .journal
            .with(move |core| core.said(id, Said::Processing, now))
            .await;
        return said.map_err(|_| NotConfirmed::Later);
    }
    confirmed
}
