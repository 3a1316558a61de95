//! The items and payments of a bill that came without: fetched when its turn has come, so that no other
//! command waits for them, and before anything is said or done.

use std::io;
use std::time::Duration;

use driver_sdk::{CommandId, FiscalWork, Say, Work};

use super::admit::{Unkept, as_json, unreadable};
use crate::hotel::Hotel;
use crate::mews::cloud::CallError;
use crate::mews::translate;

/// How long they may take; then it is tried again later.
const ITEMS_WITHIN: Duration = Duration::from_secs(30);

/// Why a bill is not whole.
#[derive(Debug)]
pub enum Incomplete {
    /// It never will be; what to tell the clerk.
    Say(Say),
    /// The disk did not take it.
    Disk(io::Error),
    /// Mews does not answer as it should; it has to be tried again.
    NotYet(CallError),
}

impl From<Unkept> for Incomplete {
    fn from(unkept: Unkept) -> Self {
        match unkept {
            Unkept::Say(say) => Self::Say(say),
            Unkept::Disk(cause) => Self::Disk(cause),
        }
    }
}

/// Fetches what is missing and keeps the whole bill beside the journal.
///
/// # Errors
/// [`Incomplete`]: the payload is as it was.
pub async fn complete_bill(
    hotel: &Hotel,
    id: CommandId,
    bare: &FiscalWork,
) -> Result<(), Incomplete> {
    let bill = bare.bill.id;
    let fetching = async {
        let items = hotel.cloud.order_items(bill).await?;
        Ok((items, hotel.cloud.payments(bill).await?))
    };
    let fetched = tokio::time::timeout(ITEMS_WITHIN, fetching);
    let (items, payments) = match fetched.await.unwrap_or(Err(CallError::NoAnswer)) {
        Ok(fetched) => fetched,
        // Mews will not say more tomorrow: the clerk hears it now.
        Err(CallError::Refused { .. } | CallError::Unauthorized | CallError::NotFound) => {
            let why = "Mews does not give this PC the items and payments of the bill";
            return Err(unreadable(why).into());
        }
        Err(error @ (CallError::TooMuch(_) | CallError::Unreadable(_) | CallError::NoAnswer)) => {
            return Err(Incomplete::NotYet(error));
        }
    };
    let mut whole = bare.clone();
    translate::fill_bill(&mut whole, items, payments);
    let work = Work::Fiscal(Box::new(whole));
    let payloads = hotel.journal.payloads();
    let written = payloads.write(id, &as_json(&work), None);
    written.map_err(Incomplete::Disk)
}
