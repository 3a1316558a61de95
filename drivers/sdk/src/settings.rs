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
}

impl SettingsError {
    /// An error at no special place: the device's table.
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            span: None,
        }
    }

    /// At a place of the file.
    #[must_use]
    pub fn at(mut self, span: Range<usize>) -> Self {
        self.span = Some(span);
        self
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
    /// A place in the file and a fact, with a suggestion for a misspelt key.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T, SettingsError> {
        let table = self
            .table()?
            .unwrap_or_else(|| Spanned::new(self.device_at.clone(), DeTable::new()));
        T::deserialize(table.into_deserializer()).map_err(|error| {
            let error = located(error);
            let span = error.span.clone().unwrap_or_else(|| self.device_at.clone());
            SettingsError {
                message: with_suggestion(&error.message),
                span: Some(span),
            }
        })
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
    SettingsError {
        message: error.message().to_owned(),
        span: error.span(),
    }
}

/// Serde names the unknown key and the known ones; the nearest known one becomes a suggestion.
fn with_suggestion(message: &str) -> String {
    let mut quoted = message.split('`').skip(1).step_by(2);
    let Some(unknown) = quoted
        .next()
        .filter(|_| message.starts_with("unknown field"))
    else {
        return message.to_owned();
    };
    let nearest = quoted
        .map(|known| (strsim::damerau_levenshtein(unknown, known), known))
        .filter(|(distance, known)| *distance <= known.len() / 3 + 1)
        .min();
    match nearest {
        Some((_, known)) => format!("unknown key `{unknown}`; did you mean `{known}`?"),
        None => format!("unknown key `{unknown}`; remove it"),
    }
}

#[cfg(test)]
mod tests;
