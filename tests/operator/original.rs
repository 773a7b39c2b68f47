//! The platform's way of working: a session as its backend writes it, prompts to the runner itself, stop and start by annotation.

use ambient::api::{AgenticSession, Run, session::SessionPhase};
use k8s_openapi::api::core::v1::{Secret, Service};
use kube::{
    Api, ResourceExt,
    api::{ApiResource, DynamicObject, Patch, PatchParams, PostParams},
};
use serde_json::{Value, json};

use crate::{
    cluster,
    rig::{Stream, client, input, text},
    world::{Pods, World, is_asked, phase, run_phase, status},
};

fn session() -> AgenticSession {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/original/session.yaml");
    let mut object: Value = serde_saphyr::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    // Its schema has dropped this for ever.
    object["spec"].as_object_mut().unwrap().remove("project");
    serde_json::from_value(object).unwrap()
}

/// What the backend does with a person's message.
pub(crate) async fn say(world: &World, run: &str, prompt: &str) -> String {
    let request =
        client().post(format!("{}/", world.process.url)).header("x-ambient-session-token", world.token().await);
    let response = request.json(&input(run, prompt)).send().await.unwrap();
    assert_eq!(response.status(), 200);
    text(&Stream::of(response).rest().await)
}

async fn stop(world: &World, reason: &str) {
    let annotations = json!({
        "ambient-code.io/desired-phase": "Stopped", "ambient-code.io/stop-reason": reason,
        "ambient-code.io/stop-requested-at": "2026-01-01T00:00:00Z",
    });
    let patch = json!({"metadata": {"annotations": annotations}});
    let api = world.cluster.api::<AgenticSession>();
    api.patch("s1", &PatchParams::default(), &Patch::Merge(&patch)).await.unwrap();
}

#[test]
fn a_session_as_the_platform_writes_it_lives_through_prompt_stop_and_restart() {
    cluster::control_plane(|cluster| async move {
        let world = World::begin(cluster, Pods::Ready).await;
        let api = world.cluster.api::<AgenticSession>();
        api.create(&PostParams::default(), &session()).await.unwrap();
        let run = world.run_until("s1-initial", |run| run_phase(run).is_terminal()).await;
        assert_eq!(run.status.unwrap().result.as_deref(), Some("hello"));
        world.session_until("s1", |session| phase(session) == SessionPhase::Running).await;
        let service = world.cluster.api::<Service>().get("session-s1").await.unwrap();
        let port = &service.spec.unwrap().ports.unwrap()[0];
        assert_eq!((port.name.as_deref(), port.port.to_string()), (Some("agui"), world.port().to_owned()));
        assert_eq!(say(&world, "by-the-backend", "echo there").await, "there");
        stop(&world, "run-finished").await;
        let is_stopped = |session: &_| phase(session) == SessionPhase::Stopped && !is_asked(session);
        let stopped = world.session_until("s1", is_stopped).await;
        assert_eq!(status(&stopped).stopped_reason.as_deref(), Some("run-finished"));
        // Item 21 of the original's weaknesses: only what has acted is removed.
        assert!(!stopped.annotations().contains_key("ambient-code.io/stop-reason"));
        for kept in ["vteam.ambient-code/parent-session-id", "ambient-code.io/stop-requested-at"] {
            assert!(stopped.annotations().contains_key(kept), "{kept}");
        }
        world.annotate("s1", "ambient-code.io/desired-phase", "Running").await;
        let is_back = |session: &_| phase(session) == SessionPhase::Running && !is_asked(session);
        let back = world.session_until("s1", is_back).await;
        assert_eq!(status(&back).stopped_reason, None);
        assert_eq!(say(&world, "after-the-restart", "echo again").await, "again");
        let initial = world.cluster.api::<Run>().get("s1-initial").await.unwrap();
        assert_eq!(initial.uid(), run.metadata.uid, "the first prompt is executed once");
    });
}

/// What the original has started has no first Run any more: it was executed.
#[test]
fn a_session_that_the_original_has_started_is_adopted_without_executing_its_prompt_again() {
    cluster::control_plane(|cluster| async move {
        let mut world = World::begin(cluster, Pods::Ready).await;
        world.stop_operator();
        let api = world.cluster.api::<AgenticSession>();
        api.create(&PostParams::default(), &session()).await.unwrap();
        // A session that has been idle for long would be stopped at once.
        let lately = jiff::Timestamp::from_second(jiff::Timestamp::now().as_second()).unwrap().to_string();
        let active = lately.replace('Z', ".987654Z");
        let before = json!({"status": {
            "phase": "Running", "startTime": lately, "lastActivityTime": active,
            "observedGeneration": 1, "sdkSessionId": "abc", "sdkRestartCount": 2,
        }});
        api.patch_status("s1", &PatchParams::default(), &Patch::Merge(&before)).await.unwrap();
        world.annotate("s1", "ambient-code.io/desired-phase", "Running").await;
        // Its Secret has another label than ours, and its Service is another object's.
        let secrets = world.cluster.api::<Secret>();
        let unlabelled = json!({"metadata": {"labels": {"agentic-session": null, "app": "ambient-runner-token"}}});
        let secret = secrets
            .patch("ambient-runner-token-s1", &PatchParams::default(), &Patch::Merge(&unlabelled))
            .await
            .unwrap();
        let service = json!({
            "metadata": {"name": "session-s1", "labels": {"agentic-session": "s1", "app": "ambient-code"}, "ownerReferences": [{
                "apiVersion": "v1", "kind": "Secret", "name": "ambient-runner-token-s1", "uid": secret.uid(), "controller": true,
            }]},
            "spec": {"ports": [{"name": "agui", "port": 8001}]},
        });
        let service: Service = serde_json::from_value(service).unwrap();
        world.cluster.api::<Service>().create(&PostParams::default(), &service).await.unwrap();
        let token = world.token().await;
        world.restart_operator();
        let is_up = |session: &_| {
            phase(session) == SessionPhase::Running && !is_asked(session) && status(session).endpoint.is_some()
        };
        let session = world.session_until("s1", is_up).await;
        let said = status(&session);
        assert_eq!((said.sdk_session_id.as_deref(), said.sdk_restart_count), (Some("abc"), Some(2)));
        let plain = Api::<DynamicObject>::namespaced_with(
            world.cluster.client.clone(),
            &world.cluster.namespace,
            &ApiResource::erase::<AgenticSession>(&()),
        );
        let written = plain.get("s1").await.unwrap().data["status"]["lastActivityTime"].clone();
        assert_eq!(written, active, "it is the backend's, as it wrote it");
        assert_eq!(world.token().await, token, "somebody may be using it");
        let service = world.cluster.api::<Service>().get("session-s1").await.unwrap();
        assert_eq!(service.owner_references()[0].uid, session.uid().unwrap());
        world.settle().await;
        assert!(world.cluster.api::<Run>().get_opt("s1-initial").await.unwrap().is_none());
    });
}

#[test]
fn runs_and_sessions_go_when_their_time_is_over() {
    cluster::control_plane(|cluster| async move {
        let world = World::begin(cluster, Pods::Ready).await;
        world.session("s1", json!({"stopOnRunFinished": true, "ttlSecondsAfterFinished": 1})).await;
        world.run("r1", json!({"prompt": "echo hello", "ttlSecondsAfterFinished": 1})).await;
        world.gone::<Run>("r1").await;
        world.gone::<AgenticSession>("s1").await;
    });
}
