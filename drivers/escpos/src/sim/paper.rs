//! Paper: what is on it, where it was cut, and its picture as a file.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use image::{GrayImage, Luma};
use sha2::{Digest, Sha256};

/// Paper hanging out uncut is torn off here, so that endless input needs no endless memory: 6 m.
const SHEET_ROWS_MAX: usize = 48_000;
/// Text kept of one sheet, in bytes.
const SHEET_TEXT_MAX: usize = 256 * 1024;
/// Unprinted paper left and right, in dots, as on an 80 mm roll.
const MARGIN: u32 = 32;
const WHITE: Luma<u8> = Luma([255]);
const EDGE: Luma<u8> = Luma([208]);
const INK: Luma<u8> = Luma([24]);

/// How a receipt left the printer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// Cut through.
    Cut,
    /// Cut but for one point, so that it does not fall down.
    PartialCut,
    /// Torn off by hand: the roll was changed, or it grew too long.
    TornOff,
}

/// A piece of paper that left the printer. It exists, whatever the host was told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// Counted from 1 in the life of this printer.
    pub number: u32,
    /// Length in dot rows, blank ones included.
    pub rows: usize,
    /// What was printed as characters, line by line, as the code page shows it.
    pub text: String,
    /// Digest of the dots between the first and the last black row: equal for equal copies.
    pub sha256: String,
    /// Black dots.
    pub black: u64,
    /// How it left the printer.
    pub ending: Ending,
    /// Its picture, where a folder was given.
    pub png: Option<PathBuf>,
}

/// What physically happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Happened {
    Receipt(Receipt),
    Drawer { pin: u8 },
}

impl Ending {
    /// In one word, for lists.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Cut => "cut",
            Self::PartialCut => "partial-cut",
            Self::TornOff => "torn-off",
        }
    }
}

/// The paper that hangs out of the printer now.
#[derive(Debug)]
pub(super) struct Sheet {
    width: usize,
    rows: Vec<u8>,
    text: Vec<(usize, String)>,
    text_bytes: usize,
}

impl Sheet {
    pub(super) fn new(width: usize) -> Self {
        Self {
            width,
            rows: Vec::new(),
            text: Vec::new(),
            text_bytes: 0,
        }
    }

    pub(super) fn len(&self) -> usize {
        self.rows.len() / self.row_bytes()
    }

    pub(super) fn is_full(&self) -> bool {
        self.len() >= SHEET_ROWS_MAX
    }

    /// All rows, one after the other.
    #[cfg(test)]
    pub(super) fn dots(&self) -> &[u8] {
        &self.rows
    }

    /// The text on it, line by line.
    pub(super) fn text(&self) -> String {
        let lines: Vec<_> = self.text.iter().map(|line| line.1.as_str()).collect();
        lines.join("\n")
    }

    /// Has any black dot.
    pub(super) fn is_printed(&self) -> bool {
        self.rows.iter().any(|byte| *byte != 0)
    }

    /// Prints one row; too long a row loses its right end, as on a real head.
    pub(super) fn print(&mut self, bits: &[u8], text: Option<String>) {
        if let Some(text) = text
            && self.text_bytes + text.len() <= SHEET_TEXT_MAX
        {
            self.text_bytes += text.len() + 1;
            self.text.push((self.len(), text));
        }
        let bytes = self.row_bytes();
        let end = self.rows.len() + bytes;
        self.rows.extend_from_slice(&bits[..bits.len().min(bytes)]);
        self.rows.resize(end, 0);
    }

    /// Takes off everything above the last `stays` rows.
    pub(super) fn split(&mut self, stays: usize) -> Sheet {
        let at = self.len().saturating_sub(stays);
        let mut off = Sheet::new(self.width);
        let rest = self.rows.split_off(at * self.row_bytes());
        off.rows = std::mem::replace(&mut self.rows, rest);
        let (above, below) = std::mem::take(&mut self.text)
            .into_iter()
            .partition(|t| t.0 < at);
        off.text = above;
        self.text = below;
        for line in &mut self.text {
            line.0 -= at;
        }
        self.text_bytes = self.text.iter().map(|line| line.1.len() + 1).sum();
        off
    }

    /// The finished piece of paper; written into the folder, if there is one.
    pub(super) fn finish(
        self,
        number: u32,
        ending: Ending,
        folder: Option<&Path>,
        file_number: u32,
    ) -> (Receipt, io::Result<()>) {
        let mut written = Ok(());
        let png = folder.map(|folder| {
            let path = folder.join(format!("{file_number:03}.png"));
            written = self.write(&path);
            path
        });
        let receipt = Receipt {
            number,
            rows: self.len(),
            text: self.text(),
            sha256: hex::encode(Sha256::digest(self.inked())),
            black: self
                .rows
                .iter()
                .map(|byte| u64::from(byte.count_ones()))
                .sum(),
            ending,
            png,
        };
        (receipt, written)
    }

    fn inked(&self) -> &[u8] {
        let bytes = self.row_bytes();
        let Some(first) = self.rows.iter().position(|byte| *byte != 0) else {
            return &[];
        };
        let last = self
            .rows
            .iter()
            .rposition(|byte| *byte != 0)
            .unwrap_or(first);
        &self.rows[first / bytes * bytes..(last / bytes + 1) * bytes]
    }

    fn write(&self, path: &Path) -> io::Result<()> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        let (width, height) = (self.width as u32, self.len().max(1) as u32);
        let mut picture = GrayImage::from_pixel(width + 2 * MARGIN, height, WHITE);
        for y in 0..height {
            picture.put_pixel(0, y, EDGE);
            picture.put_pixel(width + 2 * MARGIN - 1, y, EDGE);
        }
        for (y, row) in self.rows.chunks_exact(self.row_bytes()).enumerate() {
            for x in (0..self.width).filter(|x| row[x / 8] & (0x80 >> (x % 8)) != 0) {
                picture.put_pixel(x as u32 + MARGIN, y as u32, INK);
            }
        }
        picture.save(path).map_err(io::Error::other)
    }

    fn row_bytes(&self) -> usize {
        self.width / 8
    }
}

/// The number the next file gets: one more than the highest there is.
pub(super) fn next_file(folder: Option<&Path>) -> u32 {
    let Some(entries) = folder.and_then(|folder| fs::read_dir(folder).ok()) else {
        return 1;
    };
    let numbers = entries.flatten().filter_map(|entry| {
        let path = entry.path();
        path.extension().filter(|ext| *ext == "png")?;
        path.file_stem()?.to_str()?.parse::<u32>().ok()
    });
    numbers.max().map_or(1, |n| n.saturating_add(1))
}
