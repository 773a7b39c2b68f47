//! Whether a session is to have a pod. Pure.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use kube::ResourceExt;

use super::view::View;
use crate::{
    api::{
        AgenticSession, Run,
        conditions::READY,
        run::RunPhase,
        session::{DesiredState, SessionPhase},
    },
    operator::config::Config,
};

/// The annotation by which the platform's backend starts and stops sessions. It acts once and is removed when it has.
pub(in crate::operator) const DESIRED_PHASE: &str = "ambient-code.io/desired-phase";
/// Why the backend stops a session.
pub(in crate::operator) const STOP_REASON: &str = "ambient-code.io/stop-reason";

/// Says of a start that `initialPrompt` becomes a Run once more.
pub(in crate::operator) const FORCE_PROMPT: &str = "ambient-code.io/force-execute-prompt";
/// When somebody asked for a start.
pub(in crate::operator) const REQUESTED_AT: &str = "ambient-code.io/start-requested-at";

/// The reason of the condition Ready while `spec.desiredState` keeps a session down.
pub(super) const DESIRED: &str = "DesiredStateStopped";

/// Whether a session is still wanted as it was: the same one, with the same spec and the same request.
pub(super) fn is_same(one: &AgenticSession, other: &AgenticSession) -> bool {
    let wanted = |session: &AgenticSession| (session.uid(), session.metadata.generation);
    let asked = |session: &AgenticSession| {
        [DESIRED_PHASE, STOP_REASON].map(|annotation| session.annotations().get(annotation).cloned())
    };
    wanted(one) == wanted(other) && asked(one) == asked(other)
}

/// What a session is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Wish {
    /// Up, with a pod.
    Up,
    /// Without a pod, because of this.
    Down(Why),
    /// As it ended.
    Rest,
}

/// Why a session stops; `status.stoppedReason`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::operator) enum Why {
    User,
    /// `spec.desiredState`
    Desired,
    Inactivity,
    Deadline,
    RunFinished,
}

impl Why {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::User | Self::Desired => "user",
            Self::Inactivity => "inactivity",
            Self::Deadline => "deadline",
            Self::RunFinished => "run-finished",
        }
    }

    /// The reason of the condition Ready; the original's where it has one.
    pub(super) const fn reason(self) -> &'static str {
        match self {
            Self::User => "UserStopped",
            Self::Desired => DESIRED,
            Self::Inactivity => "InactivityTimeout",
            Self::Deadline => "DeadlineExceeded",
            Self::RunFinished => "RunFinished",
        }
    }

    pub(super) const fn message(self) -> &'static str {
        match self {
            Self::Desired => "spec.desiredState is Stopped. Set it to Running to go on.",
            Self::User => {
                "It was stopped. Set the annotation ambient-code.io/desired-phase: Running, or create a Run, to go on."
            }
            Self::Inactivity => "Nothing happened for longer than its inactivityTimeout. A new Run wakes it.",
            Self::Deadline => "It was active for longer than its activeDeadlineSeconds. A new Run wakes it.",
            Self::RunFinished => "Its Run is finished, and stopOnRunFinished is set. A new Run wakes it.",
        }
    }

    /// The reason that a status or an annotation names.
    fn named(text: &str) -> Self {
        [Self::Inactivity, Self::Deadline, Self::RunFinished]
            .into_iter()
            .find(|why| why.as_str() == text)
            .unwrap_or(Self::User)
    }
}

/// What the session is to be now, and when that has to be looked at again though nothing changes.
pub(super) fn wish(view: &View, config: &Config, now: Timestamp) -> (Wish, Option<Timestamp>) {
    let (session, status) = (&view.session, view.status());
    let asked = session.annotations().get(DESIRED_PHASE).map(String::as_str);
    if asked == Some("Stopped") {
        let why = session.annotations().get(STOP_REASON).map_or(Why::User, |text| Why::named(text));
        return (Wish::Down(why), None);
    }
    if session.spec.desired_state == Some(DesiredState::Stopped) {
        return (Wish::Down(Why::Desired), None);
    }
    if asked == Some("Running") {
        return (Wish::Up, None);
    }
    match status.phase {
        // The manifest that stopped it says otherwise by now.
        SessionPhase::Stopping | SessionPhase::Stopped if was_desired(view) => (Wish::Up, None),
        SessionPhase::Stopping => (Wish::Down(stopped_by(view)), None),
        SessionPhase::Stopped | SessionPhase::Completed if wakes(view) => (Wish::Up, None),
        SessionPhase::Failed if changed(view) => (Wish::Up, None),
        SessionPhase::Stopped | SessionPhase::Completed | SessionPhase::Failed => (Wish::Rest, None),
        SessionPhase::Pending | SessionPhase::Creating | SessionPhase::Running => limits(view, config, now),
    }
}

fn was_desired(view: &View) -> bool {
    let ready = view.status().conditions.iter().find(|condition| condition.type_ == READY);
    ready.is_some_and(|ready| ready.reason == DESIRED)
}

fn stopped_by(view: &View) -> Why {
    view.status().stopped_reason.as_deref().map_or(Why::User, Why::named)
}

/// Whether a Run was made after the session came to rest.
fn wakes(view: &View) -> bool {
    let since = view.status().completion_time.as_ref().map(|time| time.0);
    let is_new = |run: &Run| run.creation_timestamp().map(|time| time.0) >= since;
    view.runs.iter().any(|run| waits(run) && is_new(run))
}

fn changed(view: &View) -> bool {
    view.status().observed_generation != view.session.metadata.generation
}

fn phase(run: &Run) -> RunPhase {
    run.status.as_ref().map(|status| status.phase).unwrap_or_default()
}

fn waits(run: &Run) -> bool {
    matches!(phase(run), RunPhase::Pending | RunPhase::Waiting)
}

/// The session's own limits.
fn limits(view: &View, config: &Config, now: Timestamp) -> (Wish, Option<Timestamp>) {
    let spec = &view.session.spec;
    let Some(started) = view.status().start_time.as_ref().map(|time| time.0) else {
        return (Wish::Up, None);
    };
    let deadline = spec.active_deadline_seconds.and_then(|seconds| after(started, seconds));
    if deadline.is_some_and(|deadline| deadline <= now) {
        return (Wish::Down(Why::Deadline), None);
    }
    // A Run may be gone before anybody has seen its end.
    let had_runs = !view.runs.is_empty() || view.status().runs.is_some();
    let finished = spec.stop_on_run_finished == Some(true) && had_runs;
    if finished && view.runs.iter().all(|run| phase(run).is_terminal()) {
        return (Wish::Down(Why::RunFinished), None);
    }
    let idle = idle_at(view, config, started);
    if idle.is_some_and(|idle| idle <= now) {
        return (Wish::Down(Why::Inactivity), None);
    }
    (Wish::Up, deadline.into_iter().chain(idle).min())
}

/// When the session will have been idle for too long; none while something is to be done.
fn idle_at(view: &View, config: &Config, started: Timestamp) -> Option<Timestamp> {
    let seconds = view.session.spec.inactivity_timeout.or(view.project_inactivity);
    let limit = seconds.and_then(|seconds| u64::try_from(seconds).ok()).map_or(config.inactivity, Duration::from_secs);
    let busy =
        view.runs.iter().any(|run| matches!(phase(run), RunPhase::Pending | RunPhase::Waiting | RunPhase::Running));
    if limit.is_zero() || busy {
        return None;
    }
    let told = view.status().last_activity_time.as_ref().map(|time| time.0);
    let ended = view.runs.iter().filter_map(|run| run.status.as_ref()?.completion_time.as_ref().map(|time| time.0));
    let last = ended.chain(told).fold(started, Timestamp::max);
    after(last, i64::try_from(limit.as_secs()).ok()?)
}

fn after(time: Timestamp, seconds: i64) -> Option<Timestamp> {
    time.checked_add(SignedDuration::from_secs(seconds)).ok()
}
