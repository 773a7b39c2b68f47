//! Whoever keeps a runner's log elsewhere: the tail of all threads, and the acknowledgement.

use reqwest::Response;
use serde_json::{Value, json};

use crate::rig::{Runner, Session, THREAD};

/// Reads lines until a run has ended; `(thread, seq, runId, type)` of each.
async fn lines(tail: &mut Response, run: &str) -> Vec<(String, u64, String, String)> {
    let (mut seen, mut text) = (Vec::new(), String::new());
    loop {
        while let Some((line, rest)) = text.split_once('\n').map(|(line, rest)| (line.to_owned(), rest.to_owned())) {
            text = rest;
            let Ok(line) = serde_json::from_str::<Value>(&line) else { continue };
            let word = |value: &Value| value.as_str().unwrap().to_owned();
            assert!(line["at"].as_i64().unwrap() > 0);
            let kind = word(&line["event"]["type"]);
            seen.push((word(&line["thread"]), line["seq"].as_u64().unwrap(), word(&line["runId"]), kind));
            let (_, _, of, kind) = seen.last().unwrap();
            if of == run && ["RUN_FINISHED", "RUN_ERROR"].contains(&kind.as_str()) {
                return seen;
            }
        }
        let piece = tail.chunk().await.unwrap().expect("the tail goes on");
        text.push_str(std::str::from_utf8(&piece).unwrap());
    }
}

async fn tail(runner: &Runner, after: Value) -> Response {
    let tail = runner.post("/log/tail", &json!({ "after": after })).await;
    assert_eq!(tail.status(), 200);
    tail
}

#[tokio::test]
async fn a_tail_has_every_record_of_every_thread_from_where_its_reader_is() {
    let session = Session::new();
    let runner = session.start();
    let mut all = tail(&runner, json!({})).await;
    runner.run("r1", "echo one").await;
    let first = lines(&mut all, "r1").await;
    assert_eq!(first[0], (THREAD.to_owned(), 1, "r1".to_owned(), "RUN_STARTED".to_owned()));
    assert!(first.iter().map(|line| line.1).eq(1..=first.len() as u64), "{first:?}");
    let other =
        json!({"threadId": "another", "runId": "r2", "messages": [{"id": "m", "role": "user", "content": "echo two"}]});
    runner.post("/run", &other).await.text().await.unwrap();
    let second = lines(&mut all, "r2").await;
    assert!(
        second.iter().all(|line| line.0 == "another" && line.2 == "r2"),
        "a thread that is new joins in: {second:?}"
    );
    // Whoever has a part gets the rest.
    let mut rest = tail(&runner, json!({ THREAD: 2, "another": second.last().unwrap().1 - 1 })).await;
    let mut again = lines(&mut rest, "r1").await;
    if again.iter().all(|line| line.0 == THREAD) {
        again.extend(lines(&mut rest, "r2").await);
    }
    assert_eq!(again.iter().filter(|line| line.0 == THREAD).count(), first.len() - 2);
    assert_eq!(again.iter().filter(|line| line.0 == "another").count(), 1);
}

#[tokio::test]
async fn a_runner_that_ends_waits_until_its_last_words_are_kept() {
    let session = Session::new();
    let runner = session.start();
    let mut all = tail(&runner, json!({})).await;
    runner.run("r1", "echo one").await;
    let kept = lines(&mut all, "r1").await.last().unwrap().1;
    let acknowledge = async |seq: u64| {
        let answer = runner.post("/log/ack", &json!({ THREAD: seq })).await;
        assert_eq!(answer.status(), 204);
    };
    acknowledge(kept).await;
    let going = runner.begin("r2", "echo two; hang").await;
    runner.terminate();
    // The end of what it was at is said on the tail, and the tail is still there to hear it.
    let last = lines(&mut all, "r2").await;
    assert_eq!(last.last().unwrap().3, "RUN_ERROR", "{last:?}");
    acknowledge(last.last().unwrap().1).await;
    drop(going);
    let (status, _, log) = runner.end();
    assert!(status.success() && !log.contains("nowhere but here"), "{status}: {log}");
}

#[tokio::test]
async fn a_runner_whose_log_nobody_keeps_ends_at_once_and_one_that_is_not_answered_says_so() {
    let session = Session::new();
    let runner = session.start();
    runner.run("r1", "echo one").await;
    runner.terminate();
    let (status, _, log) = runner.end();
    assert!(status.success() && !log.contains("nowhere but here"), "{log}");
    let runner = session.start();
    runner.post("/log/ack", &json!({ THREAD: 1 })).await;
    runner.terminate();
    let (status, _, log) = runner.end();
    assert!(status.success() && log.contains("nowhere but here"), "{log}");
}
