//! How sessions and Runs end on a real node when something has a limit: a node that there is not, memory, time, a stop between turns.

use std::time::Instant;

use ambient::api::{AgenticSession, outcome::OutcomeReason, run::RunPhase, session::SessionPhase};
use kube::{
    Api,
    api::{Patch, PatchParams},
};
use serde_json::{Value, json};

use crate::{
    cluster::Cluster,
    install::{apply, apply_run, phase, ready_message, until, with_install, with_key},
    matrix::{LONG, end, row},
    memory::EAT,
};

/// Waits until a session has failed, and says why.
async fn fails(cluster: &Cluster, name: &str, spec: Value, reason: OutcomeReason, says: &str) {
    let begun = Instant::now();
    apply(cluster, name, spec).await;
    let failed = |session: &AgenticSession| phase(session) == SessionPhase::Failed;
    let session = until::<AgenticSession>(cluster, name, "failed", failed).await;
    let message = ready_message(&session);
    assert!(message.contains(says), "{name}: {message}");
    row(name, begun, &end(cluster, &format!("{name}-initial")).await, reason, says);
}

#[test]
fn a_session_that_does_not_come_up_says_why_in_time() {
    let soon = [("AMBIENT_SCHEDULE_DEADLINE", "15"), ("AMBIENT_START_DEADLINE", "45")];
    with_install(&soon, |cluster| async move {
        with_key(&cluster, "key-of-no-value").await;
        let nowhere = json!({ "initialPrompt": "Hi", "runner": { "nodeSelector": { "disk": "of-gold" } } });
        let no_image = json!({ "initialPrompt": "Hi", "agent": { "image": "localhost/nothing-of-this-name:1" } });
        let no_repo = json!({ "initialPrompt": "Hi", "repos": [{ "url": "http://127.0.0.1/nothing.git" }] });
        tokio::join!(
            fails(&cluster, "no-node", nowhere, OutcomeReason::Unschedulable, "node"),
            fails(&cluster, "no-image", no_image, OutcomeReason::ImagePull, "nothing-of-this-name"),
            fails(&cluster, "no-repo", no_repo, OutcomeReason::SetupFailed, "spec.repos[0].url"),
        );
    });
}

#[test]
fn an_agent_over_its_limit_a_deadline_and_an_idle_hour_end_truthfully() {
    with_install(&[], |cluster| async move {
        with_key(&cluster, "key-of-no-value").await;
        tokio::join!(eats(&cluster), too_long(&cluster), idle(&cluster), remembers(&cluster));
    });
}

async fn eats(cluster: &Cluster) {
    let begun = Instant::now();
    let resources = json!({ "requests": { "memory": "512Mi" }, "limits": { "memory": "600Mi" } });
    let prompt = format!("Run the command `{EAT}`");
    apply(cluster, "eats", json!({ "initialPrompt": prompt, "agent": { "resources": resources } })).await;
    row("agent over its memory limit", begun, &end(cluster, "eats-initial").await, OutcomeReason::OOMKilled, "memory");
}

async fn too_long(cluster: &Cluster) {
    apply(cluster, "too-long", json!({})).await;
    let spec = json!({ "sessionRef": { "name": "too-long" }, "prompt": LONG, "timeout": 5 });
    let begun = Instant::now();
    apply_run(cluster, "too-long-run", spec).await;
    row("deadline of a Run", begun, &end(cluster, "too-long-run").await, OutcomeReason::DeadlineExceeded, "5");
}

async fn idle(cluster: &Cluster) {
    apply(cluster, "idle", json!({ "initialPrompt": "Say hello", "inactivityTimeout": 5 })).await;
    assert_eq!(end(cluster, "idle-initial").await.phase, RunPhase::Succeeded);
    let stopped = |session: &AgenticSession| phase(session) == SessionPhase::Stopped;
    let session = until::<AgenticSession>(cluster, "idle", "stopped", stopped).await;
    println!("{:<32} {}", "inactivity", ready_message(&session));
    // A Run wakes it.
    apply_run(cluster, "idle-next", json!({ "sessionRef": { "name": "idle" }, "prompt": "Go on" })).await;
    assert_eq!(end(cluster, "idle-next").await.phase, RunPhase::Succeeded);
}

/// After a stop and a start on a `PersistentVolume` the agent knows what was said, and its files are there.
async fn remembers(cluster: &Cluster) {
    let spec = json!({
        "initialPrompt": "The word is marzipan. Run the command `echo kept > kept.txt`",
        "workspace": { "persistence": "PersistentVolume", "size": "1Gi" },
    });
    apply(cluster, "remembers", spec).await;
    assert_eq!(end(cluster, "remembers-initial").await.phase, RunPhase::Succeeded);
    annotate(cluster, "remembers", "Stopped").await;
    let is = |wanted: SessionPhase| move |session: &AgenticSession| phase(session) == wanted;
    until::<AgenticSession>(cluster, "remembers", "stopped", is(SessionPhase::Stopped)).await;
    annotate(cluster, "remembers", "Running").await;
    let ask = |prompt: &str| json!({ "sessionRef": { "name": "remembers" }, "prompt": prompt });
    apply_run(cluster, "which", ask("What is the word?")).await;
    let status = end(cluster, "which").await;
    assert!(status.result.as_deref().unwrap_or_default().contains("marzipan"), "{status:?}");
    apply_run(cluster, "files", ask("Run the command `cat kept.txt`")).await;
    let status = end(cluster, "files").await;
    assert!(status.result.as_deref().unwrap_or_default().contains("kept"), "{status:?}");
}

async fn annotate(cluster: &Cluster, name: &str, phase: &str) {
    let patch = json!({ "metadata": { "annotations": { "ambient-code.io/desired-phase": phase } } });
    let api: Api<AgenticSession> = cluster.api();
    api.patch(name, &PatchParams::default(), &Patch::Merge(&patch)).await.unwrap();
}
