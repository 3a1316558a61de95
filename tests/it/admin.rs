//! The running worker as a person at this PC sees it: the real binary on both ends.

use nightporter::sandbox::{CommandState, DeviceKind};

use crate::desk::{Desk, silent_port, text};
use crate::house::within;

#[tokio::test(flavor = "multi_thread")]
async fn a_person_sees_and_cancels_what_waits_in_the_running_worker() {
    let mut desk = Desk::new(silent_port()).await;
    let without = desk.run(&["status"]).await;
    assert_eq!(without.status.code(), Some(69));
    assert!(text(&without.stderr).contains("no worker runs"));
    let device = desk.cloud.add_device(DeviceKind::Printer, "Bar");
    let id = desk.cloud.add_print(device, "text/plain", b"waits", 1);
    desk.start().await;
    let short = &id.to_string()[..8];
    let cancelled = async {
        // Until the worker has taken it in, there is nothing to cancel.
        while !desk.run(&["cancel", short]).await.status.success() {
            tokio::task::yield_now().await;
        }
    };
    within("the cancel", cancelled).await;
    let state = within("the end", desk.cloud.wait_final(id)).await;
    assert_eq!(state, CommandState::Cancelled);
    let shown = desk.run(&["status"]).await;
    let told = text(&shown.stdout);
    for part in [
        "property  main: Sandbox Hotel, Europe/Lisbon",
        "tokens accepted",
        "device    bar",
    ] {
        assert!(told.contains(part), "{part}: {told}");
    }
    let json = desk.run(&["status", "--json"]).await;
    let json: serde_json::Value = serde_json::from_slice(&json.stdout).expect("JSON");
    assert_eq!(json["properties"][0]["budget"]["limit"], 180);
    for (words, reason) in [
        (
            ["resolve", short, "happened"].as_slice(),
            "it is not in doubt",
        ),
        (&["retry", short], "send it again from Mews"),
        (&["cancel", short], "nothing is left to cancel"),
        (&["test", "kitchen"], "the config has no device kitchen"),
    ] {
        let refused = desk.run(words).await;
        assert_eq!(refused.status.code(), Some(1), "{words:?}");
        let told = text(&refused.stderr);
        assert!(told.contains(reason), "{words:?}: {told}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_holder_of_the_token_is_served_and_readiness_is_told_to_anyone() {
    let mut desk = Desk::new(silent_port()).await;
    desk.cloud.add_device(DeviceKind::Printer, "Bar");
    desk.start().await;
    let door = std::fs::read(desk.folder.path().join("journal.db.admin")).expect("the file");
    let door: serde_json::Value = serde_json::from_slice(&door).expect("JSON");
    let (address, token) = (door["address"].as_str(), door["token"].as_str());
    let (address, token) = (address.expect("told"), token.expect("told"));
    for (head, status) in [
        ("GET /api/status HTTP/1.0\r\n", "401"),
        ("GET /api/events HTTP/1.0\r\n", "401"),
        ("POST /api/reconnect HTTP/1.0\r\n", "401"),
        (
            "GET /api/status HTTP/1.0\r\nAuthorization: Bearer wrong\r\n",
            "401",
        ),
        ("GET /health HTTP/1.0\r\n", "200"),
        (
            "GET /health HTTP/1.0\r\nOrigin: http://evil.example\r\n",
            "403",
        ),
        (
            &format!("GET /api/status HTTP/1.0\r\nAuthorization: Bearer {token}\r\n"),
            "200",
        ),
    ] {
        let answer = ask(address, &format!("{head}Host: {address}\r\n\r\n")).await;
        let line = answer.lines().next().unwrap_or_default().to_owned();
        assert!(line.contains(status), "{head}: {line}");
        assert!(!answer.contains(token), "{head}");
    }
    let stranger = ask(
        address,
        "GET /health HTTP/1.0\r\nHost: evil.example\r\n\r\n",
    )
    .await;
    assert!(stranger.contains("403"), "{stranger}");
    let ready = async {
        let question = format!("GET /ready HTTP/1.0\r\nHost: {address}\r\n\r\n");
        while !ask(address, &question).await.contains(" 200 ") {
            tokio::task::yield_now().await;
        }
    };
    within("readiness", ready).await;
    desk.cloud.set_token_works(false);
    desk.cloud.cut_sockets();
    let question = format!("GET /ready HTTP/1.0\r\nHost: {address}\r\n\r\n");
    let unready = async {
        while !ask(address, &question).await.contains(" 503 ") {
            tokio::task::yield_now().await;
        }
    };
    within("the loss is told", unready).await;
}

async fn ask(address: &str, question: &str) -> String {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let stream = tokio::net::TcpStream::connect(address).await;
    let mut stream = stream.expect("the worker listens");
    let sent = stream.write_all(question.as_bytes()).await;
    sent.expect("the worker reads");
    let mut answer = String::new();
    let read = stream.read_to_string(&mut answer).await;
    read.expect("the worker answers");
    answer
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_is_explained_or_the_nearest_one_named() {
    let desk = Desk::new(silent_port()).await;
    let page = desk.run(&["explain", "link-unreachable"]).await;
    assert_eq!(page.status.code(), Some(0));
    assert!(text(&page.stdout).starts_with("LINK-UNREACHABLE: "));
    let near = desk.run(&["explain", "LINK-UNREACHABEL"]).await;
    assert_eq!(near.status.code(), Some(1));
    assert!(text(&near.stderr).contains("did you mean LINK-UNREACHABLE?"));
}

#[tokio::test(flavor = "multi_thread")]
async fn events_come_through_the_worker_as_json_lines() {
    let mut desk = Desk::new(silent_port()).await;
    desk.cloud.add_device(DeviceKind::Printer, "Bar");
    desk.start().await;
    let mut follower = desk.command(&["events", "--json"]);
    let mut follower = follower.spawn().expect("it starts");
    let out = follower.stdout.take().expect("piped");
    let (errors, first) = (follower.stderr.take().expect("piped"), Vec::new());
    let connected = tokio::task::spawn_blocking(move || {
        use std::io::BufRead;
        let mut lines = std::io::BufReader::new(errors)
            .lines()
            .map_while(Result::ok);
        lines.any(|line| line.contains("main: connected"))
    });
    let connected = within("the follower's connection", connected).await;
    assert!(connected.expect("no panic"));
    let id = uuid::Uuid::new_v4();
    desk.cloud.push_events(serde_json::json!([
        { "Type": "Resource", "Id": id, "State": "Dirty" }
    ]));
    let heard = tokio::task::spawn_blocking(move || {
        use std::io::BufRead;
        let mut lines = std::io::BufReader::new(out).lines().map_while(Result::ok);
        let mut heard: Vec<String> = first;
        heard.extend(lines.next());
        heard
    });
    let heard = within("the event", heard).await.expect("no panic");
    let event: serde_json::Value = serde_json::from_str(&heard[0]).expect("JSON");
    assert_eq!(event["Id"], id.to_string());
    assert_eq!(desk.cloud.sockets(), 1, "one socket per token");
    follower.kill().expect("it runs");
    let _ = follower.wait();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_doctor_names_what_fails_and_lets_good_things_pass() {
    let desk = Desk::new(silent_port()).await;
    let found = desk.run(&["doctor"]).await;
    let told = text(&found.stdout);
    assert_eq!(found.status.code(), Some(2), "{told}");
    for part in [
        "ok    main tokens: accepted for Sandbox Hotel",
        "ok    main socket: opens",
        "fail  main device: Bar is not in Mews",
        "fail  device bar: tcp:127.0.0.1:",
    ] {
        assert!(told.contains(part), "{part}: {told}");
    }
    desk.cloud.set_token_works(false);
    let told = text(&desk.run(&["doctor"]).await.stdout);
    assert!(told.contains("fail  main tokens: "), "{told}");
}

/// A worker that has gone deaf, by a bug, is not left running: its service starts it anew.
#[tokio::test(flavor = "multi_thread")]
async fn a_worker_whose_intake_breaks_off_ends_and_goes_on_when_it_is_started_anew() {
    let mut desk = Desk::new(silent_port()).await;
    let device = desk.cloud.add_device(DeviceKind::Printer, "Bar");
    let mut command = desk.command(&["run"]);
    command.env("NIGHTPORTER_CRASH_AT", "accepted");
    command.env("NIGHTPORTER_PANIC_TEXT", "a bug");
    let mut worker = command.spawn().expect("it starts");
    let id = desk.cloud.add_print(device, "text/plain", b"waits", 1);
    let ended = tokio::task::spawn_blocking(move || worker.wait());
    let ended = within("its end", ended).await.expect("no panic");
    assert_eq!(ended.expect("it ran").code(), Some(1));
    desk.start().await;
    let short = &id.to_string()[..8];
    let cancelled = async {
        while !desk.run(&["cancel", short]).await.status.success() {
            tokio::task::yield_now().await;
        }
    };
    within("the cancel", cancelled).await;
    let state = within("the end", desk.cloud.wait_final(id)).await;
    assert_eq!(state, CommandState::Cancelled);
}
