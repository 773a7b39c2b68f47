//! What is refused, with which status, and that nothing is left of it.

use serde_json::{Value, json};

use crate::{git_server::Behaviour, post, server, session, status};

fn detail(body: &Value) -> &str {
    body["detail"].as_str().unwrap_or_default()
}

#[tokio::test]
async fn a_clone_that_fails_is_no_200_and_leaves_nothing() {
    let (server, session) = (server().await, session());
    server.repository("broken", &[("a", "b")]);
    server.treat("broken", Behaviour::Status(500));
    let runner = session.start();
    for name in ["missing", "broken"] {
        let (code, body) = post(&runner, "/repos/add", &json!({ "url": server.url(name) })).await;
        let begin = format!("Failed to clone repository: {}: ", server.url(name));
        assert_eq!(code, 500, "{body}");
        assert!(detail(&body).starts_with(&begin) && detail(&body).contains("Check "), "{body}");
    }
    assert_eq!(std::fs::read_dir(session.path("ws/repos")).unwrap().count(), 0);
    assert_eq!(std::fs::read_dir(session.path("data/workspace/staging")).unwrap().count(), 0);
    assert!(status(&runner).await.is_empty());
}

#[tokio::test]
async fn a_clone_has_a_deadline() {
    let (server, session) = (server().await, session().env("AMBIENT_CLONE_TIMEOUT", "1"));
    server.treat("web", Behaviour::Hang);
    let runner = session.start();
    let (code, body) = post(&runner, "/repos/add", &json!({ "url": server.url("web") })).await;
    assert_eq!(code, 500, "{body}");
    assert!(detail(&body).starts_with("Failed to clone repository"), "{body}");
    assert_eq!(std::fs::read_dir(session.path("ws/repos")).unwrap().count(), 0);
}

#[tokio::test]
async fn what_cannot_be_meant_is_refused_before_git_sees_it() {
    let (server, session) = (server().await, session());
    let runner = session.start();
    let url = server.url("web");
    for body in [json!({}), json!({ "url": "" })] {
        assert_eq!(post(&runner, "/repos/add", &body).await.0, 400, "{body}");
    }
    for body in [
        json!({ "url": "ext::sh -c id" }),
        json!({ "url": "--upload-pack=id" }),
        json!({ "url": "/etc" }),
        json!({ "url": "file:///etc" }),
        json!({ "url": url, "branch": "-b" }),
        json!({ "url": url, "branch": "a..b" }),
        json!({ "url": 7 }),
    ] {
        let (code, said) = post(&runner, "/repos/add", &body).await;
        assert_eq!(code, 422, "{body}: {said}");
    }
    assert!(server.seen().requests.is_empty());
    assert_eq!(post(&runner, "/repos/remove", &json!({})).await.0, 400);
    assert_eq!(post(&runner, "/repos/remove", &json!("web")).await.0, 422);
}

#[tokio::test]
async fn removing_what_is_not_there_is_said() {
    let session = session();
    let runner = session.start();
    let (code, body) = post(&runner, "/repos/remove", &json!({ "name": "web" })).await;
    assert_eq!(code, 404);
    assert!(detail(&body).contains("\"web\""), "{body}");
}

#[tokio::test]
async fn another_repository_does_not_take_the_place_of_one_that_is_there() {
    let (server, session) = (server().await, session());
    server.repository("other", &[("a", "b")]);
    let runner = session.start();
    post(&runner, "/repos/add", &json!({ "url": server.url("web"), "branch": "next" })).await;
    let other = post(&runner, "/repos/add", &json!({ "url": server.url("other"), "name": "web" })).await;
    assert_eq!(other.0, 409, "{other:?}");
    std::fs::create_dir_all(session.path("ws/repos/other/of-the-agent")).unwrap();
    let occupied = post(&runner, "/repos/add", &json!({ "url": server.url("other") })).await;
    assert_eq!(occupied.0, 409, "{occupied:?}");
    assert!(session.path("ws/repos/other/of-the-agent").exists());
    assert_eq!(status(&runner).await.len(), 1);
}
