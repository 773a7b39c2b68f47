//! What the agent is told, in the CLI's terms.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{actor::Prompt, control, policy::OpenCall, wire::text};
use crate::{
    agui::{Content, ContentPart, Event, EventKind, Id, MediaSource, ToolRole},
    bridge::Answer,
};

/// What a call is answered with when nobody did.
const UNANSWERED: &str = "There is no answer to this call: it was declined.";

/// What makes an agent go on whose open calls were answered on disk.
const GO_ON: &str = "Continue.";

/// A message with these blocks. A text that begins with one of the commands is read as such, and every other as it stands.
pub(crate) fn message(mut blocks: Vec<Value>, answers: bool, commands: Option<&BTreeSet<String>>) -> Prompt {
    let expands = blocks.first().is_some_and(|block| is_command(block, commands));
    if expands {
        // The CLI looks for a command in the last block. What else was sent comes before it.
        blocks.rotate_left(1);
    }
    let uuid = uuid::Uuid::new_v4().to_string();
    let content = match blocks.as_slice() {
        [block] if block["type"] == "text" => block["text"].clone(),
        [] => json!(GO_ON),
        _ => Value::Array(blocks),
    };
    Prompt { line: control::user(&content, &uuid, !expands), uuid, answers }
}

fn is_command(block: &Value, commands: Option<&BTreeSet<String>>) -> bool {
    let name = text(block, "text").and_then(|said| said.strip_prefix('/')?.split(char::is_whitespace).next());
    name.zip(commands).is_some_and(|(name, commands)| commands.contains(name))
}

/// What a person says, as content blocks.
pub(crate) fn said(parts: &[ContentPart]) -> Vec<Value> {
    parts.iter().map(block).collect()
}

fn block(part: &ContentPart) -> Value {
    match part {
        ContentPart::Text { text, .. } => json!({ "type": "text", "text": text }),
        ContentPart::Image { source, .. } => media("image", source),
        ContentPart::Document { source, .. } => media("document", source),
        ContentPart::Audio { .. } => left_out("a sound"),
        ContentPart::Video { .. } => left_out("a video"),
    }
}

fn media(kind: &str, source: &MediaSource) -> Value {
    let source = match source {
        MediaSource::Data { value, mime_type } => {
            json!({ "type": "base64", "media_type": mime_type, "data": value })
        }
        MediaSource::Url { value, .. } => json!({ "type": "url", "url": value }),
        MediaSource::File { value, .. } => json!({ "type": "file", "file_id": value }),
    };
    json!({ "type": kind, "source": source })
}

fn left_out(what: &str) -> Value {
    json!({ "type": "text", "text": format!("({what} was attached here, which this agent cannot take)") })
}

/// The results of all open calls: each is answered, or declined.
pub(crate) fn results(open: &[OpenCall], answers: &[Answer]) -> Vec<Value> {
    open.iter().map(|call| result(call, answers)).collect()
}

fn result(call: &OpenCall, answers: &[Answer]) -> Value {
    let answer = answers.iter().find(|answer| answer.tool_call_id.as_str() == call.id);
    match answer.and_then(|answer| answer.payload.as_ref()) {
        Some(payload) => {
            json!({ "type": "tool_result", "tool_use_id": call.id, "content": worded(payload) })
        }
        None => {
            json!({ "type": "tool_result", "tool_use_id": call.id, "content": UNANSWERED, "is_error": true })
        }
    }
}

/// A payload as the agent reads it: text as it is, the answers of a question one a line, all else as JSON.
fn worded(payload: &Value) -> String {
    match (payload, payload.get("answers").and_then(Value::as_object)) {
        (Value::String(text), _) => text.clone(),
        (_, Some(answers)) => {
            let line = |(question, answer): (&String, &Value)| match answer.as_str() {
                Some(answer) => format!("{question} {answer}"),
                None => format!("{question} {answer}"),
            };
            answers.iter().map(line).collect::<Vec<_>>().join("\n")
        }
        (payload, None) => payload.to_string(),
    }
}

/// The answers in words, for an agent that does not remember its questions.
pub(crate) fn retold(open: &[OpenCall], answers: &[Answer]) -> Vec<Value> {
    let known = |id: &str| open.iter().find(|call| call.id == id).map(|call| call.tool.as_str());
    let answer = |answer: &Answer| {
        let payload = answer.payload.as_ref().map_or_else(|| UNANSWERED.to_owned(), worded);
        let tool = known(&answer.tool_call_id).unwrap_or("a question");
        json!({ "type": "text", "text": format!("The answer to {tool}, which you asked earlier: {payload}") })
    };
    answers.iter().map(answer).collect()
}

/// The results of questions, for readers: the run that is resumed says how its calls were answered. The results of
/// frontend tools come from the client, which has them.
pub(crate) fn answered(open: &[OpenCall], answers: &[Answer]) -> Vec<Event> {
    let questions = open.iter().filter(|call| call.question.is_some());
    questions.map(|call| answered_event(call, &result(call, answers))).collect()
}

fn answered_event(call: &OpenCall, result: &Value) -> Event {
    let kind = EventKind::ToolCallResult {
        message_id: Id::from(format!("{}-result", call.id)),
        tool_call_id: Id::from(call.id.as_str()),
        content: Content::Text(text(result, "content").unwrap_or_default().to_owned()),
        role: Some(ToolRole::Tool),
    };
    kind.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(said: &[&str], commands: Option<&BTreeSet<String>>) -> Value {
        let blocks = said.iter().map(|said| json!({ "type": "text", "text": said })).collect();
        serde_json::from_slice(&message(blocks, false, commands).line).unwrap()
    }

    #[test]
    fn a_command_of_the_workflow_is_read_as_one_and_comes_last() {
        let commands = ["fix".to_owned()].into();
        let said = sent(&["/fix this"], Some(&commands));
        assert_eq!((&said["message"]["content"], &said["client_composed"]), (&json!("/fix this"), &json!(false)));
        let said = sent(&["/fix\nthis", "context"], Some(&commands));
        assert_eq!(said["message"]["content"][1]["text"], "/fix\nthis");
        for said in ["/clear", "fix", "/fixes", "/", "", "see /fix", " /fix"] {
            assert_eq!(sent(&[said, "context"], Some(&commands))["client_composed"], true, "{said:?}");
        }
        assert_eq!(sent(&["/fix"], None)["client_composed"], true);
        assert_eq!(sent(&[], Some(&commands))["client_composed"], true);
    }
}
