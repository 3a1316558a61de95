//! Five hundred receipts with random faults and random deaths of the worker. The checker reads the
//! printer's memory and not the worker.

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

impl Desk {
    fn documents_of(&self, number: u128) -> usize {
        let mark = format!("Bill 2026-{number}\n");
        let effects = self.printer.effects().into_iter();
        effects.filter(|it| it.content.contains(&mark)).count()
    }

    /// Something goes wrong with the next document.
    fn trouble(&mut self, dice: &mut Dice) {
        match dice.roll(16) {
            0 => self.set("silent", "before"),
            1 => self.set("silent", "after"),
            2 => self.set("paper", &dice.roll(8).to_string()),
            3 => self.set("busy", &dice.roll(70).to_string()),
            4 => self.set("refuse", "PRINTER ERROR:13"),
            5 => self.set("refuse", "LAN_TIME_OUT:0"),
            6 => self.set("answer", "garbled"),
            7 => self.set("answer", "numberless"),
            8 => self.set("answer", "stale"),
            9 => self.set("answer", "500"),
            10 => self.set("document", "lost"),
            11 => self.cable.break_after(dice.roll(8_000)),
            12 => self.set("journal", "unreadable"),
            13 => self.set("z", "now"),
            14 => self.cable.refuse(1),
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
            ("journal", "ok"),
            ("open", "off"),
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
            let other = attempt == 0 && dice.roll(12) == 0;
            if other && self.journal.bookmark().is_some() {
                self.set(
                    "other-till",
                    if dice.roll(2) == 0 { "153.20" } else { "1.00" },
                );
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

#[tokio::test(start_paused = true)]
#[expect(clippy::print_stderr, reason = "the counts are what this test is for")]
async fn in_five_hundred_receipts_nothing_is_issued_twice_and_nothing_told_wrong() {
    let mut dice = Dice(0x5EED_0E65);
    let mut told = BTreeMap::new();
    let mut desk = Desk::with("");
    let started = driver_sdk::clock::now();
    for number in 1000..1500 {
        let mut job = job_of_bill(number);
        job.now += driver_sdk::clock::now() - started;
        let said = desk.storm(&job, &mut dice).await;
        let documents = desk.documents_of(number);
        match said {
            Told::Issued => assert_eq!(documents, 1, "bill {number}"),
            Told::Nothing => assert_eq!(documents, 0, "bill {number}"),
            Told::Doubt => assert!(documents <= 1, "bill {number}"),
        }
        *told.entry(format!("{said:?}")).or_insert(0) += 1;
        // A person has looked; the record of the doubt is closed.
        desk.journal.settle(driver_sdk::Staged::default());
    }
    for number in 1000..1500 {
        assert!(
            desk.documents_of(number) <= 1,
            "bill {number} came again later"
        );
    }
    eprintln!("500 receipts: {told:?}");
    assert!(told["Issued"] > 350 && told["Doubt"] > 2, "{told:?}");
}

#[tokio::test(start_paused = true)]
async fn twin_a_document_repeated_on_a_guess_is_seen_by_the_checker() {
    let mut desk = Desk::with("");
    desk.set("silent", "after");
    let job = job_of_bill(1);
    desk.execute(&job).await.expect_err("silent");
    desk.repair();
    desk.journal.settle(driver_sdk::Staged::default());
    desk.execute(&job).await.expect("sent again without asking");
    assert_eq!(desk.documents_of(1), 2);
}
