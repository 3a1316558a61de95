use super::{
    super::{Device, DeviceKind, SandboxOptions},
    raw_client::{next, next_events, start},
};
use futures_util::SinkExt;
use serde_json::json;
use tokio_tungstenite::tungstenite::Message;
use uuid::Uuid;

#[tokio::test]
async fn the_cookie_is_compared_exactly() {
    let (sandbox, client) = start(SandboxOptions::default()).await;
    let (c, a) = (&client.client_token, &client.access_token);
    for cookie in [
        format!("ClientToken = {c}; AccessToken={a}"),
        format!("ClientToken={c}; AccessToken= {a}"),
        format!("ClientToken={c};AccessToken={a}"),
        format!("ClientToken=\"{c}\"; AccessToken=\"{a}\""),
        format!("clienttoken={c}; accesstoken={a}"),
        format!("ClientToken={c}"),
        format!("ClientToken={c}; AccessToken={a}0"),
        format!("ClientToken={c}; AccessToken={a}; Client=x"),
    ] {
        let refused = client.knock("/ws/connector", Some(&cookie)).await.err();
        assert_eq!(refused, Some(Some(401)));
    }
    let query = format!("/ws/connector?ClientToken={c}&AccessToken={a}");
    assert_eq!(client.knock(&query, None).await.err(), Some(Some(401)));
    for path in ["/ws/connector/", "/ws/Connector", "/"] {
        assert_eq!(
            client.knock(path, Some(&client.cookie())).await.err(),
            Some(Some(404))
        );
    }
    let good = format!("ClientToken={c}; AccessToken={a}");
    let _socket = client
        .knock("/ws/connector", Some(&good))
        .await
        .expect("an open socket");
    let seen = sandbox.upgrades();
    let last = seen.last().expect("an upgrade");
    assert_eq!((last.status, last.target.as_str()), (101, "/ws/connector"));
    assert!(last.headers.contains(&("cookie".to_owned(), good)));
    assert!(!format!("{seen:?}").contains(a.as_str()));
}

#[tokio::test]
async fn the_socket_is_not_on_the_platform_host_nor_the_api_on_the_sockets() {
    let (sandbox, client) = start(SandboxOptions::default()).await;
    let url = sandbox.websocket_address().replace("ws:", "http:");
    let body = client.signed(json!({})).to_string();
    let url = format!("{url}/api/connector/v1/devices/getAll");
    let request = client
        .http
        .post(url)
        .header("content-type", "application/json")
        .body(body);
    assert_eq!(
        request.send().await.expect("an answer").status().as_u16(),
        404
    );
    let get = client
        .http
        .get(client.url("/ws/connector"))
        .send()
        .await
        .expect("an answer");
    assert_eq!(get.status().as_u16(), 404);
}

#[tokio::test]
async fn every_creation_and_change_is_an_event_echoes_included() {
    let (sandbox, client) = start(SandboxOptions::default()).await;
    let bar = sandbox.add_device(DeviceKind::Printer, "Bar");
    let mut socket = client.events().await;
    sandbox.wait_until(|sandbox| sandbox.sockets() == 1).await;
    let id = sandbox.add_raw(bar, json!({}));
    client.report(id, "Received").await;
    client.report(id, "Received").await;
    client.report(id, "Processing").await;
    sandbox.cancel(id);
    for state in ["Pending", "Received", "Processing", "Cancelled"] {
        let event = json!({ "Type": "DeviceCommand", "Id": id, "State": state });
        assert_eq!(next_events(&mut socket).await, [event]);
    }
    drop(socket);
    sandbox.wait_until(|sandbox| sandbox.sockets() == 0).await;
}

#[tokio::test]
async fn all_sockets_of_a_token_get_the_events() {
    let (sandbox, client) = start(SandboxOptions::default()).await;
    let bar = sandbox.add_device(DeviceKind::Printer, "Bar");
    let (mut one, mut two) = (client.events().await, client.events().await);
    sandbox.wait_until(|sandbox| sandbox.sockets() == 2).await;
    sandbox.add_raw(bar, json!({}));
    assert_eq!(next_events(&mut one).await, next_events(&mut two).await);
}

#[tokio::test]
async fn a_device_added_later_is_announced_after_a_reconnect() {
    let (sandbox, client) = start(SandboxOptions::default()).await;
    let mut socket = client.events().await;
    sandbox.wait_until(|sandbox| sandbox.sockets() == 1).await;
    let bar = sandbox.add_device(DeviceKind::Printer, "Bar");
    sandbox.add_raw(bar, json!({}));
    sandbox.push_text("marker");
    assert_eq!(next(&mut socket).await, Some(Message::text("marker")));
    let mut again = client.events().await;
    sandbox.wait_until(|sandbox| sandbox.sockets() == 2).await;
    let id = sandbox.add_raw(bar, json!({}));
    assert_eq!(next_events(&mut again).await[0]["Id"], json!(id));
}

#[tokio::test]
async fn commands_of_devices_that_are_not_connected_are_not_announced() {
    let (sandbox, client) = start(SandboxOptions::default()).await;
    let (id, kind, name) = (Uuid::new_v4(), DeviceKind::Printer, "Far".to_owned());
    sandbox.put_device(Device {
        id,
        kind,
        name,
        identifier: None,
        connected: false,
    });
    let mut socket = client.events().await;
    sandbox.wait_until(|sandbox| sandbox.sockets() == 1).await;
    sandbox.add_raw(id, json!({}));
    sandbox.push_text("marker");
    assert_eq!(next(&mut socket).await, Some(Message::text("marker")));
}

#[tokio::test]
async fn pings_are_answered_and_counted() {
    let (sandbox, client) = start(SandboxOptions::default()).await;
    let mut socket = client.events().await;
    socket
        .send(Message::Ping("are you there".into()))
        .await
        .expect("sent");
    assert_eq!(
        next(&mut socket).await,
        Some(Message::Pong("are you there".into()))
    );
    assert_eq!(sandbox.pings(), 1);
}

#[tokio::test]
async fn anything_can_be_pushed() {
    let (sandbox, client) = start(SandboxOptions::default()).await;
    let mut socket = client.events().await;
    sandbox.wait_until(|sandbox| sandbox.sockets() == 1).await;
    let events = json!([{ "Type": "Resource", "Id": "x", "State": "Inspected" }, 7]);
    sandbox.push_events(events.clone());
    sandbox.push_text("{");
    sandbox.push_binary(&[0, 255]);
    assert_eq!(json!(next_events(&mut socket).await), events);
    assert_eq!(next(&mut socket).await, Some(Message::text("{")));
    assert_eq!(next(&mut socket).await, Some(Message::binary(vec![0, 255])));
    sandbox.close_sockets(1012);
    match next(&mut socket).await {
        Some(Message::Close(Some(frame))) => assert_eq!(u16::from(frame.code), 1012),
        other => panic!("expected a close frame, got {other:?}"),
    }
}
