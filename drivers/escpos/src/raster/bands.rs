//! A band of a picture as one command.

use serde::{Deserialize, Serialize};

use super::bitmap::Bitmap;
use super::scrub::{holds_real_time, scrub};

/// Which command carries pictures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PictureCommand {
    /// GS v 0: nearly every receipt printer knows it.
    GsV0,
    /// GS ( L or GS 8 L, functions 112 and 50: newer Epson models.
    GsL,
    /// ESC *: impact printers. Slow, with thin white lines.
    EscStar,
}

/// Appends rows as one picture command (ESC * has 24 rows a line, as many lines as it takes). No
/// real-time command is in what was appended.
///
/// # Panics
/// If the band has no row, or more than 2 303 (the lowest limit of any model): a bug of the
/// caller.
pub fn encode_band(band: &Bitmap, with: PictureCommand, out: &mut Vec<u8>) {
    assert!(
        (1..=2_303).contains(&band.rows()),
        "a band has 1 to 2303 rows"
    );
    match with {
        PictureCommand::GsV0 => gs_v_0(band, out),
        PictureCommand::GsL => gs_l(band, out),
        PictureCommand::EscStar => esc_star(band, out),
    }
}

fn half(n: usize) -> [u8; 2] {
    u16::try_from(n)
        .expect("settings bound widths and bands")
        .to_le_bytes()
}

/// A header must not hold a real-time command either; then the band goes as two.
fn split_or(
    band: &Bitmap,
    header: &[u8],
    out: &mut Vec<u8>,
    with: fn(&Bitmap, &mut Vec<u8>),
    tail: &[u8],
) {
    if holds_real_time(header) && band.rows() > 1 {
        let middle = band.rows() / 2;
        with(&band.part(0, middle), out);
        with(&band.part(middle, band.rows()), out);
        return;
    }
    let mut data = band.packed().to_vec();
    scrub(&mut data);
    out.extend_from_slice(header);
    out.extend(data);
    out.extend_from_slice(tail);
}

/// `1D 76 30 m xL xH yL yH data`: x in bytes, y in rows.
fn gs_v_0(band: &Bitmap, out: &mut Vec<u8>) {
    let mut header = vec![0x1D, 0x76, 0x30, 0x00];
    header.extend(half(band.row_bytes()));
    header.extend(half(band.rows()));
    split_or(band, &header, out, gs_v_0, &[]);
}

/// Store (`1D 28 4C p.. 30 70 30 1 1 31 x y data`, x in dots), then print.
fn gs_l(band: &Bitmap, out: &mut Vec<u8>) {
    const PRINT: [u8; 7] = [0x1D, 0x28, 0x4C, 0x02, 0x00, 0x30, 0x32];
    let length = band.packed().len() + 10;
    let mut header = match u16::try_from(length) {
        Ok(short) => [&[0x1D, 0x28, 0x4C][..], &short.to_le_bytes()].concat(),
        Err(_) => {
            let long = u32::try_from(length).expect("2303 rows of 2047 dots fit");
            [&[0x1D, 0x38, 0x4C][..], &long.to_le_bytes()].concat()
        }
    };
    header.extend([0x30, 0x70, 0x30, 0x01, 0x01, 0x31]);
    header.extend(half(band.dots()));
    header.extend(half(band.rows()));
    split_or(band, &header, out, gs_l, &PRINT);
}

/// 24 rows a line, three bytes a column, top bit first.
fn esc_star(band: &Bitmap, out: &mut Vec<u8>) {
    out.extend([0x1B, 0x33, 24]);
    for top in (0..band.rows()).step_by(24) {
        let mut columns = Vec::with_capacity(band.dots() * 3);
        for x in 0..band.dots() {
            for byte in 0..3 {
                let dots = (0..8).filter(|bit| band.get(x, top + byte * 8 + bit));
                columns.push(dots.fold(0_u8, |all, bit| all | 0x80 >> bit));
            }
        }
        scrub(&mut columns);
        out.extend([0x1B, 0x2A, 0x21]);
        out.extend(half(band.dots()));
        out.extend(columns);
        out.push(0x0A);
    }
    out.extend([0x1B, 0x32]);
}
