//! `[property.NAME]`: tokens and zone of one hotel.

use std::ops::Range;
use std::path::PathBuf;

use jiff::tz::TimeZone;
use secrecy::{ExposeSecret, SecretString};

use super::Surroundings;
use crate::config::file::{At, PropertySection, Token};
use crate::config::finding::{Findings, nearest};
use crate::config::settings::{Property, PropertyName};

/// The properties that can be used; a name of one that cannot is still a known name.
pub(in crate::config) fn properties(
    sections: Vec<PropertySection>,
    around: &Surroundings<'_>,
    findings: &mut Findings<'_>,
) -> Vec<Property> {
    if sections.is_empty() {
        let fix = "write [property.main] with client_token and access_token";
        findings.missing(&(0..0), "property", fix);
    }
    let mut taken = AccessTokens::default();
    let mut properties = Vec::new();
    for section in sections {
        let PropertySection {
            name,
            at,
            keys,
            client_token,
            access_token,
        } = section;
        let mut reader = TokenReader {
            property: &name,
            at: &at,
            around,
            findings,
        };
        let client_token = reader.read("client_token", client_token);
        let access_token = reader.read("access_token", access_token);
        if let Some(token) = &access_token {
            taken.add(&name, token, findings);
        }
        let timezone = keys
            .timezone
            .as_ref()
            .map(|text| zone(&name, text, findings));
        let both = client_token
            .zip(access_token)
            .and_then(|(client, access)| Some((client.secret?, access.secret?)));
        let Some((client_token, access_token)) = both else {
            continue;
        };
        let name = PropertyName::new(name);
        let timezone = timezone.flatten();
        properties.push(Property {
            name,
            client_token,
            access_token,
            timezone,
        });
    }
    properties
}

/// A token the file names: where it comes from and, if it could be loaded, what it is.
#[derive(Clone)]
struct NamedToken {
    at: Range<usize>,
    origin: Origin,
    secret: Option<SecretString>,
}

#[derive(Clone, PartialEq, Eq)]
enum Origin {
    Variable(String),
    File(PathBuf),
}

impl NamedToken {
    /// Two places may hold one token, and one place holds one token even if it is not there yet.
    fn is(&self, other: &Self) -> bool {
        match (&self.secret, &other.secret) {
            (Some(one), Some(other)) => one.expose_secret() == other.expose_secret(),
            _ => self.origin == other.origin,
        }
    }
}

struct TokenReader<'r, 'f> {
    property: &'r str,
    at: &'r Range<usize>,
    around: &'r Surroundings<'r>,
    findings: &'r mut Findings<'f>,
}

impl TokenReader<'_, '_> {
    fn read(&mut self, key: &str, token: Token) -> Option<NamedToken> {
        match token {
            Token::Missing => {
                let fix = "write { env = \"NAME\" } or { file = \"/path\" }";
                self.findings
                    .missing(self.at, &format!("property.{}.{key}", self.property), fix);
                None
            }
            Token::Unreadable => None,
            Token::Variable(name) => {
                let at = name.span();
                let secret = self.look_up(key, &name);
                Some(NamedToken {
                    at,
                    origin: Origin::Variable(name.into_inner()),
                    secret,
                })
            }
            Token::File(file) => {
                let path = self.around.path(file.get_ref());
                let secret = self.look_into(key, &file, &path);
                Some(NamedToken {
                    at: file.span(),
                    origin: Origin::File(path),
                    secret,
                })
            }
        }
    }

    // No message here repeats what stands in the file: people put the token itself there.
    fn look_up(&mut self, key: &str, name: &At<String>) -> Option<SecretString> {
        if !is_variable_name(name.get_ref()) {
            let fix = "give the variable's name, such as \"NIGHTPORTER_ACCESS_TOKEN\"";
            self.error(key, name, &format!("`env` is no name of a variable; {fix}"));
            return None;
        }
        let Some(text) = self.around.vault.variable(name.get_ref()) else {
            let fact = format!("the environment has no {}", name.get_ref());
            self.error(
                key,
                name,
                &format!("{fact}; set it, or use {{ file = \"/path\" }}"),
            );
            return None;
        };
        self.usable(key, name, text.into(), "the variable")
    }

    fn look_into(
        &mut self,
        key: &str,
        file: &At<String>,
        path: &std::path::Path,
    ) -> Option<SecretString> {
        let stored = match self.around.vault.secret_file(path) {
            Ok(stored) => stored,
            Err(cause) => {
                let fix = "it must exist and be readable by the service's user";
                self.error(key, file, &format!("cannot read the file: {cause}; {fix}"));
                return None;
            }
        };
        if stored.readable_by_others {
            let fact = format!(
                "property.{}.{key}: every user of this PC can read the file",
                self.property
            );
            self.findings
                .warning(&file.span(), format!("{fact}; chmod 600 it"));
        }
        self.usable(key, file, stored.text, "the file")
    }

    fn usable(
        &mut self,
        key: &str,
        at: &At<String>,
        text: SecretString,
        holder: &str,
    ) -> Option<SecretString> {
        // Editors and `echo` end a line; that is no part of the token.
        let token = text
            .expose_secret()
            .trim_matches(['\u{feff}', ' ', '\t', '\r', '\n']);
        if token.is_empty() {
            self.error(key, at, &format!("{holder} is empty; put the token there"));
            return None;
        }
        // The token travels in a Cookie, where other characters would break the header.
        if !token
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && !matches!(byte, b';' | b',' | b'"' | b'\\'))
        {
            let fix = "put the token there and nothing else";
            self.error(
                key,
                at,
                &format!("{holder} holds more than one word; {fix}"),
            );
            return None;
        }
        Some(token.to_owned().into())
    }

    fn error(&mut self, key: &str, at: &At<String>, message: &str) {
        let message = format!("property.{}.{key}: {message}", self.property);
        self.findings.error(&at.span(), message);
    }
}

fn is_variable_name(name: &str) -> bool {
    let mut characters = name.chars();
    characters
        .next()
        .is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
        && characters.all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// Mews counts requests, and sends events, by access token: two properties with one would take
/// each other's commands and budget.
#[derive(Default)]
struct AccessTokens(Vec<(String, NamedToken)>);

impl AccessTokens {
    fn add(&mut self, property: &str, token: &NamedToken, findings: &mut Findings<'_>) {
        if let Some((first, other)) = self.0.iter().find(|(_, other)| other.is(token)) {
            let fact = format!("property.{property}: the access token is also that of {first}");
            let line = findings.line_of(&other.at);
            let fix = "each property needs its own";
            findings.error(&token.at, format!("{fact} (line {line}); {fix}"));
        }
        self.0.push((property.to_owned(), token.clone()));
    }
}

fn zone(property: &str, text: &At<String>, findings: &mut Findings<'_>) -> Option<TimeZone> {
    if let Ok(zone) = TimeZone::get(text.get_ref()) {
        return Some(zone);
    }
    let known: Vec<String> = jiff::tz::db()
        .available()
        .map(|name| name.to_string())
        .collect();
    let fix = match nearest(text.get_ref(), known.iter().map(String::as_str)) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "write it as \"Europe/Prague\", or leave it out: Mews says it".to_owned(),
    };
    let fact = format!(
        "property.{property}: unknown time zone `{}`",
        text.get_ref()
    );
    findings.error(&text.span(), format!("{fact}; {fix}"));
    None
}
