//! `GET /events/{thread}`: following and joining.

use ambient::agui::EventKind;
use serde_json::Value;

use crate::rig::{Session, Stream, client, is_text, text, valid};

fn ended(kind: &EventKind) -> bool {
    matches!(kind, EventKind::RunFinished { .. } | EventKind::RunError { .. })
}

#[tokio::test]
async fn a_cursor_gets_exactly_what_comes_after_it() {
    let session = Session::new();
    let runner = session.start();
    let all = runner.begin("r1", "deltas 50").await.frames().await;
    for after in [0, 1, 7, all.len() as u64 - 1] {
        let mut tail = Stream::of(runner.get(&format!("/events/s1?after={after}")).await);
        let events = tail.until(ended).await;
        let expected: Vec<_> = all.iter().filter(|(id, _)| *id > after).map(|(_, event)| event.clone()).collect();
        assert_eq!(events, expected, "after {after}");
    }
}

#[tokio::test]
async fn last_event_id_wins_over_the_query_as_browsers_send_both() {
    let session = Session::new();
    let runner = session.start();
    let all = runner.begin("r1", "echo hi").await.frames().await;
    let last = all.len() - 2;
    let request = client().get(format!("{}/events/s1?after=0", runner.url));
    let response = request.header("Last-Event-ID", last.to_string()).send().await.unwrap();
    let events = Stream::of(response).until(ended).await;
    assert_eq!(events.len(), all.len() - last);
}

#[tokio::test]
async fn records_carry_their_run_and_time() {
    let session = Session::new();
    let runner = session.start();
    runner.run("r1", "echo hi").await;
    let mut stream = Stream::of(runner.get("/events/s1?after=0&format=record").await);
    assert!(stream.piece().await);
    let line = stream.raw.lines().find_map(|line| line.strip_prefix("data: ")).unwrap().to_owned();
    let record: Value = serde_json::from_str(&line).unwrap();
    assert_eq!((&record["seq"], &record["runId"]), (&Value::from(1), &Value::from("r1")));
    assert!(record["at"].is_i64() && record["event"]["type"] == "RUN_STARTED");
}

#[tokio::test]
async fn a_cursor_that_is_none_is_refused() {
    let session = Session::new();
    let runner = session.start();
    runner.run("r1", "echo hi").await;
    assert_eq!(runner.get("/events/s1?after=yesterday").await.status(), 400);
    assert_eq!(runner.get("/events/s1?format=xml&after=0").await.status(), 400);
    assert_eq!(runner.get("/events/unknown-thread").await.status(), 404);
}

#[tokio::test]
async fn joining_in_mid_run_is_a_valid_stream_with_the_whole_text() {
    let session = Session::new();
    let runner = session.start();
    runner.run("r0", "echo before").await;
    let mut first = runner.begin("r1", "echo one; sleep 2000; echo two").await;
    first.until(is_text).await;
    let joined = Stream::of(runner.get("/events/s1").await).rest().await;
    valid(&joined);
    let whole = serde_json::to_string(&joined).unwrap();
    for said in ["before", "one", "two"] {
        assert!(whole.contains(said), "{said} in {whole}");
    }
    drop(first);
}

#[tokio::test]
async fn joining_between_runs_gets_the_history_and_then_the_next_run() {
    let session = Session::new();
    let runner = session.start();
    runner.run("r0", "echo before").await;
    let mut joined = Stream::of(runner.get("/events/s1").await);
    let mut seen = joined.until(ended).await;
    assert!(serde_json::to_string(&seen).unwrap().contains("before"));
    runner.run("r1", "echo next").await;
    seen.extend(joined.rest().await);
    valid(&seen);
    assert_eq!(text(&seen), "next");
}

#[tokio::test]
async fn a_reconnect_at_every_event_gets_the_same_bytes() {
    let session = Session::new();
    let runner = session.start();
    let all = runner.begin("r1", "thinking 2; echo a few words; tool; deltas 30").await;
    let whole = all.bytes().await;
    let frames: Vec<&str> = whole.split_inclusive("\n\n").collect();
    for after in 0..frames.len() {
        let mut tail = Stream::of(runner.get(&format!("/events/s1?after={after}")).await);
        tail.until(ended).await;
        assert_eq!(tail.raw, frames[after..].concat(), "after {after}");
    }
}

#[tokio::test]
async fn waiting_for_a_run_ends_with_404_when_none_comes() {
    let session = Session::new().env("EVENTS_TAP_TIMEOUT_SEC", "0.2");
    let runner = session.start();
    runner.run("r1", "echo hi").await;
    let answer = runner.get("/events/s1/wait").await;
    assert_eq!(answer.status(), 404);
    let detail = answer.json::<Value>().await.unwrap()["detail"].to_string();
    assert!(detail.contains("No active stream for thread 's1'"), "{detail}");
}

#[tokio::test]
async fn waiting_for_a_run_that_goes_joins_it() {
    let session = Session::new();
    let runner = session.start();
    let mut first = runner.begin("r1", "echo one; sleep 2000; echo two").await;
    first.until(is_text).await;
    let joined = Stream::of(runner.get("/events/s1/wait").await).rest().await;
    assert!(ended(&joined.last().unwrap().kind));
    assert_eq!(text(&first.rest().await), "two");
}

#[tokio::test]
async fn two_readers_each_get_everything() {
    let session = Session::new();
    let runner = session.start();
    let all = runner.run("r1", "deltas 200").await;
    for _ in 0..2 {
        let mut tail = Stream::of(runner.get("/events/s1?after=0").await);
        assert_eq!(tail.until(ended).await, all);
    }
}
