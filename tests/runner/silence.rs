//! What an agent does not stream, and streams in which nothing happens.

use ambient::agui::EventKind;
use serde_json::{Value, json};

use crate::rig::{Session, Stream, THREAD, is_text, text, valid};

fn streamed(event: &Value) -> Value {
    json!({ "type": "stream_event", "event": event, "parent_tool_use_id": null })
}

fn whole(id: &str, block: &Value) -> Value {
    json!({ "type": "assistant", "message": { "id": id, "content": [block] }, "parent_tool_use_id": null })
}

/// A turn in which the CLI streams one message and writes another one only when it is whole.
fn half_streamed() -> String {
    let text = json!({ "type": "text", "text": "" });
    let result = json!({ "type": "tool_result", "tool_use_id": "call", "content": "of the tool" });
    let lines = [
        streamed(&json!({ "type": "message_start", "message": { "id": "one" } })),
        streamed(&json!({ "type": "content_block_start", "index": 0, "content_block": text })),
        streamed(
            &json!({ "type": "content_block_delta", "index": 0, "delta": { "type": "text_delta", "text": "I stream. " } }),
        ),
        whole("one", &json!({ "type": "text", "text": "I stream. " })),
        streamed(&json!({ "type": "content_block_stop", "index": 0 })),
        streamed(&json!({ "type": "message_stop" })),
        whole("two", &json!({ "type": "text", "text": "I come whole." })),
        whole("two", &json!({ "type": "tool_use", "id": "call", "name": "Bash", "input": { "command": "true" } })),
        json!({ "type": "user", "message": { "role": "user", "content": [result] }, "parent_tool_use_id": null }),
        json!({ "type": "result", "is_error": false, "result": "I come whole.", "num_turns": 2, "session_id": "s" }),
    ];
    lines.iter().map(|line| json!({ "at_ms": 0, "line": line }).to_string() + "\n").collect()
}

#[tokio::test]
async fn bug_19_a_message_that_was_not_streamed_is_in_the_stream_and_in_the_snapshot() {
    let session = Session::new();
    let recording = session.path("recording.jsonl");
    std::fs::write(&recording, half_streamed()).unwrap();
    let session = session.env("RUNNER_TYPE", "replay").env("AMBIENT_REPLAY_FILE", recording.to_str().unwrap());
    let runner = session.start();
    let events = runner.run("r1", "go on").await;
    valid(&events);
    assert_eq!(text(&events), "I stream. I come whole.", "each once");
    let mut joined = Stream::of(runner.get(&format!("/events/{THREAD}")).await);
    let snapshot = joined.until(|kind| matches!(kind, EventKind::MessagesSnapshot { .. })).await.pop().unwrap();
    let messages = serde_json::to_value(&snapshot).unwrap()["messages"].clone();
    let told: Vec<&Value> =
        messages.as_array().unwrap().iter().filter(|message| message["role"] != "developer").collect();
    let roles: Vec<&Value> = told.iter().map(|message| &message["role"]).collect();
    assert_eq!(roles, ["user", "assistant", "assistant", "tool"], "{messages:#}");
    assert_eq!((&told[1]["content"], &told[2]["content"]), (&json!("I stream. "), &json!("I come whole.")));
    assert_eq!(told[2]["toolCalls"][0]["function"]["name"], "Bash", "{messages:#}");
    assert_eq!(told[3]["content"], "of the tool");
}

#[tokio::test]
async fn bug_09_a_run_in_which_nothing_happens_says_that_it_lives() {
    let session = Session::new().env("AMBIENT_HEARTBEAT_SECONDS", "1");
    let runner = session.start();
    let mut stream = runner.begin("r1", "echo one; hang").await;
    let mut seen = stream.until(is_text).await;
    while stream.raw.matches(": heartbeat\n\n").count() < 2 {
        assert!(stream.piece().await, "the stream has ended: {}", stream.raw);
    }
    runner.post("/interrupt", &json!({})).await;
    seen.extend(stream.rest().await);
    valid(&seen);
}
