//! Lines of the recorded shapes, for tests.
#![expect(clippy::needless_pass_by_value, reason = "lines are built from values in place")]

use serde_json::{Value, json};

use super::*;
use crate::bridge::claude::wire;

/// The events of some lines, and of the end of the turn.
pub(super) fn translated(lines: &[Value], closing: Closing<'_>) -> Vec<Event> {
    let mut translator = Translator::new("mcp__ui__");
    let mut out = Vec::new();
    for line in lines {
        let line = line.to_string();
        if let Some(frame) = wire::parse(line.as_bytes()) {
            translator.translate(frame, &mut out);
        }
    }
    translator.close(closing, &mut out);
    out
}

/// The same as a reader gets them.
pub(super) fn events_of(lines: &[Value], closing: Closing<'_>) -> Vec<Value> {
    let events = translated(lines, closing);
    events.iter().map(|event| serde_json::to_value(event).unwrap()).collect()
}

pub(super) fn stream(event: Value) -> Value {
    json!({ "type": "stream_event", "event": event, "parent_tool_use_id": null, "session_id": "s", "uuid": "u" })
}

pub(super) fn message_start(id: &str) -> Value {
    stream(json!({ "type": "message_start", "message": { "id": id, "role": "assistant", "content": [] } }))
}

pub(super) fn block_start(index: usize, block: Value) -> Value {
    stream(json!({ "type": "content_block_start", "index": index, "content_block": block }))
}

pub(super) fn delta(index: usize, member: &str, text: &str) -> Value {
    stream(json!({ "type": "content_block_delta", "index": index, "delta": { "type": "x", member: text } }))
}

pub(super) fn block_stop(index: usize) -> Value {
    stream(json!({ "type": "content_block_stop", "index": index }))
}

pub(super) fn message_stop() -> Value {
    stream(json!({ "type": "message_stop" }))
}

pub(super) fn abandoned(from: usize) -> Value {
    json!({ "type": "stream_event", "event": { "type": "message_stop" }, "parent_tool_use_id": null,
            "abandoned_blocks": { "from_block_index": from } })
}

pub(super) fn whole(id: &str, parent: Option<&str>, block: Value) -> Value {
    json!({ "type": "assistant", "parent_tool_use_id": parent, "subagent_type": "general-purpose",
            "task_description": "look", "message": { "id": id, "role": "assistant", "content": [block] } })
}

pub(super) fn result_of(call: &str, parent: Option<&str>, content: Value, is_error: bool) -> Value {
    let block = json!({ "type": "tool_result", "tool_use_id": call, "content": content, "is_error": is_error });
    json!({ "type": "user", "parent_tool_use_id": parent, "message": { "role": "user", "content": [block] } })
}

pub(super) fn tool(id: &str, name: &str) -> Value {
    json!({ "type": "tool_use", "id": id, "name": name, "input": {} })
}

pub(super) fn text_block() -> Value {
    json!({ "type": "text", "text": "" })
}
