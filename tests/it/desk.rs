//! A PC at the front desk: a config, the real binary on both ends, a cloud.

use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};

use nightporter::sandbox::{Hotel, Sandbox, SandboxOptions};
use tempfile::TempDir;

use crate::house::within;

pub struct Desk {
    pub cloud: Sandbox,
    pub folder: TempDir,
    pub worker: Option<Child>,
}

impl Drop for Desk {
    fn drop(&mut self) {
        if let Some(worker) = &mut self.worker {
            let _ = worker.kill();
            let _ = worker.wait();
        }
    }
}

impl Desk {
    /// With a printer named Bar on a port.
    pub async fn new(port: u16) -> Self {
        Self::with(
            &format!("tcp:127.0.0.1:{port}"),
            "operator_wait_s = 600\n",
            "127.0.0.1:0",
        )
        .await
    }

    /// With a printer named Bar on a link, further settings, and an admin port.
    pub async fn with(link: &str, settings: &str, admin: &str) -> Self {
        let cloud = Sandbox::start(SandboxOptions::default())
            .await
            .expect("loopback");
        let folder = tempfile::tempdir().expect("a folder");
        let desk = Self {
            cloud,
            folder,
            worker: None,
        };
        let text = format!(
            "[mews]\nplatform_address = \"{}\"\nwebsocket_address = \"{}\"\n\
             [property.main]\nclient_token = {{ env = \"CLIENT\" }}\n\
             access_token = {{ env = \"ACCESS\" }}\n\
             [device.bar]\nmews = \"Bar\"\ndriver = \"escpos\"\nlink = \"{link}\"\n{settings}\
             [journal]\npath = 'journal.db'\n[admin]\nlisten = \"{admin}\"\n",
            desk.cloud.platform_address(),
            desk.cloud.websocket_address(),
        );
        std::fs::write(desk.config(), text).expect("the config is written");
        desk
    }

    pub fn config(&self) -> PathBuf {
        self.folder.path().join("nightporter.toml")
    }

    pub fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_nightporter"));
        command
            .arg("--config")
            .arg(self.config())
            .args(words)
            .env("CLIENT", self.cloud.client_token())
            .env("ACCESS", self.cloud.access_token())
            .stderr(Stdio::piped())
            .stdout(Stdio::piped());
        command
    }

    pub async fn run(&self, words: &[&str]) -> Output {
        let mut command = self.command(words);
        let run = tokio::task::spawn_blocking(move || command.output());
        let output = within("an answer of the verb", run).await;
        output.expect("no panic").expect("the binary starts")
    }

    /// The worker, with its socket up and its admin interface open; its log in `worker.log`.
    pub async fn start(&mut self) {
        let log = std::fs::File::options()
            .create(true)
            .append(true)
            .open(self.folder.path().join("worker.log"));
        let mut worker = self.command(&["run"]);
        worker.stderr(log.expect("the test may write"));
        self.worker = Some(worker.spawn().expect("it starts"));
        let up = |hotel: &Hotel| hotel.sockets() == 1;
        within("the socket", self.cloud.wait_until(up)).await;
        let answers = async {
            while !self.run(&["status"]).await.status.success() {
                tokio::task::yield_now().await;
            }
        };
        within("the admin interface", answers).await;
    }

    /// Kills it: nothing is asked, nothing is told.
    pub fn kill(&mut self) {
        let mut worker = self.worker.take().expect("it was started");
        worker.kill().expect("it is ours");
        worker.wait().expect("it is ours");
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("worker.log")).unwrap_or_default()
    }
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A port nobody listens at: opened and closed.
pub fn silent_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("loopback");
    listener.local_addr().expect("bound").port()
}
