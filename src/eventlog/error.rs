//! What can go wrong, and what to do about it.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::Seq;

/// A failure of the log. The variant says what happens next.
#[derive(Debug, Clone, thiserror::Error)]
pub enum LogError {
    /// Another process has the store open. A person must stop it or choose another directory.
    #[error(
        "the data directory {dir} is in use by another process (pid {owner}): stop it, or choose another directory"
    )]
    Locked {
        /// The store's directory.
        dir: PathBuf,
        /// The process id that the owner left in the lock file, or `unknown`.
        owner: String,
    },
    /// Nothing was written. Retry when there is space; [`super::ThreadLog::append_reserved`] works a little longer.
    #[error("disk full: free space at {dir}")]
    DiskFull {
        /// Where space is missing.
        dir: PathBuf,
    },
    /// The file system refused; nothing was written. The cause says whether a retry can help.
    #[error("cannot {action} {path}: {source}")]
    Io {
        /// What was tried, as a verb.
        action: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// The system's reason.
        source: Arc<io::Error>,
    },
    /// A file holds something that this log did not write. A person must restore the file or move it away.
    #[error("{file} is damaged at byte {offset}: {what}; restore it from a copy, or move its directory away")]
    Corrupt {
        /// The damaged file.
        file: PathBuf,
        /// Where the damage begins.
        offset: u64,
        /// What was expected.
        what: &'static str,
    },
    /// What was written may not be on disk. The log takes no more records until the process opens it again.
    #[error("the log at {dir} stopped after a failed write: {reason}; check the disk, then restart")]
    Failed {
        /// The thread's directory.
        dir: PathBuf,
        /// The first failure.
        reason: String,
    },
    /// The store was closed. Nothing follows.
    #[error("the log at {dir} is closed")]
    Closed {
        /// The thread's directory.
        dir: PathBuf,
    },
    /// Records after the cursor were trimmed. Read on from `first - 1`, or begin with a snapshot.
    #[error("records after {after} are no longer kept; the first available is {first}")]
    Gap {
        /// The reader's cursor.
        after: Seq,
        /// The first record that can be read.
        first: Seq,
    },
    /// The cursor is not of this log: it lies beyond everything that was ever numbered here.
    #[error("the cursor {after} is beyond the last record {last} of this log")]
    BeyondEnd {
        /// The reader's cursor.
        after: Seq,
        /// The last number of the log.
        last: Seq,
    },
    /// An event has no JSON form. A bug of whoever built the event; nothing was written.
    #[error("an event cannot be written as JSON: {reason}")]
    Encode {
        /// The serialiser's reason.
        reason: String,
    },
}

impl LogError {
    /// Sorts an error of the system: a full disk is told apart, since it has its own way out.
    pub(crate) fn io(action: &'static str, path: &Path, source: io::Error) -> Self {
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                Self::DiskFull { dir: path.parent().unwrap_or(path).to_owned() }
            }
            _ => Self::Io { action, path: path.to_owned(), source: Arc::new(source) },
        }
    }

    /// An event or a small file that has no JSON form.
    #[expect(clippy::needless_pass_by_value, reason = "fits `map_err`")]
    pub(super) fn encode(error: serde_json::Error) -> Self {
        Self::Encode { reason: error.to_string() }
    }
}
