//! A fiscal document as FPMate XML.

use driver_fiscal::document::{BillRef, Document, Kind, Line, Original, Reason, Refund};
use driver_fiscal::{money, text};
use driver_sdk::{Fault, Personal};
use jiff::civil::Date;

use crate::customer::Codes;
use crate::settings::{Decimals, EpsonSettings, LotteryBy, UnknownOriginal};
use crate::xml::Element;

/// Longest line of a message.
const MESSAGE_MAX: usize = 46;

/// The original of a refund or void, as the printer wants it named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    day: u16,
    number: u16,
    date: Date,
    serial: String,
}

/// What stands for the printer of an original that nobody can name.
const NOBODY_KNOWS: &str = "ND";

impl Reference {
    /// Checks what is known of the original.
    ///
    /// # Errors
    /// `FISCAL-ORIGINAL-MISSING` lists what is not there, `EPSON-ORIGINAL` names what cannot be
    /// what it claims to be.
    pub fn of(original: &Original) -> Result<Self, Fault> {
        let filled = |text: &Option<String>| {
            let text = text.as_deref().map(str::trim).unwrap_or_default();
            (!text.is_empty()).then(|| text.to_owned())
        };
        let parts = (
            filled(&original.number),
            filled(&original.day),
            original.at,
            filled(&original.serial),
        );
        let (Some(number), Some(day), Some(at), Some(serial)) = &parts else {
            let missing: Vec<_> = [
                ("number", parts.0.is_none()),
                ("closure", parts.1.is_none()),
                ("date", parts.2.is_none()),
                ("printer", parts.3.is_none()),
            ]
            .into_iter()
            .filter_map(|(name, missing)| missing.then_some(name))
            .collect();
            return Err(
                Fault::permanent("FISCAL-ORIGINAL-MISSING").with("missing", missing.join(", "))
            );
        };
        let bad = |field: &str| Fault::permanent("EPSON-ORIGINAL").with("field", field);
        // Four digits on paper; `parse` alone would take a sign.
        let four = |text: &str| {
            let digits = text.bytes().all(|byte| byte.is_ascii_digit());
            let number: u16 = text.parse().ok().filter(|_| digits)?;
            (1..=9999).contains(&number).then_some(number)
        };
        if serial.len() > 11 || !serial.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return Err(bad("printer"));
        }
        Ok(Self {
            day: four(day).ok_or_else(|| bad("closure"))?,
            number: four(number).ok_or_else(|| bad("number"))?,
            date: at.date(),
            serial: serial.to_ascii_uppercase(),
        })
    }

    /// The original of a refund whose closure and number nobody knows, dated as far as its date is
    /// known. `None`: something is known, so the rest is missing and not unknown.
    fn unknown(original: &Original, today: Date) -> Option<Self> {
        let empty = |text: &Option<String>| text.as_deref().unwrap_or_default().trim().is_empty();
        (empty(&original.number) && empty(&original.day)).then(|| Self {
            day: 0,
            number: 0,
            date: original.at.map_or(today, |at| at.date()),
            serial: NOBODY_KNOWS.to_owned(),
        })
    }

    /// `REFUND 0764 0013 24112026 99MEY000001`, or `REFUND 0000 0000 24112026 ND`.
    fn message(&self, reason: Reason) -> String {
        let word = match reason {
            Reason::Refund => "REFUND",
            Reason::OperatorError => "VOID",
        };
        let date = self.date.strftime("%d%m%Y");
        format!(
            "{word} {:04} {:04} {date} {}",
            self.day, self.number, self.serial
        )
    }
}

/// What a bill is called on paper: its number, or the end of its identity where it has none. The
/// electronic journal is searched for it.
#[must_use]
pub fn bill_mark(bill: &BillRef) -> String {
    let number = bill.number.as_deref().map(str::trim).unwrap_or_default();
    if number.is_empty() {
        let id = bill.id.simple().to_string();
        return id[id.len() - 12..].to_owned();
    }
    text::clean(number, text::latin1, MESSAGE_MAX - "Bill ".len())
}

/// Elements of one operator, with amounts as this printer wants them.
struct Writer<'a> {
    settings: &'a EpsonSettings,
}

impl Writer<'_> {
    fn of(&self, name: &str) -> Element {
        Element::new(name).with("operator", self.settings.operator)
    }

    fn decimal(&self, text: String) -> String {
        match self.settings.decimals {
            Decimals::Comma => text.replace('.', ","),
            Decimals::Point => text,
        }
    }

    fn amount(&self, cents: i64) -> String {
        self.decimal(money::show(cents))
    }

    fn line(&self, name: &str, line: &Line, price: i64, thousandths: i64) -> Element {
        let quantity = format!("{}.{:03}", thousandths / 1000, thousandths % 1000);
        self.of(name)
            .with("description", line.text.reveal())
            .with("quantity", self.decimal(quantity))
            .with("unitPrice", self.amount(price))
            .with("department", line.group)
            .with("justification", 1)
    }

    fn discount(&self, line: &Line) -> Element {
        self.of("printRecItemAdjustment")
            .with("adjustmentType", 0)
            .with("description", "SCONTO")
            .with("amount", self.amount(line.discount))
            .with("department", line.group)
            .with("justification", 1)
    }
}

/// The request of a sale.
#[must_use]
pub fn sale(document: &Document, codes: &Codes, settings: &EpsonSettings) -> Element {
    let write = Writer { settings };
    let mut children = vec![
        header(&write, &document.bill),
        write.of("beginFiscalReceipt"),
    ];
    for line in document.lines.iter().filter(|line| line.price != 0) {
        children.push(write.line("printRecItem", line, line.price, line.thousandths));
        if line.discount > 0 {
            children.push(write.discount(line));
        }
    }
    children.extend(buyer(codes));
    if let Some(code) = &codes.lottery {
        children.push(lottery(&write, code));
    }
    finish(&write, document, children)
}

/// The request of a refund or void of an earlier document.
#[must_use]
pub fn refund(
    document: &Document,
    refund: &Refund,
    original: &Reference,
    codes: &Codes,
    settings: &EpsonSettings,
) -> Element {
    let write = Writer { settings };
    let name = match refund.reason {
        Reason::Refund => "printRecRefund",
        Reason::OperatorError => "printRecVoid",
    };
    let reference = write
        .of("printRecMessage")
        .with("messageType", 4)
        .with("message", original.message(refund.reason));
    let mut children = vec![
        header(&write, &document.bill),
        reference,
        write.of("beginFiscalReceipt"),
    ];
    for line in &document.lines {
        // A refund has no adjustments: its discounted line goes back as one piece.
        let (price, thousandths) = if line.discount > 0 {
            (line.gross - line.discount, 1000)
        } else {
            (line.price, line.thousandths)
        };
        if price != 0 {
            children.push(write.line(name, line, price, thousandths));
        }
    }
    children.extend(buyer(codes));
    finish(&write, document, children)
}

/// The request of any document; `original` is complete for what takes money back. `today` is the
/// property's date.
///
/// # Errors
/// As [`Reference::of`].
pub fn build(
    document: &Document,
    original: impl FnOnce(&Refund) -> Original,
    codes: &Codes,
    today: Date,
    settings: &EpsonSettings,
) -> Result<Element, Fault> {
    match &document.kind {
        Kind::Sale => Ok(sale(document, codes, settings)),
        Kind::Refund(reason) => {
            let known = original(reason);
            // A void is of a document of this printer: there is none without its name.
            let may_be_unknown =
                reason.reason == Reason::Refund && settings.unknown_original == UnknownOriginal::Nd;
            let unknown = Reference::unknown(&known, today).filter(|_| may_be_unknown);
            let original = match unknown {
                Some(unknown) => unknown,
                None => Reference::of(&known)?,
            };
            Ok(refund(document, reason, &original, codes, settings))
        }
    }
}

fn header(write: &Writer<'_>, bill: &BillRef) -> Element {
    write
        .of("printRecMessage")
        .with("messageType", 1)
        .with("index", 1)
        .with("font", 1)
        .with("message", format!("Bill {}", bill_mark(bill)))
}

/// The buyer's number; the printer has a place for one.
fn buyer(codes: &Codes) -> Option<Element> {
    let direct = |command: u16, data: String| {
        Element::new("directIO")
            .with("command", command)
            .with("data", data)
    };
    match (&codes.fiscal, &codes.vat) {
        (Some(code), _) => Some(direct(1061, code.reveal().clone())),
        (None, Some(vat)) => Some(direct(1060, format!("01{}", vat.reveal()))),
        (None, None) => None,
    }
}

fn lottery(write: &Writer<'_>, code: &Personal<String>) -> Element {
    match write.settings.lottery_by {
        LotteryBy::Element => write.of("printRecLotteryID").with("code", code.reveal()),
        LotteryBy::DirectIo => Element::new("directIO")
            .with("command", 1135)
            .with("data", format!("01{:<16}0000", code.reveal())),
    }
}

fn finish(write: &Writer<'_>, document: &Document, mut children: Vec<Element>) -> Element {
    for payment in &document.payments {
        let (kind, index) = payment.device_type.split_once('-').unwrap_or(("0", "0"));
        let description = write.settings.payment_text(&payment.device_type);
        children.push(
            write
                .of("printRecTotal")
                .with("description", description)
                .with("payment", write.amount(payment.amount))
                .with("paymentType", kind)
                .with("index", index)
                .with("justification", 1),
        );
    }
    children.push(write.of("endFiscalReceipt"));
    Element {
        children,
        ..Element::new("printerFiscalReceipt")
    }
}

#[cfg(test)]
mod tests;
