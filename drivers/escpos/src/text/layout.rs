//! Plain text to lines of at most so many columns.

use std::mem;

/// Tabs go to the next multiple of this.
const TAB: usize = 8;

/// Why a text cannot be printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// The bytes are no UTF-8.
    #[error("the text is not UTF-8")]
    NotUtf8,
    /// Nothing would be on the paper.
    #[error("the text is empty")]
    Blank,
    /// More lines than the longest receipt has.
    #[error("the text is too long")]
    TooLong,
}

/// Lays a document out: UTF-8 with or without a byte order mark, lines ended by LF, CR LF or CR,
/// tabs to 8, control characters stripped, wrapped at `columns` where a space allows it.
///
/// # Errors
/// The text is not UTF-8, is blank, or has more than `lines_max` lines.
pub fn lines(document: &[u8], columns: usize, lines_max: usize) -> Result<Vec<String>, TextError> {
    let text = std::str::from_utf8(document).map_err(|_| TextError::NotUtf8)?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut out = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let end = rest.find(['\n', '\r', '\u{0c}']).unwrap_or(rest.len());
        let (line, after) = rest.split_at(end);
        rest = after
            .strip_prefix("\r\n")
            .or_else(|| after.strip_prefix(['\n', '\r', '\u{0c}']))
            .unwrap_or(after);
        wrap(&expand(line), columns.max(1), &mut out);
        if out.len() > lines_max {
            return Err(TextError::TooLong);
        }
    }
    while out.last().is_some_and(|line| line.trim().is_empty()) {
        out.pop();
    }
    if out.iter().all(|line| line.trim().is_empty()) {
        return Err(TextError::Blank);
    }
    Ok(out)
}

/// Columns a character takes: combining marks none, all others one. A receipt printer's font has
/// one width.
fn width(c: char) -> usize {
    let combining =
        matches!(c, '\u{300}'..='\u{36f}' | '\u{200b}'..='\u{200f}' | '\u{fe00}'..='\u{fe0f}');
    usize::from(!combining)
}

fn expand(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    let mut column = 0;
    for c in line.chars() {
        match c {
            '\t' => {
                let to = (column / TAB + 1) * TAB;
                out.extend(std::iter::repeat_n(' ', to - column));
                column = to;
            }
            c if c.is_control() => {}
            c => {
                out.push(c);
                column += width(c);
            }
        }
    }
    out
}

fn wrap(line: &str, columns: usize, out: &mut Vec<String>) {
    let line = line.trim_end();
    let mut now = String::new();
    let mut used = 0;
    for c in line.chars() {
        if used + width(c) > columns {
            // A word that began on this line moves to the next one, unless it is the whole line.
            let words = now.trim_end_matches(|c: char| c != ' ').len();
            let moves = c != ' ' && words > 0 && !now[..words].trim().is_empty();
            let tail = if moves {
                now.split_off(words)
            } else {
                String::new()
            };
            now.truncate(now.trim_end().len());
            out.push(mem::replace(&mut now, tail));
            used = now.chars().map(width).sum();
            if c == ' ' && now.is_empty() {
                continue;
            }
        }
        now.push(c);
        used += width(c);
    }
    out.push(now);
}
