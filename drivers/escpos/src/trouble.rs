//! Conditions and failures as faults: what is true, and which page says what to do.

use driver_sdk::Fault;

use crate::codec::Condition;
use crate::render::Failure;
use crate::settings::Config;
use crate::text::TextError;

/// Why the printer does not go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// It says why.
    Says(Condition),
    /// It takes no bytes and says nothing.
    Stalled,
}

impl Cause {
    /// The fault for the desk. Nothing was printed, where it is returned before the commit.
    #[must_use]
    pub fn fault(self) -> Fault {
        let code = match self {
            Self::Says(Condition::CoverOpen) => "ESCPOS-COVER",
            Self::Says(Condition::PaperOut) => "ESCPOS-PAPER",
            Self::Says(Condition::Cutter) => "ESCPOS-CUTTER",
            Self::Says(Condition::Unrecoverable) => "ESCPOS-ERROR",
            Self::Says(Condition::Mechanical) => "ESCPOS-JAM",
            Self::Says(Condition::Hot) => "ESCPOS-HOT",
            Self::Says(Condition::Feeding) => "ESCPOS-FEEDING",
            Self::Says(Condition::Offline) => "ESCPOS-OFFLINE",
            Self::Stalled => "ESCPOS-STALLED",
        };
        Fault::operator(code)
    }

    /// The same in a few words, inside another sentence.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Says(Condition::CoverOpen) => "the cover is open",
            Self::Says(Condition::PaperOut) => "no paper",
            Self::Says(Condition::Cutter) => "the cutter is stuck",
            Self::Says(Condition::Unrecoverable) => "the printer reports a defect",
            Self::Says(Condition::Mechanical) => "the paper is jammed",
            Self::Says(Condition::Hot) => "the print head is too hot",
            Self::Says(Condition::Feeding) => "the feed button is held",
            Self::Says(Condition::Offline) => "the printer is offline",
            Self::Stalled => "the printer takes no data",
        }
    }
}

/// A document that has no dots. Nothing was sent.
#[must_use]
pub fn of_rendering(failure: &Failure, config: &Config) -> Fault {
    let fault = match failure {
        Failure::WrongKind => Fault::permanent("ESCPOS-WRONG-KIND"),
        Failure::Encrypted => Fault::permanent("ESCPOS-LOCKED"),
        Failure::Damaged { .. } => Fault::permanent("ESCPOS-DAMAGED"),
        Failure::NoPages => Fault::permanent("ESCPOS-NO-PAGES"),
        Failure::Blank { page } => Fault::permanent("ESCPOS-BLANK").with("page", page),
        Failure::TooManyPages { pages } => Fault::permanent("ESCPOS-PAGES")
            .with("pages", pages)
            .with("most", config.pages_max),
        Failure::TooLong => too_long(config),
        Failure::TooLarge => Fault::permanent("ESCPOS-TOO-LARGE"),
        Failure::OutOfMemory => Fault::permanent("ESCPOS-RENDER-MEMORY"),
        Failure::OutOfTime => Fault::permanent("ESCPOS-RENDER-TIME"),
        Failure::Broken { .. } => Fault::transient("ESCPOS-RENDERER"),
    };
    fault.caused_by(failure.clone())
}

/// A text that cannot be laid out. Nothing was sent.
#[must_use]
pub fn of_text(error: TextError, config: &Config) -> Fault {
    match error {
        TextError::NotUtf8 => Fault::permanent("ESCPOS-NOT-TEXT"),
        TextError::Blank => Fault::permanent("ESCPOS-EMPTY"),
        TextError::TooLong => too_long(config),
    }
    .caused_by(error)
}

fn too_long(config: &Config) -> Fault {
    let metres = f64::from(config.length_max_mm) / 1_000.0;
    Fault::permanent("ESCPOS-TOO-LONG").with("most", metres)
}
