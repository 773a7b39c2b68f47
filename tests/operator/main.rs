//! The operator on a real API server, where nothing runs pods: the test says that a pod is ready, and a real runner with a
//! fake agent CLI answers at its address.

#![expect(clippy::panic, clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

#[path = "../support/access.rs"]
mod access;
mod account;
mod adoption;
mod asked;
#[path = "../support/bare.rs"]
mod bare;
mod broken;
#[path = "../support/cluster/mod.rs"]
mod cluster;
#[path = "../support/fake_claude.rs"]
mod fake_claude;
mod gateway;
#[path = "../support/git_server.rs"]
mod git_server;
mod inputs;
mod kubelet;
mod leader;
mod memory;
mod operator;
mod original;
mod projects;
mod requests;
#[path = "../runner/rig.rs"]
#[allow(dead_code, reason = "each test binary uses its part")]
mod rig;
mod run_cluster;
mod schedule;
mod soak;
mod telemetry;
mod told;
mod workspace;
mod world;

use ambient::api::{outcome::OutcomeReason, run::RunPhase, session::SessionPhase};
use k8s_openapi::api::core::v1::{Pod, Secret, Service, ServiceAccount};
use kube::ResourceExt;
use serde_json::json;
use world::{Pods, World, phase, run_phase};

#[test]
fn a_session_comes_up_and_its_first_prompt_becomes_a_run() {
    cluster::control_plane(|cluster| async move {
        let world = World::begin(cluster, Pods::Ready).await;
        world.session("s1", json!({"initialPrompt": "echo hello"})).await;
        let run = world.run_until("s1-initial", |run| run_phase(run).is_terminal()).await;
        let status = run.status.clone().unwrap();
        assert_eq!(status.phase, RunPhase::Succeeded, "{status:?}");
        assert_eq!(status.outcome.unwrap().reason, OutcomeReason::Completed);
        assert_eq!(status.result.as_deref(), Some("hello"));
        assert!(status.events.unwrap().count > 3);
        let counted = |session: &_| world::status(session).runs.is_some_and(|runs| runs.succeeded == 1);
        let session = world.session_until("s1", counted).await;
        assert_eq!(phase(&session), SessionPhase::Running);
        let pod = world.cluster.api::<Pod>().get("s1-runner").await.unwrap();
        assert_eq!(pod.labels()["app"], "ambient-code-runner");
        let account = world.cluster.api::<ServiceAccount>().get("ambient-session-s1").await.unwrap();
        assert_eq!(account.automount_service_account_token, Some(false));
        let service = world.cluster.api::<Service>().get("session-s1").await.unwrap();
        for owned in [pod.owner_references(), account.owner_references(), service.owner_references()] {
            assert_eq!(owned[0].uid, session.uid().unwrap());
        }
        let secret = world.cluster.api::<Secret>().get("ambient-runner-token-s1").await.unwrap();
        assert!(!serde_json::to_string(&pod).unwrap().contains(&world::text(&secret, "agui-token")));
    });
}

#[test]
fn runs_of_a_thread_go_one_at_a_time_in_order() {
    cluster::control_plane(|cluster| async move {
        let world = World::begin(cluster, Pods::Ready).await;
        world.session("s1", json!({})).await;
        for number in 0..4 {
            world.run(&format!("r{number}"), json!({"prompt": format!("echo {number}")})).await;
        }
        let mut before = None;
        for number in 0..4 {
            let run = world.run_until(&format!("r{number}"), |run| run_phase(run).is_terminal()).await;
            let status = run.status.unwrap();
            assert_eq!(status.result, Some(number.to_string()));
            assert!(before <= status.start_time.as_ref().map(|time| time.0), "{number}");
            before = status.completion_time.map(|time| time.0);
        }
    });
}

#[test]
fn a_settled_session_is_written_no_more_also_by_an_operator_that_starts_again() {
    cluster::control_plane(|cluster| async move {
        let mut world = World::begin(cluster, Pods::Ready).await;
        world.session("s1", json!({"initialPrompt": "echo hello", "files": [{"path": "a.txt", "content": "a"}]})).await;
        world.run_until("s1-initial", |run| run_phase(run).is_terminal()).await;
        world.session_until("s1", |session| world::status(session).runs.is_some_and(|runs| runs.succeeded == 1)).await;
        let before = world.versions().await;
        for _ in 0..3 {
            world.restart_operator();
            // A marker that every reconcile of the new operator comes after.
            world.settle().await;
        }
        assert_eq!(world.versions().await, before);
    });
}

#[test]
fn a_run_survives_the_end_of_its_operator_and_is_executed_once() {
    cluster::control_plane(|cluster| async move {
        let mut world = World::begin(cluster, Pods::Ready).await;
        world.session("s1", json!({})).await;
        world.run("r1", json!({"prompt": "echo a; sleep 2000; echo done"})).await;
        world.run_until("r1", |run| run_phase(run) == RunPhase::Running).await;
        world.restart_operator();
        let run = world.run_until("r1", |run| run_phase(run).is_terminal()).await;
        assert_eq!(run_phase(&run), RunPhase::Succeeded, "{:?}", run.status);
        assert_eq!(world.runner.log_text().matches("\"RUN_STARTED\"").count(), 1);
    });
}

#[test]
fn a_run_whose_pod_is_deleted_is_lost_and_never_run_again_and_the_session_gets_another_pod() {
    cluster::control_plane(|cluster| async move {
        let world = World::begin(cluster, Pods::Ready).await;
        world.session("s1", json!({})).await;
        world.run("r1", json!({"prompt": "hang"})).await;
        world.run_until("r1", |run| run_phase(run) == RunPhase::Running).await;
        let pod = world.pod_until("s1-runner", |pod| pod.is_some()).await.unwrap();
        world.delete_pod("s1-runner").await;
        let run = world.run_until("r1", |run| run_phase(run).is_terminal()).await;
        assert_eq!(run.status.unwrap().outcome.unwrap().reason, OutcomeReason::RunnerLost);
        let another = world.pod_until("s1-runner", |new| new.is_some_and(|new| new.uid() != pod.uid())).await;
        assert!(another.is_some());
    });
}

#[test]
fn a_session_stops_and_starts_by_annotation_and_its_runs_wait() {
    cluster::control_plane(|cluster| async move {
        let world = World::begin(cluster, Pods::Ready).await;
        world.session("s1", json!({})).await;
        world.session_until("s1", |session| phase(session) == SessionPhase::Running).await;
        world.annotate("s1", "ambient-code.io/desired-phase", "Stopped").await;
        let stopped = |session: &_| phase(session) == SessionPhase::Stopped && !world::is_asked(session);
        let session = world.session_until("s1", stopped).await;
        assert_eq!(world::status(&session).stopped_reason.as_deref(), Some("user"));
        assert!(world.pod_until("s1-runner", |pod| pod.is_none()).await.is_none());
        world.annotate("s1", "ambient-code.io/desired-phase", "Running").await;
        let running = |session: &_| phase(session) == SessionPhase::Running && !world::is_asked(session);
        let session = world.session_until("s1", running).await;
        assert_eq!(world::status(&session).stopped_reason, None);
    });
}

#[test]
fn the_desired_state_of_the_manifest_stops_a_session_and_its_runs_say_why_they_wait() {
    cluster::control_plane(|cluster| async move {
        let world = World::begin(cluster, Pods::Ready).await;
        world.session("s1", json!({"desiredState": "Stopped"})).await;
        world.session_until("s1", |session| phase(session) == SessionPhase::Stopped).await;
        world.run("r1", json!({"prompt": "echo hello"})).await;
        let run = world.run_until("r1", |run| run_phase(run) == RunPhase::Waiting).await;
        assert_eq!(world::reason(&run), "SessionStopped");
        world.session("s1", json!({"desiredState": "Running"})).await;
        let run = world.run_until("r1", |run| run_phase(run).is_terminal()).await;
        assert_eq!(run_phase(&run), RunPhase::Succeeded);
    });
}

#[test]
fn a_pod_that_gets_no_node_in_time_fails_the_session_and_its_runs_with_the_schedulers_words() {
    cluster::control_plane(|cluster| async move {
        let world = World::begin(cluster, Pods::Unschedulable).await;
        world.session("s1", json!({"initialPrompt": "echo hello"})).await;
        let run = world.run_until("s1-initial", |run| run_phase(run).is_terminal()).await;
        let outcome = run.status.unwrap().outcome.unwrap();
        assert_eq!(outcome.reason, OutcomeReason::Unschedulable);
        assert!(outcome.message.unwrap().contains("no nodes available"));
        let session = world.session_until("s1", |session| phase(session) == SessionPhase::Failed).await;
        assert!(world.pod_until("s1-runner", |pod| pod.is_none()).await.is_none());
        assert_eq!(world::condition(&session, "Stalled"), "True");
    });
}

#[test]
fn a_run_is_cancelled_before_it_starts_and_in_the_middle() {
    cluster::control_plane(|cluster| async move {
        let world = World::begin(cluster, Pods::Ready).await;
        world.session("s1", json!({})).await;
        world.run("r1", json!({"prompt": "hang"})).await;
        world.run("r2", json!({"prompt": "echo hello"})).await;
        world.run_until("r1", |run| run_phase(run) == RunPhase::Running).await;
        let run = world.run_until("r2", |run| run_phase(run) == RunPhase::Waiting).await;
        assert_eq!(world::reason(&run), "Queued");
        for name in ["r2", "r1"] {
            world.cancel(name).await;
            let run = world.run_until(name, |run| run_phase(run).is_terminal()).await;
            assert_eq!(run_phase(&run), RunPhase::Cancelled, "{name}: {:?}", run.status);
        }
    });
}

#[test]
fn a_run_without_a_session_says_so_and_fails_at_its_deadline() {
    cluster::control_plane(|cluster| async move {
        let world = World::begin(cluster, Pods::Ready).await;
        world.run("r1", json!({"prompt": "echo hello"})).await;
        let run = world.run_until("r1", |run| run_phase(run) == RunPhase::Waiting).await;
        assert_eq!(world::reason(&run), "SessionMissing");
        let run = world.run_until("r1", |run| run_phase(run).is_terminal()).await;
        assert_eq!(run.status.unwrap().outcome.unwrap().reason, OutcomeReason::SetupFailed);
    });
}
