//! The runner of a pod, and what is kept of its Runs.

use crate::api::{
    RunStatus,
    outcome::OutcomeReason,
    run::{Outcome, RunEvents, RunPhase},
};

/// How far a Run has got in a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kept {
    Started,
    Ended(OutcomeReason),
}

/// The runner of one pod.
#[derive(Debug, Default)]
pub(super) struct Runner {
    pub(super) queue: Vec<String>,
    pub(super) log: Vec<(String, Kept)>,
}

impl Runner {
    pub(super) fn last(&self, run: &str) -> Option<Kept> {
        self.log.iter().rev().find(|(id, _)| id == run).map(|(_, kept)| *kept)
    }

    pub(super) fn current(&self) -> Option<String> {
        let (run, kept) = self.log.last()?;
        (*kept == Kept::Started).then(|| run.clone())
    }
}

/// The status that a log tells.
pub(super) fn told(kept: Kept) -> RunStatus {
    let events = Some(RunEvents { count: 1, last_id: 1, ..RunEvents::default() });
    match kept {
        Kept::Started => RunStatus { phase: RunPhase::Running, events, ..RunStatus::default() },
        Kept::Ended(reason) => {
            let outcome = Some(Outcome { reason, message: None });
            RunStatus { phase: reason.phase(), outcome, events, ..RunStatus::default() }
        }
    }
}
