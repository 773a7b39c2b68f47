//! The messages of a thread, folded from its events as the official client folds them.

mod activity;
mod edit;
mod tools;

use std::collections::{HashMap, HashSet};

use super::{EncryptedSubtype, Event, EventKind, Id, Message, TextRole};

/// The messages of a thread. Taking an event costs the length of what it adds, never the length of what is there.
#[derive(Debug, Clone, Default)]
pub struct Messages {
    list: Vec<Message>,
    /// Where each message is.
    positions: HashMap<Id, usize>,
    /// Which message each tool call is in.
    calls: HashMap<Id, Id>,
}

impl Messages {
    /// The messages in the order of the conversation.
    #[must_use]
    pub fn list(&self) -> &[Message] {
        &self.list
    }

    /// One message.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<&Message> {
        self.positions.get(id).map(|at| &self.list[*at])
    }

    /// Takes the next event of the thread. What is not about messages changes nothing.
    pub fn apply(&mut self, event: &Event) {
        match &event.kind {
            EventKind::RunStarted { input: Some(input), .. } => self.add_missing(&input.messages),
            EventKind::MessagesSnapshot { messages } => self.replace(messages),
            EventKind::TextMessageStart { message_id, role, name } => {
                let role = role.unwrap_or(TextRole::Assistant);
                self.begin(message_id, event, |id, owner| edit::text_message(role, id, name.clone(), owner));
            }
            EventKind::ReasoningMessageStart { message_id, .. } => {
                self.begin(message_id, event, edit::reasoning_message);
            }
            EventKind::TextMessageContent { message_id, delta }
            | EventKind::ReasoningMessageContent { message_id, delta } => {
                self.go_on(message_id, Some(delta), event);
            }
            EventKind::TextMessageEnd { message_id } | EventKind::ReasoningMessageEnd { message_id } => {
                self.go_on(message_id, None, event);
            }
            EventKind::ToolCallStart { tool_call_id, tool_call_name, parent_message_id } => {
                self.begin_call(tool_call_id, tool_call_name, parent_message_id.as_ref(), event);
            }
            EventKind::ToolCallArgs { tool_call_id, delta } => self.append_arguments(tool_call_id, delta, event),
            EventKind::ToolCallEnd { tool_call_id } => {
                self.append_arguments(tool_call_id, "", event);
            }
            EventKind::ToolCallResult { message_id, tool_call_id, content, .. } => {
                self.insert_result(message_id, tool_call_id, content, event);
            }
            EventKind::ActivitySnapshot { message_id, activity_type, content, replace } => {
                self.set_activity(message_id, activity_type, content, replace.unwrap_or(true), event);
            }
            EventKind::ActivityDelta { message_id, activity_type, patch } => {
                self.patch_activity(message_id, activity_type, patch, event);
            }
            EventKind::ReasoningEncryptedValue { subtype, entity_id, encrypted_value } => {
                self.set_encrypted(*subtype, entity_id, encrypted_value);
            }
            _ => {}
        }
    }

    fn get_mut(&mut self, id: &str) -> Option<&mut Message> {
        self.positions.get(id).map(|at| &mut self.list[*at])
    }

    fn push(&mut self, message: Message) {
        let id = message.id();
        for call in message.tool_calls() {
            self.calls.entry(call.id.clone()).or_insert_with(|| id.clone());
        }
        self.positions.entry(id.clone()).or_insert(self.list.len());
        self.list.push(message);
    }

    /// Puts a message without tool calls between others. Of messages with one id the first counts.
    fn insert(&mut self, at: usize, message: Message) {
        let place = self.positions.entry(message.id().clone()).or_insert(at);
        *place = at.min(*place);
        self.list.insert(at, message);
        for (now, moved) in self.list.iter().enumerate().skip(at + 1).rev() {
            let place = self.positions.get_mut(moved.id());
            if let Some(place) = place.filter(|place| **place + 1 == now) {
                *place = now;
            }
        }
    }

    fn add_missing(&mut self, messages: &[Message]) {
        for message in messages {
            if !self.positions.contains_key(message.id()) {
                self.push(message.clone());
            }
        }
    }

    /// Takes a snapshot: the whole conversation, but activities and reasoning stay when it has none of their kind, since
    /// many producers cannot restate them.
    fn replace(&mut self, snapshot: &[Message]) {
        let has = |kind: fn(&Message) -> bool| snapshot.iter().any(kind);
        let keeps_activities = !has(is_activity);
        let keeps_reasoning = !has(is_reasoning);
        let stays =
            |message: &Message| is_activity(message) && keeps_activities || is_reasoning(message) && keeps_reasoning;
        let restated: HashMap<&Id, &Message> = snapshot.iter().map(|message| (message.id(), message)).collect();
        let old = std::mem::take(self).list.into_iter();
        let kept: Vec<Message> = old
            .filter_map(|message| match restated.get(message.id()) {
                Some(new) => Some((*new).clone()),
                None => stays(&message).then_some(message),
            })
            .collect();
        let known: HashSet<Id> = kept.iter().map(|message| message.id().clone()).collect();
        let new = snapshot.iter().filter(|message| !known.contains(message.id())).cloned();
        for message in kept.into_iter().chain(new) {
            self.push(message);
        }
    }

    /// A message begins, or goes on when it is there already.
    fn begin(&mut self, id: &Id, event: &Event, message: impl FnOnce(Id, Option<Id>) -> Message) {
        if !self.positions.contains_key(id) {
            self.push(message(id.clone(), event.subagent_run_id.clone()));
        }
        self.go_on(id, None, event);
    }

    fn go_on(&mut self, id: &Id, delta: Option<&str>, event: &Event) {
        if let Some(message) = self.get_mut(id).filter(|message| !is_activity(message)) {
            if let Some(delta) = delta {
                edit::append(message, delta);
            }
            edit::merge(edit::metadata(message), event.metadata.as_ref());
        }
    }

    fn set_encrypted(&mut self, subtype: EncryptedSubtype, id: &Id, value: &str) {
        let place = match subtype {
            EncryptedSubtype::ToolCall => self.call_mut(id).map(|call| &mut call.encrypted_value),
            EncryptedSubtype::Message => self.get_mut(id).and_then(edit::encrypted_value),
        };
        if let Some(place) = place {
            *place = Some(value.to_owned());
        }
    }
}

fn is_activity(message: &Message) -> bool {
    matches!(message, Message::Activity { .. })
}

fn is_reasoning(message: &Message) -> bool {
    matches!(message, Message::Reasoning { .. })
}
