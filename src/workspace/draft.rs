//! A file that is being written under a name of its own, until it takes its place.

use std::{
    ffi::OsStr,
    fs::File,
    io,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
};

use rustix::{
    fs::{AtFlags, FileType, Mode, OFlags},
    io::Errno,
};

/// What the names of drafts begin with.
const PREFIX: &str = ".ambient-";

/// A file that nobody knows yet. Dropped before it has taken its place, it is gone.
#[derive(Debug)]
pub struct Draft {
    directory: OwnedFd,
    name: String,
    file: File,
    placed: bool,
}

/// Whether a name is that of a draft: somebody is writing it, or was killed while doing so.
#[must_use]
pub fn is_draft(name: &OsStr) -> bool {
    let rest = name.to_str().and_then(|name| name.strip_prefix(PREFIX));
    rest.is_some_and(|rest| rest.len() == 32 && rest.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

impl Draft {
    /// An empty file in this directory.
    pub fn begin(directory: BorrowedFd<'_>) -> Result<Self, Errno> {
        let name = format!("{PREFIX}{}", uuid::Uuid::new_v4().simple());
        let directory = directory.try_clone_to_owned().map_err(|error| errno(&error))?;
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = rustix::fs::openat(&directory, &name, flags, Mode::from_raw_mode(0o666))?;
        Ok(Self { directory, name, file: File::from(file), placed: false })
    }

    /// The file, for writing.
    #[must_use]
    pub fn file(&self) -> &File {
        &self.file
    }

    /// Takes the place of what has this name, if anything: whoever reads sees the old file or the whole new one. A file's
    /// permissions stay; a link is replaced, not followed.
    pub fn place(mut self, directory: BorrowedFd<'_>, name: &OsStr) -> Result<(), Errno> {
        if let Some(mode) = mode_of_file(directory, name) {
            rustix::fs::fchmod(&self.file, mode)?;
        }
        match rustix::fs::renameat(&self.directory, &self.name, directory, name) {
            // Another file system is mounted there.
            Err(Errno::XDEV) => return self.copy_to(directory, name),
            renamed => renamed?,
        }
        self.placed = true;
        Ok(())
    }

    fn copy_to(&self, directory: BorrowedFd<'_>, name: &OsStr) -> Result<(), Errno> {
        let copy = Self::begin(directory)?;
        rustix::fs::seek(&self.file, rustix::fs::SeekFrom::Start(0))?;
        io::copy(&mut &self.file, &mut &copy.file).map_err(|error| errno(&error))?;
        copy.place(directory, name)
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if !self.placed {
            // Whoever drops it has an error of its own to report.
            let _ = rustix::fs::unlinkat(self.directory.as_fd(), &self.name, AtFlags::empty());
        }
    }
}

fn mode_of_file(directory: BorrowedFd<'_>, name: &OsStr) -> Option<Mode> {
    let stat = rustix::fs::statat(directory, name, AtFlags::SYMLINK_NOFOLLOW).ok()?;
    let is_file = FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile;
    is_file.then(|| Mode::from_raw_mode(stat.st_mode & 0o777))
}

fn errno(error: &io::Error) -> Errno {
    Errno::from_io_error(error).unwrap_or(Errno::IO)
}
