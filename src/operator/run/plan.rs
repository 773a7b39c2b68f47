//! What to do for a Run. Pure.

use jiff::{SignedDuration, Timestamp};
use kube::ResourceExt;

use super::{
    adopt, crash,
    queue::{self, Turn},
    view::{Seen, View},
};
use crate::{
    api::{
        AgenticSession, Run, RunStatus,
        conditions::READY,
        outcome::OutcomeReason,
        run::{DesiredState, Outcome, RunPhase},
        session::{self, SessionPhase},
    },
    operator::{
        config::Config,
        session::evidence::{self, End, PodState},
    },
};

/// What to do for a Run.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::operator) enum Next {
    /// It has ended, or asks.
    Nothing,
    /// It has asked something, and waits for an answer until then.
    Ask { until: Option<Timestamp> },
    /// It cannot start yet, for this reason.
    Wait { reason: &'static str, message: String, until: Option<Timestamp> },
    /// It is the pod's from now on: that is written down before the runner hears of it.
    Start,
    /// The runner is to have it, and is to be listened to.
    Follow { cancel: bool },
    /// It has ended, and why is known better in a moment: until then that is waited for.
    Linger { until: Timestamp },
    /// What the runner said is its status.
    Take(Box<RunStatus>),
    /// It ends without the runner's word.
    End { reason: OutcomeReason, message: String },
    /// Its pod is gone: it ends as what is kept of it says, and like this where that has no end.
    Lost { reason: OutcomeReason, message: String },
}

/// Decides.
pub(in crate::operator) fn plan(view: &View, config: &Config, now: Timestamp) -> Next {
    let status = view.status();
    match status.phase {
        RunPhase::Succeeded | RunPhase::Failed | RunPhase::Cancelled => Next::Nothing,
        RunPhase::WaitingForInput => asking(view, now),
        RunPhase::Pending | RunPhase::Waiting | RunPhase::Running if status.runner.is_some() => started(view, now),
        RunPhase::Pending | RunPhase::Waiting | RunPhase::Running => waiting(view, config, now),
    }
}

/// A Run that has asked something ends by the Run that answers.
fn asking(view: &View, now: Timestamp) -> Next {
    if cancelled(view) {
        return end(OutcomeReason::Cancelled, "The Run was cancelled while it waited for an answer.");
    }
    // A runner that refuses answers writes no event of them.
    let taken = |run: &Run| {
        run.status.as_ref().and_then(|status| status.events.as_ref()).is_some_and(|events| events.count > 0)
    };
    let mut answers = view
        .all
        .iter()
        .filter(|run| taken(run) && queue::answers(run) && queue::thread(run) == queue::thread(&view.run));
    if let Some(by) = answers.find(|run| run.creation_timestamp() >= view.run.creation_timestamp()) {
        return end(OutcomeReason::Answered, format!("The Run {} answered what it asked.", by.name_any()));
    }
    let until = answer_until(view);
    if until.is_some_and(|until| until <= now) {
        return end(OutcomeReason::Cancelled, "Nobody answered what it asked within its timeout.");
    }
    if view.session.as_deref().is_some_and(keeps_conversation) {
        return Next::Ask { until };
    }
    // What is kept of it is that it asks.
    let ended = |(reason, message): (_, String)| end(reason, message);
    match evidence::state(view.own_pod().map(AsRef::as_ref)) {
        PodState::Absent => ended(lost(view, None)),
        PodState::Ended(end) => ended(lost(view, Some(end))),
        PodState::Leaving | PodState::Starting(_) | PodState::Ready | PodState::Unready => Next::Ask { until },
    }
}

/// When a question has waited long enough.
fn answer_until(view: &View) -> Option<Timestamp> {
    let begun = view.status().start_time.or_else(|| view.run.creation_timestamp())?;
    begun.0.checked_add(SignedDuration::from_secs(view.run.timeout_seconds())).ok()
}

/// Whether the next pod of a session knows what was asked in the one before.
fn keeps_conversation(session: &AgenticSession) -> bool {
    let is_there = session.metadata.deletion_timestamp.is_none();
    let workspace = session.spec.workspace.as_ref();
    is_there && workspace.is_some_and(|workspace| workspace.persistence == session::Persistence::PersistentVolume)
}

fn cancelled(view: &View) -> bool {
    view.run.spec.desired_state == DesiredState::Cancelled
}

fn end(reason: OutcomeReason, message: impl Into<String>) -> Next {
    Next::End { reason, message: message.into() }
}

/// A Run that a runner was given, or may have been given.
fn started(view: &View, now: Timestamp) -> Next {
    match &view.seen {
        Seen::Events(seen) if ended(seen) => {
            return crash::unsaid(view, seen, now).map_or_else(|| taken(view, seen), |until| Next::Linger { until });
        }
        Seen::Refused(why) => return end(OutcomeReason::SetupFailed, format!("The runner refused the Run: {why}")),
        Seen::Unreachable => return end(OutcomeReason::RunnerLost, "Its runner could not be reached for ten minutes."),
        Seen::Events(_) | Seen::Nothing => {}
    }
    let gone = |(reason, message)| Next::Lost { reason, message };
    match evidence::state(view.own_pod().map(AsRef::as_ref)) {
        PodState::Absent => gone(lost(view, None)),
        PodState::Ended(end) => gone(lost(view, Some(end))),
        PodState::Leaving | PodState::Starting(_) | PodState::Ready | PodState::Unready => match &view.seen {
            Seen::Events(seen) if !cancelled(view) => Next::Take(seen.clone()),
            _ => Next::Follow { cancel: cancelled(view) },
        },
    }
}

/// The status that a Run's events tell.
pub(in crate::operator) fn taken(view: &View, seen: &RunStatus) -> Next {
    Next::Take(told(view, seen))
}

/// What the runner said, and what it cannot know: why its pod was told to end, and why the agent's container did.
fn told(view: &View, seen: &RunStatus) -> Box<RunStatus> {
    let mut status = Box::new(seen.clone());
    if let Some((reason, message)) = stopped(view, seen).or_else(|| crash::out_of_memory(view, seen)) {
        status.phase = reason.phase();
        status.outcome = Some(Outcome { reason, message: Some(message) });
    }
    status
}

/// Why its pod was told to end, if it was and that is known.
fn stopped(view: &View, seen: &RunStatus) -> Option<(OutcomeReason, String)> {
    seen.outcome.as_ref().filter(|outcome| outcome.reason == OutcomeReason::SessionStopped)?;
    if view.session.as_ref().is_none_or(|session| session.metadata.deletion_timestamp.is_some()) {
        return Some((OutcomeReason::SessionDeleted, "Its session was deleted while it ran.".to_owned()));
    }
    let why = view.own_pod().and_then(|pod| evidence::disruption(pod))?;
    Some((OutcomeReason::Evicted, format!("Its pod was evicted while it ran: {why}")))
}

fn ended(status: &RunStatus) -> bool {
    status.phase.is_terminal() || status.phase == RunPhase::WaitingForInput
}

/// The pod went away with the Run in it. It is never started again: what it has done cannot be undone.
fn lost(view: &View, pod: Option<End>) -> (OutcomeReason, String) {
    let Some(session) = view.session.as_ref().filter(|session| session.metadata.deletion_timestamp.is_none()) else {
        return (OutcomeReason::SessionDeleted, "Its session was deleted while it ran.".to_owned());
    };
    if let Some(End { reason: Some(reason), message }) = pod {
        return (reason, message);
    }
    if let Some(why) = view.status().runner.and_then(|runner| runner.disruption) {
        return (OutcomeReason::Evicted, format!("Its pod was evicted while it ran: {why}"));
    }
    match phase(session) {
        SessionPhase::Stopping | SessionPhase::Stopped => {
            (OutcomeReason::SessionStopped, "Its session was stopped while it ran.".to_owned())
        }
        SessionPhase::Failed => failed(session),
        SessionPhase::Pending | SessionPhase::Creating | SessionPhase::Running | SessionPhase::Completed => {
            let message = "The pod that it ran in is gone, and its last word did not arrive.";
            (OutcomeReason::RunnerLost, message.to_owned())
        }
    }
}

fn phase(session: &AgenticSession) -> SessionPhase {
    session.status.as_ref().map(|status| status.phase).unwrap_or_default()
}

/// The session's own reason is the Run's.
fn failed(session: &AgenticSession) -> (OutcomeReason, String) {
    let ready = ready(session);
    let reason = ready.as_ref().and_then(|(reason, _)| reason.parse().ok()).unwrap_or(OutcomeReason::SetupFailed);
    let message = ready.map_or_else(|| "Its session has failed.".to_owned(), |(_, message)| message);
    (reason, message)
}

fn ready(session: &AgenticSession) -> Option<(String, String)> {
    let conditions = &session.status.as_ref()?.conditions;
    let ready = conditions.iter().find(|condition| condition.type_ == READY)?;
    Some((ready.reason.clone(), ready.message.clone()))
}

/// A Run that no runner knows.
fn waiting(view: &View, config: &Config, now: Timestamp) -> Next {
    // It runs already.
    if adopt::is_adopted(&view.run) {
        return Next::Start;
    }
    if cancelled(view) {
        return end(OutcomeReason::Cancelled, "The Run was cancelled before it started.");
    }
    let Some(session) = view.session.as_deref() else {
        return without_session(view, config, now);
    };
    if session.metadata.deletion_timestamp.is_some() {
        return end(OutcomeReason::SessionDeleted, "Its session was deleted before it started.");
    }
    if session.spec.desired_state == Some(session::DesiredState::Stopped) {
        return wait("SessionStopped", "Its session is stopped (spec.desiredState).");
    }
    if let Turn::Behind(other) = queue::turn(&view.run, &view.all) {
        return wait("Queued", &format!("The Run {other} of the same thread is before it."));
    }
    if queue::answers(&view.run) && nobody_asks(view) {
        let message = "spec.resume: no Run of its thread waits for an answer any more.";
        return end(OutcomeReason::SetupFailed, message);
    }
    match (phase(session), evidence::state(view.pod.as_deref())) {
        (SessionPhase::Failed, _) => {
            let (reason, message) = failed(session);
            end(reason, message)
        }
        (SessionPhase::Running, PodState::Ready) => Next::Start,
        (_, _) => {
            let message =
                ready(session).map_or_else(|| "Its session is not ready yet.".to_owned(), |(_, message)| message);
            wait("SessionNotReady", &message)
        }
    }
}

/// Whether the thread's Runs are known, and none of them asks: a runner would take the answer for a turn with nothing to do.
fn nobody_asks(view: &View) -> bool {
    let thread = queue::thread(&view.run);
    let mut others =
        view.all.iter().filter(|run| run.uid() != view.run.uid() && queue::thread(run) == thread).peekable();
    others.peek().is_some() && !others.any(|run| queue::phase(run) == RunPhase::WaitingForInput)
}

fn without_session(view: &View, config: &Config, now: Timestamp) -> Next {
    let name = &view.run.spec.session_ref.name;
    let limit = SignedDuration::try_from(config.deadlines.session).unwrap_or(SignedDuration::MAX);
    let until = view.run.creation_timestamp().and_then(|created| created.0.checked_add(limit).ok());
    if until.is_some_and(|until| until <= now) {
        let message = format!(
            "spec.sessionRef.name: there is no AgenticSession {name} in this namespace, and none came in time."
        );
        return Next::End { reason: OutcomeReason::SetupFailed, message };
    }
    let message = format!("spec.sessionRef.name: there is no AgenticSession {name} in this namespace; create it.");
    Next::Wait { reason: "SessionMissing", message, until }
}

fn wait(reason: &'static str, message: &str) -> Next {
    Next::Wait { reason, message: message.to_owned(), until: None }
}
