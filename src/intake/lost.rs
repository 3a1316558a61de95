//! After a lost journal: fiscal commands that Mews calls `Processing` and that nobody remembers.
//! The old journal was their only memory, so they may have been issued. They are shown to a
//! person, and never run.

use std::time::Duration;

use driver_sdk::{Class, CommandId};
use jiff::SignedDuration;

use crate::hotel::{Hotel, Member};
use crate::mews::wire::{Command, State};

/// Rest after a call that failed.
const RETRY: Duration = Duration::from_secs(30);
/// As far back as one question may reach: three months.
const BACK: SignedDuration = SignedDuration::from_hours(24 * 89);

/// Shows every command of a fiscal machine of this PC that may have been begun by a journal that is
/// lost. `Some`: it could not be asked, and when to ask again.
pub(super) async fn list_begun(hotel: &Hotel) -> Option<Duration> {
    let devices = hotel.ids_of(Class::FiscalMachine);
    if !hotel.found.replaced || devices.is_empty() {
        return None;
    }
    let now = hotel.now();
    let since = now.checked_sub(BACK).unwrap_or(hotel.found.made);
    let until = now + SignedDuration::from_mins(1);
    let listed = hotel
        .cloud
        .fiscal_commands(&devices, &[State::Processing], (since, until));
    match listed.await {
        Ok(Some(commands)) => {
            for command in &commands {
                show_if_forgotten(hotel, command).await;
            }
            None
        }
        Ok(None) => {
            let text = "This PC lost its journal, and Mews does not show it which fiscal commands \
                        were begun: look in Mews for device commands in Processing, and for their \
                        bills on the fiscal device's paper";
            hotel.board.alarm(now, text, None);
            None
        }
        Err(error) => {
            tracing::warn!(error = %error, "Fiscal commands in Processing are not listed yet");
            Some(RETRY)
        }
    }
}

/// A command that Mews calls `Processing`: shown if this journal does not know it and an older one
/// may have begun it.
async fn show_if_forgotten(hotel: &Hotel, command: &Command) {
    let id = command.id;
    let known = hotel.journal.look(move |core| core.row(id)).await;
    let member = hotel.member_of(command.device.id, &command.device.name);
    if let (Ok(None), Some(member)) = (known, member) {
        show_begun(hotel, member, command);
    }
}

/// The same, of a command that is surely unknown here.
pub(super) fn show_begun(hotel: &Hotel, member: &Member, command: &Command) {
    let (id, name): (CommandId, _) = (command.id, &member.name);
    let created = command.created.unwrap_or(hotel.found.made);
    let forgotten = hotel
        .birth()
        .is_none_or(|found| found.may_have_been_begun(created, true));
    if !member.rules.class.is_money() || !forgotten {
        return;
    }
    let at = created.strftime("%Y-%m-%d %H:%M UTC");
    let text = format!(
        "{}: Mews calls the command of {at} Processing, and this PC lost the journal that knew of \
         it: it may have been done, and is not done now. Look at the device before anybody sends it \
         again",
        command.device.name.trim(),
    );
    hotel.board.alarm(hotel.now(), text, Some(id));
    hotel
        .board
        .tell(id, name, "begun before the journal was lost");
}
