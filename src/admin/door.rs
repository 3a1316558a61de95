//! Where the worker can be called and the word it wants to hear, in a file beside the journal.

use std::fs::{self, File};
use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The address of the running worker and its token.
#[derive(Debug, Clone)]
pub struct Door {
    /// On the loopback interface.
    pub address: SocketAddr,
    /// New with every start.
    pub token: SecretString,
}

/// The file's form. A reader takes what it knows; a newer worker may add members.
#[derive(Serialize, Deserialize)]
struct Written {
    address: SocketAddr,
    token: String,
}

/// The file of a journal's worker: `<journal>.admin`.
#[must_use]
pub fn door_file(journal: &Path) -> PathBuf {
    beside(journal, ".admin")
}

fn beside(journal: &Path, ending: &str) -> PathBuf {
    let mut name = journal.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

impl Door {
    /// A door with a token nobody can guess: 244 random bits of the system.
    #[must_use]
    pub fn new(address: SocketAddr) -> Self {
        let [one, two] = [Uuid::new_v4(), Uuid::new_v4()];
        Self {
            address,
            token: format!("{}{}", one.simple(), two.simple()).into(),
        }
    }

    /// Writes the file, readable by this user alone from its first moment; an older one is
    /// replaced whole.
    ///
    /// # Errors
    /// The disk's.
    pub fn write(&self, journal: &Path) -> io::Result<()> {
        let written = Written {
            address: self.address,
            token: self.token.expose_secret().to_owned(),
        };
        let text = serde_json::to_string(&written).map_err(io::Error::other)?;
        let new = beside(journal, ".admin.new");
        match fs::remove_file(&new) {
            Err(cause) if cause.kind() != io::ErrorKind::NotFound => return Err(cause),
            Ok(()) | Err(_) => {}
        }
        let mut file = create_own(&new)?;
        file.write_all(text.as_bytes())?;
        drop(file);
        fs::rename(&new, door_file(journal))
    }

    /// Reads the file of a worker that runs, or ran.
    ///
    /// # Errors
    /// The disk's; [`io::ErrorKind::InvalidData`] for a file of another form.
    pub fn read(journal: &Path) -> io::Result<Self> {
        let text = fs::read_to_string(door_file(journal))?;
        let written: Written = serde_json::from_str(&text)
            .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "not a worker's address"))?;
        if !written.address.ip().is_loopback() {
            let odd = "the address is not on this PC";
            return Err(io::Error::new(io::ErrorKind::InvalidData, odd));
        }
        Ok(Self {
            address: written.address,
            token: written.token.into(),
        })
    }

    /// Takes the file away, if it is this door's.
    pub fn remove(&self, journal: &Path) {
        let ours = Self::read(journal)
            .is_ok_and(|door| door.token.expose_secret() == self.token.expose_secret());
        if ours {
            // A file that stays does no harm: nobody answers at its address.
            let _ = fs::remove_file(door_file(journal));
        }
    }
}

#[cfg(unix)]
fn create_own(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;
    const OWN: u32 = 0o600;
    File::options()
        .write(true)
        .create_new(true)
        .mode(OWN)
        .open(path)
}

/// The folder's rights are inherited, and ordinary users may read `%ProgramData%`: they are taken
/// off before anything is written. `S-1-3-4` stands for the owner, in every language.
#[cfg(windows)]
fn create_own(path: &Path) -> io::Result<File> {
    let file = File::options().write(true).create_new(true).open(path)?;
    let done = std::process::Command::new("icacls")
        .arg(path)
        .args(["/inheritance:r", "/grant:r", "*S-1-3-4:F", "/q"])
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .status()?;
    if done.success() {
        return Ok(file);
    }
    let cause = "its rights cannot be narrowed to this user";
    Err(io::Error::new(io::ErrorKind::PermissionDenied, cause))
}
