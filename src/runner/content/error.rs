//! Why a file or a repository of the workspace could not be had or changed.

use std::{io, path::PathBuf};

use super::json::Fault;
use crate::workspace::{
    beneath::BeneathError,
    git::{agent_side::AgentGitError, refname::BranchError, url::UrlError},
    paths::PathError,
};

/// Why a request about the workspace's content is refused. The messages say what to do.
#[derive(Debug, thiserror::Error)]
pub enum ContentError {
    /// The user must act: the path leads out of the workspace. The words are the original's: clients look for them.
    #[error("invalid path")]
    LeadsOut,
    /// The user must act: the text names nothing in the workspace.
    #[error("invalid path: {0}")]
    Path(PathError),
    /// The user must act: what is there is something else, or a link leads out.
    #[error("invalid path: {0}")]
    Place(BeneathError),
    /// The file is not there. The words are the original's.
    #[error("file not found")]
    NoFile,
    /// Nothing is there.
    #[error("{what} not found: {path}")]
    NotFound {
        /// `path` or `directory`.
        what: &'static str,
        /// Below the workspace.
        path: String,
    },
    /// The user must act: it is a directory.
    #[error("invalid path: {0} is a directory; name a file")]
    IsDirectory(String),
    /// The user must act: what the agent's or the system's permissions forbid.
    #[error("{0}; change its permissions, or take another path")]
    Denied(BeneathError),
    /// The user must act: free some space, then try again.
    #[error("the disk of the workspace is full; delete files or enlarge its volume, then write again")]
    Full,
    /// The user must act: the body is larger than the limit.
    #[error("the body is larger than {limit} bytes; write the file in the session instead, e.g. with a download")]
    TooLarge {
        /// In bytes.
        limit: u64,
    },
    /// The user must act: the body is not what a write takes.
    #[error(transparent)]
    Body(#[from] Fault),
    /// The user must act: a member that is needed is missing.
    #[error("{0} is missing")]
    Missing(&'static str),
    /// The user must act: expected is the standard alphabet with padding, without line breaks. The words are the original's.
    #[error("invalid base64 content")]
    Base64,
    /// The user must act.
    #[error("encoding {0:?} is not known; expected \"base64\", or none for text")]
    Encoding(String),
    /// The body did not arrive whole; nothing was written. The client may try again.
    #[error("the body did not arrive whole: {0}; nothing was written")]
    Incomplete(&'static str),
    /// The user must act: the remote's URL.
    #[error("remoteUrl: {0}")]
    Url(#[from] UrlError),
    /// The user must act: the remote's URL carries a secret.
    #[error("remoteUrl: a user name, password or token in a URL would be stored in the repository; leave it out")]
    UrlWithSecret,
    /// The user must act: the branch.
    #[error("branch: {0}")]
    Branch(#[from] BranchError),
    /// The user must act: the directory for a remote is missing.
    #[error("directory not found: {0:?}; make it first, or name another")]
    NoDirectory(String),
    /// The user must act: no repository is there.
    #[error("{0} is not a git repository; configure a remote first (POST /content/git-configure-remote)")]
    NoRepository(String),
    /// The repository could not be read or changed.
    #[error(transparent)]
    Git(#[from] AgentGitError),
    /// The workspace itself cannot be opened.
    #[error("the workspace {} cannot be opened: {source}", path.display())]
    Workspace {
        /// Where it should be.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The system failed.
    #[error("{0}")]
    Io(BeneathError),
    /// The runner is ending; try again.
    #[error("the runner is stopping; try again")]
    Stopping,
}

impl ContentError {
    /// What an error of the file system means to whoever asked for `what`.
    pub(super) fn beneath(what: &'static str, error: BeneathError) -> Self {
        use io::ErrorKind as Kind;
        match error {
            BeneathError::NotFound { .. } if what == "file" => Self::NoFile,
            BeneathError::NotFound { path } => Self::NotFound { what, path },
            BeneathError::WrongKind { .. } | BeneathError::Outside { .. } => Self::Place(error),
            BeneathError::Io { ref source, .. } => match source.kind() {
                Kind::StorageFull | Kind::QuotaExceeded | Kind::FileTooLarge => Self::Full,
                Kind::PermissionDenied | Kind::ReadOnlyFilesystem => Self::Denied(error),
                Kind::InvalidFilename | Kind::InvalidInput | Kind::AlreadyExists => Self::Place(error),
                _ => Self::Io(error),
            },
        }
    }

    /// The same for what happens to an open file.
    pub(super) fn io(path: &str, source: io::Error) -> Self {
        Self::beneath("file", BeneathError::Io { path: path.to_owned(), source })
    }
}
