//! The files of one thread's directory, with errors that name them.

use std::{io, path::PathBuf, sync::Arc};

use serde::{Serialize, de::DeserializeOwned};

use super::{
    LogError, LogFile, OpenMode, Storage,
    atomic::{read_small, write_atomic_on},
};

/// A directory on a storage.
#[derive(Debug, Clone)]
pub(super) struct Files {
    pub(super) storage: Arc<dyn Storage>,
    pub(super) dir: PathBuf,
}

impl Files {
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    pub(super) fn list(&self) -> Result<Vec<String>, LogError> {
        self.storage.list(&self.dir).map_err(|e| LogError::io("list", &self.dir, e))
    }

    pub(super) fn open(&self, name: &str, mode: OpenMode) -> Result<Arc<dyn LogFile>, LogError> {
        let path = self.path(name);
        self.storage.open(&path, mode).map_err(|e| LogError::io("open", &path, e))
    }

    pub(super) fn rename(&self, from: &str, to: &str) -> Result<(), LogError> {
        let path = self.path(from);
        self.storage.rename(&path, &self.path(to)).map_err(|e| LogError::io("rename", &path, e))
    }

    pub(super) fn remove(&self, name: &str) -> Result<(), LogError> {
        let path = self.path(name);
        self.storage.remove(&path).map_err(|e| LogError::io("delete", &path, e))
    }

    pub(super) fn remove_if_there(&self, name: &str) -> Result<(), LogError> {
        let path = self.path(name);
        match self.storage.remove(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(LogError::io("delete", &path, error)),
            Ok(()) | Err(_) => Ok(()),
        }
    }

    pub(super) fn sync_dir(&self) -> Result<(), LogError> {
        self.storage.sync_dir(&self.dir).map_err(|e| LogError::io("sync", &self.dir, e))
    }

    /// Replaces a small JSON file atomically and durably.
    pub(super) fn write_json(&self, name: &str, value: &impl Serialize) -> Result<(), LogError> {
        let bytes = serde_json::to_vec(value).map_err(LogError::encode)?;
        self.write(name, &bytes)
    }

    /// Replaces a small file atomically and durably.
    pub(super) fn write(&self, name: &str, bytes: &[u8]) -> Result<(), LogError> {
        let path = self.path(name);
        write_atomic_on(&*self.storage, &path, bytes).map_err(|e| LogError::io("write", &path, e))
    }

    /// A small file's content; `None` if there is no such file.
    pub(super) fn read(&self, name: &str) -> Result<Option<Vec<u8>>, LogError> {
        let path = self.path(name);
        read_small(&*self.storage, &path).map_err(|e| LogError::io("read", &path, e))
    }

    /// A small JSON file's content; `None` if there is no such file.
    pub(super) fn read_json<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, LogError> {
        let damaged = |_| LogError::Corrupt {
            file: self.path(name),
            offset: 0,
            what: "expected the JSON that this program wrote",
        };
        self.read(name)?.map(|bytes| serde_json::from_slice(&bytes).map_err(damaged)).transpose()
    }
}
