//! Making a log shorter without changing what it says.

use std::collections::HashMap;

use super::{Event, EventKind, Id};

/// Collapses the deltas of each message and tool call to one, at the place of the first. Nothing else changes, neither
/// order nor members; a second time changes nothing more.
///
/// `event_of` gives the event of a record, whatever else records hold. A delta with metadata or a raw form stays as it is.
/// Deltas on different sides of a message snapshot, which replaces the text so far, stay apart.
pub fn compact<R>(records: Vec<R>, event_of: impl Fn(&mut R) -> &mut Event) -> Vec<R> {
    let mut compacted: Vec<R> = Vec::new();
    let mut places: HashMap<Target, usize> = HashMap::new();
    for mut record in records {
        let event = event_of(&mut record);
        match delta_target(event) {
            Some(target) if is_bare(event) => {
                let earlier = places.get(&target).map(|at| event_of(&mut compacted[*at]));
                if earlier.is_some_and(|earlier| extend(earlier, event)) {
                    continue;
                }
                places.insert(target, compacted.len());
            }
            Some(target) => drop(places.remove(&target)),
            None => forget(&mut places, event),
        }
        compacted.push(record);
    }
    compacted
}

/// What a delta adds to. Text and reasoning with one id are one message.
#[derive(PartialEq, Eq, Hash)]
enum Target {
    Message(Id),
    Call(Id),
}

fn delta_target(event: &Event) -> Option<Target> {
    match &event.kind {
        EventKind::TextMessageContent { message_id, .. } | EventKind::ReasoningMessageContent { message_id, .. } => {
            Some(Target::Message(message_id.clone()))
        }
        EventKind::ToolCallArgs { tool_call_id, .. } => Some(Target::Call(tool_call_id.clone())),
        _ => None,
    }
}

fn is_bare(event: &Event) -> bool {
    event.metadata.is_none() && event.raw_event.is_none()
}

/// Appends a delta to an earlier one of the same kind and sub-agent.
fn extend(earlier: &mut Event, more: &Event) -> bool {
    if earlier.subagent_run_id != more.subagent_run_id {
        return false;
    }
    match (&mut earlier.kind, &more.kind) {
        (EventKind::TextMessageContent { delta, .. }, EventKind::TextMessageContent { delta: more, .. })
        | (EventKind::ReasoningMessageContent { delta, .. }, EventKind::ReasoningMessageContent { delta: more, .. })
        | (EventKind::ToolCallArgs { delta, .. }, EventKind::ToolCallArgs { delta: more, .. }) => {
            delta.push_str(more);
            true
        }
        _ => false,
    }
}

/// Nothing is moved over the start or end of its message or call, a message snapshot or a run's boundary.
fn forget(places: &mut HashMap<Target, usize>, event: &Event) {
    match &event.kind {
        EventKind::TextMessageStart { message_id, .. }
        | EventKind::TextMessageEnd { message_id }
        | EventKind::ReasoningMessageStart { message_id, .. }
        | EventKind::ReasoningMessageEnd { message_id } => {
            places.remove(&Target::Message(message_id.clone()));
        }
        EventKind::ToolCallStart { tool_call_id, .. } | EventKind::ToolCallEnd { tool_call_id } => {
            places.remove(&Target::Call(tool_call_id.clone()));
        }
        kind if kind.concerns_whole_run() => places.clear(),
        _ => {}
    }
}
