//! Events of every kind.

use ambient::agui::{EventKind as K, *};
use proptest::{option, prelude::*};

use super::{
    MAX_SAFE, id,
    input::{input, interrupt, messages, usage},
    json_value,
    messages::content,
    object, patch, solid_json, text,
};

type Kinds = Vec<BoxedStrategy<EventKind>>;

/// A generator for each of the 31 kinds.
pub(crate) fn kinds() -> Kinds {
    let families = [run(), text_message(), tool(), state(), other(), reasoning(), subagent()];
    families.into_iter().flatten().collect()
}

/// An event of the given kind with every mix of the members that it may have besides.
pub(crate) fn event(kind: BoxedStrategy<EventKind>) -> impl Strategy<Value = Event> {
    let common = (option::of(-MAX_SAFE..=MAX_SAFE), option::of(solid_json()), option::of(object()));
    (kind, common, option::of(id()), id()).prop_map(|(kind, (timestamp, raw_event, metadata), tag, own)| {
        let subagent_run_id = match &kind {
            EventKind::SubagentStarted { .. }
            | EventKind::SubagentFinished { .. }
            | EventKind::SubagentError { .. } => Some(own),
            kind if kind.concerns_whole_run() => None,
            _ => tag,
        };
        Event { kind, timestamp, raw_event, metadata, subagent_run_id }
    })
}

fn run() -> Kinds {
    vec![
        (id(), id(), option::of(text()), option::of(id()), option::of(input()))
            .prop_map(|(thread_id, run_id, protocol_version, parent_run_id, input)| K::RunStarted {
                thread_id,
                run_id,
                protocol_version,
                parent_run_id,
                input: input.map(Box::new),
            })
            .boxed(),
        (id(), id(), option::of(solid_json()), option::of(outcome()), usage())
            .prop_map(|(thread_id, run_id, result, outcome, usage)| K::RunFinished {
                thread_id,
                run_id,
                result,
                outcome,
                usage,
            })
            .boxed(),
        (text(), option::of(text()), usage())
            .prop_map(|(message, code, usage)| K::RunError { message, code, usage })
            .boxed(),
        text().prop_map(|step_name| K::StepStarted { step_name }).boxed(),
        text().prop_map(|step_name| K::StepFinished { step_name }).boxed(),
    ]
}

fn text_message() -> Kinds {
    vec![
        (id(), option::of(text_role()), option::of(text()))
            .prop_map(|(message_id, role, name)| K::TextMessageStart { message_id, role, name })
            .boxed(),
        (id(), text()).prop_map(|(message_id, delta)| K::TextMessageContent { message_id, delta }).boxed(),
        id().prop_map(|message_id| K::TextMessageEnd { message_id }).boxed(),
        (option::of(id()), option::of(text_role()), option::of(text()), option::of(text()))
            .prop_map(|(message_id, role, delta, name)| K::TextMessageChunk { message_id, role, delta, name })
            .boxed(),
    ]
}

fn tool() -> Kinds {
    vec![
        (id(), text(), option::of(id()))
            .prop_map(|(tool_call_id, tool_call_name, parent_message_id)| K::ToolCallStart {
                tool_call_id,
                tool_call_name,
                parent_message_id,
            })
            .boxed(),
        (id(), text()).prop_map(|(tool_call_id, delta)| K::ToolCallArgs { tool_call_id, delta }).boxed(),
        id().prop_map(|tool_call_id| K::ToolCallEnd { tool_call_id }).boxed(),
        (option::of(id()), option::of(text()), option::of(id()), option::of(text()))
            .prop_map(|(tool_call_id, tool_call_name, parent_message_id, delta)| K::ToolCallChunk {
                tool_call_id,
                tool_call_name,
                parent_message_id,
                delta,
            })
            .boxed(),
        (id(), id(), content(), option::of(Just(ToolRole::Tool)))
            .prop_map(|(message_id, tool_call_id, content, role)| K::ToolCallResult {
                message_id,
                tool_call_id,
                content,
                role,
            })
            .boxed(),
    ]
}

fn state() -> Kinds {
    vec![
        json_value().prop_map(|snapshot| K::StateSnapshot { snapshot }).boxed(),
        patch().prop_map(|delta| K::StateDelta { delta }).boxed(),
        messages().prop_map(|messages| K::MessagesSnapshot { messages }).boxed(),
        (id(), text(), object(), option::of(any::<bool>()))
            .prop_map(|(message_id, activity_type, content, replace)| K::ActivitySnapshot {
                message_id,
                activity_type,
                content,
                replace,
            })
            .boxed(),
        (id(), text(), patch())
            .prop_map(|(message_id, activity_type, patch)| K::ActivityDelta { message_id, activity_type, patch })
            .boxed(),
    ]
}

fn other() -> Kinds {
    vec![
        (json_value(), option::of(text())).prop_map(|(event, source)| K::Raw { event, source }).boxed(),
        (text(), json_value()).prop_map(|(name, value)| K::Custom { name, value }).boxed(),
    ]
}

fn reasoning() -> Kinds {
    vec![
        id().prop_map(|message_id| K::ReasoningStart { message_id }).boxed(),
        id().prop_map(|message_id| K::ReasoningMessageStart { message_id, role: ReasoningRole::Reasoning }).boxed(),
        (id(), text()).prop_map(|(message_id, delta)| K::ReasoningMessageContent { message_id, delta }).boxed(),
        id().prop_map(|message_id| K::ReasoningMessageEnd { message_id }).boxed(),
        (option::of(id()), option::of(text()))
            .prop_map(|(message_id, delta)| K::ReasoningMessageChunk { message_id, delta })
            .boxed(),
        id().prop_map(|message_id| K::ReasoningEnd { message_id }).boxed(),
        (any::<bool>(), id(), text())
            .prop_map(|(is_message, entity_id, encrypted_value)| K::ReasoningEncryptedValue {
                subtype: if is_message { EncryptedSubtype::Message } else { EncryptedSubtype::ToolCall },
                entity_id,
                encrypted_value,
            })
            .boxed(),
    ]
}

fn subagent() -> Kinds {
    vec![
        (text(), option::of(text()), option::of(id()), option::of(id()), option::of(id()))
            .prop_map(|(name, description, parent, parent_tool_call_id, parent_message_id)| K::SubagentStarted {
                name,
                description,
                parent_subagent_run_id: parent,
                parent_tool_call_id,
                parent_message_id,
            })
            .boxed(),
        (option::of(solid_json()), option::of(subagent_outcome()))
            .prop_map(|(result, outcome)| K::SubagentFinished { result, outcome })
            .boxed(),
        (text(), option::of(text())).prop_map(|(message, code)| K::SubagentError { message, code }).boxed(),
    ]
}

fn outcome() -> impl Strategy<Value = RunOutcome> {
    prop_oneof![
        prop::collection::vec(id(), 0..3)
            .prop_map(|pending_tool_call_ids| RunOutcome::Success { pending_tool_call_ids }),
        prop::collection::vec(interrupt(), 1..3).prop_map(|interrupts| RunOutcome::Interrupt { interrupts }),
        Just(RunOutcome::Cancelled),
    ]
}

fn subagent_outcome() -> impl Strategy<Value = SubagentOutcome> {
    prop_oneof![
        Just(SubagentOutcome::Success),
        prop::collection::vec(id(), 0..3).prop_map(|interrupt_ids| SubagentOutcome::Suspended { interrupt_ids }),
    ]
}

fn text_role() -> impl Strategy<Value = TextRole> {
    prop::sample::select(vec![TextRole::Developer, TextRole::System, TextRole::Assistant, TextRole::User])
}
