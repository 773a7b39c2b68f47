//! Recordings, played through the same translation as the live CLI.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

#[path = "support/turns.rs"]
mod turns;

use std::{
    io::Write,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use ambient::{
    agui::Event,
    bridge::{
        Bridge, Ending, FailureKind, Turn, TurnEnd, TurnInput,
        replay::{Pace, ReplayBridge},
    },
};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use turns::session;

fn stream(event: &Value) -> Value {
    json!({ "type": "stream_event", "event": event, "parent_tool_use_id": null })
}

/// A turn of one text, whose lines come 100 ms apart.
fn spoken(from_ms: u64, text: &str) -> Vec<(u64, Value)> {
    let lines = [
        stream(&json!({ "type": "message_start", "message": { "id": format!("m{from_ms}") } })),
        stream(&json!({ "type": "content_block_start", "index": 0, "content_block": { "type": "text", "text": "" } })),
        stream(&json!({ "type": "content_block_delta", "index": 0, "delta": { "type": "text_delta", "text": text } })),
        stream(&json!({ "type": "message_stop" })),
        json!({ "type": "result", "is_error": false, "result": text, "num_turns": 1, "session_id": "s" }),
    ];
    lines.into_iter().zip(0..).map(|(line, place)| (from_ms + 100 * place, line)).collect()
}

struct Recorded {
    _dir: tempfile::TempDir,
    path: PathBuf,
}

fn recording(lines: &[(u64, Value)]) -> Recorded {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("recording.jsonl");
    let mut file = std::fs::File::create(&path).unwrap();
    for (at_ms, line) in lines {
        writeln!(file, "{}", json!({ "at_ms": at_ms, "line": line })).unwrap();
    }
    Recorded { _dir: dir, path }
}

async fn play(bridge: &ReplayBridge) -> (Vec<Event>, TurnEnd) {
    play_and_stop(bridge, usize::MAX).await
}

/// Plays a turn, which is stopped when so many events have come.
async fn play_and_stop(bridge: &ReplayBridge, after: usize) -> (Vec<Event>, TurnEnd) {
    let (sink, mut events) = mpsc::channel(64);
    let interrupt = CancellationToken::new();
    let input = TurnInput::Prompt(vec!["go on".into()]);
    let turn = Turn { run_id: "run".into(), session: session(Path::new("/")), input, interrupt: interrupt.clone() };
    let mut seen = Vec::new();
    let read = async {
        while let Some(event) = events.recv().await {
            seen.push(event);
            if seen.len() == after {
                interrupt.cancel();
            }
        }
    };
    let (end, ()) = tokio::join!(bridge.turn(turn, sink), read);
    (seen, end)
}

fn text(events: &[Event]) -> String {
    let json = events.iter().map(|event| serde_json::to_value(event).unwrap());
    json.filter_map(|event| event["delta"].as_str().map(str::to_owned)).collect()
}

#[tokio::test]
async fn bug_20_each_turn_plays_on_to_the_next_result() {
    let recorded = recording(&[spoken(0, "First."), spoken(60_000, "Second.")].concat());
    let bridge = ReplayBridge::open(&recorded.path, Pace::Unthrottled).unwrap();
    for expected in ["First.", "Second."] {
        let (events, end) = play(&bridge).await;
        assert_eq!((text(&events).as_str(), end.result.as_deref()), (expected, Some(expected)));
        assert_eq!(end.ending, Ending::Completed);
    }
    let (events, end) = play(&bridge).await;
    assert!(events.is_empty());
    assert!(matches!(end.ending, Ending::Failed { kind: FailureKind::AgentError, .. }), "{end:?}");
}

#[tokio::test]
async fn the_recorded_pace_is_kept_and_the_time_between_turns_left_out() {
    let recorded = recording(&[spoken(5_000, "First."), spoken(60_000, "Second.")].concat());
    let bridge = ReplayBridge::open(&recorded.path, Pace::Recorded).unwrap();
    for _ in 0..2 {
        let started = Instant::now();
        play(&bridge).await;
        let took = started.elapsed();
        assert!((400..30_000).contains(&took.as_millis()), "{took:?}");
    }
}

#[tokio::test]
async fn a_turn_that_is_stopped_is_closed() {
    let recorded = recording(&[(0, spoken(0, "x")[0].1.clone()), (3_600_000, json!({ "type": "result" }))]);
    let bridge = ReplayBridge::open(&recorded.path, Pace::Recorded).unwrap();
    let started = Instant::now();
    let (events, end) = play_and_stop(&bridge, 1).await;
    assert_eq!(end.ending, Ending::Interrupted);
    assert_eq!(events.len(), 2, "the step begins and ends: {events:?}");
    assert!(started.elapsed() < Duration::from_mins(1));
}

#[tokio::test]
async fn calls_that_waited_for_an_answer_wait_again() {
    let call = json!({ "type": "tool_use", "id": "t1", "name": "mcp__ui__paint", "input": {} });
    let input = json!({ "tool_use_id": "t1", "tool_name": "mcp__ui__paint", "tool_input": {} });
    let lines = [
        (0, json!({ "type": "assistant", "parent_tool_use_id": null, "message": { "id": "m", "content": [call] } })),
        (
            1,
            json!({ "type": "control_request", "request_id": "r", "request":
            { "subtype": "hook_callback", "callback_id": "defer", "input": input } }),
        ),
        (2, json!({ "type": "result", "is_error": false, "result": "" })),
    ];
    let recorded = recording(&lines);
    let bridge = ReplayBridge::open(&recorded.path, Pace::Unthrottled).unwrap();
    let (_, end) = play(&bridge).await;
    assert_eq!(end.ending, Ending::PendingTools(vec!["t1".into()]));
}

#[test]
fn what_is_no_recording_is_refused_with_its_line() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("bad.jsonl");
    std::fs::write(&path, "{\"at_ms\":0,\"line\":{}}\n{\"line\":{}}\n").unwrap();
    let Err(error) = ReplayBridge::open(&path, Pace::Unthrottled) else { panic!("it was read") };
    assert!(error.to_string().contains("bad.jsonl") && error.to_string().contains("line 2"), "{error}");
}
