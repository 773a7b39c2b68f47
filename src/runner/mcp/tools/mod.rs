//! Tools of the platform that run in this process, over the bridge's own channel.

mod acp;
mod corrections;
mod rubric;
mod session;

pub use acp::AcpTools;
pub use corrections::Corrections;
pub use rubric::{Rubric, RubricSlot, RubricTools};
pub use session::{RefreshCredentials, SessionTools};

use serde_json::{Map, Value, json};

use crate::{
    agui::{Event, EventKind, Id, Tool},
    bridge::tools::Called,
    runner::{
        feedback::{Feedback, FeedbackKind, FeedbackSink},
        turn::now_ms,
    },
};

/// The longest text that a tool takes, in bytes.
const MAX_TEXT: usize = 16 * 1024;

fn tool(name: &str, description: &str, properties: &Value, required: &[&str]) -> Tool {
    Tool {
        name: name.to_owned(),
        description: description.to_owned(),
        parameters: Some(json!({ "type": "object", "properties": properties, "required": required })),
        metadata: None,
    }
}

/// A tool that changes nothing.
fn read_only(mut tool: Tool) -> Tool {
    tool.metadata.get_or_insert_default().insert("readOnly".to_owned(), Value::Bool(true));
    tool
}

fn unknown(server: &str, tool: &str) -> String {
    format!("{server} has no tool {tool}")
}

/// A text that must be there. The error is a sentence for the agent.
fn text(arguments: &Value, member: &str) -> Result<String, String> {
    let text = arguments[member].as_str().map(str::trim).filter(|text| !text.is_empty());
    let text = text.ok_or_else(|| format!("{member}: expected a text that is not empty"))?;
    if text.len() > MAX_TEXT {
        return Err(format!("{member}: it is longer than {MAX_TEXT} bytes; shorten it"));
    }
    Ok(text.to_owned())
}

/// Notes what the agent says of the work: for the run's readers, and for the sink.
fn noted(sink: &dyn FeedbackSink, kind: FeedbackKind, thread: &Id, payload: Value, answer: &str) -> Called {
    let feedback = Feedback { kind, thread_id: thread.clone(), run_id: None, at_ms: now_ms(), payload };
    let events = vec![event(&feedback)];
    sink.accept(feedback);
    Called { text: answer.to_owned(), events, restart: false }
}

/// What readers of the run are told of a piece of feedback.
fn event(feedback: &Feedback) -> Event {
    let mut value = Map::new();
    value.insert("type".to_owned(), json!(feedback.kind.name()));
    value.insert("payload".to_owned(), feedback.payload.clone());
    let name = match feedback.kind {
        FeedbackKind::Rubric => "ambient:rubric",
        FeedbackKind::Correction => "ambient:correction",
        FeedbackKind::ThumbsUp | FeedbackKind::ThumbsDown => "ambient:feedback",
    };
    EventKind::Custom { name: name.to_owned(), value: Value::Object(value) }.into()
}

#[cfg(test)]
mod tests;
