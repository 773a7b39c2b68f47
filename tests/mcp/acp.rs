//! The tools for other sessions, called by the real CLI.

use axum::{Json, Router, routing::get};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::{
    agent::{session, until},
    model::Model,
    rig::{text, valid},
};

/// A backend that knows one session, whose variables are secrets that nobody here knows.
async fn backend() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/api", listener.local_addr().unwrap());
    let other = json!({
        "metadata": { "name": "neighbour" }, "status": { "phase": "Running" },
        "spec": { "environmentVariables": { "SOME_API_KEY": "the-neighbours-own-value" } },
    });
    let route = "/api/projects/team/agentic-sessions/neighbour";
    let router = Router::new().route(route, get(move || async move { Json(other) }));
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

#[tokio::test]
async fn with_a_backend_the_agent_looks_at_another_session() {
    let model = Model::start(
        "
rules:
  - {when: {step: 0}, reply: [{tool: mcp__acp__acp_get_session, input: {session_name: neighbour}}]}
  - {when: {step: 1}, reply: [{text: Seen.}]}
",
    );
    let Some(session) = session(&model, &json!({})) else {
        return;
    };
    let session = session
        .env("BACKEND_API_URL", &backend().await)
        .env("PROJECT_NAME", "team")
        .env("BOT_TOKEN", "the-bots-own-token");
    let runner = session.start();
    let listed = until(&runner, "acp", "connected").await;
    assert_eq!(listed["tools"].as_array().unwrap().len(), 9, "{listed}");
    let events = runner.run("r1", "look").await;
    valid(&events);
    assert_eq!(text(&events), "Seen.");
    let told = serde_json::to_string(&events).unwrap();
    assert!(told.contains("neighbour") && told.contains("[redacted:SOME_API_KEY]"), "{told}");
    assert!(!told.contains("the-neighbours-own-value") && !told.contains("the-bots-own-token"), "{told}");
}

#[tokio::test]
async fn without_a_backend_there_are_none() {
    let model = Model::start("rules: []");
    let Some(session) = session(&model, &json!({})) else {
        return;
    };
    let runner = session.start();
    until(&runner, "corrections", "connected").await;
    let report: Value = runner.get("/mcp/status").await.json().await.unwrap();
    assert!(!report.to_string().contains("acp"), "{report}");
}
