//! From a file to settings, with every finding at once.

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use toml::de::DeTable;

use super::build::Build;
use super::file::File;
use super::finding::{Finding, Findings, Severity, Source};
use super::settings::Config;
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

/// Reads and judges a config file. `build` says which drivers there are; each is asked about its devices.
///
/// # Errors
/// See [`LoadError`].
pub fn load(path: &Path, build: &Build, vault: &dyn Vault) -> Result<Loaded, LoadError> {
    let bytes = fs::read(path).map_err(|cause| LoadError::Unreadable {
        path: path.to_owned(),
        cause,
    })?;
    let text = String::from_utf8(bytes).map_err(|error| {
        let readable =
            String::from_utf8_lossy(&error.as_bytes()[..error.utf8_error().valid_up_to()]);
        let source = Source::new(path, &readable);
        let mut findings = Findings::new(&source);
        let end = source.text().len();
        findings.error(
            &(end..end),
            "this is no UTF-8 text; save the file with the encoding UTF-8",
        );
        LoadError::Rejected(findings.into_sorted())
    })?;
    let folder = path.parent().unwrap_or(Path::new(""));
    parse(&Source::new(path, &text), folder, build, vault)
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
    let (root, broken) = DeTable::parse_recoverable(source.text());
    for error in broken {
        let at = error.span().unwrap_or(0..0);
        findings.damage(&at, format!("not TOML: {}", error.message()));
    }
    let file = File::read(root.get_ref(), &mut findings);
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
    let rejected = findings
        .iter()
        .any(|finding| finding.severity == Severity::Error);
    match mews.filter(|_| !rejected) {
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
