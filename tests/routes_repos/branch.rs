//! Adding a repository that is there: its branch is switched, and nothing of the agent's is lost.

use serde_json::{Value, json};

use crate::{
    bare::git,
    conversation,
    git_server::{Behaviour, GitServer},
    post,
    rig::{Runner, Session, client, is_text, text},
    server, session, status, tell,
};

async fn add(runner: &Runner, server: &GitServer, branch: &str) -> (u16, Value) {
    post(runner, "/repos/add", &json!({ "url": server.url("web"), "branch": branch })).await
}

/// A runner whose session has the repository on `main`.
async fn rig() -> (GitServer, Session, Runner) {
    let (server, session) = (server().await, session());
    let runner = session.start();
    assert_eq!(add(&runner, &server, "main").await.0, 200);
    (server, session, runner)
}

fn head(session: &Session) -> String {
    git(&session.path("ws/repos/web"), &["symbolic-ref", "--short", "HEAD"])
}

#[tokio::test]
async fn another_branch_is_fetched_and_checked_out_and_back() {
    let (server, session, runner) = rig().await;
    let web = session.path("ws/repos/web");
    let before = conversation(&runner, "r1").await;
    let (code, body) = add(&runner, &server, "next").await;
    let expected = json!({ "message": "Repository added", "name": "web", "path": web, "newly_cloned": false });
    assert_eq!((code, body), (200, expected));
    assert_eq!((head(&session).as_str(), web.join("next.md").exists()), ("next", true));
    assert_eq!(git(&web, &["rev-parse", "--abbrev-ref", "next@{upstream}"]), "origin/next");
    assert_eq!(status(&runner).await[0]["currentActiveBranch"], "next");
    let events = runner.run("r2", "session").await;
    assert!(serde_json::to_string(&events).unwrap().contains("The repository web is on the branch next now."));
    assert!(text(&events).starts_with(&before), "the conversation goes on");
    assert_eq!(add(&runner, &server, "next").await.1["newly_cloned"], false);
    assert_eq!(add(&runner, &server, "main").await.0, 200);
    assert_eq!((head(&session).as_str(), web.join("next.md").exists()), ("main", false));
    let left: Vec<_> = std::fs::read_dir(session.path("ws/repos")).unwrap().collect();
    assert_eq!(left.len(), 1, "{left:?}");
}

#[tokio::test]
async fn a_branch_that_came_later_is_fetched_and_one_that_nobody_has_is_made_from_the_default_one() {
    let (server, session, runner) = rig().await;
    let web = session.path("ws/repos/web");
    server.repository("web", &[("later.md", "of main")]).commit("late", &[("late.md", "of late")]);
    assert_eq!(add(&runner, &server, "late").await.0, 200);
    assert_eq!((head(&session).as_str(), web.join("late.md").exists()), ("late", true));
    assert_eq!(add(&runner, &server, "feature/new").await.0, 200);
    assert_eq!((head(&session).as_str(), web.join("late.md").exists()), ("feature/new", false));
    assert!(web.join("later.md").exists(), "the default branch as it is now");
    let tracked = git(&web, &["for-each-ref", "--format=%(upstream)", "refs/heads/feature/new"]);
    assert_eq!(tracked, "");
}

#[tokio::test]
async fn what_is_not_committed_is_kept_or_nothing_is_done() {
    let (server, session, runner) = rig().await;
    let web = session.path("ws/repos/web");
    std::fs::write(web.join("mine.md"), "mine").unwrap();
    assert_eq!(add(&runner, &server, "next").await.0, 200);
    assert!(web.join("mine.md").exists() && web.join("next.md").exists());
    assert_eq!(add(&runner, &server, "main").await.0, 200);
    std::fs::write(web.join("next.md"), "mine, too").unwrap();
    let (code, body) = add(&runner, &server, "next").await;
    let detail = body["detail"].as_str().unwrap_or_default();
    assert!(code == 409 && detail.contains("committed or stashed") && detail.contains("next.md"), "{code} {detail}");
    assert_eq!(head(&session), "main");
    assert_eq!(std::fs::read_to_string(web.join("next.md")).unwrap(), "mine, too");
    assert_eq!(std::fs::read_dir(session.path("ws/repos")).unwrap().count(), 1, "nothing of the try is left");
}

#[tokio::test]
async fn a_branch_is_not_switched_under_a_turn() {
    let (server, session, runner) = rig().await;
    let mut turn = runner.begin("r1", "echo one; hang").await;
    turn.until(is_text).await;
    let (code, body) = add(&runner, &server, "next").await;
    assert!(code == 409 && body["detail"].as_str().unwrap().contains("turn"), "{body}");
    assert_eq!(add(&runner, &server, "main").await.0, 200, "nothing is to be done");
    runner.post("/interrupt", &json!({})).await;
    turn.rest().await;
    assert_eq!(add(&runner, &server, "next").await.0, 200);
    assert_eq!(head(&session), "next");
}

#[tokio::test]
async fn the_next_runner_knows_the_branch_also_of_a_repository_of_the_settings() {
    let (server, session) = (server().await, session());
    let web = session.path("ws/repos/web");
    std::fs::create_dir_all(session.path("ws/repos")).unwrap();
    let bare = server.repository("web", &[]);
    git(&session.path("ws/repos"), &["clone", "--quiet", bare.path.to_str().unwrap(), "web"]);
    let session = session.env("REPOS_JSON", &json!([{ "url": server.url("web"), "branch": "main" }]).to_string());
    let runner = session.start();
    assert_eq!(add(&runner, &server, "next").await.0, 200);
    assert_eq!(git(&web, &["symbolic-ref", "--short", "HEAD"]), "next");
    runner.kill();
    let runner = session.start();
    let requests = server.seen().requests.len();
    assert_eq!(add(&runner, &server, "next").await.1["newly_cloned"], false);
    assert_eq!(server.seen().requests.len(), requests, "it was there");
    let events = runner.run("r1", "echo hi").await;
    let told = serde_json::to_string(&events).unwrap();
    assert!(told.contains(r#""branch":"next""#), "{told}");
}

#[tokio::test]
async fn a_private_repository_is_fetched_with_the_requests_token_which_no_git_of_the_agent_has() {
    let (server, session, runner) = rig().await;
    let token = "glpat-only-for-this-fetch-0123";
    server.treat("web", Behaviour::Private { user: "oauth2".into(), password: token.into() });
    let (code, body) = add(&runner, &server, "next").await;
    assert_eq!(code, 500, "{body}");
    drop(runner);
    let session = session.env("AMBIENT_GITLAB_HOSTS", &server.address.to_string());
    let runner = session.start();
    let body = json!({ "url": server.url("web"), "branch": "next" });
    let request = client().post(format!("{}/repos/add", runner.url)).header("X-GitLab-Token", token);
    assert_eq!(request.json(&body).send().await.unwrap().status(), 200);
    assert_eq!(head(&session), "next");
    assert!(!server.seen().command_lines.iter().any(|line| line.contains(token)), "not in argv");
    let config = std::fs::read_to_string(session.path("ws/repos/web/.git/config")).unwrap();
    assert!(!config.contains(token));
    assert_eq!(tell(&runner, "r1", "sh cat .git/FETCH_HEAD").await.matches(token).count(), 0);
}

#[tokio::test]
async fn hooks_of_the_repository_do_not_run_at_a_switch() {
    use std::os::unix::fs::PermissionsExt;
    let (server, session, runner) = rig().await;
    let (hook, ran) = (session.path("ws/repos/web/.git/hooks/post-checkout"), session.path("hook-ran"));
    std::fs::create_dir_all(hook.parent().unwrap()).unwrap();
    std::fs::write(&hook, format!("#!/bin/sh\ntouch {}\n", ran.display())).unwrap();
    std::fs::set_permissions(&hook, std::fs::Permissions::from_mode(0o755)).unwrap();
    assert_eq!(add(&runner, &server, "next").await.0, 200);
    assert!(!ran.exists());
}
