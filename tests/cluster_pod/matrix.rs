//! How Runs end on a real node, whatever happens to them: the outcome, the message, the time.

use std::time::{Duration, Instant};

use ambient::api::{
    AgenticSession, Run,
    outcome::OutcomeReason,
    run::{RunPhase, RunStatus},
};
use k8s_openapi::api::core::v1::Pod;
use kube::api::{DeleteParams, Patch, PatchParams};
use serde_json::json;

use crate::{
    cluster::Cluster,
    deaths::kill,
    install::{apply, apply_run, ended, until, with_install, with_key},
    pod::{AGENT, RUNNER, SOON},
};

/// A turn that goes on until something happens to it.
pub(crate) const LONG: &str =
    "Run the command `touch /workspace/artifacts/going; for i in $(seq 600); do echo $i; sleep 1; done`";

/// A session with a turn that has begun.
pub(crate) async fn long(cluster: &Cluster, name: &str) {
    apply(cluster, name, json!({ "initialPrompt": LONG })).await;
    goes(cluster, name).await;
}

/// Waits until the agent runs the command of [`LONG`].
async fn goes(cluster: &Cluster, session: &str) {
    let (namespace, pod) = (format!("--namespace={}", cluster.namespace), format!("{session}-runner"));
    let look = ["exec", &namespace, &pod, "--container", RUNNER, "--", "ls", "/workspace/artifacts/going"];
    let goes = async {
        while cluster.ring.kubectl(&look).is_err() {
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
    };
    tokio::time::timeout(SOON, goes).await.unwrap_or_else(|_| panic!("{session} does not run its command"));
}

pub(crate) async fn end(cluster: &Cluster, run: &str) -> RunStatus {
    let run = until::<Run>(cluster, run, "at its end", ended).await;
    run.status.unwrap()
}

pub(crate) async fn pod(cluster: &Cluster, session: &str) -> Pod {
    cluster.api::<Pod>().get(&format!("{session}-runner")).await.unwrap()
}

/// Says how a Run ended, as a row of the matrix, and checks it.
pub(crate) fn row(what: &str, begun: Instant, status: &RunStatus, reason: OutcomeReason, says: &str) {
    let outcome = status.outcome.clone().unwrap();
    let message = outcome.message.unwrap_or_default();
    println!("{what:<32} {:<18} {:>6.1} s  {message}", format!("{:?}", outcome.reason), begun.elapsed().as_secs_f64());
    assert_eq!(outcome.reason, reason, "{what}: {message}");
    assert!(message.contains(says), "{what}: {message}");
    assert!(status.completion_time.is_some(), "{what}");
}

/// A session on another key.
async fn bad_key(cluster: &Cluster) {
    let begun = Instant::now();
    let gateway = "http://model.ambient-test.svc:8080";
    let env = json!({ "ANTHROPIC_API_KEY": "key-that-is-refused", "ANTHROPIC_BASE_URL": gateway });
    apply(cluster, "bad-key", json!({ "initialPrompt": "Say hello", "environmentVariables": env })).await;
    row("bad key", begun, &end(cluster, "bad-key-initial").await, OutcomeReason::AuthFailed, "");
}

async fn agent_killed(cluster: &Cluster) {
    long(cluster, "agent-killed").await;
    let begun = Instant::now();
    kill(&pod(cluster, "agent-killed").await, AGENT);
    row("agent killed", begun, &end(cluster, "agent-killed-initial").await, OutcomeReason::AgentCrashed, "");
}

async fn runner_killed(cluster: &Cluster) {
    long(cluster, "runner-killed").await;
    let begun = Instant::now();
    kill(&pod(cluster, "runner-killed").await, RUNNER);
    row("runner killed", begun, &end(cluster, "runner-killed-initial").await, OutcomeReason::RunnerLost, "");
    // What comes next runs in the same pod.
    apply_run(cluster, "runner-killed-next", json!({ "sessionRef": { "name": "runner-killed" }, "prompt": "Go on" }))
        .await;
    assert_eq!(end(cluster, "runner-killed-next").await.phase, RunPhase::Succeeded);
}

async fn pod_deleted(cluster: &Cluster) {
    long(cluster, "pod-deleted").await;
    let begun = Instant::now();
    cluster.api::<Pod>().delete("pod-deleted-runner", &DeleteParams::default()).await.unwrap();
    let status = end(cluster, "pod-deleted-initial").await;
    let reason = status.outcome.as_ref().unwrap().reason;
    assert!([OutcomeReason::SessionStopped, OutcomeReason::RunnerLost].contains(&reason), "{status:?}");
    row("pod deleted", begun, &status, reason, "");
    apply_run(cluster, "pod-deleted-next", json!({ "sessionRef": { "name": "pod-deleted" }, "prompt": "Go on" })).await;
    assert_eq!(end(cluster, "pod-deleted-next").await.phase, RunPhase::Succeeded, "another pod takes its place");
}

/// A Run that is not owned by its session outlives it.
async fn session_deleted(cluster: &Cluster) {
    apply(cluster, "deleted", json!({})).await;
    apply_run(cluster, "bereft", json!({ "sessionRef": { "name": "deleted" }, "prompt": LONG })).await;
    goes(cluster, "deleted").await;
    let begun = Instant::now();
    cluster.api::<AgenticSession>().delete("deleted", &DeleteParams::background()).await.unwrap();
    let status = end(cluster, "bereft").await;
    row("session deleted", begun, &status, OutcomeReason::SessionDeleted, "deleted");
}

#[test]
fn a_run_in_trouble_says_what_has_happened_to_it() {
    with_install(&[], |cluster| async move {
        with_key(&cluster, "key-of-no-value").await;
        tokio::join!(bad_key(&cluster), agent_killed(&cluster), runner_killed(&cluster));
        tokio::join!(pod_deleted(&cluster), session_deleted(&cluster), waits_and_asks(&cluster));
    });
}

async fn cancel(cluster: &Cluster, run: &str) {
    let patch = json!({ "spec": { "desiredState": "Cancelled" } });
    cluster.api::<Run>().patch(run, &PatchParams::default(), &Patch::Merge(&patch)).await.unwrap();
}

/// Cancelled while it waits for its turn, while it runs, while it waits for an answer.
async fn waits_and_asks(cluster: &Cluster) {
    long(cluster, "cancelled").await;
    let next = |prompt: &str| json!({ "sessionRef": { "name": "cancelled" }, "prompt": prompt });
    apply_run(cluster, "behind", next("Say hello")).await;
    let begun = Instant::now();
    cancel(cluster, "behind").await;
    row(
        "cancelled while it waits",
        begun,
        &end(cluster, "behind").await,
        OutcomeReason::Cancelled,
        "before it started",
    );
    let begun = Instant::now();
    cancel(cluster, "cancelled-initial").await;
    row("cancelled while it runs", begun, &end(cluster, "cancelled-initial").await, OutcomeReason::Cancelled, "");
    apply_run(cluster, "asks", next("Ask for a color")).await;
    let asked = |run: &Run| run.status.as_ref().is_some_and(|status| status.phase == RunPhase::WaitingForInput);
    let run = until::<Run>(cluster, "asks", "asking", asked).await;
    assert!(!run.status.unwrap().interrupts.is_empty());
    let begun = Instant::now();
    cancel(cluster, "asks").await;
    row("cancelled while it asks", begun, &end(cluster, "asks").await, OutcomeReason::Cancelled, "");
}
