//! A roll of paper: everything printed, as one text file, and each document as a picture.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use ab_glyph::{Font as _, FontRef, PxScale, ScaleFont as _, point};
use image::{GrayImage, Luma};

/// The face of the virtual receipt printers.
static FACE: &[u8] = include_bytes!("../../../escpos/assets/DejaVuSansMono.ttf");
const HEIGHT: f32 = 20.0;
const MARGIN: u32 = 12;

/// The paper of one virtual printer.
#[derive(Debug)]
pub struct Roll {
    folder: PathBuf,
    columns: usize,
}

impl Roll {
    /// Paper in a folder, so many characters wide.
    #[must_use]
    pub fn new(folder: &Path, columns: usize) -> Self {
        Self {
            folder: folder.to_owned(),
            columns,
        }
    }

    /// Prints a document: appends to `roll.txt` and draws `NAME.png`.
    ///
    /// # Errors
    /// The disk's own.
    pub fn print(&self, name: &str, lines: &[String]) -> io::Result<()> {
        self.write(lines)?;
        let picture = draw(lines, self.columns);
        picture
            .save(self.folder.join(format!("{name}.png")))
            .map_err(io::Error::other)
    }

    /// The same without the picture.
    ///
    /// # Errors
    /// The disk's own.
    pub fn write(&self, lines: &[String]) -> io::Result<()> {
        let mut text = fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.folder.join("roll.txt"))?;
        for line in lines {
            writeln!(text, "{line}")?;
        }
        writeln!(text, "{}", "-".repeat(self.columns))
    }

    /// A line with a text at the left and an amount at the right end.
    #[must_use]
    pub fn line(&self, left: &str, right: &str) -> String {
        let room = self.columns.saturating_sub(right.chars().count() + 1);
        let left: String = left.chars().take(room).collect();
        format!("{left:<room$} {right}")
    }
}

fn draw(lines: &[String], columns: usize) -> GrayImage {
    let font = FontRef::try_from_slice(FACE).expect("the face is part of this build");
    let scaled = font.as_scaled(PxScale::from(HEIGHT));
    let advance = scaled.h_advance(scaled.glyph_id('0'));
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "a roll is some hundred dots wide"
    )]
    let width = (advance * columns as f32) as u32 + 2 * MARGIN;
    let rows = u32::try_from(lines.len()).unwrap_or(u32::MAX).min(2_000);
    let mut paper = GrayImage::from_pixel(width, rows * 24 + 2 * MARGIN, Luma([255]));
    for (row, line) in (0..rows).zip(lines) {
        let mut x = 0.0;
        for c in line.chars() {
            let glyph = scaled
                .glyph_id(c)
                .with_scale_and_position(PxScale::from(HEIGHT), point(x, scaled.ascent()));
            x += advance;
            let Some(outline) = font.outline_glyph(glyph) else {
                continue;
            };
            let bounds = outline.px_bounds();
            outline.draw(|dx, dy, ink| {
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "ink is 0 to 1, bounds lie on the paper"
                )]
                let (left, top, shade) = (
                    bounds.min.x.max(0.0) as u32,
                    bounds.min.y.max(0.0) as u32,
                    (255.0 - ink * 255.0) as u8,
                );
                let (px, py) = (MARGIN + left + dx, MARGIN + row * 24 + top + dy);
                if px < paper.width() && py < paper.height() {
                    let dot = paper.get_pixel_mut(px, py);
                    dot.0[0] = dot.0[0].min(shade);
                }
            });
        }
    }
    paper
}
