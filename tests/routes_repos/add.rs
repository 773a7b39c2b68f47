//! Adding, looking at and removing repositories.

use serde_json::json;

use crate::{bare::git, conversation, git_server::Behaviour, post, server, session, status, tell};

#[tokio::test]
async fn an_added_repository_is_cloned_and_the_next_turn_has_it() {
    let (server, session) = (server().await, session());
    let runner = session.start();
    let before = conversation(&runner, "r1").await;
    let (code, body) = post(&runner, "/repos/add", &json!({ "url": server.url("web"), "branch": "next" })).await;
    let path = session.path("ws").join("repos/web");
    let expected = json!({ "message": "Repository added", "name": "web", "path": path, "newly_cloned": true });
    assert_eq!((code, body), (200, expected));
    assert_eq!(std::fs::read_to_string(path.join("next.md")).unwrap(), "of next");
    assert_eq!(tell(&runner, "r2", "sh pwd").await.trim(), path.to_str().unwrap());
    assert_eq!(conversation(&runner, "r3").await, before, "the conversation goes on");
    let (_, more) = post(&runner, "/repos/add", &json!({ "url": server.url("web"), "name": "second" })).await;
    assert_eq!(more["name"], "second");
    let argv = tell(&runner, "r4", "argv").await;
    assert!(argv.contains(session.path("ws/repos/second").to_str().unwrap()), "{argv}");
}

#[tokio::test]
async fn a_repository_that_is_there_is_not_cloned_again() {
    let (server, session) = (server().await, session());
    let runner = session.start();
    let body = json!({ "url": server.url("web"), "branch": "main" });
    let (first, second) = tokio::join!(post(&runner, "/repos/add", &body), post(&runner, "/repos/add", &body));
    let newly = [&first.1["newly_cloned"], &second.1["newly_cloned"]];
    assert!(newly == [true, false] || newly == [false, true], "{first:?} {second:?}");
    let third = post(&runner, "/repos/add", &body).await;
    assert_eq!((third.0, &third.1["newly_cloned"]), (200, &json!(false)));
    let clones = server.seen().requests.iter().filter(|request| request.contains("upload-pack")).count();
    assert!(clones <= 3, "one clone's requests: {clones}");
}

#[tokio::test]
async fn the_status_names_branches_without_the_remotes_head() {
    let (server, session) = (server().await, session());
    let runner = session.start();
    assert!(status(&runner).await.is_empty());
    post(&runner, "/repos/add", &json!({ "url": server.url("web"), "branch": "next" })).await;
    let expected = json!({
        "url": server.url("web"), "name": "web", "branches": ["main", "next"],
        "currentActiveBranch": "next", "defaultBranch": "main",
    });
    assert_eq!(status(&runner).await, [expected]);
}

#[tokio::test]
async fn without_a_branch_the_sessions_own_is_made_from_the_default_one() {
    let (server, session) = (server().await, session());
    let runner = session.start();
    post(&runner, "/repos/add", &json!({ "url": server.url("web") })).await;
    assert_eq!(status(&runner).await[0]["currentActiveBranch"], "ambient/s1");
    let outcome = crate::rig::outcome(&runner.run("r1", "echo hi").await);
    assert_eq!(outcome["git"][0]["branch"], "ambient/s1", "{outcome}");
}

#[tokio::test]
async fn a_removed_repository_is_gone_from_the_disk_and_from_the_next_turn() {
    let (server, session) = (server().await, session());
    let runner = session.start();
    post(&runner, "/repos/add", &json!({ "url": server.url("web") })).await;
    let (code, body) = post(&runner, "/repos/remove", &json!({ "name": "web" })).await;
    assert_eq!((code, body), (200, json!({ "message": "Repository removed" })));
    assert_eq!(std::fs::read_dir(session.path("ws/repos")).unwrap().count(), 0);
    assert!(status(&runner).await.is_empty());
    assert_eq!(tell(&runner, "r1", "sh pwd").await.trim(), session.path("ws").to_str().unwrap());
    let again = post(&runner, "/repos/add", &json!({ "url": server.url("web") })).await;
    assert_eq!(again.1["newly_cloned"], true);
}

#[tokio::test]
async fn the_next_runner_of_the_session_has_what_was_added() {
    let (server, session) = (server().await, session());
    let runner = session.start();
    post(&runner, "/repos/add", &json!({ "url": server.url("web"), "branch": "next" })).await;
    runner.kill();
    let runner = session.start();
    assert_eq!(status(&runner).await[0]["currentActiveBranch"], "next");
    let pwd = tell(&runner, "r1", "sh pwd").await;
    assert_eq!(pwd.trim(), session.path("ws/repos/web").to_str().unwrap());
    let again = post(&runner, "/repos/add", &json!({ "url": server.url("web"), "branch": "next" })).await;
    assert_eq!(again.1["newly_cloned"], false);
}

#[tokio::test]
async fn a_token_of_the_request_serves_its_clone_and_is_stored_nowhere() {
    let server = server().await;
    let token = "glpat-only-for-this-clone-0123";
    server.treat("web", Behaviour::Private { user: "oauth2".into(), password: token.into() });
    let session = session().env("AMBIENT_GITLAB_HOSTS", &server.address.to_string());
    let runner = session.start();
    let body = json!({ "url": server.url("web") });
    let refused = post(&runner, "/repos/add", &body).await;
    assert_eq!(refused.0, 500, "{refused:?}");
    let url = format!("{}/repos/add", runner.url);
    let response = crate::rig::client().post(url).header("X-GitLab-Token", token).json(&body).send().await.unwrap();
    assert_eq!(response.status(), 200);
    let remote = git(&session.path("ws/repos/web"), &["remote", "get-url", "origin"]);
    assert_eq!(remote, server.url("web"));
    assert!(!session.log_text().contains(token));
    assert!(!tree_text(&session.path("ws/repos/web/.git")).contains(token));
    assert!(!server.seen().command_lines.iter().any(|line| line.contains(token)), "not in argv");
}

fn tree_text(path: &std::path::Path) -> String {
    let mut text = String::new();
    for entry in std::fs::read_dir(path).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            text += &tree_text(&path);
        } else {
            text += &String::from_utf8_lossy(&std::fs::read(&path).unwrap());
        }
    }
    text
}

#[tokio::test]
async fn a_clone_that_hangs_holds_up_no_other() {
    let (server, session) = (server().await, session());
    server.repository("slow", &[("a", "b")]);
    server.treat("slow", Behaviour::Hang);
    let runner = session.start();
    let slow = runner.url.clone() + "/repos/add";
    let body = json!({ "url": server.url("slow") });
    let slow = tokio::spawn(async move { crate::rig::client().post(slow).json(&body).send().await.is_ok() });
    let quick = post(&runner, "/repos/add", &json!({ "url": server.url("web") })).await;
    assert_eq!((quick.0, &quick.1["newly_cloned"]), (200, &json!(true)));
    assert_eq!(tell(&runner, "r1", "echo still here").await, "still here");
    slow.abort();
}
