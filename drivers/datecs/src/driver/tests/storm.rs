//! Five hundred receipts in each dialect, with random faults and random deaths of the worker. The
//! checker reads the printer's memory and not the worker.

use std::collections::BTreeMap;
use std::time::Duration;

use driver_fiscal::rehearsal::Dice;
use driver_sdk::{FaultKind, VirtualDevice as _};

use super::super::*;
use super::desk::*;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Told {
    Issued,
    Nothing,
    Doubt,
}

fn job_of_bill(number: u128) -> Job {
    let mut job = job_with("", "-153.20", None, number);
    if let Work::Fiscal(work) = &mut job.work {
        work.bill.number = Some(format!("2026-{number}"));
    }
    job
}

impl Desk {
    fn documents_of(&self, number: u128) -> usize {
        let mark = format!("Bill 2026-{number}\n");
        let effects = self.printer.effects().into_iter();
        effects.filter(|it| it.content.contains(&mark)).count()
    }

    /// Something goes wrong with the next document.
    fn trouble(&mut self, dice: &mut Dice) {
        match dice.roll(16) {
            0 => self.set("silent", "before-close"),
            1 => self.set("silent", "after-close"),
            2 => self.set("paper", &dice.roll(8).to_string()),
            3 => self.set("busy", &dice.roll(25).to_string()),
            4 => self.set("refuse", "48:-101007"),
            5 => self.set("refuse", "49:-111005"),
            6 => self.set("refuse", "53:-111016"),
            7 => self.set("refuse", "56:-101007"),
            8 => self.set("noise", "garble"),
            9 => self.set("noise", "nak"),
            10 => self.set("document", "lost"),
            11 => self.cable.break_after(dice.roll(3_000)),
            12 => self.cable.refuse(1),
            13 => self.set("z", "now"),
            14 => self.set("silent", "now"),
            _ => {}
        }
    }

    /// Everything is put right, as staff would.
    fn repair(&mut self) {
        self.cable.mend();
        for (name, value) in [
            ("silent", "off"),
            ("paper", "in"),
            ("document", "ok"),
            ("refuse", "off"),
            ("noise", "off"),
            ("busy", "0"),
        ] {
            self.set(name, value);
        }
    }

    /// One command with trouble, and a worker that may die at any moment.
    async fn storm(&mut self, job: &Job, dice: &mut Dice) -> Told {
        for attempt in 0..2 {
            if attempt == 0 {
                self.trouble(dice);
            }
            let patience = match dice.roll(3) {
                0 => Duration::from_micros(dice.roll(400) * dice.roll(400)),
                _ => Duration::from_secs(300),
            };
            let ended = tokio::time::timeout(patience, self.execute(job)).await;
            let committed = self.journal.bookmark().is_some();
            match dice.roll(12) {
                // Another till sells, where nothing is open.
                0 if attempt == 0 && committed => {
                    let amount = if dice.roll(2) == 0 { "153.20" } else { "1.00" };
                    let _ = self.printer.switch("other-till", amount);
                }
                1 if attempt == 0 && committed => self.set("power", "cut"),
                _ => {}
            }
            tokio::time::sleep(Duration::from_secs(dice.roll(90))).await;
            self.repair();
            self.restart();
            match ended {
                Ok(Ok(_)) => return Told::Issued,
                Ok(Err(fault)) if fault.kind() == FaultKind::Permanent => return Told::Nothing,
                Ok(Err(fault)) if fault.kind() != FaultKind::InDoubt => continue,
                Ok(Err(_)) | Err(_) => {}
            }
            if self.journal.bookmark().is_none() {
                continue;
            }
            match self.verdict().await {
                Verdict::Happened(_) | Verdict::Partly(_) => return Told::Issued,
                Verdict::CannotTell { .. } => return Told::Doubt,
                Verdict::DidNotHappen => {}
            }
        }
        Told::Nothing
    }
}

#[expect(clippy::print_stderr, reason = "the counts are what this test is for")]
async fn five_hundred_receipts(dialect: &str) {
    let mut dice = Dice(0x5EED_DA7E);
    let mut told = BTreeMap::new();
    let mut desk = Desk::with(dialect, "");
    let started = driver_sdk::clock::now();
    for number in 1000..1500 {
        let mut job = job_of_bill(number);
        job.now += driver_sdk::clock::now() - started;
        let said = desk.storm(&job, &mut dice).await;
        let documents = desk.documents_of(number);
        match said {
            Told::Issued => assert_eq!(documents, 1, "{dialect}: bill {number}"),
            Told::Nothing => assert_eq!(documents, 0, "{dialect}: bill {number}"),
            Told::Doubt => assert!(documents <= 1, "{dialect}: bill {number}"),
        }
        *told.entry(format!("{said:?}")).or_insert(0) += 1;
        // A person has looked; the record of the doubt is closed.
        desk.journal.settle(driver_sdk::Staged::default());
    }
    for number in 1000..1500 {
        let documents = desk.documents_of(number);
        assert!(documents <= 1, "{dialect}: bill {number} came again later");
    }
    eprintln!("500 receipts, {dialect}: {told:?}");
    assert!(told["Issued"] > 300, "{dialect}: {told:?}");
}

#[tokio::test(start_paused = true)]
async fn in_five_hundred_receipts_nothing_is_issued_twice_in_the_x_dialect() {
    five_hundred_receipts("x").await;
}

#[tokio::test(start_paused = true)]
async fn in_five_hundred_receipts_nothing_is_issued_twice_by_an_older_printer() {
    five_hundred_receipts("old-p").await;
}

#[tokio::test(start_paused = true)]
async fn in_five_hundred_receipts_nothing_is_issued_twice_by_an_older_register() {
    five_hundred_receipts("old-c").await;
}

#[tokio::test(start_paused = true)]
async fn twin_a_document_repeated_on_a_guess_is_seen_by_the_checker() {
    for dialect in DIALECTS {
        let mut desk = Desk::with(dialect, "");
        desk.set("silent", "after-close");
        let job = job_of_bill(1);
        desk.execute(&job).await.expect_err("silent");
        desk.repair();
        desk.journal.settle(driver_sdk::Staged::default());
        desk.execute(&job).await.expect("sent again without asking");
        assert_eq!(desk.documents_of(1), 2, "{dialect}");
    }
}
