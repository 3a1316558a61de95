//! Five hundred receipts with random faults and random deaths of the worker. The checker reads the
//! printer's memory and not the worker.

use driver_fiscal::rehearsal::Dice;
use driver_fiscal::rehearsal::desk::Storm;

use super::super::*;
use super::desk::*;

impl Storm for Desk {
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

    fn meanwhile(&mut self, first: bool, committed: bool, dice: &mut Dice) {
        if first && dice.roll(12) == 0 && committed {
            let amount = if dice.roll(2) == 0 { "153.20" } else { "1.00" };
            self.set("other-till", amount);
        }
    }

    fn restart(&mut self) {
        Self::restart(self);
    }

    fn job_of_bill(&self, number: u128) -> Job {
        job_of_bill(number)
    }
}

#[tokio::test(start_paused = true)]
#[expect(clippy::print_stderr, reason = "the counts are what this test is for")]
async fn in_five_hundred_receipts_nothing_is_issued_twice_and_nothing_told_wrong() {
    let mut dice = Dice(0x5EED_0E65);
    let mut desk = Desk::with("");
    let told = desk.five_hundred(&mut dice).await;
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
