//! While no attempt runs: how the printer is, asked now and then.

use std::time::Duration;

use driver_sdk::{Fault, Health, Watch, clock};
use tokio::time::sleep;

use super::ReceiptPrinter;
use crate::codec::command;
use crate::printer::PATIENCE;
use crate::settings::Status;
use crate::trouble::Cause;

/// How often a printer that is not well is asked: somebody may be putting it right.
const UNWELL_EVERY: Duration = Duration::from_secs(1);

impl ReceiptPrinter {
    /// Asks how the printer is, now and then, and listens between on a line of its own.
    pub(super) async fn watch_over(&mut self, watch: &Watch) -> Result<(), Fault> {
        if self.config.status == Status::None || self.config.watch.is_zero() {
            return Ok(());
        }
        if self.wire.held_for_a_job {
            sleep(self.config.hold).await;
            self.printer.close().await;
        }
        loop {
            // At rest first: a command that comes now finds the line free.
            sleep(self.rest()).await;
            self.printer.open().await?;
            if self.printer.ask(PATIENCE).await?.is_none() {
                if self.printer.known.answers != Some(true) {
                    // A printer that never answers has nothing to watch.
                    return Ok(());
                }
                let address = self.printer.address();
                return Err(Fault::transient("ESCPOS-SILENT").with("address", address));
            }
            self.printer.known.answers = Some(true);
            self.tell(watch);
            self.ring(watch);
            if self.wire.held_for_a_job {
                self.printer.close().await;
            } else {
                self.printer.say(&command::AUTOMATIC_STATUS_ON).await?;
                self.listen_between(watch).await?;
            }
        }
    }

    /// Tells how the printer is, by its newest status.
    fn tell(&self, watch: &Watch) {
        match self.printer.trouble() {
            Some(condition) => watch.health(Health::Unwell(Cause::Says(condition).fault())),
            None if self.printer.status.is_some_and(|status| status.near_end) => {
                watch.health(Health::Warned(Fault::operator("ESCPOS-NEAR-END")));
            }
            None => watch.health(Health::Well),
        }
    }

    /// A mark nobody waits for any more may settle a doubt.
    fn ring(&mut self, watch: &Watch) {
        if self.printer.heard_mark() {
            watch.news();
        }
    }

    fn rest(&self) -> Duration {
        match self.printer.trouble() {
            Some(_) => UNWELL_EVERY.min(self.config.watch),
            None => self.config.watch,
        }
    }

    /// A printer that speaks unasked is heard at once.
    async fn listen_between(&mut self, watch: &Watch) -> Result<(), Fault> {
        let until = clock::now() + self.rest();
        while clock::now() < until {
            if self.printer.listen_until(until).await? {
                self.tell(watch);
                self.ring(watch);
            }
        }
        Ok(())
    }
}
