//! Why a document has no dots. Each is something else for the clerk to do.

use serde::{Deserialize, Serialize};

/// One variant per sentence on the desk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "failure", rename_all = "snake_case")]
pub enum Failure {
    /// The file is not what its type says, such as a web page called a PDF.
    #[error("the document is not of the kind it says")]
    WrongKind,
    /// A password is needed to read it.
    #[error("the document is protected by a password")]
    Encrypted,
    /// Damaged beyond reading.
    #[error("the document is damaged: {why}")]
    Damaged {
        /// What the reader met; no content.
        why: String,
    },
    /// It has no page.
    #[error("the document has no pages")]
    NoPages,
    /// A page has no black dot.
    #[error("page {page} is blank")]
    Blank {
        /// Counted from 1.
        page: usize,
    },
    /// More pages than a receipt may have.
    #[error("the document has {pages} pages")]
    TooManyPages {
        /// How many it has.
        pages: usize,
    },
    /// Longer than the longest receipt.
    #[error("the document is too long")]
    TooLong,
    /// A picture of more dots than we open.
    #[error("the picture is too large")]
    TooLarge,
    /// The child met its memory limit.
    #[error("rendering needs too much memory")]
    OutOfMemory,
    /// The child met its time limit.
    #[error("rendering takes too long")]
    OutOfTime,
    /// The child could not be started or read: this PC's fault.
    #[error("the renderer does not run: {why}")]
    Broken {
        /// What the system said.
        why: String,
    },
}
