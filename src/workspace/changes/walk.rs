//! Walking a workspace by directory descriptors, never by path: nothing outside of it is reached.

use std::{
    ffi::{CStr, OsStr},
    fs::File,
    io::{self, Read},
    os::{
        fd::{AsFd, BorrowedFd, OwnedFd},
        unix::ffi::OsStrExt,
    },
    path::Path,
};

use rustix::{
    fs::{AtFlags, Dir, FileType, Stat, readlinkat, statat},
    io::Errno,
};
use sha2::{Digest, Sha256};

use super::{Bounds, SKIPPED, Snapshot, Stamp};
use crate::workspace::{
    beneath::{Root, open_regular, openat_directory},
    git::porcelain::printable,
    hash,
};

pub(super) struct Walk<'a> {
    skip: &'a [&'a str],
    bounds: Bounds,
    hashed: u64,
    snapshot: Snapshot,
}

/// A directory that is still to be listed.
struct Pending {
    directory: OwnedFd,
    path: String,
    depth: usize,
}

impl<'a> Walk<'a> {
    pub(super) fn new(skip: &'a [&'a str], bounds: Bounds) -> Self {
        Self { skip, bounds, hashed: 0, snapshot: Snapshot::default() }
    }

    pub(super) fn run(mut self, root: &Path) -> io::Result<Snapshot> {
        let directory = Root::open(root)?.as_fd().try_clone_to_owned()?;
        let mut pending = vec![Pending { directory, path: String::new(), depth: 0 }];
        while let Some(next) = pending.pop() {
            // A directory that cannot be read is left out.
            let _ = self.list(&next, &mut pending);
        }
        Ok(self.snapshot)
    }

    fn list(&mut self, at: &Pending, pending: &mut Vec<Pending>) -> Result<(), Errno> {
        for entry in Dir::read_from(&at.directory)? {
            let entry = entry?;
            let name = entry.file_name();
            if matches!(name.to_bytes(), b"." | b"..") {
                continue;
            }
            if self.snapshot.files.len() >= self.bounds.entries {
                self.snapshot.truncated = true;
                pending.clear();
                return Ok(());
            }
            let Ok(stat) = statat(&at.directory, name, AtFlags::SYMLINK_NOFOLLOW) else {
                continue;
            };
            let path = format!("{}{}", at.path, printable(name.to_bytes()));
            match FileType::from_raw_mode(stat.st_mode) {
                FileType::Directory => self.descend(at, name, &path, pending),
                kind => {
                    let stamp = self.stamp(at.directory.as_fd(), name, kind, &stat);
                    self.snapshot.files.insert(path, stamp);
                }
            }
        }
        Ok(())
    }

    fn descend(&mut self, at: &Pending, name: &CStr, path: &str, pending: &mut Vec<Pending>) {
        let text = name.to_string_lossy();
        let skipped = SKIPPED.contains(&&*text) || (at.depth == 0 && self.skip.contains(&&*text));
        if skipped {
            return;
        }
        // Each pending directory holds a descriptor.
        if at.depth >= self.bounds.depth || pending.len() >= 256 {
            self.snapshot.truncated = true;
            return;
        }
        if let Ok(directory) = openat_directory(at.directory.as_fd(), OsStr::from_bytes(name.to_bytes())) {
            pending.push(Pending { directory, path: format!("{path}/"), depth: at.depth + 1 });
        }
    }

    fn stamp(&mut self, directory: BorrowedFd<'_>, name: &CStr, kind: FileType, stat: &Stat) -> Stamp {
        let size = u64::try_from(stat.st_size).unwrap_or(0);
        let hash = match kind {
            FileType::Symlink => readlinkat(directory, name, Vec::new()).ok().map(|target| hash::of(target.to_bytes())),
            FileType::RegularFile if self.may_hash(size) => self.hash(directory, name),
            _ => None,
        };
        Stamp { size, modified: (stat.st_mtime, stat.st_mtime_nsec), hash }
    }

    fn may_hash(&self, size: u64) -> bool {
        size <= self.bounds.hashed_file && self.hashed.saturating_add(size) <= self.bounds.hashed_total
    }

    fn hash(&mut self, directory: BorrowedFd<'_>, name: &CStr) -> Option<String> {
        let file: File = open_regular(directory, name).ok()?;
        let mut hasher = Sha256::new();
        // It may grow while it is read.
        let mut file = file.take(self.bounds.hashed_file + 1);
        let mut buffer = [0_u8; 16 * 1024];
        loop {
            match file.read(&mut buffer).ok()? {
                0 => return Some(hash::hex(&hasher.finalize())),
                read => {
                    hasher.update(&buffer[..read]);
                    self.hashed = self.hashed.saturating_add(u64::try_from(read).unwrap_or(u64::MAX));
                }
            }
        }
    }
}
