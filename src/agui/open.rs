//! What a run has opened and not closed yet.

use std::{collections::HashMap, fmt};

use super::{Event, EventKind, Id};

/// Something that one event opens and a later one closes. Two items are the same when these members are.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum OpenItem {
    /// A text message.
    Text(Id),
    /// A reasoning message.
    Reasoning(Id),
    /// A span of reasoning; its id has nothing to do with those of the messages inside.
    Span(Id),
    /// A tool call whose arguments are still coming.
    ToolCall(Id),
    /// A step. A sub-agent's steps are apart from its parent's of the same name.
    Step {
        /// The step's name.
        name: String,
        /// Whose step it is; absent for the run's own agent.
        subagent: Option<Id>,
    },
    /// A sub-agent.
    Subagent(Id),
}

/// What an event does to an item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Effect {
    Opens(OpenItem),
    Continues(OpenItem),
    Closes(OpenItem),
    Nothing,
}

/// The open items of a run, with the event that opened each. Holds nothing of what was closed.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct OpenItems {
    openings: HashMap<OpenItem, Opening>,
    count: u64,
}

#[derive(Debug, Clone, PartialEq)]
struct Opening {
    order: u64,
    event: Event,
}

impl OpenItems {
    pub(super) fn contains(&self, item: &OpenItem) -> bool {
        self.openings.contains_key(item)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.openings.is_empty()
    }

    /// Follows an event, whether or not it is in order.
    pub(super) fn apply(&mut self, effect: Effect, event: &Event) {
        match effect {
            Effect::Opens(item) => self.open(item, event),
            Effect::Closes(item) => {
                self.openings.remove(&item);
            }
            Effect::Continues(_) | Effect::Nothing => {}
        }
    }

    fn open(&mut self, item: OpenItem, event: &Event) {
        let order = self.count;
        self.count += 1;
        let event = Event::from(event.kind.clone()).of_subagent(event.subagent_run_id.clone());
        let opening = Opening { order, event };
        self.openings.entry(item).or_insert(opening);
    }

    /// The items and the bare events that opened them (without time, raw form and metadata), in the order of opening.
    pub(super) fn in_order(&self) -> Vec<(&OpenItem, &Event)> {
        let mut all: Vec<_> = self.openings.iter().collect();
        all.sort_unstable_by_key(|(_, opening)| opening.order);
        all.into_iter().map(|(item, opening)| (item, &opening.event)).collect()
    }
}

impl OpenItem {
    /// What this is, for people.
    #[must_use]
    pub fn noun(&self) -> &'static str {
        match self {
            Self::Text(_) => "text message",
            Self::Reasoning(_) => "reasoning message",
            Self::Span(_) => "reasoning span",
            Self::ToolCall(_) => "tool call",
            Self::Step { .. } => "step",
            Self::Subagent(_) => "sub-agent",
        }
    }

    /// The item's id, or the name of a step.
    #[must_use]
    pub fn id(&self) -> &str {
        match self {
            Self::Text(id) | Self::Reasoning(id) | Self::Span(id) | Self::ToolCall(id) | Self::Subagent(id) => id,
            Self::Step { name, .. } => name,
        }
    }

    /// The name of the event that opens such an item.
    #[must_use]
    pub fn opener(&self) -> &'static str {
        match self {
            Self::Text(_) => "TEXT_MESSAGE_START",
            Self::Reasoning(_) => "REASONING_MESSAGE_START",
            Self::Span(_) => "REASONING_START",
            Self::ToolCall(_) => "TOOL_CALL_START",
            Self::Step { .. } => "STEP_STARTED",
            Self::Subagent(_) => "SUBAGENT_STARTED",
        }
    }

    /// The event that closes this item before its time.
    pub(super) fn closer(&self) -> EventKind {
        match self {
            Self::Text(id) => EventKind::TextMessageEnd { message_id: id.clone() },
            Self::Reasoning(id) => EventKind::ReasoningMessageEnd { message_id: id.clone() },
            Self::Span(id) => EventKind::ReasoningEnd { message_id: id.clone() },
            Self::ToolCall(id) => EventKind::ToolCallEnd { tool_call_id: id.clone() },
            Self::Step { name, .. } => EventKind::StepFinished { step_name: name.clone() },
            // Neither success nor suspension would be true.
            Self::Subagent(_) => {
                EventKind::SubagentError { message: "the run ended before the sub-agent did".into(), code: None }
            }
        }
    }
}

impl fmt::Display for OpenItem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?}", self.noun(), self.id())
    }
}

/// Which item an event is about. Chunks have none: they are not allowed in a log.
pub(super) fn effect(event: &Event) -> Effect {
    use Effect::{Closes, Continues, Opens};
    match &event.kind {
        EventKind::TextMessageStart { message_id, .. } => Opens(OpenItem::Text(message_id.clone())),
        EventKind::TextMessageContent { message_id, .. } => Continues(OpenItem::Text(message_id.clone())),
        EventKind::TextMessageEnd { message_id } => Closes(OpenItem::Text(message_id.clone())),
        EventKind::ToolCallStart { tool_call_id, .. } => Opens(OpenItem::ToolCall(tool_call_id.clone())),
        EventKind::ToolCallArgs { tool_call_id, .. } => Continues(OpenItem::ToolCall(tool_call_id.clone())),
        EventKind::ToolCallEnd { tool_call_id } => Closes(OpenItem::ToolCall(tool_call_id.clone())),
        EventKind::ReasoningStart { message_id } => Opens(OpenItem::Span(message_id.clone())),
        EventKind::ReasoningEnd { message_id } => Closes(OpenItem::Span(message_id.clone())),
        EventKind::ReasoningMessageStart { message_id, .. } => Opens(OpenItem::Reasoning(message_id.clone())),
        EventKind::ReasoningMessageContent { message_id, .. } => Continues(OpenItem::Reasoning(message_id.clone())),
        EventKind::ReasoningMessageEnd { message_id } => Closes(OpenItem::Reasoning(message_id.clone())),
        EventKind::StepStarted { step_name } => Opens(step(step_name, event)),
        EventKind::StepFinished { step_name } => Closes(step(step_name, event)),
        EventKind::SubagentStarted { .. } => subagent(event).map_or(Effect::Nothing, Opens),
        EventKind::SubagentFinished { .. } | EventKind::SubagentError { .. } => {
            subagent(event).map_or(Effect::Nothing, Closes)
        }
        EventKind::RunStarted { .. }
        | EventKind::RunFinished { .. }
        | EventKind::RunError { .. }
        | EventKind::TextMessageChunk { .. }
        | EventKind::ToolCallChunk { .. }
        | EventKind::ReasoningMessageChunk { .. }
        | EventKind::ToolCallResult { .. }
        | EventKind::StateSnapshot { .. }
        | EventKind::StateDelta { .. }
        | EventKind::MessagesSnapshot { .. }
        | EventKind::ActivitySnapshot { .. }
        | EventKind::ActivityDelta { .. }
        | EventKind::Raw { .. }
        | EventKind::Custom { .. }
        | EventKind::ReasoningEncryptedValue { .. } => Effect::Nothing,
    }
}

fn step(name: &str, event: &Event) -> OpenItem {
    OpenItem::Step { name: name.to_owned(), subagent: event.subagent_run_id.clone() }
}

fn subagent(event: &Event) -> Option<OpenItem> {
    event.subagent_run_id.clone().map(OpenItem::Subagent)
}
