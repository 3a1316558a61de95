//! A driver's settings, with their place in the config file.

use std::ops::Range;
use std::sync::Arc;

use serde::de::{DeserializeOwned, IntoDeserializer};
use serde_spanned::Spanned;
use toml::de::{DeTable, DeValue};

/// The `[device.NAME.settings]` table of one device; absent when the file has none.
///
/// It keeps the file's text and not a tree: a driver parses it once, into its own type, and every
/// error then points into the file.
#[derive(Debug, Clone)]
pub struct Settings {
    text: Arc<str>,
    path: Vec<String>,
    device_at: Range<usize>,
    system: Option<Arc<str>>,
}

/// What is wrong with a setting, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct SettingsError {
    /// The fact and the fix.
    pub message: String,
    /// Bytes of the config file; the device's own table when the place is unknown.
    pub span: Option<Range<usize>>,
    /// What else is wrong in the same table, each with nothing here.
    pub also: Vec<SettingsError>,
}

impl SettingsError {
    /// An error at no special place: the device's table.
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            span: None,
            also: Vec::new(),
        }
    }

    /// At a place of the file.
    #[must_use]
    pub fn at(mut self, span: Range<usize>) -> Self {
        self.span = Some(span);
        self
    }
}

/// What a driver finds wrong with its settings, all of it.
#[derive(Debug)]
pub struct Complaints<'s> {
    settings: &'s Settings,
    found: Option<SettingsError>,
}

impl Complaints<'_> {
    /// The fact and the fix about a key, told at its place in the file.
    pub fn about(&mut self, key: &str, message: impl Into<String>) {
        let place = self.settings.place_of(key);
        self.push(SettingsError::new(message).at(place));
    }

    /// As [`about`](Self::about), unless the key is as it must be.
    pub fn unless(&mut self, good: bool, key: &str, message: impl Into<String>) {
        if !good {
            self.about(key, message);
        }
    }

    fn push(&mut self, more: SettingsError) {
        match &mut self.found {
            None => self.found = Some(more),
            Some(first) if *first != more && !first.also.contains(&more) => first.also.push(more),
            Some(_) => {}
        }
    }
}

impl Settings {
    /// The table at a path of the config file's text (`["device", NAME, "settings"]`), and the
    /// place of the device itself. A table that is not there means that every setting has its
    /// default.
    #[must_use]
    pub fn new(text: Arc<str>, path: Vec<String>, device_at: Range<usize>) -> Self {
        Self {
            text,
            path,
            device_at,
            system: None,
        }
    }

    /// No table: every setting has its default.
    #[must_use]
    pub fn none() -> Self {
        Self::from_toml("")
    }

    /// Settings from TOML text of their own, for tests and simulators.
    #[must_use]
    pub fn from_toml(text: &str) -> Self {
        Self::new(text.into(), Vec::new(), 0..0)
    }

    /// With the name of the lock (or other) system that several links belong to.
    #[must_use]
    pub fn in_system(mut self, system: Option<&str>) -> Self {
        self.system = system.map(Arc::from);
        self
    }

    /// `system = "…"` of the device, if set.
    #[must_use]
    pub fn system(&self) -> Option<&str> {
        self.system.as_deref()
    }

    /// The settings as the driver's own type, which denies unknown fields and has a default for
    /// every key that has a safe one.
    ///
    /// # Errors
    /// Every key that is wrong, the others in [`SettingsError::also`]: a place in the file and a
    /// fact, with a suggestion for a misspelt key.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T, SettingsError> {
        self.parse_and_check(|_, _| ())
    }

    /// As [`parse`](Self::parse), and what `check` finds in the values is told in the same breath: a
    /// misspelt key hides no number that is out of range, nor one number another.
    ///
    /// # Errors
    /// See [`parse`](Self::parse).
    pub fn parse_and_check<T: DeserializeOwned>(
        &self,
        check: impl FnOnce(&T, &mut Complaints<'_>),
    ) -> Result<T, SettingsError> {
        let mut complaints = Complaints {
            settings: self,
            found: None,
        };
        let parsed = self.parse_into(&mut complaints)?;
        if let Some(parsed) = &parsed {
            check(parsed, &mut complaints);
        }
        match (complaints.found, parsed) {
            (Some(found), _) => Err(found),
            (None, Some(parsed)) => Ok(parsed),
            (None, None) => unreachable!("what does not parse was told"),
        }
    }

    /// What the table says without its wrong keys, which are told; `None` where even that is
    /// nothing the driver can read.
    fn parse_into<T: DeserializeOwned>(
        &self,
        complaints: &mut Complaints<'_>,
    ) -> Result<Option<T>, SettingsError> {
        let mut table = self
            .table()?
            .unwrap_or_else(|| Spanned::new(self.device_at.clone(), DeTable::new()));
        loop {
            let error = match T::deserialize(table.clone().into_deserializer()) {
                Ok(settings) => return Ok(Some(settings)),
                Err(error) => error,
            };
            let span = error.span().unwrap_or_else(|| self.device_at.clone());
            // A bad key is told and taken out, so that it hides no other one.
            let key = key_at(table.get_ref(), &span);
            let message = in_words(error.message(), key.as_deref());
            complaints.push(SettingsError::new(message).at(span));
            match key {
                Some(key) => drop(table.get_mut().remove(key.as_str())),
                None => return Ok(None),
            }
        }
    }

    /// The place of a key in the file, for errors a driver finds after parsing.
    #[must_use]
    pub fn place_of(&self, key: &str) -> Range<usize> {
        let table = self.table().ok().flatten();
        table
            .and_then(|table| table.get_ref().get(key).map(Spanned::span))
            .unwrap_or_else(|| self.device_at.clone())
    }

    fn table(&self) -> Result<Option<Spanned<DeTable<'_>>>, SettingsError> {
        let mut table = DeTable::parse(&self.text).map_err(located)?;
        for key in &self.path {
            match table.into_inner().remove(key.as_str()) {
                Some(value) => {
                    let span = value.span();
                    match value.into_inner() {
                        DeValue::Table(inner) => table = Spanned::new(span, inner),
                        DeValue::String(_)
                        | DeValue::Integer(_)
                        | DeValue::Float(_)
                        | DeValue::Boolean(_)
                        | DeValue::Datetime(_)
                        | DeValue::Array(_) => {
                            return Err(SettingsError::new("must be a table").at(span));
                        }
                    }
                }
                None => return Ok(None),
            }
        }
        Ok(Some(table))
    }
}

fn located(error: toml::de::Error) -> SettingsError {
    let place = error.span();
    let new = SettingsError::new(error.message());
    place.map_or(new.clone(), |place| new.at(place))
}

/// The key of a table at which, or in whose value, a place is.
fn key_at(table: &DeTable<'_>, place: &Range<usize>) -> Option<String> {
    let holds = |range: Range<usize>| range.start <= place.start && place.end <= range.end;
    let mut entries = table.iter();
    let entry = entries.find(|(key, value)| holds(key.span()) || holds(value.span()));
    entry.map(|(key, _)| key.get_ref().to_string())
}

/// Serde's sentence as a fact and a fix. Without the value that is wrong: it may be a password.
fn in_words(message: &str, key: Option<&str>) -> String {
    let mut quoted = message.split('`').skip(1).step_by(2);
    if message.starts_with("unknown field")
        && let Some(unknown) = quoted.next()
    {
        let nearest = quoted
            .map(|known| (strsim::damerau_levenshtein(unknown, known), known))
            .filter(|(distance, known)| *distance <= known.len() / 3 + 1)
            .min();
        return match nearest {
            Some((_, known)) => format!("unknown key `{unknown}`; did you mean `{known}`?"),
            None => format!("unknown key `{unknown}`; remove it"),
        };
    }
    if message.starts_with("missing field")
        && let Some(missing) = quoted.next()
    {
        return format!("`{missing}` is missing; add it");
    }
    let Some(key) = key else {
        return message.to_owned();
    };
    let wrong = [
        "invalid type",
        "invalid value",
        "invalid length",
        "unknown variant",
    ];
    match message
        .rsplit_once(", expected ")
        .filter(|_| wrong.iter().any(|w| message.starts_with(w)))
    {
        Some((_, "a string")) => format!("`{key}` must be a text in quotes"),
        Some((_, "a boolean")) => format!("`{key}` must be true or false"),
        Some((_, "u8")) => format!("`{key}` must be a whole number, 0 to 255"),
        Some((_, "u16")) => format!("`{key}` must be a whole number, 0 to 65535"),
        Some((_, "u32" | "u64" | "usize")) => format!("`{key}` must be a whole number"),
        Some((_, "i8" | "i16" | "i32" | "i64")) => format!("`{key}` must be a whole number"),
        Some((_, expected)) => format!("`{key}` must be {expected}"),
        None => format!("`{key}`: {message}"),
    }
}

#[cfg(test)]
mod tests;
