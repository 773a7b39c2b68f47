//! Whose turn it is: one Run of a thread at a time, oldest first, answers before everything. Pure.

use std::sync::Arc;

use jiff::Timestamp;
use kube::ResourceExt;

use crate::api::{
    Run,
    run::{DesiredState, Input, RunPhase},
};

/// What a Run waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Turn {
    /// It may go.
    Now,
    /// Another Run of its thread is before it.
    Behind(String),
}

/// The phase of a Run as its status says it.
pub(super) fn phase(run: &Run) -> RunPhase {
    run.status.as_ref().map(|status| status.phase).unwrap_or_default()
}

/// The conversation of a Run.
pub(in crate::operator) fn thread(run: &Run) -> &str {
    run.spec.thread_id.as_deref().unwrap_or(&run.spec.session_ref.name)
}

/// Whether a Run may go, among all Runs of its session.
pub(super) fn turn(run: &Run, all: &[Arc<Run>]) -> Turn {
    let answers = answers(run);
    let before = all.iter().filter(|other| other.uid() != run.uid() && thread(other) == thread(run)).find(|other| {
        match phase(other) {
            RunPhase::Succeeded | RunPhase::Failed | RunPhase::Cancelled => false,
            RunPhase::Running => true,
            // Only an answer gets past a question.
            RunPhase::WaitingForInput => !answers,
            RunPhase::Pending | RunPhase::Waiting => {
                other.spec.desired_state != DesiredState::Cancelled && is_first(other, run)
            }
        }
    });
    before.map_or(Turn::Now, |other| Turn::Behind(other.name_any()))
}

pub(super) fn answers(run: &Run) -> bool {
    matches!(run.spec.input(), Some(Input::Answers(_)))
}

/// Whether a waiting Run goes before another.
fn is_first(one: &Run, other: &Run) -> bool {
    order(one) < order(other)
}

fn order(run: &Run) -> (bool, Option<Timestamp>, String) {
    (!answers(run), run.creation_timestamp().map(|time| time.0), run.name_any())
}
