//! Why an agent has crashed. Its runner sees that the process is gone; where the kernel ends the whole container for its memory (cgroup
//! v2), only the pod says so, a moment later. Pure.

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::ContainerStateTerminated;

use super::view::View;
use crate::{
    api::{AgenticSession, RunStatus, outcome::OutcomeReason},
    operator::session::evidence,
};

/// How long a kubelet may take to say how a container has ended.
const KUBELET: SignedDuration = SignedDuration::from_secs(5);
/// A kubelet's times are whole seconds.
const SECOND: SignedDuration = SignedDuration::from_secs(1);

/// Kubernetes' own word for it.
const OUT_OF_MEMORY: &str = "OOMKilled";

/// Until when the pod may still say why the agent has crashed. None: it has said, or there is nothing to say.
pub(super) fn unsaid(view: &View, seen: &RunStatus, now: Timestamp) -> Option<Timestamp> {
    let (pod, crash) = (view.own_pod()?, Crash::of(seen)?);
    let agent = evidence::agent(pod)?;
    let says = evidence::last_end(agent).is_some_and(|end| crash.is_by(end));
    let until = crash.at.checked_add(KUBELET).ok()?;
    // A node whose clock is ahead does not make the wait longer.
    let soon = now.checked_add(KUBELET + SECOND).ok()?;
    (!says && now < until && until <= soon).then_some(until)
}

/// That the agent's container was ended for its memory, if that is how the agent has crashed.
pub(super) fn out_of_memory(view: &View, seen: &RunStatus) -> Option<(OutcomeReason, String)> {
    let crash = Crash::of(seen)?;
    let end = evidence::last_end(evidence::agent(view.own_pod()?)?).filter(|end| crash.is_by(end))?;
    (end.reason.as_deref() == Some(OUT_OF_MEMORY)).then(|| (OutcomeReason::OOMKilled, message(view.session.as_deref())))
}

fn message(session: Option<&AgenticSession>) -> String {
    let agent = session.and_then(|session| session.spec.agent.as_ref());
    let limit = agent.and_then(|agent| agent.resources.as_ref()?.limits.get("memory"));
    let is = limit.map_or_else(String::new, |limit| format!(" It is {limit}."));
    format!(
        "The kernel ended the agent's container because it needed more memory than it may have. Raise its session's \
         spec.agent.resources.limits.memory.{is}"
    )
}

/// An agent's crash in a Run.
struct Crash {
    begun: Timestamp,
    at: Timestamp,
}

impl Crash {
    fn of(seen: &RunStatus) -> Option<Self> {
        let is_one = seen.outcome.as_ref()?.reason == OutcomeReason::AgentCrashed;
        let (begun, at) = (seen.start_time.as_ref()?.0, seen.completion_time.as_ref()?.0);
        is_one.then_some(Self { begun, at })
    }

    /// Whether it is this end of the container: one before the Run is another story, and so is one long after it.
    fn is_by(&self, end: &ContainerStateTerminated) -> bool {
        let Some(at) = end.finished_at.as_ref().map(|time| time.0) else { return false };
        at.duration_since(self.begun) > -SECOND && at.duration_since(self.at) <= KUBELET
    }
}
