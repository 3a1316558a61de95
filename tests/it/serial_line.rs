//! The real worker on a real serial line: a pseudo-terminal of `nightporter simulate`, unplugged
//! and plugged in again.

#[cfg(not(unix))]
#[test]
fn unplugged_and_plugged_in_again() {
    use std::io::Write;
    let why = "skipped: this system has no pseudo-terminals to stand for a serial line";
    let _ = writeln!(std::io::stderr().lock(), "{why}");
}

#[cfg(unix)]
mod on_a_pseudo_terminal {
    use std::io::{BufRead, BufReader, Write};
    use std::os::unix::fs::symlink;
    use std::path::Path;
    use std::process::{Child, ChildStdin, Command, Stdio};
    use std::sync::mpsc::{Receiver, channel};

    use nightporter::sandbox::{CommandState, DeviceKind};
    use uuid::Uuid;

    use crate::desk::{Desk, text};
    use crate::house::{PATIENCE, within};

    /// `simulate escpos --pty`, plugged in at a name that stays, as under `/dev/serial/by-id`.
    struct Printer {
        child: Child,
        switches: ChildStdin,
        story: Receiver<String>,
        heard: Vec<String>,
    }

    impl Drop for Printer {
        fn drop(&mut self) {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }

    impl Printer {
        fn plug(port: &Path, folder: &Path, set: &[&str]) -> Self {
            let mut simulate = Command::new(env!("CARGO_BIN_EXE_nightporter"));
            simulate.args(["simulate", "escpos", "--pty", "--folder"]);
            simulate.arg(folder);
            for switch in set {
                simulate.args(["--set", switch]);
            }
            simulate.stdin(Stdio::piped()).stdout(Stdio::piped());
            let mut child = simulate.stderr(Stdio::null()).spawn().expect("it starts");
            let switches = child.stdin.take().expect("piped");
            let out = child.stdout.take().expect("piped");
            let (tell, story) = channel();
            std::thread::spawn(move || {
                for line in BufReader::new(out).lines().map_while(Result::ok) {
                    if tell.send(line).is_err() {
                        return;
                    }
                }
            });
            let mut printer = Self {
                child,
                switches,
                story,
                heard: Vec::new(),
            };
            let line = printer.says("link = \"serial:");
            let device = line
                .trim_start_matches("link = \"serial:")
                .trim_end_matches('"');
            symlink(device, port).expect("the name is free");
            printer
        }

        fn says(&mut self, part: &str) -> String {
            loop {
                let line = self.story.recv_timeout(PATIENCE);
                let line = line.unwrap_or_else(|_| panic!("{part}: {:?}", self.heard));
                self.heard.push(line.clone());
                if line.contains(part) {
                    return line;
                }
            }
        }

        fn set(&mut self, switch: &str) {
            writeln!(self.switches, "{switch}").expect("it reads");
        }

        /// The cable is pulled: the port is gone, and so is its name.
        fn unplug(mut self, port: &Path) -> usize {
            std::fs::remove_file(port).expect("it was plugged in");
            self.child.kill().expect("it is ours");
            self.child.wait().expect("it is ours");
            self.receipts()
        }

        /// Receipts that came out so far.
        fn receipts(&mut self) -> usize {
            self.heard.extend(self.story.try_iter());
            let cut = self
                .heard
                .iter()
                .filter(|line| line.contains("printed and cut"));
            cut.count()
        }
    }

    async fn reaches(desk: &Desk, id: Uuid, state: CommandState) {
        let there = |hotel: &nightporter::sandbox::Hotel| hotel.state(id) == Some(state);
        within(state.name(), desk.cloud.wait_until(there)).await;
    }

    async fn ends(desk: &Desk, id: Uuid) -> (CommandState, String) {
        let state = within("the end", desk.cloud.wait_final(id)).await;
        (state, desk.cloud.notes(id).unwrap_or_default())
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn unplugged_and_plugged_in_again() {
        let places = tempfile::tempdir().expect("a folder");
        let (port, folder) = (places.path().join("port"), places.path().join("receipts"));
        let mut printer = Printer::plug(&port, &folder, &[]);
        let link = format!("serial:{}?baud=115200", port.display());
        let settings = "operator_wait_s = 25\n[device.bar.settings]\nprofile = \"epson\"\n";
        let mut desk = Desk::with(&link, settings, "127.0.0.1:0").await;
        let device = desk.cloud.add_device(DeviceKind::Printer, "Bar");
        let order = |desk: &Desk, text: &str| {
            let text = format!("{text}\n");
            desk.cloud
                .add_print(device, "text/plain", text.as_bytes(), 1)
        };

        // One that waits since before the start, one by event.
        let waiting = order(&desk, "before the start");
        desk.start().await;
        let by_event = order(&desk, "by event");
        for id in [waiting, by_event] {
            let (state, note) = ends(&desk, id).await;
            assert_eq!(state, CommandState::Processed, "{note}");
            assert_eq!(note, "Bar: printed, 1 copy.");
        }
        assert_eq!(printer.receipts(), 2, "{:?}", printer.heard);

        // Unplugged while nothing runs: the next command waits, and goes on by itself.
        assert_eq!(printer.unplug(&port), 2);
        let waits = order(&desk, "waits for the cable");
        let shown = async {
            loop {
                let shown = text(&desk.run(&["status"]).await.stdout);
                if shown.contains("cannot be reached") {
                    return;
                }
                tokio::task::yield_now().await;
            }
        };
        within("the loss is shown", shown).await;
        assert!(!desk.cloud.state(waits).is_some_and(CommandState::is_final));
        let mut printer = Printer::plug(&port, &folder, &["slow=20"]);
        let (state, note) = ends(&desk, waits).await;
        assert_eq!(
            (state, note.as_str()),
            (CommandState::Processed, "Bar: printed, 1 copy.")
        );
        assert_eq!(printer.receipts(), 1, "{:?}", printer.heard);

        // Unplugged in the middle of a receipt of 20 s: nobody knows, and nothing is repeated.
        let long: Vec<String> = (1..100).map(|n| format!("line {n}")).collect();
        let long = order(&desk, &long.join("\n"));
        reaches(&desk, long, CommandState::Processing).await;
        assert_eq!(printer.unplug(&port), 1, "it was in the middle");
        let mut printer = Printer::plug(&port, &folder, &[]);
        let (state, note) = ends(&desk, long).await;
        assert_eq!(state, CommandState::Error);
        assert!(note.starts_with("UNCONFIRMED: Bar: "), "{note}");
        let next = order(&desk, "after all of it");
        let (state, note) = ends(&desk, next).await;
        assert_eq!(
            (state, note.as_str()),
            (CommandState::Processed, "Bar: printed, 1 copy.")
        );
        assert_eq!(
            printer.receipts(),
            1,
            "only the next one: {:?}",
            printer.heard
        );

        // A fault that is switched on at the printer's own console is told like any other.
        printer.set("cover=open");
        printer.says("switched cover: open");
        let open = order(&desk, "cover");
        let (state, note) = ends(&desk, open).await;
        assert_eq!(state, CommandState::Error);
        assert!(
            note.contains("cover is open. Nothing was printed."),
            "{note}"
        );
        assert_eq!(printer.receipts(), 1);
    }
}
