//! Where secrets come from: the environment, or a file of their own. Never the config file.

use std::fs;
use std::io::{self, Read};
use std::path::Path;

use secrecy::SecretString;

/// A token is 65 characters or so; a file that is longer than this holds something else.
const SECRET_FILE_MAX: u64 = 64 * 1024;

/// The parts of this PC a config file may point to. A test brings its own.
pub trait Vault {
    /// A variable of the environment; `None` if it is not set, or is no text.
    fn variable(&self, name: &str) -> Option<String>;

    /// A secret in a file of its own.
    ///
    /// # Errors
    /// If it cannot be read, or is no text, or is longer than 64 KiB.
    fn secret_file(&self, path: &Path) -> io::Result<StoredSecret>;

    /// A file that is no secret, such as certificates.
    ///
    /// # Errors
    /// If it cannot be read.
    fn plain_file(&self, path: &Path) -> io::Result<Vec<u8>>;
}

/// What a secret's file holds, and who may see it.
#[derive(Debug)]
pub struct StoredSecret {
    /// The text as it stands in the file.
    pub text: SecretString,
    /// True if every user of this PC may read the file.
    pub readable_by_others: bool,
}

/// The real environment and the real disk.
#[derive(Debug, Clone, Copy, Default)]
pub struct ThisPc;

impl Vault for ThisPc {
    fn variable(&self, name: &str) -> Option<String> {
        std::env::var(name).ok()
    }

    fn secret_file(&self, path: &Path) -> io::Result<StoredSecret> {
        let file = fs::File::open(path)?;
        let readable_by_others = readable_by_others(&file)?;
        let mut text = String::new();
        file.take(SECRET_FILE_MAX + 1).read_to_string(&mut text)?;
        if text.len() as u64 > SECRET_FILE_MAX {
            return Err(io::Error::new(
                io::ErrorKind::FileTooLarge,
                "longer than any token",
            ));
        }
        Ok(StoredSecret {
            text: text.into(),
            readable_by_others,
        })
    }

    fn plain_file(&self, path: &Path) -> io::Result<Vec<u8>> {
        fs::read(path)
    }
}

#[cfg(unix)]
fn readable_by_others(file: &fs::File) -> io::Result<bool> {
    use std::os::unix::fs::PermissionsExt;
    const READ_BY_OTHERS: u32 = 0o004;
    Ok(file.metadata()?.permissions().mode() & READ_BY_OTHERS != 0)
}

// Windows keeps no such bits; what its access lists say is left to the administrator.
#[cfg(not(unix))]
fn readable_by_others(_file: &fs::File) -> io::Result<bool> {
    Ok(false)
}
