//! Listing a directory.

use std::{
    ffi::{CStr, OsStr},
    os::{
        fd::{AsFd, OwnedFd},
        unix::ffi::OsStrExt,
    },
};

use rustix::fs::{AtFlags, Dir, FileType, Stat, statat};
use serde::Serialize;

use super::{Content, ContentError, blocking, path};
use crate::workspace::{
    beneath::Root,
    draft::is_draft,
    paths::RelativePath,
    reach::{Last, Missing, is_directory},
};

/// As many entries are read at once; a larger directory is read beside the event loop.
const AT_ONCE: usize = 256;

/// A file or directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Item {
    /// The last name; what is not UTF-8 in it is shown as U+FFFD.
    pub name: String,
    /// From the workspace on, with a slash in front.
    pub path: String,
    /// Of a link that stays inside the workspace, what it leads to; any other link is a file.
    pub is_dir: bool,
    /// In bytes.
    pub size: u64,
    /// UTC, in whole seconds: `2026-01-31T12:00:00Z`.
    pub modified_at: String,
}

/// What is in a directory.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub struct Listing {
    /// Sorted by name.
    pub items: Vec<Item>,
    /// There are more than the limit; which ones are listed is not said.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub truncated: bool,
}

impl Content {
    /// Lists a directory; a file is a list of itself.
    pub async fn list(&self, text: &str) -> Result<Listing, ContentError> {
        let (path, failed) = (path(text)?, |error| ContentError::beneath("path", error));
        let root = self.open()?;
        let place = root.reach(path.as_ref(), Missing::Refuse, Last::Follow).map_err(failed)?;
        let shown = path.as_ref().map_or_else(|| "/".to_owned(), |path| format!("/{path}"));
        let Some(stat) = place.stat().map_err(failed)? else {
            return Err(ContentError::NotFound { what: "path", path: shown });
        };
        if !is_directory(&stat) {
            let name = path.as_ref().map_or("", RelativePath::name).to_owned();
            return Ok(Listing { items: vec![item(name, shown, &stat)], truncated: false });
        }
        let directory = place.directory().map_err(failed)?;
        let mut reading = Reading::new(root, directory, path, self.limits.entries)?;
        if reading.go_on(AT_ONCE)? {
            return Ok(reading.end());
        }
        blocking(move || {
            reading.go_on(usize::MAX)?;
            Ok(reading.end())
        })
        .await
    }
}

struct Reading {
    root: Root,
    directory: OwnedFd,
    entries: Dir,
    path: Option<RelativePath>,
    limit: usize,
    listing: Listing,
}

impl Reading {
    fn new(root: Root, directory: OwnedFd, path: Option<RelativePath>, limit: usize) -> Result<Self, ContentError> {
        let entries = Dir::read_from(&directory).map_err(|error| ContentError::io("the directory", error.into()))?;
        Ok(Self { root, directory, entries, path, limit, listing: Listing::default() })
    }

    /// Reads so many entries more; true: that was all.
    fn go_on(&mut self, count: usize) -> Result<bool, ContentError> {
        for _ in 0..count {
            let Some(entry) = self.entries.read() else { return Ok(true) };
            let entry = entry.map_err(|error| ContentError::io("the directory", error.into()))?;
            let name = entry.file_name();
            if matches!(name.to_bytes(), b"." | b"..") || is_draft(OsStr::from_bytes(name.to_bytes())) {
                continue;
            }
            if self.listing.items.len() >= self.limit {
                self.listing.truncated = true;
                return Ok(true);
            }
            // What was deleted meanwhile is not there.
            if let Ok(stat) = statat(self.directory.as_fd(), name, AtFlags::SYMLINK_NOFOLLOW) {
                self.listing.items.push(self.item(name, stat));
            }
        }
        Ok(false)
    }

    fn item(&self, name: &CStr, stat: Stat) -> Item {
        let name = name.to_string_lossy().into_owned();
        let path = match &self.path {
            Some(path) => format!("{path}/{name}"),
            None => name.clone(),
        };
        let stat = match FileType::from_raw_mode(stat.st_mode) {
            FileType::Symlink => self.target(&path).unwrap_or(stat),
            _ => stat,
        };
        item(name, format!("/{path}"), &stat)
    }

    fn target(&self, path: &str) -> Option<Stat> {
        let path = path.parse().ok()?;
        self.root.reach(Some(&path), Missing::Refuse, Last::Follow).ok()?.stat().ok()?
    }

    fn end(mut self) -> Listing {
        self.listing.items.sort_unstable_by(|a, b| a.name.cmp(&b.name));
        self.listing
    }
}

fn item(name: String, path: String, stat: &Stat) -> Item {
    let modified = jiff::Timestamp::from_second(stat.st_mtime).unwrap_or_default();
    Item {
        name,
        path,
        is_dir: is_directory(stat),
        size: u64::try_from(stat.st_size).unwrap_or(0),
        modified_at: modified.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
    }
}
