//! Which files of a workspace changed, where no git can tell: a snapshot before a run, compared with one after it.
//!
//! Bounded in files, bytes and depth, and safe in a hostile workspace: links are not followed, pipes not opened. Blocking; call it
//! from a thread that may block.

mod compare;
mod walk;

use std::{collections::BTreeMap, io, path::Path};

use serde::{Deserialize, Serialize};

pub use compare::{Changes, compare};

/// Directories that hold what tools make, at any depth.
const SKIPPED: [&str; 6] = [".git", "node_modules", "target", "__pycache__", ".venv", ".cache"];

/// How much a snapshot looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Files, links and other entries.
    pub entries: usize,
    /// Directories in each other.
    pub depth: usize,
    /// A larger file is told apart by size and times alone, in bytes.
    pub hashed_file: u64,
    /// What is hashed in all, in bytes.
    pub hashed_total: u64,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { entries: 20_000, depth: 32, hashed_file: 1 << 20, hashed_total: 64 << 20 }
    }
}

/// The files of a workspace at one moment.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// Path below the root, printable, to what identifies the content.
    files: BTreeMap<String, Stamp>,
    /// A bound was met: not all of the workspace is in it.
    truncated: bool,
}

/// What identifies a content, the cheap part first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Stamp {
    size: u64,
    /// Seconds and nanoseconds of the last change of content.
    modified: (i64, u64),
    /// Only of regular files within the bounds.
    hash: Option<String>,
}

impl Snapshot {
    /// Looks at everything below `root` except the directories of `skip` (names directly below it) and what tools make.
    ///
    /// What cannot be read is left out. The error is of the root itself.
    pub fn take(root: &Path, skip: &[&str], bounds: Bounds) -> io::Result<Self> {
        walk::Walk::new(skip, bounds).run(root)
    }

    /// The files that it knows, sorted, with names made printable.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.files.keys().map(String::as_str)
    }

    /// How many files it knows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.files.len()
    }

    /// Whether it knows no file.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }
}
