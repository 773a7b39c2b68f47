//! What the pod says of an agent that has crashed, without a cluster.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{
    plan::{Next, plan},
    status::status,
    tests::{at, begun, config, pod, session, view},
    view::{Seen, View},
};
use crate::api::{Run, RunStatus, outcome::OutcomeReason};

/// The Run went from second 10 to second 20, and its agent was gone then.
fn crashed(state: &Value) -> View {
    let agent = json!({"name": "agent", "image": "i", "imageID": "", "ready": true, "restartCount": 1, "state": {"running": {}}});
    let mut agent = agent.as_object().unwrap().clone();
    agent.extend(state.as_object().unwrap().clone());
    let ready = json!({"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}], "initContainerStatuses": [agent]});
    let mut view = view(begun(), Some(pod("pod-1", &ready)));
    let said = json!({
        "phase": "Failed", "outcome": {"reason": "AgentCrashed", "message": "the agent's process is gone"},
        "startTime": at(10).to_string(), "completionTime": at(20).to_string(),
    });
    view.seen = Seen::Events(serde_json::from_value(said).unwrap());
    view
}

fn ended(reason: &str, second: i64) -> Value {
    json!({"terminated": {"exitCode": 137, "reason": reason, "finishedAt": at(second).to_string()}})
}

/// What the Run says when its end is looked at so many seconds after it; none: that is waited for.
fn outcome(view: &View, now: Timestamp) -> Option<(OutcomeReason, String)> {
    let next = plan(view, &config(), now);
    let status = status(view, &next, now);
    if let Next::Linger { until } = next {
        assert!(until > now && until.duration_since(now) <= SignedDuration::from_secs(6), "{until}");
        assert!(status.is_none(), "nothing is said yet");
        return None;
    }
    let outcome = status.unwrap().outcome.unwrap();
    Some((outcome.reason, outcome.message.unwrap()))
}

fn reason(view: &View, second: i64) -> Option<OutcomeReason> {
    outcome(view, at(second)).map(|(reason, _)| reason)
}

#[test]
fn an_agent_whose_container_the_kernel_ended_was_out_of_memory() {
    let looks = [json!({"lastState": ended("OOMKilled", 20)}), json!({"state": ended("OOMKilled", 21)})];
    for state in looks {
        let mut view = crashed(&state);
        assert_eq!(reason(&view, 20), Some(OutcomeReason::OOMKilled), "{state}");
        assert!(outcome(&view, at(20)).unwrap().1.contains("Raise its session's spec.agent.resources.limits.memory."));
        let mut limited = session("Running");
        limited.spec.agent = serde_json::from_value(json!({"resources": {"limits": {"memory": "600Mi"}}})).unwrap();
        view.session = Some(Arc::new(limited));
        assert!(outcome(&view, at(20)).unwrap().1.ends_with("It is 600Mi."));
    }
}

#[test]
fn what_the_pod_says_is_waited_for_and_not_for_long() {
    let silent = crashed(&json!({}));
    assert_eq!((reason(&silent, 20), reason(&silent, 24)), (None, None));
    assert_eq!(reason(&silent, 25), Some(OutcomeReason::AgentCrashed));
    assert_eq!(reason(&silent, 0), Some(OutcomeReason::AgentCrashed), "a clock that is ahead makes no wait longer");
    let mut gone = silent.clone();
    gone.pod = None;
    assert_eq!(reason(&gone, 20), Some(OutcomeReason::AgentCrashed), "nobody can say anything");
}

#[test]
fn only_an_end_within_the_run_and_for_memory_is_its_reason() {
    let of = |end: Value, second| reason(&crashed(&json!({"lastState": end})), second);
    assert_eq!(
        of(ended("Error", 20), 20),
        Some(OutcomeReason::AgentCrashed),
        "the container crashed, and not for memory"
    );
    assert_eq!(of(ended("OOMKilled", 8), 20), None, "that was before the Run, so it is another crash");
    assert_eq!(of(ended("OOMKilled", 8), 25), Some(OutcomeReason::AgentCrashed));
    assert_eq!(of(ended("OOMKilled", 26), 30), Some(OutcomeReason::AgentCrashed), "that was after it");
}

#[test]
fn what_a_run_has_said_stays_whatever_the_pod_says_later() {
    let view = crashed(&json!({}));
    let next = plan(&view, &config(), at(25));
    let ended_run = Run { status: status(&view, &next, at(25)), ..(*view.run).clone() };
    let later = View { run: Arc::new(ended_run), ..crashed(&json!({"lastState": ended("OOMKilled", 20)})) };
    assert_eq!(plan(&later, &config(), at(26)), Next::Nothing);
    assert!(status(&later, &Next::Nothing, at(26)).is_none());
}

#[test]
fn other_ends_are_neither_waited_for_nor_told_otherwise() {
    let mut fine = crashed(&json!({"lastState": ended("OOMKilled", 20)}));
    let said = json!({"phase": "Failed", "outcome": {"reason": "ProviderError", "message": "m"}, "startTime": at(10).to_string(),
        "completionTime": at(20).to_string()});
    fine.seen = Seen::Events(Box::new(serde_json::from_value::<RunStatus>(said).unwrap()));
    assert_eq!(reason(&fine, 20), Some(OutcomeReason::ProviderError));
}
