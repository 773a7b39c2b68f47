//! Decisions about Runs, without a cluster.

use std::{sync::Arc, time::Duration};

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{
    plan::{Next, plan},
    queue::phase,
    status::status,
    view::{Seen, View},
};
use crate::{
    api::{
        AgenticSession, Run, RunStatus,
        outcome::OutcomeReason,
        run::{DesiredState, RunPhase},
    },
    operator::config::{Config, Deadlines, Platform, Policy},
};

pub(super) fn config() -> Config {
    Config {
        watch_namespaces: Vec::new(),
        backend_namespace: None,
        namespace: "ambient-system".into(),
        runner_image: String::new(),
        agent_image: String::new(),
        pull_policy: String::new(),
        port: 8001,
        event_store: std::path::PathBuf::new(),
        event_bucket: None,
        event_retention: None,
        leader_elect: None,
        inactivity: Duration::ZERO,
        deadlines: Deadlines::default(),
        policy: Policy::default(),
        platform: Platform::default(),
    }
}

pub(super) fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_000_000 + second).unwrap()
}

fn run(name: &str, second: i64) -> Run {
    let object = json!({
        "apiVersion": "vteam.ambient-code/v1alpha1", "kind": "Run",
        "metadata": {"name": name, "namespace": "team", "uid": format!("uid-{name}"), "creationTimestamp": at(second).to_string()},
        "spec": {"sessionRef": {"name": "s1"}, "prompt": "hello"},
    });
    serde_json::from_value(object).unwrap()
}

fn answer(name: &str, second: i64) -> Run {
    let mut run = run(name, second);
    run.spec.prompt = None;
    run.spec.resume = Some(Vec::new());
    run
}

pub(super) fn session(phase: &str) -> AgenticSession {
    let object = json!({
        "apiVersion": "vteam.ambient-code/v1alpha1", "kind": "AgenticSession",
        "metadata": {"name": "s1", "namespace": "team", "uid": "session-uid"}, "spec": {}, "status": {"phase": phase},
    });
    serde_json::from_value(object).unwrap()
}

pub(super) fn pod(uid: &str, status: &Value) -> Pod {
    serde_json::from_value(json!({"metadata": {"name": "s1-runner", "uid": uid}, "status": status})).unwrap()
}

fn ready(uid: &str) -> Pod {
    pod(uid, &json!({"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}))
}

pub(super) fn view(run: Run, pod: Option<Pod>) -> View {
    let run = Arc::new(run);
    View {
        all: vec![Arc::clone(&run)],
        run,
        session: Some(Arc::new(session("Running"))),
        pod: pod.map(Arc::new),
        seen: Seen::Nothing,
    }
}

/// What is decided, and the Run as it is written then.
fn step(view: &View) -> (Next, Run) {
    let next = plan(view, &config(), at(5));
    let mut run = (*view.run).clone();
    if let Some(status) = status(view, &next, at(5)) {
        run.status = Some(status);
    }
    (next, run)
}

pub(super) fn begun() -> Run {
    let (next, run) = step(&view(run("r1", 0), Some(ready("pod-1"))));
    assert_eq!(next, Next::Start);
    run
}

fn reason(next: &Next) -> OutcomeReason {
    let (Next::End { reason, .. } | Next::Lost { reason, .. }) = next else { panic!("{next:?}") };
    *reason
}

#[test]
fn a_run_is_its_pods_before_the_runner_hears_of_it() {
    let run = begun();
    let status = run.status.clone().unwrap();
    assert_eq!((status.phase, status.runner.unwrap().uid.as_str()), (RunPhase::Running, "pod-1"));
    let (next, _) = step(&view(run, Some(ready("pod-1"))));
    assert_eq!(next, Next::Follow { cancel: false });
}

#[test]
fn a_run_whose_pod_is_another_one_is_never_given_to_it() {
    let (next, _) = step(&view(begun(), Some(ready("pod-2"))));
    assert_eq!(reason(&next), OutcomeReason::RunnerLost);
    let (next, _) = step(&view(begun(), None));
    assert_eq!(reason(&next), OutcomeReason::RunnerLost);
}

/// A lost node says nothing when its pod is gone at last.
#[test]
fn why_a_pod_is_taken_away_is_written_down_before_it_is_gone() {
    let target = json!({"type": "DisruptionTarget", "status": "True", "message": "The node does not answer."});
    let leaving = pod("pod-1", &json!({"phase": "Running", "conditions": [target]}));
    let (_, noted) = step(&view(begun(), Some(leaving)));
    let (next, ended) = step(&view(noted.clone(), None));
    assert_eq!(reason(&next), OutcomeReason::Evicted);
    assert!(ended.status.unwrap().outcome.unwrap().message.unwrap().contains("does not answer"));
    assert_eq!(reason(&step(&view(begun(), None)).0), OutcomeReason::RunnerLost);
    assert!(
        status(&view(noted.clone(), noted.status.map(|_| ready("pod-1"))), &Next::Nothing, at(6)).is_none(),
        "written once"
    );
}

#[test]
fn why_a_pod_ended_is_why_its_run_did() {
    let evicted = json!({"phase": "Failed", "reason": "Evicted", "message": "The node was low on memory."});
    let (next, ended) = step(&view(begun(), Some(pod("pod-1", &evicted))));
    assert_eq!(reason(&next), OutcomeReason::Evicted);
    assert!(ended.status.unwrap().outcome.unwrap().message.unwrap().contains("low on memory"));
    let mut gone = view(begun(), None);
    gone.session = None;
    assert_eq!(reason(&step(&gone).0), OutcomeReason::SessionDeleted);
    gone.session = Some(Arc::new(session("Stopping")));
    assert_eq!(reason(&step(&gone).0), OutcomeReason::SessionStopped);
}

#[test]
fn the_runners_last_word_counts_also_when_its_pod_is_gone() {
    let mut late = view(begun(), None);
    let said = RunStatus { phase: RunPhase::Succeeded, result: Some("done".into()), ..RunStatus::default() };
    late.seen = Seen::Events(Box::new(said));
    let (_, run) = step(&late);
    let status = run.status.unwrap();
    assert_eq!((status.phase, status.result.as_deref()), (RunPhase::Succeeded, Some("done")));
    assert_eq!(status.runner.unwrap().uid, "pod-1", "what only the operator knows stays");
}

#[test]
fn a_runner_that_is_told_to_end_does_not_know_why_and_the_operator_does() {
    let said = json!({"phase": "Cancelled", "outcome": {"reason": "SessionStopped", "message": "stopped"}});
    let mut told = view(begun(), Some(ready("pod-1")));
    told.seen = Seen::Events(serde_json::from_value(said).unwrap());
    let outcome = |view: &View| step(view).1.status.unwrap().outcome.unwrap();
    assert_eq!(outcome(&told).reason, OutcomeReason::SessionStopped);
    let drained = json!({"type": "DisruptionTarget", "status": "True", "message": "the node is drained"});
    told.pod = Some(Arc::new(pod("pod-1", &json!({"phase": "Running", "conditions": [drained]}))));
    assert_eq!(outcome(&told).reason, OutcomeReason::Evicted);
    assert!(outcome(&told).message.unwrap().contains("the node is drained"));
    told.session = None;
    assert_eq!(outcome(&told).reason, OutcomeReason::SessionDeleted);
}

#[test]
fn what_the_runner_refuses_has_its_words() {
    let mut refused = view(begun(), Some(ready("pod-1")));
    refused.seen = Seen::Refused("threadId: too long".into());
    let (next, run) = step(&refused);
    assert_eq!(reason(&next), OutcomeReason::SetupFailed);
    assert!(run.status.unwrap().outcome.unwrap().message.unwrap().contains("threadId: too long"));
}

#[test]
fn an_answer_goes_past_the_question_and_ends_it() {
    let mut asking = begun();
    asking.status.as_mut().unwrap().phase = RunPhase::WaitingForInput;
    let (later, reply) = (run("r2", 1), answer("r3", 2));
    let all: Vec<Arc<Run>> = [asking, later, reply].into_iter().map(Arc::new).collect();
    let of = |index: usize, all: &[Arc<Run>]| View {
        all: all.to_vec(),
        ..view((*all[index]).clone(), Some(ready("pod-1")))
    };
    let (next, _) = step(&of(1, &all));
    assert!(matches!(next, Next::Wait { reason: "Queued", .. }), "{next:?}");
    let (next, mut given) = step(&of(2, &all));
    assert_eq!(next, Next::Start);
    let mut all = vec![Arc::clone(&all[0]), Arc::clone(&all[1]), Arc::new(given.clone())];
    assert_eq!(step(&of(0, &all)).0, Next::Ask { until: Some(at(86_400)) }, "the runner may refuse the answer");
    given.status.as_mut().unwrap().events = serde_json::from_value(json!({"count": 1})).ok();
    all[2] = Arc::new(given);
    let (next, answered) = step(&of(0, &all));
    assert_eq!(reason(&next), OutcomeReason::Answered);
    assert_eq!(phase(&answered), RunPhase::Succeeded);
}

#[test]
fn a_run_without_a_session_has_a_deadline() {
    let mut alone = view(run("r1", 0), None);
    alone.session = None;
    let limit = SignedDuration::try_from(config().deadlines.session).unwrap();
    let until = at(0).checked_add(limit).unwrap();
    let next = plan(&alone, &config(), at(1));
    assert!(
        matches!(&next, Next::Wait { reason: "SessionMissing", until: Some(time), .. } if *time == until),
        "{next:?}"
    );
    assert_eq!(reason(&plan(&alone, &config(), until)), OutcomeReason::SetupFailed);
}

#[test]
fn a_session_that_has_failed_ends_its_runs_with_its_reason() {
    let mut failed = view(run("r1", 0), None);
    let mut session = session("Failed");
    session.status.as_mut().unwrap().conditions = serde_json::from_value(json!([{
        "type": "Ready", "status": "False", "reason": "ImagePull", "message": "no such image", "lastTransitionTime": at(0).to_string(),
    }]))
    .unwrap();
    failed.session = Some(Arc::new(session));
    assert_eq!(reason(&step(&failed).0), OutcomeReason::ImagePull);
}

/// What can happen between two looks at the Runs of a session.
#[derive(Debug, Clone)]
enum Happens {
    PodComes,
    PodGoes,
    Ends(usize),
    Cancelled(usize),
    SessionGoes,
}

fn happens() -> impl Strategy<Value = Happens> {
    prop_oneof![
        4 => Just(Happens::PodComes),
        1 => Just(Happens::PodGoes),
        4 => (0..4_usize).prop_map(Happens::Ends),
        1 => (0..4_usize).prop_map(Happens::Cancelled),
        1 => Just(Happens::SessionGoes),
    ]
}

proptest! {
    /// Whatever happens, in whatever order Runs are looked at: at most one Run of a thread goes at a time, none is given to a second
    /// pod, and none that has ended begins again.
    #[test]
    fn a_run_is_never_run_twice(events in prop::collection::vec((happens(), 0..4_usize), 1..80)) {
        let mut runs: Vec<Run> = (0..4).map(|number| run(&format!("r{number}"), number)).collect();
        let (mut pods, mut pod, mut gone) = (0, None, false);
        let mut given: Vec<Option<String>> = vec![None; 4];
        for (event, looked_at) in events {
            let mut said = None;
            match event {
                Happens::PodComes if pod.is_none() => {
                    pods += 1;
                    pod = Some(ready(&format!("pod-{pods}")));
                }
                Happens::PodGoes => pod = None,
                Happens::Ends(index) => said = Some(index),
                Happens::Cancelled(index) => runs[index].spec.desired_state = DesiredState::Cancelled,
                Happens::SessionGoes => gone = pods > 3,
                Happens::PodComes => {}
            }
            let index = said.unwrap_or(looked_at);
            let before = phase(&runs[index]);
            let mut seen = View { all: runs.iter().cloned().map(Arc::new).collect(), ..view(runs[index].clone(), pod.clone()) };
            let known = seen.own_pod().is_some() && before == RunPhase::Running;
            if said.is_some() && known {
                seen.seen = Seen::Events(Box::new(RunStatus { phase: RunPhase::Succeeded, ..RunStatus::default() }));
            }
            if gone {
                seen.session = None;
            }
            let (next, after) = step(&seen);
            if next == Next::Start {
                prop_assert!(given[index].is_none(), "given twice");
                given[index] = pod.as_ref().and_then(ResourceExt::uid);
            }
            if matches!(next, Next::Follow { .. }) {
                prop_assert_eq!(&given[index], &pod.as_ref().and_then(ResourceExt::uid));
            }
            prop_assert!(!before.is_terminal() || phase(&after) == before);
            runs[index] = after;
            let going = runs.iter().filter(|run| phase(run) == RunPhase::Running).count();
            prop_assert!(going <= 1, "{going} at once");
        }
    }
}
