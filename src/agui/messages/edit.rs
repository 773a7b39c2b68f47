//! Making and changing one message.

use serde_json::{Map, Value};

use crate::agui::{Content, Id, Message, MessageCommon, TextRole};

pub(super) fn text_message(role: TextRole, id: Id, name: Option<String>, owner: Option<Id>) -> Message {
    let content = String::new();
    let common = MessageCommon { name, subagent_run_id: owner, ..MessageCommon::default() };
    match role {
        TextRole::Developer => Message::Developer { id, content, common },
        TextRole::System => Message::System { id, content, common },
        TextRole::User => Message::User { id, content: Content::Text(content), common },
        TextRole::Assistant => Message::Assistant { id, content: Some(content), tool_calls: Vec::new(), common },
    }
}

pub(super) fn reasoning_message(id: Id, owner: Option<Id>) -> Message {
    Message::Reasoning { id, content: String::new(), encrypted_value: None, metadata: None, subagent_run_id: owner }
}

/// Appends text. Parts cannot be appended to; text takes their place, as in the official client.
pub(super) fn append(message: &mut Message, delta: &str) {
    match message {
        Message::Developer { content, .. } | Message::System { content, .. } | Message::Reasoning { content, .. } => {
            content.push_str(delta);
        }
        Message::Assistant { content, .. } => content.get_or_insert_default().push_str(delta),
        Message::User { content, .. } | Message::Tool { content, .. } => match content {
            Content::Text(text) => text.push_str(delta),
            Content::Parts(_) => *content = Content::from(delta),
        },
        Message::Activity { .. } => {}
    }
}

/// Later values replace earlier ones, key by key.
pub(super) fn merge(target: &mut Option<Map<String, Value>>, more: Option<&Map<String, Value>>) {
    if let Some(more) = more {
        target.get_or_insert_default().extend(more.clone());
    }
}

pub(super) fn metadata(message: &mut Message) -> &mut Option<Map<String, Value>> {
    match message {
        Message::Developer { common, .. }
        | Message::System { common, .. }
        | Message::User { common, .. }
        | Message::Assistant { common, .. } => &mut common.metadata,
        Message::Tool { metadata, .. } | Message::Activity { metadata, .. } | Message::Reasoning { metadata, .. } => {
            metadata
        }
    }
}

/// Where a message keeps its provider's opaque value; activities have none.
pub(super) fn encrypted_value(message: &mut Message) -> Option<&mut Option<String>> {
    match message {
        Message::Developer { common, .. }
        | Message::System { common, .. }
        | Message::User { common, .. }
        | Message::Assistant { common, .. } => Some(&mut common.encrypted_value),
        Message::Tool { encrypted_value, .. } | Message::Reasoning { encrypted_value, .. } => Some(encrypted_value),
        Message::Activity { .. } => None,
    }
}
