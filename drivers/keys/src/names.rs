//! Text as an encoder can take it: no separators, no control bytes, only characters it has.

/// Which characters a peer can take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repertoire {
    /// Bytes 20 to 7E.
    Ascii,
    /// ISO 8859-1: ASCII and A0 to FF.
    Latin1,
}

impl Repertoire {
    fn has(self, c: char) -> bool {
        match self {
            Self::Ascii => matches!(c, ' '..='~'),
            Self::Latin1 => matches!(c, ' '..='~' | '\u{A0}'..='\u{FF}'),
        }
    }
}

/// Folds a name: characters the peer has are kept, others lose their accents, what is left over
/// is dropped. Separators and control characters become one space. At most `max` characters.
#[must_use]
pub fn fold(text: &str, repertoire: Repertoire, separators: &[char], max: usize) -> String {
    let mut out = String::new();
    for c in text.chars() {
        if c.is_control() || c.is_whitespace() || separators.contains(&c) {
            out.push(' ');
        } else if repertoire.has(c) {
            out.push(c);
        } else if let Some(plain) = without_accent(c) {
            out.push_str(plain);
        }
    }
    let words: Vec<&str> = out.split(' ').filter(|word| !word.is_empty()).collect();
    let folded: String = words.join(" ").chars().take(max).collect();
    folded.trim_end().to_owned()
}

/// The name the hotel system has already folded, or else the one it has not.
#[must_use]
pub fn prefer<'a>(normalized: Option<&'a str>, plain: Option<&'a str>) -> &'a str {
    let filled = |text: &&str| !text.trim().is_empty();
    normalized
        .filter(filled)
        .or(plain.filter(filled))
        .unwrap_or_default()
}

/// True if the text would break a message: a control character or one of the separators.
#[must_use]
pub fn breaks_a_message(text: &str, separators: &[char]) -> bool {
    text.chars()
        .any(|c| c.is_control() || separators.contains(&c))
}

fn without_accent(c: char) -> Option<&'static str> {
    FOLDED
        .iter()
        .find(|(accented, _)| accented.contains(c))
        .map(|(_, plain)| *plain)
}

/// Latin letters with accents and their plain forms.
const FOLDED: &[(&str, &str)] = &[
    ("ÀÁÂÃÅĀĂĄǍẠẢẤẦẨẪẬẮẰẲẴẶ", "A"),
    ("àáâãåāăąǎạảấầẩẫậắằẳẵặ", "a"),
    ("ÄÆ", "Ae"),
    ("äæ", "ae"),
    ("ÇĆĈĊČ", "C"),
    ("çćĉċč", "c"),
    ("ÐĎĐ", "D"),
    ("ðďđ", "d"),
    ("ÈÉÊËĒĔĖĘĚẸẺẼẾỀỂỄỆ", "E"),
    ("èéêëēĕėęěẹẻẽếềểễệ", "e"),
    ("ĜĞĠĢ", "G"),
    ("ĝğġģ", "g"),
    ("ĤĦ", "H"),
    ("ĥħ", "h"),
    ("ÌÍÎÏĨĪĬĮİỈỊ", "I"),
    ("ìíîïĩīĭįıỉị", "i"),
    ("Ĵ", "J"),
    ("ĵ", "j"),
    ("Ķ", "K"),
    ("ķ", "k"),
    ("ĹĻĽĿŁ", "L"),
    ("ĺļľŀł", "l"),
    ("ÑŃŅŇ", "N"),
    ("ñńņňŉ", "n"),
    ("ÒÓÔÕŌŎŐƠỌỎỐỒỔỖỘỚỜỞỠỢ", "O"),
    ("òóôõōŏőơọỏốồổỗộớờởỡợ", "o"),
    ("ÖØŒ", "Oe"),
    ("öøœ", "oe"),
    ("ŔŖŘ", "R"),
    ("ŕŗř", "r"),
    ("ŚŜŞŠȘ", "S"),
    ("śŝşšș", "s"),
    ("ß", "ss"),
    ("ẞ", "SS"),
    ("ŢŤŦȚ", "T"),
    ("ţťŧț", "t"),
    ("Þ", "Th"),
    ("þ", "th"),
    ("ÙÚÛŨŪŬŮŰŲƯỤỦỨỪỬỮỰ", "U"),
    ("ùúûũūŭůűųưụủứừửữự", "u"),
    ("Ü", "Ue"),
    ("ü", "ue"),
    ("Ŵ", "W"),
    ("ŵ", "w"),
    ("ÝŶŸỲỴỶỸ", "Y"),
    ("ýÿŷỳỵỷỹ", "y"),
    ("ŹŻŽ", "Z"),
    ("źżž", "z"),
    ("‘’‚′", "'"),
    ("“”„″", "\""),
    ("‐‑‒–—", "-"),
];

#[cfg(test)]
mod tests;
