//! The directories of a workspace, and making them.

use std::{
    ffi::OsStr,
    io,
    os::{
        fd::{AsFd, BorrowedFd, OwnedFd},
        unix::fs::DirBuilderExt,
    },
    path::{Path, PathBuf},
};

use rustix::{
    fs::{AtFlags, FileType, Mode},
    io::Errno,
};

use super::{
    beneath::{Root, openat_directory},
    error::HydrateError,
    spec::Access,
};

/// Cloned repositories, one directory each.
pub const REPOS: &str = "repos";
/// Workflow repositories; the agent may not write there.
pub const WORKFLOWS: &str = "workflows";
/// What the agent makes for people.
pub const ARTIFACTS: &str = "artifacts";
/// What people uploaded.
pub const UPLOADS: &str = "file-uploads";

const DIRECTORIES: [&str; 4] = [REPOS, WORKFLOWS, ARTIFACTS, UPLOADS];

/// Where things are in a workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    root: PathBuf,
}

impl Layout {
    /// The layout below an absolute path.
    #[must_use]
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// The workspace itself.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The directory of all clones.
    #[must_use]
    pub fn repos(&self) -> PathBuf {
        self.root.join(REPOS)
    }

    /// The clone of this name.
    #[must_use]
    pub fn repo(&self, name: &str) -> PathBuf {
        self.repos().join(name)
    }

    /// Where the agent puts what it makes for people.
    #[must_use]
    pub fn artifacts(&self) -> PathBuf {
        self.root.join(ARTIFACTS)
    }

    /// What people uploaded.
    #[must_use]
    pub fn uploads(&self) -> PathBuf {
        self.root.join(UPLOADS)
    }

    /// Makes what is missing and touches nothing else. A link in the place of one of the four directories is removed: it
    /// can only come from an agent, and would lead what we write to where it likes.
    pub fn create(&self, access: Access) -> Result<Root, HydrateError> {
        let root = directory(&self.root, 0o777).and_then(|()| Root::open(&self.root));
        let root = root.map_err(|source| failed(&self.root, source))?;
        for name in DIRECTORIES {
            let made = make(&root, name).and_then(|directory| open_up(directory.as_fd(), access));
            made.map_err(|error| failed(&self.root.join(name), error.into()))?;
        }
        Ok(root)
    }
}

/// Makes a directory of the platform's own choice, and those above it.
pub(super) fn directory(path: &Path, mode: u32) -> io::Result<()> {
    std::fs::DirBuilder::new().recursive(true).mode(mode).create(path)
}

/// Makes the directory of the agent's state.
pub(super) fn state_directory(path: &Path, access: Access) -> io::Result<()> {
    directory(path, 0o777)?;
    let opened = Root::open(path)?;
    open_up(opened.as_fd(), access).map_err(io::Error::from)
}

pub(super) fn failed(path: &Path, source: io::Error) -> HydrateError {
    HydrateError::Directory { path: path.to_owned(), source }
}

fn make(root: &Root, name: &str) -> Result<OwnedFd, Errno> {
    if is_link(root, name)? {
        rustix::fs::unlinkat(root, name, AtFlags::empty())?;
    }
    match rustix::fs::mkdirat(root, name, Mode::from_raw_mode(0o777)) {
        Ok(()) | Err(Errno::EXIST) => openat_directory(root.as_fd(), OsStr::new(name)),
        Err(error) => Err(error),
    }
}

fn is_link(root: &Root, name: &str) -> Result<bool, Errno> {
    match rustix::fs::statat(root, name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(stat) => Ok(FileType::from_raw_mode(stat.st_mode) == FileType::Symlink),
        Err(Errno::NOENT) => Ok(false),
        Err(error) => Err(error),
    }
}

fn open_up(directory: BorrowedFd<'_>, access: Access) -> Result<(), Errno> {
    let wanted = match access {
        Access::Private => return Ok(()),
        Access::Shared => Mode::from_raw_mode(0o777),
    };
    if Mode::from_raw_mode(rustix::fs::fstat(directory)?.st_mode) == wanted {
        return Ok(());
    }
    rustix::fs::fchmod(directory, wanted)
}
