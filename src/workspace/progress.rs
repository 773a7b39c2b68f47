//! What a hydration tells while it runs.

use std::time::Duration;

use super::git::progress::Phase;

/// One step of a hydration, for a terminal line or an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress {
    /// A clone begins.
    Started {
        /// The repository's name.
        repo: String,
    },
    /// A clone goes on; only sent when it changes.
    Fraction {
        /// The repository's name.
        repo: String,
        /// Of the phase, 0 to 100.
        percent: u8,
        /// What git is doing.
        phase: Phase,
    },
    /// The server did not answer; the clone is tried again.
    Retrying {
        /// The repository's name.
        repo: String,
        /// Why.
        reason: String,
        /// The coming try, from 2.
        attempt: u32,
        /// The pause before it.
        after: Duration,
    },
    /// The clone is in its place.
    Finished {
        /// The repository's name.
        repo: String,
        /// From start to end.
        took: Duration,
        /// The branch or tag that the working branch started from.
        base: String,
        /// The branch that is checked out.
        branch: String,
    },
    /// The repository is there already and stays as it is.
    Kept {
        /// The repository's name.
        repo: String,
    },
    /// The clone failed for good.
    Failed {
        /// The repository's name.
        repo: String,
        /// A sentence with the remedy.
        reason: String,
    },
    /// Something that a person may not expect, as a sentence.
    Notice(String),
}

/// Receives progress, from any task.
pub type OnProgress<'a> = &'a (dyn Fn(Progress) + Send + Sync);
