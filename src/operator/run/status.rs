//! What the status of a Run says. Pure.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::ResourceExt;

use super::{adopt, plan::Next, queue, view::View};
use crate::{
    api::{
        Run, RunStatus,
        conditions::{self, Aspect, Status},
        run::{Outcome, RunPhase, RunnerRef},
    },
    operator::session::{evidence, leaving::node},
};

/// The status that follows from the decision; none when it stays as it is.
pub(super) fn status(view: &View, next: &Next, now: Timestamp) -> Option<RunStatus> {
    let mut status = RunStatus { observed_generation: view.run.metadata.generation, ..view.status() };
    let mut said = None;
    match next {
        Next::Nothing | Next::Ask { .. } | Next::Follow { .. } | Next::Linger { .. } => {}
        Next::Wait { reason, message, .. } => {
            status.phase = RunPhase::Waiting;
            said = Some((*reason, message.as_str()));
        }
        Next::Start => status = begun(status, view),
        Next::Take(seen) => status = taken(status, seen),
        Next::End { reason, message } | Next::Lost { reason, message } => {
            status.phase = reason.phase();
            status.outcome = Some(Outcome { reason: *reason, message: Some(message.clone()) });
            status.completion_time.get_or_insert(Time(now));
            status.interrupts.clear();
        }
    }
    if let Some((runner, why)) = status.runner.as_mut().zip(disruption(view)) {
        runner.disruption.get_or_insert(why);
    }
    conditions::update_run(&mut status, view.run.metadata.generation, now);
    if let Some((reason, message)) = said {
        let aspect = Aspect { kind: conditions::SUCCEEDED, status: Status::Unknown, reason, message };
        conditions::upsert(&mut status.conditions, aspect, view.run.metadata.generation, now);
    }
    (view.run.status.as_ref() != Some(&status)).then_some(status)
}

/// Why the Run's pod is taken away: nobody can ask it when it is gone.
fn disruption(view: &View) -> Option<String> {
    let pod = view.own_pod().filter(|_| !view.status().phase.is_terminal())?;
    let node = node(pod).unwrap_or("(none)");
    evidence::disruption(pod).map(|why| format!("{why} (node {node})"))
}

/// From here on the Run is that pod's, and of no other.
fn begun(status: RunStatus, view: &View) -> RunStatus {
    let run = &view.run;
    let session = view.session.as_ref().and_then(|session| session.uid());
    let given = view.pod.as_ref().map(|pod| RunnerRef {
        pod: pod.name_any(),
        uid: pod.uid().unwrap_or_default(),
        session,
        disruption: None,
    });
    let runner = adopt::runner(run).or(given);
    RunStatus {
        phase: RunPhase::Running,
        run_id: Some(run_id(run)),
        thread_id: Some(queue::thread(run).to_owned()),
        attempt: Some(1),
        runner,
        ..status
    }
}

/// The runner's word on everything but what only the operator knows.
fn taken(status: RunStatus, seen: &RunStatus) -> RunStatus {
    RunStatus {
        attempt: status.attempt,
        runner: status.runner,
        conditions: status.conditions,
        observed_generation: status.observed_generation,
        ..seen.clone()
    }
}

/// The AG-UI id of a Run: its own, or its UID.
pub(in crate::operator) fn run_id(run: &Run) -> String {
    run.spec.run_id.clone().or_else(|| run.uid()).unwrap_or_default()
}
