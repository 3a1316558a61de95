//! From a file to settings, with every finding at once.

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use toml::de::DeTable;

use super::build::Build;
use super::file::{File, SECTIONS};
use super::finding::{Finding, Findings, Severity, Source};
use super::settings::{Config, Journal};
use super::validate::{self, Surroundings};
use super::vault::Vault;

/// A config the worker may start with.
#[derive(Debug)]
pub struct Loaded {
    /// The settings.
    pub config: Config,
    /// What a person should look at, in the order of the file.
    pub warnings: Vec<Finding>,
}

/// Why there is no config.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The file cannot be read.
    #[error("{}: cannot read the config: {cause}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        cause: io::Error,
    },
    /// The file says something that cannot be: all of it, warnings included, in its order.
    #[error("{}", Lines(.0))]
    Rejected(Vec<Finding>),
}

struct Lines<'a>(&'a [Finding]);

impl fmt::Display for Lines<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, finding) in self.0.iter().enumerate() {
            let newline = if number == 0 { "" } else { "\n" };
            write!(f, "{newline}{finding}")?;
        }
        Ok(())
    }
}

/// Reads and judges a config file. `build` says which drivers there are; each is asked about its
/// devices.
///
/// # Errors
/// See [`LoadError`].
pub fn load(path: &Path, build: &Build, vault: &dyn Vault) -> Result<Loaded, LoadError> {
    parse(&read(path)?, folder_of(path), build, vault)
}

/// Reads only what a config file says about the journal. Whoever looks at the worker's memory
/// needs no tokens, and may not even have them.
///
/// # Errors
/// See [`LoadError`].
pub fn load_journal(path: &Path, build: &Build, vault: &dyn Vault) -> Result<Journal, LoadError> {
    let source = read(path)?;
    let mut findings = Findings::new(&source);
    let file = read_tables(&source, &["journal"], &mut findings);
    let folder = folder_of(path);
    let around = Surroundings {
        build,
        vault,
        folder,
    };
    let journal = validate::journal(file.journal, &around, &mut findings);
    let findings = findings.into_sorted();
    if findings.iter().any(is_error) {
        return Err(LoadError::Rejected(findings));
    }
    Ok(journal)
}

/// Judges the text of a config file; relative paths in it start at `folder`.
///
/// # Errors
/// [`LoadError::Rejected`].
pub fn parse(
    source: &Source,
    folder: &Path,
    build: &Build,
    vault: &dyn Vault,
) -> Result<Loaded, LoadError> {
    let mut findings = Findings::new(source);
    let file = read_tables(source, &SECTIONS, &mut findings);
    let around = Surroundings {
        build,
        vault,
        folder,
    };
    let names: Vec<String> = file
        .properties
        .iter()
        .map(|section| section.name.clone())
        .collect();
    let mews = validate::mews(file.mews, &around, &mut findings);
    let properties = validate::properties(file.properties, &around, &mut findings);
    let devices = validate::devices(file.devices, &names, source, &around, &mut findings);
    let journal = validate::journal(file.journal, &around, &mut findings);
    let admin = validate::admin(file.admin, &mut findings);

    let findings = findings.into_sorted();
    match mews.filter(|_| !findings.iter().any(is_error)) {
        Some(mews) => {
            let source = source.clone();
            let config = Config {
                mews,
                properties,
                devices,
                journal,
                admin,
                source,
            };
            Ok(Loaded {
                config,
                warnings: findings,
            })
        }
        None => Err(LoadError::Rejected(findings)),
    }
}

fn read(path: &Path) -> Result<Source, LoadError> {
    let unreadable = |cause| LoadError::Unreadable {
        path: path.to_owned(),
        cause,
    };
    let bytes = fs::read(path).map_err(unreadable)?;
    let text = String::from_utf8(bytes).map_err(|error| {
        let valid = error.utf8_error().valid_up_to();
        let source = Source::new(path, &String::from_utf8_lossy(&error.as_bytes()[..valid]));
        let mut findings = Findings::new(&source);
        let end = source.text().len();
        let fix = "save the file with the encoding UTF-8";
        findings.error(&(end..end), format!("this is no UTF-8 text; {fix}"));
        LoadError::Rejected(findings.into_sorted())
    })?;
    Ok(Source::new(path, &text))
}

fn folder_of(path: &Path) -> &Path {
    path.parent().unwrap_or(Path::new(""))
}

fn read_tables(source: &Source, wanted: &[&str], findings: &mut Findings<'_>) -> File {
    let (root, broken) = DeTable::parse_recoverable(source.text());
    for error in broken {
        let at = error.span().unwrap_or(0..0);
        let fix = damage_fix(error.message(), line_at(source.text(), at.start));
        findings.damage(&at, format!("not TOML: {}{fix}", error.message()));
        if error.message().starts_with("unclosed table") {
            findings.headless(&at);
        }
    }
    File::read(root.get_ref(), wanted, findings)
}

fn line_at(text: &str, at: usize) -> &str {
    let (before, after) = text.split_at(at.min(text.len()));
    let start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let end = at + after.find('\n').unwrap_or(after.len());
    text[start..end].trim_end()
}

/// What to do about damage; nothing where the fact says it.
fn damage_fix(fact: &str, line: &str) -> String {
    let name = line
        .trim()
        .strip_prefix('[')
        .and_then(|name| name.strip_suffix(']'));
    match (fact, name) {
        ("duplicate key", _) => "; it is there already: remove one of the two".to_owned(),
        (_, Some(name)) if name.contains(' ') => {
            let (table, name) = name.split_once('.').unwrap_or(("device", name));
            format!("; a name with a space stands in quotes: [{table}.\"{name}\"]")
        }
        _ if fact.starts_with("string values must be quoted") => {
            "; write the text in quotes: key = \"text\"".to_owned()
        }
        _ => String::new(),
    }
}

fn is_error(finding: &Finding) -> bool {
    finding.severity == Severity::Error
}
