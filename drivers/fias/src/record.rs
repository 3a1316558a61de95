//! Records of FIAS: an id, then fields of two letters and a value, `|` after each.

use jiff::civil::DateTime;

use driver_keys::local_time;

/// Between fields and after the last.
pub const BAR: char = '|';

/// One record. Texts are ISO 8859-1: one character is one byte on the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Two letters, such as `KR`.
    pub id: String,
    /// Field ids of two characters and their values, in their order.
    pub fields: Vec<(String, String)>,
}

/// A record or a field that cannot be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// The first field is no record id.
    #[error("no record id")]
    NoId,
    /// A value holds a bar, a control character, or what has no byte.
    #[error("field {0} holds a character that cannot be sent")]
    BadValue(String),
}

impl Record {
    /// A record without fields.
    #[must_use]
    pub fn new(id: &str) -> Self {
        Self {
            id: id.to_owned(),
            fields: Vec::new(),
        }
    }

    /// Adds a field.
    #[must_use]
    pub fn with(mut self, id: &str, value: impl Into<String>) -> Self {
        self.fields.push((id.to_owned(), value.into()));
        self
    }

    /// Adds date and time.
    #[must_use]
    pub fn stamped(self, now: DateTime) -> Self {
        self.with("DA", local_time::fias_date(now))
            .with("TI", local_time::fias_time(now))
    }

    /// The value of a field, if the record has it.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<&str> {
        self.fields
            .iter()
            .find(|(known, _)| known == id)
            .map(|(_, value)| value.as_str())
    }

    /// Writes it.
    ///
    /// # Errors
    /// [`RecordError::BadValue`]. The callers fold their texts first; this is the last gate.
    pub fn to_bytes(&self) -> Result<Vec<u8>, RecordError> {
        let mut out = self.id.as_bytes().to_vec();
        out.push(b'|');
        for (id, value) in &self.fields {
            out.extend_from_slice(id.as_bytes());
            for c in value.chars() {
                match u8::try_from(u32::from(c)) {
                    Ok(byte) if c != BAR && byte >= 0x20 && byte != 0x7F => out.push(byte),
                    Ok(_) | Err(_) => return Err(RecordError::BadValue(id.clone())),
                }
            }
            out.push(b'|');
        }
        Ok(out)
    }

    /// Reads it. Fields that do not begin with an id of two plain characters are dropped: they say
    /// nothing.
    ///
    /// # Errors
    /// [`RecordError::NoId`].
    pub fn parse(bytes: &[u8]) -> Result<Self, RecordError> {
        let mut parts = bytes.split(|&byte| byte == b'|');
        let id = parts.next().unwrap_or_default();
        if id.len() != 2 || !id.iter().all(u8::is_ascii_alphanumeric) {
            return Err(RecordError::NoId);
        }
        let text = |bytes: &[u8]| {
            bytes
                .iter()
                .map(|&byte| char::from(byte))
                .collect::<String>()
        };
        let fields = parts
            .filter(|field| field.len() >= 2 && field[..2].iter().all(u8::is_ascii_graphic))
            .map(|field| (text(&field[..2]), text(&field[2..])))
            .collect();
        Ok(Self {
            id: text(id),
            fields,
        })
    }
}

#[cfg(test)]
mod tests;
