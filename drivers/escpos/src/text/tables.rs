//! The tables of bytes 80 to FF (ESC t n), by name and number.

use std::sync::LazyLock;

use encoding_rs::Encoding;
use oem_cp::code_table::DECODING_TABLE_CP_MAP;
use serde::{Deserialize, Serialize};

/// One table and its number on this printer. Numbers are those of Epson and close clones; a
/// printer that counts differently is configured as `name=number`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(into = "String")]
pub struct CodeTable {
    name: &'static str,
    number: u8,
    upper: &'static Upper,
}

/// The characters of bytes 80 to FF; `None` where the table has a hole.
type Upper = [Option<char>; 128];

/// A name that is no table.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown code table `{0}`; known are {known}", known = known())]
pub struct UnknownTable(pub String);

enum Source {
    Oem(u16),
    Web(&'static str),
}

/// Name, number after ESC t, and where the characters come from.
const KNOWN: &[(&str, u8, Source)] = &[
    ("cp437", 0, Source::Oem(437)),
    ("cp850", 2, Source::Oem(850)),
    ("cp860", 3, Source::Oem(860)),
    ("cp863", 4, Source::Oem(863)),
    ("cp865", 5, Source::Oem(865)),
    ("cp857", 13, Source::Oem(857)),
    ("cp737", 14, Source::Oem(737)),
    ("iso8859-7", 15, Source::Web("iso-8859-7")),
    ("windows-1252", 16, Source::Web("windows-1252")),
    ("cp866", 17, Source::Oem(866)),
    ("cp852", 18, Source::Oem(852)),
    ("cp858", 19, Source::Oem(858)),
    ("cp720", 32, Source::Oem(720)),
    ("cp775", 33, Source::Oem(775)),
    ("iso8859-2", 39, Source::Web("iso-8859-2")),
    ("iso8859-15", 40, Source::Web("iso-8859-15")),
    ("windows-1250", 45, Source::Web("windows-1250")),
    ("windows-1251", 46, Source::Web("windows-1251")),
    ("windows-1253", 47, Source::Web("windows-1253")),
    ("windows-1254", 48, Source::Web("windows-1254")),
    ("windows-1255", 49, Source::Web("windows-1255")),
    ("windows-1256", 50, Source::Web("windows-1256")),
    ("windows-1257", 51, Source::Web("windows-1257")),
];

static UPPER: LazyLock<Vec<Upper>> =
    LazyLock::new(|| KNOWN.iter().map(|(_, _, source)| upper(source)).collect());

impl CodeTable {
    /// A table by its name, with its usual number or with `name=number`.
    ///
    /// # Errors
    /// The name is no table, or the number no byte.
    pub fn named(text: &str) -> Result<Self, UnknownTable> {
        let unknown = || UnknownTable(text.to_owned());
        let (name, number) = match text.split_once('=') {
            Some((name, number)) => (name.trim(), Some(number.trim())),
            None => (text.trim(), None),
        };
        let plain = |name: &str| name.to_ascii_lowercase().replace(['_', ' '], "-");
        let wanted = plain(name);
        let at = KNOWN
            .iter()
            .position(|(known, _, _)| *known == wanted)
            .ok_or_else(unknown)?;
        let (name, usual, _) = &KNOWN[at];
        let number = match number {
            Some(number) => number.parse().map_err(|_| unknown())?,
            None => *usual,
        };
        Ok(Self {
            name,
            number,
            upper: &UPPER[at],
        })
    }

    /// Its name in the settings.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The argument of ESC t.
    #[must_use]
    pub fn number(&self) -> u8 {
        self.number
    }

    /// The byte of a character; `None` if the table does not have it. Control characters are in
    /// no table.
    #[must_use]
    pub fn byte(&self, c: char) -> Option<u8> {
        if c.is_ascii() {
            return (!c.is_control()).then_some(c as u8);
        }
        let at = self.upper.iter().position(|known| *known == Some(c))?;
        u8::try_from(at + 0x80).ok()
    }

    /// The characters of bytes 80 to FF, for a test page.
    pub fn upper(&self) -> impl Iterator<Item = Option<char>> {
        self.upper.iter().copied()
    }
}

impl TryFrom<String> for CodeTable {
    type Error = UnknownTable;
    fn try_from(text: String) -> Result<Self, UnknownTable> {
        Self::named(&text)
    }
}

/// By hand: the derived one would ask for settings that live for ever, for the name's sake.
impl<'de> Deserialize<'de> for CodeTable {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        Self::named(&text).map_err(serde::de::Error::custom)
    }
}

impl From<CodeTable> for String {
    fn from(table: CodeTable) -> Self {
        format!("{}={}", table.name, table.number)
    }
}

fn upper(source: &Source) -> Upper {
    let decode = |byte: u8| match source {
        Source::Oem(page) => DECODING_TABLE_CP_MAP
            .get(page)
            .and_then(|table| table.decode_char_checked(byte)),
        Source::Web(label) => Encoding::for_label(label.as_bytes()).and_then(|table| {
            let bytes = [byte];
            let text = table.decode_without_bom_handling_and_without_replacement(&bytes)?;
            text.chars().next()
        }),
    };
    std::array::from_fn(|at| {
        let byte = u8::try_from(at + 0x80).expect("128 places above 80");
        decode(byte).filter(|c| !c.is_control() && !c.is_ascii())
    })
}

fn known() -> String {
    let names: Vec<_> = KNOWN.iter().map(|(name, _, _)| *name).collect();
    names.join(", ")
}
