//! Conditions: the kstatus trio Ready, Reconciling and Stalled, and what a run adds to it. The time is passed in.

use k8s_openapi::{
    apimachinery::pkg::apis::meta::v1::{Condition, Time},
    jiff::Timestamp,
};

use super::{
    limits::cut,
    outcome::OutcomeReason,
    run::{RunPhase, RunStatus},
};

/// True when the object is what it is to be.
pub const READY: &str = "Ready";
/// True while the object is on its way there.
pub const RECONCILING: &str = "Reconciling";
/// True when the object does not get there without a person.
pub const STALLED: &str = "Stalled";
/// Of a run: True when it succeeded, False when it failed or was cancelled, Unknown until then.
pub const SUCCEEDED: &str = "Succeeded";

/// The reason of a run that waits for an answer.
pub const QUESTION: &str = "Question";

/// The most bytes of a condition's message as JSON; more is cut.
pub const MAX_MESSAGE: usize = 320;

/// What a condition says about its aspect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// It is so.
    True,
    /// It is not so.
    False,
    /// Nobody knows yet.
    Unknown,
}

impl Status {
    const fn as_str(self) -> &'static str {
        match self {
            Self::True => "True",
            Self::False => "False",
            Self::Unknown => "Unknown",
        }
    }
}

impl From<bool> for Status {
    fn from(value: bool) -> Self {
        if value { Self::True } else { Self::False }
    }
}

/// One aspect of an object's state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Aspect<'a> {
    /// The condition's type, e.g. [`READY`].
    pub kind: &'a str,
    /// What it says.
    pub status: Status,
    /// The reason, one CamelCase word.
    pub reason: &'a str,
    /// A sentence with what happened and what to do; may be empty. Cut at [`MAX_MESSAGE`] bytes.
    pub message: &'a str,
}

/// Puts an aspect among the conditions, in place of the one of its type (whose case does not matter). The transition time
/// moves only when the status does. Says whether anything changed.
pub fn upsert(conditions: &mut Vec<Condition>, aspect: Aspect<'_>, generation: Option<i64>, now: Timestamp) -> bool {
    let known = conditions.iter().position(|c| c.type_.eq_ignore_ascii_case(aspect.kind));
    let Some(known) = known else {
        conditions.push(condition(aspect, generation, Time(now)));
        return true;
    };
    let old = &mut conditions[known];
    let moved = old.status != aspect.status.as_str();
    let since = if moved { Time(now) } else { old.last_transition_time.clone() };
    let new = condition(aspect, generation, since);
    let changed = *old != new;
    *old = new;
    changed
}

fn condition(aspect: Aspect<'_>, generation: Option<i64>, since: Time) -> Condition {
    let message = cut(aspect.message, MAX_MESSAGE).into_owned();
    Condition {
        type_: aspect.kind.to_owned(),
        status: aspect.status.as_str().to_owned(),
        reason: aspect.reason.to_owned(),
        message,
        observed_generation: generation,
        last_transition_time: since,
    }
}

/// Brings the conditions of a run's status in line with its phase and outcome.
pub fn update_run(status: &mut RunStatus, generation: Option<i64>, now: Timestamp) {
    let mut conditions = std::mem::take(&mut status.conditions);
    for aspect in run_aspects(status) {
        upsert(&mut conditions, aspect, generation, now);
    }
    status.conditions = conditions;
}

/// The aspects of a run in the order in which people read them.
fn run_aspects(status: &RunStatus) -> [Aspect<'_>; 4] {
    let phase = status.phase;
    let (reason, message) = (run_reason(status), run_message(status));
    let working = matches!(phase, RunPhase::Pending | RunPhase::Waiting | RunPhase::Running);
    let aspect = |kind, status| Aspect { kind, status, reason, message };
    let quiet = |kind, status| Aspect { kind, status, reason, message: "" };
    [
        aspect(SUCCEEDED, succeeded(phase)),
        quiet(READY, Status::from(phase == RunPhase::Succeeded)),
        quiet(RECONCILING, Status::from(working)),
        quiet(STALLED, Status::from(phase == RunPhase::Failed)),
    ]
}

const fn succeeded(phase: RunPhase) -> Status {
    match phase {
        RunPhase::Pending | RunPhase::Waiting | RunPhase::Running | RunPhase::WaitingForInput => Status::Unknown,
        RunPhase::Succeeded => Status::True,
        RunPhase::Failed | RunPhase::Cancelled => Status::False,
    }
}

fn run_reason(status: &RunStatus) -> &'static str {
    match (&status.outcome, status.phase) {
        (Some(outcome), _) => outcome.reason.as_str(),
        (None, RunPhase::WaitingForInput) => QUESTION,
        (None, RunPhase::Failed) => OutcomeReason::AgentError.as_str(),
        (None, phase) => phase.as_str(),
    }
}

fn run_message(status: &RunStatus) -> &str {
    let outcome = status.outcome.as_ref().and_then(|outcome| outcome.message.as_deref());
    let question = || status.interrupts.first().and_then(|interrupt| interrupt.message.as_deref());
    outcome.or_else(question).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn ready(status: Status, message: &str) -> Aspect<'_> {
        Aspect { kind: READY, status, reason: "Running", message }
    }

    #[test]
    fn the_transition_time_moves_only_with_the_status() {
        let mut conditions = Vec::new();
        assert!(upsert(&mut conditions, ready(Status::False, "a"), Some(1), at(1)));
        assert!(upsert(&mut conditions, ready(Status::False, "b"), Some(2), at(2)));
        assert_eq!(conditions[0].last_transition_time, Time(at(1)));
        assert!(upsert(&mut conditions, ready(Status::True, "b"), Some(2), at(3)));
        assert_eq!(conditions[0].last_transition_time, Time(at(3)));
    }

    #[test]
    fn the_same_again_is_no_change() {
        let mut conditions = Vec::new();
        upsert(&mut conditions, ready(Status::True, ""), None, at(1));
        assert!(!upsert(&mut conditions, ready(Status::True, ""), None, at(2)));
    }

    #[test]
    fn a_condition_is_found_whatever_the_case_of_its_type_and_others_are_left_alone() {
        let mut conditions = Vec::new();
        for kind in ["Foreign", "ready"] {
            let aspect = Aspect { kind, ..ready(Status::False, "") };
            upsert(&mut conditions, aspect, None, at(1));
        }
        upsert(&mut conditions, ready(Status::True, ""), None, at(2));
        let kinds: Vec<&str> = conditions.iter().map(|c| c.type_.as_str()).collect();
        assert_eq!(kinds, ["Foreign", "Ready"]);
    }

    #[test]
    fn a_run_is_ready_stalled_or_on_its_way() {
        for (phase, expected) in [
            (RunPhase::Running, [("Succeeded", "Unknown"), ("Reconciling", "True")]),
            (RunPhase::WaitingForInput, [("Succeeded", "Unknown"), ("Reconciling", "False")]),
            (RunPhase::Succeeded, [("Succeeded", "True"), ("Ready", "True")]),
            (RunPhase::Failed, [("Succeeded", "False"), ("Stalled", "True")]),
            (RunPhase::Cancelled, [("Succeeded", "False"), ("Stalled", "False")]),
        ] {
            let mut status = RunStatus { phase, ..RunStatus::default() };
            update_run(&mut status, Some(1), at(1));
            for (kind, value) in expected {
                let found = status.conditions.iter().find(|c| c.type_ == kind).unwrap();
                assert_eq!(found.status, value, "{phase:?} {kind}");
            }
        }
    }
}
