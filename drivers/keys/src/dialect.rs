//! The hotel's "Data JSON" of a key encoder: which protocol it names, and how a key is issued.
//!
//! The text is typed by a person into a web form. Booleans arrive as strings, keys we do not know
//! are kept and ignored, and text that is not JSON is refused with its position: a guess could
//! cut the wrong kind of key.

use std::collections::BTreeMap;

use driver_sdk::Personal;
use serde_json::Value;

/// Which protocol the order's data names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Protocol {
    /// PMS Industry Standard as SALTO speaks it (`IndustryStandardProtocol`).
    IndustryStandard,
    /// PMS Industry Standard as Onity speaks it (`OnityKeyCutter`).
    Onity,
    /// FIAS (`FiasProtocol`).
    Fias,
    /// Another protocol, by the name in the data.
    Other(String),
}

impl Protocol {
    /// For messages.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::IndustryStandard => "IndustryStandardProtocol",
            Self::Onity => "OnityKeyCutter",
            Self::Fias => "FiasProtocol",
            Self::Other(name) => name,
        }
    }
}

/// How the site wants keys issued.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// By the issue ledger.
    #[default]
    Auto,
    /// The first card of every command is a new key.
    New,
    /// Every card is a copy.
    Copy,
}

/// What the data says. Unknown keys are kept; their values may be secrets and are never shown.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Dialect {
    /// `Type`.
    pub protocol: Option<Protocol>,
    /// `MobileKeys`: a key for the guest's phone is wanted.
    pub mobile_keys: bool,
    /// `EncoderKeys`: beside the mobile key, a card is wanted.
    pub encoder_keys: bool,
    /// `KeyMode`: forces new keys or copies.
    pub mode: Option<Mode>,
    /// Everything else, by key.
    pub others: BTreeMap<String, Personal<Value>>,
}

/// Why the data cannot be used. No variant quotes a value: it may be a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DialectError {
    /// The text is not JSON.
    #[error("no JSON at line {line}, column {column}")]
    NotJson {
        /// Counted from 1.
        line: usize,
        /// Counted from 1.
        column: usize,
    },
    /// It is JSON, but not `{…}`.
    #[error("no JSON object")]
    NotAnObject,
    /// A key that is known has a value of the wrong kind.
    #[error("`{key}` is not {wanted}")]
    BadValue {
        /// The key.
        key: &'static str,
        /// What it must be.
        wanted: &'static str,
    },
}

impl Dialect {
    /// Reads the data; blank text says nothing at all.
    ///
    /// # Errors
    /// [`DialectError`], with the position where the text is not JSON.
    pub fn parse(text: &str) -> Result<Self, DialectError> {
        if text.trim().is_empty() {
            return Ok(Self::default());
        }
        let value: Value = serde_json::from_str(text).map_err(|error| DialectError::NotJson {
            line: error.line(),
            column: error.column(),
        })?;
        let Value::Object(map) = value else {
            return Err(DialectError::NotAnObject);
        };
        let mut dialect = Self::default();
        for (key, value) in map {
            match key.as_str() {
                "Type" => dialect.protocol = protocol(&value)?,
                "MobileKeys" => dialect.mobile_keys = truth("MobileKeys", &value)?,
                "EncoderKeys" => dialect.encoder_keys = truth("EncoderKeys", &value)?,
                "KeyMode" => dialect.mode = mode(&value)?,
                _ => drop(dialect.others.insert(key, Personal::new(value))),
            }
        }
        Ok(dialect)
    }
}

fn protocol(value: &Value) -> Result<Option<Protocol>, DialectError> {
    let wanted = DialectError::BadValue {
        key: "Type",
        wanted: "a text",
    };
    if value.is_null() {
        return Ok(None);
    }
    Ok(match value.as_str().ok_or(wanted)?.trim() {
        "" => None,
        "IndustryStandardProtocol" | "IndustryStandard" => Some(Protocol::IndustryStandard),
        "OnityKeyCutter" | "Onity" => Some(Protocol::Onity),
        "FiasProtocol" | "Fias" => Some(Protocol::Fias),
        other => Some(Protocol::Other(
            other.chars().filter(|c| !c.is_control()).take(40).collect(),
        )),
    })
}

fn truth(key: &'static str, value: &Value) -> Result<bool, DialectError> {
    let wanted = DialectError::BadValue {
        key,
        wanted: "true or false",
    };
    match value {
        Value::Null => Ok(false),
        Value::Bool(truth) => Ok(*truth),
        Value::String(text) if text.trim().eq_ignore_ascii_case("true") => Ok(true),
        Value::String(text) if text.trim().eq_ignore_ascii_case("false") => Ok(false),
        Value::String(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => Err(wanted),
    }
}

fn mode(value: &Value) -> Result<Option<Mode>, DialectError> {
    let wanted = DialectError::BadValue {
        key: "KeyMode",
        wanted: "New, Copy or Auto",
    };
    if value.is_null() {
        return Ok(None);
    }
    match value
        .as_str()
        .map(|text| text.trim().to_ascii_lowercase())
        .as_deref()
    {
        Some("") => Ok(None),
        Some("new") => Ok(Some(Mode::New)),
        Some("copy" | "duplicate") => Ok(Some(Mode::Copy)),
        Some("auto") => Ok(Some(Mode::Auto)),
        Some(_) | None => Err(wanted),
    }
}

#[cfg(test)]
mod tests;
