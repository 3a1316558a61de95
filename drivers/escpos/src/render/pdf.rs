//! A PDF's pages to rows of dots.

use std::io::{self, Write};
use std::sync::Arc;

use hayro::hayro_interpret::{InterpreterSettings, TransformExt};
use hayro::hayro_syntax::page::Page;
use hayro::hayro_syntax::{DecryptionError, LoadPdfError, Pdf};
use hayro::kurbo::Affine;
use hayro::vello_cpu::color::palette::css::WHITE;
use hayro::vello_cpu::{Pixmap, RasterizerSettings, RenderContext, Resources, TargetInit};
use hayro::{RenderCache, RenderSettings, render_into};

use super::failure::Failure;
use super::frames::{self, Frame, PageDone};
use super::request::Request;
use crate::raster::{Bitmap, Shade, to_dots};

/// Rows rendered at once: the same dots as in one piece, in bounded memory.
const STRIP_ROWS: usize = 2_048;
/// A page this wide or narrower is receipt paper and not a letter, in points (82 mm).
const RECEIPT_WIDTH_MAX: f64 = 82.0 / 25.4 * 72.0;
/// White rows kept above a page, 3 mm at 203 dpi; the same between two pages.
const MARGIN_ROWS: usize = 24;
/// The widest page that is made smaller to fit, in points (5 m): the limit of the format itself
/// (ISO 32000, annex C). Nobody could read what is left of a wider one.
const WIDTH_MAX: f64 = 14_400.0;
/// A page longer than this many receipts is not looked at, however blank it is.
const BLANK_FACTOR: usize = 4;

/// Renders every page. The outer error is the pipe's.
pub(super) fn render(
    document: Vec<u8>,
    request: &Request,
    out: &mut impl Write,
) -> io::Result<Result<(), Failure>> {
    match pages(document, request, out) {
        Ok(()) => Ok(Ok(())),
        Err(Stop::Failed(failure)) => Ok(Err(failure)),
        Err(Stop::Pipe(error)) => Err(error),
    }
}

enum Stop {
    Failed(Failure),
    Pipe(io::Error),
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Self::Pipe(error)
    }
}

fn pages(document: Vec<u8>, request: &Request, out: &mut impl Write) -> Result<(), Stop> {
    // The signature stands within the first 1024 bytes (ISO 32000, annex H).
    let head = &document[..document.len().min(1_024)];
    if !head.windows(5).any(|window| window == b"%PDF-") {
        return Err(Failure::WrongKind.into());
    }
    if !has_its_end(&document) {
        return Err(Failure::Damaged {
            why: "its end is missing".to_owned(),
        }
        .into());
    }
    let pdf = Pdf::new(document).map_err(unreadable)?;
    let pages = pdf.pages();
    match pages.len() {
        0 => return Err(Failure::NoPages.into()),
        many if many > request.pages_max => {
            return Err(Failure::TooManyPages { pages: many }.into());
        }
        _ => {}
    }
    let cache = RenderCache::new();
    let mut left = request.rows_max;
    let mut printed = 0;
    for (at, page) in pages.iter().enumerate() {
        let map = one(page, &cache, request, left)?;
        let Some(map) = map else {
            if request.skip_blank {
                continue;
            }
            return Err(Failure::Blank { page: at + 1 }.into());
        };
        let (map, scaled_down) = map;
        let margin = if printed == 0 {
            0
        } else {
            MARGIN_ROWS.saturating_sub(map.blank_top())
        };
        left = left
            .checked_sub(map.rows() + margin)
            .ok_or(Failure::TooLong)?;
        emit(&Bitmap::blank(request.dots, margin), out)?;
        emit(&map, out)?;
        frames::write(out, &Frame::Page(PageDone { scaled_down }))?;
        printed += 1;
    }
    if printed == 0 {
        return Err(Failure::Blank { page: 1 }.into());
    }
    Ok(())
}

/// False for a document that was cut off on its way: readers find the pages that came, and a bill
/// without its last page must not be taken for a bill. Every PDF ends with `%%EOF` (ISO 32000,
/// 7.5.5); what may follow is rubbish, but no object. The first part of a linearized one has the
/// mark too, and objects after it.
fn has_its_end(document: &[u8]) -> bool {
    let last = |mark: &[u8]| document.windows(mark.len()).rposition(|at| at == mark);
    last(b"%%EOF").is_some_and(|end| last(b"endobj").is_none_or(|object| object < end))
}

fn unreadable(error: LoadPdfError) -> Failure {
    let damaged = |why: &str| Failure::Damaged {
        why: why.to_owned(),
    };
    match error {
        LoadPdfError::Decryption(DecryptionError::PasswordProtected) => Failure::Encrypted,
        LoadPdfError::Decryption(DecryptionError::UnsupportedAlgorithm) => Failure::Encrypted,
        LoadPdfError::Decryption(
            DecryptionError::MissingIDEntry | DecryptionError::InvalidEncryption,
        ) => damaged("its encryption is not valid"),
        LoadPdfError::Invalid => damaged("no pages can be found in it"),
    }
}

pub(super) fn emit(map: &Bitmap, out: &mut impl Write) -> io::Result<()> {
    let whole_rows = frames::BODY_MAX / 2 / map.row_bytes().max(1) * map.row_bytes();
    for rows in map.packed().chunks(whole_rows.max(1)) {
        frames::write(out, &Frame::Rows(rows.to_vec()))?;
    }
    Ok(())
}

/// One page without its blank foot, and whether it had to be made smaller; `None` if it is blank.
fn one<'a>(
    page: &'a Page<'a>,
    cache: &RenderCache<'a>,
    request: &Request,
    rows_left: usize,
) -> Result<Option<(Bitmap, bool)>, Failure> {
    let (width, height) = page.render_dimensions();
    let (width, height) = (f64::from(width), f64::from(height));
    if !(width.is_finite() && height.is_finite() && width >= 1.0 && height > 0.0) {
        return Err(Failure::Damaged {
            why: "a page has no size".to_owned(),
        });
    }
    if width > WIDTH_MAX {
        return Err(Failure::TooLarge);
    }
    let native = f64::from(request.dpi) / 72.0;
    let native_dots = (width * native).ceil() as usize;
    let receipt = width <= RECEIPT_WIDTH_MAX;
    if receipt && native_dots > request.dots {
        // Margins are ignored where what is printed fits: codes keep their true size.
        let whole = strips(page, cache, request, native, native_dots, height, rows_left)?;
        match whole.inked_columns() {
            None => return Ok(None),
            Some((left, right)) if right - left < request.dots => {
                let middle = (native_dots - request.dots) / 2;
                let from = middle.clamp((right + 1).saturating_sub(request.dots), left);
                return Ok(Some((trim(whole.columns_from(from, request.dots)), false)));
            }
            Some(_) => {}
        }
    }
    let fit = request.dots as f64 / width;
    let map = strips(page, cache, request, fit, request.dots, height, rows_left)?;
    let blank = map.inked_rows() == 0;
    Ok((!blank).then(|| (trim(map), !receipt && fit < native)))
}

/// Without what is blank above the margin; the blank foot is gone already.
fn trim(map: Bitmap) -> Bitmap {
    let above = map.blank_top().saturating_sub(MARGIN_ROWS);
    if above == 0 {
        return map;
    }
    map.part(above, map.rows())
}

fn strips<'a>(
    page: &'a Page<'a>,
    cache: &RenderCache<'a>,
    request: &Request,
    scale: f64,
    dots: usize,
    height: f64,
    rows_left: usize,
) -> Result<Bitmap, Failure> {
    // Rounding up, so that the last row is not lost; a hair of float error is no row.
    let rows = (height * scale - 1e-3).ceil().max(1.0);
    if rows > (request.rows_max * BLANK_FACTOR) as f64 {
        return Err(Failure::TooLong);
    }
    let rows = rows as usize;
    let mut map = Bitmap::blank(dots, 0);
    for top in (0..rows).step_by(STRIP_ROWS) {
        let strip = strip(
            page,
            cache,
            request,
            scale,
            dots,
            top,
            STRIP_ROWS.min(rows - top),
        );
        let inked = strip.inked_rows();
        if inked == 0 {
            // Blank so far: kept as a number only if ink follows.
            continue;
        }
        map.append(&Bitmap::blank(dots, top - map.rows()));
        map.append(&strip.part(0, inked));
        if map.rows() - map.blank_top().min(map.rows()) > rows_left {
            return Err(Failure::TooLong);
        }
    }
    Ok(map)
}

fn strip<'a>(
    page: &'a Page<'a>,
    cache: &RenderCache<'a>,
    request: &Request,
    scale: f64,
    dots: usize,
    top: usize,
    rows: usize,
) -> Bitmap {
    let side = |n: usize| u16::try_from(n).expect("a strip is narrower and shorter than 65535");
    let mut context = RenderContext::new(side(dots), side(rows));
    let transform = Affine::translate((0.0, -(top as f64)))
        * Affine::scale(scale)
        * page.initial_transform(true).to_kurbo();
    let interpreter = InterpreterSettings {
        warning_sink: Arc::new(|_| {}),
        ..InterpreterSettings::default()
    };
    // Hinting moves stems to whole dots, which costs words at this resolution.
    let settings = RenderSettings {
        hinting: false,
        ..RenderSettings::default()
    };
    render_into(
        page,
        cache,
        &interpreter,
        &settings,
        &mut context,
        transform,
    );
    context.flush();
    let mut pixels = Pixmap::new(side(dots), side(rows));
    context.render_with(
        &mut pixels,
        &mut Resources::default(),
        RasterizerSettings {
            target_init: TargetInit::Clear(WHITE),
            ..RasterizerSettings::default()
        },
    );
    let grey: Vec<u8> = pixels
        .data_as_u8_slice()
        .chunks_exact(4)
        .map(|pixel| luminance(pixel[0], pixel[1], pixel[2]))
        .collect();
    to_dots(&grey, dots, request.threshold, Shade::Threshold)
}

/// Rec. 601 luma.
pub(super) fn luminance(red: u8, green: u8, blue: u8) -> u8 {
    let weighed = 299 * u32::from(red) + 587 * u32::from(green) + 114 * u32::from(blue);
    u8::try_from((weighed + 500) / 1_000).expect("a weighed mean of bytes is a byte")
}
