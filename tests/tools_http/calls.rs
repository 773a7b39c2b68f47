//! What an agent does with its tools.

use std::sync::Arc;

use ambient::{
    agui::{Id, Tool},
    bridge::tools::{Called, ToolServer},
    host::BoxFuture,
};
use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::{
    client::Client,
    rig::{Rig, SOON, customs, end},
};

fn correction(action: &str) -> Value {
    json!({ "correction_type": "style", "agent_action": action, "user_correction": "spaces" })
}

#[tokio::test]
async fn a_client_finds_the_tools_and_what_it_calls_is_told_in_its_run() {
    let mut rig = Rig::new().await;
    let (ticket, going) = rig.begin("t", "r1").await;
    let client = Client::new(&going.endpoint);
    let about = client.initialise().await;
    assert_eq!(about["protocolVersion"], "2025-06-18");
    assert_eq!(about["serverInfo"]["name"], "ambient");
    assert!(about["capabilities"]["tools"].is_object());
    assert_eq!(client.tools().await, ["restart_session", "log_correction", "evaluate_rubric"]);
    let told = client.call("log_correction", correction("tabs")).await;
    assert_eq!(told["isError"], false);
    assert_eq!(told["content"][0]["text"], "The correction is noted.");
    client.call("evaluate_rubric", json!({ "score": 3, "comment": "fair" })).await;
    let events = end(ticket, going).await;
    let payload = json!({ "correctionType": "style", "agentAction": "tabs", "userCorrection": "spaces" });
    assert_eq!(customs(&events, "ambient:correction"), [json!({ "type": "correction", "payload": payload })]);
    assert_eq!(customs(&events, "ambient:rubric")[0]["payload"]["score"], 3.0);
}

#[tokio::test]
async fn every_version_that_clients_speak_is_understood() {
    let mut rig = Rig::new().await;
    let (_ticket, going) = rig.begin("t", "r1").await;
    for version in ["2025-03-26", "2025-06-18", "2025-11-25"] {
        let client = Client::new(&going.endpoint).speaking(version);
        assert_eq!(client.initialise().await["protocolVersion"], version);
        assert_eq!(client.tools().await.len(), 3, "{version}");
        assert_eq!(client.call("log_correction", correction("x")).await["isError"], false, "{version}");
    }
}

#[tokio::test]
async fn what_a_tool_refuses_is_a_result_that_says_why() {
    let mut rig = Rig::new().await;
    let (ticket, going) = rig.begin("t", "r1").await;
    let client = Client::new(&going.endpoint);
    for (tool, arguments, expected) in [
        ("log_correction", json!({}), "correction_type: expected a text"),
        ("log_correction", correction(" "), "agent_action: expected a text"),
        ("refresh_credentials", json!({}), "there is no tool refresh_credentials"),
        ("evaluate_rubric", json!({ "score": "x" }), "score: expected a number"),
    ] {
        let told = client.call(tool, arguments).await;
        assert_eq!(told["isError"], true, "{tool}");
        let said = told["content"][0]["text"].as_str().unwrap();
        assert!(said.starts_with(expected), "{said}");
    }
    assert_eq!(customs(&end(ticket, going).await, "ambient:correction"), Vec::<Value>::new());
}

#[tokio::test]
async fn two_threads_at_once_each_tell_their_own_run() {
    let mut rig = Rig::new().await;
    let (a, going_a) = rig.begin("a", "ra").await;
    let (b, going_b) = rig.begin("b", "rb").await;
    assert_ne!(going_a.endpoint.bearer, going_b.endpoint.bearer);
    let (of_a, of_b) = (Client::new(&going_a.endpoint), Client::new(&going_b.endpoint));
    let calls = (0..20).map(|number| {
        let (client, action) = if number % 2 == 0 { (&of_a, "a's") } else { (&of_b, "b's") };
        client.call("log_correction", correction(action))
    });
    for told in futures_util::future::join_all(calls).await {
        assert_eq!(told["isError"], false);
    }
    for (ticket, going, whose) in [(a, going_a, "a's"), (b, going_b, "b's")] {
        let told = customs(&end(ticket, going).await, "ambient:correction");
        assert_eq!(told.len(), 10);
        assert!(told.iter().all(|value| value["payload"]["agentAction"] == whose), "{told:?}");
    }
}

#[tokio::test]
async fn the_next_run_of_a_thread_has_the_same_secret_until_a_restart_is_asked_for() {
    let mut rig = Rig::new().await;
    let (ticket, going) = rig.begin("t", "r1").await;
    let first = Client::new(&going.endpoint);
    end(ticket, going).await;
    assert_eq!(first.call("log_correction", correction("late")).await["isError"], false, "no run to tell it in");
    let (ticket, going) = rig.begin("t", "r2").await;
    assert_eq!(going.endpoint, first.endpoint);
    assert_eq!(first.call("restart_session", json!({})).await["isError"], false);
    assert_eq!(first.tools().await.len(), 3, "the turn goes on");
    assert_eq!(customs(&end(ticket, going).await, "ambient:correction"), Vec::<Value>::new());
    let (_ticket, going) = rig.begin("t", "r3").await;
    assert_ne!(going.endpoint, first.endpoint, "the bridge starts another process");
    let refused = first.send(&json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list" })).await;
    assert_eq!(refused.status(), 401);
}

/// A tool that waits until it is let go.
struct Patient {
    begun: tokio::sync::mpsc::UnboundedSender<()>,
    go: Arc<Notify>,
}

impl ToolServer for Patient {
    fn name(&self) -> &'static str {
        "patient"
    }

    fn tools(&self) -> Vec<Tool> {
        vec![Tool { name: "wait".to_owned(), description: String::new(), parameters: None, metadata: None }]
    }

    fn call<'a>(&'a self, _: &'a Id, _: &'a str, _: Value) -> BoxFuture<'a, Result<Called, String>> {
        Box::pin(async move {
            let go = self.go.notified();
            self.begun.send(()).unwrap();
            go.await;
            Ok(Called::from("went".to_owned()))
        })
    }
}

#[tokio::test]
async fn more_calls_than_may_run_at_once_are_a_clear_error_and_harm_nobody() {
    let (begun, mut begins) = tokio::sync::mpsc::unbounded_channel();
    let go = Arc::new(Notify::new());
    let mut rig = Rig::with(vec![Arc::new(Patient { begun, go: Arc::clone(&go) })]).await;
    let (_ticket, going) = rig.begin("t", "r1").await;
    let client = Client::new(&going.endpoint);
    let waiting: Vec<_> = (0..64)
        .map(|_| {
            let client = client.clone();
            tokio::spawn(async move { client.call("wait", json!({})).await })
        })
        .collect();
    for _ in 0..64 {
        tokio::time::timeout(SOON, begins.recv()).await.unwrap().unwrap();
    }
    let refused = client.send(&json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list" })).await;
    assert_eq!((refused.status().as_u16(), &refused.headers()["retry-after"]), (503, &"1".parse().unwrap()));
    let body: Value = refused.json().await.unwrap();
    assert!(body["error"]["message"].as_str().unwrap().contains("64 calls are under way"), "{body}");
    go.notify_waiters();
    for call in waiting {
        assert_eq!(call.await.unwrap()["content"][0]["text"], "went");
    }
    assert_eq!(client.tools().await.len(), 4);
}

#[tokio::test]
async fn a_bridge_that_does_not_ask_for_an_endpoint_gets_none() {
    let dir = tempfile::TempDir::new().unwrap();
    let store = ambient::eventlog::Store::open(dir.path(), ambient::eventlog::Options::default()).unwrap();
    let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
    let engine = crate::turns::engine(
        store,
        crate::turns::Acted(move |turn: ambient::bridge::Turn, _| -> BoxFuture<'static, ambient::bridge::TurnEnd> {
            tell.send(turn.session.tools_endpoint.is_none()).unwrap();
            Box::pin(std::future::ready(crate::turns::ended(ambient::bridge::Ending::Completed)))
        }),
    )
    .await;
    let message = json!({ "id": "m", "role": "user", "content": "go" });
    let input = serde_json::from_value(json!({ "threadId": "t", "runId": "r", "messages": [message] })).unwrap();
    engine.submit(ambient::runner::RunRequest::plain(input)).await.unwrap();
    assert!(tokio::time::timeout(SOON, told.recv()).await.unwrap().unwrap());
}
