//! A PNG or JPEG to rows of dots.

use std::io::{self, Cursor, Write};

use image::imageops::{FilterType, resize};
use image::{DynamicImage, GrayImage, ImageError, ImageFormat, ImageReader, Limits};

use super::failure::Failure;
use super::frames::{self, Frame, PageDone};
use super::pdf::{emit, luminance};
use super::request::{Kind, Request};
use crate::raster::to_dots;

/// Sides of a picture in dots.
const SIDE_MAX: u32 = 30_000;
/// What decoding may allocate.
const MEMORY_MAX: u64 = 160 << 20;

/// Renders the picture. The outer error is the pipe's.
pub(super) fn render(
    document: &[u8],
    request: &Request,
    out: &mut impl Write,
) -> io::Result<Result<(), Failure>> {
    let (grey, scaled_down) = match decode(document, request) {
        Ok(done) => done,
        Err(failure) => return Ok(Err(failure)),
    };
    let dots = grey.width() as usize;
    let map = to_dots(grey.as_raw(), dots, request.threshold, request.shade);
    let inked = map.inked_rows();
    if inked == 0 {
        return Ok(Err(Failure::Blank { page: 1 }));
    }
    if inked > request.rows_max {
        return Ok(Err(Failure::TooLong));
    }
    emit(&map.part(0, inked).columns_from(0, request.dots), out)?;
    frames::write(out, &Frame::Page(PageDone { scaled_down }))?;
    Ok(Ok(()))
}

/// Grey, on white, at most as wide as the paper.
fn decode(document: &[u8], request: &Request) -> Result<(GrayImage, bool), Failure> {
    let format = match request.kind {
        Kind::Png => ImageFormat::Png,
        Kind::Jpeg => ImageFormat::Jpeg,
        Kind::Pdf => return Err(Failure::WrongKind),
    };
    if image::guess_format(document).ok() != Some(format) {
        return Err(Failure::WrongKind);
    }
    let mut limits = Limits::default();
    limits.max_image_width = Some(SIDE_MAX);
    limits.max_image_height = Some(SIDE_MAX);
    limits.max_alloc = Some(MEMORY_MAX);
    let mut reader = ImageReader::with_format(Cursor::new(document), format);
    reader.limits(limits);
    let picture = reader.decode().map_err(unreadable)?;
    let grey = on_white(picture);
    let dots = u32::try_from(request.dots).unwrap_or(u32::MAX);
    if grey.width() <= dots {
        return Ok((grey, false));
    }
    let rows = u64::from(grey.height()) * u64::from(dots);
    let rows = rows.div_ceil(u64::from(grey.width())).max(1);
    let rows = u32::try_from(rows).map_err(|_| Failure::TooLarge)?;
    Ok((resize(&grey, dots, rows, FilterType::CatmullRom), true))
}

fn unreadable(error: ImageError) -> Failure {
    match error {
        ImageError::Limits(_) => Failure::TooLarge,
        ImageError::Unsupported(_)
        | ImageError::Decoding(_)
        | ImageError::Encoding(_)
        | ImageError::Parameter(_)
        | ImageError::IoError(_) => Failure::Damaged {
            why: error.to_string(),
        },
    }
}

fn on_white(picture: DynamicImage) -> GrayImage {
    let (width, height) = (picture.width(), picture.height());
    let over_white = |level: u8, alpha: u8| {
        let (level, alpha) = (u32::from(level), u32::from(alpha));
        u8::try_from((level * alpha + 255 * (255 - alpha) + 127) / 255)
            .expect("a weighed mean of bytes is a byte")
    };
    if !picture.color().has_alpha() {
        return picture.into_luma8();
    }
    let pixels = picture.into_rgba8();
    let grey = pixels
        .pixels()
        .map(|pixel| {
            let [red, green, blue, alpha] = pixel.0;
            over_white(luminance(red, green, blue), alpha)
        })
        .collect();
    GrayImage::from_raw(width, height, grey).expect("one byte for each dot")
}
