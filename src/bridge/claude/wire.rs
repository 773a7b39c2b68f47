//! The CLI's output lines as typed views. Tolerant: unknown types, fields and shapes are never an error.
//!
//! Deltas make up nearly all lines, so they have a view that borrows from the line; all others are plain JSON values.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::Value;

/// One line of the CLI's output.
pub(crate) enum Frame<'a> {
    /// A piece of a streamed message.
    Stream(StreamFrame<'a>),
    /// Anything else that is a JSON object.
    Other(Value),
}

/// A raw event of the Messages API, passed on by the CLI.
#[derive(Debug, Deserialize)]
pub(crate) struct StreamFrame<'a> {
    #[serde(borrow)]
    pub(crate) event: StreamEvent<'a>,
    /// Set when the message belongs to a sub-agent.
    #[serde(default, borrow)]
    pub(crate) parent_tool_use_id: Option<Text<'a>>,
    /// On `message_stop`: what was streamed from this block on is void.
    #[serde(default)]
    pub(crate) abandoned_blocks: Option<AbandonedBlocks>,
}

/// The event proper. Which members are set depends on its kind.
#[derive(Debug, Deserialize)]
pub(crate) struct StreamEvent<'a> {
    #[serde(rename = "type", borrow)]
    pub(crate) kind: Cow<'a, str>,
    #[serde(default)]
    pub(crate) index: usize,
    #[serde(default, borrow)]
    pub(crate) delta: Option<Delta<'a>>,
    #[serde(default)]
    pub(crate) content_block: Option<Value>,
    #[serde(default)]
    pub(crate) message: Option<MessageHead>,
}

/// What a block grew by; exactly one member is set in the deltas that matter here.
#[derive(Debug, Deserialize)]
pub(crate) struct Delta<'a> {
    #[serde(default, borrow)]
    pub(crate) text: Option<Text<'a>>,
    #[serde(default, borrow)]
    pub(crate) thinking: Option<Text<'a>>,
    #[serde(default, borrow)]
    pub(crate) partial_json: Option<Text<'a>>,
    #[serde(default, borrow)]
    pub(crate) signature: Option<Text<'a>>,
}

/// Text that borrows from the line when it has no escapes (a bare `Option<Cow<str>>` would always copy).
#[derive(Debug, Deserialize)]
#[serde(transparent)]
pub(crate) struct Text<'a>(#[serde(borrow)] pub(crate) Cow<'a, str>);

/// The members of `message_start` that matter.
#[derive(Debug, Deserialize)]
pub(crate) struct MessageHead {
    pub(crate) id: String,
}

/// Which blocks of a message are void.
#[derive(Debug, Clone, Copy, Deserialize)]
pub(crate) struct AbandonedBlocks {
    #[serde(default)]
    pub(crate) from_block_index: usize,
}

/// Whether a line is about the connection, not about a turn: an answer to us, or a message of an MCP client.
pub(crate) fn is_between_processes(line: &[u8]) -> bool {
    let Some(Frame::Other(value)) = parse(line) else {
        return false;
    };
    match text(&value, "type") {
        Some("control_response" | "control_cancel_request") => true,
        Some("control_request") => value["request"]["subtype"] == "mcp_message",
        _ => false,
    }
}

/// Reads a line; `None` for what is not a JSON object (the CLI's libraries print such lines now and then).
pub(crate) fn parse(line: &[u8]) -> Option<Frame<'_>> {
    if line.first() != Some(&b'{') {
        return None;
    }
    if line.starts_with(br#"{"type":"stream_event""#)
        && let Ok(frame) = serde_json::from_slice(line)
    {
        return Some(Frame::Stream(frame));
    }
    let value: Value = serde_json::from_slice(line).ok()?;
    if value["type"] == "stream_event" {
        // The type need not come first.
        return serde_json::from_slice(line).ok().map(Frame::Stream);
    }
    Some(Frame::Other(value))
}

/// The text of a member, if it is one.
pub(crate) fn text<'v>(value: &'v Value, member: &str) -> Option<&'v str> {
    value.get(member).and_then(Value::as_str)
}

/// The members of an array member; empty when it is none.
pub(crate) fn list<'v>(value: &'v Value, member: &str) -> &'v [Value] {
    value.get(member).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delta_without_escapes_borrows_its_text_from_the_line() {
        let line = br#"{"type":"stream_event","event":{"index":0,"delta":{"type":"text_delta","text":"Hel"},"type":"content_block_delta"},"new":{"x":[1]}}"#;
        let Some(Frame::Stream(frame)) = parse(line) else { panic!("not a stream event") };
        let text = frame.event.delta.and_then(|delta| delta.text).unwrap();
        assert!(matches!(text.0, Cow::Borrowed("Hel")));
    }

    #[test]
    fn the_order_of_fields_does_not_matter() {
        let line = br#"{"uuid":"u","event":{"type":"message_stop"},"type":"stream_event"}"#;
        assert!(matches!(parse(line), Some(Frame::Stream(_))));
    }

    #[test]
    fn what_is_no_json_object_is_no_frame() {
        for line in [&b"plain text"[..], b"", b"[1]", b"{broken", b"\"{\""] {
            assert!(parse(line).is_none());
        }
    }
}
