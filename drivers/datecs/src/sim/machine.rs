//! What the printer is: paper, memory, the open receipt, rates.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::Path;

use driver_fiscal::money;
use driver_fiscal::virtual_printer::{DeviceClock, Document, Memory, MemoryLine, Roll, vat_inside};
use rust_decimal::Decimal;

use super::faults::Faults;
use super::wire::Request;
use crate::frame::Dialect;

/// Answers or the negative code of a refusal.
pub(super) type Fields = Result<Vec<String>, i32>;

#[derive(Debug)]
pub(super) struct Machine {
    pub dialect: Dialect,
    pub memory: Memory,
    pub fm_number: String,
    pub clock: DeviceClock,
    /// Times are marked as summer time.
    pub summer: bool,
    /// Documents whose time was marked so.
    pub in_summer: BTreeSet<u32>,
    pub roll: Roll,
    pub faults: Faults,
    pub open: Option<OpenReceipt>,
    /// Items, amount, paid of the last receipt, issued or not.
    pub last_state: (u32, i64, i64),
    /// The older dialect's refusal of the last command.
    pub not_permitted: bool,
    pub last_seq: Option<u8>,
    pub last_answer: Vec<u8>,
    /// Rows that a journal listing still has to give.
    pub listing: Vec<usize>,
    /// The operator's.
    pub password: String,
    pub rates: BTreeMap<u8, Decimal>,
}

#[derive(Debug, Clone)]
pub(super) struct OpenReceipt {
    pub storno: bool,
    pub unp: String,
    pub lines: Vec<MemoryLine>,
    pub paper: Vec<String>,
    pub paid: i64,
}

impl OpenReceipt {
    pub fn amount(&self) -> i64 {
        self.lines.iter().map(|line| line.gross).sum()
    }
}

impl Machine {
    pub fn open(folder: &Path, serial: &str) -> io::Result<Self> {
        let memory = Memory::open(folder, serial, 7, 100)?;
        let digits: String = memory.serial.chars().filter(char::is_ascii_digit).collect();
        let percent = |n: i64| Decimal::from(n);
        Ok(Self {
            dialect: Dialect::X,
            fm_number: format!("02{digits:0>6}"),
            memory,
            clock: DeviceClock::default(),
            summer: false,
            in_summer: BTreeSet::new(),
            roll: Roll::new(folder, 42),
            faults: Faults::default(),
            open: None,
            last_state: (0, 0, 0),
            not_permitted: false,
            last_seq: None,
            last_answer: Vec::new(),
            listing: Vec::new(),
            password: "0000".to_owned(),
            rates: [
                (1, percent(0)),
                (2, percent(9)),
                (3, percent(20)),
                (4, percent(9)),
            ]
            .into(),
        })
    }

    /// The status bytes as they are now.
    pub fn status(&self, not_understood: bool) -> Vec<u8> {
        let mut bytes = vec![0x80, 0x80, 0x80, 0x80, 0x86, 0x9A, 0x80, 0x80];
        if self.open.is_some() {
            bytes[2] |= 0x08;
        }
        if self.open.as_ref().is_some_and(|receipt| receipt.storno) && !self.dialect.is_x() {
            bytes[1] |= 0x10;
        }
        if self.faults.paper_is_out() {
            bytes[2] |= 0x01;
            bytes[0] |= 0x20;
        }
        if self.faults.memory_full {
            bytes[4] |= 0x30;
        }
        if self.not_permitted {
            bytes[1] |= 0x02;
            bytes[0] |= 0x20;
        }
        if not_understood {
            bytes[0] |= 0x21;
        }
        if !self.dialect.is_x() {
            bytes.truncate(6);
        }
        bytes
    }

    pub fn begin(&mut self, storno: bool, unp: &str) -> Result<u32, i32> {
        if self.faults.paper_is_out() {
            return Err(-112_006);
        }
        if self.faults.memory_full {
            return Err(-100_101);
        }
        if self.open.is_some() {
            return Err(-111_015);
        }
        self.memory.slip += 1;
        self.memory.key = Some(unp.to_owned());
        self.save();
        let title = if storno {
            "СТОРНО"
        } else {
            "ФИСКАЛЕН БОН"
        };
        self.open = Some(OpenReceipt {
            storno,
            unp: unp.to_owned(),
            lines: Vec::new(),
            paper: vec![title.to_owned(), format!("УНП {unp}")],
            paid: 0,
        });
        self.last_state = (0, 0, 0);
        Ok(self.memory.slip)
    }

    pub fn receipt(&mut self) -> Result<&mut OpenReceipt, i32> {
        self.open.as_mut().ok_or(-111_016)
    }

    pub fn print(&mut self, line: String) -> Result<(), i32> {
        if !self.faults.feed_line() {
            return Err(-112_006);
        }
        self.receipt()?.paper.push(line);
        Ok(())
    }

    /// Sells: price and quantity in thousandths, a discount in cents.
    pub fn sell(
        &mut self,
        text: &str,
        group: u8,
        price: i64,
        thousandths: i64,
        discount: i64,
    ) -> Result<(), i32> {
        if self.receipt()?.paid > 0 {
            return Err(-111_018);
        }
        if !self.rates.contains_key(&group) {
            return Err(-111_005);
        }
        let gross = (price * thousandths + 500) / 1000;
        if gross <= 0 || discount > gross || discount < 0 {
            return Err(-111_021);
        }
        let letter = char::from(b'A' + group - 1);
        let line = self
            .roll
            .line(text, &format!("{} {letter}", money::show(gross)));
        self.print(line)?;
        if discount > 0 {
            let line = self
                .roll
                .line("  отстъпка", &format!("-{}  ", money::show(discount)));
            self.print(line)?;
        }
        let line = MemoryLine {
            group,
            gross: gross - discount,
        };
        self.receipt()?.lines.push(line);
        self.remember_state();
        Ok(())
    }

    /// Takes a payment: the rest, or the change as a negative number.
    pub fn pay(&mut self, kind: &str, amount: i64) -> Result<i64, i32> {
        let receipt = self.receipt()?;
        let due = receipt.amount() - receipt.paid;
        if receipt.lines.is_empty() || receipt.amount() <= 0 {
            return Err(-111_065);
        }
        if amount <= 0 || due <= 0 {
            return Err(-111_018);
        }
        if receipt.storno && amount > due {
            return Err(-111_094);
        }
        receipt.paid += amount;
        let line = self
            .roll
            .line(&format!("платено {kind}"), &money::show(amount));
        self.remember_state();
        self.print(line)?;
        Ok(due - amount)
    }

    pub fn cancel(&mut self) -> Result<(), i32> {
        if self.receipt()?.paid > 0 {
            return Err(-111_018);
        }
        let mut receipt = self.open.take().ok_or(-111_016)?;
        receipt.paper.push("АНУЛИРАН".to_owned());
        self.paper(
            &format!("cancelled-{:07}", self.memory.slip),
            &receipt.paper,
        );
        self.last_state = (0, 0, 0);
        Ok(())
    }

    /// The committing step.
    pub fn close(&mut self) -> Result<u32, i32> {
        let receipt = self.receipt()?;
        if receipt.paid < receipt.amount() || receipt.lines.is_empty() {
            return Err(-111_050);
        }
        if self.faults.paper_is_out() {
            return Err(-112_006);
        }
        self.remember_state();
        let mut receipt = self.open.take().ok_or(-111_016)?;
        if std::mem::take(&mut self.faults.lose_document) {
            return Ok(self.memory.slip);
        }
        let groups = vat_inside(&receipt.lines, &self.rates);
        let total = receipt.amount();
        receipt
            .paper
            .push(self.roll.line("СУМА", &money::show(total)));
        for (group, (gross, tax)) in &groups {
            let letter = char::from(b'A' + group - 1);
            let left = format!("{letter} {}", money::show(*gross));
            receipt
                .paper
                .push(self.roll.line(&left, &money::show(*tax)));
        }
        // The older dialect numbers issued documents; X numbers slips, cancelled ones too.
        let number = if self.dialect.is_x() {
            self.memory.slip
        } else {
            self.last_number() + 1
        };
        let at = self.clock.now();
        receipt
            .paper
            .push(format!("{number:07} {}", at.strftime("%d-%m-%Y %H:%M:%S")));
        self.issue(Document {
            number,
            z: self.memory.z + 1,
            kind: if receipt.storno { "refund" } else { "sale" }.to_owned(),
            at: at.with().subsec_nanosecond(0).build().unwrap_or(at),
            total,
            tax: groups.values().map(|(_, tax)| tax).sum(),
            key: Some(receipt.unp),
            paper: receipt.paper,
        });
        Ok(number)
    }

    /// The last issued document's number.
    pub fn last_number(&self) -> u32 {
        self.memory.last().map_or(100, |last| last.number)
    }

    /// As it stands in answers and on paper.
    pub fn time_text(&self, document: &Document) -> String {
        let at = document.at.strftime("%d-%m-%y %H:%M:%S");
        let mark = if self.in_summer.contains(&document.number) {
            " DST"
        } else {
            ""
        };
        format!("{at}{mark}")
    }

    fn issue(&mut self, document: Document) {
        if self.summer {
            self.in_summer.insert(document.number);
        }
        self.paper(&format!("document-{:07}", document.number), &document.paper);
        self.memory.documents.push(document);
        self.save();
    }

    /// Another program sells something.
    pub fn other_till(&mut self, amount: i64) -> Result<(), i32> {
        let unp = "ZZ000009-0009-0000001".to_owned();
        self.begin(false, &unp)?;
        self.sell("Other till", 2, amount, 1000, 0)?;
        self.pay("0", amount)?;
        self.close()?;
        Ok(())
    }

    /// A day end: totals per group of sales and of stornos.
    pub fn z(&mut self) -> Result<u32, i32> {
        if self.open.is_some() {
            return Err(-111_015);
        }
        if self.faults.paper_is_out() {
            return Err(-112_006);
        }
        self.memory.z += 1;
        self.memory.z_at = Some(self.clock.now());
        self.save();
        let paper = [format!("Z {}", self.memory.z)];
        self.paper(&format!("z-{:04}", self.memory.z), &paper);
        Ok(self.memory.z)
    }

    /// Everything that is not in the fiscal memory is gone.
    pub fn power_cut(&mut self) {
        self.open = None;
        self.last_seq = None;
        self.last_answer.clear();
        self.last_state = (0, 0, 0);
    }

    pub fn remember_state(&mut self) {
        if let Some(receipt) = &self.open {
            let items = u32::try_from(receipt.lines.len()).unwrap_or(0);
            self.last_state = (items, receipt.amount(), receipt.paid);
        }
    }

    fn paper(&self, name: &str, lines: &[String]) {
        // Paper that cannot be kept harms nobody: the memory is what counts.
        let _ = self.roll.print(name, lines);
    }

    fn save(&self) {
        self.memory
            .save()
            .expect("a virtual printer needs its folder");
    }

    /// What the printer does and says. A refusal has no fields.
    pub fn execute(&mut self, request: &Request) -> (Vec<u8>, bool) {
        if self.dialect.is_x() {
            self.execute_x(request)
        } else {
            self.execute_old(request)
        }
    }
}
