//! CP1251, and the escapes of the X dialect.

use encoding_rs::WINDOWS_1251;

/// True for a printable character of CP1251.
#[must_use]
pub fn has(c: char) -> bool {
    if matches!(c, ' '..='~') {
        return true;
    }
    let mut utf8 = [0; 4];
    let (_, _, unmappable) = WINDOWS_1251.encode(c.encode_utf8(&mut utf8));
    !unmappable && !c.is_control() && c != '\u{AD}'
}

/// Text as bytes of the printer. Control bytes become a space: none can end a field.
#[must_use]
pub fn encode(text: &str) -> Vec<u8> {
    let (bytes, _, _) = WINDOWS_1251.encode(text);
    bytes
        .iter()
        .map(|byte| if *byte < 0x20 { b' ' } else { *byte })
        .collect()
}

/// Bytes of the printer as text.
#[must_use]
pub fn decode(bytes: &[u8]) -> String {
    let (text, _) = WINDOWS_1251.decode_without_bom_handling(bytes);
    text.into_owned()
}

/// Fields of the X dialect: each ended by TAB.
#[must_use]
pub fn fields(values: &[&str]) -> Vec<u8> {
    let mut out = Vec::new();
    for value in values {
        out.extend(encode(value));
        out.push(b'\t');
    }
    out
}

/// The fields of an answer. A last field without its TAB counts too.
#[must_use]
pub fn split(data: &[u8]) -> Vec<String> {
    let mut parts: Vec<_> = data.split(|byte| *byte == b'\t').map(decode).collect();
    if parts.last().is_some_and(String::is_empty) {
        parts.pop();
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cyrillic_is_one_byte_a_letter() {
        assert_eq!(
            encode("Нощувка"),
            [0xCD, 0xEE, 0xF9, 0xF3, 0xE2, 0xEA, 0xE0]
        );
        assert_eq!(decode(&encode("Нощувка")), "Нощувка");
        assert!(has('Ж') && has('€') && !has('è') && !has('₂') && !has('\u{98}'));
    }

    #[test]
    fn a_tab_in_a_name_cannot_start_a_field() {
        assert_eq!(fields(&["a\tb", "2"]), b"a b\t2\t");
        assert_eq!(split(b"0\t101\t"), ["0", "101"]);
        assert_eq!(split(b"0\t\t7"), ["0", "", "7"]);
        assert!(split(b"").is_empty());
    }
}
