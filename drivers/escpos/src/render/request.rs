//! What the parent asks the child: one line of JSON.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::raster::Shade;

/// What the document says it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// application/pdf.
    Pdf,
    /// image/png.
    Png,
    /// image/jpeg.
    Jpeg,
}

/// One document to be turned into rows of dots.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Request {
    /// What it says it is.
    pub kind: Kind,
    /// Where it lies on this PC's disk.
    pub path: PathBuf,
    /// Width of the paper in dots.
    pub dots: usize,
    /// Dots per inch of the head.
    pub dpi: u32,
    /// The longest receipt in dot rows.
    pub rows_max: usize,
    /// The most pages.
    pub pages_max: usize,
    /// Luminance below this is black.
    pub threshold: u8,
    /// How a picture's grey becomes dots. A PDF is never dithered.
    pub shade: Shade,
    /// Blank pages of a document that has others are left out instead of refused.
    pub skip_blank: bool,
}
