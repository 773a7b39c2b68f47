//! Where everything is: binaries, and fresh directories for every runner.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::atomic::{AtomicUsize, Ordering},
};

use crate::Result;

/// Binaries and directories.
pub(crate) struct Place {
    pub(crate) ambient: PathBuf,
    pub(crate) fake_claude: PathBuf,
    pub(crate) scripted_model: PathBuf,
    pub(crate) claude: PathBuf,
    /// On the disk whose syncs are subtracted.
    pub(crate) data: PathBuf,
    made: AtomicUsize,
}

impl Place {
    pub(crate) fn new(binaries: &Path, claude: &Path, results: &Path) -> Result<Self> {
        let data = results.join("data");
        if data.exists() {
            fs::remove_dir_all(&data)?;
        }
        fs::create_dir_all(&data)?;
        Ok(Self {
            ambient: existing(&binaries.join("ambient"))?,
            fake_claude: existing(&binaries.join("examples/fake_claude"))?,
            scripted_model: existing(&binaries.join("examples/scripted_model"))?,
            claude: existing(claude)?,
            data: existing(&data)?,
            made: AtomicUsize::new(0),
        })
    }

    /// A new empty directory.
    pub(crate) fn fresh(&self) -> Result<PathBuf> {
        let path = self.data.join(self.made.fetch_add(1, Ordering::Relaxed).to_string());
        fs::create_dir_all(&path)?;
        Ok(path)
    }
}

/// The absolute path, since runners work in directories of their own.
fn existing(path: &Path) -> Result<PathBuf> {
    let missing = |error| format!("{}: {error}; `make bench` builds and installs what it needs", path.display());
    Ok(path.canonicalize().map_err(missing)?)
}
