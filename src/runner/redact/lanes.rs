//! The texts of a thread that come in deltas, one lane each.

use std::{borrow::Cow, collections::HashMap};

use crate::{
    agui::{Event, EventKind, Id},
    security::{Redactor, lane::Lane},
};

use super::members::Redact;

/// What the text belongs to. The ids of different kinds of items may coincide.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Item {
    /// A text message.
    Text,
    /// A reasoning message.
    Reasoning,
    /// The arguments of a tool call.
    ToolCall,
}

/// All lanes, by the ids before redaction.
#[derive(Debug, Default)]
pub(super) struct Lanes {
    text: HashMap<Id, Entry>,
    reasoning: HashMap<Id, Entry>,
    tool_calls: HashMap<Id, Entry>,
    /// How many were opened.
    opened: u64,
}

#[derive(Debug)]
struct Entry {
    lane: Lane,
    order: u64,
    is_chunk: bool,
    /// The redacted id.
    id: Id,
    /// The sub-agent before and after redaction.
    tag: Option<Id>,
    redacted_tag: Option<Id>,
}

impl Lanes {
    /// Redacts a delta, its item's id and its sub-agent's.
    pub(super) fn delta(
        &mut self,
        redactor: &Redactor,
        item: Item,
        id: &mut Id,
        delta: &mut String,
        tag: &mut Option<Id>,
    ) {
        let entry = self.entry(redactor, item, id, false);
        entry.redact(redactor, delta, tag);
        // Keeps the shared text of a clean id.
        if *id != entry.id {
            id.clone_from(&entry.id);
        }
    }

    /// Redacts the delta of a chunk event that belongs to item `id`. A chunk that belongs to none is redacted as a whole.
    pub(super) fn chunk(
        &mut self,
        redactor: &Redactor,
        item: Item,
        id: Option<&Id>,
        delta: Option<&mut String>,
        tag: &mut Option<Id>,
    ) {
        match (id, delta) {
            (Some(id), Some(delta)) => self
                .entry(redactor, item, id, true)
                .redact(redactor, delta, tag),
            (None, Some(delta)) => redactor.redact_string(delta),
            (_, None) => {}
        }
    }

    /// What was held back of an item that ends. Its lane is kept only if the text could go on with the rest of a
    /// secret: an item that ended may be opened again.
    pub(super) fn end(&mut self, redactor: &Redactor, item: Item, id: &Id) -> Option<Event> {
        let lanes = self.of(item);
        let entry = lanes.get_mut(id)?;
        let rest = entry.rest(redactor, item);
        if entry.lane.is_idle() {
            lanes.remove(id);
        }
        rest
    }

    /// Appends what was held back of all items, in the order in which they were opened, and forgets them.
    pub(super) fn finish(
        &mut self,
        redactor: &Redactor,
        timestamp: Option<i64>,
        out: &mut Vec<Event>,
    ) {
        let mut rests = Vec::new();
        for item in [Item::Text, Item::Reasoning, Item::ToolCall] {
            for (_, mut entry) in self.of(item).drain() {
                rests.extend(entry.rest(redactor, item).map(|rest| (entry.order, rest)));
            }
        }
        rests.sort_by_key(|(order, _)| *order);
        out.extend(
            rests
                .into_iter()
                .map(|(_, rest)| Event { timestamp, ..rest }),
        );
    }

    fn of(&mut self, item: Item) -> &mut HashMap<Id, Entry> {
        match item {
            Item::Text => &mut self.text,
            Item::Reasoning => &mut self.reasoning,
            Item::ToolCall => &mut self.tool_calls,
        }
    }

    fn entry(&mut self, redactor: &Redactor, item: Item, id: &Id, is_chunk: bool) -> &mut Entry {
        self.opened += 1;
        let order = self.opened;
        self.of(item).entry(id.clone()).or_insert_with(|| Entry {
            lane: Lane::default(),
            order,
            is_chunk,
            id: redacted(redactor, id),
            tag: None,
            redacted_tag: None,
        })
    }
}

impl Entry {
    fn redact(&mut self, redactor: &Redactor, delta: &mut String, tag: &mut Option<Id>) {
        match self.lane.push(redactor.rules(), delta) {
            Cow::Borrowed(clean) => {
                let len = clean.len();
                delta.truncate(len);
            }
            Cow::Owned(redacted) => *delta = redacted,
        }
        if *tag != self.tag {
            self.tag.clone_from(tag);
            self.redacted_tag = tag.as_ref().map(|tag| redacted(redactor, tag));
        }
        if *tag != self.redacted_tag {
            tag.clone_from(&self.redacted_tag);
        }
    }

    /// An event with what was held back.
    fn rest(&mut self, redactor: &Redactor, item: Item) -> Option<Event> {
        if self.lane.is_empty() {
            return None;
        }
        let delta = self.lane.flush_text(redactor.rules());
        let event = Event::from(content(item, self.is_chunk, self.id.clone(), delta));
        Some(event.of_subagent(self.redacted_tag.clone()))
    }
}

fn content(item: Item, is_chunk: bool, id: Id, delta: String) -> EventKind {
    let (some_id, some_delta) = (Some(id.clone()), Some(delta.clone()));
    match (item, is_chunk) {
        (Item::Text, false) => EventKind::TextMessageContent {
            message_id: id,
            delta,
        },
        (Item::Reasoning, false) => EventKind::ReasoningMessageContent {
            message_id: id,
            delta,
        },
        (Item::ToolCall, false) => EventKind::ToolCallArgs {
            tool_call_id: id,
            delta,
        },
        (Item::Text, true) => EventKind::TextMessageChunk {
            message_id: some_id,
            role: None,
            delta: some_delta,
            name: None,
        },
        (Item::Reasoning, true) => EventKind::ReasoningMessageChunk {
            message_id: some_id,
            delta: some_delta,
        },
        (Item::ToolCall, true) => EventKind::ToolCallChunk {
            tool_call_id: some_id,
            tool_call_name: None,
            parent_message_id: None,
            delta: some_delta,
        },
    }
}

fn redacted(redactor: &Redactor, id: &Id) -> Id {
    let mut id = id.clone();
    id.redact(redactor);
    id
}
