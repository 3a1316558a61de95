//! What the printer answers: success or a code, and the facts in `addInfo` (Epson Fiscal ePOS
//! Print XML). Tolerant: by local names, `true` or `1`, unknown elements ignored.

use driver_fiscal::class::ErrorClass;
use driver_fiscal::money;
use driver_fiscal::verdict::LastDocument;
use driver_sdk::Fault;
use jiff::civil::{Date, DateTime, date};

use crate::xml::{self, Element};

/// One answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// Only this decides.
    pub success: bool,
    /// A word, such as `EPTR_REC_EMPTY`.
    pub code: String,
    /// A number that refines it.
    pub status: i32,
    info: Element,
}

impl Answer {
    /// Reads an answer; `None` if it is none.
    #[must_use]
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let root = xml::read(bytes).ok()?;
        let response = xml::inside_envelope(&root).filter(|inside| inside.name == "response")?;
        let success = matches!(response.attribute("success")?.trim(), "true" | "1");
        Some(Self {
            success,
            code: response
                .attribute("code")
                .unwrap_or_default()
                .trim()
                .to_owned(),
            status: response
                .attribute("status")
                .and_then(|status| status.trim().parse().ok())
                .unwrap_or(0),
            info: response.child("addInfo").cloned().unwrap_or_default(),
        })
    }

    /// A fact of `addInfo`, if it is not empty.
    #[must_use]
    pub fn info(&self, name: &str) -> Option<&str> {
        let text = self.info.child(name)?.text.trim();
        (!text.is_empty()).then_some(text)
    }

    /// Lines of text that `addInfo` holds, in order.
    #[must_use]
    pub fn lines(&self) -> Vec<&str> {
        let lines = self
            .info
            .children
            .iter()
            .filter(|it| it.name.starts_with("lineNumber"));
        lines.map(|line| line.text.as_str()).collect()
    }

    /// What a failure means.
    #[must_use]
    pub fn fault(&self) -> Fault {
        let (class, page) = meaning(&self.code, self.status);
        let code = if self.code.is_empty() {
            "-"
        } else {
            &self.code
        };
        let code: String = code.chars().filter(|c| !c.is_control()).take(40).collect();
        class
            .fault(page)
            .with("code", code)
            .with("status", self.status)
    }
}

/// Class and page of a code, or of the status number where the code says `PRINTER ERROR`.
#[must_use]
pub fn meaning(code: &str, status: i32) -> (ErrorClass, &'static str) {
    use ErrorClass::{Doubt, Operator, Service, Stop, Wait};
    match code {
        "NO_DATA"
        | "NO_RAM"
        | "PARSER_ERROR"
        | "CONFIGURATION_FILE_ERROR"
        | "INCOMPLETE FILE"
        | "Non valid XML command" => return (Stop, "EPSON-XML"),
        "LAN_ERROR" => return (Wait, "EPSON-LAN"),
        "LAN_TIME_OUT" | "FP_NO_ANSWER" | "FP_NO_ANSWER_NETWORK" => {
            return (Doubt, "EPSON-NO-ANSWER");
        }
        "TM_NO_ANSWER" | "TM_OFF_LINE" => return (Operator, "EPSON-SECOND-DEVICE"),
        "EFT_POS_ERROR" => return (Doubt, "EPSON-CARD"),
        other if other.starts_with("EPTR_") => return (Operator, "EPSON-PAPER"),
        _ => {}
    }
    match status {
        3 => (Operator, "EPSON-PAPER"),
        9 | 10 => (Service, "EPSON-DATE"),
        11 | 17 | 18 => (Stop, "EPSON-SEQUENCE"),
        8 | 12 | 13 | 16 | 19 | 22 | 25 | 26 => (Stop, "EPSON-VALUE"),
        7 | 29 | 35 | 37 => (Stop, "EPSON-SLIP"),
        14 | 34 => (Service, "EPSON-SERVICE"),
        15 | 39 | 40 => (Doubt, "EPSON-ALREADY"),
        20 | 21 | 27 => (Stop, "EPSON-LIMIT"),
        23 | 24 => (Stop, "EPSON-TOO-LONG"),
        28 => (Wait, "EPSON-LAN"),
        30 => (Stop, "EPSON-CHECK-DIGIT"),
        38 => (Doubt, "EPSON-CARD"),
        41 | 42 => (Stop, "EPSON-REFERENCE"),
        _ => (Doubt, "EPSON-ERROR"),
    }
}

/// The five characters of `printerStatus` or `fpStatus`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PrinterStatus([u8; 5]);

impl PrinterStatus {
    /// Five characters, or nothing.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        text.trim().as_bytes().try_into().ok().map(Self)
    }

    /// A document is open.
    #[must_use]
    pub fn open(self) -> bool {
        matches!(self.0[3], b'0' | b'2' | b'3' | b'5' | b'6' | b'7' | b'8')
    }

    /// A fiscal document is open, as one of ours would be.
    #[must_use]
    pub fn fiscal_open(self) -> bool {
        matches!(self.0[3], b'0' | b'3' | b'5' | b'7')
    }

    /// What must be put right before a sale.
    #[must_use]
    pub fn blocker(self) -> Option<Fault> {
        if self.0[0] == b'3' {
            return Some(
                Fault::operator("EPSON-PAPER")
                    .with("code", "off-line")
                    .with("status", 3),
            );
        }
        match self.0[1] {
            b'2' | b'3' | b'4' | b'5' => {
                let journal = char::from(self.0[1]);
                return Some(Fault::permanent("EPSON-JOURNAL").with("journal", journal));
            }
            _ => {}
        }
        (self.0[4] != b'0').then(|| Fault::operator("EPSON-MODE"))
    }

    /// What is worth a warning.
    #[must_use]
    pub fn warning(self) -> Option<Fault> {
        if self.0[1] == b'1' {
            return Some(Fault::operator("EPSON-JOURNAL-NEAR"));
        }
        (self.0[0] == b'2').then(|| Fault::operator("EPSON-PAPER-NEAR"))
    }
}

/// The last-document record (directIO 1387): 61 characters and more.
#[must_use]
pub fn last_document(record: &str) -> Option<LastDocument> {
    if !record.is_ascii() || record.len() < 61 {
        return None;
    }
    let number = |from: usize, to: usize| record[from..to].parse::<u32>().ok();
    let two = |at: usize| record[at..at + 2].parse::<i8>().ok();
    let day = Date::new(i16::from(two(24)?) + 2000, two(22)?, two(20)?).ok()?;
    let at = DateTime::new(
        day.year(),
        day.month(),
        day.day(),
        two(26)?,
        two(28)?,
        two(30)?,
        0,
    );
    Some(LastDocument {
        serial: record[40..51].trim().to_owned(),
        day: number(32, 36)?,
        number: number(36, 40)?,
        total: i64::from(number(2, 11)?),
        at: Some(at.ok()?),
        key: None,
    })
}

/// What a receipt's answer says of the new document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewDocument {
    /// Z number.
    pub day: u32,
    /// Document number.
    pub number: u32,
    /// Cents.
    pub total: Option<i64>,
}

/// The new document of a receipt's answer; `None`: no number, no success.
#[must_use]
pub fn new_document(answer: &Answer) -> Option<NewDocument> {
    Some(NewDocument {
        day: answer.info("zRepNumber")?.parse().ok()?,
        number: answer.info("fiscalReceiptNumber")?.parse().ok()?,
        total: answer.info("fiscalReceiptAmount").and_then(money::read),
    })
}

/// `24/11/2026`: day first, always.
#[must_use]
pub fn day_first(text: &str) -> Option<Date> {
    let mut parts = text.trim().split('/').map(str::parse::<i16>);
    let (day, month, year) = (
        parts.next()?.ok()?,
        parts.next()?.ok()?,
        parts.next()?.ok()?,
    );
    let (day, month) = (i8::try_from(day).ok()?, i8::try_from(month).ok()?);
    let valid = (1..=12).contains(&month) && (1..=31).contains(&day) && (1..=9999).contains(&year);
    valid
        .then(|| date(year, month, 1))?
        .with()
        .day(day)
        .build()
        .ok()
}
