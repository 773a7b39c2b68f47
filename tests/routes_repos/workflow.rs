//! Switching workflows.

use serde_json::{Value, json};

use crate::{conversation, git_server::GitServer, post, rig::Runner, server, session, tell};

/// A repository `flows` with workflows in folders.
async fn flows() -> GitServer {
    let server = server().await;
    server.repository("flows", &[("CLAUDE.md", "root"), ("triage/.ambient/ambient.json", "{}"), ("triage/a", "b")]);
    server
}

async fn switch(runner: &Runner, server: &GitServer, path: &str) -> (u16, Value) {
    post(runner, "/workflow", &json!({ "gitUrl": server.url("flows"), "branch": "main", "path": path })).await
}

async fn working_directory(runner: &Runner, run: &str) -> std::path::PathBuf {
    tell(runner, run, "sh pwd").await.trim().into()
}

#[tokio::test]
async fn a_workflow_is_followed_from_the_next_turn_on() {
    let (server, session) = (flows().await, session());
    let runner = session.start();
    let before = conversation(&runner, "r1").await;
    let expected = |message: &str| json!({ "message": message, "gitUrl": server.url("flows"), "branch": "main", "path": "triage" });
    assert_eq!(switch(&runner, &server, "triage").await, (200, expected("Workflow updated")));
    let directory = working_directory(&runner, "r2").await;
    assert_eq!(directory, session.path("ws/workflows/flows"));
    assert!(directory.join("a").exists() && !directory.join("CLAUDE.md").exists(), "only its folder");
    assert_eq!(conversation(&runner, "r3").await, before, "the conversation goes on");
    assert_eq!(switch(&runner, &server, "triage").await, (200, expected("Workflow already active")));
}

#[tokio::test]
async fn nobody_may_write_into_a_workflow() {
    use std::os::unix::fs::PermissionsExt;
    let (server, session) = (flows().await, session());
    let runner = session.start();
    switch(&runner, &server, "").await;
    for path in ["ws/workflows/flows", "ws/workflows/flows/triage", "ws/workflows/flows/triage/a"] {
        let mode = std::fs::metadata(session.path(path)).unwrap().permissions().mode();
        assert_eq!((mode & 0o222, mode & 0o444), (0, 0o444), "{path}");
    }
    assert!(!session.path("ws/workflows/flows/.git").exists());
}

#[tokio::test]
async fn a_switch_that_fails_leaves_the_old_workflow_active() {
    let (server, session) = (flows().await, session());
    let runner = session.start();
    switch(&runner, &server, "triage").await;
    let url = server.url("flows");
    for (body, code) in [
        (json!({ "gitUrl": server.url("missing") }), 500),
        (json!({ "gitUrl": url, "path": "nowhere" }), 422),
        (json!({ "gitUrl": url, "path": "triage/a" }), 422),
        (json!({ "gitUrl": url, "branch": "nowhere" }), 422),
        (json!({ "gitUrl": url, "branch": "-x" }), 422),
        (json!({ "gitUrl": "ext::sh" }), 422),
        (json!({ "gitUrl": 1 }), 422),
    ] {
        let (found, said) = post(&runner, "/workflow", &body).await;
        assert_eq!(found, code, "{body}: {said}");
        assert!(said["detail"].is_string() || said["detail"].is_array(), "{said}");
    }
    assert_eq!(working_directory(&runner, "r1").await, session.path("ws/workflows/flows"));
    assert_eq!(switch(&runner, &server, "triage").await.1["message"], "Workflow already active");
}

#[tokio::test]
async fn bug_06_a_workflows_path_cannot_leave_its_repository() {
    let (server, session) = (flows().await, session());
    server.repository("linked", &[("out", "-> /etc"), ("a", "b")]);
    let runner = session.start();
    for path in ["/etc", "../..", "triage/../..", ".git", "a\u{0}b"] {
        let (code, said) = switch(&runner, &server, path).await;
        assert_eq!(code, 422, "{path:?}: {said}");
    }
    let linked = json!({ "gitUrl": server.url("linked"), "path": "out" });
    assert_eq!(post(&runner, "/workflow", &linked).await.0, 422);
    assert_eq!(std::fs::read_dir(session.path("ws/workflows")).unwrap().count(), 0);
}

#[tokio::test]
async fn another_folder_of_the_same_repository_is_another_workflow_and_the_next_runner_follows_it() {
    let (server, session) = (flows().await, session());
    let runner = session.start();
    switch(&runner, &server, "triage").await;
    switch(&runner, &server, "").await;
    let directory = working_directory(&runner, "r1").await;
    assert!(directory.join("CLAUDE.md").exists(), "{directory:?}");
    assert!(session.path("ws/workflows/flows/a").exists(), "the old one stays: a turn may be at work in it");
    runner.kill();
    let runner = session.start();
    assert_eq!(working_directory(&runner, "r2").await, directory);
    let none = post(&runner, "/workflow", &json!({ "gitUrl": "" })).await;
    assert_eq!((none.0, &none.1["message"]), (200, &json!("Workflow updated")));
    assert_eq!(working_directory(&runner, "r3").await, session.path("ws"));
}

#[tokio::test]
async fn a_workflow_of_the_settings_is_adopted_where_the_init_container_has_put_it() {
    let session = session().env("ACTIVE_WORKFLOW_GIT_URL", "https://git.example/flows.git");
    std::fs::create_dir_all(session.path("ws/workflows/flows")).unwrap();
    let runner = session.start();
    assert_eq!(working_directory(&runner, "r1").await, session.path("ws/workflows/flows"));
}

#[tokio::test]
async fn a_workflow_of_the_settings_is_cloned_when_it_is_missing() {
    let (server, session) = (flows().await, session());
    let session = session.env("ACTIVE_WORKFLOW_GIT_URL", &server.url("flows")).env("ACTIVE_WORKFLOW_PATH", "triage");
    let runner = session.start();
    // The switch that the runner has begun by itself is waited for, since changes of the workflow come one after the other.
    assert_eq!(switch(&runner, &server, "triage").await.1["message"], "Workflow already active");
    assert_eq!(working_directory(&runner, "r1").await, session.path("ws/workflows/flows"));
}
