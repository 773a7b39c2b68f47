//! What a pod's status says about the session in it. Pure.

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{ContainerStateTerminated, ContainerStatus, Pod, PodCondition, PodStatus};
use kube::ResourceExt;

use crate::api::outcome::{OutcomeReason, exit};

/// The container that holds the keys and the log.
pub(in crate::operator) const RUNNER: &str = "ambient-code-runner";
/// The container that the agent runs in.
pub(in crate::operator) const AGENT: &str = "agent";
/// The init container that lays out the workspace.
pub(in crate::operator) const HYDRATE: &str = "init-hydrate";

/// The init container that puts the agent's tools beside an image of the session's own.
pub(in crate::operator) const INJECT: &str = "inject-tools";

/// How often a container of the pod may start again before the session has failed.
const MAX_RESTARTS: i32 = 5;

/// The state of a session's pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::operator) enum PodState {
    /// There is none.
    Absent,
    /// It was told to end.
    Leaving,
    /// Not ready yet, and what it waits for.
    Starting(Waits),
    /// The runner answers.
    Ready,
    /// It was ready, and its runner does not answer now.
    Unready,
    /// It has ended, and does not start again.
    Ended(End),
}

/// What a pod waits for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::operator) struct Waits {
    /// What a failure of it would be.
    pub(in crate::operator) would_be: OutcomeReason,
    /// Kubernetes' own word for it.
    pub(in crate::operator) reason: String,
    /// For people.
    pub(in crate::operator) message: String,
}

/// How a pod ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::operator) struct End {
    /// Why; none when the runner ended by itself and well.
    pub(in crate::operator) reason: Option<OutcomeReason>,
    /// For people.
    pub(in crate::operator) message: String,
}

/// What the pod's status says.
pub(in crate::operator) fn state(pod: Option<&Pod>) -> PodState {
    let Some(pod) = pod else {
        return PodState::Absent;
    };
    if pod.metadata.deletion_timestamp.is_some() {
        return PodState::Leaving;
    }
    let none = PodStatus::default();
    let status = pod.status.as_ref().unwrap_or(&none);
    match status.phase.as_deref() {
        Some("Failed") => PodState::Ended(failed(status)),
        Some("Succeeded") => PodState::Ended(End { reason: None, message: "The runner ended.".to_owned() }),
        _ => alive(pod, status),
    }
}

/// Why the cluster takes the pod away: a drain, a preemption, a lost node.
pub(in crate::operator) fn disruption(pod: &Pod) -> Option<String> {
    let target = condition(pod.status.as_ref()?, "DisruptionTarget").filter(|target| target.status == "True")?;
    target.message.clone().or_else(|| target.reason.clone())
}

/// What the pod says of the container that the agent runs in; none while it says nothing.
pub(in crate::operator) fn agent(pod: &Pod) -> Option<&ContainerStatus> {
    container(pod.status.as_ref()?, AGENT)
}

/// How a container ended, the last time that it did.
pub(in crate::operator) fn last_end(container: &ContainerStatus) -> Option<&ContainerStateTerminated> {
    let states = [container.state.as_ref(), container.last_state.as_ref()];
    states.into_iter().flatten().find_map(|state| state.terminated.as_ref())
}

/// When the pod got its node.
pub(in crate::operator) fn scheduled_at(pod: &Pod) -> Option<Timestamp> {
    let condition = condition(pod.status.as_ref()?, "PodScheduled").filter(|condition| condition.status == "True")?;
    condition.last_transition_time.as_ref().map(|time| time.0)
}

/// When the pod was created.
pub(in crate::operator) fn created_at(pod: &Pod) -> Option<Timestamp> {
    pod.creation_timestamp().map(|time| time.0)
}

fn alive(pod: &Pod, status: &PodStatus) -> PodState {
    if let Some(end) = given_up(status) {
        return PodState::Ended(end);
    }
    if condition(status, "Ready").is_some_and(|ready| ready.status == "True") {
        return PodState::Ready;
    }
    let was_ready =
        container(status, RUNNER).is_some_and(|runner| runner.started == Some(true) || runner.restart_count > 0);
    if was_ready && waiting(status).is_none() && scheduled_at(pod).is_some() {
        return PodState::Unready;
    }
    PodState::Starting(waits(status))
}

/// A container that has failed so often that it would for ever.
fn given_up(status: &PodStatus) -> Option<End> {
    if let Some(end) = hopeless(status) {
        return Some(end);
    }
    let all = containers(status);
    let tired = all.into_iter().find(|container| container.restart_count >= MAX_RESTARTS && container.name != AGENT)?;
    let last = tired.last_state.as_ref().and_then(|state| state.terminated.as_ref());
    let (code, said) = last.map_or((0, String::new()), |end| (end.exit_code, said(end.message.as_deref())));
    let reason = match tired.name.as_str() {
        HYDRATE | INJECT => OutcomeReason::SetupFailed,
        _ if last.is_some_and(|end| end.reason.as_deref() == Some("OOMKilled")) => OutcomeReason::OOMKilled,
        _ => OutcomeReason::RunnerLost,
    };
    let message = format!(
        "The container {} ended {} times, the last time with exit code {code}{said}",
        tired.name, tired.restart_count
    );
    Some(End { reason: Some(reason), message })
}

/// A set-up that says that it fails again until a person acts.
fn hopeless(status: &PodStatus) -> Option<End> {
    // The agent's container says so of an image that it cannot work in.
    let set_ups = [HYDRATE, AGENT].into_iter().filter_map(|name| container(status, name));
    let looks = set_ups.flat_map(|set_up| [set_up.state.as_ref(), set_up.last_state.as_ref()]);
    let mut ends = looks.flatten().filter_map(|state| state.terminated.as_ref());
    let end = ends.find(|end| end.exit_code == i32::from(exit::SETUP))?;
    let message = end.message.as_deref().unwrap_or("The workspace could not be set up.").trim().to_owned();
    Some(End { reason: Some(OutcomeReason::SetupFailed), message })
}

fn said(message: Option<&str>) -> String {
    message.map_or_else(|| ".".to_owned(), |message| format!(": {}", message.trim()))
}

fn failed(status: &PodStatus) -> End {
    let kubernetes = status.reason.as_deref().unwrap_or_default();
    let disrupted = condition(status, "DisruptionTarget").filter(|target| target.status == "True");
    let own = status.message.as_deref().unwrap_or_default();
    if kubernetes == "Evicted" || disrupted.is_some() {
        let why = disrupted.and_then(|target| target.message.as_deref()).unwrap_or(own);
        return End { reason: Some(OutcomeReason::Evicted), message: format!("The pod was evicted: {why}") };
    }
    let ended = containers(status)
        .into_iter()
        .filter_map(|container| Some((container, container.state.as_ref()?.terminated.as_ref()?)));
    let Some((container, end)) = ended.into_iter().find(|(_, end)| end.exit_code != 0) else {
        return End { reason: Some(OutcomeReason::RunnerLost), message: format!("The pod failed: {kubernetes} {own}") };
    };
    let reason = match (end.reason.as_deref(), container.name.as_str()) {
        (Some("OOMKilled"), _) => OutcomeReason::OOMKilled,
        (_, HYDRATE | INJECT) => OutcomeReason::SetupFailed,
        _ => OutcomeReason::RunnerLost,
    };
    let message = format!(
        "The container {} ended with exit code {}{}",
        container.name,
        end.exit_code,
        said(end.message.as_deref())
    );
    End { reason: Some(reason), message }
}

fn waits(status: &PodStatus) -> Waits {
    let scheduled = condition(status, "PodScheduled");
    if let Some(refused) = scheduled.filter(|condition| condition.status != "True") {
        let message = refused.message.clone().unwrap_or_default();
        let reason = refused.reason.clone().unwrap_or_else(|| "Unschedulable".to_owned());
        return Waits { would_be: OutcomeReason::Unschedulable, reason, message };
    }
    if scheduled.is_none() {
        let message = "The pod waits for a node.".to_owned();
        return Waits { would_be: OutcomeReason::Unschedulable, reason: "Scheduling".to_owned(), message };
    }
    waiting(status).unwrap_or_else(|| Waits {
        would_be: OutcomeReason::SetupFailed,
        reason: "Starting".to_owned(),
        message: "The containers start.".to_owned(),
    })
}

/// A container that waits for more than its turn.
fn waiting(status: &PodStatus) -> Option<Waits> {
    containers(status).into_iter().find_map(|container| {
        let waiting = container.state.as_ref()?.waiting.as_ref()?;
        let reason = waiting
            .reason
            .clone()
            .filter(|reason| !matches!(reason.as_str(), "PodInitializing" | "ContainerCreating"))?;
        let last = container.last_state.as_ref().and_then(|state| state.terminated.as_ref());
        let words = last.and_then(|end| end.message.as_deref()).or(waiting.message.as_deref()).unwrap_or_default();
        let would_be = match reason.as_str() {
            "ErrImagePull" | "ImagePullBackOff" | "InvalidImageName" | "ErrImageNeverPull" => OutcomeReason::ImagePull,
            "CrashLoopBackOff" if container.name == RUNNER => OutcomeReason::RunnerLost,
            _ => OutcomeReason::SetupFailed,
        };
        let message = format!("The container {} waits ({reason}): {}", container.name, words.trim());
        Some(Waits { would_be, reason, message })
    })
}

fn containers(status: &PodStatus) -> Vec<&ContainerStatus> {
    let lists = [&status.init_container_statuses, &status.container_statuses];
    lists.into_iter().flatten().flatten().collect()
}

fn container<'a>(status: &'a PodStatus, name: &str) -> Option<&'a ContainerStatus> {
    containers(status).into_iter().find(|container| container.name == name)
}

fn condition<'a>(status: &'a PodStatus, kind: &str) -> Option<&'a PodCondition> {
    status.conditions.iter().flatten().find(|condition| condition.type_ == kind)
}
