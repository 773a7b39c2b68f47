//! The tools against a backend of the test's own.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Json, Router,
    body::Bytes,
    extract::{Request, State},
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

use super::*;
use crate::security::{Credential, Secret};

/// A backend with sessions; it notes what it is asked.
#[derive(Clone)]
struct Backend(Arc<Mutex<Kept>>);

struct Kept {
    sessions: Vec<Value>,
    asked: Vec<(String, Value)>,
    /// What it answers instead.
    instead: Option<(u16, &'static str)>,
    /// Whether it obeys when a session is to stop.
    stops: bool,
}

fn session(name: &str, phase: &str) -> Value {
    json!({
        "metadata": { "name": name, "creationTimestamp": "2026-01-01T00:00:00Z" },
        "spec": { "displayName": format!("The {name}"), "environmentVariables": { "SOME_API_KEY": "of-another-user", "PLAIN": "seen" } },
        "status": { "phase": phase },
    })
}

impl Backend {
    fn with(sessions: Vec<Value>) -> Self {
        Self(Arc::new(Mutex::new(Kept { sessions, asked: Vec::new(), instead: None, stops: true })))
    }

    async fn tools(&self) -> AcpTools {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/api", listener.local_addr().unwrap());
        let router = Router::new().fallback(answer).with_state(self.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        let token = Some(Secret::from("the-bots-own-token"));
        let platform = Platform::new(&url, "team", PathBuf::from("/no/such/file"), token).unwrap();
        let known = [Credential::new("KNOWN", "a-value-that-is-known")];
        AcpTools::new(Arc::new(platform), Arc::new(Redactor::new(known)), "own")
    }

    fn asked(&self) -> Vec<(String, Value)> {
        self.0.lock().unwrap().asked.clone()
    }
}

async fn answer(State(backend): State<Backend>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    assert_eq!(parts.headers["authorization"], "Bearer the-bots-own-token");
    let body: Bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    let path = parts.uri.path().strip_prefix("/api/").unwrap().to_owned();
    let mut kept = backend.0.lock().unwrap();
    kept.asked.push((format!("{} {path}", parts.method), body));
    if let Some((status, text)) = kept.instead {
        return (StatusCode::from_u16(status).unwrap(), text).into_response();
    }
    let query = parts.uri.query().unwrap_or_default();
    let steps: Vec<&str> = path.split('/').collect();
    match steps.as_slice() {
        ["workflows", "ootb"] => {
            Json(json!({ "workflows": [{ "id": "w", "gitUrl": "https://g/w", "more": 1 }] })).into_response()
        }
        ["projects", "team", "agentic-sessions"] if parts.method == "POST" => {
            (StatusCode::CREATED, Json(json!({ "name": "session-17", "uid": "u" }))).into_response()
        }
        ["projects", "team", "agentic-sessions"] => {
            let offset: usize = query.split("offset=").nth(1).unwrap().split('&').next().unwrap().parse().unwrap();
            let items: Vec<_> = kept.sessions.iter().skip(offset).take(100).cloned().collect();
            let more = offset + items.len() < kept.sessions.len();
            Json(json!({ "items": items, "hasMore": more })).into_response()
        }
        ["projects", "team", "agentic-sessions", name, rest @ ..] => about(&mut kept, name, rest),
        _ => StatusCode::IM_A_TEAPOT.into_response(),
    }
}

fn about(kept: &mut Kept, name: &str, rest: &[&str]) -> Response {
    let stops = kept.stops;
    let Some(session) = kept.sessions.iter_mut().find(|session| session["metadata"]["name"] == name) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    match rest {
        [] => Json(session.clone()).into_response(),
        ["stop"] if stops => {
            session["status"]["phase"] = json!("Stopped");
            Json(json!({})).into_response()
        }
        ["stop" | "start"] => StatusCode::ACCEPTED.into_response(),
        ["agui", "run"] => Json(json!({ "runId": "r9", "threadId": "t9" })).into_response(),
        ["export"] => Json(json!({ "aguiEvents": [
            { "type": "MESSAGES_SNAPSHOT", "messages": [{ "id": "u", "role": "user", "content": "hello" }] },
            { "type": "TEXT_MESSAGE_START", "messageId": "m", "role": "assistant" },
            { "type": "TEXT_MESSAGE_CONTENT", "messageId": "m", "delta": "The key is a-value-" },
            { "type": "TEXT_MESSAGE_CONTENT", "messageId": "m", "delta": "that-is-known." },
        ] }))
        .into_response(),
        _ => StatusCode::IM_A_TEAPOT.into_response(),
    }
}

async fn call(tools: &AcpTools, tool: &str, arguments: Value) -> Result<Value, String> {
    let called = tools.call(&Id::from("t"), tool, arguments).await?;
    Ok(serde_json::from_str(&called.text).unwrap())
}

fn names(answer: &Value) -> Vec<&str> {
    answer["sessions"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn sessions_are_listed_by_phase_across_the_backends_pages() {
    let mut sessions: Vec<Value> = (0..150).map(|number| session(&format!("old-{number}"), "Completed")).collect();
    sessions.extend([session("a", "Running"), session("b", "Pending"), session("c", "Stopped")]);
    let tools = Backend::with(sessions).tools().await;
    let active = call(&tools, "acp_list_sessions", json!({})).await.unwrap();
    assert_eq!((names(&active), &active["hasMore"]), (vec!["a", "b"], &json!(false)));
    let second = call(&tools, "acp_list_sessions", json!({ "limit": 1, "offset": 1 })).await.unwrap();
    assert_eq!(names(&second), ["b"]);
    let stopped = call(&tools, "acp_list_sessions", json!({ "phase": "Stopped" })).await.unwrap();
    assert_eq!(names(&stopped), ["c"]);
    let all = call(&tools, "acp_list_sessions", json!({ "include_completed": true, "limit": 100 })).await.unwrap();
    assert_eq!((all["count"].as_u64(), &all["hasMore"]), (Some(100), &json!(true)));
}

#[tokio::test]
async fn a_session_is_told_without_the_secrets_in_it() {
    let tools = Backend::with(vec![session("a", "Running")]).tools().await;
    let told = call(&tools, "acp_get_session", json!({ "session_name": "a" })).await.unwrap();
    let variables = &told["session"]["spec"]["environmentVariables"];
    assert_eq!(variables, &json!({ "SOME_API_KEY": "[redacted:SOME_API_KEY]", "PLAIN": "seen" }));
}

#[tokio::test]
async fn the_status_tells_the_last_texts_of_the_conversation_redacted() {
    let tools = Backend::with(vec![session("a", "Running")]).tools().await;
    let told = call(&tools, "acp_get_session_status", json!({ "session_name": "a" })).await.unwrap();
    assert_eq!((&told["phase"], &told["totalMessages"]), (&json!("Running"), &json!(2)));
    assert_eq!(told["recentMessages"][0], json!({ "role": "user", "text": "hello" }));
    let last = told["recentMessages"][1]["text"].as_str().unwrap();
    assert!(last.starts_with("The key is ") && !last.contains("that-is-known"), "{last}");
    let one = call(&tools, "acp_get_session_status", json!({ "session_name": "a", "max_messages": 1 })).await.unwrap();
    assert_eq!(one["recentMessages"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_session_is_created_as_asked_and_told_by_the_name_it_got() {
    let backend = Backend::with(Vec::new());
    let tools = backend.tools().await;
    let arguments = json!({
        "session_name": "my-task", "initial_prompt": "Go.", "model": "m-1",
        "repos": r#"[{"url": "https://user:***@git.example/web.git", "branch": "dev"}]"#,
        "workflow_git_url": "https://git.example/flow.git", "workflow_path": "flows/fix",
    });
    let told = call(&tools, "acp_create_session", arguments).await.unwrap();
    assert_eq!(told["name"], "session-17");
    let (request, body) = backend.asked().pop().unwrap();
    assert_eq!(request, "POST projects/team/agentic-sessions");
    assert_eq!(
        body,
        json!({
            "sessionName": "my-task", "displayName": "my-task", "initialPrompt": "Go.", "llmSettings": { "model": "m-1" },
            "repos": [{ "url": "https://git.example/web.git", "branch": "dev" }],
            "activeWorkflow": { "gitUrl": "https://git.example/flow.git", "path": "flows/fix" },
        })
    );
}

#[tokio::test]
async fn a_message_is_a_run_of_the_other_session() {
    let backend = Backend::with(vec![session("a", "Running")]);
    let tools = backend.tools().await;
    let arguments = json!({ "session_name": "a", "message": "Go on.", "thread_id": "t1" });
    let told = call(&tools, "acp_send_message", arguments).await.unwrap();
    assert_eq!(told["run"], json!({ "runId": "r9", "threadId": "t9" }));
    let (request, body) = backend.asked().pop().unwrap();
    assert_eq!(request, "POST projects/team/agentic-sessions/a/agui/run");
    assert_eq!((&body["threadId"], &body["messages"][0]["content"]), (&json!("t1"), &json!("Go on.")));
}

#[tokio::test]
async fn a_restart_starts_what_has_stopped_and_nothing_else() {
    let backend = Backend::with(vec![session("a", "Running"), session("own", "Running")]);
    let mut tools = backend.tools().await;
    call(&tools, "acp_restart_session", json!({ "session_name": "a" })).await.unwrap();
    let asked: Vec<String> = backend.asked().into_iter().map(|(request, _)| request).collect();
    let path = |rest: &str| format!("projects/team/agentic-sessions/a{rest}");
    let expected = [format!("GET {}", path("")), format!("POST {}", path("/stop")), format!("GET {}", path(""))];
    assert_eq!(asked, [&expected[..], &[format!("POST {}", path("/start"))]].concat());
    let own = call(&tools, "acp_restart_session", json!({ "session_name": "own" })).await.unwrap_err();
    assert!(own.contains("restart_session"), "{own}");
    backend.0.lock().unwrap().stops = false;
    backend.0.lock().unwrap().sessions[0] = session("a", "Running");
    tools.stops_within = Duration::ZERO;
    let reason = call(&tools, "acp_restart_session", json!({ "session_name": "a" })).await.unwrap_err();
    assert!(reason.contains("has not stopped"), "{reason}");
    assert!(!backend.asked().last().unwrap().0.ends_with("/start"));
}

#[tokio::test]
async fn stopping_and_the_workflows() {
    let backend = Backend::with(vec![session("a", "Running")]);
    let tools = backend.tools().await;
    call(&tools, "acp_stop_session", json!({ "session_name": "a" })).await.unwrap();
    assert_eq!(backend.asked()[0].0, "POST projects/team/agentic-sessions/a/stop");
    let told = call(&tools, "acp_list_workflows", json!({})).await.unwrap();
    assert_eq!((&told["workflows"][0]["gitUrl"], &told["count"]), (&json!("https://g/w"), &json!(1)));
    assert!(told["workflows"][0].get("more").is_none());
}

#[tokio::test]
async fn the_reference_names_the_routes_and_no_token() {
    let tools = Backend::with(Vec::new()).tools().await;
    let told = call(&tools, "acp_get_api_reference", json!({})).await.unwrap().to_string();
    assert!(told.contains("/projects/team/agentic-sessions/NAME/stop") && !told.contains("the-bots"), "{told}");
}

#[tokio::test]
async fn a_failure_says_what_to_do_and_shows_no_secret() {
    let backend = Backend::with(Vec::new());
    let tools = backend.tools().await;
    for (status, body, expected) in [
        (403, "{}", "may not do it. Ask the user"),
        (404, "{}", "acp_list_sessions"),
        (409, r#"{"error": "it has a-value-that-is-known"}"#, "Change it and try again"),
        (503, "<html>", "Try again later"),
        (302, "", "Try again later"),
        (200, "<html>", "no JSON"),
    ] {
        backend.0.lock().unwrap().instead = Some((status, body));
        let reason = call(&tools, "acp_get_session", json!({ "session_name": "a" })).await.unwrap_err();
        assert!(reason.contains(expected) && !reason.contains("that-is-known"), "{status}: {reason}");
    }
    assert!(call(&tools, "acp_drop_everything", json!({})).await.is_err());
}

#[tokio::test]
async fn a_backend_that_is_away_is_an_error_for_the_agent() {
    // Nothing listens there, and no test gets this port from the system.
    let platform = Platform::new("http://127.0.0.1:1", "team", PathBuf::new(), None).unwrap();
    let tools = AcpTools::new(Arc::new(platform), Arc::new(Redactor::new([])), "own");
    let reason = call(&tools, "acp_list_sessions", json!({})).await.unwrap_err();
    assert!(reason.contains("cannot be reached"), "{reason}");
}

#[tokio::test]
async fn what_is_not_as_it_should_be_reaches_no_backend() {
    let backend = Backend::with(Vec::new());
    let tools = backend.tools().await;
    let long = "x".repeat(70_000);
    let wrong = [
        ("acp_get_session", json!({})),
        ("acp_get_session", json!({ "session_name": 7 })),
        ("acp_get_session", json!({ "session_name": "../secrets" })),
        ("acp_get_session", json!({ "session_name": "a/b" })),
        ("acp_get_session", json!({ "session_name": "A" })),
        ("acp_stop_session", json!({ "session_name": "a\u{0}" })),
        ("acp_send_message", json!({ "session_name": "a", "message": " " })),
        ("acp_send_message", json!({ "session_name": "a", "message": long })),
        ("acp_send_message", json!({ "session_name": "a", "message": "x", "thread_id": "a b" })),
        ("acp_list_sessions", json!({ "limit": 0 })),
        ("acp_list_sessions", json!({ "limit": -1 })),
        ("acp_list_sessions", json!({ "phase": "Sleeping" })),
        ("acp_list_sessions", json!({ "include_completed": "yes" })),
        ("acp_get_session_status", json!({ "session_name": "a", "max_messages": 51 })),
        ("acp_create_session", json!({ "session_name": "a", "repos": "[" })),
        ("acp_create_session", json!({ "session_name": "a", "repos": r#"[{"url": "ext::sh"}]"# })),
        ("acp_create_session", json!({ "session_name": "a", "repos": [{ "url": "https://g/r", "branch": "-x" }] })),
        ("acp_create_session", json!({ "session_name": "a", "workflow_git_url": "file:///etc" })),
        ("acp_create_session", json!({ "session_name": "a", "model": "m x" })),
        (
            "acp_create_session",
            json!({ "session_name": "a", "workflow_git_url": "https://g/r", "workflow_path": "../x" }),
        ),
    ];
    for (tool, arguments) in wrong {
        let reason = call(&tools, tool, arguments.clone()).await.unwrap_err();
        assert!(reason.contains(": "), "{tool} {arguments}: {reason}");
    }
    assert_eq!(backend.asked(), []);
}

proptest::proptest! {
    #[test]
    fn any_name_is_refused_or_one_step_of_the_address(name in "\\PC{0,12}|[a-z./%?#-]{1,12}") {
        if let Ok(name) = arguments::session_name(&json!({ "session_name": name })) {
            let platform = Platform::new("http://b.ns.svc/api", "team", PathBuf::new(), None).unwrap();
            let url = platform.sessions_url(&[&name, "stop"]);
            assert_eq!(url.as_str(), format!("http://b.ns.svc/api/projects/team/agentic-sessions/{name}/stop"));
        }
    }

    #[test]
    fn any_events_give_whole_messages_of_bounded_length(kinds in proptest::collection::vec((0_usize..5, 0_u8..4, "\\PC{0,12}"), 0..12)) {
        let names = ["TEXT_MESSAGE_START", "TEXT_MESSAGE_CONTENT", "TEXT_MESSAGE_CHUNK", "MESSAGES_SNAPSHOT", "RUN_STARTED"];
        let event = |(kind, id, text): &(usize, u8, String)| json!({
            "type": names[*kind], "messageId": id.to_string(), "delta": text.repeat(60),
            "messages": [{ "id": id.to_string(), "role": "user", "content": text.repeat(60) }],
        });
        let events: Vec<Value> = kinds.iter().map(event).collect();
        for message in answer::messages(&events) {
            assert!(message["text"].as_str().unwrap().len() <= 500 && message["role"].is_string());
        }
    }
}

#[test]
fn a_long_answer_is_cut_and_says_so() {
    let text = answer::text(&json!({ "a": "é".repeat(100_000) }));
    assert!(text.len() < 70_000 && text.ends_with("bytes in all)"), "{}", text.len());
}
