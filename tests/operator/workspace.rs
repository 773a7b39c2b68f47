//! Repositories and the workflow of a session that runs already.

use ambient::api::{
    AgenticSession,
    session::{RepoStatus, SessionPhase, WorkflowStatus},
};
use serde_json::{Value, json};

use crate::{
    cluster,
    git_server::GitServer,
    rig::client,
    world::{Pods, World, phase, status},
};

/// The repositories that the runner itself has.
async fn repos(world: &World) -> Vec<String> {
    let url = format!("{}/repos/status", world.process.url);
    let request = client().get(url).header("x-ambient-session-token", world.token().await);
    let body: Value = request.send().await.unwrap().json().await.unwrap();
    let text = |repo: &Value, key: &str| repo[key].as_str().unwrap_or_default().to_owned();
    let repos = body["repos"].as_array().unwrap().iter();
    repos.map(|repo| format!("{}@{}", text(repo, "name"), text(repo, "currentActiveBranch"))).collect()
}

/// Whether all of the manifest is so.
fn is_applied(session: &AgenticSession) -> bool {
    let said = status(session);
    let is_true = |kind: &str| said.conditions.iter().any(|known| known.type_ == kind && known.status == "True");
    phase(session) == SessionPhase::Running
        && is_true("Reconciled")
        && said.observed_generation == session.metadata.generation
}

async fn applied(world: &World, spec: Value) -> AgenticSession {
    world.session("s1", spec).await;
    let api = world.cluster.api::<AgenticSession>();
    let generation = api.get("s1").await.unwrap().metadata.generation;
    world.session_until("s1", |session| is_applied(session) && session.metadata.generation == generation).await
}

#[test]
fn weakness_10_repositories_and_workflow_of_a_running_session_follow_its_manifest() {
    cluster::control_plane(|cluster| async move {
        let server = GitServer::start().await;
        server.repository("web", &[("a.md", "a")]).commit("next", &[("b.md", "b")]);
        server.repository("flow", &[(".ambient/ambient.json", "{\"name\": \"flow\"}")]);
        let world = World::begin(cluster, Pods::Ready).await;
        applied(&world, json!({})).await;
        let (web, flow) = (server.url("web"), server.url("flow"));
        let spec = json!({"repos": [{"url": web, "branch": "main"}], "activeWorkflow": {"gitUrl": flow}});
        let said = status(&applied(&world, spec).await);
        assert_eq!(repos(&world).await, ["web@main"]);
        assert_eq!(said.reconciled_repos[0].status, Some(RepoStatus::Ready));
        assert_eq!(said.reconciled_workflow.unwrap().status, Some(WorkflowStatus::Active));
        let said = status(&applied(&world, json!({"repos": [{"url": web, "branch": "next"}]})).await);
        assert_eq!(repos(&world).await, ["web@next"]);
        assert!(said.reconciled_workflow.is_none());
        let said = status(&applied(&world, json!({})).await);
        assert!(repos(&world).await.is_empty() && said.reconciled_repos.is_empty());
    });
}

#[test]
fn what_the_runner_cannot_clone_is_said_in_its_words_and_the_manifest_counts_as_applied_when_it_is_mended() {
    cluster::control_plane(|cluster| async move {
        let server = GitServer::start().await;
        server.repository("web", &[("a.md", "a")]);
        let mut world = World::begin(cluster, Pods::Ready).await;
        applied(&world, json!({})).await;
        world.session("s1", json!({"repos": [{"url": server.url("nothing")}]})).await;
        let has_failed = |session: &AgenticSession| {
            status(session).reconciled_repos.iter().any(|repo| repo.status == Some(RepoStatus::Failed))
        };
        let session = world.session_until("s1", has_failed).await;
        let said = status(&session);
        let condition = said.conditions.iter().find(|known| known.type_ == "ReposReconciled").unwrap();
        assert_eq!((condition.status.as_str(), condition.reason.as_str()), ("False", "RepoFailed"));
        assert!(condition.message.contains("repository nothing: "), "{}", condition.message);
        assert!(said.observed_generation < session.metadata.generation);
        world.restart_operator();
        applied(&world, json!({"repos": [{"url": server.url("web")}]})).await;
        assert_eq!(repos(&world).await.len(), 1);
    });
}
