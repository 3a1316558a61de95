//! `fiscalMachineCommands/getAll`: the only list that shows `Processing`, without the items of the
//! bill, and only where it was granted.

use super::{
    super::{
        clock,
        command::{Command, CommandState},
        device::DeviceKind,
        envelope::{Answer, Refusal},
        members::Members,
    },
    Call,
};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};
use std::str::FromStr;
use uuid::Uuid;

/// The longest interval: three months, the longest ones.
const MOST_DAYS: i64 = 92;

/// What of the older bill the newer one has not.
const OLDER: [&str; 10] = [
    "Revenue",
    "Payments",
    "OrderItems",
    "PaymentItems",
    "OwnerData",
    "AssociatedAccountData",
    "CustomerId",
    "CompanyId",
    "AssigneeData",
    "CompanyDetails",
];

/// By ids, or by devices and states; never both.
pub(super) fn get_all(call: &Call<'_>) -> Result<Answer, Refusal> {
    if !call
        .cloud
        .look(|state| state.hotels[call.hotel].options.fiscal_list)
    {
        return Err(Refusal::new(
            401,
            "The integration may not use this operation.",
        ));
    }
    let known = [
        "CommandIds",
        "DeviceIds",
        "States",
        "UpdatedUtc",
        "Limitation",
        "EnterpriseIds",
    ];
    let members = Members::of_request(call.body, &known)?;
    members.optional_uuids("EnterpriseIds", 1000)?;
    let page = members.page()?;
    let filter = filter(&members)?;
    call.cloud.look(|state| {
        let hotel = &state.hotels[call.hotel];
        let fiscal = hotel.commands().rev().filter(|command| {
            command.view.device.kind == DeviceKind::FiscalMachine && filter.wants(command)
        });
        let items: Vec<Value> = fiscal.map(element).collect();
        let (items, cursor) = page.of(items, super::property::id_of)?;
        Ok(Answer::Json(json!({ "Commands": items, "Cursor": cursor })))
    })
}

enum Filter {
    Ids(Vec<Uuid>),
    Devices {
        ids: Vec<Uuid>,
        states: Vec<CommandState>,
        updated: Option<[Timestamp; 2]>,
    },
}

impl Filter {
    fn wants(&self, command: &Command) -> bool {
        match self {
            Self::Ids(ids) => ids.contains(&command.view.id),
            Self::Devices {
                ids,
                states,
                updated,
            } => {
                let in_time = updated.is_none_or(|[start, end]| {
                    let at = command.updated;
                    at == start || (start <= at && at < end)
                });
                ids.contains(&command.view.device.id)
                    && states.contains(&command.view.state)
                    && in_time
            }
        }
    }
}

fn filter(members: &Members<'_>) -> Result<Filter, Refusal> {
    let by_device = ["DeviceIds", "States", "UpdatedUtc"];
    if let Some(ids) = members.optional_uuids("CommandIds", 1000)? {
        return match by_device.iter().find(|name| members.get(name).is_some()) {
            Some(mixed) => Err(Refusal::invalid(mixed)),
            None => Ok(Filter::Ids(ids)),
        };
    }
    let ids = members.uuids("DeviceIds", 100)?;
    let states = members.optional_list("States")?;
    let states: Option<Vec<CommandState>> = states
        .ok_or_else(|| Refusal::invalid("States"))?
        .iter()
        .map(|state| CommandState::from_name(state.as_str()?))
        .collect();
    let states = states.ok_or_else(|| Refusal::invalid("States"))?;
    let updated = members.get("UpdatedUtc").map(interval).transpose()?;
    Ok(Filter::Devices {
        ids,
        states,
        updated,
    })
}

fn interval(value: &Value) -> Result<[Timestamp; 2], Refusal> {
    let wrong = || Refusal::invalid("UpdatedUtc");
    let members = Members::of_object(value, "UpdatedUtc", &["StartUtc", "EndUtc"])?;
    let read = |name| Timestamp::from_str(members.text(name)?).map_err(|_| wrong());
    let [start, end] = [read("StartUtc")?, read("EndUtc")?];
    let length = end.duration_since(start);
    let most = SignedDuration::from_hours(24 * MOST_DAYS);
    if length < SignedDuration::ZERO || length > most {
        return Err(wrong());
    }
    Ok([start, end])
}

fn element(command: &Command) -> Value {
    let view = &command.view;
    let data = view.payload.data(view.id);
    // Where the command has null, this list has a string: its members are required.
    let text = |name: &str| {
        data.get(name)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    json!({
        "Id": view.id,
        "State": view.state.name(),
        "CreatedUtc": clock::wire(view.created),
        "Creator": { "Discriminator": "Platform", "EnterpriseProfile": null },
        "Device": view.device.wire(),
        "FiscalMachineId": text("FiscalMachineId"),
        "ApiUrl": text("ApiUrl"),
        "FiscalMachineData": text("FiscalMachineData"),
        "TaxIdentifier": data.get("TaxIdentifier").cloned().unwrap_or_default(),
        "Bill": newer_bill(data.get("Bill")),
        "CommandData": command_data(&data),
    })
}

fn newer_bill(bill: Option<&Value>) -> Value {
    let Some(bill) = bill.and_then(Value::as_object) else {
        return Value::Null;
    };
    let kept = bill
        .iter()
        .filter(|(name, _)| !OLDER.contains(&name.as_str()));
    let mut newer: Map<String, Value> = kept
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    let owner = bill
        .get("OwnerData")
        .and_then(Value::as_object)
        .map(|owner| {
            let kind = owner
                .get("Discriminator")
                .and_then(Value::as_str)
                .unwrap_or_default();
            let value = owner.get("Value").cloned().unwrap_or_default();
            let of = |name: &str| {
                if kind == name {
                    value.clone()
                } else {
                    Value::Null
                }
            };
            json!({
                "Discriminator": kind,
                "BillCustomerData": of("BillCustomerData"),
                "BillCompanyData": of("BillCompanyData"),
            })
        });
    newer.insert("Owner".to_owned(), json!(owner));
    let accounts = bill
        .get("AssociatedAccountData")
        .cloned()
        .unwrap_or_default();
    newer.insert("AssociatedAccountsData".to_owned(), accounts);
    Value::Object(newer)
}

fn command_data(data: &Value) -> Value {
    let part = |name: &str| data.get(name).filter(|value| !value.is_null());
    if let Some(payload) = part("PayloadData") {
        return json!({
            "Discriminator": "ItalianFiscalMachinePayload",
            "ItalianFiscalMachineData": null,
            "ItalianFiscalMachinePayload": { "Payload": payload.get("Value") },
        });
    }
    match part("BillFiscalMachineData") {
        Some(bill) => json!({
            "Discriminator": "ItalianFiscalMachineData",
            "ItalianFiscalMachineData": bill.get("Value"),
            "ItalianFiscalMachinePayload": null,
        }),
        None => Value::Null,
    }
}
