use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use driver_sdk::DeviceName;
use secrecy::ExposeSecret;

use super::*;

mod bad;
mod files;
mod good;
mod toys;

/// A PC that exists only in a test.
#[derive(Default, Clone)]
struct Drawer {
    variables: HashMap<String, String>,
    files: HashMap<PathBuf, (Vec<u8>, bool)>,
}

impl Drawer {
    fn with_variable(mut self, name: &str, value: &str) -> Self {
        self.variables.insert(name.to_owned(), value.to_owned());
        self
    }

    fn with_file(mut self, path: &str, text: &str, readable_by_others: bool) -> Self {
        self.files
            .insert(PathBuf::from(path), (text.into(), readable_by_others));
        self
    }

    fn usual() -> Self {
        Self::default()
            .with_variable("CLIENT", "0A1B-77F0")
            .with_variable("ACCESS", "9C8D-11E2")
            .with_file("/etc/nightporter/access-token", "55AA-0001\n", false)
    }
}

impl Vault for Drawer {
    fn variable(&self, name: &str) -> Option<String> {
        self.variables.get(name).cloned()
    }

    fn secret_file(&self, path: &Path) -> io::Result<StoredSecret> {
        let (text, readable_by_others) = self.files.get(path).ok_or(io::ErrorKind::NotFound)?;
        let text = String::from_utf8_lossy(text).into_owned().into();
        Ok(StoredSecret {
            text,
            readable_by_others: *readable_by_others,
        })
    }

    fn plain_file(&self, path: &Path) -> io::Result<Vec<u8>> {
        let (bytes, _) = self.files.get(path).ok_or(io::ErrorKind::NotFound)?;
        Ok(bytes.clone())
    }
}

const USUAL: &str = r#"
[mews]
environment = "demo"
[property.main]
client_token = { env = "CLIENT" }
access_token = { env = "ACCESS" }
[device.bar]
mews = "Bar printer"
driver = "escpos"
link = "tcp:192.168.7.30:9100"
"#;

fn read_in(text: &str, vault: &dyn Vault) -> Result<Loaded, LoadError> {
    let source = Source::new(Path::new("n.toml"), text);
    parse(
        &source,
        Path::new("/etc/nightporter"),
        &toys::build(toys::KINDS),
        vault,
    )
}

fn read(text: &str) -> Result<Loaded, LoadError> {
    read_in(text, &Drawer::usual())
}

/// Every line a person would see, whether the file is good or not.
fn findings_in(text: &str, vault: &dyn Vault) -> Vec<String> {
    let findings = match read_in(text, vault) {
        Ok(loaded) => loaded.warnings,
        Err(LoadError::Rejected(findings)) => findings,
        Err(LoadError::Unreadable { cause, .. }) => panic!("no file is read here: {cause}"),
    };
    findings.iter().map(ToString::to_string).collect()
}

fn findings(text: &str) -> Vec<String> {
    findings_in(text, &Drawer::usual())
}
