//! Deleting what has ended and outlived its time.

use std::{cmp::Reverse, sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp};
use kube::{ResourceExt, runtime::controller::Action};

use super::{
    context::Context,
    error::OperatorError,
    session::{
        plan::{Plan, Saying},
        view::View,
    },
    write,
};
use crate::api::{AgenticSession, Run, run::RunPhase, session::SessionPhase};

/// Deletes a session whose time is over, and Runs of a session that are more than are kept. Says when the session's time is over.
pub(super) async fn session(
    view: &View,
    plan: &Plan,
    context: &Context,
    now: Timestamp,
) -> Result<Option<Timestamp>, OperatorError> {
    for run in surplus(&view.runs, context.config.policy.keep_runs) {
        write::delete(&context.client, &*run).await?;
    }
    // What is about to start is at its end no more.
    let rests =
        matches!(plan.saying, Saying::AsBefore | Saying::Completed | Saying::Failed { .. } | Saying::Stopped(_));
    let Some(time) = session_at(&view.session).filter(|_| rests && plan.steps.is_empty()) else {
        return Ok(None);
    };
    if time > now {
        return Ok(Some(time));
    }
    write::delete(&context.client, &*view.session).await?;
    Ok(None)
}

/// Deletes a Run whose time is over, else comes back then.
pub(super) async fn run(run: &Run, context: &Context) -> Result<Action, OperatorError> {
    let Some(time) = run_at(run) else {
        return Ok(Action::await_change());
    };
    let rest = Duration::try_from(time.duration_since(Timestamp::now())).unwrap_or_default();
    if rest.is_zero() {
        write::delete(&context.client, run).await?;
        return Ok(Action::await_change());
    }
    Ok(Action::requeue(rest))
}

/// When a session is to go: never while it may go on by itself. One that a person or inactivity has stopped is only at rest.
fn session_at(session: &AgenticSession) -> Option<Timestamp> {
    let status = session.status.as_ref()?;
    let is_over = match status.phase {
        SessionPhase::Completed | SessionPhase::Failed => true,
        SessionPhase::Stopped => matches!(status.stopped_reason.as_deref(), Some("run-finished" | "deadline")),
        SessionPhase::Pending | SessionPhase::Creating | SessionPhase::Running | SessionPhase::Stopping => false,
    };
    let ended = status.completion_time.as_ref().filter(|_| is_over)?;
    after(ended.0, session.spec.ttl_seconds_after_finished?)
}

fn run_at(run: &Run) -> Option<Timestamp> {
    let status = run.status.as_ref().filter(|status| status.phase.is_terminal())?;
    let ended = status.completion_time.clone().or_else(|| run.creation_timestamp())?;
    after(ended.0, run.spec.ttl_seconds_after_finished?)
}

fn after(time: Timestamp, seconds: i64) -> Option<Timestamp> {
    time.checked_add(SignedDuration::from_secs(seconds)).ok()
}

/// The finished Runs beyond the newest that are kept. Those with a time of their own have that.
fn surplus(runs: &[Arc<Run>], keep: Option<usize>) -> Vec<Arc<Run>> {
    let Some(keep) = keep else {
        return Vec::new();
    };
    let phase = |run: &Run| run.status.as_ref().map(|status| status.phase).unwrap_or_default();
    let is_over = |run: &Run| RunPhase::is_terminal(phase(run)) && run.spec.ttl_seconds_after_finished.is_none();
    let mut over: Vec<&Arc<Run>> = runs.iter().filter(|run| is_over(run)).collect();
    over.sort_by_key(|run| {
        let ended = run.status.as_ref().and_then(|status| status.completion_time.as_ref());
        Reverse((ended.map(|time| time.0), run.creation_timestamp().map(|time| time.0), run.name_any()))
    });
    over.into_iter().skip(keep).cloned().collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_000_000 + second).unwrap()
    }

    fn session(phase: &str, reason: Option<&str>) -> AgenticSession {
        let object = json!({
            "apiVersion": "v", "kind": "AgenticSession", "metadata": {"name": "s1"},
            "spec": {"ttlSecondsAfterFinished": 10},
            "status": {"phase": phase, "stoppedReason": reason, "completionTime": at(5).to_string()},
        });
        serde_json::from_value(object).unwrap()
    }

    fn run(name: &str, ended: i64, phase: &str, ttl: &Value) -> Arc<Run> {
        let object = json!({
            "apiVersion": "v", "kind": "Run", "metadata": {"name": name},
            "spec": {"sessionRef": {"name": "s1"}, "prompt": "x", "ttlSecondsAfterFinished": ttl},
            "status": {"phase": phase, "completionTime": at(ended).to_string()},
        });
        Arc::new(serde_json::from_value(object).unwrap())
    }

    #[test]
    fn a_session_goes_after_its_end_and_stays_while_a_person_may_go_on_with_it() {
        for (phase, reason) in
            [("Completed", None), ("Failed", None), ("Stopped", Some("run-finished")), ("Stopped", Some("deadline"))]
        {
            assert_eq!(session_at(&session(phase, reason)), Some(at(15)), "{phase}");
        }
        for (phase, reason) in [("Running", None), ("Stopped", Some("user")), ("Stopped", Some("inactivity"))] {
            assert_eq!(session_at(&session(phase, reason)), None, "{phase}");
        }
    }

    #[test]
    fn a_run_goes_after_its_end_if_it_says_so() {
        assert_eq!(run_at(&run("a", 1, "Succeeded", &json!(4))), Some(at(5)));
        assert_eq!(run_at(&run("a", 1, "Succeeded", &json!(null))), None);
        assert_eq!(run_at(&run("a", 1, "WaitingForInput", &json!(4))), None);
    }

    #[test]
    fn the_newest_finished_runs_are_kept_and_those_at_work_are_not_counted() {
        let runs = [
            run("old", 1, "Failed", &json!(null)),
            run("new", 3, "Succeeded", &json!(null)),
            run("works", 0, "Running", &json!(null)),
            run("middle", 2, "Cancelled", &json!(null)),
            run("own", 0, "Succeeded", &json!(1000)),
        ];
        let names = |keep| surplus(&runs, keep).iter().map(|run| run.name_any()).collect::<Vec<_>>();
        assert_eq!(names(Some(2)), ["old"]);
        assert_eq!(names(Some(1)), ["middle", "old"]);
        assert!(names(None).is_empty() && names(Some(3)).is_empty());
    }
}
