//! What the worker does for a running attempt: commit, checkpoint, shelf, progress.

use std::sync::Arc;

use driver_sdk::{CommandId, DeviceName, Fault, Host, ShelfRead, Staged};
use futures_util::future::BoxFuture;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::board::DeviceState;
use crate::hotel::Hotel;
use crate::journal::{Gate, JournalError, Refusal};
use crate::report::Interim;

/// The worker's side of one attempt.
pub(super) struct AttemptHost {
    pub(super) hotel: Arc<Hotel>,
    pub(super) interim: Interim,
    pub(super) id: CommandId,
    pub(super) device: DeviceName,
    pub(super) scope: String,
    pub(super) stopping: CancellationToken,
}

impl AttemptHost {
    fn gate(&self, staged: Staged) -> Gate {
        Gate {
            scope: self.scope.clone(),
            now: self.hotel.now(),
            staged,
        }
    }

    fn journal_fault(&self, error: &JournalError) -> Fault {
        self.hotel
            .board
            .journal_is(Some((self.hotel.now(), chain(error))));
        Fault::transient("JOURNAL-UNWRITABLE")
    }
}

/// An error and its causes in one line.
pub(super) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(next) = cause {
        text.push_str(": ");
        text.push_str(&next.to_string());
        cause = next.source();
    }
    text
}

impl Host for AttemptHost {
    fn commit(&self, bookmark: Value, staged: Staged) -> BoxFuture<'_, Result<(), Fault>> {
        Box::pin(async move {
            let refused = |why| Err(Fault::transient("NOT-STARTED").with("why", why));
            if self.stopping.is_cancelled() {
                return refused("the worker stops");
            }
            let (id, gate) = (self.id, self.gate(staged));
            crate::crash::point("before-commit");
            let committed = self
                .hotel
                .journal
                .with(move |core| core.commit(id, &bookmark, &gate))
                .await;
            match committed {
                Ok(Ok(attempt)) => {
                    crate::crash::point("after-commit");
                    self.hotel.board.journal_is(None);
                    tracing::debug!(command = %self.id, attempt, "Committed");
                    self.hotel.board.tell(self.id, &self.device, "begun");
                    Ok(())
                }
                Ok(Err(Refusal::Cancelled)) => refused("it was cancelled"),
                Ok(Err(Refusal::Expired)) => refused("it is too old"),
                Ok(Err(Refusal::NotAccepted)) => refused("it was begun or ended already"),
                Ok(Err(Refusal::ShelfConflict)) => Err(Fault::transient("SHELF-CONFLICT")),
                Err(error) => Err(self.journal_fault(&error)),
            }
        })
    }

    fn checkpoint(&self, bookmark: Value, staged: Staged) -> BoxFuture<'_, Result<(), Fault>> {
        Box::pin(async move {
            let (id, gate) = (self.id, self.gate(staged));
            let kept = self
                .hotel
                .journal
                .with(move |core| core.checkpoint(id, &bookmark, &gate))
                .await;
            match kept {
                Ok(Ok(())) => {
                    crate::crash::point("after-checkpoint");
                    Ok(())
                }
                // Nothing was written: the driver reads again and decides anew.
                Ok(Err(_)) => Err(Fault::transient("SHELF-CONFLICT")),
                Err(error) => Err(self.journal_fault(&error)),
            }
        })
    }

    fn progress(&self, percent: u8) {
        self.interim.progress(self.id, percent);
        let state = DeviceState::Busy {
            command: self.id,
            percent: Some(percent),
        };
        self.hotel
            .board
            .device_is(&self.device, state, self.hotel.now());
    }

    fn waiting(&self, fault: Fault) {
        tracing::warn!(device = %self.device, error = %fault, "Device needs a person");
        let state = DeviceState::Waiting {
            say: fault.say().clone(),
        };
        self.hotel
            .board
            .device_is(&self.device, state, self.hotel.now());
        self.hotel
            .board
            .tell(self.id, &self.device, format!("waits: {}", fault.code()));
    }

    fn shelf(&self, key: &str) -> Option<ShelfRead> {
        let (scope, key) = (self.scope.clone(), key.to_owned());
        match self
            .hotel
            .journal
            .look_now(move |core| core.shelf(&scope, &key))
        {
            Ok(found) => found,
            Err(error) => {
                // A ledger that cannot be read must not look empty: a text is no driver's value.
                tracing::error!(device = %self.device, error = %error, "Shelf cannot be read");
                Some(ShelfRead {
                    value: Value::String("unreadable".to_owned()),
                    version: 0,
                })
            }
        }
    }
}
