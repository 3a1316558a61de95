//! Packed rows of dots.

/// Rows of dots, one bit each, the leftmost in bit 7; the last byte of a row is padded with white.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Bitmap {
    dots: usize,
    bytes: Vec<u8>,
}

impl Bitmap {
    /// White rows.
    #[must_use]
    pub fn blank(dots: usize, rows: usize) -> Self {
        Self {
            dots,
            bytes: vec![0; dots.div_ceil(8) * rows],
        }
    }

    /// Rows that are packed already. What does not fill a row is left out.
    #[must_use]
    pub fn from_packed(dots: usize, mut bytes: Vec<u8>) -> Self {
        let row = dots.div_ceil(8).max(1);
        bytes.truncate(bytes.len() / row * row);
        Self { dots, bytes }
    }

    /// Dots in a row.
    #[must_use]
    pub fn dots(&self) -> usize {
        self.dots
    }

    /// Bytes in a row.
    #[must_use]
    pub fn row_bytes(&self) -> usize {
        self.dots.div_ceil(8)
    }

    /// How many rows.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.bytes.len().checked_div(self.row_bytes()).unwrap_or(0)
    }

    /// All rows, packed.
    #[must_use]
    pub fn packed(&self) -> &[u8] {
        &self.bytes
    }

    /// Makes a dot black; outside the paper nothing happens.
    pub fn set(&mut self, x: usize, y: usize) {
        if x < self.dots && y < self.rows() {
            let at = y * self.row_bytes() + x / 8;
            self.bytes[at] |= 0x80 >> (x % 8);
        }
    }

    /// True if the dot is black.
    #[must_use]
    pub fn get(&self, x: usize, y: usize) -> bool {
        x < self.dots
            && y < self.rows()
            && self.bytes[y * self.row_bytes() + x / 8] & (0x80 >> (x % 8)) != 0
    }

    /// One row, packed.
    #[must_use]
    pub fn row(&self, y: usize) -> &[u8] {
        &self.bytes[y * self.row_bytes()..(y + 1) * self.row_bytes()]
    }

    /// Adds another picture of the same width below.
    ///
    /// # Panics
    /// If the widths differ: a bug of the caller.
    pub fn append(&mut self, other: &Self) {
        if self.bytes.is_empty() {
            self.dots = other.dots;
        }
        assert_eq!(self.dots, other.dots, "pictures of one width are joined");
        self.bytes.extend_from_slice(&other.bytes);
    }

    /// Blank rows at the top.
    #[must_use]
    pub fn blank_top(&self) -> usize {
        let first = self.bytes.iter().position(|byte| *byte != 0);
        first.map_or(self.rows(), |at| at / self.row_bytes())
    }

    /// Rows up to and with the last one that has a black dot.
    #[must_use]
    pub fn inked_rows(&self) -> usize {
        let last = self.bytes.iter().rposition(|byte| *byte != 0);
        last.map_or(0, |at| at / self.row_bytes() + 1)
    }

    /// The rows from `from` to `to`.
    #[must_use]
    pub fn part(&self, from: usize, to: usize) -> Self {
        let row = self.row_bytes();
        Self {
            dots: self.dots,
            bytes: self.bytes[from * row..to * row].to_vec(),
        }
    }

    /// The leftmost and the rightmost black column.
    #[must_use]
    pub fn inked_columns(&self) -> Option<(usize, usize)> {
        let mut all = vec![0_u8; self.row_bytes()];
        for row in self.bytes.chunks(self.row_bytes().max(1)) {
            for (seen, byte) in all.iter_mut().zip(row) {
                *seen |= byte;
            }
        }
        let black = |x: &usize| all[x / 8] & (0x80 >> (x % 8)) != 0;
        let left = (0..self.dots).find(black)?;
        let right = (0..self.dots).rev().find(black)?;
        Some((left, right))
    }

    /// The columns from `left` on, as a picture `dots` wide.
    #[must_use]
    pub fn columns_from(&self, left: usize, dots: usize) -> Self {
        let mut out = Self::blank(dots, self.rows());
        for y in 0..self.rows() {
            for x in 0..dots.min(self.dots.saturating_sub(left)) {
                if self.get(left + x, y) {
                    out.set(x, y);
                }
            }
        }
        out
    }
}
