//! What changes between runs: the model, and what people say of the work.

use ambient::agui::{Event, EventKind};
use serde_json::{Value, json};

use crate::rig::{Session, input, is_text, text, valid};

/// The values of the custom events of a name.
fn told(events: &[Event], wanted: &str) -> Vec<Value> {
    let value = |event: &Event| match &event.kind {
        EventKind::Custom { name, value } if name == wanted => Some(value.clone()),
        _ => None,
    };
    events.iter().filter_map(value).collect()
}

#[tokio::test]
async fn a_switched_model_is_told_once_and_is_the_sessions_from_then_on() {
    let session = Session::new().env("LLM_MODEL", "first");
    let runner = session.start();
    let switched = runner.post("/model", &json!({"model": "second"})).await.json::<Value>().await.unwrap();
    assert_eq!(switched, json!({"message": "Model switched", "model": "second", "previousModel": "first"}));
    let events = runner.run("r1", "echo one").await;
    valid(&events);
    assert_eq!(told(&events, "ambient:model_switched"), [json!({"model": "second", "previousModel": "first"})]);
    assert!(told(&runner.run("r2", "echo two").await, "ambient:model_switched").is_empty());
    let capabilities = runner.get("/capabilities").await.json::<Value>().await.unwrap();
    assert_eq!(capabilities["model"], "second");
}

#[tokio::test]
async fn a_model_is_not_switched_while_a_turn_runs() {
    let session = Session::new();
    let runner = session.start();
    let mut stream = runner.begin("r1", "echo one; hang").await;
    stream.until(is_text).await;
    assert_eq!(runner.post("/model", &json!({"model": "other"})).await.status(), 422);
    runner.post("/interrupt", &json!({})).await;
    stream.rest().await;
    assert_eq!(runner.post("/model", &json!({"model": "other"})).await.status(), 200);
}

#[tokio::test]
async fn bug_17_a_model_has_a_name() {
    let session = Session::new();
    let runner = session.start();
    for bad in ["", "  ", "-x", "a b", "a\nb", &"x".repeat(201)] {
        assert_eq!(runner.post("/model", &json!({"model": bad})).await.status(), 400, "{bad:?}");
    }
    assert_eq!(runner.post("/model", &json!({"model": 3})).await.status(), 422);
    assert_eq!(runner.post("/model", &json!({})).await.status(), 400);
}

#[tokio::test]
async fn feedback_is_on_disk_without_secrets_and_told_by_the_next_run_of_its_thread() {
    let secret = "ghp_0123456789abcdefghijABCDEFGHIJ012345";
    let session = Session::new().env("GITHUB_TOKEN", secret);
    let runner = session.start();
    runner.run("r1", "echo one").await;
    let payload = json!({"userId": "u1", "comment": format!("it printed {secret}")});
    let body = json!({"type": "META", "metaType": "thumbs_down", "payload": payload, "ts": 7});
    let answer = runner.post("/feedback", &body).await.json::<Value>().await.unwrap();
    assert_eq!((&answer["type"], &answer["event"]["recorded"]), (&json!("RAW"), &json!(true)));
    let kept = std::fs::read_to_string(session.path("data/feedback.jsonl")).unwrap();
    let line: Value = serde_json::from_str(&kept).unwrap();
    assert_eq!((&line["kind"], &line["runId"], &line["at"]), (&json!("thumbs_down"), &json!("r1"), &json!(7)));
    let other = input("r2", "echo two");
    let elsewhere = json!({"threadId": "other", "runId": other["runId"], "messages": other["messages"]});
    let events = crate::rig::Stream::of(runner.post("/", &elsewhere).await).rest().await;
    assert!(told(&events, "ambient:feedback").is_empty(), "it is about another thread");
    let events = runner.run("r3", "echo three").await;
    valid(&events);
    assert_eq!(text(&events), "three");
    let told = told(&events, "ambient:feedback");
    assert_eq!((told.len(), &told[0]["metaType"], &told[0]["runId"]), (1, &json!("thumbs_down"), &json!("r1")));
    assert!(!kept.contains(secret) && !session.log_text().contains(secret));
}

#[tokio::test]
async fn bug_17_feedback_is_checked_member_by_member() {
    let session = Session::new();
    let runner = session.start();
    let good = json!({"type": "META", "metaType": "thumbs_up", "payload": {}});
    let cases = [
        ("type", json!("RAW")),
        ("metaType", json!("shrug")),
        ("metaType", Value::Null),
        ("payload", json!([])),
        ("payload", json!({"comment": 3})),
        ("payload", json!({"comment": "x".repeat(70_000)})),
    ];
    for (member, bad) in cases {
        let mut body = good.clone();
        body[member] = bad;
        let answer = runner.post("/feedback", &body).await;
        assert_eq!(answer.status(), 422, "{body}");
        let detail = answer.json::<Value>().await.unwrap()["detail"].clone();
        assert!(detail[0]["loc"].as_array().unwrap().contains(&json!(member)), "{detail}");
    }
    assert!(!session.path("data/feedback.jsonl").exists());
}
