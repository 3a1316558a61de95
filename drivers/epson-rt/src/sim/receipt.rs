//! The printer's own reading of a receipt, tag by tag as a board does it.

use driver_fiscal::money;
use driver_fiscal::virtual_printer::MemoryLine;

use super::scan::Tag;

/// A refusal: code and status.
pub(super) type Refusal = (String, i32);

pub(super) fn stop(status: i32) -> Refusal {
    ("PRINTER ERROR".to_owned(), status)
}

/// A document that a refund or void names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reference {
    pub z: u32,
    pub number: u32,
    /// `ddmmyyyy`.
    pub date: String,
    pub serial: String,
}

/// A receipt as far as it was read.
#[derive(Debug, Default)]
pub(super) struct Draft {
    pub begun: bool,
    pub kind: &'static str,
    pub lines: Vec<MemoryLine>,
    pub paper: Vec<(String, String)>,
    pub reference: Option<Reference>,
    paid: i64,
    cash: i64,
}

impl Draft {
    pub fn new() -> Self {
        Self {
            kind: "sale",
            ..Self::default()
        }
    }

    pub fn total(&self) -> i64 {
        self.lines.iter().map(|line| line.gross).sum()
    }

    /// True if what was paid makes a document: enough, and change only from cash.
    pub fn is_paid(&self) -> bool {
        let change = self.paid - self.total();
        self.total() > 0 && change >= 0 && change <= self.cash
    }

    pub fn take(&mut self, tag: &Tag) -> Result<(), Refusal> {
        match tag.name.as_str() {
            "printRecMessage" => self.message(tag),
            "beginFiscalReceipt" if self.begun => Err(stop(17)),
            "beginFiscalReceipt" => {
                self.begun = true;
                Ok(())
            }
            _ if !self.begun => Err(stop(17)),
            "printRecItem" => self.line(tag, "sale"),
            "printRecRefund" => self.line(tag, "refund"),
            "printRecVoid" => self.line(tag, "void"),
            "printRecVoidItem" => self.void_item(tag),
            "printRecItemAdjustment" | "printRecSubtotalAdjustment" => self.adjustment(tag),
            "directIO" => self.direct(tag),
            "printRecLotteryID" => self.lottery(tag.get("code")),
            "printRecTotal" => {
                let part = cents(tag, "payment")?;
                self.paid += part;
                if tag.get("paymentType") == "0" {
                    self.cash += part;
                }
                self.print(tag.get("description"), &money::show(part));
                Ok(())
            }
            "printRecSubtotal" | "printBarCode" | "displayText" | "openDrawer" | "printNormal"
            | "endFiscalReceipt" => Ok(()),
            _ => Err(("Non valid XML command".to_owned(), 0)),
        }
    }

    fn print(&mut self, left: &str, right: &str) {
        self.paper.push((left.to_owned(), right.to_owned()));
    }

    fn message(&mut self, tag: &Tag) -> Result<(), Refusal> {
        let message: String = tag.get("message").chars().take(46).collect();
        match tag.get("messageType") {
            "4" if self.begun => return Err(stop(17)),
            "4" => {
                let (kind, reference) = reference(&message).ok_or_else(|| stop(41))?;
                (self.kind, self.reference) = (kind, Some(reference));
            }
            // A header that comes too late is not printed.
            "1" if self.begun => return Ok(()),
            _ => {}
        }
        self.print(&message, "");
        Ok(())
    }

    fn line(&mut self, tag: &Tag, kind: &str) -> Result<(), Refusal> {
        if self.kind != kind {
            return Err(stop(17));
        }
        if self.paid > 0 {
            return Err(stop(11));
        }
        let group: u8 = tag.get("department").parse().map_err(|_| stop(13))?;
        let quantity = thousandths(tag.get("quantity")).ok_or_else(|| stop(13))?;
        let gross = (cents(tag, "unitPrice")? * quantity + 500) / 1000;
        if gross <= 0 || !(1..=99).contains(&group) {
            return Err(stop(13));
        }
        let description: String = tag.get("description").chars().take(38).collect();
        self.print(&description, &money::show(gross));
        self.lines.push(MemoryLine { group, gross });
        Ok(())
    }

    fn void_item(&mut self, tag: &Tag) -> Result<(), Refusal> {
        let quantity = thousandths(tag.get("quantity")).ok_or_else(|| stop(13))?;
        let gross = (cents(tag, "unitPrice")? * quantity + 500) / 1000;
        let found = self.lines.iter().rposition(|line| line.gross == gross);
        self.lines.remove(found.ok_or_else(|| stop(12))?);
        self.print("STORNO", &format!("-{}", money::show(gross)));
        Ok(())
    }

    fn adjustment(&mut self, tag: &Tag) -> Result<(), Refusal> {
        let amount = cents(tag, "amount")?;
        let up = matches!(tag.get("adjustmentType"), "5" | "6" | "7" | "8");
        let line = if tag.name == "printRecItemAdjustment" {
            self.lines.last_mut()
        } else {
            self.lines.iter_mut().max_by_key(|line| line.gross)
        };
        let line = line.ok_or_else(|| stop(17))?;
        line.gross += if up { amount } else { -amount };
        if line.gross < 0 {
            return Err(stop(13));
        }
        let (text, sign) = if up {
            ("MAGGIORAZIONE", "")
        } else {
            ("SCONTO", "-")
        };
        self.print(text, &format!("{sign}{}", money::show(amount)));
        Ok(())
    }

    fn direct(&mut self, tag: &Tag) -> Result<(), Refusal> {
        let data = tag.get("data");
        match tag.get("command") {
            "1060" => {
                let number = data.strip_prefix("01").filter(|it| it.len() == 11);
                let number = number.filter(|it| adds_up(it)).ok_or_else(|| stop(30))?;
                self.print("PARTITA IVA CLIENTE", number);
                Ok(())
            }
            "1061" if data.len() == 16 => {
                self.print("CODICE FISCALE CLIENTE", data);
                Ok(())
            }
            "1061" => Err(stop(30)),
            "1135" => {
                let code = data
                    .strip_prefix("01")
                    .and_then(|it| it.strip_suffix("0000"));
                let code = code.filter(|it| it.len() == 16).ok_or_else(|| stop(30))?;
                self.lottery(code.trim_end())
            }
            _ => Err(stop(16)),
        }
    }

    fn lottery(&mut self, code: &str) -> Result<(), Refusal> {
        if code.len() != 8 || !code.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return Err(stop(30));
        }
        self.print("CODICE LOTTERIA", code);
        Ok(())
    }
}

/// `REFUND 0764 0013 24112026 99MEY000001`, four digits each, or `VOID …`.
fn reference(message: &str) -> Option<(&'static str, Reference)> {
    let [word, z, number, date, serial] = message.split(' ').collect::<Vec<_>>()[..] else {
        return None;
    };
    let kind = match word {
        "REFUND" => "refund",
        "VOID" => "void",
        _ => return None,
    };
    let right = z.len() == 4 && number.len() == 4 && date.len() == 8 && !serial.is_empty();
    let reference = Reference {
        z: z.parse().ok()?,
        number: number.parse().ok()?,
        date: date.to_owned(),
        serial: serial.to_owned(),
    };
    // An original that nobody can name: only a refund may say so, and then with zeros.
    let nobody_knows = serial == "ND" || z == "0000" || number == "0000";
    let unnamed = (word, z, number, serial) == ("REFUND", "0000", "0000", "ND");
    (right && nobody_knows == unnamed).then_some((kind, reference))
}

fn cents(tag: &Tag, name: &str) -> Result<i64, Refusal> {
    money::read(tag.get(name))
        .filter(|cents| *cents > 0)
        .ok_or_else(|| stop(13))
}

fn thousandths(text: &str) -> Option<i64> {
    let (whole, fraction) = text.split_once([',', '.']).unwrap_or((text, ""));
    format!("{whole}{fraction:0<3}").parse().ok()
}

/// The board's own check of a VAT number.
fn adds_up(number: &str) -> bool {
    let mut sum = 0;
    for (at, c) in number.chars().enumerate() {
        let Some(digit) = c.to_digit(10) else {
            return false;
        };
        sum += match (at % 2, digit * 2) {
            (0, _) => digit,
            (_, twice) => twice / 10 + twice % 10,
        };
    }
    sum % 10 == 0
}
