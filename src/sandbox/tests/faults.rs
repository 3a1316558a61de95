use super::{
    super::{CommandState, DeviceKind, Fault, FaultKind, RetryAfter, SandboxOptions},
    raw_client::{next, next_events, start},
};
use futures_util::{FutureExt, SinkExt, StreamExt};
use serde_json::json;
use std::time::Duration;
use tokio_tungstenite::tungstenite::Message;

#[tokio::test]
async fn a_status_meets_only_its_operation_and_only_so_often() {
    let (sandbox, client) = start(SandboxOptions::default()).await;
    for status in [401, 408, 409, 500, 502, 503] {
        let fault = Fault::new(FaultKind::Status(status))
            .on("devices/getAll")
            .times(2);
        sandbox.switch_on(fault);
        assert_eq!(
            client.call("configuration/get", json!({})).await.status,
            200
        );
        for expected in [status, status, 200] {
            assert_eq!(
                client.call("devices/getAll", json!({})).await.status,
                expected
            );
        }
    }
    assert!(sandbox.faults().is_empty());
    assert_eq!(sandbox.requests()[1].fault.as_deref(), Some("Status(401)"));
}

#[tokio::test]
async fn a_fault_can_meet_every_third_request_and_end_by_time_or_by_hand() {
    let (sandbox, client) = start(SandboxOptions::default()).await;
    let fault = sandbox.switch_on(Fault::new(FaultKind::Status(500)).every(3));
    let mut statuses = Vec::new();
    for _ in 0..6 {
        statuses.push(client.call("devices/getAll", json!({})).await.status);
    }
    assert_eq!(statuses, [200, 200, 500, 200, 200, 500]);
    assert_eq!(sandbox.faults()[0].2, 2);
    assert!(sandbox.switch_off(fault));
    assert!(!sandbox.switch_off(fault));
    sandbox.switch_on(Fault::new(FaultKind::Status(500)).lasting(Duration::ZERO));
    assert_eq!(client.call("devices/getAll", json!({})).await.status, 200);
    sandbox.switch_on(Fault::new(FaultKind::Status(500)));
    assert_eq!(client.call("devices/getAll", json!({})).await.status, 500);
    sandbox.clear_faults();
    assert_eq!(client.call("devices/getAll", json!({})).await.status, 200);
}

#[tokio::test]
async fn a_lost_answer_is_done_and_a_reset_is_not() {
    let (sandbox, client) = start(SandboxOptions::default()).await;
    let bar = sandbox.add_device(DeviceKind::Printer, "Bar");
    for (kind, state) in [
        (FaultKind::LostAnswer, CommandState::Processed),
        (FaultKind::Reset, CommandState::Pending),
    ] {
        let id = sandbox.add_raw(bar, json!({}));
        sandbox.switch_on(Fault::new(kind).on("commands/update").times(1));
        let body = json!({ "CommandId": id, "State": "Processed" });
        assert!(
            client.try_call("commands/update", body).await.is_err(),
            "{kind:?}"
        );
        assert_eq!(sandbox.state(id), Some(state), "{kind:?}");
        let seen = sandbox.requests().pop().expect("it was seen");
        assert_eq!(seen.status, None);
        assert_eq!(client.report(id, "Processed").await, 200);
    }
    let first = sandbox.commands()[0];
    assert_eq!(sandbox.history(first)[1].answered, None);
    assert!(sandbox.history(first)[1].applied);
}

#[tokio::test]
async fn half_a_body_is_half_a_body() {
    let (sandbox, client) = start(SandboxOptions::default()).await;
    let bar = sandbox.add_device(DeviceKind::Printer, "Bar");
    for _ in 0..10 {
        sandbox.add_print(bar, "text/plain", b"some text", 1);
    }
    for operation in ["configuration/get", "commands/getAllActive"] {
        let whole = client.call(operation, json!({})).await.body.to_string();
        sandbox.switch_on(Fault::new(FaultKind::HalfBody).times(1));
        let url = client.url(&format!("/api/connector/v1/{operation}"));
        let request = client
            .http
            .post(url)
            .header("content-type", "application/json");
        let body = client.signed(json!({})).to_string();
        let response = request.body(body).send().await.expect("a head");
        assert_eq!(response.status().as_u16(), 200);
        let mut got = 0;
        let mut pieces = response.bytes_stream();
        let broken = loop {
            match pieces.next().await {
                Some(Ok(piece)) => got += piece.len(),
                Some(Err(_)) => break true,
                None => break false,
            }
        };
        assert!(broken, "{operation}");
        assert!(
            got > whole.len() / 4 && got < whole.len() * 3 / 4,
            "{operation}: {got}"
        );
    }
}

#[tokio::test]
async fn a_proxys_page_is_no_json() {
    let (sandbox, client) = start(SandboxOptions::default()).await;
    sandbox.switch_on(Fault::new(FaultKind::Html(200)).times(1));
    let reply = client.call("devices/getAll", json!({})).await;
    assert_eq!(reply.status, 200);
    assert_eq!(
        reply.header("content-type"),
        Some("text/html; charset=utf-8")
    );
    assert!(
        reply
            .body
            .as_str()
            .is_some_and(|text| text.starts_with("<!DOCTYPE"))
    );
}

#[tokio::test]
async fn too_many_says_how_long_or_not() {
    let (sandbox, client) = start(SandboxOptions::default()).await;
    for (style, header) in [
        (RetryAfter::Seconds(Some(3)), Some("3")),
        (RetryAfter::Seconds(None), Some("30")),
        (RetryAfter::Absent, None),
    ] {
        sandbox.switch_on(Fault::new(FaultKind::TooMany(style)).times(1));
        let reply = client.call("devices/getAll", json!({})).await;
        assert_eq!((reply.status, reply.header("retry-after")), (429, header));
    }
}

#[tokio::test]
async fn a_delayed_request_is_under_way_meanwhile_and_then_done() {
    let (sandbox, client) = start(SandboxOptions::default()).await;
    sandbox.switch_on(Fault::new(FaultKind::Delay(Duration::from_millis(50))).times(2));
    let calls = tokio::join!(
        client.call("devices/getAll", json!({})),
        client.call("devices/getAll", json!({})),
    );
    assert_eq!((calls.0.status, calls.1.status), (200, 200));
    assert_eq!(sandbox.max_in_flight(), 2);
}

#[tokio::test]
async fn no_answer_is_none() {
    let (sandbox, client) = start(SandboxOptions::default()).await;
    sandbox.switch_on(Fault::new(FaultKind::NoAnswer).times(1));
    let mut call = Box::pin(client.try_call("devices/getAll", json!({})));
    let seen = sandbox.wait_until(|sandbox| {
        sandbox
            .requests()
            .iter()
            .any(|seen| seen.fault.as_deref() == Some("NoAnswer"))
    });
    tokio::select! {
        _ = &mut call => panic!("an answer came"),
        () = seen => {}
    }
    assert!((&mut call).now_or_never().is_none());
    sandbox.go_down();
    assert!(call.await.is_err());
}

#[tokio::test]
async fn a_host_that_is_down_takes_nobody_and_comes_back() {
    let (sandbox, client) = start(SandboxOptions::default()).await;
    let mut socket = client.events().await;
    sandbox.go_down();
    assert_eq!(next(&mut socket).await, None);
    assert!(client.try_call("devices/getAll", json!({})).await.is_err());
    assert_eq!(
        client
            .knock("/ws/connector", Some(&client.cookie()))
            .await
            .err(),
        Some(None)
    );
    sandbox.come_back();
    assert_eq!(client.call("devices/getAll", json!({})).await.status, 200);
    let _socket = client.events().await;
}

#[tokio::test]
async fn the_socket_can_be_refused() {
    let (sandbox, client) = start(SandboxOptions::default()).await;
    for status in [401, 403, 503] {
        sandbox.switch_on(Fault::new(FaultKind::Status(status)).on_socket().times(1));
        let refused = client
            .knock("/ws/connector", Some(&client.cookie()))
            .await
            .err();
        assert_eq!(refused, Some(Some(status)));
    }
    // Faults of all operations leave the socket alone.
    sandbox.switch_on(Fault::new(FaultKind::Status(500)));
    let _socket = client.events().await;
}

#[tokio::test]
async fn a_cut_socket_ends_without_a_farewell() {
    let (sandbox, client) = start(SandboxOptions::default()).await;
    let mut socket = client.events().await;
    sandbox.wait_until(|sandbox| sandbox.sockets() == 1).await;
    sandbox.cut_sockets();
    assert_eq!(next(&mut socket).await, None);
    sandbox.wait_until(|sandbox| sandbox.sockets() == 0).await;
    assert_eq!(client.call("devices/getAll", json!({})).await.status, 200);
}

#[tokio::test]
async fn a_black_hole_answers_no_ping_and_stays_black() {
    let (sandbox, client) = start(SandboxOptions::default()).await;
    let bar = sandbox.add_device(DeviceKind::Printer, "Bar");
    let mut before = client.events().await;
    sandbox.wait_until(|sandbox| sandbox.sockets() == 1).await;
    let hole = sandbox.switch_on(Fault::new(FaultKind::BlackHole));
    let mut during = client.events().await;
    sandbox.switch_off(hole);
    let mut after = client.events().await;
    sandbox.wait_until(|sandbox| sandbox.sockets() == 1).await;
    for socket in [&mut before, &mut during, &mut after] {
        socket
            .send(Message::Ping("?".into()))
            .await
            .expect("sent into the hole");
    }
    // What the third one says comes after whatever the others would have said.
    assert_eq!(next(&mut after).await, Some(Message::Pong("?".into())));
    sandbox.add_raw(bar, json!({}));
    assert_eq!(next_events(&mut after).await.len(), 1);
    for socket in [&mut before, &mut during] {
        assert!(
            tokio::time::timeout(Duration::from_millis(50), socket.next())
                .await
                .is_err()
        );
    }
    assert_eq!(sandbox.pings(), 1);
}

#[tokio::test]
async fn events_are_dropped_doubled_and_surrounded_by_nonsense() {
    let (sandbox, client) = start(SandboxOptions::default()).await;
    let bar = sandbox.add_device(DeviceKind::Printer, "Bar");
    let mut socket = client.events().await;
    sandbox.wait_until(|sandbox| sandbox.sockets() == 1).await;

    sandbox.switch_on(Fault::new(FaultKind::DropEvents).times(1));
    sandbox.add_raw(bar, json!({}));
    sandbox.switch_on(Fault::new(FaultKind::DuplicateEvents(3)).times(1));
    let doubled = sandbox.add_raw(bar, json!({}));
    for _ in 0..3 {
        assert_eq!(next_events(&mut socket).await[0]["Id"], json!(doubled));
    }

    sandbox.switch_on(Fault::new(FaultKind::UnknownEvents).times(1));
    let hidden = sandbox.add_raw(bar, json!({}));
    let events = next_events(&mut socket).await;
    let real = |event: &&serde_json::Value| event["Id"] == json!(hidden);
    assert_eq!((events.len(), events.iter().filter(real).count()), (5, 1));

    sandbox.switch_on(Fault::new(FaultKind::GarbageText).times(1));
    sandbox.switch_on(Fault::new(FaultKind::BinaryFrames).times(1));
    let last = sandbox.add_raw(bar, json!({}));
    match next(&mut socket).await {
        Some(Message::Text(text)) => {
            assert!(serde_json::from_str::<serde_json::Value>(&text).is_err());
        }
        other => panic!("expected garbage, got {other:?}"),
    }
    assert!(
        next(&mut socket)
            .await
            .is_some_and(|message| message.is_binary())
    );
    assert_eq!(next_events(&mut socket).await[0]["Id"], json!(last));
}
