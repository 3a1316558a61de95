//! Lines as dots, in the cell of a printer's font A, with the embedded DejaVu Sans Mono.

use std::sync::LazyLock;

use ab_glyph::{Font, FontRef, PxScale, ScaleFont, point};

use crate::raster::Bitmap;

/// Dots of one column, as in a receipt printer's font A.
pub const CELL_WIDTH: usize = 12;
/// Dot rows of a character.
pub const CELL_HEIGHT: usize = 24;
/// Dot rows from one line to the next: the printers' default line spacing of 1/6 inch.
pub const LINE_HEIGHT: usize = 30;

/// Coverage from which a dot is black.
const INK: f32 = 0.45;

static FACE: LazyLock<FontRef<'static>> = LazyLock::new(|| {
    FontRef::try_from_slice(include_bytes!("../../assets/DejaVuSansMono.ttf"))
        .expect("the embedded font is sound")
});

/// Draws a line, `times` as large, on paper `dots` wide. A character the font does not have is an
/// empty box, so that a reader sees that something stands there.
#[must_use]
pub fn draw_line(line: &str, dots: usize, columns: usize, times: usize) -> Bitmap {
    let times = times.max(1);
    let mut map = Bitmap::blank(dots, LINE_HEIGHT * times);
    // Where the columns do not fit at 12 dots, the cells are narrower.
    let cell = (dots / columns.max(1)).clamp(4, CELL_WIDTH) * times;
    let height = (CELL_HEIGHT * times) as f32;
    let advance = FACE
        .as_scaled(PxScale::from(height))
        .h_advance(FACE.glyph_id('0'));
    let scale = PxScale {
        x: height * (cell as f32 / advance).min(1.2),
        y: height,
    };
    let baseline = FACE.as_scaled(scale).ascent();
    let mut column = 0;
    for c in line.chars() {
        let id = FACE.glyph_id(c);
        let combining = FACE.as_scaled(scale).h_advance(id) == 0.0;
        let left = if combining && column > 0 {
            column - 1
        } else {
            column
        } * cell;
        if id.0 == 0 && c != '\0' {
            draw_box(&mut map, left, cell, CELL_HEIGHT * times);
        } else if !c.is_whitespace() {
            let glyph = id.with_scale_and_position(scale, point(left as f32, baseline));
            if let Some(outline) = FACE.outline_glyph(glyph) {
                let bounds = outline.px_bounds();
                outline.draw(|x, y, coverage| {
                    let (x, y) = (bounds.min.x + x as f32, bounds.min.y + y as f32);
                    if coverage >= INK && x >= 0.0 && y >= 0.0 {
                        map.set(x as usize, y as usize);
                    }
                });
            }
        }
        if !combining {
            column += 1;
        }
    }
    map
}

fn draw_box(map: &mut Bitmap, left: usize, width: usize, height: usize) {
    let (right, top, bottom) = (left + width - 2, 3, height - 3);
    for x in left + 1..=right {
        map.set(x, top);
        map.set(x, bottom);
    }
    for y in top..=bottom {
        map.set(left + 1, y);
        map.set(right, y);
    }
}
