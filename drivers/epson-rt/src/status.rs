//! What the printer says of itself: five characters, and the facts of its registration with the
//! tax office (`queryPrinterStatus`).

use driver_fiscal::class::ErrorClass;
use driver_sdk::Fault;
use jiff::civil::Date;

use crate::answer::Answer;

/// A certificate that ends sooner than in so many days is worth a warning.
const CERTIFICATE_DAYS: i32 = 30;
/// `rtMainStatus` of a printer that is registered and may sell.
const IN_SERVICE: u64 = 2;

/// The five characters of `printerStatus` or `fpStatus`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PrinterStatus([u8; 5]);

impl PrinterStatus {
    /// Five characters, or nothing.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        text.trim().as_bytes().try_into().ok().map(Self)
    }

    /// A document is open. A sign nobody knows counts as one: nothing is started then.
    #[must_use]
    pub fn open(self) -> bool {
        !matches!(self.0[3], b'1' | b'4')
    }

    /// A fiscal document is open, as one of ours would be.
    #[must_use]
    pub fn fiscal_open(self) -> bool {
        matches!(self.0[3], b'0' | b'3' | b'5' | b'7')
    }

    /// Out of paper, or its cover is open.
    #[must_use]
    pub fn off_line(self) -> bool {
        self.0[0] == b'3'
    }

    /// What must be put right before a sale.
    #[must_use]
    pub fn blocker(self) -> Option<Fault> {
        if self.off_line() {
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

/// The five characters of a status answer.
///
/// # Errors
/// The printer's refusal, or `EPSON-STATUS` for what cannot be read.
pub fn printer(status: &Answer) -> Result<PrinterStatus, Fault> {
    if !status.success {
        return Err(status.fault());
    }
    let text = status.info("fpStatus").or(status.info("printerStatus"));
    text.and_then(PrinterStatus::read)
        .ok_or_else(|| Fault::transient("EPSON-STATUS"))
}

/// What the status says against a document.
///
/// # Errors
/// As [`printer`].
pub fn blocker(status: &Answer) -> Result<Option<Fault>, Fault> {
    let printer = printer(status)?;
    if number(status, "rtTrainingMode") == Some(1) {
        return Ok(Some(Fault::permanent("EPSON-TRAINING")));
    }
    let main = status.info("rtMainStatus");
    if main.is_some() && number(status, "rtMainStatus") != Some(IN_SERVICE) {
        return Ok(Some(Fault::permanent("EPSON-NOT-IN-SERVICE")));
    }
    Ok(printer.blocker())
}

/// A certificate of the printer that has ended: its documents no longer reach the tax office, and
/// only a technician can put that right. A day end is not stopped by it.
#[must_use]
pub fn certificate_over(status: &Answer, today: Date) -> Option<Fault> {
    let ended = certificates(status)
        .into_iter()
        .find(|(_, end)| *end < today)?;
    let fault = ErrorClass::Service.fault("EPSON-CERTIFICATE-OVER");
    Some(fault.with("name", ended.0))
}

/// What the registration says that is worth a warning.
#[must_use]
pub fn registration_warning(status: &Answer, today: Date) -> Option<Fault> {
    if let Some(rejected) = some_files(status, "rtFileRejected") {
        return Some(files("rejected", rejected));
    }
    if let Some(old) = some_files(status, "rtOldFileToSend") {
        return Some(files("not sent in time", old));
    }
    let (name, end) = certificates(status)
        .into_iter()
        .min_by_key(|(_, end)| *end)?;
    let days = today.until(end).ok()?.get_days();
    (0..CERTIFICATE_DAYS).contains(&days).then(|| {
        Fault::operator("EPSON-CERTIFICATE")
            .with("name", name)
            .with("days", days)
    })
}

fn files(state: &str, count: u64) -> Fault {
    Fault::operator("EPSON-FILES")
        .with("count", count)
        .with("state", state)
}

fn some_files(status: &Answer, name: &str) -> Option<u64> {
    number(status, name).filter(|count| *count > 0)
}

/// A number, however many zeros firmware puts before it.
fn number(status: &Answer, name: &str) -> Option<u64> {
    status.info(name)?.parse().ok()
}

/// Until when the printer's certificates are valid, as far as it tells: its own, and that of the
/// authority.
#[must_use]
pub fn certificates(status: &Answer) -> Vec<(&'static str, Date)> {
    [("printer", "rtExpiryCD"), ("authority", "rtExpiryCA")]
        .into_iter()
        .filter_map(|(name, fact)| Some((name, year_first(status.info(fact)?)?)))
        .collect()
}

/// `20270630`.
fn year_first(text: &str) -> Option<Date> {
    if text.len() != 8 || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let (year, month, day) = (&text[..4], &text[4..6], &text[6..]);
    Date::new(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?).ok()
}

/// The day is open: there is something a Z would close. `None` where the printer does not tell.
#[must_use]
pub fn day_open(status: &Answer) -> Option<bool> {
    match number(status, "rtDailyOpen")? {
        1 => Some(true),
        0 => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
