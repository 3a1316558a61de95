use super::{
    super::{CommandState, DeviceKind, Sandbox, SandboxOptions, ServeOptions, serve},
    raw_client::{Client, start},
};
use serde_json::{Value, json};
use std::net::{Ipv4Addr, SocketAddr};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

#[tokio::test]
async fn commands_of_every_kind_can_be_added_by_http() {
    let (sandbox, client) = start(SandboxOptions::default()).await;
    for kind in [
        DeviceKind::Printer,
        DeviceKind::KeyCutter,
        DeviceKind::FiscalMachine,
        DeviceKind::PaymentTerminal,
        DeviceKind::PassportScanner,
    ] {
        let device = sandbox.add_device(kind.clone(), kind.name());
        let body = json!({ "DeviceId": device, "AgeSeconds": 3600 }).to_string();
        let reply = client
            .post("/sandbox/commands", &body)
            .await
            .expect("an answer");
        assert_eq!(reply.status, 200, "{kind:?}");
        let ids = json!({ "CommandIds": [reply.body["CommandId"]] });
        let read = client.call("commands/getAllByIds", ids).await;
        let command = &read.body["Commands"][0];
        assert_eq!(command["Device"]["Type"], json!(kind.name()));
        assert!(command["Data"].is_object());
        let created = command["CreatedUtc"].as_str().expect("a text");
        let age = sandbox
            .now()
            .duration_since(created.parse().expect("an instant"));
        assert!((3598..3610).contains(&age.as_secs()), "{age}");
    }
    let other = sandbox.add_device(DeviceKind::Other("Lift".to_owned()), "Lift");
    let body = json!({ "DeviceId": other }).to_string();
    assert_eq!(
        client
            .post("/sandbox/commands", &body)
            .await
            .expect("an answer")
            .status,
        400
    );
    let body = json!({ "DeviceId": other, "Data": { "Floor": 3 } }).to_string();
    let reply = client
        .post("/sandbox/commands", &body)
        .await
        .expect("an answer");
    let id = reply.body["CommandId"]
        .as_str()
        .expect("an id")
        .parse()
        .expect("an id");
    let body = json!({ "CommandId": id }).to_string();
    let reply = client
        .post("/sandbox/cancel", &body)
        .await
        .expect("an answer");
    assert_eq!(reply.body, json!({ "Cancelled": true }));
    assert_eq!(sandbox.state(id), Some(CommandState::Cancelled));
    assert!(
        sandbox.requests().len() == 5,
        "the sandbox's own calls cost no budget"
    );
}

#[tokio::test]
async fn faults_can_be_switched_by_http() {
    let (_sandbox, client) = start(SandboxOptions::default()).await;
    let on = json!({ "Kind": "Status", "Status": 503, "Operation": "devices/getAll" });
    let reply = client
        .post("/sandbox/faults", &on.to_string())
        .await
        .expect("an answer");
    assert_eq!(client.call("devices/getAll", json!({})).await.status, 503);
    let off = reply.body.to_string();
    let reply = client
        .post("/sandbox/faults/off", &off)
        .await
        .expect("an answer");
    assert_eq!(reply.body, json!({ "Ended": true }));
    assert_eq!(client.call("devices/getAll", json!({})).await.status, 200);

    client
        .post("/sandbox/faults", &on.to_string())
        .await
        .expect("an answer");
    let url = client.url("/sandbox/faults");
    let list: Value = client
        .http
        .get(&url)
        .send()
        .await
        .expect("an answer")
        .json()
        .await
        .expect("JSON");
    assert_eq!(list["Faults"][0]["Kind"], json!("Status(503)"));
    client.http.delete(&url).send().await.expect("an answer");
    assert_eq!(client.call("devices/getAll", json!({})).await.status, 200);
    for wrong in [
        json!({ "Kind": "Weather" }),
        json!({ "Kind": "Status" }),
        json!({ "Kind": "Status", "Status": 20 }),
        json!({ "Kind": "TooMany", "RetryAfter": "Soon" }),
    ] {
        let reply = client
            .post("/sandbox/faults", &wrong.to_string())
            .await
            .expect("an answer");
        assert_eq!(reply.status, 400, "{wrong}");
    }
}

#[tokio::test]
async fn news_come_when_something_changes() {
    let (sandbox, client) = start(SandboxOptions::default()).await;
    let bar = sandbox.add_device(DeviceKind::Printer, "Bar");
    let url = client.url("/sandbox/state");
    let get = |url: String| async {
        client
            .http
            .get(url)
            .send()
            .await
            .expect("an answer")
            .json::<Value>()
            .await
            .expect("JSON")
    };
    let before = get(url.clone()).await;
    assert_eq!(before["Devices"][0]["Name"], json!("Bar"));
    let news = get(format!("{url}?after={}", before["Version"]));
    let (after, id) = tokio::join!(news, async { sandbox.add_raw(bar, json!({})) });
    assert_ne!(after["Version"], before["Version"]);
    assert_eq!(get(url).await["Commands"][0]["Id"], json!(id));
}

#[tokio::test]
async fn pages_from_elsewhere_are_refused() {
    let (_sandbox, client) = start(SandboxOptions::default()).await;
    let url = client.url("/sandbox/faults");
    let status = |name: &'static str, value: String| {
        let request = client.http.get(&url).header(name, value);
        async { request.send().await.expect("an answer").status().as_u16() }
    };
    assert_eq!(
        status("origin", "http://evil.example".to_owned()).await,
        403
    );
    assert_eq!(status("host", "evil.example".to_owned()).await, 403);
    assert_eq!(status("origin", client.url("")).await, 200);
}

#[tokio::test]
async fn the_page_needs_nothing_from_elsewhere() {
    let (_sandbox, client) = start(SandboxOptions::default()).await;
    let response = client
        .http
        .get(client.url("/"))
        .send()
        .await
        .expect("an answer");
    let policy = response
        .headers()
        .get("content-security-policy")
        .expect("a policy");
    assert!(
        policy
            .to_str()
            .expect("text")
            .starts_with("default-src 'none'")
    );
    let page = response.text().await.expect("a page");
    for outside in ["http://", "https://", "src=", "@import", "innerHTML"] {
        assert!(!page.contains(outside), "{outside}");
    }
    assert!(page.contains("/sandbox/state"));
}

#[tokio::test]
async fn the_verb_serves_all_on_one_loopback_port_until_cancelled() {
    let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let options = ServeOptions {
        listen,
        ..ServeOptions::default()
    };
    let serving = serve(options).await.expect("a free port");
    let client = Client::of(&serving.sandbox);
    assert_eq!(serving.page, client.url("/"));
    assert_eq!(serving.sandbox.devices().len(), 5);
    let mut socket = client.events().await;
    assert_eq!(client.call("devices/getAll", json!({})).await.status, 200);
    let cancel = CancellationToken::new();
    let running = tokio::spawn(serving.run(cancel.clone()));
    cancel.cancel();
    running.await.expect("it ends");
    assert_eq!(super::raw_client::next(&mut socket).await, None);
    assert!(client.try_call("devices/getAll", json!({})).await.is_err());
}

#[tokio::test]
async fn nothing_but_the_loopback_interface_is_opened() {
    let listen = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0));
    let refused = serve(ServeOptions {
        listen,
        ..ServeOptions::default()
    })
    .await;
    assert!(refused.is_err());
    let listener = TcpListener::bind(listen).await.expect("a free port");
    let options = SandboxOptions {
        listener: Some(listener),
        ..SandboxOptions::default()
    };
    assert!(Sandbox::start(options).await.is_err());
}
