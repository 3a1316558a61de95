//! Characters as dots, in the cell of the printer's font A (12×24) or B (9×17).

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use ab_glyph::{Font, FontRef, PxScale, ScaleFont, point};

/// DejaVu Sans Mono: free to embed; has Latin, Greek, Cyrillic, box drawing and the euro.
static FACE: LazyLock<FontRef<'static>> = LazyLock::new(|| {
    FontRef::try_from_slice(include_bytes!("../../assets/DejaVuSansMono.ttf"))
        .expect("the embedded font is sound")
});

/// Characters drawn at most once are kept; a printer has a few thousand at most.
const KEPT_MAX: usize = 4_096;

/// One of the printer's two fonts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Cell {
    /// 12×24 dots.
    A,
    /// 9×17 dots.
    B,
}

impl Cell {
    /// Width and height in dots.
    pub(super) fn size(self) -> (usize, usize) {
        match self {
            Self::A => (12, 24),
            Self::B => (9, 17),
        }
    }
}

/// A drawn character: one word per row, bit 15 is the leftmost dot.
pub(super) type Glyph = Vec<u16>;

/// Draws characters and remembers them.
#[derive(Debug, Default)]
pub(super) struct Glyphs {
    kept: HashMap<(char, Cell), Arc<Glyph>>,
}

impl Glyphs {
    /// The dots of a character in its cell.
    pub(super) fn get(&mut self, ch: char, cell: Cell) -> Arc<Glyph> {
        if let Some(glyph) = self.kept.get(&(ch, cell)) {
            return Arc::clone(glyph);
        }
        if self.kept.len() >= KEPT_MAX {
            self.kept.clear();
        }
        let glyph = Arc::new(draw(ch, cell));
        self.kept.insert((ch, cell), Arc::clone(&glyph));
        glyph
    }
}

fn draw(ch: char, cell: Cell) -> Glyph {
    let (width, height) = cell.size();
    let mut rows = vec![0_u16; height];
    // Exact by height; the face is narrower than 1:2, so it is stretched to the cell's width.
    let tall = height as f32;
    let at_height = FACE.as_scaled(PxScale::from(tall));
    let advance = at_height.h_advance(FACE.glyph_id('0'));
    let scale = PxScale {
        x: tall * width as f32 / advance,
        y: tall,
    };
    let baseline = FACE.as_scaled(scale).ascent();
    let glyph = FACE
        .glyph_id(ch)
        .with_scale_and_position(scale, point(0.0, baseline));
    if let Some(outline) = FACE.outline_glyph(glyph) {
        let bounds = outline.px_bounds();
        outline.draw(|x, y, ink| {
            let (x, y) = (
                x as i32 + bounds.min.x as i32,
                y as i32 + bounds.min.y as i32,
            );
            let (Ok(x), Ok(y)) = (usize::try_from(x), usize::try_from(y)) else {
                return;
            };
            if ink >= 0.5 && x < width && y < height {
                rows[y] |= 0x8000 >> x;
            }
        });
    }
    rows
}
