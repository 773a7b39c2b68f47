//! What was broken in the original runner.

use std::os::unix::fs::PermissionsExt;

use ambient::agui::EventKind;
use serde_json::json;

use crate::{
    bare::git,
    post,
    rig::{is_text, outcome, text, valid},
    server, session, status, tell,
};

#[tokio::test]
async fn bug_06_a_name_cannot_leave_the_repos_folder() {
    let (server, session) = (server().await, session());
    let runner = session.start();
    std::fs::create_dir_all(session.path("ws/repos/keep")).unwrap();
    std::fs::create_dir_all(session.path("outside")).unwrap();
    let absolute = session.path("outside").display().to_string();
    for name in ["../../outside", "..", ".", "a/b", "keep/..", absolute.as_str(), "a\u{0}b", ".git"] {
        let added = post(&runner, "/repos/add", &json!({ "url": server.url("web"), "name": name })).await;
        let removed = post(&runner, "/repos/remove", &json!({ "name": name })).await;
        assert_eq!((added.0, removed.0), (422, 422), "{name:?}: {added:?} {removed:?}");
    }
    assert_eq!(post(&runner, "/repos/remove", &json!({})).await.0, 400);
    assert!(session.path("outside").exists() && session.path("ws/repos/keep").exists());
}

#[tokio::test]
async fn bug_06_a_repos_folder_that_became_a_link_leads_nothing_out() {
    let (server, session) = (server().await, session());
    let runner = session.start();
    // A runner that answers has made its workspace.
    assert!(status(&runner).await.is_empty());
    std::fs::create_dir_all(session.path("outside/web")).unwrap();
    std::fs::remove_dir(session.path("ws/repos")).unwrap();
    std::os::unix::fs::symlink(session.path("outside"), session.path("ws/repos")).unwrap();
    let added = post(&runner, "/repos/add", &json!({ "url": server.url("web"), "name": "new" })).await;
    let removed = post(&runner, "/repos/remove", &json!({ "name": "web" })).await;
    assert_eq!((added.0, removed.0), (500, 500), "{added:?} {removed:?}");
    assert!(session.path("outside/web").exists() && !session.path("outside/new").exists());
}

#[tokio::test]
async fn bug_10_a_repository_and_a_workflow_added_in_mid_turn_leave_the_turn_alone() {
    let (server, session) = (server().await, session());
    server.repository("flow", &[("CLAUDE.md", "flow")]);
    let runner = session.start();
    let mut stream = runner.begin("r1", "echo one; hang").await;
    let mut seen = stream.until(is_text).await;
    assert_eq!(post(&runner, "/repos/add", &json!({ "url": server.url("web") })).await.0, 200);
    assert_eq!(post(&runner, "/workflow", &json!({ "gitUrl": server.url("flow") })).await.0, 200);
    assert_eq!(post(&runner, "/interrupt", &json!({ "thread_id": "s1" })).await.0, 200);
    seen.extend(stream.rest().await);
    valid(&seen);
    let ends = |kind: &EventKind| matches!(kind, EventKind::RunFinished { .. } | EventKind::RunError { .. });
    assert_eq!(seen.iter().filter(|event| ends(&event.kind)).count(), 1);
    assert_eq!(outcome(&seen)["reason"], "Cancelled", "only the interrupt ended it");
    let next = runner.run("r2", "sh pwd").await;
    assert_eq!(text(&next).trim(), session.path("ws/workflows/flow").to_str().unwrap());
}

#[tokio::test]
async fn bug_11_a_new_branch_is_really_made_and_a_new_remote_one_is_fetched() {
    let (server, session) = (server().await, session());
    let runner = session.start();
    for (name, branch) in [("new", "feature/new"), ("remote", "next")] {
        let body = json!({ "url": server.url("web"), "name": name, "branch": branch });
        assert_eq!(post(&runner, "/repos/add", &body).await.0, 200);
        let at = session.path("ws/repos").join(name);
        assert_eq!(git(&at, &["symbolic-ref", "--short", "HEAD"]), branch);
        assert_eq!(at.join("next.md").exists(), branch == "next");
    }
    let prompt = tell(&runner, "r1", "argv").await;
    assert!(prompt.contains(session.path("ws/repos/remote").to_str().unwrap()), "{prompt}");
}

#[tokio::test]
async fn bug_11_both_forms_of_repos_json_are_read() {
    let session = session();
    for name in ["flat", "nested"] {
        std::fs::create_dir_all(session.path("ws/repos").join(name)).unwrap();
    }
    let repos = r#"[{"url":"https://git.example/a.git","name":"flat","branch":"main","autoPush":true},
        {"name":"nested","input":{"url":"https://git.example/b.git","branch":"main"}}]"#;
    let session = session.env("REPOS_JSON", repos);
    let runner = session.start();
    let names: Vec<_> = status(&runner).await.iter().map(|repo| repo["name"].clone()).collect();
    assert_eq!(names, ["flat", "nested"]);
}

#[tokio::test]
async fn bug_21_the_status_takes_two_git_processes_a_repository_at_most_and_a_turn_starts_with_none_for_config() {
    let (server, session) = (server().await, session());
    let (bin, seen) = (session.path("bin"), session.path("git-calls"));
    std::fs::create_dir(&bin).unwrap();
    let path = std::env::var("PATH").unwrap();
    let script = format!("#!/bin/sh\necho \"$@\" >> {}\nPATH='{path}' exec git \"$@\"\n", seen.display());
    std::fs::write(bin.join("git"), script).unwrap();
    std::fs::set_permissions(bin.join("git"), std::fs::Permissions::from_mode(0o755)).unwrap();
    let session = session.env("PATH", &format!("{}:{path}", bin.display()));
    let runner = session.start();
    for name in ["one", "two"] {
        let body = json!({ "url": server.url("web"), "name": name });
        assert_eq!(post(&runner, "/repos/add", &body).await.0, 200);
    }
    std::fs::write(&seen, "").unwrap();
    assert_eq!(status(&runner).await.len(), 2);
    let calls = std::fs::read_to_string(&seen).unwrap();
    assert!((1..=4).contains(&calls.lines().count()), "{calls}");
    std::fs::write(&seen, "").unwrap();
    tell(&runner, "r1", "echo hi").await;
    let calls = std::fs::read_to_string(&seen).unwrap();
    assert!(!calls.lines().any(|line| line.split(' ').any(|word| word == "config")), "{calls}");
}
