//! Grey to black and white.

use serde::{Deserialize, Serialize};

use super::bitmap::Bitmap;

/// How grey becomes dots.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Shade {
    /// Darker than the threshold is black. Keeps text and codes readable.
    Threshold,
    /// Error diffusion (Floyd and Steinberg). For photographs; it kills codes and small print.
    Dither,
}

/// Grey rows (0 black, 255 white), `dots` wide, to dots. Luminance below `threshold` is black.
#[must_use]
pub fn to_dots(grey: &[u8], dots: usize, threshold: u8, shade: Shade) -> Bitmap {
    let rows = grey.len() / dots.max(1);
    let mut map = Bitmap::blank(dots, rows);
    match shade {
        Shade::Threshold => {
            for (y, row) in grey.chunks_exact(dots.max(1)).enumerate() {
                for (x, _) in row.iter().enumerate().filter(|(_, l)| **l < threshold) {
                    map.set(x, y);
                }
            }
        }
        Shade::Dither => dither(grey, dots, &mut map),
    }
    map
}

fn dither(grey: &[u8], dots: usize, map: &mut Bitmap) {
    // One dot of margin on both sides takes the error that falls off the edge.
    let mut now = vec![0_i32; dots + 2];
    let mut next = vec![0_i32; dots + 2];
    for (y, row) in grey.chunks_exact(dots.max(1)).enumerate() {
        for (x, level) in row.iter().enumerate() {
            let wanted = i32::from(*level) + now[x + 1] / 16;
            let black = wanted < 128;
            if black {
                map.set(x, y);
            }
            let error = if black { wanted } else { wanted - 255 };
            now[x + 2] += error * 7;
            next[x] += error * 3;
            next[x + 1] += error * 5;
            next[x + 2] += error;
        }
        std::mem::swap(&mut now, &mut next);
        next.fill(0);
    }
}
