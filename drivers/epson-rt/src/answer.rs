//! What the printer answers: success or a code, and the facts in `addInfo` (Epson Fiscal ePOS
//! Print XML). Tolerant: by local names, `true` or `1`, unknown elements ignored.

use driver_fiscal::money;
use driver_fiscal::verdict::LastDocument;
use driver_sdk::Fault;
use jiff::civil::{Date, DateTime, Time};

use crate::codes::meaning;
use crate::xml::{self, Element};

/// So much of an answer is written down.
const AUDITED: usize = 4_000;

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
    text: String,
}

impl Answer {
    /// Reads an answer; `None` if it is none. Some firmware writes Latin-1 and calls it UTF-8.
    #[must_use]
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let text = match std::str::from_utf8(bytes) {
            Ok(text) => text.to_owned(),
            Err(_) => bytes.iter().map(|&byte| char::from(byte)).collect(),
        };
        let root = xml::read(text.as_bytes()).ok()?;
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
            text,
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
        class
            .fault(page)
            .with("code", self.shown_code())
            .with("status", self.status)
    }

    /// The answer as it came, for the audit trail; cut where it is longer than any receipt's.
    #[must_use]
    pub fn as_it_came(&self) -> String {
        self.text.chars().take(AUDITED).collect()
    }

    /// The code, fit for a note.
    #[must_use]
    pub fn shown_code(&self) -> String {
        if self.code.is_empty() {
            return "-".to_owned();
        }
        self.code
            .chars()
            .filter(|c| !c.is_control())
            .take(40)
            .collect()
    }
}

/// The last-document record (directIO 1387): 61 characters and more.
#[must_use]
pub fn last_document(record: &str) -> Option<LastDocument> {
    if !record.is_ascii() || record.len() < 61 {
        return None;
    }
    // `parse` would take a sign too.
    let digits = |from: usize, to: usize| {
        let part = &record[from..to];
        part.bytes()
            .all(|byte| byte.is_ascii_digit())
            .then_some(part)
    };
    let number = |from: usize, to: usize| digits(from, to)?.parse::<u32>().ok();
    let two = |at: usize| digits(at, at + 2)?.parse::<i8>().ok();
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
    /// The printer's own time, to the minute.
    pub at: Option<DateTime>,
}

/// The new document of a receipt's answer; `None`: no number, no success.
#[must_use]
pub fn new_document(answer: &Answer) -> Option<NewDocument> {
    let number = |name: &str| {
        let number: u32 = answer.info(name)?.parse().ok()?;
        (number > 0).then_some(number)
    };
    let at = || {
        let day = day_first(answer.info("fiscalReceiptDate")?)?;
        let (hour, minute) = answer.info("fiscalReceiptTime")?.split_once(':')?;
        let time = Time::new(hour.parse().ok()?, minute.get(..2)?.parse().ok()?, 0, 0).ok()?;
        Some(day.to_datetime(time))
    };
    Some(NewDocument {
        day: number("zRepNumber")?,
        number: number("fiscalReceiptNumber")?,
        total: answer.info("fiscalReceiptAmount").and_then(money::read),
        at: at(),
    })
}

/// `24/11/2026`: day first, always.
#[must_use]
pub fn day_first(text: &str) -> Option<Date> {
    let mut parts = text.trim().split('/');
    let (day, month, year) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() {
        return None;
    }
    Date::new(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?).ok()
}

#[cfg(test)]
mod tests;
