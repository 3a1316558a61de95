//! A document as the bytes of one copy, in parts that end at a safe point.

use crate::codec::command;
use crate::raster::{Bitmap, encode_band};
use crate::settings::{Config, Drawer, DrawerWhen};
use crate::text::{CELL_WIDTH, Encoder, LINE_HEIGHT, TextError, draw_line, lines};

/// Lines of text in one part.
const LINES_A_PART: usize = 24;

/// Bytes after which the printer is between two commands, and how much paper they take.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Part {
    /// What is sent.
    pub bytes: Vec<u8>,
    /// Dot rows of paper.
    pub rows: usize,
}

/// Modes before the first copy. `blocks`: the printer has a `GS (` parser.
#[must_use]
pub fn start(config: &Config, blocks: bool, listens: bool) -> Vec<u8> {
    let mut out = command::INITIALISE.to_vec();
    out.extend(command::SINGLE_BYTE_MODE);
    if listens {
        out.extend(command::AUTOMATIC_STATUS_ON);
    }
    if blocks {
        out.extend(command::REFUSE_REAL_TIME);
        if let Some(steps) = config.density {
            out.extend(command::density(steps));
        }
    }
    if config.drawer_when == DrawerWhen::Before {
        out.extend(drawer(config));
    }
    out
}

/// What follows the last copy.
#[must_use]
pub fn end(config: &Config) -> Vec<u8> {
    match config.drawer_when {
        DrawerWhen::Before => Vec::new(),
        DrawerWhen::After => drawer(config),
    }
}

fn drawer(config: &Config) -> Vec<u8> {
    let pulse = |pin5| command::drawer(pin5, config.drawer_on_ms, config.drawer_off_ms).to_vec();
    match config.drawer {
        Drawer::None => Vec::new(),
        Drawer::Pin2 => pulse(false),
        Drawer::Pin5 => pulse(true),
    }
}

/// True if the drawer opens with the first bytes: then they are not harmless.
#[must_use]
pub fn opens_drawer_first(config: &Config) -> bool {
    config.drawer != Drawer::None && config.drawer_when == DrawerWhen::Before
}

/// The line of a test page before the printer is asked for a mark: one without a parser for it
/// prints the question.
#[must_use]
pub fn probe_notice() -> Part {
    let mut bytes = b"A few stray characters may follow.".to_vec();
    bytes.extend(command::LINE_FEED);
    Part {
        bytes,
        rows: LINE_HEIGHT,
    }
}

/// The header of the one repeat that a setting allows after a doubt.
#[must_use]
pub fn repeat_header() -> Part {
    let mut bytes = command::justify(1).to_vec();
    bytes.extend(command::size(2, 2));
    bytes.extend(b"REPEAT\n");
    bytes.extend(command::size(1, 1));
    bytes.extend(b"This may be a second copy.\n\n");
    bytes.extend(command::justify(0));
    Part {
        bytes,
        rows: 5 * LINE_HEIGHT,
    }
}

/// Plain text, ready but for the cut.
///
/// # Errors
/// What [`lines`] says.
pub fn text(document: &[u8], config: &Config) -> Result<Vec<Part>, TextError> {
    let columns = config.columns();
    let lines = lines(document, columns, config.rows_max() / LINE_HEIGHT)?;
    let mut encoder = Encoder::new(&config.code_tables);
    let parts = lines.chunks(LINES_A_PART).map(|some| {
        let mut part = Part::default();
        for line in some {
            part.rows += LINE_HEIGHT;
            if !encoder.line(line, config.unmappable, &mut part.bytes) {
                let map = draw_line(line, config.dots, columns, 1);
                encode_band(&map, config.picture_command, &mut part.bytes);
            }
        }
        part
    });
    Ok(parts.collect())
}

/// A picture in bands, ready but for the cut.
#[must_use]
pub fn picture(map: &Bitmap, config: &Config) -> Vec<Part> {
    let band = config.band_rows();
    (0..map.rows())
        .step_by(band)
        .map(|top| {
            let part = map.part(top, (top + band).min(map.rows()));
            let mut bytes = Vec::with_capacity(part.packed().len() + 32);
            encode_band(&part, config.picture_command, &mut bytes);
            Part {
                bytes,
                rows: part.rows(),
            }
        })
        .collect()
}

/// Adds feed and cut to the last part of a copy.
pub fn finish(copy: &mut Vec<Part>, config: &Config) {
    let mut bytes = Vec::new();
    if config.feed_lines > 0 {
        bytes.extend(command::feed_lines(config.feed_lines));
    }
    bytes.extend(command::cut(config.cut));
    let rows = usize::from(config.feed_lines) * LINE_HEIGHT + 120;
    match copy.last_mut() {
        Some(last) => {
            last.bytes.extend(bytes);
            last.rows += rows;
        }
        None => copy.push(Part { bytes, rows }),
    }
}

/// The test page: what this device is set to, a ruler, and every configured code table.
#[must_use]
pub fn test_page(device: &str, at: &str, config: &Config) -> Vec<Part> {
    let mut head = Part::default();
    let mut say = |line: String| {
        head.rows += LINE_HEIGHT;
        head.bytes.extend(line.into_bytes());
        head.bytes.extend(command::LINE_FEED);
    };
    say("Nightporter test page".to_owned());
    say(device.chars().filter(char::is_ascii).collect());
    say(at.to_owned());
    say(format!(
        "{} dots, {} columns",
        config.dots,
        config.columns()
    ));
    say("0123456789"
        .chars()
        .cycle()
        .take(config.columns())
        .collect());
    say("The ruler must end with a full bar:".to_owned());
    let mut parts = vec![head];
    parts.extend(picture(&ruler(config.dots), config));
    for table in &config.code_tables {
        let title = format!("{} is table {}:\n", table.name(), table.number());
        let mut bytes = title.into_bytes();
        bytes.extend(command::code_table(table.number()));
        let all: Vec<u8> = (0x80..=0xFF).collect();
        for row in all.chunks(32.min(config.columns())) {
            bytes.extend(row);
            bytes.extend(command::LINE_FEED);
        }
        parts.push(Part {
            bytes,
            rows: 6 * LINE_HEIGHT,
        });
    }
    parts
}

/// Ticks every 8 dots, longer ones every 64, bars at both ends.
fn ruler(dots: usize) -> Bitmap {
    let mut map = Bitmap::blank(dots, 40);
    for x in (0..dots).step_by(8) {
        let length = if x % 64 == 0 { 30 } else { 14 };
        (0..length).for_each(|y| map.set(x, y));
    }
    for y in 0..36 {
        for x in 0..4 {
            map.set(x, y);
            map.set(dots - 1 - x, y);
        }
    }
    let labels = draw_line(&format!("8 x {}", dots / 8), dots, dots / CELL_WIDTH, 1);
    map.append(&labels);
    map
}

#[cfg(test)]
mod tests;
