//! The real binary as a child, and what the system says of it.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use nightporter::journal::Reader;
use nightporter::sandbox::Sandbox;

/// How the round trips that the bench sends itself are signed.
pub const BENCH: &str = "Bench 1";

/// The worker, as released.
pub const BINARY: &str = env!("CARGO_BIN_EXE_nightporter");

/// A running worker; killed when dropped.
pub struct Process(Child);

/// A folder on the disk of the build, since /tmp may be memory.
pub fn folder_on_disk() -> tempfile::TempDir {
    let beside = Path::new(BINARY).parent().expect("a folder");
    tempfile::tempdir_in(beside).expect("a folder")
}

impl Process {
    /// Starts `nightporter run` against a sandbox.
    pub fn start(cloud: &Sandbox, folder: &Path, devices: &str) -> Self {
        let config = folder.join("nightporter.toml");
        let text = format!(
            "[mews]\nplatform_address = \"{}\"\nwebsocket_address = \"{}\"\n\
             [property.main]\nclient_token = {{ env = \"BENCH_CLIENT\" }}\n\
             access_token = {{ env = \"BENCH_ACCESS\" }}\n\
             [journal]\npath = '{}'\n[admin]\nlisten = \"127.0.0.1:0\"\n{devices}",
            cloud.platform_address(),
            cloud.websocket_address(),
            folder.join("journal.db").display(),
        );
        std::fs::write(&config, text).expect("written");
        let child = Command::new(BINARY)
            .arg("--config")
            .arg(&config)
            .arg("run")
            .env("BENCH_CLIENT", cloud.client_token())
            .env("BENCH_ACCESS", cloud.access_token())
            .env("RUST_LOG", "error")
            .stdout(Stdio::null())
            .stderr(Stdio::inherit())
            .spawn()
            .expect("started");
        Self(child)
    }

    /// Resident memory in bytes; 0 where the system does not say.
    pub fn resident(&self) -> u64 {
        self.status("VmRSS:")
    }

    /// The most resident memory so far.
    pub fn peak(&self) -> u64 {
        self.status("VmHWM:")
    }

    fn status(&self, line: &str) -> u64 {
        let text = std::fs::read_to_string(format!("/proc/{}/status", self.0.id()));
        let text = text.unwrap_or_default();
        let value = text.lines().find_map(|found| found.strip_prefix(line));
        let kilobytes = value.and_then(|value| value.trim().trim_end_matches(" kB").parse().ok());
        kilobytes.unwrap_or(0_u64) * 1024
    }

    /// Processor time so far, in ticks of 10 ms.
    pub fn cpu(&self) -> Duration {
        let text = std::fs::read_to_string(format!("/proc/{}/stat", self.0.id()));
        let text = text.unwrap_or_default();
        let after_name = text.rsplit(')').next().unwrap_or_default();
        let fields: Vec<&str> = after_name.split_whitespace().collect();
        let ticks = |index: usize| fields.get(index).and_then(|f| f.parse::<u64>().ok());
        let (user, system) = (ticks(11).unwrap_or(0), ticks(12).unwrap_or(0));
        Duration::from_millis((user + system) * 10)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A client for the round trips that the worker is compared with.
pub fn client() -> reqwest::Client {
    reqwest::Client::builder()
        .no_proxy()
        .build()
        .expect("a client")
}

/// One request of the kind a command needs, and its answer.
pub async fn round_trip(client: &reqwest::Client, cloud: &Sandbox) -> Duration {
    let body = format!(
        "{{\"ClientToken\":\"{}\",\"AccessToken\":\"{}\",\"Client\":\"{BENCH}\",\
         \"CommandIds\":[\"{}\"]}}",
        cloud.client_token(),
        cloud.access_token(),
        uuid::Uuid::nil(),
    );
    let url = format!(
        "{}/api/connector/v1/commands/getAllByIds",
        cloud.platform_address()
    );
    let begun = driver_sdk::clock::now();
    let request = client
        .post(url)
        .header("Content-Type", "application/json")
        .body(body);
    let answer = request.send().await.expect("the sandbox answers");
    let _ = answer.bytes().await;
    begun.elapsed()
}

/// One small write, synced to the disk that holds the journal.
pub fn disk_sync(folder: &Path) -> Duration {
    let path = folder.join("sync");
    let mut file = File::options()
        .create(true)
        .append(true)
        .open(path)
        .expect("opens");
    file.write_all(&[0; 4096]).expect("writes");
    let begun = driver_sdk::clock::now();
    file.sync_data().expect("syncs");
    begun.elapsed()
}

/// Waits until the journal knows so many commands.
pub async fn accepted(folder: &Path, count: usize) {
    let reader = Reader::open(&folder.join("journal.db")).expect("a journal");
    loop {
        let known = reader.queue(u32::MAX).map_or(0, |rows| rows.len());
        if known >= count {
            return;
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}
