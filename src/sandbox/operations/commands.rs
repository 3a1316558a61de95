//! `commands/…`: fetch, list, report, create.

use super::{
    super::{
        clock::Clock,
        command::{By, CommandState, HistoryEntry, NewCommand},
        device::DeviceKind,
        documents::Payload,
        envelope::{Answer, Refusal},
        members::{Members, Page},
        samples::{self, Amount, KeyRequest},
    },
    Call,
};
use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use serde_json::{Value, json};
use std::collections::HashSet;
use uuid::Uuid;

/// Most ids in one request.
const MOST_IDS: usize = 1000;

/// Commands in any state. Unknown ids are left out, or fail the call, as the options say.
pub(super) fn get_all_by_ids(call: &Call<'_>) -> Result<Answer, Refusal> {
    let members = Members::of_request(call.body, &["CommandIds", "Limitation"])?;
    let ids = members.uuids("CommandIds", MOST_IDS)?;
    let page = members.optional_page()?.unwrap_or(Page {
        count: MOST_IDS,
        cursor: None,
    });
    call.cloud.look(|state| {
        let hotel = &state.hotels[call.hotel];
        let mut seen = HashSet::new();
        let mut views = Vec::new();
        for id in ids.into_iter().filter(|id| seen.insert(*id)) {
            match hotel.command(id) {
                Some(command) => views.push(command.view.clone()),
                None if call.cloud.rules.unknown_ids_fail => {
                    return Err(Refusal::invalid("CommandIds"));
                }
                None => {}
            }
        }
        let (commands, cursor) = page.of(hotel.ordered(views), |view| Some(view.id))?;
        Ok(Answer::Commands { commands, cursor })
    })
}

/// Commands that are `Pending` or `Received`, of devices connected to the integration.
pub(super) fn get_all_active(call: &Call<'_>) -> Result<Answer, Refusal> {
    Members::of_request(call.body, &[])?;
    call.cloud.look(|state| {
        let hotel = &state.hotels[call.hotel];
        let is_listed = |device| hotel.device(device).is_some_and(|device| device.connected);
        let views = hotel.commands().map(|command| &command.view);
        let active = views.filter(|view| view.state.is_active() && is_listed(view.device.id));
        let views = hotel.ordered(active.cloned().collect());
        let count = hotel.options.active_limit.unwrap_or(usize::MAX - 1);
        let (commands, _) = Page {
            count,
            cursor: None,
        }
        .of(views, |view| Some(view.id))?;
        // The contract's example shows the cursor of a list that is complete.
        let cursor = commands.last().map(|view| view.id);
        Ok(Answer::Commands { commands, cursor })
    })
}

/// The worker's report. Forward only; a final state stays; the same state again is harmless.
pub(super) fn update(call: &Call<'_>) -> Result<Answer, Refusal> {
    let members = Members::of_request(call.body, &["CommandId", "State", "Progress", "Notes"])?;
    let id = members.uuid("CommandId")?;
    let next = CommandState::from_name(members.text("State")?);
    let next = next.ok_or_else(|| Refusal::invalid("State"))?;
    let progress = members.optional_number("Progress")?;
    let notes = members.optional_text("Notes")?;
    let refused = call.cloud.rules.refused_update;
    call.cloud.change(|state| {
        let now = state.clock.utc();
        let command = state.hotels[call.hotel].command_mut(id);
        let command = command.ok_or_else(|| Refusal::invalid("CommandId"))?;
        let was = command.view.state;
        let accepted = was.accepts(next);
        // Progress is read only with Processing, notes only with a final state.
        let new_progress = progress.filter(|_| next == CommandState::Processing);
        let new_notes = notes.filter(|_| next.is_final() && !was.is_final());
        let moved = new_progress.is_some() && new_progress != command.progress;
        let changes = accepted && (was != next || moved);
        if changes {
            command.view.state = next;
            command.updated = now;
            command.progress = new_progress.or(command.progress);
            command.notes = new_notes.map(str::to_owned).or(command.notes.take());
        }
        let status = if accepted { 200 } else { refused };
        command.history.push(HistoryEntry {
            at: Clock::instant(),
            utc: now,
            by: By::Worker,
            state: next,
            progress,
            notes: notes.map(str::to_owned),
            answered: call.is_answered.then_some(status),
            applied: changes,
        });
        if changes {
            state.announce(call.hotel, id);
        }
        if accepted {
            Ok(Answer::Json(json!({})))
        } else {
            let (was, next) = (was.name(), next.name());
            let text = format!("The command is {was} and cannot become {next}.");
            Err(Refusal::new(refused, text))
        }
    })
}

/// A print job: a PDF.
pub(super) fn add_printer(call: &Call<'_>) -> Result<Answer, Refusal> {
    let known = ["PrinterId", "Data", "CopyCount", "EnterpriseId"];
    let members = Members::of_request(call.body, &known)?;
    let device = device(call, &members, "PrinterId", &DeviceKind::Printer)?;
    let document = BASE64.decode(members.text("Data")?).ok();
    let document = document.filter(|bytes| bytes.starts_with(b"%PDF-"));
    let document = document.ok_or_else(|| Refusal::invalid("Data"))?;
    let copies = members.integer("CopyCount")?;
    members.optional_uuid("EnterpriseId")?;
    let printer = name_of(call, device);
    let payload = Payload::print("application/pdf", &document, copies, &printer);
    Ok(create(call, NewCommand::with(device, payload)))
}

/// Keys for a reservation; of one the sandbox does not know, the guest is invented.
pub(super) fn add_key_cutter(call: &Call<'_>) -> Result<Answer, Refusal> {
    let known = ["KeyCutterId", "ReservationId", "KeyCount", "EnterpriseId"];
    let members = Members::of_request(call.body, &known)?;
    let device = device(call, &members, "KeyCutterId", &DeviceKind::KeyCutter)?;
    let reservation = members.uuid("ReservationId")?;
    let count = members.integer("KeyCount")?;
    members.optional_uuid("EnterpriseId")?;
    let now = call.cloud.look(|state| state.clock.utc());
    let key = KeyRequest {
        count,
        ..KeyRequest::invented(reservation, now)
    };
    Ok(create(call, NewCommand::new(device, key.data())))
}

/// A payment, or a preauthorization.
pub(super) fn add_payment_terminal(call: &Call<'_>) -> Result<Answer, Refusal> {
    let known = [
        "TerminalId",
        "CustomerId",
        "Type",
        "Amount",
        "BillId",
        "PaymentRequestId",
        "ReservationId",
    ];
    let members = Members::of_request(call.body, &known)?;
    let device = device(call, &members, "TerminalId", &DeviceKind::PaymentTerminal)?;
    let customer = members.uuid("CustomerId")?;
    let kind = members.text("Type")?;
    if !["Payment", "Preauthorization"].contains(&kind) {
        return Err(Refusal::invalid("Type"));
    }
    let amount = members
        .get("Amount")
        .ok_or_else(|| Refusal::invalid("Amount"))?;
    let amount = Members::of_object(amount, "Amount", &["Currency", "Value"])?;
    let value = amount.get("Value").filter(|value| value.is_number());
    let value = value.ok_or_else(|| Refusal::invalid("Amount"))?.to_string();
    let amount = Amount::new(&value, amount.text("Currency")?);
    let bill = members.optional_uuid("BillId")?;
    members.optional_uuid("PaymentRequestId")?;
    members.optional_uuid("ReservationId")?;
    let mut data = samples::payment_data(&amount);
    data["AccountId"] = json!(customer);
    data["BillId"] = json!(bill);
    if kind == "Preauthorization" {
        data["PreauthorizationId"] = data["PaymentId"].take();
        data["PaymentId"] = Value::Null;
    }
    Ok(create(call, NewCommand::new(device, data)))
}

fn device(
    call: &Call<'_>,
    members: &Members<'_>,
    name: &str,
    kind: &DeviceKind,
) -> Result<Uuid, Refusal> {
    let id = members.uuid(name)?;
    let fits = call.cloud.look(|state| {
        state.hotels[call.hotel]
            .device(id)
            .is_some_and(|device| device.kind == *kind)
    });
    if fits {
        Ok(id)
    } else {
        Err(Refusal::invalid(name))
    }
}

fn name_of(call: &Call<'_>, device: Uuid) -> String {
    let name = call.cloud.look(|state| {
        state.hotels[call.hotel]
            .device(device)
            .map(|device| device.name.clone())
    });
    name.unwrap_or_default()
}

fn create(call: &Call<'_>, new: NewCommand) -> Answer {
    let id = new.id;
    call.cloud.change(|state| {
        let now = state.clock.utc();
        if state.hotels[call.hotel].insert(new, now).is_some() {
            state.announce(call.hotel, id);
        }
    });
    Answer::Json(json!({ "CommandId": id }))
}
