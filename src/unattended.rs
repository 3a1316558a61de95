//! Commands of devices that the config no longer names, or names otherwise: it was changed while they
//! were open. No lane looks at them, so they are ended here, once after a start.

use std::collections::BTreeSet;
use std::time::Duration;

use driver_sdk::{DeviceName, Say, Staged};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::board::Board;
use crate::clock::Clock;
use crate::hotel::{Hotel, Hotels};
use crate::journal::{Gate, Journal, JournalError, Row};
use crate::life::{Outcome, Stage};

/// Rest while the journal cannot be read or written.
const REST: Duration = Duration::from_secs(5);

/// What is known of who is served.
pub(crate) struct Unattended {
    pub(crate) journal: Journal,
    pub(crate) board: Board,
    pub(crate) clock: Clock,
    pub(crate) hotels: Hotels,
    pub(crate) devices: BTreeSet<DeviceName>,
}

impl Unattended {
    /// Ends them, however often the disk refuses.
    pub(crate) async fn end_all(self, stop: CancellationToken) {
        loop {
            let ended = tokio::select! {
                biased;
                () = stop.cancelled() => return,
                ended = self.try_all() => ended,
            };
            let Err(error) = ended else { return };
            tracing::warn!(error = %error, "Commands of devices that are gone are not ended yet");
            tokio::select! {
                biased;
                () = stop.cancelled() => return,
                () = sleep(REST) => {}
            }
        }
    }

    async fn try_all(&self) -> Result<(), JournalError> {
        for (property, device) in self.journal.look(|core| core.open_lines()).await? {
            let Some(hotel) = self.hotels.get(&property) else {
                // They stay as they are: where it is put back, its devices are asked.
                let text = format!(
                    "The journal has open commands of the property {property}, which the config no \
                     longer names: nothing is done with them and Mews is not told. Put it back, or \
                     end them in Mews"
                );
                self.board.alarm(self.clock.pc_time(), text, None);
                continue;
            };
            if !self.devices.contains(&device) {
                self.end_line(hotel, &property, &device).await?;
            }
        }
        Ok(())
    }

    async fn end_line(
        &self,
        hotel: &Hotel,
        property: &str,
        device: &DeviceName,
    ) -> Result<(), JournalError> {
        let name = device.clone();
        let rows = self
            .journal
            .look(move |core| {
                let mut rows = core.committed(&name)?;
                rows.extend(core.waiting(&name, u32::MAX)?);
                Ok(rows)
            })
            .await?;
        // A device may have had this name in another property.
        for row in rows.iter().filter(|row| row.property == property) {
            self.end(hotel, row).await?;
            self.board.teller_bell(property).notify_one();
        }
        Ok(())
    }

    async fn end(&self, hotel: &Hotel, row: &Row) -> Result<(), JournalError> {
        let begun = matches!(row.entry.stage, Stage::Committed { .. });
        let mut outcome = if begun {
            Outcome::unconfirmed(Say::new("DEVICE-REMOVED-BEGUN"))
        } else if row.entry.cancel_requested {
            Outcome::cancelled()
        } else {
            Outcome::failed(Say::new("DEVICE-REMOVED"))
        };
        if row.repeat {
            outcome = outcome.of_a_repeat();
        }
        let gate = Gate {
            scope: String::new(),
            now: hotel.now(),
            staged: Staged::default(),
        };
        let id = row.entry.id;
        tracing::warn!(device = %row.device, command = %id, begun, "Device is gone; ended");
        self.journal
            .with(move |core| core.settle(id, &outcome, &gate))
            .await?;
        Ok(())
    }
}
