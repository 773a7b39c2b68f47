//! A session's directory on a laptop: its manifests with their status, its workspace, its log.
//!
//! ```text
//! <dir>/session.yaml      the AgenticSession with its status
//! <dir>/runs/<name>.yaml  each Run with its status
//! <dir>/workspace/        where the agent works
//! <dir>/events/           the event log, and what must not be forgotten
//! <dir>/state/            the agent's own state
//! ```

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use serde::{Serialize, de::DeserializeOwned};

use crate::{
    api::{AgenticSession, Run},
    eventlog::write_atomic,
};

/// Why a session's directory cannot be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum PlaceError {
    #[error("cannot {action} {path}: {source}")]
    Io { action: &'static str, path: PathBuf, source: io::Error },
    #[error("{path} is not what `ambient run` wrote: {reason}; mend it, or name another --dir")]
    Unreadable { path: PathBuf, reason: String },
    #[error("{0} holds no session; run a manifest first: ambient run FILE --dir {0}")]
    Empty(PathBuf),
}

/// A session's directory.
#[derive(Debug, Clone)]
pub(super) struct Place {
    dir: PathBuf,
}

impl Place {
    /// The directory, made when missing.
    pub(super) fn new(dir: &Path) -> Result<Self, PlaceError> {
        let runs = dir.join("runs");
        fs::create_dir_all(&runs).map_err(|source| failed("make", &runs, source))?;
        let dir = fs::canonicalize(dir).map_err(|source| failed("open", dir, source))?;
        Ok(Self { dir })
    }

    /// The directory of a session that was run before; nothing is made.
    pub(super) fn existing(dir: &Path) -> Result<Self, PlaceError> {
        let place = Self { dir: dir.to_owned() };
        if place.session_file().is_file() { Self::new(dir) } else { Err(PlaceError::Empty(dir.to_owned())) }
    }

    pub(super) fn workspace(&self) -> PathBuf {
        self.dir.join("workspace")
    }

    pub(super) fn events(&self) -> PathBuf {
        self.dir.join("events")
    }

    pub(super) fn state(&self) -> PathBuf {
        self.dir.join("state")
    }

    fn session_file(&self) -> PathBuf {
        self.dir.join("session.yaml")
    }

    fn run_file(&self, name: &str) -> PathBuf {
        self.dir.join("runs").join(format!("{name}.yaml"))
    }

    /// The session that was run here before, if one was.
    pub(super) fn session(&self) -> Result<Option<AgenticSession>, PlaceError> {
        read(&self.session_file())
    }

    /// The session that was run here before.
    pub(super) fn known_session(&self) -> Result<AgenticSession, PlaceError> {
        self.session()?.ok_or_else(|| PlaceError::Empty(self.dir.clone()))
    }

    /// Every Run that was met here.
    pub(super) fn runs(&self) -> Result<Vec<Run>, PlaceError> {
        let folder = self.dir.join("runs");
        let entries = fs::read_dir(&folder).map_err(|source| failed("read", &folder, source))?;
        let mut runs = Vec::new();
        for entry in entries {
            let path = entry.map_err(|source| failed("read", &folder, source))?.path();
            if path.extension().is_some_and(|extension| extension == "yaml") {
                runs.extend(read::<Run>(&path)?);
            }
        }
        Ok(runs)
    }

    pub(super) fn save_session(&self, session: &AgenticSession) -> Result<(), PlaceError> {
        write(&self.session_file(), session)
    }

    pub(super) fn save_run(&self, run: &Run) -> Result<(), PlaceError> {
        let name = run.metadata.name.as_deref().unwrap_or_default();
        write(&self.run_file(name), run)
    }
}

fn failed(action: &'static str, path: &Path, source: io::Error) -> PlaceError {
    PlaceError::Io { action, path: path.to_owned(), source }
}

fn read<T: DeserializeOwned>(path: &Path) -> Result<Option<T>, PlaceError> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed("read", path, error)),
    };
    let unreadable = |reason: String| PlaceError::Unreadable { path: path.to_owned(), reason };
    serde_saphyr::from_str(&text).map(Some).map_err(|error| unreadable(error.to_string()))
}

fn write<T: Serialize>(path: &Path, object: &T) -> Result<(), PlaceError> {
    let encode = |error: serde_saphyr::ser_error::Error| io::Error::other(error.to_string());
    let text = serde_saphyr::to_string(object).map_err(encode).map_err(|source| failed("write", path, source))?;
    // Nothing that is the same is written again: the files' times tell when something happened.
    if fs::read_to_string(path).is_ok_and(|old| old == text) {
        return Ok(());
    }
    write_atomic(path, text.as_bytes()).map_err(|error| failed("write", path, io::Error::other(error)))
}
