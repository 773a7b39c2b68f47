//! What becomes of questions, without a cluster.

use std::sync::Arc;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;
use serde_json::{Value, json};

use super::{
    plan::{Next, plan},
    tests::config,
    view::{Seen, View},
};
use crate::api::{AgenticSession, Run, outcome::OutcomeReason};

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_000_000 + second).unwrap()
}

fn run(name: &str, spec: &Value, status: &Value) -> Arc<Run> {
    let mut spec = spec.clone();
    spec["sessionRef"] = json!({"name": "s1"});
    let object = json!({
        "apiVersion": "v", "kind": "Run", "spec": spec, "status": status,
        "metadata": {"name": name, "uid": name, "creationTimestamp": at(0).to_string()},
    });
    Arc::new(serde_json::from_value(object).unwrap())
}

fn asking() -> Arc<Run> {
    let status = json!({
        "phase": "WaitingForInput", "runner": {"pod": "s1-runner", "uid": "pod-1"}, "startTime": at(0).to_string(),
    });
    run("asks", &json!({"prompt": "x", "timeout": 60}), &status)
}

fn answer() -> Arc<Run> {
    run("answers", &json!({"resume": [{"interruptId": "i", "status": "resolved"}]}), &json!({"phase": "Pending"}))
}

fn session(phase: &str, spec: &Value) -> AgenticSession {
    let object = json!({
        "apiVersion": "v", "kind": "AgenticSession", "metadata": {"name": "s1"}, "spec": spec, "status": {"phase": phase},
    });
    serde_json::from_value(object).unwrap()
}

fn view(of: &Arc<Run>, all: &[&Arc<Run>], pod: Option<&str>, session: AgenticSession) -> View {
    let ready = |uid: &str| -> Pod {
        let status = json!({"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]});
        serde_json::from_value(json!({"metadata": {"uid": uid}, "status": status})).unwrap()
    };
    View {
        run: Arc::clone(of),
        session: Some(Arc::new(session)),
        all: all.iter().map(|run| Arc::clone(run)).collect(),
        pod: pod.map(|uid| Arc::new(ready(uid))),
        seen: Seen::Nothing,
    }
}

fn reason(view: &View, second: i64) -> OutcomeReason {
    let next = plan(view, &config(), at(second));
    let Next::End { reason, .. } = next else { panic!("{next:?}") };
    reason
}

#[test]
fn a_question_waits_until_the_timeout_of_its_run_and_is_cancelled_then() {
    let asks = asking();
    let open = view(&asks, &[&asks], Some("pod-1"), session("Running", &json!({})));
    assert_eq!(plan(&open, &config(), at(59)), Next::Ask { until: Some(at(60)) });
    assert_eq!(reason(&open, 60), OutcomeReason::Cancelled);
}

#[test]
fn a_question_ends_with_the_pod_that_knows_it() {
    let asks = asking();
    let gone = |phase| view(&asks, &[&asks], None, session(phase, &json!({})));
    assert_eq!(reason(&gone("Stopped"), 1), OutcomeReason::SessionStopped);
    assert_eq!(reason(&gone("Creating"), 1), OutcomeReason::RunnerLost);
    let another = view(&asks, &[&asks], Some("pod-2"), session("Running", &json!({})));
    assert_eq!(reason(&another, 1), OutcomeReason::RunnerLost);
    let mut deleted = gone("Stopped");
    deleted.session = None;
    assert_eq!(reason(&deleted, 1), OutcomeReason::SessionDeleted);
}

#[test]
fn an_answer_to_nothing_fails_instead_of_succeeding_with_nothing() {
    let ended = run("asked", &json!({"prompt": "x"}), &json!({"phase": "Cancelled"}));
    let answers = answer();
    let late = view(&answers, &[&ended, &answers], Some("pod-2"), session("Running", &json!({})));
    assert_eq!(reason(&late, 1), OutcomeReason::SetupFailed);
    let asks = asking();
    let timely = view(&answers, &[&asks, &answers], Some("pod-1"), session("Running", &json!({})));
    assert_eq!(plan(&timely, &config(), at(1)), Next::Start);
}
