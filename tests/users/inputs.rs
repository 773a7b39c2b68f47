//! What a client sends with each run counts on each run.

use ambient::agui::EventKind;
use serde_json::{Value, json};

use crate::{
    people::input,
    rig::{Runner, Session, Stream, text},
};

async fn said(runner: &Runner, run: &str, prompt: &str, more: Value) -> String {
    let mut body = input("t", run, prompt);
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let response = runner.post("/run", &body).await;
    assert_eq!(response.status(), 200, "{run}");
    text(&Stream::of(response).rest().await)
}

#[tokio::test]
async fn bug_14_context_state_and_properties_of_every_run_reach_the_agent() {
    let session = Session::new();
    let runner = session.start();
    for (run, page) in [("r1", "home"), ("r2", "settings")] {
        let more = json!({"context": [{"description": "page", "value": page}], "state": {"step": run},
            "forwardedProps": {"lang": "de"}});
        let said = said(&runner, run, "echo hello", more).await;
        for part in [format!("\"value\":\"{page}\""), format!("\"step\":\"{run}\""), "\"lang\":\"de\"".to_owned()] {
            assert!(said.contains(&part), "{part} is missing in {said}");
        }
    }
    assert_eq!(said(&runner, "r3", "echo hello", json!({})).await, "hello", "nothing is left of the run before");
}

#[tokio::test]
async fn bug_14_the_model_of_every_run_is_used() {
    let session = Session::new();
    let runner = session.start();
    said(&runner, "r0", "echo hello", json!({})).await;
    let argv =
        said(&runner, "r1", "argv", json!({"forwardedProps": {"model": "model-one"}, "environment": {"A": "1"}}));
    let argv = argv.await;
    assert!(argv.contains("--model model-one"), "{argv}");
}

#[tokio::test]
async fn bug_14_variables_belong_to_their_run() {
    let session = Session::new();
    let runner = session.start();
    let more = json!({"environment": {"FLAVOUR": "vanilla", "PATH": "/nowhere"}});
    assert_eq!(said(&runner, "r1", "env FLAVOUR", more.clone()).await, "vanilla");
    assert_ne!(said(&runner, "r2", "env PATH", more).await, "/nowhere");
    assert_eq!(said(&runner, "r3", "env FLAVOUR", json!({})).await, "(not set)");
    assert_eq!(said(&runner, "r4", "env FLAVOUR", json!({"environment": {"FLAVOUR": "mint"}})).await, "mint");
}

#[tokio::test]
async fn variables_that_are_secret_are_redacted_and_those_left_out_are_said() {
    let session = Session::new();
    let runner = session.start();
    let mut body = input("t", "r1", "env DEPLOY_TOKEN");
    body["environment"] = json!({"DEPLOY_TOKEN": "hunter2-hunter2", "HOME": "/x"});
    body["metadata"] = json!({"ticket": "A-1"});
    let events = Stream::of(runner.post("/run", &body).await).rest().await;
    assert_eq!(text(&events), "[redacted:DEPLOY_TOKEN]");
    let notes: String = events.iter().filter_map(|event| serde_json::to_string(event).ok()).collect();
    assert!(notes.contains("the run's own values are left out: HOME."), "{notes}");
    let started = events.iter().find(|event| matches!(event.kind, EventKind::RunStarted { .. })).unwrap();
    assert_eq!(started.metadata.as_ref().unwrap()["ticket"], "A-1");
    runner.kill();
    assert!(!session.log_text().contains("hunter2"));
}

#[tokio::test]
async fn wrong_variables_are_422_and_their_values_are_not_repeated() {
    let session = Session::new();
    let runner = session.start();
    let many: serde_json::Map<_, _> = (0..65).map(|number| (format!("V{number}"), json!("v"))).collect();
    for wrong in [
        json!([1]),
        json!({"A B": "hunter2"}),
        json!({"1A": "hunter2"}),
        json!({"A": 1}),
        json!({"A": "hunter2\u{0}"}),
        json!({"A": "hunter2".repeat(10_000)}),
        Value::Object(many),
    ] {
        let mut body = input("t", "r1", "echo hello");
        body["environment"] = wrong.clone();
        let response = runner.post("/run", &body).await;
        assert_eq!(response.status(), 422, "{wrong}");
        let detail = response.text().await.unwrap();
        assert!(detail.contains("environment") && !detail.contains("hunter2"), "{detail}");
    }
}
