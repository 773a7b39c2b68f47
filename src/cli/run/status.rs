//! The status of Runs and of the session, derived from what was observed. Pure.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

use super::job::Job;
use crate::api::{
    Run, RunStatus,
    conditions::{self, Aspect},
    outcome::OutcomeReason,
    run::{Outcome, RunPhase, Usage},
    session::{AgenticSessionStatus, ReconciledRepo, RunCounts, SessionPhase},
};

/// What the fold says of a Run, with the conditions that follow from it.
pub(super) fn observed(run: &mut Run, folded: RunStatus, now: Timestamp) {
    let conditions = run.status.take().map(|status| status.conditions).unwrap_or_default();
    let generation = run.metadata.generation;
    let mut status = RunStatus { conditions, observed_generation: generation, attempt: Some(1), ..folded };
    conditions::update_run(&mut status, generation, now);
    run.status = Some(status);
}

/// A Run that was cancelled before it started.
pub(super) fn cancelled(run: &mut Run, now: Timestamp) {
    end(run, OutcomeReason::Cancelled, "The Run was cancelled before it started.", now);
}

/// A Run whose question another Run answered.
pub(super) fn answered(run: &mut Run, by: &str, now: Timestamp) {
    end(run, OutcomeReason::Answered, &format!("The Run {by} answered what it asked."), now);
    if let Some(status) = &mut run.status {
        status.interrupts.clear();
    }
}

fn end(run: &mut Run, reason: OutcomeReason, message: &str, now: Timestamp) {
    let generation = run.metadata.generation;
    let status = run.status.get_or_insert_default();
    status.phase = reason.phase();
    status.outcome = Some(Outcome { reason, message: Some(message.to_owned()) });
    status.completion_time.get_or_insert(Time(now));
    status.observed_generation = generation;
    conditions::update_run(status, generation, now);
}

/// The session as this process leaves it.
pub(super) fn session(job: &mut Job, repos: Vec<ReconciledRepo>, started: Timestamp, now: Timestamp) {
    let generation = job.session.metadata.generation;
    let old = job.session.status.take().unwrap_or_default();
    let mut status = AgenticSessionStatus {
        phase: SessionPhase::Stopped,
        observed_generation: generation,
        start_time: old.start_time.or(Some(Time(started))),
        last_activity_time: last_activity(&job.runs).or(old.last_activity_time),
        active_run: None,
        runs: Some(counts(&job.runs)),
        usage: Some(usage(&job.runs)),
        reconciled_repos: repos,
        sdk_session_id: old.sdk_session_id,
        conditions: old.conditions,
        ..AgenticSessionStatus::default()
    };
    let aspects = [
        (conditions::READY, "The session is not running; `ambient run` goes on with it."),
        (conditions::RECONCILING, ""),
        (conditions::STALLED, ""),
    ];
    for (kind, message) in aspects {
        let aspect = Aspect { kind, status: false.into(), reason: "Stopped", message };
        conditions::upsert(&mut status.conditions, aspect, generation, now);
    }
    job.session.status = Some(status);
}

/// Whether there is nothing more to run of it. A Run that asks has had its turn; the Run that answers ends it.
pub(super) fn had_its_turn(run: &Run) -> bool {
    phase(run).is_terminal() || phase(run) == RunPhase::WaitingForInput
}

fn phase(run: &Run) -> RunPhase {
    run.status.as_ref().map(|status| status.phase).unwrap_or_default()
}

fn counts(runs: &[Run]) -> RunCounts {
    let count =
        |wanted: RunPhase| u32::try_from(runs.iter().filter(|run| phase(run) == wanted).count()).unwrap_or(u32::MAX);
    RunCounts {
        total: u32::try_from(runs.len()).unwrap_or(u32::MAX),
        succeeded: count(RunPhase::Succeeded),
        failed: count(RunPhase::Failed),
    }
}

fn usage(runs: &[Run]) -> Usage {
    let used = runs.iter().filter_map(|run| run.status.as_ref()?.usage);
    used.fold(Usage::default(), |sum, one| sum + one)
}

fn last_activity(runs: &[Run]) -> Option<Time> {
    let times = runs.iter().filter_map(|run| run.status.as_ref()?.completion_time.clone());
    times.max_by_key(|time| time.0)
}
