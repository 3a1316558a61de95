//! The shape of the file: which tables and keys there are, and where each value stands.
//!
//! Every table is read by itself, and a key that cannot be read is told, taken out, and the table
//! is read again. So one bad key never hides another, and positions stay exact (which serde's
//! `flatten` and `untagged` would lose).

use std::ops::Range;

use serde::Deserialize;
use serde::de::{DeserializeOwned, IntoDeserializer};
use serde_spanned::Spanned;
use toml::de::{DeTable, DeValue};

use super::finding::{Findings, nearest, suggestion};

/// A value and its place.
pub(super) type At<T> = Spanned<T>;

/// The tables of the file.
#[derive(Debug, Default)]
pub(super) struct File {
    pub mews: Option<Section<MewsKeys>>,
    pub properties: Vec<PropertySection>,
    pub devices: Vec<DeviceSection>,
    pub journal: JournalKeys,
    pub admin: AdminKeys,
}

/// A table and its place.
#[derive(Debug)]
pub(super) struct Section<T> {
    pub at: Range<usize>,
    pub keys: T,
}

#[derive(Debug)]
pub(super) struct PropertySection {
    pub name: String,
    pub at: Range<usize>,
    pub keys: PropertyKeys,
    pub client_token: Token,
    pub access_token: Token,
}

#[derive(Debug)]
pub(super) struct DeviceSection {
    pub name: String,
    pub at: Range<usize>,
    pub keys: DeviceKeys,
    /// The place of the settings table, if there is one.
    pub settings: Option<Range<usize>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MewsKeys {
    pub environment: Option<At<String>>,
    pub platform_address: Option<At<String>>,
    pub websocket_address: Option<At<String>>,
    pub proxy: Option<At<String>>,
    pub ca_file: Option<At<String>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PropertyKeys {
    pub timezone: Option<At<String>>,
}

/// What a token's key holds.
#[derive(Debug)]
pub(super) enum Token {
    Missing,
    /// Already told.
    Unreadable,
    Variable(At<String>),
    File(At<String>),
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct TokenKeys {
    env: Option<At<String>>,
    file: Option<At<String>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DeviceKeys {
    pub property: Option<At<String>>,
    pub mews: Option<At<String>>,
    pub driver: Option<At<String>>,
    pub link: Option<At<String>>,
    pub expires_s: Option<At<i64>>,
    pub deadline_s: Option<At<i64>>,
    pub operator_wait_s: Option<At<i64>>,
    pub repeat_in_doubt: Option<At<String>>,
    pub system: Option<At<String>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct JournalKeys {
    pub path: Option<At<String>>,
    pub keep_days: Option<At<i64>>,
    pub audit_keep_years: Option<At<i64>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AdminKeys {
    pub listen: Option<At<String>>,
}

pub(super) const SECTIONS: [&str; 5] = ["mews", "property", "device", "journal", "admin"];
const TOKENS: [&str; 2] = ["client_token", "access_token"];

impl File {
    /// Sorts the tables of a file and reads the keys of those that are wanted.
    pub(super) fn read(root: &DeTable<'_>, wanted: &[&str], findings: &mut Findings<'_>) -> Self {
        let mut file = Self::default();
        for (key, value) in in_file_order(root) {
            let name = key.get_ref().as_ref();
            if !SECTIONS.contains(&name) {
                let suggestion = suggestion(name, SECTIONS);
                findings.error(&key.span(), format!("unknown table `{name}`; {suggestion}"));
                findings.told(nearest(name, SECTIONS).unwrap_or(name).to_owned());
                continue;
            }
            if !wanted.contains(&name) {
                continue;
            }
            let Some(table) = table_of(name, value, findings) else {
                continue;
            };
            match name {
                "mews" => {
                    let at = table.at.clone();
                    file.mews = Some(Section {
                        at,
                        keys: read_keys(table, name, &[], findings),
                    });
                }
                "property" => file.properties = named(name, table, findings, read_property),
                "device" => file.devices = named(name, table, findings, read_device),
                "journal" => file.journal = read_keys(table, name, &[], findings),
                _ => file.admin = read_keys(table, name, &[], findings),
            }
        }
        file
    }
}

/// A table with its place, borrowed from the document.
#[derive(Clone)]
struct Table<'t> {
    keys: &'t DeTable<'t>,
    at: Range<usize>,
}

fn in_file_order<'t>(
    table: &'t DeTable<'t>,
) -> Vec<(
    &'t Spanned<toml::de::DeString<'t>>,
    &'t Spanned<DeValue<'t>>,
)> {
    let mut entries: Vec<_> = table.iter().collect();
    entries.sort_by_key(|(key, _)| key.span().start);
    entries
}

fn table_of<'t>(
    path: &str,
    value: &'t Spanned<DeValue<'t>>,
    findings: &mut Findings<'_>,
) -> Option<Table<'t>> {
    if let DeValue::Table(keys) = value.get_ref() {
        return Some(Table {
            keys,
            at: value.span(),
        });
    }
    let fix = match path {
        "property" => "write [property.main]",
        "device" => "write [device.NAME], as in [device.reception-printer]",
        _ => "write it as a table in square brackets",
    };
    findings.error(&value.span(), format!("`{path}` is no table; {fix}"));
    findings.told(path.to_owned());
    None
}

/// The tables inside `[property]` or `[device]`, each with its name.
fn named<T>(
    section: &str,
    table: Table<'_>,
    findings: &mut Findings<'_>,
    read: impl Fn(&str, Table<'_>, &mut Findings<'_>) -> T,
) -> Vec<T> {
    let mut all = Vec::new();
    for (key, value) in in_file_order(table.keys) {
        let name = key.get_ref().as_ref();
        let DeValue::Table(keys) = value.get_ref() else {
            let fix = format!("give the {section} a name: [{section}.NAME]");
            findings.error(
                &key.span(),
                format!("{section}: `{name}` is no table; {fix}"),
            );
            continue;
        };
        if !is_plain_name(name) {
            let fact = format!("{section}: this name cannot be used in commands and logs");
            let fix = "use up to 64 letters without accents, digits, `-`, `_` and `.`";
            findings.error(&key.span(), format!("{fact}; {fix}"));
        }
        all.push(read(
            name,
            Table {
                keys,
                at: value.span(),
            },
            findings,
        ));
    }
    all
}

/// Names are typed on command lines and stand in logs and addresses.
fn is_plain_name(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    (1..=64).contains(&name.len()) && name.chars().all(plain)
}

fn read_property(name: &str, table: Table<'_>, findings: &mut Findings<'_>) -> PropertySection {
    let path = format!("property.{name}");
    let mut keys = table.keys.clone();
    for token in TOKENS {
        keys.remove(token);
    }
    let rest = Table {
        keys: &keys,
        at: table.at.clone(),
    };
    PropertySection {
        name: name.to_owned(),
        client_token: read_token(&path, TOKENS[0], &table, findings),
        access_token: read_token(&path, TOKENS[1], &table, findings),
        keys: read_keys(rest, &path, &TOKENS, findings),
        at: table.at,
    }
}

/// A token's value is never repeated in a message, for it may be the token itself.
fn read_token(path: &str, key: &str, table: &Table<'_>, findings: &mut Findings<'_>) -> Token {
    const FORMS: &str = "write { env = \"NAME\" } or { file = \"/path\" }";
    let Some(value) = table.keys.get(key) else {
        return Token::Missing;
    };
    let at = value.span();
    let DeValue::Table(keys) = value.get_ref() else {
        let fact = format!("{path}: `{key}` does not belong in this file itself");
        findings.error(&at, format!("{fact}; {FORMS}"));
        return Token::Unreadable;
    };
    let before = findings.count();
    let inner = Table {
        keys,
        at: at.clone(),
    };
    let read: TokenKeys = read_keys(inner, &format!("{path}.{key}"), &[], findings);
    match (read.env, read.file) {
        (Some(name), None) => Token::Variable(name),
        (None, Some(file)) => Token::File(file),
        (None, None) if findings.count() > before => Token::Unreadable,
        (Some(_), Some(_)) | (None, None) => {
            findings.error(&at, format!("{path}: `{key}` needs one place; {FORMS}"));
            Token::Unreadable
        }
    }
}

fn read_device(name: &str, table: Table<'_>, findings: &mut Findings<'_>) -> DeviceSection {
    const SETTINGS: &str = "settings";
    let path = format!("device.{name}");
    let mut keys = table.keys.clone();
    let settings = match keys.remove(SETTINGS) {
        Some(value) if matches!(value.get_ref(), DeValue::Table(_)) => Some(value.span()),
        Some(other) => {
            let fix = format!("write [{path}.{SETTINGS}]");
            findings.error(
                &other.span(),
                format!("{path}: `{SETTINGS}` is no table; {fix}"),
            );
            None
        }
        None => None,
    };
    let rest = Table {
        keys: &keys,
        at: table.at.clone(),
    };
    let keys = read_keys(rest, &path, &[SETTINGS], findings);
    DeviceSection {
        name: name.to_owned(),
        at: table.at,
        keys,
        settings,
    }
}

/// Reads what can be read, and tells every key that cannot.
fn read_keys<T: DeserializeOwned + Default>(
    table: Table<'_>,
    path: &str,
    also_known: &[&str],
    findings: &mut Findings<'_>,
) -> T {
    let mut rest = table.keys.clone();
    loop {
        let input = Spanned::new(table.at.clone(), rest.clone());
        let error = match T::deserialize(input.into_deserializer()) {
            Ok(keys) => return keys,
            Err(error) => error,
        };
        let at = error.span().unwrap_or_else(|| table.at.clone());
        let bad = rest.iter().find(|(key, value)| {
            let inside = |range: Range<usize>| range.start <= at.start && at.end <= range.end;
            inside(key.span()) || inside(value.span())
        });
        let Some(key) = bad.map(|(key, _)| key.get_ref().to_string()) else {
            findings.error(&at, format!("{path}: {}", error.message()));
            return T::default();
        };
        let (words, meant) = in_words(error.message(), &key, also_known);
        findings.error(&at, format!("{path}: {words}"));
        findings.told(format!("{path}.{meant}"));
        rest.remove(key.as_str());
    }
}

/// Serde's sentence as a fact and a fix, and the key that was meant. Never the value: it may be a
/// secret in a wrong place.
fn in_words(message: &str, key: &str, also_known: &[&str]) -> (String, String) {
    if message.starts_with("unknown field") {
        let known = message.split('`').skip(3).step_by(2);
        let known: Vec<&str> = known.chain(also_known.iter().copied()).collect();
        let meant = nearest(key, known.iter().copied())
            .unwrap_or(key)
            .to_owned();
        return (
            format!("unknown key `{key}`; {}", suggestion(key, known)),
            meant,
        );
    }
    let fact = match message
        .rsplit_once("expected ")
        .map(|(_, expected)| expected)
    {
        Some("a string") => "is no text; write it in quotes",
        Some("i64") => "is no whole number; write it without quotes and unit",
        _ => "cannot be read; compare it with the example config",
    };
    (format!("`{key}` {fact}"), key.to_owned())
}
