//! The events of one content block: text, reasoning, tool call.

use serde_json::Value;

use super::{Call, Translator};
use crate::agui::{EncryptedSubtype, Event, EventKind, Id, ReasoningRole};

/// A block that is being streamed.
#[derive(Debug)]
pub(super) enum Block {
    /// A text whose message starts with its first delta, so that an empty block shows nothing.
    Text { id: Option<Id> },
    /// Thinking; the signature comes as deltas of its own.
    Thinking { id: Id, signature: String },
    /// A tool call.
    Tool { id: Id },
    /// A kind we do not show.
    Unknown,
}

pub(super) fn open_text(id: &Id) -> Event {
    EventKind::TextMessageStart { message_id: id.clone(), role: None, name: None }.into()
}

pub(super) fn text_delta(id: &Id, delta: String) -> Event {
    EventKind::TextMessageContent { message_id: id.clone(), delta }.into()
}

pub(super) fn close_text(id: Id) -> Event {
    EventKind::TextMessageEnd { message_id: id }.into()
}

pub(super) fn open_thought(id: &Id, out: &mut Vec<Event>) {
    out.push(EventKind::ReasoningStart { message_id: id.clone() }.into());
    let start = EventKind::ReasoningMessageStart { message_id: id.clone(), role: ReasoningRole::Reasoning };
    out.push(start.into());
}

pub(super) fn thought_delta(id: &Id, delta: String) -> Event {
    EventKind::ReasoningMessageContent { message_id: id.clone(), delta }.into()
}

pub(super) fn close_thought(id: Id, signature: String, out: &mut Vec<Event>) {
    out.push(EventKind::ReasoningMessageEnd { message_id: id.clone() }.into());
    if !signature.is_empty() {
        let value = EventKind::ReasoningEncryptedValue {
            subtype: EncryptedSubtype::Message,
            entity_id: id.clone(),
            encrypted_value: signature,
        };
        out.push(value.into());
    }
    out.push(EventKind::ReasoningEnd { message_id: id }.into());
}

pub(super) fn call_args(id: &Id, delta: String) -> Event {
    EventKind::ToolCallArgs { tool_call_id: id.clone(), delta }.into()
}

pub(super) fn close_call(id: Id) -> Event {
    EventKind::ToolCallEnd { tool_call_id: id }.into()
}

/// Whether a content block is a tool call; some kinds are executed by the provider.
pub(super) fn is_call(kind: &str) -> bool {
    kind.ends_with("tool_use")
}

/// Whether a content block is the result of a call.
pub(super) fn is_result(kind: &str) -> bool {
    kind.ends_with("tool_result")
}

impl Translator {
    /// Begins a tool call, unless it has begun before.
    pub(super) fn open_call(
        &mut self,
        id: Id,
        name: &str,
        parent: Id,
        owner: Option<Id>,
        out: &mut Vec<Event>,
    ) -> bool {
        if self.calls.contains_key(&id) {
            return false;
        }
        let name = name.strip_prefix(self.frontend_prefix).unwrap_or(name);
        let start = EventKind::ToolCallStart {
            tool_call_id: id.clone(),
            tool_call_name: name.to_owned(),
            parent_message_id: Some(parent),
        };
        out.push(Event::from(start).of_subagent(owner.clone()));
        self.calls.insert(id, Call { owner, ..Call::default() });
        true
    }
}

/// The arguments that a call begins with; the Messages API sends an empty object and then the deltas.
pub(super) fn initial_args(input: Option<&Value>) -> Option<String> {
    input.filter(|input| input.as_object().is_some_and(|members| !members.is_empty())).map(Value::to_string)
}
