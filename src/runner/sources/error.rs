//! Why repositories or the workflow of a session did not change.

use crate::workspace::fetch::FetchError;

/// Why nothing was changed: what was there before is there still.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// A URL, name, branch or path that is refused. The user must act.
    #[error("{field}: {message}")]
    Invalid {
        /// The member of the body.
        field: &'static str,
        /// What was found and what to write.
        message: String,
    },
    /// Nothing has this name.
    #[error("{0}")]
    NotFound(String),
    /// It does not fit to what is there, or too much is under way. The message says what to do.
    #[error("{0}")]
    Conflict(String),
    /// git or the system failed.
    #[error("{what}: {url}: {error}")]
    Fetch {
        /// What did not work.
        what: &'static str,
        /// From where, without password or token.
        url: String,
        /// Why, and what to do.
        error: Box<FetchError>,
    },
    /// It took too long.
    #[error("{what}: {url}: it took longer than {seconds} s; try again, or raise AMBIENT_CLONE_TIMEOUT")]
    Deadline {
        /// What did not work.
        what: &'static str,
        /// From where, without password or token.
        url: String,
        /// The limit.
        seconds: u64,
    },
    /// It could not be noted, or the task that did it failed.
    #[error("{0}")]
    Platform(String),
}
