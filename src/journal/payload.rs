//! Payloads of commands: files beside the journal, so that a queue of thousands costs no memory.

use std::io;
use std::path::{Path, PathBuf};

use driver_sdk::CommandId;

/// The folder of payload files.
#[derive(Debug, Clone)]
pub struct Payloads {
    folder: PathBuf,
}

impl Payloads {
    /// The folder that belongs to a journal.
    #[must_use]
    pub fn beside(journal: &Path) -> Self {
        let mut name = journal.as_os_str().to_owned();
        name.push(".payloads");
        Self {
            folder: name.into(),
        }
    }

    /// Makes the folder, readable by the worker's user alone.
    ///
    /// # Errors
    /// The file system's.
    pub fn create(&self) -> io::Result<()> {
        std::fs::create_dir_all(&self.folder)?;
        private::restrict(&self.folder)
    }

    /// The command's data as JSON.
    #[must_use]
    pub fn data(&self, id: CommandId) -> PathBuf {
        self.folder.join(format!("{id}.json"))
    }

    /// The command's document.
    #[must_use]
    pub fn document(&self, id: CommandId) -> PathBuf {
        self.folder.join(format!("{id}.bin"))
    }

    /// Writes both files. No sync: a lost payload is fetched again by its id.
    ///
    /// # Errors
    /// The file system's, such as a full disk.
    pub fn write(&self, id: CommandId, data: &[u8], document: Option<&[u8]>) -> io::Result<()> {
        if let Some(document) = document {
            std::fs::write(self.document(id), document)?;
        }
        std::fs::write(self.data(id), data)
    }

    /// The command's data; `None` if the file is missing or empty.
    ///
    /// # Errors
    /// The file system's.
    pub fn read(&self, id: CommandId) -> io::Result<Option<Vec<u8>>> {
        match std::fs::read(self.data(id)) {
            Ok(data) if data.is_empty() => Ok(None),
            Ok(data) => Ok(Some(data)),
            Err(missing) if missing.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Takes both files away.
    pub fn remove(&self, id: CommandId) {
        for path in [self.data(id), self.document(id)] {
            if let Err(error) = std::fs::remove_file(path)
                && error.kind() != io::ErrorKind::NotFound
            {
                tracing::warn!(command = %id, %error, "Payload not removed");
            }
        }
    }

    /// The ids of all payload files that are there.
    ///
    /// # Errors
    /// The file system's.
    pub fn ids(&self) -> io::Result<Vec<CommandId>> {
        let mut ids = Vec::new();
        for entry in std::fs::read_dir(&self.folder)? {
            let path = entry?.path();
            let id = path
                .file_stem()
                .and_then(|stem| stem.to_str())
                .and_then(|s| s.parse::<CommandId>().ok());
            ids.extend(id);
        }
        ids.sort_unstable();
        ids.dedup();
        Ok(ids)
    }
}

#[cfg(unix)]
mod private {
    use std::os::unix::fs::PermissionsExt;

    pub(super) fn restrict(folder: &std::path::Path) -> std::io::Result<()> {
        std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o700))
    }
}

#[cfg(not(unix))]
mod private {
    /// On Windows the folder inherits the rights of its parent, which the service's installation
    /// restricts.
    pub(super) fn restrict(_: &std::path::Path) -> std::io::Result<()> {
        Ok(())
    }
}
