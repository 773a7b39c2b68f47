//! Why a workspace could not be set up, and what helps.

use std::{io, path::PathBuf};

use super::{beneath::BeneathError, git::failure::RepoFailure};

/// Something wrong with a plan, at one of its fields.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {message}")]
pub struct Problem {
    /// For example `spec.repos[1].url`.
    pub field: String,
    /// What was expected, what was found and what to write.
    pub message: String,
}

/// Why there is no workspace. Messages hold no password and no token.
#[derive(Debug, thiserror::Error)]
pub enum HydrateError {
    /// The plan cannot be carried out. The user must act.
    #[error("{}", sentences(.0))]
    Invalid(Vec<Problem>),
    /// A directory cannot be made or opened. The user must act.
    #[error("{}: {source}; check that it is a directory that this user may write to", path.display())]
    Directory {
        /// Which directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A directory of the layout, or a file of `spec.files`, cannot be made. The user must act.
    #[error("{field}: {source}")]
    Beneath {
        /// For example `spec.files[0].path`.
        field: String,
        /// What is in the way.
        source: BeneathError,
    },
    /// Repositories that could not be cloned; the others are in place.
    #[error("{}", sentences(.0))]
    Repos(Vec<RepoFailure>),
    /// What was done before cannot be read or noted. The user must act.
    #[error("{}: {reason}", path.display())]
    State {
        /// The file.
        path: PathBuf,
        /// What is wrong and what to do.
        reason: String,
    },
}

/// What has to happen before another try can succeed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// Somebody changes the manifest, a credential or the machine.
    Act,
    /// Nothing: the server was not reachable.
    Retry,
}

impl HydrateError {
    /// What has to happen before another try can succeed.
    #[must_use]
    pub fn next(&self) -> Next {
        match self {
            Self::Repos(failures) if failures.iter().all(|failure| failure.cause.is_transient()) => Next::Retry,
            Self::Invalid(_) | Self::Directory { .. } | Self::Beneath { .. } | Self::Repos(_) | Self::State { .. } => {
                Next::Act
            }
        }
    }
}

fn sentences<T: std::fmt::Display>(all: &[T]) -> String {
    let all: Vec<String> = all.iter().map(ToString::to_string).collect();
    all.join("\n")
}
