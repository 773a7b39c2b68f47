//! Following a path below a root as a person means it: a link that stays inside is followed, any other is refused.
//!
//! Each step starts at a directory that is held open and follows nothing by itself; what a link says is taken as more names.
//! So a link that is swapped in while we walk leads nowhere but below the root.

use std::{
    ffi::{OsStr, OsString},
    fs::File,
    os::{
        fd::{AsFd, BorrowedFd, OwnedFd},
        unix::ffi::{OsStrExt, OsStringExt},
    },
    path::{Component, Path, PathBuf},
};

use rustix::{
    fs::{AtFlags, FileType, Stat},
    io::Errno,
};

use super::{
    beneath::{BeneathError, Root, explain, make_and_open, open_regular, openat_directory},
    draft::Draft,
    paths::RelativePath,
};

/// Links in one path, as the kernel's own limit.
const MAX_LINKS: usize = 40;
/// Directories in each other: each holds a descriptor while a path is walked.
pub const MAX_DEPTH: usize = 128;
/// Names that are walked in all, those of links too.
const MAX_STEPS: usize = 2048;

/// What to do about directories that are missing on the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Missing {
    /// It is an error.
    Refuse,
    /// Make them.
    Make,
}

/// What to do when the last name is a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Last {
    /// Go on where it leads.
    Follow,
    /// The link itself is meant.
    Keep,
}

/// Where a path leads: a directory that is held open, and a name in it that may or may not exist.
#[derive(Debug)]
pub struct Place {
    directory: OwnedFd,
    /// Absent: the directory itself is meant.
    name: Option<OsString>,
    /// Below the root, without links.
    path: PathBuf,
    /// As it was asked for, for messages.
    asked: String,
}

impl Root {
    /// Finds where a path leads; no path means the root itself.
    pub fn reach(&self, path: Option<&RelativePath>, missing: Missing, last: Last) -> Result<Place, BeneathError> {
        let asked = path.map_or("/", RelativePath::as_str);
        let pending = path.map_or_else(Vec::new, |path| path.as_str().rsplit('/').map(OsString::from).collect());
        let walk = Walk { root: self, above: Vec::new(), pending, links: 0, steps: 0, missing };
        walk.run(asked, last).map_err(|error| match error {
            Errno::XDEV | Errno::LOOP => BeneathError::Outside { path: asked.to_owned() },
            error => explain(error, &asked, "only directories above it, each"),
        })
    }
}

impl Place {
    /// Where it is below the root, without links.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What is there, itself; nothing when nothing is.
    pub fn stat(&self) -> Result<Option<Stat>, BeneathError> {
        let stat = match &self.name {
            Some(name) => rustix::fs::statat(&self.directory, name, AtFlags::SYMLINK_NOFOLLOW),
            None => rustix::fs::fstat(&self.directory),
        };
        match stat {
            Ok(stat) => Ok(Some(stat)),
            Err(Errno::NOENT) => Ok(None),
            Err(error) => Err(self.explain(error, "a file")),
        }
    }

    /// Opens the directory that is there.
    pub fn directory(&self) -> Result<OwnedFd, BeneathError> {
        let opened = match &self.name {
            Some(name) => openat_directory(self.directory.as_fd(), name),
            None => self.directory.try_clone().map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::IO)),
        };
        opened.map_err(|error| self.explain(error, "a directory"))
    }

    /// Opens the file that is there, for reading.
    pub fn file(&self) -> Result<File, BeneathError> {
        let name = self.file_name()?;
        open_regular(self.directory.as_fd(), name).map_err(|error| self.explain(error, "a file"))
    }

    /// Removes the file or the link that is there; a directory is refused.
    pub fn remove(&self) -> Result<(), BeneathError> {
        let name = self.file_name()?;
        let removed = rustix::fs::unlinkat(&self.directory, name, AtFlags::empty());
        removed.map_err(|error| self.explain(error, "a file"))
    }

    /// Begins a file beside it.
    pub fn draft(&self) -> Result<Draft, BeneathError> {
        Draft::begin(self.directory.as_fd()).map_err(|error| self.explain(error, "a file"))
    }

    /// Puts a draft here.
    pub fn put(&self, draft: Draft) -> Result<(), BeneathError> {
        let name = self.file_name()?;
        draft.place(self.directory.as_fd(), name).map_err(|error| self.explain(error, "a file"))
    }

    fn file_name(&self) -> Result<&OsStr, BeneathError> {
        self.name.as_deref().ok_or_else(|| self.explain(Errno::ISDIR, "a file"))
    }

    fn explain(&self, error: Errno, expected: &'static str) -> BeneathError {
        explain(error, &self.asked, expected)
    }
}

/// Whether it is a directory.
#[must_use]
pub fn is_directory(stat: &Stat) -> bool {
    FileType::from_raw_mode(stat.st_mode) == FileType::Directory
}

struct Walk<'a> {
    root: &'a Root,
    /// The directories below the root that lead here.
    above: Vec<(OwnedFd, OsString)>,
    /// What is still to be walked, the next name last.
    pending: Vec<OsString>,
    links: usize,
    steps: usize,
    missing: Missing,
}

impl Walk<'_> {
    fn run(mut self, asked: &str, last: Last) -> Result<Place, Errno> {
        while let Some(name) = self.pending.pop() {
            self.steps += 1;
            if self.steps > MAX_STEPS {
                return Err(Errno::LOOP);
            }
            if name == ".." {
                self.above.pop().ok_or(Errno::XDEV)?;
            } else if !self.pending.is_empty() {
                self.enter(name)?;
            } else if last == Last::Keep || !self.follow(&name)? {
                return self.end(asked, Some(name));
            }
        }
        self.end(asked, None)
    }

    fn here(&self) -> BorrowedFd<'_> {
        self.above.last().map_or(self.root.as_fd(), |(directory, _)| directory.as_fd())
    }

    fn enter(&mut self, name: OsString) -> Result<(), Errno> {
        if self.above.len() >= MAX_DEPTH {
            return Err(Errno::NAMETOOLONG);
        }
        let opened = match openat_directory(self.here(), &name) {
            Err(Errno::NOENT) if self.missing == Missing::Make => make_and_open(self.here(), &name)?,
            Err(Errno::LOOP | Errno::NOTDIR) => {
                return if self.follow(&name)? { Ok(()) } else { Err(Errno::NOTDIR) };
            }
            opened => opened?,
        };
        self.above.push((opened, name));
        Ok(())
    }

    /// When it is a link, what it says is walked next.
    fn follow(&mut self, name: &OsStr) -> Result<bool, Errno> {
        let target = match rustix::fs::readlinkat(self.here(), name, Vec::new()) {
            Ok(target) => OsString::from_vec(target.into_bytes()),
            Err(Errno::INVAL | Errno::NOENT) => return Ok(false),
            Err(error) => return Err(error),
        };
        self.links += 1;
        if self.links > MAX_LINKS {
            return Err(Errno::LOOP);
        }
        let target = Path::new(&target);
        let below = if target.is_absolute() {
            let below = target.strip_prefix(self.root.path()).map_err(|_| Errno::XDEV)?;
            self.above.clear();
            below
        } else {
            target
        };
        for part in below.components().rev() {
            match part {
                Component::Normal(name) => self.pending.push(name.to_owned()),
                Component::ParentDir => self.pending.push("..".into()),
                Component::CurDir | Component::RootDir | Component::Prefix(_) => {}
            }
        }
        Ok(true)
    }

    fn end(self, asked: &str, name: Option<OsString>) -> Result<Place, Errno> {
        let directory =
            self.here().try_clone_to_owned().map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::IO))?;
        let names = self.above.iter().map(|(_, name)| name).chain(&name);
        let path = names.map(|name| Path::new(OsStr::from_bytes(name.as_bytes()))).collect();
        Ok(Place { directory, name, path, asked: asked.to_owned() })
    }
}
