//! The routes, without a cluster: an API server of the test's own says who somebody is and what they may.

use std::{
    convert::Infallible,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::{
    body::{Body, to_bytes},
    http::{Request, Response, StatusCode},
};
use futures_util::StreamExt;
use kube::{Client, runtime::reflector};
use serde_json::{Value, json};
use tempfile::TempDir;
use tower::{ServiceExt, service_fn};

use super::{Gateway, access::Access, known::Known, out::Pace, router};
use crate::{
    agui::{Event, EventKind, Id},
    api::{
        AgenticSession, Run, RunSpec, RunStatus,
        run::{RunEvents, RunPhase, SessionRef},
    },
    operator::{
        history::History,
        kept::{Kept, KeptRun},
    },
};

const LONG: Duration = Duration::from_mins(1);

/// What the API server answers, and what it was asked.
#[derive(Default)]
struct Cluster {
    asked: AtomicUsize,
    revoked: std::sync::atomic::AtomicBool,
    made: Mutex<Vec<Value>>,
    gets: Mutex<Vec<String>>,
}

impl Cluster {
    fn answer(&self, path: &str, body: &Value) -> Value {
        self.asked.fetch_add(1, Ordering::SeqCst);
        let mut answer = body.clone();
        if path.ends_with("tokenreviews") {
            let token = body["spec"]["token"].as_str().unwrap();
            // Only `for-cluster` is a token for the API server.
            let ours = body["spec"].get("audiences").is_some() != (token == "for-cluster");
            let known = ["reader", "writer", "for-cluster"].contains(&token) && ours;
            answer["status"] =
                json!({"authenticated": known, "user": {"username": token}, "audiences": body["spec"]["audiences"]});
            return answer;
        }
        if path.ends_with("subjectaccessreviews") {
            let asks = &body["spec"]["resourceAttributes"];
            let here = asks["namespace"] == "n" && !self.revoked.load(Ordering::SeqCst);
            let writes = body["spec"]["user"] == "writer";
            let reads =
                asks["verb"] == "get" && asks["resource"] == "agenticsessions" && asks["subresource"] == "events";
            answer["status"] = json!({"allowed": here && (reads || writes)});
            return answer;
        }
        self.made.lock().unwrap().push(body.clone());
        answer["metadata"]["namespace"] = json!("n");
        answer["metadata"]["uid"] = json!("made-uid");
        answer
    }

    /// The one Run that the watch has not shown yet.
    fn found(&self, path: &str) -> Response<kube::client::Body> {
        self.gets.lock().unwrap().push(path.to_owned());
        let (code, body) = if path.ends_with("/namespaces/n/runs/new") {
            (200, serde_json::to_value(run("new")).unwrap())
        } else {
            (404, json!({"kind": "Status", "status": "Failure", "code": 404, "reason": "NotFound", "message": "none"}))
        };
        Response::builder().status(code).body(kube::client::Body::from(body.to_string().into_bytes())).unwrap()
    }

    fn client(self: &Arc<Self>) -> Client {
        let cluster = Arc::clone(self);
        let service = service_fn(move |request: Request<kube::client::Body>| {
            let cluster = Arc::clone(&cluster);
            async move {
                let (parts, body) = request.into_parts();
                if parts.method == "GET" {
                    return Ok::<_, Infallible>(cluster.found(parts.uri.path()));
                }
                let bytes = body.collect_bytes().await.unwrap();
                let body = serde_json::from_slice(&bytes).unwrap_or_default();
                let answer = cluster.answer(parts.uri.path(), &body);
                Ok(Response::new(kube::client::Body::from(answer.to_string().into_bytes())))
            }
        });
        Client::new(service, "n")
    }
}

struct Rig {
    cluster: Arc<Cluster>,
    gateway: Arc<Gateway>,
    _dir: TempDir,
}

/// A session `s` with the ended Run `r`, whose events are kept.
fn rig() -> Rig {
    let dir = TempDir::new().unwrap();
    let history = History::open(dir.path(), None).unwrap();
    let kept = Kept { namespace: "n".into(), name: "s".into(), ..Kept::default() };
    let log = history.log(&kept, "uid-s", &Id::from("s")).unwrap();
    log.append(&Id::from("r-id"), 5, &events()).unwrap();
    rig_of(dir, history)
}

fn rig_of(dir: TempDir, history: History) -> Rig {
    let (history, cluster) = (Arc::new(history), Arc::new(Cluster::default()));
    let deleted = KeptRun { uid: "uid-deleted".into(), thread: Id::from("s"), id: Id::from("r-id") };
    history.note("uid-s", &deleted).unwrap();
    let (sessions, mut to_sessions) = reflector::store();
    let (runs, mut to_runs) = reflector::store();
    let mut session = AgenticSession::new("s", crate::api::AgenticSessionSpec::default());
    (session.metadata.namespace, session.metadata.uid) = (Some("n".into()), Some("uid-s".into()));
    to_sessions.apply_watcher_event(&kube::runtime::watcher::Event::Apply(session));
    to_runs.apply_watcher_event(&kube::runtime::watcher::Event::Apply(run("r")));
    let pace = Pace { look: Duration::from_millis(20), recheck: Duration::from_millis(50), ..Pace::default() };
    let client = cluster.client();
    let access = Arc::new(Access::new(client.clone()));
    let sessions = Known { store: sessions, written: Arc::default() };
    let runs = Known { store: runs, written: Arc::default() };
    let gateway = Gateway { client, access, sessions, runs, source: Arc::new(Arc::clone(&history)), history, pace };
    Rig { cluster, gateway: Arc::new(gateway), _dir: dir }
}

fn run(name: &str) -> Run {
    let spec = RunSpec {
        session_ref: SessionRef { name: "s".into() },
        run_id: Some(format!("{name}-id")),
        ..RunSpec::default()
    };
    let mut run = Run::new(name, spec);
    (run.metadata.namespace, run.metadata.uid) = (Some("n".into()), Some(format!("uid-{name}")));
    let events = RunEvents { count: 5, last_id: 5, ..RunEvents::default() };
    run.status = Some(RunStatus { phase: RunPhase::Succeeded, events: Some(events), ..RunStatus::default() });
    run
}

fn events() -> Vec<Event> {
    let (thread_id, run_id, message_id) = (Id::from("s"), Id::from("r-id"), Id::from("m"));
    let kinds = [
        EventKind::RunStarted {
            thread_id: thread_id.clone(),
            run_id: run_id.clone(),
            protocol_version: None,
            parent_run_id: None,
            input: None,
        },
        EventKind::TextMessageStart { message_id: message_id.clone(), role: None, name: None },
        EventKind::TextMessageContent { message_id: message_id.clone(), delta: "hello".into() },
        EventKind::TextMessageEnd { message_id },
        EventKind::RunFinished { thread_id, run_id, result: None, outcome: None, usage: Vec::new() },
    ];
    kinds.map(Event::from).into()
}

impl Rig {
    async fn ask(&self, method: &str, path: &str, token: &str, body: &Value) -> Response<Body> {
        let request = Request::builder().method(method).uri(path).header("authorization", format!("Bearer {token}"));
        router(Arc::clone(&self.gateway)).oneshot(request.body(Body::from(body.to_string())).unwrap()).await.unwrap()
    }

    async fn get(&self, path: &str, token: &str) -> (StatusCode, String) {
        let response = self.ask("GET", path, token, &Value::Null).await;
        let status = response.status();
        let body =
            tokio::time::timeout(LONG, to_bytes(response.into_body(), usize::MAX)).await.expect("it ends").unwrap();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }
}

fn types(body: &str) -> Vec<String> {
    let data = body.lines().filter_map(|line| line.strip_prefix("data: "));
    data.map(|line| serde_json::from_str::<Value>(line).unwrap()["type"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_run_that_has_ended_is_an_ag_ui_stream_of_its_own() {
    let (status, body) = rig().get("/v1/namespaces/n/runs/r/events", "reader").await;
    assert_eq!(status, StatusCode::OK);
    let expected = [
        "RUN_STARTED",
        "MESSAGES_SNAPSHOT",
        "STATE_SNAPSHOT",
        "TEXT_MESSAGE_START",
        "TEXT_MESSAGE_CONTENT",
        "TEXT_MESSAGE_END",
        "RUN_FINISHED",
    ];
    assert_eq!(types(&body), expected);
}

#[tokio::test]
async fn a_cursor_goes_on_behind_it_and_the_end_has_nothing_more() {
    let rig = rig();
    let path = "/v1/namespaces/n/runs/r/events";
    assert_eq!(types(&rig.get(&format!("{path}?after=3"), "reader").await.1), ["TEXT_MESSAGE_END", "RUN_FINISHED"]);
    assert_eq!(types(&rig.get(&format!("{path}?after=5"), "reader").await.1), Vec::<String>::new());
    let record = rig.get(&format!("{path}?after=4&format=record"), "reader").await.1;
    assert!(record.contains("\"seq\":5,\"runId\":\"r-id\""), "{record}");
    assert_eq!(rig.get(&format!("{path}?after=x"), "reader").await.0, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn a_session_is_read_by_name_and_by_uid_also_when_it_is_gone() {
    let rig = rig();
    for name in ["s", "uid:uid-s"] {
        let (status, body) =
            rig.get(&format!("/v1/namespaces/n/sessions/{name}/events?after=0&follow=false"), "reader").await;
        assert_eq!((status, types(&body).len()), (StatusCode::OK, 5), "{name}");
    }
    assert_eq!(rig.get("/v1/namespaces/other/sessions/uid:uid-s/events", "reader").await.0, StatusCode::FORBIDDEN);
    assert_eq!(rig.get("/v1/namespaces/n/sessions/uid:nobody/events", "reader").await.0, StatusCode::NOT_FOUND);
}

/// The reader of a Run shares its bytes with all others, and yet gets its own only.
#[tokio::test]
async fn what_a_thread_does_next_is_nothing_to_the_reader_of_a_run() {
    let rig = rig();
    let kept = Kept { namespace: "n".into(), name: "s".into(), ..Kept::default() };
    let log = rig.gateway.history.log(&kept, "uid-s", &Id::from("s")).unwrap();
    log.append(&Id::from("next"), 6, &events()).unwrap();
    let of_run = "/v1/namespaces/n/runs/r/events";
    assert_eq!(types(&rig.get(of_run, "reader").await.1).len(), 7);
    assert_eq!(types(&rig.get(&format!("{of_run}?after=0"), "reader").await.1).len(), 5);
    let of_session = "/v1/namespaces/n/sessions/s/events";
    // Its own end is written down, the next one's is not yet.
    assert_eq!(types(&rig.get(&format!("{of_session}?after=0&follow=false"), "reader").await.1).len(), 5);
    assert_eq!(types(&rig.get(of_session, "reader").await.1).last().unwrap(), "RUN_FINISHED");
}

#[tokio::test]
async fn an_event_of_a_newer_version_reaches_those_who_may_know_it() {
    let dir = TempDir::new().unwrap();
    let kept = Kept { namespace: "n".into(), name: "s".into(), ..Kept::default() };
    let history = History::open(dir.path(), None).unwrap();
    let log = history.log(&kept, "uid-s", &Id::from("s")).unwrap();
    log.append(&Id::from("r-id"), 5, &events()).unwrap();
    drop(log);
    history.close();
    drop(history);
    let mut changed = 0;
    for path in files(dir.path()) {
        let text = std::fs::read_to_string(&path).unwrap_or_default();
        if text.contains("TEXT_MESSAGE_END") {
            std::fs::write(&path, text.replace("TEXT_MESSAGE_END", "TEXT_MESSAGE_NEW")).unwrap();
            changed += 1;
        }
    }
    assert_eq!(changed, 1);
    let history = History::open(dir.path(), None).unwrap();
    let rig = rig_of(dir, history);
    for (path, count) in [("runs/r/events", 7), ("runs/r/events?after=0&format=record", 5)] {
        let (_, body) = rig.get(&format!("/v1/namespaces/n/{path}"), "reader").await;
        assert!(body.contains("TEXT_MESSAGE_NEW"), "{body}");
        assert_eq!(body.matches("data: ").count(), count);
    }
}

fn files(dir: &std::path::Path) -> Vec<std::path::PathBuf> {
    let paths = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    paths.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

#[tokio::test]
async fn a_run_that_no_watch_has_shown_yet_is_asked_for_and_nothing_else_is() {
    let rig = rig();
    let kept = Kept { namespace: "n".into(), name: "s".into(), ..Kept::default() };
    let log = rig.gateway.history.log(&kept, "uid-s", &Id::from("s")).unwrap();
    log.append(&Id::from("new-id"), 6, &events()).unwrap();
    let path = "/v1/namespaces/n/runs/new/events?after=0";
    for _ in 0..2 {
        assert_eq!(types(&rig.get(path, "reader").await.1).len(), 5);
    }
    let api = "/apis/vteam.ambient-code/v1alpha1/namespaces/n/runs";
    assert_eq!(*rig.cluster.gets.lock().unwrap(), [format!("{api}/new")], "then it is known");
    for name in ["old", "..%2F..%2F..%2Fsecrets%2Fx", "new%3Fwatch=true", "uid:new"] {
        let (status, _) = rig.get(&format!("/v1/namespaces/n/runs/{name}/events"), "reader").await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{name}");
    }
    assert_eq!(rig.get(path, "stranger").await.0, StatusCode::UNAUTHORIZED);
    assert_eq!(*rig.cluster.gets.lock().unwrap(), [format!("{api}/new"), format!("{api}/old")]);
}

#[tokio::test]
async fn a_run_that_was_deleted_is_read_by_its_uid_and_nothing_else_is_done_with_it() {
    let rig = rig();
    let path = "/v1/namespaces/n/runs/uid:uid-deleted";
    assert_eq!(
        rig.get(&format!("{path}/events"), "reader").await,
        rig.get("/v1/namespaces/n/runs/r/events", "reader").await
    );
    assert_eq!(types(&rig.get(&format!("{path}/events?after=4"), "reader").await.1), ["RUN_FINISHED"]);
    assert_eq!(types(&rig.get(&format!("{path}/events?after=5"), "reader").await.1), Vec::<String>::new());
    assert_eq!(rig.get("/v1/namespaces/other/runs/uid:uid-deleted/events", "reader").await.0, StatusCode::FORBIDDEN);
    assert_eq!(rig.get("/v1/namespaces/n/runs/uid:nobody/events", "reader").await.0, StatusCode::NOT_FOUND);
    for verb in ["cancel", "answer"] {
        let refused = rig.ask("POST", &format!("{path}/{verb}"), "writer", &json!({"resume": []})).await;
        assert_eq!(refused.status(), StatusCode::NOT_FOUND, "{verb}");
    }
}

#[tokio::test]
async fn nobody_without_a_token_or_a_right_gets_anything() {
    let rig = rig();
    let response = rig.ask("GET", "/v1/namespaces/n/runs/r/events", "stranger", &Value::Null).await;
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    assert!(response.headers().contains_key("www-authenticate"));
    let there = rig.get("/v1/namespaces/other/runs/r/events", "reader").await;
    let not_there = rig.get("/v1/namespaces/other/runs/q/events", "reader").await;
    assert_eq!(
        (there.0, there.1.replace("other/r", "X")),
        (StatusCode::FORBIDDEN, not_there.1.replace("other/q", "X"))
    );
    let start = rig.ask("POST", "/v1/namespaces/n/sessions/s/runs", "reader", &json!({})).await;
    assert_eq!(start.status(), StatusCode::FORBIDDEN);
    assert!(rig.cluster.made.lock().unwrap().is_empty());
}

#[tokio::test]
async fn many_readers_are_one_question_and_a_token_for_the_cluster_is_taken() {
    let rig = rig();
    let path = "/v1/namespaces/n/runs/r/events";
    let reads = futures_util::future::join_all((0..100).map(|_| rig.get(path, "for-cluster"))).await;
    assert!(reads.iter().all(|(status, _)| *status == StatusCode::OK));
    assert_eq!(rig.cluster.asked.load(Ordering::SeqCst), 3, "for us, for the API server, and what they may");
}

#[tokio::test]
async fn a_stream_ends_when_the_right_to_read_is_taken_away() {
    let rig = rig();
    let response = rig.ask("GET", "/v1/namespaces/n/sessions/s/events?after=0", "reader", &Value::Null).await;
    let mut body = response.into_body().into_data_stream();
    assert!(body.next().await.is_some());
    rig.cluster.revoked.store(true, Ordering::SeqCst);
    rig.gateway.access.forget();
    while body.next().await.is_some() {}
}

#[tokio::test]
async fn a_run_is_started_once_however_often_it_is_asked_for() {
    let rig = rig();
    let body = json!({"threadId": "s", "runId": "r-id", "messages": [{"id": "1", "role": "user", "content": "hello"}]});
    let there = rig.ask("POST", "/v1/namespaces/n/sessions/s/runs", "writer", &body).await;
    assert_eq!(there.status(), StatusCode::OK);
    assert!(rig.cluster.made.lock().unwrap().is_empty(), "it is there");
    let mut another = body.clone();
    another["runId"] = json!("r2-id");
    assert_eq!(rig.ask("POST", "/v1/namespaces/n/sessions/s/runs", "writer", &another).await.status(), StatusCode::OK);
    let made = rig.cluster.made.lock().unwrap().clone();
    assert_eq!((made.len(), &made[0]["spec"]["runId"]), (1, &json!("r2-id")));
    assert_eq!(made[0]["metadata"]["annotations"]["ambient-code.io/requested-by"], "writer");
}

#[tokio::test]
async fn the_document_lists_every_route() {
    let document: Value = serde_json::from_str(include_str!("openapi.json")).unwrap();
    let routes: Vec<&str> = include_str!("mod.rs")
        .lines()
        .filter_map(|line| line.trim().strip_prefix(".route(\"")?.split('"').next())
        .collect();
    let listed: Vec<&String> = document["paths"].as_object().unwrap().keys().collect();
    assert_eq!(routes.len(), listed.len());
    assert!(routes.iter().all(|route| listed.iter().any(|path| path == route)), "{routes:?}");
}
