//! Who a message or tool call belongs to: the run's own agent, or a sub-agent.
//!
//! Whoever names a sub-agent when it continues something must name the one that began it; naming none is always right. An
//! owner outlives its message's end, since a message may be opened again and encrypted values come late.
//!
//! It even outlives its message: the official client remembers who owned a message that a snapshot left out. A client that
//! joins after the snapshot cannot know. So what makes such a message anew must name the owner, and then all agree.

use std::collections::{HashMap, HashSet};

use super::Rule;
use crate::agui::{EncryptedSubtype, Event, EventKind, Id, Message};

/// A sub-agent, or the run's own agent.
type Owner = Option<Id>;

/// What has an owner. A reasoning span and its messages share one space of ids, as in the official client.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Owned {
    Message(Id),
    ToolCall(Id),
    Activity(Id),
    Reasoning(Id),
}

#[derive(Debug, Clone, Default)]
pub(super) struct Owners {
    known: HashMap<Owned, Owner>,
    /// Those of `known` that a snapshot left out and nothing has made anew.
    left_out: HashSet<Owned>,
}

impl Owners {
    /// Whether the event's sub-agent is the one that what it continues belongs to.
    pub(super) fn check(&self, event: &Event) -> Result<(), Rule> {
        if let EventKind::ToolCallStart { tool_call_id, parent_message_id, .. } = &event.kind {
            let parent = parent_message_id.as_ref();
            return self.check_tool_call(tool_call_id, parent, event.subagent_run_id.as_ref());
        }
        if let EventKind::ReasoningStart { message_id } | EventKind::ReasoningMessageStart { message_id, .. } =
            &event.kind
        {
            // A message that named nobody inside a sub-agent's span of its id would be the run's own in every snapshot.
            let item = Owned::Reasoning(message_id.clone());
            return self.agree(&item, event.subagent_run_id.as_ref());
        }
        if let Some(item) = made_by(event).filter(|item| self.left_out.contains(item)) {
            return self.agree(&item, event.subagent_run_id.as_ref());
        }
        // Most events name nobody; they need no look at what they continue.
        match (&event.subagent_run_id, self.continued_by(event)) {
            (Some(found), Some(item)) => self.agree(&item, Some(found)),
            _ => Ok(()),
        }
    }

    /// Notes whom the event's message or tool call belongs to.
    pub(super) fn record(&mut self, event: &Event) {
        let tag = || event.subagent_run_id.clone();
        match &event.kind {
            EventKind::TextMessageStart { message_id, .. } => {
                self.claim(Owned::Message(message_id.clone()), tag());
            }
            EventKind::ReasoningStart { message_id } | EventKind::ReasoningMessageStart { message_id, .. } => {
                self.claim(Owned::Reasoning(message_id.clone()), tag());
            }
            EventKind::ToolCallStart { tool_call_id, parent_message_id, .. } => {
                self.claim_tool_call(tool_call_id, parent_message_id.as_ref(), tag());
            }
            // A result makes its message anew, and so does an activity's snapshot that replaces.
            EventKind::ToolCallResult { message_id, .. } => {
                self.replace(Owned::Message(message_id.clone()), tag());
            }
            EventKind::ActivitySnapshot { message_id, replace: Some(false), .. } => {
                self.claim(Owned::Activity(message_id.clone()), tag());
            }
            EventKind::ActivitySnapshot { message_id, .. } => {
                self.replace(Owned::Activity(message_id.clone()), tag());
            }
            EventKind::MessagesSnapshot { messages } => self.restate(messages),
            EventKind::RunStarted { input: Some(input), .. } => {
                for message in &input.messages {
                    self.seed(message);
                }
            }
            _ => {}
        }
    }

    /// A call has its message's owner, who need not be named when the message has an id of its own.
    fn check_tool_call(&self, call: &Id, parent: Option<&Id>, found: Option<&Id>) -> Result<(), Rule> {
        let message = Owned::Message(parent.unwrap_or(call).clone());
        let there = !self.left_out.contains(&message);
        let inherited = self.known.get(&message).filter(|_| there).and_then(Option::as_ref);
        let owner = found.or(inherited.filter(|_| parent.is_some()));
        self.agree(&message, owner)?;
        self.agree(&Owned::ToolCall(call.clone()), owner)
    }

    /// A call belongs to its message's owner. A message that does not exist yet is made for the call, under the parent's id
    /// or else the call's.
    fn claim_tool_call(&mut self, call: &Id, parent: Option<&Id>, tag: Owner) {
        let message = Owned::Message(parent.unwrap_or(call).clone());
        self.left_out.remove(&message);
        let inherited = self.known.entry(message).or_insert_with(|| tag.clone()).clone();
        let owner = match parent {
            Some(_) => tag.or(inherited),
            None => tag,
        };
        self.claim(Owned::ToolCall(call.clone()), owner);
    }

    fn continued_by(&self, event: &Event) -> Option<Owned> {
        match &event.kind {
            EventKind::TextMessageStart { message_id, .. }
            | EventKind::TextMessageContent { message_id, .. }
            | EventKind::TextMessageEnd { message_id } => Some(Owned::Message(message_id.clone())),
            EventKind::ToolCallArgs { tool_call_id, .. } | EventKind::ToolCallEnd { tool_call_id } => {
                Some(Owned::ToolCall(tool_call_id.clone()))
            }
            EventKind::ReasoningEnd { message_id }
            | EventKind::ReasoningMessageContent { message_id, .. }
            | EventKind::ReasoningMessageEnd { message_id } => Some(Owned::Reasoning(message_id.clone())),
            EventKind::ActivityDelta { message_id, .. } => Some(Owned::Activity(message_id.clone())),
            EventKind::ReasoningEncryptedValue { subtype, entity_id, .. } => Some(self.encrypted(*subtype, entity_id)),
            _ => None,
        }
    }

    fn encrypted(&self, subtype: EncryptedSubtype, id: &Id) -> Owned {
        let message = Owned::Message(id.clone());
        match subtype {
            EncryptedSubtype::ToolCall => Owned::ToolCall(id.clone()),
            EncryptedSubtype::Message if self.known.contains_key(&message) => message,
            EncryptedSubtype::Message => Owned::Reasoning(id.clone()),
        }
    }

    /// The item is not known yet, or belongs to `found`.
    fn agree(&self, item: &Owned, found: Option<&Id>) -> Result<(), Rule> {
        match self.known.get(item) {
            Some(owner) if owner.as_ref() != found => Err(item.other_owner(owner.as_ref(), found)),
            Some(_) | None => Ok(()),
        }
    }

    /// The first to open something owns it.
    fn claim(&mut self, item: Owned, owner: Owner) {
        self.left_out.remove(&item);
        self.known.entry(item).or_insert(owner);
    }

    /// The item is made anew, whoever had it.
    fn replace(&mut self, item: Owned, owner: Owner) {
        self.left_out.remove(&item);
        self.known.insert(item, owner);
    }

    /// A snapshot replaces what was known of its messages, and leaves the others out.
    fn restate(&mut self, messages: &[Message]) {
        for message in messages {
            let owner = message.subagent_run_id().cloned();
            for call in message.tool_calls() {
                self.known.insert(Owned::ToolCall(call.id.clone()), owner.clone());
            }
            self.known.insert(owned(message), owner);
        }
        let restated: HashSet<Owned> = messages.iter().map(owned).collect();
        let with_activities = restated.iter().any(|item| matches!(item, Owned::Activity(_)));
        let replaced = |item: &Owned| match item {
            Owned::Message(_) => true,
            // Activities stay when the snapshot has none.
            Owned::Activity(_) => with_activities,
            // Whoever opens these names the owner in any case.
            Owned::ToolCall(_) | Owned::Reasoning(_) => false,
        };
        self.left_out.extend(self.known.keys().filter(|item| replaced(item)).cloned());
        self.left_out.retain(|item| !restated.contains(item));
    }

    /// A message of the input: plain history.
    fn seed(&mut self, message: &Message) {
        let owner = message.subagent_run_id().cloned();
        for call in message.tool_calls() {
            self.claim(Owned::ToolCall(call.id.clone()), owner.clone());
        }
        self.claim(owned(message), owner);
    }
}

impl Owned {
    fn other_owner(&self, owner: Option<&Id>, found: Option<&Id>) -> Rule {
        let (what, id) = match self {
            Self::Message(id) => ("message", id),
            Self::ToolCall(id) => ("tool call", id),
            Self::Activity(id) => ("activity", id),
            Self::Reasoning(id) => ("reasoning", id),
        };
        Rule::OtherOwner { what, id: id.clone(), owner: owner.cloned(), found: found.cloned() }
    }
}

/// What the event makes when it is not there; when it is there, the event goes on with it.
fn made_by(event: &Event) -> Option<Owned> {
    match &event.kind {
        EventKind::TextMessageStart { message_id, .. } => Some(Owned::Message(message_id.clone())),
        EventKind::ActivitySnapshot { message_id, replace: Some(false), .. } => {
            Some(Owned::Activity(message_id.clone()))
        }
        _ => None,
    }
}

fn owned(message: &Message) -> Owned {
    let id = message.id().clone();
    match message {
        Message::Reasoning { .. } => Owned::Reasoning(id),
        Message::Activity { .. } => Owned::Activity(id),
        Message::Developer { .. }
        | Message::System { .. }
        | Message::User { .. }
        | Message::Assistant { .. }
        | Message::Tool { .. } => Owned::Message(id),
    }
}
