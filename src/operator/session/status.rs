//! What the status of a session says. Pure.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::ResourceExt;

use super::{
    drift,
    evidence::{self, PodState},
    needs::Secrets,
    plan::Saying,
    view::View,
    wish::{DESIRED, Why},
};
use crate::{
    api::{
        AgenticSessionStatus, Run,
        conditions::{self, Aspect, Status},
        names,
        run::{RunPhase, Usage},
        session::{RunCounts, SessionPhase},
    },
    operator::config::Config,
};

/// Whether the pod was made; a type of the original.
const POD_CREATED: &str = "PodCreated";
/// Whether the runner runs; a type of the original.
const RUNNER_STARTED: &str = "RunnerStarted";

/// The status that follows from what was seen and decided.
pub(in crate::operator) fn status(
    view: &View,
    saying: &Saying,
    starts: bool,
    config: &Config,
    now: Timestamp,
) -> AgenticSessionStatus {
    let mut status = view.status().clone();
    if starts {
        status.start_time = Some(Time(now));
        status.completion_time = None;
        status.stopped_reason = None;
    }
    count(&mut status, &view.runs);
    if *saying == Saying::AsBefore {
        status.observed_generation = view.session.metadata.generation;
        return status;
    }
    status.phase = phase(saying);
    status.endpoint = endpoint(view, saying, config);
    rest(&mut status, saying, now);
    let (spec, generation) = (&view.session.spec, view.session.metadata.generation);
    let pod = view.pod.as_deref().filter(|_| view.owns_pod());
    if let Some(pod) = pod.filter(|_| *saying == Saying::Running) {
        drift::settle(&mut status, pod, spec, &view.told.tried, now);
        drift::conditions(&mut status, spec, &view.told.tried, generation, now);
    }
    if is_applied(&status, view, saying) {
        status.observed_generation = generation;
    }
    let mut conditions = std::mem::take(&mut status.conditions);
    let secrets = Secrets::of(view, config);
    for aspect in aspects(view, saying).into_iter().chain([secrets.aspect()]) {
        conditions::upsert(&mut conditions, aspect, view.session.metadata.generation, now);
    }
    status.conditions = conditions;
    status
}

fn count(status: &mut AgenticSessionStatus, runs: &[std::sync::Arc<Run>]) {
    let number = |wanted: &dyn Fn(RunPhase) -> bool| {
        u32::try_from(runs.iter().filter(|run| wanted(phase_of(run))).count()).unwrap_or(u32::MAX)
    };
    let counts = RunCounts {
        // One that nobody has looked at yet is counted with its first status, a moment later: that saves a write.
        total: u32::try_from(runs.iter().filter(|run| run.status.is_some()).count()).unwrap_or(u32::MAX),
        succeeded: number(&|phase| phase == RunPhase::Succeeded),
        failed: number(&|phase| phase == RunPhase::Failed),
    };
    status.runs = (counts.total > 0).then_some(counts);
    let used = runs.iter().filter_map(|run| run.status.as_ref()?.usage);
    status.usage = used.reduce(|sum: Usage, one| sum + one);
    let active = runs.iter().find(|run| matches!(phase_of(run), RunPhase::Running | RunPhase::WaitingForInput));
    status.active_run = active.map(|run| run.name_any());
}

fn phase_of(run: &Run) -> RunPhase {
    run.status.as_ref().map(|status| status.phase).unwrap_or_default()
}

fn phase(saying: &Saying) -> SessionPhase {
    match saying {
        Saying::Creating { .. } => SessionPhase::Creating,
        Saying::Running | Saying::Unready => SessionPhase::Running,
        Saying::Stopping(_) | Saying::Stuck(..) => SessionPhase::Stopping,
        Saying::Stopped(_) | Saying::AsBefore => SessionPhase::Stopped,
        Saying::Completed => SessionPhase::Completed,
        Saying::Failed { .. } => SessionPhase::Failed,
    }
}

/// Where clients inside the cluster find the runner while it is there.
fn endpoint(view: &View, saying: &Saying, config: &Config) -> Option<String> {
    let service = names::service(&view.session.name_any());
    let here = || format!("http://{service}.{}.svc.cluster.local:{}", view.namespace(), view.settings(config).port);
    matches!(saying, Saying::Running | Saying::Unready).then(here)
}

/// What only a session at rest, or on its way there, says.
fn rest(status: &mut AgenticSessionStatus, saying: &Saying, now: Timestamp) {
    match saying {
        Saying::Stopping(why) | Saying::Stuck(why, _) => status.stopped_reason = Some(why.as_str().to_owned()),
        Saying::Stopped(why) => {
            status.stopped_reason = Some(why.as_str().to_owned());
            status.completion_time.get_or_insert(Time(now));
        }
        Saying::Completed | Saying::Failed { .. } => {
            status.completion_time.get_or_insert(Time(now));
        }
        Saying::Creating { .. } | Saying::Running | Saying::Unready | Saying::AsBefore => {}
    }
}

/// Whether nothing of the manifest is left to be done.
fn is_applied(status: &AgenticSessionStatus, view: &View, saying: &Saying) -> bool {
    let spec = &view.session.spec;
    match saying {
        Saying::Running | Saying::Unready => drift::changes(status, spec).is_empty(),
        // A pod that comes up may have been made from another manifest.
        Saying::Creating { .. } => match (evidence::state(view.pod.as_deref()), view.pod.as_deref()) {
            (PodState::Starting(_), Some(pod)) => !drift::is_outdated(pod, spec),
            (_, _) => true,
        },
        Saying::Stopping(_)
        | Saying::Stuck(..)
        | Saying::Stopped(_)
        | Saying::Completed
        | Saying::Failed { .. }
        | Saying::AsBefore => true,
    }
}

/// The conditions in the order in which people read them.
fn aspects<'a>(view: &'a View, saying: &'a Saying) -> [Aspect<'a>; 5] {
    let (reason, message) = words(saying);
    let aspect = |kind, status: Status| Aspect { kind, status, reason, message };
    let quiet = |kind, status: bool| Aspect { kind, status: status.into(), reason, message: "" };
    let moving = matches!(saying, Saying::Creating { .. } | Saying::Stopping(_) | Saying::Stuck(..) | Saying::Unready);
    let pod = evidence::state(view.pod.as_deref());
    let started = matches!(saying, Saying::Running | Saying::Unready);
    [
        aspect(conditions::READY, (*saying == Saying::Running).into()),
        quiet(conditions::RECONCILING, moving),
        quiet(conditions::STALLED, matches!(saying, Saying::Failed { .. })),
        Aspect {
            message: view.inputs.runner.note.as_deref().unwrap_or_default(),
            ..quiet(POD_CREATED, !matches!(pod, PodState::Absent))
        },
        quiet(RUNNER_STARTED, started),
    ]
}

fn words(saying: &Saying) -> (&str, &str) {
    match saying {
        Saying::Creating { reason, message } => (word(reason), message),
        Saying::Running => ("Running", ""),
        Saying::Unready => ("Unready", "The runner does not answer at the moment; it starts again by itself."),
        Saying::Stopping(Why::Desired) => (DESIRED, "The pod is ending."),
        Saying::Stuck(Why::Desired, message) => (DESIRED, message),
        Saying::Stuck(_, message) => ("PodStuck", message),
        Saying::Stopping(_) => ("Stopping", "The pod is ending."),
        Saying::Stopped(why) => (why.reason(), why.message()),
        Saying::Completed => ("Completed", "The runner ended by itself."),
        Saying::Failed { reason, message } => (reason.as_str(), message),
        Saying::AsBefore => ("Stopped", ""),
    }
}

/// Kubernetes' own words are reasons of ours where they are of the right form.
fn word(reason: &str) -> &str {
    let good = !reason.is_empty() && reason.chars().all(|letter| letter.is_ascii_alphanumeric());
    if good { reason } else { "Starting" }
}
