//! The real binary at its loudest, from start to stop: what it must never say, it does not.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use driver_link::host::serve_tcp;
use nightporter::sandbox::{
    CommandState, DeviceKind, Hotel, HotelOptions, KeyRequest, Sandbox, SandboxOptions,
};
use tokio::net::TcpListener;
use tokio::process::{Child, Command};
use tokio_util::sync::CancellationToken;

use crate::house::within;

const CLIENT: &str = "0A1BCANARYCLIENT-77F0";
const ACCESS: &str = "9C8DCANARYACCESS-11E2";

async fn cloud() -> Sandbox {
    let hotel = HotelOptions {
        access_token: Some(ACCESS.to_owned()),
        ..HotelOptions::default()
    };
    let client_token = Some(CLIENT.to_owned());
    let options = SandboxOptions {
        client_token,
        hotel,
        ..SandboxOptions::default()
    };
    Sandbox::start(options).await.expect("loopback")
}

fn worker(config: &std::path::Path, level: &str) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_nightporter"));
    command
        .arg("--config")
        .arg(config)
        .arg("run")
        .env("RUST_LOG", level)
        .kill_on_drop(true);
    command.env("CLIENT", CLIENT).env("ACCESS", ACCESS);
    command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary starts")
}

fn ask_to_stop(worker: &Child) {
    let id = i32::try_from(worker.id().expect("it runs")).expect("a process id");
    let id = rustix::process::Pid::from_raw(id).expect("a process id");
    rustix::process::kill_process(id, rustix::process::Signal::TERM).expect("it is ours");
}

/// Files under a folder, folders in it included, that hold a word.
fn holding(folder: &Path, word: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let Ok(inside) = std::fs::read_dir(folder) else {
        return found;
    };
    for path in inside.flatten().map(|entry| entry.path()) {
        if path.is_dir() {
            found.extend(holding(&path, word));
        } else if let Ok(bytes) = std::fs::read(&path)
            && bytes.windows(word.len()).any(|at| at == word.as_bytes())
        {
            found.push(path);
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn no_token_and_no_guest_is_in_any_line_of_the_loudest_log() {
    let folder = tempfile::tempdir().expect("a folder");
    let cloud = cloud().await;
    let device = cloud.add_device(DeviceKind::KeyCutter, "Encoder");
    let lock = crate::house::kind_named("pms-industry-standard")
        .simulator()
        .expect("it has one")
        .build(
            folder.path().join("lock"),
            &[("card_ms".to_owned(), "1000".to_owned())],
        )
        .expect("no switches");
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback");
    let wire = listener.local_addr().expect("bound");
    let end = CancellationToken::new();
    tokio::spawn(serve_tcp(listener, Arc::clone(&lock), end.clone()));
    let config = folder.path().join("nightporter.toml");
    let text = format!(
        "[mews]\nplatform_address = \"{}\"\nwebsocket_address = \"{}\"\n\
         [property.main]\nclient_token = {{ env = \"CLIENT\" }}\n\
         access_token = {{ env = \"ACCESS\" }}\n\
         [device.encoder]\nmews = \"Encoder\"\ndriver = \"pms-industry-standard\"\n\
         link = \"tcp:{wire}\"\n\
         [device.encoder.settings]\nprofile = \"salto\"\nencoder = \"Online Encoder\"\n\
         [journal]\npath = \"journal.db\"\n[admin]\nlisten = \"127.0.0.1:0\"\n",
        cloud.platform_address(),
        cloud.websocket_address(),
    );
    std::fs::write(&config, text).expect("the test may write");

    let worker = worker(&config, "trace");
    within(
        "the socket",
        cloud.wait_until(|hotel: &Hotel| hotel.sockets() == 1),
    )
    .await;
    let key = KeyRequest {
        encoder: None,
        data_json: None,
        guest: ["Canarina", "Canaryson", "Canarina", "Canaryson"].map(str::to_owned),
        ..KeyRequest::new("101", cloud.now())
    };
    let id = cloud.add_key(device, &key);
    // The twin: while the command is open its payload is on the disk, and the search finds it.
    let kept = async {
        while holding(folder.path(), "Canar").is_empty() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    within("the payload of an open command", kept).await;
    assert_eq!(
        within("the end", cloud.wait_final(id)).await,
        CommandState::Processed
    );
    ask_to_stop(&worker);
    let ended = within("the stop", worker.wait_with_output())
        .await
        .expect("it ends");
    end.cancel();

    let log = String::from_utf8_lossy(&ended.stderr).into_owned()
        + &String::from_utf8_lossy(&ended.stdout);
    assert_eq!(ended.status.code(), Some(0), "{log}");
    assert!(
        log.contains("Worker started") && log.contains("Worker stopped"),
        "{log}"
    );
    for secret in ["CANARY", "Canar"] {
        assert!(!log.contains(secret), "{secret}: {log}");
    }
    for secret in ["CANARY", "Canar"] {
        assert_eq!(
            holding(folder.path(), secret),
            Vec::<PathBuf>::new(),
            "{secret}"
        );
    }
}
