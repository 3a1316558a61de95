//! Text as a fiscal printer can take it: composed letters, its own code page, one line, cut by
//! characters.

use icu_normalizer::ComposingNormalizerBorrowed;

/// What a device can print.
#[derive(Debug, Clone, Copy)]
pub struct TextRules {
    /// Characters of one item's text.
    pub item_max: usize,
    /// Characters of one message line.
    pub message_max: usize,
    /// True for a character of the device's code page.
    pub has: fn(char) -> bool,
}

/// Printable ISO 8859-1.
#[must_use]
pub fn latin1(c: char) -> bool {
    matches!(c, ' '..='~' | '\u{A1}'..='\u{AC}' | '\u{AE}'..='\u{FF}')
}

/// Composes letters, replaces what the device does not have with `?`, drops control characters
/// and joiners, collapses spaces, cuts at `max` characters. Never empty: `-`.
#[must_use]
pub fn clean(text: &str, has: fn(char) -> bool, max: usize) -> String {
    let composed = ComposingNormalizerBorrowed::new_nfc().normalize(text);
    let mut out = String::new();
    let mut length = 0;
    let mut space = false;
    for c in composed.chars() {
        if c.is_whitespace() {
            space = length > 0;
            continue;
        }
        if c.is_control() || is_joiner(c) {
            continue;
        }
        if length + usize::from(space) >= max {
            break;
        }
        if space {
            out.push(' ');
            length += 1;
            space = false;
        }
        out.push(if has(c) { c } else { '?' });
        length += 1;
    }
    if out.is_empty() { "-".to_owned() } else { out }
}

/// The same with something fixed before and after that must survive the cut.
#[must_use]
pub fn clean_between(
    before: &str,
    text: &str,
    after: &str,
    has: fn(char) -> bool,
    max: usize,
) -> String {
    let fixed = before.chars().count() + after.chars().count();
    let middle = clean(text, has, max.saturating_sub(fixed).max(1));
    format!("{before}{middle}{after}")
}

/// Zero-width joiners, direction marks, variation selectors: parts of emoji and nothing to print.
fn is_joiner(c: char) -> bool {
    matches!(c,
        '\u{AD}' | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{2064}'
        | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}' | '\u{1F3FB}'..='\u{1F3FF}' | '\u{E0020}'..='\u{E007F}')
}

#[cfg(test)]
mod tests;
