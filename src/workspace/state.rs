//! What was done to a workspace, remembered outside of it, so that a continued session repeats nothing.

use std::{
    collections::BTreeMap,
    fs::{self, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::error::HydrateError;

/// The file's name in the private directory.
const FILE: &str = "workspace.json";
/// Raised when an older version could misread the file.
const VERSION: u32 = 1;

/// The record of a workspace.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct State {
    version: u32,
    /// Whether everything of a plan was in place once: from then on an agent may have run here.
    pub(super) complete: bool,
    /// Files that were written or left to the agent, by path, with the hash of the content that the plan had.
    pub(super) files: BTreeMap<String, String>,
    /// Clones by name.
    pub(super) repos: BTreeMap<String, ClonedRepo>,
}

/// A clone that we made.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ClonedRepo {
    /// The branch or tag that the working branch started from.
    pub(super) base: String,
    /// The commit it started from; absent in an empty repository.
    pub(super) commit: Option<String>,
}

impl State {
    /// Reads the record; a missing one means that nothing was done yet.
    pub(super) fn load(directory: &Path) -> Result<Self, HydrateError> {
        let path = directory.join(FILE);
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(failed(&path, &error)),
        };
        let state: Self = serde_json::from_slice(&text).map_err(|error| failed(&path, &error))?;
        if state.version > VERSION {
            let reason = format!("written by a newer version ({}); use that one", state.version);
            return Err(HydrateError::State { path, reason });
        }
        Ok(state)
    }

    /// Replaces the record in one step.
    pub(super) fn save(&self, directory: &Path) -> Result<(), HydrateError> {
        let path = directory.join(FILE);
        let state = Self { version: VERSION, ..self.clone() };
        let text = serde_json::to_vec_pretty(&state).map_err(|error| failed(&path, &error))?;
        write_private(&path, &text, 0o600).map_err(|error| failed(&path, &error))
    }
}

/// Writes a whole file of ours: in its place at once, and on disk.
pub(crate) fn write_private(path: &Path, content: &[u8], mode: u32) -> io::Result<()> {
    let scratch = path.with_extension(format!("{}.tmp", std::process::id()));
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(mode).open(&scratch)?;
    file.write_all(content)?;
    file.sync_all()?;
    drop(file);
    fs::rename(&scratch, path)?;
    path.parent().map_or(Ok(()), |parent| File::open(parent)?.sync_all())
}

fn failed(path: &Path, error: &dyn std::fmt::Display) -> HydrateError {
    let reason =
        format!("{error}; repair it, or remove it to set up the workspace anew (spec.files are written again)");
    HydrateError::State { path: PathBuf::from(path), reason }
}
