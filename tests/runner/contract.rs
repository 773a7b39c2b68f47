//! The routes: what they take and what they answer.

use ambient::agui::EventKind;
use serde_json::{Value, json};

use crate::rig::{Session, THREAD, client, input, outcome, text, valid};

#[tokio::test]
async fn health_tells_the_session_and_needs_no_token() {
    let session = Session::new().env("AGUI_TOKEN", "the-sessions-token").env("AGUI_HOST", "127.0.0.1");
    let runner = session.start();
    let health: Value = runner.get("/health").await.json().await.unwrap();
    assert_eq!(health, json!({"status": "healthy", "session_id": THREAD}));
}

#[tokio::test]
async fn every_other_route_needs_the_token_when_there_is_one() {
    let session = Session::new().env("AGUI_TOKEN", "the-sessions-token").env("AGUI_HOST", "127.0.0.1");
    let runner = session.start();
    for path in ["/capabilities", "/events/s1", "/events/s1/wait"] {
        let answer = runner.get(path).await;
        assert_eq!(answer.status(), 401, "{path}");
        assert_eq!(answer.json::<Value>().await.unwrap(), json!({"detail": "Unauthorized"}));
    }
    let right = client().get(format!("{}/capabilities", runner.url));
    let right = right.header("X-Ambient-Session-Token", "the-sessions-token").send().await.unwrap();
    assert_eq!(right.status(), 200);
}

#[tokio::test]
async fn capabilities_have_the_originals_shape() {
    let session = Session::new();
    let runner = session.start();
    let told: Value = runner.get("/capabilities").await.json().await.unwrap();
    assert_eq!(told["framework"], "claude-agent-sdk");
    assert_eq!(told["session_id"], THREAD);
    assert_eq!(told["session_persistence"], true);
    assert!(told["agent_features"].as_array().unwrap().contains(&json!("thinking")));
}

#[tokio::test]
async fn a_run_is_a_valid_stream_from_its_start_to_its_end() {
    let session = Session::new();
    let runner = session.start();
    let response = runner.post("/", &input("r1", "echo hello there")).await;
    assert_eq!(response.headers()["content-type"], "text/event-stream; charset=utf-8");
    assert_eq!(response.headers()["cache-control"], "no-cache");
    assert_eq!(response.headers()["x-accel-buffering"], "no");
    let frames = crate::rig::Stream::of(response).frames().await;
    let ids: Vec<u64> = frames.iter().map(|(id, _)| *id).collect();
    assert_eq!(ids, (1..=ids.len() as u64).collect::<Vec<_>>());
    let events: Vec<_> = frames.into_iter().map(|(_, event)| event).collect();
    valid(&events);
    assert_eq!(text(&events), "hello there");
    assert!(matches!(events.last().unwrap().kind, EventKind::RunFinished { .. }));
    assert_eq!(outcome(&events)["reason"], "Completed");
    assert_eq!(outcome(&events)["result"], "hello there");
}

#[tokio::test]
async fn the_stream_uses_every_event_kind_of_the_original() {
    let session = Session::new();
    let runner = session.start();
    let events = runner.run("r1", "thinking 2; echo text; tool").await;
    let lines: Vec<Value> = events.iter().map(|event| serde_json::to_value(event).unwrap()).collect();
    for kind in [
        "RUN_STARTED",
        "TEXT_MESSAGE_START",
        "TEXT_MESSAGE_CONTENT",
        "TEXT_MESSAGE_END",
        "TOOL_CALL_START",
        "TOOL_CALL_ARGS",
        "TOOL_CALL_END",
        "TOOL_CALL_RESULT",
        "STEP_STARTED",
        "STEP_FINISHED",
        "STATE_SNAPSHOT",
        "STATE_DELTA",
        "RAW",
        "RUN_FINISHED",
        "REASONING_START",
        "REASONING_MESSAGE_CONTENT",
    ] {
        assert!(lines.iter().any(|line| line["type"] == kind), "{kind}");
    }
    valid(&events);
}

#[tokio::test]
async fn a_run_id_that_the_thread_knows_is_not_executed_again() {
    let session = Session::new();
    let runner = session.start();
    let first = runner.run("r1", "pid; session").await;
    let again = runner.run("r1", "echo something else").await;
    assert_eq!(first, again);
}

#[tokio::test]
async fn bug_17_inputs_that_are_none_are_422_and_name_the_field() {
    let session = Session::new();
    let runner = session.start();
    let cases = [
        (json!({"runId": "r", "messages": []}), "threadId"),
        (json!({"threadId": "t", "runId": "r"}), "messages"),
        (json!({"threadId": "t", "messages": [{"id": "1", "role": "alien", "content": "x"}]}), "alien"),
        (json!([]), "object"),
    ];
    for (body, named) in cases {
        let answer = runner.post("/", &body).await;
        assert_eq!(answer.status(), 422, "{body}");
        let detail = answer.json::<Value>().await.unwrap()["detail"].to_string();
        assert!(detail.contains(named), "{detail}");
    }
    let broken = client().post(&runner.url).body("{\"threadId\":").send().await.unwrap();
    assert_eq!(broken.status(), 422);
}

#[tokio::test]
async fn an_input_without_anything_new_starts_and_finishes() {
    let session = Session::new();
    let runner = session.start();
    let body = json!({"threadId": THREAD, "runId": "r1", "messages": []});
    let events = crate::rig::Stream::of(runner.post("/", &body).await).rest().await;
    valid(&events);
    assert_eq!(outcome(&events)["reason"], "Completed");
}

#[tokio::test]
async fn an_unknown_path_is_404_with_a_detail() {
    let session = Session::new();
    let runner = session.start();
    let answer = runner.get("/nothing/here").await;
    assert_eq!(answer.status(), 404);
    assert_eq!(answer.json::<Value>().await.unwrap(), json!({"detail": "no route /nothing/here"}));
}

#[tokio::test]
async fn threads_have_their_own_conversations_and_numbers() {
    let session = Session::new();
    let runner = session.start();
    runner.run("r1", "echo one").await;
    let body = json!({"threadId": "other", "runId": "r1",
        "messages": [{"id": "m", "role": "user", "content": "echo two"}]});
    let frames = crate::rig::Stream::of(runner.post("/", &body).await).frames().await;
    assert_eq!(frames[0].0, 1);
    let events: Vec<_> = frames.into_iter().map(|(_, event)| event).collect();
    assert_eq!(text(&events), "two");
}

#[test]
fn a_runner_that_others_could_reach_needs_a_token() {
    let (code, said) = Session::new().env("AGUI_HOST", "0.0.0.0").refuse();
    assert_eq!(code, Some(2));
    assert!(said.contains("AGUI_TOKEN"), "{said}");
}

#[test]
fn settings_that_cannot_be_used_are_named() {
    for (name, value) in [
        ("RUNNER_TYPE", "gpt-agent"),
        ("REPOS_JSON", "{not json"),
        ("SDK_OPTIONS", "[1]"),
        ("EVENTS_TAP_TIMEOUT_SEC", "-3"),
    ] {
        let (code, said) = Session::new().env(name, value).refuse();
        assert_eq!(code, Some(2), "{name}: {said}");
        assert!(said.contains(name), "{name}: {said}");
    }
}
