use super::{
    super::{DeviceKind, HotelOptions, SandboxOptions},
    raw_client::{Client, start},
};
use jiff::{SignedDuration, Timestamp, fmt::rfc2822};
use serde_json::{Value, json};

const DEVICES: &str = "/api/connector/v1/devices/getAll";

#[tokio::test]
async fn a_good_request_is_answered_with_json_and_a_request_id() {
    let (sandbox, client) = start(SandboxOptions::default()).await;
    let printer = sandbox.add_device(DeviceKind::Printer, "Bar");
    let reply = client.call("devices/getAll", json!({})).await;
    assert_eq!(reply.status, 200);
    let device = json!({ "Id": printer, "Type": "Printer", "Name": "Bar" });
    assert_eq!(reply.body, json!({ "Devices": [device] }));
    let id: uuid::Uuid = reply
        .header("request-id")
        .expect("a header")
        .parse()
        .expect("an id");
    assert_eq!(sandbox.requests()[0].request_id, id);
}

#[tokio::test]
async fn the_path_is_compared_exactly() {
    let (sandbox, client) = start(SandboxOptions::default()).await;
    let body = client.signed(json!({})).to_string();
    for path in [
        "/api/connector/v1/devices/getall",
        "/api/connector/v1/devices/getAll/",
        "/api/connector/v1//devices/getAll",
        "/API/connector/v1/devices/getAll",
        "/api/connector/v1/devices/get%41ll",
        "/api/connector/v1/commands/getAllByIDs",
        "/api/connector/v1/nothing/atAll",
        "/ws/connector/",
    ] {
        let reply = client.post(path, &body).await.expect("an answer");
        assert_eq!(reply.status, 404, "{path}");
        assert_eq!(reply.body["Details"], Value::Null);
        assert!(reply.body["RequestId"].is_string());
    }
    assert_eq!(
        client.post(DEVICES, &body).await.expect("an answer").status,
        200
    );
    assert!(
        sandbox
            .all_requests()
            .iter()
            .any(|seen| seen.path.ends_with("getall"))
    );
}

#[tokio::test]
async fn only_post_and_only_json_are_taken() {
    let (_sandbox, client) = start(SandboxOptions::default()).await;
    let get = client
        .http
        .get(client.url(DEVICES))
        .send()
        .await
        .expect("an answer");
    assert_eq!(get.status().as_u16(), 404);
    let body = client.signed(json!({})).to_string();
    for (mime, status) in [
        ("text/plain", 400),
        ("application/json", 200),
        ("application/json; charset=utf-8", 200),
    ] {
        let request = client
            .http
            .post(client.url(DEVICES))
            .header("content-type", mime);
        let response = request.body(body.clone()).send().await.expect("an answer");
        assert_eq!(response.status().as_u16(), status, "{mime}");
    }
}

#[tokio::test]
async fn a_body_is_a_strict_json_object() {
    let (_sandbox, client) = start(SandboxOptions::default()).await;
    let good = client.signed(json!({})).to_string();
    let comma = good.replace('}', ",}");
    let comment = good.replace('}', " /* */ }");
    for body in ["", "null", "[]", "\"text\"", "{", &comma, &comment] {
        assert_eq!(
            client.post(DEVICES, body).await.expect("an answer").status,
            400,
            "{body}"
        );
    }
}

#[tokio::test]
async fn a_member_nobody_knows_is_refused() {
    let (_sandbox, client) = start(SandboxOptions::default()).await;
    let limitation = json!({ "Limitation": { "Count": 10 } });
    for (operation, body) in [
        ("devices/getAll", json!({ "Extra": 1 })),
        ("devices/getAll", json!({ "clientToken": "x" })),
        ("commands/getAllActive", limitation),
        ("configuration/get", json!({ "Extra": null })),
    ] {
        let reply = client.call(operation, body.clone()).await;
        assert_eq!(reply.status, 400, "{operation} {body}");
    }
    let languages = json!({ "LanguageCode": "en-GB", "CultureCode": null });
    assert_eq!(client.call("devices/getAll", languages).await.status, 200);
}

#[tokio::test]
async fn tokens_and_client_must_be_there_and_right() {
    let (sandbox, client) = start(SandboxOptions::default()).await;
    for member in ["ClientToken", "AccessToken", "Client"] {
        for value in [Value::Null, json!(""), json!(7)] {
            let mut body = client.signed(json!({}));
            body[member] = value;
            let reply = client
                .post(DEVICES, &body.to_string())
                .await
                .expect("an answer");
            assert_eq!(reply.status, 400, "{member}");
        }
    }
    for member in ["ClientToken", "AccessToken"] {
        let mut body = client.signed(json!({}));
        body[member] = json!("0A1B-77F0");
        let reply = client
            .post(DEVICES, &body.to_string())
            .await
            .expect("an answer");
        assert_eq!(reply.status, 401, "{member}");
    }
    sandbox.set_token_works(false);
    assert_eq!(client.call("devices/getAll", json!({})).await.status, 401);
    sandbox.set_token_works(true);
    assert_eq!(client.call("devices/getAll", json!({})).await.status, 200);
}

#[tokio::test]
async fn one_operation_can_be_denied_while_the_token_is_good() {
    let (sandbox, client) = start(SandboxOptions::default()).await;
    sandbox.set_options(|hotel| {
        hotel.denied.insert("devices/getAll".to_owned());
    });
    assert_eq!(client.call("devices/getAll", json!({})).await.status, 401);
    assert_eq!(
        client.call("configuration/get", json!({})).await.status,
        200
    );
}

#[tokio::test]
async fn each_hotel_has_its_token_and_sees_only_its_own() {
    let (sandbox, client) = start(SandboxOptions::default()).await;
    sandbox.add_device(DeviceKind::Printer, "Here");
    let other = sandbox.add_hotel(HotelOptions::default());
    other.add_device(DeviceKind::Printer, "There");
    let mut there = Client::of(&sandbox);
    there.access_token = other.access_token();
    let name = |body: &Value| body["Devices"][0]["Name"].as_str().map(str::to_owned);
    let reply = there.call("devices/getAll", json!({})).await;
    assert_eq!(name(&reply.body).as_deref(), Some("There"));
    let reply = client.call("devices/getAll", json!({})).await;
    assert_eq!(name(&reply.body).as_deref(), Some("Here"));
    assert_eq!((sandbox.requests().len(), other.requests().len()), (1, 1));
}

#[tokio::test]
async fn configuration_tells_identity_zone_and_the_clouds_time() {
    let ahead = SignedDuration::from_mins(90);
    let (sandbox, client) = start(SandboxOptions {
        clock_offset: ahead,
        ..SandboxOptions::default()
    })
    .await;
    let reply = client
        .call("configuration/get", json!({ "EnterpriseId": null }))
        .await;
    let hotel = &reply.body["Enterprise"];
    assert_eq!(hotel["Id"], json!(sandbox.id()));
    assert_eq!(hotel["TimeZoneIdentifier"], json!("Europe/Lisbon"));
    assert_eq!(hotel["IsPortfolio"], json!(false));
    assert_eq!(reply.body["IsIdentityDocumentNumberRequired"], json!(true));

    let told: Timestamp = reply.body["NowUtc"]
        .as_str()
        .expect("a text")
        .parse()
        .expect("an instant");
    let date = reply.header("date").expect("a header");
    let date = rfc2822::parse(date).expect("an HTTP date").timestamp();
    assert!((date.as_second() - told.as_second()).abs() <= 1);
    assert!((sandbox.now().as_second() - told.as_second()).abs() <= 2);
    sandbox.set_clock_offset(SignedDuration::ZERO);
    let back = told.duration_since(sandbox.now());
    assert!(
        (back - ahead).abs() < SignedDuration::from_secs(5),
        "{back}"
    );
}

#[tokio::test]
async fn the_ledger_keeps_requests_without_tokens() {
    let (sandbox, client) = start(SandboxOptions::default()).await;
    client
        .call("configuration/get", json!({ "EnterpriseId": null }))
        .await;
    let seen = &sandbox.requests()[0];
    assert_eq!(seen.operation.as_deref(), Some("configuration/get"));
    assert_eq!((seen.status, seen.in_flight), (Some(200), 1));
    assert_eq!(
        seen.body,
        json!({ "Client": "Raw 1.0", "EnterpriseId": null })
    );
    assert!(!format!("{:?}", sandbox.all_requests()).contains(&client.access_token));
}

#[tokio::test]
async fn a_body_over_the_limit_is_413() {
    let options = SandboxOptions {
        body_limit: 1000,
        ..SandboxOptions::default()
    };
    let (_sandbox, client) = start(options).await;
    let long = json!({ "EnterpriseId": "x".repeat(2000) });
    assert_eq!(client.call("configuration/get", long).await.status, 413);
}
