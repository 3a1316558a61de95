//! The real binary, started as people start it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use driver_sdk::{Class, CommandId, DeviceName, Grade, Proof, Say, Staged};
use jiff::Timestamp;
use nightporter::journal::{Core, Gate, NewCommand, Options, PmsState};
use nightporter::life::{Outcome, Said};
use tempfile::TempDir;

const EXAMPLE: &str = "pms-industry-standard.toml";
const TOKEN: &str = "9C8D0000CANARY00-11E2";

struct Desk {
    folder: TempDir,
}

impl Desk {
    /// A folder with a config in it.
    fn with(config: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder for the test");
        fs::write(folder.path().join("nightporter.toml"), config).expect("the test may write");
        Self { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn run(&self, words: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_nightporter"));
        command.args(words).current_dir(self.folder.path());
        command
            .env_remove("RUST_LOG")
            .env("NIGHTPORTER_CLIENT_TOKEN", "0A1B-77F0");
        command.env("NIGHTPORTER_ACCESS_TOKEN", TOKEN);
        command.output().expect("the binary starts")
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("the program prints text")
}

fn example(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("config")
        .join(name);
    fs::read_to_string(path).expect("the repository has examples")
}

/// The drivers of this build, as it says itself.
fn drivers() -> Vec<String> {
    let answer = text(&Desk::with("").run(&["version"]).stdout);
    let line = answer
        .lines()
        .find_map(|line| line.strip_prefix("drivers: "));
    line.expect("version names the drivers")
        .split(", ")
        .map(str::to_owned)
        .collect()
}

#[test]
fn check_finds_every_example_good() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("config");
    let shipped = drivers();
    let mut checked = 0;
    for entry in fs::read_dir(folder).expect("the repository has examples") {
        let name = entry
            .expect("it can be listed")
            .file_name()
            .into_string()
            .expect("ASCII");
        let config = example(&name);
        let named = config
            .lines()
            .filter_map(|line| line.strip_prefix("driver = \""));
        let unknown = |named: &str| !shipped.contains(&named.trim_end_matches('"').to_owned());
        if named.into_iter().any(unknown) {
            continue;
        }
        let result = Desk::with(&config).run(&["check"]);
        let (answer, remarks) = (text(&result.stdout), text(&result.stderr));
        assert_eq!(result.status.code(), Some(0), "{name}: {remarks}");
        assert!(
            answer.starts_with("./nightporter.toml: good\n"),
            "{name}: {answer}"
        );
        assert!(!(answer + &remarks).contains("CANARY"), "{name}");
        checked += 1;
    }
    assert!(
        checked >= shipped.len(),
        "every driver has an example, {checked} were checked"
    );
}

#[test]
fn check_tells_every_error_with_its_place_and_exits_78() {
    let config = example(EXAMPLE)
        .replace("environment = \"demo\"", "environment = \"dem\"")
        .replacen("profile = \"salto\"", "profil = \"salto\"", 1)
        .replace("tcp:192.168.7.20:8090", "tpc:192.168.7.20:8090");
    let checked = Desk::with(&config).run(&["check"]);
    let remarks = text(&checked.stderr);
    assert_eq!(checked.status.code(), Some(78), "{remarks}");
    let lines: Vec<&str> = remarks.lines().collect();
    assert!(lines[0].starts_with("./nightporter.toml:6:15: mews: unknown environment `dem`"));
    let of_links = lines
        .iter()
        .filter(|line| line.contains(": `link`: "))
        .count();
    assert_eq!((lines.len(), of_links), (4, 2), "{remarks}");
    let of_settings = "unknown key `profil`; did you mean `profile`?";
    assert!(
        remarks.lines().any(|line| line.ends_with(of_settings)),
        "{remarks}"
    );
}

#[test]
fn a_config_can_be_named_before_and_after_the_verb() {
    let desk = Desk::with(&example(EXAMPLE));
    fs::rename(desk.path("nightporter.toml"), desk.path("x.toml")).expect("both are ours");
    for words in [
        ["--config", "x.toml", "check"],
        ["check", "--config", "x.toml"],
    ] {
        let checked = desk.run(&words);
        assert_eq!(checked.status.code(), Some(0), "{}", text(&checked.stderr));
    }
    let checked = desk.run(&["check", "--config", "y.toml"]);
    assert_eq!(checked.status.code(), Some(78));
    assert!(text(&checked.stderr).starts_with("y.toml: cannot read the config: "));
}

#[test]
fn words_that_mean_nothing_exit_2() {
    let desk = Desk::with("");
    for words in [
        &["chek"][..],
        &["check", "--colour"],
        &[],
        &["helper", "nothing"],
    ] {
        assert_eq!(desk.run(words).status.code(), Some(2), "{words:?}");
    }
}

/// A command that was printed, one that waits, one in doubt; ids 1, 2, 3.
fn some_memory(path: &Path) {
    let at = |second: i64| Timestamp::from_second(1_780_000_000 + second).expect("in range");
    let gate = |second| Gate {
        scope: "s".into(),
        now: at(second),
        staged: Staged::default(),
    };
    let (mut core, _) = Core::open(path, Options::default(), at(0)).expect("a new journal");
    let ids = [1_u128, 2, 3].map(|n| CommandId(uuid::Uuid::from_u128(n << 96)));
    let commands = ids.map(|id| NewCommand {
        id,
        property: "main".into(),
        device: DeviceName::new("bar"),
        device_title: "Bar printer".into(),
        class: Class::Printer,
        created: at(0),
        expires: Some(at(28_800)),
        said: Said::Nothing,
        local: false,
        repeat: false,
        outcome: None,
    });
    core.accept(&commands, at(1)).expect("the disk is good");
    for id in [ids[0], ids[2]] {
        let committed = core.commit(id, &serde_json::json!({ "id": 7 }), &gate(2));
        committed
            .expect("the disk is good")
            .expect("nothing is in the way");
    }
    let done = Outcome::done(Proof::new(
        Grade::Accepted,
        Say::new("PRINTED").with("copies", 2),
    ));
    let ends = [
        (
            ids[0],
            done,
            "Processed",
            "Bar printer: accepted, 2 copies; the printer took everything.",
        ),
        (
            ids[2],
            Outcome::unconfirmed(Say::new("LOOK")),
            "Error",
            "UNCONFIRMED: Bar printer: look.",
        ),
    ];
    for (id, outcome, state, note) in ends {
        assert!(
            core.settle(id, &outcome, &gate(3))
                .expect("the disk is good")
        );
        let reported = core.reported(id, &PmsState(state.into()), note, at(4));
        reported.expect("the disk is good");
    }
}

fn desk_with_memory() -> Desk {
    let desk = Desk::with("[journal]\npath = \"journal.db\"\n");
    some_memory(&desk.path("journal.db"));
    desk
}

#[test]
fn queue_lists_what_is_open_and_what_was() {
    let listed = desk_with_memory().run(&["queue"]);
    assert_eq!(listed.status.code(), Some(0), "{}", text(&listed.stderr));
    let answer = text(&listed.stdout);
    let lines: Vec<&str> = answer.lines().collect();
    assert!(lines[0].starts_with("ID        CREATED"), "{answer}");
    assert!(
        lines[1].contains("done (accepted)  Bar printer: accepted, 2 copies;"),
        "{answer}"
    );
    assert!(
        lines[2].starts_with("00000002") && lines[2].ends_with("waiting"),
        "{answer}"
    );
    assert!(
        lines[3].contains("in doubt") && lines[3].contains("UNCONFIRMED:"),
        "{answer}"
    );
    assert_eq!(lines.len(), 4, "{answer}");
}

#[test]
fn show_tells_the_story_of_the_command_whose_first_digits_are_given() {
    let desk = desk_with_memory();
    let shown = desk.run(&["show", "00000003"]);
    assert_eq!(shown.status.code(), Some(0), "{}", text(&shown.stderr));
    let answer = text(&shown.stdout);
    for part in [
        "command   00000003-0000-0000-0000-000000000000",
        "device    bar (",
        "state     in doubt",
        "in Mews   Error",
        "note      UNCONFIRMED: Bar printer: look.",
        "accepted",
        "attempt 1",
        "unconfirmed",
    ] {
        assert!(answer.contains(part), "{part}: {answer}");
    }
    let shown = desk.run(&["show", "0000000"]);
    assert_eq!(shown.status.code(), Some(1));
    assert!(text(&shown.stderr).starts_with("3 commands begin with 0000000:"));
    assert_eq!(desk.run(&["show", "9"]).status.code(), Some(1));
}

/// A command that failed before it was begun, and of which Mews was told nothing; id 4.
fn one_that_failed(path: &Path) {
    let at = Timestamp::from_second(1_780_000_010).expect("in range");
    let gate = Gate {
        scope: "s".into(),
        now: at,
        staged: Staged::default(),
    };
    let (mut core, _) = Core::open(path, Options::default(), at).expect("it is there");
    let new = NewCommand {
        id: CommandId(uuid::Uuid::from_u128(4 << 96)),
        property: "main".into(),
        device: DeviceName::new("bar"),
        device_title: "Bar printer".into(),
        class: Class::Printer,
        created: at,
        expires: None,
        said: Said::Nothing,
        local: false,
        repeat: false,
        outcome: None,
    };
    let id = new.id;
    core.accept(&[new], at).expect("the disk is good");
    let failed = Outcome::failed(Say::new("NO-PAPER"));
    core.settle(id, &failed, &gate).expect("the disk is good");
}

#[test]
fn orders_without_a_worker_change_the_journal_or_say_why_not() {
    let desk = desk_with_memory();
    one_that_failed(&desk.path("journal.db"));
    for (words, exit, told) in [
        (&["cancel", "00000001"][..], 1, "nothing is left to cancel"),
        (&["cancel", "00000002"], 0, "it is being cancelled"),
        (&["cancel", "00000002"], 1, "it is being cancelled already"),
        (&["retry", "00000001"], 1, "send it again from Mews"),
        (&["retry", "00000003"], 1, "send it again from Mews"),
        (&["retry", "00000004"], 0, "it is tried again"),
        (
            &["resolve", "00000001", "happened"],
            1,
            "it is not in doubt",
        ),
        (&["resolve", "00000003", "perhaps"], 2, "did-not-happen"),
        (
            &["resolve", "00000003", "happened"],
            0,
            "settled, it happened",
        ),
        (
            &["resolve", "00000003", "happened"],
            1,
            "it is not in doubt",
        ),
        (&["cancel", "7"], 1, "no command begins with 7"),
    ] {
        let given = desk.run(words);
        let said = text(&given.stdout) + &text(&given.stderr);
        assert_eq!(given.status.code(), Some(exit), "{words:?}: {said}");
        assert!(said.contains(told), "{words:?}: {said}");
        if exit == 0 {
            assert!(said.contains("No worker runs"), "{words:?}: {said}");
        }
    }
    let queue = text(&desk.run(&["queue"]).stdout);
    let of = |id: &str| {
        let line = queue.lines().find(|line| line.starts_with(id));
        line.unwrap_or_default().to_owned()
    };
    assert!(of("00000004").contains("waiting"), "{queue}");
    assert!(!of("00000003").contains("in doubt"), "{queue}");
}

#[test]
fn a_journal_that_is_not_there_is_unavailable_and_is_not_made() {
    let desk = Desk::with("[journal]\npath = \"journal.db\"\n");
    assert_eq!(desk.run(&["queue"]).status.code(), Some(69));
    assert!(!desk.path("journal.db").exists());
}

#[test]
fn version_needs_no_config() {
    let desk = Desk::with("this is no TOML");
    let shown = desk.run(&["version"]);
    assert_eq!(shown.status.code(), Some(0));
    let answer = text(&shown.stdout);
    assert!(
        answer.starts_with(concat!("nightporter ", env!("CARGO_PKG_VERSION"))),
        "{answer}"
    );
    assert!(answer.contains("MIT OR Apache-2.0"), "{answer}");
    assert!(
        drivers().contains(&"pms-industry-standard".to_owned()),
        "{answer}"
    );
}

#[test]
fn words_that_cannot_be_meant_are_refused_with_a_way_out() {
    let desk = Desk::with("");
    for (words, code, told) in [
        (
            &["simulate", "epson-rt", "--pty"][..],
            2,
            "`epson-rt` has no serial line; leave out --pty",
        ),
        (
            &["sandbox", "--timezone", "Mars/Phobos"],
            2,
            "no such time zone; write it as Europe/Prague",
        ),
        (
            &["explain", "NOTHING-LIKE-IT-AT-ALL"],
            1,
            "there is no code NOTHING-LIKE-IT-AT-ALL; `nightporter explain` lists all",
        ),
    ] {
        let ran = desk.run(words);
        let said = text(&ran.stderr);
        assert_eq!(ran.status.code(), Some(code), "{words:?}: {said}");
        assert!(said.contains(told), "{words:?}: {said}");
    }
}

#[test]
fn a_doctor_before_the_first_run_does_not_miss_the_journal_that_run_makes() {
    let config = format!(
        "{}[journal]\npath = \"not/made/journal.db\"\n",
        example("escpos.toml")
    );
    let desk = Desk::with(&config.replace(
        "environment = \"demo\"",
        "platform_address = \"http://127.0.0.1:9\"\nwebsocket_address = \"ws://127.0.0.1:9\"",
    ));
    let told = text(&desk.run(&["doctor"]).stdout);
    assert!(told.contains("warn  journal: "), "{told}");
    assert!(told.contains("`nightporter run` makes it"), "{told}");
    assert!(
        told.contains("ok    disk: ") || told.contains("warn  disk: "),
        "{told}"
    );
    assert!(!desk.path("not").exists(), "a look makes nothing");
}
