//! The fiscal audit trail by the real binary: exported, checked, and what somebody did to it shown.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use driver_sdk::{Class, CommandId, DeviceName, Say, Staged};
use jiff::Timestamp;
use nightporter::journal::{Core, Gate, NewCommand, Options, PmsState};
use nightporter::life::{Outcome, Said};
use rusqlite::Connection;
use serde_json::{Value, json};
use tempfile::TempDir;

struct Desk {
    folder: TempDir,
}

/// 2026-11-24T00:00:00Z, and so many hours later.
fn hour(hours: i64) -> Timestamp {
    Timestamp::from_second(1_795_478_400 + 3_600 * hours).expect("in range")
}

const IN_DOUBT: CommandId = CommandId(uuid::Uuid::from_u128(3 << 96));

fn gate(hours: i64, rows: &[(&str, Value)]) -> Gate {
    let mut staged = Staged::default();
    for (what, record) in rows {
        staged.audit.push(((*what).to_owned(), record.clone()));
    }
    Gate {
        scope: "datecs tcp:192.168.7.30:3999".into(),
        now: hour(hours),
        staged,
    }
}

impl Desk {
    /// Two documents, a day end, and a document in doubt: six rows.
    fn new() -> (Self, Core) {
        let folder = tempfile::tempdir().expect("a folder");
        let desk = Self { folder };
        let config = "[journal]\npath = \"journal.db\"\n";
        fs::write(desk.folder.path().join("nightporter.toml"), config).expect("ours");
        let (mut core, _) =
            Core::open(&desk.journal(), Options::default(), hour(0)).expect("a new journal");
        let issued = |number: u32, bill: &str| {
            json!({ "bill_number": bill, "document": number.to_string(), "serial": "DT000001",
                "kind": "sale", "total": "153.20", "currency": "EUR", "z": "8",
                "device_time": "2026-11-24T14:05:10" })
        };
        let command = NewCommand {
            id: IN_DOUBT,
            property: "main".into(),
            device: DeviceName::new("fiscal"),
            device_title: "Fiscal printer".into(),
            class: Class::FiscalMachine,
            created: hour(0),
            expires: None,
            said: Said::Nothing,
            local: false,
            repeat: false,
            outcome: None,
        };
        core.accept(&[command], hour(0)).expect("the disk is good");
        let sending = ("fiscal-sending", json!({ "bill_number": "117" }));
        for step in [
            gate(1, &[sending]),
            gate(1, &[("fiscal-issued", issued(101, "117"))]),
            gate(2, &[("fiscal-issued", issued(102, "=1+1, \"x\""))]),
            gate(
                30,
                &[(
                    "fiscal-day-end",
                    json!({ "z": "8", "how": "closed outside" }),
                )],
            ),
        ] {
            let other = CommandId(uuid::Uuid::from_u128(1 << 96));
            core.stage(other, &step).expect("the disk is good");
        }
        let sent = gate(31, &[("fiscal-sending", json!({ "bill_number": "119" }))]);
        let committed = core.commit(IN_DOUBT, &json!({}), &sent);
        committed
            .expect("the disk is good")
            .expect("nothing is in the way");
        let doubt = gate(32, &[("fiscal-doubt", json!({ "bill_number": "119" }))]);
        let outcome = Outcome::unconfirmed(Say::new("LOOK"));
        core.settle(IN_DOUBT, &outcome, &doubt)
            .expect("the disk is good");
        let note = "UNCONFIRMED: Fiscal printer: look.";
        core.reported(IN_DOUBT, &PmsState("Error".into()), note, hour(32))
            .expect("the disk is good");
        (desk, core)
    }

    fn journal(&self) -> PathBuf {
        self.folder.path().join("journal.db")
    }

    /// Exit code, answer, remarks.
    fn run(&self, words: &[&str]) -> (Option<i32>, String, String) {
        let ran = Command::new(env!("CARGO_BIN_EXE_nightporter"))
            .args(words)
            .current_dir(self.folder.path())
            .env("TZ", "UTC")
            .env("USER", "Maria")
            .env_remove("RUST_LOG")
            .output()
            .expect("the binary starts");
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("the program prints text");
        (ran.status.code(), text(ran.stdout), text(ran.stderr))
    }

    /// What somebody with a database program does.
    fn tamper(&self, sql: &str) {
        let journal = Connection::open(self.journal()).expect("ours");
        journal.execute_batch(sql).expect("the columns exist");
    }
}

#[test]
fn the_trail_is_exported_beside_a_worker_that_holds_the_journal() {
    let (desk, core) = Desk::new();
    let (code, table, remarks) = desk.run(&["audit", "--csv"]);
    assert_eq!(code, Some(0), "{remarks}");
    let lines: Vec<&str> = table.lines().collect();
    assert_eq!(
        lines.len(),
        5,
        "head, two documents, a day end, a doubt: {table}"
    );
    assert!(lines[0].starts_with("row,time,device,command,what,bill_number,bill_id,document,"));
    assert!(
        lines[1].starts_with(
            "2,2026-11-24T01:00:00Z,datecs tcp:192.168.7.30:3999,\
             00000001-0000-0000-0000-000000000000,fiscal-issued,117,,101,sale,8,DT000001,\
             2026-11-24T14:05:10,153.20,EUR,"
        ),
        "{table}"
    );
    assert!(lines[2].contains(",\"'=1+1, \"\"x\"\"\","), "{table}");
    let head = lines[0].split(',').count();
    assert_eq!(lines[1].split(',').count(), head, "{table}");

    let (_, one_day, _) = desk.run(&[
        "audit",
        "--csv",
        "--from",
        "2026-11-25",
        "--to",
        "2026-11-26",
    ]);
    assert_eq!(one_day.lines().count(), 3, "{one_day}");
    let (_, all, _) = desk.run(&["audit", "--csv", "--all"]);
    assert_eq!(all.lines().count(), 7, "{all}");
    drop(core);
}

#[test]
fn a_whole_trail_is_verified_and_a_persons_word_becomes_a_row_of_it() {
    let (desk, core) = Desk::new();
    let (code, told, remarks) = desk.run(&["audit", "--verify"]);
    assert_eq!(code, Some(0), "{told}{remarks}");
    assert!(told.contains("rows 1 to 6: the chain holds"), "{told}");
    assert!(told.contains("last row 6, hash "), "{told}");
    drop(core);

    let (code, told, remarks) = desk.run(&["resolve", "00000003", "happened"]);
    assert_eq!(code, Some(0), "{told}{remarks}");
    let (_, table, _) = desk.run(&["audit", "--csv"]);
    let last = table.lines().last().expect("a row");
    assert!(
        last.contains("datecs tcp:192.168.7.30:3999") && last.contains(",fiscal-decided,"),
        "{table}"
    );
    assert!(last.contains(",Maria,"), "{table}");
    let (code, told, _) = desk.run(&["audit", "--verify"]);
    assert_eq!(code, Some(0), "{told}");
    assert!(told.contains("rows 1 to 7"), "{told}");
}

#[test]
fn a_cut_a_changed_and_a_removed_last_row_are_named_and_exit_1() {
    let delete_last = "DELETE FROM audit WHERE number = 6;";
    for (sql, named) in [
        ("DELETE FROM audit WHERE number = 2;", "row 2 is missing"),
        (
            "DELETE FROM audit WHERE number IN (3, 4);",
            "rows 3 to 4 are missing",
        ),
        (
            "UPDATE audit SET record = replace(record, '153.20', '15.32') WHERE number = 3;",
            "row 3 was changed, or the hash of row 2 before it",
        ),
        (
            "UPDATE audit SET at_us = at_us - 1 WHERE number = 1;",
            "row 1 was changed",
        ),
        (delete_last, "row 6 is missing"),
    ] {
        let (desk, core) = Desk::new();
        drop(core);
        desk.tamper(sql);
        let (code, told, remarks) = desk.run(&["audit", "--verify"]);
        assert_eq!(code, Some(1), "{sql}: {told}{remarks}");
        assert!(told.lines().any(|line| line == named), "{sql}: {told}");
        assert!(remarks.contains("does not hold"), "{sql}: {remarks}");
        assert!(!told.contains("the chain holds"), "{sql}: {told}");
    }
}

/// What the chain cannot show by itself, and what shows it: the last row's hash, kept elsewhere.
#[test]
fn an_end_cut_off_with_its_note_is_seen_only_by_a_hash_kept_elsewhere() {
    let (desk, core) = Desk::new();
    let (_, before, _) = desk.run(&["audit", "--verify"]);
    drop(core);
    desk.tamper(
        "DELETE FROM audit WHERE number = 6; UPDATE meta SET value = \
         (SELECT number || ' ' || hash FROM audit ORDER BY number DESC LIMIT 1) \
         WHERE key = 'audit_head';",
    );
    let (code, after, _) = desk.run(&["audit", "--verify"]);
    assert_eq!(code, Some(0), "as docs/fiscal-audit.md says: {after}");
    let noted = |told: &str| {
        let line = told.lines().find(|line| line.starts_with("last row "));
        line.expect("the last row is told").to_owned()
    };
    assert_ne!(noted(&before), noted(&after));
}

#[test]
fn words_that_ask_for_nothing_or_for_both_are_a_mistake_in_the_words() {
    let (desk, core) = Desk::new();
    for words in [
        &["audit"][..],
        &["audit", "--csv", "--verify"],
        &["audit", "--verify", "--from", "2026-01-01"],
        &["audit", "--csv", "--from", "yesterday"],
    ] {
        assert_eq!(desk.run(words).0, Some(2), "{words:?}");
    }
    drop(core);
}
