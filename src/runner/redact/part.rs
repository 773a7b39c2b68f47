//! What an event has to do with text that comes in deltas.
//!
//! Not the table of what a run has open (`agui`): that one has no chunks, and names its items in ids of their own, where
//! this one lends the event's members to be changed.

use crate::agui::{EventKind, Id};

use super::lanes::Item;

/// The part that an event plays for an item of streamed text.
pub(super) enum Part<'a> {
    /// It adds to the item's text.
    Delta(Item, &'a mut Id, &'a mut String),
    /// It adds to the text of an item that it may also open.
    Chunk(Item, &'a mut Option<Id>, &'a mut Option<String>),
    /// It ends the item.
    End(Item, &'a Id),
    /// It ends all items.
    EndOfRun,
    /// None.
    Whole,
}

impl<'a> Part<'a> {
    pub(super) fn of(kind: &'a mut EventKind) -> Self {
        match kind {
            EventKind::TextMessageContent { message_id, delta } => Self::Delta(Item::Text, message_id, delta),
            EventKind::ToolCallArgs { tool_call_id, delta } => Self::Delta(Item::ToolCall, tool_call_id, delta),
            EventKind::ReasoningMessageContent { message_id, delta } => Self::Delta(Item::Reasoning, message_id, delta),
            EventKind::TextMessageChunk { message_id, delta, .. } => Self::Chunk(Item::Text, message_id, delta),
            EventKind::ToolCallChunk { tool_call_id, delta, .. } => Self::Chunk(Item::ToolCall, tool_call_id, delta),
            EventKind::ReasoningMessageChunk { message_id, delta } => Self::Chunk(Item::Reasoning, message_id, delta),
            EventKind::TextMessageEnd { message_id } => Self::End(Item::Text, message_id),
            EventKind::ToolCallEnd { tool_call_id } => Self::End(Item::ToolCall, tool_call_id),
            EventKind::ReasoningMessageEnd { message_id } => Self::End(Item::Reasoning, message_id),
            EventKind::RunFinished { .. } | EventKind::RunError { .. } => Self::EndOfRun,
            EventKind::RunStarted { .. }
            | EventKind::StepStarted { .. }
            | EventKind::StepFinished { .. }
            | EventKind::TextMessageStart { .. }
            | EventKind::ToolCallStart { .. }
            | EventKind::ToolCallResult { .. }
            | EventKind::StateSnapshot { .. }
            | EventKind::StateDelta { .. }
            | EventKind::MessagesSnapshot { .. }
            | EventKind::ActivitySnapshot { .. }
            | EventKind::ActivityDelta { .. }
            | EventKind::Raw { .. }
            | EventKind::Custom { .. }
            | EventKind::ReasoningStart { .. }
            | EventKind::ReasoningMessageStart { .. }
            | EventKind::ReasoningEnd { .. }
            | EventKind::ReasoningEncryptedValue { .. }
            | EventKind::SubagentStarted { .. }
            | EventKind::SubagentFinished { .. }
            | EventKind::SubagentError { .. } => Self::Whole,
        }
    }
}
