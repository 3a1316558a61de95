//! A document that came ready for the printer: read, checked, added up, and passed on unchanged.
//!
//! Nothing in it is trusted. One receipt, opened once and closed once; elements of the list and no
//! others; amounts with decimals; what it takes in or gives back is what the bill says.

use driver_fiscal::payload::refused;
use driver_fiscal::{money, text};
use driver_sdk::Fault;

use crate::xml::{self, Element};

/// Buyer's VAT number, buyer's fiscal code, lottery code.
const ALLOWED_DIRECT: &[&str] = &["1060", "1061", "1135"];
/// Elements that print or show something and change no sum.
const HARMLESS: &[&str] = &[
    "printRecSubtotal",
    "printRecLotteryID",
    "printBarCode",
    "displayText",
    "openDrawer",
    "printNormal",
];

/// A ready document after its check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ready {
    /// The bytes to send: as they came, in an envelope.
    pub body: Vec<u8>,
    /// What its lines come to, in cents.
    pub total: i64,
    /// What it does.
    pub does: Does,
    /// What it prints, for the search in the electronic journal.
    pub texts: Vec<String>,
}

/// Which way a ready document moves money.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Does {
    /// It sells.
    Sell,
    /// It gives money back for an earlier document.
    Refund,
    /// It takes an earlier document back.
    Void,
}

/// Checks a ready document: root, every element, its order, its sums. Changes nothing in it.
///
/// # Errors
/// `FISCAL-PAYLOAD` names what is wrong.
pub fn ready(bytes: &[u8]) -> Result<Ready, Fault> {
    let root = xml::read(bytes).map_err(|error| refused(&error.to_string()))?;
    let command = only_command(&root)?;
    if command.name != "printerFiscalReceipt" {
        return Err(refused(&format!("unknown root {}", command.name)));
    }
    let mut reading = Reading::default();
    for element in &command.children {
        reading.take(element)?;
    }
    let (total, does) = reading.end()?;
    let body = if root.name == "Envelope" {
        bytes.to_vec()
    } else {
        xml::wrapped(bare(bytes)?)
    };
    Ok(Ready {
        body,
        total,
        does,
        texts: reading.texts,
    })
}

/// The one command of the document. An envelope that holds anything else is refused: the printer
/// may see what we did not look at.
fn only_command(root: &Element) -> Result<&Element, Fault> {
    if root.name != "Envelope" {
        return Ok(root);
    }
    let only = |parent: &Element| parent.children.len() == 1;
    let body = root.child("Body").filter(|_| only(root));
    body.filter(|body| only(body))
        .map(|body| &body.children[0])
        .ok_or_else(|| refused("the envelope holds no single command"))
}

/// The text of a document without envelope, from its root on.
fn bare(bytes: &[u8]) -> Result<&str, Fault> {
    let text = std::str::from_utf8(bytes).map_err(|_| refused("it is no UTF-8"))?;
    let mut text = text.trim_start_matches('\u{FEFF}').trim();
    if let Some(rest) = text.strip_prefix("<?xml") {
        let (_, rest) = rest
            .split_once("?>")
            .ok_or_else(|| refused("its first line has no end"))?;
        text = rest.trim_start();
    }
    if text.starts_with("<printerFiscalReceipt") {
        Ok(text)
    } else {
        Err(refused("something stands before its root"))
    }
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Stage {
    #[default]
    Head,
    Open,
    Paid,
    Closed,
}

#[derive(Debug, Default)]
struct Reading {
    stage: Stage,
    named: Option<Does>,
    lines: i64,
    paid: i64,
    cash: i64,
    texts: Vec<String>,
}

impl Reading {
    fn take(&mut self, element: &Element) -> Result<(), Fault> {
        let name = element.name.as_str();
        if !element.children.is_empty() || !element.text.trim().is_empty() {
            return Err(refused(&format!("{name} is not empty")));
        }
        if element.attribute("idVat").is_some() {
            return Err(refused("it is made for a Custom printer"));
        }
        for attribute in ["message", "description"] {
            self.texts
                .extend(element.attribute(attribute).map(str::to_owned));
        }
        match name {
            "printRecMessage" => self.message(element),
            "beginFiscalReceipt" => self.turn(Stage::Head, Stage::Open, name),
            "printRecItem" => self.line(element, Does::Sell, 1),
            "printRecVoidItem" => self.line(element, Does::Sell, -1),
            "printRecRefund" => self.line(element, Does::Refund, 1),
            "printRecVoid" => self.line(element, Does::Void, 1),
            "printRecItemAdjustment" => {
                self.adjustment(element, &["0", "3", "10", "11", "12"], &["5", "8"])
            }
            "printRecSubtotalAdjustment" => self.adjustment(element, &["1", "2"], &["6", "7"]),
            "printRecTotal" => self.payment(element),
            "endFiscalReceipt" => self.turn(Stage::Paid, Stage::Closed, name),
            "directIO" => {
                let number = element.attribute("command").unwrap_or_default();
                if ALLOWED_DIRECT.contains(&number) {
                    Ok(())
                } else {
                    Err(refused(&format!("forbidden command {number}")))
                }
            }
            known if HARMLESS.contains(&known) => Ok(()),
            other => Err(refused(&format!("forbidden element {other}"))),
        }
    }

    fn turn(&mut self, from: Stage, to: Stage, name: &str) -> Result<(), Fault> {
        if self.stage != from {
            return Err(refused(&format!("misplaced {name}")));
        }
        self.stage = to;
        Ok(())
    }

    fn stays(&self, stage: Stage, name: &str) -> Result<(), Fault> {
        if self.stage == stage {
            Ok(())
        } else {
            Err(refused(&format!("misplaced {name}")))
        }
    }

    fn message(&mut self, element: &Element) -> Result<(), Fault> {
        if element.attribute("messageType") != Some("4") {
            return Ok(());
        }
        self.stays(Stage::Head, "the reference")?;
        let message = element.attribute("message").unwrap_or_default();
        let does = match message.split(' ').next() {
            Some("REFUND") => Does::Refund,
            Some("VOID") => Does::Void,
            Some(_) | None => return Err(refused("a reference that is no REFUND or VOID")),
        };
        if self.named.replace(does).is_some() {
            return Err(refused("two references"));
        }
        Ok(())
    }

    fn line(&mut self, element: &Element, does: Does, sign: i64) -> Result<(), Fault> {
        self.stays(Stage::Open, &element.name)?;
        if self.named.unwrap_or(Does::Sell) != does {
            return Err(refused(&format!("{} without its reference", element.name)));
        }
        let gross = if does != Does::Sell && element.attribute("unitPrice").is_none() {
            amount(element, "amount")?
        } else {
            let quantity = element.attribute("quantity").unwrap_or("1");
            let thousandths = thousandths(quantity).ok_or_else(|| refused("bad quantity"))?;
            money::times(amount(element, "unitPrice")?, thousandths)
                .ok_or_else(|| refused("bad unitPrice"))?
        };
        add(&mut self.lines, sign * gross)
    }

    fn adjustment(&mut self, it: &Element, off: &[&str], on: &[&str]) -> Result<(), Fault> {
        self.stays(Stage::Open, &it.name)?;
        let kind = it.attribute("adjustmentType").unwrap_or_default();
        let sign = match kind {
            kind if off.contains(&kind) => -1,
            kind if on.contains(&kind) => 1,
            _ => return Err(refused(&format!("unknown adjustmentType {kind}"))),
        };
        add(&mut self.lines, sign * amount(it, "amount")?)
    }

    fn payment(&mut self, element: &Element) -> Result<(), Fault> {
        if self.stage == Stage::Open {
            self.stage = Stage::Paid;
        }
        self.stays(Stage::Paid, &element.name)?;
        let payment = amount(element, "payment")?;
        if element.attribute("paymentType").unwrap_or("0") == "0" {
            add(&mut self.cash, payment)?;
        }
        add(&mut self.paid, payment)
    }

    fn end(&self) -> Result<(i64, Does), Fault> {
        if self.stage != Stage::Closed {
            return Err(refused("endFiscalReceipt is missing"));
        }
        // Only cash gives change.
        let change = self.paid - self.lines;
        if self.lines <= 0 || change < 0 || change > self.cash {
            let (lines, paid) = (money::show(self.lines), money::show(self.paid));
            return Err(refused(&format!("lines {lines}, payments {paid}")));
        }
        Ok((self.lines, self.named.unwrap_or(Does::Sell)))
    }
}

/// True if one of the texts holds the words of the mark, in a row.
#[must_use]
pub fn names(texts: &[String], mark: &str) -> bool {
    let wanted: Vec<_> = mark.split_whitespace().collect();
    if wanted.is_empty() {
        return false;
    }
    texts.iter().any(|line| {
        let clean = text::clean(line, text::latin1, usize::MAX);
        let words: Vec<_> = clean.split_whitespace().collect();
        words.windows(wanted.len()).any(|part| part == wanted)
    })
}

fn add(sum: &mut i64, amount: i64) -> Result<(), Fault> {
    *sum = sum
        .checked_add(amount)
        .ok_or_else(|| refused("its sums are absurd"))?;
    Ok(())
}

/// A positive amount with decimals. Without them it may be cents of another maker's dialect.
fn amount(element: &Element, name: &str) -> Result<i64, Fault> {
    let text = element
        .attribute(name)
        .ok_or_else(|| refused(&format!("no {name} in {}", element.name)))?;
    let decimals = text.contains([',', '.']);
    money::read(text)
        .filter(|cents| decimals && *cents > 0)
        .ok_or_else(|| refused(&format!("bad {name} in {}", element.name)))
}

fn thousandths(text: &str) -> Option<i64> {
    let text = text.trim();
    let (whole, fraction) = text.split_once([',', '.']).unwrap_or((text, ""));
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || fraction.len() > 3 || !digits(whole) || !digits(fraction) {
        return None;
    }
    let number: i64 = format!("{whole}{fraction:0<3}").parse().ok()?;
    (number > 0 && number < 10_000_000).then_some(number)
}

#[cfg(test)]
mod tests;
