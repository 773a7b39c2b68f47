//! Opening what lies below a directory without ever following a link out of it.
//!
//! A workspace is hostile once an agent has run in it. Every path is walked name by name, each relative to the directory
//! opened before and with `O_NOFOLLOW`, so that a link anywhere in it ends the walk. (`openat2` with `RESOLVE_BENEATH`
//! would do it in one call, but sandboxes and older kernels refuse it.)

use std::{
    ffi::OsStr,
    fs::File,
    io::{self, Write},
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    path::{Path, PathBuf},
};

use rustix::{
    fs::{AtFlags, FileType, Mode, OFlags, Stat},
    io::Errno,
};

use super::{draft::Draft, paths::RelativePath};

const DIRECTORY: OFlags = OFlags::DIRECTORY.union(OFlags::NOFOLLOW).union(OFlags::CLOEXEC);

/// A directory, held open, below which everything happens.
#[derive(Debug)]
pub struct Root {
    fd: OwnedFd,
    path: PathBuf,
}

/// What [`Root::write`] did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Written {
    /// The file has the given content.
    Written,
    /// Something was there already and stays as it is.
    Kept,
}

/// What to do about something that has the file's name already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Existing {
    /// Leave it.
    Keep,
    /// Take its place; a link is replaced, not followed.
    Replace,
}

/// Why something below a root could not be opened or written. The user must act.
#[derive(Debug, thiserror::Error)]
pub enum BeneathError {
    /// A link, a device, or a file where a directory should be, or the other way round.
    #[error("{path}: expected {expected} that is no link; remove what is there")]
    WrongKind {
        /// The path below the root.
        path: String,
        /// "a directory" or "a file".
        expected: &'static str,
    },
    /// Nothing is there.
    #[error("{path}: not found")]
    NotFound {
        /// The path below the root.
        path: String,
    },
    /// A link leads out of the root, or in a circle.
    #[error("{path}: a link in it leads out of the workspace, or in a circle; name what it means by a path of its own")]
    Outside {
        /// The path below the root.
        path: String,
    },
    /// The system refused it: no space, no permission.
    #[error("{path}: {source}")]
    Io {
        /// The path below the root.
        path: String,
        /// What the system said.
        source: io::Error,
    },
}

impl Root {
    /// Opens a directory that the platform chose; links that lead to it are followed.
    pub fn open(path: &Path) -> io::Result<Self> {
        let flags = OFlags::DIRECTORY | OFlags::CLOEXEC;
        let fd = rustix::fs::open(path, flags, Mode::empty())?;
        let path = path.to_owned();
        Ok(Self { fd, path })
    }

    /// Where the directory is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Opens a file for reading. Only a regular file: a pipe that somebody planted would block for ever.
    pub fn read(&self, path: &RelativePath) -> Result<File, BeneathError> {
        let parent = self.walk(path, openat_directory)?;
        open_regular(parent.as_fd(), path.name()).map_err(|e| explain(e, path, "a file"))
    }

    /// Opens a directory.
    pub fn directory(&self, path: &RelativePath) -> Result<OwnedFd, BeneathError> {
        let parent = self.walk(path, openat_directory)?;
        openat_directory(parent.as_fd(), OsStr::new(path.name())).map_err(|e| explain(e, path, "a directory"))
    }

    /// Makes a directory and those above it; what is there already stays.
    pub fn make_directory(&self, path: &RelativePath) -> Result<OwnedFd, BeneathError> {
        let parent = self.walk(path, make_and_open)?;
        make_and_open(parent.as_fd(), OsStr::new(path.name())).map_err(|e| explain(e, path, "a directory"))
    }

    /// What has this name, itself and not what it may link to; nothing when a directory above is missing.
    pub fn stat(&self, path: &RelativePath) -> Result<Option<Stat>, BeneathError> {
        let parent = match self.walk(path, openat_directory) {
            Ok(parent) => parent,
            Err(BeneathError::NotFound { .. }) => return Ok(None),
            Err(other) => return Err(other),
        };
        match rustix::fs::statat(&parent, path.name(), AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => Ok(Some(stat)),
            Err(Errno::NOENT) => Ok(None),
            Err(error) => Err(explain(error, path, "a file")),
        }
    }

    /// Writes a whole file and makes the directories above it. A reader sees all of the content or none.
    pub fn write(&self, path: &RelativePath, content: &[u8], existing: Existing) -> Result<Written, BeneathError> {
        let parent = self.walk(path, make_and_open)?;
        if existing == Existing::Keep && self.stat(path)?.is_some() {
            return Ok(Written::Kept);
        }
        replace(parent.as_fd(), path.name(), content).map_err(|e| explain(e, path, "a file"))?;
        Ok(Written::Written)
    }

    /// Opens the directories above the last name, one after the other.
    fn walk(
        &self,
        path: &RelativePath,
        step: fn(BorrowedFd<'_>, &OsStr) -> Result<OwnedFd, Errno>,
    ) -> Result<OwnedFd, BeneathError> {
        let start = self.fd.try_clone().map_err(|source| BeneathError::Io { path: path.to_string(), source })?;
        path.parents()
            .try_fold(start, |directory, name| step(directory.as_fd(), OsStr::new(name)))
            .map_err(|error| explain(error, path, "only directories above it, each"))
    }
}

impl AsFd for Root {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// Opens the directory of this name in another one; a link is refused.
pub(super) fn openat_directory(directory: BorrowedFd<'_>, name: &OsStr) -> Result<OwnedFd, Errno> {
    rustix::fs::openat(directory, name, DIRECTORY, Mode::empty())
}

pub(super) fn make_and_open(directory: BorrowedFd<'_>, name: &OsStr) -> Result<OwnedFd, Errno> {
    match rustix::fs::mkdirat(directory, name, Mode::from_raw_mode(0o777)) {
        Ok(()) | Err(Errno::EXIST) => openat_directory(directory, name),
        Err(error) => Err(error),
    }
}

/// Opens a regular file for reading; a link, a pipe or a device is refused without waiting for its other end.
pub(super) fn open_regular<P: rustix::path::Arg>(directory: BorrowedFd<'_>, name: P) -> Result<File, Errno> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = rustix::fs::openat(directory, name, flags, Mode::empty())?;
    let stat = rustix::fs::fstat(&file)?;
    match FileType::from_raw_mode(stat.st_mode) {
        FileType::RegularFile => Ok(File::from(file)),
        _ => Err(Errno::LOOP),
    }
}

/// Writes beside the name and renames over it: the name never shows half a file, and a link in its place is not followed.
fn replace(directory: BorrowedFd<'_>, name: &str, content: &[u8]) -> Result<(), Errno> {
    let draft = Draft::begin(directory)?;
    draft.file().write_all(content).map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::IO))?;
    draft.place(directory, OsStr::new(name))
}

pub(super) fn explain(error: Errno, path: &dyn std::fmt::Display, expected: &'static str) -> BeneathError {
    let path = path.to_string();
    match error {
        Errno::NOENT => BeneathError::NotFound { path },
        Errno::LOOP | Errno::NOTDIR | Errno::ISDIR | Errno::NXIO => BeneathError::WrongKind { path, expected },
        other => BeneathError::Io { path, source: other.into() },
    }
}
