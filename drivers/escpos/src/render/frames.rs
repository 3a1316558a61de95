//! The child's answer: frames of a tag, a length and a body.
//!
//! ```text
//! R len rows     packed rows of dots
//! P len page     the page is complete; JSON
//! E 0            the document is complete
//! F len failure  no dots; JSON
//! ```
//! The length is four bytes, little endian. Parent and child are one binary, so no version.

use std::io::{self, Read, Write};

use serde::{Deserialize, Serialize};

use super::failure::Failure;

/// The longest body: one strip of the widest head.
pub const BODY_MAX: usize = 1 << 20;

/// What is told of a page once its rows are out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageDone {
    /// It was made smaller to fit the paper's width.
    pub scaled_down: bool,
}

/// One frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Frame {
    /// Packed rows.
    Rows(Vec<u8>),
    /// A page is complete.
    Page(PageDone),
    /// The document is complete.
    End,
    /// There are no dots, and why.
    Failed(Failure),
}

/// Writes one frame.
///
/// # Errors
/// The pipe's.
pub fn write(out: &mut impl Write, frame: &Frame) -> io::Result<()> {
    let (tag, body) = match frame {
        Frame::Rows(rows) => (b'R', rows.clone()),
        Frame::Page(page) => (b'P', serde_json::to_vec(page)?),
        Frame::End => (b'E', Vec::new()),
        Frame::Failed(failure) => (b'F', serde_json::to_vec(failure)?),
    };
    let length = u32::try_from(body.len()).map_err(io::Error::other)?;
    out.write_all(&[tag])?;
    out.write_all(&length.to_le_bytes())?;
    out.write_all(&body)
}

/// Reads one frame.
///
/// # Errors
/// The pipe's; [`io::ErrorKind::InvalidData`] for what is no frame.
pub fn read(input: &mut impl Read) -> io::Result<Frame> {
    let mut head = [0; 5];
    input.read_exact(&mut head)?;
    let [tag, a, b, c, d] = head;
    let length = u32::from_le_bytes([a, b, c, d]) as usize;
    let invalid = || io::Error::from(io::ErrorKind::InvalidData);
    if length > BODY_MAX {
        return Err(invalid());
    }
    let mut body = vec![0; length];
    input.read_exact(&mut body)?;
    match tag {
        b'R' => Ok(Frame::Rows(body)),
        b'P' => Ok(Frame::Page(serde_json::from_slice(&body)?)),
        b'E' => Ok(Frame::End),
        b'F' => Ok(Frame::Failed(serde_json::from_slice(&body)?)),
        _ => Err(invalid()),
    }
}
