//! Every command the driver sends, as bytes.
//!
//! No command made here contains a real-time sequence by accident (`10 04`, `10 05`, `10 14`):
//! a printer would act on it at once, in the middle of whatever it is doing.

/// ESC @: modes back to their defaults. Switches automatic status off, keeps the receive buffer.
pub const INITIALISE: [u8; 2] = [0x1B, 0x40];
/// FS .: leave multi-byte (Kanji, GB) mode, the factory default of printers for some countries.
pub const SINGLE_BYTE_MODE: [u8; 2] = [0x1C, 0x2E];
/// GS a 14: push status when online, error or paper change; answers at once with the present one.
pub const AUTOMATIC_STATUS_ON: [u8; 3] = [0x1D, 0x61, 0x0E];
/// GS ( D: refuse the real-time pulse and power-off, which picture data might contain.
pub const REFUSE_REAL_TIME: [u8; 10] = [0x1D, 0x28, 0x44, 0x05, 0x00, 0x14, 0x01, 0x00, 0x02, 0x00];
/// GS ( D: allow them again.
pub const ALLOW_REAL_TIME: [u8; 10] = [0x1D, 0x28, 0x44, 0x05, 0x00, 0x14, 0x01, 0x01, 0x02, 0x01];
/// LF: print the line.
pub const LINE_FEED: [u8; 1] = [0x0A];
/// DLE EOT 1 to 4 in one burst: printer, cause of offline, cause of error, paper.
pub const STATUS_BURST: [u8; 12] = [0x10, 0x04, 1, 0x10, 0x04, 2, 0x10, 0x04, 3, 0x10, 0x04, 4];
/// GS r 1: paper status, answered when the printer's parser reaches it.
pub const BUFFERED_STATUS: [u8; 3] = [0x1D, 0x72, 0x01];
/// DLE DC4 8: throw away what is received and not yet printed. Real time, also while offline.
pub const CLEAR_BUFFERS: [u8; 10] = [0x10, 0x14, 0x08, 0x01, 0x03, 0x14, 0x01, 0x06, 0x02, 0x08];
/// DLE ENQ 1: an error was put right, go on from the failed line.
pub const RECOVER: [u8; 3] = [0x10, 0x05, 0x01];
/// DLE ENQ 2: an error was put right, throw away what is left.
pub const RECOVER_AND_CLEAR: [u8; 3] = [0x10, 0x05, 0x02];
/// Completes a picture that an earlier connection left half sent: white dots to a raster parser,
/// nothing to the text parser. 8192 is what other products send.
pub const UNWEDGE: [u8; 8192] = [0; 8192];

/// ESC t n: the table of bytes 80 to FF.
#[must_use]
pub fn code_table(n: u8) -> [u8; 3] {
    [0x1B, 0x74, n]
}

/// GS B n: white on black.
#[must_use]
pub fn inverse(on: bool) -> [u8; 3] {
    [0x1D, 0x42, u8::from(on)]
}

/// ESC a n: 0 left, 1 centre, 2 right.
#[must_use]
pub fn justify(n: u8) -> [u8; 3] {
    [0x1B, 0x61, n]
}

/// GS ! n: width and height, each 1 to 8 times.
#[must_use]
pub fn size(width: u8, height: u8) -> [u8; 3] {
    let step = |times: u8| times.clamp(1, 8) - 1;
    [0x1D, 0x21, step(width) << 4 | step(height)]
}

/// ESC d n: print the line and feed n lines.
#[must_use]
pub fn feed_lines(n: u8) -> [u8; 3] {
    [0x1B, 0x64, n]
}

/// How the receipt is cut off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cut {
    /// Not at all.
    None,
    /// Feed to the blade, leave one point (GS V 66). Every model with a cutter has it.
    Partial,
    /// Feed to the blade, cut through (GS V 65).
    Full,
    /// The old partial cut (ESC m), for clones that ignore GS V. Feeds by lines first.
    OldPartial,
    /// The old full cut (ESC i), for clones that ignore GS V. Feeds by lines first.
    OldFull,
}

/// The bytes of a cut. The old codes cut where the paper is, so lines are fed first.
#[must_use]
pub fn cut(how: Cut) -> Vec<u8> {
    match how {
        Cut::None => Vec::new(),
        Cut::Partial => vec![0x1D, 0x56, 0x42, 0x00],
        Cut::Full => vec![0x1D, 0x56, 0x41, 0x00],
        Cut::OldPartial => [&feed_lines(4)[..], &[0x1B, 0x6D]].concat(),
        Cut::OldFull => [&feed_lines(4)[..], &[0x1B, 0x69]].concat(),
    }
}

/// ESC p m t1 t2: the drawer pulse. Always five bytes: without its times the printer would take
/// two bytes of the next job for them. `pin5` is the second drawer; times in ms, 2 to 510.
#[must_use]
pub fn drawer(pin5: bool, on_ms: u16, off_ms: u16) -> [u8; 5] {
    let units = |ms: u16| u8::try_from((ms / 2).clamp(1, 255)).expect("clamped to a byte");
    let (on, mut off) = (units(on_ms), units(off_ms).max(units(on_ms)));
    if on == 0x10 && matches!(off, 0x14) {
        off += 1;
    }
    [0x1B, 0x70, u8::from(pin5), on, off]
}

/// GS ( K 49: print density relative to the printer's own setting, -6 (70 %) to 8 (140 %).
#[must_use]
pub fn density(steps: i8) -> [u8; 7] {
    let n = steps.clamp(-6, 8).to_le_bytes()[0];
    [0x1D, 0x28, 0x4B, 0x02, 0x00, 0x31, n]
}

/// GS ( H 48: ask for these four bytes back when everything before them is printed.
/// Each byte is 20 to 7E.
#[must_use]
pub fn process_id(id: [u8; 4]) -> [u8; 11] {
    let [a, b, c, d] = id;
    [0x1D, 0x28, 0x48, 0x06, 0x00, 0x30, 0x30, a, b, c, d]
}
