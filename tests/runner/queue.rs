//! Runs of one thread: one at a time, in order, and nobody cuts another off.

use serde_json::Value;

use crate::rig::{Session, Stream, THREAD, input, is_text, outcome, text, valid};

#[tokio::test]
async fn bug_04_a_second_post_waits_and_never_cuts_the_first_off() {
    let session = Session::new();
    let runner = session.start();
    let mut first = runner.begin("r1", "echo one; sleep 700; echo done").await;
    let mut seen = first.until(is_text).await;
    let second = runner.run("r2", "echo two").await;
    seen.extend(first.rest().await);
    valid(&seen);
    assert_eq!(text(&seen), "onedone");
    assert_eq!(text(&second), "two");
    assert!(seen.last().unwrap().timestamp <= second[0].timestamp);
}

#[tokio::test]
async fn runs_beyond_the_queue_are_409_and_told_what_goes() {
    let session = Session::new().env("AMBIENT_QUEUE_LIMIT", "1");
    let runner = session.start();
    let mut first = runner.begin("r1", "echo one; hang").await;
    first.until(is_text).await;
    let _second = runner.begin("r2", "echo two").await;
    let third = runner.post("/", &input("r3", "echo three")).await;
    assert_eq!(third.status(), 409);
    assert_eq!(third.headers()["retry-after"], "5");
    let detail = third.json::<Value>().await.unwrap()["detail"].to_string();
    assert!(detail.contains("r1") && detail.contains("since"), "{detail}");
}

/// The input of a run on another thread.
fn elsewhere(thread: &str, run: &str, prompt: &str) -> Value {
    let mut input = input(run, prompt);
    input["threadId"] = thread.into();
    input
}

#[tokio::test]
async fn turns_beyond_the_limit_wait_for_those_of_other_threads() {
    let session = Session::new().env("AMBIENT_TURN_LIMIT", "1").env("AMBIENT_QUEUE_LIMIT", "0");
    let runner = session.start();
    let mut first = runner.begin("r1", "echo one; hang").await;
    first.until(is_text).await;
    let waiting = runner.post("/", &elsewhere("other", "r2", "echo two")).await;
    assert_eq!(waiting.status(), 200);
    let refused = runner.post("/", &elsewhere("other", "r3", "echo three")).await;
    assert_eq!(refused.status(), 409);
    let detail = refused.json::<Value>().await.unwrap()["detail"].to_string();
    assert!(detail.contains("other") && detail.contains("other threads"), "{detail}");
    runner.post("/interrupt", &serde_json::json!({})).await;
    assert_eq!(text(&Stream::of(waiting).rest().await), "two");
}

#[tokio::test]
async fn a_session_has_only_so_many_threads() {
    let session = Session::new().env("AMBIENT_THREAD_LIMIT", "1");
    let runner = session.start();
    runner.run("r1", "echo one").await;
    let refused = runner.post("/", &elsewhere("second", "r2", "echo two")).await;
    assert_eq!(refused.status(), 429);
    let detail = refused.json::<Value>().await.unwrap()["detail"].to_string();
    assert!(detail.contains("second") && detail.contains('1'), "{detail}");
}

#[tokio::test]
async fn bug_09_a_client_that_leaves_changes_nothing() {
    let session = Session::new();
    let runner = session.start();
    let mut stream = runner.begin("r1", "echo one; sleep 300; echo two").await;
    stream.until(is_text).await;
    drop(stream);
    let events = runner.run("r1", "the same run").await;
    valid(&events);
    assert_eq!(text(&events), "onetwo");
}

#[tokio::test]
async fn an_interrupt_ends_the_turn_as_cancelled() {
    let session = Session::new();
    let runner = session.start();
    let mut stream = runner.begin("r1", "echo one; hang").await;
    let mut seen = stream.until(is_text).await;
    let answer = runner.post("/interrupt", &serde_json::json!({"thread_id": THREAD})).await;
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.json::<Value>().await.unwrap()["message"], "Interrupt signal sent");
    seen.extend(stream.rest().await);
    valid(&seen);
    assert_eq!(outcome(&seen)["reason"], "Cancelled");
    let last = serde_json::to_value(seen.last().unwrap()).unwrap();
    assert_eq!(last["outcome"]["type"], "cancelled");
    assert_eq!(text(&runner.run("r2", "echo still there").await), "still there");
}

#[tokio::test]
async fn an_agent_that_does_not_obey_is_ended() {
    let session = Session::new();
    let runner = session.start();
    let mut stream = runner.begin("r1", "echo one; deaf; hang").await;
    stream.until(is_text).await;
    runner.post("/interrupt", &serde_json::json!({})).await;
    assert_eq!(outcome(&stream.rest().await)["reason"], "Cancelled");
    assert_eq!(text(&runner.run("r2", "echo back").await), "back");
}

#[tokio::test]
async fn interrupting_what_is_idle_is_fine_and_what_is_unknown_is_404() {
    let session = Session::new();
    let runner = session.start();
    runner.run("r1", "echo one").await;
    assert_eq!(runner.post("/interrupt", &serde_json::json!({})).await.status(), 200);
    let unknown = runner.post("/interrupt", &serde_json::json!({"threadId": "nobody"})).await;
    assert_eq!(unknown.status(), 404);
}
