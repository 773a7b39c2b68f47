//! The texts of a thread that come in deltas, one lane each.

use std::borrow::Cow;

use crate::{
    agui::{Event, EventKind, Id},
    security::{Redactor, live::LiveLane},
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

/// So many ended items are remembered whose text stopped where a secret may have begun.
const MAX_ENDED: usize = 64;

/// All lanes, in the order in which they were opened. The one that is wanted is nearly always among the last.
#[derive(Debug, Default)]
pub(super) struct Lanes(Vec<Entry>);

#[derive(Debug)]
struct Entry {
    lane: LiveLane,
    item: Item,
    is_chunk: bool,
    has_ended: bool,
    /// The id before and after redaction.
    id: Id,
    redacted_id: Id,
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
        if *id != entry.redacted_id {
            id.clone_from(&entry.redacted_id);
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
            (Some(id), Some(delta)) => self.entry(redactor, item, id, true).redact(redactor, delta, tag),
            (None, Some(delta)) => redactor.redact_string(delta),
            (_, None) => {}
        }
    }

    /// What was held back of an item that ends. Its lane is kept if that may have been the start of a secret: an item
    /// that ended may be opened again.
    pub(super) fn end(&mut self, redactor: &Redactor, item: Item, id: &Id) -> Option<Event> {
        let at = self.position(item, id)?;
        let entry = &mut self.0[at];
        entry.has_ended = true;
        let rest = entry.rest(redactor);
        if rest.is_none() {
            self.0.remove(at);
        } else if self.0.iter().filter(|entry| entry.has_ended).count() > MAX_ENDED
            && let Some(oldest) = self.0.iter().position(|entry| entry.has_ended)
        {
            self.0.remove(oldest);
        }
        rest
    }

    /// Appends what was held back of all items, and forgets them.
    pub(super) fn finish(&mut self, redactor: &Redactor, timestamp: Option<i64>, out: &mut Vec<Event>) {
        let rests = self.0.iter_mut().filter_map(|entry| entry.rest(redactor));
        out.extend(rests.map(|rest| Event { timestamp, ..rest }));
        self.0.clear();
    }

    fn position(&self, item: Item, id: &Id) -> Option<usize> {
        self.0.iter().rposition(|entry| entry.item == item && entry.id == *id)
    }

    fn entry(&mut self, redactor: &Redactor, item: Item, id: &Id, is_chunk: bool) -> &mut Entry {
        let at = self.position(item, id).unwrap_or_else(|| {
            self.0.push(Entry::new(redactor, item, id, is_chunk));
            self.0.len() - 1
        });
        let entry = &mut self.0[at];
        entry.has_ended = false;
        entry
    }
}

impl Entry {
    fn new(redactor: &Redactor, item: Item, id: &Id, is_chunk: bool) -> Self {
        Self {
            lane: LiveLane::default(),
            item,
            is_chunk,
            has_ended: false,
            id: id.clone(),
            redacted_id: redacted(redactor, id),
            tag: None,
            redacted_tag: None,
        }
    }

    fn redact(&mut self, redactor: &Redactor, delta: &mut String, tag: &mut Option<Id>) {
        match self.lane.push(redactor, delta) {
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
    fn rest(&mut self, redactor: &Redactor) -> Option<Event> {
        if self.lane.is_empty() {
            return None;
        }
        let delta = self.lane.flush_text(redactor);
        let event = Event::from(content(self.item, self.is_chunk, self.redacted_id.clone(), delta));
        Some(event.of_subagent(self.redacted_tag.clone()))
    }
}

fn content(item: Item, is_chunk: bool, id: Id, delta: String) -> EventKind {
    match (item, is_chunk) {
        (Item::Text, false) => EventKind::TextMessageContent { message_id: id, delta },
        (Item::Reasoning, false) => EventKind::ReasoningMessageContent { message_id: id, delta },
        (Item::ToolCall, false) => EventKind::ToolCallArgs { tool_call_id: id, delta },
        (Item::Text, true) => {
            EventKind::TextMessageChunk { message_id: Some(id), role: None, delta: Some(delta), name: None }
        }
        (Item::Reasoning, true) => EventKind::ReasoningMessageChunk { message_id: Some(id), delta: Some(delta) },
        (Item::ToolCall, true) => EventKind::ToolCallChunk {
            tool_call_id: Some(id),
            tool_call_name: None,
            parent_message_id: None,
            delta: Some(delta),
        },
    }
}

fn redacted(redactor: &Redactor, id: &Id) -> Id {
    let mut id = id.clone();
    id.redact(redactor);
    id
}
