//! Documents through a real child process: what prints, what is refused, and that no document
//! takes more memory or time than it is given.

mod documents;

use std::io::Write;
use std::path::Path;
use std::time::Duration;

use documents::{of_objects, pdf};
use driver_escpos::raster::Shade;
use driver_escpos::render::{Failure, Kind, Pages, Renderer, Request};
use image::{GrayImage, ImageFormat, Luma};
use tempfile::NamedTempFile;

/// 5 m at 203 dpi.
const ROWS_MAX: usize = 39_961;
const A4: (f64, f64) = (595.0, 842.0);

fn renderer() -> Renderer {
    Renderer::new(Path::new(env!("CARGO_BIN_EXE_escpos-render-helper")), &[])
}

fn request(path: &Path, kind: Kind) -> Request {
    Request {
        kind,
        path: path.to_owned(),
        dots: 576,
        dpi: 203,
        rows_max: ROWS_MAX,
        pages_max: 50,
        threshold: 180,
        shade: Shade::Threshold,
        skip_blank: false,
    }
}

async fn rendered(document: &[u8], kind: Kind) -> Result<Pages, Failure> {
    rendered_with(document, kind, |_| {}).await
}

async fn rendered_with(
    document: &[u8],
    kind: Kind,
    change: impl FnOnce(&mut Request),
) -> Result<Pages, Failure> {
    let mut file = NamedTempFile::new().expect("a temporary file");
    file.write_all(document)
        .expect("a temporary file is writable");
    let mut request = request(file.path(), kind);
    change(&mut request);
    renderer().render(&request).await
}

/// A line of text near the top of a page of this height.
fn line_at_top(height: f64, text: &str) -> String {
    format!("BT /F1 12 Tf 10 {} Td ({text}) Tj ET", height - 20.0)
}

fn a4(text: &str) -> (f64, f64, String) {
    (A4.0, A4.1, line_at_top(A4.1, text))
}

fn png(picture: &GrayImage) -> Vec<u8> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    picture
        .write_to(&mut bytes, ImageFormat::Png)
        .expect("a picture becomes a PNG");
    bytes.into_inner()
}

#[tokio::test]
async fn every_page_prints_and_blank_feet_do_not() {
    let (w, h, text) = a4("Room 204, two nights");
    let pages = rendered(&pdf(&[(w, h, &text), (w, h, &text)]), Kind::Pdf)
        .await
        .expect("a plain bill");
    assert_eq!(pages.pages, 2);
    assert!(pages.scaled_down, "A4 does not fit 72 mm");
    let rows = pages.dots.rows();
    assert!(
        (40..200).contains(&rows),
        "two lines of text, not two pages: {rows}"
    );
    assert!(pages.dots.blank_top() <= 24);
}

#[tokio::test]
async fn the_last_row_is_rounded_up() {
    // 100.3 pt at 576 dots across 200 pt: 288.864 rows.
    let black = "0 0 200 100.3 re f";
    let pages = rendered(&pdf(&[(200.0, 100.3, black)]), Kind::Pdf)
        .await
        .expect("a black page");
    assert_eq!(pages.dots.rows(), 289);
}

#[tokio::test]
async fn strips_join_without_a_gap() {
    // A vertical rule through 10,000 rows.
    let rule = "100 0 5 3472 re f";
    let pages = rendered(&pdf(&[(200.0, 3_472.0, rule)]), Kind::Pdf)
        .await
        .expect("a long page");
    let rows = pages.dots.rows();
    assert!((9_990..=10_010).contains(&rows), "{rows}");
    for y in 1..rows - 1 {
        assert!(pages.dots.get(295, y), "row {y} is broken");
    }
}

#[tokio::test]
async fn an_80_mm_page_keeps_its_size_if_its_content_fits() {
    // 226.8 pt are 80 mm: 640 dots at 203 dpi. A square of 72 pt is 203 dots.
    let square = "70 50 72 72 re f";
    let pages = rendered(&pdf(&[(226.8, 200.0, square)]), Kind::Pdf)
        .await
        .expect("a receipt");
    let (left, right) = pages.dots.inked_columns().expect("a square");
    assert!((202..=204).contains(&(right - left + 1)), "{left}..{right}");
    let full = "1 50 224 72 re f";
    let pages = rendered(&pdf(&[(226.8, 200.0, full)]), Kind::Pdf)
        .await
        .expect("a receipt to the edge");
    let (left, right) = pages.dots.inked_columns().expect("a bar");
    assert!(
        left <= 4 && right >= 570 && !pages.scaled_down,
        "{left}..{right}"
    );
}

#[tokio::test]
async fn what_is_no_pdf_is_said_so() {
    let page = b"<html><body>Sign in to continue</body></html>";
    assert_eq!(rendered(page, Kind::Pdf).await, Err(Failure::WrongKind));
    assert_eq!(rendered(b"", Kind::Pdf).await, Err(Failure::WrongKind));
    let damaged = rendered(b"%PDF-1.4\nnothing follows", Kind::Pdf).await;
    assert!(
        matches!(damaged, Err(Failure::Damaged { .. })),
        "{damaged:?}"
    );
}

#[tokio::test]
async fn a_truncated_pdf_is_refused_even_if_pages_are_whole() {
    let (w, h, text) = a4("Total 153.20");
    let whole = pdf(&[(w, h, &text), (w, h, &text)]);
    let missing = |keep: usize| (keep, whole.len() - keep);
    for (keep, without) in [4, 2]
        .map(|part| missing(whole.len() / part))
        .into_iter()
        .chain([missing(whole.len() * 9 / 10), missing(whole.len() - 4)])
    {
        let result = rendered(&whole[..keep], Kind::Pdf).await;
        assert!(
            matches!(result, Err(Failure::Damaged { .. })),
            "{without} bytes are missing: {result:?}"
        );
    }
    // Rubbish after the end is none of the document.
    let followed = [&whole[..], b"\r\n<!-- a proxy was here -->"].concat();
    assert_eq!(
        rendered(&followed, Kind::Pdf).await.map(|of| of.pages),
        Ok(2)
    );
    // A linearized document has the mark at the end of its first part too.
    let linearized = [&whole[..], b"9 0 obj\n<< /Type /Page >>\nendobj\n"].concat();
    assert!(rendered(&linearized, Kind::Pdf).await.is_err());
}

#[tokio::test]
async fn no_pages_blank_pages_and_too_many_pages_are_three_failures() {
    let none = rendered(&pdf(&[]), Kind::Pdf).await;
    assert!(
        matches!(none, Err(Failure::NoPages | Failure::Damaged { .. })),
        "{none:?}"
    );
    let (w, h, text) = a4("x");
    let blank = pdf(&[(w, h, &text), (w, h, ""), (w, h, &text)]);
    assert_eq!(
        rendered(&blank, Kind::Pdf).await,
        Err(Failure::Blank { page: 2 })
    );
    let skipped = rendered_with(&blank, Kind::Pdf, |request| request.skip_blank = true).await;
    assert_eq!(skipped.map(|pages| pages.pages), Ok(2));
    let white = rendered_with(&pdf(&[(w, h, "")]), Kind::Pdf, |r| r.skip_blank = true).await;
    assert_eq!(white, Err(Failure::Blank { page: 1 }));
    let many = vec![(w, h, "0 0 9 9 re f"); 51];
    assert_eq!(
        rendered(&pdf(&many), Kind::Pdf).await,
        Err(Failure::TooManyPages { pages: 51 })
    );
}

#[tokio::test]
async fn ten_thousand_pages_are_refused_without_drawing_them() {
    let many = vec![(A4.0, A4.1, "0 0 9 9 re f"); 10_000];
    assert_eq!(
        rendered(&pdf(&many), Kind::Pdf).await,
        Err(Failure::TooManyPages { pages: 10_000 })
    );
}

#[tokio::test]
async fn a_page_a_hundred_metres_wide_or_long_is_refused() {
    let wide = pdf(&[(283_465.0, 842.0, "0 0 283465 842 re f")]);
    assert_eq!(rendered(&wide, Kind::Pdf).await, Err(Failure::TooLarge));
    // A plan of A0 size is small, but it is there.
    let plan = pdf(&[(3_370.0, 2_384.0, "0 0 3370 2384 re f")]);
    assert!(rendered(&plan, Kind::Pdf).await.is_ok());
    let long = pdf(&[(200.0, 283_465.0, "0 0 200 283465 re f")]);
    assert_eq!(rendered(&long, Kind::Pdf).await, Err(Failure::TooLong));
    // Six metres of ink on a page that is short enough to be looked at.
    let six = pdf(&[(576.0 / 203.0 * 72.0, 17_008.0, "0 0 200 17008 re f")]);
    assert_eq!(rendered(&six, Kind::Pdf).await, Err(Failure::TooLong));
    let sliver = pdf(&[(1.0, 100_000.0, "0 0 1 1 re f")]);
    assert_eq!(rendered(&sliver, Kind::Pdf).await, Err(Failure::TooLong));
}

#[tokio::test]
async fn loops_end() {
    // A page tree that contains itself, and a form that draws itself.
    let tree = of_objects(
        &[
            "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
            "<< /Type /Pages /Kids [2 0 R] /Count 1 >>".to_owned(),
        ],
        "",
    );
    let result = rendered(&tree, Kind::Pdf).await;
    assert!(
        matches!(
            result,
            Err(Failure::NoPages | Failure::Damaged { .. } | Failure::Blank { .. })
        ),
        "{result:?}"
    );
    let draw = "/X Do";
    let form = of_objects(
        &[
            "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
            "<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_owned(),
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 200 200] \
             /Resources << /XObject << /X 5 0 R >> >> /Contents 4 0 R >>"
                .to_owned(),
            format!("<< /Length {} >>\nstream\n{draw}\nendstream", draw.len()),
            format!(
                "<< /Type /XObject /Subtype /Form /BBox [0 0 200 200] \
                 /Resources << /XObject << /X 5 0 R >> >> /Length {} >>\nstream\n{draw} {draw}\n\
                 endstream",
                2 * draw.len() + 1
            ),
        ],
        "",
    );
    let result = rendered(&form, Kind::Pdf).await;
    assert!(
        matches!(
            result,
            Err(Failure::Blank { .. }
                | Failure::Damaged { .. }
                | Failure::OutOfTime
                | Failure::OutOfMemory)
        ),
        "{result:?}"
    );
}

#[tokio::test]
async fn a_pdf_that_computes_for_ever_is_ended_by_the_clock() {
    // Deeply shared forms: 30 levels, each draws the next one four times.
    let mut objects = vec![
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_owned(),
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 200 200] \
         /Resources << /XObject << /X 5 0 R >> >> /Contents 4 0 R >>"
            .to_owned(),
        "<< /Length 5 >>\nstream\n/X Do\nendstream".to_owned(),
    ];
    for level in 0..30 {
        let draw = "/X Do /X Do /X Do /X Do";
        objects.push(format!(
            "<< /Type /XObject /Subtype /Form /BBox [0 0 200 200] \
             /Resources << /XObject << /X {} 0 R >> >> /Length {} >>\nstream\n{draw}\nendstream",
            6 + level,
            draw.len()
        ));
    }
    objects.push("<< /Type /XObject /Subtype /Form /BBox [0 0 9 9] /Length 12 >>\nstream\n0 0 9 9 re f\nendstream".to_owned());
    let mut file = NamedTempFile::new().expect("a temporary file");
    file.write_all(&of_objects(&objects, ""))
        .expect("a temporary file is writable");
    let renderer = renderer().with_patience(Duration::from_millis(1_500));
    let begun = driver_sdk::clock::now();
    let result = renderer.render(&request(file.path(), Kind::Pdf)).await;
    assert!(
        matches!(
            result,
            Ok(_) | Err(Failure::OutOfTime | Failure::Blank { .. } | Failure::Damaged { .. })
        ),
        "{result:?}"
    );
    assert!(begun.elapsed() < Duration::from_secs(10));
}

#[tokio::test]
async fn a_pdf_that_asks_for_gigabytes_does_not_get_them() {
    // A picture of 32,768 by 32,768 grey dots, twice deflated to a kilobyte.
    let huge = include_bytes!("documents/gigabyte-image.pdf");
    let result = rendered(huge, Kind::Pdf).await;
    assert!(
        matches!(
            result,
            Err(Failure::OutOfMemory | Failure::Blank { .. } | Failure::Damaged { .. })
        ),
        "{result:?}"
    );
}

#[tokio::test]
async fn an_owner_password_prints_and_a_user_password_does_not() {
    for whole in [
        &include_bytes!("documents/owner-only-r4.pdf")[..],
        include_bytes!("documents/owner-only-r6.pdf"),
    ] {
        let pages = rendered(whole, Kind::Pdf)
            .await
            .expect("anybody may read it");
        assert!(pages.dots.inked_columns().is_some());
    }
    for locked in [
        &include_bytes!("documents/user-password-r4.pdf")[..],
        include_bytes!("documents/user-password-r6.pdf"),
    ] {
        assert_eq!(rendered(locked, Kind::Pdf).await, Err(Failure::Encrypted));
    }
}

#[tokio::test]
async fn pictures_are_scaled_down_only() {
    let ink = |side| GrayImage::from_pixel(side, side, Luma([0]));
    let large = rendered(&png(&ink(1_152)), Kind::Png).await.expect("a PNG");
    assert_eq!((large.dots.rows(), large.scaled_down), (576, true));
    let small = rendered(&png(&ink(100)), Kind::Png).await.expect("a PNG");
    assert_eq!((small.dots.rows(), small.scaled_down), (100, false));
    assert_eq!(small.dots.inked_columns(), Some((0, 99)));
}

#[tokio::test]
async fn pictures_that_are_none_are_refused() {
    let ink = png(&GrayImage::from_pixel(9, 9, Luma([0])));
    assert_eq!(rendered(&ink, Kind::Jpeg).await, Err(Failure::WrongKind));
    let cut = rendered(&ink[..ink.len() - 20], Kind::Png).await;
    assert!(matches!(cut, Err(Failure::Damaged { .. })), "{cut:?}");
    let white = png(&GrayImage::from_pixel(9, 9, Luma([255])));
    assert_eq!(
        rendered(&white, Kind::Png).await,
        Err(Failure::Blank { page: 1 })
    );
}

#[tokio::test]
async fn a_decompression_bomb_is_refused() {
    // 20,000 by 20,000 white dots (400 MB) in two megabytes.
    let bomb = png(&GrayImage::from_pixel(20_000, 20_000, Luma([255])));
    assert!(bomb.len() < 4 << 20, "{}", bomb.len());
    assert_eq!(rendered(&bomb, Kind::Png).await, Err(Failure::TooLarge));
}

#[tokio::test]
async fn a_missing_helper_is_this_pcs_fault() {
    let (w, h, text) = a4("x");
    let mut file = NamedTempFile::new().expect("a temporary file");
    file.write_all(&pdf(&[(w, h, &text)]))
        .expect("a temporary file is writable");
    let nobody = Renderer::new(Path::new("/nonexistent/nightporter"), &[]);
    let result = nobody.render(&request(file.path(), Kind::Pdf)).await;
    assert!(matches!(result, Err(Failure::Broken { .. })), "{result:?}");
}
