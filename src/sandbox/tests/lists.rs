use super::{
    super::{Backlog, CommandState, DeviceKind, ListOrder, NewCommand, SandboxOptions},
    raw_client::{Reply, start},
};
use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use futures_util::StreamExt;
use jiff::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

fn ids(reply: &Reply) -> Vec<Uuid> {
    let commands = reply.body["Commands"].as_array().expect("a list");
    let id = |command: &Value| command["Id"].as_str()?.parse().ok();
    commands
        .iter()
        .map(|command| id(command).expect("an id"))
        .collect()
}

#[tokio::test]
async fn active_means_pending_or_received_and_nothing_else() {
    let (sandbox, client) = start(SandboxOptions::default()).await;
    let bar = sandbox.add_device(DeviceKind::Printer, "Bar");
    let add = |state| sandbox.add(NewCommand::new(bar, json!({})).state(state));
    let all = CommandState::ALL.map(add);
    let reply = client.call("commands/getAllActive", json!({})).await;
    let mut listed = ids(&reply);
    listed.reverse();
    assert_eq!(listed, all[..2]);
}

#[tokio::test]
async fn an_empty_list_is_a_list() {
    let (_sandbox, client) = start(SandboxOptions::default()).await;
    let reply = client.call("commands/getAllActive", json!({})).await;
    assert_eq!(reply.body, json!({ "Commands": [], "Cursor": null }));
}

#[tokio::test]
async fn stale_commands_carry_their_time_and_lists_follow_the_order_asked_for() {
    let (sandbox, client) = start(SandboxOptions::default()).await;
    let bar = sandbox.add_device(DeviceKind::Printer, "Bar");
    let young = sandbox.add_raw(bar, json!({}));
    let long_ago: Timestamp = "2026-08-10T09:15:02.9Z".parse().expect("an instant");
    let old = sandbox.add_at(bar, json!({}), long_ago);
    let reply = client.call("commands/getAllActive", json!({})).await;
    assert_eq!(ids(&reply), [young, old]);
    assert_eq!(
        reply.body["Commands"][1]["CreatedUtc"],
        json!("2026-08-10T09:15:02Z")
    );
    assert_eq!(reply.body["Cursor"], json!(old));
    sandbox.set_options(|hotel| hotel.order = ListOrder::OldestFirst);
    assert_eq!(
        ids(&client.call("commands/getAllActive", json!({})).await),
        [old, young]
    );
}

#[tokio::test]
async fn pages_go_from_the_newest_to_the_oldest() {
    let (sandbox, client) = start(SandboxOptions::default()).await;
    let bar = sandbox.add_device(DeviceKind::Printer, "Bar");
    let all: Vec<Uuid> = (0..5).map(|_| sandbox.add_raw(bar, json!({}))).collect();
    let mut pages = Vec::new();
    let mut cursor = Value::Null;
    loop {
        let body = json!({ "CommandIds": all, "Limitation": { "Count": 2, "Cursor": cursor } });
        let reply = client.call("commands/getAllByIds", body).await;
        pages.push(ids(&reply));
        cursor = reply.body["Cursor"].clone();
        if cursor.is_null() {
            break;
        }
        assert_eq!(cursor, json!(pages.last().and_then(|page| page.last())));
    }
    assert_eq!(
        pages,
        [vec![all[4], all[3]], vec![all[2], all[1]], vec![all[0]]]
    );
    for limitation in [
        json!({}),
        json!({ "Count": 0 }),
        json!({ "Count": 1001 }),
        json!(5),
    ] {
        let body = json!({ "CommandIds": all, "Limitation": limitation });
        assert_eq!(client.call("commands/getAllByIds", body).await.status, 400);
    }
}

#[tokio::test]
async fn the_active_list_can_be_cut() {
    let (sandbox, client) = start(SandboxOptions::default()).await;
    let bar = sandbox.add_device(DeviceKind::Printer, "Bar");
    let all: Vec<Uuid> = (0..5).map(|_| sandbox.add_raw(bar, json!({}))).collect();
    sandbox.set_options(|hotel| hotel.active_limit = Some(2));
    let reply = client.call("commands/getAllActive", json!({})).await;
    assert_eq!(ids(&reply), [all[4], all[3]]);
}

#[tokio::test]
async fn a_backlog_is_streamed_and_each_document_names_its_command() {
    let (sandbox, client) = start(SandboxOptions::default()).await;
    let bar = sandbox.add_device(DeviceKind::Printer, "Bar");
    let backlog = Backlog {
        count: 300,
        size: 20_000,
        copies: 1,
        age_s: 60,
    };
    let added = sandbox.add_backlog(bar, &backlog);
    sandbox.set_options(|hotel| hotel.order = ListOrder::OldestFirst);

    let url = client.url("/api/connector/v1/commands/getAllActive");
    let body = client.signed(json!({})).to_string();
    let request = client
        .http
        .post(url)
        .header("content-type", "application/json")
        .body(body);
    let response = request.send().await.expect("an answer");
    // Its length is not known before: it does not exist as one text.
    assert_eq!(response.content_length(), None);
    let mut pieces = response.bytes_stream();
    let mut text = Vec::new();
    let mut count = 0;
    while let Some(piece) = pieces.next().await {
        text.extend_from_slice(&piece.expect("a piece"));
        count += 1;
    }
    assert!(count > 10, "{count} pieces");
    let list: Value = serde_json::from_slice(&text).expect("JSON");
    let commands = list["Commands"].as_array().expect("a list");
    assert_eq!(commands.len(), 300);
    for (index, (command, id)) in commands.iter().zip(added).enumerate() {
        let data = command["Data"]["FileData"].as_str().expect("base64");
        let document = BASE64.decode(data).expect("base64");
        assert_eq!(document.len(), 20_000);
        assert!(document.starts_with(format!("Job {index:05} {id}\n").as_bytes()));
    }
}

#[tokio::test]
async fn items_of_bills_are_those_put_there() {
    let (sandbox, client) = start(SandboxOptions::default()).await;
    let (bill, other) = (Uuid::new_v4(), Uuid::new_v4());
    let item = json!({ "Id": Uuid::new_v4(), "BillId": bill, "BillingName": "Night" });
    sandbox.put("OrderItems", item.clone());
    sandbox.put(
        "OrderItems",
        json!({ "Id": Uuid::new_v4(), "BillId": other }),
    );
    let payment = json!({ "Id": Uuid::new_v4(), "BillId": bill, "State": "Charged" });
    sandbox.put("Payments", payment.clone());
    let body = json!({ "BillIds": [bill], "Limitation": { "Count": 100 } });
    let reply = client.call("orderItems/getAll", body.clone()).await;
    assert_eq!(reply.body, json!({ "OrderItems": [item], "Cursor": null }));
    let reply = client.call("payments/getAll", body).await;
    assert_eq!(reply.body, json!({ "Payments": [payment], "Cursor": null }));
    let endless = json!({ "BillIds": [bill] });
    assert_eq!(client.call("payments/getAll", endless).await.status, 400);
}
