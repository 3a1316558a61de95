//! Five hundred receipts in each dialect, with random faults and random deaths of the worker. The
//! checker reads the printer's memory and not the worker.

use driver_fiscal::rehearsal::Dice;
use driver_fiscal::rehearsal::desk::Storm;
use driver_sdk::VirtualDevice as _;

use super::super::*;
use super::desk::*;

fn job_of_bill(number: u128) -> Job {
    let mut job = job_with(1, 15_320, None, number);
    if let Work::Fiscal(work) = &mut job.work {
        work.bill.number = Some(format!("2026-{number}"));
    }
    job
}

impl Storm for Desk {
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

    fn meanwhile(&mut self, first: bool, committed: bool, dice: &mut Dice) {
        match dice.roll(12) {
            // Another till sells, where nothing is open.
            0 if first && committed => {
                let amount = if dice.roll(2) == 0 { "153.20" } else { "1.00" };
                let _ = self.printer.switch("other-till", amount);
            }
            1 if first && committed => self.set("power", "cut"),
            _ => {}
        }
    }

    fn restart(&mut self) {
        Self::restart(self);
    }

    fn job_of_bill(&self, number: u128) -> Job {
        job_of_bill(number)
    }
}

#[expect(clippy::print_stderr, reason = "the counts are what this test is for")]
async fn five_hundred_receipts(dialect: &str) {
    let mut dice = Dice(0x5EED_DA7E);
    let mut desk = Desk::with(dialect, "");
    let told = desk.five_hundred(&mut dice).await;
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
