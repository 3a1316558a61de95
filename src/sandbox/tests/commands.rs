use super::{
    super::{By, CommandState, Device, DeviceKind, HistoryEntry, NewCommand, SandboxOptions},
    raw_client::{Reply, start},
};
use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use serde_json::{Value, json};
use uuid::Uuid;

fn first(reply: &Reply) -> &Value {
    &reply.body["Commands"][0]
}

#[tokio::test]
async fn a_print_job_comes_with_its_document_inline() {
    let (sandbox, client) = start(SandboxOptions::default()).await;
    let bar = sandbox.add_device(DeviceKind::Printer, "Bar");
    let id = sandbox.add_print(bar, "text/plain", "Žluťoučký".as_bytes(), 2);
    let reply = client
        .call("commands/getAllByIds", json!({ "CommandIds": [id] }))
        .await;
    assert_eq!(reply.status, 200);
    let command = first(&reply);
    assert_eq!(command["Id"], json!(id));
    assert_eq!(command["State"], json!("Pending"));
    assert_eq!(command["Creator"], Value::Null);
    assert_eq!(
        command["Device"],
        json!({ "Id": bar, "Type": "Printer", "Name": "Bar" })
    );
    let created = command["CreatedUtc"].as_str().expect("a text");
    assert!(created.ends_with('Z') && created.len() == 20, "{created}");
    let expected = json!({
        "CopyCount": 2, "FileType": "text/plain",
        "FileData": BASE64.encode("Žluťoučký"), "PrinterName": "Bar",
        "PrinterDriverName": "", "PrinterPortName": "",
    });
    assert_eq!(command["Data"], expected);
}

#[tokio::test]
async fn raw_data_goes_over_the_wire_as_it_is() {
    let (sandbox, client) = start(SandboxOptions::default()).await;
    let odd = sandbox.add_device(DeviceKind::Other("VisiOnlineKeyCutter".to_owned()), "Old");
    let data = json!({ "__type": "x", "N": [null, { "Price": 1.10 }] });
    let id = sandbox.add_raw(odd, data.clone());
    let reply = client
        .call("commands/getAllByIds", json!({ "CommandIds": [id] }))
        .await;
    assert_eq!(first(&reply)["Data"], data);
    assert_eq!(
        first(&reply)["Device"]["Type"],
        json!("VisiOnlineKeyCutter")
    );
}

#[tokio::test]
async fn get_all_by_ids_takes_1_to_1000_ids_in_any_state_and_leaves_unknown_ones_out() {
    let (sandbox, client) = start(SandboxOptions::default()).await;
    let bar = sandbox.add_device(DeviceKind::Printer, "Bar");
    let id = sandbox.add_raw(bar, json!({}));
    sandbox.cancel(id);
    let ids = json!([id, id, Uuid::new_v4(), id.to_string().to_uppercase()]);
    let reply = client
        .call("commands/getAllByIds", json!({ "CommandIds": ids }))
        .await;
    assert_eq!(reply.body["Commands"].as_array().map(Vec::len), Some(1));
    assert_eq!(first(&reply)["State"], json!("Cancelled"));

    let many = |count: usize| json!((0..count).map(|_| Uuid::new_v4()).collect::<Vec<_>>());
    for (ids, status) in [
        (json!([]), 400),
        (many(1000), 200),
        (many(1001), 400),
        (json!(["no id"]), 400),
        (json!([null]), 400),
        (json!(id), 400),
        (Value::Null, 400),
    ] {
        let reply = client
            .call("commands/getAllByIds", json!({ "CommandIds": ids }))
            .await;
        assert_eq!(reply.status, status);
    }
}

#[tokio::test]
async fn unknown_ids_can_fail_the_call_and_forgotten_commands_are_unknown() {
    let options = SandboxOptions {
        unknown_ids_fail: true,
        ..SandboxOptions::default()
    };
    let (sandbox, client) = start(options).await;
    let bar = sandbox.add_device(DeviceKind::Printer, "Bar");
    let id = sandbox.add_raw(bar, json!({}));
    let ids = json!({ "CommandIds": [id] });
    assert_eq!(
        client
            .call("commands/getAllByIds", ids.clone())
            .await
            .status,
        200
    );
    sandbox.forget(id);
    assert_eq!(client.call("commands/getAllByIds", ids).await.status, 400);
    assert_eq!(client.report(id, "Processed").await, 400);
    assert_eq!(sandbox.state(id), None);
}

/// Every pair of states, told to a fresh command: this table is the rule.
#[tokio::test]
async fn states_go_forward_only_and_a_final_one_stays() {
    let options = SandboxOptions {
        rate_limit: 1000,
        ..SandboxOptions::default()
    };
    let (sandbox, client) = start(options).await;
    let bar = sandbox.add_device(DeviceKind::Printer, "Bar");
    //                  to: Pending Received Processing Processed Cancelled Error
    let table = [
        ("Pending", [200, 200, 200, 200, 200, 200]),
        ("Received", [403, 200, 200, 200, 200, 200]),
        ("Processing", [403, 403, 200, 200, 200, 200]),
        ("Processed", [403, 403, 403, 200, 403, 403]),
        ("Cancelled", [403, 403, 403, 403, 200, 403]),
        ("Error", [403, 403, 403, 403, 403, 200]),
    ];
    for (from, answers) in table {
        for (to, expected) in CommandState::ALL.into_iter().zip(answers) {
            let state = CommandState::from_name(from).expect("a state");
            let id = sandbox.add(NewCommand::new(bar, json!({})).state(state));
            let body = json!({ "CommandId": id, "State": to.name() });
            let reply = client.call("commands/update", body).await;
            assert_eq!(reply.status, expected, "{from} -> {}", to.name());
            let now = if expected == 200 { to } else { state };
            assert_eq!(sandbox.state(id), Some(now));
            assert_eq!(reply.body["Message"].is_string(), expected == 403);
        }
    }
}

#[tokio::test]
async fn notes_count_only_with_a_final_state_and_progress_only_with_processing() {
    let (sandbox, client) = start(SandboxOptions::default()).await;
    let bar = sandbox.add_device(DeviceKind::Printer, "Bar");
    let id = sandbox.add_raw(bar, json!({}));
    let tell = |state: &'static str, progress: Value, notes: Value| {
        let mut body = json!({ "CommandId": id, "State": state });
        (body["Progress"], body["Notes"]) = (progress, notes);
        body
    };
    let told = client.call(
        "commands/update",
        tell("Processing", json!(0.4), json!("early")),
    );
    assert_eq!(told.await.body, json!({}));
    assert_eq!((sandbox.progress(id), sandbox.notes(id)), (Some(0.4), None));
    client
        .call(
            "commands/update",
            tell("Processing", json!(0.8), Value::Null),
        )
        .await;
    assert_eq!(sandbox.progress(id), Some(0.8));
    let long = "n".repeat(700);
    client
        .call("commands/update", tell("Error", json!(0.1), json!(long)))
        .await;
    assert_eq!(
        (sandbox.progress(id), sandbox.notes(id)),
        (Some(0.8), Some(long))
    );
    client
        .call(
            "commands/update",
            tell("Error", Value::Null, json!("other")),
        )
        .await;
    assert_eq!(sandbox.notes(id).map(|notes| notes.len()), Some(700));

    let history = sandbox.history(id);
    let short: Vec<_> = history
        .iter()
        .map(|entry: &HistoryEntry| (entry.by, entry.state, entry.answered, entry.applied))
        .collect();
    use CommandState::{Error, Pending, Processing};
    assert_eq!(
        short,
        [
            (By::Mews, Pending, None, true),
            (By::Worker, Processing, Some(200), true),
            (By::Worker, Processing, Some(200), true),
            (By::Worker, Error, Some(200), true),
            (By::Worker, Error, Some(200), false),
        ]
    );
    assert_eq!(history[1].notes.as_deref(), Some("early"));
}

#[tokio::test]
async fn a_malformed_update_changes_nothing() {
    let (sandbox, client) = start(SandboxOptions::default()).await;
    let bar = sandbox.add_device(DeviceKind::Printer, "Bar");
    let id = sandbox.add_raw(bar, json!({}));
    for body in [
        json!({ "CommandId": id }),
        json!({ "State": "Processed" }),
        json!({ "CommandId": id, "State": "Canceled" }),
        json!({ "CommandId": id, "State": "processed" }),
        json!({ "CommandId": id, "State": 3 }),
        json!({ "CommandId": Uuid::new_v4(), "State": "Processed" }),
        json!({ "CommandId": id, "State": "Processing", "Progress": "0.5" }),
        json!({ "CommandId": id, "State": "Error", "Notes": ["x"] }),
        json!({ "CommandId": id, "State": "Processed", "Receipt": "1" }),
    ] {
        assert_eq!(
            client.call("commands/update", body.clone()).await.status,
            400,
            "{body}"
        );
    }
    assert_eq!(sandbox.state(id), Some(CommandState::Pending));
    assert_eq!(sandbox.history(id).len(), 1);
}

#[tokio::test]
async fn a_refused_update_can_have_another_status() {
    let options = SandboxOptions {
        refused_update: 409,
        ..SandboxOptions::default()
    };
    let (sandbox, client) = start(options).await;
    let bar = sandbox.add_device(DeviceKind::Printer, "Bar");
    let id = sandbox.add_raw(bar, json!({}));
    assert!(sandbox.cancel(id));
    assert!(!sandbox.cancel(id));
    assert_eq!(client.report(id, "Processed").await, 409);
    let last = sandbox.history(id).pop().expect("the refusal");
    assert_eq!((last.answered, last.applied), (Some(409), false));
}

#[tokio::test]
async fn add_printer_takes_a_pdf_for_a_printer() {
    let (sandbox, client) = start(SandboxOptions::default()).await;
    let bar = sandbox.add_device(DeviceKind::Printer, "Bar");
    let encoder = sandbox.add_device(DeviceKind::KeyCutter, "Encoder");
    let pdf = BASE64.encode("%PDF-1.4 …");
    let wanted = |device: Uuid, data: &str, copies: Value| {
        let mut body = json!({ "PrinterId": device, "Data": data });
        body["CopyCount"] = copies;
        body
    };
    for (body, status) in [
        (wanted(bar, &pdf, json!(2)), 200),
        (wanted(encoder, &pdf, json!(1)), 400),
        (wanted(bar, "no base64", json!(1)), 400),
        (wanted(bar, &BASE64.encode("text"), json!(1)), 400),
        (wanted(bar, &pdf, json!("1")), 400),
        (wanted(bar, &pdf, Value::Null), 400),
    ] {
        assert_eq!(
            client
                .call("commands/addPrinter", body.clone())
                .await
                .status,
            status,
            "{body}"
        );
    }
    let ids = sandbox.commands();
    let reply = client
        .call("commands/getAllByIds", json!({ "CommandIds": ids }))
        .await;
    assert_eq!(reply.body["Commands"].as_array().map(Vec::len), Some(1));
    assert_eq!(first(&reply)["Data"]["FileData"], json!(pdf));
    assert_eq!(first(&reply)["Data"]["FileType"], json!("application/pdf"));
}

#[tokio::test]
async fn add_key_cutter_makes_a_key_for_the_same_invented_guest_each_time() {
    let (sandbox, client) = start(SandboxOptions::default()).await;
    let encoder = sandbox.add_device(DeviceKind::KeyCutter, "Encoder");
    let reservation = Uuid::new_v4();
    let body = json!({ "KeyCutterId": encoder, "ReservationId": reservation, "KeyCount": 2 });
    let mut guests = Vec::new();
    for _ in 0..2 {
        let added = client.call("commands/addKeyCutter", body.clone()).await;
        let ids = json!({ "CommandIds": [added.body["CommandId"]] });
        let reply = client.call("commands/getAllByIds", ids).await;
        let data = &first(&reply)["Data"];
        assert_eq!(data["KeyCount"], json!(2));
        assert_eq!(data["ReservationId"], json!(reservation));
        assert!(data["StartUtc"].as_str() < data["EndUtc"].as_str());
        guests.push((data["LastName"].clone(), data["LockIds"].clone()));
    }
    assert_eq!(guests[0], guests[1]);
    let nobody = json!({ "KeyCutterId": encoder, "KeyCount": 2 });
    assert_eq!(
        client.call("commands/addKeyCutter", nobody).await.status,
        400
    );
}

#[tokio::test]
async fn add_payment_terminal_sets_one_of_payment_and_preauthorization() {
    let (sandbox, client) = start(SandboxOptions::default()).await;
    let terminal = sandbox.add_device(DeviceKind::PaymentTerminal, "Terminal");
    for (kind, set, unset) in [
        ("Payment", "PaymentId", "PreauthorizationId"),
        ("Preauthorization", "PreauthorizationId", "PaymentId"),
    ] {
        let body = json!({
            "TerminalId": terminal, "CustomerId": Uuid::new_v4(), "Type": kind,
            "Amount": { "Currency": "EUR", "Value": 42.5 },
        });
        let added = client.call("commands/addPaymentTerminal", body).await;
        let ids = json!({ "CommandIds": [added.body["CommandId"]] });
        let reply = client.call("commands/getAllByIds", ids).await;
        let data = &first(&reply)["Data"];
        assert!(data[set].is_string() && data[unset].is_null(), "{kind}");
        assert_eq!(data["Amount"]["GrossValue"].to_string(), "42.5");
    }
}

#[tokio::test]
async fn waiting_ends_with_the_final_state() {
    let (sandbox, client) = start(SandboxOptions::default()).await;
    let bar = sandbox.add_device(DeviceKind::Printer, "Bar");
    let ids: Vec<Uuid> = (0..3).map(|_| sandbox.add_raw(bar, json!({}))).collect();
    let all = sandbox.wait_all_final(&ids);
    let reports = async {
        for (id, state) in ids.iter().zip(["Error", "Processed", "Cancelled"]) {
            client.report(*id, state).await;
        }
    };
    tokio::join!(all, reports);
    assert_eq!(sandbox.wait_final(ids[0]).await, CommandState::Error);
    let (born, ended) = sandbox.life_span(ids[1]).expect("a life");
    assert!(ended.expect("an end") >= born);
}

#[tokio::test]
async fn a_device_that_is_not_connected_is_listed_but_its_commands_are_not() {
    let (sandbox, client) = start(SandboxOptions::default()).await;
    let (id, kind) = (Uuid::new_v4(), DeviceKind::Printer);
    let (name, identifier) = ("Far".to_owned(), Some("F-1".to_owned()));
    sandbox.put_device(Device {
        id,
        kind,
        name,
        identifier,
        connected: false,
    });
    sandbox.add_raw(id, json!({}));
    let devices = client.call("devices/getAll", json!({})).await;
    assert_eq!(devices.body["Devices"][0]["Identifier"], json!("F-1"));
    let active = client.call("commands/getAllActive", json!({})).await;
    assert_eq!(active.body["Commands"], json!([]));
}
