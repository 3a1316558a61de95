use super::{
    super::{CommandState, DeviceKind, NewCommand, SandboxOptions, samples},
    raw_client::start,
};
use serde_json::{Value, json};
use uuid::Uuid;

#[tokio::test]
async fn it_is_401_unless_granted() {
    let (sandbox, client) = start(SandboxOptions::default()).await;
    sandbox.set_options(|hotel| hotel.fiscal_list = false);
    let body = json!({ "CommandIds": [Uuid::new_v4()], "Limitation": { "Count": 10 } });
    assert_eq!(
        client
            .call("fiscalMachineCommands/getAll", body.clone())
            .await
            .status,
        401
    );
    sandbox.set_options(|hotel| hotel.fiscal_list = true);
    assert_eq!(
        client
            .call("fiscalMachineCommands/getAll", body)
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn it_shows_processing_without_data_and_without_items() {
    let (sandbox, client) = start(SandboxOptions::default()).await;
    let machine = sandbox.add_device(DeviceKind::FiscalMachine, "Fiscal");
    let printer = sandbox.add_device(DeviceKind::Printer, "Bar");
    let bill = samples::bill(sandbox.id(), "EUR", sandbox.now());
    let mut data = samples::fiscal_data(bill.clone());
    data["FiscalMachineId"] = json!("FP-7");
    data["PayloadData"] = json!({ "Discriminator": "ItalianFiscalMachine", "Value": "PHgvPg==" });
    let new = NewCommand::new(machine, data).state(CommandState::Processing);
    let id = sandbox.add(new);
    sandbox.add_fiscal(machine, bill);
    sandbox.add_raw(printer, json!({}));

    let day = json!({ "StartUtc": "2026-01-01T00:00:00Z", "EndUtc": "2026-01-02T00:00:00Z" });
    let by_device = json!({
        "DeviceIds": [machine, printer], "States": ["Processing"],
        "UpdatedUtc": null, "Limitation": { "Count": 10, "Cursor": null },
    });
    let reply = client
        .call("fiscalMachineCommands/getAll", by_device.clone())
        .await;
    let commands = reply.body["Commands"].as_array().expect("a list");
    assert_eq!(commands.len(), 1);
    let one = &commands[0];
    assert_eq!(one["Id"], json!(id));
    assert_eq!(
        (one.get("Data"), &one["FiscalMachineId"]),
        (None, &json!("FP-7"))
    );
    assert_eq!(one["ApiUrl"], json!(""));
    assert_eq!(
        (one["Bill"].get("Revenue"), one["Bill"].get("Payments")),
        (None, None)
    );
    assert!(one["Bill"]["Number"].is_string());
    assert_eq!(
        one["CommandData"]["ItalianFiscalMachinePayload"]["Payload"],
        json!("PHgvPg==")
    );

    let mut long_ago = by_device.clone();
    long_ago["UpdatedUtc"] = day;
    let reply = client.call("fiscalMachineCommands/getAll", long_ago).await;
    assert_eq!(reply.body["Commands"], json!([]));

    let mut mixed = by_device;
    mixed["CommandIds"] = json!([id]);
    assert_eq!(
        client
            .call("fiscalMachineCommands/getAll", mixed)
            .await
            .status,
        400
    );
    let endless = json!({ "CommandIds": [id] });
    assert_eq!(
        client
            .call("fiscalMachineCommands/getAll", endless)
            .await
            .status,
        400
    );
}

#[tokio::test]
async fn the_invented_bill_sums_to_zero() {
    let (sandbox, _client) = start(SandboxOptions::default()).await;
    let bill = samples::bill(sandbox.id(), "EUR", sandbox.now());
    let lines = |list: &str| bill[list].as_array().cloned().unwrap_or_default();
    let gross = |line: Value| line["Amount"]["GrossValue"].as_i64().expect("a number");
    let sum: i64 = lines("Revenue")
        .into_iter()
        .chain(lines("Payments"))
        .map(gross)
        .sum();
    assert_eq!(sum, 0);
}
