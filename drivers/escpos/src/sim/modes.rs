//! What ESC @ resets, and the line that is being put together from characters and column strips.

use std::sync::Arc;

use super::codepage::CodePage;
use super::font::{Cell, Glyph, Glyphs};

/// Line spacing after ESC 2, in dot rows.
const SPACING: usize = 30;

/// The printer's settings for what comes next.
#[derive(Debug, Clone)]
pub(super) struct Modes {
    pub(super) page: CodePage,
    pub(super) justify: Justify,
    pub(super) style: Style,
    pub(super) spacing: usize,
    pub(super) multi_byte: bool,
    /// The first half of a double-byte character.
    pub(super) lead: Option<u8>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Justify {
    Left,
    Centre,
    Right,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Style {
    pub(super) cell: Cell,
    pub(super) bold: bool,
    pub(super) underline: bool,
    pub(super) inverse: bool,
    pub(super) wide: usize,
    pub(super) tall: usize,
}

impl Modes {
    pub(super) fn new(multi_byte: bool) -> Self {
        Self {
            page: CodePage::DEFAULT,
            justify: Justify::Left,
            style: Style {
                cell: Cell::A,
                bold: false,
                underline: false,
                inverse: false,
                wide: 1,
                tall: 1,
            },
            spacing: SPACING,
            multi_byte,
            lead: None,
        }
    }

    pub(super) fn default_spacing(&mut self) {
        self.spacing = SPACING;
    }

    /// ESC !.
    pub(super) fn mode(&mut self, n: u8) {
        self.style = Style {
            cell: if n & 1 == 1 { Cell::B } else { Cell::A },
            bold: n & 0x08 != 0,
            underline: n & 0x80 != 0,
            inverse: self.style.inverse,
            wide: if n & 0x20 != 0 { 2 } else { 1 },
            tall: if n & 0x10 != 0 { 2 } else { 1 },
        };
    }

    /// GS !.
    pub(super) fn size(&mut self, n: u8) {
        self.style.wide = usize::from(n >> 4 & 7) + 1;
        self.style.tall = usize::from(n & 7) + 1;
    }
}

impl Justify {
    pub(super) fn of(n: u8) -> Option<Self> {
        match n {
            0 | 48 => Some(Self::Left),
            1 | 49 => Some(Self::Centre),
            2 | 50 => Some(Self::Right),
            _ => None,
        }
    }

    /// Where something of this width starts.
    pub(super) fn start(self, width: usize, of: usize) -> usize {
        let rest = of.saturating_sub(width);
        match self {
            Self::Left => 0,
            Self::Centre => rest / 2,
            Self::Right => rest,
        }
    }
}

/// Characters and strips waiting for the end of the line.
#[derive(Debug, Default)]
pub(super) struct Line {
    pieces: Vec<Piece>,
    width: usize,
    text: String,
}

#[derive(Debug)]
enum Piece {
    Glyph(Arc<Glyph>, Style),
    Strip {
        bytes: usize,
        wide: usize,
        tall: usize,
        data: Vec<u8>,
    },
}

impl Piece {
    fn size(&self) -> (usize, usize) {
        match self {
            Self::Glyph(_, style) => {
                let (w, h) = style.cell.size();
                (w * style.wide, h * style.tall)
            }
            Self::Strip {
                bytes,
                wide,
                tall,
                data,
            } => (data.len() / bytes * wide, bytes * 8 * tall),
        }
    }

    fn is_black(&self, x: usize, y: usize) -> bool {
        match self {
            Self::Glyph(glyph, style) => {
                let (x, y) = (x / style.wide, y / style.tall);
                let row = glyph.get(y).copied().unwrap_or(0);
                let row = if style.bold { row | row >> 1 } else { row };
                let under = style.underline && y + 1 == style.cell.size().1;
                (under || row & (0x8000 >> x) != 0) != style.inverse
            }
            Self::Strip {
                bytes,
                wide,
                tall,
                data,
            } => {
                let (x, y) = (x / wide, y / tall);
                data.get(x * bytes + y / 8)
                    .is_some_and(|byte| byte & (0x80 >> (y % 8)) != 0)
            }
        }
    }
}

impl Line {
    pub(super) fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    /// Characters so far, as a person counts them.
    pub(super) fn column(&self) -> usize {
        self.text.chars().count()
    }

    /// Would a character of this style still fit?
    pub(super) fn has_room(&self, style: Style, limit: usize) -> bool {
        self.width + style.cell.size().0 * style.wide <= limit
    }

    pub(super) fn add(&mut self, ch: char, style: Style, glyphs: &mut Glyphs) {
        self.text.push(ch);
        self.width += style.cell.size().0 * style.wide;
        self.pieces
            .push(Piece::Glyph(glyphs.get(ch, style.cell), style));
    }

    pub(super) fn add_strip(&mut self, bytes: u8, wide: u8, tall: u8, data: Vec<u8>) {
        let (bytes, wide, tall) = (usize::from(bytes), usize::from(wide), usize::from(tall));
        let piece = Piece::Strip {
            bytes,
            wide,
            tall,
            data,
        };
        self.width += piece.size().0;
        self.pieces.push(piece);
    }

    /// The finished line as dot rows of `width` dots, and its text; the line is empty again.
    pub(super) fn take(&mut self, justify: Justify, width: usize) -> (Vec<Vec<u8>>, String) {
        let height = self
            .pieces
            .iter()
            .map(|piece| piece.size().1)
            .max()
            .unwrap_or(0);
        let mut rows = vec![vec![0_u8; width / 8]; height];
        let mut left = justify.start(self.width, width);
        for piece in &self.pieces {
            let (w, h) = piece.size();
            // Characters of different height stand on one line.
            for (y, row) in rows.iter_mut().skip(height - h).enumerate() {
                for x in (0..w).filter(|x| left + x < width && piece.is_black(*x, y)) {
                    row[(left + x) / 8] |= 0x80 >> ((left + x) % 8);
                }
            }
            left += w;
        }
        self.pieces.clear();
        self.width = 0;
        (rows, std::mem::take(&mut self.text))
    }
}
