//! Why a running turn is told to stop. The first reason wins.

use std::sync::OnceLock;

use tokio_util::sync::CancellationToken;

/// Who wants a turn to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StopReason {
    /// A person, or `desiredState: Cancelled`.
    Cancelled,
    /// The run's deadline.
    Deadline,
    /// The runner is told to end.
    Shutdown,
    /// The log cannot take more.
    LogFailed,
}

/// The stop button of one run.
#[derive(Debug, Default)]
pub(crate) struct Stop {
    reason: OnceLock<StopReason>,
    token: CancellationToken,
}

impl Stop {
    /// Stops the turn; a later reason changes nothing.
    pub(crate) fn because(&self, reason: StopReason) {
        // A second reason loses on purpose: the first is what ended the turn.
        let _ = self.reason.set(reason);
        self.token.cancel();
    }

    /// Why the turn was told to stop, if it was.
    pub(crate) fn reason(&self) -> Option<StopReason> {
        self.reason.get().copied()
    }

    /// Resolves or reports when the turn is to stop.
    pub(crate) fn token(&self) -> &CancellationToken {
        &self.token
    }
}
