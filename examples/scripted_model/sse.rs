//! The events of a streamed message, encoded as the Messages API sends them.

use serde::Serialize;
use serde_json::{Value, json};

use super::reply::{Content, Message};

/// Encodes one event.
pub(crate) fn event(name: &str, data: &Value) -> Vec<u8> {
    format!("event: {name}\ndata: {data}\n\n").into_bytes()
}

/// The event that opens a message.
pub(crate) fn message_start(message: &Message) -> Vec<u8> {
    let usage = json!({
        "input_tokens": message.tokens.input,
        "cache_creation_input_tokens": message.tokens.cache_write,
        "cache_read_input_tokens": message.tokens.cache_read,
        "output_tokens": 1,
    });
    let opened = json!({
        "id": message.id, "type": "message", "role": "assistant", "model": message.model, "content": [],
        "stop_reason": null, "stop_sequence": null, "usage": usage,
    });
    event("message_start", &json!({"type": "message_start", "message": opened}))
}

/// The events that close a message.
pub(crate) fn message_end(message: &Message) -> Vec<u8> {
    let delta = json!({
        "type": "message_delta",
        "delta": {"stop_reason": message.stop_reason, "stop_sequence": null},
        "usage": {"output_tokens": message.tokens.output},
    });
    let mut bytes = event("message_delta", &delta);
    bytes.extend(event("message_stop", &json!({"type": "message_stop"})));
    bytes
}

/// The event that opens a block.
pub(crate) fn block_start(index: usize, content: &Content) -> Vec<u8> {
    let opened = match content {
        Content::Text(_) => json!({"type": "text", "text": ""}),
        Content::Thinking(_) => json!({"type": "thinking", "thinking": "", "signature": ""}),
        Content::ToolUse { id, name, .. } => {
            json!({"type": "tool_use", "id": id, "name": name, "input": {}})
        }
    };
    event("content_block_start", &json!({"type": "content_block_start", "index": index, "content_block": opened}))
}

/// The event that closes a block, after the signature of a thought.
pub(crate) fn block_stop(index: usize, content: &Content) -> Vec<u8> {
    let mut bytes = Vec::new();
    if matches!(content, Content::Thinking(_)) {
        push_delta(&mut bytes, index, "signature_delta", "signature", super::reply::SIGNATURE);
    }
    bytes.extend(event("content_block_stop", &json!({"type": "content_block_stop", "index": index})));
    bytes
}

/// Appends a delta of a block. This is the hot path: nothing is allocated but the buffer's growth.
pub(crate) fn push_content_delta(bytes: &mut Vec<u8>, index: usize, content: &Content, piece: &str) {
    let (kind, field) = match content {
        Content::Text(_) => ("text_delta", "text"),
        Content::Thinking(_) => ("thinking_delta", "thinking"),
        Content::ToolUse { .. } => ("input_json_delta", "partial_json"),
    };
    push_delta(bytes, index, kind, field, piece);
}

fn push_delta(bytes: &mut Vec<u8>, index: usize, kind: &str, field: &str, piece: &str) {
    bytes.extend_from_slice(b"event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":");
    push_json(bytes, &index);
    bytes.extend_from_slice(b",\"delta\":{\"type\":\"");
    bytes.extend_from_slice(kind.as_bytes());
    bytes.extend_from_slice(b"\",\"");
    bytes.extend_from_slice(field.as_bytes());
    bytes.extend_from_slice(b"\":");
    push_json(bytes, piece);
    bytes.extend_from_slice(b"}}\n\n");
}

fn push_json<T: Serialize + ?Sized>(bytes: &mut Vec<u8>, value: &T) {
    serde_json::to_writer(bytes, value).unwrap_or_default();
}
