//! What a client asked: the parts of a Messages request that rules look at.

use serde::Deserialize;
use serde_json::{Value, json};

const OPEN: &str = "<system-reminder>";
const CLOSE: &str = "</system-reminder>";

/// A request to `POST /v1/messages`, read leniently.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Request {
    /// The model's name.
    pub(crate) model: String,
    /// The conversation, oldest first.
    pub(crate) messages: Vec<Value>,
    /// The tools on offer.
    pub(crate) tools: Vec<Value>,
    /// The system prompt: a string or blocks.
    pub(crate) system: Value,
    /// Whether the answer is to be streamed.
    pub(crate) stream: bool,
    /// Upper bound of the answer, in tokens.
    pub(crate) max_tokens: u64,
    /// Who asks.
    pub(crate) metadata: Value,
    /// The form of the answer.
    pub(crate) output_config: Value,
    /// The thinking that is asked for.
    pub(crate) thinking: Value,
}

/// One tool's result in the last message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ToolResult {
    /// The tool's name, empty when its call is not in the conversation.
    pub(crate) tool: String,
    /// The result's text.
    pub(crate) text: String,
    /// Whether the tool failed.
    pub(crate) is_error: bool,
}

/// The conversation as rules see it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Conversation {
    /// The last text that a person wrote.
    pub(crate) prompt: String,
    /// How many messages the model has written since.
    pub(crate) step: usize,
    /// The results that the model is to react to.
    pub(crate) results: Vec<ToolResult>,
}

impl Request {
    /// The names of the tools on offer.
    pub(crate) fn tool_names(&self) -> Vec<&str> {
        self.tools.iter().filter_map(|tool| tool["name"].as_str()).collect()
    }

    /// The session that asks, as the Claude CLI names it in `metadata.user_id`; empty for other clients.
    pub(crate) fn session(&self) -> String {
        let user = self.metadata["user_id"].as_str().unwrap_or_default();
        serde_json::from_str::<Value>(user)
            .ok()
            .and_then(|user| Some(user["session_id"].as_str()?.to_owned()))
            .unwrap_or_else(|| user.rsplit_once("session_").map_or("", |(_, id)| id).to_owned())
    }

    /// Every instruction to the model: the system prompt, and what the Claude CLI says to it in messages of the role
    /// `system` and in reminders.
    pub(crate) fn instructions(&self) -> String {
        let said = self.messages.iter().map(|message| (message["role"] == "system", texts(&message["content"])));
        let said = said.flat_map(|(system, texts)| texts.into_iter().map(move |text| (system, text)));
        let said = said.filter(|(system, text)| *system || text.contains(OPEN)).map(|(_, text)| text);
        texts(&self.system).into_iter().chain(said).collect::<Vec<_>>().join("\n")
    }

    /// The messages without instructions: what persons, the model and tools said.
    pub(crate) fn dialogue(&self) -> Vec<Value> {
        let said = self.messages.iter().filter(|message| message["role"] != "system");
        said.map(|message| json!({"role": message["role"], "content": plain(&message["content"])})).collect()
    }

    /// Whether the client asks for itself (a title, say), not for a person.
    pub(crate) fn is_side(&self) -> bool {
        self.tools.is_empty() && !self.output_config["format"].is_null()
    }

    /// Everything that was said, joined by line ends.
    pub(crate) fn transcript(&self) -> String {
        let said = self.messages.iter().filter(|message| message["role"] != "system");
        said.flat_map(|message| plain_texts(&message["content"])).collect::<Vec<_>>().join("\n")
    }

    /// The conversation as rules see it.
    pub(crate) fn conversation(&self) -> Conversation {
        let mut conversation = Conversation::default();
        for message in self.messages.iter().rev() {
            if message["role"] == "assistant" {
                conversation.step += 1;
            } else if message["role"] == "user" {
                if conversation.step == 0 {
                    conversation.results.splice(0..0, self.results(message));
                }
                if let Some(prompt) = written(message) {
                    conversation.prompt = prompt;
                    break;
                }
            }
        }
        conversation
    }

    fn results(&self, message: &Value) -> Vec<ToolResult> {
        parts(message)
            .filter(|part| part["type"] == "tool_result")
            .map(|part| ToolResult {
                tool: self.tool_of(&part["tool_use_id"]),
                text: plain_texts(&part["content"]).join("\n"),
                is_error: part["is_error"] == true,
            })
            .collect()
    }

    fn tool_of(&self, id: &Value) -> String {
        let called =
            self.messages.iter().rev().flat_map(parts).find(|part| part["type"] == "tool_use" && part["id"] == *id);
        called.and_then(|call| call["name"].as_str()).unwrap_or_default().to_owned()
    }
}

fn parts(message: &Value) -> impl Iterator<Item = &Value> {
    message["content"].as_array().into_iter().flatten()
}

/// The last text of a message that a person wrote.
fn written(message: &Value) -> Option<String> {
    let own = match &message["content"] {
        Value::String(text) => vec![text.as_str()],
        _ => parts(message).filter(|part| part["type"] == "text").filter_map(|part| part["text"].as_str()).collect(),
    };
    own.into_iter().rev().map(without_reminders).find(|text| !text.is_empty())
}

/// The texts of a content: itself when it is a string, else those of its blocks and of the tool results in it.
fn texts(content: &Value) -> Vec<&str> {
    match content {
        Value::String(text) => vec![text],
        Value::Array(parts) => {
            parts.iter().flat_map(|part| texts(part.get("text").unwrap_or(&part["content"]))).collect()
        }
        _ => Vec::new(),
    }
}

fn plain_texts(content: &Value) -> Vec<String> {
    texts(content).into_iter().map(without_reminders).filter(|text| !text.is_empty()).collect()
}

/// A content without reminders.
fn plain(content: &Value) -> Value {
    match content {
        Value::String(text) => without_reminders(text).into(),
        Value::Array(parts) => parts.iter().filter_map(plain_part).collect(),
        other => other.clone(),
    }
}

fn plain_part(part: &Value) -> Option<Value> {
    let mut part = part.clone();
    if let Some(content) = part.get_mut("content") {
        *content = plain(content);
    }
    if let Some(text) = part.get_mut("text") {
        let kept = without_reminders(text.as_str().unwrap_or_default());
        if kept.is_empty() {
            return None;
        }
        *text = kept.into();
    }
    Some(part)
}

/// Takes out what the Claude CLI adds to texts by itself.
fn without_reminders(text: &str) -> String {
    let mut rest = text;
    let mut kept = String::new();
    while let Some((before, after)) = rest.split_once(OPEN) {
        kept.push_str(before);
        rest = after.split_once(CLOSE).map_or("", |(_, after)| after);
    }
    kept.push_str(rest);
    kept.trim().to_owned()
}
