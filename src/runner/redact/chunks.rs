//! Which item a chunk event continues: the protocol leaves out the id of all but the first, and ends the item with the
//! first event that cannot belong to it.

use crate::agui::{Event, EventKind, Id};

use super::lanes::Item;

/// The items that chunk events have open, at most one for each sub-agent and one for the main agent.
#[derive(Debug, Default)]
pub(super) struct Chunks(Vec<OpenChunk>);

/// An item that chunk events have open.
#[derive(Debug)]
pub(super) struct OpenChunk {
    pub(super) item: Item,
    pub(super) id: Id,
    tag: Option<Id>,
}

impl Chunks {
    /// Takes out the items that `event` ends.
    pub(super) fn closed_by(&mut self, event: &Event) -> Vec<OpenChunk> {
        if self.0.is_empty() {
            return Vec::new();
        }
        self.0.extract_if(.., |open| open.ends_at(event)).collect()
    }

    /// Notes a chunk event of that item; whether it opens it.
    pub(super) fn open(&mut self, item: Item, id: Option<&Id>, tag: Option<&Id>) -> bool {
        let Some(id) = id.filter(|_| self.current(tag).is_none()) else {
            return false;
        };
        self.0.push(OpenChunk { item, id: id.clone(), tag: tag.cloned() });
        true
    }

    /// The id of the item that this agent has open.
    pub(super) fn current(&self, tag: Option<&Id>) -> Option<&Id> {
        self.0.iter().find(|open| open.tag.as_ref() == tag).map(|open| &open.id)
    }
}

impl OpenChunk {
    fn ends_at(&self, event: &Event) -> bool {
        self.tag == event.subagent_run_id && !self.goes_on_after(&event.kind)
    }

    fn goes_on_after(&self, kind: &EventKind) -> bool {
        let (item, id) = match kind {
            EventKind::Raw { .. }
            | EventKind::ActivitySnapshot { .. }
            | EventKind::ActivityDelta { .. }
            | EventKind::ReasoningEncryptedValue { .. } => return true,
            EventKind::TextMessageChunk { message_id, .. } => (Item::Text, message_id),
            EventKind::ReasoningMessageChunk { message_id, .. } => (Item::Reasoning, message_id),
            EventKind::ToolCallChunk { tool_call_id, .. } => (Item::ToolCall, tool_call_id),
            _ => return false,
        };
        item == self.item && id.as_ref().is_none_or(|id| *id == self.id)
    }
}
