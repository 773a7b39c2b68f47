//! What can go wrong in a reconcile. The kind says what happens next.

use crate::eventlog::LogError;

/// Why a reconcile ended early.
#[derive(Debug, thiserror::Error)]
pub(super) enum OperatorError {
    /// The API server refused an object for what it is: a person has to act. Told by a condition, tried again after minutes.
    #[error("{object}: {message}")]
    Refused {
        /// Kind and name.
        object: String,
        /// The API server's words.
        message: String,
    },
    /// Somebody else changed the object meanwhile, or the API server cannot be reached: tried again soon.
    #[error("{object}: {source}")]
    Retry {
        /// Kind and name.
        object: String,
        /// What failed.
        source: Box<kube::Error>,
    },
    /// The event store cannot be read or written: tried again soon.
    #[error("the event store: {0}")]
    Store(#[from] LogError),
}

impl OperatorError {
    /// What a failed request for an object means.
    #[must_use]
    pub(super) fn of(object: String, error: kube::Error) -> Self {
        match error {
            // Forbidden is also what a quota and Pod Security answer.
            kube::Error::Api(status) if matches!(status.code, 400 | 403 | 413 | 422) => {
                Self::Refused { object, message: status.message.clone() }
            }
            source => Self::Retry { object, source: Box::new(source) },
        }
    }
}
