//! What a command means for this printer. Pure.

use driver_sdk::{Document, Fault, Job, LocalWork, Work};

use crate::render::Kind;
use crate::settings::Config;

/// Documents larger than this are refused.
const DOCUMENT_MAX: u64 = 20 << 20;
/// Characters of a type that a sentence repeats.
const TYPE_MAX: usize = 60;

/// Everything decided.
#[derive(Debug, Clone)]
pub struct Plan {
    /// What is printed.
    pub content: Content,
    /// How often.
    pub copies: u32,
    /// The paper must say REPEAT.
    pub repeat: bool,
    /// Seconds of the cloud's clock, for what was learned an hour ago.
    pub now: i64,
}

/// What is printed.
#[derive(Debug, Clone)]
pub enum Content {
    /// UTF-8 text.
    Text(Document),
    /// A document that becomes dots in a child process.
    Dots(Kind, Document),
    /// The printer's own commands, untouched.
    Raw(Document),
    /// The test page: the device's name and the local time.
    Test(String, String),
}

impl Content {
    /// The bytes that are printed as they are or as text; none where something renders them.
    ///
    /// # Errors
    /// `DOCUMENT-UNREADABLE`.
    pub async fn read(&self) -> Result<Vec<u8>, Fault> {
        match self {
            Self::Text(document) | Self::Raw(document) => document.read().await,
            Self::Dots(..) | Self::Test(..) => Ok(Vec::new()),
        }
    }
}

/// Decides what a job means, or says why it can never be printed.
///
/// # Errors
/// The type, the length or the number of copies.
pub fn plan(job: &Job, config: &Config) -> Result<Plan, Fault> {
    let now = job.now.as_second();
    let work = match &job.work {
        Work::Print(work) => work,
        Work::Local(LocalWork::Test) => {
            let at = job.zone.to_datetime(job.now);
            let at = at.strftime("%Y-%m-%d %H:%M").to_string();
            return Ok(Plan {
                content: Content::Test(job.device.to_string(), at),
                copies: 1,
                repeat: job.repeat,
                now,
            });
        }
        other @ (Work::Local(LocalWork::Z) | Work::Key(_) | Work::Fiscal(_)) => {
            return Err(other.wrong());
        }
    };
    let copies = u32::try_from(work.copies)
        .ok()
        .filter(|copies| (1..=config.copies_max).contains(copies))
        .ok_or_else(|| {
            Fault::permanent("ESCPOS-COPIES")
                .with("copies", work.copies)
                .with("most", config.copies_max)
        })?;
    if work.document.is_empty() {
        return Err(Fault::permanent("ESCPOS-EMPTY"));
    }
    if work.document.len() > DOCUMENT_MAX {
        return Err(Fault::permanent("ESCPOS-TOO-LARGE"));
    }
    let document = work.document.clone();
    let kind = work.mime.split(';').next().unwrap_or_default();
    let content = match kind.trim().to_ascii_lowercase().as_str() {
        "text/plain" => Content::Text(document),
        "application/pdf" => Content::Dots(Kind::Pdf, document),
        "image/png" => Content::Dots(Kind::Png, document),
        "image/jpeg" | "image/jpg" => Content::Dots(Kind::Jpeg, document),
        "application/octet-stream" | "application/vnd.escpos" => Content::Raw(document),
        _ => {
            let named: String = work
                .mime
                .chars()
                .filter(|c| c.is_ascii_graphic())
                .take(TYPE_MAX)
                .collect();
            return Err(Fault::permanent("ESCPOS-TYPE").with("type", named));
        }
    };
    if job.repeat && matches!(content, Content::Raw(_)) {
        return Err(Fault::in_doubt("ESCPOS-RAW-REPEAT"));
    }
    Ok(Plan {
        content,
        copies,
        repeat: job.repeat,
        now,
    })
}

#[cfg(test)]
mod tests;
