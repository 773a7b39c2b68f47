//! What to do for a session, and what to say of it. Pure.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use kube::ResourceExt;

use super::{
    claim,
    evidence::{self, End, PodState, Waits},
    leaving::{self, Due},
    needs,
    view::View,
    wish::{DESIRED_PHASE, FORCE_PROMPT, STOP_REASON, Why, Wish, wish},
};
use crate::{
    api::{outcome::OutcomeReason, session::SessionPhase},
    operator::config::Config,
};

/// One thing to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::operator) enum Step {
    /// Account, token, Service, files and policy are to be there as they are to be.
    Provide,
    /// The pod is to be made.
    CreatePod,
    /// The pod is to end.
    DeletePod,
    /// The pod was told to end and does not: it is taken away if its node is lost.
    ReleasePod,
    /// The first Run is to be made from `initialPrompt`.
    CreateFirstRun,
    /// `initialPrompt` is to become a Run once more.
    CreatePromptRun,
    /// The annotation that asked for that has acted. Always directly after it: what tells one such request from another is in the
    /// status, which is written later.
    ClearForce,
    /// The annotation by which somebody asked for something has acted. It goes after the status is written, which keeps what was asked.
    ClearRequest,
}

/// What is said of the session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::operator) enum Saying {
    /// A pod comes up.
    Creating { reason: String, message: String },
    /// The runner answers.
    Running,
    /// The runner does not answer for a moment.
    Unready,
    /// The pod goes.
    Stopping(Why),
    /// The pod was told to go, and does not.
    Stuck(Why, String),
    /// It has stopped.
    Stopped(Why),
    /// Its runner ended by itself, and well.
    Completed,
    /// It does not come up, or not again.
    Failed { reason: OutcomeReason, message: String },
    /// As it was said before.
    AsBefore,
}

/// What to do for a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::operator) struct Plan {
    /// In this order.
    pub(in crate::operator) steps: Vec<Step>,
    /// What its status says afterwards.
    pub(in crate::operator) saying: Saying,
    /// Whether a new life of the session begins: its times start anew.
    pub(in crate::operator) starts: bool,
    /// When to look again though nothing changes.
    pub(in crate::operator) wake: Option<Timestamp>,
}

impl Plan {
    /// A pod that was made may be further by the time of writing: then that is said, so that nothing is written twice. What else a
    /// later plan wants is for the next reconcile.
    pub(in crate::operator) fn catch_up(&mut self, later: Self) {
        let comes = matches!(self.saying, Saying::Creating { .. });
        let goes_on = matches!(later.saying, Saying::Creating { .. } | Saying::Running);
        if comes && goes_on && !later.steps.contains(&Step::DeletePod) {
            self.saying = later.saying;
            self.wake = later.wake;
        }
    }
}

/// Decides.
pub(in crate::operator) fn plan(view: &View, config: &Config, now: Timestamp) -> Plan {
    let (wish, wake) = wish(view, config, now);
    let pod = evidence::state(view.pod.as_deref());
    let mut plan = match wish {
        Wish::Up => prompted(view, up(view, &pod, config, now)),
        Wish::Down(why) => down(view, &pod, why, config, now),
        Wish::Rest => rest(view, &pod, config, now),
    };
    plan.wake = plan.wake.into_iter().chain(wake).min();
    if acted(view, &plan) {
        plan.steps.push(Step::ClearRequest);
    }
    plan
}

fn to_do(steps: Vec<Step>, saying: Saying) -> Plan {
    Plan { steps, saying, starts: false, wake: None }
}

fn up(view: &View, pod: &PodState, config: &Config, now: Timestamp) -> Plan {
    if !view.owns_pod() {
        let message =
            "A pod of the session's name belongs to something else. Delete it, or give the session another name.";
        return to_do(vec![], Saying::Failed { reason: OutcomeReason::SetupFailed, message: message.to_owned() });
    }
    let starts = !matches!(view.status().phase, SessionPhase::Creating | SessionPhase::Running);
    let plan = match pod {
        PodState::Absent => absent(view, starts, config, now),
        PodState::Leaving => {
            leaving(view, config, now, comes(vec![], "PodLeaving", "The pod before this one is ending."), |late| {
                Saying::Creating { reason: "PodStuck".to_owned(), message: late }
            })
        }
        PodState::Starting(waits) => starting(view, waits, config, now),
        PodState::Ready => to_do(vec![Step::Provide], Saying::Running),
        PodState::Unready => to_do(vec![Step::Provide], Saying::Unready),
        // What has ended before the session was asked to go on is of its last life.
        PodState::Ended(_) if starts => {
            comes(vec![Step::DeletePod], "PodLeaving", "The pod before this one is ending.")
        }
        PodState::Ended(End { reason: None, .. }) => to_do(vec![Step::DeletePod], Saying::Completed),
        // The node wanted its room back, which says nothing about the session: it gets another pod.
        PodState::Ended(End { reason: Some(OutcomeReason::Evicted), message }) => {
            comes(vec![Step::DeletePod], "Evicted", message)
        }
        PodState::Ended(End { reason: Some(reason), message }) => {
            to_do(vec![Step::DeletePod], Saying::Failed { reason: *reason, message: message.clone() })
        }
    };
    let first = view.status().start_time.is_none() && view.session.spec.initial_prompt.is_some();
    let steps = if first { std::iter::once(Step::CreateFirstRun).chain(plan.steps).collect() } else { plan.steps };
    Plan { steps, starts, ..plan }
}

fn comes(steps: Vec<Step>, reason: &str, message: &str) -> Plan {
    to_do(steps, Saying::Creating { reason: reason.to_owned(), message: message.to_owned() })
}

/// A start that somebody wants with the prompt. The first start has it anyway.
fn prompted(view: &View, plan: Plan) -> Plan {
    if view.session.annotations().get(FORCE_PROMPT).is_none_or(|value| value != "true") {
        return plan;
    }
    let again = view.status().start_time.is_some().then_some(Step::CreatePromptRun);
    let steps = again.into_iter().chain([Step::ClearForce]).chain(plan.steps).collect();
    Plan { steps, ..plan }
}

fn absent(view: &View, starts: bool, config: &Config, now: Timestamp) -> Plan {
    let Some(need) = needs::missing(view, config) else {
        return comes(vec![Step::Provide, Step::CreatePod], "PodCreated", "The pod is made.");
    };
    let (saying, wake) = needs::waiting(need, view, starts, config, now);
    Plan { wake, ..to_do(vec![], saying) }
}

/// A pod that ends has until its deadline; then its node is asked about.
fn leaving(view: &View, config: &Config, now: Timestamp, in_time: Plan, late: impl Fn(String) -> Saying) -> Plan {
    match leaving::due(view.pod.as_deref(), config, now) {
        Due::In(deadline) => Plan { wake: Some(deadline), ..in_time },
        Due::Late(message, again) => Plan { wake: Some(again), ..to_do(vec![Step::ReleasePod], late(message)) },
    }
}

/// A pod that comes up has until its deadline.
fn starting(view: &View, waits: &Waits, config: &Config, now: Timestamp) -> Plan {
    let waits = claim::waits(view, waits.clone());
    let deadline = view.pod.as_deref().and_then(|pod| match evidence::scheduled_at(pod) {
        Some(scheduled) => after(scheduled, config.deadlines.start),
        None => after(evidence::created_at(pod)?, config.deadlines.schedule),
    });
    if deadline.is_some_and(|deadline| deadline <= now) {
        let message = format!("It did not come up in time. {}", waits.message);
        return to_do(vec![Step::DeletePod], Saying::Failed { reason: waits.would_be, message });
    }
    Plan { wake: deadline, ..comes(vec![Step::Provide], &waits.reason, &waits.message) }
}

fn down(view: &View, pod: &PodState, why: Why, config: &Config, now: Timestamp) -> Plan {
    match pod {
        PodState::Absent => to_do(vec![], Saying::Stopped(why)),
        PodState::Leaving => {
            leaving(view, config, now, to_do(vec![], Saying::Stopping(why)), |late| Saying::Stuck(why, late))
        }
        PodState::Starting(_) | PodState::Ready | PodState::Unready | PodState::Ended(_) => {
            to_do(vec![Step::DeletePod], Saying::Stopping(why))
        }
    }
}

/// A session at rest has no pod.
fn rest(view: &View, pod: &PodState, config: &Config, now: Timestamp) -> Plan {
    match pod {
        PodState::Absent => to_do(vec![], Saying::AsBefore),
        PodState::Leaving => leaving(view, config, now, to_do(vec![], Saying::AsBefore), |_| Saying::AsBefore),
        PodState::Starting(_) | PodState::Ready | PodState::Unready | PodState::Ended(_) => {
            to_do(vec![Step::DeletePod], Saying::AsBefore)
        }
    }
}

/// Whether what the annotation asked for is so.
fn acted(view: &View, plan: &Plan) -> bool {
    let annotations = view.session.annotations();
    match annotations.get(DESIRED_PHASE).map(String::as_str) {
        Some("Stopped") => matches!(plan.saying, Saying::Stopped(_)),
        // What has failed was tried: kept, the request would try it for ever.
        Some("Running") => {
            plan.steps.contains(&Step::CreatePod) || matches!(plan.saying, Saying::Running | Saying::Failed { .. })
        }
        Some(_) => true,
        None => annotations.contains_key(STOP_REASON) && matches!(plan.saying, Saying::Running),
    }
}

fn after(time: Timestamp, duration: Duration) -> Option<Timestamp> {
    time.checked_add(SignedDuration::try_from(duration).ok()?).ok()
}
