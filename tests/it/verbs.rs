//! Verbs that a person uses when something is odd: each on the real binary, with a worker and
//! without one.

use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStderr, ChildStdout, Command, Stdio};
use std::sync::Arc;

use driver_link::host::serve_tcp;
use driver_sdk::VirtualDevice;
use nightporter::sandbox::{CommandState, DeviceKind, Hotel};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::desk::{Desk, silent_port, text};
use crate::house::{kind_named, within};

/// A virtual printer on a TCP port of this test.
struct Printer {
    device: Arc<dyn VirtualDevice>,
    port: u16,
    _end: tokio_util::sync::DropGuard,
    _folder: tempfile::TempDir,
}

impl Printer {
    async fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let simulator = kind_named("escpos").simulator().expect("it has one");
        let device = simulator
            .build(folder.path().to_owned(), &[])
            .expect("it needs no switches");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("loopback");
        let port = listener.local_addr().expect("bound").port();
        let end = CancellationToken::new();
        tokio::spawn(serve_tcp(listener, device.clone(), end.clone()));
        Self {
            device,
            port,
            _end: end.drop_guard(),
            _folder: folder,
        }
    }

    fn printed(&self, text: &str) -> usize {
        let effects = self.device.effects();
        let found = effects.iter().filter(|one| one.content.contains(text));
        found.count()
    }
}

fn short(id: Uuid) -> String {
    id.to_string()[..8].to_owned()
}

/// A command whose attempt was committed when the worker died, reported as unconfirmed by the
/// next one.
async fn in_doubt(desk: &mut Desk) -> Uuid {
    let device = desk.cloud.add_device(DeviceKind::Printer, "Bar");
    let id = desk.cloud.add_print(device, "text/plain", b"in doubt\n", 1);
    let mut first = desk.command(&["run"]);
    first
        .env("NIGHTPORTER_CRASH_AT", "after-commit")
        .stderr(Stdio::null());
    let dies = tokio::task::spawn_blocking(move || first.output());
    let died = within("the crash", dies).await.expect("no panic");
    assert!(!died.expect("it starts").status.success());
    desk.start().await;
    let state = within("the end", desk.cloud.wait_final(id)).await;
    assert_eq!(state, CommandState::Error);
    let note = desk.cloud.notes(id).unwrap_or_default();
    assert!(note.starts_with("UNCONFIRMED: Bar: "), "{note}");
    id
}

#[tokio::test(flavor = "multi_thread")]
async fn a_doubt_is_shown_and_resolved_through_the_running_worker() {
    let printer = Printer::new().await;
    let mut desk = Desk::new(printer.port).await;
    let id = in_doubt(&mut desk).await;
    let short = short(id);
    let shown = text(&desk.run(&["status"]).await.stdout);
    for part in [
        format!("in doubt  {id} of bar since "),
        "Look at the printer's paper.".to_owned(),
        format!("then: nightporter resolve {short} happened|did-not-happen"),
        ", 0 to be told".to_owned(),
        "journal   ".to_owned(),
        " free on its disk".to_owned(),
    ] {
        assert!(shown.contains(&part), "{part}: {shown}");
    }
    let retried = desk.run(&["retry", &short]).await;
    assert_eq!(retried.status.code(), Some(1));
    assert!(text(&retried.stderr).contains("send it again from Mews"));
    let resolved = desk.run(&["resolve", &short, "did-not-happen"]).await;
    assert_eq!(
        resolved.status.code(),
        Some(0),
        "{}",
        text(&resolved.stderr)
    );
    assert!(text(&resolved.stdout).contains("it did not happen; the device is free"));
    let shown = text(&desk.run(&["status"]).await.stdout);
    assert!(!shown.contains("in doubt"), "{shown}");
    let story = text(&desk.run(&["show", &short]).await.stdout);
    assert!(
        story.contains("a person says: it did not happen"),
        "{story}"
    );
    let again = desk.run(&["resolve", &short, "happened"]).await;
    assert_eq!(again.status.code(), Some(1));
    assert!(text(&again.stderr).contains("it is not in doubt"));
    assert_eq!(printer.printed("in doubt"), 0, "nothing is printed again");
    let requests = desk.cloud.state(id);
    assert_eq!(
        requests,
        Some(CommandState::Error),
        "Mews keeps what it was told"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_doubt_is_resolved_without_a_worker_too() {
    let printer = Printer::new().await;
    let mut desk = Desk::new(printer.port).await;
    let id = in_doubt(&mut desk).await;
    desk.kill();
    let resolved = desk.run(&["resolve", &short(id), "happened"]).await;
    assert_eq!(
        resolved.status.code(),
        Some(0),
        "{}",
        text(&resolved.stderr)
    );
    assert!(text(&resolved.stdout).contains("No worker runs"));
    desk.start().await;
    let shown = text(&desk.run(&["status"]).await.stdout);
    assert!(!shown.contains("in doubt"), "{shown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_device_is_tested_with_and_without_a_worker() {
    let printer = Printer::new().await;
    let mut desk = Desk::new(printer.port).await;
    // Without a worker: no token is needed, the page is printed, the journal knows it.
    let mut tested = desk.command(&["test", "bar"]);
    tested.env_remove("CLIENT").env_remove("ACCESS");
    let tested = tokio::task::spawn_blocking(move || tested.output());
    let tested = within("the test", tested).await.expect("no panic");
    let tested = tested.expect("it starts");
    let (told, remarks) = (text(&tested.stdout), text(&tested.stderr));
    assert_eq!(tested.status.code(), Some(0), "{told}{remarks}");
    assert!(told.starts_with("Bar: printed, 1 copy."), "{told}");
    assert_eq!(printer.printed("Nightporter test page"), 1);
    let queue = text(&desk.run(&["queue"]).await.stdout);
    assert!(queue.contains("  bar     done"), "{queue}");
    // What was learned is used by the worker, and the test is not run again by it.
    let device = desk.cloud.add_device(DeviceKind::Printer, "Bar");
    desk.start().await;
    let id = desk.cloud.add_print(device, "text/plain", b"a bill\n", 1);
    within("the end", desk.cloud.wait_final(id)).await;
    let note = desk.cloud.notes(id).unwrap_or_default();
    assert_eq!(
        note, "Bar: printed, 1 copy.",
        "the test page found its marks"
    );
    assert_eq!(printer.printed("Nightporter test page"), 1);
    let tested = desk.run(&["test", "bar"]).await;
    assert_eq!(tested.status.code(), Some(0), "{}", text(&tested.stderr));
    assert_eq!(printer.printed("Nightporter test page"), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_test_without_a_worker_says_what_is_the_matter_and_leaves_what_waits_alone() {
    let printer = Printer::new().await;
    let mut desk = Desk::new(printer.port).await;
    let nobody = desk.run(&["test", "kitchen"]).await;
    assert_eq!(nobody.status.code(), Some(1));
    assert!(text(&nobody.stderr).contains("no device kitchen"));
    printer.device.switch("paper", "out").expect("a switch");
    let empty = desk.run(&["test", "bar"]).await;
    assert_eq!(empty.status.code(), Some(1));
    let told = text(&empty.stdout);
    assert!(told.contains("No paper. Nothing was printed."), "{told}");
    // A command that waits for paper in a worker that was killed stays as it is.
    let device = desk.cloud.add_device(DeviceKind::Printer, "Bar");
    let waits = desk.cloud.add_print(device, "text/plain", b"waits\n", 1);
    desk.start().await;
    let waiting = async {
        while !text(&desk.run(&["queue"]).await.stdout).contains("waiting") {
            tokio::task::yield_now().await;
        }
    };
    within("the command waits", waiting).await;
    desk.kill();
    printer.device.switch("paper", "loaded").expect("a switch");
    let tested = desk.run(&["test", "bar"]).await;
    assert_eq!(tested.status.code(), Some(0), "{}", text(&tested.stdout));
    assert_eq!(printer.printed("waits"), 0);
    let queue = text(&desk.run(&["queue"]).await.stdout);
    assert!(queue.contains("waiting"), "{queue}");
    desk.start().await;
    within("the end", desk.cloud.wait_final(waits)).await;
    assert_eq!(printer.printed("waits"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_doubt_on_the_wire_keeps_a_test_away() {
    let printer = Printer::new().await;
    let desk = Desk::new(printer.port).await;
    let device = desk.cloud.add_device(DeviceKind::Printer, "Bar");
    desk.cloud.add_print(device, "text/plain", b"in doubt\n", 1);
    let mut first = desk.command(&["run"]);
    first.env("NIGHTPORTER_CRASH_AT", "after-commit");
    let dies = tokio::task::spawn_blocking(move || first.output());
    let died = within("the crash", dies).await.expect("no panic");
    died.expect("it starts");
    let tested = desk.run(&["test", "bar"]).await;
    assert_eq!(tested.status.code(), Some(1));
    let told = text(&tested.stderr);
    assert!(
        told.contains("start the worker, which asks the device"),
        "{told}"
    );
    assert_eq!(printer.printed("test page"), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_worker_is_refused_and_the_first_goes_on() {
    let mut desk = Desk::new(silent_port()).await;
    desk.cloud.add_device(DeviceKind::Printer, "Bar");
    desk.start().await;
    let second = desk.run(&["run"]).await;
    assert_eq!(second.status.code(), Some(75));
    let told = text(&second.stderr);
    assert!(told.contains("another worker already runs on "), "{told}");
    for verb in ["status", "queue"] {
        assert_eq!(desk.run(&[verb]).await.status.code(), Some(0), "{verb}");
    }
    assert_eq!(desk.cloud.sockets(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_taken_admin_port_is_told_and_another_one_is_used() {
    let holder = std::net::TcpListener::bind("127.0.0.1:0").expect("loopback");
    let taken = holder.local_addr().expect("bound").to_string();
    let mut desk = Desk::with("tcp:127.0.0.1:9", "", &taken).await;
    desk.cloud.add_device(DeviceKind::Printer, "Bar");
    let told = text(&desk.run(&["doctor"]).await.stdout);
    assert!(
        told.contains(&format!("warn  admin: {taken} cannot be opened")),
        "{told}"
    );
    desk.start().await;
    let log = desk.log();
    assert!(
        log.contains("Admin port is taken; a free one is used"),
        "{log}"
    );
    let shown = desk.run(&["status"]).await;
    assert_eq!(shown.status.code(), Some(0), "{}", text(&shown.stderr));
    drop(holder);
}

/// A line a process prints; the rest stays to be read.
async fn line_with(
    mut lines: impl Iterator<Item = String> + Send + 'static,
    part: &'static str,
) -> String {
    let found = tokio::task::spawn_blocking(move || {
        let mut seen = Vec::new();
        for line in lines.by_ref() {
            if line.contains(part) {
                return Ok(line);
            }
            seen.push(line);
        }
        Err(seen.join("\n"))
    });
    let found = within(part, found).await.expect("no panic");
    found.unwrap_or_else(|seen| panic!("no line with {part}: {seen}"))
}

fn lines_of(stream: impl std::io::Read) -> impl Iterator<Item = String> {
    BufReader::new(stream).lines().map_while(Result::ok)
}

fn streams(child: &mut Child) -> (ChildStdout, ChildStderr) {
    let (out, errors) = (child.stdout.take(), child.stderr.take());
    (out.expect("piped"), errors.expect("piped"))
}

#[tokio::test(flavor = "multi_thread")]
async fn events_are_followed_without_a_worker_as_lines() {
    let desk = Desk::new(silent_port()).await;
    let mut follower = desk.command(&["events"]).spawn().expect("it starts");
    let (out, errors) = streams(&mut follower);
    line_with(lines_of(errors), "main: connected").await;
    let up = |hotel: &Hotel| hotel.sockets() == 1;
    within("the socket", desk.cloud.wait_until(up)).await;
    let id = Uuid::new_v4();
    desk.cloud.push_events(serde_json::json!([
        { "Type": "Resource", "Id": id, "State": "Dirty" },
        { "Type": "Weather", "Id": id },
    ]));
    let mut lines = lines_of(out);
    let heard = tokio::task::spawn_blocking(move || [lines.next(), lines.next()]);
    let heard = within("two events", heard).await.expect("no panic");
    let heard = heard.map(Option::unwrap_or_default);
    assert!(
        heard[0].contains("Resource") && heard[0].contains("Dirty"),
        "{heard:?}"
    );
    assert!(
        heard[1].contains("Weather"),
        "unknown ones are told too: {heard:?}"
    );
    follower.kill().expect("it runs");
    let _ = follower.wait();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_demo_stays_open_with_its_page_until_it_is_ended() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut demo = Command::new(env!("CARGO_BIN_EXE_nightporter"));
    demo.args(["demo", "--stay"]).current_dir(&folder);
    for name in ["TMPDIR", "TEMP", "TMP"] {
        demo.env(name, folder.path());
    }
    demo.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut demo = demo.spawn().expect("it starts");
    let (out, _errors) = streams(&mut demo);
    let line = line_with(lines_of(out), "The page, for more commands: ").await;
    let (_, page) = line.split_once("commands: ").expect("found by it");
    let host = page
        .trim_start_matches("http://")
        .split('/')
        .next()
        .expect("an address")
        .to_owned();
    let path = page.split_once(&host).map_or("/", |(_, path)| path);
    let path = if path.is_empty() { "/" } else { path };
    let answer = get(&host, path).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(answer.contains("<html"), "{answer}");
    for elsewhere in ["src=\"http", "href=\"http", "@import", "//cdn"] {
        assert!(
            !answer.contains(elsewhere),
            "nothing from elsewhere: {elsewhere}"
        );
    }
    assert!(demo.try_wait().expect("ours").is_none(), "it stays");
    end(demo).await;
}

#[cfg(unix)]
async fn end(mut demo: Child) {
    let id = rustix::process::Pid::from_child(&demo);
    rustix::process::kill_process(id, rustix::process::Signal::TERM).expect("it is ours");
    let ended = tokio::task::spawn_blocking(move || demo.wait());
    let ended = within("the end", ended).await.expect("no panic");
    assert_eq!(ended.expect("ours").code(), Some(0));
}

#[cfg(not(unix))]
async fn end(mut demo: Child) {
    demo.kill().expect("it is ours");
    demo.wait().expect("it is ours");
}

async fn get(host: &str, path: &str) -> String {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut stream = tokio::net::TcpStream::connect(host)
        .await
        .expect("it listens");
    let question = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    stream.write_all(question.as_bytes()).await.expect("read");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("answered");
    answer
}

#[tokio::test(flavor = "multi_thread")]
async fn every_code_of_this_build_is_explained() {
    let desk = Desk::new(silent_port()).await;
    let list = text(&desk.run(&["explain"]).await.stdout);
    let codes: Vec<&str> = list
        .lines()
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    assert!(codes.len() > 100, "{} codes", codes.len());
    for code in codes {
        let page = desk.run(&["explain", code]).await;
        let told = text(&page.stdout);
        assert_eq!(page.status.code(), Some(0), "{code}");
        let mut lines = told.lines();
        let sentence = lines.next().unwrap_or_default();
        assert!(sentence.starts_with(&format!("{code}: ")), "{code}: {told}");
        let rest: String = lines.collect();
        assert!(
            !rest.trim().is_empty(),
            "{code} says nothing to the technician: {told}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_doctor_looks_at_the_disk_and_knocks_at_devices_behind_http() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("loopback");
    let there = listener.local_addr().expect("bound");
    let missing = silent_port();
    let more = format!(
        "[device.till]\nmews = \"Till\"\ndriver = \"epson-rt\"\nlink = \"http://{there}/cgi\"\n\
         [device.gone]\nmews = \"Gone\"\ndriver = \"epson-rt\"\n\
         link = \"http://127.0.0.1:{missing}/cgi\"\n"
    );
    let desk = Desk::with("tcp:127.0.0.1:9", &more, "127.0.0.1:0").await;
    let found = desk.run(&["doctor"]).await;
    let told = text(&found.stdout);
    for part in [
        "ok    disk: ".to_owned(),
        " free, a sync takes ".to_owned(),
        "ok    admin: ".to_owned(),
        format!("ok    device till: {there} can be reached"),
        format!("fail  device gone: 127.0.0.1:{missing} cannot be reached"),
    ] {
        assert!(
            told.contains(&part),
            "{part}: {told}{}",
            text(&found.stderr)
        );
    }
}
