//! Bytes 80..FF to characters, by the table number of `ESC t`. Numbers as on Epson and close clones.

use encoding_rs::Encoding;

/// What a byte shows when its table has no character there.
const HOLE: char = '\u{25af}';

/// CP851, the upper half; no crate has it. Greek letters are enough to read a receipt.
const CP851: &str = "ÇüéâäàΆçêëèïîΈÄΉΊ▯ΌôöΎûùΏÖÜά£έήίϊΐόύΑΒΓΔΕΖΗ½ΘΙ«»\
                     ░▒▓│┤ΚΛΜΝ╣║╗╝ΞΟ┐└┴┬├─┼ΠΡ╚╔╩╦╠═╬ΣΤΥΦΧΨΩαβγ┘┌█▄δε▀\
                     ζηθικλμνξοπρσςτ\u{b4}\u{ad}±υφχ§ψ˛°¨ωϋΰώ■\u{a0}";

/// One table, chosen by number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct CodePage(u8);

impl CodePage {
    /// The table a printer has after power-on: CP437.
    pub(super) const DEFAULT: Self = Self(0);

    /// The table with this number, if any printer has it.
    pub(super) fn number(n: u8) -> Option<Self> {
        (oem(n).is_some() || encoding(n).is_some() || n == 11).then_some(Self(n))
    }

    /// The character this printer shows for a byte.
    pub(super) fn show(self, byte: u8) -> char {
        if byte < 0x80 {
            return char::from(byte);
        }
        if let Some(page) = oem(self.0) {
            return oem_cp::code_table::DECODING_TABLE_CP_MAP
                .get(&page)
                .and_then(|table| table.decode_string_checked(&[byte]))
                .and_then(|text| text.chars().next())
                .unwrap_or(HOLE);
        }
        if let Some(encoding) = encoding(self.0) {
            return encoding
                .decode_without_bom_handling_and_without_replacement(&[byte])
                .and_then(|text| text.chars().next())
                .unwrap_or(HOLE);
        }
        CP851.chars().nth(usize::from(byte - 0x80)).unwrap_or(HOLE)
    }
}

fn oem(n: u8) -> Option<u16> {
    Some(match n {
        0 => 437,
        2 => 850,
        3 => 860,
        4 => 863,
        5 => 865,
        13 => 857,
        14 => 737,
        17 => 866,
        18 => 852,
        19 => 858,
        32 => 720,
        33 => 775,
        _ => return None,
    })
}

fn encoding(n: u8) -> Option<&'static Encoding> {
    Some(match n {
        15 => encoding_rs::ISO_8859_7,
        16 => encoding_rs::WINDOWS_1252,
        39 => encoding_rs::ISO_8859_2,
        40 => encoding_rs::ISO_8859_15,
        45 => encoding_rs::WINDOWS_1250,
        46 => encoding_rs::WINDOWS_1251,
        47 => encoding_rs::WINDOWS_1253,
        48 => encoding_rs::WINDOWS_1254,
        49 => encoding_rs::WINDOWS_1255,
        50 => encoding_rs::WINDOWS_1256,
        51 => encoding_rs::WINDOWS_1257,
        _ => return None,
    })
}
